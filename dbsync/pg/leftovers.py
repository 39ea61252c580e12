"""What runs that died left in a database, and getting rid of it: for ``dbsync doctor``.

Nothing of a run that is alive is ever called a leftover: who holds the run lock and moves is alive.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import sql

from dbsync.errors import Refused, StatementFailed
from dbsync.pg import ledger, migrations, runs
from dbsync.pg.database import Session
from dbsync.pg.sql import load

_SQL = load("leftovers")
_STILL_S = 60.0  # the holder of the lock is asked every two seconds while tables are written
_FORGOTTEN_S = 600.0
_WRITERS = ("load", "stage", "settle", "finish")  # these exist only in the run that holds the run lock
_ENDING_S = 5.0

Kind = Literal["lock", "session", "staging", "run", "schema", "shadow", "slot", "ledger"]


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that was left. ``fix`` says what to do; ``mended`` whether ``clean`` does that."""

    kind: Kind
    message: str
    fix: str
    mended: bool = True
    pid: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-safe data."""
        return {"kind": self.kind, "message": self.message, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class _Activity:
    """A session that bears a run's name."""

    pid: int
    run_id: str
    purpose: str
    state: str
    idle_s: float
    working: bool  # in the server, that is; not waiting for its client


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found: ``running`` names a run that is alive, ``hidden`` says why its notes could not be read."""

    running: str | None
    leftovers: tuple[Leftover, ...]
    hidden: str | None = None


def leftovers(session: Session) -> Findings:
    """Look for what runs left; changes nothing."""
    sessions = [_Activity(*row) for row in session.execute(_SQL["sessions"])]
    holder = runs.run_lock_holder(session)
    own = next((each.run_id for each in sessions if holder is not None and each.pid == holder.pid), None)
    still = holder is not None and own is not None and _stands_still(sessions, own, holder.pid)
    found: list[Leftover] = []
    if holder is not None and still:
        message = f"run {own} holds the run lock but has not moved for a minute: {holder}"
        found.append(Leftover("lock", message, "end its session if its process is gone or stopped", pid=holder.pid))
    found += _forsaken(sessions, own)
    if holder is None or still:
        found += _remains(session)
    found += [
        Leftover("shadow", f"the database {name} is the shadow of a dead migrate plan", f"DROP DATABASE {name}")
        for name in _dead_shadows(session)
    ]
    found += _idle_slots(session)
    found += _newer_ledger(session)
    running = str(holder) if holder is not None and not still else None
    return Findings(running, tuple(found), ledger.hidden(session))


def clean(session: Session) -> None:
    """Mend what ``leftovers`` finds and can be mended; look again to see what is left.

    Takes the run lock for as long as it works, so that no run begins meanwhile; while one is alive nothing
    but forsaken sessions is ended.
    """
    for leftover in leftovers(session).leftovers:
        if leftover.pid is not None and leftover.mended:
            runs.end_session(session, leftover.pid)
    for name in _dead_shadows(session):
        session.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
    if not _locked(session):
        return
    try:
        if ledger.find_ledger(session) is not None:
            ledger.end_dead_sessions(session, time.sleep)
            ledger.mark_dead(session)
            migrations.mark_dead(session)
        runs.drop_dead_staging(session)
        runs.drop_own_schema(session)
    finally:
        runs.release_run_lock(session)


def _locked(session: Session) -> bool:
    """Take the run lock; sessions that were just told to end may need a moment."""
    deadline = time.monotonic() + _ENDING_S
    while not runs.try_run_lock(session):
        if time.monotonic() > deadline or leftovers(session).running is not None:
            return False
        time.sleep(0.1)
    return True


def _stands_still(sessions: list[_Activity], run_id: str, holder: int) -> bool:
    mine = [each for each in sessions if each.run_id == run_id]
    silent = next(each.idle_s for each in mine if each.pid == holder) > _STILL_S
    writes = any(each.purpose in _WRITERS for each in mine)
    return silent and writes and not any(each.working for each in mine)


def _forsaken(sessions: list[_Activity], own: str | None) -> Iterator[Leftover]:
    """Sessions in a transaction whose run does not hold the run lock (any more)."""
    for each in sessions:
        if each.run_id == own or not each.state.startswith("idle in transaction"):
            continue
        what = f"backend {each.pid} ({each.purpose} of run {each.run_id}) is idle in a transaction"
        if each.purpose in _WRITERS:
            message = f"{what} but its run has lost the run lock"
            yield Leftover("session", message, f"SELECT pg_terminate_backend({each.pid})", pid=each.pid)
        elif each.idle_s > _FORGOTTEN_S:
            yield Leftover(
                "session",
                f"{what} for {each.idle_s / 60:.0f} minutes and holds back VACUUM",
                f"if that run is gone: SELECT pg_terminate_backend({each.pid})",
                mended=False,
            )


def _remains(session: Session) -> Iterator[Leftover]:
    """What stands in the schema of ours when no run is alive."""
    for name in runs.dead_staging(session):
        yield Leftover("staging", f"{name} is a staging table of a dead run", f"DROP TABLE {name}")
    if _has_ledger(session):
        for run_id, started, host, pid in session.execute(_SQL["unfinished_runs"]):
            message = f"run {run_id} of {started} UTC (process {pid} on {host}) did not end but is gone"
            yield Leftover("run", message, f"sync --resume {run_id} takes it up; --fix notes that it is dead")
        for migration, started, host, pid in session.execute(_SQL["unfinished_migrations"]):
            message = f"migration {migration} of {started} UTC (process {pid} on {host}) did not end but is gone"
            yield Leftover("run", message, "the same migrate apply goes on with it; --fix notes that it is dead")
    elif runs.own_schema_is_ours(session) and session.execute(_SQL["is_empty"]) == [(True,)]:
        yield Leftover("schema", "the schema dbsync of a dead run is empty", "DROP SCHEMA dbsync")


def _dead_shadows(session: Session) -> list[str]:
    """Databases that ``migrate --shadow`` made on this server and whose maker is gone."""
    return [name for (name,) in session.execute(_SQL["dead_shadows"])]


def _idle_slots(session: Session) -> Iterator[Leftover]:
    """No run makes one; but whatever is called so and read by nobody fills the server's disk."""
    for (name,) in session.execute(_SQL["idle_slots"]):
        message = f"the replication slot {name} keeps write-ahead log that nobody reads"
        drop = f"SELECT pg_drop_replication_slot({_literal(name)})"
        yield Leftover("slot", message, f"if nobody is going to: {drop}", mended=False)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _has_ledger(session: Session) -> bool:
    try:
        return ledger.find_ledger(session) is not None
    except Refused:
        return False  # of a newer dbsync: told apart


def _newer_ledger(session: Session) -> Iterator[Leftover]:
    try:
        ledger.find_ledger(session)
    except Refused as newer:
        yield Leftover("ledger", newer.message, "use the newer dbsync that wrote it", mended=False)


def try_clean(session: Session) -> str | None:
    """Clean; return why it could not be done to the end, or None."""
    try:
        clean(session)
    except (StatementFailed, Refused) as error:
        return error.message
    return None
