"""What acceptance tests share."""

from __future__ import annotations

import time

import pytest

from tests.fixtures.command import Result
from tests.fixtures.inprocess import InProcess


class CalledSync:
    """``dbsync sync`` called in the test's own process: for the many small cases, where a start costs more than the work."""

    def __init__(self, call: InProcess) -> None:
        self._call = call

    def sync(self, source: str, target: str, *args: str) -> Result:
        """``dbsync sync SOURCE TARGET --yes --json ARGS``."""
        started = time.monotonic()
        ended = self._call("sync", source, target, "--yes", "--json", *args)
        return Result(ended.args, ended.exit_code, ended.stdout, ended.stderr, time.monotonic() - started)


@pytest.fixture
def called(capsys: pytest.CaptureFixture[str]) -> CalledSync:
    """The command without a process of its own."""
    return CalledSync(InProcess(capsys))
