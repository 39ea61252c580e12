"""SyncPlan -> SyncReport: one snapshot, groups over threads, then sequences and views.

The main thread starts work, watches the sessions that must not die (the snapshot's holder and the
lock's holder) and collects the ends; everything that touches rows happens in ``data.group``.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress

from dbsync.control import Control
from dbsync.data.afterwards import finish_up
from dbsync.data.bookkeeping import Bookkeeping, begin_books
from dbsync.data.bundles import bundled, merged
from dbsync.data.compare import Ends
from dbsync.data.context import RunContext
from dbsync.data.cursor import Cursors, find_cursors
from dbsync.data.cursor_run import CursorRun
from dbsync.data.group import GroupRun
from dbsync.data.group_queue import GroupQueue
from dbsync.data.late_keys import add_late_keys
from dbsync.data.parts import Helpers
from dbsync.data.plan import GroupTask, SyncPlan
from dbsync.data.plan_file import heed_contents
from dbsync.data.problem import refused
from dbsync.data.repair import RepairRun
from dbsync.data.report import SyncReport, overall_error, quarantined_error
from dbsync.data.sides import Opening, Side, opening_target, survey_ends
from dbsync.data.signatures import Memory, remember, trusts
from dbsync.data.survey import Survey, emptied, read_from_target, surveyed, target_contents
from dbsync.data.watch import in_time, watch
from dbsync.errors import (
    ConnectionLost,
    DbsyncError,
    Drift,
    Fenced,
    InternalFault,
    Interrupted,
    TimeLimit,
)
from dbsync.events import Emit, PlanReady, RunFinished
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import ledger, runs
from dbsync.pg.database import Session
from dbsync.pg.ledger import Quiet
from dbsync.pg.ledger_parts import end_part_sessions
from dbsync.pg.snapshot import ReaderPool, Snapshot, exported_snapshot

LOGGER = logging.getLogger("dbsync")


def run_sync(
    plan: SyncPlan,
    source: Side,
    target: Side,
    lock: Session,
    *,
    run_id: str,
    emit: Emit,
    control: Control,
    helpers: Helpers | None = None,
    reader: Session | None = None,
    way_on: str | None = None,
) -> SyncReport:
    """Do what the plan says and report it; failures of tables are in the report, never raised.

    ``lock`` is the session that holds the target's run lock; ``helpers`` stage parts of what is spread; ``reader`` is a
    session on the source that nobody needs any more; ``way_on`` is the command that goes on with a run that did not
    succeed. Raises what forbids the run as a whole: ConnectionFailed, Drift,
    a lock that could not be had on the source.
    """
    report = SyncReport(
        run_id=run_id,
        verify=plan.options.verify,
        covers_deletes=plan.options.mode == "replace" or plan.options.delete,
        warnings=list(plan.warnings),
        skipped=list(plan.skipped),
        keys_missing=[late.label for late in plan.late_keys],
    )
    started = time.monotonic()
    totals = plan.totals()
    emit(PlanReady(run_id=run_id, tables=totals["tables"], rows=totals["rows_inserted"], bytes=totals["bytes"]))
    try:
        _Run(run_id, plan, source, target, report, emit, control, helpers, reader, way_on).execute(lock)
    finally:
        report.elapsed_s = time.monotonic() - started
        emit(RunFinished(run_id=run_id, state=report.state))
    return report


class _Run:
    """One run under the lock."""

    def __init__(
        self,
        run_id: str,
        plan: SyncPlan,
        source: Side,
        target: Side,
        report: SyncReport,
        emit: Emit,
        control: Control,
        helpers: Helpers | None,
        reader: Session | None,
        way_on: str | None,
    ) -> None:
        self.run_id, self.plan, self.source, self.target = run_id, plan, source, target
        self.report, self.emit, self.control, self.helpers = report, emit, control, helpers
        self._reader = reader
        self._way_on = way_on or f"the same command with --resume {run_id}"
        self._compares = bool(plan.expected) or any(task.strategy == "compare" for task in plan.tables)
        self._errors: list[DbsyncError] = []
        self._filled = False  # all groups are in, whatever becomes of views
        self._books: Bookkeeping | None = None

    def execute(self, lock: Session) -> None:
        """Carry the plan out and conclude; what forbids the run as a whole is raised."""
        try:
            context = self._under_one_snapshot(lock)
            try:
                if self._filled and self.control.reason is None:
                    self._add_late_keys(context, lock)
            finally:
                context.close()
            failpoint("before_conclusion")
        except DbsyncError as error:
            if not any(outcome.state == "done" for outcome in self.report.tables):
                self._clean_up(lock)
                raise
            self._errors.append(error)  # rows were written: that has to be reported whatever goes wrong now
        self._conclude(lock)

    def _under_one_snapshot(self, lock: Session) -> RunContext:
        """Take the snapshot, compare, change every group, then set shared sequences and refresh views."""
        runs.drop_dead_staging(lock)
        label = f"dbsync {self.run_id}"
        tables = [(task.source, task.source_only) for task in self.plan.tables]
        cursors = self._find_cursors(lock, label)
        patience = self.plan.options.lock_timeout_s
        beside = opening_target(self.target, label=label, lock_timeout_s=patience) if self._compares else nullcontext()
        source = exported_snapshot(
            self.source.database,
            tables,
            label=label,
            lock_timeout_s=patience,
            cancelled_by=self.control.on_stop,
        )
        with beside as opening, source as snapshot:
            self.report.snapshot = snapshot.id
            self._check_source_drift(snapshot)
            failpoint("after_snapshot")
            jobs = self.plan.options.jobs
            copiers, hashers = (
                ReaderPool(self.source.database, snapshot, limit=jobs, label=label, check=self.control.check)
                for _ in ("copy", "hash")
            )
            if self._reader is not None:
                hashers.adopt(self._reader)
            context = RunContext(
                run_id=self.run_id,
                plan=self.plan,
                lock_pid=lock.backend_pid,
                target=self.target.database,
                source_oids=self.source.oids,
                target_oids=self.target.oids,
                target_stamps=self.target.stamps,
                recode=self.source.encoding != self.target.encoding,
                copiers=copiers,
                hashers=hashers,
                emit=self.emit,
                control=self.control,
            )
            context.cursors, context.helpers = cursors, self.helpers
            with self.control.on_stop(context.cancel):
                try:
                    try:
                        with self._surveyed(hashers, lock, opening) as (survey, target_snapshot):
                            if refusals := (*survey.refusals, *emptied(self.plan, hashers)):
                                raise refused(refusals)
                            failpoint("after_survey")
                            self._begin(context, snapshot, lock, survey.memory.quiet)
                            self._groups(context, snapshot, target_snapshot, lock, survey)
                        self._filled = not self._errors
                        if self._filled:
                            self._errors += finish_up(context, self.report)
                    finally:
                        self._dismiss_helpers(snapshot, lock)
                except BaseException:
                    context.close()
                    raise
                finally:
                    context.close_readers()
                    self._collect(context)
        return context

    def _add_late_keys(self, context: RunContext, lock: Session) -> None:
        """Foreign keys may take long, and need nothing of the source: its snapshot and its locks are gone by now."""
        if self.plan.late_keys:
            with self.control.on_stop(context.cancel), watch({"target (run lock)": lock}, self.control):
                self._errors += add_late_keys(context, self.report)

    def _dismiss_helpers(self, snapshot: Snapshot, lock: Session) -> None:
        """Nobody takes a part any more, and who still has one is cut off: staging tables can be dropped at once."""
        if self.helpers is None or not any(group.spread for group in self.plan.groups):
            return
        self.helpers.end()
        for session in (lock, snapshot.holder):
            with suppress(DbsyncError), in_time(session):  # one that is gone ends no others: the fence refuses them
                end_part_sessions(session, self.run_id)

    def _find_cursors(self, lock: Session, label: str) -> Cursors | None:
        if self.plan.options.mode != "cursor":
            return None
        kept = ledger.find_ledger(lock) is not None
        cursors = find_cursors(self.plan, self.source.database, lock, kept=kept, label=label, control=self.control)
        self.report.warnings += cursors.warnings
        failpoint("after_cursors_found")
        return cursors

    def _make_group(self, group: GroupTask, context: RunContext, survey: Survey) -> GroupRun:
        if group.method != "repair":
            return GroupRun(group, context)
        if self.plan.options.mode == "cursor":
            return CursorRun(group, context)
        return RepairRun(group, context, survey.deltas, survey.memory, survey.files)

    def _begin(self, context: RunContext, snapshot: Snapshot, lock: Session, quiet: Quiet | None) -> None:
        """Open the books: from here on the target is written to, and no earlier run can commit."""
        books = begin_books(lock, self.plan, run_id=self.run_id, snapshot=snapshot, quiet=quiet)
        context.books = self._books = books
        self.report.ledger = context.books.fence is not None
        failpoint("after_begin")

    @contextmanager
    def _surveyed(
        self, readers: ReaderPool, lock: Session, opening: Opening | None
    ) -> Iterator[tuple[Survey, Snapshot | None]]:
        """Compare what holds rows; the target's snapshot is kept, so that row locations stay true."""
        if not self._compares:
            yield Survey(), None
            return
        label, control = f"dbsync {self.run_id}", self.control
        tables = read_from_target(self.plan, whole=bool(self.plan.expected))
        both = survey_ends(
            self.source,
            self.target,
            readers,
            tables=tables,
            label=label,
            lock_timeout_s=self.plan.options.lock_timeout_s,
            control=control,
            opening=opening,
        )
        with (
            both as (ends, held, done),
            surveyed(self.plan, ends, memory=self._memory(ends, lock), emit=self.emit, control=control) as survey,
        ):
            if self.plan.expected:
                self.report.warnings += heed_contents(self.plan, target_contents(self.plan, survey, ends))
                failpoint("after_plan_checked")
            with ends.target.reader() as session:  # as long as none of the tables can be written anew
                survey.files = runs.files(session, [self.target.oids[name] for name in self._repaired()])
            done()
            yield survey, held

    def _repaired(self) -> list[TableName]:
        return [name for group in self.plan.groups if group.method == "repair" for name in group.lock]

    def _memory(self, ends: Ends, lock: Session) -> Memory:
        failpoint("before_memory")
        return remember(self.plan, ends, (self.source.oids, self.target.oids), trust=trusts(self.plan), lent=lock)

    def _groups(
        self, context: RunContext, snapshot: Snapshot, held_target: Snapshot | None, lock: Session, survey: Survey
    ) -> None:
        """Run all groups; what becomes of each table is in the report from the beginning."""

        def make(group: GroupTask) -> GroupRun:
            return self._make_group(group, context, survey)

        bundles = bundled(self.plan)
        groups = [make(merged(bundle)) for bundle in bundles]
        self.report.tables = [outcome for group in groups for outcome in group.outcomes]
        if context.cursors is not None:
            for outcome in self.report.tables:
                outcome.cursor = context.cursors.report(outcome.task)
        if any(group.group.staged for group in groups):
            runs.create_own_schema(lock)
            failpoint("after_own_schema")
        held = {"source (snapshot)": snapshot.holder, "target (run lock)": lock}
        if held_target is not None:
            held["target (snapshot)"] = held_target.holder
        with (
            ThreadPoolExecutor(self.plan.options.jobs, thread_name_prefix="group") as executor,
            watch(held, self.control),
        ):
            queue = GroupQueue(executor, self.control, make=make, ended=self._end, alone=self._tell_instead)
            for group, bundle in zip(groups, bundles, strict=True):
                queue.add(group, bundle)
            queue.work_off()

    def _tell_instead(self, together: GroupRun, alone: Sequence[GroupRun]) -> None:
        """Report the outcomes of groups that are tried alone in place of those that they had together."""
        undone = set(map(id, together.outcomes))
        kept = [outcome for outcome in self.report.tables if id(outcome) not in undone]
        self.report.tables = [*kept, *(outcome for each in alone for outcome in each.outcomes)]

    def _end(self, group: GroupRun, error: BaseException | None) -> None:
        group.finish(error)
        if error is None:
            return
        if not isinstance(error, DbsyncError):
            for line in "".join(traceback.format_exception(error)).splitlines():
                LOGGER.debug(line)
            error = InternalFault.of(error)
            self.control.stop(error)
        self._errors.append(error)
        if isinstance(error, (ConnectionLost, Fenced)):
            self.control.stop(error)  # the others would only wait for the same server, or be refused likewise

    def _check_source_drift(self, snapshot: Snapshot) -> None:
        oids = {task.source: self.source.oids[task.source] for task in self.plan.tables}
        for table in runs.changed(snapshot.holder, oids, self.source.stamps):
            raise Drift(f"{table} was changed in the source since the plan was made", hint="run the command again")

    def _collect(self, context: RunContext) -> None:
        self.report.warnings += context.warnings
        self.report.sequences = context.sequences
        self.report.retries = context.retries

    def _conclude(self, lock: Session) -> None:
        done = sum(outcome.state == "done" for outcome in self.report.tables)
        if self.control.reason is not None:
            self.report.state = "stopped" if _was_asked(self.control.reason) else "failed"
            self.report.error = self.control.reason
            self.report.error.hint = self._where_it_stands(done)
        else:
            self.report.error = overall_error(
                self._errors, tables_done=done, tables=len(self.report.tables), made=self.plan.just_made
            )
            self.report.error = self.report.error or quarantined_error(self.report.tables, self.run_id)
            self.report.state = "failed" if self.report.error is not None else "succeeded"
            if self._errors and self.report.error is not None and self.report.ledger:
                self.report.error.hint = "; ".join(filter(None, (self.report.error.hint, self._way_to_go_on())))
        if self.report.error is not None and self.report.keys_missing:
            missing = f"{len(self.report.keys_missing)} foreign keys are missing or not validated"
            hint = f"{missing}, until a run with --create ends well"
            self.report.error.hint = "; ".join(filter(None, (self.report.error.hint, hint)))
        self._clean_up(lock)

    def _where_it_stands(self, done: int) -> str:
        """What a run that was stopped leaves, and how to go on."""
        if isinstance(self.report.error, Fenced):
            return "what the target holds now is the later run's doing"
        unsettled = sum(outcome.unsettled for outcome in self.report.tables)
        but = f"of {unsettled} it is not known whether their COMMIT took place; " if unsettled else ""
        stand = f"{done} of {len(self.report.tables)} tables are done; {but}every other one holds what it held before"
        return f"{stand}; {self._way_to_go_on()}" if self.report.ledger else stand

    def _way_to_go_on(self) -> str:
        return f"{self._way_on} leaves alone what is done"

    def _clean_up(self, lock: Session) -> None:
        """Drop staging tables and close the books, within two seconds and only while the run lock is held."""
        try:
            with in_time(lock):
                runs.check_run_lock(lock, lock.backend_pid)
                runs.drop_dead_staging(lock)
                runs.drop_own_schema(lock)
                if self._books is not None and self.report.state != "skipped":
                    self._books.finish(lock, self.report.state)
        except DbsyncError as error:
            self.report.warnings.append(f"the target's schema dbsync could not be tidied up: {error.message}")


def _was_asked(reason: DbsyncError) -> bool:
    return isinstance(reason, (Interrupted, TimeLimit))
