"""``sync --create`` beyond tables and rows: what nothing copied feeds, what comes in between, what is not known."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psycopg
import pytest

from tests.faults.proxy import Fate, Message, Proxy
from tests.fixtures import oracle
from tests.fixtures.command import Command, Running
from tests.fixtures.pair import Pair, encoded, rows, run_sql

_TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, 'x' FROM generate_series(1, 10) g"


def _start(dbsync: Command, source: str, target: str, failpoint: str, seen: Path) -> Running:
    env = {"DBSYNC_FAILPOINT": failpoint, "DBSYNC_FAILPOINTS_REACHED": str(seen)}
    running = dbsync.start("sync", source, target, "--create", "--yes", "--json", env=env)
    point, deadline = failpoint.partition("=")[0], time.monotonic() + 20
    while not (seen.exists() and point in seen.read_text()):
        assert not running.over, running.wait()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return running


def test_a_view_that_reads_no_table_is_filled_too(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(
        pair.source,
        _TABLE,
        "CREATE MATERIALIZED VIEW calendar AS SELECT g FROM generate_series(1, 10) g;"
        "CREATE MATERIALIZED VIEW above AS SELECT count(*) FROM calendar;"
        "CREATE MATERIALIZED VIEW empty AS SELECT 1 WITH NO DATA",
    )
    planned = dbsync.run("sync", pair.source, pair.target, "--create", "--dry-run", "--json").ended(0)
    done = dbsync.run("sync", pair.source, pair.target, "--create", "--yes", "--json").ended(0)
    for result in (planned, done):
        assert {"table": "public.empty", "reason": "materialised view not populated in the source: left alone"} in (
            result.result["skipped"]
        ), result
    assert rows(pair.target, "SELECT count(*), (SELECT count FROM above) FROM calendar") == [[10, 10]]
    assert rows(pair.target, "SELECT relispopulated FROM pg_class WHERE relname = 'empty'") == [[False]]


def test_a_sequence_that_only_a_view_draws_from_is_set_too(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(
        pair.source,
        "CREATE SEQUENCE s; CREATE TABLE t (id int PRIMARY KEY, v text); CREATE VIEW through AS SELECT * FROM t;"
        "ALTER VIEW through ALTER id SET DEFAULT nextval('s');"
        "INSERT INTO through (v) SELECT 'x' FROM generate_series(1, 100)",
    )
    dbsync.run("sync", pair.source, pair.target, "--create", "--yes", "--json").ended(0)
    run_sql(pair.target, "INSERT INTO through (v) VALUES ('next')")
    assert rows(pair.target, "SELECT max(id) FROM t") == [[101]]


def test_the_state_of_a_trigger_that_cannot_be_made_keeps_nothing_from_being_made(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(
        pair.source,
        _TABLE,
        "CREATE FUNCTION same(text, text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';"
        "CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = same);"
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;"
        "CREATE TRIGGER odd BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.v OPERATOR(public.===) 'a') EXECUTE FUNCTION keep();"
        "CREATE TRIGGER even BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION keep();"
        "ALTER TABLE t DISABLE TRIGGER odd; ALTER TABLE t DISABLE TRIGGER even",
    )
    done = dbsync.run("sync", pair.source, pair.target, "--create", "--yes", "--json").ended(0)
    assert "odd" in " ".join(done.document["warnings"]), done
    assert rows(pair.target, "SELECT tgname::text, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal") == [
        ["even", "D"]
    ]


def test_what_fails_once_the_schema_is_made_is_not_called_unchanged(pairs, dbsync: Command, tmp_path: Path) -> None:
    pair: Pair = pairs()
    run_sql(pair.source, _TABLE)
    running = _start(dbsync, pair.source, pair.target, "after_schema_made=sleep:1", tmp_path / "seen")
    run_sql(pair.source, "ALTER TABLE t ADD COLUMN late int")
    error = running.wait().ended(6).error
    assert error["code"] == "DRIFT"
    assert "the schema is made" in error["hint"]
    assert rows(pair.target, "SELECT count(*) FROM t") == [[0]]


@pytest.mark.parametrize(
    "failpoint",
    ["after_schema_made=sleep:1", "after_lock=sleep:1", "before_commit=sleep:9"],
    ids=["early", "late", "cut"],
)
def test_a_run_that_is_stopped_says_that_the_schema_is_made(pairs, dbsync: Command, tmp_path: Path, failpoint) -> None:
    """Before it writes a row, while it does, and where it is cut off since it does not stop in time."""
    pair: Pair = pairs()
    run_sql(pair.source, _TABLE)
    running = _start(dbsync, pair.source, pair.target, failpoint, tmp_path / "seen")
    running.send(signal.SIGINT)
    error = running.wait(10).ended(130).error
    assert error["hint"].count("the schema is made") == 1
    assert rows(pair.target, "SELECT count(*) FROM t") == [[0]]


def test_a_target_that_got_a_table_since_it_was_looked_at_is_left_as_it_is(
    pairs, dbsync: Command, tmp_path: Path
) -> None:
    pair: Pair = pairs()
    run_sql(pair.source, _TABLE)
    running = _start(dbsync, pair.source, pair.target, "before_schema_made=sleep:1", tmp_path / "seen")
    run_sql(pair.target, "CREATE TABLE somebodys ()")
    error = running.wait().ended(4).error
    assert (error["code"], "public.somebodys" in error["message"]) == ("DRIFT", True)
    assert rows(pair.target, "SELECT to_regclass('t') IS NULL") == [[True]]


def test_comparing_the_schemas_at_the_end_can_be_stopped(pairs, dbsync: Command, tmp_path: Path) -> None:
    """The rows are in by then, and somebody holds a table in the source that a view reads."""
    pair: Pair = pairs()
    run_sql(pair.source, _TABLE, "CREATE VIEW through AS SELECT * FROM t")
    running = _start(dbsync, pair.source, pair.target, "before_conclusion=sleep:1", tmp_path / "seen")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with psycopg.connect(pair.source) as other:
        other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        while rows(pair.source, waiting) == [[0]]:
            assert not running.over, running.wait()
        running.send(signal.SIGTERM)
        result = running.wait(5)
    assert result.exit_code in (0, 143), result
    assert result.result["state"] == "succeeded", result
    assert "could not be compared" in " ".join(result.document["warnings"])
    assert oracle.differences(pair.source, pair.target) == []


def test_a_stop_does_not_settle_what_became_of_a_lost_commit(pairs, dbsync: Command, tmp_path: Path) -> None:
    """Reply to COMMIT lost, then Ctrl-C before the ledger could be asked: what the table holds is not known."""
    pair: Pair = pairs()
    run_sql(pair.source, _TABLE)
    loading: list[int] = []

    def hook(message: Message) -> Fate:
        if message.sender == "client" and b"COPY" in message.start and b"FROM STDIN" in message.start:
            loading.append(message.link)
        return Fate.LOSE if message.commits and message.link in loading else Fate.PASS

    with Proxy(pair.target) as proxy:
        proxy.hook = hook
        running = _start(dbsync, pair.source, proxy.url, "before_settle=sleep:1", tmp_path / "seen")
        running.send(signal.SIGINT)
        result = running.wait(10).ended(130)
    (table,) = result.tables().values()
    assert table["state"] == "stopped"
    assert "either its old or its new content" in table["error"]["message"], result
    assert "of 1 it is not known whether their COMMIT took place" in result.error["hint"], result
    assert oracle.differences(pair.source, pair.target) == [], "it did take place"


def test_a_view_that_cannot_be_filled_keeps_no_key_from_being_added(pairs, dbsync: Command) -> None:
    pair: Pair = pairs()
    run_sql(
        pair.source,
        _TABLE,
        "ALTER TABLE t ADD up int REFERENCES t;"
        "CREATE FUNCTION setting() RETURNS text LANGUAGE sql AS $$SELECT current_setting('app.name')$$;"
        "SET app.name = 'here'; CREATE MATERIALIZED VIEW m AS SELECT setting() AS name",
    )
    failed = dbsync.run("sync", pair.source, pair.target, "--create", "--yes", "--json").ended(6)
    assert "public.m cannot be refreshed" in failed.error["message"]
    assert "refresh it by hand" in failed.error["hint"]
    assert failed.result["created"]["foreign_keys"] == ["public.t: t_up_fkey"]

    run_sql(
        pair.target,
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET app.name = %L', current_database(), 'there'); END$$",
    )
    again = dbsync.run("sync", pair.source, pair.target, "--create", "--yes", "--json").ended(0)
    assert again.result["totals"]["rows_inserted"] == 0
    assert rows(pair.target, "SELECT name FROM m") == [["there"]]


def test_each_of_two_sequences_of_a_column_follows_its_own(pairs, dbsync: Command) -> None:
    both = (
        "CREATE TABLE orders (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY); CREATE TABLE zoo (id serial PRIMARY KEY);"
        "CREATE SEQUENCE invoice_no OWNED BY orders.id; CREATE SEQUENCE zoo_number OWNED BY zoo.id"
    )
    pair: Pair = pairs()
    created: Pair = pairs()
    run_sql(pair.target, both)
    run_sql(pair.source, both, "INSERT INTO orders SELECT FROM generate_series(1, 20)")
    run_sql(pair.source, "INSERT INTO zoo SELECT FROM generate_series(1, 30)")
    run_sql(pair.source, "SELECT setval('invoice_no', 5000), setval('zoo_number', 7000)")
    dbsync.sync(pair.source, pair.target).ended(0)
    dbsync.sync(pair.source, created.target, "--create").ended(0)
    for target in (pair.target, created.target):
        names = ("invoice_no", "orders_id_seq", "zoo_id_seq", "zoo_number")
        values = " UNION ALL ".join(f"SELECT '{name}', last_value::int FROM {name}" for name in names)
        assert rows(target, values) == [
            ["invoice_no", 5000],
            ["orders_id_seq", 20],
            ["zoo_id_seq", 30],
            ["zoo_number", 7000],
        ]


def test_a_sequence_of_a_view_is_left_alone_where_it_is_excluded(pairs, dbsync: Command) -> None:
    both = (
        "CREATE SEQUENCE s; CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW through AS SELECT * FROM t;"
        "ALTER VIEW through ALTER id SET DEFAULT nextval('s')"
    )
    for args, value in ((("--exclude", "public.through"), 1), ((), 100)):
        pair: Pair = pairs(both, "SELECT setval('s', 100)")
        dbsync.sync(pair.source, pair.target, *args).ended(0)
        assert rows(pair.target, "SELECT last_value::int FROM s") == [[value]]


def test_ranges_of_texts_are_planned_as_the_new_target_sorts_them(pairs, servers, dbsync: Command) -> None:
    """What is made takes the target's default collation: a dry run foretells what comes of it.

    The source's locale, which no machine need have, stands where the server reads none for the C library.
    """
    pair: Pair = pairs()
    column = "datlocale" if servers.source.major >= 17 else "daticulocale"
    schema = f"""
        CREATE TABLE root (name text) PARTITION BY RANGE (name);
        CREATE TABLE low PARTITION OF root FOR VALUES FROM (MINVALUE) TO ('m');
        CREATE TABLE high PARTITION OF root FOR VALUES FROM ('m') TO (MAXVALUE);
        INSERT INTO root VALUES ('a'), ('cherry'), ('nut');
        UPDATE pg_database SET {column} = 'en_US.UTF-8' WHERE datname = current_database();
    """
    with encoded(servers.source, "UTF8", schema) as source:
        args = ("sync", source, pair.target, "--create", "--json")
        planned = dbsync.run(*args, "--dry-run").ended(0)
        done = dbsync.run(*args, "--yes").ended(0)
    for result in (planned, done):
        (table,) = result.tables().values()
        assert table["table"] == "public.root", result
        assert "texts sort otherwise" in table["reason"], result
    assert rows(pair.target, "SELECT count(*), (SELECT count(*) FROM low) FROM root") == [[3, 2]]
