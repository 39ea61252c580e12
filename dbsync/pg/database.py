"""A database handle and its pinned sessions; the border where driver errors become ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from dbsync.errors import ConnectionFailed, ConnectionLost, DbsyncError, StatementCancelled, StatementFailed
from dbsync.urls import DatabaseUrl

Query = LiteralString | sql.SQL | sql.Composed
Parameters = Sequence[Any] | Mapping[str, Any] | None

_PINNED = {
    "search_path": "",
    "row_security": "off",
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


class Session:
    """One connection in autocommit mode with every setting that matters pinned and read back."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], url: DatabaseUrl) -> None:
        self._connection = connection
        self.url = url
        self.notices: list[str] = []
        connection.add_notice_handler(lambda diagnostic: self.notices.append(diagnostic.message_primary or ""))

    @property
    def raw(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The driver's connection, for ``dbsync.pg`` only."""
        return self._connection

    @property
    def backend_pid(self) -> int:
        return self._connection.info.backend_pid

    @property
    def server_version_num(self) -> int:
        return self._connection.info.server_version

    def execute(self, query: Query, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows ([] where it has none); raise StatementFailed."""
        with translated(self):
            cursor = self._connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description is not None else []

    def execute_single(self, query: Query, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Like ``execute``, by the extended protocol: a second statement in the text is an error."""
        with translated(self):
            cursor = self._connection.execute(query, parameters, prepare=True)
            return cursor.fetchall() if cursor.description is not None else []

    @property
    def usable(self) -> bool:
        """Whether the session can run a statement now: connected, idle, and its transaction (if any) not failed."""
        return not self._connection.closed and self._connection.info.transaction_status in (
            psycopg.pq.TransactionStatus.IDLE,
            psycopg.pq.TransactionStatus.INTRANS,
        )

    def one(self, query: Query, parameters: Parameters = None) -> tuple[Any, ...]:
        """Run a query that gives exactly one row."""
        (row,) = self.execute(query, parameters)
        return row

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block, roll back on any exception."""
        with translated(self), self._connection.transaction():
            yield

    def cancel(self) -> None:
        """Ask the server to cancel what this session runs; callable from another thread."""
        self._connection.cancel_safe(timeout=3)

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Database:
    """How to open sessions on one database, with a role in the run: source (read-only) or target."""

    url: DatabaseUrl
    read_only: bool = False

    def connect(self, *, application_name: str = "dbsync") -> Session:
        """Open a pinned session; raise ConnectionFailed with the phase that failed."""
        parameters = self.url.parameters() | {"application_name": application_name}
        try:
            connection = psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
        except psycopg.Error as error:
            raise ConnectionFailed(f"cannot connect to {self.url.name}", sqlstate=error.sqlstate) from None
        session = Session(connection, self.url)
        settings = _PINNED | {"default_transaction_read_only": "on" if self.read_only else "off"}
        for name, value in settings.items():
            session.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
        return session


@contextmanager
def translated(session: Session) -> Iterator[None]:
    """Turn driver errors into ours."""
    try:
        yield
    except DbsyncError:
        raise
    except psycopg.errors.QueryCanceled as error:
        raise StatementCancelled(error.diag.message_primary or "cancelled", sqlstate=error.sqlstate) from error
    except psycopg.Error as error:
        if session.raw.closed or session.raw.broken:
            raise ConnectionLost(f"the connection to {session.url.name} was lost", sqlstate=error.sqlstate) from error
        raise StatementFailed(
            error.diag.message_primary or type(error).__name__,
            sqlstate=error.sqlstate,
            hint=error.diag.message_hint,
        ) from error
