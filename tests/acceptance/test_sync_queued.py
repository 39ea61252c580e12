"""``sync --queue`` and ``--detach``: workers do it; the terminal follows, looks away, or never waited."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbsync.data.options import SyncOptions
from dbsync.jobs.model import JobState
from dbsync.jobs.presence import Presence
from tests.fixtures import oracle
from tests.fixtures.databases import Database
from tests.fixtures.locks import held_by_another_run
from tests.fixtures.reports import note
from tests.fixtures.yard import KEY, Yard, wait_for, yard

SCHEMA = "CREATE TABLE item (id int PRIMARY KEY, name text);"
ROWS = "INSERT INTO item SELECT n, 'item ' || n FROM generate_series(1, 500) n;"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Yard]:
    with yard(tmp_path / "yard") as made:
        yield made


@pytest.fixture
def items(source_db: Database, target_db: Database) -> tuple[Database, Database]:
    source_db.execute(SCHEMA, ROWS)
    target_db.execute(SCHEMA)
    return source_db, target_db


def sync(place: Yard, items: tuple[Database, Database], *args: str):
    return place.command.start("sync", items[0].url, items[1].url, "--yes", "--json", *args, env=place.env)


def with_worker(place: Yard) -> None:
    place.worker()
    wait_for(Presence(place.registry.store).alive, why=place.told)


def test_a_queued_sync_is_followed_to_its_end(place: Yard, items: tuple[Database, Database]) -> None:
    with_worker(place)
    ended = sync(place, items, "--queue").wait().ended(0)
    assert ended.result["state"] == "succeeded"
    assert ended.result["verified"] is True
    assert ended.tables()["public.item"]["rows_inserted"] == 500
    assert oracle.differences(items[0].url, items[1].url) == []
    (job,) = place.jobs.list()
    assert job.origin == "queue"
    assert job.run_id == ended.result["run_id"]


def test_a_queued_sync_that_fails_has_the_exit_code_of_the_failure(
    place: Yard, items: tuple[Database, Database]
) -> None:
    with_worker(place)
    items[1].execute("DROP TABLE item")
    ended = sync(place, items, "--queue").wait().ended(4)
    assert ended.error["code"] == "SCHEMA_MISMATCH"


@pytest.mark.parametrize(("asked", "code", "state"), [("fail", 5, "failed"), ("skip", 0, "succeeded")])
def test_a_target_that_a_run_elsewhere_holds_is_answered_at_once_as_was_asked(
    asked: str, code: int, state: str, place: Yard, items: tuple[Database, Database]
) -> None:
    with_worker(place)
    with held_by_another_run(items[1].url):
        ended = sync(place, items, "--queue", "--on-locked", asked).wait(20).ended(code)
    (job,) = place.jobs.list()
    assert (job.state, job.attempts) == (state, 1)
    assert (ended.document["error"] or {}).get("code") == ("TARGET_BUSY" if code else None)


def test_a_job_that_was_lost_waits_for_a_target_that_its_own_run_may_hold(
    place: Yard, items: tuple[Database, Database]
) -> None:
    job = place.job(items[0].url, items[1].url)
    store = place.jobs.store
    claimed = store.claim(job.id, "gone")
    assert claimed is not None
    store.finish(job.id, "gone", JobState.QUEUED, error={"code": "RUNNER_LOST"})
    with held_by_another_run(items[1].url):
        with_worker(place)
        wait_for(lambda: len(store.attempts(job.id)) == 2, why=place.told)
        wait_for(lambda: store.get(job.id).state is JobState.QUEUED, 40, place.told)  # its patience is 15 s
    assert place.until(job, JobState.SUCCEEDED, JobState.FAILED).attempts == 3


def test_a_queued_sync_that_is_stopped_says_how_its_job_goes_on(place: Yard, items: tuple[Database, Database]) -> None:
    with_worker(place)
    with psycopg.connect(items[1].url) as blocker:
        blocker.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")
        running = sync(place, items, "--queue")
        wait_for(lambda: items[1].query("SELECT 1 FROM pg_locks WHERE NOT granted"), why=place.told)
        (job,) = place.jobs.list()
        place.command.run("jobs", "stop", job.id[:8], env=place.env)
        ended = running.wait(30).ended(6)
    assert f"dbsync jobs retry {job.id[:8]}" in ended.error["hint"]
    assert "--resume" not in ended.error["hint"]


def test_ctrl_c_only_looks_away(place: Yard, items: tuple[Database, Database], tmp_path: Path) -> None:
    """And that is no failure to tell of."""
    with_worker(place)
    files = ("--on-failure", note(tmp_path), "--metrics-file", str(tmp_path / "m.prom"))
    with psycopg.connect(items[1].url) as blocker:
        blocker.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")
        running = sync(place, items, "--queue", *files)
        wait_for(lambda: [job.state for job in place.jobs.list()] == [JobState.RUNNING], why=place.told)
        wait_for(lambda: items[1].query("SELECT 1 FROM pg_locks WHERE NOT granted"))
        running.send(signal.SIGINT)
        ended = running.wait(10).ended(130)
        assert "goes on without this terminal" in ended.stderr
        assert ended.result["state"] == "running"
        assert "not told to --metrics-file, --on-failure: the job goes on" in ended.stderr
        assert not list(tmp_path.glob("noted*"))
        assert not (tmp_path / "m.prom").exists()
    (job,) = place.jobs.list()
    assert place.until(job, JobState.SUCCEEDED, JobState.FAILED).state is JobState.SUCCEEDED
    assert oracle.differences(items[0].url, items[1].url) == []


def test_a_store_that_is_away_for_a_moment_is_waited_for(
    tmp_path: Path, store_db: Database, items: tuple[Database, Database]
) -> None:
    server, name = store_db.url.rsplit("/", 1)
    with (
        yard(tmp_path / "elsewhere", store_db.url) as place,
        psycopg.connect(items[1].url) as blocker,
        psycopg.connect(f"{server}/postgres", autocommit=True) as admin,
    ):
        blocker.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")
        place.worker("--engine", "inline")
        following = sync(place, items, "--queue")
        watching = [JobState.RUNNING]
        wait_for(lambda: [job.state for job in place.jobs.list()] == watching, why=place.told)
        with _away(admin, name):
            time.sleep(3)
        blocker.rollback()
        ended = following.wait().ended(0)
    assert ended.result["state"] == "succeeded"
    assert "cannot be asked now" in ended.stderr  # when it has begun to follow, or a moment before


def test_a_store_that_is_away_once_the_job_is_queued_is_waited_for(
    tmp_path: Path, store_db: Database, items: tuple[Database, Database]
) -> None:
    server, name = store_db.url.rsplit("/", 1)
    point, reached = "after_job_queued", tmp_path / "reached"
    with (
        yard(tmp_path / "elsewhere", store_db.url) as place,
        psycopg.connect(f"{server}/postgres", autocommit=True) as admin,
    ):
        ends = ("sync", items[0].url, items[1].url, "--yes", "--json", "--queue")
        env = {"DBSYNC_FAILPOINT": f"{point}=sleep:2", "DBSYNC_FAILPOINTS_REACHED": str(reached)}
        following = place.command.start(*ends, env={**place.env, **env})
        wait_for(lambda: reached.exists() and point in reached.read_text(encoding="utf-8").split(), why=place.told)
        with _away(admin, name):
            time.sleep(4)
        place.worker("--engine", "inline")
        ended = following.wait().ended(0)
    assert ended.result["state"] == "succeeded"
    assert "whether a worker is there cannot be asked now" in ended.stderr
    assert point in reached.read_text(encoding="utf-8").split()


@contextmanager
def _away(admin: psycopg.Connection[Any], name: str) -> Iterator[None]:
    """Nobody reaches the database meanwhile, and whoever had is cut off."""
    admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    yield
    admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_detach_returns_at_once_and_starts_a_worker_where_none_is(
    place: Yard, items: tuple[Database, Database]
) -> None:
    ended = sync(place, items, "--detach").wait().ended(0)
    assert ended.result["state"] == "queued"
    assert "was started in the background" in ended.stderr
    job = place.jobs.find(ended.result["run_id"])
    assert place.until(job, JobState.SUCCEEDED, JobState.FAILED).state is JobState.SUCCEEDED
    assert oracle.differences(items[0].url, items[1].url) == []
    wait_for(lambda: not Presence(place.registry.store).alive())


def test_a_worker_of_this_host_that_was_killed_a_moment_ago_is_not_waited_for(
    place: Yard, items: tuple[Database, Database]
) -> None:
    with_worker(place)
    for worker in place.running:
        worker.kill()
        worker.wait_quietly()
    ended = sync(place, items, "--detach").wait().ended(0)
    assert "was started in the background" in ended.stderr
    job = place.jobs.find(ended.result["run_id"])
    assert place.until(job, JobState.SUCCEEDED, JobState.FAILED).state is JobState.SUCCEEDED
    wait_for(lambda: not Presence(place.registry.store).alive())


def test_a_worker_that_detach_starts_has_options_of_its_own(place: Yard, items: tuple[Database, Database]) -> None:
    """The time limit and the files of the call would end the worker before its job, and hold its answer."""
    out = place.command.home / "answer.json"
    place.env |= {"DBSYNC_TIMEOUT": "10s", "DBSYNC_OUTPUT": str(out), "DBSYNC_FORMAT": "json"}
    with psycopg.connect(items[1].url) as blocker:
        blocker.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")
        ended = place.command.run("sync", items[0].url, items[1].url, "--yes", "--detach", env=place.env)
        assert ended.exit_code == 0, ended
        (job,) = place.jobs.list()
        over = place.until(job, JobState.FAILED, JobState.SUCCEEDED)
    assert (over.error or {})["code"] == "TIME_LIMIT"
    wait_for(lambda: not Presence(place.registry.store).alive())
    assert json.loads(out.read_text())["schema"] == "dbsync/sync@1"


def test_what_is_handed_over_needs_consent_first_and_keeps_its_time_limit(
    place: Yard, items: tuple[Database, Database]
) -> None:
    refused = place.command.run("sync", items[0].url, items[1].url, "--detach", "--json", env=place.env)
    assert refused.ended(4).error["code"] == "CONSENT_MISSING"
    assert place.jobs.list() == []
    sync(place, items, "--queue", "--dry-run").wait().ended(2)
    with_worker(place)
    sync(place, items, "--detach", "--timeout", "1h").wait().ended(0)
    (job,) = place.jobs.list()
    assert job.read_spec().timeout_s == 3600
    place.until(job, JobState.SUCCEEDED)


@pytest.mark.parametrize(("asked", "codes"), [("fail", [0] + [5] * 7), ("skip", [0] * 8), ("wait", [0] * 8)])
def test_of_eight_terminals_that_start_one_sync_one_runs_and_seven_do_as_they_were_asked(
    asked: str, codes: list[int], place: Yard, items: tuple[Database, Database]
) -> None:
    with psycopg.connect(items[1].url) as writer:
        writer.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")  # so that the one is not done before the others ask
        running = [sync(place, items, "--on-locked", asked) for _ in range(8)]
        if asked != "wait":
            wait_for(lambda: sum(each.over for each in running) == 7, 60)
        else:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%% run lock'"
            wait_for(lambda: items[1].value(waiting) == 8, 60)
    ended = [each.wait(120) for each in running]
    assert sorted(each.exit_code for each in ended) == codes, [str(each) for each in ended]
    inserted = [each.tables()["public.item"]["rows_inserted"] for each in ended if each.exit_code == 0 and each.result["state"] == "succeeded"]  # fmt: skip
    assert sorted(inserted) == ([0] * 7 if asked == "wait" else []) + [500]
    if asked == "skip":
        assert sorted(each.result["state"] for each in ended) == ["skipped"] * 7 + ["succeeded"]
    assert oracle.differences(items[0].url, items[1].url) == []


def test_of_jobs_that_wait_the_one_with_the_highest_priority_is_run_first(
    place: Yard, items: tuple[Database, Database]
) -> None:
    asked = [0, 5, -5]
    following = [sync(place, items, "--queue", *(["--priority", str(each)] if each else [])) for each in asked]
    wait_for(lambda: len(place.jobs.list()) == 3)
    place.worker("--once")
    for each in following:
        each.wait(60).ended(0)
    assert [job.priority for job in sorted(place.jobs.list(), key=lambda job: job.started_at or 0)] == [5, 0, -5]


def test_a_worker_without_the_key_does_not_start_and_fails_no_job(
    place: Yard, items: tuple[Database, Database]
) -> None:
    job = place.job(items[0].url, items[1].url)
    refused = place.worker("--once", "--json", env={"DBSYNC_KEY": KEY[::-1]}).wait(60).ended(2)
    assert refused.error["code"] == "NO_KEY"
    assert place.jobs.get(job.id).attempts == 0


@pytest.mark.parametrize("order", ["resume", "retry"])
def test_a_terminal_that_cannot_have_the_target_says_so_and_leaves_the_job_as_it_was(
    order: str, place: Yard, items: tuple[Database, Database]
) -> None:
    job, other = (place.job(items[0].url, items[1].url) for _ in range(2))
    rests = (place.jobs.pause if order == "resume" else place.jobs.stop)(job.id).state
    assert place.jobs.store.claim(other.id, "somebody") is not None
    ended = place.command.run("jobs", order, job.id[:8], "--json", env=place.env).ended(5)
    assert (ended.error["code"], other.id[:8] in ended.error["message"]) == ("TARGET_BUSY", True)
    assert place.state(job) is rests
    place.jobs.stop(other.id, now=True)
    place.command.run("jobs", order, job.id[:8], "--json", env=place.env).ended(0)


def test_a_terminal_waits_for_the_target_where_the_job_is_to(place: Yard, items: tuple[Database, Database]) -> None:
    waits = SyncOptions(on_locked="wait")
    job, other = (place.job(items[0].url, items[1].url, waits) for _ in range(2))
    place.jobs.pause(job.id)
    assert place.jobs.store.claim(other.id, "somebody") is not None
    running = place.command.start("jobs", "resume", job.id[:8], "--json", env=place.env)
    time.sleep(3)
    assert not running.over
    assert place.state(job) is JobState.PAUSED
    place.jobs.stop(other.id, now=True)
    assert running.wait(60).ended(0).result["state"] == "succeeded"


def test_what_fails_in_a_terminal_for_a_passing_reason_has_failed_and_waits_for_nobody(
    place: Yard, items: tuple[Database, Database]
) -> None:
    job = place.job("postgresql://nobody@127.0.0.1:1/x", items[1].url)
    place.jobs.stop(job.id)
    for _ in range(2):
        ended = place.command.run("jobs", "retry", job.id[:8], "--json", env=place.env).ended(3)
        assert (ended.error["code"], ended.result["state"]) == ("CONNECT_TCP", "failed")


def test_of_eight_terminals_that_resume_one_job_one_runs_it_and_seven_are_told(
    place: Yard, items: tuple[Database, Database]
) -> None:
    job = place.job(items[0].url, items[1].url)
    place.jobs.pause(job.id)
    with psycopg.connect(items[1].url) as writer:
        writer.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")  # so that the one is not done before the others ask
        running = [place.command.start("jobs", "resume", job.id[:8], "--json", env=place.env) for _ in range(8)]
        wait_for(lambda: sum(each.over for each in running) == 7, why=place.told)
    ended = [each.wait(120) for each in running]
    assert sorted(each.exit_code for each in ended) == [0, 5, 5, 5, 5, 5, 5, 5], [str(each) for each in ended]
    assert {each.error["code"] for each in ended if each.exit_code == 5} == {"JOB_BUSY"}
    assert [attempt.state for attempt in place.jobs.store.attempts(job.id)] == [JobState.SUCCEEDED]
    assert oracle.differences(items[0].url, items[1].url) == []
