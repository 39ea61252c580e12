"""Figures over everything in the store, computed by its database: for health checks, metrics and administrators."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from dbsync.store.engine import Store
from dbsync.store.tables import job


def job_counts(store: Store, owner: str | None = None) -> Mapping[str, int]:
    """How many jobs are in each state; of one owner, or of all."""
    query = sa.select(job.c.state, sa.func.count()).group_by(job.c.state)
    if owner is not None:
        query = query.where(job.c.owner == owner)
    with store.read() as work:
        return {state: number for state, number in work.execute(query)}
