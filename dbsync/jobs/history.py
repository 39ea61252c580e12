"""Looking back: the newest lines of a job's log."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from dbsync.jobs.model import StoredEvent
from dbsync.jobs.rows import event_of
from dbsync.store import Store
from dbsync.store.tables import event


def newest_events(store: Store, job_id: str, *, limit: int) -> Sequence[StoredEvent]:
    """The last events that people read, the oldest of them first."""
    query = sa.select(event).where(event.c.job_id == job_id, event.c.level.is_not(None))
    with store.read() as work:
        rows = work.execute(query.order_by(event.c.number.desc()).limit(limit)).mappings().all()
    return [event_of(row) for row in reversed(rows)]
