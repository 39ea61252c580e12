"""What a sync or a comparison leaves out is listed: ``skipped``, ``not_compared``, warnings."""

from __future__ import annotations

from tests.fixtures.command import Command
from tests.fixtures.pair import Pair, rows, run_sql


def test_a_table_with_the_name_of_a_source_partition_is_listed(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(
        "",
        "CREATE TABLE m (d int) PARTITION BY RANGE (d); CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (0) TO (10);"
        "INSERT INTO m VALUES (1)",
        "CREATE TABLE m (d int); CREATE TABLE m_1 (d int); INSERT INTO m_1 VALUES (99)",
    )
    done = dbsync.sync(pair.source, pair.target, "--delete").ended(0)
    (left,) = (entry for entry in done.result["skipped"] if entry["table"] == "public.m_1")
    assert "a table by itself" in left["reason"]
    assert rows(pair.target, "SELECT d FROM m_1") == [[99]]
    assert rows(pair.target, "SELECT d FROM m") == [[1]]
    compared = ("diff", pair.source, pair.target, "--what", "data", "--json")
    assert dbsync.run(*compared).ended(0).result
    dbsync.run(*compared, "--strict").ended(1)


def test_a_column_that_the_target_numbers_or_computes_is_named(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(
        "",
        "CREATE TABLE t (k int PRIMARY KEY); INSERT INTO t VALUES (1), (2)",
        "CREATE TABLE t (k int PRIMARY KEY, id int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (2 * k) STORED);"
        "INSERT INTO t (k) VALUES (2), (1)",
    )
    compared = ("diff", pair.source, pair.target, "--what", "data", "--json")
    assert dbsync.run(*compared).ended(0).document["not_compared"]
    dbsync.run(*compared, "--strict").ended(1)
    done = dbsync.sync(pair.source, pair.target, "--mode", "replace").ended(0)
    said = " ".join(done.document["warnings"])
    assert "the target numbers it" in said, done
    assert "the target computes it" in said, done


def test_tables_in_the_schema_that_is_dbsyncs_own_are_not_called_compared(pairs, dbsync: Command) -> None:
    pair: Pair = pairs("CREATE TABLE t (id int PRIMARY KEY)")
    run_sql(pair.source, "CREATE SCHEMA dbsync; CREATE TABLE dbsync.mine (id int)")
    compared = ("diff", pair.source, pair.target, "--what", "data", "--json")
    assert "dbsync.mine" in {entry["table"] for entry in dbsync.run(*compared).ended(0).result["skipped"]}
    dbsync.run(*compared, "--strict").ended(1)
