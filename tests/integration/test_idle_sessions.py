"""Sessions that wait between requests: lent to one at a time, to their owner alone, and never again after an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace

import pytest

from dbsync.errors import ConnectionFailed, StatementFailed
from dbsync.local import EphemeralServer
from dbsync.pg.database import Database, Session
from dbsync.server.idle import IDLE_S, LONGEST_S, MOST_EACH, IdleSessions
from dbsync.urls import DatabaseUrl, Secret, parse_url
from tests.fixtures.databases import Database as Fresh
from tests.fixtures.databases import fresh_database

NAME = "idle sessions test"


@dataclass
class Ground:
    """The keep under test over a real database, and a clock that a test moves."""

    database: Fresh
    url: DatabaseUrl
    time: float = 0.0
    dialled: list[DatabaseUrl] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.idle = IdleSessions(self._dial, clock=lambda: self.time)

    def _dial(self, url: DatabaseUrl) -> Session:
        self.dialled.append(url)
        return Database(url, read_only=True).connect(application_name=NAME)

    def pid(self, owner: str = "alice", url: DatabaseUrl | None = None) -> int:
        """Ask one question, and return which backend answered."""
        with self.idle.snapshot(owner, url or self.url) as session:
            assert session.one("SELECT pg_catalog.pg_backend_pid()") == (session.backend_pid,)
            return session.backend_pid

    def alive(self) -> set[int]:
        """The backends that are there."""
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
        deadline = time.monotonic() + 5
        while True:  # a backend takes a moment to notice that its client is gone
            found = {pid for (pid,) in self.database.query(query, [NAME])}
            if found == self._known() or time.monotonic() > deadline:
                return found
            time.sleep(0.01)

    def _known(self) -> set[int]:
        kept = {*self.idle._idle, *self.idle._lent}
        return {one.session.backend_pid for one in kept}


@pytest.fixture
def ground(pg_a: EphemeralServer) -> Iterator[Ground]:
    with fresh_database(pg_a) as database:
        database.execute("CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1)")
        found = Ground(database, parse_url(database.url))
        yield found
        found.idle.close()
        assert found.idle._lent == set()


def test_the_next_request_gets_the_session_of_the_last(ground: Ground) -> None:
    assert {ground.pid() for _ in range(5)} == ground.alive()
    assert len(ground.dialled) == 1


def test_a_session_reads_one_snapshot_and_writes_nothing(ground: Ground) -> None:
    for _ in range(2):
        with ground.idle.snapshot("alice", ground.url) as session:
            before = session.one("SELECT pg_catalog.count(*) FROM public.item")
            ground.database.execute("INSERT INTO item SELECT max(id) + 1 FROM item")
            assert session.one("SELECT pg_catalog.count(*) FROM public.item") == before
        with (
            pytest.raises(StatementFailed, match="read-only transaction"),
            ground.idle.snapshot("alice", ground.url) as session,
        ):
            session.execute("INSERT INTO public.item VALUES (100)")


def test_nobody_gets_the_session_of_another_owner_or_another_url(ground: Ground) -> None:
    urls = [
        ground.url,
        replace(ground.url, password=Secret("not the same")),
        replace(ground.url, addresses=("127.0.0.1",)),
        replace(ground.url, connection_id="another one"),
    ]
    mine = ground.pid()
    assert ground.pid("bob") != mine
    with pytest.raises(ConnectionFailed):
        ground.pid(url=urls[1])
    assert len({mine, *(ground.pid(url=url) for url in urls[2:])}) == 3
    assert ground.pid() == mine


def test_two_requests_at_a_time_have_two_sessions(ground: Ground) -> None:
    ground.pid()
    at_once = threading.Barrier(6)
    found: list[int] = []

    def ask() -> None:
        for _ in range(5):
            at_once.wait(20)
            with ground.idle.snapshot("alice", ground.url) as session:
                found.append(session.backend_pid)
                at_once.wait(20)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rounds = [found[start : start + 6] for start in range(0, 30, 6)]
    assert all(len(set(one)) == 6 for one in rounds)
    assert len(ground.dialled) == 6


@pytest.mark.parametrize("error", ["of the database", "of ours", "of the interpreter"])
def test_a_session_is_not_used_again_after_an_error(ground: Ground, error: str) -> None:
    def ask() -> None:
        with ground.idle.snapshot("alice", ground.url) as session:
            if error == "of the database":
                session.execute("SELECT 1 / 0")
            raise (ValueError if error == "of ours" else KeyboardInterrupt)("ours")

    before = ground.pid()
    with pytest.raises((StatementFailed, ValueError, KeyboardInterrupt), match="zero|ours"):
        ask()
    assert ground.pid() != before
    assert len(ground.alive()) == 1


def test_an_error_that_is_caught_inside_is_none_of_the_sessions(ground: Ground) -> None:
    with ground.idle.snapshot("alice", ground.url) as session:
        pid = session.backend_pid
        with pytest.raises(StatementFailed), session.transaction():
            session.execute("SELECT 1 / 0")
        assert session.one("SELECT 1") == (1,)
    assert ground.pid() == pid


def test_a_transaction_whose_error_was_swallowed_is_the_sessions_last(ground: Ground) -> None:
    with ground.idle.snapshot("alice", ground.url) as session, suppress(StatementFailed):
        pid = session.backend_pid
        session.execute("SELECT 1 / 0")
    assert ground.pid() != pid
    assert len(ground.alive()) == 1


def test_what_a_request_sets_ends_with_it(ground: Ground) -> None:
    with ground.idle.snapshot("alice", ground.url) as session:
        pid = session.backend_pid
        session.execute("SELECT pg_catalog.set_config('statement_timeout', '5', true)")
        session.execute("SET LOCAL row_security = on")
        session.notices.append("a notice")
    with ground.idle.snapshot("alice", ground.url) as session:
        assert session.backend_pid == pid
        assert session.one("SHOW statement_timeout") == ("0",)
        assert session.one("SHOW row_security") == ("off",)
        assert session.notices == []


def test_a_session_that_the_server_has_ended_is_replaced_unseen(ground: Ground) -> None:
    with ExitStack() as several:
        for _ in range(3):
            several.enter_context(ground.idle.snapshot("alice", ground.url))
    before = ground.alive()
    assert len(before) == 3
    ground.database.query("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) pid", [list(before)])
    assert ground.pid() not in before
    assert len(ground.alive()) == 1


def test_a_server_that_was_restarted_between_two_requests_is_asked_anew() -> None:
    with EphemeralServer() as server:
        ground = Ground(Fresh(server.url("postgres"), server), parse_url(server.url("postgres")))
        ground.pid()
        server.restart()
        ground.pid()
        server.kill()
        with pytest.raises(ConnectionFailed):
            ground.pid()
        server.restart()
        ground.pid()
        assert len(ground.alive()) == 1
        ground.idle.close()


def test_what_waits_too_long_or_lives_too_long_is_closed(ground: Ground) -> None:
    ground.pid()
    ground.time = IDLE_S + 0.1
    ground.idle.sweep()
    assert ground.alive() == set()
    pid = ground.pid()
    steps = int(LONGEST_S / IDLE_S) + 2
    pids = []
    for _ in range(steps):
        ground.time += IDLE_S - 0.1
        pids.append(ground.pid())
    assert pids[0] == pid
    assert pids[-1] != pid
    ground.time += IDLE_S + 0.1
    assert ground.pid() not in pids  # nobody has swept, and yet it is too old


def test_only_a_few_are_kept(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as several:
        for _ in range(MOST_EACH + 3):
            several.enter_context(ground.idle.snapshot("alice", ground.url))
    assert len(ground.alive()) == MOST_EACH
    monkeypatch.setattr("dbsync.server.idle.MOST", MOST_EACH + 1)
    for owner in ("bob", "carol", "dave"):
        ground.pid(owner)
    assert len(ground.alive()) == MOST_EACH + 1


def test_a_connection_that_was_changed_loses_its_sessions_also_the_one_at_work(ground: Ground) -> None:
    url, other = replace(ground.url, connection_id="c-1"), replace(ground.url, connection_id="c-2")
    kept = ground.pid(url=other)
    with ground.idle.snapshot("alice", url) as session:
        waiting = ground.pid(url=url)
        at_work = session.backend_pid
        ground.idle.forget("c-1")
        assert ground.alive() == {at_work, kept}
        assert waiting != at_work
        assert session.one("SELECT 1") == (1,)
    assert ground.alive() == {kept}


def test_the_end_closes_all_of_them_and_keeps_no_more(ground: Ground) -> None:
    with ground.idle.snapshot("alice", ground.url):
        ground.pid()
        ground.idle.close()
        assert len(ground.alive()) == 1
    assert ground.alive() == set()
    ground.pid()
    assert ground.alive() == set()
