"""Find out whether a pooler stands before the server, and whether it hands each statement to another backend.

A pooler makes up the backend pid of its greeting, so a mismatch with ``pg_backend_pid()`` gives it away
for free. Only then two idle clients are compared: in session mode each keeps a backend of its own.
Nothing is set while this is unknown: settings made through a transaction-mode pooler would stay behind in
backends that other clients use.
"""

from __future__ import annotations

import select
import threading
import time
from contextlib import closing
from typing import Any, Literal

import psycopg
from psycopg import pq

from dbsync.errors import ConnectionFailed, Refused
from dbsync.pg.dial import dial
from dbsync.urls import DatabaseUrl

PoolerMode = Literal["session", "transaction"]
Connection = psycopg.Connection[tuple[Any, ...]]

_PID = b"SELECT pg_catalog.pg_backend_pid()"
# Whatever order a pool hands out its backends in: last used first shows one pid to both clients, round
# robin changes the pid of two statements in a row, and random choice does either soon.
_TURNS = "ABAABBABBA"
_PATIENCE_S = 5.0
_SUPABASE_TRANSACTION_PORT = 6543
_known: dict[tuple[object, ...], PoolerMode | None] = {}
_known_lock = threading.Lock()


def is_suspicious(url: DatabaseUrl) -> bool:
    """Whether the address alone speaks for a pooler in transaction mode: Supabase's port."""
    return url.port == _SUPABASE_TRANSACTION_PORT


def detect_pooler(url: DatabaseUrl) -> PoolerMode | None:
    """Connect and tell the pooler's mode; None when there is no pooler. One connection, two if there is one."""
    with closing(dial(url, application_name="dbsync pooler check")) as connection:
        try:
            if not is_suspicious(url) and _backend_pid(connection) == connection.info.backend_pid:
                return None
            return pooler_behind(connection, url)
        except psycopg.Error:
            raise ConnectionFailed(f"{url.name} ended the connection", phase="database", hint="try again") from None


def pooler_behind(connection: Connection, url: DatabaseUrl) -> PoolerMode | None:
    """Tell the mode of the pooler behind an open, suspicious connection; remembered for the process."""
    key = (url.host, url.port, url.dbname, url.user)
    with _known_lock:
        if key not in _known:
            with closing(dial(url, application_name="dbsync pooler check")) as other:
                mode = _compare(connection, other)
            direct = mode == "session" and _backend_pid(connection) == connection.info.backend_pid
            _known[key] = None if direct else mode
        return _known[key]


def served_by(connection: Connection) -> int:
    """Return the pid of the backend that answers now; 0 when none does in time."""
    return _backend_pid(connection) or 0


def refuse_transaction_pooler(url: DatabaseUrl) -> Refused:
    """Return the error for a command that needs a session of its own."""
    supabase = url.port == _SUPABASE_TRANSACTION_PORT
    return Refused(
        f"{url.name} is behind a pooler in transaction mode, which breaks snapshots, locks and settings",
        code="POOLER",
        hint="use port 5432 (session mode) in place of 6543"
        if supabase
        else "connect to the database itself, or to a session-mode port of the pooler",
        details={"pooler": "transaction"},
    )


def _compare(first: Connection, second: Connection) -> PoolerMode:
    """Let two clients take turns: each keeps its own backend in session mode, and only there."""
    seen: dict[str, set[int]] = {"A": set(), "B": set()}
    for turn in _TURNS:
        pid = _backend_pid(first if turn == "A" else second)
        if pid is None:
            # A pool of one backend: in session mode the first client has it and still gets answers.
            return "session" if turn == "B" and _backend_pid(first) in seen["A"] else "transaction"
        seen[turn].add(pid)
    return "session" if len(seen["A"]) == len(seen["B"]) == 1 and seen["A"] != seen["B"] else "transaction"


def _backend_pid(connection: Connection) -> int | None:
    """Ask which backend answers now; None when none does in time."""
    pgconn = connection.pgconn
    deadline = time.monotonic() + _PATIENCE_S
    pgconn.send_query(_PID)
    while pgconn.flush() == 1 or pgconn.is_busy():
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pgconn.socket], [], [], left)[0]:
            return None
        pgconn.consume_input()
    result = pgconn.get_result()
    while pgconn.get_result() is not None:
        pass
    value = result.get_value(0, 0) if result is not None and result.status == pq.ExecStatus.TUPLES_OK else None
    return int(value) if value is not None else None
