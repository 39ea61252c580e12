"""PURE: the key by which the rows of two tables are matched, and how each of its columns is spelled.

Two rows belong together when their keys are equal *as the database sees it*, so a type that calls different
texts equal needs a spelling of its own (numeric 1.0 and 1.00) or serves no key at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dbsync.data.columns import Pairing
from dbsync.model import Column, ColumnType, Table, UniqueKey, quote_identifier
from dbsync.segments import KeyColumn, RowKey, Spelling

_AS_PRINTED = frozenset({
    "bool", "int2", "int4", "int8", "oid", "uuid", "text", "varchar", "name", "char", "bytea", "date", "time",
    "timestamp", "timestamptz", "macaddr", "macaddr8", "inet", "cidr", "pg_lsn", "bit", "varbit",
})  # fmt: skip
_SPELLED: dict[str, Spelling] = {
    "numeric": "trimmed", "float4": "unsigned_zero", "float8": "unsigned_zero", "bpchar": "unpadded",
}  # fmt: skip
_INTEGERS = frozenset(("int2", "int4", "int8"))


def choose_key(source: Table, target: Table, pairing: Pairing) -> RowKey | str:
    """Return the key to match rows by, or the reason why there is none."""
    copied = {pair.name for pair in pairing.pairs if pair.copied}
    reasons: list[str] = []
    for names in _candidates(source, target):
        if not copied.issuperset(names):
            reasons.append(f"its key ({_listed(names)}) is not in the copy")
            continue
        found = _spelled(source, target, names)
        if isinstance(found, RowKey):
            return found
        reasons.append(found)
    return reasons[0] if reasons else "it has no unique key of NOT NULL columns on both sides"


def unique_values(source: Table, target: Table, pairing: Pairing, key: RowKey | None) -> tuple[RowKey, ...]:
    """The target's other unique columns that are copied, where equal values have equal spellings."""
    copied = {pair.name for pair in pairing.pairs if pair.copied}
    others = [
        unique.columns
        for unique in target.keys
        if copied.issuperset(unique.columns) and (key is None or set(unique.columns) != set(key.names))
    ]
    found = [_spelled(source, target, names) for names in others]
    return tuple(each for each in found if isinstance(each, RowKey))


def _candidates(source: Table, target: Table) -> list[tuple[str, ...]]:
    """The column sets that are unique and NOT NULL on both sides, primary keys first, then the narrowest."""
    theirs = {frozenset(key.columns) for key in target.keys if key.not_null}
    primary = {frozenset(key.columns) for key in target.keys if key.primary}
    shared = [key for key in source.keys if key.not_null and frozenset(key.columns) in theirs]

    def rank(key: UniqueKey) -> tuple[bool, bool, int, str]:
        return not key.primary, frozenset(key.columns) not in primary, len(key.columns), key.name

    return [key.columns for key in sorted(shared, key=rank)]


def _spelled(source: Table, target: Table, names: Sequence[str]) -> RowKey | str:
    columns: list[KeyColumn] = []
    bases: list[frozenset[str]] = []
    for name in names:
        ours, theirs = source.column(name), target.column(name)
        assert ours is not None
        assert theirs is not None
        spelling = _spelling((ours, theirs))
        if spelling is None:
            return f"its key column {quote_identifier(name)} ({theirs.type.text}) calls different values equal"
        columns.append(KeyColumn(name, spelling))
        bases.append(frozenset((_bottom(ours.type).name, _bottom(theirs.type).name)))
    return RowKey(tuple(columns), len(columns) == 1 and bases[0] <= _INTEGERS)


def _spelling(sides: Iterable[Column]) -> Spelling | None:
    found: set[Spelling] = set()
    for column in sides:
        base = _bottom(column.type)
        if not column.deterministic or base.element is not None:
            return None
        if base.kind == "enum" or (_built_in(base) and base.name in _AS_PRINTED):
            found.add("text")
        elif _built_in(base) and base.name in _SPELLED:
            found.add(_SPELLED[base.name])
        else:
            return None
    found -= {"text"} if len(found) > 1 else set()  # an integer that is numeric on the other side
    return found.pop() if len(found) == 1 else None


def _built_in(kind: ColumnType) -> bool:
    return kind.kind == "base" and kind.schema == "pg_catalog"


def _bottom(kind: ColumnType) -> ColumnType:
    while kind.base is not None:
        kind = kind.base
    return kind


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quote_identifier, names))
