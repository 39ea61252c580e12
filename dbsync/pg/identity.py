"""Are two sessions on the same database, under whatever names they were reached?

Host names, sockets, addresses and poolers can all name one server, and a restored copy shares its
system identifier. So the two meet: one takes an advisory lock on a random key, the other looks for it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from dbsync.errors import Refused, SameDatabase, StatementFailed
from dbsync.pg.database import Session
from dbsync.pg.sql import load

_SQL = load("identity")


@dataclass(frozen=True, slots=True)
class DatabaseIdentity:
    """Which database this is, whatever it is called: ``system`` is None where it may not be read."""

    system: str | None
    database_oid: int
    database: str


def identify(session: Session) -> DatabaseIdentity:
    """Return what tells the session's database from others; a physical copy has the same identity."""
    system = _system(session)
    (oid,) = session.one(_SQL["database_oid"])
    (name,) = session.one("SELECT pg_catalog.current_database()")
    return DatabaseIdentity(system[0] if system else None, oid, name)


def identify_history(session: Session) -> DatabaseIdentity:
    """Return what tells a database's present history from others: one that was promoted or restored has begun anew."""
    found, system = identify(session), _system(session)
    return replace(found, system=f"{system[0]} timeline {system[1]}") if system and system[1] > 1 else found


def ensure_distinct(source: Session, target: Session) -> list[str]:
    """Raise SameDatabase when writing to the target would change the source; return warnings.

    Works without privileges: where the system identifier may not be read, the meeting alone decides.
    """
    if _meet(source, target):
        raise SameDatabase(
            f"{source.url.name} and {target.url.name} are the same database",
            hint="check both ends; nothing was changed",
        )
    ours, theirs = _system(source), _system(target)
    if ours is None or theirs is None or ours[0] != theirs[0]:
        return []
    if source.one(_SQL["database_oid"]) != target.one(_SQL["database_oid"]):
        return []
    if _in_recovery(source) and ours[1] == theirs[1] and not _is_ahead(source, target):
        raise SameDatabase(
            f"{source.url.name} is a standby of {target.url.name}: what is written there appears in it",
            hint="name another source or target; nothing was changed",
        )
    return [
        f"{source.url.name} and {target.url.name} have the same system identifier: one is a physical copy of the other"
    ]


def ensure_primary(target: Session) -> None:
    """Raise Refused when the server takes no writes because it is a standby."""
    if _in_recovery(target):
        raise Refused(
            f"{target.url.name} is a standby, which takes no writes",
            code="STANDBY",
            hint="connect to the primary (target_session_attrs=primary makes sure)",
        )


def _meet(source: Session, target: Session) -> bool:
    key = [secrets.randbelow(2**31), secrets.randbelow(2**31)]
    target.execute(_SQL["lock_key"], key)
    try:
        (seen,) = source.one(_SQL["sees_key"], key)
    finally:
        target.execute(_SQL["unlock_key"], key)
    return bool(seen)


def _system(session: Session) -> tuple[str, int] | None:
    """Return system identifier and timeline; None where they may not be read."""
    try:
        identifier, timeline = session.one(_SQL["system"])
    except StatementFailed as error:
        if error.sqlstate != "42501":
            raise
        return None
    return str(identifier), int(timeline)


def _in_recovery(session: Session) -> bool:
    (answer,) = session.one(_SQL["in_recovery"])
    return bool(answer)


def _is_ahead(standby: Session, primary: Session) -> bool:
    """Whether the standby has replayed what this primary never wrote: then it follows another server."""
    if _in_recovery(primary):
        return False
    (position,) = standby.one(_SQL["replayed"])
    return position is not None and not primary.one(_SQL["has_written"], [position])[0]
