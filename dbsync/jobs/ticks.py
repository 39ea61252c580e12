"""Firings of schedules, as rows: each is there once, and each step of its job is noted once, whoever is first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from dbsync.jobs.model import ENDED
from dbsync.schedule import Firing
from dbsync.store import Store
from dbsync.store.tables import job as _job
from dbsync.store.tables import tick as _tick

QUEUED = "queued"  # what is noted of a firing; later that its job has begun, and in which state it ended
_BEGUN = "begun"
_KEPT_S = 90 * 86_400.0
_NEWS_S = 3600.0  # what ended longer ago is noted, and no news any more


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a firing's job."""

    job_id: str
    kind: Literal["begun", "ended"]


@dataclass(frozen=True, slots=True)
class Tick:
    """Which firing: the schedule's name, and its time in seconds since 1970."""

    schedule: str
    due_at: float

    @classmethod
    def of(cls, firing: Firing) -> Tick:
        """The firing's row."""
        return cls(firing.name, firing.at.timestamp())


def add_tick(connection: sa.Connection, tick: Tick, *, now: float, outcome: str, job_id: str | None = None) -> None:
    """Note a firing in the caller's transaction, which fails (STORE_CONFLICT) where it is noted already."""
    old = (_tick.c.schedule == tick.schedule, _tick.c.due_at < tick.due_at - _KEPT_S)
    connection.execute(sa.delete(_tick).where(*old))
    values = {"schedule": tick.schedule, "due_at": tick.due_at, "fired_at": now, "job_id": job_id, "outcome": outcome}
    connection.execute(sa.insert(_tick).values(values))


def take_steps(store: Store, schedules: Collection[str]) -> Iterator[Step]:
    """Yield what became of these schedules' jobs and was not noted yet; each step goes to one caller, who noted it."""
    open_ones = (
        sa.select(_tick, _job.c.state, _job.c.started_at, _job.c.ended_at)
        .join(_job, _job.c.id == _tick.c.job_id)
        .where(_tick.c.schedule.in_(list(schedules)), _tick.c.outcome.in_((QUEUED, _BEGUN)))
        .where(_job.c.state.in_(ENDED) | ((_tick.c.outcome == QUEUED) & _job.c.started_at.is_not(None)))
        .order_by(_tick.c.due_at)
    )
    with store.read() as connection:
        rows, now = connection.execute(open_ones).all(), store.now(connection)
    for row in rows:
        over = row.state in ENDED
        old = (_tick.c.schedule == row.schedule, _tick.c.due_at == row.due_at, _tick.c.outcome == row.outcome)
        with store.write() as connection:
            noted = connection.execute(sa.update(_tick).where(*old).values(outcome=row.state if over else _BEGUN))
        if not noted.rowcount or (over and (row.ended_at or now) < now - _NEWS_S):
            continue
        if row.outcome == QUEUED and row.started_at is not None:
            yield Step(row.job_id, "begun")
        if over:
            yield Step(row.job_id, "ended")
