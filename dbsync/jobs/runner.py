"""Run a job that was claimed: open its databases, take up what its last run left, sync, and note how it ended."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from dbsync import services
from dbsync.control import Control
from dbsync.data.parts import Helpers
from dbsync.data.report import SyncReport
from dbsync.errors import ConfigError, DbsyncError, InternalFault, LedgerHeld, TargetBusy, TimeLimit
from dbsync.events import Emit, Notice, fan_out, silent
from dbsync.failpoints import failpoint
from dbsync.jobs.afterwards import Settle
from dbsync.jobs.auditing import waited_for
from dbsync.jobs.model import Attempt, Job, JobSpec, JobState
from dbsync.jobs.recorder import Recorder
from dbsync.jobs.store import JobStore
from dbsync.jobs.verdict import ATTEMPTS, LOSSES, LOST, failures, judge, losses, recorded_error
from dbsync.pg.database import Database
from dbsync.urls import DatabaseUrl

LOGGER = logging.getLogger(__name__)
FindHelpers = Callable[[Job], Helpers | str]
Urls = Callable[[Job], tuple[DatabaseUrl, DatabaseUrl]]
_PATIENCE_S = 15.0  # a server notices a dead client within ten


class Runner:
    """Runs jobs, one at a time in each thread, for one worker; ``urls`` opens what is kept of their databases.

    ``interrupted``: what becomes of a job whose worker gets a signal. ``gives_back``: whether one that failed for a
    passing reason is queued again; else it has failed, since nobody is there to take it. ``helpers`` finds workers
    that may stage parts of a job, or says why there are none.
    """

    def __init__(
        self,
        jobs: JobStore,
        urls: Urls,
        worker: str,
        *,
        interrupted: JobState = JobState.QUEUED,
        gives_back: bool = True,
        helpers: FindHelpers | None = None,
    ) -> None:
        self.jobs, self.worker = jobs, worker
        self._urls, self._helpers = urls, helpers
        self._interrupted, self._gives_back = interrupted, gives_back

    def run(self, job: Job, control: Control, emit: Emit = silent) -> Job:
        """Carry one attempt through, whatever happens, and return the job as it is then.

        ``control`` is this attempt's own; an order from the store stops it, and so may the caller.
        """
        error: DbsyncError | None
        report: SyncReport | None = None
        earlier = self.jobs.attempts(job.id)[:-1]
        waits = True
        with Recorder(lambda: (self.jobs, job), self.worker, control, LOGGER.warning) as recorder:
            try:
                spec = job.read_spec()
                waits = spec.options.on_locked == "wait" or bool(earlier)  # what holds it may be its own dead run
                with _limited(control, spec.timeout_s):
                    report = self._sync(job, spec, earlier, control, recorder, fan_out(recorder.emit, emit))
                error = report.error
            except DbsyncError as raised:
                error = control.reason or raised
                skips = isinstance(raised, TargetBusy) and not isinstance(raised, LedgerHeld)
                if skips and spec.options.on_locked == "skip":
                    error, report = None, SyncReport(run_id=None, verify=spec.options.verify, state="skipped")
            except Exception as raised:  # the boundary of a job
                LOGGER.error("%s", "".join(traceback.format_exception(raised)))
                error = InternalFault.of(raised)
        failpoint("before_job_finished")
        made = failures(earlier) + 1 if self._gives_back else ATTEMPTS
        verdict = judge(error, attempts=made, interrupted=self._interrupted, waits=waits)
        finished = recorder.finish(
            verdict.state,
            error=recorded_error(verdict.error),
            result=report.to_dict() if report is not None else None,
            delay_s=verdict.delay_s,
        )
        return finished or self.jobs.get(job.id)

    def _sync(
        self,
        job: Job,
        spec: JobSpec,
        earlier: Sequence[Attempt],
        control: Control,
        recorder: Recorder,
        emit: Emit,
    ) -> SyncReport:
        source, target = self._urls(job)
        with services.open_sync(
            Database(source, read_only=True),
            Database(target),
            spec.options,
            patience=_PATIENCE_S if earlier else 0.0,
            run_id=job.run_id,
            supersedes=[attempt.run_id for attempt in earlier],  # the lease is ours now: whoever ran them has lost it
            emit=emit,
            control=control,
            warn=lambda text: emit(Notice(message=text)),
        ) as opened:
            opened.way_on = f"dbsync jobs retry {job.id[:8]} (resume, if it was paused)"
            if earlier and spec.options.ledger:
                _take_up(opened, [attempt.run_id for attempt in earlier], emit)
            alone = self._spread(job, opened)
            plan = opened.plan(emit=emit, control=control)
            if alone is not None and opened.could_spread:
                emit(Notice(message=f"large tables are not spread over workers: {alone}"))
            recorder.plan(plan.to_dict())
            opened.require_consent(yes=spec.agreed, confirm=spec.confirmed, ask=None)
            failpoint("before_job_run")
            return opened.run(emit=emit, control=control)

    def _spread(self, job: Job, opened: services.OpenSync) -> str | None:
        """Let other workers help; return why they cannot, None where they can or nobody was to help."""
        if self._helpers is None:
            return None
        found = self._helpers(job)
        return found if isinstance(found, str) else opened.spread(found)


def _take_up(opened: services.OpenSync, earlier: list[str], emit: Emit) -> None:
    """Go on from the newest of the job's runs that the target's ledger knows; one may have died before it began."""
    for run_id in reversed(earlier):
        try:
            emit(Notice(message=opened.resume(run_id)))
        except ConfigError as error:
            if error.code != "NO_SUCH_RUN":
                raise
        else:
            return


@contextmanager
def _limited(control: Control, seconds: float | None) -> Iterator[None]:
    """Stop the block's work when its time is over."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, control.stop, [TimeLimit()])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def sweep(
    jobs: JobStore, settle: Settle = lambda job: None, which: Callable[[Job], bool] = lambda job: True
) -> list[Job]:
    """Take back those jobs whose workers are gone: to the queue, or to where they were told to go.

    What a terminal ran does not begin again by itself: nobody is there to see it. ``settle`` finds the result of a run
    that had succeeded before its process was gone; one that goes back to the queue finds that out by itself.
    """
    found = []
    for job in filter(which, jobs.expired()):
        to, error = _after_loss(job, losses(jobs.attempts(job.id)[:-1]) + 1)
        result = settle(job) if to is not JobState.QUEUED else None
        if result is not None:
            to, error = JobState.SUCCEEDED, None
        taken = jobs.take_back(job, to, recorded_error(error), result)
        if taken is not None:
            found.append(taken)
    return found


def _after_loss(job: Job, lost_so_far: int) -> tuple[JobState, DbsyncError | None]:
    if job.state is JobState.PAUSING:
        return JobState.PAUSED, None
    if job.state is JobState.STOPPING:
        return JobState.STOPPED, None
    lost = DbsyncError(
        f"the process that ran the job is gone: {job.lease_owner}",
        code=LOST,
        hint=f"dbsync jobs retry {job.id[:8]} goes on from what it committed",
    )
    if waited_for(job) or lost_so_far >= LOSSES:
        return JobState.FAILED, lost
    return JobState.QUEUED, lost
