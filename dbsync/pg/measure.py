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


class Measuring:
    """Runs statements one after the other in a session that nobody else disturbs, and tells what each did."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[int, _Relation] | None = None

    def run(self, statement: str) -> Effects:
        """Run a statement in a transaction of its own. Raises StatementFailed."""
        session = self._session
        with session.transaction():
            if self._known is None:
                self._known = _relations(session)
            scanned = dict(session.execute(_SQL["scans"]))
            session.execute_text(statement)
            # Whatever was made, rewritten or renamed is locked by who did it.
            touched = session.execute(_SQL["touched"])
            scans = {oid for oid, count in session.execute(_SQL["scans"]) if count > scanned.get(oid, 0)}
        effects = _effects(self._known, touched, scans)
        self._known |= {oid: _Relation((s, n), f, t or 0) for oid, _, s, n, f, t in touched if n is not None}
        if statement.upper().startswith("ALTER SCHEMA"):
            self._known = None  # its tables have another name now, and are not locked
        return effects

    def run_alone(self, statement: str) -> None:
        """Run a statement that no transaction takes: its locks are gone before anybody could ask."""
        self._known = None
        self._session.execute_text(statement)


def measured(session: Session, statement: str) -> Effects:
    """Run a single statement in a transaction of its own and tell what it did. Raises StatementFailed."""
    return Measuring(session).run(statement)


def _effects(
    before: Mapping[int, _Relation],
    touched: Iterable[tuple[int, str, str | None, str | None, int | None, int | None]],
    scans: set[int],
) -> Effects:
    locks: dict[TableKey, str] = {}
    rewrites, builds = set(), set()
    files = {relation.file for relation in before.values()}
    for oid, mode, _, _, file, table in touched:
        known = before.get(oid)
        if known is not None and not known.table:
            locks[known.key] = max(locks.get(known.key, mode), mode, key=MODES.index)
        if not file or file in files:  # an index may take over the file of another one
            continue
        if known is not None and not known.table:
            rewrites.add(known.key)
        if table is not None and table in before:
            builds.add(before[table].key)
    return Effects(
        locks=locks,
        rewrites=frozenset(rewrites),
        scans=frozenset(before[oid].key for oid in scans if oid in before),
        builds=frozenset(builds),
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
