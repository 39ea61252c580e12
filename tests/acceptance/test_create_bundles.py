"""Small tables of a schema that ``sync --create`` has just made share transactions; what fails in one is tried alone."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psycopg
import pytest

from tests.fixtures import oracle
from tests.fixtures.command import Command, Result
from tests.fixtures.databases import Servers
from tests.fixtures.pair import Pair, rows, run_sql

_BEFORE_EACH = "before_each_alone"
_COUNT = 8
_NAMES = [f"public.t{number}" for number in range(_COUNT)]
_SMALL = "; ".join(
    f"CREATE TABLE t{n} (id serial PRIMARY KEY, v int, up int REFERENCES t{n});"
    f"INSERT INTO t{n} (v) SELECT g FROM generate_series(1, {n + 1}) g; UPDATE t{n} SET up = 1"
    for n in range(_COUNT)
)
# New rows have to meet it, those that are there need not: so the copy refuses what the source holds.
_REFUSED = "INSERT INTO t3 (v) VALUES (1000); ALTER TABLE t3 ADD CONSTRAINT low CHECK (v < 100) NOT VALID"
_CANCEL = """
    SELECT pg_cancel_backend(pid) FROM pg_stat_activity
     WHERE wait_event_type = 'Lock' AND datname = current_database()"""


def _transactions(url: str, names: list[str] = _NAMES) -> set[object]:
    """The transactions that wrote the tables' rows."""
    union = " UNION ".join(f"SELECT xmin::text FROM {name}" for name in names)
    return {number for (number,) in rows(url, union)}


def _create(dbsync: Command, pair: Pair, *args: str, failpoint: str = "") -> Result:
    environment = {"DBSYNC_FAILPOINT": failpoint} if failpoint else {}
    return dbsync.run("sync", pair.source, pair.target, "--create", "--yes", "--json", *args, env=environment)


def test_small_new_tables_share_transactions_and_so_do_their_keys(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(pair.source, _SMALL)
    result = _create(dbsync, pair, "-j", "1").ended(0)
    assert len(_transactions(pair.target)) == 2
    validated = "SELECT count(DISTINCT xmin::text) FROM pg_constraint WHERE conname ~ '_up_fkey' AND convalidated"
    assert rows(pair.target, validated) == [[2]]
    assert {name: (one["state"], one["verified"], one["rows_inserted"]) for name, one in result.tables().items()} == {
        name: ("done", True, number + 1) for number, name in enumerate(_NAMES)
    }
    assert oracle.differences(pair.source, pair.target) == []


def test_tables_of_a_later_run_do_not(pairs, dbsync: Command) -> None:
    """Others may use them: a table that cannot be filled must not keep the rest locked."""
    pair: Pair = pairs()
    run_sql(pair.source, _SMALL)
    _create(dbsync, pair, failpoint="after_schema_made=kill")
    _create(dbsync, pair, "-j", "1", "--on-locked", "wait").ended(0)
    assert len(_transactions(pair.target)) == _COUNT
    assert oracle.differences(pair.source, pair.target) == []


def test_a_table_that_cannot_be_filled_keeps_no_other_from_it(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(pair.source, _SMALL, _REFUSED)
    result = _create(dbsync, pair, "-j", "1").ended(6)
    states = {name: one["state"] for name, one in result.tables().items()}
    assert states == {name: "failed" if name == "public.t3" else "done" for name in _NAMES}, result
    assert result.result["totals"]["rows_inserted"] == sum(range(1, _COUNT + 1)) - 4
    assert rows(pair.target, "SELECT count(*) FROM t3") == [[0]]
    assert '"low"' in result.error["message"], result
    assert len(_transactions(pair.target)) == 4, "three alone, the other four together"

    run_sql(pair.source, "DELETE FROM t3 WHERE v = 1000")
    _create(dbsync, pair).ended(0)
    assert oracle.differences(pair.source, pair.target) == []


def test_a_run_that_dies_before_it_tries_tables_alone_is_finished_by_the_next(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(pair.source, _SMALL, _REFUSED)
    assert _create(dbsync, pair, "-j", "1", failpoint=f"{_BEFORE_EACH}=kill").exit_code == -9
    assert [name for name in _NAMES[:4] if rows(pair.target, f"SELECT count(*) FROM {name}") != [[0]]] == []

    run_sql(pair.source, "DELETE FROM t3 WHERE v = 1000")
    _create(dbsync, pair, "--on-locked", "wait").ended(0)
    assert oracle.differences(pair.source, pair.target) == []
    assert oracle.leftovers(pair.target) == []


def test_a_table_whose_statement_is_cancelled_keeps_no_other_from_it(pairs, dbsync: Command) -> None:
    """Somebody holds a table, and an administrator cancels whoever waits for it: all of its bundle, then it alone."""
    pair: Pair = pairs()
    run_sql(pair.source, _SMALL)
    ends = ("sync", pair.source, pair.target, "--create", "--yes", "--json", "-j", "1")
    running = dbsync.start(*ends, env={"DBSYNC_FAILPOINT": "after_begin=sleep:2"})
    with psycopg.connect(pair.target) as other:
        while rows(pair.target, "SELECT to_regclass('t7') IS NOT NULL") != [[True]]:
            assert not running.over
        other.execute("LOCK TABLE t2 IN SHARE MODE")
        while not running.over:
            rows(pair.target, _CANCEL)
            time.sleep(0.05)
    result = running.wait().ended(6)
    states = {name: one["state"] for name, one in result.tables().items()}
    assert states == {name: "failed" if name == "public.t2" else "done" for name in _NAMES}, result


def test_keys_of_tables_that_are_filled_through_their_root_are_validated_too(pairs, dbsync: Command) -> None:
    """Such a table has no entry of its own in the plan, and no size."""
    pair: Pair = pairs()
    run_sql(
        pair.source,
        _SMALL,
        "CREATE TYPE kind AS ENUM ('a', 'b'); CREATE TABLE p (k kind, r int) PARTITION BY HASH (k);"
        "CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
        "ALTER TABLE p0 ADD CONSTRAINT of_a_part FOREIGN KEY (r) REFERENCES t0;"
        "ALTER TABLE p1 ADD CONSTRAINT of_a_part FOREIGN KEY (r) REFERENCES t0; INSERT INTO p VALUES ('a', 1), ('b', 1);",
    )
    created = _create(dbsync, pair, "-j", "1").ended(0).result["created"]
    keys = [f"public.t{n}: t{n}_up_fkey" for n in range(_COUNT)] + ["public.p0: of_a_part", "public.p1: of_a_part"]
    assert sorted(created["foreign_keys"]) == sorted(keys)
    assert (created["foreign_keys_missing"], created["schema_equal"]) == ([], True)
    assert rows(pair.target, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated") == [[0]]


def test_rows_that_are_put_aside_leave_other_tables_transactions_alone(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(pair.source, _SMALL, _REFUSED)
    result = _create(dbsync, pair, "-j", "1", "--on-row-error", "quarantine").ended(6)
    assert result.tables()["public.t3"]["rows_quarantined"] == 1
    others = [name for name in _NAMES if name != "public.t3"]
    assert len(_transactions(pair.target, others)) == len(others)


def test_keys_of_several_small_tables_are_validated_together_and_a_bad_one_is_named(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(pair.source, _SMALL)
    _create(dbsync, pair).ended(0)
    run_sql(pair.target, *(f"ALTER TABLE t{n} DROP CONSTRAINT t{n}_up_fkey" for n in (4, 5, 6, 7)))
    run_sql(pair.target, "UPDATE t5 SET up = 77 WHERE id = 1")
    result = _create(dbsync, pair, "-j", "1", "--mode", "append").ended(6)
    created = result.result["created"]
    assert set(created["foreign_keys"]) == {f"public.t{n}: t{n}_up_fkey" for n in (4, 6, 7)}, result
    assert created["foreign_keys_missing"] == ["public.t5: t5_up_fkey"]
    valid = "SELECT conname::text FROM pg_constraint WHERE conname ~ '_up_fkey' AND convalidated ORDER BY 1"
    assert rows(pair.target, valid) == [[f"t{n}_up_fkey"] for n in range(_COUNT) if n != 5]


def test_without_verification_the_schemas_are_not_compared(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(pair.source, _SMALL)
    assert _create(dbsync, pair, "--verify", "none").ended(0).result["created"]["schema_equal"] is None
    other: Pair = pairs()
    run_sql(other.source, _SMALL)
    text = dbsync.run("sync", other.source, other.target, "--create", "--yes", "--verify", "none").ended(0).stdout
    assert f"made the schema with {_COUNT} tables, not compared" in text


def test_a_run_that_is_stopped_before_it_tries_tables_alone_tells_of_none_and_is_finished_by_the_next(
    pairs, dbsync: Command, tmp_path: Path
) -> None:
    pair: Pair = pairs()
    run_sql(pair.source, _SMALL, _REFUSED)
    reached = tmp_path / "reached"
    env = {"DBSYNC_FAILPOINT": f"{_BEFORE_EACH}=sleep:2", "DBSYNC_FAILPOINTS_REACHED": str(reached)}
    running = dbsync.start("sync", pair.source, pair.target, "--create", "--yes", "--json", "-j", "1", env=env)
    while not reached.exists() or _BEFORE_EACH not in reached.read_text():
        assert not running.over
        time.sleep(0.02)
    running.send(signal.SIGTERM)
    result = running.wait().ended(143)
    states = [one["state"] for name, one in result.tables().items() if name in _NAMES[:4]]
    assert "done" not in states, result
    assert [name for name in _NAMES[:4] if rows(pair.target, f"SELECT count(*) FROM {name}") != [[0]]] == []

    run_sql(pair.source, "DELETE FROM t3 WHERE v = 1000")
    _create(dbsync, pair, "--on-locked", "wait").ended(0)
    assert oracle.differences(pair.source, pair.target) == []


_LARGE = (
    "CREATE TABLE large (id int PRIMARY KEY, v text, up int REFERENCES large);"
    "INSERT INTO large SELECT g, repeat('x', 100), 1 FROM generate_series(1, 20000) g;"
    "CREATE TABLE parted (id int, v text) PARTITION BY RANGE (id);"
    "CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (100000);"
    "INSERT INTO parted SELECT id, v FROM large"
)
_FROZEN = """
    SELECT c.relname::text, c.relallvisible > 0.9 * c.relpages AND c.relpages > 100 FROM pg_class c
     WHERE c.relname IN ('large', 'part', 't7') ORDER BY 1"""


def test_large_new_tables_are_loaded_frozen(pairs, servers: Servers, dbsync: Command) -> None:
    if servers.major < 14:
        pytest.skip("NOT TESTED: before Postgres 14 nothing tells that rows were frozen")
    pair: Pair = pairs()
    run_sql(pair.source, _SMALL, _LARGE, "ANALYZE")
    _create(dbsync, pair).ended(0)
    assert rows(pair.target, _FROZEN) == [["large", True], ["part", True], ["t7", False]]
    assert oracle.differences(pair.source, pair.target) == []
    assert _create(dbsync, pair).ended(0).result["totals"]["rows_inserted"] == 0


def test_a_table_that_is_not_new_is_not_loaded_frozen(pairs, dbsync: Command) -> None:
    """Others may have begun to read when it was empty, and must go on to find it so."""
    pair: Pair = pairs()
    run_sql(pair.source, _LARGE, "ANALYZE")
    _create(dbsync, pair, failpoint="after_schema_made=kill")
    with psycopg.connect(pair.target) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1 FROM pg_class LIMIT 1")
        _create(dbsync, pair, "--on-locked", "wait").ended(0)
        assert other.execute("SELECT count(*) FROM large").fetchall() == [(0,)]
    assert oracle.differences(pair.source, pair.target) == []


def test_no_trigger_hears_of_the_truncate_that_freezing_takes(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(
        pair.source,
        _LARGE,
        "CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'truncated'; END$$;"
        "CREATE TRIGGER never BEFORE TRUNCATE ON large EXECUTE FUNCTION never(); ANALYZE",
    )
    _create(dbsync, pair).ended(0)
    assert oracle.differences(pair.source, pair.target) == []
