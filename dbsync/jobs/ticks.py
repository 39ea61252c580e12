"""Firings of schedules, as rows: each is there once, whoever notes it first."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from dbsync.schedule import Firing
from dbsync.store.tables import tick as _tick

_KEPT_S = 90 * 86_400.0


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
