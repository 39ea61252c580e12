"""``--mode cursor``: where each table's cursor stands, and how far it may go without ever missing a row.

The greatest value is read first, then the transactions that are open are waited for, and only then the snapshot
is taken. Whoever could still commit an older row was open at that moment: if all of them have ended, the snapshot
shows what they wrote; if one has not, the cursor stays where it was, and the next run reads from there again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dbsync.control import Control
from dbsync.data.plan import CursorColumn, SyncPlan, TableTask
from dbsync.data.report import CursorReport
from dbsync.errors import Refused
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import ledger_memory
from dbsync.pg import statements_cursor as cursor_sql
from dbsync.pg.database import Database, Session
from dbsync.pg.identity import DatabaseIdentity, identify_history
from dbsync.pg.sql import load

_PATIENCE_S = 5.0
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Stand:
    """One table's cursor: rows past ``start`` are read (None: all rows), ``end`` is stored (None: it stays)."""

    start: str | None
    end: str | None


@dataclass(frozen=True, slots=True)
class Cursors:
    """The cursors of a run, by target table, and the source they belong to."""

    source: DatabaseIdentity
    stands: Mapping[TableName, Stand]
    labels: Mapping[TableName, str]
    warnings: tuple[str, ...] = ()

    def report(self, task: TableTask) -> CursorReport | None:
        """Where a table's cursor stands and goes, for people."""
        stand = self.stands.get(task.target)
        return CursorReport(task.cursor.name, stand.start, stand.end) if stand and task.cursor else None

    def store(self, session: Session, tasks: Iterable[TableTask]) -> None:
        """Move the cursors of tables, in the transaction that writes their rows."""
        for task in tasks:
            end = self.stands[task.target].end
            if end is not None:
                failpoint("before_cursor_stored")
                ledger_memory.write_cursor(session, self.source, task.target, self.labels[task.target], end)
                failpoint("after_cursor_stored")


def find_cursors(
    plan: SyncPlan, source: Database, target: Session, *, kept: bool, label: str, control: Control
) -> Cursors:
    """Find where the cursors stand and how far they may go. Call it before the snapshot is taken.

    ``kept``: the target has a ledger. Raises Refused for a source whose transactions or identity are not to be seen.
    """
    session = source.connect(application_name=f"{label} cursor", check=control.check)
    try:
        with control.on_stop(session.cancel):
            (standby,) = session.one(load("cursor")["in_recovery"])
            if standby:
                raise Refused(
                    "the source is a standby, which does not show the open transactions of its primary",
                    code="STANDBY",
                    hint="name the primary, or use --mode delta",
                )
            identity = identify_history(session)  # rows behind the value may be others on another timeline
            ledger_memory.require_known(identity)
            warnings: list[str] = []
            found = [
                (task, task.cursor, stored(target, identity, task) if kept else None)
                for task in plan.tables
                if task.cursor is not None
            ]
            stands = {task.target: find_stand(session, task, column, start, warnings) for task, column, start in found}
            failpoint("after_cursor_read")
            late = _wait_for_open(session, f"{label} ", control)
    finally:
        session.close()
    if late:
        stands = {table: Stand(stand.start, None) for table, stand in stands.items()}
        warnings.append(
            f"the cursors stay where they are, since {late} transactions of the source that began before this run are "
            "still open: the next run reads the same rows again"
        )
    return Cursors(identity, stands, {task.target: label_of(task) for task in plan.tables}, tuple(warnings))


def label_of(task: TableTask) -> str:
    """What a stored value belongs to: another column, source table or filter has a cursor of its own."""
    assert task.cursor is not None
    parts = [task.cursor.name]
    if task.source != task.target:
        parts.append(f"of {task.source}")
    if task.where is not None:
        parts.append(f"where {task.where}")
    if task.cursor.chosen:
        parts.append(f"columns {', '.join(task.cursor.chosen)}")
    return " ".join(parts)


def stored(target: Session, source: DatabaseIdentity, task: TableTask) -> str | None:
    """The stored value; None where the target is empty, whatever was stored."""
    if task.strategy == "bulk":
        return None
    return ledger_memory.read_cursor(target, source, task.target, label_of(task))


def find_stand(
    session: Session, task: TableTask, column: CursorColumn, start: str | None, warnings: list[str]
) -> Stand:
    """How far the cursor may go, and whether what was stored can still be true."""
    query = cursor_sql.greatest(task.source, column.name, column.kind, only=task.source_only, where=task.where)
    (end,) = session.one(query)
    if start is not None and end is not None and session.one(cursor_sql.is_behind(column.kind, end, start))[0]:
        warnings.append(
            f"{task.source}: the greatest value of {column.name} ({end}) lies before the stored cursor ({start}): rows "
            "were deleted or the source was restored, so the whole table is read"
        )
        start = None
    return Stand(start, end)


def _wait_for_open(session: Session, own: str, control: Control) -> int:
    """Wait until the transactions that are open now have ended; return how many have not after five seconds."""
    query = load("cursor")["open_transactions"]
    waited_for = {name for (name,) in session.execute(query, [own])}
    deadline = time.monotonic() + _PATIENCE_S
    while waited_for and time.monotonic() < deadline:
        control.wait(_PAUSE_S)
        waited_for &= {name for (name,) in session.execute(query, [own])}
    return len(waited_for)


def past_cursor(task: TableTask, stand: Stand) -> TableTask:
    """The task over nothing but the rows past the cursor."""
    if task.strategy != "cursor" or task.cursor is None or stand.start is None:
        return task
    where = cursor_sql.both(cursor_sql.past(task.cursor.name, task.cursor.kind, stand.start), task.where)
    return replace(task, where=where, pages_per_range=0)
