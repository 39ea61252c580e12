"""Figures over everything in the store, computed by its database: for health checks, metrics and administrators."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dbsync.store.audit_entry import NOBODY
from dbsync.store.engine import Store
from dbsync.store.tables import audit as _audit
from dbsync.store.tables import connection as _connection
from dbsync.store.tables import event as _event
from dbsync.store.tables import job as _job
from dbsync.store.tables import stream as _stream

DAY_S = 86_400
Row = Mapping[str, Any]
Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a list, and how many there are in all."""

    rows: Sequence[Row]
    total: int


def job_counts(store: Store, owner: str | None = None, since: float | None = None) -> Mapping[str, int]:
    """How many jobs are in each state; of one owner, or of all; those made since a time, or all."""
    query = sa.select(_job.c.state, sa.func.count()).group_by(_job.c.state)
    query = query.where(*([] if owner is None else [_job.c.owner == owner]))
    query = query.where(*([] if since is None else [_job.c.created_at >= since]))
    with store.read() as work:
        return {state: number for state, number in work.execute(query)}


def mean_duration(store: Store) -> float | None:
    """How many seconds jobs that succeeded took, on average."""
    query = sa.select(sa.func.avg(_job.c.ended_at - _job.c.started_at)).where(_job.c.state == "succeeded")
    with store.read() as work:
        found = work.execute(query).scalar_one()
    return None if found is None else float(found)


def connection_count(store: Store) -> int:
    """How many connections are saved."""
    query = sa.select(sa.func.count()).select_from(_connection).where(_connection.c.name.is_not(None))
    with store.read() as work:
        return int(work.execute(query).scalar_one())


def owners(store: Store, *, search: str | None, limit: int, offset: int) -> Part:
    """Who has used this: when first and last, with how many connections, jobs and open streams."""
    seen = _seen().subquery()
    people = sa.select(
        seen.c.owner, sa.func.min(seen.c.at).label("first_seen"), sa.func.max(seen.c.at).label("last_activity")
    ).group_by(seen.c.owner)
    if search:
        people = people.where(seen.c.owner.icontains(search, autoescape=True))
    found = people.subquery()
    query = sa.select(
        found,
        _count_of(_connection, found.c.owner, _connection.c.name.is_not(None)).label("connections"),
        _count_of(_job, found.c.owner).label("jobs"),
        _count_of(_stream, found.c.owner).label("streams"),
    ).order_by(found.c.first_seen.desc(), found.c.owner)
    return _part(store, query, limit, offset)


def owner_counts(store: Store, now: float) -> Mapping[str, int]:
    """How many owners there are, are new and were active lately."""
    seen = _seen().subquery()
    each = sa.select(sa.func.min(seen.c.at).label("first"), sa.func.max(seen.c.at).label("last")).group_by(seen.c.owner)
    found = each.subquery()
    since = {"new_24h": ("first", 1), "new_7d": ("first", 7), "new_30d": ("first", 30), "active_24h": ("last", 1)}
    counts = [
        sa.func.count().filter(found.c[column] >= now - days * DAY_S).label(name)
        for name, (column, days) in since.items()
    ]
    active = sa.func.count().filter(found.c.last >= now - 300).label("active_now")
    with store.read() as work:
        return dict(work.execute(sa.select(sa.func.count().label("total"), *counts, active)).mappings().one())


def jobs(
    store: Store,
    *,
    states: Collection[str],
    owner: str | None,
    since: float | None,
    until: float | None,
    limit: int,
    offset: int,
) -> Part:
    """Jobs of all owners, the newest first."""
    conditions = [*_between(_job.c.created_at, since, until), *([_job.c.state.in_(states)] if states else [])]
    conditions += [_job.c.owner == owner] if owner is not None else []
    return _part(store, sa.select(_job).where(*conditions).order_by(_job.c.created_at.desc(), _job.c.id), limit, offset)


def audited(
    store: Store,
    *,
    outcomes: Collection[str],
    action: str | None,
    owner: str | None,
    since: float | None,
    until: float | None,
    limit: int,
    offset: int,
) -> Part:
    """Entries of the audit log, the newest first."""
    conditions = [*_between(_audit.c.at, since, until), *([_audit.c.outcome.in_(outcomes)] if outcomes else [])]
    conditions += [_audit.c.owner == owner] if owner is not None else []
    conditions += [_audit.c.action == action] if action is not None else []
    return _part(store, sa.select(_audit).where(*conditions).order_by(_audit.c.number.desc()), limit, offset)


def new_owners_by_day(store: Store, since: float, until: float) -> Mapping[str, int]:
    """How many owners were first seen on each day."""
    seen = _seen().subquery()
    first = sa.select(sa.func.min(seen.c.at).label("at")).group_by(seen.c.owner).subquery()
    return _by_day(store, first.c.at, since, until)


def jobs_by_day(store: Store, since: float, until: float, states: Collection[str] = ()) -> Mapping[str, int]:
    """How many jobs (in these states) were made on each day."""
    return _by_day(store, _job.c.created_at, since, until, *([_job.c.state.in_(states)] if states else []))


def actions_by_day(store: Store, since: float, until: float) -> Mapping[str, int]:
    """How many entries the audit log has of each day."""
    return _by_day(store, _audit.c.at, since, until)


def errors_by_day(store: Store, since: float, until: float) -> Mapping[str, int]:
    """How many errors jobs met on each day."""
    return _by_day(store, _event.c.at, since, until, _event.c.level == "error")


def busiest(store: Store, since: float, *, limit: int = 10) -> tuple[Sequence[Row], Sequence[Row]]:
    """The owners, and the databases that were written to, with the most jobs since a time."""
    recent = _job.c.created_at >= since
    number = sa.func.count().label("value")
    people = sa.select(_job.c.owner.label("label"), number).where(recent).group_by(_job.c.owner)
    targets = sa.select(_job.c.target_id.label("id"), sa.func.max(_job.c.target_name).label("label"), number)
    targets = targets.where(recent).group_by(_job.c.target_id)
    with store.read() as work:
        return tuple(  # type: ignore[return-value]  # of two
            work.execute(query.order_by(sa.desc("value"), sa.text("label")).limit(limit)).mappings().all()
            for query in (people, targets)
        )


def _seen() -> sa.CompoundSelect[Any]:
    """Owner and time of everything that has both."""
    pairs = ((_connection.c.owner, _connection.c.created_at), (_job.c.owner, _job.c.created_at),
             (_job.c.owner, _job.c.updated_at), (_audit.c.owner, _audit.c.at))  # fmt: skip
    return sa.union_all(
        *(sa.select(owner.label("owner"), at.label("at")).where(owner != NOBODY) for owner, at in pairs)
    )


def _count_of(table: sa.Table, owner: sa.ColumnElement[Any], *conditions: Condition) -> sa.ScalarSelect[Any]:
    mine = table.c.owner == owner
    return (
        sa.select(sa.func.count()).select_from(table).where(mine, *conditions).correlate_except(table).scalar_subquery()
    )


def _between(column: sa.ColumnElement[Any], since: float | None, until: float | None) -> list[Condition]:
    return ([column >= since] if since is not None else []) + ([column < until] if until is not None else [])


def _by_day(
    store: Store, column: sa.ColumnElement[Any], since: float, until: float, *conditions: Condition
) -> Mapping[str, int]:
    day = (sa.cast(column, sa.BigInteger) // DAY_S).label("day")
    query = sa.select(day, sa.func.count()).where(column >= since, column < until, *conditions).group_by(day)
    with store.read() as work:
        return {date_of(number * DAY_S): count for number, count in work.execute(query)}


def date_of(seconds: float) -> str:
    """The UTC day of a time."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()


def _part(store: Store, query: sa.Select[Any], limit: int, offset: int) -> Part:
    with store.read() as work:
        total = work.execute(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())).scalar_one()
        rows = work.execute(query.limit(limit).offset(offset)).mappings()
        return Part([dict(row) for row in rows], total)
