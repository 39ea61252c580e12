"""What a run needs of its databases besides rows: the run lock, drift stamps, its own schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from dbsync.errors import ConfigError, ConnectionLost, Fenced, StatementFailed
from dbsync.failpoints import failpoint
from dbsync.model import Catalog, ForeignKey, TableName
from dbsync.pg import statements
from dbsync.pg.database import Session
from dbsync.pg.reflect import one_snapshot, reflect
from dbsync.pg.sql import load
from dbsync.pg.statements import relation

OWN_SCHEMA = "dbsync"
_DEPENDENT_OBJECTS = "2BP01"
_RELATIONS = load("sync")["relations"]
_SHAPES = f"{_RELATIONS}\n{load('sync')['shapes']}"
STAMPS = f"{_RELATIONS}\n{load('sync')['stamps']}"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the run lock of a target."""

    pid: int
    application: str
    user: str
    address: str
    since: str

    def __str__(self) -> str:
        who = self.application or "a session"
        return f"{who} (backend {self.pid}, user {self.user}, from {self.address}, since {self.since})"


def try_run_lock(session: Session) -> bool:
    """Take the target's run lock for the life of the session; False when another run has it."""
    failpoint("before_run_lock")
    (taken,) = session.one(load("sync")["try_run_lock"])
    return bool(taken)


def run_lock_holder(session: Session) -> Holder | None:
    """Return who holds the run lock, or None when nobody does (any more)."""
    rows = session.execute(load("sync")["run_lock_holder"])
    return Holder(*rows[0]) if rows else None


def release_run_lock(session: Session) -> None:
    """Give the run lock back."""
    session.execute(load("sync")["release_run_lock"])


def end_session(session: Session, pid: int) -> None:
    """End another session; nothing happens when it has ended by itself."""
    session.execute(load("sync")["end_session"], [pid])


def check_run_lock(session: Session, pid: int) -> None:
    """Make sure that the run lock is still held by the session of that process.

    Raises Fenced when another run has it, ConnectionLost when nobody has.
    """
    holders = [holder for (holder,) in session.execute(load("sync")["run_lock_pid"])]
    if pid in holders:
        return
    if holders:
        raise Fenced("another run holds the target now: this one may write no more, and its transaction is undone")
    raise ConnectionLost("the session that held the target's run lock was lost", hint="run the command again")


def own_number(session: Session) -> int:
    """The number of the transaction that is open, by which another session can ask what became of it."""
    (number,) = session.one(load("sync")["own_number"])
    return int(number)


def fate(session: Session, number: int) -> str | None:
    """What became of a transaction: committed, aborted or (still) in progress; None when that was long ago."""
    (found,) = session.one(load("sync")["fate"], [number])
    return None if found is None else str(found)


def changed(
    session: Session, oids: Mapping[TableName, int], then: Mapping[int, str], *, again: bool = False
) -> list[TableName]:
    """Which tables are not any more what they were when ``then``, their stamps, were read; ``again``: as for stamps."""
    now = stamps(session, list(oids.values()), again=again)
    return [table for table, oid in oids.items() if now.get(oid) != then.get(oid)]


def names(session: Session, tables: Iterable[TableName], *, values: bool = True) -> frozenset[str]:
    """What the tables' names rest on, and enum ``values``: a later look that misses any of it looks at others."""
    rows = session.execute(load("sync")["names"], [sorted({table.schema for table in tables}), values])
    return frozenset(text for (text,) in rows)


def misnamed(session: Session, oids: Mapping[TableName, int]) -> list[TableName]:
    """Which names lead to other tables than these now, whatever snapshot the session has."""
    found = session.execute(load("sync")["named"], [[_quoted(table) for table in oids]])
    return [table for (table, oid), (now,) in zip(oids.items(), found, strict=True) if now != oid]


def _quoted(table: TableName) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in (table.schema, table.name))


def stamps(session: Session, oids: Sequence[int], *, again: bool = False) -> Mapping[int, str]:
    """Return a text per relation that changes when its columns, constraints, triggers or indexes do.

    ``again``: the session will be asked once more, so it is worth preparing: planning takes longer than answering.
    """
    ask = session.execute_single if again else session.execute
    return dict(ask(STAMPS, [list(oids)]))


def replaced(session: Session, oids: Mapping[TableName, int], then: Mapping[int, str]) -> list[TableName]:
    """Whose names lead to other rows or columns than when ``then``, the tables' stamps, were read; needs no lock."""
    shapes = dict(session.execute(_SHAPES, [list(oids.values())]))
    return [table for table, oid in oids.items() if oid not in shapes or not then.get(oid, "").startswith(shapes[oid])]


def files(session: Session, oids: Iterable[int]) -> Mapping[int, int | None]:
    """Return the number of each relation's file, which changes when the relation is written anew; None without one."""
    return dict(session.execute(load("sync")["files"], [list(oids)]))


def reflect_stamped(session: Session) -> tuple[Catalog, Mapping[int, str]]:
    """Reflect a database and stamp its tables in one snapshot, the session's own if it has one."""
    with one_snapshot(session):
        failpoint("before_reflect")
        catalog = reflect(session, inspector=False)
        oids = [table.oid for table in catalog.of_kind("table", "partitioned")]
        return catalog, stamps(session, oids)


def blockers(session: Session, oids: Sequence[int]) -> list[str]:
    """Name up to three sessions that hold locks on the relations."""
    rows = session.execute(load("sync")["blockers"], [list(oids)])
    return [f"backend {pid} ({application or user}, {state})" for pid, application, user, state in rows]


def hold_no_bytes(session: Session, oids: Iterable[int]) -> bool:
    """Whether relations that are known to be empty are as TRUNCATE would leave them; call it under their locks."""
    (nothing,) = session.one(load("sync")["hold_no_bytes"], [list(oids)])
    return bool(nothing)


def trigger_states(session: Session, oids: Sequence[int]) -> Mapping[tuple[TableName, str], str]:
    """Return the state of each user trigger: enabled, disabled, replica or always."""
    if not oids:
        return {}
    words = {"O": "enabled", "D": "disabled", "R": "replica", "A": "always"}
    rows = session.execute(load("sync")["trigger_states"], [list(oids)])
    return {(TableName(schema, table), name): words[state] for schema, table, name, state in rows}


def take_forms(session: Session, table: TableName, columns: Sequence[str], *, of: int) -> None:
    """Let a table that was made from another's columns store values as that one does.

    CREATE TABLE AS takes neither STORAGE nor COMPRESSION, and a value that INSERT moves on stays as it was compressed.
    """
    if forms := session.execute(load("sync")["forms"], [of, list(columns)]):
        session.execute(statements.set_forms(table, forms))


def partition_keys(session: Session, keys: Sequence[tuple[int, ForeignKey]]) -> list[list[ForeignKey]]:
    """For each foreign key (with its table's oid): the key as partitions have it, deepest first; [] without any."""
    if not keys:
        return []
    found: list[list[ForeignKey]] = [[] for _ in keys]
    oids, names = [oid for oid, _ in keys], [key.name for _, key in keys]
    for number, schema, table, name, definition, comment in session.execute(
        load("sync")["partition_keys"], (oids, names)
    ):
        _, key = keys[number - 1]
        part = replace(key, table=TableName(schema, table), name=name, definition=definition, comment=comment)
        found[number - 1].append(part)
    return found


def own_relation(session: Session) -> str | None:
    """Name a relation that somebody made in the database, if there is one."""
    found = session.execute(load("sync")["own_relation"])
    return str(found[0][0]) if found else None


def hidden_from_owner(session: Session) -> list[TableName]:
    """Return the tables whose policies hold for the role although it may own them."""
    return [TableName(schema, name) for schema, name in session.execute(load("sync")["hidden_from_owner"])]


def reserved_tables(session: Session) -> list[TableName]:
    """Return the tables that somebody keeps in the schema that is dbsync's own."""
    return [TableName(OWN_SCHEMA, name) for (name,) in session.execute(load("sync")["reserved_tables"])]


def dead_staging(session: Session) -> list[TableName]:
    """Return the staging tables that are there; without a run that is alive, dead ones left them."""
    return [TableName(OWN_SCHEMA, name) for (name,) in session.execute(load("sync")["staging_tables"])]


def drop_dead_staging(session: Session) -> int:
    """Drop the staging tables that dead runs left; return how many. Call it with the run lock held."""
    found = dead_staging(session)
    failpoint("before_cleanup")
    for table in found:
        session.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(table.schema, table.name)))
    return len(found)


def may_stage(session: Session) -> bool:
    """Whether the role may make staging tables."""
    (allowed,) = session.one(load("sync")["may_stage"])
    return bool(allowed)


def create_own_schema(session: Session) -> None:
    """Make dbsync's schema, marked as ours, unless there is one of that name; only its owner may use it."""
    if not session.execute(load("sync")["own_schema"]):
        session.execute(load("sync")["create_own_schema"])


def drop_own_schema(session: Session) -> None:
    """Drop dbsync's schema when a run made it and nothing is left in it."""
    if not own_schema_is_ours(session):
        return
    failpoint("before_schema_dropped")
    try:
        session.execute("DROP SCHEMA dbsync")
    except StatementFailed as error:
        if error.sqlstate != _DEPENDENT_OBJECTS:
            raise


def own_schema_is_ours(session: Session) -> bool:
    """Whether a run made dbsync's schema for its own time; one that holds a ledger is meant to stay."""
    return session.execute(load("sync")["own_schema"]) == [(True,)]


def event_triggers(session: Session) -> list[str]:
    """Return the event triggers that fire when a run alters tables."""
    return [name for (name,) in session.execute(load("sync")["event_triggers"])]


def check_expression(session: Session, table: TableName, expression: str, *, only: bool) -> None:
    """Raise ConfigError unless ``expression`` is one boolean expression over the table, sent as one statement."""
    query = sql.SQL("SELECT FROM {} WHERE ({}\n) LIMIT 0").format(
        relation(table, only=only),
        sql.SQL(expression),  # the user's own SQL, on a read-only session
    )
    try:
        session.execute_single(query)
    except StatementFailed as error:
        raise ConfigError(
            f"--where for {table} is not a valid condition: {error.message}", sqlstate=error.sqlstate, code="BAD_WHERE"
        ) from None


def wait_for_run_lock(session: Session, pause: Callable[[float], None]) -> None:
    """Wait until the run lock is ours; ``pause`` sleeps and may raise to give up."""
    while not try_run_lock(session):
        pause(0.5)
