"""Foreign keys with actions that refer to values which one row hands on to another: rows that are equal stay."""

from __future__ import annotations

import pytest

from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.pair import Pair, rows, run_sql

_P = "CREATE TABLE p (id int PRIMARY KEY, code text NOT NULL UNIQUE, v int);"
_C = "CREATE TABLE c (id int PRIMARY KEY, code text DEFAULT 'b' REFERENCES p (code) {action});"
_TREE = "CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE, up text DEFAULT 'b' REFERENCES p (code) {action});"
_SPELLED = "CREATE TABLE p (id numeric PRIMARY KEY, v int);"
_REFERRING = "CREATE TABLE c (id int PRIMARY KEY, p numeric DEFAULT 2 REFERENCES p (id) {action});"
_CASES = {
    "to a new row": (
        _P + _C,
        "INSERT INTO p VALUES (100, 'a', 1), (2, 'b', 1); INSERT INTO c VALUES (10, 'a'), (12, 'b');",
        "INSERT INTO p VALUES (1, 'a', 1), (2, 'b', 1); INSERT INTO c VALUES (10, 'a'), (12, 'b');",
    ),
    "to a row that is there": (
        _P + _C,
        "INSERT INTO p VALUES (1, 'x', 1), (2, 'b', 1), (3, 'a', 1); INSERT INTO c VALUES (10, 'a'), (12, 'b');",
        "INSERT INTO p VALUES (1, 'a', 1), (2, 'b', 1), (3, 'y', 1); INSERT INTO c VALUES (10, 'a'), (12, 'b');",
    ),
    "within one table": (
        _TREE,
        "INSERT INTO p VALUES (100, 'a', NULL), (2, 'b', NULL), (3, 'c', 'a');",
        "INSERT INTO p VALUES (1, 'a', NULL), (2, 'b', NULL), (3, 'c', 'a');",
    ),
    "another spelling": (
        _SPELLED + _REFERRING,
        "INSERT INTO p VALUES (1.00, 1), (2, 1); INSERT INTO c VALUES (10, 1.0);",
        "INSERT INTO p VALUES (1.0, 1), (2, 1); INSERT INTO c VALUES (10, 1.0);",
    ),
}
_ACTIONS = (
    "ON DELETE CASCADE ON UPDATE CASCADE",
    "ON DELETE SET NULL ON UPDATE SET NULL",
    "ON DELETE SET DEFAULT ON UPDATE SET DEFAULT",
    "ON DELETE CASCADE",
    "",
)


@pytest.mark.parametrize(
    ("action", "verify"),
    [*((action, "none") for action in _ACTIONS), (_ACTIONS[0], "checksum"), (_ACTIONS[1], "count")],
)
@pytest.mark.parametrize(("schema", "source", "target"), _CASES.values(), ids=_CASES.keys())
def test_rows_that_refer_to_what_is_handed_on_stay(
    schema: str, source: str, target: str, action: str, verify: str, pairs, dbsync: Command
) -> None:
    pair: Pair = pairs(schema.format(action=action), source, target)
    planned = dbsync.run("sync", pair.source, pair.target, "--delete", "--dry-run", "--json").ended(0)
    done = dbsync.sync(pair.source, pair.target, "--delete", "--verify", verify).ended(0)
    assert oracle.differences(pair.source, pair.target) == []
    for number in ("rows_inserted", "rows_updated", "rows_deleted"):
        assert planned.result["totals"][number] == done.result["totals"][number], number


@pytest.mark.parametrize("verify", ["none", "checksum"])
@pytest.mark.parametrize("action", _ACTIONS[:2])
@pytest.mark.parametrize("name", ["to a new row", "to a row that is there"])
def test_they_stay_where_triggers_fire_as_well(name: str, action: str, verify: str, pairs, dbsync: Command) -> None:
    schema, source, target = _CASES[name]
    pair: Pair = pairs(schema.format(action=action), source, target)
    run_sql(
        pair.target,
        "CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER idle AFTER INSERT OR UPDATE OR DELETE ON p FOR EACH ROW EXECUTE FUNCTION idle()",
    )
    dbsync.sync(pair.source, pair.target, "--delete", "--triggers", "keep", "--verify", verify).ended(0)
    for table in ("p", "c"):
        assert rows(pair.target, f"SELECT * FROM {table} ORDER BY id") == rows(
            pair.source, f"SELECT * FROM {table} ORDER BY id"
        )


@pytest.mark.parametrize("verify", ["none", "count", "checksum"])
@pytest.mark.parametrize("action", ["ON DELETE SET NULL", "ON DELETE CASCADE"])
def test_nor_are_they_taken_along_while_rows_are_refused_one_by_one(
    action: str, verify: str, pairs, dbsync: Command
) -> None:
    pair: Pair = pairs(
        "CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE, u int);"
        f"CREATE TABLE c (id int PRIMARY KEY, code text REFERENCES p (code) {action});",
        "INSERT INTO p VALUES (2, 'a', 1), (3, 'b', 7), (4, 'c', 7); INSERT INTO c VALUES (1, 'a')",
        "CREATE UNIQUE INDEX ON p (u); INSERT INTO p VALUES (1, 'a', 1); INSERT INTO c VALUES (1, 'a')",
    )
    before = oracle.take(pair.target)
    apart = ("--delete", "--on-row-error", "quarantine", "--verify", verify)
    failed = dbsync.sync(pair.source, pair.target, *apart).ended(1)
    assert "a foreign key's action would change rows of public.c" in failed.error["message"], failed
    assert oracle.all_changes(before, oracle.take(pair.target)) == []


@pytest.mark.parametrize("verify", ["none", "count"])
def test_what_a_tables_own_triggers_change_calls_for_no_other_order(verify: str, pairs, dbsync: Command) -> None:
    """No key is put aside for a column that a trigger stamps."""
    schema, _, _ = _CASES["to a new row"]
    pair: Pair = pairs(
        schema.format(action="ON DELETE CASCADE"),
        "INSERT INTO p VALUES (1, 'a', 1), (2, 'b', 1); INSERT INTO c VALUES (10, 'b')",
        "INSERT INTO p VALUES (1, 'a', 1), (2, 'b', 1); INSERT INTO c VALUES (10, 'a')",
    )
    run_sql(
        pair.target,
        "ALTER TABLE c ADD COLUMN touched int; CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN NEW.touched := 7; NEW.id := 11; RETURN NEW; END';"
        "CREATE TRIGGER touch BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION touch()",
    )
    (before,) = rows(pair.target, "SELECT oid::int FROM pg_constraint WHERE conname = 'c_code_fkey'")
    dbsync.sync(pair.source, pair.target, "--delete", "--triggers", "keep", "--verify", verify).ended(0)
    assert rows(pair.target, "SELECT id, code, touched FROM c") == [[11, "b", 7]]
    assert rows(pair.target, "SELECT oid::int FROM pg_constraint WHERE conname = 'c_code_fkey'") == [before]
