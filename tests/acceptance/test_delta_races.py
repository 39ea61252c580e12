"""Somebody writes to the target between the comparison and the lock: it is found, and nothing is committed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.fixtures import oracle
from tests.fixtures.command import Command, Result
from tests.fixtures.pair import Pair, run_sql
from tests.fixtures.pair import rows as rows_of

_WRITES = {
    "a row that the run changes": "DELETE FROM t WHERE id = 3",
    "a row that the run leaves alone": "UPDATE t SET v = 'theirs' WHERE id = 4500",
    "a row beyond all keys": "INSERT INTO t VALUES (100000, 'theirs')",
    "a row below all keys": "INSERT INTO t VALUES (-5, 'theirs')",
    "a row taken away": "DELETE FROM t WHERE id = 4500",
}


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES.keys())
def test_what_is_written_meanwhile_is_found(write: str, pairs, dbsync: Command, tmp_path: Path) -> None:
    schema = "CREATE TABLE t (id int PRIMARY KEY, v text);"
    rows = "INSERT INTO t SELECT i, 'same' FROM generate_series(1, 5000) i; ANALYZE t;"
    pair: Pair = pairs(schema, rows, rows + "UPDATE t SET v = 'old' WHERE id = 3;")
    passed = tmp_path / "passed"
    env = {"DBSYNC_FAILPOINT": "after_survey=sleep:2", "DBSYNC_FAILPOINTS_REACHED": str(passed)}
    running = dbsync.start("sync", pair.source, pair.target, "--yes", "--json", env=env)
    while not running.over and not (passed.exists() and "after_survey\n" in passed.read_text()):
        time.sleep(0.02)
    run_sql(pair.target, write)
    result = running.wait(30).ended(1)
    assert result.result["totals"]["rows_updated"] == 0, result
    assert rows_of(pair.target, "SELECT v FROM t WHERE id = 3") in ([["old"]], [])
    assert oracle.leftovers(pair.target) == []


def paused(dbsync: Command, pair: Pair, point: str, write: str, tmp_path: Path, *args: str) -> Result:
    """Write to the target while a run rests at a failpoint."""
    passed = tmp_path / "passed"
    env = {"DBSYNC_FAILPOINT": f"{point}=sleep:2", "DBSYNC_FAILPOINTS_REACHED": str(passed)}
    running = dbsync.start("sync", pair.source, pair.target, "--yes", "--json", *args, env=env)
    while not running.over and not (passed.exists() and f"{point}\n" in passed.read_text()):
        time.sleep(0.02)
    run_sql(pair.target, write)
    return running.wait(30)


@pytest.mark.parametrize("verify", ["checksum", "count", "none"])
def test_rows_are_not_deleted_where_others_are_now(verify: str, pairs, dbsync: Command, tmp_path: Path) -> None:
    """A table that is written anew has other rows at the places that were found; their number tells nothing."""
    pair: Pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY);",
        "INSERT INTO t SELECT generate_series(11, 100);",
        "INSERT INTO t SELECT generate_series(1, 100); DELETE FROM t WHERE id < 6;",
    )
    result = paused(dbsync, pair, "after_survey", "VACUUM FULL t", tmp_path, "--delete", "--verify", verify).ended(4)
    assert result.error["code"] == "DRIFT", result
    assert rows_of(pair.target, "SELECT count(*), min(id) FROM t") == [[95, 6]]
    dbsync.sync(pair.source, pair.target, "--delete", "--verify", verify).ended(0)
    assert oracle.differences(pair.source, pair.target) == []


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_rows_outside_that_refer_meanwhile_are_not_taken_along(
    action: str, pairs, dbsync: Command, tmp_path: Path
) -> None:
    pair: Pair = pairs(
        "CREATE TABLE p (id int PRIMARY KEY);"
        f"CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE {action});",
        "INSERT INTO p VALUES (1);",
        "INSERT INTO p VALUES (1), (7);",
    )
    args = ("--delete", "--tables", "p")
    result = paused(dbsync, pair, "after_survey", "INSERT INTO c VALUES (2, 7)", tmp_path, *args).ended(4)
    assert "1 rows of public.c have come to refer" in result.error["message"], result
    assert rows_of(pair.target, "SELECT c.id, p.id FROM c JOIN p ON p.id = c.p") == [[2, 7]]
    assert oracle.leftovers(pair.target) == []
