"""Find out whether a pooler stands before the server, and whether it hands each statement to another backend.

A pooler makes up the backend pid of its greeting, so a mismatch with ``pg_backend_pid()`` gives it away
for free. Only then two idle clients are compared: in session mode each keeps a backend of its own. Where they
do, the first must also be shown to be bound to its backend: behind a balancer the two may be at two poolers.
Nothing is set while this is unknown: settings made through a transaction-mode pooler would stay behind in
backends that other clients use.
"""

from __future__ import annotations

import secrets
import select
import threading
import time
from contextlib import ExitStack, closing, suppress
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
_MANY = 6
_TRIES = 5
_CHECK = "dbsync pooler check"
_SUPABASE_TRANSACTION_PORT = 6543
_known: dict[tuple[object, ...], PoolerMode | None] = {}
_known_lock = threading.Lock()


def is_suspicious(url: DatabaseUrl) -> bool:
    """Whether the address alone speaks for a pooler in transaction mode: Supabase's port."""
    return url.port == _SUPABASE_TRANSACTION_PORT


def detect_pooler(url: DatabaseUrl) -> PoolerMode | None:
    """Connect and tell the pooler's mode; None when there is no pooler. One connection, more if there is one."""
    with closing(dial(url, application_name=_CHECK)) as connection:
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
            _known[key] = _judge(connection, url)
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


def _judge(connection: Connection, url: DatabaseUrl) -> PoolerMode | None:
    """Tell the mode. "session" takes more than that nothing speaks against it: it must be shown."""
    with closing(dial(url, application_name=_CHECK)) as other:
        apart = _take_turns(connection, other)
        if apart is False:
            return "transaction"
        if _backend_pid(connection) == connection.info.backend_pid:
            return None
        bound = _hears(connection, other) if apart else None
    if bound is None:
        bound = _holds_against_many(connection, url)
    return "session" if bound else "transaction"


def _take_turns(first: Connection, other: Connection) -> bool | None:
    """Whether each of two clients keeps a backend of its own; None where the other gets none as long as this has one.

    That they do proves nothing yet: behind a balancer they may be at two poolers, each alone in a quiet pool.
    """
    seen: dict[str, set[int]] = {"A": set(), "B": set()}
    for turn in _TURNS:
        pid = _backend_pid(first if turn == "A" else other)
        if pid is None:
            # A pool of one backend: in session mode the first client has it and still gets answers.
            return None if turn == "B" and _backend_pid(first) in seen["A"] else False
        seen[turn].add(pid)
    return len(seen["A"]) == len(seen["B"]) == 1 and seen["A"] != seen["B"]


def _hears(first: Connection, other: Connection) -> bool | None:
    """Whether a notification reaches a client that asks nothing: only one whose backend is its own gets it.

    In transaction mode it comes to a backend that is nobody's at that moment, wherever the other client's went.
    None where the server takes no LISTEN or NOTIFY: a standby.
    """
    channel = b"dbsync_" + secrets.token_hex(8).encode()
    listening = _backend_pid(first, b"LISTEN " + channel + b"; ")
    if listening is None:
        return None if first.info.transaction_status == pq.TransactionStatus.IDLE else False
    try:
        told = _backend_pid(other, b"NOTIFY " + channel + b"; ") is not None
        return _is_told(first, channel) if told else None
    finally:
        for _ in range(_TRIES):  # nothing is left behind, also not in a backend that turns out to be shared
            if _backend_pid(first, b"UNLISTEN " + channel + b"; ") in (listening, None):
                break


def _is_told(connection: Connection, channel: bytes) -> bool:
    """Whether a notification comes in time, with nothing sent meanwhile."""
    pgconn = connection.pgconn
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        pgconn.consume_input()
        while (notification := pgconn.notifies()) is not None:
            if notification.relname == channel:
                return True
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pgconn.socket], [], [], left)[0]:
            return False


def _holds_against_many(first: Connection, url: DatabaseUrl) -> bool:
    """Whether a client keeps its backend while others open transactions, which take whatever backend is free.

    Not a proof: all of them may come to another pooler than the first. Without any other there is no word for it.
    """
    own = _backend_pid(first)
    with ExitStack() as opened:
        others: list[Connection] = []
        with suppress(ConnectionFailed):  # no more are let in
            for _ in range(_MANY):
                others.append(opened.enter_context(closing(dial(url, application_name=_CHECK))))
                others[-1].pgconn.send_query(b"BEGIN; " + _PID)
                others[-1].pgconn.flush()
        deadline = time.monotonic() + _PATIENCE_S
        try:
            taken = {_answer(other, deadline) for other in others}
        except psycopg.Error:
            return False  # thrown out: a pooler in statement mode
        return bool(others) and own is not None and own not in taken and _backend_pid(first) == own


def _backend_pid(connection: Connection, before: bytes = b"") -> int | None:
    """Ask which backend answers now, and does ``before``; None when none does in time."""
    connection.pgconn.send_query(before + _PID)
    return _answer(connection, time.monotonic() + _PATIENCE_S)


def _answer(connection: Connection, deadline: float) -> int | None:
    """Return the pid that was asked for; None for an error, or when it does not come in time."""
    pgconn = connection.pgconn
    last: pq.abc.PGresult | None = None
    while True:
        while pgconn.flush() == 1 or pgconn.is_busy():
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pgconn.socket], [], [], left)[0]:
                return None
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            break
        last = result
    value = last.get_value(0, 0) if last is not None and last.status == pq.ExecStatus.TUPLES_OK else None
    return int(value) if value is not None else None
