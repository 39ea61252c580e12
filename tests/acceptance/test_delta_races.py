"""Somebody writes to the target between the comparison and the lock: it is found, and nothing is committed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.fixtures import oracle
from tests.fixtures.command import Command
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
