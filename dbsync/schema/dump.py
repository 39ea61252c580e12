"""PURE: two ``pg_dump --schema-only`` texts compared object by object: the second judge of a migration.

It knows nothing of snapshots: what pg_dump prints differently is different, but for what Postgres itself prints
otherwise when it has read its own print. Only what has no order in Postgres is compared without it: objects, grants,
options, and a table's columns, whose order no ALTER can change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import zip_longest

from dbsync.schema.prints import canonical

_HEADER = re.compile(
    r"^--\n-- (?:Data for )?Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: ?(.*)\n--\n", re.MULTILINE
)
_DEFAULTS = re.compile(r"^SET (default_tablespace|default_table_access_method) = (.*);\n", re.MULTILINE)
_END = re.compile(r"\n--\n-- PostgreSQL database dump complete\n--\n.*\Z", re.DOTALL)
_COLUMNS = re.compile(r"\A(CREATE [^\n]*\()\n(.*)\n(\).*)\Z", re.DOTALL)
_OPTIONS = re.compile(r"(?<=WITH \()[^()]*(?=\))")
_COLUMN_LIST = re.compile(r"""( ADD TABLE ONLY (?:"(?:[^"]|"")*"|[\w$.])+) \(([^()]*)\)""")
_IDENTITY = re.compile(
    r"\AALTER TABLE (?:ONLY )?(.+) ALTER COLUMN (.+) ADD GENERATED (?:ALWAYS|BY DEFAULT) AS IDENTITY"
)
_BEYOND = {"smallint": 2**15, "integer": 2**31}  # the first number that a type does not hold
_WITH_OPTIONS = ("TABLE", "INDEX", "MATERIALIZED VIEW", "VIEW", "CONSTRAINT")
_WITH_COLUMNS = ("TABLE", "FOREIGN TABLE")
_WITH_BODIES = ("FUNCTION", "PROCEDURE")
_STORED = ("TABLE", "MATERIALIZED VIEW", "INDEX", "CONSTRAINT")
# Of these, statements about single columns follow the object's own, in the order of the columns.
_OF_PARTS = (*_WITH_COLUMNS, "MATERIALIZED VIEW", "INDEX", "CONSTRAINT", "VIEW")

Title = tuple[str, str, str]
Statements = tuple[tuple[str, ...], ...]


def differing_objects(wanted: str, present: str) -> tuple[str, ...]:
    """Return the names of objects that the two dumps print differently, sorted."""
    first, second = _objects(wanted), _objects(present)
    return tuple(sorted(_said(key) for key in first.keys() | second.keys() if first.get(key) != second.get(key)))


def _said(title: Title) -> str:
    kind, schema, name = title
    return f"{kind.lower()} {name}" if schema == "-" else f"{kind.lower()} {schema}.{name}"


def _objects(dump: str) -> Mapping[Title, Counter[Statements]]:
    """Each object's statements; entries of one title stand together."""
    found: dict[Title, Counter[Statements]] = {}
    headers = list(_HEADER.finditer(dump))
    # Said once for all that follow, before the first object that differs from the one before.
    settings = dict(_DEFAULTS.findall(dump[: headers[0].start()] if headers else ""))
    for header, following in zip_longest(headers, headers[1:]):
        body = dump[header.end() : following.start() if following else len(dump)]
        name, kind, schema, owner = header.groups()
        settings |= dict(_DEFAULTS.findall(body))
        own = _DEFAULTS.sub("", _END.sub("", body)).strip()
        if kind not in _WITH_BODIES or "BEGIN ATOMIC" in own:
            own = canonical(own)
        if kind == "SEQUENCE":
            own = _bounded_by_column(own, dump)
        stored = tuple(f"{key} = {value}" for key, value in sorted(settings.items())) if kind in _STORED else ()
        statements = (*_statements(kind, own), stored, (owner,))
        found.setdefault((kind, schema, name), Counter())[statements] += 1
    return found


def _bounded_by_column(text: str, dump: str) -> str:
    """An identity's bounds as they are printed after a restore, where its sequence has the column's type.

    LIKE makes it a bigint over any column, so that the bounds of an integer are said.
    """
    down = "\n    INCREMENT BY -" in text
    for kind, beyond in _BEYOND.items():
        bound, number = ("MINVALUE", -beyond) if down else ("MAXVALUE", beyond - 1)
        said = f"\n    {bound} {number}\n"
        identity = _IDENTITY.match(text) if said in text else None
        if identity is not None and _column_is(kind, identity[1], identity[2], dump):
            return text.replace(said, f"\n    NO {bound}\n")
    return text


def _column_is(kind: str, table: str, column: str, dump: str) -> bool:
    start = rf"^CREATE (?:\w+ )?TABLE {re.escape(table)} \(\n"
    return re.search(rf"{start}(?:    .*\n)*?    {re.escape(column)} {kind}\b", dump, re.MULTILINE) is not None


def _statements(kind: str, text: str) -> Iterator[tuple[str, ...]]:
    """Yield the object's statements, sorted where their order says nothing."""
    if kind in _WITH_OPTIONS:
        text = _OPTIONS.sub(lambda options: ", ".join(sorted(options[0].split(", "))), text)
    if kind.endswith("ACL"):
        yield tuple(sorted(_grants(text)))
        return
    if kind == "PUBLICATION TABLE":  # a column list has no order
        text = _COLUMN_LIST.sub(lambda found: f"{found[1]} ({', '.join(sorted(found[2].split(', ')))})", text, count=1)
    if kind not in _OF_PARTS:
        yield (text,)
        return
    first, *others = text.split(";\n")
    columns = _COLUMNS.match(first) if kind in _WITH_COLUMNS else None
    if columns is None:
        yield (first.rstrip(";"),)
    else:
        yield (columns[1], columns[3].rstrip(";"))
        yield tuple(sorted(column.strip() for column in columns[2].split(",\n    ")))
    yield tuple(sorted(other.strip().rstrip(";") for other in others if other.strip()))


def _grants(text: str) -> Iterator[str]:
    """Yield each grant with the role that grants."""
    role = ""
    for statement in text.split(";\n"):
        if statement.strip().startswith("SET SESSION AUTHORIZATION"):
            role = f"{statement.strip()}: "
        elif statement.strip().startswith("RESET SESSION AUTHORIZATION"):
            role = ""
        else:
            yield role + statement.strip().rstrip(";")
