"""Open a connection so that nothing but the URL decides where it goes, how it is protected and how long it may take.

Names are resolved once and the addresses handed to libpq; ambient libpq variables are hidden from it
(``PGPASSWORD`` and the password file still supply a missing password). Failures name their phase.
"""

from __future__ import annotations

import ipaddress
import os
import pwd
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from dbsync.errors import ConfigError, ConnectionFailed
from dbsync.lookup import Lookup
from dbsync.pg.refusal import classify
from dbsync.urls import DatabaseUrl

CONNECT_TIMEOUT_S = 10
_CHECK_S = 0.2
# A peer that stays silent is given up after 9 s: idle sockets by keepalives at 3, 6 and 9 s, sockets with
# unanswered data by the user timeout. Measured with a link that goes down: 7 to 10 s.
KEEPALIVE = {"keepalives": "1", "keepalives_idle": "3", "keepalives_interval": "3", "keepalives_count": "2"}
USER_TIMEOUT_MS = 9000

_SOCKET_DIRECTORIES = ("/var/run/postgresql", "/run/postgresql", "/tmp")
_AUTHORITY_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/pki/tls/certs/ca-bundle.crt",  # older RHEL
    "/etc/ssl/cert.pem",  # macOS, BSD, Alpine
)
_VERIFYING = ("verify-ca", "verify-full")
_KEPT_VARIABLES = ("PGPASSWORD", "PGPASSFILE", "PGLOCALEDIR")
_environment_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a URL leads and how the way is protected."""

    host: str  # a name, an address or a socket directory
    port: int
    user: str
    addresses: tuple[str, ...]  # () for a socket
    loopback: bool  # a socket, or every address is this machine's own
    sslmode: str
    authorities: str | None  # the file of trusted certificates
    warnings: tuple[str, ...] = ()

    @property
    def is_socket(self) -> bool:
        """Whether it is a Unix socket."""
        return self.host.startswith("/")


def route(url: DatabaseUrl, check: Callable[[], None] | None = None) -> Route:
    """Resolve the host, once, and choose the protection; raise ConnectionFailed or ConfigError.

    Addresses that somebody has resolved and checked already (``url.addresses``) are taken as they are. ``check`` is
    called five times a second while a name server has not answered; it may raise to give up.
    """
    port = url.port or 5432
    host = url.host or _default_host(port)
    addresses = url.addresses or (() if host.startswith("/") else resolve_addresses(host, port, check))
    loopback = all(map(_is_loopback, addresses))
    sslmode = url.sslmode or ("prefer" if loopback and url.sslrootcert is None else "verify-full")
    if url.sslrootcert == "system" and sslmode != "verify-full":
        raise ConfigError("sslrootcert=system needs sslmode=verify-full")
    return Route(
        host=host,
        port=port,
        user=url.user or _own_name(),
        addresses=addresses,
        loopback=loopback,
        sslmode=sslmode,
        authorities=_authorities(url, sslmode) if addresses else None,
        warnings=() if loopback or sslmode == "verify-full" else (_weakness(url, sslmode),),
    )


def resolve_addresses(host: str, port: int, check: Callable[[], None] | None = None) -> tuple[str, ...]:
    """Return the host's addresses in the system's order; raise ConnectionFailed when it has none."""
    lookup = Lookup(host, port)
    while not lookup.over(_CHECK_S):
        if check is not None:
            check()
    try:
        return lookup.addresses()
    except (OSError, UnicodeError) as error:
        temporary = getattr(error, "errno", None) == socket.EAI_AGAIN
        raise ConnectionFailed(
            f"the host {host} cannot be looked up now" if temporary else f"the host {host} is not known",
            phase="resolve",
            hint="check this machine's DNS and network" if temporary else "check the spelling of the host",
        ) from None


def dial(
    url: DatabaseUrl, *, application_name: str, way: Route | None = None, check: Callable[[], None] | None = None
) -> psycopg.Connection[tuple[object, ...]]:
    """Connect to the first address that answers; raise ConnectionFailed with the phase of the last failure.

    ``check`` is called five times a second while a server has not answered; it may raise to give up.
    """
    return _wrap(dial_bare(url, application_name=application_name, way=way, check=check))


def dial_bare(
    url: DatabaseUrl, *, application_name: str, way: Route | None = None, check: Callable[[], None] | None = None
) -> pq.abc.PGconn:
    """Connect like ``dial``, for whoever makes a connection of another kind of it."""
    way = way or route(url, check)
    failure: ConnectionFailed | None = None
    for address in way.addresses or (None,):
        try:
            return _connect(_parameters(url, way, address, application_name), url, way, check)
        except ConnectionFailed as error:
            if failure is None or error.phase != "tcp":
                failure = error
            if error.phase != "tcp":
                break  # a server answered: the other addresses are the same server
    assert failure is not None
    raise failure


def _parameters(url: DatabaseUrl, way: Route, address: str | None, application_name: str) -> dict[str, str]:
    fixed = {
        "host": way.host,
        "port": str(way.port),
        "sslmode": way.sslmode,
        "gssencmode": "disable",
        "client_encoding": "UTF8",
        "options": "",
        "tcp_user_timeout": str(USER_TIMEOUT_MS),
        "user": way.user,
    }
    fixed |= {"hostaddr": address} if address else {}
    fixed |= {"sslrootcert": way.authorities} if way.authorities else {}
    return {"application_name": application_name} | url.parameters() | KEEPALIVE | fixed


def _connect(
    parameters: dict[str, str], url: DatabaseUrl, way: Route, check: Callable[[], None] | None
) -> pq.abc.PGconn:
    """Drive libpq through the handshake, remembering the last state for the error."""
    deadline = time.monotonic() + (url.connect_timeout or CONNECT_TIMEOUT_S)
    conninfo = make_conninfo("", **parameters).encode()
    with _hidden_variables():
        pgconn = pq.PGconn.connect_start(conninfo)
    state = pq.ConnStatus.STARTED
    while pgconn.status != pq.ConnStatus.BAD:
        state = pq.ConnStatus(pgconn.status)
        with _hidden_variables():
            status = pgconn.connect_poll()
        if status == pq.PollingStatus.OK:
            return pgconn
        if status == pq.PollingStatus.FAILED:
            break
        if not _wait(pgconn.socket, status == pq.PollingStatus.WRITING, deadline, check):
            pgconn.finish()
            raise classify("timeout expired", state, url=url, way=way)
    message = pgconn.get_error_message()
    needs_password = pgconn.needs_password
    pgconn.finish()
    raise classify(message, state, url=url, way=way, needs_password=needs_password)


def _wait(descriptor: int, writing: bool, deadline: float, check: Callable[[], None] | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT if writing else select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        if poll.poll(min(left, _CHECK_S) * 1000):
            return True
        if check is not None:
            check()
    return False


def _wrap(pgconn: pq.abc.PGconn) -> psycopg.Connection[tuple[object, ...]]:
    pgconn.nonblocking = 1
    connection = psycopg.Connection[tuple[object, ...]](pgconn)
    connection.autocommit = True
    # Prepare only where a call asks for it: None would switch off ``prepare=True`` as well.
    connection.prepare_threshold = 2**31
    return connection


def _default_host(port: int) -> str:
    for directory in _SOCKET_DIRECTORIES:
        if Path(directory, f".s.PGSQL.{port}").exists():
            return directory
    return "localhost"


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ConfigError("the database URL names no user, and this process has no user name") from None


def _authorities(url: DatabaseUrl, sslmode: str) -> str | None:
    if url.sslrootcert not in (None, "system"):
        return url.sslrootcert
    if sslmode not in _VERIFYING:
        return None
    candidates = (os.environ.get("SSL_CERT_FILE"), *_AUTHORITY_FILES)
    found = next((file for file in candidates if file and Path(file).is_file()), None)
    if found is None:
        raise ConnectionFailed(
            "no file with the system's certificate authorities was found",
            phase="tls",
            hint="install the ca-certificates package, or name a file by sslrootcert=",
        )
    return found


def _weakness(url: DatabaseUrl, sslmode: str) -> str:
    missing = {
        "verify-ca": "does not check the server's name",
        "require": "does not check who the server is",
    }.get(sslmode, "may be read and changed on the way")
    return f"the connection to {url.name} {missing} (sslmode={sslmode}); verify-full does"


@contextmanager
def _hidden_variables() -> Iterator[None]:
    """Hide the variables that steer libpq while it reads them; a no-op where none is set."""
    with _environment_lock:
        hidden = {
            name: os.environ.pop(name)
            for name in list(os.environ)
            if name.startswith("PG") and name not in _KEPT_VARIABLES
        }
        try:
            yield
        finally:
            os.environ.update(hidden)
