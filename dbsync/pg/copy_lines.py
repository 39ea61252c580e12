"""COPY out of a session as lines of text, in batches, without holding Python's lock while waiting."""

from __future__ import annotations

import select
from collections.abc import Callable, Generator
from contextlib import suppress

from psycopg import pq, sql

from dbsync.errors import DbsyncError
from dbsync.pg.copy_mode import finish_copy, start_copy
from dbsync.pg.database import Session, translated

_POLL_MS = 200
_BATCH = 2000


def copy_lines(
    session: Session, query: sql.Composed, *, check: Callable[[], None]
) -> Generator[list[bytes], None, None]:
    """Yield the lines of a ``COPY (...) TO STDOUT`` statement in batches, without their newlines.

    ``check`` is called while nothing comes and may raise to give up. A caller that stops early leaves the
    session closed: what it was sending has nobody to read it.
    """
    pgconn = session.raw.pgconn
    ended = False
    try:
        with translated(session):
            start_copy(pgconn, query.as_bytes(session.raw), pq.ExecStatus.COPY_OUT, check)
        while not ended:
            with translated(session):
                lines, ended = _read(pgconn, check)
            if lines:
                yield lines
        with translated(session):
            finish_copy(pgconn, session)
    finally:
        if pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
            with suppress(DbsyncError):
                session.cancel()
            session.close()


def _read(pgconn: pq.abc.PGconn, check: Callable[[], None]) -> tuple[list[bytes], bool]:
    """Read what is there, at least one line; tell whether the COPY has ended."""
    lines: list[bytes] = []
    get = pgconn.get_copy_data
    while len(lines) < _BATCH:
        length, data = get(1)
        if length > 0:
            lines.append(bytes(data[:-1]))
        elif length < 0:
            return lines, True
        elif lines:
            break
        else:
            if not _ready(pgconn):
                check()
            pgconn.consume_input()
    return lines, False


def _ready(pgconn: pq.abc.PGconn) -> bool:
    poll = select.poll()
    poll.register(pgconn.socket, select.POLLIN)
    return bool(poll.poll(_POLL_MS))
