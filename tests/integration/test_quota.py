"""Quotas on both engines: counted for each owner, off unless set, and not outrun by two who come at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbsync.errors import Fenced, JobNotFound
from dbsync.jobs.model import LOCAL_OWNER, Job, JobState
from dbsync.jobs.store import JobStore
from dbsync.quota import Quota, QuotaExceeded, Quotas, Usage, check_quota
from dbsync.store import Store, open_store, tables
from dbsync.store.usage import Written, add_usage, month_of, require_quota, usage_of
from tests.fixtures.databases import Database
from tests.fixtures.jobs import job_store, new_job


@pytest.fixture(params=["sqlite", "postgres"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobStore]:
    database: Database | None = request.getfixturevalue("target_db") if request.param == "postgres" else None
    with job_store(tmp_path, database.url if database is not None else None) as store:
        yield store


def usage(store: Store, owner: str = LOCAL_OWNER) -> Usage:
    with store.read() as connection:
        return usage_of(connection, owner, store.now(connection))


def test_jobs_at_work_saved_connections_and_the_months_rows_are_counted(jobs: JobStore) -> None:
    assert usage(jobs.store) == Usage()
    first, second = new_job(jobs), new_job(jobs)
    assert usage(jobs.store) == Usage(unstarted=2)
    for job in (first, second):
        jobs.change(job.id, JobState.QUEUED)
    assert usage(jobs.store).jobs == 2
    with jobs.store.write() as connection:
        connection.execute(sa.update(tables.connection).where(tables.connection.c.id == "c-source").values(name="prod"))
    jobs.claim(first.id, "w")
    totals = {"rows_inserted": 5, "rows_updated": 2, "rows_deleted": 1, "bytes_copied": 100}
    jobs.finish(first.id, "w", JobState.SUCCEEDED, result={"totals": totals})
    jobs.claim(second.id, "w")
    jobs.finish(second.id, "w", JobState.FAILED, result={"totals": totals})
    assert usage(jobs.store) == Usage(connections=1, jobs=0, rows_per_month=16, bytes_per_month=200)
    assert usage(jobs.store, "somebody else") == Usage()
    jobs.prune(2e10)
    assert usage(jobs.store).rows_per_month == 16, "forgetting jobs gives nothing back"


def finished(state: str, rows: int, **more: int) -> tuple[str, str, dict[str, object]]:
    facts = {"table": "public.t", "state": state, "rows": rows, "bytes": rows * 10}
    return "table_finished", "info", facts | more


def lost(jobs: JobStore, state: JobState) -> Job:
    """A job at work whose worker had committed 5 + 2 + 1 rows when it was lost."""
    job = jobs.change(new_job(jobs).id, JobState.QUEUED)
    claimed = jobs.claim(job.id, "w")
    assert claimed is not None
    told = [finished("done", 5, rows_updated=2, rows_deleted=1), finished("failed", 0), finished("stopped", 7)]
    jobs.record(job.id, "w", told, attempt=1)
    if state is not JobState.RUNNING:
        jobs.change(job.id, state)
    with jobs.store.write() as connection:
        connection.execute(sa.update(tables.job).where(tables.job.c.id == job.id).values(lease_until=1.0))
    return jobs.get(job.id)


def test_what_a_worker_had_committed_counts_though_it_was_killed(jobs: JobStore) -> None:
    job = lost(jobs, JobState.RUNNING)
    assert usage(jobs.store).rows_per_month == 0, "it is counted once, at the end"
    taken = jobs.take_back(job, JobState.QUEUED, {"code": "RUNNER_LOST"})
    assert taken is not None
    assert jobs.take_back(job, JobState.QUEUED, {"code": "RUNNER_LOST"}) is None
    assert usage(jobs.store) == Usage(jobs=1, rows_per_month=8, bytes_per_month=50)
    again = jobs.claim(job.id, "w2")
    assert again is not None
    jobs.record(job.id, "w2", [finished("done", 3)], attempt=2)
    jobs.finish(job.id, "w2", JobState.SUCCEEDED, result={"totals": {"rows_inserted": 3, "bytes_copied": 30}})
    assert usage(jobs.store) == Usage(rows_per_month=11, bytes_per_month=80)


def test_what_was_committed_counts_though_the_job_was_taken_away(jobs: JobStore) -> None:
    """`stop --now` gets around no quota: not with what was told before, nor with what is committed until the end."""
    job = jobs.seize(lost(jobs, JobState.STOPPING))
    assert job.state is JobState.STOPPED
    assert usage(jobs.store).rows_per_month == 8
    whole = {"totals": {"rows_inserted": 6, "rows_updated": 2, "rows_deleted": 1, "bytes_copied": 60}}
    with pytest.raises(Fenced):
        jobs.finish(job.id, "w", JobState.STOPPED, result=whole, attempt=1)
    assert usage(jobs.store).rows_per_month == 8
    jobs.count_late(job, whole)
    assert usage(jobs.store) == Usage(rows_per_month=9, bytes_per_month=60)


def test_an_end_without_a_result_counts_the_tables_that_were_told(jobs: JobStore) -> None:
    job = lost(jobs, JobState.RUNNING)
    jobs.finish(job.id, "w", JobState.FAILED, error={"code": "INTERNAL"}, attempt=1)
    assert usage(jobs.store) == Usage(rows_per_month=8, bytes_per_month=50)


def test_a_job_that_is_forgotten_meanwhile_is_not_counted_twice(jobs: JobStore) -> None:
    job = jobs.seize(lost(jobs, JobState.STOPPING))
    jobs.remove(job.id)
    with pytest.raises(JobNotFound):
        jobs.count_late(job, {"totals": {"rows_inserted": 6}})
    assert usage(jobs.store).rows_per_month == 8


def test_a_month_is_a_calendar_month_in_utc(jobs: JobStore) -> None:
    late, early = (
        datetime(2026, month, day, hour, tzinfo=UTC).timestamp() for month, day, hour in ((1, 31, 23), (2, 1, 0))
    )
    assert (month_of(late), month_of(early)) == ("2026-01", "2026-02")
    with jobs.store.write() as connection:
        for moment, rows in ((late, 3), (early, 4), (early, 5)):
            add_usage(connection, "ann", moment, Written(rows))
        assert [usage_of(connection, "ann", moment).rows_per_month for moment in (late, early)] == [3, 9]


@pytest.mark.parametrize(
    ("quota", "purpose", "refused"),
    [
        (Quota(), "job", None), (Quota(), "connection", None), (Quota(connections=3), "connection", None),
        (Quota(connections=2), "connection", "connections"), (Quota(connections=0), "job", None),
        (Quota(jobs=2), "job", None), (Quota(jobs=1), "job", "jobs"), (Quota(rows_per_month=10), "job", "rows_per_month"),
        (Quota(rows_per_month=11, bytes_per_month=101), "job", None), (Quota(bytes_per_month=100), "job", "bytes_per_month"),
        (Quota(jobs=3), "new job", None), (Quota(jobs=2), "new job", "jobs"),
    ],
)  # fmt: skip
def test_one_more_is_refused_where_the_limit_is_reached(quota, purpose, refused) -> None:
    have = Usage(connections=2, jobs=1, unstarted=20, rows_per_month=10, bytes_per_month=100)
    if refused is None:
        check_quota(quota, have, purpose)
        return
    with pytest.raises(QuotaExceeded) as caught:
        check_quota(quota, have, purpose)
    assert (caught.value.exit_code, caught.value.details["quota"]) == (4, refused)
    assert caught.value.details["usage"]["rows_per_month"] == 10


def test_two_that_come_at_once_do_not_both_get_the_last_place(jobs: JobStore) -> None:
    waiting = [new_job(jobs) for _ in range(4)]
    got: list[str] = []

    def queue(job_id: str) -> None:
        mine = open_store(jobs.store.place)
        try:
            with mine.write() as connection:
                require_quota(mine, connection, LOCAL_OWNER, Quota(jobs=2), "job")
                connection.execute(sa.update(tables.job).where(tables.job.c.id == job_id).values(state="queued"))
            got.append(job_id)
        except QuotaExceeded:
            pass
        finally:
            mine.close()

    threads = [threading.Thread(target=queue, args=(job.id,)) for job in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 2
    assert usage(jobs.store).jobs == 2


def test_a_job_that_is_over_the_quota_is_not_queued_and_one_that_a_worker_gives_back_is(jobs: JobStore) -> None:
    limited = JobStore(jobs.store, Quotas(owners={LOCAL_OWNER: Quota(jobs=1)}))
    first, second = new_job(jobs), new_job(jobs)
    limited.change(first.id, JobState.QUEUED)
    with pytest.raises(QuotaExceeded) as caught:
        limited.change(second.id, JobState.QUEUED)
    assert caught.value.message == "jobs that wait or run: 1, and the quota is 1"
    assert limited.get(second.id).state is JobState.CREATED
    limited.claim(first.id, "w")
    limited.finish(first.id, "w", JobState.QUEUED)
    assert limited.get(first.id).state is JobState.QUEUED
    limited.change(first.id, JobState.STOPPED)
    limited.change(second.id, JobState.QUEUED)
