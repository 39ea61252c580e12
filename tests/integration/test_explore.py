"""Looking at rows: pages neither skip nor repeat, values are the server's own text, nothing can be changed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from dbsync.data import explore
from dbsync.data.explore import Explorer, Page, explored
from dbsync.data.explore_request import PageRequest
from dbsync.errors import ConfigError, DbsyncError, Refused, StatementFailed, TimeLimit
from dbsync.local import EphemeralServer
from dbsync.pg.database import Database as Handle
from dbsync.pg.text_rows import RowTooLarge
from dbsync.urls import parse_url
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.pair import with_user


@contextmanager
def exploring(url: str, **limits: Any) -> Iterator[Explorer]:
    session = Handle(parse_url(url), read_only=True).connect()
    try:
        with explored(session, **limits) as explorer:
            yield explorer
    finally:
        session.close()


def page(url: str, table: str, **request: object) -> Page:
    with exploring(url) as explorer:
        return explorer.page(table, PageRequest(**request))  # type: ignore[arg-type]


def all_pages(url: str, table: str, *, limit: int, **request: object) -> list[tuple[str | None, ...]]:
    """Follow ``next`` to the end."""
    rows: list[tuple[str | None, ...]] = []
    after: str | None = None
    for _ in range(1000):
        found = page(url, table, limit=limit, after=after, **request)
        rows += found.rows
        after = found.next
        if after is None:
            assert not found.more
            return rows
    raise AssertionError("the pages never end")


_NOT_NULL_HERE_ALONE = {
    False: "ALTER TABLE strict ALTER v SET NOT NULL; ALTER TABLE laxer ALTER v DROP NOT NULL",
    True: "ALTER TABLE strict ADD NOT NULL v NO INHERIT; ALTER TABLE lax ADD NOT NULL v NO INHERIT",
}


@pytest.fixture(scope="module")
def shop(pg_a: EphemeralServer) -> Iterator[Database]:
    with fresh_database(pg_a) as database:
        database.execute(
            """
            CREATE TYPE pair AS (x int, y text);
            CREATE TABLE item (
                id int PRIMARY KEY, grp text, n numeric, f float8, t timestamptz, c char(3), e bytea, j json, pr pair);
            INSERT INTO item
            SELECT i, CASE WHEN i % 4 > 0 THEN chr(96 + i % 4) END, CASE WHEN i % 3 > 0 THEN i % 3 + 0.50 END,
                   CASE i % 5 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' WHEN 2 THEN -0.0 WHEN 3 THEN 0.1::float8 + 0.2 END,
                   timestamptz '2020-01-01 00:00:00.000001+00' + (i % 7) * interval '1 microsecond', 'a', '\\x00ff', '{"a": 1, "a":2}',
                   (i % 2, NULLIF('y', 'y'))::pair
              FROM generate_series(1, 100) i;
            CREATE TABLE two (a text COLLATE "C", b uuid, v int, PRIMARY KEY (b, a));
            INSERT INTO two SELECT chr(65 + i % 3), md5((i / 3)::text)::uuid, i FROM generate_series(1, 50) i;
            CREATE TABLE keyless (v int); INSERT INTO keyless SELECT 1 FROM generate_series(1, 500);
            CREATE TABLE by_pair (p pair PRIMARY KEY);
            INSERT INTO by_pair SELECT ROW(i % 5, chr(65 + i))::pair FROM generate_series(0, 20) i;
            CREATE TABLE parted (v int, w int) PARTITION BY HASH (v);
            CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
            CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
            INSERT INTO parted SELECT i % 9, i FROM generate_series(1, 60) i;
            CREATE TABLE mother (id int PRIMARY KEY); CREATE TABLE daughter () INHERITS (mother);
            INSERT INTO mother SELECT generate_series(1, 10); INSERT INTO daughter SELECT generate_series(1, 10);
            CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
            CREATE TABLE half (v text) PARTITION BY LIST (v); CREATE TABLE half_0 PARTITION OF half FOR VALUES IN ('0');
            CREATE TABLE half_1 PARTITION OF half DEFAULT PARTITION BY LIST (v);
            CREATE FOREIGN TABLE half_f PARTITION OF half_1 DEFAULT SERVER files OPTIONS (filename '/etc/passwd');
            CREATE TABLE kin (v text PRIMARY KEY); INSERT INTO kin SELECT generate_series(1, 3);
            CREATE FOREIGN TABLE kin_f () INHERITS (kin) SERVER files OPTIONS (filename '/etc/passwd');
            CREATE TABLE strict (v int, w int); CREATE TABLE lax () INHERITS (strict); CREATE TABLE laxer () INHERITS (lax);
            {not_null}; INSERT INTO strict SELECT i, i FROM generate_series(1, 5) i;
            INSERT INTO lax SELECT i, i FROM generate_series(4, 8) i; INSERT INTO laxer SELECT NULL, generate_series(1, 20);
            CREATE VIEW looked AS SELECT id, grp FROM item;
            CREATE TABLE "Odd.Ta%ble" ("%s" int PRIMARY KEY, "a=b" text, "sel""ect" text, "$1" text);
            INSERT INTO "Odd.Ta%ble" VALUES (1, 'x=y', '50%', 'd'), (2, 'x', '5_0', E'\\\\'), (3, NULL, '50', NULL);
            CREATE TABLE wide (id int PRIMARY KEY, t text);
            INSERT INTO wide SELECT i, repeat('x', 1000000) FROM generate_series(1, 20) i;
            INSERT INTO wide VALUES (21, repeat('y', 9000000)), (22, 'small');
            CREATE TABLE secret (id int PRIMARY KEY, shown text, hidden text); INSERT INTO secret VALUES (1, 'a', 'b');
            CREATE TYPE couple AS (x int, y int);
            CREATE TABLE paired (id int PRIMARY KEY, p couple);
            INSERT INTO paired SELECT i, (ARRAY['(1,)', '(,)', '(3,6)', NULL])[1 + i % 4]::couple FROM generate_series(1, 12) i;
            CREATE INDEX ON paired (p);
            CREATE TABLE policed (id int PRIMARY KEY); INSERT INTO policed VALUES (1), (2), (3);
            ALTER TABLE policed ENABLE ROW LEVEL SECURITY; CREATE POLICY odd ON policed USING (id % 2 = 1);
            GRANT SELECT ON policed, item TO case_reader; GRANT SELECT (id, shown) ON secret TO case_reader;
            ANALYZE
            """.replace("{not_null}", _NOT_NULL_HERE_ALONE[pg_a.major >= 18])
        )
        yield database


_SORTS = [(), ("grp",), ("grp:desc",), ("n", "grp:desc"), ("f:desc", "n:desc"), ("t:desc",), ("c", "pr"), ("id:desc",)]


@pytest.mark.parametrize(("sort", "limit"), [*((sort, 7) for sort in _SORTS), (("f", "grp:desc"), 1)])
def test_pages_neither_skip_nor_repeat(shop: Database, sort: tuple[str, ...], limit: int) -> None:
    order = ", ".join([*(f"{part.replace(':', ' ')}" for part in sort), "id"])
    expected = [(str(number),) for (number,) in shop.query(f"SELECT id FROM item ORDER BY {order}")]
    with exploring(shop.url) as explorer:
        rows: list[tuple[str | None, ...]] = []
        after: str | None = None
        for _ in range(101):
            found = explorer.page("item", PageRequest(columns=("id",), sort=sort, limit=limit, after=after))
            rows += found.rows
            after = found.next
            if after is None:
                break
    assert rows == expected


@pytest.mark.parametrize(
    ("table", "count"), [("two", 50), ("keyless", 500), ("by_pair", 21), ("parted", 60), ("mother", 20)]
)
def test_every_table_can_be_paged(shop: Database, table: str, count: int) -> None:
    rows = all_pages(shop.url, table, limit=13 if count < 100 else 90)
    with psycopg.connect(shop.url) as connection, connection.cursor().copy(f"COPY (TABLE {table}) TO STDOUT") as copy:
        expected = Counter(copy.rows())
    assert Counter(rows) == expected
    assert len(rows) == count


@pytest.mark.parametrize("sort", ["v", "v:desc"])
def test_children_may_have_nulls_where_their_parent_has_none(shop: Database, sort: str) -> None:
    expected = shop.query(f"SELECT v, w FROM strict ORDER BY {sort.replace(':', ' ')}, tableoid, ctid")
    rows = all_pages(shop.url, "strict", limit=4, sort=(sort,))
    assert [tuple(value and int(value) for value in row) for row in rows] == expected


@pytest.mark.parametrize("relation", ["looked", "half", "half_1", "half_f", "kin"])
@pytest.mark.parametrize("is_sorted", [False, True])
def test_what_has_rows_without_a_place_shows_its_first_ones_and_says_so(
    shop: Database, relation: str, is_sorted: bool
) -> None:
    order = ("id" if relation == "looked" else "v",) if is_sorted else ()
    found = page(shop.url, relation, limit=3, sort=order)
    assert (len(found.rows), found.more, found.next) == (3, True, None)
    assert "has no key" in found.notes[0]
    with pytest.raises(ConfigError, match="--after needs an order that is unique"):
        page(shop.url, relation, after="1", sort=order)


def test_values_are_the_servers_own_text(shop: Database) -> None:
    found = page(shop.url, "item", filters=("id=3",), columns=("n", "f", "t", "c", "e", "j", "pr"))
    assert found.rows == (
        (None, "0.30000000000000004", "2020-01-01 00:00:00.000004+00", "a  ", "\\x00ff", '{"a": 1, "a":2}', "(1,)"),
    )
    shop.execute(
        "CREATE TABLE extremes AS SELECT 1 AS id, 'infinity'::timestamptz AS a, '4713-01-01 BC'::date AS b, "
        "'24:00'::time AS c, 1e400::numeric AS d, '[5:6]={1,2}'::int[] AS e, '1 mon 30 days'::interval AS f, "
        "12345678901234567890::numeric AS g, true AS h, '' AS i, NULL::text AS j, E'a\\nb\\tc'::text AS k, 'NULL' AS l"
    )
    (row,) = page(shop.url, "extremes").rows
    assert row[1:4] == ("infinity", "4713-01-01 BC", "24:00:00")
    assert row[4] == "1" + "0" * 400
    assert row[5:] == ("[5:6]={1,2}", "1 mon 30 days", "12345678901234567890", "t", "", None, "a\nb\tc", "NULL")


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (("%s=2",), ["2"]),
        (("a=b=x=y",), ["1"]),
        (("a=b!=x",), ["1", "3"]),
        (('sel"ect~50%',), ["1"]),
        (('sel"ect~5_',), ["2"]),
        (('"sel""ect"~50',), ["1", "3"]),
        (("$1~\\",), ["2"]),
        (("$1 is null",), ["3"]),
        (("$1 is not null", "%s>1"), ["2"]),
        (("%s<=2", "%s>=2"), ["2"]),
        (("$1=' OR true --",), []),
    ],
)
def test_filters_are_bound_to_columns(shop: Database, filters: tuple[str, ...], ids: list[str]) -> None:
    found = page(shop.url, '"Odd.Ta%ble"', filters=filters, columns=("%s",))
    assert [row[0] for row in found.rows] == ids


def test_search_looks_into_every_column_of_text(shop: Database) -> None:
    assert [row[0] for row in page(shop.url, '"Odd.Ta%ble"', search="50").rows] == ["1", "3"]
    assert [row[0] for row in page(shop.url, '"Odd.Ta%ble"', search="X=").rows] == ["1"]
    with pytest.raises(ConfigError, match="no column of text"):
        page(shop.url, "keyless", search="x")


def test_a_condition_is_one_expression(shop: Database) -> None:
    assert len(page(shop.url, "item", where="grp = 'a' AND n > 1 -- and a comment").rows) == 17
    for expression in ("true); DELETE FROM item; SELECT (1", "1; SELECT 1", "id", "nope = 1", "grp = ", "'"):
        with pytest.raises(ConfigError) as caught:
            page(shop.url, "item", where=expression)
        assert caught.value.code == "BAD_CONDITION"
    with pytest.raises(StatementFailed, match="division by zero"):
        page(shop.url, "item", where="1 / (id - id) = 1")
    assert shop.value("SELECT count(*) FROM item") == 100


@pytest.mark.parametrize(
    "expression", ["pg_reload_conf()", "pg_read_file('PG_VERSION') <> ''", "nextval('s') > 0", "lo_create(0) > 0"]
)
def test_a_condition_that_acts_is_refused_to_a_superuser(shop: Database, expression: str) -> None:
    shop.execute("CREATE SEQUENCE IF NOT EXISTS s")
    with pytest.raises(Refused):
        page(shop.url, "item", where=expression.replace("'s'", "'public.s'"))
    assert shop.value("SELECT is_called FROM s") is False


def test_a_condition_that_writes_is_refused_to_anybody(shop: Database) -> None:
    shop.execute(
        "CREATE OR REPLACE FUNCTION public.wipe() RETURNS boolean LANGUAGE sql AS 'DELETE FROM public.two; SELECT true';"
        "GRANT DELETE, SELECT ON two TO case_reader"
    )
    with pytest.raises(StatementFailed, match="read-only transaction"):
        page(with_user(shop.url, "case_reader"), "item", where="public.wipe()")
    with pytest.raises(DbsyncError):
        page(
            with_user(shop.url, "case_reader"), "item", where="set_config('transaction_read_only', 'off', true) = 'off'"
        )
    assert shop.value("SELECT count(*) FROM two") == 50


def test_wrong_values_and_orders_are_errors_of_the_asker(shop: Database) -> None:
    for request in ({"filters": ("id=abc",)}, {"filters": ("id=99999999999",)}, {"sort": ("j",)}, {"after": "abc"}):
        with pytest.raises(ConfigError) as caught:
            page(shop.url, "item", **request)
        assert caught.value.code == "BAD_CONDITION"
    for request in ({"sort": ("nope",)}, {"columns": ("nope",)}, {"after": '["1","2"]'}, {"after": "[null]"}):
        with pytest.raises(ConfigError):
            page(shop.url, "item", **request)
    with pytest.raises(ConfigError, match="names 2 tables"):
        page(shop.url, "parted_*")
    with pytest.raises(ConfigError, match="no table matches 'itme'") as caught:
        page(shop.url, "itme")
    assert caught.value.hint == "did you mean item?"


def test_pages_are_bounded_in_bytes(shop: Database) -> None:
    first = page(shop.url, "wide", limit=1000)
    assert (len(first.rows), first.next) == (8, "8")
    third = page(shop.url, "wide", limit=1000, after="16")
    assert [row[0] for row in third.rows] == ["17", "18", "19", "20"]
    with pytest.raises(RowTooLarge):
        page(shop.url, "wide", after="20")
    assert page(shop.url, "wide", after="20", columns=("id",)).rows == (("21",), ("22",))
    with exploring(shop.url) as explorer:
        assert len(explorer.row("wide", "21").rows[0][1] or "") == 9_000_000


def test_one_row_by_its_full_key(shop: Database) -> None:
    a, b = shop.query("SELECT a, b FROM two LIMIT 1")[0]
    with exploring(shop.url) as explorer:
        assert explorer.row("two", f"{b},{a}", ("v",)).rows == ((str(shop.value("SELECT v FROM two LIMIT 1")),),)
        assert explorer.row("item", "1000").rows == ()
        assert explorer.row("by_pair", '["(3,D)"]').rows == (("(3,D)",),)
        with pytest.raises(ConfigError, match="needs 2 values"):
            explorer.row("two", "x")
        with pytest.raises(ConfigError, match="has no key"):
            explorer.row("keyless", "1")


def test_a_role_sees_what_it_may_see_and_is_told_of_the_rest(shop: Database) -> None:
    url = with_user(shop.url, "case_reader")
    found = page(url, "secret")
    assert [column.name for column in found.columns] == ["id", "shown"]
    assert "hidden" in found.notes[0]
    for table, request in (("secret", {"columns": ("hidden",)}), ("two", {})):
        shop.execute("REVOKE ALL ON two FROM case_reader")
        with pytest.raises(DbsyncError, match="may not read") as caught:
            page(url, table, **request)
        assert caught.value.code == "NO_PRIVILEGE"
    found = page(url, "policed")
    assert found.rows == (("1",), ("3",))
    assert "row-level security" in found.notes[0]
    assert len(page(shop.url, "policed").rows) == 3


def test_figures_tell_what_the_values_are_like(shop: Database) -> None:
    with exploring(shop.url) as explorer:
        figures = explorer.figures("item", PageRequest())
        filtered = explorer.figures("item", PageRequest(filters=("grp=a",), columns=("grp", "id")))
    assert (figures.rows, figures.sample) == (100, None)
    found = {each.column.name: each for each in figures.columns}
    assert (found["grp"].nulls, found["grp"].distinct, found["grp"].least, found["grp"].greatest) == (25, 3, "a", "c")
    assert found["grp"].top == (("a", 25), ("b", 25), ("c", 25))
    assert (found["n"].least, found["n"].greatest, found["n"].top[0]) == ("1.50", "2.50", ("1.50", 34))
    assert (found["f"].distinct, found["f"].greatest) == (4, "NaN")
    assert (found["j"].distinct, found["j"].least) == (1, None)  # json has no order
    assert found["id"].distinct == 100
    assert (filtered.rows, [each.distinct for each in filtered.columns]) == (25, [1, 25])


def test_large_tables_are_sampled_and_say_so(shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore, "SAMPLE_BYTES", 8192)
    with exploring(shop.url) as explorer:
        figures = explorer.figures("keyless", PageRequest())
        assert figures.sample is not None
        assert "%" in figures.sample
        view = explorer.figures("looked", PageRequest())
    assert 0 <= figures.rows < 500
    assert view.sample == "at most the first 100,000 rows"
    assert view.rows == 100


@pytest.mark.parametrize("sort", ["p", "p:desc"])
@pytest.mark.parametrize("limit", [1, 5])
def test_composites_with_nulls_in_them_are_values(shop: Database, sort: str, limit: int) -> None:
    with exploring(shop.url) as explorer:
        found = {each.column.name: each for each in explorer.figures("paired", PageRequest()).columns}["p"]
        counts = [
            len(explorer.page("paired", PageRequest(filters=(text,))).rows) for text in ("p is null", "p is not null")
        ]
        seen: list[str | None] = []
        after: str | None = None
        for _ in range(20):
            shown = explorer.page("paired", PageRequest(columns=("id",), sort=(sort,), limit=limit, after=after))
            seen += [row[0] for row in shown.rows]
            after = shown.next
            if after is None:
                break
    assert (found.nulls, found.distinct, found.least, found.greatest) == (3, 3, "(1,)", "(,)")
    assert counts == [3, 9]
    order = sort.replace(":", " ")
    assert seen == [str(number) for (number,) in shop.query(f"SELECT id FROM paired ORDER BY {order}, id")]


def test_a_question_that_takes_too_long_ends_with_the_time_limit(shop: Database) -> None:
    with pytest.raises(TimeLimit), exploring(shop.url, time_limit_s=0.3) as explorer:
        explorer.page("item", PageRequest(where="pg_sleep(5) IS NOT NULL"))


def test_pages_of_one_snapshot_do_not_see_later_writes(shop: Database) -> None:
    shop.execute(
        "CREATE TABLE moving AS SELECT generate_series(1, 10) AS id", "ALTER TABLE moving ADD PRIMARY KEY (id)"
    )
    with exploring(shop.url) as explorer:
        first = explorer.page("moving", PageRequest(limit=5))
        shop.execute("DELETE FROM moving WHERE id > 5")
        rest = explorer.page("moving", PageRequest(limit=5, after=first.next))
    ids = itertools.chain(first.rows, rest.rows)
    assert [row[0] for row in ids] == [str(number) for number in range(1, 11)]


def test_the_widest_and_the_narrowest_tables_are_shown(shop: Database) -> None:
    columns = ", ".join(f"c{number} int" for number in range(1, 1600))
    shop.execute(
        f"CREATE TABLE widest (c0 int PRIMARY KEY, {columns}); INSERT INTO widest SELECT i FROM generate_series(1, 3) i;"
        "CREATE TABLE narrowest (); INSERT INTO narrowest DEFAULT VALUES; INSERT INTO narrowest DEFAULT VALUES"
    )
    sort = tuple(f"c{number}:desc" for number in range(1, 40))
    found = page(shop.url, "widest", sort=sort, limit=2)
    assert [len(row) for row in found.rows] == [1600, 1600]
    assert [row[0] for row in page(shop.url, "widest", sort=sort, after=found.next).rows] == ["3"]
    assert page(shop.url, "narrowest").rows == ((), ())
    with pytest.raises(ConfigError, match="has no columns"), exploring(shop.url) as explorer:
        explorer.figures("narrowest", PageRequest())
