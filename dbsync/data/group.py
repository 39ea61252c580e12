"""One group of tables, replaced in one target transaction: lock, clear, load, restore, verify, commit.

Whatever goes wrong before COMMIT rolls everything back, so that each table holds either what it held or
what the source's snapshot holds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace

from dbsync.data.context import Digest, RunContext
from dbsync.data.plan import GroupTask, SequenceTask, TableTask
from dbsync.data.quarantine import RefusedRow, RowByRow, is_data_error, is_of_one_row
from dbsync.data.report import TableOutcome
from dbsync.data.sequences import SequenceState, next_state
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
from dbsync.events import Notice, TableFinished, TablePhase, TableProgress, TableStarted
from dbsync.failpoints import failpoint
from dbsync.model import ForeignKey, Index, TableName
from dbsync.pg import runs, statements
from dbsync.pg.copy import copy_rows
from dbsync.pg.database import Session
from dbsync.pg.ledger import TableRecord

_LOCK_FAILURES = ("55P03", "40P01")  # lock_not_available, deadlock_detected
_DEPENDENT_OBJECTS = "2BP01"
_ATTEMPTS = 3
_PROGRESS_S = 0.1


class GroupRun:
    """Carries one group through; ``outcomes`` tell what became of its tables."""

    def __init__(self, group: GroupTask, run: RunContext) -> None:
        self.group = group
        self.run = run
        self.outcomes = [TableOutcome(task=task) for task in group.tables]
        self._staging = {task.target: run.staging_name() for task in group.tables} if group.staged else {}
        self._digests: dict[TableName, Future[Digest]] = {}
        self._keys: list[ForeignKey] = []  # dropped, to be added again in this order
        self._indexes: list[tuple[TableName, Index]] = []  # likewise
        self._committing = False
        self._parts: RowByRow | None = None  # once a row was refused that may be left out
        self._refused_with: str | None = None
        self._started = time.monotonic()

    def stage(self, outcome: TableOutcome) -> None:
        """Load one table beside the target's, in a transaction of its own (staged groups, phase one)."""
        task = outcome.task
        with self.run.target_session("stage") as session:
            columns = copied_columns(task)
            staging = self._staging[task.target]
            with session.transaction():
                for statement in statements.create_staging(staging, task.target, columns, only=task.target_only):
                    session.execute(statement)
                self._stream(session, outcome, staging)
                self.run.books.seal(session)
                failpoint("after_stage")

    def replace(self) -> None:
        """Do the group's transaction, again after a lost race for locks; fills in ``outcomes``."""
        if self.group.finished and self._still_equal():
            return
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._attempt()
                return
            except StatementFailed as error:
                if attempt < _ATTEMPTS and self._turn_to_rows(error):
                    continue
                if error.sqlstate not in _LOCK_FAILURES or attempt == _ATTEMPTS:
                    raise
                self.run.count_retry()
                failpoint("before_retry")
                self.run.emit(
                    Notice(message=f"waiting for locks, attempt {attempt + 1} of {_ATTEMPTS}: {error.message}")
                )
                self.run.control.wait(self.run.jitter(attempt))

    def _turn_to_rows(self, error: StatementFailed) -> bool:
        """Whether to do it all once more in parts, leaving out the rows that the target refuses."""
        if self.run.plan.options.on_row_error != "quarantine" or not is_data_error(error):
            return False
        if self._parts is not None or not is_of_one_row(error):
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
        for outcome in self.outcomes:
            outcome.state = "done" if error is None else "stopped" if stopped else "failed"
            if error is not None and not stopped and outcome.error is None:
                outcome.error = error if isinstance(error, DbsyncError) else InternalFault.of(error)
            if error is not None or outcome.rows_quarantined:
                outcome.verified = False
            outcome.elapsed_s = outcome.compared_s + time.monotonic() - self._started
            self.run.emit(
                TableFinished(
                    table=outcome.task.target,
                    state=outcome.state,
                    rows=outcome.rows_inserted if error is None else 0,
                    bytes=outcome.bytes,
                    elapsed_s=outcome.elapsed_s,
                    verified=outcome.verified,
                )
            )

    def _attempt(self) -> None:
        with self.run.target_session("load") as session:
            try:
                with session.transaction():
                    self._lock(session)
                    failpoint("after_lock")
                    self._switch_off(session)
                    self._write(session)
                    self._switch_on(session)
                    if self._owns_tables:
                        self._analyze(session)
                    self._verify(session)
                    self._before_commit(session)
            except ConnectionLost:
                if not self._committing:
                    raise
                self._settle()
            self._after_commit(session)

    def _lock(self, session: Session) -> None:
        """Lock every table of the group, then make sure that nothing changed since the plan."""
        self._phase("lock")
        oids = self.run.target_oids(self.group.lock)
        failpoint("before_lock")
        try:
            session.execute(statements.lock_tables(self.group.lock, self.group.lock_mode))
        except StatementFailed as error:
            if error.sqlstate in _LOCK_FAILURES:
                with self.run.target_session("look") as other:
                    holders = runs.blockers(other, list(oids.values()))
                error.hint = f"locks are held by {', '.join(holders)}" if holders else error.hint
            raise
        now = runs.stamps(session, list(oids.values()))
        for table, oid in oids.items():
            if now.get(oid) != self.run.target_stamps.get(oid):
                raise Drift(f"{table} was changed in the target since the plan was made", hint="run the command again")
        bulk = [outcome.task for outcome in self.outcomes if outcome.task.strategy == "bulk"]
        if bulk:
            filled = session.execute(statements.any_rows([(task.target, task.target_only) for task in bulk]))
            for number, holds_rows in filled:
                if holds_rows:
                    raise Drift(f"{bulk[number].target} was empty when the plan was made and holds rows now")

    def _write(self, session: Session) -> None:
        """Replace what the tables hold."""
        self._drop_keys(session)
        for outcome in self.outcomes:
            for index in outcome.task.indexes:
                self._drop_index(session, outcome.task.target, index)
        if self.group.deferred:
            session.execute("SET CONSTRAINTS ALL DEFERRED")
        self._clear(session)
        for outcome in self.outcomes:
            self._load(session, outcome)

    def _switch_off(self, session: Session) -> None:
        self._keys.clear()
        self._indexes.clear()
        if self._parts is not None:
            self._parts.refused.clear()
        for task in self.group.triggers:
            for trigger in task.triggers:
                session.execute(statements.set_trigger(task.table, trigger, "disabled"))
                failpoint("after_trigger_off")

    def _drop_keys(self, session: Session) -> None:
        """Drop the group's foreign keys, to be added again before the commit."""
        for key in self.group.foreign_keys:
            # Partitions may call their part of the key otherwise: added first, the root's key takes them over.
            (oid,) = self.run.target_oids([key.table]).values()
            self._keys += [*runs.partition_keys(session, key, oid), key]
            session.execute(statements.drop_foreign_key(key))
            failpoint("after_key_dropped")

    def _drop_index(self, session: Session, table: TableName, index: Index) -> None:
        """Drop an index to build it again later; one that a view or the like depends on stays."""
        try:
            with session.transaction():
                session.execute(statements.drop_index(table, index))
        except StatementFailed as error:
            if error.sqlstate != _DEPENDENT_OBJECTS:
                raise
            self.run.warn(f"{table}: the index {index.name} is kept during the load: other objects depend on it")
        else:
            self._indexes.append((table, index))
            failpoint("after_index_dropped")

    def _clear(self, session: Session) -> None:
        failpoint("before_clear")
        held = [outcome for outcome in self.outcomes if outcome.task.strategy == "replace"]
        for outcome in held:
            task = outcome.task
            (outcome.rows_deleted,) = session.one(statements.count_rows(task.target, only=task.target_only))
        oids = self.run.target_oids(self.group.lock).values()
        if self.group.clear == "truncate" and not runs.hold_no_bytes(session, oids):
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
        """COPY the source's rows into a table and begin hashing the source while the target goes on."""
        task, started = outcome.task, time.monotonic()
        self.run.emit(TableStarted(table=task.target, rows=task.rows, bytes=task.bytes))
        outcome.bytes = 0
        columns = copied_columns(task)
        with self.run.copy_readers(task) as readers, self._progress(task) as progress:
            copied = copy_rows(
                readers,
                _queries(task, columns),
                session,
                statements.copy_in(into, columns, binary=task.binary),
                binary=task.binary,
                pace=self.run.pace,
                progress=progress,
                large=task.pages_per_range > 0,
            )
        outcome.rows_source = outcome.rows_inserted = copied.rows
        outcome.bytes, outcome.elapsed_s = copied.bytes if copied.rows else 0, time.monotonic() - started
        if self.run.verify != "none" and task.target not in self._digests:
            self._digests[task.target] = self.run.source_digest(task)

    def _load_in_parts(self, session: Session, outcome: TableOutcome, parts: RowByRow) -> None:
        task = outcome.task
        self.run.emit(TableStarted(table=task.target, rows=task.rows, bytes=task.bytes))
        outcome.rows_inserted, outcome.bytes = parts.write_all(session, task)
        outcome.rows_source = outcome.rows_inserted + len(parts.refused.get(task.target, ()))
        if self.run.verify != "none" and task.target not in self._digests:
            self._digests[task.target] = self.run.source_digest(task)

    @contextmanager
    def _progress(self, task: TableTask) -> Iterator[_Progress]:
        progress = _Progress(task.target, self.run)
        yield progress
        progress.flush()

    def _switch_on(self, session: Session) -> None:
        """Build indexes, add foreign keys (which validates them), restore and check each trigger's former state.

        What is deferred is checked first: no table with checks outstanding can be altered.
        """
        session.execute("SET CONSTRAINTS ALL IMMEDIATE")
        failpoint("after_constraints_checked")
        for table, index in self._indexes:
            self.run.emit(TablePhase(table=table, phase="index"))
            failpoint("before_index")
            for statement in statements.create_index(table, index):
                session.execute(statement)
        for key in self._keys:
            self.run.emit(TablePhase(table=key.table, phase="constraint"))
            failpoint("before_key")
            for statement in statements.add_foreign_key(key):
                session.execute(statement)
        for task in self.group.triggers:
            for trigger in task.triggers:
                session.execute(statements.set_trigger(task.table, trigger, trigger.state))
                failpoint("after_trigger_on")
        oids = self.run.target_oids(task.table for task in self.group.triggers)
        now = runs.trigger_states(session, list(oids.values()))
        for task in self.group.triggers:
            for trigger in task.triggers:
                if now.get((task.table, trigger.name)) != trigger.state:
                    raise StatementFailed(f"trigger {trigger.name} on {task.table} did not get its state back")

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
            outcome.error = Mismatch(_difference(outcome.task, ours, theirs), hint=_mismatch_hint(outcome.task))
            raise outcome.error
        outcome.verified = self.run.verify == "checksum" and not self._refused(outcome)

    def _refused(self, outcome: TableOutcome) -> list[RefusedRow]:
        return self._parts.refused.get(outcome.task.target, []) if self._parts is not None else []

    def _before_commit(self, session: Session) -> None:
        """Seal the transaction, then set sequences: setval is not undone by a rollback, an aborted run leaves a gap."""
        self.run.control.check()
        for outcome in self.outcomes:
            refused = self._refused(outcome)
            outcome.rows_quarantined = len(refused)
            self.run.books.quarantine(session, [each.row for each in refused])
        failpoint("after_quarantined")
        if self.run.cursors is not None:
            self.run.cursors.store(session, [outcome.task for outcome in self.outcomes])
        self.run.books.seal(session, self._records())
        failpoint("before_sequences")
        set_sequences(session, self.run, self.group.sequences)
        self.run.control.check()
        failpoint("before_commit")
        self._committing = True

    def _records(self) -> list[TableRecord]:
        """What the ledger is told of the tables."""
        return [
            TableRecord(
                table=outcome.task.target,
                state="partial" if outcome.rows_quarantined else "done",
                strategy=outcome.task.strategy,
                rows_inserted=outcome.rows_inserted,
                rows_updated=outcome.rows_updated,
                rows_deleted=outcome.rows_deleted,
                digest=self._proof(outcome),
            )
            for outcome in self.outcomes
        ]

    def _proof(self, outcome: TableOutcome) -> tuple[int, str, str] | None:
        """The digest that a verified table has, where one was made."""
        known = self._digests.get(outcome.task.target)
        if not outcome.verified or known is None:
            return None
        digest = self.run.wait_for(known)
        return digest.rows, digest.first, digest.second

    def _settle(self) -> None:
        """The connection broke during COMMIT: ask the ledger, or else the rows, whether it took place.

        The same lock as before waits until the server is done with the transaction, either way.
        """
        self._phase("settle")
        try:
            failpoint("before_settle")
            if self.run.books.fence is None and self.run.verify != "checksum":
                raise ConnectionLost("there is neither a ledger nor a checksum to tell")
            with self.run.target_session("settle") as session, session.transaction():
                session.execute(statements.lock_tables(self.group.lock, self.group.lock_mode))
                took_place = self._took_place(session)
        except DbsyncError as error:
            raise ConnectionLost(
                "the connection was lost during COMMIT; the target holds either its old or its new content: "
                f"{error.message}",
                hint="run the command again",
            ) from error
        if not took_place:
            raise ConnectionLost(
                "the connection was lost during COMMIT, which did not take place", hint="run the command again"
            )
        for outcome in self.outcomes:
            outcome.verified = self.run.verify == "checksum"

    def _took_place(self, session: Session) -> bool:
        """Whether the transaction was committed: by the ledger, or else by what the target holds."""
        if self.run.books.fence is not None:
            return self.run.books.committed(session, self.outcomes[0].task.target)
        return all(
            self.run.target_digest(session, outcome.task) == self.run.wait_for(self.run.source_digest(outcome.task))
            for outcome in self.outcomes
        )

    def _after_commit(self, session: Session) -> None:
        """Refresh what statistics are still missing. The rows are in: whatever goes wrong now is a warning."""
        try:
            failpoint("after_commit")
            if not self._owns_tables:
                self._analyze(session)
        except DbsyncError as error:
            self.run.warn(f"{self.group.tables[0].target} and its group are committed, but: {error.message}")

    @property
    def _owns_tables(self) -> bool:
        """Nobody else reads or writes the tables until the commit, so that statistics may come with the rows."""
        return self.group.lock_mode == "ACCESS EXCLUSIVE"

    def _analyze(self, session: Session) -> None:
        """Refresh statistics; what goes wrong is a warning, also before the commit."""
        for table in self.group.analyze:
            try:
                session.notices.clear()
                failpoint("before_analyze")
                with session.transaction():
                    session.execute(statements.analyze(table))
                for notice in session.notices:
                    self.run.warn(f"{table}: statistics not refreshed: {notice}")
            except ConnectionLost:
                raise
            except StatementFailed as error:
                self.run.control.check()
                self.run.warn(f"{table}: statistics not refreshed: {error.message}")

    def _phase(self, phase: str) -> None:
        for outcome in self.outcomes:
            self.run.emit(TablePhase(table=outcome.task.target, phase=phase))


class _Progress:
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


def set_sequences(session: Session, run: RunContext, tasks: tuple[SequenceTask, ...]) -> None:
    """Put sequences ahead of the source's, of their rows and of what the target handed out; read each back."""
    if not tasks:
        return
    sources = run.source_sequences([task.source for task in tasks if task.source is not None])
    before = sequence_states(session, [task.target for task in tasks])
    for task in tasks:
        furthest = None
        if task.column is not None:
            table, column = task.column
            (furthest,) = session.one(
                statements.furthest_value(table, column, ascending=task.increment > 0, numeric=task.numeric)
            )
        source = sources[task.source] if task.source is not None else None
        state = next_state(task, source, before[task.target], furthest)
        if state is not None:
            session.execute(statements.set_sequence(task.target, state.last_value, state.is_called))
            failpoint("after_sequence_set")
            if sequence_states(session, [task.target])[task.target] != state:
                raise StatementFailed(f"sequence {task.target} does not hold the value it was set to")
    run.note_sequences(task.target for task in tasks)


def sequence_states(session: Session, names: list[TableName]) -> Mapping[TableName, SequenceState]:
    """Read the current state of sequences (which no snapshot holds still)."""
    if not names:
        return {}
    rows = session.execute(statements.sequence_states(names))
    return {names[number]: SequenceState(last, called) for number, last, called in rows}


def _queries(task: TableTask, columns: list[str]) -> Iterator[statements.Statement]:
    """The COPY statements that together read the source relation."""
    ranges: list[tuple[int, int | None] | None] = [None]
    if task.pages_per_range:
        firsts = range(0, max(task.pages, 1), task.pages_per_range)
        ranges = [(first, first + task.pages_per_range) for first in firsts]
        ranges[-1] = (firsts[-1], None)  # the table may have grown since the plan
    for pages in ranges:
        rows = statements.select_rows(task.source, columns, only=task.source_only, where=task.where, pages=pages)
        yield statements.copy_out(rows, binary=task.binary)


def copied_columns(task: TableTask) -> list[str]:
    return [pair.name for pair in task.columns if pair.copied]


def _difference(task: TableTask, ours: Digest, theirs: Digest) -> str:
    if ours.rows != theirs.rows:
        return f"{task.target} would hold {theirs.rows} rows but the source's snapshot holds {ours.rows}; rolled back"
    return f"{task.target} would differ from the source's snapshot in content ({ours.rows} rows each); rolled back"


def _mismatch_hint(task: TableTask) -> str:
    return (
        "triggers, rules, domains or generated columns of the target may change rows; compare both with `dbsync schema`"
    )
