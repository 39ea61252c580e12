"""One function per verb: the command line (and later the server) calls nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dbsync.control import Control
from dbsync.data.creation import as_made, late_keys
from dbsync.data.drift import drifts_since, heeded
from dbsync.data.first_look import both_ends, check_conditions, event_triggers, filled, with_bounds
from dbsync.data.options import SyncOptions
from dbsync.data.ownership import name_the_owner
from dbsync.data.parts import Helpers
from dbsync.data.plan import Contents, SyncPlan
from dbsync.data.plan_file import PlanFile, PlannedEnd, to_text
from dbsync.data.planner import Draft, draft_plan
from dbsync.data.predict import predict, predict_load
from dbsync.data.problem import refused
from dbsync.data.report import SyncReport
from dbsync.data.resume import Resumption, keep_finished, take_up
from dbsync.data.run import run_sync
from dbsync.data.sides import Side
from dbsync.data.survey import emptied_by_replace
from dbsync.data.units import RESERVED, Skipped, select_units
from dbsync.data.watch import take_run_lock
from dbsync.errors import ConfigError, DbsyncError, Refused, SchemaMismatch
from dbsync.events import Emit, silent
from dbsync.failpoints import failpoint
from dbsync.guards import require_consent
from dbsync.model import Catalog, TableName
from dbsync.pg import ledger, runs
from dbsync.pg.database import Database, Session
from dbsync.pg.identity import ensure_distinct, ensure_primary, identify
from dbsync.pg.ledger import RunRecord
from dbsync.pg.ledger_parts import end_run_sessions
from dbsync.pg.reflect import one_snapshot

if TYPE_CHECKING:
    from dbsync.compare import compare as compare
    from dbsync.creating import Creation

_GUARDED = "the target is a protected or production database"
_CREATE_DIED = (
    "the target lacks {} foreign keys of the source: if a run with --create died here, repeat it with --create"
)


def __getattr__(name: str) -> Any:
    """``compare`` is loaded when it is asked for: a sync starts sooner without it."""
    if name == "compare":
        from dbsync.compare import compare

        return compare
    raise AttributeError(name)


class OpenSync:
    """Both ends of a sync, opened and found fit for each other: ``plan`` it, ask for consent, then ``run`` it."""

    def __init__(
        self, ends: tuple[Database, Database], sessions: tuple[Session, Session], options: SyncOptions, run_id: str
    ) -> None:
        self.source, self.target = sessions
        self.options = options
        self.run_id = run_id
        self.way_on: str | None = None  # the command that goes on with it, where it is another than this one
        self._ends = ends
        self._resumption: Resumption | None = None
        self._helpers: Helpers | None = None
        self._plan: SyncPlan | None = None
        self._sides: tuple[Side, Side] | None = None
        self._plan_file: PlanFile | None = None
        self._contents: Mapping[TableName, Contents] = {}
        self._drafted: Draft | None = None
        self._known_source: tuple[Catalog, Mapping[int, str]] | None = None
        self._creation: Creation | None = None  # with --create
        self._fresh = False  # planning anew for a schema that was made a moment ago
        self._resumes_nothing = False

    def plan(
        self, *, count: bool = False, contents: bool = False, emit: Emit = silent, control: Control | None = None
    ) -> SyncPlan:
        """Read both sides and plan; with ``count`` the plan's numbers are exact (a dry run).

        ``contents``: a plan file will be written, from which a later run can tell whether the target's rows changed.
        """
        plan = self._sound(self.draft())
        plan = self._with_ledger(plan)
        if self._resumption is not None:
            plan = keep_finished(plan, self._resumption)
        assert self._sides is not None
        if self._plan_file is not None:
            plan = self._plan_file.held_to(plan, *(side.stamps_by_name() for side in self._sides))
        if count:
            plan = self._rehearsed(plan, control or Control())
            foretell = predict_load if plan.makes_schema else predict
            found = foretell(plan, *self._sides, contents=contents, emit=emit, control=control or Control())
            refusals, warnings = (*plan.refusals, *found.refusals), (*plan.warnings, *found.warnings)
            plan = replace(plan, counts=found.counts, refusals=refusals, warnings=warnings)
            self._contents = found.contents
        self._plan = plan
        return plan

    def _rehearsed(self, plan: SyncPlan, control: Control) -> SyncPlan:
        """See whether the schema can be made, but not in a database that nobody has yet agreed to write to by name."""
        if not plan.makes_schema or self._creation is None:
            return plan
        if self._ends[1].url.needs_confirmation:
            return replace(plan, warnings=(*plan.warnings, "whether its schema can be made was not tried: " + _GUARDED))
        self._creation.rehearse(self.target, control)
        return plan

    def _sound(self, draft: Draft) -> SyncPlan:
        try:
            return draft.sound()
        except SchemaMismatch as error:
            if self._creation is not None and self._creation.idle and draft.problems[0].rule == "table_missing":
                error.hint = f"--create makes nothing in a database that has something already: {error.hint}"
            raise

    @property
    def planned(self) -> SyncPlan:
        """What ``plan`` returned last."""
        assert self._plan is not None
        return self._plan

    def spread(self, helpers: Helpers) -> str | None:
        """Let other workers stage parts of large groups; return why that cannot be, or None. Call it before ``plan``.

        Parts are noted in the ledger, where their writers are fenced.
        """
        if not self.options.ledger:
            return "--no-ledger"
        if self.options.max_rate is not None:
            return "--max-rate holds one process to its rate"
        if self.options.on_row_error == "quarantine":
            return "--on-row-error quarantine writes row by row"
        ledger.find_ledger(self.target)
        obstacle = ledger.obstacle(self.target)
        if obstacle is None:
            self._helpers = helpers
        return obstacle

    @property
    def could_spread(self) -> bool:
        """Whether the plan has a group that would be worth it."""
        loads = [group for group in self.planned.groups if group.method == "load"]
        sizes = [sum(max(task.bytes, 0) for task in group.tables) for group in loads]
        return any(size > self.options.chunk_bytes for size in sizes)

    def follow(self, planned: PlanFile) -> None:
        """Hold to a plan that was written before. Call it before ``plan``, which raises Drift where that is not so.

        Raises StalePlan when it was made for other databases.
        """
        planned.check_ends(identify(self.source), identify(self.target))
        self._plan_file = planned

    def plan_text(self) -> str:
        """The plan as a file, for a later run to hold to."""
        assert self._plan is not None
        assert self._sides is not None
        names = (
            [task.source for task in self._plan.tables],
            sorted({table for group in self._plan.groups for table in group.lock}),
        )
        source, target = (
            PlannedEnd(
                identify(session), {name: stamp for name, stamp in side.stamps_by_name().items() if name in used}
            )
            for session, side, used in zip((self.source, self.target), self._sides, names, strict=True)
        )
        return to_text(self._plan, source, target, self._contents)

    def resume(self, run: str | None = None, typed: Collection[str] = ()) -> str:
        """Take up the run, or the last one from this source that did not succeed; return what a person should know.

        ``typed``: the options that were given by name; they must be those of the run even at their defaults.
        Call it before ``plan``. Raises ConfigError for a run that is not known or was given other options,
        Refused for one from another source.
        """
        dead = self._dead_run(run)
        if dead is None:
            self._resumes_nothing = True
            return "there is nothing to resume: this is an ordinary run"
        if dead.state == "succeeded":
            return f"run {dead.run_id} has succeeded: this is an ordinary run"
        self._resumption = take_up(dead, self.options, typed)
        self.options = self._resumption.options
        return f"taking up run {dead.run_id}, started {dead.started_at[:19]} UTC: {len(dead.finished)} tables were done"

    def _dead_run(self, run: str | None) -> RunRecord | None:
        source = identify(self.source)
        if ledger.find_ledger(self.target) is None:
            if run is None:
                return None
            message = "the target has no ledger, so no run can be named"
            raise ConfigError(message, code="NO_SUCH_RUN", hint="leave --resume out")
        if run is None:
            return ledger.last_unfinished(self.target, source)
        found = ledger.find_run(self.target, run)
        if found.source != source:
            raise Refused(
                f"run {found.run_id} read another source: the database {found.source.database}",
                code="OTHER_SOURCE",
                hint="name that source, or leave --resume away",
            )
        return found

    def draft(self, *, compared: bool = False) -> Draft:
        """Read both sides and plan, whatever stands in the way; ``plan`` raises for that; see ``select_units``."""
        with ThreadPoolExecutor(1) as beside:  # each server takes a moment to fill its catalog caches
            reading = beside.submit(runs.reflect_stamped, self.target)
            with one_snapshot(self.source):
                source, source_stamps = self._known_source or runs.reflect_stamped(self.source)
                self._known_source = None
                target, target_stamps = reading.result()
                if self.options.create:
                    self._creation = self._creation or _new_creation()
                    self._creation.draft(self.source, source, target)
        target = replace(target, may_create_schema=runs.may_stage(self.target))
        making = self._creation is not None and self._creation.script is not None
        if self._creation is not None and self._creation.script is not None:
            target = as_made(source, target, without=self._creation.script.unmade)
        selection = select_units(source, target, self.options, compared=compared)
        check_conditions(self.source, selection, self.options)
        held = {} if making or self._fresh else filled(self.target, target, selection)
        draft = draft_plan(source, target, selection, self.options, filled=held, spread=self._helpers is not None)
        draft = with_bounds(draft, self.source)
        reserved = [Skipped(str(name), RESERVED) for name in runs.reserved_tables(self.source)]
        loud = event_triggers(self.target)
        plan = draft.plan
        emptied = [] if draft.problems or making else emptied_by_replace(plan, self.source, self.target, target)
        plan = replace(plan, skipped=(*plan.skipped, *reserved), warnings=(*plan.warnings, *map(str, loud), *emptied))
        if self._creation is not None:
            plan = self._creation.told(plan, source, target)
        elif self._resumes_nothing and (late := late_keys(source, target)[0]):
            plan = replace(plan, warnings=(*plan.warnings, _CREATE_DIED.format(len(late))))
        self._sides = (_side(self._ends[0], source, source_stamps), _side(self._ends[1], target, target_stamps))
        self._drafted = replace(draft, plan=plan, notes=(*draft.notes, *loud))
        return self._drafted

    def require_consent(self, *, yes: bool, confirm: str | None, ask: Callable[[], bool] | None) -> None:
        """Raise Refused unless the plan may be run and writing was agreed to; ``ask`` is None without a person."""
        self._check_guards()
        require_consent(self._ends[1].url, yes=yes, confirm=confirm, ask=ask)

    def run(self, *, emit: Emit = silent, control: Control | None = None) -> SyncReport:
        """Carry the plan out; the failures of single tables are in the report."""
        self._check_guards()
        failpoint("before_run")
        control = control or Control()
        try:
            self._create(control)
            self._plan_again()
            assert self._plan is not None
            assert self._sides is not None
            report = run_sync(
                self._plan,
                *self._sides,
                self.target,
                run_id=self.run_id,
                emit=emit,
                control=control,
                helpers=self._helpers,
                reader=self.source,
                way_on=self.way_on,
            )
        except DbsyncError as error:
            told = self._creation.once_made(error) if self._creation is not None else error
            if told is error:
                raise
            raise told from error
        if self._creation is not None:
            self._creation.report(report, self._ends[0], self.target, control=control, options=self.options)
        name_the_owner(report, self._plan)
        report.resumed = self._resumption.run_id if self._resumption is not None else None
        return report

    def _create(self, control: Control) -> None:
        """Make the schema where that is planned, and plan anew for what is there then."""
        creation = self._creation
        if creation is None or not creation.text:
            return
        if creation.is_old:  # somebody thought about the plan: what is made must be what he saw
            seen = creation.text
            self.plan()
            creation.check_still(seen, self.options.on_drift)
            self._check_guards()
        if not creation.text:
            return
        assert self._drafted is not None
        assert self._sides is not None
        creation.make(self.target, self.planned.creates, control)
        # What was made is of this state of the source: the run itself refuses (Drift) where that has moved on.
        self._known_source = self._drafted.source, self._sides[0].stamps
        # What was made a moment ago is empty; the run itself refuses (Drift) where somebody was faster than its lock.
        self._fresh = True
        try:
            self.plan()
            self._check_guards()
        finally:
            self._fresh = False

    def _with_ledger(self, plan: SyncPlan) -> SyncPlan:
        """Decide whether the run keeps its books in the target. Raises Refused for those of a newer dbsync."""
        if not self.options.ledger:
            proof = "by comparing the rows" if self.options.verify == "checksum" else "not at all without a checksum"
            warning = (
                "--no-ledger: no books are kept in the target, so this run cannot be resumed; a lost reply to a COMMIT "
                f"is settled by asking the server for the transaction's fate and, if it was committed, {proof}"
            )
            return replace(plan, warnings=(*plan.warnings, warning))
        ledger.find_ledger(self.target)
        obstacle = ledger.obstacle(self.target)
        if obstacle is None:
            return replace(plan, ledger=True)
        if self.options.mode == "cursor" or self.options.on_row_error == "quarantine":
            option = "--mode cursor" if self.options.mode == "cursor" else "--on-row-error quarantine"
            raise Refused(
                f"{option} needs the ledger, and none can be kept: {obstacle}",
                code="NO_LEDGER",
                hint="let the role have a schema dbsync in the target, or leave the option away",
            )
        warning = f"no ledger is kept in the target, so this run could not be resumed: {obstacle}"
        return replace(plan, warnings=(*plan.warnings, warning))

    def _plan_again(self) -> None:
        """If a table was changed while somebody thought about the plan, and that is to be ignored."""
        if self.options.on_drift == "fail" or self._plan is None or self._sides is None:
            return  # the run itself looks, under its locks
        drifts = drifts_since(self._plan, self._sides, (self.source, self.target))
        if warnings := heeded(drifts, self.options.on_drift, hint="run the command again"):
            self._plan = replace(again := self.plan(), warnings=(*again.warnings, *warnings))
            self._check_guards()

    def _check_guards(self) -> None:
        """Raise Refused when a guard of the plan forbids it; nothing was changed then."""
        plan = self._plan or self.plan()
        if plan.refusals:
            raise refused(plan.refusals)


def _new_creation() -> Creation:
    from dbsync.creating import Creation  # most runs make no schema

    return Creation()


@contextmanager
def open_sync(
    source: Database,
    target: Database,
    options: SyncOptions,
    *,
    writes: bool = True,
    patience: float = 0.0,
    run_id: str | None = None,
    supersedes: Sequence[str] = (),
    emit: Emit = silent,
    control: Control | None = None,
    warn: Callable[[str], None] = lambda warning: None,
) -> Iterator[OpenSync]:
    """Open both ends for the block, refusing a pair that must not be synchronised at all.

    With ``writes`` the target's run lock is taken before anything is asked of its tables, and held. Raises
    TargetBusy when another run has it after ``patience`` seconds, unless the options say to wait. ``run_id``: the
    name of the run in the ledger, where somebody has chosen one. ``supersedes``: runs that are known to be over; what
    the servers still have of them is ended first, so that neither a lock nor a snapshot of theirs is left.
    """
    source, target = source.at("source"), target.at("target")
    control = control or Control()
    run_id = run_id or uuid.uuid4().hex[:12]
    bounded = {"lock_timeout": f"{int(options.lock_timeout_s * 1000)}ms"}
    with ExitStack() as stack:
        left, right = stack.enter_context(both_ends(source, target, run_id, bounded))
        stack.enter_context(control.on_stop(left.cancel))
        stack.enter_context(control.on_stop(right.cancel))
        for warning in (*left.warnings, *right.warnings, *ensure_distinct(left, right)):
            warn(warning)
        if writes:
            ensure_primary(right)
            for over in supersedes:
                end_run_sessions(left, over)
                end_run_sessions(right, over)
            wait = options.on_locked == "wait"
            take_run_lock(right, wait=wait, patience=patience, emit=emit, control=control)
            if patience and ledger.find_ledger(right) is not None:
                ledger.end_dead_sessions(right, control.wait)
        yield OpenSync((source, target), (left, right), options, run_id)


def _side(database: Database, catalog: Catalog, stamps: Mapping[int, str]) -> Side:
    oids = {name: table.oid for name, table in catalog.tables.items()}
    return Side(database=database, encoding=catalog.encoding, oids=oids, stamps=stamps)
