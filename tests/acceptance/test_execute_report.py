"""What ``dbsync execute`` says of what it did: of an answer that was cut, a step that failed, a run that was stopped."""

from __future__ import annotations

import signal
import time

import pytest

from tests.fixtures.command import Command
from tests.fixtures.databases import Database


def test_a_file_of_data_that_was_cut_is_never_silent(dbsync: Command, source_db: Database):
    args = ("-q", "execute", source_db.url, "SELECT * FROM generate_series(1, 1500)", "-f", "csv")
    cut = dbsync.run(*args).ended(0)
    assert len(cut.stdout.split()) == 1001
    assert "only the first 1000 rows are shown; --max-rows 0 shows all" in cut.stderr
    assert dbsync.run(*args, "--max-rows", "7").ended(0).stderr == ""
    assert dbsync.run(*args, env={"DBSYNC_MAX_ROWS": "7"}).ended(0).stderr != ""
    assert dbsync.run(*args, "--max-rows", "0").ended(0).stderr == ""


def test_stepwise_says_what_a_failed_statement_may_have_left(dbsync: Command, source_db: Database):
    source_db.execute("CREATE TABLE t (a int, b text)")
    source_db.execute(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); PERFORM 1/0; END $$"
    )

    def message(sql: str) -> str:
        failed = dbsync.run("execute", source_db.url, sql, "--write", "--stepwise", "--yes", "--json").ended(6)
        return str(failed.error["message"])

    assert message("CALL p()").endswith("division by zero; what its code committed before stays")
    assert source_db.value("SELECT count(*) FROM t") == 1
    source_db.execute("INSERT INTO t VALUES (2, 'x'), (3, 'x')")
    both = message("SELECT 1; CREATE UNIQUE INDEX CONCURRENTLY u ON t (b)")
    assert both.endswith(
        "; 1 statement before it was committed; CREATE UNIQUE CONCURRENTLY may have left something behind"
    )
    assert source_db.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass") is False
    assert message("INSERT INTO t VALUES (4/0)").endswith("; nothing was committed")
    lost = message("INSERT INTO t VALUES (5); SELECT pg_terminate_backend(pg_backend_pid())")
    assert lost.endswith("; 1 statement before it was committed; it is not known whether the server committed it")


@pytest.mark.parametrize(("args", "number", "status"), [(("--timeout", "2s"), None, 7), ((), signal.SIGINT, 130)])
def test_a_stop_keeps_the_report_of_what_was_committed(dbsync: Command, source_db: Database, args, number, status):
    source_db.execute("CREATE TABLE t (a int)")
    script = "INSERT INTO t VALUES (1); SELECT pg_sleep(30)"
    running = dbsync.start("execute", source_db.url, script, "--write", "--stepwise", "--yes", "--json", *args)
    if number is not None:
        deadline = time.monotonic() + 20
        while not source_db.value("SELECT count(*) FROM t") and time.monotonic() < deadline:
            time.sleep(0.1)
        running.send(number)
    ended = running.wait().ended(status)
    assert [each["command"] for each in ended.result["statements"]] == ["INSERT 0 1"]
    assert ended.result["committed"] is True
    assert ended.error["message"].endswith(
        "; 1 statement was committed; it is not known whether the server committed statement 2"
    )
