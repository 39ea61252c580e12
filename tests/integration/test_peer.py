"""A dead peer is noticed within 10 s; one that is alive but slow is left alone."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg
import pytest

from dbsync.errors import ConnectionLost
from dbsync.local import EphemeralServer
from dbsync.pg import dial
from dbsync.pg.database import Database, Session
from dbsync.urls import parse_url
from tests.fixtures.databases import Database as Fresh
from tests.fixtures.dead_end import dead_end

BLOCK = (b"x" * 1000 + b"\n") * 64


class Pusher:
    """Pushes rows into a COPY until the server takes no more."""

    def __init__(self, session: Session) -> None:
        session.execute("CREATE TEMPORARY TABLE rows (a text)")
        self.session, self.pgconn = session, session.raw.pgconn
        self.pgconn.send_query(b"COPY rows FROM STDIN")
        while self.pgconn.flush() == 1 or self.pgconn.is_busy():
            self.pgconn.consume_input()
        self.pgconn.get_result()
        self.unsent = False

    def push(self, seconds: float) -> None:
        """Push for so long, or raise when the connection breaks."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not self.unsent:
                self.pgconn.put_copy_data(BLOCK)
                self.unsent = self.pgconn.flush() == 1
                continue
            readable, writable, _ = select.select([self.pgconn.socket], [self.pgconn.socket], [], min(left, 0.2))
            if readable:
                self.pgconn.consume_input()
            if writable:
                self.unsent = self.pgconn.flush() == 1


@contextmanager
def stopped(session: Session) -> Iterator[None]:
    os.kill(session.backend_pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(session.backend_pid, signal.SIGCONT)


def test_a_server_that_stalls_is_not_taken_for_dead(source_db: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "USER_TIMEOUT_MS", 1500)  # in place of 9 s, to see the difference sooner
    database = Database(parse_url(source_db.url))
    with closing(database.connect()) as watched, closing(database.connect()) as plain, watched.watched_peer():
        pushers = [Pusher(watched), Pusher(plain)]
        with stopped(plain), pytest.raises(psycopg.OperationalError):
            pushers[1].push(6)
        with stopped(watched):
            pushers[0].push(5)
            assert pushers[0].unsent
            assert not watched.peer_is_dead()
        pushers[0].push(0.5)
        assert not watched.peer_is_dead()


def test_a_dead_link_is_noticed_within_ten_seconds(pg_a: EphemeralServer) -> None:
    with dead_end(pg_a.port) as way:
        url = replace(parse_url(pg_a.url()), host=way.host, sslmode="disable")
        sessions = [Database(url).connect() for _ in range(3)]
        reader, asker, writer = sessions
        noticed: dict[str, float] = {}

        def until_lost(name: str, session: Session, statement: str) -> None:
            with pytest.raises(ConnectionLost):
                session.execute(psycopg.sql.SQL(statement))
            noticed[name] = time.monotonic() - cut

        pusher = Pusher(writer)
        pusher.push(0.3)
        waiting = threading.Thread(target=until_lost, args=("reader", reader, "SELECT pg_catalog.pg_sleep(40)"))
        cut = time.monotonic()
        waiting.start()
        time.sleep(0.2)
        way.cut()
        cut = time.monotonic()
        asking = threading.Thread(target=until_lost, args=("asker", asker, "SELECT 1"))
        asking.start()
        with writer.watched_peer():
            while not writer.peer_is_dead() and time.monotonic() - cut < 30:
                pusher.push(0.2)
        noticed["writer"] = time.monotonic() - cut
        waiting.join(20)
        asking.join(20)
        for session in sessions:
            session.close()
    assert sorted(noticed) == ["asker", "reader", "writer"]
    assert max(noticed.values()) < 10, noticed
