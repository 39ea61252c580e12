"""The named servers: ``local:NAME`` is one server with one database of that name.

They outlive the command that started them, until ``local down``. Two commands that want the same server
at once get the same one.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dbsync.child_environment import child_environment
from dbsync.errors import ConfigError, Refused
from dbsync.local import server as servers
from dbsync.local.account import server_account
from dbsync.local.binaries import Binaries, find_binaries
from dbsync.local.directories import base_directory, locked, make_base, own_directory, shared_directory, write_private
from dbsync.local.initdb import initialise
from dbsync.local.programs import readable_binaries
from dbsync.local.server import SUPERUSER, Server

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,39}")
_PORTS = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """One named server as ``local list`` shows it; nothing here is secret."""

    name: str
    major: int | None  # None: its data was never made
    port: int | None  # None: it is not running
    directory: Path

    @property
    def running(self) -> bool:
        """Whether it takes connections."""
        return self.port is not None


def resolve(name: str) -> str:
    """Return the URL of ``local:NAME`` with its password, starting the server if needed."""
    started = up(name)
    return Server.at(started.directory).url(name, _port(started))


def up(name: str, *, major: int | None = None) -> LocalServer:
    """Make the server if there is none, start it if it does not run."""
    with _held(name) as server:
        _check_major(name, server, major)
        port = servers.wait_ready(server)
        if port is None:
            port = _start(name, server, major)
        return _describe(server, port)


def down(name: str, *, delete: bool = False) -> LocalServer:
    """Stop the server; its data stays unless ``delete`` is given. A stopped server is fine."""
    _existing(name)
    with _held(name) as server:
        servers.stop(server)
        gone = _describe(server, None)
        if delete:
            shutil.rmtree(server.directory)
        return gone


def reset(name: str, *, major: int | None = None) -> LocalServer:
    """Throw the data away and start an empty server of that name."""
    find_binaries(major)  # before anything is lost
    with _held(name) as server:
        servers.stop(server)
        if server.data.exists():
            shutil.rmtree(server.data)
        return _describe(server, _start(name, server, major))


def list_servers() -> list[LocalServer]:
    """Return all named servers of this user, by name."""
    place = base_directory() / "servers"
    found = sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
    return [_describe(server, servers.running_port(server)) for server in map(Server.at, found)]


def url(name: str) -> str:
    """Return the URL of a running server with its password; refuse if it does not run."""
    found = _running(name)
    return Server.at(found.directory).url(name, _port(found))


def psql_command(name: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment of ``psql`` for a server, which is started if needed."""
    started = up(name)
    server = Server.at(started.directory)
    psql = _find_psql(_binaries(name, server, None))
    environment = {key: value for key, value in child_environment().items() if not key.startswith("PG")}
    environment |= {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(_port(started)),
        "PGUSER": SUPERUSER,
        "PGDATABASE": name,
        "PGPASSWORD": server.password,
    }
    return [psql], environment


# One server


@contextmanager
def _held(name: str) -> Iterator[Server]:
    """Hold the name for the body, so that nobody else makes, starts or stops the same server.

    A body that fails leaves no server behind that has no data and never had any: ``local list`` would show it.
    """
    _check_name(name)
    account = server_account()
    base = make_base(account)
    locks = own_directory(base / "locks", 0o700)
    with locked(locks / name, what=f"local:{name}"):
        place = shared_directory(base, "servers", account)
        directory = own_directory(place / name, 0o711 if account.switch else 0o700)
        server = Server(directory, account)
        try:
            yield server
        except BaseException:
            # A link to data on a disk that is away is not followed: it stays.
            if not os.path.lexists(server.data) and not servers.is_running(server):
                shutil.rmtree(directory)
            raise


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name in ("template0", "template1"):
        raise ConfigError(
            f"local:{name} is not a name for an embedded server",
            hint="use letters, digits, _ and -, at most 40 of them",
            code="LOCAL_NAME",
        )


def _check_major(name: str, server: Server, major: int | None) -> None:
    there = server.major
    if major is not None and there is not None and there != major:
        raise Refused(
            f"local:{name} holds data of Postgres {there}, not {major}",
            hint=f"choose another name, or throw the data away: dbsync local reset {name} --major {major}",
            code="LOCAL_MAJOR",
        )


def _start(name: str, server: Server, major: int | None) -> int:
    """Make the data if there is none, and start the server, on its last port if that is free."""
    binaries = _binaries(name, server, major)
    if server.major is None:
        initialise(server, binaries, database=name)
    last = server.directory / "port"
    text = last.read_text(encoding="ascii", errors="replace") if last.exists() else ""
    port, _ = servers.start(server, binaries, port=int(text) if text.isdigit() and int(text) < _PORTS else None)
    write_private(last, str(port))
    return port


def _binaries(name: str, server: Server, major: int | None) -> Binaries:
    """Return the programs for the server's data: another major version cannot read it."""
    there = server.major
    try:
        found = find_binaries(there or major)
    except ConfigError as error:
        if there is None:
            raise
        raise ConfigError(
            f"local:{name} holds data of Postgres {there}, and no programs of that version are installed",
            hint=f"{error.hint}; or throw the data away: dbsync local reset {name}",
            code=error.code,
        ) from error
    return readable_binaries(found, server.account, base_directory())


def _existing(name: str) -> LocalServer:
    _check_name(name)
    for found in list_servers():
        if found.name == name:
            return found
    raise ConfigError(f"there is no local:{name}", hint=f"make it: dbsync local up {name}", code="LOCAL_UNKNOWN")


def _running(name: str) -> LocalServer:
    found = _existing(name)
    if not found.running:
        raise ConfigError(f"local:{name} is not running", hint=f"start it: dbsync local up {name}", code="LOCAL_DOWN")
    return found


def _port(found: LocalServer) -> int:
    if found.port is None:
        raise RuntimeError(f"local:{found.name} is not running")
    return found.port


def _describe(server: Server, port: int | None) -> LocalServer:
    return LocalServer(name=server.directory.name, major=server.major, port=port, directory=server.directory)


def _find_psql(binaries: Binaries) -> str:
    found = shutil.which("psql") or shutil.which("psql", path=str(binaries.bindir))
    if found is None:
        raise ConfigError(
            f"there is no psql on the PATH or in {binaries.bindir}",
            hint="install the Postgres client programs, or use: dbsync execute",
            code="LOCAL_NO_PSQL",
        )
    return found
