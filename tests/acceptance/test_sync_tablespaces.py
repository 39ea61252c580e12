"""Where the server keeps what a run builds again: tablespaces, which no folder of tests/cases can make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle
from tests.fixtures.databases import Servers
from tests.fixtures.pair import Pair, rows, run_sql, with_user

_SCHEMA = "CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL); CREATE INDEX plain ON t (v);"
_PLACES = (
    "SELECT relname::text, reltablespace::int FROM pg_class WHERE relname IN ('t_pkey', 'plain', 'far') ORDER BY 1"
)


@contextmanager
def _tablespace(name: str, servers: Servers, pair: Pair) -> Iterator[None]:
    """A tablespace of the target's server for the block, and no longer than what the pair keeps in it."""
    if servers.target.major < 15:
        pytest.skip("NOT TESTED: tablespaces without a directory of their own came with Postgres 15")
    with psycopg.connect(servers.target.url(), autocommit=True) as connection:
        connection.execute("SET allow_in_place_tablespaces = on")
        connection.execute(f"CREATE TABLESPACE {name} LOCATION ''".encode())
        try:
            yield
        finally:
            run_sql(pair.target, "DROP TABLE t; DROP SCHEMA IF EXISTS dbsync CASCADE")
            connection.execute(f"DROP TABLESPACE {name}".encode())


def test_indexes_that_are_built_again_stay_in_their_tablespaces(pairs, servers, called: CalledSync) -> None:
    """Also where the database prefers another one for all that is new."""
    mine = "INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 50) i;"
    theirs = "INSERT INTO t SELECT i, 'v' || 51 - i FROM generate_series(1, 50) i;"
    pair: Pair = pairs(_SCHEMA + "CREATE UNIQUE INDEX far ON t (v);", mine, theirs)
    with _tablespace("elsewhere", servers, pair):
        run_sql(
            pair.target,
            "ALTER INDEX far SET TABLESPACE elsewhere;"
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_tablespace = elsewhere', current_database()); END $$",
        )
        before = rows(pair.target, _PLACES)
        assert [place for _, place in before].count(0) == 2
        for args in ((), ("--mode", "replace", "--drop-indexes")):  # values are swapped; all is loaded
            called.sync(pair.source, pair.target, *args).ended(0)
            assert rows(pair.target, _PLACES) == before
            assert oracle.differences(pair.source, pair.target) == []


def test_indexes_stay_where_the_owner_may_not_build_them_again(pairs, servers, called: CalledSync) -> None:
    """The owner of the table lacks CREATE on the tablespace to which somebody else moved an index."""
    pair: Pair = pairs(
        _SCHEMA + "CREATE INDEX far ON t (v);",
        "INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 50) i;",
        "GRANT ALL ON SCHEMA public TO case_writer; ALTER TABLE t OWNER TO case_writer; INSERT INTO t VALUES (7, 'old')",
    )
    with _tablespace("forbidden", servers, pair):
        run_sql(pair.target, "ALTER INDEX far SET TABLESPACE forbidden")
        before = rows(pair.target, _PLACES)
        (kept,) = rows(pair.target, "SELECT 'far'::regclass::oid::int, 'plain'::regclass::oid::int")
        called.sync(pair.source, with_user(pair.target, "case_writer"), "--mode", "replace", "--drop-indexes").ended(0)
        (now,) = rows(pair.target, "SELECT 'far'::regclass::oid::int, 'plain'::regclass::oid::int")
        assert (now[0] == kept[0], now[1] == kept[1]) == (True, False)
        assert rows(pair.target, _PLACES) == before
        assert oracle.differences(pair.source, pair.target) == []
