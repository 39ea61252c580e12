"""A session's way into COPY mode and out of it again, without libpq's blocking waits.

They keep Python's lock; and whoever waits here is asked now and then whether the run goes on.
"""

from __future__ import annotations

import select
from collections.abc import Callable

import psycopg
from psycopg import pq

from dbsync.pg.database import Session

POLL_MS = 200
# Measured on narrow rows: with 128 KiB to read into instead of libpq's first 16 KiB a reader is asked for input
# a seventh as often, and takes a quarter less processor time.
_READ_AHEAD = 120_000


def widen(session: Session) -> None:
    """Let libpq read more at a time: its input buffer grows to what a message needs, and stays so for the session."""
    if not session.reads_ahead:
        session.execute("SELECT pg_catalog.repeat('x', %s)", [_READ_AHEAD])
        session.reads_ahead = True


def start_copy(pgconn: pq.abc.PGconn, query: bytes, expected: pq.ExecStatus, check: Callable[[], None]) -> None:
    """Send a COPY statement and wait until the server is in that COPY mode; ``check`` may raise to give up."""
    pgconn.send_query(query)
    while pgconn.flush() == 1:
        select.select([], [pgconn.socket], [], POLL_MS / 1000)
        check()
    while pgconn.is_busy():
        if not select.select([pgconn.socket], [], [], POLL_MS / 1000)[0]:
            check()
            continue
        pgconn.consume_input()
    result = pgconn.get_result()
    if result is None or result.status != expected:
        while pgconn.get_result() is not None:
            pass
        if result is None:
            raise psycopg.OperationalError("the server did not answer COPY")
        raise psycopg.errors.error_from_result(result)


def finish_copy(pgconn: pq.abc.PGconn, session: Session, look: Callable[[], None] | None = None) -> int:
    """Read the end of a COPY; return the server's row count or raise its error."""
    results = []
    while True:
        while pgconn.is_busy():
            if not select.select([pgconn.socket], [], [], POLL_MS / 1000)[0]:
                if look is not None:
                    look()
                continue
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            break
        results.append(result)
    for result in results:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
    tag = results[-1].command_status if results else None
    if tag is None or not tag.startswith(b"COPY "):
        raise psycopg.OperationalError(f"COPY ended without a row count on {session.url.name}")
    return int(tag.split()[-1])
