"""What owners have and have used, as quotas count it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from dbsync.quota import Purpose, Quota, Usage, check_quota
from dbsync.store import tables
from dbsync.store.engine import Store
from dbsync.store.rows import insert_into

_job, _connection, _usage, _event = tables.job, tables.connection, tables.usage, tables.event
_LOCK = 1684173690  # the advisory locks that stand for owners
_AT_WORK = ("queued", "running", "pausing", "stopping")
_WRITTEN = ("rows_inserted", "rows_updated", "rows_deleted")


def usage_of(connection: sa.Connection, owner: str, now: float) -> Usage:
    """Return what an owner has and has used this month."""
    saved = sa.select(sa.func.count()).where(_connection.c.owner == owner, _connection.c.name.is_not(None))
    at_work = sa.select(sa.func.count()).where(_job.c.owner == owner, _job.c.state.in_(_AT_WORK))
    unstarted = sa.select(sa.func.count()).where(_job.c.owner == owner, _job.c.state == "created")
    used = sa.select(_usage.c.rows, _usage.c.bytes).where(_usage.c.owner == owner, _usage.c.month == month_of(now))
    rows, size = connection.execute(used).one_or_none() or (0, 0)
    return Usage(
        connections=connection.scalar(saved.select_from(_connection)) or 0,
        jobs=connection.scalar(at_work.select_from(_job)) or 0,
        unstarted=connection.scalar(unstarted.select_from(_job)) or 0,
        rows_per_month=rows,
        bytes_per_month=size,
    )


def require_quota(store: Store, connection: sa.Connection, owner: str, quota: Quota, purpose: Purpose) -> None:
    """Raise QuotaExceeded unless the owner may have one more; call it in the transaction that makes it.

    On Postgres the owner's makers take turns until their transactions end, as SQLite's writers do anyway: two that
    come at once cannot both take the last place.
    """
    if not quota.limits_something:
        return
    if store.is_postgres:
        connection.execute(
            sa.select(sa.func.pg_catalog.pg_advisory_xact_lock(_LOCK, sa.func.pg_catalog.hashtext(owner)))
        )
    check_quota(quota, usage_of(connection, owner, store.now(connection)), purpose)


@dataclass(frozen=True, slots=True)
class Written:
    """What one attempt at a job has committed in the target."""

    rows: int = 0
    bytes: int = 0

    def or_more(self, other: Written) -> Written:
        """The larger of two accounts of the same."""
        return Written(max(self.rows, other.rows), max(self.bytes, other.bytes))

    def beyond(self, counted: Written) -> Written:
        """What is left when ``counted`` is taken off; never less than nothing."""
        return Written(max(0, self.rows - counted.rows), max(0, self.bytes - counted.bytes))


def written_of(result: Mapping[str, Any]) -> Written:
    """What a run's result says."""
    totals = result.get("totals") or {}
    return Written(sum(int(totals.get(name, 0)) for name in _WRITTEN), int(totals.get("bytes_copied", 0)))


def written_by(connection: sa.Connection, job_id: str, attempt: int) -> Written:
    """What the events of an attempt say that has told no result: the tables that it had committed."""
    finished = (_event.c.job_id == job_id, _event.c.attempt == attempt, _event.c.kind == "table_finished")
    facts = [json.loads(data) for data in connection.scalars(sa.select(_event.c.data).where(*finished))]
    done = [fact for fact in facts if fact["state"] == "done"]
    return Written(
        sum(int(fact.get(name, 0)) for fact in done for name in ("rows", "rows_updated", "rows_deleted")),
        sum(int(fact["bytes"]) for fact in done),
    )


def add_usage(connection: sa.Connection, owner: str, now: float, written: Written) -> None:
    """Count what an attempt has written; call it once for each, in the transaction that notes its end."""
    if written == Written():
        return
    counts = {"rows": written.rows, "bytes": written.bytes}
    first = insert_into(connection, _usage).values(owner=owner, month=month_of(now), **counts)
    more = {"rows": _usage.c.rows + written.rows, "bytes": _usage.c.bytes + written.bytes}
    connection.execute(first.on_conflict_do_update(index_elements=["owner", "month"], set_=more))


def month_of(now: float) -> str:
    """The calendar month of a moment, in UTC: ``2026-11``."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m")
