"""kill -9 of the client and signals at random moments of a replace: old or new, a true report, no leftovers.

Moments are protocol message numbers of one side, counted by the proxy, so that a seed repeats a trial
on a busy machine too. DBSYNC_TEST_TRIALS=500 tries more; DBSYNC_TEST_SEED=7 other moments.
"""

from __future__ import annotations

import os
import signal
import time
from random import Random

import pytest

from tests.faults import ledger
from tests.faults.arena import Arena, moments
from tests.fixtures import oracle
from tests.fixtures.command import Running

TRIALS = int(os.environ.get("DBSYNC_TEST_TRIALS", "30"))
SEED = int(os.environ.get("DBSYNC_TEST_SEED", "1"))


def test_a_killed_client_leaves_each_group_old_or_new(arena: Arena) -> None:
    random = Random(SEED)
    lengths = arena.measure()
    old: oracle.Photograph | None = None
    for number in range(TRIALS):
        side, moment = moments(random, lengths)
        trial = ledger.Trial.begin(arena.pair, old=old)
        code = arena.start_and(Running.kill, side=side, number=moment).wait_quietly()
        arena.settle()
        place = f"trial {number} of seed {SEED}: killed at message {moment} of {lengths[side]} on the {side} side"
        assert code in (-signal.SIGKILL, 0), place
        assert trial.check(None) == [], place
        old = trial.now
        if number % 5 == 4:
            old = None
            arena.start().wait().ended(0)
            assert oracle.differences(arena.pair.source, arena.pair.target) == [], place
            assert oracle.leftovers(arena.pair.target) == [], place
    last = ledger.Trial.begin(arena.pair)
    assert last.check(arena.start().wait().ended(0)) == []
    assert oracle.leftovers(arena.pair.target) == []
    assert [line for line in oracle.take(arena.pair.target).structure if " dbsync" in line] == []


class _Signaller:
    """Sends a signal and remembers when."""

    def __init__(self, number: signal.Signals) -> None:
        self._number = number
        self.sent_at = 0.0

    def __call__(self, running: Running) -> None:
        self.sent_at = time.monotonic()
        running.send(self._number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_soon_with_a_true_report(number: signal.Signals, arena: Arena) -> None:
    random = Random(SEED + number)
    lengths = arena.measure()
    stopped = 0
    for count in range(max(TRIALS // 5, 4)):
        side, moment = moments(random, lengths)
        trial = ledger.Trial.begin(arena.pair)
        signaller = _Signaller(number)
        result = arena.start_and(signaller, side=side, number=moment).wait()
        ended = time.monotonic()
        arena.settle()
        place = f"trial {count} of seed {SEED}: {number.name} at message {moment} of {lengths[side]} on the {side} side"
        assert result.exit_code in (0, 128 + number), f"{place}\n{result}"
        result.ended(result.exit_code)
        assert trial.check(result) == [], f"{place}\n{result}"
        if result.exit_code:
            stopped += 1
            assert ended - signaller.sent_at < 5, place
            if result.document["result"] is not None:
                assert result.result["state"] == "stopped", f"{place}\n{result}"
                assert "failed" not in [table["state"] for table in result.result["tables"]], f"{place}\n{result}"
        assert oracle.leftovers(arena.pair.target) == [], place
    assert stopped >= 2, "nearly every run ended before its signal: the trial shows nothing"


def test_two_signals_are_not_worse_than_one(arena: Arena) -> None:
    lengths = arena.measure()
    trial = ledger.Trial.begin(arena.pair)

    def twice(running: Running) -> None:
        for _ in range(2):
            running.send(signal.SIGINT)
            time.sleep(0.05)

    result = arena.start_and(twice, side="target", number=lengths["target"] // 2).wait()
    assert result.exit_code in (0, 130), result
    assert "Traceback" not in result.stderr, result
    assert trial.check(result) == [], result


@pytest.mark.parametrize(
    ("point", "action"),
    [
        ("after_snapshot", "kill"),
        ("after_begin", "kill"),
        ("after_clear", "kill"),
        ("after_load", "raise"),
        ("before_commit", "kill"),
        ("before_commit", "raise"),
        ("after_commit", "kill"),
        ("after_commit", "raise"),
    ],
)
def test_a_failpoint_leaves_each_group_old_or_new(point: str, action: str, arena: Arena) -> None:
    trial = ledger.Trial.begin(arena.pair)
    env = {"DBSYNC_FAILPOINT": f"{point}={action}"}
    running = arena.command.start(
        "sync", arena.pair.source, arena.pair.target, "--yes", "--json", "--mode", "replace", "-j", "2", env=env
    )
    if action == "kill":
        assert running.wait_quietly() == -signal.SIGKILL, "the failpoint was never reached"
        assert trial.check(None) == []
    else:
        result = running.wait()
        assert "failpoint" in result.stderr, "the failpoint was never reached"
        assert trial.check(result.ended(result.exit_code)) == [], result
    after = ledger.Trial.begin(arena.pair)
    assert after.check(arena.start().wait().ended(0)) == []
    assert oracle.leftovers(arena.pair.target) == []
