"""Jobs as they are kept, read and never changed: one job, lists of them, and what happened to them.

Methods take an owner where a person asks; None there asks for everybody's (administrators, workers).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from dbsync.errors import ConfigError, JobNotFound
from dbsync.jobs.model import HELD, Attempt, Job, JobState, JobTable, StoredEvent
from dbsync.jobs.rows import event_of, from_text, job_of, owned, read_job
from dbsync.store import Store, tables

LEASE_S = 15.0  # so long a worker may say nothing; it speaks every few seconds
_SHORTEST = 4
_job = tables.job


class JobRecords:
    """Reads jobs, their attempts, events and tables."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def get(self, job_id: str, owner: str | None = None) -> Job:
        """Return the job with exactly this id. Raises JobNotFound, also for another owner's."""
        with self.store.read() as connection:
            return read_job(connection, job_id, owner)

    def find(self, text: str, owner: str | None = None) -> Job:
        """Return a job by the beginning of its id or of one of its runs' ids. Raises JobNotFound, ConfigError."""
        letters = text.replace("-", "").lower()
        if len(letters) < _SHORTEST or not letters.isalnum():
            raise ConfigError(f"{text!r} is no name of a job", hint="give at least four letters of its id")
        runs = sa.select(tables.attempt.c.job_id).where(tables.attempt.c.run_id.startswith(letters, autoescape=True))
        mine = sa.func.replace(_job.c.id, "-", "").startswith(letters, autoescape=True)
        query = sa.select(_job).where(mine | _job.c.id.in_(runs), *owned(owner)).limit(2)
        with self.store.read() as connection:
            rows = connection.execute(query).mappings().all()
        if not rows:
            raise JobNotFound(f"there is no job {text!r}", hint="dbsync jobs list shows them")
        if len(rows) > 1:
            raise ConfigError(f"more than one job begins with {text!r}", code="NO_SUCH_JOB", hint="give more of the id")
        return job_of(rows[0])

    def list(
        self,
        owner: str | None = None,
        *,
        states: Collection[JobState] = (),
        name: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Sequence[Job]:
        """Return jobs, the newest first."""
        query = sa.select(_job).where(*owned(owner)).order_by(_job.c.created_at.desc(), _job.c.id)
        if states:
            query = query.where(_job.c.state.in_(states))
        if name is not None:
            query = query.where(_job.c.name == name)
        with self.store.read() as connection:
            return [job_of(row) for row in connection.execute(query.limit(limit).offset(offset)).mappings()]

    def count(self, owner: str | None = None, states: Collection[JobState] = ()) -> int:
        """How many jobs there are."""
        query = sa.select(sa.func.count()).select_from(_job).where(*owned(owner))
        with self.store.read() as connection:
            return connection.execute(query.where(_job.c.state.in_(states)) if states else query).scalar_one()

    def next_queued(self, owner: str | None = None) -> str | None:
        """The queued job that is to be run next: the highest priority, then the oldest."""
        with self.store.read() as connection:
            query = waiting(self.store.now(connection)).where(*owned(owner))
            first = query.order_by(_job.c.priority.desc(), _job.c.updated_at, _job.c.id).limit(1)
            return connection.execute(first).scalar_one_or_none()

    def holder(self, connection_id: str) -> str | None:
        """The id of a job that writes to this connection now."""
        held = (_job.c.target_id == connection_id, _job.c.state.in_(HELD))
        with self.store.read() as connection:
            return connection.execute(sa.select(_job.c.id).where(*held).limit(1)).scalar_one_or_none()

    def expired(self) -> Sequence[Job]:
        """The jobs whose workers have said nothing for longer than their lease."""
        with self.store.read() as connection:
            late = (_job.c.state.in_(HELD), _job.c.lease_until < self.store.now(connection))
            return [job_of(row) for row in connection.execute(sa.select(_job).where(*late)).mappings()]

    def events(
        self, job_id: str, after: int = 0, *, limit: int = 1000, readable: bool = False
    ) -> Sequence[StoredEvent]:
        """Events with numbers above ``after``, oldest first; with ``readable`` those that people read."""
        event = tables.event
        query = sa.select(event).where(event.c.job_id == job_id, event.c.number > after).order_by(event.c.number)
        if readable:
            query = query.where(event.c.level.is_not(None))
        with self.store.read() as connection:
            return [event_of(row) for row in connection.execute(query.limit(limit)).mappings()]

    def event_counts(self, job_ids: Collection[str]) -> Mapping[str, int]:
        """How many events each of these jobs has; those that are gone are left out."""
        query = sa.select(_job.c.id, _job.c.events).where(_job.c.id.in_(job_ids))
        with self.store.read() as connection:
            return {job_id: events for job_id, events in connection.execute(query)}

    def tables(self, job_id: str) -> Sequence[JobTable]:
        """The job's tables in the plan's order."""
        query = sa.select(tables.job_table).where(tables.job_table.c.job_id == job_id)
        with self.store.read() as connection:
            rows = connection.execute(query.order_by(tables.job_table.c.position)).mappings()
            return [
                JobTable(name=row["name"], position=row["position"], state=row["state"], facts=json.loads(row["facts"]))
                for row in rows
            ]

    def attempts(self, job_id: str) -> Sequence[Attempt]:
        """The tries at the job, the first one first."""
        query = sa.select(tables.attempt).where(tables.attempt.c.job_id == job_id).order_by(tables.attempt.c.number)
        with self.store.read() as connection:
            return [
                Attempt(**{**row, "error": from_text(row["error"])}) for row in connection.execute(query).mappings()
            ]


def waiting(now: float) -> sa.Select[Any]:
    """The ids of queued jobs that may begin: those that rest do not, nor those whose target another job writes to."""
    other = _job.alias("other")
    busy = sa.select(other.c.id).where(other.c.target_id == _job.c.target_id, other.c.state.in_(HELD))
    rested = sa.func.coalesce(_job.c.not_before, 0) <= now
    return sa.select(_job.c.id).where(_job.c.state == JobState.QUEUED, rested, ~busy.exists())
