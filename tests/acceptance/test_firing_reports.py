"""``worker --schedules`` tells of its schedules' runs what a command that waits for them would: each of them once."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbsync.jobs.model import JobState
from dbsync.store import tables
from tests.fixtures.databases import Database
from tests.fixtures.reports import Pings, metrics, note
from tests.fixtures.yard import Yard, wait_for, yard

CANARY = "s3cr3tCanary"
CONFIG = """
version: 1
databases:
  here: {{url: "env:HERE"}}
  there: {{url: "env:THERE"}}
syncs:
  nightly:
    source: here
    target: there
    summary_file: {directory}/s.md
    metrics_file: {directory}/m.prom
    heartbeat_url: "${{PING_URL}}"
    on_failure: {note}
    schedule: {{cron: "@monthly", grace: 32d}}
"""


@pytest.fixture
def pings() -> Iterator[Pings]:
    server = Pings()
    yield server
    server.close()


@pytest.fixture
def place(tmp_path: Path, source_db: Database, target_db: Database) -> Iterator[Yard]:
    for database in (source_db, target_db):
        database.execute("CREATE TABLE item (id int PRIMARY KEY)")
    source_db.execute("INSERT INTO item VALUES (1), (2)")
    with yard(tmp_path / "yard") as made:
        (made.command.home / "dbsync.yaml").write_text(CONFIG.format(directory=tmp_path, note=note(tmp_path)))
        yield made


@pytest.fixture
def env(source_db: Database, target_db: Database, pings: Pings) -> dict[str, str]:
    return {"HERE": source_db.url, "THERE": target_db.url, "PING_URL": f"{pings.url}/n", "OTHER": f"postgresql://a:{CANARY}@h/d"}  # fmt: skip


def test_a_firing_that_succeeds_is_told_as_a_command_would(
    place: Yard, env: dict[str, str], pings: Pings, tmp_path: Path
) -> None:
    place.worker("--once", "--schedules", env=env).wait().ended(0)
    (job,) = place.jobs.list()
    assert pings.paths == ["/n/start", "/n"]
    assert pings.seen[1][1].startswith("succeeded, exit 0, ")
    assert pings.seen[1][1].endswith("2 inserted, 0 updated, 0 deleted\n")
    assert metrics(tmp_path / "m.prom")["run_success"] == 1
    assert str(job.run_id) in (tmp_path / "s.md").read_text()
    assert not (tmp_path / "noted").exists()


def test_a_firing_that_fails_runs_the_command_with_its_error(
    place: Yard, env: dict[str, str], pings: Pings, target_db: Database, tmp_path: Path
) -> None:
    target_db.execute("ALTER TABLE item ADD CHECK (id < 2)")
    place.worker("--once", "--schedules", env=env).wait().ended(0)
    (job,) = place.jobs.list()
    assert job.state is JobState.FAILED
    assert pings.paths == ["/n/start", "/n/fail"]
    facts, environ = json.loads((tmp_path / "noted").read_text())
    assert (facts["sync"], facts["state"], facts["exit_code"], facts["run_id"]) == ("nightly", "failed", 6, job.run_id)
    assert job.error is not None
    assert facts["error"]["code"] == job.error["code"]
    assert "HERE" not in environ, "what holds the password of an end is not handed on"
    assert CANARY not in json.dumps(environ)
    assert metrics(tmp_path / "m.prom")["run_exit_code"] == 6


def test_a_firing_that_is_refused_is_told_once_by_all_workers(
    place: Yard, env: dict[str, str], pings: Pings, tmp_path: Path
) -> None:
    del env["THERE"]
    started = [place.worker("--once", "--schedules", env=env) for _ in range(2)]
    for each in started:
        each.wait().ended(0)
    assert place.jobs.list() == []
    assert pings.paths == ["/n/fail"]
    assert json.loads((tmp_path / "noted").read_text())[0]["error"]["code"] == "CONFIG"


def test_what_another_worker_ran_is_told_once_and_old_ends_are_no_news(
    place: Yard, env: dict[str, str], pings: Pings
) -> None:
    config = place.command.home / "dbsync.yaml"
    told = config.read_text()
    config.write_text("".join(line for line in told.splitlines(keepends=True) if "_" not in line))
    place.worker("--once", "--schedules", env=env).wait().ended(0)
    assert pings.paths == []
    config.write_text(told.replace("@monthly", "0 0 29 2 *"))
    workers = [place.worker("--schedules", env=env) for _ in range(2)]
    wait_for(lambda: pings.paths == ["/n/start", "/n"], 20, lambda: str(pings.seen))
    for each in workers:
        each.send(signal.SIGTERM)
        each.wait().ended(0)
    assert pings.paths == ["/n/start", "/n"]
    _age(place, 7200)
    place.worker("--once", "--schedules", env=env).wait().ended(0)
    assert pings.paths == ["/n/start", "/n"]


def test_what_cannot_be_told_keeps_a_worker_from_starting(place: Yard, env: dict[str, str]) -> None:
    ended = place.worker("--once", "--schedules", "--json", env=env | {"PING_URL": "ftp://h/x"}).wait().ended(2)
    assert ended.error["code"] == "CONFIG"


def _age(place: Yard, seconds: float) -> None:
    """Let what has happened have happened that much earlier, and untold."""
    with place.registry.store.write() as connection:
        connection.execute(sa.update(tables.job).values(ended_at=tables.job.c.ended_at - seconds))
        connection.execute(sa.update(tables.tick).values(outcome="queued"))
