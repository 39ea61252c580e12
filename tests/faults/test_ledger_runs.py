"""Runs and the ledger: who stood still may not write, what was done is not done again, a lost reply is settled."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import psycopg
import pytest

from tests.faults import ledger
from tests.faults.arena import Arena
from tests.faults.proxy import Fate, Message, Proxy
from tests.fixtures import oracle
from tests.fixtures.command import Command, Result, Running
from tests.fixtures.databases import Servers
from tests.fixtures.pair import Pair, rows, run_sql, with_user

SCHEMA = "CREATE TABLE big (id int PRIMARY KEY, v text); CREATE TABLE small (id int PRIMARY KEY, v text);"
ROWS = "INSERT INTO big SELECT i, 'one' FROM generate_series(1, 3000) i; INSERT INTO small SELECT i, 'one' FROM generate_series(1, 5) i;"
OLD = "INSERT INTO big VALUES (0, 'old'); INSERT INTO small VALUES (0, 'old');"
REPLACE = ("--mode", "replace", "-j", "1")


def wait_until(true: Callable[[], bool], running: Running) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert not running.over, running.wait()
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def states(pair: Pair) -> dict[str, str]:
    return {str(run): str(state) for run, state in rows(pair.target, "SELECT run_id, state FROM dbsync.run")}


def killed(command: Command, pair: Pair, point: str, *args: str) -> str:
    """Start a run that kills itself at a failpoint; return its id."""
    env = {"DBSYNC_FAILPOINT": f"{point}=kill"}
    running = command.start("sync", pair.source, pair.target, "--yes", "--json", *args, env=env)
    assert running.wait_quietly() == -signal.SIGKILL, "the failpoint was never reached"
    return str(rows(pair.target, "SELECT run_id FROM dbsync.run ORDER BY fence DESC LIMIT 1")[0][0])


@pytest.mark.parametrize(
    ("place", "later"),
    [("before_lock", "same role"), ("before_lock", "other role"), ("after_load", "same role")],
)
def test_a_run_that_stood_still_writes_nothing_when_it_wakes_up(place: str, later: str, pairs, dbsync: Command) -> None:
    """Stopped in the middle, its lock lost; a later run finishes; then it goes on, and must not commit.

    The later run ends the earlier one's sessions where it may. Where they belong to another role they live
    on, and only the fence stands between them and the target.
    """
    pair: Pair = pairs(SCHEMA, ROWS, OLD)
    target = pair.target
    if later == "other role":
        name = rows(pair.target, "SELECT current_database()")[0][0]
        run_sql(
            pair.target,
            f"ALTER DATABASE {name} OWNER TO case_writer; ALTER TABLE big OWNER TO case_writer; ALTER TABLE small OWNER TO case_writer; GRANT USAGE, CREATE ON SCHEMA public TO case_writer",
        )
        target = with_user(pair.target, "case_writer")
    env = {"DBSYNC_FAILPOINT": f"{place}=sleep:1"}
    sleeper = dbsync.start("sync", pair.source, target, "--yes", "--json", *REPLACE, env=env)
    loading = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ ' load$' AND state = 'idle in transaction'"
    wait_until(lambda: rows(pair.target, loading) == [[1]], sleeper)
    sleeper.send(signal.SIGSTOP)
    try:
        rows(pair.target, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        run_sql(pair.source, "UPDATE big SET v = 'two'; DELETE FROM small WHERE id = 3")
        second = dbsync.sync(pair.source, pair.target, *REPLACE, "--restart").ended(0)
        image = oracle.take(pair.target)
    finally:
        time.sleep(1.2)
        sleeper.send(signal.SIGCONT)
    first = sleeper.wait()
    first.ended(first.exit_code)
    assert first.exit_code in ((5, 6) if later == "other role" else (6,)), first
    assert oracle.all_changes(image, oracle.take(pair.target)) == [], first
    assert oracle.differences(pair.source, pair.target) == []
    assert oracle.leftovers(pair.target) == []
    assert set(states(pair).values()) == {"dead", "succeeded"}, states(pair)
    assert states(pair)[second.result["run_id"]] == "succeeded"


@pytest.mark.parametrize("point", ["after_begin", "before_commit@2", "after_commit@1", "before_conclusion"])
def test_a_killed_run_is_taken_up_and_what_it_finished_is_left_alone(point: str, pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS, OLD)
    run = killed(dbsync, pair, point, *REPLACE)
    finished = {
        f"{schema}.{name}"
        for schema, name in rows(pair.target, "SELECT table_schema, table_name FROM dbsync.run_table")
    }
    before = {
        name: rows(pair.target, f"SELECT min(xmin::text), max(xmin::text), count(*) FROM {name}") for name in finished
    }
    result = dbsync.sync(pair.source, pair.target, "--resume", run[:6]).ended(0)
    assert result.result["resumed"] == run
    assert oracle.differences(pair.source, pair.target) == []
    tables = result.tables()
    for name, table in tables.items():
        assert table["verified"], result
        assert (table["strategy"] == "verified") == (name in finished), result
        assert table["rows_inserted"] == (0 if name in finished else table["rows_source"]), result
    for name in finished:
        assert rows(pair.target, f"SELECT min(xmin::text), max(xmin::text), count(*) FROM {name}") == before[name]
    assert len(finished) == {"after_begin": 0, "before_commit@2": 1, "after_commit@1": 1, "before_conclusion": 2}[point]
    assert states(pair)[run] == "dead"
    again = dbsync.sync(pair.source, pair.target, "--mode", "replace", "--resume").ended(0)
    assert "nothing to resume" in again.stderr
    assert again.result["resumed"] is None


def test_a_delta_run_that_was_killed_is_taken_up(pairs, dbsync: Command) -> None:
    """What was committed is found equal by comparing: no row of it is written again."""
    pair: Pair = pairs(SCHEMA, ROWS, OLD)
    run = killed(dbsync, pair, "before_commit@2", "-j", "1", "--delete")
    ((done,),) = rows(pair.target, "SELECT table_schema || '.' || table_name FROM dbsync.run_table")
    result = dbsync.sync(pair.source, pair.target, "--resume").ended(0)
    assert result.result["resumed"] == run
    written = {name: table["rows_inserted"] + table["rows_deleted"] for name, table in result.tables().items()}
    assert written.pop(str(done)) == 0, result
    assert all(written.values()), result
    assert oracle.differences(pair.source, pair.target) == []


def test_a_run_of_this_user_is_taken_up_without_naming_its_ends(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS, OLD)
    (dbsync.home / "from.txt").write_text(pair.source)
    (dbsync.home / "to.txt").write_text(pair.target)
    assert "no run is known" in dbsync.run("sync", "--resume", "--json", "--yes").ended(2).error["message"]
    assert "not known on this" in dbsync.run("sync", "--resume", "beef", "--json", "--yes").ended(2).error["message"]
    env = {"DBSYNC_FAILPOINT": "before_commit@2=kill"}
    args = ("sync", "file:from.txt", "file:to.txt", "--yes", "--json", *REPLACE)
    assert dbsync.start(*args, env=env).wait_quietly() == -signal.SIGKILL
    run = str(rows(pair.target, "SELECT run_id FROM dbsync.run")[0][0])
    result = dbsync.run("sync", "--resume", run[:4], "--yes", "--json").ended(0)
    assert result.result["resumed"] == run
    assert oracle.differences(pair.source, pair.target) == []
    dbsync.sync(pair.source, pair.target).ended(0)
    kept = (dbsync.home / ".local" / "state" / "dbsync" / "runs.json").read_text()
    assert "file:from.txt" in kept
    assert "://" not in kept, "a typed password was kept"


def test_without_ends_the_last_run_that_is_broken_is_taken_up(pairs, dbsync: Command) -> None:
    """Not one that has succeeded since, and not one that still runs."""
    broken, fine, busy = (pairs(SCHEMA, ROWS, OLD) for _ in range(3))
    for name, pair in (("broken", broken), ("fine", fine), ("busy", busy)):
        (dbsync.home / name).write_text(pair.source)
        (dbsync.home / f"{name}-to").write_text(pair.target)

    def sync(name: str, point: str = "") -> Running:
        env = {"DBSYNC_FAILPOINT": point} if point else {}
        return dbsync.start("sync", f"file:{name}", f"file:{name}-to", "--yes", "--json", *REPLACE, env=env)

    assert sync("broken", "before_commit@2=kill").wait_quietly() == -signal.SIGKILL
    run = str(rows(broken.target, "SELECT run_id FROM dbsync.run")[0][0])
    sync("fine").wait().ended(0)
    running = sync("busy", "before_commit@1=sleep:20")
    wait_until(lambda: rows(busy.target, "SELECT to_regclass('dbsync.run') IS NOT NULL") == [[True]], running)
    wait_until(lambda: rows(busy.target, "SELECT count(*) FROM dbsync.run") == [[1]], running)
    taken = dbsync.run("sync", "--resume", "--yes", "--json").ended(0)
    assert taken.result["resumed"] == run
    assert oracle.differences(broken.source, broken.target) == []
    assert sync("broken", "before_commit@1=kill").wait_quietly() == -signal.SIGKILL
    dbsync.sync(broken.source, broken.target, "--resume").ended(0)  # by other names, which are not kept
    none = dbsync.run("sync", "--resume", "--yes", "--json").ended(2)
    assert none.error["message"].startswith("no run is known on this machine"), none
    running.send(signal.SIGINT)
    assert running.wait().exit_code == 130
    assert dbsync.run("sync", "--resume", "--yes", "--json").ended(0).result["resumed"] is not None
    assert oracle.differences(busy.source, busy.target) == []


def test_a_finished_table_that_changed_meanwhile_is_done_again(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS, OLD)
    killed(dbsync, pair, "before_conclusion", *REPLACE, "--verify", "none")
    run_sql(pair.source, "UPDATE big SET v = 'two' WHERE id = 7")
    result = dbsync.sync(pair.source, pair.target, "--resume").ended(0)
    assert {name: table["strategy"] for name, table in result.tables().items()} == {
        "public.big": "replace",
        "public.small": "verified",
    }
    assert oracle.differences(pair.source, pair.target) == []


def test_a_run_that_is_interrupted_says_how_to_go_on(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS, OLD)
    env = {"DBSYNC_FAILPOINT": "before_lock@2=sleep:3"}
    running = dbsync.start("sync", pair.source, pair.target, "--yes", "--json", *REPLACE, env=env)
    wait_until(lambda: rows(pair.target, "SELECT to_regclass('dbsync.run_table') IS NOT NULL") == [[True]], running)
    wait_until(lambda: rows(pair.target, "SELECT count(*) FROM dbsync.run_table") == [[1]], running)
    running.send(signal.SIGINT)
    result = running.wait().ended(130)
    run = result.result["run_id"]
    assert f"--resume {run}" in result.error["hint"], result
    assert states(pair) == {run: "stopped"}
    taken = dbsync.sync(pair.source, pair.target, "--resume").ended(0)
    assert sorted(table["strategy"] for table in taken.tables().values()) == ["replace", "verified"]
    assert oracle.differences(pair.source, pair.target) == []


def test_what_contradicts_the_run_is_refused_before_anything_is_done(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS, OLD)
    run = killed(dbsync, pair, "after_commit@1", *REPLACE)
    before = oracle.take(pair.target)

    def refused(code: int, *args: str, source: str = pair.source) -> Result:
        return dbsync.sync(source, pair.target, *args).ended(code)

    assert "another --tables" in refused(2, "--resume", "--tables", "public.big").error["message"]
    assert "another --mode" in refused(2, "--resume", "--mode", "append").error["message"]
    assert "another --no-ledger" in refused(2, "--resume", "--no-ledger").error["message"]
    assert refused(2, "--resume", "beef").error["code"] == "NO_SUCH_RUN"
    refused(2, "--resume", "--restart")
    other: Pair = pairs(SCHEMA)
    assert refused(4, "--resume", run, source=other.source).error["code"] == "OTHER_SOURCE"
    assert oracle.all_changes(before, oracle.take(pair.target)) == []
    assert (
        dbsync.sync(pair.source, pair.target, "--resume", "-j", "2", "--mode", "replace").ended(0).result["resumed"]
        == run
    )


@pytest.mark.parametrize("fate", [Fate.LOSE, Fate.CUT])
def test_a_lost_reply_to_commit_is_settled_by_the_ledger(fate: Fate, arena: Arena) -> None:
    """Also without a check of the rows, which could not tell whether the commit took place."""
    trial = ledger.Trial.begin(arena.pair)
    lost: list[Message] = []

    def hook(message: Message) -> Fate:
        if (
            message.commits
            and len(lost) < 1
            and rows(arena.pair.target, "SELECT count(*) FROM dbsync.run_table") != [[0]]
        ):
            lost.append(message)
            return fate
        return Fate.PASS

    ledger_made = arena.command.sync(arena.pair.source, arena.pair.target, "--mode", "replace").ended(0)
    assert ledger_made.result["ledger"]
    run_sql(arena.pair.target, "DELETE FROM dbsync.run")
    trial = ledger.Trial.begin(arena.pair)
    arena.target.hook = hook
    result = arena.start("-j", "1", "--verify", "none").wait()
    arena.settle()
    assert lost, "no reply was lost"
    assert trial.check(result.ended(0)) == [], result


@pytest.mark.parametrize("fate", [Fate.LOSE, Fate.CUT])
@pytest.mark.parametrize("verify", ["count", "none"])
def test_a_repair_whose_commit_is_in_doubt_is_settled_by_the_ledger(
    verify: str, fate: Fate, pairs, dbsync: Command
) -> None:
    """Rows that were only updated are as many after a COMMIT that was lost as after one whose reply was."""
    old, new = (f"INSERT INTO t SELECT i, '{word}' FROM generate_series(1, 100) i" for word in ("old", "new"))
    pair: Pair = pairs("CREATE TABLE t (id int PRIMARY KEY, v text);", new, old)
    writers: list[int] = []
    hit: list[Message] = []

    def hook(message: Message) -> Fate:
        if message.sender == "client" and message.start.startswith(b"UPDATE ONLY"):
            writers.append(message.link)
        arrives = fate is Fate.CUT and message.sender == "client" and message.start.startswith(b"COMMIT")
        if message.link in writers and (arrives or fate is Fate.LOSE and message.commits):
            hit.append(message)
            return fate
        return Fate.PASS

    with Proxy(pair.target) as target:
        target.hook = hook
        result = dbsync.start("sync", pair.source, target.url, "--yes", "--json", "--verify", verify).wait(60)
    assert len(hit) == 1, result
    done = fate is Fate.LOSE
    result.ended(0 if done else 6)
    assert rows(pair.target, "SELECT DISTINCT v FROM t") == [["new" if done else "old"]], result
    assert result.result["totals"]["rows_updated"] == (100 if done else 0), result


def test_a_former_target_is_a_source_like_any_other(pairs, dbsync: Command) -> None:
    first: Pair = pairs(SCHEMA, ROWS)
    dbsync.sync(first.source, first.target).ended(0)
    last: Pair = pairs(SCHEMA)
    result = dbsync.sync(first.target, last.source, "--no-ledger").ended(0)
    assert (result.result["skipped"], result.result["ledger"]) == ([], False)
    assert rows(last.source, "SELECT to_regnamespace('dbsync') IS NULL") == [[True]]
    assert oracle.differences(first.target, last.source) == []


def test_a_run_without_a_ledger_says_what_is_gone(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS)
    planned = dbsync.sync(pair.source, pair.target, "--no-ledger", "--dry-run").ended(0)
    result = dbsync.sync(pair.source, pair.target, "--no-ledger").ended(0)
    for told in (planned, result):
        assert [text for text in told.document["warnings"] if "--no-ledger" in text and "cannot be resumed" in text]
        assert "warning: --no-ledger: no books are kept in the target" in told.stderr
        assert "and, if it was committed, by comparing the rows\n" in told.stderr
    unproved = dbsync.sync(pair.source, pair.target, "--no-ledger", "--verify", "count", "--dry-run").ended(0)
    assert "and, if it was committed, not at all without a checksum\n" in unproved.stderr
    assert not result.result["ledger"]
    assert "--no-ledger" not in dbsync.sync(pair.source, pair.target).ended(0).stderr


def test_a_role_that_may_not_keep_a_ledger_goes_without_and_is_told(pairs, servers: Servers, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS)
    run_sql(
        pair.target,
        "ALTER TABLE big OWNER TO case_writer; ALTER TABLE small OWNER TO case_writer; GRANT USAGE ON SCHEMA public TO case_writer",
    )
    result = dbsync.sync(pair.source, with_user(pair.target, "case_writer")).ended(0)
    assert not result.result["ledger"]
    assert any("no ledger is kept" in warning for warning in result.document["warnings"]), result
    assert rows(pair.target, "SELECT to_regnamespace('dbsync') IS NULL") == [[True]]


def test_without_a_ledger_a_run_that_lost_its_lock_cannot_write_either(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(SCHEMA, ROWS, OLD)
    env = {"DBSYNC_FAILPOINT": "before_lock=sleep:1"}
    sleeper = dbsync.start("sync", pair.source, pair.target, "--yes", "--json", *REPLACE, "--no-ledger", env=env)
    with psycopg.connect(pair.target, autocommit=True) as holder:
        lock = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        wait_until(
            lambda: (
                rows(pair.target, "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ ' load$'") != [[0]]
            ),
            sleeper,
        )
        holder.execute(f"SELECT pg_terminate_backend(pid) FROM ({lock}) l")
        assert holder.execute("SELECT pg_advisory_lock(1684173689, 1)").fetchall()
        result = sleeper.wait()
    assert result.exit_code in (5, 6), result
    assert rows(pair.target, "SELECT count(*) FROM big") == [[1]]
