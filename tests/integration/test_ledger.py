"""The ledger in the target: made and upgraded whole, owned by one role, and the judge of who may write."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import LiteralString

import pytest

from dbsync.errors import ConfigError, DbsyncError, Fenced, Refused, TargetBusy
from dbsync.model import TableName
from dbsync.pg import ledger, runs, statements
from dbsync.pg.database import Database, Session
from dbsync.pg.identity import DatabaseIdentity, identify
from dbsync.pg.ledger import STEPS, Client, TableRecord
from dbsync.pg.ledger_memory import (
    QuarantinedRow,
    Signature,
    forget_signature,
    quarantine,
    quarantined,
    read_cursor,
    read_signatures,
    write_cursor,
    write_signature,
)
from dbsync.pg.reflect import reflect
from dbsync.urls import parse_url
from tests.fixtures.databases import Database as Fresh
from tests.fixtures.pair import with_user

SOURCE = DatabaseIdentity("7000000000000000001", 16384, "app")
ORDERS, ITEMS = TableName("public", "orders"), TableName("odd.schema", 'It"ems')
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('dbsync') AND relkind = 'r' ORDER BY 1"
FAKE_STEP = "ALTER TABLE dbsync.run ADD COLUMN fake pg_catalog.int4; CREATE TABLE dbsync.fake (a pg_catalog.int4)"


@pytest.fixture
def connect(target_db: Fresh) -> Iterator[Callable[..., Session]]:
    """Open sessions on the target; they end with the test."""
    with ExitStack() as stack:

        def opened(user: str | None = None) -> Session:
            url = with_user(target_db.url, user) if user else target_db.url
            session = Database(parse_url(url)).connect(settings={"lock_timeout": "700ms"})
            return stack.enter_context(closing(session))

        yield opened


@pytest.fixture
def session(connect: Callable[..., Session]) -> Session:
    """A session on a target that has a ledger."""
    opened = connect()
    assert ledger.open_ledger(opened) == ledger.Ledger(len(STEPS))
    return opened


def begin(session: Session, run_id: str, source: DatabaseIdentity = SOURCE) -> int:
    return ledger.begin_run(
        session,
        run_id=run_id,
        source=source,
        snapshot="00000003-0000001B-1",
        options={"mode": "replace", "tables": ["public.*"]},
        plan_hash="abc",
        client=Client.here(),
    ).fence


def record(table: TableName, inserted: int = 0, *, done: bool = True) -> TableRecord:
    return TableRecord(
        table=table, state="done" if done else "partial", strategy="replace", rows_inserted=inserted, rows_deleted=1
    )


def test_a_ledger_is_made_once_and_nobody_else_may_use_it(connect: Callable[..., Session], target_db: Fresh) -> None:
    target_db.execute(
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC"
    )
    session = connect()
    assert ledger.find_ledger(session) is None
    assert ledger.obstacle(session) is None
    made = ledger.open_ledger(session)
    before = target_db.query(TABLES)
    assert made == ledger.open_ledger(session) == ledger.find_ledger(session)
    assert target_db.query(TABLES) == before != []
    for role in ("case_reader", "case_writer"):
        assert not target_db.value("SELECT has_schema_privilege(%s, 'dbsync', 'USAGE, CREATE')", [role])
        for (table,) in before:
            assert not target_db.value(
                "SELECT has_table_privilege(%s, %s, 'SELECT, INSERT')", [role, f"dbsync.{table}"]
            )
    stranger = connect("case_writer")
    assert ledger.open_ledger(stranger) is None
    assert "belongs to the role" in (ledger.obstacle(stranger) or "")


def test_a_schema_that_holds_a_ledger_is_kept_and_one_of_a_dead_run_becomes_it(
    session: Session, target_db: Fresh
) -> None:
    runs.drop_own_schema(session)
    assert target_db.query(TABLES)
    target_db.execute("DROP SCHEMA dbsync CASCADE")
    runs.create_own_schema(session)
    assert ledger.open_ledger(session) is not None
    runs.drop_own_schema(session)
    assert ledger.find_ledger(session) is not None


def test_without_the_right_or_beside_a_stranger_s_schema_there_is_no_ledger(
    connect: Callable[..., Session], target_db: Fresh
) -> None:
    poor = connect("case_writer")
    assert ledger.open_ledger(poor) is None
    assert ledger.obstacle(poor) == "the role may not create the schema dbsync"
    target_db.execute("CREATE SCHEMA dbsync; CREATE TABLE dbsync.mine (a int)")
    session = connect()
    assert ledger.open_ledger(session) is None
    assert ledger.obstacle(session) == "somebody else's schema is called dbsync"
    assert target_db.query(TABLES) == [("mine",)]


def test_a_superuser_does_not_trust_a_ledger_that_any_role_could_have_planted(
    connect: Callable[..., Session], target_db: Fresh
) -> None:
    target_db.execute(
        f"GRANT CREATE ON DATABASE {target_db.name} TO case_writer; SET ROLE case_writer;"
        " CREATE SCHEMA dbsync; COMMENT ON SCHEMA dbsync IS 'dbsync ledger, version 1'"
    )
    session = connect()
    assert ledger.find_ledger(session) is None
    assert ledger.open_ledger(session) is None


def test_an_older_ledger_is_upgraded_and_keeps_what_it_holds(session: Session, target_db: Fresh) -> None:
    begin(session, "aaaa11112222")
    newer = (*STEPS, FAKE_STEP)
    assert ledger.find_ledger(session, newer) is None
    assert ledger.open_ledger(session, newer) == ledger.Ledger(len(newer))
    assert target_db.query("SELECT run_id, fake FROM dbsync.run") == [("aaaa11112222", None)]
    with pytest.raises(Refused, match=f"version {len(newer)}; this dbsync knows them up to {len(STEPS)}") as caught:
        ledger.open_ledger(session)
    assert caught.value.code == "LEDGER_NEWER"


def test_an_upgrade_waits_for_nobody_who_reads_the_ledger(connect: Callable[..., Session], target_db: Fresh) -> None:
    """Such as a dump of the database, which may take hours."""
    for version in range(1, len(STEPS)):
        older, newer = connect(), connect()
        ledger.open_ledger(older, STEPS[:version])
        with older.transaction():
            for (name,) in target_db.query(TABLES):
                older.execute(statements.count_rows(TableName("dbsync", name), only=False))
            assert ledger.open_ledger(newer) == ledger.Ledger(len(STEPS))
        target_db.execute("DROP SCHEMA dbsync CASCADE")


def test_an_upgrade_that_fails_leaves_the_ledger_as_it_was(session: Session, target_db: Fresh) -> None:
    before = target_db.query(TABLES)
    with pytest.raises(DbsyncError, match="does not exist"):
        ledger.open_ledger(session, (*STEPS, FAKE_STEP, "ALTER TABLE dbsync.absent ADD COLUMN a pg_catalog.int4"))
    assert target_db.query(TABLES) == before
    assert ledger.open_ledger(session) == ledger.Ledger(len(STEPS))


def test_two_that_make_and_upgrade_at_once_make_one_ledger(connect: Callable[..., Session], target_db: Fresh) -> None:
    sessions = [connect() for _ in range(4)]
    for one in sessions:
        one.execute("SET lock_timeout = '20s'")
    for steps in (STEPS, (*STEPS, FAKE_STEP)):
        together = threading.Barrier(len(sessions))

        def race(
            one: Session, steps: tuple[LiteralString, ...] = steps, together: threading.Barrier = together
        ) -> object:
            together.wait()
            return ledger.open_ledger(one, steps)

        with ThreadPoolExecutor(len(sessions)) as executor:
            assert set(executor.map(race, sessions)) == {ledger.Ledger(len(steps))}
    assert target_db.value("SELECT count(*) FROM dbsync.fence") == 1


def test_a_later_run_fences_the_earlier_one_out_and_calls_it_dead(
    session: Session, connect: Callable[..., Session]
) -> None:
    first = begin(session, "aaaa11112222")
    other = connect()
    with other.transaction():
        ledger.record_tables(other, [record(ORDERS, 5)], run_id="aaaa11112222", fence=first)
        ledger.hold_fence(other, first)
    second = begin(session, "bbbb11112222")
    assert second > first

    def write_late() -> None:
        with other.transaction():
            ledger.record_tables(other, [record(ITEMS, 5)], run_id="aaaa11112222", fence=first)
            ledger.hold_fence(other, first)

    with pytest.raises(Fenced, match="bbbb11112222") as caught:
        write_late()
    assert caught.value.exit_code == 5
    assert ledger.committed(session, "aaaa11112222", ORDERS)
    assert not ledger.committed(session, "aaaa11112222", ITEMS)
    assert ledger.find_run(session, "aaaa11112222").state == "dead"
    assert not ledger.finish_run(other, "aaaa11112222", "succeeded")
    assert ledger.finish_run(session, "bbbb11112222", "succeeded")


def test_a_run_that_stands_in_its_commit_keeps_the_next_one_from_beginning(
    session: Session, connect: Callable[..., Session]
) -> None:
    first = begin(session, "aaaa11112222")
    stalled = connect()
    with stalled.transaction():
        ledger.hold_fence(stalled, first)
        with pytest.raises(TargetBusy, match="middle of a commit"):
            begin(session, "bbbb11112222")
    assert begin(session, "cccc11112222") == first + 1


def test_what_a_run_committed_is_read_back_with_its_numbers_added_up(session: Session) -> None:
    fence = begin(session, "aaaa11112222")
    for number in (1, 2):
        with session.transaction():
            ledger.record_tables(session, [record(ORDERS, 5, done=number == 2)], run_id="aaaa11112222", fence=fence)
            ledger.hold_fence(session, fence)
        assert ledger.committed(session, "aaaa11112222", ORDERS, transaction=number)
        assert not ledger.committed(session, "aaaa11112222", ORDERS, transaction=number + 1)
    digest = (3, "-9223372036854775808000", "12")
    verified = TableRecord(table=ITEMS, state="done", strategy="bulk", rows_inserted=3, digest=digest)
    ledger.record_tables(session, [verified], run_id="aaaa11112222", fence=fence)
    found = ledger.find_run(session, "aaaa")
    assert found.source == SOURCE
    assert found.options == {"mode": "replace", "tables": ["public.*"]}
    assert (found.client, found.state, found.ended_at) == (Client.here(), "running", None)
    orders, items = found.tables
    assert (orders.rows_inserted, orders.rows_deleted, orders.state, orders.digest) == (10, 2, "done", None)
    assert (items.table, items.digest) == (ITEMS, digest)
    assert found.finished == {ORDERS, ITEMS}


def test_the_last_run_from_a_source_is_found_unless_it_succeeded(session: Session) -> None:
    assert ledger.last_unfinished(session, SOURCE) is None
    begin(session, "aaaa11112222")
    other = DatabaseIdentity(None, 16384, "app")
    begin(session, "bbbb11112222", other)
    found, theirs = ledger.last_unfinished(session, SOURCE), ledger.last_unfinished(session, other)
    assert found is not None
    assert theirs is not None
    assert (found.run_id, found.state, theirs.run_id) == ("aaaa11112222", "dead", "bbbb11112222")
    begin(session, "aaaa33334444")
    ledger.finish_run(session, "aaaa33334444", "succeeded")
    assert ledger.last_unfinished(session, SOURCE) is None
    for wrong, message in (("aaa", "too short"), ("ffff", "knows no run"), ("aaaa", "more than one")):
        with pytest.raises(ConfigError, match=message):
            ledger.find_run(session, wrong)


def test_old_runs_are_forgotten_but_not_those_with_rows_in_quarantine(session: Session, target_db: Fresh) -> None:
    row = QuarantinedRow(table=ITEMS, key="1", row="1\t\\N", sqlstate="22001", message="value too long")
    for number in range(1, 105):
        fence = begin(session, f"{number:012x}")
        ledger.record_tables(session, [record(ORDERS)], run_id=f"{number:012x}", fence=fence)
        if number == 2:
            quarantine(session, f"{number:012x}", row)
    kept = [int(run_id, 16) for (run_id,) in target_db.query("SELECT run_id FROM dbsync.run ORDER BY fence")]
    assert kept == [2, *range(5, 105)]
    assert target_db.value("SELECT count(*) FROM dbsync.run_table") == len(kept)
    assert quarantined(session, f"{2:012x}") == [row]


def test_cursors_and_signatures_belong_to_one_source(session: Session) -> None:
    copy = DatabaseIdentity("7000000000000000002", 16384, "app")
    write_cursor(session, SOURCE, ORDERS, "changed_at", "2026-11-23 01:02:03.000001+00")
    write_cursor(session, SOURCE, ORDERS, "changed_at", "2026-11-23 01:02:03.000002+00")
    assert read_cursor(session, SOURCE, ORDERS, "changed_at") == "2026-11-23 01:02:03.000002+00"
    assert read_cursor(session, copy, ORDERS, "changed_at") is None
    signature = Signature(
        source_facts={"relfilenode": 1}, target_facts={}, segmentation={"bounds": ["a", None]},
        source_signatures=array("q", (-(2**63), 2**63 - 1)), source_counts=array("q", (1, 2)),
        target_signatures=array("q", (3, 4)), target_counts=array("q"),
    )  # fmt: skip
    write_signature(session, SOURCE, ITEMS, signature)
    write_signature(session, SOURCE, ITEMS, signature)
    (found,) = read_signatures(session, SOURCE, [ORDERS, ITEMS]).items()
    assert found[0] == ITEMS
    assert replace(found[1], stored_at=None) == signature
    assert found[1].stored_at is not None
    assert read_signatures(session, copy, [ITEMS]) == {}
    assert read_signatures(session, SOURCE, [ORDERS]) == {}, "those of other tables may be large, and are not read"
    forget_signature(session, SOURCE, ITEMS)
    assert read_signatures(session, SOURCE, [ITEMS]) == {}


def test_a_source_that_tells_no_identity_is_never_taken_for_another(session: Session) -> None:
    nobody = DatabaseIdentity(None, 16384, "app")
    with pytest.raises(Refused, match="system identifier"):
        read_cursor(session, nobody, ORDERS, "changed_at")
    assert read_signatures(session, nobody, [ITEMS]) == {}


def test_a_database_is_identified_by_what_its_name_does_not_change(session: Session, target_db: Fresh) -> None:
    found = identify(session)
    assert found.database == target_db.name
    assert found.system == str(target_db.value("SELECT system_identifier FROM pg_control_system()"))


def test_a_ledger_is_nobody_s_table_and_staging_beside_it_is_still_found(session: Session, target_db: Fresh) -> None:
    assert runs.reserved_tables(session) == []
    assert [name for name in reflect(session).tables if name.schema == "dbsync"] == []
    staging = TableName(runs.OWN_SCHEMA, "stage_aaaa11112222_0")
    target_db.execute("CREATE TABLE t (a int); CREATE TABLE dbsync.mine (a int)")
    for statement in statements.create_staging(staging, TableName("public", "t"), ["a"], only=False):
        session.execute(statement)
    assert runs.reserved_tables(session) == [TableName("dbsync", "mine")]
    assert runs.drop_dead_staging(session) == 1
    assert target_db.value("SELECT to_regclass('dbsync.stage_aaaa11112222_0')") is None
