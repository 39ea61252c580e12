"""Changes that are scattered over all segments: groups of rows are compared between segments and rows."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from dbsync import segments
from dbsync.data import compare, locate, narrow
from tests.acceptance.conftest import CalledSync
from tests.fixtures.command import Result
from tests.fixtures.inprocess import InProcess
from tests.fixtures.pair import rows, run_sql

TABLES = {
    "integer": ("CREATE TABLE t (id int PRIMARY KEY, v text);", "id = {}"),
    "text": ("CREATE TABLE t (id int, k text PRIMARY KEY, v text);", "k = 'k ' || {}"),
    "composite": ("CREATE TABLE t (id int, k text, v text, PRIMARY KEY (k, id));", "id = {}"),
    "no key": ("CREATE TABLE t (id int, v text);", "id = {}"),
    "partitions": ("CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY HASH (id);", "id = {}"),
}
PARTS = (
    "CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS {0}, REMAINDER 0);"
    "CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS {0}, REMAINDER 1);"
)
THIRD = "CREATE TABLE t2 PARTITION OF t FOR VALUES WITH (MODULUS 3, REMAINDER 2);"
COUNT = 6000


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[narrow.Groups]:
    """What was narrowed down to in each table that differed; small tables are worth it, too."""
    seen: list[narrow.Groups] = []
    monkeypatch.setattr(narrow, "_ROWS_WORTH_IT", 1)

    def spy(*args: object) -> narrow.Groups:
        seen.append(narrow.narrow(*args))  # type: ignore[arg-type]  # handed on as it came
        return seen[-1]

    monkeypatch.setattr(locate, "narrow", spy)
    return seen


@pytest.mark.parametrize("kind", TABLES)
def test_scattered_changes_are_found_by_groups_of_rows(
    kind: str, pairs, called: CalledSync, found: list[narrow.Groups], capsys
) -> None:
    """Changed, missing and extra rows in every segment; rows of equal groups are not read one by one."""
    schema, where = TABLES[kind]
    columns = "id, k, v" if " k " in schema else "id, v"
    values = "g, 'k ' || g, md5(g::text)" if " k " in schema else "g, md5(g::text)"
    mine, theirs = (PARTS.format(2), PARTS.format(3) + THIRD) if kind == "partitions" else ("", "")
    fill = f"INSERT INTO t ({columns}) SELECT {values} FROM generate_series(1, {COUNT}) g; ANALYZE t;"
    pair = pairs(schema, mine + fill, theirs + fill)
    for number in range(7, COUNT, 400):
        run_sql(pair.target, f"UPDATE t SET v = 'theirs' WHERE {where.format(number)};")
        run_sql(pair.target, f"DELETE FROM t WHERE {where.format(number + 100)};")
        run_sql(pair.source, f"DELETE FROM t WHERE {where.format(number + 200)};")
    expected: dict[str, int | None] = {"different": 15, "only_in_source": 15, "only_in_target": 15}
    if kind == "no key":
        expected = {"different": None, "only_in_source": 30, "only_in_target": 30}
    ended = InProcess(capsys)("diff", pair.source, pair.target, "--what", "data", "--json")
    data = Result(ended.args, ended.exit_code, ended.stdout, ended.stderr, 0.0)
    assert data.exit_code == 1
    (table,) = data.tables().values()
    assert {name: table[name] for name in expected} == expected
    (table,) = called.sync(pair.source, pair.target, "--delete").ended(0).tables().values()
    written = [table[f"rows_{done}"] for done in ("updated", "inserted", "deleted")]
    assert written == [count or 0 for count in expected.values()]
    query = "SELECT * FROM t ORDER BY id, v"
    assert rows(pair.target, query) == rows(pair.source, query)
    for groups in found:
        assert groups.parts >= 32
        assert groups.among is not None
        assert len(groups.among) <= 60, "at most one group for each side of each row that differs"


@pytest.mark.parametrize("changed", ["v = 'theirs'", "v = 'theirs' WHERE id % 9 < 4"], ids=("every row", "many rows"))
def test_where_most_groups_differ_all_rows_are_read(
    changed: str, pairs, called: CalledSync, found: list[narrow.Groups]
) -> None:
    fill = f"INSERT INTO t SELECT g, g FROM generate_series(1, {COUNT}) g; ANALYZE t;"
    pair = pairs(TABLES["integer"][0], fill, fill + f"UPDATE t SET {changed};")
    called.sync(pair.source, pair.target).ended(0)
    assert found == [narrow.Groups(1)]
    assert rows(pair.target, "TABLE t ORDER BY id") == rows(pair.source, "TABLE t ORDER BY id")


def test_there_is_an_end_to_how_many_groups_are_named(
    pairs, called: CalledSync, found: list[narrow.Groups], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrow, "_MOST_GROUPS", 10)
    fill = f"INSERT INTO t SELECT g, g FROM generate_series(1, {COUNT}) g; ANALYZE t;"
    pair = pairs(TABLES["integer"][0], fill, fill + "UPDATE t SET v = 'theirs' WHERE id % 500 = 3;")
    (table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
    assert (found, table["rows_updated"]) == ([narrow.Groups(1)], 12)


def test_rows_that_cluster_in_one_segment_are_held_a_few_at_a_time(
    pairs, called: CalledSync, found: list[narrow.Groups], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearly all keys lie in one of the segments, and one key far off."""
    monkeypatch.setattr(narrow, "_MOST_ROWS_PER_GROUP", 100)
    fill = f"INSERT INTO t SELECT g, g FROM generate_series(1, {COUNT}) g; INSERT INTO t VALUES (2000000000, 'far');"
    pair = pairs(
        TABLES["integer"][0], fill + "ANALYZE t;", fill + "UPDATE t SET v = 'theirs' WHERE id IN (5, 2000000000);"
    )
    (table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
    assert table["rows_updated"] == 2
    assert [groups.parts for groups in found] == [256]
    assert rows(pair.target, "TABLE t ORDER BY id") == rows(pair.source, "TABLE t ORDER BY id")


def test_servers_that_look_through_the_numbers_one_by_one_read_all_rows(
    pairs, called: CalledSync, found: list[narrow.Groups], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Postgres 14 no list of numbers is hashed: with 100,000 of them each row would take a millisecond."""
    monkeypatch.setattr(narrow, "_LOOKS_UP", 10**9)
    fill = f"INSERT INTO t SELECT g, g FROM generate_series(1, {COUNT}) g; ANALYZE t;"
    pair = pairs(TABLES["integer"][0], fill, fill + "UPDATE t SET v = 'theirs' WHERE id % 500 = 3;")
    (table,) = called.sync(pair.source, pair.target).ended(0).tables().values()
    assert (found, table["rows_updated"]) == ([narrow.Groups(1)], 12)


WIDE = """
    ALTER TABLE t ALTER v SET STORAGE plain;
    INSERT INTO t SELECT g, repeat('x', 3000) || g FROM generate_series(1, 3000) g;
    ANALYZE t;
"""


@pytest.mark.parametrize("found_by", ["segments", "groups"])
def test_rows_of_many_segments_or_groups_do_not_fill_the_servers_disk(
    found_by: str, pairs, called: CalledSync, found: list[narrow.Groups], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit into memory goes to temporary files; rows as a whole would be as large as the table."""
    if found_by == "segments":
        monkeypatch.setattr(segments, "_ROWS_PER_SEGMENT", 1)
        monkeypatch.setattr(compare, "_MANY_SEGMENTS", 1000)
    else:
        monkeypatch.setattr(narrow, "_ROWS_PER_GROUP", 1)
        monkeypatch.setattr(locate, "MEMORY", "SELECT 1")
    pair = pairs(TABLES["integer"][0], WIDE, WIDE + "UPDATE t SET v = 'theirs' WHERE id % 100 = 3;")
    for url in (pair.source, pair.target):
        run_sql(url, f"ALTER DATABASE {urlsplit(url).path[1:]} SET work_mem = '64kB'")
    called.sync(pair.source, pair.target).ended(0)
    assert found
    for url in (pair.source, pair.target):
        query = "SELECT temp_bytes < 3e6, temp_bytes FROM pg_stat_database WHERE datname = current_database()"
        ((little, size),) = rows(url, query)
        assert little, size
