"""What an attempt's end means for its job: which errors pass by themselves, how often, and who ended it."""

from __future__ import annotations

import pytest

from dbsync.errors import (
    ConfigError,
    ConnectionFailed,
    ConnectionLost,
    DbsyncError,
    Drift,
    Fenced,
    Interrupted,
    Mismatch,
    Paused,
    StatementFailed,
    Stopped,
    TargetBusy,
    TimeLimit,
)
from dbsync.jobs.model import Attempt, JobState
from dbsync.jobs.verdict import ATTEMPTS, LOST, failures, is_passing, judge, losses, recorded_error

PASSING = ["08006", "08P01", "40001", "40P01", "55P03", "53100", "53200", "53300", "57P01", "57P02", "57P03"]
LASTING = ["23505", "22P02", "42P01", "42501", "28P01", "3D000", "25006", "57014", "40003", "XX001", "0A000"]


@pytest.mark.parametrize("sqlstate", PASSING)
def test_what_passes_by_itself_is_tried_again_a_little_later_and_not_for_ever(sqlstate: str) -> None:
    error = StatementFailed("no", sqlstate=sqlstate)
    verdicts = [judge(error, attempts=number) for number in range(1, ATTEMPTS + 1)]
    assert [verdict.state for verdict in verdicts] == [JobState.QUEUED] * (ATTEMPTS - 1) + [JobState.FAILED]
    assert [verdict.delay_s for verdict in verdicts] == [2.0, 4.0, 8.0, 16.0, None]


@pytest.mark.parametrize("sqlstate", LASTING)
def test_what_stays_wrong_fails_the_job_at_once(sqlstate: str) -> None:
    assert judge(StatementFailed("no", sqlstate=sqlstate), attempts=1).state is JobState.FAILED


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ConnectionLost("gone"), True),
        (TargetBusy(), True),
        (ConnectionFailed("no", phase="resolve"), True),
        (ConnectionFailed("no", phase="tcp"), True),
        (ConnectionFailed("no", phase="tls"), False),
        (ConnectionFailed("no", phase="auth", sqlstate="28P01"), False),
        (ConnectionFailed("no", phase="database", sqlstate="3D000"), False),
        (ConnectionFailed("it is starting up", phase="database", sqlstate="57P03"), True),
        (ConnectionFailed("it has no connection left", phase="database", sqlstate="53300"), True),
        (Fenced(), False),
        (Drift("changed"), False),
        (Mismatch("differs"), False),
        (TimeLimit(), False),
        (ConfigError("what?"), False),
        (DbsyncError("without a code of the server's"), False),
    ],
)
def test_errors_without_a_code_pass_or_stay_by_their_kind(error: DbsyncError, passes: bool) -> None:
    assert is_passing(error) is passes


def test_a_job_that_does_not_wait_for_its_target_fails_at_once_where_another_run_holds_it() -> None:
    assert judge(TargetBusy(), attempts=1).state is JobState.QUEUED
    assert judge(TargetBusy(), attempts=1, waits=False).state is JobState.FAILED
    assert judge(ConnectionLost("gone"), attempts=1, waits=False).state is JobState.QUEUED


def test_orders_and_signals_are_no_failures() -> None:
    assert judge(None, attempts=1).state is JobState.SUCCEEDED
    assert judge(Paused(), attempts=ATTEMPTS).state is JobState.PAUSED
    assert judge(Stopped(), attempts=ATTEMPTS).state is JobState.STOPPED
    assert judge(Interrupted(), attempts=ATTEMPTS).state is JobState.QUEUED
    assert judge(Interrupted(), attempts=1, interrupted=JobState.STOPPED).state is JobState.STOPPED
    recorded = [recorded_error(error) for error in (Interrupted(signal_number=15), Paused(), TargetBusy())]
    assert [each["exit_code"] for each in recorded if each] == [143, 6, 5]
    assert recorded_error(None) is None


def test_workers_that_were_lost_are_counted_apart_from_failures() -> None:
    codes = ["CONNECT_TCP", LOST, Interrupted.code, LOST, "STATEMENT_FAILED", None]
    attempts = [attempt(JobState.QUEUED, code) for code in codes]
    assert (failures(attempts), losses(attempts)) == (2, 2)


@pytest.mark.parametrize("ended", [JobState.FAILED, JobState.STOPPED, JobState.PAUSED])
def test_who_asks_for_a_job_again_gives_it_all_its_tries_again(ended: JobState) -> None:
    before = [attempt(JobState.QUEUED, "CONNECT_TCP"), attempt(JobState.QUEUED, LOST), attempt(ended, "CONNECT_TCP")]
    since = [attempt(JobState.QUEUED, "CONNECT_TCP"), attempt(JobState.QUEUED, LOST)]
    assert (failures(before), losses(before)) == (0, 0)
    assert (failures(before + since), losses(before + since)) == (1, 1)


def attempt(state: JobState, code: str | None) -> Attempt:
    return Attempt(
        job_id="j",
        number=1,
        run_id="1",
        worker="w",
        started_at=0.0,
        ended_at=1.0,
        state=state,
        error={"code": code} if code else None,
    )
