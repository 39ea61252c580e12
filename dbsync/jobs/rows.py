"""Jobs as rows: reading them, and the small statements that several methods of the job store share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from dbsync.errors import Fenced, JobNotFound
from dbsync.jobs.model import Job, JobState, JobTable, StoredEvent
from dbsync.store import tables
from dbsync.store.rows import keep_rows

_job = tables.job
_JSON = frozenset({"spec", "plan", "error", "result"})
_LOCK = 1684173691  # the advisory locks that stand for targets


def read_job(connection: sa.Connection, job_id: str, owner: str | None = None, *, lock: bool = False) -> Job:
    """Return a job; with ``lock`` nobody changes it before the transaction ends. Raises JobNotFound."""
    query = sa.select(_job).where(_job.c.id == job_id, *owned(owner))
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise _not_found(job_id)
    return job_of(row)


def owned(owner: str | None) -> list[sa.ColumnElement[bool]]:
    """The condition that a job is this owner's; none for everybody."""
    return [] if owner is None else [_job.c.owner == owner]


def job_of(row: Mapping[Any, Any]) -> Job:
    """Make a job of a row."""
    found = {field.name: row[field.name] for field in fields(Job)}
    found |= {name: from_text(found[name]) for name in _JSON}
    return Job(**found | {"state": JobState(found["state"])})


def event_of(row: Mapping[Any, Any]) -> StoredEvent:
    """Make an event of a row."""
    return StoredEvent(
        number=row["number"],
        at=row["at"],
        attempt=row["attempt"],
        kind=row["kind"],
        level=row["level"],
        data=json.loads(row["data"]),
    )


def take_turn(connection: sa.Connection, job_id: str) -> None:
    """Let one at a time claim jobs of one target, until the transaction ends, as SQLite's writers do anyway.

    Two that claim two jobs at once would each see that nobody writes to the target.
    """
    if connection.dialect.name == "postgresql":
        target = sa.select(sa.func.pg_catalog.hashtext(_job.c.target_id)).where(_job.c.id == job_id).scalar_subquery()
        connection.execute(sa.select(sa.func.pg_catalog.pg_advisory_xact_lock(_LOCK, target)))


def require_lease(connection: sa.Connection, job_id: str, worker: str, attempt: int | None) -> None:
    """Raise Fenced unless this worker holds the job, which nobody changes before the transaction ends; JobNotFound."""
    query = sa.select(_job.c.lease_owner, _job.c.attempts).where(_job.c.id == job_id)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise _not_found(job_id)
    if row.lease_owner != worker or attempt not in (None, row.attempts):
        raise Fenced("the job was taken over by another worker")


def keep_tables(connection: sa.Connection, job_id: str, kept: Sequence[JobTable]) -> None:
    """Keep the newest figures about tables of a job, in a few statements however many they are."""
    newest = {one.name: one for one in kept}
    rows = [
        {"job_id": job_id, "name": name, "position": one.position, "state": one.state, "facts": to_text(one.facts)}
        for name, one in sorted(newest.items())
    ]
    keep_rows(connection, tables.job_table, rows)


def end_tables(connection: sa.Connection, job_id: str, state: str) -> None:
    """Give the tables of an attempt that has ended a state, where nobody told of their end: who ran it was killed."""
    at_work = (tables.job_table.c.job_id == job_id, tables.job_table.c.state == "running")
    connection.execute(sa.update(tables.job_table).where(*at_work).values(state=state))


def to_text(data: Mapping[str, Any]) -> str:
    """JSON as it is kept."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def from_text(text: str | None) -> Any:
    """JSON that was kept; None where there is none."""
    return None if text is None else json.loads(text)


def _not_found(job_id: str) -> JobNotFound:
    return JobNotFound(f"there is no job {job_id!r}", hint="dbsync jobs list shows them")
