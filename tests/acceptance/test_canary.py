"""A planted password is nowhere: not in any table of the store or of the queue, in no row that was there for a moment,
no file, no log, no output, and in the arguments of no process, whoever runs a job.

Tables are found in the store, not listed here; rows of the queue, which are deleted at once, are caught as they come.
"""

from __future__ import annotations

import base64
import json
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from dbsync.jobs.model import JobState
from dbsync.jobs.presence import Presence
from dbsync.jobs.queue import Engine, open_queue
from tests.fixtures import oracle
from tests.fixtures.command import Result
from tests.fixtures.databases import Database
from tests.fixtures.pair import with_user
from tests.fixtures.yard import KEY, Yard, wait_for, yard

CANARY = "s3cr3t/c@nary"
SPELLINGS = {
    text.encode()
    for plain in (CANARY, KEY)
    for text in (
        plain,
        quote(plain, safe=""),
        json.dumps(plain)[1:-1],
        base64.b64encode(plain.encode()).decode(),
        plain.encode().hex(),
    )
}
CONFIG = """
version: 1
databases:
  here: {url: "env:SOURCE_URL"}
  there: {url: "env:TARGET_URL"}
syncs:
  monthly: {source: here, target: there, schedule: {cron: "@monthly", grace: 32d}}
"""
CATCH = """
CREATE TABLE public.caught (name text, line text);
CREATE FUNCTION public.catch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$BEGIN INSERT INTO public.caught VALUES (TG_TABLE_NAME, NEW::text); RETURN NEW; END$$;
"""
OWN = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relkind IN ('r', 'p')"
KINDS: dict[str, tuple[bool, Engine]] = {
    "sqlite": (False, "inline"),
    "postgres": (True, "inline"),
    "postgres with procrastinate": (True, "procrastinate"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A store and two databases, each behind a role whose password is the canary."""

    place: Yard
    engine: Engine
    store: Database | None
    ends: tuple[Database, Database]
    env: dict[str, str]
    said: list[Result] = field(default_factory=list)

    def run(self, *words: str, exit_code: int = 0) -> Result:
        self.said.append(self.place.command.run(*words, "-vv", "--json", env=self.env).ended(exit_code))
        return self.said[-1]


@pytest.fixture
def role(source_db: Database, target_db: Database) -> Iterator[str]:
    """A role of this test's own on both servers."""
    name = f"canary_{source_db.name}"
    databases = (source_db, target_db)
    for database in databases:
        database.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{CANARY}'")
    yield name
    for database in databases:
        database.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER", f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.fixture(params=KINDS)
def ground(
    request: pytest.FixtureRequest, tmp_path: Path, role: str, source_db: Database, target_db: Database
) -> Iterator[Ground]:
    in_postgres, engine = KINDS[request.param]
    store: Database | None = request.getfixturevalue("store_db") if in_postgres else None
    for database in (source_db, target_db):
        database.execute("CREATE TABLE item (id int PRIMARY KEY)", f"ALTER TABLE item OWNER TO {role}")
    source_db.execute("INSERT INTO item SELECT generate_series(1, 100)")
    for owned in (target_db, *([store] if store else [])):
        owned.execute(f"ALTER DATABASE {owned.name} OWNER TO {role}")
    with yard(tmp_path / "yard", with_user(store.url, role, CANARY) if store else None) as place:
        place.queue = open_queue(engine, place.registry.store)  # which makes its tables
        (place.command.home / "dbsync.yaml").write_text(CONFIG)
        urls = {
            "SOURCE_URL": with_user(source_db.url, role, CANARY),
            "TARGET_URL": with_user(target_db.url, role, CANARY),
        }
        yield Ground(place=place, engine=engine, store=store, ends=(source_db, target_db), env=place.env | urls)
        if store:  # the role is dropped next
            store.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")


def test_the_password_is_in_no_table_no_queue_row_no_log_and_no_arguments(ground: Ground) -> None:
    place, home = ground.place, ground.place.command.home
    if ground.store is not None:
        names = tables(ground.store)
        ground.store.execute(CATCH)
        for name in names:
            ground.store.execute(
                f"CREATE TRIGGER catch AFTER INSERT OR UPDATE ON {name} FOR EACH ROW EXECUTE FUNCTION public.catch()"
            )
    with arguments_of_all_processes() as arguments:
        ground.run("sync", "env:SOURCE_URL", "env:TARGET_URL", "--yes")
        ground.run("sync", "env:SOURCE_URL", "env:TARGET_URL", "--yes", "--detach")  # by a worker that it starts
        wait_for(lambda: len(place.jobs.list(states=[JobState.SUCCEEDED])) == 2)
        wait_for(lambda: not Presence(place.registry.store).alive())
        log = ("--log-file", str(home / "log"), "-vv")
        at_once = ("--schedules",) if ground.engine == "inline" else ()  # the other engine fires at the full minute
        worker = place.worker("--engine", ground.engine, *at_once, *log, env=ground.env)
        wait_for(Presence(place.registry.store).alive, why=place.told)
        ground.ends[1].execute("TRUNCATE item")
        # The server may not have ended the session of the run before yet.
        ground.run("sync", "env:SOURCE_URL", "env:TARGET_URL", "--yes", "--queue", "--on-locked", "wait")
        ground.env["SOURCE_URL"] = urlsplit(ground.env["SOURCE_URL"])._replace(path="/nowhere").geturl()
        ground.run("sync", "env:SOURCE_URL", "env:TARGET_URL", "--yes", "--queue", exit_code=3)
        wait_for(lambda: len(place.jobs.list(states=[JobState.SUCCEEDED])) == 3 + len(at_once), why=place.told)
        (failed,) = place.jobs.list(states=[JobState.FAILED])
        for words in (("list",), ("show", failed.id), ("logs", failed.id, "--all")):
            ground.run("jobs", *words)
        worker.send(signal.SIGTERM)
        ground.said.append(worker.wait().ended(0))
    assert oracle.differences(ground.ends[0].url, ground.ends[1].url) == []
    everything = {f"the arguments {words!r}": words for words in arguments}
    everything |= {
        f"the output of {result.args}": f"{result.stdout}\n{result.stderr}".encode() for result in ground.said
    }
    everything |= {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    everything |= rows_of(ground)
    assert any(b"worker" in words and b"--once" in words for words in arguments), "the worker was not seen"
    assert (home / "log").stat().st_size > 0
    if ground.engine == "procrastinate":
        assert any(where.startswith("caught in procrastinate_jobs") for where in everything), "no message was seen"
    found = [where for where, content in everything.items() if any(each in content for each in SPELLINGS)]
    assert found == []


def rows_of(ground: Ground) -> dict[str, bytes]:
    """Each row of every table of the store, of what was caught, and of the target's ledger."""
    found = {}
    if ground.store is None:
        file = ground.place.place.file
        assert file is not None
        with closing(sqlite3.connect(file)) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in names:
                for number, row in enumerate(connection.execute(f'SELECT * FROM "{name}"')):
                    found[f"row {number} of {name}"] = b"\n".join(
                        cell if isinstance(cell, bytes) else str(cell).encode() for cell in row
                    )
        assert {"job", "connection", "event", "audit", "tick"} <= set(names)
    for database in (ground.ends[1], *([ground.store] if ground.store else [])):
        for name in (each for each in tables(database) if each not in ("public.item", "public.caught")):
            for number, (row,) in enumerate(database.query(f"SELECT t::text FROM {name} t")):
                found[f"row {number} of {name}"] = str(row).encode()
    if ground.store is not None:
        for number, (name, row) in enumerate(ground.store.query("SELECT name, line FROM public.caught")):
            found[f"caught in {name}: {number}"] = row.encode()
    return found


def tables(database: Database) -> list[str]:
    """Every table that is not the server's own, whoever made it."""
    query = f"SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OWN}"
    return [name for (name,) in database.query(query)]


@contextmanager
def arguments_of_all_processes() -> Iterator[set[bytes]]:
    """The arguments of every process that there is while the block runs."""
    found: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    found.add((process / "cmdline").read_bytes())
                except OSError:  # it has ended
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
