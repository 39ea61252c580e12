"""A partition that comes between the plan and its run: its rows are part of the table, so the run may not go on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.fixtures import oracle
from tests.fixtures.command import Command, Running
from tests.fixtures.pair import Pair, rows, run_sql

_SCHEMA = """
CREATE TABLE t (id int, region text, year int) PARTITION BY LIST (region);
CREATE TABLE t_a PARTITION OF t FOR VALUES IN ('a') PARTITION BY LIST (year);
CREATE TABLE t_a_1 PARTITION OF t_a FOR VALUES IN (1);
"""


def _planned(dbsync: Command, pair: Pair, place: Path, *args: str) -> Running:
    """A sync that has its plan and waits two seconds before it runs it."""
    passed = place / "passed"
    env = {"DBSYNC_FAILPOINT": "before_run=sleep:2", "DBSYNC_FAILPOINTS_REACHED": str(passed)}
    running = dbsync.start("sync", pair.source, pair.target, "--yes", "--json", *args, env=env)
    while not running.over and not (passed.exists() and "before_run\n" in passed.read_text()):
        time.sleep(0.02)
    return running


_ATTACH = {
    "beside": "CREATE TABLE t_a_2 PARTITION OF t_a FOR VALUES IN (2); INSERT INTO t VALUES (2, 'a', 2);",
    "above": "CREATE TABLE t_b PARTITION OF t FOR VALUES IN ('b'); INSERT INTO t VALUES (2, 'b', 1);",
}


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("attach", _ATTACH.values(), ids=_ATTACH)
def test_a_partition_that_comes_after_the_plan(attach: str, side: str, pairs, dbsync: Command, tmp_path: Path) -> None:
    pair: Pair = pairs(_SCHEMA, "INSERT INTO t VALUES (1, 'a', 1)", "INSERT INTO t VALUES (7, 'a', 1)")
    running = _planned(dbsync, pair, tmp_path, "--delete")
    run_sql(getattr(pair, side), attach)
    assert running.wait(30).ended(4).error["code"] == "DRIFT"
    assert rows(pair.target, "SELECT id FROM t_a_1") == [[7]]
    assert oracle.leftovers(pair.target) == []


_MOVED = {
    "a partition": _ATTACH["beside"],
    "rows of a table that was empty": "INSERT INTO empty VALUES (7)",
    "a column's default": "ALTER TABLE empty ALTER id SET DEFAULT 5; CREATE INDEX ON empty (id)",
}


@pytest.mark.parametrize("move", _MOVED.values(), ids=_MOVED)
def test_a_plan_that_waited_for_its_answer_is_made_again_where_drift_is_to_be_ignored(
    move: str, pairs, dbsync: Command, tmp_path: Path
) -> None:
    pair: Pair = pairs(
        _SCHEMA + "CREATE TABLE empty (id int PRIMARY KEY);",
        "INSERT INTO t VALUES (1, 'a', 1); INSERT INTO empty VALUES (1);",
        "INSERT INTO t VALUES (7, 'a', 1);",
    )
    running = _planned(dbsync, pair, tmp_path, "--delete", "--on-drift", "ignore")
    run_sql(pair.target, move)
    result = running.wait(30).ended(0)
    assert any(
        "since the plan was made" in warning or "holds rows now" in warning for warning in result.document["warnings"]
    )
    assert rows(pair.target, "SELECT id FROM t") == rows(pair.target, "SELECT id FROM empty") == [[1]]
    assert oracle.leftovers(pair.target) == []


_MARKS = {
    "replica identity": "ALTER TABLE marked REPLICA IDENTITY USING INDEX marked_code_key",
    "cluster": "ALTER TABLE marked CLUSTER ON marked_code_key",
    "index comment": "COMMENT ON INDEX marked_v IS 'new'",
    "constraint comment": "COMMENT ON CONSTRAINT marked_up_fkey ON marked IS 'new'",
}


@pytest.mark.parametrize("mark", _MARKS.values(), ids=_MARKS)
def test_what_an_index_or_key_is_besides_its_definition_is_not_lost_by_building_it_again(
    mark: str, pairs, dbsync: Command, tmp_path: Path
) -> None:
    pair: Pair = pairs(
        "CREATE TABLE marked (id int PRIMARY KEY, code text NOT NULL UNIQUE, v int, up int REFERENCES marked);"
        "CREATE INDEX marked_v ON marked (v);",
        "INSERT INTO marked VALUES (1, 'a', 1, 1)",
        "INSERT INTO marked VALUES (7, 'b', 1, 7)",
    )
    running = _planned(dbsync, pair, tmp_path, "--mode", "replace", "--drop-indexes")
    run_sql(pair.target, mark)
    before = oracle.take(pair.target)
    assert running.wait(30).ended(4).error["code"] == "DRIFT"
    assert oracle.all_changes(before, oracle.take(pair.target)) == []
    dbsync.sync(pair.source, pair.target, "--mode", "replace", "--drop-indexes").ended(0)
