"""Somebody writes to the target between the comparison and the lock: it is found, and nothing is committed."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psycopg
import pytest

from dbsync.local import EphemeralServer
from tests.fixtures import oracle
from tests.fixtures.command import Command, Result
from tests.fixtures.pair import Pair, create_database, run_sql
from tests.fixtures.pair import rows as rows_of

_WRITES = {
    "a row that the run changes": "DELETE FROM t WHERE id = 3",
    "a row that the run leaves alone": "UPDATE t SET v = 'theirs' WHERE id = 4500",
    "a row beyond all keys": "INSERT INTO t VALUES (100000, 'theirs')",
    "a row below all keys": "INSERT INTO t VALUES (-5, 'theirs')",
    "a row taken away": "DELETE FROM t WHERE id = 4500",
    "one taken away and one just below all keys": "DELETE FROM t WHERE id = 4500; INSERT INTO t VALUES (-5, 'theirs')",
    "one taken away and one beyond all keys": "DELETE FROM t WHERE id = 4500; INSERT INTO t VALUES (5001, 'theirs')",
}


_SCHEMA = "CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE others (v int);"
_ROWS = "INSERT INTO t SELECT i, 'same' FROM generate_series(1, 5000) i; ANALYZE t;"


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES.keys())
def test_what_is_written_meanwhile_is_found(write: str, pairs, dbsync: Command, tmp_path: Path) -> None:
    pair: Pair = pairs(_SCHEMA, _ROWS, _ROWS + "UPDATE t SET v = 'old' WHERE id = 3;")
    result = paused(dbsync, pair, "after_survey", write, tmp_path).ended(1)
    assert result.result["totals"]["rows_updated"] == 0, result
    assert rows_of(pair.target, "SELECT v FROM t WHERE id = 3") in ([["old"]], [])
    assert oracle.leftovers(pair.target) == []


_UNSEEN_BY_COUNT = "DELETE FROM t WHERE id = 4500; DELETE FROM t WHERE id = 4; INSERT INTO t VALUES (4, 'same');"
_UNTOUCHED = "UPDATE t SET v = 'theirs' WHERE id = 4500"
_TAKEN = "DELETE FROM t WHERE id = 4500"


@pytest.mark.parametrize("opened", [False, True], ids=["quiet", "a transaction is open"])
@pytest.mark.parametrize(
    ("args", "write", "status"),
    [
        (["--no-ledger"], "SELECT 1", 0),
        ([], "SELECT 1", 0),
        (["--no-ledger"], _UNTOUCHED, 1),
        (["--no-ledger"], _TAKEN, 1),
        ([], _UNSEEN_BY_COUNT, 1),
        (["--where", "t:id > 0"], _UNTOUCHED, 1),
        (["--where", "t:id > 0"], "SELECT 1", 0),
    ],
)
def test_rows_that_are_left_alone_are_told_from_those_that_others_wrote(
    args: list[str], write: str, status: int, opened: bool, pairs, dbsync: Command, tmp_path: Path
) -> None:
    """The numbers of transactions tell it, unless one is open that began before the rows were written."""
    pair: Pair = pairs(_SCHEMA, _ROWS)
    with psycopg.connect(pair.target) as other:
        if opened:
            other.execute("INSERT INTO others VALUES (1)")
        run_sql(pair.target, _ROWS, "UPDATE t SET v = 'old' WHERE id = 3;")
        result = paused(dbsync, pair, "after_survey", write, tmp_path, "--tables", "t", *args).ended(status)
    assert result.result["totals"]["rows_updated"] == 1 - status, result
    assert rows_of(pair.target, "SELECT v FROM t WHERE id = 3") == ([["old"]] if status else [["same"]])


@pytest.mark.parametrize(
    ("kind", "value"), [("mood", "sad"), ("lasting", "sad"), ("feeling[]", "{(sad)}"), ("span", "[sad,sad]")]
)
def test_a_value_that_gets_another_name_meanwhile_is_found(
    kind: str, value: str, pairs, dbsync: Command, tmp_path: Path
) -> None:
    """No row is written then, and none that is repaired has it."""
    types = "CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN lasting AS mood; CREATE TYPE feeling AS (m mood);"
    types += "CREATE TYPE span AS RANGE (subtype = mood);"
    schema = f"{types} {_SCHEMA} ALTER TABLE t ADD e {kind};"
    rows = f"{_ROWS} UPDATE t SET e = '{value}' WHERE id = 4500;"
    pair: Pair = pairs(schema, rows, rows + "UPDATE t SET v = 'old' WHERE id = 3;")
    renamed = "ALTER TYPE mood RENAME VALUE 'sad' TO 'glad'"
    assert paused(dbsync, pair, "after_survey", renamed, tmp_path, "--tables", "t").ended(4).error["code"] == "DRIFT"
    assert rows_of(pair.target, "SELECT v FROM t WHERE id = 3") == [["old"]]


def test_what_is_written_meanwhile_is_never_ignored(pairs, dbsync: Command, tmp_path: Path) -> None:
    pair: Pair = pairs("CREATE TABLE t (id int PRIMARY KEY, v int);", "INSERT INTO t VALUES (1, 1), (2, 1);")
    run_sql(pair.target, "INSERT INTO t VALUES (1, 2), (2, 1)")
    paused(dbsync, pair, "after_survey", "UPDATE t SET v = 3 WHERE id = 2", tmp_path, "--on-drift", "ignore").ended(1)
    assert rows_of(pair.target, "SELECT v FROM t ORDER BY id") == [[2], [3]]


def test_what_is_written_while_a_run_keeps_its_books_is_found_by_the_next(
    dbsync: Command, pg_b: EphemeralServer, tmp_path: Path
) -> None:
    """Where nothing but books was written since the last look, the target is not read; here something else was."""
    quiet = "SELECT until = pg_snapshot_xmax(pg_current_snapshot())::text::int8 - 1 FROM dbsync.quiet"
    with EphemeralServer(pg_b.major, {"autovacuum": "off"}) as server:
        pair = Pair(create_database(pg_b), server.url())
        for url in (pair.source, pair.target):
            run_sql(url, _SCHEMA + _ROWS)
        for point in ("after_survey", "after_begin", "after_fence", "before_commit", "before_books_closed"):
            for _ in range(2):
                dbsync.sync(pair.source, pair.target).ended(0)
            assert rows_of(pair.target, quiet) == [[True]], point  # else the next run reads the target anyway
            passed = tmp_path / point
            passed.mkdir()
            paused(dbsync, pair, point, "UPDATE t SET v = 'other' WHERE id = 7", passed).ended(0)
            (updated, _) = (table["rows_updated"] for table in dbsync.sync(pair.source, pair.target).tables().values())
            assert (point, updated) == (point, 1)


_SWAPS = {
    "renamed": (
        "CREATE TABLE t (id int PRIMARY KEY, v text);",
        "ALTER TABLE t RENAME TO kept; ALTER TABLE other RENAME TO t",
        "ALTER TABLE t RENAME TO other; ALTER TABLE kept RENAME TO t",
    ),
    "another partition": (
        "CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE TABLE one PARTITION OF t FOR VALUES FROM (0) TO (10000);",
        "ALTER TABLE t DETACH PARTITION one; ALTER TABLE t ATTACH PARTITION other FOR VALUES FROM (0) TO (10000)",
        "ALTER TABLE t DETACH PARTITION other; ALTER TABLE t ATTACH PARTITION one FOR VALUES FROM (0) TO (10000)",
    ),
}


@pytest.mark.parametrize(("table", "there", "back"), _SWAPS.values(), ids=_SWAPS.keys())
@pytest.mark.parametrize("args", [[], ["--no-ledger"]], ids=["ledger", "no-ledger"])
def test_a_table_in_whose_place_another_was_compared_is_found(
    args: list[str], table: str, there: str, back: str, pairs, dbsync: Command, tmp_path: Path
) -> None:
    """It is there again when the run locks it, as old as it was, and with as many rows as the other one."""
    pair: Pair = pairs(_SCHEMA, _ROWS)
    run_sql(pair.target, "DROP TABLE t", table, _ROWS, "UPDATE t SET v = 'wrong' WHERE id = 4500")
    run_sql(
        pair.target,
        "CREATE TABLE other AS TABLE t; UPDATE other SET v = 'same'; ALTER TABLE other ADD PRIMARY KEY (id)",
    )
    passed = tmp_path / "passed"
    first, then = "after_snapshot", "after_segments_compared"
    env = {"DBSYNC_FAILPOINT": f"{first}=sleep:2;{then}=sleep:2", "DBSYNC_FAILPOINTS_REACHED": str(passed)}
    running = dbsync.start("sync", pair.source, pair.target, "--tables", "t", "--yes", "--json", *args, env=env)
    for point, swap in ((first, there), (then, back)):
        while not running.over and not (passed.exists() and f"{point}\n" in passed.read_text()):
            time.sleep(0.02)
        run_sql(pair.target, swap)  # the second one waits for the locks of those who compare
    assert running.wait(30).ended(4).error["code"] == "DRIFT"
    dbsync.sync(pair.source, pair.target, "--tables", "t", *args).ended(0)
    assert rows_of(pair.target, "SELECT v FROM t WHERE id = 4500") == [["same"]]


_TWO = "CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, v text);"
_FILLED = "INSERT INTO s.t SELECT i, 'same' FROM generate_series(1, 5000) i; ANALYZE s.t;"
_GREEN = "CREATE SCHEMA g; CREATE TABLE g.t AS TABLE s.t; ALTER TABLE g.t ADD PRIMARY KEY (id);"
_THERE = "ALTER SCHEMA s RENAME TO b; ALTER SCHEMA g RENAME TO s"
_BACK = "ALTER SCHEMA s RENAME TO g; ALTER SCHEMA b RENAME TO s"


@pytest.mark.parametrize(
    ("side", "swaps"),
    [
        ("source", {"after_lock": _THERE}),
        ("target", {"after_lock": _THERE}),
        ("target", {"after_lock": _THERE, "before_sequences": _BACK}),
        ("target", {"after_held_still": _THERE, "after_segments_compared": _BACK}),
    ],
    ids=["in the source", "while rows are written", "and back before the commit", "and back while rows are compared"],
)
def test_a_schema_that_takes_the_name_of_another_meanwhile_is_found(
    side: str, swaps: dict[str, str], pairs, dbsync: Command, tmp_path: Path
) -> None:
    """No lock of a table holds a schema's name: rows would be compared with, or written to, another table."""
    pair: Pair = pairs(_TWO, _FILLED, _FILLED + "UPDATE s.t SET v = 'old' WHERE id = 3;" + _GREEN)
    if side == "source":
        run_sql(pair.source, _GREEN)
    passed = tmp_path / "passed"
    points = ";".join(f"{point}=sleep:2" for point in swaps)
    env = {"DBSYNC_FAILPOINT": points, "DBSYNC_FAILPOINTS_REACHED": str(passed)}
    running = dbsync.start("sync", pair.source, pair.target, "--tables", "s.t", "--yes", "--json", env=env)
    for point, swap in swaps.items():
        while not running.over and not (passed.exists() and f"{point}\n" in passed.read_text()):
            time.sleep(0.02)
        run_sql(getattr(pair, side), swap)
    assert running.wait(30).ended(4).error["code"] == "DRIFT"
    if len(swaps) == 2:
        assert rows_of(pair.target, "SELECT v FROM s.t WHERE id = 3") == [["old"]]
        dbsync.sync(pair.source, pair.target, "--tables", "s.t").ended(0)
        assert rows_of(pair.target, "SELECT v FROM s.t WHERE id = 3") == [["same"]]


@pytest.mark.parametrize(
    ("point", "status"), [("after_snapshot", 0), ("before_memory", 6), ("after_segments_compared", 0)]
)
def test_a_table_that_is_emptied_while_it_is_compared_is_not_taken_for_empty(
    point: str, status: int, pairs, dbsync: Command, tmp_path: Path
) -> None:
    """To older snapshots a table that was written anew is empty: its rows would not be seen."""
    pair: Pair = pairs(_SCHEMA, "SELECT", _ROWS)
    anew = "BEGIN; CREATE TEMP TABLE kept AS TABLE t; TRUNCATE t; INSERT INTO t SELECT * FROM kept; COMMIT"
    result = paused(dbsync, pair, point, anew, tmp_path, "--tables", "t").ended(status)
    if status == 0:
        assert result.tables()["public.t"]["rows_left_extra"] == 5000
    else:  # the one who writes it anew waits for us, and our reader behind him: one has to go
        assert result.error["sqlstate"] == "55P03", result


@pytest.mark.timeout(120)
def test_somebody_who_waits_to_alter_a_table_does_not_hold_a_run_for_ever(
    pairs, dbsync: Command, tmp_path: Path
) -> None:
    """He waits for those who compare, and the next of them waits behind him: no server sees a deadlock in that."""
    more = "CREATE TABLE ref (id int REFERENCES t);"
    pair: Pair = pairs(
        _SCHEMA + "CREATE TABLE t2 (id int PRIMARY KEY);" + more, "INSERT INTO t VALUES (1, 'same');", _ROWS
    )
    args = ("--tables", "t", "--tables", "t2", "--delete", "--max-delete", "100%")
    running = threading.Thread(target=run_sql, args=(pair.target, "ALTER TABLE t ADD w int"))

    passed = tmp_path / "passed"
    env = {"DBSYNC_FAILPOINT": "after_segments_compared=sleep:2", "DBSYNC_FAILPOINTS_REACHED": str(passed)}
    run = dbsync.start("sync", pair.source, pair.target, "--yes", "--json", *args, env=env)
    while not run.over and not (passed.exists() and "after_segments_compared\n" in passed.read_text()):
        time.sleep(0.02)
    running.start()
    ended = run.wait(90)
    running.join(10)
    assert not running.is_alive()
    assert ended.exit_code in (0, 4, 6), ended


def paused(dbsync: Command, pair: Pair, point: str, write: str, tmp_path: Path, *args: str) -> Result:
    """Write to the target while a run rests at a failpoint."""
    passed = tmp_path / "passed"
    env = {"DBSYNC_FAILPOINT": f"{point}=sleep:2", "DBSYNC_FAILPOINTS_REACHED": str(passed)}
    running = dbsync.start("sync", pair.source, pair.target, "--yes", "--json", *args, env=env)
    while not running.over and not (passed.exists() and f"{point}\n" in passed.read_text()):
        time.sleep(0.02)
    run_sql(pair.target, write)
    return running.wait(30)


@pytest.mark.parametrize("verify", ["checksum", "count", "none"])
def test_rows_are_not_deleted_where_others_are_now(verify: str, pairs, dbsync: Command, tmp_path: Path) -> None:
    """A table that is written anew has other rows at the places that were found; their number tells nothing."""
    pair: Pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY);",
        "INSERT INTO t SELECT generate_series(11, 100);",
        "INSERT INTO t SELECT generate_series(1, 100); DELETE FROM t WHERE id < 6;",
    )
    result = paused(dbsync, pair, "after_survey", "VACUUM FULL t", tmp_path, "--delete", "--verify", verify).ended(4)
    assert result.error["code"] == "DRIFT", result
    assert rows_of(pair.target, "SELECT count(*), min(id) FROM t") == [[95, 6]]
    dbsync.sync(pair.source, pair.target, "--delete", "--verify", verify).ended(0)
    assert oracle.differences(pair.source, pair.target) == []


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_rows_outside_that_refer_meanwhile_are_not_taken_along(
    action: str, pairs, dbsync: Command, tmp_path: Path
) -> None:
    pair: Pair = pairs(
        "CREATE TABLE p (id int PRIMARY KEY);"
        f"CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE {action});",
        "INSERT INTO p VALUES (1);",
        "INSERT INTO p VALUES (1), (7);",
    )
    args = ("--delete", "--tables", "p")
    result = paused(dbsync, pair, "after_survey", "INSERT INTO c VALUES (2, 7)", tmp_path, *args).ended(4)
    assert "1 rows of public.c have come to refer" in result.error["message"], result
    assert rows_of(pair.target, "SELECT c.id, p.id FROM c JOIN p ON p.id = c.p") == [[2, 7]]
    assert oracle.leftovers(pair.target) == []


_KEYS = "CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE, v int);"
_REFERRED_MEANWHILE = {
    "a table that was not selected": (
        _KEYS + "CREATE TABLE c (id int PRIMARY KEY, p text DEFAULT 'd' REFERENCES p (code) ON UPDATE {action});",
        ("--tables", "p"),
        "INSERT INTO c VALUES (2, 'old')",
    ),
    "rows that --where leaves alone": (
        _KEYS + "CREATE TABLE c (id int PRIMARY KEY, p text DEFAULT 'd' REFERENCES p (code) ON UPDATE {action},"
        "region text DEFAULT 'us');",
        ("--where", "c:region = 'eu'"),
        "INSERT INTO c VALUES (2, 'old')",
    ),
    "a key that refers to partitions": (
        "CREATE TABLE p (id int PRIMARY KEY, code text, v int, UNIQUE (id, code)) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (5); CREATE TABLE p2 PARTITION OF p DEFAULT;"
        "CREATE TABLE c (id int PRIMARY KEY, p text DEFAULT 'd', p_id int DEFAULT 1,"
        "FOREIGN KEY (p_id, p) REFERENCES p (id, code) ON UPDATE {action});",
        ("--tables", "p"),
        "INSERT INTO c VALUES (2, 'old')",
    ),
}


@pytest.mark.parametrize(
    ("who", "action"),
    [
        *((who, "CASCADE") for who in _REFERRED_MEANWHILE),
        ("a table that was not selected", "SET NULL"),
        ("a table that was not selected", "SET DEFAULT"),
    ],
)
def test_rows_outside_that_refer_meanwhile_to_a_value_that_changes_are_not_taken_along(
    who: str, action: str, pairs, dbsync: Command, tmp_path: Path
) -> None:
    schema, args, write = _REFERRED_MEANWHILE[who]
    pair: Pair = pairs(
        schema.format(action=action),
        "INSERT INTO p VALUES (1, 'a', 1), (2, 'b', 1), (9, 'd', 2);",
        "INSERT INTO p VALUES (1, 'old', 1), (2, 'b', 1), (9, 'd', 1);",
    )
    for url in (pair.source, pair.target):
        run_sql(url, "INSERT INTO c VALUES (1, NULL)", "UPDATE c SET region = 'eu'" if "region" in schema else "")
    result = paused(dbsync, pair, "after_survey", write, tmp_path, *args).ended(4)
    assert result.error["code"] == "DRIFT", result
    assert "1 rows of public.c have come to refer" in result.error["message"], result
    assert f"(ON UPDATE {action}) to rows of public.p that would change" in result.error["message"], result
    assert rows_of(pair.target, "SELECT c.id, c.p, p.id FROM c JOIN p ON p.code = c.p WHERE c.id = 2") == [
        [2, "old", 1]
    ]
    assert oracle.leftovers(pair.target) == []


def test_rows_outside_that_refer_meanwhile_are_not_reached_through_another_table(
    pairs, dbsync: Command, tmp_path: Path
) -> None:
    """The action of the first key writes to a table of the run, the action of the second would go on from there."""
    pair: Pair = pairs(
        "CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE);"
        "CREATE TABLE c (id int PRIMARY KEY, p text UNIQUE REFERENCES p (code) ON UPDATE CASCADE);"
        "CREATE TABLE d (id int PRIMARY KEY, c text REFERENCES c (p) ON UPDATE CASCADE);",
        "INSERT INTO p VALUES (1, 'new'); INSERT INTO c VALUES (1, 'new');",
        "INSERT INTO p VALUES (1, 'old'); INSERT INTO c VALUES (1, 'old');",
    )
    args = ("--tables", "p", "--tables", "c")
    result = paused(dbsync, pair, "after_survey", "INSERT INTO d VALUES (2, 'old')", tmp_path, *args).ended(4)
    assert "1 rows of public.d have come to refer" in result.error["message"], result
    assert rows_of(pair.target, "SELECT d.c, c.p, p.code FROM d, c, p") == [["old", "old", "old"]]


def test_rows_outside_that_refer_meanwhile_to_a_value_that_stays_are_in_nobodys_way(
    pairs, dbsync: Command, tmp_path: Path
) -> None:
    pair: Pair = pairs(
        _KEYS + "CREATE TABLE c (id int PRIMARY KEY, p text REFERENCES p (code) ON UPDATE CASCADE);",
        "INSERT INTO p VALUES (1, 'new', 1), (2, 'b', 2);",
        "INSERT INTO p VALUES (1, 'old', 1), (2, 'b', 1);",
    )
    paused(dbsync, pair, "after_survey", "INSERT INTO c VALUES (2, 'b')", tmp_path, "--tables", "p").ended(0)
    assert rows_of(pair.target, "SELECT c.p, p.v FROM c JOIN p ON p.code = c.p") == [["b", 2]]


def test_a_foreign_key_that_came_meanwhile_takes_no_rows_along(pairs, dbsync: Command, tmp_path: Path) -> None:
    """Its table is not part of the plan at all, so that nobody would look for its rows."""
    pair: Pair = pairs(
        "CREATE TABLE p (id int PRIMARY KEY);", "INSERT INTO p VALUES (1);", "INSERT INTO p VALUES (1), (7);"
    )
    late = "CREATE TABLE c (p int REFERENCES p ON DELETE CASCADE); INSERT INTO c VALUES (7);"
    result = paused(dbsync, pair, "after_survey", late, tmp_path, "--delete").ended(4)
    assert result.error["code"] == "DRIFT", result
    assert rows_of(pair.target, "SELECT c.p, p.id FROM c JOIN p ON p.id = c.p") == [[7, 7]]


@pytest.mark.parametrize(
    ("verify", "write", "status", "deleted", "left"),
    [
        ("checksum", "DELETE FROM t WHERE id = 8", 0, 1, [[1]]),
        ("none", "UPDATE t SET v = 5 WHERE id = 8", 1, 0, [[1], [8], [9]]),
    ],
)
def test_rows_that_others_took_away_are_not_counted_as_deleted(
    verify: str, write: str, status: int, deleted: int, left: list[list[int]], pairs, dbsync: Command, tmp_path: Path
) -> None:
    pair: Pair = pairs("CREATE TABLE t (id int PRIMARY KEY, v int);", "INSERT INTO t VALUES (1, 1);")
    run_sql(pair.target, "INSERT INTO t VALUES (1, 1), (8, 1), (9, 1)")
    result = paused(dbsync, pair, "after_survey", write, tmp_path, "--delete", "--verify", verify).ended(status)
    assert result.result["totals"]["rows_deleted"] == deleted, result
    assert rows_of(pair.target, "SELECT id FROM t ORDER BY id") == left


def test_partitions_of_the_source_that_are_read_through_their_root_stay_as_the_snapshot_has_them(
    pairs, dbsync: Command, tmp_path: Path
) -> None:
    """TRUNCATE empties a table for every snapshot: it has to wait until the run is over."""
    pair: Pair = pairs()
    run_sql(
        pair.source,
        "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10); CREATE TABLE t2 PARTITION OF t DEFAULT;"
        "INSERT INTO t SELECT generate_series(1, 20)",
    )
    run_sql(pair.target, "CREATE TABLE t (id int PRIMARY KEY)")
    passed = tmp_path / "passed"
    env = {"DBSYNC_FAILPOINT": "after_snapshot=sleep:2", "DBSYNC_FAILPOINTS_REACHED": str(passed)}
    running = dbsync.start("sync", pair.source, pair.target, "--yes", "--json", env=env)
    while not running.over and not (passed.exists() and "after_snapshot\n" in passed.read_text()):
        time.sleep(0.02)
    with pytest.raises(psycopg.errors.LockNotAvailable):
        run_sql(pair.source, "SET lock_timeout = '100ms'; TRUNCATE t1")
    running.wait(30).ended(0)
    assert rows_of(pair.target, "SELECT count(*) FROM t") == [[20]]


def test_a_row_that_is_there_twice_against_its_key_is_not_called_equal(pairs, dbsync: Command) -> None:
    """As damaged indexes let it happen: no row is missing, changed or too many, and yet the tables differ."""
    pair: Pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY, v int);", "INSERT INTO t SELECT i, i FROM generate_series(1, 9) i"
    )
    run_sql(pair.target, "INSERT INTO t SELECT i, i FROM generate_series(1, 9) i")
    run_sql(
        pair.target,
        "UPDATE pg_index SET indisready = false WHERE indexrelid = 't_pkey'::regclass",
        "INSERT INTO t VALUES (3, 3)",
        "UPDATE pg_index SET indisready = true WHERE indexrelid = 't_pkey'::regclass",
    )
    for args in ((), ("--delete",), ("--verify", "none")):
        result = dbsync.sync(pair.source, pair.target, *args).ended(1)
        assert "public.t differs from the source, but not in any row" in result.error["message"], result


def test_bytes_of_an_order_that_was_given_up_are_not_counted(pairs, dbsync: Command) -> None:
    """The child's unique value is free only after a delete, so that both tables are written a second time."""
    schema = (
        "CREATE TABLE p (id int PRIMARY KEY, v text);"
        "CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p, u text UNIQUE);"
    )
    mine = "INSERT INTO p SELECT i, md5(i::text) FROM generate_series(1, 500) i; INSERT INTO c VALUES (2, 2, 'x');"
    copied = []
    for taken in ("x", "free"):
        pair: Pair = pairs(schema, mine, f"INSERT INTO p SELECT 1, md5('1'); INSERT INTO c VALUES (1, 1, '{taken}');")
        table = dbsync.sync(pair.source, pair.target, "--delete").ended(0).tables()["public.p"]
        assert table["rows_inserted"] == 499
        copied.append(table["bytes_copied"])
    assert copied[0] == copied[1] > 499 * 32
