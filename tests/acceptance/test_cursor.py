"""``--mode cursor``: rows past a stored value, and no late commit, tie or microsecond is ever missed for good."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from dbsync.data import cursor
from dbsync.local import EphemeralServer
from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle
from tests.fixtures.command import Command, Result
from tests.fixtures.pair import Pair, rows, run_sql

_SCHEMA = """
CREATE TABLE t (id int PRIMARY KEY, v text, at timestamptz DEFAULT now());
CREATE INDEX ON t (at);
CREATE TABLE other (id int PRIMARY KEY);
"""
_MINE = "INSERT INTO t SELECT i, 'row ' || i, now() - i * interval '1 day' FROM generate_series(1, 100) i;"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open transactions are waited for half a second instead of five."""
    monkeypatch.setattr(cursor, "_PATIENCE_S", 0.5)


def _sync(called: CalledSync, pair: Pair, *args: str, column: str = "public.t:at") -> Result:
    return called.sync(pair.source, pair.target, "--mode", "cursor", "--cursor", column, *args)


def _written(result: Result) -> tuple[int, int]:
    table = result.tables()["public.t"]
    return table["rows_inserted"], table["rows_updated"]


def _stored(pair: Pair) -> list[list[object]]:
    return rows(pair.target, "SELECT value FROM dbsync.cursor")


def test_rows_past_the_cursor_are_written_by_key_and_the_result_says_what_is_not_covered(
    pairs, called: CalledSync
) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE)
    first = _sync(called, pair).ended(0)
    assert _written(first) == (100, 0)
    assert first.tables()["public.t"]["verified"], "a bulk load is compared as a whole"
    assert [entry["table"] for entry in first.result["skipped"]] == ["public.other"]
    versions = rows(pair.target, "SELECT id, xmin::text FROM t WHERE id > 3 ORDER BY id")

    run_sql(
        pair.source,
        "DELETE FROM t WHERE id = 50; UPDATE t SET v = 'new', at = now() WHERE id <= 3;"
        "UPDATE t SET v = 'unseen' WHERE id = 60; INSERT INTO t VALUES (101, 'more');",
    )
    planned = _sync(called, pair, "--dry-run").ended(0).result["totals"]
    second = _sync(called, pair).ended(0)
    assert _written(second) == (1, 3) == (planned["rows_inserted"], planned["rows_updated"])
    assert second.result["covers_deletes"] is False
    assert second.result["verified"] is False
    table = second.tables()["public.t"]
    assert (table["verified"], table["strategy"]) == (False, "cursor")
    assert table["cursor"]["rows_verified"] == table["rows_source"] >= 4
    assert table["cursor"]["end"] == _stored(pair)[0][0]
    assert any("deleted" in warning for warning in second.document["warnings"])
    assert rows(pair.target, "SELECT id, xmin::text FROM t WHERE id BETWEEN 4 AND 100 ORDER BY id") == versions
    assert rows(pair.target, "SELECT id, v FROM t WHERE id IN (1, 50, 60, 101) ORDER BY 1") == [
        [1, "new"],
        [50, "row 50"],
        [60, "row 60"],
        [101, "more"],
    ]
    assert _written(_sync(called, pair).ended(0)) == (0, 0)


_LATE = "INSERT INTO t VALUES (1001, 'late', now() - interval '1 hour')"  # as if it had begun an hour ago


@pytest.mark.parametrize("before", ["SELECT now()", _LATE])
def test_a_late_commit_is_never_missed_for_good(before: str, pairs, called: CalledSync, impatient: None) -> None:
    """Trap 3: the transaction has its stamp, with or without a number of its own, and commits after the cursor passed."""
    pair: Pair = pairs(_SCHEMA, _MINE)
    _sync(called, pair).ended(0)
    with psycopg.connect(pair.source) as late:
        late.execute(before.encode())
        run_sql(pair.source, "INSERT INTO t VALUES (1002, 'early')")
        stood = _stored(pair)
        held = _sync(called, pair).ended(0)
        assert _written(held) == (1, 0)
        assert any("still open" in warning for warning in held.document["warnings"]), held
        assert _stored(pair) == stood
        assert held.tables()["public.t"]["cursor"]["end"] is None
        if before != _LATE:
            late.execute(_LATE.encode())
        late.commit()
    assert _written(_sync(called, pair).ended(0)) == (1, 0)
    assert oracle.differences(pair.source, pair.target) == []
    assert _stored(pair) != stood


def test_a_prepared_transaction_holds_the_cursor_back(pairs, called: CalledSync, impatient: None) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE)
    if rows(pair.source, "SHOW max_prepared_transactions") == [["0"]]:
        with psycopg.connect(pair.source, autocommit=True) as connection, pytest.raises(psycopg.Error):
            connection.execute("BEGIN; INSERT INTO t VALUES (7000); PREPARE TRANSACTION 'dbsync_test'")
        return  # this server has none: nothing could be missed
    _sync(called, pair).ended(0)
    with psycopg.connect(pair.source, autocommit=True) as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO t VALUES (7000)")
        connection.execute("PREPARE TRANSACTION 'dbsync_test'")
        try:
            assert _sync(called, pair).ended(0).tables()["public.t"]["cursor"]["end"] is None
        finally:
            connection.execute("COMMIT PREPARED 'dbsync_test'")
    assert _written(_sync(called, pair).ended(0)) == (1, 0)


def test_a_transaction_that_is_prepared_while_it_is_waited_for_holds_the_cursor_back(
    pairs, called: CalledSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loses the name by which it was waited for, and is still open."""
    monkeypatch.setattr(cursor, "_PATIENCE_S", 2.0)
    pair: Pair = pairs(_SCHEMA, "")
    with EphemeralServer(settings={"max_prepared_transactions": "5"}) as server:
        far = replace(pair, source=server.url("postgres"))
        run_sql(far.source, _SCHEMA + _MINE)
        _sync(called, far).ended(0)
        stood = _stored(pair)
        with psycopg.connect(far.source, autocommit=True) as connection:
            connection.execute("BEGIN")
            connection.execute(_LATE)
            run_sql(far.source, "INSERT INTO t VALUES (1002, 'early')")
            prepare = threading.Timer(0.5, connection.execute, ["PREPARE TRANSACTION 'dbsync_test'"])
            prepare.start()
            held = _sync(called, far).ended(0)
            prepare.join()
            assert rows(far.source, "SELECT count(*) FROM pg_prepared_xacts") == [[1]]
            connection.execute("COMMIT PREPARED 'dbsync_test'")
        assert held.tables()["public.t"]["cursor"]["end"] is None
        assert _stored(pair) == stood
        assert _written(_sync(called, far).ended(0)) == (1, 0)
        assert oracle.differences(far.source, far.target) == []


def test_a_value_that_cannot_be_true_goes_even_where_a_late_transaction_keeps_the_new_one_from_being_stored(
    pairs, called: CalledSync, impatient: None
) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE)
    by_id = "public.t:id"
    _sync(called, pair, column=by_id).ended(0)
    run_sql(pair.source, "DELETE FROM t WHERE id > 80")
    with psycopg.connect(pair.source) as late:
        late.execute("SELECT 1")
        assert _sync(called, pair, column=by_id).ended(0).tables()["public.t"]["cursor"]["end"] is None
    run_sql(pair.source, "INSERT INTO t SELECT i, 'again' FROM generate_series(81, 120) i")
    assert _written(_sync(called, pair, column=by_id).ended(0)) == (20, 20)
    assert oracle.differences(pair.source, pair.target) == []


def test_an_emptied_source_begins_again(pairs, called: CalledSync) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE)
    by_id = "public.t:id"
    _sync(called, pair, column=by_id).ended(0)
    run_sql(pair.source, "TRUNCATE t")
    emptied = _sync(called, pair, column=by_id).ended(0)
    assert any("nothing is left" in warning for warning in emptied.document["warnings"]), emptied
    assert _stored(pair) == []
    run_sql(pair.source, "INSERT INTO t SELECT i, 'again' FROM generate_series(1, 120) i")
    assert _written(_sync(called, pair, column=by_id).ended(0)) == (20, 100)


def test_a_run_in_another_mode_that_loads_a_part_of_the_table_ends_its_cursor(pairs, called: CalledSync) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE)
    by_id = "public.t:id"
    _sync(called, pair, column=by_id).ended(0)
    part = ("--tables", "t", "--where", "public.t:id > 90")
    called.sync(pair.source, pair.target, "--mode", "replace", *part).ended(0)
    assert _stored(pair) == []
    assert _written(_sync(called, pair, column=by_id).ended(0)) == (90, 0)
    run_sql(pair.target, "TRUNCATE t")
    called.sync(pair.source, pair.target, *part).ended(0)
    assert _written(_sync(called, pair, column=by_id).ended(0)) == (90, 0)


def test_a_cursor_that_loads_a_part_of_the_table_ends_its_other_cursors(pairs, called: CalledSync) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE)
    _sync(called, pair).ended(0)
    run_sql(pair.target, "TRUNCATE t")
    _sync(called, pair, "--where", "public.t:id > 90").ended(0)
    assert rows(pair.target, "SELECT count(*) FROM t") == [[10]]
    assert len(_stored(pair)) == 1
    assert _written(_sync(called, pair).ended(0))[0] == 90
    assert oracle.differences(pair.source, pair.target) == []
    assert len(_stored(pair)) == 2, "both are true now"
    assert _written(_sync(called, pair, "--where", "public.t:id > 90").ended(0)) == (0, 0)


def test_a_column_that_is_copied_from_now_on_begins_again(pairs, called: CalledSync) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE)
    _sync(called, pair).ended(0)
    run_sql(pair.source, "ALTER TABLE t ADD COLUMN more int DEFAULT 5")
    run_sql(pair.target, "ALTER TABLE t ADD COLUMN more int")
    assert _written(_sync(called, pair).ended(0)) == (0, 100)


def test_a_filter_that_the_target_cannot_follow_is_foretold_as_it_runs(pairs, called: CalledSync) -> None:
    """The filter chooses the source's rows; what the target holds in its columns, or whether it has them, is nothing to it."""
    pair: Pair = pairs(
        "",
        "CREATE TABLE t (id int PRIMARY KEY, v text, at timestamptz DEFAULT now(), region text);"
        "INSERT INTO t SELECT i, 'row', now() - i * interval '1 day', CASE WHEN i % 2 = 0 THEN 'eu' ELSE 'us' END"
        " FROM generate_series(1, 100) i",
        "CREATE TABLE t (id int PRIMARY KEY, v text, at timestamptz DEFAULT now()); INSERT INTO t VALUES (2, 'old', NULL)",
    )
    chosen = ("--columns", "public.t:id,v,at", "--where", "public.t:region = 'eu'")
    foretold = _sync(called, pair, *chosen, "--dry-run").ended(0).result["totals"]
    assert (foretold["rows_inserted"], foretold["rows_updated"]) == (49, 1)
    assert _written(_sync(called, pair, *chosen).ended(0)) == (49, 1)


def test_ties_microseconds_nulls_and_stamps_from_the_future(pairs, called: CalledSync) -> None:
    """Traps 4, 5, 6: 10,000 rows of one stamp, stamps that differ in the sixth digit, and some that never come true."""
    pair: Pair = pairs(_SCHEMA)
    stamp = "timestamptz '2024-03-01 10:00:00.123456+00'"
    run_sql(pair.source, f"INSERT INTO t SELECT i, 'tie', {stamp} FROM generate_series(1, 5000) i")
    run_sql(
        pair.source,
        "INSERT INTO t VALUES (20000, 'null', NULL), (20001, 'never', 'infinity'), (20002, 'far', '2999-01-01')",
    )
    _sync(called, pair).ended(0)
    assert _stored(pair) == [["2024-03-01 10:00:00.123456+00"]]
    run_sql(pair.source, f"INSERT INTO t SELECT i, 'tie', {stamp} FROM generate_series(5001, 10000) i")
    run_sql(pair.source, f"INSERT INTO t VALUES (10001, 'next', {stamp} + interval '1 microsecond')")
    run_sql(pair.source, "UPDATE t SET v = 'changed' WHERE id >= 20000")
    assert _written(_sync(called, pair).ended(0)) == (5001, 3)
    assert _stored(pair) == [["2024-03-01 10:00:00.123457+00"]]
    assert oracle.differences(pair.source, pair.target) == []


_KINDS = {
    "smallint": ("5", "6"),
    "bigint": ("9007199254740993", "9007199254740994"),
    "numeric": ("1.50", "1.500000000000000000000000000001"),
    "date": ("'2024-02-28'", "'2024-02-29'"),
    "timestamp": ("'2024-02-28 10:00:00.000001'", "'2024-02-28 10:00:11'"),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_each_type_that_can_grow_is_a_cursor_to_its_last_digit(kind: str, pairs, called: CalledSync) -> None:
    first, second = _KINDS[kind]
    pair: Pair = pairs(f'CREATE TABLE t (id int PRIMARY KEY, "odd ""c" {kind}, v text);')
    run_sql(pair.source, f"INSERT INTO t VALUES (1, {first}, 'a'), (2, {first}, 'b')")
    column = 'public.t:"odd ""c"'
    _sync(called, pair, column=column).ended(0)
    run_sql(pair.source, f"INSERT INTO t VALUES (3, {second}, 'c'); UPDATE t SET v = 'moved' WHERE id = 2")
    assert _written(_sync(called, pair, column=column).ended(0)) == (1, 1)
    run_sql(pair.source, "UPDATE t SET v = 'behind the cursor' WHERE id = 1")
    assert _written(_sync(called, pair, column=column).ended(0)) == (0, 0)


def test_what_was_stored_is_not_trusted_where_it_cannot_be_true(pairs, called: CalledSync) -> None:
    """Another filter, an emptied target, a source that went back: the cursor begins again."""
    pair: Pair = pairs(_SCHEMA, _MINE + "INSERT INTO t VALUES (200, 'newest', now());")
    _sync(called, pair, "--where", "public.t:id % 2 = 0").ended(0)
    assert _written(_sync(called, pair).ended(0)) == (50, 0)
    run_sql(pair.target, "TRUNCATE t")
    assert _written(_sync(called, pair).ended(0)) == (101, 0)
    run_sql(pair.source, "DELETE FROM t WHERE id = 200; UPDATE t SET v = 'restored' WHERE id = 5")
    back = _sync(called, pair).ended(0)
    assert _written(back) == (0, 1)
    assert any("before the stored cursor" in warning for warning in back.document["warnings"]), back


def test_a_source_that_was_restored_or_promoted_is_read_from_the_start(called: CalledSync, pairs) -> None:
    """Its greatest value has passed the stored one again, and tells nothing."""
    pair: Pair = pairs(_SCHEMA, "")
    with EphemeralServer() as server:
        source = server.url("postgres")
        run_sql(source, _SCHEMA + _MINE)
        source_pair = replace(pair, source=source)
        assert _written(_sync(called, source_pair, column="public.t:id").ended(0)) == (100, 0)
        run_sql(source, "UPDATE t SET v = 'of another history' WHERE id = 50", "CHECKPOINT")
        assert _written(_sync(called, source_pair, column="public.t:id").ended(0)) == (0, 0)
        run_sql(source, "ALTER SYSTEM SET restore_command = 'false'")
        server.kill()
        signal = server.data_dir / "recovery.signal"
        signal.touch()
        owner = server.data_dir.stat()
        os.chown(signal, owner.st_uid, owner.st_gid)
        server.restart()
        while rows(source, "SELECT pg_is_in_recovery()") == [[True]]:
            time.sleep(0.05)
        run_sql(source, "CHECKPOINT")
        foretold = _sync(called, source_pair, "--dry-run", column="public.t:id").ended(0)
        assert foretold.result["totals"]["rows_updated"] == 1, foretold
        assert _written(_sync(called, source_pair, column="public.t:id").ended(0)) == (0, 1)


def test_tables_that_refer_to_each_other_arrive_together(pairs, called: CalledSync) -> None:
    schema = """
    CREATE TABLE parent (id int PRIMARY KEY, code int UNIQUE, n bigint);
    CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent, n bigint GENERATED ALWAYS AS IDENTITY);
    """
    fill = "INSERT INTO parent VALUES (1, 10, 1), (2, 20, 2); INSERT INTO child VALUES (1, 1), (2, 2);"
    pair: Pair = pairs(schema, fill)
    args = ("--mode", "cursor", "--cursor", "public.parent:n", "--cursor", "public.child:n")
    called.sync(pair.source, pair.target, *args).ended(0)
    run_sql(
        pair.source,
        "UPDATE parent SET code = -code, n = n + 10; UPDATE parent SET code = CASE id WHEN 1 THEN 20 ELSE 10 END;"
        "INSERT INTO parent VALUES (3, 30, 13); INSERT INTO child VALUES (3, 3);",
    )
    result = called.sync(pair.source, pair.target, *args).ended(0)
    assert result.tables()["public.parent"]["rows_updated"] == 2
    assert oracle.differences(pair.source, pair.target) == []


def test_a_referred_value_that_moves_is_refused_where_its_action_would_reach_a_table_without_a_cursor(
    pairs, called: CalledSync
) -> None:
    pair: Pair = pairs(
        "CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE, at timestamptz DEFAULT now());"
        "CREATE TABLE c (id int PRIMARY KEY, code text REFERENCES p (code) ON UPDATE CASCADE);",
        "INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'c');",
    )
    _sync(called, pair, column="p:at").ended(0)
    run_sql(pair.target, "INSERT INTO c VALUES (1, 'a'), (2, 'c')")
    run_sql(
        pair.source,
        "UPDATE p SET code = 'new', at = now() WHERE id = 1;"
        "UPDATE p SET code = 'unseen', at = now() - interval '1 day' WHERE id = 3;",
    )
    said = "1 rows of public.c, which is not selected, refer by foreign key c_code_fkey (ON UPDATE CASCADE)"
    foretold = _sync(called, pair, "--dry-run", column="p:at").ended(0)
    assert [text.startswith(said) for text in foretold.result["would_refuse"]] == [True], foretold
    refused = _sync(called, pair, column="p:at").ended(4)
    assert refused.error["message"].startswith(said), refused
    assert rows(pair.target, "SELECT code FROM c ORDER BY id") == [["a"], ["c"]]
    run_sql(pair.target, "DELETE FROM c WHERE id = 1")
    _sync(called, pair, column="p:at").ended(0)
    assert rows(pair.target, "SELECT code FROM p ORDER BY id") == [["new"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("schema", "args", "status", "said"),
    [
        ("", ("--mode", "cursor"), 2, "needs a column"),
        ("", ("--cursor", "public.t:at"), 2, "belongs to --mode cursor"),
        ("", ("--mode", "cursor", "--cursor", "public.t:at", "--no-ledger"), 2, "--no-ledger"),
        ("", ("--mode", "cursor", "--cursor", "public.nothing:at"), 2, "public.nothing"),
        ("", ("--mode", "cursor", "--cursor", "public.t:at,id"), 2, "one cursor column"),
        ("", ("--mode", "cursor", "--cursor", "public.t:at", "--delete"), 2, "--delete"),
        ("", ("--mode", "cursor", "--cursor", "public.t:v"), 4, "not a copied column of whole numbers"),
        ("", ("--mode", "cursor", "--cursor", "public.t:nowhere"), 2, "column nowhere does not exist"),
        ("", ("--columns", "public.t:id,nowhere"), 2, "column nowhere does not exist"),
        ("ALTER TABLE t DROP CONSTRAINT t_pkey;", ("--mode", "cursor", "--cursor", "public.t:at"), 4, "needs a key"),
    ],
)
def test_what_cannot_serve_is_refused_in_one_sentence(
    schema: str, args: tuple[str, ...], status: int, said: str, pairs, called: CalledSync
) -> None:
    pair: Pair = pairs(_SCHEMA + schema, _MINE)
    refused = called.sync(pair.source, pair.target, *args).ended(status)
    assert said in refused.error["message"], refused
    assert rows(pair.target, "SELECT count(*) FROM t") == [[0]]


@pytest.mark.parametrize(
    "point",
    [
        "after_cursors_found",
        "after_cursor_read",
        "after_past_staged",
        "before_cursor_stored",
        "after_cursor_stored",
        "before_commit",
        "after_commit",
    ],
)
def test_rows_and_cursor_survive_a_kill_together(point: str, pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE)
    args: tuple[Any, ...] = (
        "sync",
        pair.source,
        pair.target,
        "--yes",
        "--json",
        "--mode",
        "cursor",
        "--cursor",
        "public.t:at",
    )
    dbsync.run(*args).ended(0)
    stood = _stored(pair)
    run_sql(pair.source, "INSERT INTO t SELECT i, 'new' FROM generate_series(101, 150) i")
    killed = dbsync.run(*args, env={"DBSYNC_FAILPOINT": f"{point}=kill"})
    assert killed.exit_code == -signal.SIGKILL, killed
    (count,) = rows(pair.target, "SELECT count(*) FROM t")[0]
    assert (count, _stored(pair) == stood) in ((100, True), (150, False))
    assert count == (150 if point == "after_commit" else 100)
    dbsync.run(*args, "--resume").ended(0)
    assert oracle.differences(pair.source, pair.target) == []
    assert _stored(pair) != stood
