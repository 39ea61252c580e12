"""Random orders to a job store, by people and by workers, against a model of what must come of them.

``DBSYNC_TEST_STEPS=2500`` takes more steps than the few hundred of every run.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from dbsync.errors import DbsyncError, Fenced, InvalidTransition, JobBusy, JobNotFound
from dbsync.jobs.model import LOCAL_OWNER, JobState
from dbsync.jobs.runner import sweep
from dbsync.jobs.service import Jobs
from dbsync.jobs.verdict import LOSSES
from dbsync.local import EphemeralServer
from dbsync.store import tables
from tests.fixtures.databases import fresh_database
from tests.fixtures.jobs import job_store, new_job

STEPS_EACH = 40  # so few that no job loses twenty workers
STEPS = int(os.environ.get("DBSYNC_TEST_STEPS", "240"))
WORKERS = st.sampled_from(["w1", "w2", "w3"])
HELD = ("running", "pausing", "stopping")
ENDS = st.sampled_from(["succeeded", "failed", "paused", "stopped", "queued"])
# What may become of a job that is held, when who holds it ends its attempt; written down once more on purpose.
FINISHES = {
    "running": {"succeeded", "failed", "stopped", "queued"},
    "pausing": {"succeeded", "failed", "stopped", "paused"},
    "stopping": {"succeeded", "failed", "stopped"},
}


@dataclass
class Model:
    """One job as it must be."""

    state: str = "created"
    holder: str | None = None
    late: bool = False
    attempts: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=lambda: ["created"])

    def goes(self, to: str) -> None:
        self.state = to
        self.history.append(to)

    def ends(self, to: str) -> None:
        self.attempts[-1] = to
        self.holder, self.late = None, False
        self.goes(to)


class Machine(RuleBasedStateMachine):
    """People and three workers; all jobs write to one target."""

    jobs = Bundle("jobs")
    server: ClassVar[EphemeralServer | None] = None  # where the store is; none: in a file

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        directory = self._stack.enter_context(tempfile.TemporaryDirectory())
        url = self._stack.enter_context(fresh_database(self.server)).url if self.server is not None else None
        self.store = self._stack.enter_context(job_store(Path(directory), url))
        self.people = Jobs(self.store, LOCAL_OWNER)
        self.model: dict[str, Model] = {}

    def teardown(self) -> None:
        self._stack.close()

    @rule(target=jobs)
    def create(self) -> str:
        job = new_job(self.store)
        self.model[job.id] = Model()
        return job.id

    @rule(job=jobs)
    def start(self, job: str) -> None:
        self._queue(job, "start", {"created", "paused", "stopped", "failed"})

    @rule(job=jobs)
    def resume(self, job: str) -> None:
        self._queue(job, "resume", {"paused"})

    @rule(job=jobs)
    def retry(self, job: str) -> None:
        self._queue(job, "retry", {"stopped", "failed"})

    def _queue(self, job: str, order: str, allowed: set[str]) -> None:
        known = self.model.get(job)
        error = self._try(lambda: getattr(self.people, order)(job))
        if known is None:
            assert isinstance(error, JobNotFound)
        elif known.state in allowed:
            assert error is None
            known.goes("queued")
        elif known.state in (*HELD, "queued"):
            assert isinstance(error, JobBusy)
            assert error.exit_code == 5
        else:
            assert isinstance(error, InvalidTransition)

    @rule(job=jobs)
    def pause(self, job: str) -> None:
        known = self.model.get(job)
        error = self._try(lambda: self.people.pause(job))
        if known is not None and known.state in ("queued", "running"):
            assert error is None
            known.goes("paused" if known.state == "queued" else "pausing")
        else:
            assert isinstance(error, (InvalidTransition, JobNotFound))

    @rule(job=jobs, now=st.booleans())
    def stop(self, job: str, now: bool) -> None:
        known = self.model.get(job)
        error = self._try(lambda: self.people.stop(job, now=now))
        if known is None:
            assert isinstance(error, JobNotFound)
        elif known.state in ("created", "queued", "paused"):
            assert error is None
            known.goes("stopped")
        elif known.state in HELD:
            assert error is None
            if known.state != "stopping":
                known.goes("stopping")
            if now:
                known.ends("stopped")
        else:
            assert isinstance(error, InvalidTransition)

    @rule(job=jobs, worker=WORKERS)
    def claim(self, job: str, worker: str) -> None:
        known = self.model.get(job)
        claimed = self.store.claim(job, worker)
        free = not any(other.state in HELD for other in self.model.values())
        if known is not None and known.state == "queued" and free:
            assert claimed is not None
            known.goes("running")
            known.holder = worker
            known.attempts.append("running")
        else:
            assert claimed is None

    @rule()
    def the_next_one_is_one_that_can_be_claimed(self) -> None:
        found = self.store.next_queued()
        free = not any(known.state in HELD for known in self.model.values())
        waiting = {job for job, known in self.model.items() if known.state == "queued"}
        assert (found in waiting) if (free and waiting) else (found is None)

    @rule(job=jobs, worker=WORKERS)
    def renew(self, job: str, worker: str) -> None:
        known = self.model.get(job)
        if known is not None and known.holder == worker:
            assert self.store.renew(job, worker) == known.state
            known.late = False
        else:
            assert isinstance(self._try(lambda: self.store.renew(job, worker)), Fenced)

    @rule(job=jobs, worker=WORKERS, to=ENDS)
    def finish(self, job: str, worker: str, to: str) -> None:
        known = self.model.get(job)
        error = self._try(lambda: self.store.finish(job, worker, JobState(to)))
        if known is None or known.holder != worker:
            assert isinstance(error, (Fenced, JobNotFound))
        elif to in FINISHES[known.state]:
            assert error is None
            known.ends(to)
        else:
            assert isinstance(error, InvalidTransition)

    @rule(job=jobs, worker=WORKERS)
    def record(self, job: str, worker: str) -> None:
        known = self.model.get(job)
        error = self._try(lambda: self.store.record(job, worker, [("notice", "info", {"message": "said"})]))
        mine = known is not None and known.holder == worker
        assert (error is None) if mine else isinstance(error, (Fenced, JobNotFound))

    @rule(job=jobs)
    def a_worker_falls_silent(self, job: str) -> None:
        known = self.model.get(job)
        if known is None or known.holder is None:
            return
        with self.store.store.write() as connection:
            connection.execute(sa.update(tables.job).where(tables.job.c.id == job).values(lease_until=1.0))
        known.late = True

    @rule()
    def take_back(self) -> None:
        after = {"pausing": "paused", "stopping": "stopped"}
        late = {job: known for job, known in self.model.items() if known.late}
        assert {job.id for job in sweep(self.store)} == late.keys()
        for known in late.values():
            known.ends(after.get(known.state) or ("queued" if len(known.attempts) < LOSSES else "failed"))

    @rule(job=jobs)
    def remove(self, job: str) -> None:
        known = self.model.get(job)
        error = self._try(lambda: self.people.remove(job))
        if known is None:
            assert isinstance(error, JobNotFound)
        elif known.state in (*HELD, "queued"):
            assert isinstance(error, InvalidTransition)
        else:
            assert error is None
            del self.model[job]

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        found = {job.id: job for job in self.store.list(limit=1000)}
        assert {job: each.state for job, each in found.items()} == {job: each.state for job, each in self.model.items()}
        for job, known in self.model.items():
            assert found[job].lease_owner == known.holder
            assert (found[job].lease_until is not None) == (known.holder is not None)
            assert [attempt.state for attempt in self.store.attempts(job)] == known.attempts
            events = self.store.events(job, limit=10_000)
            assert [event.data["to"] for event in events if event.kind == "state"] == known.history
            assert [event.number for event in events] == list(range(1, len(events) + 1))

    @staticmethod
    def _try(call: object) -> DbsyncError | None:
        assert callable(call)
        try:
            call()
        except DbsyncError as error:
            return error
        return None


def steps(count: int) -> settings:
    return settings(
        max_examples=max(count // STEPS_EACH, 1),
        stateful_step_count=STEPS_EACH,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


TestJobs = Machine.TestCase
TestJobs.settings = steps(STEPS)


def test_the_same_orders_come_to_the_same_in_postgres(pg_b: EphemeralServer) -> None:
    class InPostgres(Machine):
        server = pg_b

    run_state_machine_as_test(InPostgres, settings=steps(STEPS // 2))
