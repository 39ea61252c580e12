"""The two databases of the demo: servers that end with this process, or named ones that stay."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dbsync import local
from dbsync.child_environment import child_environment
from dbsync.errors import ConfigError, DbsyncError
from dbsync.local import EphemeralServer

_KEPT = ("demo-source", "demo-target")
_VARIABLES = ("DEMO_SOURCE", "DEMO_TARGET")
_SCRIPTS = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Place:
    """One database: how a command names it, and how psql reaches it."""

    name: str  # env:DEMO_SOURCE or local:demo-source
    psql: str
    environment: Mapping[str, str] = field(repr=False)  # for psql; holds the password
    variables: Mapping[str, str] = field(repr=False, default_factory=dict)  # for dbsync; holds the password

    def run(self, script: str, **variables: object) -> list[list[str]]:
        """Run a script of this package with psql; return the fields of the lines it printed."""
        return self._psql(["-f", str(_SCRIPTS / script)], variables)

    def execute(self, statement: str) -> None:
        """Run one statement with psql."""
        self._psql(["-c", statement], {})

    def _psql(self, what: list[str], variables: Mapping[str, object]) -> list[list[str]]:
        command = [self.psql, "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-1", *what]
        for name, value in variables.items():
            command += ["-v", f"{name}={value}"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["no message"]
            raise DbsyncError(f"psql on {self.name} failed: {said[-1]}", code="DEMO_PSQL")
        return [line.split("\t") for line in done.stdout.splitlines()]


@contextmanager
def open_places(*, keep: bool) -> Iterator[tuple[Place, Place]]:
    """Start two empty servers; with ``keep`` they stay, as local:demo-source and local:demo-target."""
    if keep:
        for name in _KEPT:
            local.reset(name)
        yield _kept(_KEPT[0]), _kept(_KEPT[1])
        return
    with ExitStack() as stack:
        servers = [EphemeralServer(), EphemeralServer()]
        for server in servers:
            stack.callback(server.stop)
        with ThreadPoolExecutor(2) as executor:  # initdb takes most of the time
            for started in [executor.submit(server.start) for server in servers]:
                started.result()
        yield _bound(_VARIABLES[0], servers[0]), _bound(_VARIABLES[1], servers[1])


def _kept(name: str) -> Place:
    (psql,), environment = local.psql_command(name)
    return Place(f"local:{name}", psql, environment)


def _bound(variable: str, server: EphemeralServer) -> Place:
    psql = shutil.which("psql", path=str(server.bindir)) or shutil.which("psql")
    if psql is None:
        raise ConfigError(
            f"the demo needs psql, and there is none in {server.bindir} or on the PATH",
            hint="install the Postgres client programs",
            code="LOCAL_NO_PSQL",
        )
    place = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": server.user, "PGPASSWORD": server.password}
    clean = {name: value for name, value in child_environment().items() if not name.startswith("PG")}
    return Place(f"env:{variable}", psql, clean | place | {"PGDATABASE": server.user}, {variable: server.url()})
