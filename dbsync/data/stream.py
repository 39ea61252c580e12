"""How a table's rows are asked of the source, and how their way is told while they stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from dbsync.data.context import RunContext
from dbsync.data.plan import TableTask
from dbsync.data.spool import Spool
from dbsync.errors import DbsyncError
from dbsync.events import TableProgress, TableStarted
from dbsync.model import TableName
from dbsync.pg import runs, statements
from dbsync.pg.copy import Copied, copy_rows
from dbsync.pg.database import Session
from dbsync.pg.statements_compare import select_at
from dbsync.pg.statements_repair import create_changes

_PROGRESS_S = 0.1
_LOCATIONS = 5000  # a statement; their text is about 70 kB


def copied_columns(task: TableTask) -> list[str]:
    """The columns whose values are copied."""
    return [pair.name for pair in task.columns if pair.copied]


def make_staging(session: Session, run: RunContext, staging: TableName, task: TableTask) -> None:
    """Make the table beside the target's in which rows are staged."""
    columns = copied_columns(task)
    for statement in statements.create_staging(staging, task.target, columns, only=task.target_only):
        session.execute(statement)
    _take_forms(session, run, staging, task)


def make_changes(session: Session, run: RunContext, changes: str, task: TableTask) -> None:
    """Make a temporary table for rows on their way to the target's, gone with the transaction."""
    columns = copied_columns(task)
    session.execute(create_changes(changes, task.target, columns, only=task.target_only))
    _take_forms(session, run, TableName("pg_temp", changes), task)


def _take_forms(session: Session, run: RunContext, made: TableName, task: TableTask) -> None:
    (oid,) = run.target_oids([task.target]).values()
    runs.take_forms(session, made, copied_columns(task), of=oid)


def page_ranges(task: TableTask) -> list[tuple[int, int | None] | None]:
    """The ranges of pages in which the source relation may be read; None for all of it."""
    if not task.pages_per_range:
        return [None]
    firsts = range(0, max(task.pages, 1), task.pages_per_range)
    # the last one is open: the table may have grown since the plan
    return [*((first, first + task.pages_per_range) for first in firsts[:-1]), (firsts[-1], None)]


def copy_queries(task: TableTask, *, readers: int) -> Iterator[statements.Statement]:
    """The COPY statements that together read the source relation: in ranges only where several readers share them."""
    columns = copied_columns(task)
    whole = task.source_only and task.where is None and bool(columns)
    if any(pair.computed for pair in task.columns if pair.copied):
        whole = False  # COPY of a table names no generated column, COPY of a query does
    if whole and (not task.pages_per_range or readers == 1):
        yield statements.copy_table_out(task.source, columns, binary=task.binary)
        return
    for pages in page_ranges(task) if readers > 1 else [None]:
        rows = statements.select_rows(task.source, columns, only=task.source_only, where=task.where, pages=pages)
        yield statements.copy_out(rows, binary=task.binary)


def copy_queries_at(task: TableTask, places: Spool) -> Iterator[statements.Statement]:
    """The COPY statements that together read the source's rows at these places."""
    columns = copied_columns(task)
    for oid, locations in places.batches(_LOCATIONS):
        rows = select_at(task.source, columns, only=task.source_only, oid=oid, locations=locations)
        yield statements.copy_out(rows, binary=task.binary)


def copy_places(session: Session, run: RunContext, task: TableTask, into: TableName, places: Spool) -> Copied:
    """COPY the source's rows at these places into a table of the target."""
    run.emit(TableStarted(table=task.target, rows=places.count, bytes=-1))
    with run.copy_readers(task) as readers, progress_of(task, run) as progress:
        copied = copy_rows(
            readers[:1],
            copy_queries_at(task, places),
            session,
            statements.copy_in(into, copied_columns(task), binary=task.binary),
            binary=task.binary,
            pace=run.pace,
            progress=progress,
        )
    if copied.rows != places.count:
        raise DbsyncError(
            f"{task.target}: the source gave {copied.rows} of {places.count} rows that its snapshot holds",
            code="SNAPSHOT_BROKEN",
        )
    return copied


class Progress:
    """Adds up rows and bytes and tells them ten times a second."""

    def __init__(self, table: TableName, run: RunContext) -> None:
        self._table, self._run = table, run
        self._rows = self._bytes = 0
        self._told = time.monotonic()

    def __call__(self, rows: int, count: int) -> None:
        self._rows += rows
        self._bytes += count
        if time.monotonic() - self._told >= _PROGRESS_S:
            self.flush()

    def flush(self) -> None:
        """Tell what has gathered."""
        if self._rows or self._bytes:
            self._run.emit(TableProgress(table=self._table, rows=self._rows, bytes=self._bytes))
        self._rows = self._bytes = 0
        self._told = time.monotonic()


@contextmanager
def progress_of(task: TableTask, run: RunContext) -> Iterator[Progress]:
    """Tell a table's progress during the block, the last of it included."""
    progress = Progress(task.target, run)
    yield progress
    progress.flush()
