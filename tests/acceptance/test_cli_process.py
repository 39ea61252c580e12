"""The command as a process: signals, time limits, closed and full streams, files, profiles."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.command import Command
from tests.fixtures.databases import Database
from tests.fixtures.terminal import on_terminal

_SLEEP = "SELECT pg_sleep(60)"


def _sleeping(database: Database) -> int:
    return int(database.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'"))


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def _shell(dbsync: Command, script: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in which $DBSYNC is the command and $1... are the arguments."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(dbsync.home), "PYTHONPATH": str(Path(__file__).parents[2])}
    environ["DBSYNC"] = f"{sys.executable} -m dbsync"
    return subprocess.run(
        ["bash", "-c", script, "bash", *args], capture_output=True, text=True, env=environ, cwd=dbsync.home, check=False
    )


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(signal.SIGINT, 130, "INTERRUPTED"), (signal.SIGTERM, 143, "INTERRUPTED"), (signal.SIGHUP, 143, "INTERRUPTED")],
)
def test_a_signal_ends_the_command_and_what_it_runs_on_the_server(dbsync, source_db, number, status, code):
    running = dbsync.start("execute", source_db.url, _SLEEP, "--json")
    _until(lambda: _sleeping(source_db) == 1, "the statement runs")
    started = time.monotonic()
    running.send(number)
    result = running.wait().ended(status)
    assert time.monotonic() - started < 5
    assert result.error["code"] == code
    assert result.document["source"]["database"] == source_db.name
    _until(lambda: _sleeping(source_db) == 0, "the statement is cancelled")


def test_a_signal_that_is_ignored_stays_ignored(dbsync, source_db):
    script = "trap '' HUP; exec $DBSYNC execute \"$1\" 'SELECT pg_sleep(2)' --json"
    environ = {"PATH": os.environ["PATH"], "HOME": str(dbsync.home), "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", source_db.url], env=environ | {"DBSYNC": f"{sys.executable} -m dbsync"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(0.7)
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out


def test_the_time_limit_is_exit_7(dbsync, source_db):
    result = dbsync.run("execute", source_db.url, _SLEEP, "--json", "--timeout", "1.5s").ended(7)
    assert result.error["code"] == "TIME_LIMIT"
    assert result.elapsed_s < 5
    _until(lambda: _sleeping(source_db) == 0, "the statement is cancelled")


_EARLY = [(signal.SIGINT, each) for each in ("dbsync.cli", "typer._click", "typer", "dbsync.errors", "dbsync.cli.main")]


@pytest.mark.parametrize(("number", "module"), [*_EARLY, (signal.SIGTERM, "dbsync.cli"), (signal.SIGTERM, "typer")])
def test_a_signal_while_python_imports_is_told_without_a_traceback(dbsync, number, module):
    """Python tells of each module when it is there, so that the moment is the same on a slow machine."""
    with socket.create_server(("127.0.0.1", 0)) as mute:  # else the command could be over when the signal comes
        url = f"postgresql://u@127.0.0.1:{mute.getsockname()[1]}/db?sslmode=disable"
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "dbsync", "test", url, "--json"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
            env={"PATH": os.environ["PATH"], "HOME": str(dbsync.home)},
        )  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if line.split("|")[-1].strip() == module:
                process.send_signal(number)
                break
        out, err = process.communicate(timeout=30)
    word = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}[number]
    assert process.returncode == 128 + number, err
    assert [line for line in err.splitlines() if not line.startswith("import time:")][:1] == [f"error: {word}"], err
    assert "Traceback" not in err
    assert json.loads(out)["exit_code"] == 128 + number


def _from_code(dbsync: Command, code: str, *args: str) -> subprocess.Popen[str]:
    """The command in a process in which this code comes first."""
    script = f"{code}\nimport sys\nfrom dbsync.cli.main import main\nmain(sys.argv[1:])"
    environ = {"PATH": os.environ["PATH"], "HOME": str(dbsync.home), "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-c", script, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environ, cwd=dbsync.home,
    )  # fmt: skip


# It tells that it has begun; a signal that comes before there are handlers would end Python itself.
_STUCK = """
import sys, time, dbsync.cli.context as c
def stuck(*a, **k):
    told = False
    while True:
        try:
            if not told: print("stuck", file=sys.stderr, flush=True)
            told = True
            time.sleep(1)
        except KeyboardInterrupt:
            told = True  # a signal that comes with the word is one that is not noticed either
c.resolve = stuck
"""


def _begun(process: subprocess.Popen[str], word: str) -> None:
    assert process.stderr is not None
    assert process.stderr.readline() == f"{word}\n"


def test_work_that_does_not_notice_a_signal_is_cut_off(dbsync):
    """The watchdog ends the process, with a document."""
    process = _from_code(dbsync, _STUCK, "execute", "x", "select 1", "--json")
    _begun(process, "stuck")
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert process.returncode == 143
    document = json.loads(out)
    assert document["exit_code"] == 143
    assert "cut off" in document["warnings"][0]
    assert "Traceback" not in err


# It waits for a lock that it has, in C, as a look-up waits for a name server: no handler of Python's can run there.
_DEAD_NAME_SERVER = """
import ctypes, socket, sys
def stuck(*a, **k):
    print("stuck", file=sys.stderr, flush=True)
    lock, c = ctypes.create_string_buffer(128), ctypes.CDLL(None)
    while True: c.pthread_mutex_lock(lock)
socket.getaddrinfo = stuck
"""


@pytest.mark.parametrize(
    ("words", "number", "status"),
    [
        (("execute", "DB", "select 1"), signal.SIGTERM, 143),
        (("test", "DB"), signal.SIGINT, 130),
        (("execute", "DB", "select 1"), None, 7),
        (("sync", "DB", "DB2"), None, 7),
    ],
)
def test_a_dead_name_server_does_not_outlive_a_signal_or_the_time_limit(dbsync, words, number, status):
    names = {"DB": "postgresql://u@db.example/d", "DB2": "postgresql://u@other.example/d"}
    limit = () if number else ("--timeout", "2s")
    process = _from_code(dbsync, _DEAD_NAME_SERVER, *(names.get(word, word) for word in words), "--json", *limit)
    try:
        _begun(process, "stuck")
        if number:
            process.send_signal(number)
        out, err = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode == status, err
    assert json.loads(out)["exit_code"] == status
    assert "Traceback" not in err


def test_a_second_signal_ends_at_once(dbsync):
    process = _from_code(dbsync, _STUCK, "execute", "x", "select 1", "--json")
    _begun(process, "stuck")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=3)
    assert process.returncode == 130
    assert json.loads(out)["exit_code"] == 130


def test_a_reader_that_has_seen_enough_ends_it_silently(dbsync, source_db):
    many = "SELECT repeat('x', 1000) FROM generate_series(1, 20000)"
    script = '$DBSYNC execute "$1" "$2" -f csv --max-rows 0 | head -n 2; echo "${PIPESTATUS[0]}"'
    done = _shell(dbsync, script, source_db.url, many)
    assert done.stdout.splitlines()[-1] == "0"
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr
    for flag in ("--help", "--version"):
        done = _shell(dbsync, '$DBSYNC "$1" | true; echo "${PIPESTATUS[0]}"', flag)
        assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    ("redirection", "status"), [(">&-", 0), ("2>&-", 0), ("<&-", 0), (">&- 2>&- <&-", 0), ("2>/dev/full", 0), (">/dev/full", 6)]
)  # fmt: skip
def test_closed_and_full_streams_never_give_a_traceback(dbsync, source_db, redirection, status):
    done = _shell(dbsync, f'{{ $DBSYNC execute "$1" "SELECT 1" -v {redirection}; echo "$?" >status; }}', source_db.url)
    assert (dbsync.home / "status").read_text() == f"{status}\n"
    assert "Traceback" not in done.stdout + done.stderr
    if status:
        assert "No space left" in done.stderr


def test_a_full_disk_under_the_log_file_stops_nothing(dbsync, source_db):
    result = dbsync.run("execute", source_db.url, "SELECT 1", "--json", "-vv", "--log-file", "/dev/full").ended(0)
    assert result.stderr.count("\n") < 10


@pytest.mark.parametrize("log", ["nowhere/log", "."])
@pytest.mark.parametrize("words", [("schema", "postgresql://h/a"), ("sync", "postgresql://h/a", "postgresql://h/b")])
def test_a_log_file_that_cannot_be_opened_is_one_sentence(dbsync, log, words):
    told = dbsync.run(*words, "--log-file", log).ended(2).stderr.splitlines()
    assert told[0].startswith(f"error: cannot open the log file {log!r}: "), told
    assert told[1:] == ["hint: name a file that can be written to"]
    for args in ((*words, "--json", "--log-file", log), ("-q", "--log-file", log, *words, "--json")):
        failed = dbsync.run(*args).ended(2)
        assert failed.error["message"] in told[0]
        assert len(failed.stderr.splitlines()) == (1 if "-q" in args else 2)


def test_cron_mode_is_silent_on_success_and_one_line_on_failure(dbsync, source_db, target_db):
    source_db.execute("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)")
    target_db.execute("CREATE TABLE t (a int PRIMARY KEY)")
    args = ("-q", "--log-file", "nightly.log", "sync", source_db.url, target_db.url, "--yes", "--mode", "replace")
    result = dbsync.run(*args)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", ""), result
    assert "public.t  done  1 rows" in (dbsync.home / "nightly.log").read_text()
    target_db.execute("ALTER TABLE t ALTER a TYPE smallint")
    result = dbsync.run(*args)
    assert result.exit_code == 4
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")


def test_output_files_are_whole_or_untouched(dbsync, source_db, tmp_path):
    table, link, report = tmp_path / "t.csv", tmp_path / "link.csv", tmp_path / "r.json"
    table.write_text("former")
    table.chmod(0o640)
    link.symlink_to(table)
    args = ("execute", source_db.url, "SELECT 1 AS a", "-o", f"csv={link}", "-o", f"json={report}", "-f", "md")
    result = dbsync.run(*args).ended(0)
    assert result.stdout.startswith("| a |")
    assert table.read_text() == "a\n1\n"
    assert stat.S_IMODE(table.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert json.loads(report.read_text())["result"]["statements"][0]["rows"] == [["1"]]

    failing = ("execute", source_db.url, "SELECT 1/0", "-o", f"csv={table}", "-o", f"json={report}")
    dbsync.run(*failing).ended(6)
    assert json.loads(report.read_text())["error"]["sqlstate"] == "22012"
    whole = dbsync.run("execute", source_db.url, "SELECT 2 AS b", "-f", "csv", "-o", str(table)).ended(0)
    assert whole.stdout == ""
    assert table.read_text() == "b\n2\n"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []

    missing = dbsync.run("execute", source_db.url, "SELECT 1", "-o", "no/such/dir/x", "--json").ended(2)
    assert "no/such/dir" in missing.error["message"]
    assert dbsync.run("execute", source_db.url, "SELECT 1", "-o", "junit=x").exit_code == 2
    assert dbsync.run("execute", source_db.url, "SELECT 1", "-o", "/dev/full").exit_code == 6


_MANY = "SELECT repeat('x', 1000) FROM generate_series(1, 5000)"


@pytest.mark.parametrize(
    ("args", "numbers", "status", "word"),
    [
        (("--timeout", "5s"), [], 7, "time limit"),
        ((), [signal.SIGTERM], 143, "terminated"),
        ((), [signal.SIGINT, signal.SIGINT], 130, "interrupted"),
    ],
)
def test_an_answer_that_is_cut_short_is_no_success(dbsync, source_db, args, numbers, status, word):
    """Nobody reads it: some of it is written, the rest never can be."""
    running = dbsync.start("execute", source_db.url, _MANY, "-f", "csv", "--max-rows", "0", *args)
    running.first_line()
    for number in numbers:
        running.send(number)
        time.sleep(0.3)
    _until(lambda: running.over, "it ends though nobody reads")
    result = running.wait().ended(status)
    assert len(result.stdout) < 1_000_000
    (told,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert word in told
    assert "could not be written in time" in told


def test_a_pipe_that_nobody_opens_is_told_on_stdout(dbsync, source_db, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    whole, stuck = tmp_path / "whole.json", ("-o", f"csv={tmp_path / 'pipe.csv'}", "--timeout", "5s")
    result = dbsync.run("execute", source_db.url, "SELECT 1", "--json", "-o", f"json={whole}", *stuck).ended(7)
    assert result.error["code"] == "TIME_LIMIT"
    assert "could not be written in time" in result.document["warnings"][-1]
    assert json.loads(whole.read_text())["exit_code"] == 7


def test_a_file_that_cannot_be_written_in_time_leaves_nothing_behind(dbsync, source_db, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("former")
    stuck = "import os, time\nos.fsync = lambda descriptor: time.sleep(60)"
    process = _from_code(dbsync, stuck, "execute", source_db.url, "SELECT 1", "-o", str(table), "--timeout", "5s")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (7, ""), err
    assert "Traceback" not in err
    assert table.read_text() == "former"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["t.csv"]


def test_a_full_disk_keeps_neither_the_document_nor_an_earlier_error_back(dbsync, source_db):
    full = ("--json", "-o", "json=/dev/full")
    result = dbsync.run("execute", source_db.url, "SELECT 1", *full).ended(6)
    assert result.error["code"] == "OUTPUT"
    assert result.stderr.count("/dev/full") == 1
    away = "postgresql://u@127.0.0.1:1/d"
    for args in (("execute", away, "SELECT 1"), ("test", away)):
        result = dbsync.run(*args, *full).ended(3)
        assert result.error["code"] == "CONNECT_TCP"
        assert "warning: cannot write '/dev/full'" in result.stderr
    done = _shell(dbsync, '$DBSYNC execute "$1" "SELECT 1" --json >/dev/full; echo "$?"', away)
    assert done.stdout == "3\n"
    assert "cannot write to stdout" in done.stderr
    done = _shell(dbsync, '$DBSYNC execute "$1" "SELECT 1" -o json=r.json >/dev/full; echo "$?"', source_db.url)
    kept = json.loads((dbsync.home / "r.json").read_text())
    assert (done.stdout, kept["exit_code"], kept["error"]["code"]) == ("6\n", 6, "OUTPUT")
    assert kept["result"]["statements"][0]["rows"] == [["1"]]


def test_flags_beat_the_environment_which_beats_the_profile(dbsync, source_db):
    (dbsync.home / "dbsync.yaml").write_text(
        "version: 1\n"
        f"databases: {{here: {{url: '{source_db.url}'}}}}\n"
        "profiles: {few: {max-rows: 1, format: csv, progress: none}, odd: {max_rwos: 1}}\n"
    )
    args = ("execute", "here", "SELECT generate_series(1, 9) AS n")

    def rows(*flags: str, **env: str) -> int:
        return len(dbsync.run(*args, "-f", "csv", *flags, env=env).ended(0).stdout.split()) - 1

    assert rows() == 9
    assert rows("-p", "few") == 1
    assert rows(DBSYNC_PROFILE="few") == 1
    assert rows("-p", "few", DBSYNC_MAX_ROWS="2") == 2
    assert rows("-p", "few", "--max-rows", "3", DBSYNC_MAX_ROWS="2") == 3
    assert dbsync.run("-p", "few", *args).ended(0).stdout == "n\n1\n"
    assert dbsync.run("-p", "few", *args, env={"DBSYNC_FORMAT": "jsonl"}).ended(0).stdout == '{"n": "1"}\n'
    assert dbsync.run("-p", "few", *args, "--json").ended(0).document["ok"]
    for profile, word in (("fex", "few"), ("odd", "max_rows")):
        failed = dbsync.run("-p", profile, *args, "--json").ended(2)
        assert word in failed.error["message"] + (failed.error["hint"] or "")
    wrong = dbsync.run(*args, "--json", env={"DBSYNC_MAX_ROWS": "many"}).ended(2)
    assert "max-rows" in wrong.error["message"]
    assert "DBSYNC_MAX_ROWS" in wrong.error["message"]


def test_consent_never_comes_from_the_environment_or_a_profile(dbsync, source_db):
    source_db.execute("CREATE TABLE t (a int)")
    agreeing = dbsync.home / "agreeing.yaml"
    agreeing.write_text("version: 1\nprofiles: {agreed: {'yes': true}}\n")
    failed = dbsync.run("-c", str(agreeing), "-p", "agreed", "execute", source_db.url, "SELECT 1", "--json").ended(2)
    assert "consent" in failed.error["message"]
    env = {"DBSYNC_YES": "1", "DBSYNC_WRITE": "1", "DBSYNC_CONFIRM": source_db.name}
    insert = ("execute", source_db.url, "INSERT INTO t VALUES (1)", "--json")
    assert dbsync.run(*insert, env=env).ended(4).error["code"] == "WRITE_WITHOUT_WRITE"
    assert dbsync.run(*insert, "--write", env=env).ended(4).error["code"] == "CONSENT_MISSING"
    assert source_db.value("SELECT count(*) FROM t") == 0
    dbsync.run(*insert, "--write", "--yes").ended(0)
    assert source_db.value("SELECT count(*) FROM t") == 1


def test_a_person_at_a_terminal_is_asked(dbsync, source_db):
    source_db.execute("CREATE TABLE t (a int)")
    insert = ["execute", source_db.url, "INSERT INTO t VALUES (1)", "--write"]
    assert on_terminal(dbsync.home, insert, b"n\n")[0] == 4
    assert source_db.value("SELECT count(*) FROM t") == 0
    assert on_terminal(dbsync.home, [*insert, "--no-input"], b"")[0] == 4
    status, shown = on_terminal(dbsync.home, insert, b"y\n")
    assert status == 0, shown
    assert b"Run 1 statement on" in shown
    assert source_db.value("SELECT count(*) FROM t") == 1


def test_text_from_the_database_cannot_steer_a_terminal(dbsync, source_db):
    """Escapes, carriage returns, bidi marks in values, names, notices and errors."""
    evil = "\x1b]0;owned\x07\x1b[2J\r\u202e\u0000".replace("\u0000", "")
    literal = "U&'" + "".join(f"\\{ord(character):04x}" for character in evil) + "'"
    name = 'U&"' + "".join(f"\\{ord(character):04x}" for character in evil) + '"'
    statements = f"SELECT {literal} AS {name}; SELECT 1 AS a, {literal}::int"
    _, shown = on_terminal(
        dbsync.home, ["execute", source_db.url, statements, "--color", "never", "--progress", "none"], b""
    )
    text = shown.decode()
    assert "owned" in text
    assert "\\x1b[2J" in text
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "\r" not in text.replace("\r\n", "\n")


def test_bars_appear_on_a_terminal_and_leave_it_as_it_was(dbsync, source_db, target_db):
    table = 'CREATE TABLE "Odd [red]\x1b[2J" (a int PRIMARY KEY)'
    source_db.execute(table, 'INSERT INTO "Odd [red]\x1b[2J" SELECT generate_series(1, 50000)')
    target_db.execute(table)
    status, shown = on_terminal(dbsync.home, ["sync", source_db.url, target_db.url, "--yes"], b"")
    text = shown.decode()
    assert status == 0, text
    assert "all tables" in text
    assert "[red]" in text  # shown, not taken for markup
    assert "[2J" in text
    assert "\x1b[2J" not in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back


def test_nothing_but_whole_lines_goes_into_a_pipe(dbsync, source_db, target_db):
    source_db.execute("CREATE TABLE t (a int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 20000)")
    target_db.execute("CREATE TABLE t (a int PRIMARY KEY)")
    sync = ("sync", source_db.url, target_db.url, "--yes", "--json", "--mode", "replace")
    for progress in ("auto", "line", "tqdm", "rich", "none", "jsonl"):
        result = dbsync.run(*sync, "--progress", progress).ended(0)
        assert "\r" not in result.stderr, progress
        assert "\x1b" not in result.stderr, progress
        assert result.stderr == "" or result.stderr.endswith("\n")
    lines = [line for line in result.stderr.splitlines() if line.startswith("{")]
    events = [json.loads(line)["event"] for line in lines]
    assert events[0] == "plan_ready"
    assert events[-1] == "run_finished"
    assert "100 %" in dbsync.run(*sync).ended(0).stderr
