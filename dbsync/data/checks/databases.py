"""PURE: checks of the two databases as wholes: versions, encodings, collations, types, extensions."""

from __future__ import annotations

from collections.abc import Iterator

from dbsync.data.checks.pairs import Checked, bottom
from dbsync.data.problem import Problem
from dbsync.model import Catalog, Circumstances, Collation, ColumnType, Table

_BY_CODE_POINT = frozenset({"C", "POSIX", "C.UTF-8", "C.UTF8", "C.utf8", "PG_UNICODE_FAST"})
_C = Collation(name="C", provider="c", locale="C")
_INFINITY_SINCE = {"numeric": 14, "interval": 17}


def database_problems(found: Checked) -> Iterator[Problem]:
    """Yield what holds for the databases and not for a table, and what their versions mean for columns."""
    source, target = found.draft.source, found.draft.target
    if target.in_recovery:
        yield Problem("standby_target", "the target is a standby, which takes no writes")
    if target.major < source.major:
        said = f"the target runs Postgres {target.server_version}, older than the source's {source.server_version}"
        yield Problem("server_older", said, sides=(source.server_version, target.server_version))
        yield from _infinities(found)
    yield from _encodings(source, target)
    yield from _default_collations(found.source.default_collation, found.target.default_collation)
    for side, around, tables in (
        ("source", found.source, [pair.source for pair in found.pairs]),
        ("target", found.target, [pair.target for pair in found.pairs]),
    ):
        yield from _stale(side, around, {column.collation for table in tables for column in table.columns})
    yield from _types(found)


def _infinities(found: Checked) -> Iterator[Problem]:
    older, newer = found.draft.target.major, found.draft.source.major
    for pair in found.roots:
        for column, _ in pair.columns:
            kind = bottom(column.type)
            since = _INFINITY_SINCE.get(kind.name) if kind.schema == "pg_catalog" else None
            if since is not None and older < since <= newer and not (kind.name == "numeric" and kind.typmod != -1):
                said = f"column {column.name} may hold Infinity in the source, which Postgres {older} does not know"
                yield pair.found("infinity_unsupported", said, column=column.name)


def _encodings(source: Catalog, target: Catalog) -> Iterator[Problem]:
    sides = (source.encoding, target.encoding)
    if source.encoding == target.encoding:
        return
    both = f"the source is encoded in {source.encoding}, the target in {target.encoding}"
    if "SQL_ASCII" in sides:
        yield Problem("encoding_unknown", f"{both}: SQL_ASCII says nothing about what the bytes mean", sides=sides)
    elif target.encoding != "UTF8":
        said = f"{both}: a row with a character that the target lacks will fail"
        yield Problem("encoding_narrower", said, sides=sides)
    else:
        yield Problem("encoding_differs", both, sides=sides)


def _default_collations(left: Collation, right: Collation) -> Iterator[Problem]:
    sides = (spelled(left), spelled(right))
    if order(left) != order(right):
        said = f"the source's default collation is {sides[0]}, the target's {sides[1]}"
        yield Problem("collation_default", said, sides=sides)
    elif versions_differ(left, right):
        said = (
            f"the default collation {sides[0]} has version {left.version} in the source, {right.version} in the target"
        )
        yield Problem("collation_version", said, name="default", sides=(left.version, right.version))


def _stale(side: str, around: Circumstances, used: set[str | None]) -> Iterator[Problem]:
    for collation in (around.default_collation, *(one for name, one in around.collations.items() if name in used)):
        if collation.stale:
            said = (
                f"the {side}'s collation {collation.name} was made with version {collation.version}, its server now "
                f"provides {collation.actual}: indexes on texts may be in the wrong order"
            )
            yield Problem("collation_stale", said, name=f"{side}:{collation.name}")


def versions_differ(left: Collation, right: Collation) -> bool:
    """Whether two collations of one order may have been changed between their versions; code points never are."""
    if order(left) == order(_C):
        return False
    return None not in (left.version, right.version) and left.version != right.version


def order(collation: Collation) -> tuple[str, str | None, bool]:
    """What two collations share that sort and compare alike; versions apart."""
    if collation.provider in ("b", "c") and collation.locale in _BY_CODE_POINT:
        return "code points", None, True
    return collation.provider, collation.locale, collation.deterministic


def spelled(collation: Collation) -> str:
    """A collation's provider and locale."""
    provider = {"c": "libc", "i": "icu", "b": "builtin"}.get(collation.provider, collation.provider)
    return f"{provider} {collation.locale}"


def _types(found: Checked) -> Iterator[Problem]:
    """The types that the selected tables use, tables that the other side has not included."""
    draft = found.draft
    missing = {problem.table for problem in draft.selection.problems if problem.rule == "table_missing"}
    options = draft.plan.options
    lonely = [table for name, table in draft.source.tables.items() if options.target_name(name) in missing]
    ours = _used([*lonely, *(pair.source for pair in found.roots)])
    theirs = _used(pair.target for pair in found.roots)
    here, there = _defined(draft.source), _defined(draft.target)
    schemas = {**{pair.source.name.schema: pair.target.name.schema for pair in found.roots}, **options.schema_map()}
    back = {target: source for source, target in schemas.items()}
    for kind in ours:
        if kind.extension is None and not {(kind.schema, kind.name), (schemas.get(kind.schema), kind.name)} & there:
            said = f"the {kind.kind} type {kind.text} is not in the target"
            yield Problem("type_missing", said, name=kind.text)
    for kind in theirs:
        if kind.extension is None and not {(kind.schema, kind.name), (back.get(kind.schema), kind.name)} & here:
            yield Problem("type_extra", f"the {kind.kind} type {kind.text} is in the target only", name=kind.text)
    for extension in sorted({kind.extension for kind in ours if kind.extension is not None}):
        yield from _extension(extension, draft.source, draft.target)


def _extension(name: str, source: Catalog, target: Catalog) -> Iterator[Problem]:
    sides = (source.extensions.get(name), target.extensions.get(name))
    if sides[1] is None:
        yield Problem("extension_missing", f"the extension {name} is not in the target", name=name, sides=sides)
    elif sides[0] != sides[1]:
        said = f"the extension {name} has version {sides[0]} in the source, {sides[1]} in the target"
        yield Problem("extension_version", said, name=name, sides=sides)


def _used(tables: Iterator[Table] | list[Table]) -> list[ColumnType]:
    """The user-made types of the tables' columns, domains along the way included, in name order."""
    found: dict[str, ColumnType] = {}
    for table in tables:
        for column in table.columns:
            kind: ColumnType | None = column.type
            while kind is not None:
                if kind.schema != "pg_catalog" and kind.element is None:
                    found.setdefault(kind.text, kind)
                kind = kind.element or kind.base
    return [kind for _, kind in sorted(found.items())]


def _defined(catalog: Catalog) -> set[tuple[str | None, str]]:
    rows = {(name.schema, name.name) for name in catalog.tables}  # a table's rows are of a type, too
    return {(kind.schema, kind.name) for kind in catalog.types} | rows
