"""``dbsync jobs`` as people use it: a sync of one terminal, looked at and ordered about from another."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pexpect
import psycopg
import pytest

from tests.fixtures import oracle
from tests.fixtures.command import Command, Result
from tests.fixtures.databases import Database
from tests.fixtures.jsonschema import faults
from tests.integration.test_jobs import ROWS, SHOP

JSON_PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
CANARY = "c4n4ry-pass"


@pytest.fixture
def shop(source_db: Database, target_db: Database) -> tuple[Database, Database]:
    source_db.execute(SHOP, ROWS)
    target_db.execute(SHOP)
    return source_db, target_db


@contextmanager
def held_up(target: Database) -> Iterator[None]:
    """Somebody writes to ``item``, so that its group waits; ``note`` goes through."""
    with psycopg.connect(target.url) as blocker:
        blocker.execute("LOCK TABLE item IN ROW EXCLUSIVE MODE")
        yield


def only_job(dbsync: Command, *states: str) -> dict[str, object]:
    found: list[dict[str, object]] = []

    def look() -> bool:
        found[:] = dbsync.run("jobs", "list", "--json").ended(0).result["jobs"]
        return len(found) == 1 and (not states or found[0]["state"] in states)

    wait_for(look)
    return found[0]


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.2)


def test_every_sync_is_a_job_and_can_be_looked_at(dbsync: Command, shop: tuple[Database, Database]) -> None:
    done = dbsync.run("sync", shop[0].url, shop[1].url, "--yes", "--json").ended(0)
    job = only_job(dbsync, "succeeded")
    assert job["run_id"] == done.result["run_id"] == str(job["job_id"]).replace("-", "")[:12]
    assert job["origin"] == "terminal"
    shown = dbsync.run("jobs", "show", done.result["run_id"][:6], "--json").ended(0).result
    assert {table["table"]: table["state"] for table in shown["tables"]} == {
        "public.item": "done",
        "public.line": "done",
        "public.note": "done",
    }
    assert shown["result"]["totals"] == done.result["totals"]
    figures = dbsync.run("jobs", "metrics", done.result["run_id"], "--json").ended(0).result
    assert (figures["rows"], figures["state"]) == (2800, "succeeded")
    log = dbsync.run("jobs", "logs", done.result["run_id"]).ended(0)
    assert "public.line done: 2,000 rows" in log.stdout
    lines = dbsync.run("jobs", "logs", done.result["run_id"], "--all", "--format", "jsonl").ended(0).stdout
    assert [json.loads(line)["number"] for line in lines.splitlines()] == list(range(1, len(lines.splitlines()) + 1))
    events = [json.loads(line) for line in lines.splitlines()]
    tables = JSON_PAGE.partition("`jobs logs`:")[2].partition("\n## ")[0] + JSON_PAGE.partition("## Events")[2]
    told = re.findall(r"^\| `(\w+)` \| (.*) \|$", tables, re.MULTILINE)
    shared = {"number", "at", "attempt", "event", "level"}
    members = {kind: set(re.findall(r"`(\w+)`", text)) | shared for kind, text in told}
    assert {"progress", "state"} <= {event["event"] for event in events} <= members.keys()
    assert [event for event in events if not event.keys() <= members[event["event"]]] == []
    for args in (("list",), ("show", done.result["run_id"]), ("logs", done.result["run_id"]), ("metrics", "none")):
        assert faults(dbsync.run("jobs", *args, "--json").document) == [], args
    text = dbsync.run("jobs", "list").ended(0).stdout
    assert "succeeded" in text


def test_a_dry_run_and_a_refused_sync_are_no_jobs(dbsync: Command, shop: tuple[Database, Database]) -> None:
    dbsync.run("sync", shop[0].url, shop[1].url, "--dry-run").ended(0)
    dbsync.run("sync", shop[0].url, shop[1].url).ended(4)
    assert dbsync.run("jobs", "list", "--json").ended(0).result["jobs"] == []


def test_what_is_no_text_is_refused_and_no_fault(dbsync: Command, shop: tuple[Database, Database]) -> None:
    odd = "item:name = '\udcff'"
    refused = dbsync.run("sync", shop[0].url, shop[1].url, "--yes", "--json", "--queue", "--where", odd).ended(2)
    assert refused.error["message"] == "--where is not UTF-8"


@pytest.mark.parametrize("how", [[], ["--queue"], ["--detach"]], ids=["here", "queue", "detach"])
@pytest.mark.parametrize(
    "limit", [{"DBSYNC_QUOTA_JOBS": "0"}, {"DBSYNC_QUOTA_ROWS_PER_MONTH": "1"}], ids=["jobs", "rows"]
)
def test_a_sync_over_the_quota_is_refused_however_it_is_run_and_leaves_no_job(
    limit: dict[str, str], how: list[str], dbsync: Command, shop: tuple[Database, Database]
) -> None:
    first = dbsync.run("sync", shop[0].url, shop[1].url, "--yes", "--json", env={"DBSYNC_QUOTA_ROWS_PER_MONTH": "1"})
    assert first.ended(0).result["totals"]["rows_inserted"] > 1  # known when it has run
    shop[0].execute("UPDATE item SET name = 'changed'")
    refused = dbsync.run("sync", shop[0].url, shop[1].url, "--yes", "--json", *how, env=limit).ended(4)
    assert refused.error["code"] == "QUOTA"
    assert len(dbsync.run("jobs", "list", "--json").ended(0).result["jobs"]) == 1
    assert shop[1].value("SELECT count(*) FROM item WHERE name = 'changed'") == 0


def test_a_sync_is_paused_from_another_terminal_and_taken_up_there(
    dbsync: Command, shop: tuple[Database, Database]
) -> None:
    with held_up(shop[1]):
        running = dbsync.start("sync", shop[0].url, shop[1].url, "--yes", "--json")
        job = only_job(dbsync, "running")
        wait_for(lambda: shop[1].value("SELECT count(*) FROM note") == 500)
        asked = time.monotonic()
        paused = dbsync.run("jobs", "pause", str(job["job_id"]), "--json").ended(0)
        assert paused.result["state"] == "pausing"
        ended = running.wait()
        assert time.monotonic() - asked < 12
    ended.ended(6)
    assert ended.error["code"] == "PAUSED"
    assert f"--resume {job['run_id']}" in ended.error["hint"]
    assert only_job(dbsync)["state"] == "paused"
    assert oracle.leftovers(shop[1].url) == []
    assert faults(paused.document) == []
    resumed = dbsync.run("jobs", "resume", str(job["run_id"]), "--json").ended(0)
    assert faults(resumed.document) == []
    assert resumed.result["state"] == "succeeded"
    assert resumed.result["result"]["totals"]["rows_inserted"] == 2300
    assert oracle.differences(shop[0].url, shop[1].url) == []
    again = dbsync.run("jobs", "resume", str(job["run_id"]), "--json").ended(4)
    assert again.error["code"] == "JOB_STATE"


def test_a_stopped_sync_ends_and_may_be_tried_again(dbsync: Command, shop: tuple[Database, Database]) -> None:
    with held_up(shop[1]):
        running = dbsync.start("sync", shop[0].url, shop[1].url, "--yes", "--json")
        job = only_job(dbsync, "running")
        dbsync.run("jobs", "stop", str(job["job_id"])).ended(0)
        ended = running.wait().ended(6)
        assert ended.error["code"] == "STOPPED"
    assert only_job(dbsync)["state"] == "stopped"
    dbsync.run("jobs", "retry", str(job["job_id"]), "--json").ended(0)
    assert oracle.differences(shop[0].url, shop[1].url) == []


def test_a_sync_that_was_killed_is_found_and_taken_up(dbsync: Command, shop: tuple[Database, Database]) -> None:
    with held_up(shop[1]):
        running = dbsync.start("sync", shop[0].url, shop[1].url, "--yes", "--json")
        job = only_job(dbsync, "running")
        running.kill()
        running.wait_quietly()
    wait_for(lambda: only_job(dbsync)["state"] == "failed", 40)
    error = only_job(dbsync)["error"]
    assert isinstance(error, dict)
    assert error["code"] == "RUNNER_LOST"
    dbsync.run("jobs", "retry", str(job["job_id"]), "--json").ended(0)
    assert oracle.differences(shop[0].url, shop[1].url) == []


def lost_at(dbsync: Command, shop: tuple[Database, Database], point: str) -> str:
    """A job whose terminal was killed at a point of its second attempt."""
    with held_up(shop[1]):
        running = dbsync.start("sync", shop[0].url, shop[1].url, "--yes", "--json")
        job = str(only_job(dbsync, "running")["job_id"])
        dbsync.run("jobs", "stop", job).ended(0)
        running.wait()
    killed = dbsync.start("jobs", "retry", job, "--here", env={"DBSYNC_FAILPOINT": f"{point}=kill"})
    assert killed.wait_quietly() == -9
    return job


def test_a_job_that_was_killed_before_it_wrote_anything_is_taken_up(
    dbsync: Command, shop: tuple[Database, Database]
) -> None:
    job = lost_at(dbsync, shop, "before_job_run")
    wait_for(lambda: only_job(dbsync)["state"] == "failed", 40)
    again = dbsync.run("jobs", "retry", job, "--here", "--json").ended(0)
    assert again.result["result"]["totals"]["rows_inserted"] == 2300
    assert oracle.differences(shop[0].url, shop[1].url) == []


@pytest.mark.parametrize("by", ["a command", "a worker"])
def test_a_job_that_was_killed_when_all_was_committed_is_said_to_have_succeeded(
    by: str, dbsync: Command, shop: tuple[Database, Database]
) -> None:
    """Nobody was told but the target's ledger, which the state that is shown does not contradict."""
    job = lost_at(dbsync, shop, "before_job_finished")
    worker = dbsync.start("worker") if by == "a worker" else None
    try:
        listed = ("jobs", "list", "--json", "--state", "succeeded")
        store = dbsync.home / ".local" / "state" / "dbsync" / "store.db"
        if worker is None:
            wait_for(lambda: dbsync.run(*listed).ended(0).result["jobs"], 40)
        else:
            wait_for(lambda: _state_in(store) == "succeeded", 40)
    finally:
        if worker is not None:
            worker.send(signal.SIGTERM)
            worker.wait()
    shown = dbsync.run("jobs", "show", job, "--json").ended(0).result
    assert (shown["state"], shown["error"]) == ("succeeded", None)
    assert shown["result"]["told_by"] == "ledger"
    assert shown["result"]["totals"]["rows_inserted"] == 2300
    assert {table["state"] for table in shown["tables"]} == {"done"}
    assert oracle.differences(shop[0].url, shop[1].url) == []


def _state_in(store: Path) -> str:
    with closing(sqlite3.connect(store)) as connection:
        return str(connection.execute("SELECT state FROM job").fetchone()[0])


def test_a_lost_job_whose_target_cannot_be_asked_has_failed(dbsync: Command, shop: tuple[Database, Database]) -> None:
    lost_at(dbsync, shop, "before_job_finished")
    with psycopg.connect(shop[1].url.removesuffix(shop[1].name) + "postgres", autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{shop[1].name}" ALLOW_CONNECTIONS false')
    wait_for(lambda: only_job(dbsync)["state"] == "failed", 40)
    error = only_job(dbsync)["error"]
    assert isinstance(error, dict)
    assert error["code"] == "RUNNER_LOST"


def test_watch_follows_in_lines_and_ends_with_the_jobs_exit_code(
    dbsync: Command, shop: tuple[Database, Database]
) -> None:
    with held_up(shop[1]):
        running = dbsync.start("sync", shop[0].url, shop[1].url, "--yes", "--json")
        job = only_job(dbsync, "running")
        watching = dbsync.start("jobs", "watch")
        assert watching.first_line()  # it has found the job: without a name it follows what is at work
        dbsync.run("jobs", "stop", str(job["job_id"])).ended(0)
        seen = watching.wait().ended(6)
        running.wait()
    events = [json.loads(line) for line in seen.stdout.splitlines()]
    assert events[-1]["event"] == "state"
    assert events[-1]["to"] == "stopped"
    dbsync.run("jobs", "watch").ended(2)


def test_watch_shows_bars_in_a_terminal(dbsync: Command, shop: tuple[Database, Database]) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(dbsync.home), "TERM": "xterm"}
    with held_up(shop[1]):
        running = dbsync.start("sync", shop[0].url, shop[1].url, "--yes", "--json")
        only_job(dbsync, "running")
        child = pexpect.spawn(
            sys.executable, ["-m", "dbsync", "jobs", "watch"], env=environ, encoding="utf-8", dimensions=(40, 120)
        )
        child.expect("public.item")
    try:
        child.expect(pexpect.EOF, timeout=30)
        shown = str(child.before)
    finally:
        child.close()
    running.wait().ended(0)
    assert child.exitstatus == 0, shown
    assert "\x1b[" in shown  # it is drawn over, line by line
    assert '"event"' not in shown
    assert "succeeded" in shown


def test_stop_now_counts_at_once_and_who_runs_the_job_ends_when_it_hears_of_it(
    dbsync: Command, shop: tuple[Database, Database]
) -> None:
    with held_up(shop[1]):
        running = dbsync.start("sync", shop[0].url, shop[1].url, "--yes", "--json")
        job = str(only_job(dbsync, "running")["job_id"])
        wait_for(lambda: shop[1].value("SELECT count(*) FROM note") == 500)
        running.send(signal.SIGSTOP)  # it cannot answer
        stopped = dbsync.run("jobs", "stop", job, "--now", "--json").ended(0)
        assert stopped.result["state"] == "stopped"
        running.send(signal.SIGCONT)
        ended = running.wait().ended(5)
    assert ended.error["code"] == "FENCED"
    assert shop[1].value("SELECT count(*) FROM line") == 0
    assert only_job(dbsync)["state"] == "stopped"
    assert oracle.leftovers(shop[1].url) == []
    with closing(sqlite3.connect(dbsync.home / ".local" / "state" / "dbsync" / "store.db")) as store:
        counted = store.execute("SELECT rows FROM usage").fetchall()
    assert counted == [(ended.result["totals"]["rows_inserted"],)], "what was committed counts towards a quota, once"


def test_a_store_that_cannot_be_used_costs_the_record_and_not_the_sync(
    dbsync: Command, shop: tuple[Database, Database]
) -> None:
    done = dbsync.run(
        "sync", shop[0].url, shop[1].url, "--yes", "--json", env={"DBSYNC_STORE": "sqlite:////proc/nowhere/store.db"}
    ).ended(0)
    assert any("not among the jobs" in warning for warning in done.document["warnings"])
    assert oracle.differences(shop[0].url, shop[1].url) == []


def test_a_store_that_breaks_meanwhile_costs_the_record_and_not_the_report(
    dbsync: Command, shop: tuple[Database, Database]
) -> None:
    with held_up(shop[1]):
        running = dbsync.start("sync", shop[0].url, shop[1].url, "--yes", "--json")
        only_job(dbsync, "running")
        file = dbsync.home / ".local" / "state" / "dbsync" / "store.db"
        with closing(sqlite3.connect(file)) as store, store:
            store.execute("DROP TABLE usage")
    done = running.wait().ended(0)
    assert done.result["state"] == "succeeded", done
    assert any("end is not written down" in warning for warning in done.document["warnings"]), done
    assert oracle.differences(shop[0].url, shop[1].url) == []


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("show", "ffffffff"), 2),
        (("show", "x"), 2),
        (("pause", "ffffffff"), 2),
        (("list", "--state", "nonsense"), 2),
        (("logs", "ffffffff", "--follow", "--json"), 2),
        (("prune", "--older-than", "soon"), 2),
    ],
)
def test_bad_input_is_one_sentence(dbsync: Command, args: tuple[str, ...], code: int) -> None:
    result = dbsync.run("jobs", *args).ended(code)
    assert result.stderr.startswith("dbsync: ") or "error" in result.stderr.lower(), result


@pytest.fixture
def reader(source_db: Database) -> Iterator[str]:
    """A role of this test's own, whose password is the canary; return its URL."""
    role = f"canary_{source_db.name}"
    source_db.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{CANARY}'")
    yield f"postgresql://{role}:{CANARY}@{source_db.url.rpartition('@')[2]}"
    source_db.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_no_password_is_kept_in_the_clear(dbsync: Command, shop: tuple[Database, Database], reader: str) -> None:
    role = reader.partition("//")[2].partition(":")[0]
    shop[0].execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    result: Result = dbsync.run("sync", reader, shop[1].url, "--yes", "--json")
    shown = dbsync.run("jobs", "list", "--json")
    kept = b"".join(file.read_bytes() for file in dbsync.home.rglob("*") if file.is_file())
    assert result.exit_code == 0, result
    assert CANARY.encode() not in kept
    assert CANARY not in result.stdout + result.stderr + shown.stdout + shown.stderr
    assert kept


def test_no_password_is_in_the_arguments_of_any_process(
    dbsync: Command, shop: tuple[Database, Database], reader: str
) -> None:
    """The terminal was given a variable; the worker that it starts is given a job."""
    role = reader.partition("//")[2].partition(":")[0]
    shop[0].execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    with held_up(shop[1]):
        env = {"SOURCE_URL": reader}
        dbsync.run("sync", "env:SOURCE_URL", shop[1].url, "--yes", "--detach", "--json", env=env).ended(0)
        only_job(dbsync, "running")
        seen = [arguments for arguments in map(arguments_of, Path("/proc").glob("[0-9]*")) if arguments]
    assert any(b"dbsync" in arguments and b"worker" in arguments for arguments in seen)
    assert not any(CANARY.encode() in arguments for arguments in seen)
    wait_for(lambda: only_job(dbsync)["state"] == "succeeded", 60)
    assert oracle.differences(shop[0].url, shop[1].url) == []


def arguments_of(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


def test_jobs_that_ended_long_ago_are_forgotten(dbsync: Command, shop: tuple[Database, Database]) -> None:
    dbsync.run("sync", shop[0].url, shop[1].url, "--yes").ended(0)
    assert dbsync.run("jobs", "prune", "--json").ended(0).result == {"pruned": 0}
    time.sleep(0.1)
    assert dbsync.run("jobs", "prune", "--older-than", "1ms", "--json").ended(0).result == {"pruned": 1}
    assert dbsync.run("jobs", "list", "--json").ended(0).result["jobs"] == []
