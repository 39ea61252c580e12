"""How many streams are held open, by all processes that share the store: a place is taken, kept alive, given back."""

from __future__ import annotations

import uuid
from collections.abc import Collection

import sqlalchemy as sa

from dbsync.store.engine import Store
from dbsync.store.tables import stream as _stream

_LOCK = (1684173689, 5)  # "dbsy", 5: one process at a time takes a place
PLACE_S = 45.0  # a place whose process died is free again after that


def take_place(store: Store, *, owner: str, job_id: str, each: int, all_owners: int) -> str | None:
    """Return the id of a new place, or None where the owner, or all of them, have as many as they may."""
    with store.write() as work:
        if store.is_postgres:  # who asks at the same time waits, as SQLite's writers do anyway
            work.execute(sa.select(sa.func.pg_catalog.pg_advisory_xact_lock(*_LOCK)))
        now = store.now(work)
        work.execute(sa.delete(_stream).where(_stream.c.until < now))
        taken = sa.select(sa.func.count()).select_from(_stream)
        mine = work.execute(taken.where(_stream.c.owner == owner)).scalar_one()
        if mine >= each or work.execute(taken).scalar_one() >= all_owners:
            return None
        place = uuid.uuid4().hex
        work.execute(sa.insert(_stream).values(id=place, owner=owner, job_id=job_id, until=now + PLACE_S))
        return place


def keep_places(store: Store, places: Collection[str]) -> None:
    """Keep places for another while."""
    with store.write() as work:
        until = store.now(work) + PLACE_S
        work.execute(sa.update(_stream).where(_stream.c.id.in_(places)).values(until=until))


def leave_place(store: Store, place: str) -> None:
    """Give a place back."""
    with store.write() as work:
        work.execute(sa.delete(_stream).where(_stream.c.id == place))
