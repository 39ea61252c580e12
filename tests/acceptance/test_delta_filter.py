"""Rows of the target that stay beside those that are written: behind --where, or without --delete."""

from __future__ import annotations

import pytest

from dbsync.data import hidden
from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.pair import Pair, encoded, rows, run_sql

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


@pytest.mark.parametrize("verify", ["checksum", "count", "none"])
def test_a_row_that_no_update_brings_into_the_filter_is_not_written(verify: str, pairs, called: CalledSync) -> None:
    """The filter's column is not copied: the dry run says that the insert will meet the row, and nothing changes."""
    pair: Pair = pairs(UNIQUE, "INSERT INTO t VALUES (2, 'n', 'a', 2);", "INSERT INTO t VALUES (2, 'o', NULL, 2);")
    args = (*FILTER, "--columns", "t:id,code,v", "--verify", verify)
    (said,) = called.sync(pair.source, pair.target, *args, "--dry-run").result["would_refuse"]
    assert said == (
        "public.t: 1 rows to be written have the key of rows that do not match --where, by columns that are not copied"
    )
    assert called.sync(pair.source, pair.target, *args).ended(6).error["sqlstate"] == "23505"
    assert rows(pair.target, "SELECT * FROM t") == [[2, "o", None, 2]]


@pytest.mark.parametrize("verify", ["checksum", "none"])
def test_a_trigger_that_keeps_a_row_out_of_the_filter_is_a_mismatch(verify: str, pairs, called: CalledSync) -> None:
    pair: Pair = pairs(UNIQUE, "INSERT INTO t VALUES (1, 'n', 'a', 0);", "INSERT INTO t VALUES (1, 'o', 'b', 0);")
    run_sql(
        pair.target,
        "CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.region := 'b'; RETURN NEW; END$$;"
        "CREATE TRIGGER back BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION back();",
    )
    done = called.sync(pair.source, pair.target, *FILTER, "--verify", verify, "--triggers", "keep").ended(1)
    assert "1 updated rows do not match --where" in done.error["message"]
    assert rows(pair.target, "SELECT * FROM t") == [[1, "o", "b", 0]]


@pytest.mark.parametrize("verify", ["checksum", "count", "none"])
def test_an_equal_row_is_left_where_only_the_filter_differs(verify: str, pairs, called: CalledSync) -> None:
    """The condition reads another table: no write would help; rows that do differ are repaired beside it."""
    pair: Pair = pairs(
        "CREATE TABLE o (id int PRIMARY KEY, r text); CREATE TABLE t (id int PRIMARY KEY, v int);",
        "INSERT INTO o VALUES (1, 'a'), (2, 'a'), (3, 'a'); INSERT INTO t VALUES (1, 1), (2, 2), (3, 3);",
        "INSERT INTO o VALUES (1, 'b'), (2, 'a'), (3, 'a'); INSERT INTO t VALUES (1, 1), (2, 0);",
    )
    where = ("--tables", "t", "--where", "t:exists(SELECT FROM public.o WHERE o.id = t.id AND o.r = 'a')")
    for numbers in ([1, 1, 0], [0, 0, 0]):
        for args in (("--dry-run",), ()):
            ended = called.sync(pair.source, pair.target, *where, "--verify", verify, *args).ended(0)
            assert [ended.result["totals"][number] for number in NUMBERS] == numbers
    assert rows(pair.target, "SELECT * FROM t ORDER BY id") == [[1, 1], [2, 2], [3, 3]]


def test_keys_that_the_other_encoding_holds_are_found(servers, dbsync: Command) -> None:
    """And those that it lacks are none there. unique_taken looks for the owners of values in the same way."""
    schema = "CREATE TABLE t (k text PRIMARY KEY, region text, code int UNIQUE);"
    mine = schema + "INSERT INTO t VALUES ('é', 'a', 1), ('ü', 'a', 2), ('x', 'a', 3);"
    theirs = schema + "INSERT INTO t VALUES ('é', 'b', 2), ('ü', 'a', 1), ('y', 'b', 4);"
    with encoded(servers.source, "UTF8", mine) as source, encoded(servers.target, "LATIN1", theirs) as target:
        for args in (FILTER, ("--where", "t:code < 9")):
            planned = dbsync.run("sync", source, target, *args, "--dry-run", "--json").ended(0)
            assert planned.result["would_refuse"] == []
        done = dbsync.sync(source, target, *FILTER).ended(0)
        assert [done.result["totals"][number] for number in NUMBERS] == [1, 2, 0]
        run_sql(source, "INSERT INTO t VALUES ('漢', 'a', 8);")
        planned = dbsync.run("sync", source, target, *FILTER, "--dry-run", "--json").ended(0)
        assert (planned.result["totals"]["rows_inserted"], planned.result["would_refuse"]) == (1, [])


def test_values_beyond_the_other_type_are_no_values_there(pairs, called: CalledSync) -> None:
    """The owner of a taken value has a key that the source's type cannot hold: it stays."""
    pair: Pair = pairs(
        "",
        "CREATE TABLE t (id int PRIMARY KEY, code int UNIQUE); INSERT INTO t VALUES (1, 5), (2, 6);",
        "CREATE TABLE t (id bigint PRIMARY KEY, code int UNIQUE); INSERT INTO t VALUES (5000000000, 5), (2, 7);",
    )
    (said,) = called.sync(pair.source, pair.target, "--dry-run").ended(0).result["would_refuse"]
    assert said == "public.t: 1 rows to be written have a unique value (code) of rows that stay"


@pytest.mark.parametrize("state", ["empty", "replace", "delta"])
def test_a_key_that_is_not_valid_is_warned_of_where_rows_that_it_refers_to_are_left_out(
    state: str, pairs, called: CalledSync
) -> None:
    """Nobody checks it where it is put aside. One that is checked then needs no word."""
    schema = (
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int, q int REFERENCES p);"
        "ALTER TABLE c ADD CONSTRAINT c_to_p FOREIGN KEY (p) REFERENCES p NOT VALID;"
    )
    content = "INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (10, 1), (11, 2);"
    pair: Pair = pairs(schema, content, "" if state == "empty" else "INSERT INTO p VALUES (2)")
    args = ("--mode", "replace") if state == "replace" else ()
    said = (
        "public.c: foreign key c_to_p is NOT VALID, so nobody checks whether rows that come in refer to rows of "
        "public.p that --where leaves out"
    )

    def told(*more: str) -> list[str]:
        ended = called.sync(pair.source, pair.target, *args, *more).ended(0)
        return [one for one in ended.document["warnings"] if "NOT VALID" in one]

    assert told("--where", "p:id > 1", "--dry-run") == [said]
    assert told("--where", "c:p > 1", "--dry-run") == told("--dry-run") == []
    assert told("--where", "p:id > 1") == [said]
    assert rows(pair.target, "SELECT p FROM c ORDER BY id") == [[1], [2]]


def test_validate_tells_of_a_key_that_is_not_valid_and_refers_to_partitions_left_out(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);"
        "CREATE TABLE c (id int PRIMARY KEY, p int); ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p NOT VALID;"
    )
    ended = dbsync.run("validate", pair.source, pair.target, "--exclude", "p1", "--json")
    (found,) = [
        one for one in ended.document["result"]["findings"] if one["details"]["rule"] == "foreign_key_unchecked"
    ]
    assert found["message"].endswith("refer to rows of public.p that the choice of partitions leaves out")


@pytest.mark.parametrize("parted", [False, True])
def test_rows_without_a_key_are_kept_only_where_they_may_have_changed(parted: bool, pairs, called: CalledSync) -> None:
    """A column that only the target has is no reason to refuse rows that come, or rows that go; both might be one."""
    parts = "".join(f"CREATE TABLE log{n} PARTITION OF log FOR VALUES IN ({n});" for n in (0, 1))
    schema = "CREATE TABLE log (at int, said text)" + (f" PARTITION BY LIST (at); {parts}" if parted else ";")
    pair: Pair = pairs(
        schema, "INSERT INTO log VALUES (0, 'a'), (0, 'z'), (1, 'b');", "INSERT INTO log VALUES (0, 'a');"
    )
    run_sql(pair.target, "ALTER TABLE log ADD loaded_at timestamptz DEFAULT now()")
    args = ("--delete", "--max-delete", "100%")
    called.sync(pair.source, pair.target, *args).ended(0)
    run_sql(pair.source, "DELETE FROM log WHERE said = 'a'")
    called.sync(pair.source, pair.target, *args).ended(0)
    run_sql(pair.source, "UPDATE log SET at = 0")
    held = rows(pair.target, "SELECT * FROM log")
    (said,) = called.sync(pair.source, pair.target, *args, "--dry-run").ended(0).result["would_refuse"]
    assert (said.startswith("public.log is "), said.endswith("would be lost: loaded_at")) == (True, True), said
    refused = called.sync(pair.source, pair.target, *args).ended(4)
    assert (refused.error["message"], "--exclude" in refused.error["hint"]) == (said, True)
    assert rows(pair.target, "SELECT * FROM log") == held
    called.sync(pair.source, pair.target).ended(0)
