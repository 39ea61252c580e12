"""The quick form of the fault campaign: few trials, failpoints and planted bugs, the same ones each time.

What fails says how to repeat it: ``python -m tests.faults.campaign --replay ID``. DBSYNC_TEST_SEED=7 takes
other seeds, ``make faults`` runs all of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.campaign import draw, job, planted
from tests.faults.campaign.__main__ import fresh_world
from tests.faults.campaign.draw import Trial
from tests.faults.campaign.faults import Fault
from tests.faults.campaign.report import read
from tests.faults.campaign.run import Runner
from tests.faults.campaign.world import World
from tests.fixtures.armed import armed

SEED = int(os.environ.get("DBSYNC_TEST_SEED", "1"))
ROOT = Path(__file__).parents[2]
PLANTED = 3  # of all planted bugs, other ones for every seed


@pytest.fixture(scope="module")
def world():
    with fresh_world() as made:
        yield made


@pytest.mark.timeout(600)
def test_a_quick_campaign_finds_nothing_wrong(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    command = [sys.executable, "-m", "tests.faults.campaign", "--quick", "--workers", "2", "--seed", str(SEED)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--results", str(results)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    records = read(results)
    assert [record.replay for record in records if record.wrong] == [], done.stdout
    struck = [record for record in records if record.struck]
    assert len(struck) > 0.6 * len(records), f"few of the faults struck: the campaign shows little\n{done.stdout}"
    assert {record.suite for record in struck} >= set(draw.SUITES) - {"disk"}  # which may have room enough


def test_every_failpoint_is_reached_by_the_campaign(world: World) -> None:
    runner = Runner(world)
    runs = [
        ("fill", (), Fault()),
        ("create", (), Fault()),
        ("replace", (), Fault()),
        ("replace", (job.NO_LEDGER, "--drop-indexes"), Fault()),
        ("delta", (), Fault()),
        ("planned", (), Fault()),
    ]
    reached = set[str]()
    for mode, args, fault in runs:
        reached |= runner.reached(job.Setting(mode, 1, args=args), fault)
    for name, fault in draw.REACHED_BY.items():
        for _ in range(3):  # whom of two a deadlock hits, the server chooses
            reached |= runner.reached(job.Setting("replace", 1), fault)
            if name in reached:
                break
    for name, file in draw.TESTED_ELSEWHERE.items():
        if name in armed(ROOT / file):  # and sees that it was passed: by the death that it asked for, or by the list
            reached.add(name)
    missing = {name: places for name, places in draw.failpoints().items() if name not in reached}
    assert missing == {}, "no run of the campaign passes these: see REACHED_BY and the tables next to it in draw.py"
    assert len(draw.failpoints()) >= 40


def test_every_planted_bug_still_has_its_place(tmp_path: Path) -> None:
    for number, bug in enumerate(planted.BUGS):
        planted.plant(bug, tmp_path / str(number % 2))
    assert len(planted.BUGS) >= 30
    assert len({bug.name for bug in planted.BUGS}) == len(planted.BUGS)


def test_some_planted_bugs_are_caught(world: World) -> None:
    with_trials = [bug for bug in planted.BUGS if isinstance(bug.caught_by, Trial)]
    first = SEED * PLANTED
    missed = []
    for number in range(PLANTED):
        bug = with_trials[(first + number) % len(with_trials)]
        assert isinstance(bug.caught_by, Trial)
        assert planted.unharmed(bug.caught_by, world) == [], f"the trial of {bug.name!r} proves nothing"
        # A fault of the network is drawn a moment, and may strike there when nothing was left to break.
        if not any(planted.caught(bug, world) for _ in range(3)):
            missed.append(bug.name)
    assert missed == []
