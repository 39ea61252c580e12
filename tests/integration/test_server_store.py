"""What the server keeps and counts in the store, on both engines: figures, replies of repeated requests, streams."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbsync.data.options import SyncOptions
from dbsync.jobs.model import JobSpec, JobState
from dbsync.jobs.service import Jobs
from dbsync.jobs.store import JobStore
from dbsync.store import Store, figures, replies, streams
from dbsync.store.audit import record
from dbsync.store.audit_entry import NOBODY, AuditEntry
from dbsync.store.figures import DAY_S
from tests.fixtures.jobs import ENDS, job_store


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = request.getfixturevalue("target_db").url if request.param == "postgres" else None
    with job_store(tmp_path, url) as jobs:
        yield jobs.store


def now(store: Store) -> float:
    with store.read() as work:
        return store.now(work)


def test_figures_over_everybody(store: Store) -> None:
    jobs = JobStore(store)
    spec = JobSpec(options=SyncOptions())
    made = [
        Jobs(jobs, owner).create(spec, source=ENDS[0], target=ENDS[1], origin="http")
        for owner in ("alice", "alice", "bob%")
    ]
    jobs.change(made[0].id, JobState.QUEUED)
    jobs.claim(made[0].id, "worker")
    jobs.finish(made[0].id, "worker", JobState.SUCCEEDED)
    record(store, AuditEntry(owner="carol", actor="carol", action="sync", outcome="refused"))
    record(store, AuditEntry(owner=NOBODY, actor="not known", action="auth", outcome="refused"))  # is no user
    at = now(store) + 1
    assert figures.job_counts(store) == {"created": 2, "succeeded": 1}
    assert figures.job_counts(store, "alice") == {"created": 1, "succeeded": 1}
    assert figures.job_counts(store, since=at) == {}
    assert (figures.mean_duration(store) or 0) >= 0
    people = figures.owner_counts(store, at)
    # The fixture's connections are of one more owner, of long ago.
    assert (people["total"], people["new_24h"], people["active_now"]) == (4, 3, 3)
    part = figures.owners(store, search=None, limit=2, offset=0)
    assert (part.total, len(part.rows)) == (4, 2)
    (bob,) = figures.owners(store, search="B%", limit=10, offset=0).rows
    assert (bob["owner"], bob["jobs"]) == ("bob%", 1)
    found = figures.jobs(store, states=("succeeded",), owner="alice", since=at - DAY_S, until=at, limit=10, offset=0)
    assert [row["id"] for row in found.rows] == [made[0].id]
    entries = figures.audited(
        store, outcomes=("refused",), action="sync", owner="carol", since=None, until=at, limit=10, offset=0
    )
    assert (entries.total, entries.rows[0]["action"]) == (1, "sync")
    # The job's end is an entry of the log, too.
    today = dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()
    for by_day, number in (
        (figures.jobs_by_day, 3), (figures.new_owners_by_day, 3), (figures.actions_by_day, 3), (figures.errors_by_day, 0),
    ):  # fmt: skip
        assert sum(by_day(store, at - DAY_S, at).values()) == number
        assert set(by_day(store, at - DAY_S, at)) <= {today, figures.date_of(at - DAY_S)}
    people_rows, targets = figures.busiest(store, at - DAY_S)
    assert (people_rows[0]["label"], people_rows[0]["value"]) == ("alice", 2)
    assert targets[0]["value"] >= 1


def test_a_request_is_claimed_by_one_of_many_and_its_reply_is_kept_for_the_others(store: Store) -> None:
    claim = {"owner": "alice", "request_id": "one"}
    found: list[replies.KeptReply | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(replies.claim(store, **claim, route="POST /x", request_hash="h")))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count(None) == 1
    assert not replies.take_over(store, **claim, after_s=60)
    assert replies.take_over(store, **claim, after_s=-1)
    replies.keep(store, **claim, status=201, body="{}")
    known = replies.claim(store, **claim, route="POST /x", request_hash="h")
    assert known is not None
    assert (known.status, known.body, known.request_hash) == (201, "{}", "h")
    assert replies.claim(store, owner="bob", request_id="one", route="POST /x", request_hash="h") is None
    assert not replies.take_over(store, **claim, after_s=-1)  # it was answered
    replies.forget(store, **claim)
    assert replies.claim(store, **claim, route="POST /x", request_hash="h") is None


def test_places_of_streams_are_counted_for_each_owner_and_for_all(store: Store) -> None:
    def take(owner: str) -> str | None:
        return streams.take_place(store, owner=owner, job_id="j", each=2, all_owners=3)

    first, second = take("alice"), take("alice")
    assert first is not None
    assert second is not None
    assert take("alice") is None
    assert take("bob") is not None
    assert take("carol") is None
    streams.keep_places(store, [first])
    streams.leave_place(store, first)
    assert take("carol") is not None
