"""Pagila with rows changed, deleted and added in every table of the target: ``sync --delete`` repairs just that."""

from __future__ import annotations

import pytest

from tests.acceptance.test_sync_pagila import PLACE, _load
from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.pair import pair_on, rows, run_sql

_TABLES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY 1
"""
_COUNT = "SELECT count(*) FROM (SELECT x.ctid, row_number() OVER (ORDER BY x.ctid) n FROM ONLY {} x) s WHERE n % 11 = 1"


@pytest.mark.skipif(PLACE is None, reason="NOT TESTED on Pagila: set DBSYNC_TEST_PAGILA to the folder of its scripts")
def test_pagila_is_repaired(servers, dbsync: Command) -> None:
    with pair_on(servers.source, servers.target) as make:
        pair = make()
        _load(servers.source.bindir, pair.source, "schema.sql", "data.sql")
        _load(servers.source.bindir, pair.target, "schema.sql")
        dbsync.sync(pair.source, pair.target).ended(0)
        names = [str(name) for (name,) in rows(pair.target, _TABLES)]
        gone = {name: int(str(rows(pair.target, _COUNT.format(name))[0][0])) for name in names}
        for name in names:
            run_sql(
                pair.target,
                f"SET session_replication_role = replica; DELETE FROM ONLY {name} WHERE ctid IN (SELECT ctid FROM "
                f"(SELECT x.ctid, row_number() OVER (ORDER BY x.ctid) n FROM ONLY {name} x) s WHERE n % 11 = 1);",
            )
        run_sql(
            pair.target,
            "SET session_replication_role = replica; UPDATE actor SET first_name = 'X' WHERE actor_id % 7 = 5;"
            "INSERT INTO category (category_id, name) VALUES (9001, 'own'), (9002, 'own too');",
        )
        altered = int(str(rows(pair.target, "SELECT count(*) FROM actor WHERE first_name = 'X'")[0][0]))
        done = dbsync.sync(pair.source, pair.target, "--delete").ended(0)
        assert oracle.differences(pair.source, pair.target) == [], done
        totals = done.result["totals"]
        assert (totals["rows_inserted"], totals["rows_updated"], totals["rows_deleted"]) == (
            sum(gone.values()), altered, 2,
        )  # fmt: skip
        again = dbsync.sync(pair.source, pair.target, "--delete").ended(0)
        assert again.result["totals"] == dict.fromkeys(again.result["totals"], 0), again
        assert oracle.leftovers(pair.target) == []
