"""A store of an older dbsync is upgraded when it is opened, whole or not at all: killed at any step, by several at
once, while the older dbsync has it open. Both kinds of store, with something in every table.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbsync.errors import DbsyncError
from dbsync.jobs.model import LOCAL_OWNER, JobState
from dbsync.jobs.parts import PartStore
from dbsync.jobs.service import Jobs
from dbsync.jobs.store import JobStore
from dbsync.jobs.ticks import add_tick, last_ticks
from dbsync.registry import open_registry
from dbsync.store import Store, open_store, store_place, tables
from dbsync.store.audit import verify
from dbsync.store.engine import HEAD
from dbsync.store.sessions import find_session
from tests.fixtures.command import Command
from tests.fixtures.older_store import (
    PASSWORD,
    VERSION,
    Kept,
    Rows,
    contents,
    fill,
    make_store,
    older_dbsync,
    put,
    revision,
)
from tests.fixtures.pair import create_database, drop_database
from tests.fixtures.yard import KEY, wait_for

OLDER = "0001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """A store of the older revision, and what is in it; ``copy`` makes another one of it as it is now."""

    url: str
    kept: Kept
    rows: Rows
    copy: Callable[[], str]


@pytest.fixture(params=["sqlite", "postgres"])
def older(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Older]:
    monkeypatch.setenv("DBSYNC_KEY", KEY)
    made: list[str] = []
    if request.param == "sqlite":

        def new(of: str | None = None) -> str:
            made.append(f"sqlite:///{tmp_path}/store{len(made)}.db")
            for file in tmp_path.glob(Path(of).name + "*") if of else ():  # its log of changes belongs to it
                shutil.copy(file, made[-1].removeprefix("sqlite:///") + file.name.partition(".db")[2])
            return made[-1]

        yield _filled(new)
        return
    server = request.getfixturevalue("pg_b")

    def new_in_postgres(of: str | None = None) -> str:
        made.append(create_database(server, of.rpartition("/")[2].partition("?")[0] if of else "template1"))
        return made[-1]

    try:
        yield _filled(new_in_postgres)
    finally:
        for url in made:
            drop_database(server, url)


def _filled(new: Callable[..., str]) -> Older:
    """What this version keeps, put into a store of the older one."""
    present, past = new(), new()
    kept = fill(present)
    rows = contents(present)
    make_store(past, OLDER)
    put(past, rows)
    return Older(url=past, kept=kept, rows=contents(past), copy=lambda: new(past))


def opened(url: str) -> Store:
    return open_store(store_place(environ={"DBSYNC_STORE": url}))


def everything_is_readable(url: str, older: Older) -> None:
    """By a dbsync of this version: each row as it was, and what is sealed, chained and counted as well."""
    with open_registry(store_place(environ={"DBSYNC_STORE": url})) as registry:
        store, kept = registry.store, older.kept
        password = registry.resolve(LOCAL_OWNER, "shop").password
        assert password is not None
        assert password.reveal() == PASSWORD
        jobs = Jobs(JobStore(store), LOCAL_OWNER)
        job = jobs.get(kept.job_id)
        assert (job.state, job.name, job.read_spec().agreed) == (JobState.SUCCEEDED, "nightly", True)
        assert registry.resolve(LOCAL_OWNER, job.target_id).password == password
        assert [event.number for event in jobs.events(job.id)] == list(range(1, job.events + 1))
        assert (jobs.metrics(job.id).attempts, [table.name for table in jobs.tables(job.id)]) == (1, ["t"])
        head, fault = verify(store)
        assert (fault, head.number) == (None, len(older.rows["audit"]))
        assert find_session(store, kept.session) == "ann@example.com"
        assert PartStore(store).take("w") is None  # its job is over
        with store.read() as connection:
            assert last_ticks(connection, "") == {kept.tick.schedule: kept.tick.due_at}
        with pytest.raises(DbsyncError, match="contradicts"), store.write() as connection:
            add_tick(connection, kept.tick, now=0.0, outcome="queued")  # it has fired
    assert revision(url) == HEAD
    assert as_before(contents(url), older.rows) == older.rows


def as_before(rows: Rows, before: Rows) -> Rows:
    """The rows without what the newer revision adds to them, and without the revision's own number."""
    found: Rows = {VERSION: before[VERSION]}
    for name in before.keys() - {VERSION}:
        columns = before[name][0].keys()
        found[name] = sorted(({column: row[column] for column in columns} for row in rows[name]), key=repr)
    return found


# For each line on stdin a process that opens the store, and is killed before the statement, or the commit, of that
# number, or when all is done; 0 for one that is not. Says how it ended.
_UPGRADES = """
import itertools, os, signal, sys
import sqlalchemy as sa
from dbsync.store import engine, open_store, store_place, upgrade  # loaded once
place = store_place(environ={"DBSYNC_STORE": sys.argv[1]})
def open_and_die(at):
    numbers = itertools.count(1)
    def step(*_):
        if next(numbers) == at:
            os.kill(os.getpid(), signal.SIGKILL)
    def statement(connection, cursor, text, *_):
        if text.split()[0] in ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE"):
            step()
    sa.event.listen(sa.Engine, "before_cursor_execute", statement)
    sa.event.listen(sa.Engine, "commit", step)
    open_store(place).close()
    step()
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        open_and_die(int(line))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@contextmanager
def upgrades(url: str) -> Iterator[Callable[[int], int]]:
    """Give what opens the store in a process of its own, to be killed at a step, and returns how that ended."""
    words = [sys.executable, "-c", _UPGRADES, url]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told, ended = process.stdin, process.stdout

        def upgrade(die_at: int) -> int:
            told.write(f"{die_at}\n")
            told.flush()
            return int(ended.readline())

        yield upgrade


def test_an_upgrade_that_is_killed_at_any_step_leaves_everything_readable(older: Older) -> None:
    """Each kill meets what the ones before it have left."""
    with upgrades(older.url) as upgrade:
        for step in itertools.count(1):
            status = upgrade(step)
            if revision(older.url) == OLDER:
                assert contents(older.url) == older.rows, f"step {step}"
            everything_is_readable(older.copy(), older)
            if status == 0:
                break
            assert status == -signal.SIGKILL
    assert step > 7, "the upgrade has more steps than that"
    everything_is_readable(older.url, older)


def test_several_that_upgrade_at_once_do_it_once(older: Older) -> None:
    with ExitStack() as stack:
        begun = [stack.enter_context(upgrades(older.url)) for _ in range(3)]
        with ThreadPoolExecutor(len(begun)) as threads:
            assert list(threads.map(lambda upgrade: upgrade(0), begun)) == [0, 0, 0]
    everything_is_readable(older.url, older)


# Writes once when it is told to go on, and then tries what it may do no more.
_HOLD = """
import sys
import sqlalchemy as sa
from dbsync.errors import DbsyncError
from dbsync.store import open_store, store_place, tables
place = store_place(environ={"DBSYNC_STORE": sys.argv[1]})
store = open_store(place)
row = dict(host="h", pid=1, engine="inline", concurrency=1, version="0", started_at=0, seen_at=0)
def told_to_go_on(words):
    print(words, flush=True)
    sys.stdin.readline()
def write(name):
    with store.write() as work:
        work.execute(sa.insert(tables.worker).values(id=name, **row))
        if name == "older":
            told_to_go_on("it writes")
write("older")
told_to_go_on("it has written")
for deed in (lambda: write("late"), lambda: open_store(place)):
    try:
        deed()
    except DbsyncError as error:
        print(error.code, error.exit_code, error.message, error.hint, sep="; ", flush=True)
with store.read() as work:
    print(list(work.scalars(sa.select(tables.worker.c.id).order_by(tables.worker.c.id))), flush=True)
"""


def test_an_older_dbsync_that_has_the_store_open_ends_what_it_writes_and_then_writes_no_more(
    older: Older, tmp_path: Path
) -> None:
    """The upgrade waits for its transaction; after it the older one is told why it may write no more."""
    environ = os.environ | {"PYTHONPATH": str(older_dbsync(tmp_path / "older"))}
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, older.url],
        env=environ,
        cwd=tmp_path,  # not where this version is
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "it writes\n"
        upgrade = threading.Thread(target=lambda: opened(older.url).close())
        upgrade.start()
        upgrade.join(0.7)
        assert upgrade.is_alive(), "it did not wait"
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "it has written\n"
        upgrade.join(20)
        assert revision(older.url) == HEAD
        holder.stdin.write("\n")
        holder.stdin.flush()
        *refused, seen = holder.stdout.read().splitlines()
    finally:
        holder.communicate(timeout=30)
    assert len(refused) == 2
    for line in refused:
        assert line.startswith("STORE_NEWER; 4; the store ")
        assert line.endswith(" belongs to another version of dbsync; use the newest dbsync that has opened it")
    assert seen == "['older', 'w']"
    assert {row["id"] for row in contents(older.url)["worker"]} == {"older", "w"}


def test_an_older_command_refuses_a_newer_store_in_one_sentence(older: Older, tmp_path: Path, dbsync: Command) -> None:
    opened(older.url).close()
    environ = {"PYTHONPATH": str(older_dbsync(tmp_path / "older")), "DBSYNC_STORE": older.url, "DBSYNC_KEY": KEY}
    for words in (("jobs", "list"), ("connections", "list"), ("worker", "--once")):
        refused = dbsync.run(*words, "--json", env=environ).ended(4)
        assert refused.error["code"] == "STORE_NEWER"
        assert "another version of dbsync" in refused.error["message"]
        assert "the newest dbsync" in refused.error["hint"]
    assert as_before(contents(older.url), older.rows) == older.rows


def test_a_worker_of_an_older_dbsync_ends_when_the_store_is_upgraded(
    older: Older, tmp_path: Path, dbsync: Command
) -> None:
    environ = {"PYTHONPATH": str(older_dbsync(tmp_path / "older")), "DBSYNC_STORE": older.url, "DBSYNC_KEY": KEY}
    worker = dbsync.start("worker", "--engine", "inline", "--json", env=environ)
    wait_for(lambda: len(contents(older.url)["worker"]) == 2 or worker.over)
    opened(older.url).close()
    ended = worker.wait(30).ended(4)
    assert ended.error["code"] == "STORE_NEWER"


def test_what_a_newer_dbsync_has_taken_away_is_no_failure_of_the_disk(older: Older) -> None:
    """Who has the store open and reads is told the reason, not that a column is missing."""
    store = opened(older.url)
    schema = "dbsync_store." if store.is_postgres else ""
    with store.write() as connection:
        connection.execute(sa.text(f"ALTER TABLE {schema}worker RENAME COLUMN host TO machine"))
    with pytest.raises(DbsyncError, match="failed") as failed, store.read() as connection:
        connection.execute(sa.select(tables.worker)).all()
    assert failed.value.code == "STORE_FAILED"  # as long as the version is this one, something else is wrong
    with store.write() as connection:
        connection.execute(sa.text(f"UPDATE {schema}{VERSION} SET version_num = '9999'"))
    for look in (store.read, store.snapshot):
        with pytest.raises(DbsyncError, match="another version of dbsync") as refused, look() as connection:
            connection.execute(sa.select(tables.worker)).all()
        assert (refused.value.code, refused.value.exit_code) == ("STORE_NEWER", 4)
    store.close()
