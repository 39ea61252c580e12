"""What no run has to hash again, and every reason to hash it all the same.

A forgery stands for whatever could make unequal rows look unwritten: after a change, the ledger is told the row
versions as they are now, and that no transaction was running. Only the facts that are kept beside them can then tell.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from dbsync.data import signatures
from dbsync.local import EphemeralServer
from tests.acceptance.conftest import CalledSync
from tests.fixtures.command import Command
from tests.fixtures.inprocess import InProcess
from tests.fixtures.pair import Pair, create_database, rows, run_sql

Table = dict[str, Any]
ITEMS = "CREATE TABLE t (id int PRIMARY KEY, v text, w text DEFAULT 'w');"
FILL = "INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 900) g;"
CHANGE = "UPDATE t SET v = 'changed' WHERE id = 77;"


def verified(called: CalledSync | Command, pair: Pair, *args: str, twice: bool = True) -> dict[str, Table]:
    """Fill the target, and let a second run compare it and leave signatures."""
    called.sync(pair.source, pair.target, *args).ended(0)
    return called.sync(pair.source, pair.target, *args).ended(0).tables() if twice else {}


def hashed(tables: dict[str, Table]) -> dict[str, tuple[int, int]]:
    """How many segments of each table were hashed, and how many there are."""
    return {
        name.removeprefix("public."): (table["segments_hashed"], table["segments_total"])
        for name, table in tables.items()
    }


def forge(pair: Pair, name: str = "t") -> None:
    """Tell the ledger that a table of one segment was verified with the versions that it has now."""
    for side, url in (("source", pair.source), ("target", pair.target)):
        ((count, total, oldest),) = rows(
            url,
            "SELECT count(*), sum(hashtidextended(ctid, hash_array_extended(ARRAY[xmin], 0)))::text,"
            f"pg_snapshot_xmin(pg_current_snapshot())::text FROM public.{name}",
        )
        value = (int(str(total)) + 2**63) % 2**64 - 2**63
        run_sql(
            pair.target,
            f"UPDATE dbsync.signature SET {side}_counts = ARRAY[{count}]::int8[], "
            f"{side}_facts = jsonb_set({side}_facts, '{{oldest}}', '{oldest}'), "
            f"{side}_signatures = ARRAY[{value}]::int8[] WHERE table_name = '{name}'",
        )


def test_only_segments_that_were_written_to_are_hashed_again(pairs, called: CalledSync) -> None:
    """By ranges of a key, by its hash, and by whole rows; written to on either side; freezing is no writing."""
    schema = ITEMS + "CREATE TABLE h (id text PRIMARY KEY, v text); CREATE TABLE n (v text);"
    schema += "CREATE TABLE p (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
    mine = "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (5000);"
    theirs = "CREATE TABLE pa PARTITION OF p FOR VALUES FROM (0) TO (99); CREATE TABLE pb PARTITION OF p DEFAULT;"
    fill = """
        INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 5000) g;
        INSERT INTO h SELECT g, g FROM generate_series(1, 4000) g;
        INSERT INTO n SELECT g FROM generate_series(1, 3000) g;
        INSERT INTO p SELECT g, g FROM generate_series(1, 2000) g;
    """
    pair = pairs(schema, mine + fill + "ANALYZE;", theirs)
    first = verified(called, pair, "--delete")
    assert all(done == every for done, every in hashed(first).values())
    sizes = {name: every for name, (_, every) in hashed(first).items()}
    assert (sizes["t"], sizes["h"], sizes["n"]) == (5, 4, 3)

    def run() -> dict[str, tuple[int, int]]:
        return hashed(called.sync(pair.source, pair.target, "--delete").ended(0).tables())

    nothing = {name: (0, every) for name, every in sizes.items()}
    assert run() == nothing
    run_sql(
        pair.source, "UPDATE t SET v = 'x' WHERE id = 2500; INSERT INTO n VALUES ('new'); DELETE FROM p WHERE id = 7;"
    )
    run_sql(pair.target, "INSERT INTO h VALUES ('only', 'here');")
    assert run() == {name: (1, every) for name, every in sizes.items()}
    assert rows(pair.target, "SELECT v FROM t WHERE id = 2500") == [["x"]]
    assert rows(pair.target, "SELECT count(*) FROM h") == [[4000]]
    assert rows(pair.target, "SELECT count(*) FROM p") == [[1999]]
    assert run() == nothing
    run_sql(pair.target, "DELETE FROM t WHERE id IN (1, 4999); UPDATE n SET v = 'other' WHERE v = 'new';")
    again = run()
    assert (again["t"], again["h"]) == ((2, 5), (0, 4))
    assert rows(pair.target, "SELECT count(*) FROM t WHERE id IN (1, 4999)") == [[2]]
    for url in (pair.source, pair.target):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM (FREEZE)")
    assert run() == nothing


FORGET_VERSIONS = "UPDATE dbsync.signature SET source_signatures = '{0}', target_signatures = '{0}';"


def test_rows_that_are_all_older_than_the_last_look_are_not_told_by_their_versions(pairs, called: CalledSync) -> None:
    """So it does not matter that the versions are forgotten, until a row is written or its number may be another's."""
    pair = pairs(ITEMS, FILL)

    def run(*args: str) -> dict[str, tuple[int, int]]:
        return hashed(called.sync(pair.source, pair.target, *args).ended(0).tables())

    verified(called, pair)
    run_sql(pair.target, FORGET_VERSIONS)
    assert run() == {"t": (0, 1)}
    for url in (pair.source, pair.target):
        run_sql(url, "UPDATE t SET v = v WHERE id = 5;")
        assert run() == {"t": (1, 1)}
        run_sql(pair.target, FORGET_VERSIONS)
        assert run() == {"t": (0, 1)}
    for side in ("source", "target"):
        older = f"{side}_facts = jsonb_set({side}_facts, '{{oldest}}', '-1073741824')"
        run_sql(pair.target, f"UPDATE dbsync.signature SET {older};")
        assert run() == {"t": (1, 1)}
        run_sql(pair.target, FORGET_VERSIONS)
    run("--where", "t:id > 0")
    run_sql(pair.target, FORGET_VERSIONS)
    assert run("--where", "t:id > 0") == {"t": (1, 1)}, "time may change which rows a condition holds for"


def test_what_the_last_run_wrote_is_old_for_the_run_after_the_next(pairs, called: CalledSync) -> None:
    pair = pairs(ITEMS, FILL)
    verified(called, pair)
    run_sql(pair.source, CHANGE)
    for written in (1, 0):
        (table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
        assert (table["segments_hashed"], table["rows_updated"]) == (written, written)
    run_sql(pair.target, FORGET_VERSIONS)
    assert hashed(called.sync(pair.source, pair.target).ended(0).tables()) == {"t": (0, 1)}


def test_writes_of_a_transaction_that_was_open_at_the_last_look_are_found(pairs, called: CalledSync) -> None:
    """Its own and those of its savepoint, though the number of rows is as it was."""
    pair = pairs(ITEMS, FILL)
    with psycopg.connect(pair.source) as opened:
        opened.execute("INSERT INTO t VALUES (1000, 'new')")
        opened.execute("SAVEPOINT inner_one")
        opened.execute("UPDATE t SET v = 'late' WHERE id = 5")
        verified(called, pair)
        opened.execute("DELETE FROM t WHERE id = 6")
    (table,) = called.sync(pair.source, pair.target, "--delete").ended(0).tables().values()
    assert [table[f"rows_{done}"] for done in ("inserted", "updated", "deleted")] == [1, 1, 1]
    assert rows(pair.target, "SELECT * FROM t ORDER BY id") == rows(pair.source, "SELECT * FROM t ORDER BY id")


@pytest.mark.parametrize("side", ["source", "target"])
def test_rows_that_are_gone_are_found_beside_segments_that_were_written_to(side: str, pairs, dbsync: Command) -> None:
    """No row that is left is new there; the number of rows tells that some are missing somewhere."""
    pair = pairs(ITEMS, "INSERT INTO t SELECT g FROM generate_series(1, 6000) g; ANALYZE t;")
    verified(dbsync, pair, "--delete")
    gone = "DELETE FROM t WHERE id = 1500; INSERT INTO t VALUES (6001), (6002);"
    gone += "UPDATE t SET v = 'x' WHERE id = 3500; DELETE FROM t WHERE id = 3600; DELETE FROM t WHERE id = 5500;"
    run_sql(getattr(pair, side), gone)
    found = dbsync.sync(pair.source, pair.target, "--delete").ended(0).tables()
    assert hashed(found) == {"t": (4, 7)}
    changes = [found["public.t"][f"rows_{done}"] for done in ("inserted", "updated", "deleted")]
    assert changes == ([2, 1, 3] if side == "source" else [3, 1, 2])
    assert rows(pair.target, "SELECT id, v FROM t ORDER BY id") == rows(pair.source, "SELECT id, v FROM t ORDER BY id")
    assert hashed(dbsync.sync(pair.source, pair.target, "--delete").ended(0).tables()) == {"t": (0, 7)}


def test_a_table_that_grows_gets_more_segments_until_it_is_cut_anew(pairs, called: CalledSync) -> None:
    pair = pairs(ITEMS, "INSERT INTO t SELECT g FROM generate_series(1000, 4999) g; ANALYZE t;")
    assert hashed(verified(called, pair)) == {"t": (4, 4)}
    run_sql(pair.source, "INSERT INTO t SELECT g FROM generate_series(5000, 6999) g;")
    found = called.sync(pair.source, pair.target).ended(0).tables()
    assert (hashed(found), found["public.t"]["rows_inserted"]) == ({"t": (2, 6)}, 2000)
    assert hashed(called.sync(pair.source, pair.target).ended(0).tables()) == {"t": (0, 6)}
    run_sql(pair.source, "INSERT INTO t VALUES (1000000);")  # one row far off
    (found_table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
    assert "outgrown" in found_table["reason"]
    assert found_table["rows_inserted"] == 1
    run_sql(pair.source, "INSERT INTO t VALUES (-5);")  # before the first segment
    (found_table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
    assert (found_table["segments_hashed"], found_table["rows_inserted"]) == (found_table["segments_total"], 1)
    assert rows(pair.target, "SELECT count(*) FROM t") == rows(pair.source, "SELECT count(*) FROM t")


def test_what_a_mode_leaves_different_is_looked_at_again_each_time(pairs, called: CalledSync) -> None:
    pair = pairs(ITEMS, "INSERT INTO t SELECT g FROM generate_series(1, 3000) g; ANALYZE t;")
    verified(called, pair)
    run_sql(pair.target, "INSERT INTO t VALUES (0); UPDATE t SET v = 'theirs' WHERE id = 2999;")
    for _ in range(3):
        (table,) = called.sync(pair.source, pair.target, "--mode", "append").ended(0).tables().values()
        assert (table["rows_left_extra"], table["rows_left_different"]) == (1, 1)
    (table,) = called.sync(pair.source, pair.target, "--delete").ended(0).tables().values()
    assert (table["rows_updated"], table["rows_deleted"]) == (1, 1)


def test_a_forgery_is_believed_unless_a_full_comparison_is_asked_for(pairs, called: CalledSync, capsys) -> None:
    """Else no test below would tell anything. Only sync believes; a run that keeps no ledger does not."""
    pair = pairs(ITEMS, FILL)
    verified(called, pair)
    run_sql(pair.source, CHANGE)
    forge(pair)
    (table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
    assert (table["segments_hashed"], table["rows_updated"]) == (0, 0)
    assert InProcess(capsys)("diff", pair.source, pair.target, "--what", "data").exit_code == 1
    plan = called.sync(pair.source, pair.target, "--no-ledger", "--dry-run").ended(0)
    assert plan.result["totals"]["rows_updated"] == 1
    (table,) = called.sync(pair.source, pair.target, "--full-compare").ended(0).tables().values()
    assert (table["segments_hashed"], table["rows_updated"]) == (1, 1)
    assert "--full-compare" in table["reason"]
    assert hashed(called.sync(pair.source, pair.target).ended(0).tables()) == {"t": (0, 1)}


# What moves (on the source, on the target, in the ledger), and what the report says of it.
FACTS = [
    ("VACUUM FULL {0}", "", "", "source's table was written anew"),
    ("", "CLUSTER {0} USING {0}_pkey", "", "target's table was written anew"),
    *(
        ("", "", (side, name, value), f"{side}{said}")
        for side in ("source", "target")
        for name, value, said in (
            ("system", '"1"', " is another cluster"),
            ("timeline", '"00000009"', " is on another timeline"),
            ("database", "1", " is another database"),
            ("version", '"130001"', "'s server version changed"),
            ("columns", '""', "'s columns changed"),
            ("types", '""', "'s columns changed"),
            ("xid", "-1073741824", " have passed"),
            ("xid", "99999999", " have passed"),
        )
    ),
    ("", "", ("source", "started", '"2020-01-01"'), "source's server was started again"),
    ("", "", ("source", "recovered", '"2020-01-01"'), "source's server recovered from a crash"),
    ("", "", ("source", "comparison", '""'), "it was compared otherwise"),
]  # fmt: skip


def test_each_fact_that_moved_is_a_reason_to_hash(pairs, called: CalledSync) -> None:
    """One table for each; their changes would all go unseen."""
    names = [f"t{number}" for number in range(len(FACTS) + 1)]
    fill = ";".join(f"INSERT INTO {name} SELECT generate_series(1, 50)" for name in names)
    pair = pairs(";".join(f"CREATE TABLE {name} (id int PRIMARY KEY, v text)" for name in names), fill)
    verified(called, pair)
    for name, (mine, theirs, ledger, _) in zip(names, [*FACTS, ("", "", "", "")], strict=True):
        for url, statement in ((pair.source, mine), (pair.target, theirs)):
            if statement:
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute(statement.format(name).encode())
        run_sql(pair.source, f"UPDATE {name} SET v = 'changed' WHERE id = 7")
        forge(pair, name)
        if ledger:
            side, fact, value = ledger
            run_sql(
                pair.target,
                f"UPDATE dbsync.signature SET {side}_facts = jsonb_set({side}_facts, '{{{fact}}}', '{value}') "
                f"WHERE table_name = '{name}'",
            )
    tables = called.sync(pair.source, pair.target).ended(0).tables()
    for name, (*_, reason) in zip(names, FACTS, strict=False):
        table = tables[f"public.{name}"]
        assert reason in table["reason"]
        assert (table["segments_hashed"], table["rows_updated"]) == (1, 1), reason
    believed = tables[f"public.{names[-1]}"]
    assert (believed["segments_hashed"], believed["rows_updated"]) == (0, 0)


# Schema, what happens to either side without any row being written, and the fact that tells.
UNWRITTEN = [
    ("CREATE TYPE m AS ENUM ('a', 'b', 'c'); CREATE TABLE t (id int PRIMARY KEY, v m DEFAULT 'b');",
     "ALTER TYPE m RENAME VALUE 'c' TO 'd'; ALTER TYPE m RENAME VALUE 'b' TO 'c';",
     "ALTER TYPE m ADD VALUE 'd'", "a type of the source's columns changed"),
    ("CREATE TYPE e AS ENUM ('a', 'b', 'c'); CREATE DOMAIN m AS e; CREATE TYPE k AS (x m);"
     "CREATE TABLE t (id int PRIMARY KEY, v k[] DEFAULT ARRAY[ROW('b')::k]);",
     "ALTER TYPE e RENAME VALUE 'c' TO 'd'; ALTER TYPE e RENAME VALUE 'b' TO 'c';",
     "ALTER TYPE e RENAME VALUE 'c' TO 'd'; ALTER TYPE e RENAME VALUE 'b' TO 'c'; ALTER TYPE e RENAME VALUE 'a' TO 'z';"
     "ALTER TYPE e RENAME VALUE 'z' TO 'a';", "a type of the source's columns changed"),
    ("CREATE TYPE m AS (x int); CREATE TABLE t (id int PRIMARY KEY, v m DEFAULT ROW(1)::m);",
     "ALTER TYPE m ADD ATTRIBUTE y int", "ALTER TYPE m ADD ATTRIBUTE y int", "a type of the source's columns changed"),
    ("CREATE TABLE t (id int PRIMARY KEY);", "ALTER TABLE t ADD v int DEFAULT 1", "ALTER TABLE t ADD v int DEFAULT 2",
     "the source's columns changed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "mine", "theirs", "reason"), UNWRITTEN, ids=("enum", "nested", "composite", "default")
)
def test_content_that_changes_without_a_row_being_written_is_found(
    schema: str, mine: str, theirs: str, reason: str, pairs, called: CalledSync
) -> None:
    pair = pairs(schema, "INSERT INTO t SELECT generate_series(1, 100);")
    verified(called, pair)
    assert hashed(called.sync(pair.source, pair.target).ended(0).tables()) == {"t": (0, 1)}
    run_sql(pair.source, mine)
    run_sql(pair.target, theirs)
    (table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
    assert reason in table["reason"]
    query = "SELECT id, v::text FROM t ORDER BY id"
    assert rows(pair.target, query) == rows(pair.source, query)


def test_rows_that_an_older_spelling_took_for_equal_are_hashed_again(
    pairs, called: CalledSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = pairs(ITEMS, FILL)
    monkeypatch.setattr(signatures, "_SPELLING", 1)
    verified(called, pair)
    run_sql(pair.source, CHANGE)
    forge(pair)
    monkeypatch.undo()
    (table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
    assert ("it was compared otherwise" in table["reason"], table["rows_updated"]) == (True, 1)


def test_another_selection_of_columns_or_rows_is_another_comparison(pairs, called: CalledSync) -> None:
    pair = pairs(ITEMS, FILL)
    called.sync(pair.source, pair.target).ended(0)
    run_sql(pair.target, "UPDATE t SET w = 'theirs' WHERE id = 5;")
    (table,) = called.sync(pair.source, pair.target, "--columns", "t:id,v").ended(0).tables().values()
    assert table["rows_updated"] == 0
    (table,) = called.sync(pair.source, pair.target, "--where", "t:id > 0").ended(0).tables().values()
    assert ("it was compared otherwise" in table["reason"], table["rows_updated"]) == (True, 1)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("CREATE UNLOGGED TABLE t (id int PRIMARY KEY, v text);", "not logged"),
        ("CREATE TABLE t (id int PRIMARY KEY, v regclass DEFAULT 'pg_class');", "names of other things"),
        ("CREATE DOMAIN d AS regtype[]; CREATE TABLE t (id int PRIMARY KEY, v d);", "names of other things"),
        (
            "CREATE TABLE t (id int PRIMARY KEY, v int GENERATED ALWAYS AS (id + 1) VIRTUAL);",
            "computed when it is read",
        ),
    ],
    ids=("unlogged", "regclass", "nested", "virtual"),
)
def test_some_tables_are_always_hashed(schema: str, reason: str, pairs, called: CalledSync, servers) -> None:
    if "VIRTUAL" in schema and servers.major < 18:
        pytest.skip("NOT TESTED: virtual columns came with Postgres 18")
    pair = pairs(schema, "INSERT INTO t (id) SELECT generate_series(1, 100);")
    verified(called, pair)
    (table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
    assert (table["segments_hashed"], table["segments_total"]) == (1, 1)
    assert reason in table["reason"]
    assert rows(pair.target, "SELECT count(*) FROM dbsync.signature") == [[0]]


def test_a_server_on_which_no_transaction_wrote_since_is_not_read(dbsync: Command, pg_b: EphemeralServer) -> None:
    """Whatever wrote, and be it elsewhere on the server or before the last look but ended after it, it is read."""
    scans = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 't'"

    def scanned(times: int) -> None:
        _wait_for(lambda: rows(pair.source, scans) >= [[times]])  # old servers count late
        assert rows(pair.source, scans) == [[times]]

    with EphemeralServer(pg_b.major, {"autovacuum": "off"}) as server:
        pair = Pair(server.url(), create_database(pg_b))
        for url in (pair.source, pair.target):
            run_sql(url, ITEMS + FILL)
        dbsync.sync(pair.source, pair.target).ended(0)
        ((so_far,),) = rows(pair.source, scans)
        assert isinstance(so_far, int)
        for transaction, more in (("1", 0), ("pg_current_xact_id()", 1), ("1", 1), ("pg_current_xact_id()", 2)):
            run_sql(pair.source, f"SELECT {transaction};")
            assert hashed(dbsync.sync(pair.source, pair.target).ended(0).tables()) == {"t": (0, 1)}
            scanned(so_far + more)
        with psycopg.connect(pair.source) as opened:
            opened.execute(CHANGE)
            (table,) = dbsync.sync(pair.source, pair.target).ended(0).tables().values()
            assert table["rows_updated"] == 0
        (table,) = dbsync.sync(pair.source, pair.target).ended(0).tables().values()
        assert (table["rows_updated"], rows(pair.target, "SELECT v FROM t WHERE id = 77")) == (1, [["changed"]])


@pytest.mark.parametrize(
    ("beside", "args", "quiet"),
    [
        ("", [], [[True]]),
        ("CREATE TRIGGER noted AFTER INSERT ON empty EXECUTE FUNCTION note();", [], []),  # switched off: ALTER TABLE
        ("CREATE TRIGGER noted AFTER INSERT ON empty EXECUTE FUNCTION note();", ["--triggers", "keep"], []),
    ],
    ids=["nothing hangs on it", "a trigger", "a trigger that fires"],
)
def test_a_table_that_is_empty_on_both_sides_does_not_hide_that_nobody_wrote(
    beside: str, args: list[str], quiet: list[list[object]], dbsync: Command, pg_b: EphemeralServer
) -> None:
    """Loading nothing writes no row, unless it lets others' code run."""
    noted = "SELECT until = pg_snapshot_xmax(pg_current_snapshot())::text::int8 - 1 FROM dbsync.quiet"
    empty = "CREATE TABLE empty (id int PRIMARY KEY REFERENCES t);"
    note = "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    with EphemeralServer(pg_b.major, {"autovacuum": "off"}) as server:
        pair = Pair(create_database(pg_b), server.url())
        run_sql(pair.source, ITEMS + FILL + empty)
        run_sql(pair.target, ITEMS + FILL + empty + note + beside)
        for _ in range(2):
            dbsync.sync(pair.source, pair.target, *args).ended(0)
        assert rows(pair.target, noted) == quiet


def test_a_target_in_which_only_runs_kept_their_books_since_is_not_read(dbsync: Command, pg_b: EphemeralServer) -> None:
    """Their own transactions are told from everybody else's; whatever else had a number, it is read."""
    scans = "SELECT seq_tup_read / 900 FROM pg_stat_user_tables WHERE relname = 't'"  # of all rows; plans look for one

    def scanned(times: int) -> None:
        _wait_for(lambda: rows(pair.target, scans) >= [[times]])  # old servers count late
        assert rows(pair.target, scans) == [[times]]

    def again() -> Table:
        (table,) = dbsync.sync(pair.source, pair.target).ended(0).tables().values()
        return dict(table)

    with EphemeralServer(pg_b.major, {"autovacuum": "off"}) as server:
        pair = Pair(create_database(pg_b), server.url())
        for url in (pair.source, pair.target):
            run_sql(url, ITEMS + FILL)
        again()
        again()  # it reads what made the ledger, and has nothing but its own books after it
        ((so_far,),) = rows(pair.target, scans)
        assert isinstance(so_far, int)
        for transaction, more in (("1", 0), ("1", 0), ("pg_current_xact_id()", 1), ("1", 1), ("1", 1)):
            run_sql(pair.target, f"SELECT {transaction};")
            table = again()
            assert (table["segments_hashed"], table["segments_total"]) == (0, 1)
            scanned(so_far + more)
        # A row that was changed and changed back between two runs has had a number; so has one that is undone.
        with psycopg.connect(pair.target) as opened:
            opened.execute(CHANGE)
            opened.rollback()
        assert again()["rows_updated"] == 0
        scanned(so_far + 2)
        with psycopg.connect(pair.target) as opened:
            opened.execute("SELECT pg_current_xact_id()")
            assert again()["rows_updated"] == 0
            scanned(so_far + 2)  # the look cannot see what it writes
            for more in (3, 4):  # but from then on it may have written
                assert again()["rows_updated"] == 0
                scanned(so_far + more)
            opened.execute(CHANGE)
        assert again()["rows_updated"] == 1
        assert rows(pair.target, "SELECT count(*) FROM t WHERE v = 'changed'") == [[0]]
        run_sql(pair.target, CHANGE)
        assert again()["rows_updated"] == 1
        assert again()["rows_updated"] == 0  # what a run wrote is looked at by the next
        ((so_far,),) = rows(pair.target, scans)
        assert again()["rows_updated"] == 0
        scanned(int(str(so_far)))


_HUNG_ON_THE_BOOKS = {
    "a trigger": """
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN UPDATE public.t SET v = 'other' WHERE id = 77; RETURN NULL; END$$;
        CREATE TRIGGER f AFTER INSERT ON dbsync.run FOR EACH ROW EXECUTE FUNCTION f();""",
    "a rule": """
        CREATE RULE f AS ON INSERT TO dbsync.run DO ALSO UPDATE public.t SET v = 'other' WHERE id = 77;""",
    "a reference": """
        ALTER TABLE t ADD COLUMN run text REFERENCES dbsync.run ON DELETE CASCADE;
        UPDATE t SET run = (SELECT min(run_id) FROM dbsync.run) WHERE id = 77;
        UPDATE dbsync.fence SET value = value + 200;""",  # so that the next run forgets this one
    "a child": """
        CREATE TABLE c (
            id int PRIMARY KEY, run_id text DEFAULT '', fence int8 DEFAULT 0, state text DEFAULT 'dead',
            source_oid int8 DEFAULT 0, source_database text DEFAULT '', options jsonb DEFAULT '{}', client_pid int
            DEFAULT 0, client_host text DEFAULT '', client_user text DEFAULT '', application text DEFAULT '',
            tool_version text DEFAULT '') INHERITS (dbsync.run);
        INSERT INTO c (id, fence) VALUES (77, 0), (78, 1000);
        UPDATE dbsync.fence SET value = value + 200;""",
}


@pytest.mark.parametrize("hung", _HUNG_ON_THE_BOOKS)
def test_what_hangs_on_the_tables_of_the_books_writes_unseen_by_no_run(
    hung: str, dbsync: Command, pg_b: EphemeralServer
) -> None:
    """In the very transactions that keep the books, which would otherwise be known to write nothing else."""
    with EphemeralServer(pg_b.major, {"autovacuum": "off"}) as server:
        pair = Pair(create_database(pg_b), server.url())
        for url in (pair.source, pair.target):
            run_sql(url, ITEMS + FILL)
        run_sql(pair.source, "CREATE TABLE c (id int PRIMARY KEY); INSERT INTO c VALUES (77), (78);")
        for _ in range(2):
            dbsync.sync(pair.source, pair.target, "--exclude", "public.c").ended(0)
        run_sql(pair.target, _HUNG_ON_THE_BOOKS[hung])
        patterns = ("--tables", "public.c" if hung == "a child" else "public.t")
        (table,) = dbsync.sync(pair.source, pair.target, *patterns).ended(0).tables().values()
        assert (table["rows_updated"], table["rows_inserted"]) == (0, 0)  # it is written to after the look
        (table,) = dbsync.sync(pair.source, pair.target, *patterns).ended(0).tables().values()
        assert table["rows_updated"] + table["rows_inserted"] == 1


def test_what_a_dump_brought_along_says_nothing_of_the_numbers_of_this_server(
    dbsync: Command, pg_b: EphemeralServer
) -> None:
    """A restored ledger speaks of another server's transactions, also when this one comes to the same numbers."""
    following = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int"
    with EphemeralServer(pg_b.major, {"autovacuum": "off"}) as server:
        pair = Pair(create_database(pg_b), server.url())
        for url in (pair.source, pair.target):
            run_sql(url, ITEMS + FILL)
        for _ in range(2):
            dbsync.sync(pair.source, pair.target).ended(0)
        ((until,),) = rows(pair.target, f"SELECT ({following}) + 20")
        assert isinstance(until, int)
        run_sql(pair.target, f"UPDATE dbsync.quiet SET since = 3, until = {until};" + CHANGE)
        with psycopg.connect(pair.target, autocommit=True) as connection:
            while connection.execute(following.encode()).fetchone() != (until + 1,):
                connection.execute("SELECT pg_current_xact_id()")
        (table,) = dbsync.sync(pair.source, pair.target).ended(0).tables().values()
        assert table["rows_updated"] == 1


def test_a_commit_that_a_crash_undid_is_not_taken_for_the_one_with_its_number(
    called: CalledSync, pg_b: EphemeralServer
) -> None:
    """It was seen, verified and signed, but never flushed; after the crash another row has its place and xmin."""
    version = "SELECT ctid::text, xmin::text FROM t WHERE id = 2"
    settings = {"autovacuum": "off", "synchronous_commit": "off", "checkpoint_timeout": "1d", "fsync": "on"}
    with EphemeralServer(pg_b.major, settings) as server:
        pair = Pair(server.url(), create_database(pg_b))
        for url in (pair.source, pair.target):
            run_sql(url, "CREATE TABLE t (id int PRIMARY KEY, v text);")
        run_sql(pair.source, "INSERT INTO t VALUES (1, 'kept');")
        called.sync(pair.source, pair.target).ended(0)
        ((walwriter,),) = rows(pair.source, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
        assert isinstance(walwriter, int)
        run_sql(pair.source, "CHECKPOINT")
        os.kill(walwriter, signal.SIGSTOP)
        run_sql(pair.source, "INSERT INTO t VALUES (2, 'lost');")
        (table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
        assert table["rows_inserted"] == 1
        lost = rows(pair.source, version)
        os.kill(walwriter, signal.SIGKILL)
        _wait_for(lambda: rows(pair.source, "SELECT id FROM t") == [[1]])
        run_sql(pair.source, "SET synchronous_commit = on; INSERT INTO t VALUES (2, 'true');")
        assert rows(pair.source, version) == lost  # else this test shows nothing
        (table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
        assert ("recovered from a crash" in table["reason"], table["rows_updated"]) == (True, 1)
        assert rows(pair.target, "SELECT v FROM t WHERE id = 2") == [["true"]]


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if condition():
                return
        except psycopg.OperationalError:
            pass  # the server is not back yet
        assert time.monotonic() < deadline
        time.sleep(0.1)
