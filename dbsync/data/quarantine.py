"""Rows that the target refuses: parts that fail are halved until the bad rows stand alone, and those are kept apart.

Rows are addressed by their place in the source's snapshot, each part is written from a savepoint. What is kept of a
bad row goes to the ledger in the transaction that writes the others. Its hashes are known: the rest can be checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dbsync.data.compare import sides_of
from dbsync.data.context import Digest, RunContext
from dbsync.data.plan import TableTask
from dbsync.data.spool import Spool
from dbsync.errors import ConnectionLost, StatementFailed, TableFailed
from dbsync.events import TableProgress
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import statements
from dbsync.pg import statements_compare as compare_sql
from dbsync.pg.copy import copy_rows
from dbsync.pg.copy_lines import copy_lines
from dbsync.pg.database import Session
from dbsync.pg.ledger_memory import QuarantinedRow
from dbsync.segments import Segmentation

MOST_ROWS = 1000  # of one table; whoever has more has another problem than bad rows
_PART = 5000
_DATA_ERRORS = ("22", "23")
_FOREIGN_KEY = "23503"
UNIQUE = "23505"
_WHOLE = Segmentation(kind="whole")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """A row that stays out: what is told of it, and its part in the sums. ``changed``: the target keeps an old one."""

    row: QuarantinedRow
    changed: bool
    segment: int
    first: int
    second: int


def is_data_error(error: StatementFailed) -> bool:
    """Whether it is the rows that are wrong, not the server or the connection."""
    return not isinstance(error, ConnectionLost) and (error.sqlstate or "")[:2] in _DATA_ERRORS


def is_of_one_row(error: StatementFailed) -> bool:
    """Whether a part can be halved to find the row. Foreign keys speak of other rows, which may only come later."""
    return is_data_error(error) and error.sqlstate != _FOREIGN_KEY


class RowByRow:
    """Writes the tables of one group in parts. ``refused`` is by target."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self.refused: dict[TableName, list[RefusedRow]] = {}

    def write_all(self, session: Session, task: TableTask) -> tuple[int, int]:
        """COPY all rows of the source; return how many were written, and their bytes."""
        places = Spool()
        try:
            with self._run.copy_readers(task) as (reader, *_):
                query = compare_sql.locations(task.source, only=task.source_only, where=task.where)
                for lines in copy_lines(reader, query, check=self._run.control.check):
                    for line in lines:
                        places.put(line)
            return self.write(session, task, places, into=task.target)
        finally:
            places.close()

    def write(
        self,
        session: Session,
        task: TableTask,
        places: Spool,
        *,
        into: TableName,
        then: Callable[[], None] | None = None,
        segmentation: Segmentation = _WHOLE,
    ) -> tuple[int, int]:
        """COPY the rows at these places, and do ``then`` with each part; return how many were taken, and their bytes.

        Raises TableFailed when there are too many bad rows.
        """
        part = _Part(self._run, session, task, into, then)
        refused = self.refused.setdefault(task.target, [])
        for oid, locations in places.batches(_PART):
            waiting = [locations]
            while waiting:
                failed = part.write(oid, some := waiting.pop())
                if failed is None:
                    continue
                if len(some) > 1:
                    waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
                    continue
                refused.append(self._look(task, oid, some[0], failed, segmentation, changed=then is not None))
                failpoint("after_row_refused")
                if len(refused) > MOST_ROWS:
                    raise TableFailed(
                        f"{task.target}: the target refuses more than {MOST_ROWS:,} rows, the last one with: "
                        f"{failed.message}",
                        hint="nothing of it was written; see what the rows have in common",
                        sqlstate=failed.sqlstate,
                    )
        return part.rows, part.bytes

    def rest_of(self, task: TableTask, whole: Digest) -> Digest:
        """The digest of the rows that were not refused."""
        refused = self.refused.get(task.target, [])
        if not refused:
            return whole
        rows = whole.rows - len(refused)
        if not whole.first:
            return Digest(rows)
        first, second = sum(row.first for row in refused), sum(row.second for row in refused)
        return Digest(rows, str(int(whole.first) - first), str(int(whole.second) - second))

    def _look(
        self,
        task: TableTask,
        oid: int,
        location: str,
        error: StatementFailed,
        segmentation: Segmentation,
        *,
        changed: bool,
    ) -> RefusedRow:
        """Read what is told of a bad row, and its hashes."""
        side, _ = sides_of(task, segmentation, recode=self._run.recode)
        with self._run.copy_readers(task) as (reader, *_):
            segment, first, second = reader.one(side.sums_at(oid, location))
        key: str | None = None
        try:
            with self._run.copy_readers(task) as (reader, *_):
                names = task.key.names if task.key is not None else ()
                columns = [pair.name for pair in task.columns if pair.copied]
                query = compare_sql.text_at(
                    task.source, names, columns, only=task.source_only, oid=oid, location=location
                )
                key, text = reader.one(query)
        except StatementFailed as unreadable:
            if isinstance(unreadable, ConnectionLost):
                raise
            text = f"(its text cannot be read: {unreadable.message})"
        row = QuarantinedRow(table=task.target, key=key, row=text, sqlstate=error.sqlstate or "", message=error.message)
        return RefusedRow(row=row, changed=changed, segment=segment, first=first, second=second)


class _Part:
    """Writes parts of one table, each as a whole or not at all."""

    def __init__(
        self, run: RunContext, session: Session, task: TableTask, into: TableName, then: Callable[[], None] | None
    ) -> None:
        self._run, self._session, self._task, self._into, self._then = run, session, task, into, then
        self.rows = self.bytes = 0

    def write(self, oid: int, locations: list[str]) -> StatementFailed | None:
        """Write the rows at these places; return why the target refuses one of them."""
        self._run.control.check()
        task = self._task
        columns = [pair.name for pair in task.columns if pair.copied]
        rows = compare_sql.select_at(task.source, columns, only=task.source_only, oid=oid, locations=locations)
        try:
            with self._session.transaction(), self._run.copy_readers(task) as readers:
                copied = copy_rows(
                    readers[:1],
                    iter([statements.copy_out(rows, binary=task.binary)]),
                    self._session,
                    statements.copy_in(self._into, columns, binary=task.binary),
                    binary=task.binary,
                    pace=self._run.pace,
                    progress=lambda rows, count: None,
                )
                if self._then is not None:
                    self._then()
        except StatementFailed as error:
            if not is_of_one_row(error):
                raise
            return error
        self.rows += copied.rows
        self.bytes += copied.bytes
        self._run.emit(TableProgress(table=task.target, rows=copied.rows, bytes=copied.bytes))
        return None
