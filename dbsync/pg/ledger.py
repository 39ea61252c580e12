"""The ledger: what runs note in the target's schema ``dbsync``, in the very transactions that write rows.

It decides what was committed, which run may write (the fence), and where a dead run can be taken up.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

from psycopg import sql
from psycopg.types.json import Jsonb

from dbsync import __version__
from dbsync.errors import ConfigError, Fenced, LedgerHeld, Refused, StatementFailed
from dbsync.model import TableName
from dbsync.pg import runs
from dbsync.pg.database import Session
from dbsync.pg.identity import DatabaseIdentity
from dbsync.pg.sql import load

_SQL = load("ledger")
STEPS: tuple[LiteralString, ...] = (
    _SQL["step_1"],
    _SQL["step_2"],
    _SQL["step_3"],
    _SQL["step_4"],
)  # only ever appended to: ledgers of each version are out there
_COMMENT = re.compile(r"dbsync ledger, version ([0-9]+)")
_OWN = "made by dbsync sync for the time of a run"
_NO_RIGHT = "42501"
_LOCK_TIMEOUT = "55P03"
_SHORTEST = 4
_PATIENCE = 50  # tenths of a second until sessions that were told to end have ended

EndState = Literal["succeeded", "failed", "stopped"]
TableProgress = Literal["partial", "done"]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger that is there, at the version this dbsync knows."""

    version: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """Transactions of the target by their numbers, both ends included, with their epoch, that kept a run's books.

    They did nothing else: none of them wrote a row of another table, nor changed one.
    """

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that may write: its fence, and the number of the transaction that gave it."""

    fence: int
    number: int


@dataclass(frozen=True, slots=True)
class Client:
    """Who runs: for people who wonder which process that was."""

    pid: int
    host: str
    user: str

    @classmethod
    def here(cls) -> Client:
        """This process."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a container's user may have no name
            user = str(os.getuid())
        text = user.encode(errors="replace").decode()  # the environment may say bytes that no server takes
        return cls(os.getpid(), socket.gethostname(), text)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRecord:
    """What a run committed of one table. ``digest``: rows and two sums, where it was verified."""

    table: TableName
    state: TableProgress
    strategy: str
    rows_inserted: int = 0
    rows_updated: int = 0
    rows_deleted: int = 0
    digest: tuple[int, str, str] | None = None
    committed_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run as the ledger has it; ``tables`` are those it committed rows of."""

    run_id: str
    fence: int
    state: str
    started_at: str
    ended_at: str | None
    source: DatabaseIdentity
    snapshot: str | None
    options: Mapping[str, Any]
    plan_hash: str | None
    client: Client
    application: str
    tool_version: str
    tables: tuple[TableRecord, ...]

    @property
    def finished(self) -> frozenset[TableName]:
        """The tables that the run was done with."""
        return frozenset(record.table for record in self.tables if record.state == "done")


def obstacle(session: Session) -> str | None:
    """Why this role can keep no ledger in the database, as the end of a sentence; None when it can."""
    found = session.execute(_SQL["place"])
    if not found:
        (allowed,) = session.one(_SQL["may_create"])
        return None if allowed else "the role may not create the schema dbsync"
    ((comment, owner, trusted),) = found
    if not _COMMENT.fullmatch(comment) and comment != _OWN:
        return "somebody else's schema is called dbsync"
    return None if trusted else f"the schema dbsync belongs to the role {owner}"


def hidden(session: Session) -> str | None:
    """Why a ledger that is there cannot be read by this role; None when there is none, or it can."""
    found = session.execute(_SQL["place"])
    return obstacle(session) if found and _COMMENT.fullmatch(found[0][0]) else None


def version(session: Session) -> int:
    """The version of the ledger that is there, whoever owns it; 0 without one. Raises Refused for a newer one."""
    return _version(session, STEPS)


def find_ledger(session: Session, steps: Sequence[LiteralString] = STEPS) -> Ledger | None:
    """Return the ledger if there is one that this role may use; writes nothing. Raises Refused for a newer one."""
    version = _version(session, steps)
    return Ledger(version) if version == len(steps) and obstacle(session) is None else None


def open_ledger(session: Session, steps: Sequence[LiteralString] = STEPS) -> Ledger | None:
    """Return the ledger, made or upgraded in one transaction; None where ``obstacle`` says why not.

    Raises Refused for a ledger that a newer dbsync made.
    """
    if _version(session, steps) == len(steps):
        return find_ledger(session, steps)
    if obstacle(session) is not None:
        return None
    try:
        with session.transaction():
            session.execute(_SQL["lock_upgrade"])
            version = _version(session, steps)  # another process may have been quicker
            for _, owner, _ in session.execute(_SQL["place"]):
                session.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))  # who owns new tables too
            for step in steps[version:]:
                session.execute(step)
            _sign(session, len(steps))
    except StatementFailed as error:
        if error.sqlstate != _NO_RIGHT:
            raise
        return None
    return Ledger(len(steps))


def end_dead_sessions(session: Session, pause: Callable[[float], None]) -> int:
    """End what is left of runs that died or stand still, and their locks with it; return how many sessions.

    Call it with the run lock held: no run but the caller's can be alive then. ``pause`` sleeps and may raise.
    """
    first = [pid for (pid,) in session.execute(_SQL["dead_sessions"])]
    for pid in first:
        runs.end_session(session, pid)
    for _ in range(_PATIENCE):
        if not session.execute(_SQL["dead_sessions"]):
            break
        pause(0.1)
    return len(first)


def begin_run(
    session: Session,
    *,
    run_id: str,
    source: DatabaseIdentity,
    snapshot: str | None,
    options: Mapping[str, Any],
    plan_hash: str | None,
    client: Client,
    pause: Callable[[float], None] = time.sleep,
) -> Begun:
    """Note a new run and return its fence: from now on no earlier run can commit. Call it with the run lock held."""
    end_dead_sessions(session, pause)
    try:
        with session.transaction():
            fence, number = session.one(_SQL["raise_fence"])
            session.execute(_SQL["mark_dead"])
            session.execute(_SQL["forget_old_runs"], [fence])
            origin = (source.system, source.database_oid, source.database, snapshot)
            who = (client.pid, client.host, client.user, __version__)
            session.execute(_SQL["begin_run"], [run_id, fence, *origin, Jsonb(dict(options)), plan_hash, *who])
    except StatementFailed as error:
        if error.sqlstate != _LOCK_TIMEOUT:
            raise
        raise LedgerHeld(
            "an earlier run stands in the middle of a commit and holds the ledger",
            hint="end it (dbsync doctor names its session), or run again when it is gone",
        ) from error
    return Begun(int(fence), int(number))


def mark_dead(session: Session) -> None:
    """Note that runs which did not end are dead. Call it with the run lock held."""
    session.execute(_SQL["mark_dead"])


def hold_fence(session: Session, fence: int) -> int:
    """Make sure that no later run has begun, and let none begin before this transaction ends; return its number.

    The last statement before each COMMIT that writes. Raises Fenced.
    """
    now, run_id, number = session.one(_SQL["hold_fence"])
    if now != fence:
        later = f"run {run_id}" if run_id else "a later run"
        raise Fenced(f"{later} has taken over the target: this run may write no more, and its transaction is undone")
    return int(number)


def record_tables(session: Session, records: Iterable[TableRecord], *, run_id: str, fence: int) -> None:
    """Note what this transaction wrote of tables; the numbers of several transactions add up."""
    rows = [
        {
            "table_schema": record.table.schema,
            "table_name": record.table.name,
            "state": record.state,
            "strategy": record.strategy,
            "rows_inserted": record.rows_inserted,
            "rows_updated": record.rows_updated,
            "rows_deleted": record.rows_deleted,
        }
        | dict(zip(("digest_rows", "digest_first", "digest_second"), record.digest or (None,) * 3, strict=True))
        for record in records
    ]
    if rows:
        session.execute(_SQL["record_tables"], [run_id, fence, Jsonb(rows)])


def committed(session: Session, run_id: str, table: TableName, *, transaction: int = 1) -> bool:
    """Whether so many transactions of the run that wrote rows of the table were committed.

    Settles a COMMIT whose reply was lost: waits for those that hold the fence, since the server may still be at it.
    """
    session.execute(_SQL["outlast_fence"])
    (number,) = session.one(_SQL["transactions"], [run_id, table.schema, table.name])
    return int(number) >= transaction


def finish_run(session: Session, run_id: str, state: EndState, *, quiet: Quiet | None = None) -> bool:
    """Note how the run ended; False when a later run has already called it dead.

    ``quiet``: what is true if this very transaction gets its last number, which is kept if so.
    """
    if quiet is None:
        return session.affected(_SQL["finish_run"], [state, run_id]) == 1
    values = {"state": state, "run_id": run_id, "since": quiet.since, "until": quiet.until}
    return session.affected(_SQL["finish_quiet_run"], values) == 1


def last_quiet(session: Session) -> Quiet | None:
    """Return the last transactions that are known to have kept nothing but books."""
    found = session.execute(_SQL["quiet"])
    return Quiet(*found[0]) if found else None


def find_run(session: Session, run_id: str) -> RunRecord:
    """Return a run by its id or the beginning of it. Raises ConfigError when there is none, or more than one."""
    if len(run_id) < _SHORTEST:
        raise ConfigError(f"{run_id!r} is too short to name a run", hint="give at least four letters of the run id")
    found = session.execute(_SQL["runs"], [run_id])
    if not found:
        hint = "--resume without a run takes up the last one; dbsync doctor TARGET lists those that died"
        raise ConfigError(f"the target's ledger knows no run {run_id!r}", code="NO_SUCH_RUN", hint=hint)
    if len(found) > 1 and found[0][0] != run_id:
        raise ConfigError(f"more than one run begins with {run_id!r}", code="NO_SUCH_RUN", hint="give more of the id")
    return _record(session, found[0])


def last_unfinished(session: Session, source: DatabaseIdentity) -> RunRecord | None:
    """Return the last run from this source unless it succeeded. Call it with the run lock held."""
    found = session.execute(_SQL["last_run_from"], [source.system, source.database_oid, source.database])
    if not found or found[0][1] == "succeeded":
        return None
    return find_run(session, found[0][0])


def _record(session: Session, row: tuple[Any, ...]) -> RunRecord:
    run_id, fence, state, started, ended, system, oid, database, snapshot, options, plan_hash, *rest = row
    pid, host, user, application, tool_version = rest
    tables = []
    for schema, name, progress, strategy, inserted, updated, deleted, *digest, committed_at in session.execute(
        _SQL["run_tables"], [run_id]
    ):
        rows, first, second = digest
        tables.append(
            TableRecord(
                table=TableName(schema, name),
                state=progress,
                strategy=strategy,
                rows_inserted=inserted,
                rows_updated=updated,
                rows_deleted=deleted,
                digest=None if rows is None else (rows, first, second),
                committed_at=committed_at,
            )
        )
    return RunRecord(
        run_id=run_id,
        fence=fence,
        state=state,
        started_at=started,
        ended_at=ended,
        source=DatabaseIdentity(system, oid, database),
        snapshot=snapshot,
        options=options,
        plan_hash=plan_hash,
        client=Client(pid, host, user),
        application=application,
        tool_version=tool_version,
        tables=tuple(tables),
    )


def _version(session: Session, steps: Sequence[LiteralString]) -> int:
    """The version of the ledger that is there, 0 without one. Raises Refused for a newer one."""
    for comment, _, _ in session.execute(_SQL["place"]):
        match = _COMMENT.fullmatch(comment)
        version = int(match[1]) if match else 0
        if version > len(steps):
            raise Refused(
                f"{session.url.name} has a ledger of version {version}; this dbsync knows them up to {len(steps)}",
                code="LEDGER_NEWER",
                hint="use the newer dbsync that wrote it, or --no-ledger",
            )
        return version
    return 0


def _sign(session: Session, version: int) -> None:
    """Mark the schema as ours and say how its tables are laid out."""
    text = sql.Literal(f"dbsync ledger, version {version}")
    session.execute(sql.SQL("COMMENT ON SCHEMA dbsync IS {}").format(text))
