"""Ask databases for a sign of life, so that a host which puts idle ones to sleep leaves them awake; keep a history.

Each answer is written down by itself. A wrong password is not tried twice: servers lock accounts for that.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

import sqlalchemy as sa

from dbsync.errors import ConnectionFailed, ConnectionLost, DbsyncError
from dbsync.pg.database import Database
from dbsync.quantities import server_limit
from dbsync.registry.allowed import AllowList
from dbsync.registry.connections import Registry
from dbsync.registry.model import Connection
from dbsync.store.tables import connection as _connection
from dbsync.store.tables import ping as _ping
from dbsync.urls import DatabaseUrl

KEPT_S = 30 * 24 * 3600.0
_MAY_PASS = frozenset({"resolve", "tcp", "database", "connect"})  # a moment later these may be over
_FIRST_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long a database is asked, and how many at once."""

    tries: int = 3
    timeout_s: float = 10
    at_once: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """One connection's answer; ``error`` is why there was none."""

    connection: Connection
    tries: int
    duration_ms: float
    error: DbsyncError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPing:
    """An answer of the past; ``error`` is a code word."""

    at: float
    ok: bool
    duration_ms: float
    error: str | None


def keep_alive(
    registry: Registry, connections: Sequence[Connection], patience: Patience, wait: Callable[[float], None]
) -> tuple[Ping, ...]:
    """Ping the connections, several at a time, and forget what is older than 30 days. ``wait`` sleeps and may raise."""
    found: dict[str, Ping] = {}
    with ThreadPoolExecutor(max_workers=patience.at_once, thread_name_prefix="keep-alive") as pool:
        asked = [pool.submit(ping, registry, each, patience, wait) for each in connections]
        try:
            for done in as_completed(asked):
                answer = done.result()
                found[answer.connection.id] = answer
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    with registry.store.write() as work:
        work.execute(sa.delete(_ping).where(_ping.c.at < registry.store.now(work) - KEPT_S))
    return tuple(found[each.id] for each in connections)


def ping(registry: Registry, connection: Connection, patience: Patience, wait: Callable[[float], None]) -> Ping:
    """Ask one database, again where that may help, and write the answer down."""
    started = time.monotonic()
    for attempt in range(1, patience.tries + 1):
        error = _ask(registry, connection, patience)
        if error is None or not _may_pass(error) or attempt == patience.tries:
            break
        wait(_FIRST_PAUSE_S * 2 ** (attempt - 1))
        started = time.monotonic()
    duration_ms = round((time.monotonic() - started) * 1000, 1)
    _write_down(registry, connection, duration_ms, error)
    return Ping(connection=connection, tries=attempt, duration_ms=duration_ms, error=error)


def history(registry: Registry, connection: Connection, *, limit: int) -> tuple[PastPing, ...]:
    """Return the last answers, the newest first."""
    query = sa.select(_ping).where(_ping.c.connection_id == connection.id).order_by(_ping.c.number.desc()).limit(limit)
    with registry.store.read() as work:
        rows = work.execute(query).mappings().all()
    return tuple(PastPing(**{name: row[name] for name in ("at", "ok", "duration_ms", "error")}) for row in rows)


def _ask(registry: Registry, connection: Connection, patience: Patience) -> DbsyncError | None:
    try:
        _query(AllowList.of().for_owner(connection.owner, registry.url(connection)), patience.timeout_s)
    except DbsyncError as error:
        return error
    return None


def _query(url: DatabaseUrl, timeout_s: float) -> None:
    whole = math.ceil(timeout_s)  # libpq takes no part of a second
    limited = replace(url, connect_timeout=min(whole, url.connect_timeout or whole))
    settings = {"statement_timeout": f"{server_limit(timeout_s)}ms"}
    session = Database(limited, read_only=True).connect(application_name="dbsync keep-alive", settings=settings)
    try:
        session.one("SELECT 1")
    finally:
        session.close()


def _may_pass(error: DbsyncError) -> bool:
    return isinstance(error, ConnectionLost) or (isinstance(error, ConnectionFailed) and error.phase in _MAY_PASS)


def _write_down(registry: Registry, connection: Connection, duration_ms: float, error: DbsyncError | None) -> None:
    """Only the code word of an error is kept: its sentence names the host."""
    with registry.store.write() as work:
        this = _connection.c.id == connection.id
        if work.scalar(sa.select(_connection.c.id).where(this).with_for_update()) is None:
            return  # removed in the meantime
        now = registry.store.now(work)
        facts = {"connection_id": connection.id, "at": now, "ok": error is None, "duration_ms": duration_ms}
        work.execute(sa.insert(_ping).values(**facts, error=error.code if error else None))
        if error is None:
            work.execute(sa.update(_connection).where(this).values(last_pinged_at=now))
