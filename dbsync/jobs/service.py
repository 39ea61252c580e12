"""What people and machines do with jobs: create, start, pause, resume, stop, retry, look.

Orders go down as states in the store, facts come up as events; the service never calls who runs a job.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from dbsync.errors import InvalidTransition, JobBusy
from dbsync.jobs.metrics import Metrics, measure
from dbsync.jobs.model import ENDED, HELD, Job, JobSpec, JobState, JobTable, StoredEvent, new_job_id
from dbsync.jobs.store import JobStore
from dbsync.jobs.ticks import Tick

Send = Callable[[Job], None]


def nobody(job: Job) -> None:
    """There is no queue to tell: workers look into the store."""


class Jobs:
    """The jobs of one owner; ``owner=None`` works on everybody's (administrators, workers).

    ``send`` tells the queue that a job waits.
    """

    def __init__(self, jobs: JobStore, owner: str | None, send: Send = nobody) -> None:
        self.store = jobs
        self.owner = owner
        self._send = send

    def create(
        self,
        spec: JobSpec,
        *,
        source: tuple[str, str],
        target: tuple[str, str],
        origin: str,
        owner: str | None = None,
        name: str | None = None,
        priority: int = 0,
        tick: Tick | None = None,
        queued: bool = False,
    ) -> Job:
        """Keep a new job, which nobody runs yet; both ends are ids and names of connections.

        ``queued``: it is queued at once, or not kept; with ``tick`` too, for this firing of a schedule, unless that has
        a job already.
        """
        who = owner or self.owner
        assert who is not None
        job = self.store.create(
            job_id=new_job_id(),
            owner=who,
            origin=origin,
            source=source,
            target=target,
            spec=spec,
            name=name,
            priority=priority,
            tick=tick,
            queued=queued,
        )
        if tick is not None or queued:
            self._send(job)
        return job

    def start(self, job_id: str) -> Job:
        """Queue a job that was created, paused, stopped or has failed. Raises JobBusy, InvalidTransition."""
        return self._queue(job_id, {JobState.CREATED, JobState.PAUSED, JobState.STOPPED, JobState.FAILED})

    def resume(self, job_id: str) -> Job:
        """Queue a job that is paused: a new snapshot, and what differs from it. Raises JobBusy, InvalidTransition."""
        return self._queue(job_id, {JobState.PAUSED})

    def retry(self, job_id: str) -> Job:
        """Queue a job that was stopped or has failed; it goes on from the target's ledger."""
        return self._queue(job_id, {JobState.STOPPED, JobState.FAILED})

    def pause(self, job_id: str) -> Job:
        """Let who runs the job end it such that it can go on later; a job that waits is paused at once."""
        job = self.get(job_id)
        to = JobState.PAUSED if job.state is JobState.QUEUED else JobState.PAUSING
        return self.store.change(job.id, to, self.owner)

    def stop(self, job_id: str, *, now: bool = False) -> Job:
        """End a job; what is committed stays. ``now``: it counts as stopped whatever who runs it does.

        Then the lease is taken away: its run ends when it is to be renewed, within two seconds if the store is reached.
        """
        job = self.get(job_id)
        if job.state is not JobState.STOPPING:
            to = JobState.STOPPING if job.state in HELD else JobState.STOPPED
            job = self.store.change(job.id, to, self.owner)
        return self.store.seize(job) if now and job.state is JobState.STOPPING else job

    def get(self, job_id: str) -> Job:
        """Return a job by its whole id. Raises JobNotFound, also for another owner's."""
        return self.store.get(job_id, self.owner)

    def find(self, text: str) -> Job:
        """Return a job by the beginning of its id, or of one of its runs' ids. Raises JobNotFound, ConfigError."""
        return self.store.find(text, self.owner)

    def list(
        self, *, states: Collection[JobState] = (), name: str | None = None, limit: int = 50, offset: int = 0
    ) -> Sequence[Job]:
        """Return jobs, the newest first."""
        return self.store.list(self.owner, states=states, name=name, limit=limit, offset=offset)

    def tables(self, job_id: str) -> Sequence[JobTable]:
        """The tables of a job, with the newest figures."""
        return self.store.tables(self.get(job_id).id)

    def events(
        self, job_id: str, after: int = 0, *, limit: int = 1000, readable: bool = False
    ) -> Sequence[StoredEvent]:
        """What happened to a job after the event of that number; ``readable``: what people read."""
        return self.store.events(self.get(job_id).id, after, limit=limit, readable=readable)

    def metrics(self, job_id: str) -> Metrics:
        """A job's figures: a fold over its events and attempts, nothing else counts."""
        job = self.get(job_id)
        return measure(job, self.store.attempts(job.id), self._all_events(job.id))

    def remove(self, job_id: str) -> None:
        """Forget a job that rests."""
        self.store.remove(job_id, self.owner)

    def _all_events(self, job_id: str) -> Sequence[StoredEvent]:
        found: list[StoredEvent] = []
        while batch := self.store.events(job_id, found[-1].number if found else 0):
            found += batch
        return found

    def _queue(self, job_id: str, allowed: Collection[JobState]) -> Job:
        job = self.get(job_id)
        if job.state in HELD or job.state is JobState.QUEUED:
            who = f"worker {job.lease_owner} has it" if job.lease_owner else "it waits for a worker"
            raise JobBusy(f"the job is {job.state} already: {who}", hint=f"dbsync jobs watch {job.id[:8]}")
        if job.state not in allowed:
            raise InvalidTransition(job.state, JobState.QUEUED, _ways_on(job.state))
        try:
            queued = self.store.change(job.id, JobState.QUEUED, self.owner, ended_at=None, not_before=None)
        except InvalidTransition as error:
            raise JobBusy("somebody else has just started the job") from error
        self._send(queued)
        return queued


def _ways_on(state: JobState) -> list[str]:
    """What a person can ask for in this state."""
    if state is JobState.CREATED:
        return ["stop"]
    if state is JobState.PAUSED:
        return ["resume", "stop"]
    return ["retry"] if state in ENDED and state is not JobState.SUCCEEDED else []
