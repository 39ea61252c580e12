"""Make the data directory of a server: complete or absent, with a password from the first moment on."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dbsync.errors import DbsyncError
from dbsync.local.account import run_as, server_environment
from dbsync.local.binaries import Binaries
from dbsync.local.directories import own_directory, try_lock, write_private
from dbsync.local.server import START_PATIENCE, SUPERUSER, Server, not_started


def initialise(server: Server, binaries: Binaries, *, database: str = SUPERUSER, durable: bool = True) -> None:
    """Make the data directory with one database; after a failure or a crash there is none."""
    with _nothing_running(server) as lock:
        unfinished = server.directory / "data.new"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        own_directory(unfinished, 0o700)
        password = secrets.token_urlsafe(24)
        handed_over = server.directory / "password.new"
        write_private(handed_over, password)
        if server.account.switch:
            os.chown(unfinished, server.account.uid, server.account.gid)
            os.chown(handed_over, server.account.uid, server.account.gid)
        try:
            _run(server, binaries, _initdb(binaries, unfinished, handed_over, durable=durable), lock)
            if database != SUPERUSER:
                # Without a server or a driver: single-user mode reads statements from its input.
                single = [binaries.program("postgres"), "--single", "-D", str(unfinished), "-c", "exit_on_error=on"]
                quoted = database.replace('"', '""')
                _run(server, binaries, [*single, "template1"], lock, text=f'CREATE DATABASE "{quoted}";\n')
        except BaseException:
            shutil.rmtree(unfinished)
            raise
        finally:
            handed_over.unlink()
        write_private(server.directory / "password", password)
        unfinished.rename(server.data)


@contextmanager
def _nothing_running(server: Server) -> Iterator[int]:
    """Hold the server's lock; wait for an initdb whose parent was killed to come to its end."""
    limit = time.monotonic() + START_PATIENCE
    while (descriptor := try_lock(server.lock)) is None:
        if time.monotonic() > limit:
            raise DbsyncError(f"a process still uses {server.directory}", hint="try again", code="LOCAL_BUSY")
        time.sleep(0.05)
    try:
        os.ftruncate(descriptor, 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _initdb(binaries: Binaries, data: Path, password: Path, *, durable: bool) -> list[str]:
    """Return the initdb command: UTF8, code point order, upper and lower case of all letters, everywhere the same."""
    arguments = [
        binaries.program("initdb"), f"--pgdata={data}", f"--username={SUPERUSER}", f"--pwfile={password}",
        "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
    ]  # fmt: skip
    if binaries.major >= 17:
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    elif sys.platform == "linux":
        arguments += ["--lc-ctype=C.UTF-8"]
    return arguments if durable else [*arguments, "--no-sync"]


def _run(server: Server, binaries: Binaries, command: list[str], lock: int, text: str = "") -> None:
    """Run a program on the data that holds the server's lock for as long as it runs, even without us."""
    environment = server_environment(binaries.bindir)
    done = run_as(server.account, command, environment=environment, text=text, keep_open=[lock])
    if done.returncode != 0:
        raise not_started(f"{Path(command[0]).name} could not make a database in {server.directory}", done.stdout)
