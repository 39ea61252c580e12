"""How the values of a column go from one type to another: by themselves, by a cast, or over their text.

ALTER COLUMN TYPE without USING takes only assignment casts; an explicit cast would cut a long varchar
without a word, so USING is written only where Postgres has no assignment cast.
"""

from __future__ import annotations

import re

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.questions import rows_of_column
from dbsync.schema.objects import Ref, Snapshot
from dbsync.schema.steps import Check

_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
TEXTS = frozenset({"text", "character varying", "character", "name", '"char"'})
_TIMES = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
_CLOCKS = frozenset({"time without time zone", "time with time zone"})
_ASSIGNABLE = (
    (_NUMBERS, _NUMBERS),
    (_TIMES, _TIMES),
    (_CLOCKS, _CLOCKS),
    (frozenset({"timestamp without time zone", "timestamp with time zone"}), _CLOCKS - {"time with time zone"}),
    (frozenset({"json", "jsonb"}), frozenset({"json", "jsonb"})),
    (frozenset({"inet", "cidr"}), frozenset({"inet", "cidr"})),
    (frozenset({"bit", "bit varying"}), frozenset({"bit", "bit varying"})),
    (frozenset({"money"}), frozenset({"numeric"})),
    (frozenset({"numeric", "integer", "bigint"}), frozenset({"money"})),
)
_EXPLICIT = frozenset({("integer", "boolean"), ("boolean", "integer"), ("jsonb", "boolean"), ("jsonb", "numeric"),
                       ("jsonb", "integer"), ("jsonb", "bigint"), ("integer", "bit"), ("bigint", "bit")})  # fmt: skip
_RANGES = {
    "smallint": (-32768, 32767),
    "integer": (-2147483648, 2147483647),
    "bigint": (-9223372036854775808, 9223372036854775807),
}
_WIDTHS = {"smallint": 1, "integer": 2, "bigint": 3, "numeric": 4}
_LENGTH = re.compile(r"^(character varying|character|numeric|bit|bit varying)\((\d+)(?:,(-?\d+))?\)$")


def base_of(type_name: str, schema: Snapshot) -> str:
    """The type without its length; of a domain, the type under it; arrays keep their brackets."""
    return _without_length(unwrapped(type_name, schema))


def unwrapped(type_name: str, schema: Snapshot) -> str:
    """The type under a domain, with its length; any other type as it is."""
    array = "[]" if type_name.endswith("[]") else ""
    plain = _without_length(type_name.removesuffix("[]"))
    for ref, made in schema.objects.items():
        if ref.kind == "domain" and name(ref.schema, ref.name) == plain:
            return unwrapped(made.parts["type"], schema) + array
    return type_name


def _without_length(type_name: str) -> str:
    return re.sub(r"\([^)]*\)", "", type_name)


def same_family(present: str, wanted: str, target: Snapshot, source: Snapshot) -> bool:
    """Whether defaults, expressions and operators over the old type go on working over the new one."""
    old, new = base_of(present, target), base_of(wanted, source)
    return old == new or any(old in family and new in family for family in (_NUMBERS, TEXTS, _TIMES))


def using(column: str, present: str, wanted: str, target: Snapshot, source: Snapshot) -> str | None:
    """Return the expression for USING, or None where Postgres converts by itself."""
    old, new = base_of(present, target), base_of(wanted, source)
    if old == new or new in TEXTS or any(old in one and new in other for one, other in _ASSIGNABLE):
        return None
    if old.endswith("[]") and new.endswith("[]") and new.removesuffix("[]") in TEXTS:
        return None  # an explicit cast would cut the long ones here, too
    own = source.objects.get(Ref("cast", "", old, new)) or target.objects.get(Ref("cast", "", old, new))
    if own is not None:
        return None if own.parts["context"] in "ai" else f"{name(column)}::{wanted}"
    if old in TEXTS or (old, new) in _EXPLICIT:
        return f"{name(column)}::{wanted}"
    if (old, new) in {("smallint", "boolean"), ("bigint", "boolean")}:
        return f"{name(column)}::integer::boolean"
    if old.endswith("[]") and new.endswith("[]"):
        return f"{name(column)}::text[]::{wanted}"
    return f"{name(column)}::text::{wanted}"


def narrowing_checks(column: Ref, present: str, wanted: str, target: Snapshot, source: Snapshot) -> tuple[Check, ...]:
    """Return what to ask the rows before a conversion that some values may not survive."""
    table, quoted = name(column.schema, column.name), name(column.sub)
    condition = _does_not_fit(column.sub, present, wanted, target, source)
    if condition is None:
        return ()
    rows = rows_of_column(column, target)
    sql = f"SELECT pg_catalog.count(*) FROM {rows} WHERE {quoted} IS NOT NULL AND ({condition})"
    return (Check(sql, f"{{}} rows of {table} hold values in {column.sub} that do not fit into {wanted}"),)


def may_not_fit(present: str, wanted: str, target: Snapshot, source: Snapshot) -> bool:
    """Whether some values of a type may not survive a conversion."""
    return _does_not_fit("value", present, wanted, target, source) is not None


def _does_not_fit(column: str, present: str, wanted: str, target: Snapshot, source: Snapshot) -> str | None:
    old, new = base_of(present, target), base_of(wanted, source)
    quoted = name(column)
    condition = None
    if new in _RANGES and old in _NUMBERS and _WIDTHS.get(old, 5) > _WIDTHS[new]:
        least, most = _RANGES[new]
        condition = f"{quoted} < {least} OR {quoted} > {most}"
    elif (length := _LENGTH.match(wanted)) and new in ("character varying", "character"):
        if not _fits(present, int(length[2])):
            condition = f"pg_catalog.length(pg_catalog.rtrim({quoted}::text)) > {length[2]}"
    elif (length := _LENGTH.match(wanted)) and new == "numeric":
        whole = int(length[2]) - int(length[3] or 0)
        if old in _NUMBERS:
            condition = f"pg_catalog.abs({quoted}::numeric) >= 10::numeric ^ {whole}"
    elif goes_over_text(column, present, wanted, target, source) and target.server_version_num >= 160000:
        condition = f"NOT pg_catalog.pg_input_is_valid({quoted}::text, {literal(wanted)})"
        if not _exists_in(wanted, target):
            condition = None
    return condition


def goes_over_text(column: str, present: str, wanted: str, target: Snapshot, source: Snapshot) -> bool:
    """Whether a value is converted by reading its text, so that the text tells whether it fits."""
    old, new = base_of(present, target), base_of(wanted, source)
    if Ref("cast", "", old, new) in source.objects.keys() | target.objects.keys():
        return False
    expression = using(column, present, wanted, target, source)
    return expression is not None and (old in TEXTS or expression.removeprefix(name(column)).startswith("::text"))


def _fits(present: str, length: int) -> bool:
    found = _LENGTH.match(present)
    return found is not None and found[1] in ("character varying", "character") and int(found[2]) <= length


def _exists_in(type_name: str, schema: Snapshot) -> bool:
    """Whether a type is there before the migration: one of Postgres' own, or one of the target's."""
    plain = _without_length(type_name.removesuffix("[]"))
    return "." not in plain or any(
        name(ref.schema, ref.name) == plain
        for ref in schema.objects
        if ref.kind in ("enum", "domain", "composite", "range")
    )
