"""What a signature of row versions relies on, read from the catalogs of one side. Nothing here decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dbsync.model import TableName
from dbsync.pg.database import Session
from dbsync.pg.sql import load

_SQL = load("signatures")


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Which server, on which branch of its history, since which start and crash.

    ``xid``: the next transaction's; ``oldest``: before it every transaction had ended. Both with their epoch, and as
    the snapshot has them that the facts are read in.
    """

    system: str
    timeline: str
    database: int
    version: str
    started: str
    recovered: str
    xid: int
    oldest: int


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table's files, columns and types, as digests. ``obstacle``: why versions say nothing about its rows."""

    obstacle: str | None
    relations: str
    columns: str
    types: str


def read_server(session: Session) -> ServerFacts:
    """Read the server's facts. Raises StatementFailed where the role may not."""
    return ServerFacts(*session.one(_SQL["server"]))


def read_tables(session: Session, oids: Iterable[int]) -> Mapping[int, TableFacts]:
    """Read the facts of tables; partitioned ones with all their partitions."""
    return {oid: TableFacts(*facts) for oid, *facts in session.execute(_SQL["tables"], [list(oids)])}


def is_heap(session: Session, table: TableName) -> bool:
    """Whether all rows of a table, its partitions and children are row versions with an xmin of their own."""
    (heap,) = session.one(_SQL["all_heap"], [table.schema, table.name])
    return bool(heap)
