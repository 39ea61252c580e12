"""Replies that are kept for a while: a request repeated under its id is answered again, and not carried out again."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dbsync.store.engine import Store
from dbsync.store.tables import reply as _reply

KEPT_S = 15 * 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReply:
    """What is known of a request: ``status`` is None while the first one is at work."""

    route: str
    request_hash: str
    status: int | None
    body: str | None
    age_s: float


def claim(store: Store, *, owner: str, request_id: str, route: str, request_hash: str) -> KeptReply | None:
    """Begin a request under its id: None for the first one, else what is known of that."""
    one = (_reply.c.owner == owner, _reply.c.request_id == request_id)
    with store.write() as work:
        now = store.now(work)
        work.execute(sa.delete(_reply).where(_reply.c.created_at < now - KEPT_S))
        make = postgresql.insert if store.is_postgres else sqlite.insert
        new = {"owner": owner, "request_id": request_id, "route": route, "request_hash": request_hash}
        # Another one's insert is waited for here, so that of many at once just one is the first.
        insert = make(_reply).values(**new, created_at=now).on_conflict_do_nothing().returning(_reply.c.request_id)
        if work.execute(insert).first() is not None:
            return None
        known = work.execute(sa.select(_reply).where(*one)).mappings().one()
        return KeptReply(
            route=known["route"],
            request_hash=known["request_hash"],
            status=known["status"],
            body=known["body"],
            age_s=now - known["created_at"],
        )


def take_over(store: Store, *, owner: str, request_id: str, after_s: float) -> bool:
    """Begin a request again whose first process is gone; False where another one was quicker."""
    with store.write() as work:
        now = store.now(work)
        gone = (
            _reply.c.owner == owner,
            _reply.c.request_id == request_id,
            _reply.c.status.is_(None),
            _reply.c.created_at < now - after_s,
        )
        return work.execute(sa.update(_reply).where(*gone).values(created_at=now)).rowcount == 1


def keep(store: Store, *, owner: str, request_id: str, status: int, body: str) -> None:
    """Keep how the request was answered."""
    one = (_reply.c.owner == owner, _reply.c.request_id == request_id)
    with store.write() as work:
        work.execute(sa.update(_reply).where(*one).values(status=status, body=body))


def forget(store: Store, *, owner: str, request_id: str) -> None:
    """Let the request be tried anew."""
    with store.write() as work:
        work.execute(sa.delete(_reply).where(_reply.c.owner == owner, _reply.c.request_id == request_id))
