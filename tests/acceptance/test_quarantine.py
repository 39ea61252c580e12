"""``--on-row-error quarantine``: bad rows stand alone in the ledger, all others are in, and the run never ends with 0."""

from __future__ import annotations

import signal

import pytest

from dbsync.data import quarantine
from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle
from tests.fixtures.command import Command, Result
from tests.fixtures.pair import Pair, encoded, rows, run_sql

_SCHEMA = "CREATE TABLE t (id int PRIMARY KEY, v text, u int); CREATE TABLE fine (id int PRIMARY KEY);"
_MINE = """
INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(1, 6000) i;
UPDATE t SET v = NULL WHERE id IN (7, 3001, 6000);
INSERT INTO fine SELECT generate_series(1, 10);
"""
_STRICT = "ALTER TABLE t ALTER v SET NOT NULL;"
_FILL = "INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(1, 6000) i WHERE i % 3 > 0;"
_QUARANTINE = ("--on-row-error", "quarantine")


def _sync(called: CalledSync, pair: Pair, *args: str) -> Result:
    return called.sync(pair.source, pair.target, *_QUARANTINE, *args)


def _kept(pair: Pair, run: Result) -> list[list[object]]:
    query = (
        "SELECT row_key, row_text, sqlstate FROM dbsync.quarantine "
        f"WHERE run_id = '{run.result['run_id']}' ORDER BY row_key COLLATE \"C\""
    )
    return rows(pair.target, query)


@pytest.mark.parametrize(
    ("fill", "args", "inserted"),
    [
        ("", (), 5997),
        (_FILL, ("--mode", "replace"), 5997),
        (_FILL, ("--delete",), 1999),
        (_FILL, ("--mode", "append"), 1999),
    ],
    ids=["load", "replace", "delta", "append"],
)
def test_bad_rows_stand_alone_and_all_others_are_in(
    fill: str, args: tuple[str, ...], inserted: int, pairs, called: CalledSync
) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, fill + _STRICT)
    run_sql(pair.target, "DELETE FROM t WHERE id IN (7, 3001, 6000)")
    result = _sync(called, pair, *args).ended(6)
    assert result.error["code"] == "ROWS_QUARANTINED", result
    assert result.error["details"] == {"quarantined": {"public.t": 3}}
    table = result.tables()["public.t"]
    assert (table["state"], table["rows_quarantined"], table["verified"]) == ("done", 3, False)
    assert table["rows_inserted"] == inserted
    assert result.tables()["public.fine"]["verified"]
    assert (result.result["state"], result.result["verified"]) == ("failed", False)
    assert _kept(pair, result) == [
        ["(3001)", "(3001,,3001)", "23502"],
        ["(6000)", "(6000,,6000)", "23502"],
        ["(7)", "(7,,7)", "23502"],
    ]
    run_sql(pair.source, "DELETE FROM t WHERE v IS NULL")
    assert oracle.differences(pair.source, pair.target) == []
    assert _sync(called, pair).ended(0).result["totals"]["rows_inserted"] == 0


def test_a_changed_row_that_is_refused_keeps_its_old_version(pairs, called: CalledSync) -> None:
    mine = "INSERT INTO t SELECT i, 'new ' || i, i FROM generate_series(1, 4000) i;"
    theirs = "INSERT INTO t SELECT i, 'old ' || i, i FROM generate_series(11, 4010) i; ALTER TABLE t ADD CHECK (v <> 'new 99');"
    pair: Pair = pairs(_SCHEMA, mine, theirs)
    result = _sync(called, pair, "--delete").ended(6)
    table = result.tables()["public.t"]
    assert [table[f"rows_{what}"] for what in ("inserted", "updated", "deleted", "quarantined")] == [10, 3989, 10, 1]
    assert _kept(pair, result) == [["(99)", '(99,"new 99",99)', "23514"]]
    assert rows(pair.target, "SELECT v FROM t WHERE id = 99") == [["old 99"]]
    run_sql(pair.source, "UPDATE t SET v = 'old 99' WHERE id = 99")
    assert oracle.differences(pair.source, pair.target) == []
    again = _sync(called, pair, "--delete").ended(0)
    assert again.result["totals"]["rows_updated"] == 0, "what was not proven was compared again"


@pytest.mark.parametrize("args", [(), ("--mode", "replace")], ids=["delta", "replace"])
@pytest.mark.parametrize("fill", ["", "INSERT INTO t SELECT i, 'old', i FROM generate_series(3, 3000) i;"])
def test_a_row_that_the_target_cannot_encode_stands_alone(
    fill: str, args: tuple[str, ...], pairs, servers, called: CalledSync
) -> None:
    mine = "INSERT INTO t SELECT i, 'été ' || i, i FROM generate_series(1, 3000) i; UPDATE t SET v = 'é漢\U0001f600' WHERE id = 7;"
    pair: Pair = pairs(_SCHEMA, mine)
    with encoded(servers.target, "LATIN1", _SCHEMA + fill) as latin:
        result = called.sync(pair.source, latin, *_QUARANTINE, *args).ended(6)
        assert result.error["code"] == "ROWS_QUARANTINED", result
        assert result.error["details"] == {"quarantined": {"public.t": 1}}
        assert _kept(Pair(pair.source, latin), result) == [["(7)", "(7,\\xe9\\u6f22\\U0001f600,7)", "22P05"]]
        ((message,),) = rows(latin, "SELECT message FROM dbsync.quarantine")
        assert "has no equivalent" in str(message)
        kept = [["old"]] if fill and not args else []
        assert rows(latin, "SELECT v FROM t WHERE id = 7") == kept
        run_sql(pair.source, "UPDATE t SET v = 'old' WHERE id = 7")
        called.sync(pair.source, latin).ended(0)
        assert oracle.differences(pair.source, latin) == []


def test_unique_values_too_many_are_found_among_swapped_ones(pairs, called: CalledSync) -> None:
    mine = "INSERT INTO t SELECT i, 'row', i FROM generate_series(1, 50) i; UPDATE t SET u = 3 WHERE id = 40;"
    pair: Pair = pairs(_SCHEMA, mine, "INSERT INTO t VALUES (1, 'row', 1); CREATE UNIQUE INDEX ON t (u);")
    result = _sync(called, pair).ended(6)
    ((key, _, sqlstate),) = _kept(pair, result)
    assert (key in ("(3)", "(40)"), sqlstate) == (True, "23505")
    assert rows(pair.target, "SELECT count(*), count(DISTINCT u) FROM t") == [[49, 49]]


def test_unique_values_too_many_are_found_beside_rows_that_are_refused_for_another_reason(
    pairs, called: CalledSync
) -> None:
    """The first reason lets unique indexes be put aside, which is where the second one would not be seen row by row."""
    mine = (
        "INSERT INTO t SELECT i, nullif('row', repeat('row', 1 - sign(i % 25)::int)), i FROM generate_series(1, 50) i;"
    )
    pair: Pair = pairs(
        _SCHEMA,
        mine + "UPDATE t SET u = 3 WHERE id = 40;",
        "INSERT INTO t VALUES (1, 'row', 1); CREATE UNIQUE INDEX ON t (u);" + _STRICT,
    )
    for _ in range(2):  # what is in quarantine is refused again, and does not keep others out
        result = _sync(called, pair).ended(6)
        assert result.error["code"] == "ROWS_QUARANTINED", result
        assert sorted(str(sqlstate) for *_, sqlstate in _kept(pair, result)) == ["23502", "23502", "23505"]
        assert rows(pair.target, "SELECT count(*), count(DISTINCT u) FROM t") == [[47, 47]]


def test_partitions_domains_and_tables_without_a_key(pairs, called: CalledSync) -> None:
    schema = """
    CREATE DOMAIN short AS text;
    CREATE TABLE parts (id int PRIMARY KEY, v short) PARTITION BY RANGE (id);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
    CREATE TABLE keyless (v short);
    """
    mine = """
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
    INSERT INTO parts SELECT i, repeat('x', i % 100) FROM generate_series(0, 199) i;
    INSERT INTO keyless SELECT repeat('x', i) FROM generate_series(0, 99) i;
    """
    theirs = """
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (150);
    CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (150) TO (200);
    ALTER TABLE parts_3 ADD CHECK (length(v) < 98); ALTER TABLE keyless ADD CHECK (length(v) < 98);
    """
    pair: Pair = pairs(schema, mine, theirs)
    result = _sync(called, pair).ended(6)
    assert {name: table["rows_quarantined"] for name, table in result.tables().items()} == {
        "public.parts": 2,
        "public.keyless": 2,
    }
    run_sql(
        pair.source, "DELETE FROM parts WHERE id > 100 AND length(v) > 97; DELETE FROM keyless WHERE length(v) > 97"
    )
    for table in ("parts", "keyless"):
        query = f"SELECT * FROM {table} ORDER BY v, 1"
        assert rows(pair.source, query) == rows(pair.target, query)


def test_what_no_row_can_be_blamed_for_fails_as_a_whole_and_says_so(pairs, called: CalledSync) -> None:
    schema = "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int);"
    mine = "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 1), (2, 2);"
    pair: Pair = pairs(schema, mine, "ALTER TABLE child ADD FOREIGN KEY (parent) REFERENCES parent;")
    result = _sync(called, pair).ended(6)
    assert result.error["sqlstate"] == "23503", result
    assert "no row can be told" in result.error["hint"], result
    assert rows(pair.target, "SELECT (SELECT count(*) FROM parent), (SELECT count(*) FROM child)") == [[0, 0]]
    assert rows(pair.target, "SELECT count(*) FROM dbsync.quarantine") == [[0]]


def test_too_many_bad_rows_end_the_table(pairs, called: CalledSync, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MOST_ROWS", 20)
    pair: Pair = pairs(_SCHEMA, "INSERT INTO t SELECT i, NULL, i FROM generate_series(1, 3000) i;", _STRICT)
    result = _sync(called, pair).ended(6)
    assert "more than 20 rows" in result.error["message"], result
    assert rows(pair.target, "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM dbsync.quarantine)") == [[0, 0]]


@pytest.mark.parametrize(
    ("args", "said"),
    [(("--no-ledger",), "--no-ledger"), (("--mode", "cursor", "--cursor", "public.t:id"), "--mode cursor")],
)
def test_it_is_refused_where_it_cannot_be_done(args: tuple[str, ...], said: str, pairs, called: CalledSync) -> None:
    pair: Pair = pairs(_SCHEMA)
    assert said in _sync(called, pair, *args).ended(2).error["message"]


def test_a_bad_row_without_the_option_changes_nothing(pairs, called: CalledSync) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _STRICT)
    result = called.sync(pair.source, pair.target).ended(6)
    assert result.tables()["public.t"]["error"]["sqlstate"] == "23502"
    assert rows(pair.target, "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM dbsync.quarantine)") == [[0, 0]]


@pytest.mark.parametrize(
    "point", ["before_row_by_row", "after_row_refused", "after_quarantined", "before_commit", "after_commit"]
)
def test_rows_and_quarantine_survive_a_kill_together(point: str, pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _STRICT)
    args = ("sync", pair.source, pair.target, "--yes", "--json", "--tables", "public.t", *_QUARANTINE)
    killed = dbsync.run(*args, env={"DBSYNC_FAILPOINT": f"{point}=kill"})
    assert killed.exit_code == -signal.SIGKILL, killed
    stand = rows(pair.target, "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM dbsync.quarantine)")
    assert stand == [[5997, 3] if point == "after_commit" else [0, 0]]
    dbsync.run(*args, "--resume").ended(6)
    run_sql(pair.source, "DELETE FROM t WHERE v IS NULL")
    assert rows(pair.target, "SELECT count(*), sum(u) FROM t") == rows(pair.source, "SELECT count(*), sum(u) FROM t")
