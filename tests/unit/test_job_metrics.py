"""A job's figures are a fold over its attempts and events, and nothing else."""

from __future__ import annotations

from typing import Any

from dbsync.jobs.metrics import measure
from dbsync.jobs.model import Attempt, Job, JobState, StoredEvent


def job(state: JobState, **facts: Any) -> Job:
    texts = dict.fromkeys(("owner", "origin", "source_id", "target_id", "source_name", "target_name"), "x")
    nothing = dict.fromkeys(
        ("name", "plan", "run_id", "lease_owner", "lease_until", "not_before", "started_at", "ended_at", "error"), None
    )
    values: dict[str, Any] = {**texts, **nothing, "spec": {}, "priority": 0, "attempts": 0, "events": 0, "result": None}
    return Job(id="j", state=state, created_at=100.0, updated_at=100.0, **{**values, **facts})


def attempt(number: int, started_at: float, ended_at: float | None, state: str) -> Attempt:
    return Attempt(
        job_id="j", number=number, run_id=f"r{number}", worker="w", started_at=started_at, ended_at=ended_at, state=state, error=None
    )  # fmt: skip


def event(number: int, at: float, kind: str, level: str | None = "info", **data: Any) -> StoredEvent:
    return StoredEvent(number=number, at=at, attempt=1, kind=kind, level=level, data=data)


def table(number: int, at: float, name: str, state: str, rows: int, **more: Any) -> StoredEvent:
    level = "error" if state == "failed" else "info"
    facts = {
        "table": name,
        "state": state,
        "rows": rows,
        "bytes": rows * 10,
        "elapsed_s": 2.0,
        "verified": state == "done",
    }
    return event(number, at, "table_finished", level, **facts, **more)


def test_two_attempts_with_a_pause_between_are_added_up() -> None:
    events = [
        event(1, 100.0, "state", to="created"),
        event(2, 101.0, "state", to="queued"),
        event(3, 104.0, "state", to="running"),  # after 3 s
        event(4, 105.0, "progress", None, peak_rss_bytes=50),
        table(5, 106.0, "a", "done", 300),
        table(6, 108.0, "b", "failed", 40),
        event(7, 108.0, "state", to="paused"),
        event(8, 200.0, "state", to="queued"),
        event(9, 201.0, "state", to="running"),  # after 1 s more
        event(10, 202.0, "progress", None, peak_rss_bytes=40),
        table(11, 205.0, "a", "failed", 0),  # what was committed stays
        table(12, 206.0, "b", "done", 100),
        event(13, 207.0, "state", to="succeeded"),
    ]
    attempts = [attempt(1, 104.0, 108.0, "paused"), attempt(2, 201.0, 207.0, "succeeded")]
    totals = {"rows_inserted": 390, "rows_updated": 7, "rows_deleted": 3}
    found = measure(job(JobState.SUCCEEDED, result={"totals": totals, "retries": 2}), attempts, events)
    assert (found.attempts, found.retries, found.errors) == (2, 3, 2)
    assert (found.duration_s, found.waited_s, found.snapshot_age_s) == (10.0, 4.0, 6.0)
    assert (found.rows, found.bytes, found.rows_per_second, found.bytes_per_second) == (400, 4000, 40.0, 400.0)
    assert (found.rows_inserted, found.rows_updated, found.rows_deleted, found.peak_rss_bytes) == (390, 7, 3, 50)
    assert [(each.table, each.state, each.rows, each.rows_per_second) for each in found.tables] == [
        ("a", "done", 300, 150.0), ("b", "done", 100, 50.0),
    ]  # fmt: skip


def test_an_attempt_at_work_is_measured_up_to_the_last_event_and_a_job_that_waits_has_no_rates() -> None:
    events = [event(1, 100.0, "state", to="running"), table(2, 104.0, "a", "done", 8)]
    running = measure(job(JobState.RUNNING), [attempt(1, 100.0, None, "running")], events)
    assert (running.duration_s, running.rows_per_second, running.snapshot_age_s) == (4.0, 2.0, 4.0)
    waiting = measure(job(JobState.CREATED), [], [])
    assert (waiting.duration_s, waiting.rows, waiting.rows_per_second, waiting.retries) == (0, 0, None, 0)
    assert (waiting.snapshot_age_s, waiting.peak_rss_bytes, waiting.tables) == (None, None, ())
