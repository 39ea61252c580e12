"""A database handle and its pinned sessions; the border where driver errors become ours."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, LiteralString

import psycopg
from psycopg import sql

from dbsync.errors import (
    AnswerDamaged,
    ConnectionFailed,
    ConnectionLost,
    DbsyncError,
    Refused,
    StatementCancelled,
    StatementFailed,
)
from dbsync.failpoints import failpoint
from dbsync.pg import peer
from dbsync.pg.dial import USER_TIMEOUT_MS, dial, route
from dbsync.pg.pinned import pin
from dbsync.pg.pooler import is_suspicious, pooler_behind, refuse_transaction_pooler, served_by
from dbsync.urls import DatabaseUrl

Query = LiteralString | sql.SQL | sql.Composed
Parameters = Sequence[Any] | Mapping[str, Any] | None
End = Literal["source", "target"]

OLDEST, NEWEST = 13, 18
_LONGEST_DETAIL = 1000
_LOOKUPS = ("42704", "42883", "42P01")  # the server cannot know that the search_path is empty on purpose
_HINTS = {
    "08": "the server or the network ended the connection; see the server's log",
    "22021": "the value is not valid in the encoding; see the database's encoding (psql -l)",
    "25006": "the database or the session is read-only: a standby, or a source, which is never written to",
    "40001": "another transaction changed the same rows; try again",
    "40P01": "another session locks the same tables in another order; try again",
    "42501": "grant the role what it lacks, or use another role",
    "42704": "names are looked up in pg_catalog only; write schema.name",
    "42883": "functions are looked up in pg_catalog only; write schema.function, and check the argument types",
    "42P01": "tables are looked up in pg_catalog only; write schema.table",
    "53100": "the server's disk is full: free space there, then run again",
    "53200": "the server is out of memory",
    "53300": "the server has no connection left: close other clients or use fewer --jobs",
    "55P03": "another session holds a lock on it; pg_locks shows which (pg_blocking_pids)",
    "57014": "a statement timeout, or somebody cancelled it",
    "57P": "the server is restarting, or somebody ended the session",
}

_OS_HINTS = {errno.EMFILE: "raise the limit of open files (ulimit -n), or use fewer --jobs"}


class Session:
    """One connection in autocommit mode with every setting that matters pinned and read back."""

    reads_ahead = False  # see copy_mode.widen

    def __init__(
        self,
        connection: psycopg.Connection[tuple[Any, ...]],
        url: DatabaseUrl,
        *,
        backend_pid: int | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self._connection = connection
        # Kept: a connection that broke no longer tells.
        self._backend_pid = backend_pid or connection.info.backend_pid
        self.url = url
        self.warnings = warnings
        self.notices: list[str] = []
        connection.add_notice_handler(lambda diagnostic: self.notices.append(diagnostic.message_primary or ""))

    @property
    def raw(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The driver's connection, for ``dbsync.pg`` only."""
        return self._connection

    @property
    def backend_pid(self) -> int:
        """The server process of this session; behind a pooler the driver knows another number."""
        return self._backend_pid

    @property
    def server_version_num(self) -> int:
        """The server's version, as 170010."""
        return self._connection.info.server_version

    @property
    def is_local(self) -> bool:
        """Whether the server is reached by a socket or a loopback address, so that it shares this machine's cores."""
        address = self._connection.info.hostaddr
        return not address or ipaddress.ip_address(address).is_loopback

    @property
    def usable(self) -> bool:
        """Whether the session can run a statement now: connected, idle, and its transaction (if any) not failed."""
        return not self._connection.closed and self._connection.info.transaction_status in (
            psycopg.pq.TransactionStatus.IDLE,
            psycopg.pq.TransactionStatus.INTRANS,
        )

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as is known here."""
        return not self._connection.closed

    @property
    def at_rest(self) -> bool:
        """Whether the session is connected and in no transaction."""
        return not self._connection.closed and (
            self._connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
        )

    def execute(self, query: Query, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows ([] where it has none); raise StatementFailed."""
        with translated(self), legible(self.url.name):
            cursor = self._connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description is not None else []

    def each(self, query: Query, parameters: Parameters = None) -> Iterator[tuple[Any, ...]]:
        """Like ``execute``, where rows are large: each becomes Python objects when its turn comes, not all at once."""
        with translated(self), legible(self.url.name):
            yield from self._connection.execute(query, parameters)

    def execute_text(self, statement: str) -> list[tuple[Any, ...]]:
        """Run the text of one statement of a plan as it stands; raise StatementFailed."""
        return self.execute(sql.SQL(statement))

    def execute_single(self, query: Query, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Like ``execute``, by the extended protocol: a second statement in the text is an error."""
        with translated(self), legible(self.url.name):
            cursor = self._connection.execute(query, parameters, prepare=True)
            return cursor.fetchall() if cursor.description is not None else []

    def affected(self, query: Query, parameters: Parameters = None) -> int:
        """Run one statement and return how many rows it touched."""
        with translated(self):
            return self._connection.execute(query, parameters).rowcount

    def one(self, query: Query, parameters: Parameters = None) -> tuple[Any, ...]:
        """Run a query that gives exactly one row."""
        (row,) = self.execute(query, parameters)
        return row

    def stream(self, query: Query, parameters: Parameters = None, *, size: int = 1000) -> Iterator[tuple[Any, ...]]:
        """Yield a query's rows, fetching ``size`` at a time through a cursor in a transaction of its own."""
        with translated(self), self._connection.transaction(), self._connection.cursor("dbsync_stream") as cursor:
            cursor.itersize = size
            cursor.execute(query, parameters)
            yield from cursor

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block, roll back on any exception."""
        with translated(self), self._connection.transaction():
            yield

    @contextmanager
    def watched_peer(self) -> Iterator[None]:
        """While streaming to the server: let ``peer_is_dead``, not a timer, decide when it is dead."""
        peer.watch(self._connection.fileno())
        try:
            yield
        finally:
            if not self._connection.closed:
                peer.unwatch(self._connection.fileno(), USER_TIMEOUT_MS)

    def peer_is_dead(self) -> bool:
        """Whether the server has stopped answering the network; a server that is only slow has not."""
        return self._connection.closed or peer.silence(self._connection.fileno()).is_death

    def cancel(self) -> None:
        """Ask the server to cancel what this session runs; callable from another thread."""
        with translated(self):
            self._connection.cancel_safe(timeout=3)

    def abort(self) -> None:
        """Cut the connection under whoever waits on it; callable from another thread. The server rolls back."""
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self._connection.fileno())) as peer_socket:
            peer_socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the session; what is not committed is rolled back."""
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Database:
    """How to open sessions on one database, with a role in the run: source (read-only) or target."""

    url: DatabaseUrl
    read_only: bool = False
    end: End | None = None  # where there are two, so that a failure to connect says at which

    def at(self, end: End) -> Database:
        """The same database as one of two ends."""
        return replace(self, end=end)

    def connect(
        self,
        *,
        application_name: str = "dbsync",
        settings: Mapping[str, str] | None = None,
        check: Callable[[], None] | None = None,
    ) -> Session:
        """Open a session pinned to known settings and to ``settings``.

        Raises ConnectionFailed with the phase that failed, Refused for a server that is too old and
        for a pooler that gives each transaction another backend.
        """
        try:
            return self._connect(application_name, settings or {}, check)
        except ConnectionFailed as error:
            if self.end is not None:
                error.locate(self.end)
            raise

    def _connect(self, application_name: str, settings: Mapping[str, str], check: Callable[[], None] | None) -> Session:
        failpoint("before_connect")
        way = route(self.url, check)
        connection = dial(self.url, application_name=application_name, way=way, check=check)
        session = Session(connection, self.url)
        try:
            failpoint("after_connect")
            session.warnings = (*way.warnings, *_check_version(session))
            with translated(session):
                return self._pinned(session, settings)
        except BaseException:
            connection.close()
            raise

    def _pinned(self, session: Session, settings: Mapping[str, str]) -> Session:
        connection, pid = session.raw, session.backend_pid
        if not is_suspicious(self.url) and pin(
            connection, read_only=self.read_only, settings=settings, backend_pid=pid
        ):
            return session
        if pooler_behind(connection, self.url) == "transaction":
            raise refuse_transaction_pooler(self.url)
        pid = served_by(connection)
        if not pin(connection, read_only=self.read_only, settings=settings, backend_pid=pid):
            raise refuse_transaction_pooler(self.url)
        return Session(connection, self.url, backend_pid=pid, warnings=session.warnings)


@contextmanager
def legible(sender: str) -> Iterator[None]:
    """Read what a server sent: an answer that is no answer to the question is AnswerDamaged, not our fault.

    TCP's checksum lets one damaged packet in some ten thousand through, and only TLS notices it.
    """
    try:
        yield
    except (ValueError, OverflowError, struct.error) as error:
        raise AnswerDamaged(f"what {sender} sent cannot be read") from error


@contextmanager
def translated(session: Session) -> Iterator[None]:
    """Turn driver errors into ours: the server's sentence, its SQLSTATE, the object, and what to do."""
    try:
        yield
    except DbsyncError:
        raise
    except psycopg.errors.QueryCanceled as error:
        raise StatementCancelled(
            error.diag.message_primary or "the statement was cancelled", sqlstate="57014", hint=_HINTS["57014"]
        ) from error
    except psycopg.Error as error:
        if session.raw.closed or session.raw.broken:
            reason = f": {error.diag.message_primary}" if error.diag.message_primary else ""
            raise ConnectionLost(
                f"the connection to {session.url.name} was lost{reason}",
                sqlstate=error.sqlstate,
                hint=_hint(error) or _HINTS["08"],
            ) from error
        raise StatementFailed(
            error.diag.message_primary or _first_line(error),
            sqlstate=error.sqlstate,
            hint=_hint(error),
            details=_details(error),
        ) from error
    except OSError as error:  # the driver waits by the selectors module, which needs a descriptor
        raise StatementFailed(
            f"{session.url.name} cannot be waited for: {error.strerror or error}", hint=_OS_HINTS.get(error.errno or 0)
        ) from error


def _hint(error: psycopg.Error) -> str | None:
    state = error.sqlstate or ""
    server_hint = error.diag.message_hint if state not in _LOOKUPS else None
    return server_hint or _HINTS.get(state) or _HINTS.get(state[:3]) or _HINTS.get(state[:2])


def _details(error: psycopg.Error) -> dict[str, str]:
    found = {
        "detail": error.diag.message_detail,
        "context": error.diag.context,
        "schema": error.diag.schema_name,
        "table": error.diag.table_name,
        "column": error.diag.column_name,
        "constraint": error.diag.constraint_name,
        "datatype": error.diag.datatype_name,
        "position": error.diag.statement_position,
    }
    return {name: value[:_LONGEST_DETAIL] for name, value in found.items() if value}


def _first_line(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _check_version(session: Session) -> tuple[str, ...]:
    major = session.server_version_num // 10000
    if major < OLDEST:
        raise Refused(
            f"{session.url.name} runs Postgres {major}; the oldest supported is {OLDEST}",
            code="SERVER_TOO_OLD",
            hint="upgrade the server",
            details={"server_version_num": session.server_version_num},
        )
    if major > NEWEST:
        return (f"{session.url.name} runs Postgres {major}; dbsync was tested up to {NEWEST}",)
    return ()
