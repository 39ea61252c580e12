"""What a run tells the machines around it: summary, metrics, heartbeats, a command on failure; also when it fails."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.command import Command
from tests.fixtures.inprocess import InProcess
from tests.fixtures.locks import held_by_another_run
from tests.fixtures.pair import Pair, run_sql
from tests.fixtures.reports import Pings, metrics, note

SCHEMA = "CREATE TABLE t (id int PRIMARY KEY, v text)"
ROWS = "INSERT INTO t SELECT i, 'x' FROM generate_series(1, 20) i"
CANARY = "s3cr3tCanary"


@pytest.fixture
def pings() -> Iterator[Pings]:
    server = Pings()
    yield server
    server.close()


@pytest.fixture
def pair(pairs: Callable[..., Pair]) -> Pair:
    return pairs(SCHEMA, ROWS)


def test_a_run_that_succeeds_tells_everybody(pair: Pair, dbsync: Command, tmp_path: Path, pings: Pings):
    files = ("--metrics-file", str(tmp_path / "m.prom"), "--summary-file", str(tmp_path / "s.md"))
    ended = dbsync.sync(
        pair.source, pair.target, *files, "--heartbeat-url", f"{pings.url}/uuid?team=x", "--on-failure", note(tmp_path)
    ).ended(0)
    assert pings.paths == ["/uuid/start?team=x", "/uuid?team=x"]
    assert pings.seen[1][1].startswith("succeeded, exit 0, ")
    assert pings.seen[1][1].endswith("20 inserted, 0 updated, 0 deleted\n")
    found = metrics(tmp_path / "m.prom")
    assert (found["run_success"], found["run_exit_code"], found["run_tables"]) == (1, 0, 1)
    assert ended.result["run_id"] in (tmp_path / "s.md").read_text()
    assert "| public.t | done | 20 | 0 | 0 |" in (tmp_path / "s.md").read_text()
    assert (tmp_path / "m.prom").stat().st_mode & 0o044, "node_exporter, another user, reads it"
    assert not (tmp_path / "noted").exists()


@pytest.mark.parametrize(
    ("source", "code", "word"),
    [("env:NOT_SET", 2, "CONFIG"), ("postgresql://u:s3cr3tCanary@127.0.0.1:1/d", 3, "CONNECT_TCP")],
)
def test_a_run_that_fails_before_anything_is_open_tells_everybody(
    source, code, word, pair: Pair, dbsync: Command, tmp_path: Path, pings: Pings
):
    files = ("--metrics-file", str(tmp_path / "m.prom"), "--summary-file", str(tmp_path / "s.md"))
    env = {"DBSYNC_HEARTBEAT_URL": f"{pings.url}/uuid/", "PASSED": "on", "OTHER": f"postgresql://a:{CANARY}@h/d"}
    ended = dbsync.run("sync", source, pair.target, "--yes", "--json", *files, "--on-failure", note(tmp_path), env=env)
    ended.ended(code)
    assert ended.error["code"] == word
    assert pings.paths == ["/uuid/start", "/uuid/fail"]
    assert pings.seen[1][1].startswith(f"failed, exit {code} {word}, ")
    found = metrics(tmp_path / "m.prom")
    assert (found["run_success"], found["run_exit_code"]) == (0, code)
    assert "success_timestamp_seconds" not in found
    facts, environ = json.loads((tmp_path / "noted").read_text())
    assert (facts["state"], facts["exit_code"], facts["error"]["code"]) == ("failed", code, word)
    assert (environ["PASSED"], environ["DBSYNC_RUN_ERROR"]) == ("on", word)
    told = "".join(path.read_text() for path in (tmp_path / "m.prom", tmp_path / "s.md", tmp_path / "noted"))
    assert CANARY not in told + str(pings.seen) + ended.stderr
    assert "source" in facts


def test_a_refused_run_and_one_that_meets_another_are_failures(
    pair: Pair, dbsync: Command, tmp_path: Path, pings: Pings
):
    reporting = ("--metrics-file", str(tmp_path / "m.prom"), "--heartbeat-url", pings.url)
    dbsync.run("sync", pair.source, pair.target, *reporting).ended(4)
    assert metrics(tmp_path / "m.prom")["run_exit_code"] == 4
    with held_by_another_run(pair.target):
        dbsync.run("sync", pair.source, pair.target, "--yes", *reporting).ended(5)
        assert metrics(tmp_path / "m.prom")["run_exit_code"] == 5
        assert pings.paths[-1] == "/fail"
        (tmp_path / "m.prom").unlink()
        dbsync.run("sync", pair.source, pair.target, "--yes", "--on-locked", "skip", *reporting).ended(0)
        assert not (tmp_path / "m.prom").exists(), "a skipped run did nothing that could be measured"
        assert pings.paths[-1] == "/start"


def test_a_terminated_run_tells_everybody_and_still_ends_in_time(
    pair: Pair, dbsync: Command, tmp_path: Path, pings: Pings
):
    running = dbsync.start(
        "sync", pair.source, pair.target, "--yes", "--metrics-file", str(tmp_path / "m.prom"), "--heartbeat-url", pings.url,
        "--on-failure", note(tmp_path), env={"DBSYNC_FAILPOINT": "before_run=sleep:1"},
    )  # fmt: skip
    while not pings.seen:
        assert not running.over
    running.send(signal.SIGTERM)
    running.wait().ended(143)
    assert pings.paths == ["/start", "/fail"]
    assert metrics(tmp_path / "m.prom")["run_exit_code"] == 143
    assert json.loads((tmp_path / "noted").read_text())[0]["state"] == "stopped"


def test_a_dry_run_is_no_success(pair: Pair, dbsync: Command, tmp_path: Path, pings: Pings):
    files = ("--metrics-file", str(tmp_path / "m.prom"), "--summary-file", str(tmp_path / "s.md"))
    dbsync.run("sync", pair.source, pair.target, "--dry-run", *files, "--heartbeat-url", pings.url).ended(0)
    assert pings.seen == []
    assert not (tmp_path / "m.prom").exists()
    assert (tmp_path / "s.md").read_text().splitlines()[0].endswith(": planned")


@pytest.mark.parametrize("status", [302, 500])
def test_trouble_with_reporting_is_a_warning(status, pair: Pair, dbsync: Command, tmp_path: Path):
    server = Pings(status)
    try:
        ended = dbsync.run("sync", pair.source, pair.target, "--yes", "--heartbeat-url", f"{server.url}/{CANARY}")
    finally:
        server.close()
    ended.ended(0)
    assert f"warning: the heartbeat to 127.0.0.1 failed: it answered {status}" in ended.stderr
    assert CANARY not in ended.stderr


def test_a_fault_in_reporting_changes_no_exit_code(pair: Pair, capsys, monkeypatch, tmp_path: Path):
    def explode(*_: object) -> str:
        raise LookupError(CANARY)

    monkeypatch.setattr("dbsync.cli.reporter.summary_text", explode)
    ended = InProcess(capsys)(
        "sync", pair.source, pair.target, "--yes", "--json", "--summary-file", str(tmp_path / "s")
    )
    assert (ended.exit_code, ended.document["ok"]) == (0, True)
    assert "warning: internal fault: LookupError" in ended.stderr
    assert CANARY not in ended.stderr


def test_a_file_that_cannot_be_written_and_a_url_that_is_none_are_refused_at_once(
    pair: Pair, dbsync: Command, tmp_path: Path
):
    for wrong in (("--metrics-file", str(tmp_path / "no" / "m")), ("--summary-file", str(tmp_path)), ("--heartbeat-url", "ftp://h/x"),
                  ("--on-failure", "'open")):  # fmt: skip
        dbsync.run("sync", pair.source, pair.target, "--yes", "--json", *wrong).ended(2)


def test_a_program_is_named_by_the_command_line_or_the_file_never_by_the_environment(
    pair: Pair, dbsync: Command, tmp_path: Path
):
    env = {"DBSYNC_ON_FAILURE": note(tmp_path)}
    dbsync.run("sync", "env:NOT_SET", pair.target, "--yes", env=env).ended(2)
    assert not (tmp_path / "noted").exists()
    config = tmp_path / "dbsync.yaml"
    config.write_text(f"syncs: {{n: {{source: env:NOT_SET, target: local:x, on_failure: {note(tmp_path)!r}}}}}\n")
    dbsync.run("-c", str(config), "sync", "--name", "n", "--yes").ended(2)
    facts, _ = json.loads((tmp_path / "noted").read_text())
    assert facts["sync"] == "n"


def test_a_run_whose_answer_is_cut_short_is_no_success(pair: Pair, dbsync: Command, tmp_path: Path, pings: Pings):
    os.mkfifo(tmp_path / "pipe")  # that nobody opens
    files = ("--metrics-file", str(tmp_path / "m.prom"), "-o", f"text={tmp_path / 'pipe'}", "--timeout", "6s")
    ended = dbsync.sync(pair.source, pair.target, *files, "--heartbeat-url", f"{pings.url}/uuid").ended(7)
    assert ended.document["warnings"][-1].endswith("could not be written in time; committed before: public.t")
    assert metrics(tmp_path / "m.prom")["run_exit_code"] == 7
    assert metrics(tmp_path / "m.prom")["run_success"] == 0
    assert pings.paths == ["/uuid/start"]


def test_the_summary_of_a_github_step_is_appended_to(pair: Pair, dbsync: Command, tmp_path: Path):
    summary = tmp_path / "step.md"
    summary.write_text("before\n")
    env = {"GITHUB_STEP_SUMMARY": str(summary)}
    dbsync.run("sync", pair.source, pair.target, "--yes", "--summary-file", str(summary), env=env).ended(0)
    assert summary.read_text().startswith("before\n### dbsync ")


def test_a_failing_table_is_in_the_summary_and_the_last_success_stays(pair: Pair, dbsync: Command, tmp_path: Path):
    args = ("--metrics-file", str(tmp_path / "m.prom"), "--summary-file", str(tmp_path / "s.md"))
    dbsync.sync(pair.source, pair.target, *args).ended(0)
    before = metrics(tmp_path / "m.prom")["success_timestamp_seconds"]
    run_sql(pair.source, "INSERT INTO t VALUES (21, 'long')")
    run_sql(pair.target, "ALTER TABLE t ADD CHECK (v <> 'long')")
    dbsync.sync(pair.source, pair.target, *args).ended(6)
    assert metrics(tmp_path / "m.prom")["success_timestamp_seconds"] == before
    assert "| public.t | failed |" in (tmp_path / "s.md").read_text()
