"""The queue's messages: through a pooler in session mode or not at all, and what a dead worker left of them."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbsync.jobs import procrastinate_queue
from dbsync.jobs.model import JobState
from dbsync.jobs.presence import Presence
from dbsync.jobs.procrastinate_queue import Ears, Listener
from dbsync.jobs.queue import open_queue
from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.databases import Database
from tests.fixtures.poolers import pgbouncer
from tests.fixtures.yard import KEY, wait_for, yard


@pytest.fixture
def pooler_place(run_directory: Path) -> Iterator[Path]:
    """A directory that the servers' user can reach."""
    made = run_directory / "pooled workers"
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """A worker steers its libraries' loggers for its whole process, which here goes on."""
    told = [logging.getLogger(name) for name in ("procrastinate", "psycopg.pool")]
    before = [(each, each.parent, each.level) for each in told]
    yield
    for each, parent, level in before:
        each.parent = parent
        each.setLevel(level)


def behind(port: int, store: Database) -> str:
    """The store's URL by way of the pooler."""
    return store.url.replace(f":{store.server.port}/", f":{port}/")


def test_the_queue_is_heard_through_a_pooler_in_session_mode(
    tmp_path: Path, pooler_place: Path, store_db: Database, source_db: Database, target_db: Database
) -> None:
    source_db.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 1000)")
    target_db.execute("CREATE TABLE t (id int PRIMARY KEY)")
    with pgbouncer(store_db.server, pooler_place, mode="session") as port:
        with yard(tmp_path / "yard", behind(port, store_db)) as place:
            place.queue = open_queue("procrastinate", place.registry.store)
            worker = place.worker("--engine", "procrastinate")
            wait_for(lambda: Presence(place.registry.store).alive() or worker.over, why=place.told)
            listening = (
                "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'LISTEN %' AND datname = current_database()"
            )
            wait_for(lambda: store_db.value(listening), why=place.told)
            job = place.job(source_db.url, target_db.url)
            ended = place.until(job, JobState.SUCCEEDED, JobState.FAILED)
            assert ended.state is JobState.SUCCEEDED, ended.error
            wait_for(lambda: store_db.value("SELECT count(*) FROM dbsync_store.procrastinate_jobs") == 0)
        assert oracle.differences(source_db.url, target_db.url) == []


@pytest.mark.parametrize("engine", ["inline", "procrastinate"])
def test_a_store_behind_a_pooler_in_transaction_mode_is_refused(
    engine: str, tmp_path: Path, pooler_place: Path, store_db: Database
) -> None:
    """Its sessions are not sessions: locks would be somebody else's, and LISTEN would hear nothing."""
    with pgbouncer(store_db.server, pooler_place, mode="transaction") as port:
        env = {"DBSYNC_KEY": KEY, "DBSYNC_STORE": behind(port, store_db)}
        ended = Command(tmp_path).run("worker", "--once", "--engine", engine, "--json", env=env).ended(4)
    assert "transaction mode" in ended.error["message"]
    assert "session-mode port" in ended.error["hint"]
    assert store_db.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'dbsync_store'") == 0


def test_the_first_command_makes_the_store_and_the_queues_tables(tmp_path: Path, store_db: Database) -> None:
    env = {"DBSYNC_KEY": KEY, "DBSYNC_STORE": store_db.url}
    Command(tmp_path).run("connections", "add", "mine", store_db.url, "--json", env=env).ended(0)
    made = "SELECT count(*) FROM pg_tables WHERE schemaname = 'dbsync_store' AND tablename = ANY(%s)"
    assert store_db.value(made, [["job", "procrastinate_jobs", "procrastinate_workers"]]) == 3


def test_while_every_job_that_was_heard_of_is_at_work_the_minute_is_heard(tmp_path: Path, store_db: Database) -> None:
    """Each one is run by who heard of it: schedules would not fire before one of them is over."""
    with yard(tmp_path / "yard", store_db.url) as place:
        queue = open_queue("procrastinate", place.registry.store)
        over, begun, heard = threading.Event(), threading.Event(), threading.Event()

        def run(job_id: str) -> None:
            begun.set()
            over.wait(30)

        ears = Ears(job=run, part=lambda job_id, number: None, minute=heard.set)
        try:
            with Listener(place.registry.store, ears, concurrency=1):
                queue.send_job(place.job(store_db.url, store_db.url, start=False))
                assert begun.wait(10)
                heard.clear()
                app = queue._app  # type: ignore[attr-defined]
                app.configure_task("dbsync.minute", allow_unknown=True, queue="dbsync.clock").defer(timestamp=0)
                assert heard.wait(10), "the minute waits for the job"
                over.set()
        finally:
            over.set()
            queue.close()


def test_the_message_of_a_worker_that_died_is_swept_by_those_that_live(
    tmp_path: Path, store_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Procrastinate would keep it as being done for ever. The job itself is found by its lease, without messages."""
    monkeypatch.setattr(procrastinate_queue, "_TIDY_S", 12.0)  # more than the ten seconds between heartbeats
    left = "SELECT array_agg(args->>'job_id' ORDER BY id) FROM dbsync_store.procrastinate_jobs"
    with yard(tmp_path / "yard", store_db.url) as place:
        place.queue = open_queue("procrastinate", place.registry.store)
        dead, alive = (place.job(store_db.url, store_db.url, start=False) for _ in range(2))
        for job in (dead, alive):
            place.queue.send_job(job)
        store_db.execute(
            "SET search_path = dbsync_store;"
            " INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour'), (now() + interval '1 hour');"
            " UPDATE procrastinate_jobs SET status = 'doing',"
            " worker_id = CASE args->>'job_id' WHEN '" + dead.id + "' THEN 1 ELSE 2 END"
        )
        heard: list[str] = []
        ears = Ears(job=heard.append, part=lambda job_id, number: None)
        with Listener(place.registry.store, ears, concurrency=1):
            wait_for(lambda: store_db.value(left) == [alive.id], 11 + 12, lambda: str(store_db.value(left)))
        assert heard == []
