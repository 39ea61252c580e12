"""What a sync or a comparison leaves out is listed: ``skipped``, ``not_compared``, warnings."""

from __future__ import annotations

import psycopg
import pytest

from dbsync.data.options import SyncOptions
from tests.acceptance.conftest import CalledSync
from tests.fixtures.command import Command
from tests.fixtures.pair import ROLES, Pair, rows, run_sql, with_user


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


def test_a_sequence_in_the_schema_that_is_dbsyncs_own_is_listed_and_those_of_the_ledger_are_not(
    pairs, dbsync: Command
) -> None:
    pair: Pair = pairs("CREATE TABLE t (id int PRIMARY KEY)")
    dbsync.sync(pair.target, pair.source).ended(0)  # leaves a ledger in what is the source next
    run_sql(pair.source, "CREATE SEQUENCE dbsync.mine; CREATE TABLE dbsync.own (id serial)")
    skipped = dbsync.sync(pair.source, pair.target).ended(0).result["skipped"]
    assert [entry["table"] for entry in skipped] == ["dbsync.mine", "dbsync.own"]


def test_a_comparison_of_rows_lists_materialised_views(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t",
        "",
        "CREATE MATERIALIZED VIEW their_own AS SELECT 1 AS one",
    )
    compared = ("diff", pair.source, pair.target, "--what", "data", "--json")
    skipped = dbsync.run(*compared).ended(0).result["skipped"]
    assert [(entry["table"], entry["reason"]) for entry in skipped] == [
        ("public.m", "a materialised view: not compared"),
        ("public.their_own", "a materialised view: not compared"),
    ]
    dbsync.run(*compared, "--strict").ended(1)
    assert dbsync.run(*compared, "--tables", "t", "--strict").ended(0).result["skipped"] == []
    left_out = dbsync.run(*compared, "--exclude", "m").ended(0).result["skipped"]
    assert ("public.m", "excluded by --exclude") in [(entry["table"], entry["reason"]) for entry in left_out]


def test_tables_names_what_it_matches_in_the_target_only(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(
        "CREATE TABLE t_1 (id int PRIMARY KEY)",
        "",
        "CREATE TABLE t_2 (id int); CREATE TABLE other (id int); CREATE SCHEMA there; CREATE TABLE there.t_1 (id int);"
        "CREATE TABLE there.t_3 (id int)",
    )
    both = (pair.source, pair.target, "--tables", "public.t_*")
    for result in (dbsync.sync(*both), dbsync.run("diff", *both, "--what", "data", "--json")):
        assert [entry["table"] for entry in result.ended(0).result["skipped"]] == ["public.t_2"]
    told = dbsync.run("validate", *both, "--json").ended(0).result["findings"]
    assert [finding["table"] for finding in told] == ["public.t_2"]
    mapped = dbsync.sync(*both, "--map", "public.*=there.*").ended(0).result["skipped"]
    assert [entry["table"] for entry in mapped] == ["public.t_1", "public.t_2", "there.t_3"]


def test_a_foreign_table_that_is_excluded_is_listed_so(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY)",
        "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;"
        "CREATE FOREIGN TABLE far (line text) SERVER files OPTIONS (filename '/dev/null')",
    )
    skipped = dbsync.sync(pair.source, pair.target, "--exclude", "far").ended(0).result["skipped"]
    assert [(entry["table"], entry["reason"]) for entry in skipped] == [("public.far", "excluded by --exclude")]


def test_validate_names_a_table_with_the_name_of_a_source_partition(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(
        "",
        "CREATE TABLE m (d int) PARTITION BY RANGE (d); CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE m (d int); CREATE TABLE m_1 (d int)",
    )
    found = dbsync.run("validate", pair.source, pair.target, "--json").document["result"]["findings"]
    (extra,) = (finding for finding in found if finding["table"] == "public.m_1")
    assert "a partition in the source" in extra["message"]


def test_oids_within_arrays_domains_and_composites_are_warned_of(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(
        "CREATE TYPE holder AS (n int, what regclass); CREATE TYPE plain AS (oid int); CREATE DOMAIN named AS regtype[];"
        "CREATE TABLE t (id int PRIMARY KEY, a regclass[], h holder, d named, p plain)",
        "INSERT INTO t VALUES (1, '{t}', '(1,t)', '{int4}', '(1)')",
    )
    told = " ".join(dbsync.sync(pair.source, pair.target).ended(0).document["warnings"])
    for column in "ahd":
        assert f"column {column} holds" in told, told
    assert "column p" not in told


def test_large_objects_in_an_array_are_refused(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY, pictures oid[])", "INSERT INTO t VALUES (1, ARRAY[lo_from_bytea(0, 'x')])"
    )
    refused = dbsync.sync(pair.source, pair.target).ended(4)
    assert "large objects" in refused.error["message"]


def test_what_an_earlier_run_left_behind_is_no_run_that_one_may_pass_over(
    pairs, called: CalledSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--on-locked skip`` ends with 0 since another run does the work. Where none does, that would be a lie every night."""
    defaults = SyncOptions.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "lock_timeout_s", 1.0)  # no option sets it; half a minute otherwise
    pair: Pair = pairs("CREATE TABLE t (id int PRIMARY KEY)")
    called.sync(pair.source, pair.target).ended(0)
    run_sql(pair.source, "INSERT INTO t VALUES (1)")
    with psycopg.connect(pair.target) as stalled:
        stalled.execute("SELECT value FROM dbsync.fence FOR SHARE")
        refused = called.sync(pair.source, pair.target, "--on-locked", "skip").ended(5)
    assert refused.error["code"] == "LEDGER_HELD", refused
    called.sync(pair.source, pair.target, "--on-locked", "skip").ended(0)
    assert rows(pair.target, "SELECT id FROM t") == [[1]]


def test_a_sequence_that_the_role_may_not_set_is_listed_where_only_the_target_has_it(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(
        "",
        "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)",
        "CREATE SEQUENCE ids; CREATE TABLE t (id int PRIMARY KEY DEFAULT nextval('ids'), v int);"
        f"GRANT ALL ON t TO {ROLES[0]}; GRANT USAGE ON SEQUENCE ids TO {ROLES[0]}",
    )
    done = dbsync.sync(pair.source, with_user(pair.target, ROLES[0]), "--no-ledger").ended(0)
    assert [entry["table"] for entry in done.result["skipped"]] == ["public.ids"]
    run_sql(pair.target, f"GRANT ALL ON SEQUENCE ids TO {ROLES[0]}")
    done = dbsync.sync(pair.source, with_user(pair.target, ROLES[0]), "--no-ledger").ended(0)
    assert done.result["skipped"] == []
    assert rows(pair.target, "SELECT nextval('ids')") == [[2]]
