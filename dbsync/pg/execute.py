"""Runs one statement the user wrote: by the extended protocol, so that it is one; values as server text.

The statement goes to the server exactly as it is written. Rows are kept up to a limit of rows and of
bytes; beyond it a read is cancelled, a write runs on and only its rows are dropped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import generators, pq

from dbsync.errors import StatementCancelled, StatementFailed
from dbsync.pg.database import Session, translated
from dbsync.pg.sql import load
from dbsync.quantities import server_limit

_SQL = load("execute")
_COPYING = (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH)
_ROWS = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.SINGLE_TUPLE)
_MOST_NOTICES = 100
# What every session has pinned, but a user's writes must have as psql would: what a text means as a value, which rows
# are seen, when a statement gives up. What only shows values (bytea_output, ...) and what keeps dbsync safe stays.
_OF_ROLE = [
    "TimeZone", "DateStyle", "IntervalStyle", "lc_monetary", "xmloption", "array_nulls", "transform_null_equals",
    "row_security", "lock_timeout", "statement_timeout", "transaction_timeout", "default_transaction_isolation",
    "default_transaction_deferrable",
]  # fmt: skip


@dataclass(slots=True)
class Budget:
    """How much may still be kept: rows of each statement, bytes of all together."""

    rows: int | None
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the server answered to one statement."""

    tag: str  # "SELECT 3"
    columns: tuple[tuple[str, str], ...] = ()  # name, type
    rows: tuple[tuple[str | None, ...], ...] = ()
    truncated: bool = False
    too_large: bool = False  # truncated by the bytes that may be kept, not by the number of rows
    elapsed_s: float
    notices: tuple[str, ...] = ()

    @property
    def row_count(self) -> int:
        """Rows returned or affected, as the server's tag says; of a cancelled read those that are kept."""
        last = self.tag.rpartition(" ")[2]
        return int(last) if last.isdigit() else len(self.rows)


def begin_read(session: Session) -> None:
    """Begin a read-only transaction that no statement can turn into another."""
    session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    # After a first query the server refuses SET TRANSACTION READ WRITE.
    session.execute("SELECT 1")


def use_names_of_role(session: Session) -> None:
    """Look names up as the role's and the database's own search_path says."""
    session.execute("RESET search_path")


def use_settings_of_role(session: Session) -> str:
    """Let statements mean what they mean in the role's own sessions; return the DateStyle that dates are printed in."""
    session.execute(_SQL["settings_of_role"], [_OF_ROLE])
    (style,) = session.one("SELECT pg_catalog.current_setting('DateStyle')")
    return str(style)


def limit_statements(session: Session, seconds: float | None) -> None:
    """Let the server cancel a statement that takes longer."""
    if seconds is not None:
        session.execute("SELECT pg_catalog.set_config('statement_timeout', %s, false)", (f"{server_limit(seconds)}ms",))


def run_read(session: Session, statement: str, budget: Budget) -> Outcome:
    """Run a statement of a read; a longer answer than the budget allows is cancelled."""
    session.execute("SAVEPOINT dbsync_read")
    outcome = _run(session, statement, budget, cancel=True)
    session.execute("ROLLBACK TO SAVEPOINT dbsync_read")
    return outcome


def run_write(session: Session, statement: str, budget: Budget) -> Outcome:
    """Run a statement of a write to its end."""
    return _run(session, statement, budget, cancel=False)


def commit(session: Session) -> None:
    """Commit; raise when the server rolled back instead."""
    if (outcome := _run(session, "COMMIT", Budget(0, 0), cancel=False)).tag != "COMMIT":
        raise StatementFailed(f"the server answered COMMIT with {outcome.tag}", code="NOT_COMMITTED")


def check_constraints(session: Session) -> None:
    """Run what waits for COMMIT, deferred constraints and constraint triggers; raise StatementFailed."""
    session.execute("SET CONSTRAINTS ALL IMMEDIATE")


def in_transaction(session: Session) -> bool:
    """Whether a transaction is open, failed or not."""
    return session.raw.info.transaction_status != pq.TransactionStatus.IDLE


def _run(session: Session, statement: str, budget: Budget, *, cancel: bool) -> Outcome:
    started = time.monotonic()
    session.notices.clear()
    collected = _Collected(budget)
    with translated(session):
        for result in _results(session, statement):
            if result.status in _COPYING:
                raise StatementFailed("COPY from or to the client is not possible here", code="COPY_STREAM")
            collected.take(result)
            if cancel and collected.full and not collected.stopped:
                collected.stopped = True
                session.cancel()
        # Only now: a server that ends the session says so first, and the end of the stream comes after.
        if collected.error is not None:
            raise collected.error
    if collected.stopped and not collected.was_cancelled:
        _absorb_cancel(session)
    return Outcome(
        tag=collected.tag,
        columns=_columns(session, collected),
        rows=tuple(collected.rows),
        truncated=collected.full,
        too_large=collected.too_large,
        elapsed_s=time.monotonic() - started,
        notices=tuple(session.notices[:_MOST_NOTICES]),
    )


def _results(session: Session, statement: str) -> Iterator[pq.abc.PGresult]:
    """Yield the statement's results, one for each row."""
    connection, pgconn = session.raw, session.raw.pgconn
    pgconn.send_query_params(statement.encode(), None)
    pgconn.set_single_row_mode()
    connection.wait(generators.send(pgconn))
    while (result := connection.wait(generators.fetch(pgconn))) is not None:
        yield result
        if result.status in _COPYING:
            return


class _Collected:
    """The rows kept so far."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.fields: list[tuple[str, int, int]] = []
        self.rows: list[tuple[str | None, ...]] = []
        self.tag = ""
        self.full = False
        self.too_large = False
        self.stopped = False
        self.was_cancelled = False
        self.error: psycopg.Error | None = None

    def take(self, result: pq.abc.PGresult) -> None:
        """Keep what a result holds."""
        if result.status == pq.ExecStatus.FATAL_ERROR:
            error = psycopg.errors.error_from_result(result, "utf-8")
            self.was_cancelled = self.stopped and isinstance(error, psycopg.errors.QueryCanceled)
            self.error = None if self.was_cancelled else error
            return
        if result.status in _ROWS and not self.fields:
            self.fields = [
                (_readable(result.fname(i) or b""), result.ftype(i), result.fmod(i)) for i in range(result.nfields)
            ]
        for row in range(result.ntuples):
            self._keep(result, row)
        self.tag = _readable(result.command_status or b"") or self.tag

    def _keep(self, result: pq.abc.PGresult, row: int) -> None:
        if self.full or (self._budget.rows is not None and len(self.rows) >= self._budget.rows):
            self.full = True
            return
        values = [result.get_value(row, column) for column in range(result.nfields)]
        size = sum(len(value) for value in values if value is not None)
        if size > self._budget.bytes:
            self.full = self.too_large = True
            return
        self._budget.bytes -= size
        self.rows.append(tuple(None if value is None else _readable(bytes(value)) for value in values))


def _readable(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")  # a statement may have set another client_encoding


def _absorb_cancel(session: Session) -> None:
    """The answer ended before the cancel came: let that hit a statement that does not matter."""
    session.execute("SAVEPOINT dbsync_cancel")
    try:
        session.execute("SELECT pg_catalog.pg_sleep(0.1)")
    except StatementCancelled:
        session.execute("ROLLBACK TO SAVEPOINT dbsync_cancel")


def _columns(session: Session, collected: _Collected) -> tuple[tuple[str, str], ...]:
    if not collected.fields:
        return ()
    if collected.was_cancelled:
        session.execute("ROLLBACK TO SAVEPOINT dbsync_read")
    _, oids, modifiers = zip(*collected.fields, strict=True)
    types = session.execute(_SQL["type_names"], [list(oids), list(modifiers)])
    return tuple((name, text) for (name, _, _), (text,) in zip(collected.fields, types, strict=True))
