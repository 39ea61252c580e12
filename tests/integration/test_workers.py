"""One suite for every kind of worker: jobs end in the same bytes, judged by an oracle that shares no code.

Real processes: a SQLite file with one worker, a Postgres store with one, and Procrastinate with one and with three.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from dbsync.control import Control
from dbsync.data.options import SyncOptions
from dbsync.errors import DbsyncError
from dbsync.jobs.ends import KeptEnds
from dbsync.jobs.model import Job, JobState
from dbsync.jobs.presence import Presence
from dbsync.jobs.queue import Engine, InlineQueue, open_queue
from dbsync.jobs.rows import keep_tables
from dbsync.jobs.store import JobStore
from dbsync.jobs.worker import make_worker
from dbsync.registry import open_registry
from dbsync.store.tables import job as job_row
from tests.fixtures import oracle
from tests.fixtures.databases import Database
from tests.fixtures.yard import Yard, wait_for, yard

SHOP = """
CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE line (id int PRIMARY KEY, item int NOT NULL REFERENCES item, count int);
CREATE TABLE note (id int PRIMARY KEY, text text);
"""
ROWS = """
INSERT INTO item SELECT n, 'item ' || n FROM generate_series(1, 300) n;
INSERT INTO line SELECT n, n % 300 + 1, n FROM generate_series(1, 2000) n;
INSERT INTO note SELECT n, repeat('x', 100) FROM generate_series(1, 500) n;
"""
Kind = tuple[str, int, Engine]
KINDS: dict[str, Kind] = {
    "sqlite inline": ("sqlite", 1, "inline"),
    "postgres inline": ("postgres", 1, "inline"),
    "one with procrastinate": ("postgres", 1, "procrastinate"),
    "three with procrastinate": ("postgres", 3, "procrastinate"),
}
S = JobState


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def place(kind: Kind, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Yard]:
    """A store without workers."""
    store = request.getfixturevalue("store_db").url if kind[0] == "postgres" else None
    with yard(tmp_path / "yard", store) as made:
        made.queue = open_queue(kind[2], made.registry.store)
        yield made


@pytest.fixture
def workers(kind: Kind, place: Yard) -> Yard:
    """The store, and the workers of this kind, ready."""
    start(place, kind)
    return place


def start(place: Yard, kind: Kind) -> None:
    begun = [place.worker("--engine", kind[2]) for _ in range(kind[1])]
    alive = Presence(place.registry.store).alive
    wait_for(lambda: len(alive()) >= kind[1] or any(each.over for each in begun))
    assert not any(each.over for each in begun), place.told()


@pytest.fixture
def shop(source_db: Database, target_db: Database) -> tuple[Database, Database]:
    source_db.execute(SHOP, ROWS)
    target_db.execute(SHOP)
    return source_db, target_db


def same(shop: tuple[Database, Database]) -> bool:
    return oracle.differences(shop[0].url, shop[1].url) == [] and oracle.leftovers(shop[1].url) == []


def held_up(place: Yard, shop: tuple[Database, Database], blocker: psycopg.Connection) -> Job:
    """A job that has committed ``note`` and waits for a lock on ``item``."""
    blocker.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")
    job = place.job(shop[0].url, shop[1].url)
    wait_for(lambda: any(table.state == "done" for table in place.jobs.tables(job.id)), why=place.told)
    return job


def test_a_queued_job_is_run_to_its_end(workers: Yard, shop: tuple[Database, Database]) -> None:
    job = workers.until(workers.job(shop[0].url, shop[1].url), S.SUCCEEDED, S.FAILED)
    assert job.state is S.SUCCEEDED, job.error
    assert same(shop)


def test_a_job_is_paused_resumed_stopped_and_tried_again(workers: Yard, shop: tuple[Database, Database]) -> None:
    with psycopg.connect(shop[1].url) as blocker:
        job = held_up(workers, shop, blocker)
        workers.jobs.pause(job.id)
        workers.until(job, S.PAUSED, seconds=8)
    with psycopg.connect(shop[1].url) as blocker:
        blocker.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")
        workers.jobs.resume(job.id)
        workers.until(job, S.RUNNING)
        workers.jobs.stop(job.id)
        workers.until(job, S.STOPPED, seconds=8)
    assert shop[1].value("SELECT count(*) FROM line") == 0
    workers.jobs.retry(job.id)
    assert workers.until(job, S.SUCCEEDED, S.FAILED).state is S.SUCCEEDED
    assert same(shop)


def test_a_worker_that_is_told_to_end_gives_its_job_back_within_five_seconds(
    workers: Yard, kind: Kind, shop: tuple[Database, Database]
) -> None:
    with psycopg.connect(shop[1].url) as blocker:
        job = held_up(workers, shop, blocker)
        for each in workers.running:
            each.send(signal.SIGTERM)
        for each in workers.running:
            ended = each.wait(7)
            assert ended.exit_code == 0, ended
            assert ended.elapsed_s < 30, ended
        assert workers.state(job) is S.QUEUED
        assert Presence(workers.registry.store).alive() == []
    start(workers, kind)
    assert workers.until(job, S.SUCCEEDED, S.FAILED).state is S.SUCCEEDED
    assert same(shop)


def test_a_killed_workers_job_is_taken_over_within_twenty_seconds(
    workers: Yard, kind: Kind, shop: tuple[Database, Database]
) -> None:
    with psycopg.connect(shop[1].url) as blocker:
        job = held_up(workers, shop, blocker)
        holder = workers.jobs.get(job.id).lease_owner
        assert holder is not None
        killed = next(each for each in workers.running if f"-{each.pid}-" in holder)
        killed.kill()
        if kind[1] == 1:
            workers.worker("--engine", kind[2])
        wait_for(lambda: workers.jobs.get(job.id).attempts == 2, 20, workers.told)
    ended = workers.until(job, S.SUCCEEDED, S.FAILED)
    assert ended.state is S.SUCCEEDED, ended.error
    assert same(shop)


def test_once_works_off_what_is_queued_and_ends(place: Yard, kind: Kind, shop: tuple[Database, Database]) -> None:
    jobs = [place.job(shop[0].url, shop[1].url) for _ in range(2)]
    ended = place.worker("--once", "--engine", kind[2], "--json").wait().ended(0)
    assert ended.result["ended"] == {"succeeded": 2}, ended
    assert [place.state(job) for job in jobs] == [S.SUCCEEDED, S.SUCCEEDED]
    assert same(shop)


@pytest.mark.parametrize("concurrency", [1, 2])
def test_once_goes_on_where_a_job_ends_just_after_the_look(
    concurrency: int, tmp_path: Path, shop: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its slot was taken, or its target, when the worker looked, and neither is when it decides."""
    with yard(tmp_path / "yard") as place, psycopg.connect(shop[1].url) as blocker:
        jobs = [place.job(shop[0].url, shop[1].url) for _ in range(3)]
        store = place.jobs.store
        worker = make_worker(
            store,
            KeptEnds(registry=place.registry),
            InlineQueue(),
            engine="inline",
            concurrency=concurrency,
            tell=print,
        )
        look = worker._begin_jobs
        looks = itertools.count(1)

        def slow_look() -> bool:
            found = look()
            if next(looks) == 2:
                blocker.rollback()
                wait_for(lambda: not worker._running)
            return found

        monkeypatch.setattr(worker, "_begin_jobs", slow_look)
        blocker.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")
        worker.serve(Control(), once=True)
        assert [place.state(job) for job in jobs] == [S.SUCCEEDED] * 3
        assert worker.ended == {"succeeded": 3}
    assert same(shop)


def test_once_sees_a_job_that_was_queued_when_it_had_made_up_its_mind_to_end(
    tmp_path: Path, shop: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever queued it has seen that a worker is there, and has started none."""
    with yard(tmp_path / "yard") as place:
        ends, presence = KeptEnds(registry=place.registry), Presence(place.jobs.store.store)
        worker = make_worker(place.jobs.store, ends, InlineQueue(), engine="inline", concurrency=1, tell=print)
        needed, jobs = worker._is_needed, list[Job]()

        def late() -> bool:
            found = needed()
            if len(jobs) < 2:
                jobs.append(place.job(shop[0].url, shop[1].url))
                assert [each.id for each in presence.alive()] == [worker.id]
            return found

        monkeypatch.setattr(worker, "_is_needed", late)
        worker.serve(Control(), once=True)
        assert [place.state(job) for job in jobs] == [S.SUCCEEDED] * 2
        assert presence.alive() == []


@pytest.mark.parametrize("held", [False, True], ids=["it rests", "a terminal holds its target"])
def test_once_does_not_leave_a_job_behind_that_may_begin_only_later(
    held: bool, tmp_path: Path, shop: tuple[Database, Database]
) -> None:
    with yard(tmp_path / "yard") as place:
        store = place.jobs.store
        other, job = (place.job(shop[0].url, shop[1].url, start=start) for start in (False, not held))
        if held:
            store.begin(other.id, "terminal 1 on here", "0123456789ab")
            place.jobs.start(job.id)
        else:
            store.claim(job.id, "w")
            store.finish(job.id, "w", S.QUEUED, delay_s=4.0)
        worker = place.worker("--once", "--json")
        wait_for(lambda: Presence(store.store).alive() or worker.over)
        assert worker.over is False, place.told()
        assert place.worker("--once", "--json").wait(20).ended(0).result["ended"] == {}  # one that waits is enough
        if held:
            store.finish(other.id, "terminal 1 on here", S.STOPPED)
        assert worker.wait(30).ended(0).result["ended"] == {"succeeded": 1}
        assert place.state(job) is S.SUCCEEDED


def test_two_jobs_for_one_target_are_run_one_after_the_other(workers: Yard, shop: tuple[Database, Database]) -> None:
    with psycopg.connect(shop[1].url) as blocker:
        first = held_up(workers, shop, blocker)
        second = workers.job(shop[0].url, shop[1].url, SyncOptions(mode="replace"))
        wait_for(lambda: workers.state(first) is S.RUNNING)
        assert workers.state(second) is S.QUEUED
    assert workers.until(second, S.SUCCEEDED, S.FAILED).attempts == 1
    assert workers.state(first) is S.SUCCEEDED
    assert same(shop)


def test_a_host_that_vanished_in_mid_transaction_keeps_nobody_from_its_job(
    tmp_path: Path, store_db: Database, shop: tuple[Database, Database]
) -> None:
    """The store's server is not told; what the host had locked there is free again before the lease has run out."""
    with yard(tmp_path / "yard", store_db.url) as place, psycopg.connect(shop[1].url) as blocker:
        lost = place.worker("--engine", "inline")
        job = held_up(place, shop, blocker)
        place.worker("--engine", "inline")
        wait_for(lambda: len(Presence(place.registry.store).alive()) == 2, why=place.told)
        vanished = ExitStack()
        connection = vanished.enter_context(place.registry.store.write())
        connection.execute(sa.select(job_row.c.id).where(job_row.c.id == job.id).with_for_update())
        keep_tables(connection, job.id, place.jobs.tables(job.id))
        lost.kill()
        blocker.rollback()
        with open_registry(place.place) as registry:
            jobs = JobStore(registry.store)
            wait_for(lambda: jobs.get(job.id).attempts == 2, 20, place.told)
        with pytest.raises(DbsyncError, match="idle-in-transaction"):
            vanished.close()
        assert place.until(job, S.SUCCEEDED, S.FAILED).state is S.SUCCEEDED
    assert same(shop)


def test_a_message_that_was_lost_and_one_that_came_twice_cost_nothing(
    tmp_path: Path, store_db: Database, shop: tuple[Database, Database]
) -> None:
    """Workers look into the store as well, where a job can be claimed once."""
    with yard(tmp_path / "yard", store_db.url) as place:
        for _ in range(2):
            place.worker("--engine", "procrastinate")
        wait_for(lambda: len(Presence(place.registry.store).alive()) == 2, why=place.told)
        silent = place.job(shop[0].url, shop[1].url)  # the yard's own queue sends no message
        assert place.until(silent, S.SUCCEEDED, S.FAILED).state is S.SUCCEEDED
        place.queue = open_queue("procrastinate", place.registry.store)
        shop[1].execute("TRUNCATE line, item, note")
        loud = place.job(shop[0].url, shop[1].url, start=False)
        place.queue.send_job(loud)  # too early
        started = place.jobs.start(loud.id)
        for _ in range(3):
            place.queue.send_job(started)
        assert place.until(loud, S.SUCCEEDED, S.FAILED).state is S.SUCCEEDED
        assert [place.jobs.get(job.id).attempts for job in (silent, loud)] == [1, 1]
        messages = "SELECT count(*) FROM dbsync_store.procrastinate_jobs"
        wait_for(lambda: store_db.value(messages) == 0, why=place.told)
    assert same(shop)


def test_a_queue_that_needs_a_server_is_refused_where_the_store_is_a_file(tmp_path: Path) -> None:
    with yard(tmp_path / "yard") as place:
        ended = place.worker("--engine", "procrastinate", "--json").wait().ended(2)
        assert "Postgres" in ended.error["message"]
        assert "DBSYNC_STORE" in ended.error["hint"]
