"""Schedules fire once for each due time, however many workers look at the clock at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbsync.data.options import SyncOptions
from dbsync.errors import DbsyncError, Refused
from dbsync.jobs.clock import Clock
from dbsync.jobs.model import LOCAL_OWNER, JobSpec, JobState
from dbsync.jobs.service import Jobs
from dbsync.jobs.store import JobStore
from dbsync.jobs.ticks import Step, Tick, take_steps
from dbsync.schedule import Schedule
from dbsync.store import tables
from tests.fixtures.databases import Database
from tests.fixtures.jobs import ENDS, job_store
from tests.fixtures.yard import Yard, wait_for, yard

EACH_MINUTE = Schedule(cron="* * * * *")


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobStore]:
    url = request.getfixturevalue("store_db").url if request.param == "postgres" else None
    with job_store(tmp_path, url) as opened:
        yield opened


def clock(store: JobStore, schedule: Schedule, told: list[str] | None = None, project: str = "") -> Clock:
    def begin(name: str, tick: Tick) -> None:
        spec = JobSpec(options=SyncOptions(), agreed=True)
        Jobs(store, LOCAL_OWNER).create(spec, source=ENDS[0], target=ENDS[1], origin="schedule", name=name, tick=tick)

    return Clock(store, {"nightly": schedule}, begin, (told if told is not None else []).append, project=project)


def ticks(store: JobStore) -> list[tuple[float, str | None, str]]:
    with store.store.read() as connection:
        query = sa.select(tables.tick.c.due_at, tables.tick.c.job_id, tables.tick.c.outcome)
        return [tuple(row) for row in connection.execute(query.order_by(tables.tick.c.due_at))]


def firings(store: JobStore) -> list[tuple[str, float, str | None]]:
    with store.store.read() as connection:
        query = sa.select(tables.tick.c.project, tables.tick.c.due_at, tables.tick.c.job_id)
        return [tuple(row) for row in connection.execute(query)]


def test_eight_workers_that_look_at_once_fire_once(store: JobStore) -> None:
    clocks = [clock(store, EACH_MINUTE) for _ in range(8)]
    threads = [threading.Thread(target=each.look) for each in clocks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = ticks(store)
    jobs = store.list()
    assert [job.id for job in reversed(jobs)] == [job_id for _, job_id, _ in found if job_id is not None]
    assert len(jobs) == 1  # the first one is not over: a later minute would have been skipped
    assert jobs[0].state is JobState.QUEUED
    assert (jobs[0].name, jobs[0].origin) == ("nightly", "schedule")


def test_projects_that_share_a_store_fire_each_its_own_schedule_of_one_name(store: JobStore) -> None:
    """Each once, however many workers; a job of the one holds up no firing of the other."""
    for project in ("shop", "bank", "", "shop", "bank", ""):
        clock(store, EACH_MINUTE, project=project).look()
    assert store.count() == 3
    with store.store.read() as connection:
        assert sorted(connection.scalars(sa.select(tables.tick.c.project))) == ["", "bank", "shop"]
    _make_past(store)
    (first, *others) = store.list()
    store.claim(first.id, "w")
    store.finish(first.id, "w", JobState.SUCCEEDED)
    told: list[str] = []
    for project in ("shop", "bank", ""):
        clock(store, EACH_MINUTE, told, project).look()
    assert sorted(told) == ["schedule nightly: fired"] + ["schedule nightly: skipped: an earlier one is not over"] * 2
    assert len(others) == 2


def test_what_became_of_a_firing_is_told_to_its_own_project(store: JobStore) -> None:
    for project in ("shop", "bank"):
        clock(store, EACH_MINUTE, project=project).look()
    jobs = {job.id for job in store.list()}
    for job_id in jobs:
        store.claim(job_id, "w")
        store.finish(job_id, "w", JobState.SUCCEEDED)
    assert list(take_steps(store.store, "", ["nightly"])) == []
    shop, bank = (list(take_steps(store.store, project, ["nightly"])) for project in ("shop", "bank"))
    assert [step.kind for step in (*shop, *bank)] == ["begun", "ended"] * 2
    assert {shop[0].job_id, bank[0].job_id} == jobs


def test_a_firing_while_the_last_one_is_at_work_is_skipped_or_queued_as_asked(store: JobStore) -> None:
    clock(store, EACH_MINUTE).look()
    _make_past(store)
    told: list[str] = []
    clock(store, EACH_MINUTE, told).look()
    assert told == ["schedule nightly: skipped: an earlier one is not over"]
    _make_past(store)
    clock(store, Schedule(cron="* * * * *", overlap="queue")).look()
    assert [outcome.split(":")[0] for _, _, outcome in ticks(store)] == ["queued", "skipped", "queued"]
    assert store.count() == 2


def test_a_firing_that_is_to_fail_while_the_last_one_is_at_work_is_told_as_a_failure(store: JobStore) -> None:
    failing = Schedule(cron="* * * * *", overlap="fail")
    clock(store, failing).look()
    _make_past(store)
    told: list[int] = []
    looking = clock(store, failing)
    looking._refused = lambda name, error: told.append(error.exit_code)
    looking.look()
    assert ticks(store)[1][2] == "refused: TARGET_BUSY: an earlier one is not over"
    assert told == [5]


def test_a_firing_that_is_refused_is_settled_with_its_reason(store: JobStore) -> None:
    def begin(name: str, tick: Tick) -> None:
        raise Refused("the target is protected", code="PROTECTED_TARGET")

    Clock(store, {"nightly": EACH_MINUTE}, begin, lambda text: None).look()
    assert [outcome for _, _, outcome in ticks(store)] == ["refused: PROTECTED_TARGET: the target is protected"]


def test_what_was_missed_is_missed_or_made_up_for_once(store: JobStore) -> None:
    hourly = Schedule(cron="@hourly", grace_s=0.001)
    clock(store, Schedule(cron="@hourly", grace_s=7200)).look()
    assert store.count() == 1
    _make_past(store, seconds=7 * 3600)
    clock(store, hourly).look()
    assert [outcome for _, _, outcome in ticks(store)] == ["queued", "missed"]
    _make_past(store, seconds=7 * 3600)
    clock(store, Schedule(cron="@hourly", grace_s=0.001, misfire="run_once", overlap="queue")).look()
    assert [outcome for _, _, outcome in ticks(store)] == ["queued", "missed", "queued"]
    assert store.count() == 2


def test_jitter_puts_a_firing_off_and_loses_none(store: JobStore) -> None:
    late = Schedule(cron="* * * * *", jitter_s=1.0)
    looking = clock(store, late)
    until = time.monotonic() + 90
    while not ticks(store) and time.monotonic() < until:
        looking.look()
        time.sleep(0.2)
    assert [outcome for _, _, outcome in ticks(store)] == ["queued"]


def test_a_look_that_was_put_off_and_finds_no_store_is_told_and_raises_nothing(tmp_path: Path) -> None:
    with job_store(tmp_path) as store:
        told: list[str] = []
        looking = clock(store, EACH_MINUTE, told)
        with store.store.write() as connection:
            connection.execute(sa.text("DROP TABLE tick"))
        looking._look_again()
    assert len(told) == 1
    assert told[0].startswith("schedules cannot be looked at now: ")


def test_each_step_of_a_firings_job_is_had_by_one_of_those_who_look(store: JobStore) -> None:
    clock(store, EACH_MINUTE).look()
    (job,) = store.list()
    assert steps(store) == []
    store.claim(job.id, "w")
    assert steps(store) == [Step(job.id, "begun")]
    store.finish(job.id, "w", JobState.SUCCEEDED)
    assert steps(store) == [Step(job.id, "ended")]
    assert steps(store) == []
    assert [outcome for _, _, outcome in ticks(store)] == ["succeeded"]


def test_a_step_whose_job_cannot_be_read_stays_for_the_next_look(store: JobStore) -> None:
    clock(store, EACH_MINUTE).look()
    (job,) = store.list()
    store.change(job.id, JobState.STOPPED)
    asked: list[str] = []

    def away(job_id: str) -> None:
        asked.append(job_id)
        raise DbsyncError("the store is away", code="STORE_FAILED")

    with pytest.raises(DbsyncError, match="away"):
        next(take_steps(store.store, "", ["nightly"], away))
    assert asked == [job.id]
    assert steps(store) == [Step(job.id, "ended")]


def test_a_job_that_never_began_only_ends(store: JobStore) -> None:
    clock(store, EACH_MINUTE).look()
    (job,) = store.list()
    store.change(job.id, JobState.STOPPED)
    assert steps(store) == [Step(job.id, "ended")]
    assert list(take_steps(store.store, "", ["another"])) == []


def steps(store: JobStore) -> list[Step]:
    """What eight callers at once have of what became of the firings' jobs."""
    found: list[Step] = []
    threads = [
        threading.Thread(target=lambda: found.extend(take_steps(store.store, "", ["nightly"]))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _make_past(store: JobStore, seconds: float = 60.0) -> None:
    """Let what has fired have fired that much earlier."""
    with store.store.write() as connection:
        connection.execute(sa.update(tables.tick).values(due_at=tables.tick.c.due_at - seconds))


CONFIG = """
version: 1
project: {project}
databases:
  here: {{url: "env:HERE"}}
  there: {{url: "env:THERE"}}
syncs:
  nightly:
    source: here
    target: there
    mode: replace
    schedule: {{cron: "* * * * *", overlap: queue, timeout: 30m}}
"""


@pytest.mark.parametrize("engine", ["inline", "procrastinate"])
def test_workers_with_schedules_fire_each_of_them_once(
    engine: str, tmp_path: Path, store_db: Database, source_db: Database, target_db: Database
) -> None:
    """Two hosts of one project have its file at different places; a third worker is another project's."""
    source_db.execute("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item VALUES (1), (2)")
    target_db.execute("CREATE TABLE item (id int PRIMARY KEY)")
    with yard(tmp_path / "yard", store_db.url) as place:
        ends = {"HERE": source_db.url, "THERE": target_db.url}
        for directory, project in (("one", "shop"), ("another", "shop"), ("third", "bank")):
            config = tmp_path / directory / "dbsync.yaml"
            config.parent.mkdir()
            config.write_text(CONFIG.format(project=project))
            place.worker("--engine", engine, "--schedules", "--config", str(config), env=ends)
        wait_for(lambda: len(place.jobs.list(states=[JobState.SUCCEEDED])) >= 2, 75, place.told)
        fired, jobs = firings(place.jobs.store), place.jobs.list()
        assert {project for project, _, _ in fired} == {"shop", "bank"}, "the minute was another project's"
        assert len({(project, due_at) for project, due_at, _ in fired}) == len(fired) == len(jobs)
        assert {job_id for _, _, job_id in fired} == {job.id for job in jobs}
        assert {job.name for job in jobs} == {"nightly"}
        assert jobs[-1].read_spec().options.mode == "replace"
        assert jobs[-1].read_spec().timeout_s == 1800
        assert target_db.value("SELECT count(*) FROM item") == 2
        _no_secret(place)


@pytest.mark.parametrize("engine", ["inline", "procrastinate"])
def test_a_worker_that_only_works_off_the_queue_fires_what_is_due(
    engine: str, tmp_path: Path, store_db: Database, source_db: Database, target_db: Database
) -> None:
    for database in (source_db, target_db):
        database.execute("CREATE TABLE item (id int PRIMARY KEY)")
    config = tmp_path / "dbsync.yaml"
    config.write_text(CONFIG.format(project="shop"))
    with yard(tmp_path / "yard", store_db.url) as place:
        ends = {"HERE": source_db.url, "THERE": target_db.url}
        worker = place.worker("--once", "--engine", engine, "--schedules", "--config", str(config), "--json", env=ends)
        assert worker.wait().ended(0).result["ended"].get("succeeded", 0) >= 1


@pytest.mark.parametrize(("overlap", "outcome"), [("skip", "skipped: job "), ("fail", "refused: TARGET_BUSY: job ")])
def test_a_firing_while_another_job_holds_the_target_does_not_wait_for_it(
    overlap: str, outcome: str, tmp_path: Path, source_db: Database, target_db: Database
) -> None:
    for database in (source_db, target_db):
        database.execute("CREATE TABLE item (id int PRIMARY KEY)")
    config = tmp_path / "dbsync.yaml"
    config.write_text(CONFIG.format(project="shop").replace("queue", overlap))
    with yard(tmp_path / "yard") as place:
        store, ends = place.jobs.store, {"HERE": source_db.url, "THERE": target_db.url}
        once = ("--once", "--schedules", "--config", str(config), "--json")
        place.worker(*once, env=ends).wait().ended(0)
        fired = place.jobs.list()[0]
        other = place.jobs.create(
            fired.read_spec(),
            source=(fired.source_id, "here"),
            target=(fired.target_id, "there"),
            origin="terminal",
        )
        store.begin(other.id, "terminal 1 on here", "0123456789ab")
        _make_past(store)
        place.worker(*once, env=ends).wait(12).ended(0)
        assert ticks(store)[-1][2].startswith(outcome)
        assert {job.id for job in place.jobs.list(states=[JobState.QUEUED])} == set()


def _no_secret(place: Yard) -> None:
    """Neither a URL's password nor the key stands in any row of the store or of the queue."""
    with place.registry.store.read() as connection:
        names = connection.execute(
            sa.text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'dbsync_store'")
        ).scalars()
        for name in names.all():
            for (row,) in connection.execute(sa.text(f'SELECT t::text FROM dbsync_store."{name}" t')):
                assert "postgresql://" not in row, name
                assert place.env["DBSYNC_KEY"] not in row, name
