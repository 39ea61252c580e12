"""Connections that break at chosen moments: early ends, lost replies, stalls, refusals, slow ones.

A trial may succeed (a broken connection can be replaced) or fail; it may not lie, mix or hang. Random
moments: ``test_campaign.py``.
"""

from __future__ import annotations

import time

import pytest

from tests.faults import ledger
from tests.faults.arena import Arena
from tests.faults.proxy import Fate, Message
from tests.fixtures import oracle
from tests.fixtures.command import Result


def check(arena: Arena, trial: ledger.Trial, result: Result, place: str) -> None:
    """Exit 0 or 6 (3 while connecting), a true report, nothing left, and the next run repairs it."""
    assert result.exit_code in (0, 3, 6), f"{place}\n{result}"
    result.ended(result.exit_code)
    assert trial.check(result) == [], f"{place}\n{result}"
    if result.exit_code:
        assert result.error["message"], f"{place}\n{result}"


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
def test_a_stalled_connection_does_not_hold_a_time_limit(side: str, arena: Arena) -> None:
    """The peer is alive for TCP but says nothing: only a signal (see the campaign) or --timeout can end it."""
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
    result = arena.start("--timeout", "4s").wait()
    proxy.cut()
    proxy.release()
    arena.settle()
    assert held, "nothing was held"
    assert result.exit_code == 7, result
    assert result.elapsed_s < 4 + 8, result
    assert trial.check(result.ended(7)) == [], result


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
