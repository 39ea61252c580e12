"""A sync from the terminal is a job too: it can be watched, paused and stopped from elsewhere while it runs.

All that is kept is opened beside the run, in the recorder's thread; before it, where a quota may forbid it.
A store that cannot be used is a warning.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from dbsync.cli.context import Context
from dbsync.data.report import SyncReport
from dbsync.errors import DbsyncError, InternalFault
from dbsync.events import fan_out
from dbsync.quota import QuotaExceeded
from dbsync.registry.model import LOCAL_OWNER
from dbsync.services import OpenSync
from dbsync.urls import DatabaseUrl

if TYPE_CHECKING:  # loaded in the thread that needs them
    from dbsync.jobs.model import Job
    from dbsync.jobs.recorder import Begin
    from dbsync.jobs.store import JobStore


def run_recorded(
    context: Context,
    opened: OpenSync,
    ends: tuple[DatabaseUrl, DatabaseUrl],
    *,
    name: str | None,
    confirm: str | None,
) -> SyncReport:
    """Run a sync that was agreed to, as a job of this terminal's."""
    from dbsync.jobs.model import JobState
    from dbsync.jobs.recorder import Recorder
    from dbsync.jobs.verdict import ATTEMPTS, judge, recorded_error

    report: SyncReport | None = None
    failure: DbsyncError | None = InternalFault()  # until it is known better
    with ExitStack() as stack:
        keep = _Keep(context, opened, ends, name=name, confirm=confirm, stack=stack)
        begin = keep.begin_first() if keep.is_limited else keep.begin
        recorder = Recorder(begin, keep.worker, context.control, context.warn, beside=True)
        recorder.plan(opened.planned.to_dict())
        try:
            with recorder:
                report = opened.run(emit=fan_out(context.emit, recorder.emit), control=context.control)
            failure = report.error
        except DbsyncError as error:
            failure = context.control.reason or error  # a statement that a stop cancelled is no failure
            raise
        finally:
            # Nobody tries again by itself what a person has started: all attempts count as made.
            verdict = judge(failure, attempts=ATTEMPTS, interrupted=JobState.STOPPED)
            recorder.finish(
                verdict.state,
                error=recorded_error(verdict.error),
                result=report.to_dict() if report is not None else None,
            )
    assert report is not None
    return report


class _Keep:
    """Opens what is kept and makes the job, in the recorder's thread."""

    def __init__(
        self,
        context: Context,
        opened: OpenSync,
        ends: tuple[DatabaseUrl, DatabaseUrl],
        *,
        name: str | None,
        confirm: str | None,
        stack: ExitStack,
    ) -> None:
        from dbsync.jobs.recorder import worker_name

        self.worker = worker_name("terminal")
        self._context, self._opened, self._ends = context, opened, ends
        self._name, self._confirm, self._stack = name, confirm, stack

    @property
    def is_limited(self) -> bool:
        """Whether a quota may forbid the run."""
        return self._context.quotas.of(LOCAL_OWNER).limits_something

    def begin(self) -> tuple[JobStore, Job]:
        """Keep both databases and a job that runs."""
        try:
            return self._begin()
        except (OSError, ImportError) as error:  # what is loaded for it cannot be read: no descriptor is left, say
            reason = (error.strerror if isinstance(error, OSError) else None) or "a module is missing"
            raise DbsyncError(f"the store's code cannot be loaded: {reason.lower()}", code="STORE_FAILED") from error

    def _begin(self) -> tuple[JobStore, Job]:
        from dbsync.cli.kept import open_kept
        from dbsync.jobs.model import JobSpec, new_job_id

        kept = self._stack.enter_context(open_kept(self._context))
        if self.is_limited:
            kept.sweep()  # a job whose process is gone takes nobody's place
        source, target = ((kept.registry.keep_unnamed(LOCAL_OWNER, url), url.name) for url in self._ends)
        job = kept.store.create(
            job_id=new_job_id(self._opened.run_id),
            owner=LOCAL_OWNER,
            origin="terminal",
            source=source,
            target=target,
            spec=JobSpec(options=self._opened.options, agreed=True, confirmed=self._confirm),
            name=self._name,
            running=(self.worker, self._opened.run_id),
        )
        return kept.store, job

    def begin_first(self) -> Begin:
        """Begin before the work, which a quota may forbid: raises QuotaExceeded. A store in trouble forbids nothing."""
        try:
            begun = self.begin()
        except QuotaExceeded:
            raise
        except DbsyncError as error:
            trouble = error  # Python forgets the other name

            def again() -> tuple[JobStore, Job]:
                raise trouble

            return again
        return lambda: begun
