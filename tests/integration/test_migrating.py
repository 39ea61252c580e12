"""A plan is applied, refused, taken up and taken back as its ledger and the target's catalogs say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from dbsync.control import Control
from dbsync.errors import ConnectionLost, ConsentMissing, Interrupted, Refused, StalePlan, TargetBusy
from dbsync.events import Event, StatementState, silent
from dbsync.migrating import ApplyReport, OpenMigration, open_migration
from dbsync.migration import MigrationOptions, make_plan, verify_plan
from dbsync.pg import migrations
from dbsync.pg.database import Database
from dbsync.schema.diff import schema_fingerprint
from dbsync.schema.objects import Ref
from dbsync.schema.plan import End, MigrationPlan, Proof, Statement
from dbsync.schema.plan_file import read_plan, to_text
from dbsync.schema.snapshot import take_snapshot
from dbsync.urls import DatabaseUrl, parse_url
from tests.fixtures.databases import fresh_database
from tests.fixtures.pair import Pair, rows, run_sql, with_user

BOTH = """
    CREATE TYPE mood AS ENUM ('a', 'c');
    CREATE TABLE orders (id int PRIMARY KEY, total int, note text, m mood DEFAULT 'a');
    CREATE TABLE items (id int PRIMARY KEY, "order" int);
    CREATE VIEW totals AS SELECT id, total FROM orders;
"""
WANTED = """
    DROP VIEW totals;
    ALTER TABLE orders DROP note, ALTER total TYPE bigint, ALTER total SET NOT NULL;
    CREATE VIEW totals AS SELECT id, total FROM orders;
    CREATE TABLE fresh (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "a %s {} : ;" mood DEFAULT 'b');
    ALTER TABLE items ADD FOREIGN KEY ("order") REFERENCES orders;
    CREATE INDEX ON items ("order");
"""
LABEL = "ALTER TYPE mood ADD VALUE 'b' BEFORE 'c'"  # committed before it is used
ROWS = "INSERT INTO orders VALUES (1, 10, 'n', 'a'), (2, 20, NULL, 'c'); INSERT INTO items VALUES (1, 1), (2, NULL);"
LOSSES = frozenset({"DELETES_DATA"})
_GONE_S = 5.0  # the server takes a moment to end the session of the run before, and lets go of its lock then


@pytest.fixture
def changed(pairs):
    """Make a pair with everything that is wanted in the source."""

    def make(theirs: str = "") -> Pair:
        pair: Pair = pairs(BOTH, "", theirs)
        run_sql(pair.source, LABEL, WANTED)
        return pair

    return make


def database(url: str) -> Database:
    return Database(parse_url(url))


@pytest.fixture
def planned(pg_b):
    """Plan, on a shadow beside the target."""

    def plan(pair: Pair, **options) -> MigrationPlan:
        options.setdefault("shadow", parse_url(pg_b.url()))
        found = make_plan(
            replace(database(pair.source), read_only=True), database(pair.target), MigrationOptions(**options)
        )
        text = to_text(found, created_at="2026-01-01T00:00:00+00:00", dbsync_version="0")
        assert read_plan(text, "plan.json") == found
        return found

    return plan


def applied(plan: MigrationPlan, pair: Pair, *, allow: frozenset[str] = LOSSES, **settings) -> ApplyReport:
    direction = settings.pop("direction", "up")
    emit = settings.pop("emit", silent)
    unproved = settings.pop("unproved", False)
    control = settings.pop("control", None)
    target = database(pair.target)
    with open_migration(plan, target, direction=direction, patience=_GONE_S, emit=emit, control=control) as opened:
        opened.prepare(allow=allow, unproved=unproved)
        return opened.run(**settings)


@contextmanager
def prepared(plan: MigrationPlan, pair: Pair, direction="up", **options) -> Iterator[OpenMigration]:
    with open_migration(plan, database(pair.target), direction=direction, patience=_GONE_S) as opened:
        opened.prepare(**options)
        yield opened


def history(pair: Pair) -> list[migrations.MigrationRecord]:
    session = database(pair.target).connect()
    try:
        return migrations.history(session)
    finally:
        session.close()


def states(report: ApplyReport) -> list[str]:
    return [result.state for result in report.statements]


def shadows_left(pair: Pair) -> list[list[object]]:
    return rows(pair.target, "SELECT datname FROM pg_database WHERE datname ~ '^dbsync_shadow'")


def test_a_plan_is_applied_once_and_taken_back(changed, planned):
    pair = changed(ROWS)
    plan = planned(pair)
    assert (plan.proof.state, plan.undo_proof.state, plan.unplanned) == ("proved", "proved", ()), plan
    with pytest.raises(ConsentMissing) as refusal, prepared(plan, pair):
        pass
    assert refusal.value.details == {"hazards": ["DELETES_DATA"]}
    assert "public.orders.note" in refusal.value.message

    told: list[Event] = []
    report = applied(plan, pair, emit=told.append)
    assert (report.state, report.verified, report.differences) == ("succeeded", True, ())
    assert set(states(report)) == {"done"}
    done = [event.number for event in told if isinstance(event, StatementState) and event.state == "done"]
    assert sorted(done) == list(range(1, len(plan.statements) + 1))
    assert rows(pair.target, "SELECT id, total, m::text FROM orders ORDER BY id") == [[1, 10, "a"], [2, 20, "c"]]
    (record,) = history(pair)
    assert (record.state, record.direction, record.done, record.unfinished) == ("succeeded", "up", len(done), False)
    again = planned(pair)
    assert (again.statements, again.undo, again.proof.state, again.expected) == ((), (), "proved", plan.expected)
    assert again.proof.judges == plan.proof.judges, "both judges were asked"

    with prepared(plan, pair) as again:
        assert again.pending == ()
        assert again.run().verified
    assert len(history(pair)) == 1, "nothing was run, so nothing is noted"

    back = applied(plan, pair, direction="down", allow=frozenset({"DELETES_DATA"}))
    assert (back.state, back.verified) == ("succeeded", True)
    assert rows(pair.target, "SELECT id, total, note, m::text FROM orders ORDER BY id") == [
        [1, 10, None, "a"], [2, 20, None, "c"],
    ]  # fmt: skip
    assert [record.direction for record in history(pair)] == ["down", "up"]
    assert applied(plan, pair).verified, "and there again"


def test_what_moved_since_the_plan_is_refused_and_nothing_is_changed(changed, planned):
    pair = changed(ROWS)
    plan = planned(pair)
    run_sql(pair.target, "ALTER TABLE items ADD more text")
    for refused in (lambda: applied(plan, pair), lambda: applied(plan, pair, direction="down")):
        with pytest.raises(StalePlan):
            refused()
    run_sql(pair.target, "ALTER TABLE items DROP more")
    with prepared(plan, pair, allow=LOSSES) as opened:
        run_sql(pair.target, "ALTER TABLE items ADD more text")  # while a person thinks about the question
        with pytest.raises(StalePlan):
            opened.run()
    assert history(pair) == []
    assert rows(pair.target, "SELECT to_regnamespace('dbsync') IS NULL") == [[True]]


def test_a_plan_without_a_way_back_does_not_say_that_it_went_back(changed, planned):
    pair = changed(ROWS)
    plan = planned(pair)
    applied(plan, pair)
    nowhere = replace(plan, undo=(), undo_proof=Proof(state="differs", differences=("partition public.a",)))
    for unproved in (False, True):
        with pytest.raises(Refused, match="lead back: partition public.a") as refusal:
            applied(nowhere, pair, direction="down", unproved=unproved)
        assert refusal.value.code == "NO_UNDO"
    assert [record.direction for record in history(pair)] == ["up"]


def test_a_plan_of_nothing_that_a_judge_found_different_is_not_said_to_be_done(pairs, planned):
    pair = pairs(BOTH)
    plan = planned(pair)
    assert (plan.statements, plan.proof.state) == ((), "proved")
    with prepared(plan, pair) as opened:
        assert opened.pending == ()
    different = replace(plan, proof=Proof(state="differs", differences=("pg_dump: table public.orders",)))
    with pytest.raises(Refused, match="public.orders") as refusal, prepared(different, pair):
        pass
    assert refusal.value.code == "UNPROVED"


def test_rows_that_do_not_fit_are_counted_before_anything_is_changed(changed, planned):
    pair = changed(ROWS + "INSERT INTO orders VALUES (3), (4); INSERT INTO items VALUES (5, 99)")
    plan = planned(pair)
    with pytest.raises(Refused) as refusal:
        applied(plan, pair)
    assert refusal.value.code == "DATA_IN_THE_WAY"
    assert "2 rows" in refusal.value.message
    assert "1 row" in refusal.value.message
    assert history(pair) == []


def test_a_lock_is_waited_for_again_and_again(pairs, planned):
    pair = pairs(BOTH, "ALTER TABLE orders ADD more int", ROWS)
    plan = planned(pair)
    told: list[Event] = []
    with psycopg.connect(pair.target) as other:
        other.execute("SELECT FROM orders")

        def tell(event: Event) -> None:
            told.append(event)
            if isinstance(event, StatementState) and event.state == "retry":
                other.rollback()

        report = applied(plan, pair, emit=tell, lock_timeout_ms=200, statement_timeout_ms=2000)
    assert (report.state, report.verified) == ("succeeded", True)
    assert report.statements[0].tries > 1
    assert "retry" in [event.state for event in told if isinstance(event, StatementState)]


def test_a_statement_that_takes_too_long_is_no_lock_and_is_not_tried_again(pairs):
    pair = pairs()
    slow = Statement(sql="DO $$BEGIN PERFORM pg_sleep(30); END$$", ref=Ref("table", "public", "t"), action="alter")
    report = applied(hand_made(pair, slow), pair, unproved=True, statement_timeout_ms=300, lock_timeout_ms=300)
    assert (report.state, report.statements[0].tries) == ("failed", 1)
    assert report.error is not None
    assert report.error.sqlstate == "57014"
    assert report.statements[0].elapsed_s < 5


def hand_made(pair: Pair, *statements: Statement) -> MigrationPlan:
    """A plan of these statements, each in a transaction of its own, that nobody proved."""
    session = database(pair.target).connect()
    try:
        end = End(name="x", database="x", server_version="18", fingerprint=schema_fingerprint(take_snapshot(session)))
    finally:
        session.close()
    numbered = tuple(replace(statement, group=number) for number, statement in enumerate(statements))
    return MigrationPlan(source=end, target=end, options={}, statements=numbered)


def test_a_plan_that_failed_half_way_is_taken_up_where_it_stopped(pairs):
    pair = pairs("CREATE TABLE t (id int)", theirs="INSERT INTO t VALUES (1), (1)")
    index = Ref("index", "public", "i %s")
    plan = hand_made(
        pair,
        Statement(sql="CREATE TABLE public.first ()", ref=Ref("table", "public", "first"), action="create"),
        Statement(
            sql='CREATE UNIQUE INDEX CONCURRENTLY "i %s" ON public.t (id)', ref=index, action="create",
            transactional=False,
        ),
        Statement(sql="CREATE TABLE public.last ()", ref=Ref("table", "public", "last"), action="create"),
    )  # fmt: skip
    with pytest.raises(Refused) as refusal:
        applied(plan, pair)
    assert refusal.value.code == "UNPROVED"
    report = applied(plan, pair, unproved=True)
    assert (report.state, states(report)) == ("failed", ["done", "failed", "pending"])
    assert report.error is not None
    assert "statement 2" in report.error.message
    assert "1 of 3 statements are committed: run the same command again" in (report.error.hint or "")
    (record,) = history(pair)
    assert (record.state, record.done, record.unfinished) == ("failed", 1, True)
    assert rows(pair.target, "SELECT indisvalid FROM pg_index WHERE indexrelid = '\"i %s\"'::regclass") == [[False]]

    other = hand_made(pair, Statement(sql="SELECT 1", ref=Ref("table", "public", "t"), action="alter"))
    run_sql(pair.target, "DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)")
    with pytest.raises(StalePlan, match="half done"), prepared(replace(other, target=plan.target), pair, unproved=True):
        pass
    with prepared(plan, pair, unproved=True) as opened:
        assert (opened.resumed, len(opened.pending)) == (True, 2)
        again = opened.run()
    assert (again.state, states(again), again.migration_id) == ("succeeded", ["done"] * 3, record.migration_id)
    assert rows(pair.target, "SELECT indisvalid FROM pg_index WHERE indexrelid = '\"i %s\"'::regclass") == [[True]]
    (record,) = history(pair)
    assert (record.state, record.done, record.unfinished, record.error) == ("succeeded", 3, False, None)


def test_an_outcome_that_the_plan_did_not_promise_is_told_in_the_ledger(pairs):
    pair = pairs()
    plan = hand_made(pair, Statement(sql="CREATE TABLE public.t ()", ref=Ref("table", "public", "t"), action="create"))
    plan = replace(plan, expected="what it promised")
    for _ in range(2):  # taken back by hand, it can be applied again
        report = applied(plan, pair, unproved=True)
        assert (states(report), report.verified) == (["done"], False)
        record = history(pair)[0]
        assert (record.state, record.done, record.unfinished) == ("succeeded", 1, False)
        assert "not what the plan promised" in (record.error or "")
        run_sql(pair.target, "DROP TABLE t")


def test_a_failing_transaction_takes_its_statements_back(pairs):
    pair = pairs("CREATE TABLE t (id int)")
    table = Ref("table", "public", "t")
    plan = hand_made(
        pair,
        Statement(sql="ALTER TABLE public.t ADD a int", ref=table, action="alter"),
        Statement(sql="ALTER TABLE public.t ADD id int", ref=table, action="alter"),
    )
    plan = replace(plan, statements=tuple(replace(statement, group=0) for statement in plan.statements))
    report = applied(plan, pair, unproved=True)
    assert (report.state, states(report)) == ("failed", ["pending", "failed"])
    (record,) = history(pair)
    assert (record.state, record.done, record.unfinished) == ("failed", 0, False)
    assert rows(pair.target, "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0") == [[1]]


def test_a_stop_ends_the_statement_that_runs(pairs):
    pair = pairs()
    slow = Statement(sql="DO $$BEGIN PERFORM pg_sleep(30); END$$", ref=Ref("table", "public", "t"), action="alter",
                     timeout_ms=60_000)  # fmt: skip
    plan = hand_made(pair, slow)
    control = Control()

    def stop_soon(event: Event) -> None:
        threading.Timer(0.3, lambda: control.stop(Interrupted())).start()

    report = applied(plan, pair, unproved=True, control=control, emit=stop_soon)
    assert (report.state, report.statements[0].elapsed_s < 10) == ("stopped", True)
    assert isinstance(report.error, Interrupted)
    assert history(pair)[0].state == "stopped"


def test_a_connection_that_breaks_is_told_and_the_plan_goes_on(pairs):
    pair = pairs()
    table = Ref("table", "public", "t")
    cut = "DO $$BEGIN IF NOT EXISTS (SELECT FROM public.t) THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; END$$"
    plan = hand_made(
        pair,
        Statement(sql="CREATE TABLE public.t (id int)", ref=table, action="create"),
        Statement(sql=cut, ref=table, action="alter"),
    )
    report = applied(plan, pair, unproved=True)
    assert (report.state, states(report)[0], isinstance(report.error, ConnectionLost)) == ("failed", "done", True)
    assert report.error is not None
    assert "the connection broke: run the same command again" in (report.error.hint or "")
    assert [(record.state, record.done) for record in history(pair)] == [("running", 1)]
    run_sql(pair.target, "INSERT INTO t VALUES (1)")
    assert applied(plan, pair, unproved=True).state == "succeeded"
    assert [(record.state, record.done) for record in history(pair)] == [("succeeded", 2)]


def test_only_one_at_a_time_holds_the_target(changed, planned):
    pair = changed()
    plan = planned(pair)
    with prepared(plan, pair, allow=LOSSES), pytest.raises(TargetBusy), prepared(plan, pair):
        pass


@pytest.mark.parametrize("where", ["target", "server", "embedded"])
def test_a_shadow_leaves_nothing_behind(where, changed, planned, pg_b):
    pair = changed()
    places: dict[str, str | DatabaseUrl | None] = {
        "target": "target", "server": parse_url(pg_b.url()), "embedded": None,
    }  # fmt: skip
    shadow = places[where]
    plan = planned(pair, shadow=shadow)
    assert (plan.proof.state, plan.proof.judges[0]) == ("proved", "snapshot")
    assert len(plan.proof.judges) == 2
    assert shadows_left(pair) == []
    proof = verify_plan(plan, database(pair.target), shadow=shadow)
    assert proof.state == "proved"
    wrong = replace(plan, statements=tuple(one for one in plan.statements if one.ref.kind != "index"))
    assert verify_plan(wrong, database(pair.target), shadow=shadow).state == "differs"
    broken = replace(plan, statements=(replace(plan.statements[0], sql="SELECT 1/0"), *plan.statements[1:]))
    failed = verify_plan(broken, database(pair.target), shadow=shadow)
    assert (failed.state, failed.failed_at) == ("failed", 1)
    assert shadows_left(pair) == []


def test_where_no_copy_can_be_made_the_plan_says_why_and_is_not_proved(pairs, planned, pg_b):
    pair = pairs("CREATE TABLE t (id int); GRANT ALL ON t TO case_writer", "ALTER TABLE t ADD b int")
    poor = with_user(pair.target, "case_writer")
    plan = planned(Pair(pair.source, poor), shadow="target")
    assert (plan.proof.state, plan.undo) == ("not run", ())
    assert "permission denied to create database" in (plan.proof.reason or "")
    assert "CREATEDB" in (plan.proof.reason or "")
    assert shadows_left(pair) == []
    assert [one.sql for one in plan.statements] == ["ALTER TABLE public.t ADD COLUMN b integer"]
    assert planned(Pair(pair.source, poor)).proof.state == "proved", "an embedded or own server knows no such rights"


def test_an_extension_that_the_shadow_lacks_leaves_the_plan_unproved(pg17, pg_b, planned):
    with fresh_database(pg17) as source, fresh_database(pg17) as target:
        for one in (source, target):
            one.execute("CREATE EXTENSION pgcrypto", "CREATE TABLE t (id int)")
        source.execute("ALTER TABLE t ADD b int")
        pair = Pair(source.url, target.url)
        if pg_b.major != 17:
            assert 'extension "pgcrypto" is not available' in (planned(pair).proof.reason or "")
        assert planned(pair, shadow=None).proof.state == "proved"


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_shadow_has_the_encoding_of_the_target(encoding, pairs, planned, pg_b):
    pair = pairs("CREATE TABLE t (id int)")
    name = f"in_{encoding.lower()}_{pair.target.rpartition('/')[2]}"
    provider = "LOCALE_PROVIDER libc" if pg_b.major >= 15 else ""
    run_sql(
        pg_b.url(),
        f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0 {provider}",
    )
    try:
        there = Pair(pair.source, pg_b.url(name))
        plan = planned(there)
        assert (plan.proof.state, plan.undo_proof.state) == ("proved", "proved")
        assert applied(plan, there).verified
    finally:
        run_sql(pg_b.url(), f"DROP DATABASE {name}")
