"""Jobs as rows: reading them, and the small statements that several methods of the job store share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from dbsync.errors import JobNotFound
from dbsync.jobs.model import Job, JobState, JobTable, StoredEvent
from dbsync.store import tables

_job = tables.job
_JSON = frozenset({"spec", "plan", "error", "result"})


def read_job(connection: sa.Connection, job_id: str, owner: str | None = None, *, lock: bool = False) -> Job:
    """Return a job; with ``lock`` nobody changes it before the transaction ends. Raises JobNotFound."""
    query = sa.select(_job).where(_job.c.id == job_id, *owned(owner))
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise JobNotFound(f"there is no job {job_id!r}", hint="dbsync jobs list shows them")
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


def keep_table(connection: sa.Connection, job_id: str, table: JobTable) -> None:
    """Keep the newest figures about one table of a job."""
    values = {"position": table.position, "state": table.state, "facts": to_text(table.facts)}
    one = (tables.job_table.c.job_id == job_id, tables.job_table.c.name == table.name)
    if connection.execute(sa.update(tables.job_table).where(*one).values(values)).rowcount == 0:
        connection.execute(sa.insert(tables.job_table).values(job_id=job_id, name=table.name, **values))


def to_text(data: Mapping[str, Any]) -> str:
    """JSON as it is kept."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def from_text(text: str | None) -> Any:
    """JSON that was kept; None where there is none."""
    return None if text is None else json.loads(text)
