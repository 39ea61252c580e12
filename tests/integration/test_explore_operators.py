"""Columns of an extension's type are compared by that type's own operators, as ORDER BY does, though no path leads to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from dbsync.data.edit import delete_row, update_row
from dbsync.data.explore import Page
from dbsync.data.explore_request import PageRequest
from dbsync.errors import ConfigError, Refused
from dbsync.local import EphemeralServer
from dbsync.model import TableName
from dbsync.pg import statements_explore as statements
from dbsync.pg.database import Database as Handle
from dbsync.pg.reflect_table import reflect_table
from dbsync.pg.statements_explore import OrderKey
from dbsync.pg.text_rows import fetch_text
from dbsync.urls import parse_url
from tests.fixtures.databases import Database, fresh_database
from tests.integration.test_explore import exploring, page

_SETUP = """
CREATE SCHEMA "E x";
CREATE EXTENSION citext SCHEMA "E x"; CREATE EXTENSION ltree SCHEMA "E x"; CREATE EXTENSION hstore SCHEMA "E x";
CREATE DOMAIN mail AS "E x".citext; CREATE DOMAIN home_mail AS mail;
CREATE TABLE named (name "E x".citext COLLATE "C" PRIMARY KEY, v int);
INSERT INTO named VALUES ('alice', 1), ('Bob', 2), ('carol', NULL), ('Dave', 4);
CREATE TABLE t (
    id int PRIMARY KEY, c "E x".citext COLLATE "C", d home_mail COLLATE "C", l "E x".ltree, h "E x".hstore,
    cs "E x".citext[], q "E x".lquery);
INSERT INTO t
SELECT i, CASE WHEN i % 9 > 0 THEN CASE WHEN i % 2 > 0 THEN upper(x) ELSE x END END, CASE WHEN i % 2 > 0 THEN upper(x) ELSE x END,
       ('a.b' || i % 4)::"E x".ltree, ('k=>' || i % 5)::"E x".hstore, ARRAY[upper(x), x]::"E x".citext[], 'a.*'
  FROM (SELECT i, chr(97 + i % 6) AS x FROM generate_series(1, 40) i) s;
CREATE TABLE pathed (l "E x".ltree, d mail, PRIMARY KEY (l, d));
INSERT INTO pathed SELECT l, d || id FROM t;
CREATE TABLE one_of_many (h "E x".hstore PRIMARY KEY);
INSERT INTO one_of_many SELECT ('k=>' || i)::"E x".hstore FROM generate_series(1, 20) i;
"""


@pytest.fixture(scope="module", params=["pg_a", "pg15"])
def extended(request: pytest.FixtureRequest) -> Iterator[Database]:
    server: EphemeralServer = request.getfixturevalue(request.param)
    with fresh_database(server) as database:
        database.execute(_SETUP)
        yield database


def followed(url: str, table: str, **request: Any) -> list[tuple[str | None, ...]]:
    """The rows of all pages, each from the ``next`` of the one before."""
    rows: list[tuple[str | None, ...]] = []
    with exploring(url) as explorer:
        after: str | None = None
        for _ in range(100):
            found = explorer.page(table, PageRequest(after=after, **request))
            rows += found.rows
            after = found.next
            if after is None:
                assert not found.more
                return rows
    raise AssertionError("the pages never end")


def ids(found: Page) -> list[str | None]:
    return [row[0] for row in found.rows]


def test_pages_by_a_key_of_such_a_type_neither_skip_nor_repeat(extended: Database) -> None:
    assert [row[0] for row in followed(extended.url, "named", limit=2)] == ["alice", "Bob", "carol", "Dave"]
    for table in ("pathed", "one_of_many"):
        rows = followed(extended.url, table, limit=3)
        assert len(rows) == len(set(rows)) == extended.value(f"SELECT count(*) FROM {table}"), table


@pytest.mark.parametrize("sort", ["c", "c:desc", "d", "d:desc", "l", "l:desc", "h", "h:desc", "cs:desc", "c l:desc"])
@pytest.mark.parametrize("limit", [1, 7])
def test_pages_sorted_by_such_a_type_neither_skip_nor_repeat(extended: Database, sort: str, limit: int) -> None:
    parts = sort.split()
    order = ", ".join([*(part.replace(":", " ") for part in parts), "id"])
    expected = [(str(number),) for (number,) in extended.query(f"SELECT id FROM t ORDER BY {order}")]
    assert followed(extended.url, "t", limit=limit, columns=("id",), sort=tuple(parts)) == expected


def test_filters_and_keys_find_what_psql_would(extended: Database) -> None:
    for filter_, wanted in {
        "name=ALICE": ["alice"],
        "name!=ALICE": ["Bob", "carol", "Dave"],
        "name>=BOB": ["Bob", "carol", "Dave"],
        "name>BOB": ["carol", "Dave"],
        "name<Carol": ["alice", "Bob"],
        "name<=Carol": ["alice", "Bob", "carol"],
        "name~O": ["Bob", "carol"],
    }.items():
        assert ids(page(extended.url, "named", filters=(filter_,))) == wanted, filter_
    assert ids(page(extended.url, "named", search="DAVE")) == ["Dave"]
    with exploring(extended.url) as explorer:
        assert ids(explorer.row("named", "ALICE")) == ["alice"]
        assert explorer.count("named", PageRequest(filters=("name=ALICE",)), seconds=30) == 1
    assert len(page(extended.url, "t", filters=("c!=A",)).rows) == extended.value(
        "SELECT count(*) FROM t WHERE lower(c::text) IS DISTINCT FROM 'a'"
    )
    assert len(page(extended.url, "t", filters=("d=A", "l=a.b2")).rows) == 3
    assert ids(page(extended.url, "t", filters=("h=k=>1", "cs={a,A}"))) == ["6", "36"]


def test_a_type_without_an_order_is_refused_at_the_first_page(extended: Database) -> None:
    for request in ({"sort": ("q",)}, {"filters": ("q=a.*",)}, {"filters": ("q<a.*",)}):
        with pytest.raises(ConfigError) as caught:
            page(extended.url, "t", **request)
        assert caught.value.code == "BAD_CONDITION"
        assert 'q has no order: its type "E x".lquery' in caught.value.message
    assert len(page(extended.url, "t", filters=("q~a.", "q is not null")).rows) == 40


def test_a_row_with_such_a_key_is_changed_and_deleted(extended: Database) -> None:
    extended.execute(
        'CREATE TABLE edited (l "E x".ltree, c "E x".citext, v int, PRIMARY KEY (l, c));'
        "INSERT INTO edited VALUES ('a.b', 'One', 1), ('a.b', 'Two', 2)"
    )
    session = Handle(parse_url(extended.url), read_only=False).connect()
    try:
        table = reflect_table(session, TableName("public", "edited")).tables[TableName("public", "edited")]
        assert update_row(session, table, ["a.b", "ONE"], {"v": "3"}).rows == (("a.b", "One", "3"),)
        assert delete_row(session, table, ["a.b", "two"]).rows == (("a.b", "Two", "2"),)
    finally:
        session.close()
    assert extended.query("SELECT c::text, v FROM edited") == [("One", 3)]


def test_an_index_answers_where_a_page_begins(extended: Database) -> None:
    extended.execute(
        'CREATE TABLE large (name "E x".citext PRIMARY KEY); '
        "INSERT INTO large SELECT 'N' || i FROM generate_series(1, 20000) i; ANALYZE large"
    )
    with exploring(extended.url) as explorer:
        scope = explorer.scope(explorer.table("large"), PageRequest(), order=("name",))
        asked = statements.page(scope, ("name",), (OrderKey(column="name"),), ("n5",))
        plan = "\n".join(
            str(line) for (line,) in fetch_text(explorer.session, sql.SQL("EXPLAIN ") + asked.query, asked.values)
        )
    assert "Index Cond" in plan
    assert "Sort" not in plan


def test_operators_of_somebody_else_are_not_run_by_a_superuser(pg_a: EphemeralServer) -> None:
    with fresh_database(pg_a) as database:
        database.execute(
            """
            CREATE EXTENSION citext;
            CREATE TABLE t (c citext PRIMARY KEY); INSERT INTO t VALUES ('a'), ('B');
            """
        )
        assert len(page(database.url, "t", limit=1, after="A").rows) == 1
        database.execute("ALTER FUNCTION citext_lt OWNER TO case_writer; ALTER FUNCTION citext_gt OWNER TO case_writer")
        for request in ({"filters": ("c>a",)}, {"after": "a"}, {}):
            with pytest.raises(
                Refused, match=r"public\.citext_[lg]t\(\): it belongs to a role that is not a superuser"
            ):
                page(database.url, "t", **request)
