"""COPY out of one or more sessions into another, as bytes: rows never become Python objects.

One thread drives all sockets of a table without blocking. Blocking reads in threads would not do:
libpq's wait inside ``get_copy_data`` keeps Python's lock, so threads would take turns. Rows are
joined to blocks before they are sent; the target finishes its COPY only after every source has
said how many rows it sent, and both sides must count the same.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat, starmap
from typing import Protocol

import psycopg
from psycopg import pq, sql

from dbsync.errors import ConnectionLost, DbsyncError, Mismatch, StatementFailed
from dbsync.failpoints import failpoint
from dbsync.pg.copy_mode import POLL_MS, finish_copy, start_copy, widen
from dbsync.pg.database import Session, translated

# Measured on 2 M narrow rows: 64 KiB blocks beat 256 KiB (fewer stalls of the target while we join).
BLOCK = 64 * 1024
_SLICE = 1024 * 1024
_NO_WAIT = (1,)  # arguments of get_copy_data
_BINARY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_BINARY_TRAILER = b"\xff\xff"
# The server's error sits unread in libpq's buffer while we are in COPY mode. When the target has
# talked and no notice came out of it for this long, it is an error: end the copy and read it.
_SUSPICION_S = 1.0


class Pace(Protocol):
    """What the pump asks between blocks: may it go on, and how long should it rest first."""

    def check(self) -> None:
        """Raise when the run must end."""

    def rest(self, count: int) -> float:
        """Account for ``count`` bytes sent; return the seconds to wait before the next block."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy moved: rows as both servers counted them, and payload bytes."""

    rows: int
    bytes: int


def copy_rows(
    readers: Sequence[Session],
    queries: Iterator[sql.Composed],
    writer: Session,
    into: sql.Composed,
    *,
    binary: bool,
    pace: Pace,
    progress: Callable[[int, int], None],
    large: bool = False,
) -> Copied:
    """Stream every query through the readers into one COPY on the writer; return what was moved.

    ``queries`` are ``COPY (...) TO STDOUT`` statements; a reader takes the next one when it is done with
    the last, so that large tables are read by several backends and written by one transaction. ``large``
    says that it is worth a round trip per reader to let it take in more at a time.
    Raises StatementFailed, ConnectionLost or Mismatch; then the writer's transaction is to be rolled back.
    """
    with translated(writer):
        start_copy(writer.raw.pgconn, into.as_bytes(writer.raw), pq.ExecStatus.COPY_IN, pace.check)
    failpoint("after_copy_in_begun")
    for reader in readers if large else ():
        widen(reader)
    pump = _Pump([_Stream(reader, queries, binary, pace) for reader in readers], writer, pace, progress, binary)
    with writer.watched_peer():
        try:
            rows_sent = pump.run()
            failpoint("before_copy_end")
            rows_received = pump.finish()
        except BaseException:
            failpoint("before_copy_given_up")
            pump.abandon()
            raise
    failpoint("after_copy_end")
    if rows_sent != rows_received:
        # Both servers ended the COPY without an error: something on the target swallowed rows or made some.
        raise Mismatch(
            f"the source sent {rows_sent} rows but the target kept {rows_received}; rolled back",
            hint="a trigger of the target may drop rows",
        )
    return Copied(rows_received, pump.bytes)


class _Stream:
    """The reading end: one session working through COPY TO statements."""

    def __init__(self, session: Session, queries: Iterator[sql.Composed], binary: bool, pace: Pace) -> None:
        self.session = session
        self.pgconn = session.raw.pgconn
        self.rows = 0
        self.open = False
        self.large: memoryview | None = None
        self._queries = queries
        self._binary = binary
        self._pace = pace
        self._at_header = False

    def start_next(self) -> bool:
        """Begin the next query; False when there is none left."""
        query = next(self._queries, None)
        if query is None:
            return False
        with translated(self.session):
            start_copy(self.pgconn, query.as_bytes(self.session.raw), pq.ExecStatus.COPY_OUT, self._pace.check)
        failpoint("after_copy_out_begun")
        self.open = True
        self._at_header = self._binary
        return True

    def read_into(self, block: bytearray) -> int:
        """Append the whole rows that libpq holds to the block; return how many.

        All of them, since libpq moves what is left in its buffer whenever it reads; that buffer bounds the block.
        A row as large as a block is left in ``large`` instead: joining would copy it once more.
        """
        count, special = 0, self._special()
        messages = starmap(self.pgconn.get_copy_data, repeat(_NO_WAIT))
        with translated(self.session):
            for length, data in messages:  # the hot loop: once per row
                if special < length < BLOCK:
                    block += data
                    count += 1
                elif length > 0:
                    row = self._strip(data)
                    special = self._special()
                    if len(row) >= BLOCK:
                        self.large = row
                        break
                    block += row
                    count += bool(row)
                else:
                    if length < 0:
                        self._end()
                    break
        return count

    def receive(self) -> None:
        with translated(self.session):
            self.pgconn.consume_input()

    def _special(self) -> int:
        """Up to which length a message needs a look: binary trailers are 2 bytes, the first message has a header."""
        return BLOCK if self._at_header else len(_BINARY_TRAILER) if self._binary else 0

    def _strip(self, message: memoryview) -> memoryview:
        """Take the binary header and trailer off, so that rows of several streams can be joined."""
        if self._at_header:
            self._at_header = False
            message = message[len(_BINARY_HEADER) :]
        return message[:0] if self._binary and message == _BINARY_TRAILER else message

    def _end(self) -> None:
        self.rows += finish_copy(self.pgconn, self.session)
        self.open = False


class _Pump:
    """Moves blocks from the streams to the writer until all are done."""

    def __init__(
        self,
        streams: list[_Stream],
        writer: Session,
        pace: Pace,
        progress: Callable[[int, int], None],
        binary: bool,
    ) -> None:
        self.bytes = 0
        self._streams = streams
        self._writer = writer
        self._out = writer.raw.pgconn
        self._pace = pace
        self._progress = progress
        self._binary = binary
        self._suspect_since: float | None = None

    def run(self) -> int:
        """Pump until every query is read and every block sent; return the rows the sources counted."""
        live = [stream for stream in self._streams if stream.start_next()]
        block = bytearray(_BINARY_HEADER if self._binary else b"")
        ready: deque[tuple[bytearray | memoryview, int]] = deque()  # blocks that wait for the writer, with their rows
        rows = 0
        unsent = False
        while live or block or ready or unsent:
            if ready and not unsent:
                unsent = self._send(*ready.popleft())
                continue
            if block and not ready and (len(block) >= BLOCK or not live):
                ready.append((block, rows))
                block, rows = bytearray(), 0
                continue
            moved = 0
            for stream in [] if ready else list(live):
                count = stream.read_into(block)
                rows += count
                moved += count
                if stream.large is not None:
                    ready += [(block, rows), *_slices(stream.large)]
                    block, rows, stream.large = bytearray(), 0, None
                    break
                if not stream.open and not stream.start_next():
                    live.remove(stream)
                    moved += 1
            if (moved or ready) and not unsent:
                continue
            unsent = self._wait([] if ready else live, unsent)
        return sum(stream.rows for stream in self._streams)

    def finish(self) -> int:
        """End the COPY on the target and return the rows it counted."""
        with translated(self._writer):
            if self._binary:
                self._out.put_copy_data(_BINARY_TRAILER)
            self._out.put_copy_end(None)
            self._flush_all()
            return finish_copy(self._out, self._writer, self._look)

    def abandon(self) -> None:
        """Leave both ends usable where possible: cancel the readers, fail the COPY on the target."""
        for stream in self._streams:
            if stream.pgconn.status == pq.ConnStatus.BAD:
                stream.session.close()  # nobody is there to be asked
            elif stream.open:
                _drain_cancelled(stream)
        if self._out.status == pq.ConnStatus.OK and self._out.transaction_status == pq.TransactionStatus.ACTIVE:
            try:
                self._out.put_copy_end(b"dbsync: the copy was given up")
                self._flush_all()
                while self._out.get_result() is not None:
                    pass
            except (psycopg.Error, DbsyncError):
                self._writer.close()

    def _send(self, block: bytearray | memoryview, rows: int) -> bool:
        """Hand a block to libpq; return whether some of it still waits to be written."""
        self._pace.check()
        failpoint("before_block")
        with translated(self._writer):
            self._out.put_copy_data(block)
            unsent = self._out.flush() == 1
        self.bytes += len(block)
        self._progress(rows, len(block))
        delay = self._pace.rest(len(block))
        while delay > 0:
            time.sleep(min(delay, 0.2))
            delay -= 0.2
            self._pace.check()
        return unsent

    def _wait(self, readers: Sequence[_Stream], unsent: bool) -> bool:
        """Wait until a socket is ready; return whether the writer still has unsent bytes."""
        poll = select.poll()
        by_descriptor = {stream.pgconn.socket: stream for stream in readers if stream.open}
        for descriptor in by_descriptor:
            poll.register(descriptor, select.POLLIN)
        poll.register(self._out.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
        ready = poll.poll(POLL_MS)
        if not ready:
            self._look()
        for descriptor, events in ready:
            if descriptor in by_descriptor:
                by_descriptor[descriptor].receive()
                continue
            with translated(self._writer):
                if events & ~select.POLLOUT:
                    self._hear_target()
                if unsent:
                    unsent = self._out.flush() == 1
        if self._suspect_since is not None and time.monotonic() - self._suspect_since > _SUSPICION_S:
            self._raise_target_error()
        return unsent

    def _hear_target(self) -> None:
        before = len(self._writer.notices)
        self._out.consume_input()
        self._out.notifies()  # parses what has come in, so that notices reach their handler
        if len(self._writer.notices) > before:
            self._suspect_since = None
        elif self._suspect_since is None:
            self._suspect_since = time.monotonic()

    def _raise_target_error(self) -> None:
        with translated(self._writer):
            self._out.put_copy_end(b"dbsync: stopped after an answer of the server")
            self._flush_all()
            finish_copy(self._out, self._writer, self._look)
        raise StatementFailed("the target ended the copy without an error", code="SHORT_COPY")

    def _flush_all(self) -> None:
        while self._out.flush() == 1:
            if not any(select.select([self._out.socket], [self._out.socket], [], POLL_MS / 1000)):
                self._look()
            self._out.consume_input()

    def _look(self) -> None:
        """Nothing has moved for a while: must the run end, is the target gone?"""
        self._pace.check()
        if self._writer.peer_is_dead():
            raise ConnectionLost(
                f"{self._writer.url.name} has stopped answering", hint="check the network, run it again"
            )


def _slices(row: memoryview) -> Iterator[tuple[memoryview, int]]:
    """Cut a large row, so that libpq's output buffer need not hold all of it; the last slice counts as the row."""
    for start in range(0, len(row), _SLICE):
        yield row[start : start + _SLICE], int(start + _SLICE >= len(row))


def _drain_cancelled(stream: _Stream) -> None:
    """Cancel a reader's COPY and read what is left, or close the session when that does not end it soon."""
    deadline = time.monotonic() + 3
    try:
        stream.session.cancel()
        while True:
            length, _ = stream.pgconn.get_copy_data(1)
            if length < 0:
                while stream.pgconn.get_result() is not None:
                    pass
                stream.open = False
                return
            if length == 0:
                if time.monotonic() > deadline:
                    break
                select.select([stream.pgconn.socket], [], [], 0.2)
                stream.pgconn.consume_input()
    except (psycopg.Error, DbsyncError):
        pass  # a dead session ends the copy as well
    stream.session.close()
