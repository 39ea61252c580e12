"""A pause in the middle of a long COPY: acknowledged within five seconds, nothing kept open, and gone on with anew."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dbsync.control import Control
from dbsync.jobs.model import LOCAL_OWNER, JobState
from dbsync.jobs.runner import Runner
from dbsync.jobs.service import Jobs
from tests.faults.proxy import Proxy
from tests.fixtures import oracle
from tests.fixtures.databases import Database
from tests.fixtures.jobs import job_store, new_job, urls_of
from tests.fixtures.yard import wait_for

SCHEMA = "CREATE TABLE small (id int PRIMARY KEY, text text); CREATE TABLE large (id int PRIMARY KEY, text text)"
ROWS = """
INSERT INTO small SELECT n, 'small' FROM generate_series(1, 10) n;
INSERT INTO large SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 8000) n;
"""
HELD = "SELECT pid FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"
COPYING = "SELECT 1 FROM pg_stat_progress_copy WHERE bytes_processed > 200000"


@pytest.mark.parametrize("in_postgres", [False, True], ids=["sqlite", "postgres"])
def test_a_pause_reaches_into_a_long_copy_and_the_next_attempt_has_a_new_snapshot(
    in_postgres: bool, tmp_path: Path, store_db: Database, source_db: Database, target_db: Database
) -> None:
    """At this pace the table would take twenty seconds."""
    source_db.execute(SCHEMA, ROWS)
    target_db.execute(SCHEMA)
    with job_store(tmp_path, store_db.url if in_postgres else None) as store, Proxy(source_db.url) as slow:
        slow.rate = 400_000
        jobs, runner = Jobs(store, LOCAL_OWNER), Runner(store, urls_of(slow.url, target_db.url), "w")
        job = jobs.start(new_job(store).id)
        claimed = store.claim(job.id, "w")
        assert claimed is not None
        thread = threading.Thread(target=runner.run, args=(claimed, Control()))
        thread.start()
        wait_for(lambda: target_db.query(COPYING))
        jobs.pause(job.id)
        thread.join(8)
        assert jobs.get(job.id).state is JobState.PAUSED
        assert target_db.value("SELECT count(*) FROM large") == 0
        assert oracle.leftovers(target_db.url) == []
        assert source_db.query(HELD) == []
        source_db.execute("DELETE FROM large WHERE id % 2 = 0; UPDATE small SET text = 'changed while it was paused'")
        slow.rate = None
        jobs.resume(job.id)
        again = store.claim(job.id, "w")
        assert again is not None
        assert runner.run(again, Control()).state is JobState.SUCCEEDED
    snapshots = target_db.query("SELECT source_snapshot FROM dbsync.run")
    assert len(set(snapshots)) == 2
    assert oracle.differences(source_db.url, target_db.url) == []
