"""``worker --schedules`` tells of its schedules' runs what `schedule run` does: files, heartbeats, a command.

Any worker may have fired one, and any may have run it: each beginning and each end is told by the first worker that
sees it in the store, and by no other.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType

from dbsync.cli.context import Context
from dbsync.cli.jobs import ended
from dbsync.cli.kept import Kept
from dbsync.cli.options import REPORTING_NAMES
from dbsync.cli.output import Answer
from dbsync.cli.reporter import Reporter
from dbsync.cli.schedule_names import schedules
from dbsync.cli.scheduled import options_of_run
from dbsync.errors import DbsyncError, InternalFault
from dbsync.jobs.model import Job
from dbsync.jobs.ticks import Step, take_steps
from dbsync.outcome import Outcome

_LOOK_S = 2.0
_AFTER_A_STOP_S = 0.5  # giving the jobs back may take four of the five seconds that a stop has


class FiringReports:
    """Tells, in a thread of its own, for as long as its block goes on: a command on failure may take long.

    Raises ConfigError where the config file has no schedule, or what is to be told cannot be told.
    """

    def __init__(self, context: Context, kept: Kept) -> None:
        self._context, self._kept = context, kept
        self._reporters = dict(_reporters(context))
        self._refused: SimpleQueue[Outcome] = SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="reports of schedules", daemon=True)

    def __enter__(self) -> FiringReports:
        if self._reporters:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What is not told when a worker is ended stays for the next one; without a hurry nothing does."""
        self._over.set()
        if self._reporters:
            hurried = self._context.control.reason is not None
            self._thread.join(_AFTER_A_STOP_S if hurried else None)
            if not hurried:
                self._look()

    def refused(self, name: str, error: DbsyncError) -> None:
        """A firing has come to nothing: that is told as well."""
        now = time.time()
        self._refused.put(
            Outcome(
                labels={"sync": name}, exit_code=error.exit_code, started_at=now, ended_at=now, error=error.to_dict()
            )
        )

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_S):
            self._look()

    def _look(self) -> None:
        """Tell what is new. A store that is away is the worker's to tell, and what happened there is told later."""
        try:
            with suppress(Empty):
                while True:
                    self._conclude(self._refused.get_nowait())
            with suppress(DbsyncError):
                self._tell_steps()
        except Exception as fault:  # as where a call ends: nothing here may change how a worker works
            self._context.warn(InternalFault.of(fault).message)

    def _tell_steps(self) -> None:
        """Tell what became of jobs. All of it is read before it is noted as told: afterwards nobody looks again."""
        found: dict[str, tuple[Job, Answer]] = {}

        def read(job_id: str) -> None:
            job = self._kept.jobs.get(job_id)
            self._learn_secrets(job)
            found[job_id] = job, ended(self._kept, job)

        for step in take_steps(self._kept.store.store, self._context.settings.project, self._reporters, read):
            try:
                self._tell(step, *found[step.job_id])
            except DbsyncError as error:
                self._context.warn(
                    f"job {step.job_id[:8]} has {step.kind}, and that could not be told: {error.message}"
                )

    def _tell(self, step: Step, job: Job, answer: Answer) -> None:
        assert job.name is not None  # a schedule's
        if step.kind == "begun":
            self._reporters[job.name].ping_start()
            return
        self._conclude(
            Outcome(
                labels={"sync": job.name},
                exit_code=answer.exit_code,
                started_at=job.started_at or job.created_at,
                ended_at=job.ended_at or job.updated_at,
                result=job.result or {"run_id": job.run_id, "state": job.state.value},
                error=answer.error.to_dict() if answer.error is not None else None,
            )
        )

    def _conclude(self, outcome: Outcome) -> None:
        reporter = self._reporters.get(outcome.labels["sync"])
        if reporter is not None:
            reporter.write_files(outcome)
            reporter.tell(outcome)

    def _learn_secrets(self, job: Job) -> None:
        """Know what a command on failure must not get; another worker may have dialled."""
        with suppress(DbsyncError):
            for url in self._kept.urls(job):
                self._context.learn(url.password)


def _reporters(context: Context) -> list[tuple[str, Reporter]]:
    """The schedules that anybody is to be told of."""
    found = [(name, options_of_run(context, name)) for name in schedules(context)]
    return [
        (name, context.reporter(values)) for name, values in found if any(values[option] for option in REPORTING_NAMES)
    ]
