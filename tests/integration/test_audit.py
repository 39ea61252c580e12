"""The audit log on both engines: what is added stays, what is changed or cut is found, also at the end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dbsync.errors import DbsyncError, InternalFault
from dbsync.jobs.model import JobState
from dbsync.jobs.runner import sweep
from dbsync.store import Store, StorePlace, open_store, store_place
from dbsync.store.audit import append, read_entries, record, verify
from dbsync.store.audit_entry import AuditEntry, AuditFacts, ChainedEntry, Head, chain, chain_hash, digest, first_fault
from dbsync.store.tables import audit, audit_head
from dbsync.store.tables import job as job_table
from dbsync.urls import parse_url
from tests.fixtures.databases import Database
from tests.fixtures.jobs import job_store, new_job


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    place = store_place(environ={"XDG_STATE_HOME": str(tmp_path / "state")})
    if request.param == "postgres":
        database: Database = request.getfixturevalue("target_db")
        place = StorePlace(name="pg", url=parse_url(database.url))
    opened = open_store(place)
    yield opened
    opened.close()


def entry(action: str = "sync", **facts: Any) -> AuditEntry:
    return AuditEntry(
        owner="local", actor="ann@host", action=action, outcome="done", subject="staging", facts=AuditFacts(**facts)
    )


def fill(store: Store, count: int = 5) -> list[ChainedEntry]:
    return [record(store, entry(rows_inserted=number)) for number in range(count)]


def disarm(store: Store, connection: sa.Connection) -> None:
    """Take away what refuses changes, as somebody who owns the store can."""
    if store.is_postgres:
        connection.execute(sa.text("DROP TRIGGER audit_is_append_only ON dbsync_store.audit"))
    else:
        for verb in ("update", "delete"):
            connection.execute(sa.text(f"DROP TRIGGER audit_refuses_{verb}"))


def test_an_empty_log_is_sound_and_entries_are_chained(store: Store) -> None:
    assert verify(store) == (Head(0, "0" * 64), None)
    first, second = fill(store, 2)
    assert (first.number, first.previous, second.previous) == (1, "0" * 64, first.hash)
    assert verify(store) == (Head(2, second.hash), None)
    assert read_entries(store, limit=10) == [first, second]
    assert json.loads(second.facts) == {"rows_inserted": 1}
    assert abs(store_now(store) - second.at) < 60


def store_now(store: Store) -> float:
    with store.read() as connection:
        return store.now(connection)


def test_pages_and_filters(store: Store) -> None:
    fill(store, 3)
    record(store, entry("migrate.apply"))
    assert [each.number for each in read_entries(store, limit=2)] == [3, 4]
    assert [each.number for each in read_entries(store, limit=2, before=3)] == [1, 2]
    assert [each.number for each in read_entries(store, limit=9, action="migrate.apply")] == [4]
    assert read_entries(store, limit=9, owner="somebody else") == []


CHANGES = {
    "an edited value": (sa.update(audit).where(audit.c.number == 3).values(actor="eve"), 3),
    "an edited time": (sa.update(audit).where(audit.c.number == 3).values(at=audit.c.at + 1), 3),
    "edited facts": (sa.update(audit).where(audit.c.number == 2).values(facts='{"rows_inserted":7}'), 2),
    "an edited hash": (sa.update(audit).where(audit.c.number == 4).values(hash="f" * 64), 4),
    "the last one edited": (sa.update(audit).where(audit.c.number == 5).values(outcome="failed"), 5),
    "one cut out": (sa.delete(audit).where(audit.c.number == 3), 3),
    "the first one cut": (sa.delete(audit).where(audit.c.number == 1), 1),
    "the last one cut": (sa.delete(audit).where(audit.c.number == 5), 5),
    "all cut": (sa.delete(audit), 1),
    "renumbered": (sa.update(audit).where(audit.c.number == 5).values(number=9), 5),
    "the head set back": (sa.update(audit_head).values(number=4), 5),
    "the head removed": (sa.delete(audit_head), 5),
}


def test_what_nobody_can_have_written_is_found_as_well(tmp_path: Path) -> None:
    """SQLite takes anything in any column."""
    with job_store(tmp_path) as jobs:
        for value in ("x'ff'", "9e999"):
            fill(jobs.store, 2)
            with jobs.store.write() as connection:
                if value == "x'ff'":
                    disarm(jobs.store, connection)
                column = "actor" if value == "x'ff'" else "at"
                connection.execute(sa.text(f"UPDATE audit SET {column} = {value} WHERE number = 2"))
            _, fault = verify(jobs.store)
            assert (fault.number if fault else 0) == 2


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_or_cut_is_found_at_its_place(store: Store, what: str) -> None:
    fill(store)
    change, number = CHANGES[what]
    with store.write() as connection:
        disarm(store, connection)
        connection.execute(change)
    _, fault = verify(store)
    assert fault is not None
    assert fault.number == number, fault


def test_an_entry_that_is_forged_with_a_right_hash_breaks_the_chain(store: Store) -> None:
    entries = fill(store)
    forged = {field: getattr(entries[2], field) for field in entries[2].__slots__ if field != "hash"} | {"actor": "eve"}
    with store.write() as connection:
        disarm(store, connection)
        connection.execute(sa.update(audit).where(audit.c.number == 3).values(**forged, hash=chain_hash(forged)))
    fault = verify(store)[1]
    assert fault is not None
    assert fault.number == 4


def test_a_log_written_anew_as_a_whole_is_found_by_a_head_kept_elsewhere(store: Store) -> None:
    fourth = fill(store)[3]
    kept = Head.parse(str(Head(fourth.number, fourth.hash)))
    assert verify(store, kept)[1] is None
    anew, head = [], Head(0, "0" * 64)
    for number in range(6):
        chained = chain(entry(rows_inserted=100 + number), head, 1.0)
        anew.append(chained)
        head = Head(chained.number, chained.hash)
    assert first_fault(anew, head) is None
    fault = first_fault(anew, head, kept)
    assert fault is not None
    assert fault.number == 4
    assert first_fault(anew[:2], Head(2, anew[1].hash), kept) is not None


def test_the_database_refuses_changes(store: Store) -> None:
    fill(store, 2)
    for change in (sa.delete(audit), sa.update(audit).values(actor="eve")):
        with pytest.raises(DbsyncError), store.write() as connection:
            connection.execute(change)
    assert verify(store)[1] is None


def test_an_entry_and_what_it_tells_of_are_one_transaction(store: Store) -> None:
    def fail() -> None:
        with store.write() as connection:
            append(store, connection, entry())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert read_entries(store, limit=9) == []
    fill(store, 2)
    assert verify(store)[1] is None


def test_many_writers_leave_one_chain_without_a_gap(store: Store) -> None:
    def write() -> None:
        mine = open_store(store.place)
        for number in range(10):
            record(mine, entry(rows_deleted=number))
        mine.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    head, fault = verify(store)
    assert (head.number, fault) == (40, None)
    assert [each.number for each in read_entries(store, limit=99)] == list(range(1, 41))


@pytest.mark.parametrize("facts", [{"source": "a\nb"}, {"target": "x" * 301}, {"code": "\x1b[2J"}])
def test_facts_that_could_mislead_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(InternalFault):
        AuditFacts(**facts)
    with pytest.raises(InternalFault):
        entry("Not A Word")


def test_the_end_of_a_run_that_no_terminal_waits_for_is_one_entry(tmp_path: Path) -> None:
    totals = {"rows_inserted": 5, "rows_updated": 0, "rows_deleted": 1, "bytes_copied": 100}
    with job_store(tmp_path) as jobs:
        for worker in ("worker 1 on here (aa)", "terminal 2 on here (bb)"):
            job = new_job(jobs)
            jobs.change(job.id, JobState.QUEUED)
            jobs.claim(job.id, worker)
            jobs.keep_plan(job.id, worker, {"tables": ["a"]})
            jobs.finish(job.id, worker, JobState.QUEUED, error={"code": "CONNECTION_LOST"})
            jobs.claim(job.id, worker)
            jobs.finish(job.id, worker, JobState.SUCCEEDED, result={"totals": totals})
        refused = new_job(jobs)
        jobs.change(refused.id, JobState.QUEUED)
        jobs.claim(refused.id, "worker 1")
        jobs.finish(
            refused.id, "worker 1", JobState.FAILED, error={"code": "TARGET_BUSY", "exit_code": 5, "message": "canary"}
        )
        gone = new_job(jobs, origin="terminal")
        jobs.change(gone.id, JobState.QUEUED)
        jobs.claim(gone.id, "terminal 3 on there (cc)")
        with jobs.store.write() as connection:
            connection.execute(sa.update(job_table).where(job_table.c.id == gone.id).values(lease_until=1))
        sweep(jobs)
        taken = new_job(jobs)
        jobs.change(taken.id, JobState.QUEUED)
        jobs.claim(taken.id, "worker 4 on here (dd)")
        jobs.seize(jobs.change(taken.id, JobState.STOPPING))
        entries = read_entries(jobs.store, limit=9)
        assert [(each.actor.split(" on ")[0], each.outcome) for each in entries] == [
            ("worker 1", "done"), ("worker 1", "refused"), ("terminal 3", "failed"), ("worker 4", "stopped"),
        ]  # fmt: skip
        facts = entries[0].to_dict()["facts"]
        assert (facts["rows_inserted"], facts["rows_deleted"], facts["bytes"]) == (5, 1, 100)
        assert facts["plan"] == digest({"tables": ["a"]})
        assert (facts["source"], facts["target"], entries[0].action) == ("the source", "the target", "job.run")
        assert "canary" not in str(entries)
        assert verify(jobs.store)[1] is None


def test_a_broken_log_keeps_no_job_from_its_end(tmp_path: Path) -> None:
    with job_store(tmp_path) as jobs:
        job = new_job(jobs)
        jobs.change(job.id, JobState.QUEUED)
        jobs.claim(job.id, "worker 1")
        with jobs.store.write() as connection:
            connection.execute(sa.delete(audit_head))
        jobs.finish(job.id, "worker 1", JobState.SUCCEEDED)
        assert jobs.get(job.id).state is JobState.SUCCEEDED
