"""COPY from one or several sessions into another: every row once, whatever the form and the size of a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from psycopg import sql

from dbsync.model import TableName
from dbsync.pg import statements
from dbsync.pg.copy import Copied, copy_rows
from dbsync.pg.database import Database, Session
from dbsync.urls import parse_url

TABLE, COLUMNS = TableName("public", "t"), ["id", "note"]
# Short rows, rows of about a block (64 KiB), and one of several blocks.
ROWS = """
    CREATE TABLE public.t (id int, note text);
    INSERT INTO public.t SELECT n, CASE WHEN n % 5000 = 7 THEN repeat('x', 60000 + n) ELSE 'row ' || n END
      FROM generate_series(1, 20000) n;
    INSERT INTO public.t SELECT 0, string_agg(md5(n::text), '') FROM generate_series(1, 20000) n;
"""


class Unhurried:
    """A pace that never stops and never rests."""

    def check(self) -> None:
        """Go on."""

    def rest(self, count: int) -> float:
        """Do not."""
        return 0.0


def ranges(binary: bool, pages: int) -> Iterator[sql.Composed]:
    for first in range(0, 400, pages):
        rows = statements.select_rows(
            TABLE, COLUMNS, only=True, where=None, pages=(first, first + pages if first + pages < 400 else None)
        )
        yield statements.copy_out(rows, binary=binary)


def copy(readers: list[Session], queries: Iterator[sql.Composed], writer: Session, binary: bool) -> Copied:
    into = statements.copy_in(TABLE, COLUMNS, binary=binary)
    told = [0, 0]

    def progress(rows: int, count: int) -> None:
        told[0] += rows
        told[1] += count

    copied = copy_rows(
        readers, queries, writer, into, binary=binary, pace=Unhurried(), progress=progress, large=len(readers) > 1
    )
    assert told == [copied.rows, copied.bytes]
    return copied


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("readers", [1, 2, 3])
def test_readers_that_share_the_ranges_of_a_table_move_every_row_once(source_db, target_db, readers, binary):
    source_db.execute(ROWS)
    target_db.execute("CREATE TABLE public.t (id int, note text)")
    with ExitStack() as stack:
        sessions = [
            stack.enter_context(closing(Database(parse_url(source_db.url), read_only=True).connect()))
            for _ in range(readers)
        ]
        writer = stack.enter_context(closing(Database(parse_url(target_db.url)).connect()))
        queries = ranges(binary, 40)
        if readers == 1:
            queries = iter([statements.copy_table_out(TABLE, COLUMNS, binary=binary)])
        assert copy(sessions, queries, writer, binary).rows == 20001
    found = "SELECT id, note FROM public.t ORDER BY id"
    assert target_db.query(found) == source_db.query(found)


def test_a_table_is_copied_without_its_children(source_db, target_db):
    source_db.execute("CREATE TABLE public.t (id int, note text); INSERT INTO public.t VALUES (1, 'a')")
    source_db.execute("CREATE TABLE public.child () INHERITS (public.t); INSERT INTO public.child VALUES (2, 'b')")
    target_db.execute("CREATE TABLE public.t (id int, note text)")
    with (
        closing(Database(parse_url(source_db.url), read_only=True).connect()) as reader,
        closing(Database(parse_url(target_db.url)).connect()) as writer,
    ):
        query = statements.copy_table_out(TABLE, COLUMNS, binary=True)
        assert copy([reader], iter([query]), writer, binary=True).rows == 1
    assert target_db.query("SELECT id, note FROM public.t") == [(1, "a")]
