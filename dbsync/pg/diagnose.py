"""``dbsync test``: go through every phase of a connection, and report each with a fix instead of failing.

Works through poolers too: everything is asked in one read-only transaction that sets nothing for good.
"""

from __future__ import annotations

import ipaddress
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from dbsync.errors import ConfigError, ConnectionFailed, DbsyncError
from dbsync.pg.checks import Check
from dbsync.pg.database import NEWEST, OLDEST, Database, Session, translated
from dbsync.pg.dial import CONNECT_TIMEOUT_S, Route, dial, route
from dbsync.pg.pooler import Connection, PoolerMode, detect_pooler, refuse_transaction_pooler
from dbsync.pg.rights import DatabaseRights, Purpose, check_rights
from dbsync.pg.sql import load
from dbsync.pg.tls import FAILURES, TlsFacts, tls_facts
from dbsync.urls import DatabaseUrl

_SQL = load("diagnose")
_PINGS = 5
_SKEW_S = 5.0
_SOON_DAYS = 21
_RETRY_S = 0.5
# What libpq checks of the certificate where it takes no connection without TLS.
_CHECKED = {
    "verify-full": "signer and name checked", "verify-ca": "signer checked, name not", "require": "not checked",
}  # fmt: skip
_ENOUGH_S = 0.5
# While a server starts, these pass by themselves; a wrong password does not.
_PASSING_PHASES = ("resolve", "tcp")
_PASSING_STATES = ("57P03", "53300")


@dataclass(slots=True, kw_only=True)
class Diagnosis:
    """What was found out about one database; filled phase by phase."""

    name: str
    server_version: str | None = None
    latency_ms: float | None = None
    speed_mb_s: float | None = None
    tls: TlsFacts | None = None
    pooler: PoolerMode | None = None
    in_recovery: bool | None = None
    table_count: int | None = None
    checks: list[Check] = field(default_factory=list)
    reached: bool = False
    misconfigured: bool = False  # what names it is at fault: nothing was dialled

    @property
    def ok(self) -> bool:
        """Whether every check is well."""
        return all(check.ok for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0, 1 when something is missing, 2 when it is named wrongly, 3 when the database cannot be reached."""
        return 0 if self.ok else 1 if self.reached else 2 if self.misconfigured else 3

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of ``result.databases``."""
        return {
            "name": self.name,
            "ok": self.ok,
            "server_version": self.server_version,
            "latency_ms": self.latency_ms,
            "speed_mb_s": self.speed_mb_s,
            "tls": self.tls.to_dict() if self.tls is not None else None,
            "pooler": self.pooler,
            "in_recovery": self.in_recovery,
            "table_count": self.table_count,
            "checks": [check.to_dict() for check in self.checks],
        }

    def note(self, name: str, detail: str, *, ok: bool = True, hint: str | None = None) -> None:
        """Add a check."""
        self.checks.append(Check(name, ok, detail, hint))

    def fail(self, name: str, error: DbsyncError) -> None:
        """Add a failed check."""
        self.misconfigured = self.misconfigured or isinstance(error, ConfigError)
        self.note(name, error.message, ok=False, hint=error.hint)


def diagnose(url: DatabaseUrl, *, purpose: Purpose = "read", wait: float = 0, speed: bool = False) -> Diagnosis:
    """Look at a database phase by phase; a failure ends in a check, not in an exception.

    With ``wait`` a server that is not up yet is tried again for so many seconds.
    """
    deadline = time.monotonic() + wait
    while True:
        found = Diagnosis(name=url.name)
        try:
            connection = _reach(found, url)
            break
        except ConnectionFailed as error:
            if time.monotonic() >= deadline or not _may_pass(error):
                return found
            time.sleep(_RETRY_S)
    with closing(connection):
        _inspect(found, url, connection, purpose, speed=speed)
    return found


def _may_pass(failure: ConnectionFailed) -> bool:
    return failure.phase in _PASSING_PHASES or failure.sqlstate in _PASSING_STATES


def _reach(found: Diagnosis, url: DatabaseUrl) -> Connection:
    """Go through resolve, TCP, TLS, authentication and database; raise what stopped it, noted."""
    way: Route | None = None
    try:
        way = route(url)
        _note_way(found, url, way)
        connection = dial(url, application_name="dbsync test", way=way)
    except ConnectionFailed as error:
        if way is not None:
            _note_phases_before(found, way, error.phase)
        found.fail(error.phase, error)
        raise
    _note_tls(found, way, in_use=connection.pgconn.ssl_in_use)
    found.note("auth", f"as {way.user}")
    found.note("database", connection.info.dbname)
    found.reached = True
    return connection


def _note_phases_before(found: Diagnosis, way: Route, phase: str) -> None:
    """Drop the lines of the phase that failed; add those that went well without leaving a line yet."""
    found.checks = [check for check in found.checks if check.name != phase]
    if phase in ("auth", "database"):
        seen = found.tls is not None and way.sslmode != "disable"
        _note_tls(found, way, in_use=seen or way.sslmode in _CHECKED)  # which libpq had, to get that far
    if phase == "database":
        found.note("auth", f"as {way.user}")


def _note_way(found: Diagnosis, url: DatabaseUrl, way: Route) -> None:
    if way.is_socket:
        found.note("resolve", f"socket in {way.host}")
        return
    for family, addresses in _by_family(way.addresses):
        found.note("resolve", f"{family}: {', '.join(addresses)}")
    patience = url.connect_timeout or CONNECT_TIMEOUT_S
    dead = [address for address in way.addresses if not _note_tcp(found, address, way.port, patience)]
    alive = next((address for address in way.addresses if address not in dead), None)
    if alive is not None:
        found.tls = _look_at_tls(alive, way, patience)


def _by_family(addresses: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    for version in (4, 6):
        family = [each for each in addresses if ipaddress.ip_address(each.partition("%")[0]).version == version]
        if family:
            yield f"IPv{version}", family


def _note_tcp(found: Diagnosis, address: str, port: int, patience: float) -> bool:
    """Try one address; a dead one is a failure only if no other answers, which the dialling tells."""
    started = time.monotonic()
    try:
        socket.create_connection((address, port), timeout=patience).close()
    except OSError as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else (error.strerror or "no way there").lower()
        found.note("tcp", f"{address} port {port}: {reason}", hint="connections go to another address")
        return False
    found.note("tcp", f"{address} port {port} in {(time.monotonic() - started) * 1000:.1f} ms")
    return True


def _look_at_tls(address: str, way: Route, patience: float) -> TlsFacts | None:
    try:
        return tls_facts(address, way.port, way.host, timeout=patience)
    except FAILURES:
        return None  # the real connection says why


def _note_tls(found: Diagnosis, way: Route, *, in_use: bool) -> None:
    if way.is_socket:
        found.note("tls", "not needed on a socket")
    elif not in_use:
        found.tls = None
        found.note(
            "tls",
            f"none (sslmode={way.sslmode})" + ("; the server is on this machine" if way.loopback else ""),
            hint=None if way.loopback else "switch TLS on at the server and use sslmode=verify-full",
        )
    else:
        shown, hint = "in use, version and certificate could not be looked at", None
        if found.tls is not None:
            days = found.tls.days_left
            shown = (
                f"{found.tls.version}, {found.tls.cipher}, certificate of {found.tls.subject} by {found.tls.issuer}, "
                f"{days} days left"
            )
            hint = "renew the certificate" if days < _SOON_DAYS else None
        found.note("tls", f"{shown}, {_CHECKED.get(way.sslmode, 'not checked')} (sslmode={way.sslmode})", hint=hint)


def _inspect(found: Diagnosis, url: DatabaseUrl, connection: Connection, purpose: Purpose, *, speed: bool) -> None:
    """Ask the server about itself; each part fails for itself."""
    with _part(found, "pooler"):
        found.pooler = detect_pooler(url)
        if found.pooler == "transaction":
            found.fail("pooler", refuse_transaction_pooler(url))
        else:
            found.note("pooler", "none" if found.pooler is None else "session mode")
    session = Session(connection, url)
    with _part(found, "queries"), session.transaction():
        session.execute("SET TRANSACTION READ ONLY")
        session.execute(_SQL["begin"])
        _ask(found, session, purpose)
        if speed:
            found.speed_mb_s = _speed(session)
            found.note("speed", f"{found.speed_mb_s} MB/s from the server")
    if url.read_only and purpose != "read":
        found.note("guard", "marked read_only", ok=False, hint="name another target")
    if found.pooler != "transaction":
        with _part(found, "session"):
            # As the other commands do: every pinned setting must take.
            Database(url, read_only=purpose == "read").connect(application_name="dbsync test").close()
            found.note("session", "every setting took")


def _ask(found: Diagnosis, session: Session, purpose: Purpose) -> None:
    before = time.time()
    version, database, role, found.in_recovery, _, _, create, temporary, clock = session.one(_SQL["server"])
    skew = clock - (before + time.time()) / 2
    found.server_version = version.split(" ")[0]
    _note_version(found, session.server_version_num // 10000)
    writing = purpose != "read"
    found.note(
        "role",
        "standby" if found.in_recovery else "primary",
        ok=not (found.in_recovery and writing),
        hint="a standby takes no writes; connect to the primary" if found.in_recovery and writing else None,
    )
    on_database = DatabaseRights(database, create=create, temporary=temporary)
    checks, found.table_count = check_rights(session, purpose, role=role, on_database=on_database)
    found.checks += checks
    found.latency_ms = round(statistics.median(_pings(session)) * 1000, 2)
    found.note("latency", f"{found.latency_ms} ms")
    found.note(
        "clock",
        f"{abs(skew):.2f} s {'ahead of' if skew > 0 else 'behind'} this machine's",
        hint="set the clocks by NTP: times in logs disagree" if abs(skew) > _SKEW_S else None,
    )


def _note_version(found: Diagnosis, major: int) -> None:
    newer = f", newer than dbsync was tested with ({NEWEST})" if major > NEWEST else ""
    found.note(
        "version",
        f"Postgres {found.server_version}{newer}",
        ok=major >= OLDEST,
        hint=f"the oldest supported version is {OLDEST}; upgrade the server" if major < OLDEST else None,
    )


def _pings(session: Session) -> Iterator[float]:
    for _ in range(_PINGS):
        started = time.monotonic()
        session.one(_SQL["clock"])
        yield time.monotonic() - started


def _speed(session: Session) -> float:
    """Read up to 64 MiB, or as much as takes half a second; return MB/s."""
    for pieces in (128, 1024, 8192):
        started, count = time.monotonic(), 0
        query = sql.SQL(_SQL["speed"]).format(pieces)
        with translated(session), session.raw.cursor() as cursor, cursor.copy(query) as copy:
            for block in copy:
                count += len(block)
        elapsed = time.monotonic() - started
        if elapsed > _ENOUGH_S:
            break
    return round(count / 1e6 / elapsed, 1)


@contextmanager
def _part(found: Diagnosis, name: str) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except DbsyncError as error:
        found.fail(name, error)
