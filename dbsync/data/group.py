"""One group of tables, replaced in one target transaction: lock, clear, load, restore, verify, commit.

Whatever goes wrong before COMMIT rolls everything back, so that each table holds either what it held or
what the source's snapshot holds.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import replace

from dbsync.data.bookkeeping import record_of
from dbsync.data.bundles import is_frozen
from dbsync.data.context import Digest, RunContext, mismatch
from dbsync.data.locking import LOCK_FAILURES, check_structure, lock_group
from dbsync.data.parts import stage_in_parts
from dbsync.data.plan import GroupTask, TableTask
from dbsync.data.quarantine import UNIQUE, RefusedRow, RowByRow, is_data_error, is_of_one_row
from dbsync.data.report import TableOutcome
from dbsync.data.sequence_states import set_sequences
from dbsync.data.settling import took_place
from dbsync.data.statistics import refresh_statistics
from dbsync.data.stream import copied_columns, copy_queries, make_staging, progress_of
from dbsync.data.switches import Switches
from dbsync.errors import (
    ConnectionLost,
    DbsyncError,
    Drift,
    InternalFault,
    Interrupted,
    Mismatch,
    StatementFailed,
    TimeLimit,
)
from dbsync.events import Notice, TableFinished, TablePhase, TableStarted
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import runs, statements
from dbsync.pg.copy import copy_rows
from dbsync.pg.database import Session

_ATTEMPTS = 3
_WORTH_READING_AHEAD = 1024 * 1024  # bytes of a table
_AGAIN = "run the command again"


class GroupRun:
    """Carries one group through; ``outcomes`` tell what became of its tables."""

    def __init__(self, group: GroupTask, run: RunContext) -> None:
        self.group = group
        self.run = run
        self.outcomes = [TableOutcome(task=task) for task in group.tables]
        self._staged_s: dict[TableName, float] = {}  # how long each table took to stage
        self._staging = {task.target: run.staging_name() for task in group.tables} if group.staged else {}
        self._digests: dict[TableName, Future[Digest]] = {}
        self._switches = Switches(group, run)
        self._committing = False
        self._number: int | None = None  # of its transaction, where no ledger tells whether it was committed
        self._names: frozenset[str] | None = None  # what its tables' names rested on when they were locked
        self._frozen = is_frozen(run.plan, group)
        self._writes = True  # this group's transaction writes rows
        self._parts: RowByRow | None = None  # once a row was refused that may be left out
        self._refused_with: str | None = None
        self._started: float | None = None

    def stage(self, outcome: TableOutcome) -> None:
        """Load one table beside the target's, in a transaction of its own (staged groups, phase one)."""
        task, started = outcome.task, time.monotonic()
        try:
            self._stage(outcome)
        finally:  # what it then waits for the others of its group is not its own time
            self._staged_s[task.target] = time.monotonic() - started

    def _stage(self, outcome: TableOutcome) -> None:
        task = outcome.task
        with self.run.target_session("stage") as session:
            staging = self._staging[task.target]
            with session.transaction():
                make_staging(session, self.run, staging, task)
                if not self.group.spread:
                    self._stream(session, outcome, staging)
                self.run.books.seal(session)
                failpoint("after_stage")
        if self.group.spread:
            self._begin_digest(task)
            stage_in_parts(self.run, outcome, staging)

    def replace(self) -> None:
        """Do the group's transaction, again after a lost race for locks; fills in ``outcomes``."""
        self._begin_clock()
        if self.group.finished and self._still_equal():
            return
        attempts = 1 if self.group.together else _ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                self._attempt()
                return
            except StatementFailed as error:
                if attempt < attempts and self._turn_to_rows(error):
                    continue
                if error.sqlstate not in LOCK_FAILURES or attempt == attempts:
                    raise
                self.run.count_retry()
                failpoint("before_retry")
                self.run.emit(
                    Notice(message=f"waiting for locks, attempt {attempt + 1} of {_ATTEMPTS}: {error.message}")
                )
                self.run.control.wait(self.run.jitter(attempt))

    def _begin_clock(self) -> None:
        """It has waited for its turn until now."""
        if self._started is None:
            self._started = time.monotonic()

    def _turn_to_rows(self, error: StatementFailed) -> bool:
        """Whether to do it all once more in parts, leaving out the rows that the target refuses."""
        if self.run.plan.options.on_row_error != "quarantine" or not is_data_error(error):
            return False
        # A repair in parts has dropped unique indexes, unless it is for their sake that it goes in parts.
        uniques = self._parts is not None and error.sqlstate == UNIQUE != self._refused_with
        if not uniques and (self._parts is not None or not is_of_one_row(error)):
            error.hint = (
                "this shows only when whole statements or constraints are checked, so no row can be told to be at "
                "fault and put into quarantine; nothing of these tables was changed"
            )
            return False
        self._parts, self._refused_with = RowByRow(self.run), error.sqlstate
        self.run.emit(Notice(message=f"the target refuses a row, now writing in parts: {error.message}"))
        failpoint("before_row_by_row")
        return True

    def _still_equal(self) -> bool:
        """Whether tables that an earlier run was done with equal the source in this snapshot too; then that is all."""
        self._phase("verify")
        expected = [self.run.source_digest(outcome.task, whole=True) for outcome in self.outcomes]
        with self.run.target_session("compare") as session, session.transaction():
            session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            tables = [(outcome.task.target, outcome.task.target_only) for outcome in self.outcomes]
            session.execute(statements.lock_to_read(tables))  # before there is a snapshot
            check_structure(session, self.run, self.group)
            found = [self.run.target_digest(session, outcome.task, whole=True) for outcome in self.outcomes]
        if found != [self.run.wait_for(each) for each in expected]:
            return False
        for outcome, digest in zip(self.outcomes, found, strict=True):
            outcome.task = replace(outcome.task, strategy="verified", reason="done by the run that was taken up")
            outcome.rows_source, outcome.verified = digest.rows, True
        with self.run.target_session("finish") as session, session.transaction():
            self._before_commit(session)
        return True

    def finish(self, error: BaseException | None) -> None:
        """Write the group's end into the outcomes and tell it."""
        reason = self.run.control.reason
        stopped = error is not None and isinstance(reason, (Interrupted, TimeLimit))
        if error is not None and reason is not None:
            error = reason  # a statement that was cancelled for it says nothing
        took = time.monotonic() - self._started if self._started is not None else 0.0
        for outcome in self.outcomes:
            outcome.state = "done" if error is None else "stopped" if stopped else "failed"
            if error is not None and not stopped and outcome.error is None:
                outcome.error = error if isinstance(error, DbsyncError) else InternalFault.of(error)
            if error is not None or outcome.rows_quarantined:
                outcome.verified = False
            outcome.elapsed_s = outcome.compared_s + self._staged_s.get(outcome.task.target, 0.0) + took
            self.run.emit(
                TableFinished(
                    table=outcome.task.target,
                    state=outcome.state,
                    rows=outcome.rows_inserted if error is None else 0,
                    bytes=outcome.bytes,
                    elapsed_s=outcome.elapsed_s,
                    verified=outcome.verified,
                    rows_updated=outcome.rows_updated if error is None else 0,
                    rows_deleted=outcome.rows_deleted if error is None else 0,
                )
            )

    def _attempt(self) -> None:
        with self.run.target_session("load") as session:
            try:
                with session.transaction():
                    lock_group(session, self.run, self.group)
                    self._names = runs.names(session, self.group.lock, values=False)
                    failpoint("after_lock")
                    if self._parts is not None:
                        self._parts.refused.clear()
                    self._switches.off(session)
                    self._write(session)
                    self._switches.on(session)
                    if self._owns_tables:
                        refresh_statistics(session, self.run, self.group.analyze)
                    self._verify(session)
                    self._before_commit(session)
            except ConnectionLost:
                if not self._committing:
                    raise
                self._settle()
            self._after_commit(session)

    def _write(self, session: Session) -> None:
        """Replace what the tables hold."""
        self._switches.drop_keys(session)
        for outcome in self.outcomes:
            for index in outcome.task.indexes:
                self._switches.drop_index(session, outcome.task.target, index)
        if self.group.deferred:
            session.execute("SET CONSTRAINTS ALL DEFERRED")
        self._clear(session)
        for outcome in self.outcomes:
            self._load(session, outcome)

    def _clear(self, session: Session) -> None:
        failpoint("before_clear")
        held = [outcome for outcome in self.outcomes if outcome.task.strategy == "replace"]
        for outcome in held:
            task = outcome.task
            (outcome.rows_deleted,) = session.one(statements.count_rows(task.target, only=task.target_only))
        oids = self.run.target_oids(self.group.lock).values()
        if self.group.clear == "truncate" and (self._frozen or not runs.hold_no_bytes(session, oids)):
            tasks = [outcome.task for outcome in self.outcomes]
            session.execute(statements.truncate([(task.target, task.target_only) for task in tasks]))
        elif self.group.clear == "delete":
            for outcome in reversed(held):
                session.execute(statements.delete_all(outcome.task.target, only=outcome.task.target_only))
        failpoint("after_clear")

    def _load(self, session: Session, outcome: TableOutcome) -> None:
        task = outcome.task
        if self._parts is not None:
            self._load_in_parts(session, outcome, self._parts)
        elif not self.group.staged:
            self._stream(session, outcome, task.target)
        else:
            staging = self._staging[task.target]
            self.run.emit(TablePhase(table=task.target, phase="move"))
            failpoint("before_move")
            moved = session.affected(statements.move_staged(staging, task.target, copied_columns(task)))
            if moved != outcome.rows_inserted:
                raise Mismatch(
                    f"{task.target} kept {moved} of {outcome.rows_inserted} rows; rolled back",
                    hint="a trigger of the target may drop rows",
                )
            session.execute(statements.drop_staging(staging))
        failpoint("after_load")

    def _stream(self, session: Session, outcome: TableOutcome, into: TableName) -> None:
        """COPY the source's rows into a table, while another session of the source hashes them."""
        task, started = outcome.task, time.monotonic()
        self.run.emit(TableStarted(table=task.target, rows=task.rows, bytes=task.bytes))
        outcome.bytes = 0
        columns = copied_columns(task)
        self._begin_digest(task)
        with self.run.copy_readers(task) as readers, progress_of(task, self.run) as progress:
            copied = copy_rows(
                readers,
                copy_queries(task, readers=len(readers)),
                session,
                statements.copy_in(into, columns, binary=task.binary, freeze=self._frozen),
                binary=task.binary,
                pace=self.run.pace,
                progress=progress,
                large=task.bytes > _WORTH_READING_AHEAD,
            )
        outcome.rows_source = outcome.rows_inserted = copied.rows
        outcome.bytes, outcome.elapsed_s = copied.bytes if copied.rows else 0, time.monotonic() - started

    def _load_in_parts(self, session: Session, outcome: TableOutcome, parts: RowByRow) -> None:
        task = outcome.task
        self.run.emit(TableStarted(table=task.target, rows=task.rows, bytes=task.bytes))
        outcome.rows_inserted, outcome.bytes = parts.write_all(session, task)
        outcome.rows_source = outcome.rows_inserted + len(parts.refused.get(task.target, ()))
        self._begin_digest(task)

    def _begin_digest(self, task: TableTask) -> None:
        if self.run.verify != "none" and task.target not in self._digests:
            self._digests[task.target] = self.run.source_digest(task)

    def _verify(self, session: Session) -> None:
        """Compare each table, as this transaction sees it, with the source's snapshot."""
        if self.run.verify == "none":
            return
        for outcome in self.outcomes:
            self.run.emit(TablePhase(table=outcome.task.target, phase="verify"))
            self._verify_table(session, outcome)

    def _verify_table(self, session: Session, outcome: TableOutcome) -> None:
        failpoint("before_verify")
        theirs = self.run.target_digest(session, outcome.task)
        ours = self.run.wait_for(self._digests[outcome.task.target])
        if self._parts is not None:
            ours = self._parts.rest_of(outcome.task, ours)
        if theirs != ours:
            outcome.error = mismatch(outcome.task, ours, theirs)
            raise outcome.error
        outcome.verified = self.run.verify == "checksum" and not self._refused(outcome)

    def _refused(self, outcome: TableOutcome) -> list[RefusedRow]:
        return self._parts.refused.get(outcome.task.target, []) if self._parts is not None else []

    def _kept_only_books(self) -> bool:
        """Whether this transaction wrote no row of any table but the ledger's.

        A load of tables that are empty in the source has not, unless it ran others' code: triggers that fire, even for
        no rows, and what hangs on ALTER TABLE, may have written elsewhere.
        """
        if not self._writes:
            return True
        others = self.group.fires or self.group.staged or self._switches.altered()
        return not others and not any(
            outcome.rows_inserted or outcome.rows_updated or outcome.rows_deleted or outcome.rows_quarantined
            for outcome in self.outcomes
        )

    def _before_commit(self, session: Session) -> None:
        """Seal the transaction, then set sequences: setval is not undone by a rollback, an aborted run leaves a gap."""
        self.run.control.check()
        self._check_names(session)
        for outcome in self.outcomes:
            refused = self._refused(outcome)
            outcome.rows_quarantined = len(refused)
            self.run.books.quarantine(session, [each.row for each in refused])
        failpoint("after_quarantined")
        self.run.books.forget_cursors(session, self.outcomes)  # before this run's own are stored
        if self.run.cursors is not None:
            self.run.cursors.store(session, [outcome.task for outcome in self.outcomes])
        records = [record_of(each, self._proof(each)) for each in self.outcomes]
        self._number = self.run.books.seal(session, records, only_books=self._kept_only_books())
        failpoint("before_sequences")
        set_sequences(session, self.run, self.group.sequences)
        self.run.control.check()
        failpoint("before_commit")
        self._committing = True

    def _check_names(self, session: Session) -> None:
        """Whoever renames a schema waits for no table's lock: then names led to other tables. Raises Drift."""
        if self._names is not None and not self._names <= runs.names(session, self.group.lock, values=False):
            raise Drift("a schema of the target got another name while its tables were written", hint=_AGAIN)
        for table in self.run.misnamed_in_source([outcome.task.source for outcome in self.outcomes]):
            raise Drift(f"another table took the place of {table} in the source", hint=_AGAIN)

    def _proof(self, outcome: TableOutcome) -> tuple[int, str, str] | None:
        """The digest that a verified table has, where one was made."""
        known = self._digests.get(outcome.task.target)
        if not outcome.verified or known is None:
            return None
        digest = self.run.wait_for(known)
        return digest.rows, digest.first, digest.second

    def _settle(self) -> None:
        """The connection broke during COMMIT: find out whether it took place."""
        self._phase("settle")
        try:
            failpoint("before_settle")
            with self.run.target_session("settle") as session:
                committed = took_place(session, self.run, self.group, self._number, self._holds_what_was_written)
        except DbsyncError as error:
            unsettled = ConnectionLost(
                "the connection was lost during COMMIT; the target holds either its old or its new content: "
                f"{error.message}",
                hint="run the command again",
            )
            for outcome in self.outcomes:  # a stop that comes in between does not make it known
                outcome.error, outcome.unsettled = unsettled, True
            raise unsettled from error
        if not committed:
            raise ConnectionLost(
                "the connection was lost during COMMIT, which did not take place", hint="run the command again"
            )
        for outcome in self.outcomes:
            outcome.verified = self.run.verify == "checksum"

    def _holds_what_was_written(self, session: Session) -> bool:
        return all(
            self.run.target_digest(session, outcome.task) == self.run.wait_for(self.run.source_digest(outcome.task))
            for outcome in self.outcomes
        )

    def _after_commit(self, session: Session) -> None:
        """Refresh what statistics are still missing. The rows are in: whatever goes wrong now is a warning."""
        try:
            failpoint("after_commit")
            if not self._owns_tables:
                refresh_statistics(session, self.run, self.group.analyze)
        except DbsyncError as error:
            self.run.warn(f"{self.group.tables[0].target} and its group are committed, but: {error.message}")

    @property
    def _owns_tables(self) -> bool:
        """Nobody else reads or writes the tables until the commit, so that statistics may come with the rows."""
        return self.group.lock_mode == "ACCESS EXCLUSIVE"

    def _phase(self, phase: str) -> None:
        for outcome in self.outcomes:
            self.run.emit(TablePhase(table=outcome.task.target, phase=phase))
