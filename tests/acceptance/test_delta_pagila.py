"""Pagila with rows changed, deleted and added in every table of the target: ``sync --delete`` repairs just that."""

from __future__ import annotations

import pytest

from tests.acceptance.test_sync_pagila import PLACE, _load
from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.pair import pair_on, rows, run_sql

# Each table, a whole number of its key, and a column outside every key that can be added to.
_TABLES = """
SELECT c.oid::regclass::text,
       (SELECT quote_ident(attname) FROM pg_index i JOIN pg_attribute a ON attrelid = indrelid AND attnum = ANY (indkey)
         WHERE indrelid = c.oid AND indisprimary AND atttypid IN ('int2'::regtype, 'int4'::regtype) ORDER BY attnum LIMIT 1),
       (SELECT quote_ident(attname) FROM pg_attribute a WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
           AND attname IN ('last_update', 'payment_id', 'amount') AND attnum <> ALL
             (SELECT unnest(indkey) FROM pg_index WHERE indrelid = c.oid AND indisunique) LIMIT 1)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY 1
"""
# Of every eleven rows one is deleted, one is changed, and one gets another key: one row too few and one too many.
_CHANGES = """
SET session_replication_role = replica;
CREATE TEMP TABLE numbered AS SELECT ctid AS at, row_number() OVER (ORDER BY ctid) % 11 AS part FROM ONLY {table};
DELETE FROM ONLY {table} WHERE ctid IN (SELECT at FROM numbered WHERE part = 1);
UPDATE ONLY {table} SET {column} = {column} + {step} WHERE ctid IN (SELECT at FROM numbered WHERE part = 2);
UPDATE ONLY {table} SET {key} = {key} + 20000 WHERE ctid IN (SELECT at FROM numbered WHERE part = 3);
DROP TABLE numbered;
"""
_COUNTS = """
SELECT count(*) FILTER (WHERE n % 11 IN (1, 3)), count(*) FILTER (WHERE n % 11 = 2), count(*) FILTER (WHERE n % 11 = 3)
  FROM (SELECT row_number() OVER () AS n FROM ONLY {}) s
"""
_NUMBERS = ("rows_inserted", "rows_updated", "rows_deleted")


@pytest.mark.skipif(PLACE is None, reason="NOT TESTED on Pagila: set DBSYNC_TEST_PAGILA to the folder of its scripts")
def test_pagila_is_repaired(servers, dbsync: Command) -> None:
    with pair_on(servers.source, servers.target) as make:
        pair = make()
        _load(servers.source.bindir, pair.source, "schema.sql", "data.sql")
        _load(servers.source.bindir, pair.target, "schema.sql")
        dbsync.sync(pair.source, pair.target).ended(0)
        expected: dict[str, list[object]] = {}
        for table, key, column in rows(pair.target, _TABLES):
            (expected[f"public.{table}"],) = rows(pair.target, _COUNTS.format(table))
            step = "interval '1 second'" if column == "last_update" else "1"
            run_sql(pair.target, _CHANGES.format(table=table, key=key, column=column, step=step))
        planned = dbsync.sync(pair.source, pair.target, "--delete", "--dry-run").ended(0)
        done = dbsync.sync(pair.source, pair.target, "--delete").ended(0)
        for result in (planned, done):
            found = {name: [table[number] for number in _NUMBERS] for name, table in result.tables().items()}
            assert found == expected, result
        assert all(all(numbers) for numbers in expected.values()), expected
        assert oracle.differences(pair.source, pair.target) == [], done
        again = dbsync.sync(pair.source, pair.target, "--delete").ended(0)
        assert again.result["totals"] == dict.fromkeys(again.result["totals"], 0), again
        assert oracle.leftovers(pair.target) == []
