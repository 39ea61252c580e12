"""Two embedded servers with a real server's settings, and running programs against them.

All programs reach them the same way: TCP on the loopback, a password from one password file, no TLS.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks import stopwatch
from dbsync.errors import ConfigError
from dbsync.local import EphemeralServer, find_binaries

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "autovacuum": "off",  # it would start in some runs and not in others
    "log_min_messages": "fatal",
}
PGCOPYDB_MAJOR = 15  # Debian's pgcopydb and the pg_dump that it calls know servers up to this one

Step = Sequence[Sequence[str]]  # programs joined by pipes


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run of some programs took. ``servers``: the processor time of both servers; 0 where nobody tells."""

    wall: float
    cpu: float
    rss_mb: float
    servers: float = 0


class Failed(Exception):
    """A program of the benchmark failed; the message says which and how."""


class Bench:
    """The two servers, the programs, and a directory for what the programs leave."""

    def __init__(self, source: EphemeralServer, target: EphemeralServer, directory: Path) -> None:
        self.source, self.target, self.directory = source, target, directory
        self.dbsync = str(Path(sys.executable).with_name("dbsync"))
        self.errors = directory / "errors"
        passwords = directory / "passwords"
        passwords.touch(0o600)
        passwords.write_text("".join(f"127.0.0.1:{one.port}:*:*:{one.password}\n" for one in (source, target)))
        path = os.pathsep.join((str(source.bindir), os.environ.get("PATH", os.defpath)))
        self.environment = {"PATH": path, "HOME": str(directory), "LC_ALL": "C.UTF-8", "PGPASSFILE": str(passwords)}

    @property
    def version(self) -> str:
        """The version of both servers."""
        ((version,),) = execute(self.source, "postgres", "SHOW server_version")
        return str(version).split()[0]

    def program(self, name: str) -> str:
        """A client program of the servers' own version."""
        return str(self.source.bindir / name)

    def source_url(self, database: str) -> str:
        """A database of the source server, without the password."""
        return f"postgresql://postgres@127.0.0.1:{self.source.port}/{database}"

    def target_url(self, database: str) -> str:
        """A database of the target server, without the password."""
        return f"postgresql://postgres@127.0.0.1:{self.target.port}/{database}"

    def run(self, *steps: Step) -> Sample:
        """Run steps one after another and measure them; raise Failed."""
        job = {
            "steps": steps,
            "environment": self.environment,
            "directory": str(self.directory),
            "errors": str(self.errors),
        }
        before = self._servers_cpu()
        done = subprocess.run(
            [sys.executable, "-I", "-S", stopwatch.__file__],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            check=True,
        )
        used = json.loads(done.stdout)
        if used["failed"]:
            raise Failed(f"{used['failed']}: {self.errors.read_text(errors='replace').strip()[-600:]}")
        return Sample(used["wall"], used["cpu"], used["rss_mb"], self._servers_cpu() - before)

    def _servers_cpu(self) -> float:
        return processor_time(self.source.pid) + processor_time(self.target.pid)

    def new_database(self, server: EphemeralServer, name: str, script: str = "") -> None:
        """Make a database anew, with what the script puts in."""
        quoted = sql.Identifier(name)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
        execute(server, name, script, "CHECKPOINT")


def processor_time(server: int) -> float:
    """Seconds of processor time of a server, with its children that live and that have ended; 0 without /proc."""
    ticks = 0
    try:
        children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split()
        ticks += sum(_times(server))
    except OSError:
        return 0
    for child in children:
        with suppress(OSError):  # it has ended, and counts as the server's next time
            ticks += sum(_times(int(child))[:2])
    return ticks / os.sysconf("SC_CLK_TCK")


def _times(process: int) -> list[int]:
    """User and system time of a process, and of its children that it has waited for."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    return [int(field) for field in text.rpartition(")")[2].split()[11:15]]


def execute(server: EphemeralServer, database: str, *scripts: str) -> list[tuple[Any, ...]]:
    """Run scripts, each as one simple query; return the rows of the last."""
    rows: list[tuple[Any, ...]] = []
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        for script in filter(None, scripts):
            cursor = connection.execute(script.encode())
            rows = cursor.fetchall() if cursor.description else []
    return rows


@contextmanager
def bench_servers(major: int | None) -> Iterator[Bench]:
    """Start both servers for the body; without a major, the one that every peer can talk to, else the newest."""
    if major is None:
        try:
            major = find_binaries(PGCOPYDB_MAJOR).major
        except ConfigError:
            major = find_binaries().major
    directory = Path(tempfile.mkdtemp(prefix="dbsync-bench-"))
    try:
        with EphemeralServer(major, SETTINGS) as source, EphemeralServer(major, SETTINGS) as target:
            yield Bench(source, target, directory)
    finally:
        shutil.rmtree(directory)
