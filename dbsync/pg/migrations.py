"""What the target's ledger holds of migrations: which were applied, and how far one came that did not end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg import sql
from psycopg.types.json import Jsonb

from dbsync import __version__
from dbsync.errors import Refused
from dbsync.pg import ledger, quoting
from dbsync.pg.database import Session
from dbsync.pg.execute import begin_read
from dbsync.pg.functions import current_role, require_harmless
from dbsync.pg.ledger import Client
from dbsync.pg.sql import load
from dbsync.quantities import MOST_MILLISECONDS

_SQL = load("migrations")
_SINCE = 2  # the ledger's version from which on it holds migrations

Direction = Literal["up", "down"]
State = Literal["running", "succeeded", "failed", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationRecord:
    """One plan that was applied (up) or taken back (down), the newest first.

    ``progress``: statements by number, "started" (not in a transaction: it may have run or not) or "done".
    """

    migration_id: str
    plan_hash: str
    direction: Direction
    state: State
    started_at: str
    ended_at: str | None
    source_name: str
    fingerprint: str
    statements: Sequence[str]
    error: str | None
    client: Client
    role: str
    tool_version: str
    progress: Mapping[int, str]

    @property
    def done(self) -> int:
        """How many statements are committed."""
        return sum(1 for state in self.progress.values() if state == "done")

    @property
    def unfinished(self) -> bool:
        """Whether it changed something and did not come to its end."""
        return self.state != "succeeded" and bool(self.progress)


def history(session: Session, limit: int = 100) -> list[MigrationRecord]:
    """Return the migrations that the target's ledger knows; none where there is no ledger."""
    return _records(session, limit) if ledger.find_ledger(session) is not None else []


def seen(session: Session, limit: int = 100) -> list[MigrationRecord]:
    """The same for who only looks, also at the ledger of a role that is not to be relied on; on a read-only session.

    Raises Refused where this role may not read it, or where that would run what its owner put there: with no answer
    it would be said that there was no migration.
    """
    if ledger.version(session) < _SINCE:
        return []
    owner, role, lacking = session.one(_SQL["may_read"])
    if lacking:
        who = quoting.name(role)
        raise Refused(
            f"the ledger of the role {owner} cannot be read by the role {role}: it may not {' or '.join(lacking)}",
            code="NO_LEDGER",
            hint=f"let {owner} say: GRANT USAGE ON SCHEMA dbsync TO {who}; "
            f"GRANT SELECT ON dbsync.migration, dbsync.migration_statement TO {who}",
        )
    begin_read(session)
    if ledger.hidden(session) is not None and (reader := current_role(session)).privileged:
        try:
            require_harmless(session, _SQL["list"].replace("%s", str(limit)), reader)
        except Refused as error:
            error.hint = f"ask as the role {owner}"
            raise
    found = _records(session, limit)
    session.execute("ROLLBACK")
    return found


def _records(session: Session, limit: int) -> list[MigrationRecord]:
    return [
        MigrationRecord(
            migration_id=row[0], plan_hash=row[1], direction=row[2], state=row[3], started_at=row[4], ended_at=row[5],
            source_name=row[6], fingerprint=row[7], statements=row[8], error=row[9], client=Client(*row[10:13]),
            role=row[13], tool_version=row[14], progress={int(number): state for number, state in row[15].items()},
        )
        for row in session.execute(_SQL["list"], [limit])
    ]  # fmt: skip


def mark_dead(session: Session) -> None:
    """Note that migrations without an end are dead. Call it with the run lock held and a ledger there."""
    session.execute(_SQL["mark_dead"])


def begin(
    session: Session,
    migration_id: str,
    *,
    plan_hash: str,
    direction: Direction,
    source_name: str,
    fingerprint: str,
    statements: Sequence[str],
) -> None:
    """Note that a plan is being applied. Call it with the run lock held and the ledger open."""
    client = Client.here()
    session.execute(
        _SQL["begin"],
        [migration_id, plan_hash, direction, source_name, fingerprint, Jsonb(list(statements)),
         client.pid, client.host, client.user, __version__],
    )  # fmt: skip


def begin_again(session: Session, migration_id: str) -> None:
    """Note that this process goes on with a migration."""
    client = Client.here()
    session.execute(_SQL["again"], [client.pid, client.host, client.user, migration_id])


def note(session: Session, migration_id: str, number: int, state: Literal["started", "done"]) -> None:
    """Note a statement's state, in its transaction where it has one."""
    session.execute(_SQL["note"], [migration_id, number, state])


def finish(session: Session, migration_id: str, state: State, error: str | None = None) -> None:
    """Note how it ended."""
    session.execute(_SQL["finish"], [state, error, migration_id])


def enum_labels(session: Session, schema: str, enum: str) -> set[str]:
    """The labels that an enum has now."""
    return {label for (label,) in session.execute(_SQL["enum_labels"], [schema, enum])}


def index_is_valid(session: Session, schema: str, index: str) -> bool | None:
    """Whether an index is there and valid; None when it is not there."""
    found = session.execute(_SQL["index_state"], [schema, index])
    return bool(found[0][0]) if found else None


def drop_invalid_index(session: Session, schema: str, index: str) -> None:
    """Drop what a concurrent build left behind when it failed."""
    session.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, index)))


def bound_by(session: Session, *, lock_timeout_ms: int, statement_timeout_ms: int, local: bool) -> None:
    """Limit how long statements wait for locks and run, for the transaction (local) or the session.

    The server counts a statement's time from its beginning: the wait for a lock comes on top of what it may run, or
    it would never be told as what it is. 0 is no limit.
    """
    scope = sql.SQL("LOCAL ") if local else sql.SQL("")
    both = lock_timeout_ms + statement_timeout_ms if lock_timeout_ms and statement_timeout_ms else 0
    for name, value in (("lock_timeout", lock_timeout_ms), ("statement_timeout", both or statement_timeout_ms)):
        statement = sql.SQL("SET {}{} = {}").format(
            scope, sql.SQL(name), sql.Literal(f"{min(value, MOST_MILLISECONDS)}ms")
        )
        session.execute(statement)


def count(session: Session, question: str) -> int:
    """Ask a check of a plan, which gives one number."""
    ((number,),) = session.execute_text(question)
    return int(number)
