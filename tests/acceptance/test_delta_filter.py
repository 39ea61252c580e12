"""Rows of the target that stay beside those that are written: behind --where, or without --delete."""

from __future__ import annotations

import pytest

from dbsync.data import hidden
from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle
from tests.fixtures.pair import Pair, rows, run_sql

NUMBERS = ("rows_inserted", "rows_updated", "rows_deleted")
KEYS = {
    "integer": ("id int PRIMARY KEY", "{n}"),
    "text": ('id text COLLATE "C" PRIMARY KEY', r"'k\ ü''' || {n}"),
    "numeric": ("id numeric PRIMARY KEY", "{n} + 0.10"),
    "composite": ("id int, part text, PRIMARY KEY (part, id)", "{n}, 'p,\"' || {n}"),
    "bytea": ("id bytea PRIMARY KEY", r"'\x00ff'::bytea || {n}::text::bytea"),
    "float": ("id float8 PRIMARY KEY", "{n} / 3.0::float8"),
    "char": ("id char(9) PRIMARY KEY", "'c ' || {n}"),
}
PARTS = (
    "CREATE TABLE t (id int PRIMARY KEY, region text, v int) PARTITION BY HASH (id);"
    "CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
    "CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
)
FILTER = ("--where", "t:region = 'a'")
UNIQUE = "CREATE TABLE t (id int PRIMARY KEY, code text UNIQUE, region text, v int);"


def _fill(values: str, region: str) -> str:
    return (
        f"INSERT INTO t SELECT {values.format(n='n')}, CASE WHEN {region} THEN 'a' ELSE 'b' END, n "
        "FROM generate_series(1, 3000) AS n;"
    )


@pytest.mark.parametrize("kind", [*KEYS, "partitions"])
@pytest.mark.parametrize("batch", [50, 1000])
def test_a_row_that_comes_into_the_filter_is_updated(
    kind: str, batch: int, pairs, called: CalledSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is there, outside the filter: 200 such rows, 100 that are not there at all, 100 that left the filter."""
    monkeypatch.setattr(hidden, "_LOCATIONS", batch)
    columns, values = KEYS.get(kind, ("", "{n}"))
    schema = PARTS if kind == "partitions" else f"CREATE TABLE t ({columns}, region text, v int);"
    pair: Pair = pairs(schema, _fill(values, "n % 3 = 0 OR n <= 300"), _fill(values, "n % 3 = 0 OR n > 2700"))
    run_sql(pair.target, "DELETE FROM t WHERE v BETWEEN 101 AND 200;")
    outside = "SELECT t::text FROM t WHERE region = 'b' AND v NOT BETWEEN 1 AND 300 ORDER BY v"
    before = rows(pair.target, outside)
    planned = called.sync(pair.source, pair.target, "--delete", *FILTER, "--dry-run")
    done = called.sync(pair.source, pair.target, "--delete", *FILTER)
    for document in (planned, done):
        assert [document.ended(0).result["totals"][number] for number in NUMBERS] == [100, 133, 200]
    assert all(table["verified"] for table in done.result["tables"])
    assert rows(pair.target, outside) == before
    inside = "SELECT t::text FROM t WHERE region = 'a' ORDER BY v"
    assert rows(pair.target, inside) == rows(pair.source, inside)
    again = called.sync(pair.source, pair.target, "--delete", *FILTER)
    assert (again.exit_code, [again.result["totals"][number] for number in NUMBERS]) == (0, [0, 0, 0])


def test_a_mode_that_updates_nothing_leaves_what_the_filter_hides(pairs, called: CalledSync) -> None:
    pair: Pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY, region text, v int);",
        "INSERT INTO t VALUES (1, 'a', 1), (2, 'a', 2), (3, 'a', 3);",
        "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2);",
    )
    for args in (["--dry-run"], []):
        ended = called.sync(pair.source, pair.target, "--mode", "append", *FILTER, *args)
        assert (ended.exit_code, [ended.result["totals"][number] for number in NUMBERS]) == (0, [1, 0, 0]), ended
    (table,) = ended.result["tables"]
    assert table["rows_left_different"] == 1
    assert rows(pair.target, "SELECT * FROM t ORDER BY id") == [[1, "a", 1], [2, "b", 2], [3, "a", 3]]


@pytest.mark.parametrize("mode", ["delta", "append"])
def test_a_dry_run_foresees_unique_values_of_rows_that_stay(mode: str, pairs, called: CalledSync) -> None:
    """unique_taken: two of the new rows, and in mode delta a changed one, take values that are not free."""
    pair: Pair = pairs(
        UNIQUE,
        "INSERT INTO t VALUES (1, 'x', 'a', 0), (2, 'y', 'a', 0), (3, NULL, 'a', 0), (4, 'd', 'a', 0), (5, 'e', 'a', 0);",
        "INSERT INTO t VALUES (11, 'x', 'a', 0), (12, 'y', 'a', 0), (13, NULL, 'a', 0), (4, 'e', 'a', 0),"
        " (14, 'd', 'a', 0);",
    )
    planned = called.sync(pair.source, pair.target, "--mode", mode, "--dry-run")
    # Of append the value of row 5 is row 4's, which is not updated.
    (said,) = planned.result["would_refuse"]
    assert said == "public.t: 3 rows to be written have a unique value (code) of rows that stay"
    done = called.sync(pair.source, pair.target, "--mode", mode)
    assert (done.exit_code, done.error["sqlstate"]) == (6, "23505")
    if mode == "delta":
        planned = called.sync(pair.source, pair.target, "--delete", "--dry-run")
        assert planned.result["would_refuse"] == []
        assert called.sync(pair.source, pair.target, "--delete").exit_code == 0
        assert oracle.differences(pair.source, pair.target) == []


def test_a_dry_run_foresees_unique_values_behind_the_filter(pairs, called: CalledSync) -> None:
    """Also with --delete, which takes no row that does not match."""
    pair: Pair = pairs(
        UNIQUE,
        "INSERT INTO t VALUES (1, 'x', 'a', 0), (2, 'y', 'a', 0), (3, 'z', 'a', 0);",
        "INSERT INTO t VALUES (11, 'x', 'b', 0), (12, 'y', 'a', 0), (3, 'w', 'b', 0);",
    )
    planned = called.sync(pair.source, pair.target, "--delete", "--dry-run", *FILTER)
    (said,) = planned.result["would_refuse"]
    assert "1 rows" in said
    assert called.sync(pair.source, pair.target, "--delete", *FILTER).exit_code == 6
    run_sql(pair.target, "DELETE FROM t WHERE id = 11;")
    assert called.sync(pair.source, pair.target, "--delete", "--dry-run", *FILTER).result["would_refuse"] == []
    assert called.sync(pair.source, pair.target, "--delete", *FILTER).exit_code == 0
