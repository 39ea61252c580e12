"""A second signal on top of the first. Single signals and kill -9 at random moments: ``test_campaign.py``."""

from __future__ import annotations

import signal
import time

from tests.faults import ledger
from tests.faults.arena import Arena
from tests.fixtures.command import Running


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
