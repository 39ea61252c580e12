"""What ``dbsync execute`` says of what it did: of an answer that was cut, a step that failed, a run that was stopped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from dbsync.control import Control
from dbsync.errors import Interrupted
from dbsync.execute import ExecuteOptions, plan_script, run_script
from dbsync.local import EphemeralServer
from dbsync.pg.database import Database as Handle
from dbsync.urls import parse_url
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

    def message(sql: str, hint: str | None = None) -> str:
        failed = dbsync.run("execute", source_db.url, sql, "--write", "--stepwise", "--yes", "--json").ended(6)
        assert hint is None or failed.error["hint"] == hint
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
    lost = message(
        "INSERT INTO t VALUES (5); SELECT pg_terminate_backend(pg_backend_pid())",
        "when the server can be reached, look what became of statement 2, then run only what is left",
    )
    message("INSERT INTO t VALUES (6); SELECT 1/0", "mend it, then run only what is left")
    message("CALL p()", "mend it, then run only what is left")
    deadlock = "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40P01'; END $$"
    locked = "another session locks the same tables in another order; try again"
    message(f"SELECT 1; {deadlock}", f"{locked}; then run only what is left")
    assert lost.endswith("; 1 statement before it was committed; it is not known whether the server committed it")


@pytest.mark.parametrize(
    ("mode", "hint"), [(("--stepwise",), "; then run only what is left"), ((), ""), (("--dry-run",), "")]
)
def test_the_limit_of_a_statement_hints_at_its_own_option_and_repeats_nothing(
    dbsync: Command, source_db: Database, mode, hint
):
    source_db.execute("CREATE TABLE t (a int)")
    sql = "INSERT INTO t VALUES (1); SELECT pg_sleep(9)"
    args = ("--write", "--yes", "--json", "--statement-timeout", "1s", *mode)
    error = dbsync.run("execute", source_db.url, sql, *args).ended(7).error
    assert error["hint"] == f"give it more time with --statement-timeout{hint}"


class _StoppedBefore(Control):
    """A run that is stopped just before so many statements were begun."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.left = number

    def check(self) -> None:
        self.left -= 1
        if not self.left:
            self.stop(Interrupted("interrupted"))
        super().check()


def _stopped_stepwise(database: Database, sql: str, control: Control) -> tuple[str, str | None]:
    """Run it here, stop it at the latest while the answer would be written; return what the reason says."""
    options = ExecuteOptions(write=True, stepwise=True)
    with closing(Handle(parse_url(database.url)).connect()) as session:
        run_script(session, plan_script(sql, options), options, control=control, warn=print)
    control.stop(Interrupted("interrupted"))
    assert control.reason is not None
    return control.reason.message, control.reason.hint


def test_a_stop_after_a_failure_keeps_what_is_known_of_it(source_db: Database):
    assert _stopped_stepwise(source_db, "CREATE TABLE t (a int); SELECT 1/0; SELECT 2", Control()) == (
        "interrupted; statement 2 failed: division by zero; 1 statement before it was committed",
        "mend it, then run only what is left",
    )
    alone, _ = _stopped_stepwise(source_db, "SELECT 1/0", Control())
    assert alone == "interrupted; statement 1 failed: division by zero; nothing was committed"
    lost, _ = _stopped_stepwise(source_db, "SELECT 1; SELECT pg_terminate_backend(pg_backend_pid())", Control())
    assert "; it is not known whether the server committed statement 2" in lost


def test_a_stop_between_statements_calls_none_unknown(source_db: Database):
    done = _stopped_stepwise(source_db, "SELECT 1; SELECT 2", _StoppedBefore(2))
    assert done == ("interrupted; 1 statement was committed", "run only what is left")
    _, hint = _stopped_stepwise(source_db, "SELECT 1; SELECT 2", Control())
    assert hint == "everything was done: there is nothing left to run"


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
    assert (ended.result["committed"], ended.result["total"], ended.result["in_doubt"]) == (True, 2, 2)
    assert [each["state"] for each in ended.result["statements"]] == ["committed"]
    assert ended.error["message"].endswith(
        "; 1 statement was committed; it is not known whether the server committed statement 2"
    )
    assert ended.error["hint"] == "look what became of statement 2, then run only what is left"


def test_a_stop_says_what_the_statement_at_hand_may_have_left(dbsync: Command, source_db: Database):
    source_db.execute(
        "CREATE TABLE t (a int)",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO t VALUES (1); COMMIT; PERFORM pg_sleep(60); END $$",
    )

    def message(sql: str, *, begun: str) -> str:
        running = dbsync.start("execute", source_db.url, sql, "--write", "--stepwise", "--yes", "--json")
        _await(source_db, begun)
        running.send(signal.SIGINT)
        return str(running.wait().ended(130).error["message"])

    told = message("SELECT 1; CALL p()", begun="SELECT a FROM t")
    assert told.endswith("committed statement 2; what its code committed before stays")
    with psycopg.connect(source_db.url) as writer:
        writer.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        built = "SELECT 1 FROM pg_class WHERE relname = 'i'"
        told = message("CREATE INDEX CONCURRENTLY i ON t (a); SELECT 1", begun=built)
    assert told.endswith("committed statement 1; CREATE INDEX CONCURRENTLY may have left something behind")
    assert source_db.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") is False


_SLOW_COMMIT = """CREATE TABLE t (a int);
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"""
_COMMITTING = "SELECT pid FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'"
_UNKNOWN = "; it is not known whether the server committed"
_LOOK = "look whether the changes are there, and run the command again only if they are not"


class _StoppedAfter(_StoppedBefore):
    """A run that is stopped just after it has looked so many times whether it is."""

    def check(self) -> None:
        Control.check(self)
        self.left -= 1
        if not self.left:
            self.stop(Interrupted("interrupted"))


@pytest.mark.parametrize("looks", [1, 2])
def test_what_was_said_not_to_be_committed_is_not_committed_after_that(source_db: Database, looks: int):
    source_db.execute("CREATE TABLE t (a int)")
    options, control = ExecuteOptions(write=True), _StoppedAfter(looks)
    with closing(Handle(parse_url(source_db.url)).connect()) as session:
        script = plan_script("INSERT INTO t VALUES (1)", options)
        report = run_script(session, script, options, control=control, warn=print)
    assert control.reason is not None
    assert "; nothing was committed" in control.reason.message
    assert (report.committed, source_db.value("SELECT count(*) FROM t")) == (False, 0)


def _await(database: Database, query: str) -> int:
    deadline = time.monotonic() + 20
    while not (found := database.query(query)):
        assert time.monotonic() < deadline, query
        time.sleep(0.05)
    return int(found[0][0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_during_commit_promises_no_undo(dbsync: Command, number):
    with EphemeralServer(settings={"synchronous_commit": "on"}) as server:  # of its own: every COMMIT in it hangs
        database = Database(server.url("postgres"), server)
        database.execute("CREATE TABLE t (a int)", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        database.execute("SELECT pg_reload_conf()", "CHECKPOINT")
        running = dbsync.start("execute", database.url, "INSERT INTO t VALUES (1)", "--write", "--yes", "--json")
        _await(database, _COMMITTING)
        running.send(number)
        ended = running.wait().ended(128 + number)
        assert database.value("SELECT count(*) FROM t") == 1  # no standby has it, but the server did commit
    assert ended.error["message"].endswith(_UNKNOWN)
    assert ended.error["hint"] == _LOOK
    assert ended.result["committed"] is None
    assert [each["state"] for each in ended.result["statements"]] == ["unknown"]


def test_neither_does_the_time_limit(dbsync: Command, source_db: Database):
    source_db.execute(_SLOW_COMMIT)
    args = ("execute", source_db.url, "INSERT INTO t VALUES (1)", "--write", "--yes", "--timeout", "3s")
    ended = dbsync.run(*args).ended(7)
    assert _UNKNOWN in ended.stderr
    assert _LOOK in ended.stderr


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_nor_a_command_that_is_cut_off_where_the_server_does_not_answer(dbsync: Command, source_db: Database):
    source_db.execute(_SLOW_COMMIT)
    running = dbsync.start("execute", source_db.url, "INSERT INTO t VALUES (1)", "--write", "--yes", "--json")
    with _stopped(_await(source_db, _COMMITTING)):
        running.send(signal.SIGINT)
        ended = running.wait().ended(130)
    assert ended.error["message"].endswith(_UNKNOWN)
    assert ended.error["hint"] == _LOOK
    assert (ended.result["committed"], ended.result["in_doubt"]) == (None, None)


def test_a_command_that_is_cut_off_lists_what_it_committed(dbsync: Command, source_db: Database):
    source_db.execute("CREATE TABLE t (a int)")
    sql = "INSERT INTO t VALUES (1) RETURNING a; SELECT pg_sleep(32); SELECT 3"
    running = dbsync.start("execute", source_db.url, sql, "--write", "--stepwise", "--yes", "--json")
    with _stopped(_await(source_db, "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(32)'")):
        running.send(signal.SIGTERM)
        ended = running.wait().ended(143)
    assert "cut off" in ended.document["warnings"][-1]
    (only,) = ended.result["statements"]
    assert (only["command"], only["state"], only["rows"], only["truncated"]) == ("INSERT 0 1", "committed", [], True)
    assert (ended.result["committed"], ended.result["total"], ended.result["in_doubt"]) == (True, 3, 2)


def test_a_stop_before_commit_says_that_it_is_undone(dbsync: Command, source_db: Database):
    source_db.execute("CREATE TABLE t (a int)")
    sql = "INSERT INTO t VALUES (1); SELECT pg_sleep(31)"
    told = "interrupted; nothing was committed: what 1 statement did is rolled back"
    again = "run the command again: what was not committed is undone"
    for written in (("--json",), ()):
        running = dbsync.start("execute", source_db.url, sql, "--write", "--yes", *written)
        pid = _await(source_db, "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(31)'")
        running.send(signal.SIGINT)
        ended = running.wait().ended(130)
        if written:
            assert (ended.error["message"], ended.error["hint"]) == (told, again)
            assert ended.result["committed"] is False
            assert [each["state"] for each in ended.result["statements"]] == ["rolled_back"]
        else:
            assert (ended.stdout, told in ended.stderr, again in ended.stderr) == ("", True, True)
        _await(source_db, f"SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid})")
    assert source_db.value("SELECT count(*) FROM t") == 0
