"""Others at work at the same time: writers on the source, DDL, a second run, locks on the target."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.faults import ledger
from tests.faults.arena import Arena
from tests.faults.proxy import Fate, Message
from tests.fixtures import oracle
from tests.fixtures.command import Command, Running
from tests.fixtures.pair import Pair, rows, run_sql


@contextmanager
def meanwhile(work: Callable[[Callable[[], bool]], None]) -> Iterator[None]:
    """Run ``work(go_on)`` in a thread for the length of the block; its failure is the test's."""
    over = threading.Event()
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work(lambda: not over.is_set())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)
    assert not thread.is_alive()
    assert failures == []


_BANK = """
CREATE TABLE a_savings (id int PRIMARY KEY, cents bigint NOT NULL);
CREATE TABLE z_checking (id int PRIMARY KEY, cents bigint NOT NULL);
CREATE TABLE m_padding (id int PRIMARY KEY, body text);
"""
_MONEY = """
INSERT INTO a_savings SELECT i, 1000 FROM generate_series(1, 2000) i;
INSERT INTO z_checking SELECT i, 1000 FROM generate_series(1, 2000) i;
INSERT INTO m_padding SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 3000) i;
"""


def test_money_that_moves_between_tables_is_neither_made_nor_lost(pairs, dbsync: Command) -> None:
    """Trap 1: one snapshot for every reader, whatever moves during the copy."""
    pair: Pair = pairs(_BANK, _MONEY)
    moved = 0

    def move(go_on: Callable[[], bool]) -> None:
        nonlocal moved
        with psycopg.connect(pair.source, autocommit=True) as connection:
            while go_on():
                moved += 1
                with connection.transaction():
                    giver, taker = ("a_savings", "z_checking") if moved % 3 else ("z_checking", "a_savings")
                    connection.execute(f"UPDATE {giver} SET cents = cents - 7 WHERE id = %s", (1 + moved % 2000,))
                    connection.execute(f"UPDATE {taker} SET cents = cents + 7 WHERE id = %s", (1 + moved * 3 % 2000,))

    with meanwhile(move):
        for number in range(5):
            before = moved
            jobs = str(1 + number % 4)
            result = dbsync.sync(pair.source, pair.target, "--mode", "replace", "-j", jobs, "--max-rate", "8MB").ended(
                0
            )
            assert moved > before + 20, "nothing moved during the copy"
            total = rows(pair.target, "SELECT (SELECT sum(cents) FROM a_savings) + (SELECT sum(cents) FROM z_checking)")
            assert total == [[4_000_000]], result
    assert dbsync.sync(pair.source, pair.target, "--mode", "replace").ended(0).result["verified"]
    assert oracle.differences(pair.source, pair.target) == []


def test_sequences_are_never_behind_while_the_source_hands_out_values(pairs, dbsync: Command) -> None:
    """Trap 13."""
    pair: Pair = pairs(
        "CREATE TABLE t (id bigserial PRIMARY KEY, v int);", "INSERT INTO t (v) SELECT 1 FROM generate_series(1, 5000);"
    )

    def insert(go_on: Callable[[], bool]) -> None:
        with psycopg.connect(pair.source, autocommit=True) as connection:
            while go_on():
                connection.execute("INSERT INTO t (v) VALUES (2)")

    with meanwhile(insert):
        dbsync.sync(pair.source, pair.target).ended(0)
    assert rows(pair.target, "SELECT last_value >= (SELECT max(id) FROM t) FROM t_id_seq") == [[True]]
    run_sql(pair.target, "INSERT INTO t (v) VALUES (3)")


_DDL = (
    "ALTER TABLE wide ADD COLUMN late int DEFAULT 5",
    "ALTER TABLE wide DROP COLUMN text2",
    "ALTER TABLE wide ALTER COLUMN text1 TYPE varchar(2000)",
    "DROP TABLE heap",
)


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("ddl", _DDL)
def test_ddl_on_the_source_is_refused_waits_or_comes_too_late(ddl: str, share: float, arena: Arena) -> None:
    """Trap 10: the run ends with the rows that it planned for, or refuses; never with something else."""
    with psycopg.connect(arena.pair.source, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA kept")
        ledger.advance(arena.pair)
        for table in ("wide", "heap"):
            connection.execute(f"CREATE TABLE kept.{table} AS TABLE public.{table}".encode())
    before = oracle.take(arena.pair.target)
    happened: list[str] = []

    def alter(_: Running) -> None:
        with psycopg.connect(arena.pair.source, autocommit=True) as connection:
            connection.execute("SET lock_timeout = '300ms'")
            try:
                connection.execute(ddl.encode())
                happened.append("done")
            except psycopg.errors.LockNotAvailable:
                happened.append("locked out")

    # catalog queries come first; the copies begin at about message 800
    result = arena.start_and(alter, side="source", number=int(800 * share), args=("--exclude", "kept.*")).wait()
    arena.settle()
    assert happened, result
    after = oracle.take(arena.pair.target)
    if result.exit_code == 0:
        assert _as_before(arena.pair) == [] or _as_now(arena.pair) == [], result
    else:
        assert result.exit_code in (4, 6), result
        for name in ("public.wide", "public.heap"):
            assert after.content[name] == before.content[name], result
    assert oracle.structure_changes(before, after) == [], result
    assert oracle.leftovers(arena.pair.target) == []


def _as_before(pair: Pair) -> list[str]:
    """How the target differs from what the source held before the DDL."""
    mapping = {"kept.wide": "public.wide", "kept.heap": "public.heap"}
    return oracle.differences(
        pair.source,
        pair.target,
        oracle.Selection(tables=frozenset(mapping), mapping=mapping, sequences=False),
    )


def _as_now(pair: Pair) -> list[str]:
    """How the target differs from what the source holds since: the DDL came before the plan."""
    chosen = oracle.Selection(tables=frozenset({"public.wide", "public.heap"}), sequences=False)
    return oracle.differences(pair.source, pair.target, chosen)


def test_a_target_that_changes_between_plan_and_write_is_refused(arena: Arena) -> None:
    """Rows that somebody put into an empty table after the plan are not overwritten without a word."""
    run_sql(
        arena.pair.target,
        "ALTER TABLE heap DISABLE TRIGGER ALL; TRUNCATE heap; ALTER TABLE heap ENABLE ALWAYS TRIGGER loud",
    )
    ledger.advance(arena.pair)
    ends = (arena.pair.source, arena.pair.target)
    running = arena.command.start(
        "sync", *ends, "--yes", "--json", "--tables", "public.heap", env={"DBSYNC_FAILPOINT": "before_run=sleep:5"}
    )
    until_locked(arena)
    time.sleep(2.5)  # planned by now
    off, on = "ALTER TABLE heap DISABLE TRIGGER loud", "ALTER TABLE heap ENABLE ALWAYS TRIGGER loud"
    run_sql(arena.pair.target, f"{off}; INSERT INTO heap VALUES (1, 'precious', 0); {on}")
    result = running.wait()
    assert result.exit_code in (4, 6), result
    assert rows(arena.pair.target, "SELECT a, b FROM heap") == [[1, "precious"]], result


def until_locked(arena: Arena) -> None:
    """Wait until a run holds the target."""
    held = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    deadline = time.monotonic() + 20
    while rows(arena.pair.target, held) == [[0]] and time.monotonic() < deadline:
        time.sleep(0.05)


@contextmanager
def holding(arena: Arena) -> Iterator[Running]:
    """A first run that stands still in the middle, with the target held."""

    def hook(message: Message) -> Fate:
        return Fate.HOLD if message.sender == "server" and message.kind == b"d" else Fate.PASS

    arena.source.hook = hook
    running = arena.start()
    until_locked(arena)
    time.sleep(0.3)
    assert not running.over, running.wait()
    try:
        yield running
    finally:
        arena.settle()
        arena.source.release()
        running.wait().ended(0)


def test_a_second_run_on_the_target_is_refused_naming_the_holder(arena: Arena, dbsync: Command) -> None:
    ledger.advance(arena.pair)
    pair = arena.pair
    with holding(arena):
        refused = dbsync.sync(pair.source, pair.target, "--mode", "replace").ended(5)
        assert "another run" in refused.error["message"], refused
        pid = rows(pair.target, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted")
        assert any(str(found[0]) in refused.stdout for found in pid), refused
        skipped = dbsync.sync(pair.source, pair.target, "--mode", "replace", "--on-locked", "skip").ended(0)
        assert skipped.result["state"] == "skipped", skipped
        waiting = dbsync.start(
            "sync", pair.source, pair.target, "--yes", "--json", "--mode", "replace", "--on-locked", "wait"
        )
        limited = dbsync.sync(
            pair.source, pair.target, "--mode", "replace", "--on-locked", "wait", "--timeout", "2s"
        ).ended(7)
        assert limited.elapsed_s < 6
        assert not waiting.over
    waiting.wait().ended(0)
    assert oracle.differences(pair.source, pair.target) == []
    assert oracle.leftovers(pair.target) == []


def test_a_lock_on_a_target_table_ends_in_a_named_failure(arena: Arena) -> None:
    """Trap 32: somebody reads a table in an open transaction; the run waits, then gives up and says who."""
    trial = ledger.Trial.begin(arena.pair)
    with psycopg.connect(arena.pair.target, application_name="long report") as connection:
        connection.execute("SELECT count(*) FROM small")
        result = arena.start("--timeout", "8s").wait()
        connection.rollback()
    assert result.exit_code in (6, 7), result
    assert trial.check(result.ended(result.exit_code)) == [], result


def test_a_reader_never_sees_half_of_a_group(arena: Arena) -> None:
    """What a reader sees during replaces: one generation in all tables of a group, and no missing rows."""
    ledger.advance(arena.pair)
    seen: set[tuple[object, ...]] = set()

    def read(go_on: Callable[[], bool]) -> None:
        with psycopg.connect(arena.pair.target, autocommit=True) as connection:
            while go_on():
                query = """SELECT (SELECT array_agg(DISTINCT g) FROM account), (SELECT array_agg(DISTINCT g) FROM card),
                           (SELECT count(*) FROM account), (SELECT count(*) FROM card)"""
                seen.add(tuple(map(str, connection.execute(query).fetchall()[0])))

    with meanwhile(read):
        for _ in range(3):
            arena.start().wait().ended(0)
            ledger.advance(arena.pair)
    mixed = [state for state in seen if state[0] != state[1] or "," in str(state[0]) or state[2:] != ("1500", "3000")]
    assert mixed == []
    assert len(seen) >= 2


def test_a_run_that_has_to_be_cut_off_names_the_tables_that_it_had_committed(pairs, dbsync: Command) -> None:
    schema = "CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, v text);"
    pair: Pair = pairs(schema, "INSERT INTO a VALUES (1, 'x'); INSERT INTO b VALUES (1, 'x');")
    stuck = {"DBSYNC_FAILPOINT": "before_conclusion=sleep:30"}
    running = dbsync.start("sync", pair.source, pair.target, "--yes", "--json", "-j", "1", env=stuck)
    deadline = time.monotonic() + 20
    while rows(pair.target, "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)") != [[1, 1]]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)  # for the event of the last one
    running.send(signal.SIGTERM)
    ended = running.wait().ended(143)
    (warning,) = [text for text in ended.document["warnings"] if "cut off" in text]
    committed = warning.partition("; committed before: ")[2].split(", ")
    assert sorted(committed) == ["public.a", "public.b"]
