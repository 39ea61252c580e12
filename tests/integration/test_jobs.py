"""Jobs on both kinds of store: run, paused, resumed, stopped, taken back; judged by an oracle of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from dbsync.control import Control
from dbsync.data.options import SyncOptions
from dbsync.errors import Fenced, Interrupted, InvalidTransition, JobBusy, JobNotFound
from dbsync.jobs.model import LOCAL_OWNER, Job, JobState, JobTable
from dbsync.jobs.presence import Presence, new_worker_id
from dbsync.jobs.recorder import Recorder
from dbsync.jobs.runner import Runner, sweep
from dbsync.jobs.service import Jobs
from dbsync.jobs.store import JobStore
from dbsync.store import tables
from tests.fixtures import oracle
from tests.fixtures.databases import Database
from tests.fixtures.jobs import job_store, new_job, urls_of

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


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobStore]:
    url = request.getfixturevalue("store_db").url if request.param == "postgres" else None
    with job_store(tmp_path, url) as opened:
        yield opened


@pytest.fixture
def shop(source_db: Database, target_db: Database) -> tuple[Database, Database]:
    source_db.execute(SHOP, ROWS)
    target_db.execute(SHOP)
    return source_db, target_db


@pytest.fixture
def runner(store: JobStore, shop: tuple[Database, Database]) -> Runner:
    return Runner(store, urls_of(shop[0].url, shop[1].url), "w1")


def queued(store: JobStore, options: SyncOptions | None = None) -> Job:
    return Jobs(store, LOCAL_OWNER).start(new_job(store, options).id)


def claimed(store: JobStore, job: Job, worker: str = "w1") -> Job:
    found = store.claim(job.id, worker)
    assert found is not None
    return found


def history(store: JobStore, job: Job) -> list[str]:
    return [event.data["to"] for event in store.events(job.id) if event.kind == "state"]


def test_a_job_runs_to_its_end_and_tells_all_of_it(
    store: JobStore, shop: tuple[Database, Database], runner: Runner
) -> None:
    job = runner.run(claimed(store, queued(store)), Control())
    assert job.state is JobState.SUCCEEDED, job.error
    assert oracle.differences(shop[0].url, shop[1].url) == []
    assert history(store, job) == ["created", "queued", "running", "succeeded"]
    assert [table.state for table in store.tables(job.id)] == ["done"] * 3
    assert {table.name: table.facts["rows"] for table in store.tables(job.id)} == {
        "public.item": 300,
        "public.line": 2000,
        "public.note": 500,
    }
    assert job.result is not None
    assert job.result["verified"] is True
    assert job.result["run_id"] == job.run_id == job.id.replace("-", "")[:12]
    assert shop[1].value("SELECT state FROM dbsync.run WHERE run_id = %s", [job.run_id]) == "succeeded"
    metrics = Jobs(store, LOCAL_OWNER).metrics(job.id)
    assert (metrics.rows, metrics.rows_inserted, metrics.attempts, metrics.errors) == (2800, 2800, 1, 0)
    assert metrics.peak_rss_bytes is not None
    assert metrics.bytes > 50_000
    numbers = [event.number for event in store.events(job.id)]
    assert numbers == list(range(1, job.events + 1))


def test_a_job_that_is_paused_goes_on_from_what_it_committed(
    store: JobStore, shop: tuple[Database, Database], runner: Runner
) -> None:
    """``note`` is committed; ``item`` and ``line`` wait for a lock that somebody holds."""
    jobs = Jobs(store, LOCAL_OWNER)
    with psycopg.connect(shop[1].url) as blocker:
        blocker.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")
        job = claimed(store, queued(store))
        ended: list[Job] = []
        thread = threading.Thread(target=lambda: ended.append(runner.run(job, Control())))
        thread.start()
        wait_for(lambda: any(table.state == "done" for table in store.tables(job.id)))
        asked = time.monotonic()
        assert jobs.pause(job.id).state is JobState.PAUSING
        thread.join(10)
        assert time.monotonic() - asked < 15
        assert [one.state for one in ended] == [JobState.PAUSED]
    assert (
        shop[0].query("SELECT pid FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()")
        == []
    )
    assert shop[1].value("SELECT count(*) FROM note") == 500
    assert shop[1].value("SELECT count(*) FROM line") == 0
    jobs.resume(job.id)
    again = runner.run(claimed(store, job), Control())
    assert again.state is JobState.SUCCEEDED, again.error
    assert again.result is not None
    assert again.result["resumed"] == job.run_id
    assert again.result["totals"]["rows_inserted"] == 2300
    assert oracle.differences(shop[0].url, shop[1].url) == []
    assert [attempt.state for attempt in store.attempts(job.id)] == ["paused", "succeeded"]


def test_a_job_that_is_stopped_leaves_whole_tables_and_may_be_tried_again(
    store: JobStore, shop: tuple[Database, Database], runner: Runner
) -> None:
    jobs = Jobs(store, LOCAL_OWNER)
    with psycopg.connect(shop[1].url) as blocker:
        blocker.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")
        job = claimed(store, queued(store))
        thread = threading.Thread(target=runner.run, args=(job, Control()))
        thread.start()
        wait_for(lambda: any(table.state == "done" for table in store.tables(job.id)))
        jobs.stop(job.id)
        thread.join(10)
        assert jobs.get(job.id).state is JobState.STOPPED
    assert oracle.leftovers(shop[1].url) == []
    jobs.retry(job.id)
    assert runner.run(claimed(store, job), Control()).state is JobState.SUCCEEDED
    assert oracle.differences(shop[0].url, shop[1].url) == []


def test_a_worker_that_is_told_to_end_gives_the_job_back(
    store: JobStore, shop: tuple[Database, Database], runner: Runner
) -> None:
    control = Control()
    control.stop(Interrupted(signal_number=15))
    job = runner.run(claimed(store, queued(store)), control)
    assert job.state is JobState.QUEUED
    assert runner.run(claimed(store, job), Control()).state is JobState.SUCCEEDED


def test_a_job_whose_source_is_gone_is_tried_again_later_and_not_for_ever(
    store: JobStore, shop: tuple[Database, Database]
) -> None:
    runner = Runner(store, urls_of("postgresql://nobody@127.0.0.1:1/x", shop[1].url), "w1")
    job = queued(store)
    for number in range(1, 6):
        job = runner.run(claimed(store, job), Control())
        assert job.attempts == number
        assert job.error is not None
        assert job.error["code"] == "CONNECT_TCP"
        assert (job.state is JobState.QUEUED) == (number < 5)
        if number < 5:
            assert store.claim(job.id, "w1") is None  # it rests first
            store.change(job.id, JobState.PAUSED, not_before=None)
            Jobs(store, LOCAL_OWNER).resume(job.id)
    assert job.state is JobState.FAILED


def test_consent_that_was_not_given_is_missing_in_the_queue_too(store: JobStore, runner: Runner) -> None:
    job = new_job(store)
    with store.store.write() as connection:
        spec = dict(job.spec) | {"agreed": False}
        connection.execute(sa.update(tables.job).values(spec=__import__("json").dumps(spec)))
    ended = runner.run(claimed(store, Jobs(store, LOCAL_OWNER).start(job.id)), Control())
    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert ended.error["code"] == "CONSENT_MISSING"


def test_a_job_whose_worker_is_gone_goes_back_to_the_queue(store: JobStore) -> None:
    job = claimed(store, queued(store))
    assert sweep(store) == []
    expire(store, job)
    assert [found.id for found in sweep(store)] == [job.id]
    assert store.get(job.id).state is JobState.QUEUED
    with pytest.raises(Fenced):
        store.renew(job.id, "w1")
    claimed(store, job, "w2")
    with pytest.raises(Fenced):
        store.finish(job.id, "w1", JobState.SUCCEEDED)
    with pytest.raises(Fenced):
        store.record(job.id, "w1", [("notice", "info", {})])
    assert store.get(job.id).lease_owner == "w2"


@pytest.mark.parametrize(
    ("order", "becomes"), [(JobState.PAUSING, JobState.PAUSED), (JobState.STOPPING, JobState.STOPPED)]
)
def test_an_order_to_a_worker_that_is_gone_is_carried_out(store: JobStore, order: JobState, becomes: JobState) -> None:
    job = claimed(store, queued(store))
    store.change(job.id, order)
    expire(store, job)
    sweep(store)
    assert store.get(job.id).state is becomes


@pytest.mark.parametrize(
    ("orders", "end", "becomes"),
    [
        ([JobState.PAUSING], JobState.QUEUED, JobState.PAUSED),
        ([JobState.STOPPING], JobState.QUEUED, JobState.STOPPED),
        ([JobState.PAUSING, JobState.STOPPING], JobState.PAUSED, JobState.STOPPED),
        ([JobState.PAUSING], JobState.SUCCEEDED, JobState.SUCCEEDED),
        ([JobState.STOPPING], JobState.FAILED, JobState.FAILED),
    ],
)
def test_an_order_that_meets_the_end_of_an_attempt_holds_or_is_too_late(
    store: JobStore, orders: list[JobState], end: JobState, becomes: JobState
) -> None:
    job = claimed(store, queued(store))
    for order in orders:
        store.change(job.id, order)
    assert store.finish(job.id, "w1", end).state is becomes


def test_what_a_terminal_ran_does_not_begin_again_by_itself(store: JobStore) -> None:
    job = new_job(store, origin="terminal")
    store.begin(job.id, "terminal 1 on here (00)", "0123456789ab")
    expire(store, job)
    (found,) = sweep(store)
    assert found.state is JobState.FAILED
    assert found.error is not None
    assert found.error["code"] == "RUNNER_LOST"


@pytest.mark.parametrize(
    ("origin", "holder", "becomes"),
    [("terminal", "w1", JobState.QUEUED), ("queue", "terminal 1 on here (00)", JobState.FAILED)],
)
def test_it_is_who_runs_a_job_and_not_who_made_it_that_decides_whether_it_begins_again(
    store: JobStore, origin: str, holder: str, becomes: JobState
) -> None:
    """A terminal's job may be resumed by a worker, a queued one by ``jobs retry --here``."""
    job = new_job(store, origin=origin)
    Jobs(store, LOCAL_OWNER).start(job.id)
    expire(store, claimed(store, job, holder))
    assert [found.state for found in sweep(store)] == [becomes]


@pytest.mark.parametrize(("order", "becomes"), [("pause", JobState.PAUSED), ("stop", JobState.STOPPED)])
def test_an_order_that_comes_while_a_lost_job_is_looked_at_is_no_error_and_holds(
    store: JobStore, order: str, becomes: JobState
) -> None:
    job = claimed(store, queued(store))
    expire(store, job)
    (seen,) = store.expired()
    getattr(Jobs(store, LOCAL_OWNER), order)(job.id)
    assert store.take_back(seen, JobState.QUEUED, None) is None
    assert [found.state for found in sweep(store)] == [becomes]


def test_a_server_that_has_no_connection_left_now_is_asked_again(
    store: JobStore, shop: tuple[Database, Database]
) -> None:
    """Such a refusal has a code of the server's, as that of one which is still starting up."""
    role = f"crowd_{shop[0].name}"
    shop[0].execute(f"CREATE ROLE {role} LOGIN PASSWORD 'crowded-out' CONNECTION LIMIT 0")
    try:
        url = f"postgresql://{role}:crowded-out@{shop[0].url.rpartition('@')[2]}"
        job = Runner(store, urls_of(url, shop[1].url), "w1").run(claimed(store, queued(store)), Control())
        assert job.error is not None
        assert (job.state, job.error["sqlstate"]) == (JobState.QUEUED, "53300")
    finally:
        shop[0].execute(f"DROP ROLE {role}")


def test_a_process_that_has_ended_is_no_worker_unless_its_number_is_another_containers(store: JobStore) -> None:
    """What was started in a container with this host's name has a number that says nothing here."""
    presence, here = Presence(store.store), new_worker_id()
    elsewhere = here[:-10] + ("ffff" if here[-10:-6] != "ffff" else "0000") + here[-6:]
    for name in (here, elsewhere):
        presence.beat(name, engine="inline", concurrency=1)
    assert {worker.id for worker in presence.alive()} == {here, elsewhere}
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with store.store.write() as connection:
        connection.execute(sa.update(tables.worker).values(pid=ended.pid))
    assert [worker.id for worker in presence.alive()] == [elsewhere]


def test_of_two_jobs_for_one_target_that_are_claimed_at_once_one_is_had(store: JobStore) -> None:
    for _ in range(5):
        jobs, both = [queued(store), queued(store)], threading.Barrier(2)
        had: list[Job | None] = []

        def take(job: Job, worker: str, both: threading.Barrier = both, had: list[Job | None] = had) -> None:
            both.wait()
            had.append(store.claim(job.id, worker))

        threads = [threading.Thread(target=take, args=(job, f"w{at}")) for at, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(job is not None for job in had) == [False, True]
        for job in jobs:
            Jobs(store, LOCAL_OWNER).stop(job.id, now=True)


@pytest.mark.parametrize(("holder", "state"), [("w1", "waiting"), ("terminal 1 on here (00)", "stopped")])
def test_no_table_of_a_job_that_was_lost_is_said_to_be_at_work(store: JobStore, holder: str, state: str) -> None:
    job = claimed(store, queued(store), holder)
    told = [JobTable(name=name, position=0, state=name, facts={}) for name in ("done", "running", "waiting")]
    store.record(job.id, holder, [], told)
    expire(store, job)
    sweep(store)
    assert {table.name: table.state for table in store.tables(job.id)} == {
        "done": "done",
        "running": state,
        "waiting": "waiting",
    }


def test_a_job_has_the_result_of_its_last_attempt_and_of_no_other(store: JobStore) -> None:
    job = claimed(store, queued(store))
    Jobs(store, LOCAL_OWNER).pause(job.id)
    assert store.finish(job.id, "w1", JobState.PAUSED, result={"state": "stopped"}).result is not None
    job = claimed(store, Jobs(store, LOCAL_OWNER).resume(job.id))
    assert store.finish(job.id, "w1", JobState.FAILED, error={"code": "CONNECT_TCP"}).result is None


def test_a_job_that_rests_by_an_order_has_no_error_of_an_attempt_before(store: JobStore) -> None:
    jobs = Jobs(store, LOCAL_OWNER)
    job = claimed(store, queued(store))
    store.finish(job.id, "w1", JobState.QUEUED, error={"code": "CONNECT_TCP", "message": "nothing listens"})
    assert jobs.pause(job.id).error is None
    claimed(store, jobs.resume(job.id))
    jobs.pause(job.id)
    store.finish(job.id, "w1", JobState.PAUSED, error={"code": "PAUSED", "message": "The job was paused."})
    assert jobs.stop(job.id).error is None


def test_of_many_that_start_a_job_at_once_one_does_and_the_others_are_told(store: JobStore) -> None:
    jobs = Jobs(store, LOCAL_OWNER)
    job = new_job(store)
    ends: list[str] = []

    def start() -> None:
        try:
            jobs.start(job.id)
            ends.append("started")
        except JobBusy as error:
            ends.append(error.code)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["JOB_BUSY"] * 7 + ["started"]


def test_of_many_that_claim_a_job_at_once_one_gets_it(store: JobStore) -> None:
    job = queued(store)
    got: list[Job | None] = []
    threads = [threading.Thread(target=lambda n=n: got.append(store.claim(job.id, f"w{n}"))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in got) == 1


def test_another_owners_job_is_not_there(store: JobStore) -> None:
    job = new_job(store)
    stranger = Jobs(store, "stranger")
    for call in (stranger.get, stranger.start, stranger.pause, stranger.stop, stranger.metrics, stranger.remove):
        with pytest.raises(JobNotFound):
            call(job.id)
    with pytest.raises(JobNotFound):
        stranger.find(job.id[:8])
    assert stranger.list() == []
    assert Jobs(store, None).get(job.id).id == job.id


def test_jobs_are_found_by_the_beginning_of_their_id_or_of_a_runs(store: JobStore) -> None:
    job = claimed(store, queued(store))
    assert job.run_id is not None
    assert store.find(job.id[:6]).id == job.id
    assert store.find(job.run_id).id == job.id
    with pytest.raises(JobNotFound):
        store.find("fffff")


def test_a_job_at_work_is_neither_forgotten_nor_pruned(store: JobStore) -> None:
    job = claimed(store, queued(store))
    with pytest.raises(InvalidTransition):
        store.remove(job.id)
    assert store.prune(time.time() + 1e6) == 0
    store.finish(job.id, "w1", JobState.FAILED, error={"code": "X", "message": "m"})
    assert store.prune(time.time() + 1e6) == 1
    with pytest.raises(JobNotFound):
        store.get(job.id)


def test_who_saw_a_job_rest_does_not_take_it_from_the_worker_that_has_it_by_now(store: JobStore) -> None:
    job = queued(store)
    assert store.claim(job.id, "w1") is not None
    with pytest.raises(InvalidTransition):  # what a second terminal asks for that read the job a moment earlier
        store.change(job.id, JobState.QUEUED, LOCAL_OWNER, ended_at=None, not_before=None)
    held = store.get(job.id)
    assert (held.state, held.lease_owner) == (JobState.RUNNING, "w1")
    assert store.finish(job.id, "w1", JobState.QUEUED).state is JobState.QUEUED  # the worker may give it back


def test_stop_now_does_not_wait_for_who_runs_the_job(store: JobStore) -> None:
    job = claimed(store, queued(store))
    assert Jobs(store, LOCAL_OWNER).stop(job.id, now=True).state is JobState.STOPPED
    with pytest.raises(Fenced):
        store.renew(job.id, "w1")


@pytest.mark.parametrize("waits", [JobState.CREATED, JobState.QUEUED])
def test_a_job_that_is_stopped_while_it_waits_has_ended_then(store: JobStore, waits: JobState) -> None:
    job = new_job(store) if waits is JobState.CREATED else queued(store)
    stopped = Jobs(store, LOCAL_OWNER).stop(job.id)
    assert (stopped.state, stopped.ended_at is not None) == (JobState.STOPPED, True)
    assert store.prune(time.time() + 1e6) == 1


def test_a_job_that_a_worker_takes_while_it_is_stopped_ends_as_one_at_work_does(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, job = Jobs(store, LOCAL_OWNER), queued(store)
    claimed(store, job)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "get", lambda _: job)  # it was read a moment before
        assert jobs.stop(job.id).state is JobState.STOPPING
        assert jobs.stop(job.id).state is JobState.STOPPING
    assert store.renew(job.id, "w1") is JobState.STOPPING
    ended = store.finish(job.id, "w1", JobState.STOPPED)
    assert (ended.state, ended.lease_owner, ended.ended_at is not None) == (JobState.STOPPED, None, True)
    assert store.attempts(job.id)[-1].state == "stopped"


def test_the_queue_gives_the_most_urgent_and_oldest_first(store: JobStore) -> None:
    jobs = Jobs(store, LOCAL_OWNER)
    first, second = queued(store), queued(store)
    urgent = jobs.create(
        first.read_spec(), source=("c-source", "s"), target=("c-target", "t"), origin="queue", priority=5
    )
    jobs.start(urgent.id)
    order = []
    while (found := store.next_queued()) is not None:
        job = claimed(store, store.get(found))
        assert store.next_queued() is None  # the others have the same target
        store.finish(job.id, "w1", JobState.SUCCEEDED)
        order.append(found)
    assert order == [urgent.id, first.id, second.id]


def expire(store: JobStore, job: Job) -> None:
    with store.store.write() as connection:
        connection.execute(sa.update(tables.job).where(tables.job.c.id == job.id).values(lease_until=1.0))


def wait_for(condition: object, seconds: float = 20.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def test_a_pause_that_meets_a_worker_which_takes_the_job_or_gives_it_back_holds(store: JobStore) -> None:
    job = new_job(store)
    store.change(job.id, JobState.QUEUED)
    store.claim(job.id, "w")
    assert store.change(job.id, JobState.PAUSED).state is JobState.PAUSING  # it was queued when somebody looked
    assert store.finish(job.id, "w", JobState.QUEUED).state is JobState.PAUSED
    store.change(job.id, JobState.QUEUED)
    assert store.change(job.id, JobState.PAUSING).state is JobState.PAUSED  # it was running when somebody looked


def test_a_worker_that_takes_its_own_lost_job_again_ends_the_new_attempt_by_the_new_one_alone(store: JobStore) -> None:
    """The store was away for longer than the lease, and the run was not: it still runs beside the new one."""
    job = new_job(store)
    store.change(job.id, JobState.QUEUED)
    first = store.claim(job.id, "w")
    assert first is not None
    with store.store.write() as connection:
        connection.execute(sa.update(tables.job).values(lease_until=1))
    sweep(store)
    second = store.claim(job.id, "w")
    assert second is not None
    control = Control()
    with Recorder(lambda: (store, first), "w", control) as recorder:
        until = time.monotonic() + 10
        while control.reason is None and time.monotonic() < until:
            time.sleep(0.1)
    assert isinstance(control.reason, Fenced)
    recorder.finish(JobState.FAILED, error={"code": "CONNECTION_LOST", "message": "late"}, result=None)
    assert store.get(job.id).state is JobState.RUNNING
    assert store.renew(job.id, "w", attempt=second.attempts) is JobState.RUNNING
