"""Leaves that are chosen beside tables that refer to their root, or without: the foreign key counts for them."""

from __future__ import annotations

import time

import psycopg
import pytest

from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.pair import ROLES, Pair, rows, run_sql, with_user

_SCHEMA = """
CREATE TABLE orders (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE orders_eu PARTITION OF orders FOR VALUES IN ('eu');
CREATE TABLE orders_us PARTITION OF orders FOR VALUES IN ('us');
CREATE TABLE items (id int PRIMARY KEY, oid int, region text, kind text,
                    FOREIGN KEY (oid, region) REFERENCES orders ON DELETE CASCADE);
"""
_BOTH = """
INSERT INTO orders SELECT i, CASE WHEN i % 2 = 0 THEN 'eu' ELSE 'us' END, 'v' FROM generate_series(1, 40) i;
INSERT INTO items SELECT i, i, region, CASE WHEN i % 3 = 0 THEN 'x' ELSE 'y' END FROM orders, LATERAL (SELECT id AS i) n;
"""
_CHOSEN = ("--tables", "orders_eu", "--tables", "items")


def test_an_order_and_its_items_arrive_together(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _BOTH, _BOTH)
    run_sql(
        pair.source,
        "INSERT INTO orders VALUES (100, 'eu', 'new'); INSERT INTO items VALUES (100, 100, 'eu', 'x');"
        "DELETE FROM orders WHERE id = 4; UPDATE orders SET v = 'w' WHERE id = 6",
    )
    planned = dbsync.run("sync", pair.source, pair.target, *_CHOSEN, "--delete", "--dry-run", "--json").ended(0)
    done = dbsync.sync(pair.source, pair.target, *_CHOSEN, "--delete").ended(0)
    assert oracle.differences(pair.source, pair.target) == []
    for number in ("rows_inserted", "rows_updated", "rows_deleted"):
        assert planned.result["totals"][number] == done.result["totals"][number], number


def test_an_action_does_not_reach_rows_outside_the_filter(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _BOTH, _BOTH)
    run_sql(pair.source, "DELETE FROM orders WHERE id = 4")  # its item is of the kind y
    before = oracle.take(pair.target)
    refused = dbsync.sync(pair.source, pair.target, *_CHOSEN, "--where", "items: kind = 'x'", "--delete").ended(4)
    assert "rows of public.items that do not match --where refer" in refused.error["message"], refused
    assert oracle.all_changes(before, oracle.take(pair.target)) == []


@pytest.mark.parametrize("jobs", ["1", "4"])
@pytest.mark.parametrize("owner", [True, False])
def test_no_item_is_lost_when_leaves_are_replaced(owner: bool, jobs: str, pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _BOTH, _BOTH)
    run_sql(pair.source, "UPDATE items SET kind = repeat('z', 500); UPDATE orders SET v = 'w' WHERE region = 'eu'")
    target = pair.target
    if not owner:
        run_sql(
            target,
            f"GRANT USAGE ON SCHEMA public TO {ROLES[0]}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLES[0]}",
        )
        target = with_user(target, ROLES[0])
    dbsync.sync(pair.source, target, *_CHOSEN, "--mode", "replace", "--no-ledger", "-j", jobs).ended(0)
    assert rows(pair.target, "SELECT count(*) FROM items") == [[40]]
    assert oracle.differences(pair.source, pair.target) == []


def test_what_dropping_a_key_to_a_root_locks_is_locked_in_name_order(pairs, dbsync: Command) -> None:
    """Who waits for the first of these tables holds none of the others against readers: nobody meets it crosswise."""
    schema = (
        _SCHEMA + "CREATE UNIQUE INDEX one ON orders_eu (v); CREATE TABLE a PARTITION OF orders FOR VALUES IN ('a');"
    )
    pair: Pair = pairs(schema)
    for url, values in ((pair.source, "12"), (pair.target, "21")):
        run_sql(
            url,
            "INSERT INTO orders VALUES (1, 'eu', '{}'), (2, 'eu', '{}'); INSERT INTO items VALUES (1, 1, 'eu')".format(
                *values
            ),
        )
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass"
    held = "SELECT relation::regclass::text FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock'"
    with psycopg.connect(pair.target) as holder:
        holder.execute("LOCK TABLE a IN ACCESS SHARE MODE")
        running = dbsync.start("sync", pair.source, pair.target, "--yes", "--json", *_CHOSEN)
        while rows(pair.target, waits) != [[1]]:
            assert not running.over, running.wait()
            time.sleep(0.02)
        ours = f"{held} AND relation IN ('items'::regclass, 'orders'::regclass, 'orders_eu'::regclass)"
        assert rows(pair.target, ours) == []
        holder.rollback()
        running.wait(30).ended(0)
    assert oracle.differences(pair.source, pair.target) == []


def test_a_dry_run_foresees_that_rows_of_an_excluded_partition_would_be_reached(pairs, dbsync: Command) -> None:
    """Deleted, or changed: by the foreign key of the root, which is one of the run's own."""
    pair: Pair = pairs(
        "CREATE TABLE p (id int PRIMARY KEY, code int UNIQUE);"
        "CREATE TABLE c (id int, p int REFERENCES p ON DELETE SET NULL, code int REFERENCES p (code) ON UPDATE CASCADE)"
        "  PARTITION BY RANGE (id);"
        "CREATE TABLE c_old PARTITION OF c FOR VALUES FROM (0) TO (100);"
        "CREATE TABLE c_new PARTITION OF c FOR VALUES FROM (100) TO (200);",
        "INSERT INTO p VALUES (1, 11); INSERT INTO c VALUES (100, 1, 11);",
        "INSERT INTO p VALUES (1, 10), (7, 70); INSERT INTO c VALUES (100, 1, NULL), (5, 7, NULL), (6, NULL, 10);",
    )
    args = ("--delete", "--max-delete", "100%", "--exclude", "public.c_old")
    planned = dbsync.sync(pair.source, pair.target, *args, "--dry-run").ended(0)
    assert sorted(said.partition(" to rows")[0] for said in planned.result["would_refuse"]) == [
        f"1 rows of public.c_old, which is not selected, refer by foreign key {key}"
        for key in ("c_code_fkey (ON UPDATE CASCADE)", "c_p_fkey (ON DELETE SET NULL)")
    ]
    dbsync.sync(pair.source, pair.target, *args).ended(4)
    run_sql(pair.target, "DELETE FROM c_old")
    dbsync.sync(pair.source, pair.target, *args).ended(0)
    assert oracle.differences(pair.source, pair.target) == []
