"""dbsync doctor finds what dead runs left, calls nothing of a live run so, and --fix leaves nothing."""

from __future__ import annotations

import os
import platform
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from dbsync.pg import leftovers
from dbsync.pg.database import Database
from dbsync.urls import parse_url
from tests.fixtures import jsonschema, oracle
from tests.fixtures.command import Command, Result
from tests.fixtures.pair import Pair, rows, run_sql, with_user

SCHEMA = "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY REFERENCES parent);"
ROWS = "INSERT INTO parent SELECT generate_series(1, 500); INSERT INTO child SELECT generate_series(1, 500);"
SYNC = ("--yes", "--json", "--mode", "replace", "-j", "1")
STAGED = "SELECT count(*) FROM pg_class WHERE relname ~ '^stage_'"


def look(dbsync: Command, url: str, code: int, *args: str) -> Result:
    result = dbsync.run("doctor", url, "--json", *args).ended(code)
    assert jsonschema.faults(result.document) == [], result
    return result


def kinds(result: Result, *, fixed: bool = False) -> list[str]:
    (database,) = result.result["databases"]
    return sorted({each["kind"] for each in database["findings"] if each["fixed"] is fixed})


def killed(dbsync: Command, pair: Pair, point: str, *args: str) -> None:
    running = dbsync.start("sync", pair.source, pair.target, *SYNC, *args, env={"DBSYNC_FAILPOINT": f"{point}=kill"})
    assert running.wait_quietly() == -signal.SIGKILL


def test_what_a_killed_run_left_is_named_and_cleaned_up(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS, ROWS)
    assert kinds(look(dbsync, pair.target, 0)) == []
    killed(dbsync, pair, "before_lock")
    assert rows(pair.target, STAGED) == [[2]]
    oracle.leftovers(pair.target)  # the server needs a moment to see that the client is gone
    found = look(dbsync, pair.target, 1)
    assert kinds(found) == ["run", "staging"]
    shown = dbsync.run("doctor", pair.target).ended(1).stdout
    assert "staging table of a dead run" in shown
    assert "fix: DROP TABLE dbsync.stage_" in shown
    dbsync.run("doctor", pair.target, "--fix").ended(4)
    assert rows(pair.target, STAGED) == [[2]], "cleaned up without consent"
    assert kinds(look(dbsync, pair.target, 0, "--fix", "--yes"), fixed=True) == ["run", "staging"]
    assert oracle.leftovers(pair.target) == []
    assert rows(pair.target, "SELECT state FROM dbsync.run") == [["dead"]]
    assert kinds(look(dbsync, pair.target, 0)) == []
    assert dbsync.sync(pair.source, pair.target, "--mode", "replace", "--resume").ended(0).result["resumed"]


def test_a_schema_that_a_run_without_ledger_left_is_dropped(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS, ROWS)
    killed(dbsync, pair, "after_own_schema", "--no-ledger")
    oracle.leftovers(pair.target, excuse=lambda line: "schema" in line)
    assert kinds(look(dbsync, pair.target, 1)) == ["schema"]
    look(dbsync, pair.target, 0, "--fix", "--yes")
    assert rows(pair.target, "SELECT to_regnamespace('dbsync') IS NULL") == [[True]]


def test_a_live_run_is_no_leftover_and_a_forsaken_session_is(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS, ROWS)
    running = dbsync.start("sync", pair.source, pair.target, *SYNC, env={"DBSYNC_FAILPOINT": "after_load=sleep:4"})
    deadline = time.monotonic() + 20
    while rows(pair.target, STAGED) != [[2]]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = look(dbsync, pair.target, 0)
    assert "run lock" in found.result["databases"][0]["running"]
    with psycopg.connect(pair.target, application_name="dbsync 0123456789ab load") as forsaken:
        forsaken.execute("SELECT 1")
        assert kinds(look(dbsync, pair.target, 1)) == ["session"]
        assert kinds(look(dbsync, pair.target, 0, "--fix", "--yes"), fixed=True) == ["session"]
        forsaken.close()
    running.wait().ended(0)
    assert oracle.differences(pair.source, pair.target) == []


def test_a_run_that_stands_still_is_ended(pairs, dbsync: Command, monkeypatch) -> None:
    """The process is stopped: its sessions, its locks and its run lock stay until somebody ends them."""
    monkeypatch.setattr(leftovers, "_STILL_S", 2.5)
    pair: Pair = pairs(SCHEMA, ROWS, ROWS)
    running = dbsync.start("sync", pair.source, pair.target, *SYNC, env={"DBSYNC_FAILPOINT": "after_clear=sleep:1"})
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ ' load$' AND state = 'idle in transaction'"
    deadline = time.monotonic() + 20
    while rows(pair.target, waiting) != [[1]]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.send(signal.SIGSTOP)
    session = Database(parse_url(pair.target)).connect()
    try:
        assert leftovers.leftovers(session).leftovers == ()
        time.sleep(3)
        (found,) = leftovers.leftovers(session).leftovers[:1]
        assert found.kind == "lock"
        leftovers.clean(session)
        assert leftovers.leftovers(session) == leftovers.Findings(None, ())
    finally:
        session.close()
        running.send(signal.SIGCONT)
    assert running.wait().exit_code in (5, 6)
    assert oracle.leftovers(pair.target) == []
    assert rows(pair.target, "SELECT count(*) FROM parent") == [[500]]


def test_a_ledger_of_a_newer_dbsync_is_named_and_left_alone(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS)
    dbsync.sync(pair.source, pair.target).ended(0)
    run_sql(pair.target, "COMMENT ON SCHEMA dbsync IS 'dbsync ledger, version 99'")
    assert kinds(look(dbsync, pair.target, 1, "--fix", "--yes")) == ["ledger"]
    assert dbsync.sync(pair.source, pair.target).ended(4).error["code"] == "LEDGER_NEWER"
    dbsync.sync(pair.source, pair.target, "--no-ledger").ended(0)


def test_a_ledger_that_the_role_may_not_read_is_warned_of_and_no_leftover(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS)
    run_sql(
        pair.target,
        "ALTER TABLE parent OWNER TO case_writer; ALTER TABLE child OWNER TO case_writer;"
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO case_writer', current_database()); END $$",
    )
    theirs = with_user(pair.target, "case_writer")
    dbsync.sync(pair.source, theirs).ended(0)
    assert not any("looked into" in each for each in look(dbsync, theirs, 0).document["warnings"])
    for fix in ((), ("--fix", "--yes")):
        seen = look(dbsync, pair.target, 0, *fix)
        assert kinds(seen) == []
        (warning,) = [each for each in seen.document["warnings"] if "looked into" in each]
        assert ": the schema dbsync belongs to the role case_writer; only that role sees" in warning
    told = dbsync.run("doctor", pair.target).ended(0)
    assert ("nothing is left of dead runs, as far as this role sees" in told.stdout, warning in told.stderr) == (
        True,
        True,
    )
    assert dbsync.run("migrate", "status", pair.target, "--json").ended(0).result == {"migration": None}


def test_an_idle_slot_is_named_and_left_to_its_owner(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(pair.target, "SELECT pg_create_logical_replication_slot('dbsync_follow', 'pgoutput')")
    try:
        assert kinds(look(dbsync, pair.target, 1, "--fix", "--yes")) == ["slot"]
        assert "pg_drop_replication_slot('dbsync_follow')" in dbsync.run("doctor", pair.target).ended(1).stdout
    finally:
        run_sql(pair.target, "SELECT pg_drop_replication_slot('dbsync_follow')")
    look(dbsync, pair.target, 0)


def machine(dbsync: Command, code: int, *args: str, env: dict[str, str] | None = None) -> list[dict[str, Any]]:
    result = dbsync.run("doctor", "--json", *args, env=env).ended(code)
    assert jsonschema.faults(result.document) == [], result
    checks: list[dict[str, Any]] = result.result["checks"]
    return checks


def test_without_a_database_the_machine_is_looked_at(dbsync: Command) -> None:
    checks = machine(dbsync, 0)
    assert {check["area"] for check in checks} >= {"program", "extra", "postgres", "config", "store"}
    said = " ".join(check["message"] for check in checks)
    assert f"Python {platform.python_version()}" in said
    assert f"libpq {psycopg.pq.version() // 10000}." in said
    assert "nothing was kept yet" in said
    assert not (dbsync.home / ".local").exists(), "looking makes nothing"
    dbsync.run("config", "init").ended(0)
    assert any(check["message"].endswith("dbsync.yaml: 2 databases, 1 syncs") for check in machine(dbsync, 0))
    (dbsync.home / "dbsync.yaml").write_text("databasis: {}")
    (broken,) = [check for check in machine(dbsync, 1) if not check["ok"]][:1]
    assert (broken["area"], broken["fix"]) == ("config", "did you mean databases?")
    assert "config" in dbsync.run("doctor").ended(1).stdout
    (wrong,) = [
        check for check in machine(dbsync, 1, env={"DBSYNC_PG_BINDIR": "/nowhere"}) if check["area"] == "postgres"
    ]
    assert not wrong["ok"]


def test_jobs_whose_process_is_gone_and_a_changed_audit_log_are_told(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS)
    dbsync.sync(pair.source, pair.target).ended(0)
    store = dbsync.home / ".local" / "state" / "dbsync" / "store.db"
    lost = "UPDATE job SET state = 'running', lease_owner = 'gone', lease_until = 1"
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(lost)
    (gone,) = [check for check in machine(dbsync, 1) if not check["ok"]]
    assert "the process that ran it is gone" in gone["message"]
    assert [check["area"] for check in machine(dbsync, 0, "--fix") if check["fixed"]] == ["store"]
    assert machine(dbsync, 0)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.executescript("DROP TRIGGER audit_refuses_delete; DELETE FROM audit WHERE number = 1")
    (changed,) = [check for check in machine(dbsync, 1) if not check["ok"]]
    assert changed["fix"] == "dbsync audit verify"


def test_a_throw_away_server_of_a_killed_process_is_removed(dbsync: Command, run_directory: Path) -> None:
    place = run_directory / "gone"
    code = (
        "import os, sys; from dbsync.local import EphemeralServer; EphemeralServer().start(); os.kill(os.getpid(), 9)"
    )
    env = {"DBSYNC_LOCAL_DIR": str(place)}
    died = subprocess.run([sys.executable, "-c", code], env=dict(os.environ) | env, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    left = [each for each in (place / "ephemeral").iterdir() if each.is_dir()]
    assert len(left) == 1
    deadline = time.monotonic() + 20
    while not [check for check in machine_checks(dbsync, env) if check["area"] == "leftover"]:
        assert time.monotonic() < deadline  # the server holds the lock until the kernel has ended it
        time.sleep(0.2)
    assert [check["fixed"] for check in machine(dbsync, 0, "--fix", env=env) if check["area"] == "leftover"] == [True]
    assert not left[0].exists()
    assert not [check for check in machine(dbsync, 0, env=env) if check["area"] == "leftover"]


def machine_checks(dbsync: Command, env: dict[str, str]) -> list[dict[str, Any]]:
    checks: list[dict[str, Any]] = dbsync.run("doctor", "--json", env=env).result["checks"]
    return checks


def test_a_shadow_whose_maker_is_gone_is_dropped(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(pair.target, "CREATE DATABASE dbsync_shadow_0123456789ab")
    run_sql(pair.target, "CREATE DATABASE dbsync_shadow_of_mine")
    try:
        with psycopg.connect(pair.target, application_name="dbsync shadow"):
            assert kinds(look(dbsync, pair.target, 0, "--fix", "--yes")) == []
        assert kinds(look(dbsync, pair.target, 1)) == ["shadow"]
        assert kinds(look(dbsync, pair.target, 0, "--fix", "--yes"), fixed=True) == ["shadow"]
        left = "SELECT datname FROM pg_database WHERE datname LIKE 'dbsync_shadow_%'"
        assert rows(pair.target, left) == [["dbsync_shadow_of_mine"]]
    finally:
        run_sql(pair.target, "DROP DATABASE dbsync_shadow_of_mine")
