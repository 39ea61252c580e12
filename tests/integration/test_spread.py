"""One job over several workers: ranges of its tables are staged by any of them, under one snapshot and one fence."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from dbsync.control import Control
from dbsync.data.options import SyncOptions
from dbsync.data.parts import Part, copy_part
from dbsync.errors import ConnectionLost, Fenced, StatementFailed
from dbsync.jobs.model import Job, JobState
from dbsync.jobs.parts import Key, PartStore
from dbsync.jobs.presence import Presence
from dbsync.jobs.queue import Engine, open_queue
from dbsync.jobs.spread import Helper
from dbsync.pg.database import Database as Opened
from dbsync.pg.snapshot import import_snapshot
from dbsync.store.tables import part as _part
from dbsync.urls import parse_url
from tests.fixtures import oracle
from tests.fixtures.command import Running
from tests.fixtures.databases import Database
from tests.fixtures.yard import Yard, wait_for, yard

SCHEMA = """
CREATE TABLE maker (id int PRIMARY KEY, name text);
CREATE TABLE thing (id int PRIMARY KEY, maker int NOT NULL REFERENCES maker, name text, at timestamptz);
"""
ROWS = """
INSERT INTO maker SELECT n, 'maker ' || n FROM generate_series(1, 1000) n;
INSERT INTO thing SELECT n, n % 1000 + 1, repeat(md5(n::text), 3), now() - n * interval '1 s'
  FROM generate_series(1, 60000) n;
ANALYZE;
"""
SMALL = SyncOptions(chunk_bytes=1024 * 1024)  # thing has some eight of them
S = JobState


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    """How workers hear of parts; one test asks for both ways."""
    chosen: Engine = getattr(request, "param", "procrastinate")
    return chosen


@pytest.fixture
def place(engine: Engine, tmp_path: Path, store_db: Database) -> Iterator[Yard]:
    with yard(tmp_path / "yard", store_db.url) as made:
        made.queue = open_queue(engine, made.registry.store)
        yield made


@pytest.fixture
def things(source_db: Database, target_db: Database) -> tuple[Database, Database]:
    source_db.execute(SCHEMA, ROWS)
    target_db.execute(SCHEMA)
    return source_db, target_db


def start(place: Yard, engine: Engine, count: int = 1, failpoint: str | None = None) -> list[Running]:
    env = {"DBSYNC_FAILPOINT": failpoint} if failpoint else {}
    begun = [place.worker("--engine", engine, env=env) for _ in range(count)]
    wait_for(lambda: {each.pid for each in begun} <= alive(place), why=place.told)
    return begun


def alive(place: Yard) -> set[int]:
    return {each.pid for each in Presence(place.registry.store).alive()}


def begun_with(place: Yard, engine: Engine, things: tuple[Database, Database], failpoint: str) -> tuple[Job, Running]:
    """A job at work on a worker that takes its time for each part, and a helper with a failpoint that comes then."""
    (helper,) = start(place, engine, failpoint=failpoint)
    start(place, engine, failpoint="before_copy_end=sleep:2")
    helper.send(signal.SIGSTOP)  # so that it is the other one that takes the job
    job = place.job(things[0].url, things[1].url, SMALL)
    wait_for(lambda: place.state(job) is S.RUNNING, why=place.told)
    helper.send(signal.SIGCONT)
    return place.jobs.get(job.id), helper


def parts(place: Yard, job: Job) -> list[tuple[str, str | None, int]]:
    """State, holder and tries of the job's parts."""
    with place.registry.store.read() as connection:
        query = sa.select(_part.c.state, _part.c.lease_owner, _part.c.tries).where(_part.c.job_id == job.id)
        return [tuple(row) for row in connection.execute(query)]


def ended_well(place: Yard, job: Job, things: tuple[Database, Database]) -> None:
    ended = place.until(job, S.SUCCEEDED, S.FAILED)
    assert ended.state is S.SUCCEEDED, ended.error
    assert ended.attempts == 1
    assert ended.result is not None
    assert ended.result["verified"] is True
    assert oracle.differences(things[0].url, things[1].url) == []
    assert oracle.leftovers(things[1].url) == []


def stagers(things: tuple[Database, Database], job: Job) -> dict[str, int]:
    found = things[1].query(
        "SELECT worker, count(*) FROM dbsync.run_part WHERE run_id = %s GROUP BY worker", [job.run_id]
    )
    return dict(found)


@pytest.mark.parametrize("engine", ["inline", "procrastinate"], indirect=True)
def test_ranges_of_one_table_are_staged_by_several_workers(
    place: Yard, engine: Engine, things: tuple[Database, Database]
) -> None:
    start(place, engine, 2, "before_copy_end=sleep:0.5")  # so that both have the time to come
    job = place.job(things[0].url, things[1].url, SMALL)
    ended_well(place, job, things)
    job = place.jobs.get(job.id)
    by = stagers(things, job)
    assert sum(by.values()) >= 8
    assert len(by.keys() - {"the run itself"}) >= 1, by
    assert job.result is not None
    assert job.result["totals"]["rows_inserted"] == 61000
    assert things[1].value("SELECT sum(rows) FROM dbsync.run_part WHERE run_id = %s", [job.run_id]) == 61000
    assert things[0].query("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'dbsync %%'", []) == []


@pytest.mark.parametrize("point", ["before_part", "after_part"])
def test_a_part_whose_worker_was_killed_is_taken_over(
    place: Yard, engine: Engine, things: tuple[Database, Database], point: str
) -> None:
    job, helper = begun_with(place, engine, things, f"{point}=kill")
    assert helper.wait_quietly() == -signal.SIGKILL
    assert [tries for state, _, tries in parts(place, job) if state == "running"].count(0) >= 1
    ended_well(place, job, things)


def test_a_worker_that_stalls_in_its_part_and_wakes_up_changes_nothing(
    place: Yard, engine: Engine, things: tuple[Database, Database]
) -> None:
    """Stopped with its sessions open, as a machine that swaps or a process under a debugger is."""
    job, helper = begun_with(place, engine, things, "before_part=sleep:4")
    wait_for(lambda: any(f"-{helper.pid}-" in (owner or "") for _, owner, _ in parts(place, job)), why=place.told)
    helper.send(signal.SIGSTOP)
    ended_well(place, job, things)
    helper.send(signal.SIGCONT)
    wait_for(lambda: helper.pid in alive(place), why=place.told)
    assert not helper.over, place.told()
    assert oracle.differences(things[0].url, things[1].url) == []
    assert oracle.leftovers(things[1].url) == []


def test_a_job_that_is_spread_is_paused_within_five_seconds_and_goes_on(
    place: Yard, engine: Engine, things: tuple[Database, Database]
) -> None:
    job, _ = begun_with(place, engine, things, "before_part=sleep:30")
    wait_for(lambda: any(state == "running" for state, _, _ in parts(place, job)), why=place.told)
    place.jobs.pause(job.id)
    place.until(job, S.PAUSED, seconds=8)
    assert parts(place, job) == []
    assert oracle.leftovers(things[1].url) == []
    assert things[1].value("SELECT count(*) FROM thing") == 0
    place.jobs.resume(job.id)
    assert place.until(job, S.SUCCEEDED, S.FAILED).state is S.SUCCEEDED
    assert oracle.differences(things[0].url, things[1].url) == []


def test_a_part_of_a_run_that_is_over_can_write_no_more(
    place: Yard, engine: Engine, things: tuple[Database, Database]
) -> None:
    """What a worker does that was cut off, and whose sessions nobody could end, when it is back."""
    start(place, engine, 2)
    job = place.job(things[0].url, things[1].url, SMALL)
    ended_well(place, job, things)
    run_id = place.jobs.get(job.id).run_id
    fence = things[1].value("SELECT value FROM dbsync.fence")
    things[1].execute("CREATE UNLOGGED TABLE dbsync.late AS SELECT * FROM thing WITH NO DATA")
    with psycopg.connect(things[0].url) as holder:
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        (snapshot,) = holder.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        part = Part.from_dict(
            dict(
                run_id=run_id,
                number=900,
                source={"schema": "public", "name": "thing"},
                source_only=True,
                staging={"schema": "dbsync", "name": "late"},
                columns=["id", "maker", "name", "at"],
                binary=False,
                where=None,
                pages=[0, 10],
                snapshot=snapshot,
                fence=fence,
                lock_pid=1,
            )
        )
        assert Part.from_dict({**part.to_dict(), "of_a_later_version": 1}) == part
        with pytest.raises(ConnectionLost, match="run lock was lost"):
            stage(part, things)
        things[1].execute("UPDATE dbsync.fence SET value = value + 1")
        with pytest.raises(Fenced):
            stage(part, things)
    assert things[1].value("SELECT count(*) FROM dbsync.late") == 0


def test_a_helper_does_not_wait_for_ever_behind_who_waits_for_the_run(
    place: Yard, things: tuple[Database, Database]
) -> None:
    """An ALTER TABLE of the source waits for the run's own lock, and the reader behind it, which no server resolves."""
    job = place.jobs.store.begin(
        place.job(things[0].url, things[1].url, SMALL, start=False).id, "runner", "0123456789ab"
    )
    urls = (parse_url(things[0].url), parse_url(things[1].url))
    helper, other_helper = (Helper(place.jobs.store, lambda job: urls, name) for name in ("late", "other"))
    with (
        psycopg.connect(things[0].url) as holder,
        psycopg.connect(things[0].url) as other,
        ThreadPoolExecutor() as threads,
    ):
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        holder.execute("LOCK TABLE thing IN ACCESS SHARE MODE")
        (snapshot,) = holder.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        other.execute("SET lock_timeout = '20s'")
        altered = threads.submit(other.execute, "ALTER TABLE thing ADD late int")
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'thing'::regclass"
        wait_for(lambda: things[0].value(waits) == 1, why=place.told)
        work = {
            "run_id": "0123456789ab", "number": 1, "source": {"schema": "public", "name": "thing"}, "source_only": True,
            "staging": {"schema": "public", "name": "thing"}, "columns": ["id"], "binary": False, "where": None,
            "pages": None, "snapshot": snapshot, "fence": 1, "lock_pid": 1, "lock_timeout_s": 0.3,
        }  # fmt: skip
        PartStore(place.registry.store).offer(job.id, {Key("0123456789ab", 1): work})
        taken = helper.take()
        assert taken is not None
        error = helper.carry_out(taken, Control())
        assert (isinstance(error, StatementFailed) and error.sqlstate) == "55P03", error
        taken = helper.take()
        assert taken is not None, "somebody's lock goes by"
        assert not altered.done()
        holder.rollback()
        altered.result()
    assert isinstance(helper.carry_out(taken, Control()), StatementFailed)  # the snapshot is gone with its holder
    assert helper.take() is None
    assert other_helper.take() is not None, "it was given back"


def stage(part: Part, things: tuple[Database, Database]) -> None:
    class Unhurried:
        def check(self) -> None: ...

        def rest(self, count: int) -> float:
            return 0.0

    with (
        closing(Opened(parse_url(things[0].url), read_only=True).connect()) as reader,
        closing(Opened(parse_url(things[1].url)).connect()) as writer,
    ):
        import_snapshot(reader, part.snapshot)
        copy_part(part, reader, writer, by="late", pace=Unhurried(), progress=lambda rows, size: None)


def test_what_is_not_spread_says_why(place: Yard, engine: Engine, things: tuple[Database, Database]) -> None:
    start(place, engine)
    alone = place.until(place.job(things[0].url, things[1].url, SMALL), S.SUCCEEDED)
    assert notices(place, alone) == ["large tables are not spread over workers: no other worker is there"]
    start(place, engine)
    things[1].execute("TRUNCATE thing, maker")
    unbooked = replace(SMALL, ledger=False)
    without = place.until(place.job(things[0].url, things[1].url, unbooked), S.SUCCEEDED)
    assert "large tables are not spread over workers: --no-ledger" in notices(place, without)


def notices(place: Yard, job: Job) -> list[str]:
    return [event.data["message"] for event in place.jobs.events(job.id) if event.kind == "notice"]
