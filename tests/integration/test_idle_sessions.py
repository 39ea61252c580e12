"""Sessions that wait between requests: lent to one at a time, to their owner alone, and never again after an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace

import pytest

from dbsync.errors import ConnectionFailed, ConnectionLost, StatementFailed
from dbsync.local import EphemeralServer
from dbsync.pg.database import Database, Session
from dbsync.server.idle import AT_ONCE, IDLE_S, LONGEST_S, MOST_EACH, IdleSessions
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
    slow: threading.Event | None = None  # whoever is dialled for next waits for it
    meeting: threading.Barrier | None = None  # so many dial at the same time, or none does
    dialling: int = 0
    most_dialling: int = 0
    counting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.idle = IdleSessions(self._dial, clock=lambda: self.time, chance=lambda: 0.0)

    def _dial(self, url: DatabaseUrl) -> Session:
        with self.counting:
            self.dialled.append(url)
            slow, self.slow = self.slow, None
            self.dialling += 1
            self.most_dialling = max(self.dialling, self.most_dialling)
        try:
            assert slow is None or slow.wait(20)
            if self.meeting is not None:
                self.meeting.wait(10)
            return Database(url, read_only=True).connect(application_name=NAME)
        finally:
            with self.counting:
                self.dialling -= 1

    def pid(self, owner: str = "alice", url: DatabaseUrl | None = None) -> int:
        """Ask one question, and return which backend answered."""
        with self.idle.snapshot(owner, url or self.url) as session:
            assert session.one("SELECT pg_catalog.pg_backend_pid()") == (session.backend_pid,)
            return session.backend_pid

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + 20
        while not reached():
            assert time.monotonic() < deadline
            time.sleep(0.005)

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
        assert not found.idle._waiting
        assert not found.idle._opening


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


def test_sessions_that_were_opened_together_do_not_end_together(ground: Ground) -> None:
    lucky = iter([0.0, 0.4, 0.9])
    ground.idle._chance = lambda: next(lucky)
    with ExitStack() as several:
        for _ in range(3):
            several.enter_context(ground.idle.snapshot("alice", ground.url))
    left = []
    while ground.idle._idle:
        left.append(len(ground.alive()))
        with ExitStack() as several:
            for _ in range(left[-1]):
                several.enter_context(ground.idle.snapshot("alice", ground.url))
        ground.time += IDLE_S - 0.1
        ground.idle.sweep()
    assert list(dict.fromkeys(left)) == [3, 2, 1]
    assert len(ground.dialled) == 3


def test_few_are_opened_at_a_time_and_all_are_in_the_end(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbsync.server.idle.PATIENCE_S", 20)
    at_once = threading.Barrier(10)

    def ask(owner: str) -> int:
        at_once.wait(20)
        return ground.pid(owner)

    with ThreadPoolExecutor(10) as threads:
        found = list(threads.map(ask, [f"owner {number}" for number in range(10)]))
    assert len(set(found)) == len(ground.dialled) == 10
    assert ground.most_dialling == AT_ONCE


def test_nobody_waits_where_it_is_the_way_that_takes_long(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbsync.server.idle.PATIENCE_S", 20)
    monkeypatch.setattr("dbsync.server.idle.FAR_S", 0.0)
    ground.pid("the first")
    ground.meeting = threading.Barrier(5)
    with ThreadPoolExecutor(5) as threads:
        assert len(set(threads.map(ground.pid, [f"owner {number}" for number in range(5)]))) == 5


@pytest.fixture
def queue(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadPoolExecutor]:
    """One session is opened at a time, and whoever waits does so for long."""
    monkeypatch.setattr("dbsync.server.idle.AT_ONCE", 1)
    monkeypatch.setattr("dbsync.server.idle.PATIENCE_S", 20)
    with ThreadPoolExecutor(8) as threads:
        yield threads


def test_who_waits_gets_the_session_that_comes_back_to_its_owner(ground: Ground, queue: ThreadPoolExecutor) -> None:
    with ground.idle.snapshot("alice", ground.url) as session:
        ground.slow = slow = threading.Event()
        bob = queue.submit(ground.pid, "bob")
        ground.until(lambda: ground.dialling == 1)
        carol = queue.submit(ground.pid, "carol")
        ground.until(lambda: len(ground.idle._waiting) == 1)
        alice = queue.submit(ground.pid, "alice")
        ground.until(lambda: len(ground.idle._waiting) == 2)
        mine = session.backend_pid
    assert alice.result(10) == mine
    assert not bob.done()
    assert not carol.done()
    slow.set()
    assert len({mine, bob.result(10), carol.result(10)}) == len(ground.dialled) == 3


def test_who_waits_longest_opens_next_also_after_one_that_failed(ground: Ground, queue: ThreadPoolExecutor) -> None:
    ground.slow = slow = threading.Event()
    wrong = replace(ground.url, sslmode="verify-full")
    failing = queue.submit(ground.pid, "bob", wrong)
    ground.until(lambda: ground.dialling == 1)
    others = []
    for number, owner in enumerate(("carol", "dave", "alice"), 1):
        others.append(queue.submit(ground.pid, owner, replace(ground.url, connection_id=f"of {owner}")))
        ground.until(lambda: len(ground.idle._waiting) == number)  # noqa: B023  # it is called at once
    assert ground.most_dialling == 1
    slow.set()
    with pytest.raises(ConnectionFailed):
        failing.result(10)
    for other in others:
        other.result(10)
    assert [url.connection_id for url in ground.dialled[1:]] == ["of carol", "of dave", "of alice"]


def test_a_database_that_does_not_answer_delays_nobody_elses_and_others_of_its_own_for_a_moment(
    ground: Ground, queue: ThreadPoolExecutor, pg_a: EphemeralServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.slow = slow = threading.Event()
    bob = queue.submit(ground.pid, "bob")
    ground.until(lambda: ground.dialling == 1)
    assert queue.submit(ground.pid, "alice", parse_url(pg_a.url("postgres"))).result(10)
    assert not ground.idle._waiting
    monkeypatch.setattr("dbsync.server.idle.PATIENCE_S", 0.05)
    assert len({queue.submit(ground.pid, owner).result(10) for owner in ("alice", "carol")}) == 2
    assert not bob.done()
    slow.set()
    assert bob.result(10)


def test_many_at_a_time_end_whatever_happens_to_their_sessions(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns and sessions change hands while sessions fail, are ended and forgotten: nobody is left waiting."""
    monkeypatch.setattr("dbsync.server.idle.PATIENCE_S", 0.02)
    wrong = replace(ground.url, sslmode="verify-full")

    def ask(number: int) -> None:
        owner = f"owner {number % 3}"
        for turn in range(12):
            kind = (number + turn) % 6
            with suppress(StatementFailed, ConnectionFailed, ConnectionLost):
                if kind == 0:
                    ground.pid(owner, wrong)
                with ground.idle.snapshot(owner, replace(ground.url, connection_id=f"c {number % 2}")) as session:
                    pid = session.backend_pid
                    if kind == 1:
                        session.execute("SELECT 1 / 0")
                if kind == 2:
                    ground.database.query("SELECT pg_terminate_backend(%s)", [pid])
                if kind == 3:
                    ground.idle.forget("c 1")

    with ThreadPoolExecutor(12) as threads:
        for done in [threads.submit(ask, number) for number in range(12)]:
            done.result(60)
    assert not ground.idle._waiting
    assert not ground.idle._opening
    assert not ground.idle._lent
    assert len(ground.alive()) <= 3 * 2 * MOST_EACH


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
