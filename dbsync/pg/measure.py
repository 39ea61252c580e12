"""What a statement does to those who use a database, asked of the server right after it ran: locks, rewrites, scans.

Nothing is guessed from the statement's text; an empty table tells as much as a full one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dbsync.pg.database import Session
from dbsync.pg.sql import load

_SQL = load("measure")
# From weak to strong, as the manual orders them.
MODES = (
    "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
    "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
)  # fmt: skip
TableKey = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """The strongest lock by table, the tables that were rewritten or read whole, the indexes that were built.

    Tables are those that were there before the statement.
    """

    locks: Mapping[TableKey, str] = field(default_factory=dict)
    rewrites: frozenset[TableKey] = frozenset()
    scans: frozenset[TableKey] = frozenset()
    builds: frozenset[TableKey] = frozenset()


@dataclass(frozen=True, slots=True)
class TableSize:
    """What a table weighs, by the server's own estimate: rows (None: never counted) and bytes with indexes."""

    rows: int | None
    bytes: int


def measured(session: Session, statement: str) -> Effects:
    """Run a statement in a transaction of its own and tell what it did. Raises StatementFailed."""
    with session.transaction():
        before, scanned = _relations(session), dict(session.execute(_SQL["scans"]))
        session.execute_text(statement)
        locks: dict[TableKey, str] = {}
        for oid, mode in session.execute(_SQL["locks"]):
            if oid in before and not before[oid].table:
                key = before[oid].key
                locks[key] = max(locks.get(key, mode), mode, key=MODES.index)
        scans = {oid for oid, count in session.execute(_SQL["scans"]) if count > scanned.get(oid, 0)}
        after = _relations(session)
    files = {relation.file for relation in before.values()}
    fresh = [(oid, relation) for oid, relation in after.items() if relation.file and relation.file not in files]
    return Effects(
        locks=locks,
        rewrites=frozenset(before[oid].key for oid, _ in fresh if oid in before and not before[oid].table),
        scans=frozenset(before[oid].key for oid in scans if oid in before),
        builds=frozenset(before[made.table].key for _, made in fresh if made.table in before),
    )


def sizes(session: Session, tables: Iterable[TableKey]) -> Mapping[TableKey, TableSize]:
    """The sizes of tables, partitions included; those that are not there are left out."""
    wanted = list(tables)
    if not wanted:
        return {}
    rows = session.execute(_SQL["sizes"], [[schema for schema, _ in wanted], [table for _, table in wanted]])
    return {(schema, table): TableSize(count, size) for schema, table, count, size in rows}


class _Relation(NamedTuple):
    """A table (``table`` is 0) or an index, with the number of its file (0: it has none)."""

    key: TableKey
    file: int
    table: int


def _relations(session: Session) -> dict[int, _Relation]:
    return {
        oid: _Relation((schema, name), file, table or 0)
        for oid, schema, name, file, table in session.execute(_SQL["relations"])
    }
