"""A failpoint that no test passes proves nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.faults.campaign.draw import BESIDE_THE_ENGINE, failpoints
from tests.fixtures.armed import armed

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("point", failpoints(folders=BESIDE_THE_ENGINE))
def test_every_failpoint_beside_the_engine_is_passed_by_a_test(point: str) -> None:
    """The engine's are passed by the fault campaign, which has a test of its own. Such a test sees that it was killed."""
    assert point in _armed_by_tests(), f"no test arms the failpoint {point}"


@cache
def _armed_by_tests() -> set[str]:
    return set().union(*map(armed, TESTS.rglob("test_*.py")))


def test_a_name_that_no_test_arms_is_no_proof(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text('# "one=kill"\n"two of them", "three"\nenv = {"DBSYNC_FAILPOINT": "four@2=kill;five=sleep:2"}\n')
    assert armed(file) == {"four", "five"}
    file.write_text('for point in ("six", "seven@3"):\n    env = {"DBSYNC_FAILPOINT": f"{point}=kill"}\n')
    assert armed(file) >= {"six", "seven"}
