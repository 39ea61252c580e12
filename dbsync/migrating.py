"""The service behind ``migrate apply`` and ``migrate rollback``: run a plan's statements, and be able to go on.

Before the first change: the target is what the plan was made for, the plan is proved, its hazards are allowed,
the rows fit. Every group is one transaction that notes itself in the ledger; what no transaction takes is noted
before and after, and settled by a look at the catalogs when nobody knows whether it ran.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from dbsync.control import Control
from dbsync.errors import DbsyncError, Refused, StalePlan, StatementFailed, TargetBusy
from dbsync.events import Emit, Notice, StatementState, silent
from dbsync.failpoints import failpoint
from dbsync.guards import refuse_read_only, require_consent
from dbsync.migration_obstacles import (
    go_without_ledger,
    refuse_hazards,
    refuse_rows,
    refuse_unproved,
    require_ledger,
)
from dbsync.pg import ledger, migrations, runs
from dbsync.pg.database import Database, Session
from dbsync.pg.identity import ensure_primary
from dbsync.pg.migrations import Direction, MigrationRecord
from dbsync.schema.diff import schema_fingerprint
from dbsync.schema.plan import MigrationPlan, Statement
from dbsync.schema.plan_file import plan_hash
from dbsync.schema.snapshot import take_snapshot
from dbsync.schema_diff import describe_side
from dbsync.settling import Settled, settle
from dbsync.shadow import PLAN_SETTINGS

_LOCK_FAILURES = ("55P03", "40P01")
_TRIES = 8
_LONGEST_PAUSE_S = 10.0
_NOT_MADE = "the role may not make it"

ResultState = Literal["done", "failed", "pending"]


@dataclass(slots=True, kw_only=True)
class StatementResult:
    """What became of a statement; ``tries``: more than one where it had to wait for locks."""

    number: int
    statement: Statement
    state: ResultState = "pending"
    elapsed_s: float = 0.0
    tries: int = 0
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class ApplyReport:
    """What was run, and whether the schema is now what the plan promised."""

    migration_id: str
    direction: Direction
    state: Literal["succeeded", "failed", "stopped"]
    statements: list[StatementResult]
    verified: bool = False
    differences: tuple[str, ...] = ()
    error: DbsyncError | None = None


class OpenMigration:
    """A plan and its target, under the target's run lock: ``prepare``, ask for consent, then ``run``."""

    def __init__(
        self,
        plan: MigrationPlan,
        target: Database,
        session: Session,
        direction: Direction,
        emit: Emit,
        control: Control,
        warn: Callable[[str], None],
    ) -> None:
        self.plan, self.target, self.session, self.direction = plan, target, session, direction
        self.emit, self.control, self._warn = emit, control, warn
        self.statements = plan.statements if direction == "up" else plan.undo
        self.results = [StatementResult(number=n, statement=s) for n, s in enumerate(self.statements, 1)]
        self.migration_id = uuid.uuid4().hex[:12]
        self.resumed = False
        self.not_asked: list[str] = []
        self._hash = plan_hash(plan)
        self._record: MigrationRecord | None = None
        self._seen: str | None = None

    @property
    def pending(self) -> tuple[Statement, ...]:
        """What is left to run."""
        return tuple(result.statement for result in self.results if result.state == "pending")

    def prepare(self, *, unproved: bool = False, allow: frozenset[str] = frozenset()) -> None:
        """Find out where to begin, and refuse what must not be run; nothing is changed.

        Raises StalePlan, Refused (not proved, a hazard that nobody allowed, rows that do not fit).
        """
        refuse_read_only(self.target.url)
        self._seen = schema_fingerprint(take_snapshot(self.session))
        records = migrations.history(self.session)
        last = records[0] if records else None
        if last is not None and last.unfinished and (last.plan_hash, last.direction) == (self._hash, self.direction):
            self._take_up(last)
        else:
            self._check_fingerprint(self._seen, last)
        if not self.pending:
            if not self.statements and not self.plan.unplanned and self.plan.proof.state == "differs" and not unproved:
                refuse_unproved(self.plan.proof)  # else "nothing to do" would be said of what a judge found different
            return
        if not unproved:
            refuse_unproved(self.plan.proof if self.direction == "up" else self.plan.undo_proof)
        refuse_hazards(self.pending, allow)
        self.not_asked += refuse_rows(self.session, self.pending)
        require_ledger(self.session, self.pending, self._warn)

    def require_consent(self, *, yes: bool, confirm: str | None, ask: Callable[[], bool] | None) -> None:
        """Raise Refused unless writing was agreed to; ``ask`` is None without a person."""
        require_consent(self.target.url, yes=yes, confirm=confirm, ask=ask)

    def run(self, *, lock_timeout_ms: int | None = None, statement_timeout_ms: int | None = None) -> ApplyReport:
        """Run what is pending. A failure is in the report; what was committed before it stays, and is in the ledger.

        Raises StalePlan, with nothing changed, when the schema is not what ``prepare`` saw.
        """
        limits = (lock_timeout_ms, statement_timeout_ms)
        report = ApplyReport(
            migration_id=self.migration_id, direction=self.direction, state="succeeded", statements=self.results
        )
        if not self.pending:
            if self._record is not None:  # it died between its last statement and its end
                self._begin()
                return self._ended(report, kept=True)
            return self._verified(report)
        if self._seen != schema_fingerprint(take_snapshot(self.session)):
            raise StalePlan(f"the schema of {self.target.url.name} was changed a moment ago", hint="plan again")
        kept = ledger.open_ledger(self.session) is not None
        if kept:
            self._begin()
        else:
            go_without_ledger(self.pending, ledger.obstacle(self.session) or _NOT_MADE, self._warn)
        try:
            for _, results in groupby(
                [result for result in self.results if result.state == "pending"], lambda r: r.statement.group
            ):
                self.control.check()
                self._group(list(results), limits, kept)
        except DbsyncError as error:
            report.error, report.state = self.control.reason or error, "stopped" if self.control.reason else "failed"
            report.error.hint = self._how_to_go_on(report.error.hint)
            self._finish(kept, report.state, error.message)
            return report
        return self._ended(report, kept=kept)

    def _ended(self, report: ApplyReport, *, kept: bool) -> ApplyReport:
        """Every statement is done; the ledger also says where that did not lead to what the plan promised."""
        self._verified(report)
        broken = self._promised is not None and not report.verified
        self._finish(kept, "succeeded", report.differences[0] if broken else None)
        return report

    def _how_to_go_on(self, hint: str | None) -> str | None:
        done = sum(result.state == "done" for result in self.results)
        if not done and self.session.usable:
            return hint
        kept = (
            f"{done} of {len(self.results)} statements are committed" if self.session.usable else "the connection broke"
        )
        again = f"{kept}: run the same command again, and it goes on from there"
        return f"{hint}; {again}" if hint else again

    # Where to begin

    def _take_up(self, record: MigrationRecord) -> None:
        """Go on where an earlier run of the same plan stopped."""
        self.resumed, self._record, self.migration_id = True, record, record.migration_id
        for result in self.results:
            state = record.progress.get(result.number)
            if state == "started" and settle(self.session, result.statement, clean=False) is Settled.DONE:
                state = "done"
            if state == "done":
                result.state = "done"
        self.emit(Notice(message=f"migration {record.migration_id} goes on: {record.done} statements were done"))

    def _check_fingerprint(self, now: str, last: MigrationRecord | None) -> None:
        before, after = self.plan.target.fingerprint, self.plan.expected
        if self.direction == "down":
            if after is None:
                raise Refused("the plan does not say what it led to, so it cannot be taken back", code="NO_UNDO")
            before, after = after, before
        if now == before and self.statements:
            return
        if self.direction == "down" and now == before != after:
            reason = self.plan.undo_proof.reason or "; ".join(self.plan.undo_proof.differences[:3])
            raise Refused(f"the plan has no statements that lead back: {reason}", code="NO_UNDO")
        if now == after or (now == before and not self.statements):
            for result in self.results:
                result.state = "done"
            return
        half = f"; migration {last.migration_id} of another plan stands half done" if last and last.unfinished else ""
        raise StalePlan(
            f"the schema of {self.target.url.name} is not what it was when the plan was made{half}",
            hint="see what changed with dbsync diff, then plan again",
        )

    # Running

    def _begin(self) -> None:
        if self._record is not None:
            migrations.begin_again(self.session, self.migration_id)
            for result in self.results:
                if result.state == "done" and self._record.progress.get(result.number) != "done":
                    migrations.note(self.session, self.migration_id, result.number, "done")  # settled a moment ago
            return
        migrations.begin(
            self.session,
            self.migration_id,
            plan_hash=self._hash,
            direction=self.direction,
            source_name=self.plan.source.name,
            fingerprint=self.plan.target.fingerprint,
            statements=[statement.sql for statement in self.statements],
        )

    def _finish(self, kept: bool, state: Literal["succeeded", "failed", "stopped"], error: str | None) -> None:
        failpoint("before_migration_finished")
        if kept and self.session.usable:
            migrations.finish(self.session, self.migration_id, state, error)

    def _group(self, results: Sequence[StatementResult], limits: tuple[int | None, int | None], kept: bool) -> None:
        run = self._in_transaction if results[0].statement.transactional else self._alone
        pause = 0.5
        for attempt in range(1, _TRIES + 1):
            for result in results:
                result.tries = attempt
            try:
                run(results, limits, kept)
                return
            except StatementFailed as error:
                if error.sqlstate not in _LOCK_FAILURES or attempt == _TRIES:
                    raise
                self._tell(results[0], "retry")
                self.control.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _in_transaction(
        self, results: Sequence[StatementResult], limits: tuple[int | None, int | None], kept: bool
    ) -> None:
        with self.session.transaction():
            for result in results:
                self._execute(result, limits, local=True)
                if kept:
                    migrations.note(self.session, self.migration_id, result.number, "done")
            failpoint("before_migration_commit")
        failpoint("after_migration_commit")
        for result in results:
            result.state = "done"
            self._tell(result, "done")

    def _alone(self, results: Sequence[StatementResult], limits: tuple[int | None, int | None], kept: bool) -> None:
        for result in results:
            if settle(self.session, result.statement, clean=True) is not Settled.DONE:
                if kept:
                    migrations.note(self.session, self.migration_id, result.number, "started")
                failpoint("after_migration_started")
                try:
                    self._execute(result, limits, local=False)
                finally:
                    if self.session.usable:
                        migrations.bound_by(self.session, lock_timeout_ms=0, statement_timeout_ms=0, local=False)
                failpoint("before_migration_noted")
            if kept:
                migrations.note(self.session, self.migration_id, result.number, "done")
            result.state = "done"
            self._tell(result, "done")

    def _execute(self, result: StatementResult, limits: tuple[int | None, int | None], *, local: bool) -> None:
        statement = result.statement
        migrations.bound_by(
            self.session,
            lock_timeout_ms=limits[0] or statement.lock_timeout_ms,
            statement_timeout_ms=limits[1] or statement.timeout_ms,
            local=local,
        )
        failpoint("before_migration_statement")
        self._tell(result, "running")
        started = time.monotonic()
        try:
            self.session.execute_text(statement.sql)
        except StatementFailed as error:
            result.error = error.message
            if error.sqlstate not in _LOCK_FAILURES:
                result.state = "failed"
                error.message = f"statement {result.number} failed: {error.message}"
            raise
        finally:
            result.elapsed_s = time.monotonic() - started
        result.error = None

    def _tell(self, result: StatementResult, state: str) -> None:
        self.emit(
            StatementState(
                number=result.number, total=len(self.results), sql=result.statement.sql, state=state,
                elapsed_s=round(result.elapsed_s, 3),
            )
        )  # fmt: skip

    @property
    def _promised(self) -> str | None:
        return self.plan.expected if self.direction == "up" else self.plan.target.fingerprint

    def _verified(self, report: ApplyReport) -> ApplyReport:
        """Compare the outcome with what the plan promised."""
        if self._promised is None:
            report.differences = ("nobody knows what the outcome should be: the plan was not proved",)
            return report
        report.verified = schema_fingerprint(take_snapshot(self.session)) == self._promised
        if not report.verified:
            report.differences = ("the schema is not what the plan promised: compare with dbsync diff",)
        return report


@contextmanager
def open_migration(
    plan: MigrationPlan,
    target: Database,
    *,
    direction: Direction = "up",
    patience: float = 0.0,
    emit: Emit = silent,
    control: Control | None = None,
    warn: Callable[[str], None] = lambda warning: None,
    opened: Callable[[Mapping[str, Any]], None] = lambda target: None,
) -> Iterator[OpenMigration]:
    """Open the target under its run lock for the block. Raises TargetBusy when another run has it."""
    control = control or Control()
    database = replace(target, read_only=False)
    session = database.connect(application_name="dbsync migrate run lock", settings=PLAN_SETTINGS)
    with closing(session), control.on_stop(session.cancel):
        for warning in session.warnings:
            warn(warning)
        opened(describe_side(target, session))
        ensure_primary(session)
        _lock(session, patience, control)
        yield OpenMigration(plan, target, session, direction, emit, control, warn)


def _lock(session: Session, patience: float, control: Control) -> None:
    deadline = time.monotonic() + patience
    while not runs.try_run_lock(session):
        if time.monotonic() >= deadline:
            holder = runs.run_lock_holder(session) or "it has just ended"
            raise TargetBusy(f"another run holds the target: {holder}", hint="wait for it, then run again")
        control.wait(0.5)
