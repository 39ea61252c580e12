"""How many rows tables have: counted while there is time, else foreseen, and never said to be empty for want of both."""

from __future__ import annotations

from contextlib import closing

from dbsync.data.explore import explored
from dbsync.data.totals import Total, count_tables, listed_tables
from dbsync.pg.database import Database as Opened
from dbsync.urls import parse_url
from tests.fixtures.databases import Database

_TABLES = """
CREATE TABLE large (id int, t text); INSERT INTO large SELECT n, repeat('x', 100) FROM generate_series(1, 100000) n;
CREATE TABLE nothing (id int);
CREATE TABLE whole (at int) PARTITION BY LIST (at); CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
INSERT INTO whole SELECT 1 FROM generate_series(1, 7);
"""


def totals(database: Database, seconds: float) -> dict[str, Total]:
    with closing(Opened(parse_url(database.url), read_only=True).connect()) as session, explored(session) as explorer:
        found = count_tables(explorer, listed_tables(explorer), seconds=seconds)
        # The snapshot goes on after counts that were cancelled.
        assert session.one("SELECT pg_catalog.current_setting('statement_timeout')") == ("1min",)
        return {name.name: total for name, total in found.items()}


def test_with_time_every_table_is_counted_and_a_partitioned_one_once(source_db: Database) -> None:
    source_db.execute(_TABLES)
    found = totals(source_db, 30.0)
    assert found == {"large": Total(100_000, True), "nothing": Total(0, True), "whole": Total(7, True)}


def test_without_time_what_nobody_analysed_is_foreseen_by_its_size(source_db: Database) -> None:
    source_db.execute(_TABLES)
    found = totals(source_db, 0.0)
    assert not any(total.exact for total in found.values())
    assert 10_000 < (found["large"].rows or 0) < 1_000_000
