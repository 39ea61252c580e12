"""Parts of jobs in the store: who stages which range. A hint for whoever looks for work; the target's ledger decides.

A part has a lease, like a job; one that has run out is offered again. A part whose job is at work no more is nobody's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dbsync.jobs.model import JobState
from dbsync.jobs.rows import to_text
from dbsync.store import Store
from dbsync.store.rows import insert_rows
from dbsync.store.tables import job as _job
from dbsync.store.tables import part as _part

LEASE_S = 10.0
HELPED = 3  # so many tries by helpers; then the part is left to the run itself, whose error is the run's
_OWN_S = 86_400.0  # what the run itself takes is its own until it ends


@dataclass(frozen=True, slots=True)
class Key:
    """Which part."""

    run_id: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenPart:
    """A part that somebody has taken; ``tries``: how many took it before."""

    job_id: str
    key: Key
    tries: int
    work: Mapping[str, Any]


class PartStore:
    """Reads and writes parts."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def offer(self, job_id: str, works: Mapping[Key, Mapping[str, Any]]) -> None:
        """Let workers take these parts."""
        rows = [
            {
                "job_id": job_id,
                "run_id": key.run_id,
                "number": key.number,
                "work": to_text(work),
                "state": "waiting",
                "tries": 0,
            }
            for key, work in works.items()
        ]
        with self.store.write() as connection:
            insert_rows(connection, _part, rows)

    def take_own(self, run_id: str, numbers: Collection[int], worker: str) -> TakenPart | None:
        """Take one of these parts for the run itself, for as long as it runs."""
        return self._take(worker, _OWN_S, _part.c.run_id == run_id, _part.c.number.in_(numbers))

    def take(
        self, worker: str, *, avoiding: Collection[str] = (), first: tuple[str, int] | None = None
    ) -> TakenPart | None:
        """Take a part of a job that is at work: this one (job, number) if it waits, else the most urgent one."""
        allowed = (_part.c.run_id.not_in(avoiding), _part.c.tries < HELPED)
        if first is not None:
            taken = self._take(worker, LEASE_S, *allowed, _part.c.job_id == first[0], _part.c.number == first[1])
            if taken is not None:
                return taken
        return self._take(worker, LEASE_S, *allowed)

    def renew(self, worker: str, keys: Collection[Key]) -> Collection[Key]:
        """Keep the leases on these parts; return those that are still the worker's."""
        held = []
        with self.store.write() as connection:
            until = self.store.now(connection) + LEASE_S
            for key in keys:
                mine = (*_one(key), _part.c.lease_owner == worker, _part.c.state == "running")
                if connection.execute(sa.update(_part).where(*mine).values(lease_until=until)).rowcount:
                    held.append(key)
        return held

    def done(self, key: Key, worker: str) -> None:
        """The part is staged."""
        self._settle(key, worker, {"state": "done"})

    def give_back(self, key: Key, worker: str, error: Mapping[str, Any]) -> None:
        """The part could not be staged by this worker: it is offered again."""
        self._settle(key, worker, {"state": "waiting", "tries": _part.c.tries + 1, "outcome": to_text(error)})

    def offer_again(self, run_id: str) -> Sequence[int]:
        """Offer the parts again whose takers have said nothing for longer than their leases; return their numbers."""
        with self.store.write() as connection:
            late = (
                _part.c.run_id == run_id,
                _part.c.state == "running",
                _part.c.lease_until < self.store.now(connection),
            )
            free = {"state": "waiting", "tries": _part.c.tries + 1, "lease_owner": None, "lease_until": None}
            again = connection.execute(sa.update(_part).where(*late).values(free).returning(_part.c.number))
            return [number for (number,) in again]

    def forget(self, job_id: str) -> None:
        """Nobody may take parts of the job any more."""
        with self.store.write() as connection:
            connection.execute(sa.delete(_part).where(_part.c.job_id == job_id))

    def _take(self, worker: str, lease_s: float, *conditions: sa.ColumnElement[bool]) -> TakenPart | None:
        waiting = (
            sa.select(_part.c.job_id, _part.c.run_id, _part.c.number, _part.c.tries, _part.c.work)
            .join(_job, _job.c.id == _part.c.job_id)
            .where(_part.c.state == "waiting", _job.c.state == JobState.RUNNING, _job.c.run_id == _part.c.run_id)
            .where(*conditions)
            .order_by(_job.c.priority.desc(), _job.c.started_at, _part.c.number)
            .limit(1)
            .with_for_update(of=_part, skip_locked=True)
        )
        with self.store.write() as connection:
            found = connection.execute(waiting).one_or_none()
            if found is None:
                return None
            key = Key(found.run_id, found.number)
            until = self.store.now(connection) + lease_s
            taken = {"state": "running", "lease_owner": worker, "lease_until": until}
            connection.execute(sa.update(_part).where(*_one(key)).values(taken))
            return TakenPart(job_id=found.job_id, key=key, tries=found.tries, work=json.loads(found.work))

    def _settle(self, key: Key, worker: str, values: Mapping[str, Any]) -> None:
        free = {**values, "lease_owner": None, "lease_until": None}
        with self.store.write() as connection:
            connection.execute(sa.update(_part).where(*_one(key), _part.c.lease_owner == worker).values(free))


def _one(key: Key) -> tuple[sa.ColumnElement[bool], ...]:
    return (_part.c.run_id == key.run_id, _part.c.number == key.number)
