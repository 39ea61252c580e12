"""Servers that never outlive the process that started them: for the demo, shadows and tests.

On Linux the kernel stops the server when our process ends, however it ends; what a killed process left
on disk is removed by the next start. Nothing is flushed to disk: the data is thrown away anyway.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dbsync.local import server as servers
from dbsync.local.account import server_account
from dbsync.local.binaries import find_binaries
from dbsync.local.directories import base_directory, locked, make_base, own_directory, shared_directory, try_lock
from dbsync.local.initdb import initialise
from dbsync.local.keeper import spawn
from dbsync.local.programs import readable_binaries
from dbsync.local.server import SUPERUSER, Server

_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "2GB",
}


class EphemeralServer:
    """A server for the body of a ``with``; ``url(dbname)`` says how to reach it.

    >>> with EphemeralServer(settings={"wal_level": "logical"}) as server:
    ...     connect(server.url("postgres"))
    """

    user = SUPERUSER

    def __init__(
        self, major: int | None = None, settings: Mapping[str, str] | None = None, *, tls: bool = False
    ) -> None:
        self._major, self._tls = major, tls
        self._settings = {**_FAST, **(settings or {})}
        self.owner = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_lock: int | None = None
        self._port: int | None = None
        self.ca_file: Path | None = None  # what a client has to trust, with tls

    def __enter__(self) -> EphemeralServer:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Make and start the server; return when it takes connections."""
        found = find_binaries(self._major, tls=self._tls)
        account = server_account()
        base = make_base(account)
        binaries = readable_binaries(found, account, base)
        self.bindir, self.major = binaries.bindir, binaries.major
        self._binaries = binaries
        directory, self._owner_lock = _claim_directory(shared_directory(base, "ephemeral", account), account.switch)
        self._server = Server(directory, account)
        _alive.add(self)
        try:
            initialise(self._server, binaries, durable=False)
            if self._tls:
                self._settings |= self._tls_settings()
            self._run()
        except BaseException:
            self.stop()
            raise
        self.data_dir, self.socket_dir = self._server.data, self._server.socket_dir
        self.password = self._server.password

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1; it stays the same over a restart."""
        if self._port is None:
            raise RuntimeError("the server was not started")
        return self._port

    @property
    def pid(self) -> int:
        """The process id of the server."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def url(self, dbname: str = SUPERUSER) -> str:
        """Return a URL with the password in it: for a driver, never for a message."""
        return self._server.url(dbname, self.port)

    def kill(self) -> None:
        """Stop it as a crash would, keeping the data for ``restart``."""
        self._halt(immediately=True)

    def restart(self) -> None:
        """Stop it cleanly if it runs, and start it again on the same port."""
        self._halt(immediately=False)
        self._run()

    def stop(self) -> None:
        """Stop it and remove all that it left; do nothing if that was done."""
        if self._owner_lock is None:
            return
        self._halt(immediately=True)
        directory = self._server.directory
        with locked(directory.parent / ".lock", what="the embedded servers"):
            shutil.rmtree(directory)
        os.close(self._owner_lock)
        self._owner_lock = None
        _alive.discard(self)

    def _run(self) -> None:
        self._port, self._process = servers.start(
            self._server, self._binaries, port=self._port, settings=self._settings, spawn=spawn
        )

    def _halt(self, *, immediately: bool) -> None:
        servers.stop(self._server, immediately=immediately)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def _tls_settings(self) -> dict[str, str]:
        from dbsync.local.certificate import make_certificate  # slow to import, rarely used

        directory = own_directory(self._server.directory / "tls", 0o711)
        files = make_certificate(directory)
        self.ca_file = files.authority
        if self._server.account.switch:
            for file in (files.key, files.certificate):
                os.chown(file, self._server.account.uid, self._server.account.gid)
        return {"ssl": "on", "ssl_key_file": str(files.key), "ssl_cert_file": str(files.certificate)}


# The directories


def _claim_directory(parent: Path, switch: bool) -> tuple[Path, int]:
    """Make a directory that is ours while we live; remove those whose owners are gone."""
    with locked(parent / ".lock", what="the embedded servers"):
        _ownerless(parent, remove=True)
        directory = own_directory(parent / secrets.token_hex(4), 0o711 if switch else 0o700)
        lock = try_lock(directory / "owner.lock")
        if lock is None:
            raise RuntimeError("a new directory is already locked")
        return directory, lock


def left_behind(*, remove: bool = False) -> list[Path]:
    """Return the directories of servers whose process is gone; ``remove`` stops and removes them."""
    parent = base_directory() / "ephemeral"
    if not parent.is_dir():
        return []
    with locked(parent / ".lock", what="the embedded servers"):
        return _ownerless(parent, remove=remove)


def _ownerless(parent: Path, *, remove: bool) -> list[Path]:
    found = []
    for directory in parent.iterdir():
        lock = try_lock(directory / "owner.lock") if directory.name != ".lock" else None
        if lock is None:
            continue
        found.append(directory)
        if remove:
            _remove(directory)
        os.close(lock)
    return found


def _remove(directory: Path) -> None:
    server = Server.at(directory)
    if servers.is_running(server):  # no parent-death signal on this system
        servers.stop(server, immediately=True)
    shutil.rmtree(directory)


# Those that nobody stopped

_alive: set[EphemeralServer] = set()


@atexit.register
def _stop_all() -> None:
    for server in list(_alive):
        if server.owner == os.getpid():  # not in a fork of the process that started it
            server.stop()
