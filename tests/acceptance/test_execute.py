"""``dbsync execute``: one transaction or step by step, consent, limits, formats, and values exactly as the server has them."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

import dbsync.execute
from tests.fixtures.command import Command
from tests.fixtures.databases import Database
from tests.fixtures.inprocess import Ended, InProcess


class Execute:
    """Calls the command on one database."""

    def __init__(self, call: InProcess, database: Database) -> None:
        self._call, self.database = call, database

    def __call__(self, *args: str, status: int = 0) -> Ended:
        ended = self._call("execute", self.database.url, *args)
        assert ended.exit_code == status, ended
        return ended

    def write(self, *args: str, status: int = 0) -> Ended:
        return self(*args, "--write", "--yes", "--json", status=status)

    def count(self) -> int:
        return int(self.database.value("SELECT count(*) FROM t"))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> InProcess:
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


@pytest.fixture
def execute(call: InProcess, source_db: Database) -> Execute:
    source_db.execute("CREATE TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED, b text)")
    return Execute(call, source_db)


def test_several_statements_are_one_transaction(execute):
    done = execute.write("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2), (3); SELECT count(*) FROM t")
    result = done.document["result"]
    assert (result["mode"], result["committed"]) == ("write", True)
    assert [each["command"] for each in result["statements"]] == ["INSERT 0 1", "INSERT 0 2", "SELECT 1"]
    assert result["statements"][2]["rows"] == [["3"]]
    failed = execute.write("INSERT INTO t VALUES (4);\nSELECT 1/0;\nINSERT INTO t VALUES (5)", status=6)
    assert failed.document["result"]["committed"] is False
    assert failed.document["error"]["sqlstate"] == "22012"
    assert failed.document["error"]["message"] == "statement 2 of 3 (line 2): division by zero; nothing was changed"
    assert execute.count() == 3
    text = execute("INSERT INTO t VALUES (4); SELECT 1/0", "--write", "--yes", status=6)
    assert "INSERT" not in text.stdout  # it did not happen


def test_a_commit_that_fails_changes_nothing_and_says_so(execute):
    failed = execute.write("INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)", status=6).document
    assert failed["error"]["message"].startswith("COMMIT failed, nothing was changed: ")
    assert failed["error"]["sqlstate"] == "23505"
    assert failed["result"]["committed"] is False
    assert execute.count() == 0


def test_savepoints_work_inside_the_transaction(execute):
    execute.write("SAVEPOINT a; INSERT INTO t VALUES (1); ROLLBACK TO a; INSERT INTO t VALUES (2); RELEASE a")
    assert execute.database.query("SELECT a FROM t") == [(2,)]


def test_stepwise_commits_each_statement(execute):
    done = execute.write("INSERT INTO t VALUES (1); VACUUM t; CREATE INDEX CONCURRENTLY ON t (b)", "--stepwise")
    assert done.document["result"]["mode"] == "stepwise"
    failed = execute.write("INSERT INTO t VALUES (2); SELECT 1/0; INSERT INTO t VALUES (3)", "--stepwise", status=6)
    assert failed.document["error"]["message"].endswith("; 1 statement before it was committed")
    assert failed.document["result"]["committed"] is True
    assert execute.count() == 2
    together = execute.write("VACUUM t", status=6).document
    assert together["error"]["sqlstate"] == "25001"
    assert "--stepwise" in together["error"]["hint"]


def test_a_dry_run_runs_and_rolls_back_without_consent(execute):
    done = execute("INSERT INTO t VALUES (1) RETURNING a; SELECT count(*) FROM t", "--write", "--dry-run", "--json")
    result = done.document["result"]
    assert (result["mode"], result["committed"]) == ("dry-run", False)
    assert [each["rows"] for each in result["statements"]] == [[["1"]], [["1"]]]
    assert "rolled back" in done.stderr
    assert execute.count() == 0
    assert execute("INSERT INTO t VALUES (1)", "--dry-run", "--json", status=4).document["error"]["hint"]
    assert execute("VACUUM t", "--write", "--dry-run", status=4).stderr.startswith("error: line 1: VACUUM cannot be")


def test_a_dry_run_fails_where_the_commit_would(execute):
    text = "INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)"
    failed = execute(text, "--write", "--dry-run", "--json", status=6)
    assert failed.document["error"]["sqlstate"] == "23505"
    assert failed.document["error"]["message"].startswith("COMMIT would fail: ")
    assert failed.document["result"]["committed"] is False
    assert "everything was rolled back" not in failed.stderr
    assert execute.count() == 0
    execute("INSERT INTO t VALUES (1), (1); DELETE FROM t", "--write", "--dry-run")


def test_a_dry_run_runs_no_program_from_a_body(execute, tmp_path):
    for body in (
        f"COPY (SELECT 1) TO PROGRAM 'touch {tmp_path}/x';",
        f"COPY (SELECT 1) TO '{tmp_path}/x';",
        f"EXECUTE 'copy (select 1) to program ''touch {tmp_path}/x''';",
    ):
        refused = execute(f"DO $$ BEGIN {body} END $$", "--write", "--dry-run", "--json", status=4)
        assert refused.document["error"]["code"] == "NOT_UNDONE"
    assert not (tmp_path / "x").exists()


def test_a_dry_run_says_that_code_may_leave_something_behind(execute):
    done = execute("DO $$ BEGIN INSERT INTO t VALUES (1); END $$", "--write", "--dry-run", "--json")
    said = "line 1: what the code of DO does outside of the transaction (files, programs, other databases) is not rolled back"
    assert said in done.document["warnings"]
    assert said in done.stderr
    plain = execute("INSERT INTO t VALUES (1)", "--write", "--dry-run", "--json").document["warnings"]
    assert not any("the code of" in warning for warning in plain)


def test_writing_needs_consent_and_a_protected_database_its_name(execute, tmp_path):
    url = execute.database.url
    (tmp_path / "dbsync.yaml").write_text(
        "version: 1\ndatabases:\n"
        f"  open: {{url: '{url}'}}\n  safe: {{url: '{url}', protected: true}}\n"
        f"  prod: {{url: '{url}', environment: production}}\n  look: {{url: '{url}', read_only: true}}\n"
    )

    def status(database: str, *flags: str) -> tuple[int, str | None]:
        ended = execute._call("execute", database, "DELETE FROM t", "--write", "--json", *flags)
        error = ended.document["error"]
        return ended.exit_code, error["code"] if error else None

    execute.database.execute("INSERT INTO t VALUES (1)")
    assert status("open") == (4, "CONSENT_MISSING")
    for protected in ("safe", "prod"):
        assert status(protected) == (4, "PROTECTED_TARGET")
        assert status(protected, "--yes") == (4, "PROTECTED_TARGET")
        assert status(protected, "--dry-run") == (4, "PROTECTED_TARGET")
        assert status(protected, "--confirm", "open") == (4, "PROTECTED_TARGET")
    assert status("look", "--yes")[0] == 4
    assert execute.count() == 1
    assert status("prod", "--confirm", "prod") == (0, None)
    assert execute.count() == 0


def test_a_read_shows_at_most_the_rows_asked_for_and_says_so(execute):
    many = "SELECT * FROM generate_series(1, 50000000); SELECT 'after'"
    started = time.monotonic()
    done = execute(many, "--json", "--max-rows", "3").document
    assert time.monotonic() - started < 20
    first, second = done["result"]["statements"]
    assert (first["rows"], first["truncated"], first["row_count"]) == ([["1"], ["2"], ["3"]], True, 3)
    assert (second["rows"], second["truncated"]) == ([["after"]], False)
    assert any("--max-rows" in warning for warning in done["warnings"])
    exact = execute("SELECT * FROM generate_series(1, 3)", "--json", "--max-rows", "3").document["result"][
        "statements"
    ][0]
    assert exact["truncated"] is False
    assert len(execute("SELECT * FROM generate_series(1, 1500)", "-f", "csv").stdout.split()) == 1001
    assert len(execute("SELECT * FROM generate_series(1, 1500)", "-f", "csv", "--max-rows", "0").stdout.split()) == 1501


def test_a_write_runs_to_its_end_whatever_is_shown(execute):
    done = execute.write("INSERT INTO t SELECT generate_series(1, 500) RETURNING a", "--max-rows", "2").document
    statement = done["result"]["statements"][0]
    assert (len(statement["rows"]), statement["row_count"], statement["truncated"]) == (2, 500, True)
    assert execute.count() == 500


def test_answers_are_held_up_to_a_number_of_bytes(execute, monkeypatch):
    monkeypatch.setattr(dbsync.execute, "MOST_BYTES", 25_000)
    wide = "SELECT repeat('x', 1000) FROM generate_series(1, 100000)"
    done = execute(f"{wide}; {wide}", "--json", "--max-rows", "0").document
    first, second = done["result"]["statements"]
    assert (len(first["rows"]), first["truncated"]) == (25, True)
    assert (len(second["rows"]), second["truncated"]) == (0, True)
    assert sum("are held" in warning for warning in done["warnings"]) == 2, done


def test_a_result_that_is_too_large_does_not_look_complete(dbsync: Command, source_db: Database, tmp_path: Path):
    sql = "SELECT repeat('x', 1000000) FROM generate_series(1, 80)"
    args = ("execute", source_db.url, sql, "--max-rows", "0", "-q", "-o", f"json={tmp_path / 'o.json'}")
    dbsync.run(*args).ended(0)
    document = json.loads((tmp_path / "o.json").read_text())
    (statement,) = document["result"]["statements"]
    assert (len(statement["rows"]), statement["row_count"], statement["truncated"]) == (67, 67, True)
    (warning,) = (text for text in document["warnings"] if "rows are shown" in text)
    assert "64 MiB are held" in warning
    assert "LIMIT" in warning
    assert "--max-rows" not in warning
    small = dbsync.run("execute", source_db.url, sql, "--max-rows", "3", "-f", "csv").ended(0)
    assert "--max-rows 0 shows all, up to 64 MiB" in small.stderr


def test_a_statement_has_its_own_time_limit(execute):
    failed = execute("SELECT 1; SELECT pg_sleep(30)", "--statement-timeout", "500ms", "--json", status=7).document
    assert failed["error"]["code"] == "TIME_LIMIT"
    assert "statement 2 of 2" in failed["error"]["message"]
    assert [each["rows"] for each in failed["result"]["statements"]] == [[["1"]]]


def test_a_failing_statement_is_exit_6_with_the_servers_words(execute):
    for text, state in (
        ("selec 1", "42601"),
        ("SELECT * FROM nowhere", "42P01"),
        ("SELECT 'a'::int", "22P02"),
        ("SELECT 'a", "42601"),
    ):
        error = execute(text, "--json", status=6).document["error"]
        assert error["sqlstate"] == state
        assert "pg_catalog only" not in (error["hint"] or "")


def test_a_lost_connection_is_named(execute):
    def terminate() -> None:
        with psycopg.connect(execute.database.url, autocommit=True) as connection:
            find = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(20)'"
            while not connection.execute(find).fetchall():
                time.sleep(0.05)

    killer = threading.Thread(target=terminate)
    killer.start()
    failed = execute.write("INSERT INTO t VALUES (1); SELECT pg_sleep(20)", status=6).document
    killer.join()
    assert failed["error"]["code"] == "CONNECTION_LOST"
    assert execute.count() == 0


def test_the_text_comes_from_an_argument_a_file_or_stdin(execute, tmp_path, monkeypatch):
    script = tmp_path / "script.sql"
    script.write_bytes(b"\xef\xbb\xbf-- head\nSELECT '\xc3\xa4;' AS a;\n")
    assert execute("--file", str(script), "-f", "csv").stdout == "a\nä;\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 2 AS b"))
    assert execute("-", "-f", "csv").stdout == "b\n2\n"
    script.write_bytes(b"SELECT '\xff'")
    for args in (
        ["--file", str(script)],
        ["--file", "absent.sql"],
        ["--file", str(tmp_path)],
        [],
        ["SELECT 1", "--file", str(script)],
        [""],
    ):
        assert execute(*args, "--json", status=2).document["error"]["code"] == "CONFIG"


@pytest.mark.parametrize("text", [r"\d", "SELECT 1;\n\\copy t from 'x'"])
def test_commands_of_psql_are_refused_by_name(execute, text):
    error = execute(text, "--json", status=2).document["error"]
    assert "psql" in error["message"]
    assert text.split("\n")[-1].split()[0] in error["message"]


def test_values_are_the_servers_text_and_percent_signs_are_nothing_special(execute):
    text = (
        "SELECT 0.1::float8, 'infinity'::timestamptz, '[2:3]={1,NULL}'::int[], interval '1 mon 30 days', "
        "'\\x00ff'::bytea, 12345678901234567890.10::numeric, true, NULL, '', '%s %% %(a)s', 10 % 3, E'a\\tb\\n', "
        "'{\"n\": 9007199254740993}'::json"
    )
    row = execute(text, "--json").document["result"]["statements"][0]["rows"][0]
    assert row == [
        "0.1", "infinity", "[2:3]={1,NULL}", "1 mon 30 days", "\\x00ff", "12345678901234567890.10", "t", None, "",
        "%s %% %(a)s", "1", "a\tb\n", '{"n": 9007199254740993}',
    ]  # fmt: skip


def test_formats(execute):
    execute.database.execute("CREATE TYPE mood AS ENUM ('ok')")
    text = "SELECT 1 AS a, 'x|<b>' AS a, NULL AS \"B c\", 'ok'::mood AS m; SHOW timezone; SELECT WHERE false"
    document = execute(text, "--json").document["result"]["statements"]
    assert document[0]["columns"] == [
        {"name": "a", "type": "integer"}, {"name": "a", "type": "text"}, {"name": "B c", "type": "text"},
        {"name": "m", "type": "mood"},
    ]  # fmt: skip
    lines = execute(text, "-f", "jsonl").stdout.splitlines()
    assert json.loads(lines[0]) == {"a": "1", "a_2": "x|<b>", "B c": None, "m": "ok"}
    assert json.loads(lines[1]) == {"TimeZone": "UTC"}
    assert execute("SELECT NULL AS a, '' AS b, 'c,\"d' AS c", "-f", "csv").stdout == 'a,b,c\n,"","c,""d"\n'
    assert execute(text, "-f", "md").stdout.startswith(
        "| a | a | B c | m |\n|---:|---|---|---|\n| 1 | x\\|&lt;b> | ∅ |"
    )
    shown = execute("SELECT 1 AS a, NULL AS b; SELECT WHERE false").stdout
    assert shown == "a  b\n─  ─\n1  ∅\n(1 row)\n\nSELECT 0\n"


def test_names_are_looked_up_as_the_role_is_used_to(execute):
    name = execute.database.name
    execute.database.execute(
        "CREATE SCHEMA other", "CREATE TABLE other.only_here ()", f"ALTER DATABASE {name} SET search_path = other"
    )
    assert execute("SELECT * FROM only_here", "--json").document["ok"]
    execute.write("CREATE TABLE made ()")
    assert execute.database.value("SELECT to_regclass('other.made') IS NOT NULL")


_OF_DATABASE = {
    "TimeZone": "Europe/Berlin", "DateStyle": "SQL, DMY", "IntervalStyle": "sql_standard", "transform_null_equals": "on",
    "array_nulls": "off", "xmloption": "document", "row_security": "on", "lock_timeout": "7s", "statement_timeout": "20s",
    "default_transaction_isolation": "repeatable read",
}  # fmt: skip
_PINNED = {
    "standard_conforming_strings": "off", "bytea_output": "escape", "default_transaction_read_only": "on",
}  # fmt: skip


@pytest.fixture
def with_settings(execute: Execute) -> Execute:
    """A database with settings that change what statements mean."""
    execute.database.execute("CREATE TABLE m (ts timestamptz, d date, i interval)")
    for name, value in (_OF_DATABASE | _PINNED).items():
        spelled = value if name == "DateStyle" else f"'{value}'"
        execute.database.execute(
            f"SET default_transaction_read_only = off; ALTER DATABASE {execute.database.name} SET {name} = {spelled}"
        )
    return execute


def test_a_write_means_what_it_means_in_the_roles_own_sessions(with_settings):
    insert = "INSERT INTO m VALUES ('2024-07-01 00:30', '01/07/2024', '-1 2:00') RETURNING *"
    found = "SELECT extract(epoch FROM ts)::int, d - date '2000-01-01', extract(epoch FROM i)::int FROM m"
    stored = (1719786600, 8948, -93600)  # 2024-06-30 22:30 UTC, 2024-07-01
    done = with_settings.write(insert).document
    assert with_settings.database.query(found) == [stored]
    assert done["result"]["statements"][0]["rows"] == [["01/07/2024 00:30:00 CEST", "01/07/2024", "-1 2:00:00"]]
    assert [text for text in done["warnings"] if "DateStyle" in text] == [
        "dates are read and printed in the DateStyle of the role or database, which is SQL, DMY"
    ]
    with_settings.write(insert, "--stepwise")
    assert with_settings.database.query(found) == [stored] * 2


@pytest.mark.parametrize("mode", [[], ["--stepwise"], ["--dry-run"]])
def test_every_write_has_the_settings_of_the_role_and_keeps_what_is_safe(with_settings, mode):
    shown = [*_OF_DATABASE, "transaction_isolation", "client_encoding", *_PINNED]
    asked = "SELECT " + ", ".join(f"current_setting('{name}')" for name in shown)
    (row,) = with_settings.write(asked, *mode).document["result"]["statements"][0]["rows"]
    assert dict(zip(shown, row, strict=True)) == {
        **_OF_DATABASE, "transaction_isolation": "repeatable read", "client_encoding": "UTF8",
        "standard_conforming_strings": "on", "bytea_output": "hex", "default_transaction_read_only": "off",
    }  # fmt: skip
    limited = with_settings.write("SHOW statement_timeout", "--statement-timeout", "5s", *mode)
    assert limited.document["result"]["statements"][0]["rows"] == [["5s"]]


def test_a_read_shows_values_in_one_way_whatever_the_settings(with_settings):
    done = with_settings("SELECT '2024-07-01 00:30Z'::timestamptz", "--json").document
    assert done["result"]["statements"][0]["rows"] == [["2024-07-01 00:30:00+00"]]


def test_notices_are_told_and_kept(execute):
    done = execute.write("DO $$ BEGIN RAISE NOTICE 'told %', 7; END $$; DROP TABLE IF EXISTS absent")
    first, second = done.document["result"]["statements"]
    assert first["notices"] == ["told 7"]
    assert second["notices"] == ['table "absent" does not exist, skipping']
    assert "told 7" in done.stderr


def test_a_role_with_special_powers_is_warned_of(execute):
    assert any("special powers" in warning for warning in execute("SELECT 1", "--json").document["warnings"])
