"""Jobs in the store, changed: every change of state is one compare-and-set, checked against ``model``'s transitions.

Methods take an owner where a person asks; None there asks for everybody's (administrators, workers).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from dbsync.errors import Fenced, InvalidTransition
from dbsync.jobs.auditing import note_end, waited_for
from dbsync.jobs.model import (
    HELD,
    TRANSITIONS,
    Job,
    JobSpec,
    JobState,
    JobTable,
    StateFacts,
    check_transition,
    first_run_id,
    new_run_id,
    settled,
)
from dbsync.jobs.records import LEASE_S, JobRecords, waiting
from dbsync.jobs.rows import end_tables, keep_tables, owned, read_job, require_lease, take_turn, to_text
from dbsync.jobs.ticks import QUEUED, Tick, add_tick
from dbsync.quota import NO_QUOTAS, Quotas
from dbsync.store import Store, tables
from dbsync.store.rows import insert_rows
from dbsync.store.usage import add_usage, require_quota, written_by, written_of

_job = tables.job
_LEFT = {JobState.SUCCEEDED: "done", JobState.QUEUED: "waiting"}  # what tables are of which no end was told


class JobStore(JobRecords):
    """Reads and writes jobs, their attempts, events and tables."""

    def __init__(self, store: Store, quotas: Quotas = NO_QUOTAS) -> None:
        super().__init__(store)
        self._quotas = quotas

    def create(
        self,
        *,
        job_id: str,
        owner: str,
        origin: str,
        source: tuple[str, str],
        target: tuple[str, str],
        spec: JobSpec,
        name: str | None = None,
        priority: int = 0,
        tick: Tick | None = None,
        queued: bool = False,
        running: tuple[str, str] | None = None,
    ) -> Job:
        """Keep a new job; ``source`` and ``target`` are the ids and the names of connections.

        ``queued``: at once, or it is not kept. ``running``: this worker runs it at once, without the queue, as a run of
        this id. Both raise QuotaExceeded. ``tick``: it is the job of this firing, and queued. Raises DbsyncError
        (STORE_CONFLICT) where the firing has a job already.
        """
        with self.store.write() as connection:
            now = self.store.now(connection)
            connection.execute(
                sa.insert(_job).values(
                    id=job_id,
                    owner=owner,
                    name=name,
                    origin=origin,
                    source_id=source[0],
                    source_name=source[1],
                    target_id=target[0],
                    target_name=target[1],
                    spec=to_text(spec.to_dict()),
                    state=JobState.CREATED,
                    priority=priority,
                    attempts=0,
                    created_at=now,
                    updated_at=now,
                    events=0,
                )
            )
            self._tell(connection, job_id, now, [("state", "info", StateFacts({"from": None, "to": JobState.CREATED}))])
            if tick is not None:
                add_tick(connection, tick, now=now, outcome=QUEUED, job_id=job_id)
            if tick is not None or queued:
                return self._change(connection, job_id, JobState.QUEUED)
            if running is not None:
                worker, run_id = running
                return self._begin(connection, job_id, worker, now, run_id)
            return read_job(connection, job_id)

    def change(self, job_id: str, to: JobState, owner: str | None = None, **values: Any) -> Job:
        """Let a job that nobody holds, or an order to who holds it, become ``to``. Raises InvalidTransition.

        A job that was to stop or pause while it waited, and that a worker has taken meanwhile, is told to; one that was
        given back meanwhile is paused. One that a worker holds goes back to the queue by the worker's hand alone,
        however it looked to who asks.
        """
        with self.store.write() as connection:
            before = read_job(connection, job_id, owner, lock=True)
            if to is JobState.QUEUED and before.state in HELD:
                raise InvalidTransition(before.state, to, sorted(TRANSITIONS[before.state] - {to}))
            if to is JobState.PAUSED and before.state is JobState.RUNNING:
                to = JobState.PAUSING
            elif to is JobState.PAUSING and before.state is JobState.QUEUED:
                to = JobState.PAUSED
            if to is JobState.STOPPED:
                if before.state is JobState.STOPPING:
                    return before
                if before.state in HELD:
                    to = JobState.STOPPING
                else:
                    values |= {"ended_at": self.store.now(connection)}
            # Why an attempt of before came back to the queue is not why the job rests, or is begun anew.
            return self._change(connection, job_id, to, owner=owner, error=None, **values)

    def claim(self, job_id: str, worker: str) -> Job | None:
        """Take a queued job for a worker, with a lease and an attempt of its own.

        None when it is not to be had: it is not queued, it rests, or another job writes to its target.
        """
        with self.store.write() as connection:
            take_turn(connection, job_id)
            now = self.store.now(connection)
            if connection.execute(waiting(now).where(_job.c.id == job_id).with_for_update()).first() is None:
                return None
            return self._begin(connection, job_id, worker, now)

    def begin(self, job_id: str, worker: str, run_id: str) -> Job:
        """Let a new job run at once, without the queue: who made it runs it."""
        with self.store.write() as connection:
            return self._begin(connection, job_id, worker, self.store.now(connection), run_id)

    def renew(self, job_id: str, worker: str, *, attempt: int | None = None) -> JobState:
        """Keep the lease and return the job's state, which may be an order. Raises Fenced when it was lost.

        ``attempt``, here and below: for this one only. A worker that lost a job may have the next attempt at it too.
        """
        with self.store.write() as connection:
            until = self.store.now(connection) + LEASE_S
            held = [_job.c.id == job_id, _job.c.lease_owner == worker, _job.c.state.in_(HELD)]
            held += [_job.c.attempts == attempt] if attempt is not None else []
            state = connection.execute(
                sa.update(_job).where(*held).values(lease_until=until).returning(_job.c.state)
            ).scalar_one_or_none()
            if state is None:
                raise Fenced("the job was taken over by another worker")
            return JobState(state)

    def finish(
        self,
        job_id: str,
        worker: str,
        to: JobState,
        *,
        error: Mapping[str, Any] | None = None,
        result: Mapping[str, Any] | None = None,
        delay_s: float | None = None,
        attempt: int | None = None,
    ) -> Job:
        """End the worker's attempt: the job becomes ``to``. Raises Fenced when the worker has lost the lease.

        ``delay_s``: so long a job that is queued again rests first.
        """
        with self.store.write() as connection:
            job = read_job(connection, job_id, lock=True)
            if job.lease_owner != worker or job.state not in HELD or attempt not in (None, job.attempts):
                raise Fenced("the job was taken over by another worker")
            to = settled(job.state, to)
            if not waited_for(job) and to is not JobState.QUEUED:
                note_end(self.store, connection, job, to, error, result)
            return self._end_attempt(connection, job, to, error=error, result=result, delay_s=delay_s)

    def take_back(
        self, job: Job, to: JobState, error: Mapping[str, Any] | None, result: Mapping[str, Any] | None = None
    ) -> Job | None:
        """End the attempt of a worker that is gone; None when it is there again, or somebody was quicker."""
        with self.store.write() as connection:
            now = self.store.now(connection)
            late = (
                _job.c.id == job.id,
                _job.c.lease_owner == job.lease_owner,
                _job.c.attempts == job.attempts,
                _job.c.state == job.state,  # an order that came meanwhile is for the next look
                _job.c.lease_until < now,
            )
            if connection.execute(sa.select(_job.c.id).where(*late).with_for_update()).first() is None:
                return None
            held = read_job(connection, job.id)
            if to is not JobState.QUEUED:
                note_end(self.store, connection, held, to, error, result)
            return self._end_attempt(connection, held, to, error=error, result=result)

    def seize(self, job: Job) -> Job:
        """Take the lease away from who holds a job that is to stop, and let it count as stopped."""
        with self.store.write() as connection:
            held = read_job(connection, job.id, lock=True)
            if held.state is not JobState.STOPPING:
                return held  # it has ended meanwhile
            if not waited_for(held):
                note_end(self.store, connection, held, JobState.STOPPED, None, None)
            return self._end_attempt(connection, held, JobState.STOPPED, error=None, result=None)

    def count_late(self, job: Job, result: Mapping[str, Any]) -> None:
        """Count what an attempt had written that was taken away from its worker, beyond what was known then."""
        with self.store.write() as connection:
            read_job(connection, job.id)  # raises JobNotFound: nobody knows any more what was counted
            late = written_of(result).beyond(written_by(connection, job.id, job.attempts))
            add_usage(connection, job.owner, self.store.now(connection), late)

    def keep_plan(self, job_id: str, worker: str, plan: Mapping[str, Any]) -> None:
        """Keep what the attempt is going to do."""
        with self.store.write() as connection:
            held = (_job.c.id == job_id, _job.c.lease_owner == worker)
            connection.execute(sa.update(_job).where(*held).values(plan=to_text(plan)))

    def record(
        self,
        job_id: str,
        worker: str,
        facts: Iterable[tuple[str, str | None, Mapping[str, Any]]],
        progress: Iterable[JobTable] = (),
        *,
        attempt: int | None = None,
    ) -> None:
        """Append events (kind, level, data) and keep the tables' newest figures. Raises Fenced without the lease."""
        with self.store.write() as connection:
            require_lease(connection, job_id, worker, attempt)
            self._tell(connection, job_id, self.store.now(connection), list(facts))
            keep_tables(connection, job_id, list(progress))

    def remove(self, job_id: str, owner: str | None = None) -> None:
        """Forget a job that rests. Raises JobNotFound, InvalidTransition for one at work."""
        with self.store.write() as connection:
            job = read_job(connection, job_id, owner, lock=True)
            if job.state in HELD or job.state is JobState.QUEUED:
                check_transition(job.state, JobState.CREATED)
            connection.execute(sa.delete(_job).where(_job.c.id == job_id))

    def prune(self, before: float, owner: str | None = None) -> int:
        """Forget jobs that ended before that time, with their events; return how many."""
        ended = (JobState.SUCCEEDED, JobState.FAILED, JobState.STOPPED)
        with self.store.write() as connection:
            done = connection.execute(
                sa.delete(_job).where(_job.c.state.in_(ended), _job.c.ended_at < before, *owned(owner))
            )
            return done.rowcount

    def _begin(self, connection: sa.Connection, job_id: str, worker: str, now: float, run_id: str | None = None) -> Job:
        job = read_job(connection, job_id, lock=True)
        number = job.attempts + 1
        run_id = run_id or (first_run_id(job_id) if number == 1 else new_run_id())
        running = self._change(
            connection,
            job_id,
            JobState.RUNNING,
            attempts=number,
            run_id=run_id,
            lease_owner=worker,
            lease_until=now + LEASE_S,
            started_at=job.started_at or now,
            ended_at=None,
            error=None,
            result=None,
            not_before=None,
        )
        connection.execute(
            sa.insert(tables.attempt).values(
                job_id=job_id, number=number, run_id=run_id, worker=worker, started_at=now, state=JobState.RUNNING
            )
        )
        return running

    def _end_attempt(
        self,
        connection: sa.Connection,
        job: Job,
        to: JobState,
        *,
        error: Mapping[str, Any] | None,
        result: Mapping[str, Any] | None,
        delay_s: float | None = None,
    ) -> Job:
        now = self.store.now(connection)
        one = (tables.attempt.c.job_id == job.id, tables.attempt.c.number == job.attempts)
        said = to_text(error) if error else None
        connection.execute(sa.update(tables.attempt).where(*one).values(ended_at=now, state=to, error=said))
        values: dict[str, Any] = {"result": to_text(result)} if result is not None else {}
        # Tables that the events call done were committed, whatever there is of a result.
        told = written_by(connection, job.id, job.attempts).or_more(written_of(result or {}))
        add_usage(connection, job.owner, now, told)
        end_tables(connection, job.id, _LEFT.get(to, "stopped"))
        return self._change(
            connection,
            job.id,
            to,
            lease_owner=None,
            lease_until=None,
            ended_at=now if to is not JobState.QUEUED else None,
            error=said,
            not_before=now + delay_s if delay_s is not None else None,
            **values,
        )

    def _change(
        self, connection: sa.Connection, job_id: str, to: JobState, *, owner: str | None = None, **values: Any
    ) -> Job:
        """The one place where a state changes: compare, set, and tell it."""
        before = read_job(connection, job_id, owner, lock=True)
        check_transition(before.state, to)
        begins = to in (JobState.QUEUED, JobState.RUNNING)  # asked for: not given back by a worker, nor taken by one
        if begins and before.state not in HELD | {JobState.QUEUED}:
            require_quota(self.store, connection, before.owner, self._quotas.of(before.owner), "job")
        now = self.store.now(connection)
        connection.execute(sa.update(_job).where(_job.c.id == job_id).values(state=to, updated_at=now, **values))
        facts: StateFacts = {"from": before.state, "to": to}
        if error := values.get("error"):
            facts["error"] = json.loads(error)
        self._tell(connection, job_id, now, [("state", "error" if to is JobState.FAILED else "info", facts)])
        return read_job(connection, job_id)

    def _tell(
        self,
        connection: sa.Connection,
        job_id: str,
        now: float,
        facts: Sequence[tuple[str, str | None, Mapping[str, Any]]],
    ) -> None:
        """Append events (kind, level, data), numbered on from the job's last one."""
        if not facts:
            return
        last, attempt = connection.execute(
            sa.update(_job)
            .where(_job.c.id == job_id)
            .values(events=_job.c.events + len(facts))
            .returning(_job.c.events, _job.c.attempts)
        ).one()
        constant = {"job_id": job_id, "at": now, "attempt": attempt}
        events = [
            constant | {"number": number, "kind": kind, "level": level, "data": to_text(data)}
            for number, (kind, level, data) in enumerate(facts, last - len(facts) + 1)
        ]
        insert_rows(connection, tables.event, events)
