"""Connections that break: cut, half-closed, swallowed, stalled, refused, slow; on either side, at any message.

A trial may succeed (a broken connection can be replaced) or fail; it may not lie, mix or hang.
DBSYNC_TEST_TRIALS=300 tries more.
"""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from random import Random

import psycopg
import pytest

from tests.faults import ledger
from tests.faults.arena import Arena, moments
from tests.faults.proxy import Fate, Message, Proxy
from tests.fixtures import oracle
from tests.fixtures.command import Result, Running
from tests.fixtures.pair import rows

TRIALS = int(os.environ.get("DBSYNC_TEST_TRIALS", "30"))
SEED = int(os.environ.get("DBSYNC_TEST_SEED", "1"))
BREAKS = (Fate.CUT, Fate.CUT_INSIDE, Fate.FINISH, Fate.LOSE)


def break_at(proxy: Proxy, number: int, fate: Fate) -> None:
    """Do this to the message that is ``number`` messages away, once; the link is broken then."""
    due = proxy.traffic.messages + number
    done: list[Message] = []

    def hook(message: Message) -> Fate:
        if message.number < due or done:
            return Fate.PASS
        done.append(message)
        return fate

    proxy.hook = hook


def check(arena: Arena, trial: ledger.Trial, result: Result, place: str) -> None:
    """Exit 0 or 6 (3 while connecting), a true report, nothing left, and the next run repairs it."""
    assert result.exit_code in (0, 3, 6), f"{place}\n{result}"
    result.ended(result.exit_code)
    assert trial.check(result) == [], f"{place}\n{result}"
    if result.exit_code:
        assert result.error["message"], f"{place}\n{result}"


def test_a_broken_connection_never_becomes_a_lie(arena: Arena) -> None:
    random = Random(SEED)
    lengths = arena.measure()
    failed = 0
    for number in range(max(TRIALS // 2 - 3, 8)):
        fate = BREAKS[number % len(BREAKS)]
        side, moment = moments(random, lengths)
        place = f"trial {number} of seed {SEED}: {fate.name} at message {moment} of {lengths[side]}, {side} side"
        trial = ledger.Trial.begin(arena.pair)
        break_at(arena.source if side == "source" else arena.target, moment, fate)
        result = arena.start().wait()
        arena.settle()
        check(arena, trial, result, place)
        failed += result.exit_code != 0
    assert failed >= 3, "nothing was broken: the trial shows nothing"
    arena.start().wait().ended(0)
    assert oracle.differences(arena.pair.source, arena.pair.target) == []
    assert oracle.leftovers(arena.pair.target) == []


def test_a_source_that_ends_its_copy_early_is_not_taken_for_complete(arena: Arena) -> None:
    """Trap 74: an orderly end of stream in the middle of COPY OUT, of each of the first copies."""
    for copy in (1, 3):
        trial = ledger.Trial.begin(arena.pair)
        seen: dict[int, int] = {}

        def hook(message: Message, seen: dict[int, int] = seen, copy: int = copy) -> Fate:
            if message.sender == "server" and message.kind == b"d":
                seen[message.link] = seen.get(message.link, 0) + 1
                if len(seen) == copy and seen[message.link] == 100:
                    return Fate.FINISH
            return Fate.PASS

        arena.source.hook = hook
        result = arena.start().wait()
        arena.settle()
        assert seen, "no copy went through the proxy"
        check(arena, trial, result, f"copy {copy}")


@pytest.mark.parametrize("nth", [1, 2, 4])
def test_a_lost_reply_to_commit_is_settled_by_looking(nth: int, arena: Arena) -> None:
    """Trap 73: the commit took place, its reply did not arrive: neither 'failed' nor a guess will do."""
    trial = ledger.Trial.begin(arena.pair)
    commits: list[Message] = []

    def hook(message: Message) -> Fate:
        if message.commits:
            commits.append(message)
            if len(commits) == nth:
                return Fate.LOSE
        return Fate.PASS

    arena.target.hook = hook
    result = arena.start("-j", "2").wait()
    arena.settle()
    assert len(commits) >= nth, "there was no such commit"
    check(arena, trial, result, f"commit {nth}")


def test_a_target_that_goes_away_before_commit_is_not_called_done(arena: Arena) -> None:
    """COMMIT is sent but never arrives: the old rows stay and the report says so."""
    trial = ledger.Trial.begin(arena.pair)
    arena.target.hook = lambda message: (
        Fate.CUT if message.sender == "client" and message.start.upper().startswith(b"COMMIT") else Fate.PASS
    )
    result = arena.start().wait()
    arena.settle()
    check(arena, trial, result, "every COMMIT")
    assert result.exit_code == 6, result


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (None, 7)])
def test_a_stalled_connection_does_not_hold_a_stop_or_a_limit(
    side: str, number: signal.Signals | None, code: int, arena: Arena
) -> None:
    """The peer is alive for TCP but says nothing: only a signal or --timeout can end it, and soon."""
    lengths = arena.measure()
    trial = ledger.Trial.begin(arena.pair)
    proxy = arena.source if side == "source" else arena.target
    due = proxy.traffic.messages + lengths[side] // 2
    held: list[float] = []

    def hook(message: Message) -> Fate:
        if message.number >= due and message.sender == "server":
            held.append(time.monotonic())
            return Fate.HOLD
        return Fate.PASS

    proxy.hook = hook
    running = arena.start(*(() if number else ("--timeout", "4s")))
    if number is not None:
        _wait_until_held(held, running)
        time.sleep(0.5)
        running.send(number)
    started = time.monotonic()
    result = running.wait()
    elapsed = time.monotonic() - started
    proxy.cut()
    proxy.release()
    arena.settle()
    assert held, "nothing was held"
    assert result.exit_code == code, result
    assert elapsed < (5 if number is not None else 4 + 8), result
    assert trial.check(result.ended(code)) == [], result


def _wait_until_held(held: list[float], running: Running) -> None:
    while not held and not running.over:
        time.sleep(0.01)


@pytest.mark.parametrize("side", ["source", "target"])
def test_terminated_backends_never_become_a_lie(side: str, arena: Arena) -> None:
    """pg_terminate_backend of a random one of our sessions, at random moments."""
    random = Random(SEED)
    lengths = arena.measure()
    url = arena.pair.source if side == "source" else arena.pair.target
    for number in range(max(TRIALS // 8, 3)):
        moment = random.randint(1, lengths[side])
        trial = ledger.Trial.begin(arena.pair)
        executioner = partial(_terminate_one, url, random.random())
        result = arena.start_and(executioner, side=side, number=moment).wait()
        arena.settle()
        check(arena, trial, result, f"trial {number} of seed {SEED}: message {moment} of {lengths[side]}")
    arena.start().wait().ended(0)


def _terminate_one(url: str, seed: float, _: Running) -> None:
    with psycopg.connect(url, autocommit=True, application_name="executioner") as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ 'dbsync' ORDER BY pid"
        ).fetchall()
        if found:
            connection.execute("SELECT pg_terminate_backend(%s)", found[int(seed * len(found))])


def test_a_slow_connection_only_takes_longer(arena: Arena) -> None:
    trial = ledger.Trial.begin(arena.pair)
    arena.source.rate = 3_000_000
    assert trial.check(arena.start().wait().ended(0)) == []


def test_a_refused_connection_is_exit_3_and_changes_nothing(arena: Arena) -> None:
    for proxy in (arena.source, arena.target):
        proxy.refusing = True
        before = oracle.take(arena.pair.target)
        result = arena.start().wait().ended(3)
        proxy.refusing = False
        assert result.error["code"].startswith("CONNECT"), result
        assert oracle.all_changes(before, oracle.take(arena.pair.target)) == []


def test_the_server_that_crashes_keeps_old_or_new(arena: Arena, servers) -> None:
    """A crash of the whole target server in the middle of a replace; it comes back with its own recovery."""
    lengths = arena.measure()
    trial = ledger.Trial.begin(arena.pair)

    def crash(_: Running) -> None:
        pid = rows(arena.pair.target, "SELECT pid FROM pg_stat_activity WHERE application_name ~ 'dbsync' LIMIT 1")[0][
            0
        ]
        os.kill(int(str(pid)), signal.SIGKILL)

    result = arena.start_and(crash, side="target", number=int(lengths["target"] * 0.6)).wait()
    arena.settle()
    _wait_for(arena.pair.target)
    check(arena, trial, result, "a backend killed with -9 restarts the server")
    arena.start().wait().ended(0)
    assert oracle.differences(arena.pair.source, arena.pair.target) == []


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with psycopg.connect(url):
                return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
