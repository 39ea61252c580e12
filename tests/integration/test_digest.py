"""The digest of a table: blind to order, to nothing else; the same on every server."""

from __future__ import annotations

import re
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from dbsync.model import TableName
from dbsync.pg.database import Database
from dbsync.pg.statements import DigestColumn, digest_rows
from dbsync.pg.statements_compare import PLANNING, ComparedTable
from dbsync.segments import cut
from dbsync.urls import parse_url

TABLE = TableName("public", "t")
FORMS: list[DigestColumn] = [("i", "plain", True), ("a", "measured", True), ("b", "measured", True), ("j", "row", True)]
# JSON ends where its syntax says; here in the middle of the row, where that matters.
SELF_DELIMITING: list[DigestColumn] = [
    ("j", "plain", True), ("i", "plain", True), ("a", "measured", True), ("b", "measured", True),
]  # fmt: skip
# Nothing in front of the marks that begins with a figure: an array may look like marks, and text like all that follows.
ARRAYS: list[DigestColumn] = [("s", "plain", True), ("a", "measured", True)]
TIMES: list[DigestColumn] = [("t", "timestamptz", True), ("u", "timestamp", True), ("i", "plain", True)]


@pytest.fixture
def digest(target_db):
    """A function (SQL of rows i, a, b, j) -> digest."""
    session = Database(parse_url(target_db.url)).connect()
    session.execute("CREATE TABLE public.t (i bigint, a text, b text, j json)")

    def of(rows, *, columns=FORMS, recode=False):
        session.execute("TRUNCATE public.t")
        with session.raw.cursor() as cursor:
            cursor.executemany("INSERT INTO public.t VALUES (%s, %s, %s, %s::pg_catalog.json)", rows)
        return session.one(digest_rows(TABLE, columns, only=True, where=None, recode=recode))

    yield of
    session.close()


@pytest.fixture
def digest_of(target_db):
    """A function (columns of the table, digest columns, SQL of one row) -> digest."""
    session = Database(parse_url(target_db.url)).connect()

    def of(definition, columns, values):
        session.execute("DROP TABLE IF EXISTS public.t")
        target_db.execute(f"CREATE TABLE public.t ({definition}); INSERT INTO public.t VALUES ({values})")
        return session.one(digest_rows(TABLE, columns, only=True, where=None, recode=False))

    yield of
    session.close()


@pytest.mark.parametrize(
    ("left", "right"),
    [("'{tf|8|abc}', 'x'", "NULL, 'abc}|1|x'"), ("'{tf|abc}', 'x'", "NULL, 'abc}|x'"), ("NULL, '|tf|x'", "NULL, 'x'")],
)
def test_an_array_that_looks_like_marks_of_nulls(left, right, digest_of):
    assert digest_of("s text[], a text", ARRAYS, left) != digest_of("s text[], a text", ARRAYS, right)


@pytest.mark.parametrize("other", ["'|t'", "'|tf'", "''", "'{t'"])
def test_a_single_text_that_looks_like_marks_of_nulls(other, digest_of):
    single: list[DigestColumn] = [("a", "measured", True)]
    assert digest_of("a text", single, "NULL") != digest_of("a text", single, other)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    left=st.tuples(*[st.none() | st.text("|tf{},1x", max_size=6)] * 3),
    right=st.tuples(*[st.none() | st.text("|tf{},1x", max_size=6)] * 3),
)
def test_texts_and_arrays_of_marks_and_separators(left, right, digest_of):
    columns: list[DigestColumn] = [("s", "plain", True), ("a", "measured", True), ("b", "measured", True)]

    def of(row):
        array, *texts = (sql.Literal(value).as_string(None) for value in row)
        array = "NULL" if row[0] is None else f"ARRAY[{array}]"
        return digest_of("s text[], a text, b text", columns, f"{array}, {texts[0]}, {texts[1]}")

    assert (of(left) == of(right)) == (left == right)


@pytest.mark.parametrize("kind", ["pair", "whole"])
def test_a_composite_of_nulls_is_a_value(kind, target_db, digest_of):
    target_db.execute("CREATE TYPE pair AS (x int, y int); CREATE DOMAIN whole AS pair")
    columns: list[DigestColumn] = [("p", "plain", True), ("q", "plain", True), ("v", "measured", True)]
    rows = ["NULL, ROW(NULL, NULL)::pair, 'x'", "ROW(NULL, NULL)::pair, NULL, 'x'", "NULL, NULL, '(,)|x'"]
    assert len({digest_of(f"p {kind}, q {kind}, v text", columns, row) for row in rows}) == len(rows)


def test_telling_composites_of_nulls_from_null_costs_other_columns_nothing(target_db):
    """The server takes it for the very test that IS NULL is."""
    target_db.execute("CREATE TABLE t (i int, a text, b text, j json)")
    with closing(Database(parse_url(target_db.url)).connect()) as session:
        asked = sql.SQL("EXPLAIN (VERBOSE) ") + digest_rows(TABLE, FORMS, only=True, where=None, recode=False)
        plan = "\n".join(line for (line,) in session.execute(asked))
    assert "IS NULL" in plan
    assert "DISTINCT FROM" not in plan


INSTANTS = [
    "2024-01-01 00:00:00", "2024-01-01 00:00:00.000001", "2024-01-01 01:11:34.967296", "1999-12-31 23:59:59.999999",
    "2000-01-01 00:00:00", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity", "-infinity",
]  # fmt: skip


def test_each_instant_counts_for_itself(digest_of):
    definition = "t timestamptz, u timestamp, i int"
    rows = [f"'{instant}', NULL, 1" for instant in INSTANTS] + [f"NULL, '{instant}', 1" for instant in INSTANTS]
    rows += ["NULL, NULL, 1", "NULL, NULL, NULL"]
    assert len({digest_of(definition, TIMES, row) for row in rows}) == len(rows)


TELL_APART = {
    "null and empty text": ([(1, None, "x", None)], [(1, "", "x", None)]),
    "null in another column": ([(1, None, "x", None)], [(1, "x", None, None)]),
    "null number": ([(None, "1", "x", None)], [(1, "1", "x", None)]),
    "text moved over a border": ([(1, "ab", "c", None)], [(1, "a", "bc", None)]),
    "separator in the text": ([(1, "a|1|b", "", None)], [(1, "a", "1|b", None)]),
    "marks of nulls in the text": ([(1, "{tf", None, None)], [(1, None, "{tf", None)]),
    "values swapped between rows": ([(1, "x", "", None), (2, "y", "", None)], [(1, "y", "", None), (2, "x", "", None)]),
    "a number folded to 32 bits": ([(1, "", "", None)], [(4294967296, "", "", None)]),
    "white space in json": ([(1, "", "", "[1]")], [(1, "", "", "[ 1]")]),
    "a row twice": ([(1, "", "", None)], [(1, "", "", None)] * 2),
    "a pair of rows, which XOR would cancel": ([], [(1, "", "", None)] * 2),
    "one row for another, twice": ([(1, "", "", None)] * 2, [(2, "", "", None)] * 2),
    "case": ([(1, "a", "", None)], [(1, "A", "", None)]),
    "trailing blank": ([(1, "a", "", None)], [(1, "a ", "", None)]),
    "composed and decomposed letters": ([(1, "\u00e9", "", None)], [(1, "e\u0301", "", None)]),
}


@pytest.mark.parametrize("name", TELL_APART)
@pytest.mark.parametrize(
    "facts", [{}, {"columns": SELF_DELIMITING}, {"recode": True}], ids=["record", "json", "recoded"]
)
def test_tells_apart(name, facts, digest):
    left, right = TELL_APART[name]
    assert digest(left, **facts) != digest(right, **facts)


ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
        st.none() | st.sampled_from(["", "|", "1|a", "{", "{tf", "0", "\\N", "(", '"']),
        st.none() | st.sampled_from(["1", "1.0", "[]", '""', ' "|1|"', "null"]),
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=ROWS, right=ROWS, columns=st.sampled_from([FORMS, SELF_DELIMITING]))
def test_equal_exactly_when_the_multisets_are(left, right, columns, digest):
    def key(rows):
        return sorted(map(repr, rows))

    assert (digest(left, columns=columns) == digest(right, columns=columns)) == (key(left) == key(right))


def test_every_single_bit_counts(digest):
    rows = [(n, f"name {n}", "x", None) for n in range(20)]
    whole = digest(rows)
    for bit in range(63):
        changed = [(rows[7][0] ^ (1 << bit), *rows[7][1:])]
        assert digest([*rows[:7], *changed, *rows[8:]]) != whole


def test_order_does_not_count(digest):
    rows = [(n, f"name {n}", None, None) for n in range(50)]
    assert digest(rows) == digest(rows[::-1])


def test_many_columns_need_no_more_arguments_than_a_call_takes(target_db):
    session = Database(parse_url(target_db.url)).connect()
    names = [f"c{n}" for n in range(300)]
    session.execute("CREATE TABLE public.t (i int)")
    for name in names:
        target_db.execute(f"ALTER TABLE public.t ADD {name} text")
    target_db.execute("INSERT INTO public.t (c0, c299) VALUES ('a', 'b')")
    columns: list[DigestColumn] = [(name, "measured", True) for name in names]
    before = session.one(digest_rows(TABLE, columns, only=True, where=None, recode=False))
    target_db.execute("UPDATE public.t SET c299 = NULL, c298 = 'b'")
    assert session.one(digest_rows(TABLE, columns, only=True, where=None, recode=False)) != before
    session.close()


@pytest.mark.parametrize("fixture", ["pg15", "pg17", "pg_a"])
def test_is_the_same_on_every_server(fixture, request):
    """Fixed values, so that a server that hashed otherwise would show."""
    server = request.getfixturevalue(fixture)
    session = Database(parse_url(server.url("postgres"))).connect()
    with session.transaction():
        session.execute("CREATE TABLE public.t (i bigint, a text, b text, j json, t timestamptz, u timestamp)")
        session.execute(
            "INSERT INTO public.t VALUES (1, 'x', NULL, '{}', '2024-02-29 12:00+02', '-infinity'),"
            " (NULL, '', 'z', NULL, NULL, NULL)"
        )
        columns = FORMS + TIMES[:2]
        found = session.one(digest_rows(TABLE, columns, only=True, where=None, recode=False))
        session.execute("DROP TABLE public.t")
    session.close()
    assert found == EXPECTED


EXPECTED = (2, "881415634852679620", "12832514437084287385")


def test_workers_share_the_work_and_a_row_is_spelled_once(target_db) -> None:
    with closing(Database(parse_url(target_db.url)).connect()) as session:
        session.execute("CREATE TABLE public.t (i bigint, a text, b text, j json)")
        session.execute("INSERT INTO public.t SELECT n, 'a' || n, 'b', '{}' FROM pg_catalog.generate_series(1, 5000) n")
        session.execute("SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0")
        session.execute("BEGIN")
        session.execute(PLANNING)
        sums = ComparedTable(
            TABLE, only=True, where=None, key=None, columns=FORMS, segmentation=cut(5000, None), recode=False
        ).sums(versions=True)
        inner = sums.as_string(session.raw).removeprefix("COPY (").removesuffix(") TO STDOUT")
        for query in (
            digest_rows(TABLE, FORMS, only=True, where=None, recode=False),
            sql.SQL(inner),
        ):
            plan = "\n".join(line for (line,) in session.execute(sql.SQL("EXPLAIN (VERBOSE, COSTS off) ") + query))
            assert re.search(r"Finalize \w*Aggregate.*Gather.*Partial \w*Aggregate", plan, re.DOTALL), plan
            # The scan makes the text, and what stands above it only names it: a copied expression is not in the scan.
            assert re.search(r"Scan on public\.t\n\s+Output: [^\n]*concat_ws", plan), plan
