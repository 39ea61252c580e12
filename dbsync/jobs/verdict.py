"""PURE: what an attempt's end means for its job: done, failed, paused, stopped, or to be tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from dbsync.errors import ConnectionFailed, ConnectionLost, DbsyncError, Interrupted, Paused, Stopped, TargetBusy
from dbsync.jobs.model import Attempt, JobState

ATTEMPTS = 5  # of a job whose attempts fail for passing reasons
LOSSES = 20  # of workers: more than a bad day on the machines, so it is the job that ends them
LOST = "RUNNER_LOST"
_LONGEST_S = 60.0
# Passing by nature: connections, serialization and deadlocks, locks, resources, a server that restarts.
_PASSING = ("08", "40001", "40P01", "55P03", "53", "57P01", "57P02", "57P03")
_PASSING_PHASES = ("resolve", "tcp")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the job; ``delay_s``: how long it rests in the queue first."""

    state: JobState
    error: DbsyncError | None = None
    delay_s: float | None = None


def judge(
    error: DbsyncError | None, *, attempts: int, interrupted: JobState = JobState.QUEUED, waits: bool = True
) -> Verdict:
    """Decide after an attempt that ended with this error, None for success; ``attempts`` that failed so, this one too.

    ``interrupted``: what a signal to who ran it means for the job. ``waits``: whether it may try again while another
    run holds the target.
    """
    if error is None:
        return Verdict(JobState.SUCCEEDED)
    if isinstance(error, Stopped):
        return Verdict(JobState.STOPPED, error)
    if isinstance(error, Paused):
        return Verdict(JobState.PAUSED, error)
    if isinstance(error, Interrupted):
        return Verdict(interrupted, error)
    if is_passing(error) and attempts < ATTEMPTS and (waits or not isinstance(error, TargetBusy)):
        return Verdict(JobState.QUEUED, error, min(2.0**attempts, _LONGEST_S))
    return Verdict(JobState.FAILED, error)


def failures(earlier: Sequence[Attempt]) -> int:
    """How many of a job's earlier attempts failed for passing reasons: not those whose workers ended, or were ended.

    Here and below: since somebody asked for the job last.
    """
    return sum(code not in (LOST, Interrupted.code) for code in _given_back(earlier))


def losses(earlier: Sequence[Attempt]) -> int:
    """How many workers were lost with a job."""
    return sum(code == LOST for code in _given_back(earlier))


def _given_back(earlier: Sequence[Attempt]) -> list[str]:
    """Why the last attempts came back to the queue. One that ended otherwise was followed by a person's order."""
    last = takewhile(lambda attempt: attempt.state == JobState.QUEUED, reversed(earlier))
    return [attempt.error["code"] for attempt in last if attempt.error]


def recorded_error(error: DbsyncError | None) -> dict[str, Any] | None:
    """An error as jobs keep it: the member of the JSON envelope, and the exit code that went with it."""
    if error is None:
        return None
    return error.to_dict() | {"exit_code": error.status}


def is_passing(error: DbsyncError) -> bool:
    """Whether the same attempt may succeed a little later, without anybody changing anything."""
    if isinstance(error, ConnectionFailed) and error.phase in _PASSING_PHASES:
        return True
    if isinstance(error, (ConnectionLost, TargetBusy)):
        return True
    return error.sqlstate is not None and error.sqlstate.startswith(_PASSING)
