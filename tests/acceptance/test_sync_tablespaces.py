"""Where the server keeps what a run builds again: tablespaces, which no folder of tests/cases can make."""

from __future__ import annotations

import psycopg
import pytest

from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle
from tests.fixtures.pair import Pair, rows, run_sql

_SCHEMA = "CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL); CREATE INDEX plain ON t (v);"
_PLACES = (
    "SELECT relname::text, reltablespace::int FROM pg_class WHERE relname IN ('t_pkey', 'plain', 'far') ORDER BY 1"
)


def test_indexes_that_are_built_again_stay_in_their_tablespaces(pairs, servers, called: CalledSync) -> None:
    """Also where the database prefers another one for all that is new."""
    if servers.target.major < 15:
        pytest.skip("NOT TESTED: tablespaces without a directory of their own came with Postgres 15")
    mine = "INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 50) i;"
    theirs = "INSERT INTO t SELECT i, 'v' || 51 - i FROM generate_series(1, 50) i;"
    with psycopg.connect(servers.target.url(), autocommit=True) as connection:
        connection.execute("SET allow_in_place_tablespaces = on")
        connection.execute("CREATE TABLESPACE elsewhere LOCATION ''")
    pair: Pair = pairs(_SCHEMA + "CREATE UNIQUE INDEX far ON t (v);", mine, theirs)
    try:
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
    finally:
        run_sql(pair.target, "DROP TABLE t; DROP SCHEMA IF EXISTS dbsync CASCADE")
        with psycopg.connect(servers.target.url(), autocommit=True) as connection:
            connection.execute("DROP TABLESPACE elsewhere")
