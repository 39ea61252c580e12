"""kill -9 in the middle of ``migrate apply --online``: status tells the truth, and the same command finishes.

``DBSYNC_KILLS=200`` makes it more rounds, ``DBSYNC_KILLS_SEED=7`` others.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from dbsync.pg.database import Database
from dbsync.schema.diff import schema_fingerprint
from dbsync.schema.plan import MigrationPlan
from dbsync.schema.plan_file import read_plan
from dbsync.schema.snapshot import take_snapshot
from dbsync.urls import parse_url
from tests.fixtures.command import Command, Result
from tests.fixtures.pair import Pair, create_database, drop_database, rows, run_sql, with_user

ROUNDS = int(os.environ.get("DBSYNC_KILLS", "8"))
SEED = int(os.environ.get("DBSYNC_KILLS_SEED", "1"))
BOTH = """
    CREATE TYPE mood AS ENUM ('a', 'z');
    CREATE TABLE big (id int PRIMARY KEY, a int, b text, note text, m mood);
    CREATE TABLE other (id int PRIMARY KEY, big_id int, c int);
    CREATE INDEX "big b" ON big (b);
    CREATE INDEX gone ON big (note, b);
    CREATE VIEW v AS SELECT id, b FROM big;
"""
LABELS = ("ALTER TYPE mood ADD VALUE 'm''s' BEFORE 'z'", "ALTER TYPE mood ADD VALUE 'zz'")
WANTED = """
    DROP INDEX gone, "big b";
    CREATE INDEX "big b" ON big (b, a);
    CREATE INDEX "new %s {} :x" ON big (a) WHERE a > 5;
    ALTER TABLE big ALTER a SET NOT NULL, ADD CONSTRAINT one_a UNIQUE (a), ADD CONSTRAINT some_b CHECK (b <> ''),
        ADD n int DEFAULT 7;
    ALTER TABLE other ADD FOREIGN KEY (big_id) REFERENCES big, ADD CHECK (c > 0);
    CREATE TABLE fresh (id int PRIMARY KEY REFERENCES big, m mood DEFAULT 'm''s');
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    COMMENT ON TABLE big IS 'x';
"""
ROWS = """
    INSERT INTO big SELECT g, g, repeat(md5(g::text), 3), 'note', 'a' FROM generate_series(1, 30000) g;
    INSERT INTO other SELECT g, g, g FROM generate_series(1, 30000) g;
"""
CONTENT = "SELECT count(*), sum(id), sum(a), md5(string_agg(b, '' ORDER BY id)) FROM big"
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
POINTS = (
    "before_migration_statement", "before_migration_commit", "after_migration_commit", "after_migration_started",
    "before_migration_noted", "before_migration_finished",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """A plan, the database that each round gets a copy of, and how its schema is after each statement."""

    file: Path
    plan: MigrationPlan
    pair: Pair
    server: object
    after: list[str]


def fingerprint(url: str) -> str:
    session = Database(parse_url(url), read_only=True).connect()
    try:
        return schema_fingerprint(take_snapshot(session))
    finally:
        session.close()


def copy_of(server, url: str) -> str:
    return create_database(server, urlsplit(url).path.lstrip("/"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory, pg_b) -> Iterator[Scene]:
    home = tmp_path_factory.mktemp("plans")
    pair = Pair(create_database(pg_b), create_database(pg_b))
    run_sql(pair.source, BOTH, *LABELS, WANTED)
    run_sql(pair.target, BOTH, ROWS)
    file = home / "plan.json"
    planned = Command(home).run("migrate", "plan", pair.source, pair.target, "--online", "-o", str(file)).ended(0)
    plan = read_plan(file.read_text(), "plan.json")
    assert sum(not one.transactional for one in plan.statements) >= 6, planned
    stepwise = copy_of(pg_b, pair.target)
    after = [fingerprint(stepwise)]
    with psycopg.connect(stepwise, autocommit=True) as connection:
        connection.execute("SET check_function_bodies = off")
        for one in plan.statements:
            connection.execute(sql.SQL(one.sql))
            after.append(fingerprint(stepwise))
    drop_database(pg_b, stepwise)
    assert after[-1] == plan.expected
    yield Scene(file, plan, pair, pg_b, after)
    for url in (pair.source, pair.target):
        drop_database(pg_b, url)


@pytest.fixture
def target(scene: Scene) -> Iterator[str]:
    url = copy_of(scene.server, scene.pair.target)
    yield url
    drop_database(scene.server, url)  # type: ignore[arg-type]  # a server


def apply(scene: Scene, dbsync: Command, target: str) -> tuple[str, ...]:
    return ("migrate", "apply", str(scene.file), target, "--yes", "--json", "--allow-hazard", "DELETES_DATA")


def check_status(scene: Scene, dbsync: Command, target: str) -> None:
    """What status says was done is what the schema is, but for one statement that nobody could note."""
    deadline = time.monotonic() + 20
    while True:  # the server needs a moment to see that the client is gone
        status = dbsync.run("migrate", "status", target, "--json")
        found = status.result["migration"]
        if found is None or found["state"] != "running":
            break
        assert time.monotonic() < deadline, status
        time.sleep(0.3)
    done = found["done"] if found is not None else 0
    assert status.exit_code == (1 if found is not None and found["half_done"] else 0), status
    now = fingerprint(target)
    if now == scene.after[done]:
        return
    assert found is not None, "something was changed, and no ledger tells of it"
    unsure = scene.plan.statements[done]
    assert not unsure.transactional, status
    assert now == scene.after[done + 1] or rows(target, INVALID) != [], status


def check_finished(scene: Scene, dbsync: Command, target: str) -> Result:
    result = dbsync.run(*apply(scene, dbsync, target)).ended(0)
    assert result.result["verified"]
    assert result.result["totals"]["pending"] == 0
    assert fingerprint(target) == scene.plan.expected
    assert rows(target, INVALID) == []
    assert rows(target, CONTENT) == rows(scene.pair.target, CONTENT)
    dbsync.run("diff", scene.pair.source, target).ended(0)
    status = dbsync.run("migrate", "status", target, "--json").ended(0)
    assert status.result["migration"]["state"] == "succeeded"
    assert status.result["migration"]["done"] == len(scene.plan.statements)
    return result


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_kill_at_a_random_moment(number: int, scene: Scene, target: str, dbsync: Command) -> None:
    chance = random.Random(f"{SEED} {number}")
    for _ in range(chance.randint(1, 3)):
        running = dbsync.start(*apply(scene, dbsync, target))
        time.sleep(chance.uniform(0.4, 2.2))
        running.kill()
        running.wait_quietly()
        check_status(scene, dbsync, target)
    check_finished(scene, dbsync, target)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_each_named_point(point: str, scene: Scene, target: str, dbsync: Command) -> None:
    for nth in (1, 2, 3):
        running = dbsync.start(*apply(scene, dbsync, target), env={"DBSYNC_FAILPOINT": f"{point}@{nth}=kill"})
        ended = running.wait_quietly()
        if ended == 0 and nth > 1:  # it is passed less often
            break
        assert ended == -signal.SIGKILL
        check_status(scene, dbsync, target)
    check_finished(scene, dbsync, target)


def test_doctor_names_a_migration_whose_process_is_gone(scene: Scene, target: str, dbsync: Command) -> None:
    env = {"DBSYNC_FAILPOINT": "before_migration_commit@2=kill"}
    assert dbsync.start(*apply(scene, dbsync, target), env=env).wait_quietly() == -signal.SIGKILL
    check_status(scene, dbsync, target)
    found = dbsync.run("doctor", target).ended(1)
    assert "the same migrate apply goes on with it" in found.stdout
    dbsync.run("doctor", target, "--fix", "--yes").ended(0)
    status = dbsync.run("migrate", "status", target, "--json").ended(1)
    assert (status.result["migration"]["state"], status.result["migration"]["half_done"]) == ("failed", True)
    hidden = dbsync.run("migrate", "status", with_user(target, "case_reader"), "--json").ended(4)
    assert hidden.error["code"] == "NO_LEDGER"
    check_finished(scene, dbsync, target)
