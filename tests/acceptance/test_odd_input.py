"""Input that is no text, no number or no answer: one sentence and exit 2; bytes that are no text are shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.command import Command
from tests.fixtures.databases import Database
from tests.fixtures.terminal import on_terminal

_LONE = "\udcff"  # the byte 0xff of an argument, as Python has it


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("execute", "{url}", f"SELECT '{_LONE}'"), "the SQL"),
        (("explore", "{url}", "t", "--where", f"b = '{_LONE}'"), "--where"),
        (("explore", "{url}", "t", "--stats", "--where", f"b = '{_LONE}'"), "--where"),
        (("explore", "{url}", "t", "--filter", f"b={_LONE}"), "--filter"),
        (("explore", "{url}", "t", "--search", _LONE), "--search"),
        (("explore", "{url}", "t", "--key", _LONE), "--key"),
        (("explore", "{url}", "t", "--after", f'["{_LONE}"]'), "--after"),
        (("diff", "{url}", "{url}", "--what", "data", "--where", f"t:b = '{_LONE}'"), "--where"),
        (("sync", "{url}", "{url}", "--map", f"t=b{_LONE}"), "--map"),
    ],
)
def test_bytes_that_are_no_text_are_refused(dbsync: Command, source_db: Database, args, what):
    source_db.execute("CREATE TABLE t (a text PRIMARY KEY, b text)")
    ended = dbsync.run(*(arg.format(url=source_db.url) for arg in args), "--json").ended(2)
    assert ended.error["message"] == f"{what} is not UTF-8"


def test_a_user_whose_name_is_no_text_can_sync(dbsync: Command, source_db: Database, target_db: Database):
    for database in (source_db, target_db):
        database.execute("CREATE TABLE t (a text PRIMARY KEY)")
    source_db.execute("INSERT INTO t VALUES ('x')")
    odd = {"LOGNAME": _LONE, "USER": _LONE}
    dbsync.run("sync", source_db.url, target_db.url, "--yes", "--json", env=odd).ended(0)
    assert target_db.value("SELECT client_user FROM dbsync.run") == "?"


def test_a_key_with_a_bare_line_break_is_refused(dbsync: Command, source_db: Database):
    source_db.execute("CREATE TABLE t (a text, b int, PRIMARY KEY (a, b))")
    ended = dbsync.run("explore", source_db.url, "t", "--key", "a\rb,1", "--json").ended(2)
    assert "JSON array" in ended.error["hint"]


@pytest.mark.parametrize(
    "args", [("execute", "postgresql://nobody@127.0.0.1:1/x", "-"), ("connections", "add", "q", "-")]
)
@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_bytes_on_stdin_that_are_no_text_are_refused(tmp_path: Path, args, errors):
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONIOENCODING": f"utf-8:{errors}"}
    command = [sys.executable, "-m", "dbsync", *args]
    ended = subprocess.run(command, input=b"SELECT '\xff'", capture_output=True, env=environ | _here(), check=False)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"stdin is not UTF-8" in ended.stderr


def test_no_answer_to_the_question_for_a_url_is_one_sentence(tmp_path: Path):
    status, shown = on_terminal(tmp_path, ["connections", "add", "q"], b"\x04", asked=b"not shown")  # Ctrl-D
    assert status == 2, shown
    assert b"no URL was typed" in shown


def _here() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[2])}


def test_answers_that_are_no_text_are_shown(dbsync: Command, source_db: Database):
    script = "SET client_encoding = 'LATIN1'; SELECT chr(233) AS a, 'x' AS b"
    ended = dbsync.run("execute", source_db.url, script, "--write", "--dry-run", "--json").ended(0)
    assert ended.result["statements"][1]["rows"] == [["\\xe9", "x"]]


def test_a_limit_longer_than_the_server_has_is_the_longest(dbsync: Command, source_db: Database):
    source_db.execute("CREATE TABLE t (a text PRIMARY KEY)")
    dbsync.run("explore", source_db.url, "t", "--timeout", "30d", "--json").ended(0)
    asked = ("execute", source_db.url, "SHOW statement_timeout", "--statement-timeout", "30d", "--timeout", "90y")
    dbsync.run(*asked, "--json").ended(2)
    done = dbsync.run(*asked[:-1], "36000d", "--json").ended(0)
    assert done.result["statements"][0]["rows"] == [["2147483647ms"]]
    dbsync.run(*asked[:-1], "200000d", "--json").ended(2)
