"""``--mode cursor``: where each table's cursor stands, and how far it may go without ever missing a row.

The greatest value is read first, then the transactions that are open are waited for, and only then the snapshot
is taken. Whoever could still commit an older row was open at that moment: if all of them have ended, the snapshot
shows what they wrote; if one has not, the cursor stays where it was, and the next run reads from there again.
"""

from __future__ import annotations

import hashlib
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
_PREPARED = "prepared "  # as the query names them


@dataclass(frozen=True, slots=True)
class Stand:
    """One table's cursor: rows past ``start`` are read (None: all rows), ``end`` is stored (None: it stays).

    ``untrue``: what was stored cannot be true, so it goes where nothing takes its place.
    """

    start: str | None
    end: str | None
    untrue: bool = False


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
            stand, label = self.stands[task.target], self.labels[task.target]
            if stand.end is not None:
                failpoint("before_cursor_stored")
                ledger_memory.write_cursor(session, self.source, task.target, label, stand.end)
                failpoint("after_cursor_stored")
            elif stand.untrue:
                ledger_memory.forget_cursor(session, self.source, task.target, label)


def find_cursors(
    plan: SyncPlan, source: Database, target: Session, *, kept: bool, label: str, control: Control
) -> Cursors:
    """Find where the cursors stand and how far they may go. Call it before the snapshot is taken.

    ``kept``: the target has a ledger. Raises Refused for a source whose transactions or identity are not to be seen.
    """
    session = source.connect(application_name=f"{label} cursor", check=control.check)
    try:
        with control.on_stop(session.cancel):
            identity = history_of(session)
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
        stands = {table: replace(stand, end=None) for table, stand in stands.items()}
        warnings.append(
            f"the cursors stay where they are, since {late} transactions of the source that began before this run are "
            "still open: the next run reads the same rows again"
        )
    return Cursors(identity, stands, {task.target: label_of(task) for task in plan.tables}, tuple(warnings))


def history_of(source: Session) -> DatabaseIdentity:
    """Whose rows lie behind a stored value: on another timeline others may. Raises Refused where nobody can tell."""
    (standby,) = source.one(load("cursor")["in_recovery"])
    if standby:
        raise Refused(
            "the source is a standby, which does not show the open transactions of its primary",
            code="STANDBY",
            hint="name the primary, or use --mode delta",
        )
    identity = identify_history(source)
    ledger_memory.require_known(identity)
    return identity


def label_of(task: TableTask) -> str:
    """What a stored value belongs to: another column, source table, filter or choice of columns has its own."""
    assert task.cursor is not None
    parts = [task.cursor.name]
    if task.source != task.target:
        parts.append(f"of {task.source}")
    if task.where is not None:
        parts.append(f"where {task.where}")
    names = "\0".join(sorted(pair.name for pair in task.columns if pair.copied))
    parts.append(f"columns {hashlib.sha256(names.encode()).hexdigest()[:12]}")
    return " ".join(parts)


def stored(target: Session, source: DatabaseIdentity, task: TableTask) -> str | None:
    """The stored value; None before the first run."""
    return ledger_memory.read_cursor(target, source, task.target, label_of(task))


def find_stand(
    session: Session, task: TableTask, column: CursorColumn, start: str | None, warnings: list[str]
) -> Stand:
    """How far the cursor may go, and whether what was stored can still be true."""
    query = cursor_sql.greatest(task.source, column.name, column.kind, only=task.source_only, where=task.where)
    (end,) = session.one(query)
    if start is None or (end is not None and not session.one(cursor_sql.is_behind(column.kind, end, start))[0]):
        # a target without rows needs all of them, whatever was stored
        emptied = start is not None and task.strategy == "bulk"
        return Stand(None if emptied else start, end, untrue=emptied)
    found = f"the greatest value of {column.name} ({end}) lies before" if end is not None else "nothing is left of"
    warnings.append(
        f"{task.source}: {found} the stored cursor ({start}): rows were deleted or the source was restored, so the "
        "whole table is read"
    )
    return Stand(None, end, untrue=True)


def _wait_for_open(session: Session, own: str, control: Control) -> int:
    """Wait until the transactions that are open now have ended; return how many have not after five seconds.

    One that is prepared meanwhile goes on under another name, so all that are prepared count.
    """
    query = load("cursor")["open_transactions"]
    waited_for = {name for (name,) in session.execute(query, [own])}
    deadline = time.monotonic() + _PATIENCE_S
    while waited_for and time.monotonic() < deadline:
        control.wait(_PAUSE_S)
        found = {name for (name,) in session.execute(query, [own])}
        waited_for = {name for name in found if name in waited_for or name.startswith(_PREPARED)}
    return len(waited_for)


def past_cursor(task: TableTask, stand: Stand) -> TableTask:
    """The task over nothing but the rows past the cursor."""
    if task.strategy != "cursor" or task.cursor is None or stand.start is None:
        return task
    where = cursor_sql.both(cursor_sql.past(task.cursor.name, task.cursor.kind, stand.start), task.where)
    return replace(task, where=where, pages_per_range=0)
