"""Are two sessions on the same database, under whatever names they were reached?

Host names, sockets, addresses and poolers can all name one server, and a restored copy shares its
system identifier. So the two meet: one takes an advisory lock on a random key, the other looks for it.
"""

from __future__ import annotations

import secrets

from dbsync.errors import SameDatabase, StatementFailed
from dbsync.pg.database import Session
from dbsync.pg.sql import load


def ensure_distinct(source: Session, target: Session) -> list[str]:
    """Raise SameDatabase when writing to the target would change the source; return warnings."""
    queries = load("identity")
    if _meet(source, target):
        raise SameDatabase(
            f"{source.url.name} and {target.url.name} are the same database",
            hint="check both ends; nothing was changed",
        )
    ours, theirs = _system_identifier(source), _system_identifier(target)
    if ours is None or ours != theirs or source.one(queries["database_oid"]) != target.one(queries["database_oid"]):
        return []
    if source.one(queries["in_recovery"])[0]:
        raise SameDatabase(
            f"{source.url.name} is a standby of {target.url.name}'s server: what is written there appears in it",
            hint="read from a server of its own",
        )
    return [
        f"{source.url.name} and {target.url.name} have the same system identifier: one is a physical copy of the other"
    ]


def _meet(source: Session, target: Session) -> bool:
    key = [secrets.randbelow(2**31), secrets.randbelow(2**31)]
    queries = load("identity")
    source.execute(queries["lock_key"], key)
    try:
        (seen,) = target.one(queries["sees_key"], key)
    finally:
        source.execute(queries["unlock_key"], key)
    return bool(seen)


def _system_identifier(session: Session) -> str | None:
    try:
        (identifier,) = session.one(load("identity")["system_identifier"])
    except StatementFailed:
        return None  # not granted everywhere; then the meeting alone decides
    return str(identifier)
