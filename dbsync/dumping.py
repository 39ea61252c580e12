"""Run pg_dump for the schema of a database, where a fitting program is at hand. Secrets go by the environment."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbsync.child_environment import child_environment
from dbsync.errors import ConfigError, StatementFailed
from dbsync.local import available_majors, find_binaries
from dbsync.pg.dial import CONNECT_TIMEOUT_S, route
from dbsync.urls import DatabaseUrl

_KEPT = ("PGPASSWORD", "PGPASSFILE")
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class DumpProgram:
    """A pg_dump and its major version."""

    path: Path
    major: int


def find_pg_dump(server_major: int) -> DumpProgram | None:
    """Return a pg_dump that reads servers of that major version: its own or the next newer one."""
    for major in sorted(available_majors()):
        if major < server_major:
            continue
        try:
            program = find_binaries(major).bindir / "pg_dump"
        except ConfigError:
            continue
        if program.exists():
            return DumpProgram(program, major)
    return None


def dump_schema(url: DatabaseUrl, program: DumpProgram, *, check: Callable[[], None] = lambda: None) -> str:
    """Return the schema as SQL, without dbsync's own. Raises StatementFailed with pg_dump's sentence."""
    command = [
        str(program.path), "--schema-only", "--no-password", "--exclude-schema=dbsync", "--no-tablespaces",
        "--no-subscriptions", "--no-sync", "--encoding=UTF8",
    ]  # fmt: skip
    if program.major >= 18:
        command.append("--no-statistics")
    status, out, err = run_program(command, libpq_environment(url), check)
    if status:
        reason = " ".join(err.decode(errors="replace").split())[:_LONGEST_REASON]
        raise StatementFailed(f"pg_dump of {url.name} failed: {reason}", code="PG_DUMP")
    return out.decode("utf-8")


def run_program(
    command: Sequence[str], environment: Mapping[str, str], check: Callable[[], None]
) -> tuple[int, bytes, bytes]:
    """Run a program to its end; return its exit code and what it wrote. It is killed when ``check`` raises."""
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        while True:
            try:
                out, err = process.communicate(timeout=0.2)
            except subprocess.TimeoutExpired:
                check()
            else:
                return process.returncode, out, err
    except BaseException:
        process.kill()
        process.wait()
        raise


def libpq_environment(url: DatabaseUrl) -> dict[str, str]:
    """Where our own sessions go, in the words of libpq's variables; ambient ones do not steer it."""
    way = route(url)
    given = {name: value for name, value in child_environment().items() if not name.startswith("PG") or name in _KEPT}
    found = {
        "PGHOST": way.host, "PGPORT": str(way.port), "PGUSER": way.user, "PGDATABASE": url.dbname or way.user,
        "PGSSLMODE": way.sslmode, "PGCONNECT_TIMEOUT": str(url.connect_timeout or CONNECT_TIMEOUT_S),
        "PGAPPNAME": "dbsync pg_dump", "PGOPTIONS": "-c default_transaction_read_only=on",
    }  # fmt: skip
    optional = {
        "PGHOSTADDR": way.addresses[0] if way.addresses else None, "PGSSLROOTCERT": way.authorities,
        "PGSSLCERT": url.sslcert, "PGSSLKEY": url.sslkey, "PGCHANNELBINDING": url.channel_binding,
        "PGPASSWORD": url.password.reveal() if url.password is not None else None,
    }  # fmt: skip
    return given | found | {name: value for name, value in optional.items() if value}
