"""A failpoint that no test passes proves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign.draw import BESIDE_THE_ENGINE, failpoints

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("point", failpoints(folders=BESIDE_THE_ENGINE))
def test_every_failpoint_beside_the_engine_is_passed_by_a_test(point: str) -> None:
    """The engine's are passed by the fault campaign, which has a test of its own."""
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    assert any(point in text for text in texts), f"no test names the failpoint {point}"
