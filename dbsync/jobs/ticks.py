"""Firings of schedules, as rows: each is there once, and each step of its job is noted once, whoever is first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import sqlalchemy as sa

from dbsync.jobs.model import ENDED, RESTING
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
    """Which firing: the project's and the schedule's name, and its time in seconds since 1970.

    Names, not the file's path or content: hosts keep the file at different places, and a schedule that was edited is
    still the same one, which has fired when it has.
    """

    project: str  # empty: the one that has no name
    schedule: str
    due_at: float

    @classmethod
    def of(cls, firing: Firing, project: str) -> Tick:
        """The firing's row."""
        return cls(project, firing.name, firing.at.timestamp())


def add_tick(connection: sa.Connection, tick: Tick, *, now: float, outcome: str, job_id: str | None = None) -> None:
    """Note a firing in the caller's transaction, which fails (STORE_CONFLICT) where it is noted already."""
    same = (_tick.c.project == tick.project, _tick.c.schedule == tick.schedule)
    connection.execute(sa.delete(_tick).where(*same, _tick.c.due_at < tick.due_at - _KEPT_S))
    noted = {"fired_at": now, "job_id": job_id, "outcome": outcome}
    connection.execute(sa.insert(_tick).values(asdict(tick) | noted))


def last_ticks(connection: sa.Connection, project: str) -> dict[str, float]:
    """When each schedule of a project fired last, or was settled without firing."""
    last = sa.select(_tick.c.schedule, sa.func.max(_tick.c.due_at)).where(_tick.c.project == project)
    return {name: at for name, at in connection.execute(last.group_by(_tick.c.schedule))}


def is_at_work(connection: sa.Connection, project: str, schedule: str) -> bool:
    """Whether a job that the schedule has begun is not over."""
    mine = (_tick.c.project == project, _tick.c.schedule == schedule, _job.c.state.not_in(RESTING))
    found = sa.select(_job.c.id).join(_tick, _tick.c.job_id == _job.c.id).where(*mine).limit(1)
    return connection.execute(found).first() is not None


def take_steps(
    store: Store, project: str, schedules: Collection[str], ahead: Callable[[str], None] = lambda job_id: None
) -> Iterator[Step]:
    """Yield what became of these schedules' jobs and was not noted yet; each step goes to one caller, who noted it.

    ``ahead`` is called with the job's id before that, to read what the step needs: where it fails nothing is noted.
    """
    open_ones = (
        sa.select(_tick, _job.c.state, _job.c.started_at, _job.c.ended_at)
        .join(_job, _job.c.id == _tick.c.job_id)
        .where(_tick.c.project == project, _tick.c.schedule.in_(list(schedules)))
        .where(_tick.c.outcome.in_((QUEUED, _BEGUN)))
        .where(_job.c.state.in_(ENDED) | ((_tick.c.outcome == QUEUED) & _job.c.started_at.is_not(None)))
        .order_by(_tick.c.due_at)
    )
    with store.read() as connection:
        rows, now = connection.execute(open_ones).all(), store.now(connection)
    for row in rows:
        over = row.state in ENDED
        is_news = not over or (row.ended_at or now) >= now - _NEWS_S
        if is_news:
            ahead(row.job_id)
        this = (_tick.c.project == project, _tick.c.schedule == row.schedule, _tick.c.due_at == row.due_at)
        note = sa.update(_tick).where(*this, _tick.c.outcome == row.outcome)
        with store.write() as connection:
            noted = connection.execute(note.values(outcome=row.state if over else _BEGUN))
        if not noted.rowcount or not is_news:
            continue
        if row.outcome == QUEUED and row.started_at is not None:
            yield Step(row.job_id, "begun")
        if over:
            yield Step(row.job_id, "ended")
