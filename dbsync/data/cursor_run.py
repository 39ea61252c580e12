"""One group of tables in ``--mode cursor``: the rows past the cursors, written by key in one target transaction.

The cursors move in that transaction. Only the rows that were read are compared; nothing is said about the others.
"""

from __future__ import annotations

from dataclasses import replace

from dbsync.data.compare import Ends, compare_table
from dbsync.data.context import RunContext
from dbsync.data.cursor import find_stand, history_of, past_cursor, stored
from dbsync.data.group import GroupRun
from dbsync.data.newcomers import reached_by_update
from dbsync.data.outside import changes, past_cursor_problems
from dbsync.data.plan import Counts, GroupTask, TableTask
from dbsync.data.problem import Problem, refused
from dbsync.data.repair import RepairRun
from dbsync.data.repair_changes import changes_table
from dbsync.data.report import TableOutcome
from dbsync.data.spool import Spool
from dbsync.data.stream import copied_columns, make_changes
from dbsync.errors import Mismatch
from dbsync.events import TablePhase
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import ledger, statements
from dbsync.pg import statements_cursor as cursor_sql
from dbsync.pg.database import Session

_LOCATIONS = 5000


def foretell(task: TableTask, group: GroupTask, ends: Ends) -> tuple[Counts, list[Problem], list[str]]:
    """What the rows past the cursor would change, what forbids it, and warnings: the whole table is compared.

    Without the filter, which chooses the source's rows; which of the target's have their keys it does not say.
    """
    assert task.cursor is not None
    warnings: list[str] = []
    with ends.target.reader() as target, ends.source.reader() as source:
        identity = history_of(source)
        start = stored(target, identity, task) if ledger.find_ledger(target) is not None else None
        stand = find_stand(source, task, task.cursor, start, warnings)
    past = past_cursor(task, stand).where
    delta = compare_table(replace(task, where=None), ends)
    try:
        inserted, updated = (_count_at(task, places, past, ends) for places in (delta.missing, delta.changed))
        return Counts(inserted, updated), past_cursor_problems(group, delta, past, ends), warnings
    finally:
        delta.close()


def _count_at(task: TableTask, places: Spool, where: str | None, ends: Ends) -> int:
    if where is None:
        return places.count
    count = 0
    with ends.source.reader() as session:
        for oid, locations in places.batches(_LOCATIONS):
            query = cursor_sql.count_at(task.source, where, only=task.source_only, oid=oid, locations=locations)
            count += session.one(query)[0]
    return count


class CursorRun(RepairRun):
    """Carries one group through: rows past the cursors come beside their tables, and from there in by key."""

    def __init__(self, group: GroupTask, run: RunContext) -> None:
        super().__init__(group, run, {})
        assert run.cursors is not None
        for outcome in self.outcomes:
            outcome.task = past_cursor(outcome.task, run.cursors.stands[outcome.task.target])

    def finish(self, error: BaseException | None) -> None:
        """As any group; a table of which only some rows were looked at is not verified."""
        for outcome in self.outcomes:
            if outcome.task.strategy == "cursor":
                outcome.verified = False
        super().finish(error)

    def _stage_changes(self, session: Session) -> None:
        for number, outcome in enumerate(self.outcomes):
            task = outcome.task
            if task.strategy != "cursor":
                continue
            past = changes_table(number)
            make_changes(session, self.run, past, task)
            self._stream(session, outcome, TableName("pg_temp", past))
            session.execute(statements.analyze(TableName("pg_temp", past)))
            failpoint("after_past_staged")

    def _is_updated(self, outcome: TableOutcome) -> bool:
        return outcome.task.strategy == "cursor"

    def _write_table(self, session: Session, number: int, outcome: TableOutcome) -> None:
        task = outcome.task
        if task.strategy != "cursor":
            self._load(session, outcome)
            return
        assert task.key is not None
        self.run.emit(TablePhase(table=task.target, phase="repair"))
        columns = copied_columns(task)
        reached = [changes(*found) for found in reached_by_update(session, self.group, task, changes_table(number))]
        if reached:
            raise refused(reached)
        outcome.rows_updated = session.affected(
            cursor_sql.update_changed(changes_table(number), task.target, columns, key=task.key, only=task.target_only)
        )
        failpoint("after_update")
        outcome.rows_inserted = session.affected(
            cursor_sql.insert_missing(changes_table(number), task.target, columns, key=task.key, only=task.target_only)
        )
        failpoint("after_insert")

    def _verify_table(self, session: Session, outcome: TableOutcome) -> None:
        """Compare the rows past the cursor with the target's rows of the same keys."""
        task = outcome.task
        if task.strategy != "cursor":
            GroupRun._verify_table(self, session, outcome)
            return
        assert task.key is not None
        failpoint("before_verify")
        where = cursor_sql.among(changes_table(self.outcomes.index(outcome)), task.key)
        theirs = self.run.target_digest(session, task, where=where)
        ours = self.run.wait_for(self._digests[task.target])
        if theirs != ours:
            outcome.error = Mismatch(
                f"{task.target}: the rows past the cursor would differ from the source's snapshot; rolled back",
                hint="triggers or rules of the target may change rows",
            )
            raise outcome.error
        outcome.rows_verified = ours.rows if self.run.verify == "checksum" else None
