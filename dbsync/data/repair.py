"""One group of tables brought to what the source holds by writing only the rows that differ.

The tables were compared before, without a lock; here they are locked against writers, repaired, and checked in
the same transaction: what was repaired by its content, the rest by its row versions, so that whatever else was
written since the comparison is found and nothing is committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from dbsync.data.actions import may_change, may_move
from dbsync.data.context import RunContext
from dbsync.data.delta import Delta
from dbsync.data.group import GroupRun
from dbsync.data.locking import check_files
from dbsync.data.newcomers import refuse_before_delete, refuse_before_update
from dbsync.data.plan import GroupTask, TableTask
from dbsync.data.quarantine import UNIQUE, RowByRow
from dbsync.data.repair_changes import Displaced, Overwriting, changes_table
from dbsync.data.repair_check import difference_in_count, first_difference, leave_out, read_again
from dbsync.data.report import TableOutcome
from dbsync.data.signatures import Memory
from dbsync.data.spool import Spool
from dbsync.data.stream import copy_places, make_changes
from dbsync.errors import Mismatch, StatementFailed
from dbsync.events import TablePhase
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import statements
from dbsync.pg import statements_repair as repair_sql
from dbsync.pg.database import Session
from dbsync.segments import Sums

_LOCATIONS, _CONSTRAINT_FAILED = 5000, "23"  # of one statement, whose text is about 70 kB

# In which order rows are written. Writing before deleting keeps every reference whole; a row that takes the
# unique value of one that goes needs it the other way round; rows that swap values, and references in a circle,
# need the constraints out of the way.
Order = Literal["write_first", "delete_first", "unconstrained"]


class RepairRun(GroupRun):
    """Carries one group through, as ``GroupRun`` does, with the deltas of its tables that hold rows."""

    def __init__(
        self,
        group: GroupTask,
        run: RunContext,
        deltas: Mapping[TableName, Delta],
        memory: Memory | None = None,
        files: Mapping[int, int | None] | None = None,
    ) -> None:
        super().__init__(group, run)
        self._deltas, self._memory, self._files = deltas, memory or Memory(), files or {}
        self._after: dict[TableName, Sums] = {}  # what the target holds of the tables that were written to
        self._staged_bytes: dict[TableName, int] = {}
        options = run.plan.options
        self._updates, self._deletes = options.mode == "delta", options.delete
        for outcome in self.outcomes:
            self._report(outcome)

    def replace(self) -> None:
        """Repair the group in one transaction; where nothing is to be written, no table is locked."""
        if any(self._is_written(outcome) for outcome in self.outcomes):
            super().replace()
            return
        self._begin_clock()
        for outcome in self.outcomes:
            self._leave(outcome)
        self._writes = False
        with self.run.target_session("finish") as session, session.transaction():
            self._before_commit(session)

    def _is_written(self, outcome: TableOutcome) -> bool:
        delta = self._deltas.get(outcome.task.target)
        if delta is None:
            return True  # an empty table that is loaded
        return bool(delta.missing.count + delta.changed.count * self._updates + delta.surplus.count * self._deletes)

    def _is_updated(self, outcome: TableOutcome) -> bool:
        delta = self._deltas.get(outcome.task.target)
        return delta is not None and self._updates and bool(delta.changed.count)

    def _leave(self, outcome: TableOutcome) -> None:
        """Nothing is to be written: then the table must hold, as it was compared, what a repair would have led to."""
        delta = self._deltas[outcome.task.target]
        expected = delta.expected(updates=self._updates, deletes=self._deletes)
        if any(delta.target.contents(number) != expected.contents(number) for number in delta.segments):
            outcome.error = Mismatch(
                f"{outcome.task.target} differs from the source, but not in any row: one side holds a row twice that "
                "a unique key forbids",
                hint="an index may be damaged: look for the key that is there twice, then REINDEX",
            )
            raise outcome.error
        outcome.verified = self.run.verify == "checksum"

    def _report(self, outcome: TableOutcome) -> None:
        """What the comparison found, as numbers."""
        delta = self._deltas.get(outcome.task.target)
        if delta is None:
            return
        outcome.rows_source = delta.source.total_rows()
        outcome.segments_total, outcome.segments_hashed = delta.segmentation.count, delta.hashed
        outcome.how = delta.how
        outcome.rows_left_different = 0 if self._updates else delta.changed.count
        outcome.rows_left_extra = 0 if self._deletes else delta.surplus.count

    def finish(self, error: BaseException | None) -> None:
        """As any group, with the time of the comparison."""
        for outcome in self.outcomes:
            delta = self._deltas.get(outcome.task.target)
            outcome.compared_s = delta.elapsed_s if delta is not None else 0.0
        super().finish(error)

    def _write(self, session: Session) -> None:
        """Try the gentlest order first; a constraint that forbids it rolls back to a savepoint."""
        check_files(session, self.run, self.group, self._files)
        session.execute(repair_sql.NEAR)
        if self.group.deferred:
            session.execute("SET CONSTRAINTS ALL DEFERRED")
        for outcome in self.outcomes:
            outcome.bytes = 0
        if self._parts is None:
            self._stage_changes(session)
        self._staged_bytes = {outcome.task.target: outcome.bytes for outcome in self.outcomes}
        orders: list[Order] = ["write_first", "delete_first"] if self._deletes else ["write_first"]
        if self._parts is not None and self._refused_with == UNIQUE:
            orders = orders[-1:]  # with its index dropped no row would be refused
        else:
            orders += ["unconstrained"] if self.group.droppable else []
        orders = orders[-1:] if self._parts is not None else orders
        refused: StatementFailed | None = None
        for order in orders:
            try:
                with session.transaction():
                    self._write_in(session, order)
                    self._look_after_others(session, order, last=order == orders[-1])
                return
            except (StatementFailed, Displaced) as error:
                forbidden = isinstance(error, Displaced) or (error.sqlstate or "")[:2] == _CONSTRAINT_FAILED
                if not forbidden:
                    raise
                refused = refused if isinstance(error, Displaced) else error
                if order == orders[-1]:
                    raise refused or error from error
                self._switches.forget()

    def _look_after_others(self, session: Session, order: Order, *, last: bool) -> None:
        """Have actions of foreign keys changed rows that no delta speaks of? Then another order has to do.

        A key may refer to values that one row hands on to another: where the one goes before the other comes, or
        changes first, rows that stay as they are are taken along. Whatever --verify says, that is no way to repair.
        Rows of a table whose own triggers fire may be their doing, and are left to the check before the commit. So may
        be those of other tables: then the last order has to do, and it is told.
        """
        acted = sum(outcome.rows_deleted + outcome.rows_updated for outcome in self.outcomes)
        if order == "unconstrained" or not acted:
            return
        way_on = "let the role own these tables, so that their foreign keys can be put aside meanwhile"
        if self._parts is not None:
            way_on = "mend the rows that the target refuses, and run it without --on-row-error quarantine"
        for outcome in self.outcomes:
            delta = self._deltas.get(outcome.task.target)
            if delta is None or not may_change(self.group, outcome.task) or outcome.task.target in self.group.firing:
                continue
            found = self._difference(session, outcome, delta)
            if found is not None and last and self.group.fires:
                if self.run.verify != "checksum":  # which tells it before the commit
                    self.run.warn(
                        f"{outcome.task.target}: a trigger or a foreign key's action changes other rows: {found}"
                    )
            elif found is not None:
                raise (Mismatch if last else Displaced)(
                    f"a foreign key's action would change rows of {outcome.task.target} that are to stay: {found}; "
                    "rolled back",
                    hint=way_on,
                )

    def _stage_changes(self, session: Session) -> None:
        """Stage what changed; look who refers to it before any write: an action may hand a value on to other tables."""
        for number, outcome in enumerate(self.outcomes):
            task, delta = outcome.task, self._deltas.get(outcome.task.target)
            if delta is None or not self._updates or not delta.changed.count:
                continue
            changes = changes_table(number)
            make_changes(session, self.run, changes, task)
            self._fetch(session, outcome, TableName("pg_temp", changes), delta.changed)
            session.execute(statements.analyze(TableName("pg_temp", changes)))
            refuse_before_update(session, self.group, task, changes)
            failpoint("after_changes_staged")

    def _write_in(self, session: Session, order: Order) -> None:
        for outcome in self.outcomes:
            outcome.rows_inserted = outcome.rows_updated = outcome.rows_deleted = 0
            outcome.bytes = self._staged_bytes[outcome.task.target]  # what another order had written is undone
        if order == "unconstrained":
            session.execute(statements.lock_tables(self.group.key_lock, "ACCESS EXCLUSIVE"))
            self._switches.drop_keys(session)
            for outcome in self.outcomes:
                if self._is_written(outcome):
                    for index in outcome.task.uniques:
                        self._switches.drop_index(session, outcome.task.target, index)
        self._switches.free_identities(
            session, [outcome.task for outcome in self.outcomes if self._is_updated(outcome)]
        )
        if order != "write_first":
            self._delete_all(session, order)
        for number, outcome in enumerate(self.outcomes):
            self._write_table(session, number, outcome)
        if order == "write_first":
            self._delete_all(session, order)

    def _write_table(self, session: Session, number: int, outcome: TableOutcome) -> None:
        task, delta = outcome.task, self._deltas.get(outcome.task.target)
        if delta is None:
            self._load(session, outcome)
            return
        self.run.emit(TablePhase(table=task.target, phase="repair"))
        if self._parts is not None:
            self._write_in_parts(session, number, outcome, delta, self._parts)
            return
        if self._updates and delta.changed.count:
            outcome.rows_updated = self._update(session, number, task, delta.changed.count)
            failpoint("after_update")
        if delta.missing.count:
            outcome.rows_inserted = self._fetch(session, outcome, task.target, delta.missing)
            failpoint("after_insert")

    def _write_in_parts(
        self, session: Session, number: int, outcome: TableOutcome, delta: Delta, parts: RowByRow
    ) -> None:
        task = outcome.task
        outcome.bytes = 0
        if self._updates and delta.changed.count:
            changes = changes_table(number)
            make_changes(session, self.run, changes, task)
            into = TableName("pg_temp", changes)
            outcome.rows_updated, count = parts.write(
                session,
                task,
                delta.changed,
                into=into,
                then=lambda: self._update_part(session, number, task),
                segmentation=delta.segmentation,
            )
            outcome.bytes += count
        if delta.missing.count:
            outcome.rows_inserted, count = parts.write(
                session, task, delta.missing, into=task.target, segmentation=delta.segmentation
            )
            outcome.bytes += count

    def _update_part(self, session: Session, number: int, task: TableTask) -> None:
        """Write the part that stands in the table of changes, and empty that."""
        into = TableName("pg_temp", changes_table(number))
        (expected,) = session.one(statements.count_rows(into, only=False))
        refuse_before_update(session, self.group, task, into.name)
        self._update(session, number, task, expected)
        session.execute(statements.delete_all(into, only=False))

    def _update(self, session: Session, number: int, task: TableTask, expected: int) -> int:
        delta = self._deltas.get(task.target)
        writing = Overwriting(self.group, self._switches, by_row=self._parts is not None)
        return writing.update(session, number, task, expected, hidden=delta is not None and bool(delta.hidden))

    def _delete_all(self, session: Session, order: Order) -> None:
        """Delete what the source lacks, children first."""
        if not self._deletes:
            return
        for outcome in reversed(self.outcomes):
            task, delta = outcome.task, self._deltas.get(outcome.task.target)
            if delta is None or not delta.surplus.count:
                continue
            deleted = 0
            for oid, locations in delta.surplus.batches(_LOCATIONS):
                self.run.control.check()
                refuse_before_delete(session, self.group, delta, oid, locations)
                delete = repair_sql.delete_at(task.target, only=task.target_only, oid=oid, locations=locations)
                deleted += session.affected(delete)
            if deleted < delta.surplus.count and order != "unconstrained" and may_move(self.group, task):
                raise Displaced(f"{task.target}: {deleted} of {delta.surplus.count} rows are where they were")
            acted_on = may_change(self.group, task)
            if deleted < delta.surplus.count and not acted_on and self.run.verify == "none":
                raise Mismatch(
                    f"{task.target}: {deleted} of {delta.surplus.count} rows are where they were; rolled back",
                    hint="rows were changed while the run compared, or a trigger of the target drops deletes",
                )
            # Rows that an ON DELETE action took along count too; the check before the commit finds any that are left.
            outcome.rows_deleted = delta.surplus.count if acted_on else deleted
            failpoint("after_delete")

    def _fetch(self, session: Session, outcome: TableOutcome, into: TableName, places: Spool) -> int:
        """COPY the source's rows at these places into a table."""
        copied = copy_places(session, self.run, outcome.task, into, places)
        outcome.bytes += copied.bytes
        return copied.rows

    def _verify_table(self, session: Session, outcome: TableOutcome) -> None:
        """Compare what was repaired by content, and the rest by row versions with what the comparison saw."""
        task, delta = outcome.task, self._deltas.get(outcome.task.target)
        if delta is None:
            super()._verify_table(session, outcome)
            return
        if not (self._is_written(outcome) or self.group.fires or may_change(self.group, task)):
            self._leave(outcome)
            return
        if self.run.verify == "count":
            expected = delta.expected(updates=self._updates, deletes=self._deletes)
            leave_out(self._refused(outcome), expected)
            found = difference_in_count(session, delta, expected)
        else:
            found = self._difference(session, outcome, delta)
        if found is not None:
            outcome.error = Mismatch(
                f"{task.target} would differ from the source's snapshot: {found}; rolled back",
                hint="somebody wrote to it while the run compared, or the target's own triggers change rows",
            )
            raise outcome.error
        outcome.verified = self.run.verify == "checksum" and not self._refused(outcome)

    def _difference(self, session: Session, outcome: TableOutcome, delta: Delta) -> str | None:
        """Where the table, as this transaction sees it, is not what the repair was to lead to."""
        expected = delta.expected(updates=self._updates, deletes=self._deletes)
        unknown = leave_out(self._refused(outcome), expected)
        now = read_again(session, delta, recode=self.run.recode, check=self.run.control.check)
        for segment in unknown:
            expected.put(segment, *now.contents(segment))
        self._after[outcome.task.target] = now
        return first_difference(delta, expected, now)

    def _before_commit(self, session: Session) -> None:
        """As any group; before that, what later runs need not hash again is noted."""
        for outcome in self.outcomes:
            delta = self._deltas.get(outcome.task.target)
            if delta is not None and outcome.verified:
                after = self._after.get(outcome.task.target)
                self._memory.keep(session, outcome.task, delta, after)
        failpoint("after_signatures")
        super()._before_commit(session)

    def _holds_what_was_written(self, session: Session) -> bool:
        try:
            for outcome in self.outcomes:
                self._verify_table(session, outcome)
        except Mismatch:
            for outcome in self.outcomes:
                outcome.error = None
            return False
        return True
