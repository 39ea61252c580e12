"""The store on both engines: made, upgraded, refused; transactions that hold; nothing that others could read."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from dbsync.errors import ConfigError, DbsyncError, Refused
from dbsync.store import Store, StorePlace, open_store, store_place, tables
from dbsync.store.engine import HEAD
from dbsync.store.upgrade import newest
from dbsync.urls import parse_url
from tests.fixtures.databases import Database


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> StorePlace:
    if request.param == "sqlite":
        return store_place(environ={"XDG_STATE_HOME": str(tmp_path / "state")})
    database: Database = request.getfixturevalue("target_db")
    return StorePlace(name="pg", url=parse_url(database.url))


@pytest.fixture
def store(place: StorePlace) -> Iterator[Store]:
    opened = open_store(place)
    yield opened
    opened.close()


def add_worker(store: Store, name: str) -> None:
    row = {"host": "h", "pid": 1, "engine": "inline", "concurrency": 1, "version": "0", "started_at": 0, "seen_at": 0}
    with store.write() as connection:
        connection.execute(sa.insert(tables.worker).values(id=name, **row))


def workers(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.scalars(sa.select(tables.worker.c.id).order_by(tables.worker.c.id)))


def test_what_is_written_is_there_when_the_store_is_opened_again(store: Store, place: StorePlace) -> None:
    add_worker(store, "one")
    again = open_store(place)
    assert workers(again) == ["one"]
    again.close()


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.write() as connection:
            connection.execute(sa.update(tables.worker).values(id="two"))
            raise ZeroDivisionError

    add_worker(store, "one")
    with pytest.raises(ZeroDivisionError):
        fail()
    assert workers(store) == ["one"]


def test_writers_take_turns_and_none_is_lost(store: Store) -> None:
    def count_up() -> None:
        for _ in range(10):
            with store.write() as connection:
                number = connection.execute(sa.select(tables.worker.c.pid).with_for_update()).scalar_one()
                connection.execute(sa.update(tables.worker).values(pid=number + 1))

    add_worker(store, "n")
    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert connection.scalar(sa.select(tables.worker.c.pid)) == 41


def test_the_migrations_build_what_the_tables_say(store: Store) -> None:
    assert newest() == HEAD
    with store.read() as connection:
        if store.is_postgres:
            options = {
                "include_schemas": True,
                "include_name": lambda name, kind, parents: kind != "schema" or name == tables.SCHEMA,
                "include_object": lambda found, name, kind, *_: kind != "table" or "procrastinate" not in name,
                "version_table_schema": tables.SCHEMA,
            }
            assert compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata) == []
        built = sa.inspect(connection)
        for table in tables.metadata.sorted_tables:
            columns = built.get_columns(table.name, schema=tables.SCHEMA if store.is_postgres else None)
            assert [column["name"] for column in columns] == [column.name for column in table.columns]
            assert [column["nullable"] for column in columns] == [column.nullable for column in table.columns]


def test_a_store_of_a_newer_dbsync_is_refused_also_by_who_has_it_open(store: Store, place: StorePlace) -> None:
    with store.write() as connection:
        schema = "dbsync_store." if store.is_postgres else ""
        connection.execute(sa.text(f"UPDATE {schema}alembic_version SET version_num = '9999'"))
    with pytest.raises(Refused, match="another version of dbsync"):
        add_worker(store, "late")
    with pytest.raises(Refused, match="another version of dbsync"):
        open_store(place)
    assert workers(store) == []


def test_several_processes_may_make_the_store_at_once(place: StorePlace) -> None:
    opened: list[Store] = []
    failed: list[BaseException] = []

    def make() -> None:
        try:
            opened.append(open_store(place))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    for store in opened:
        store.close()


_STEPS = (
    "TABLE alembic_version",
    ".audit (",
    ".job (",
    ".part (",
    "INSERT INTO audit_head",
    "TRIGGER",
    "INSERT INTO alembic",
)


@pytest.mark.parametrize("step", _STEPS)
def test_a_store_that_is_killed_at_any_step_while_it_is_made_is_made_by_the_next(tmp_path: Path, step: str) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path)}
    script = (
        "import os, signal\nfrom dbsync.store import open_store, store_place, tables\n"
        f"place = store_place(environ={environ!r})\n"
        "import sqlalchemy as sa\n"
        "def die(connection, cursor, statement, *rest):\n"
        f"    if {step!r} in statement:\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "sa.event.listen(sa.Engine, 'after_cursor_execute', die)\n"
        "open_store(place)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    store = open_store(store_place(environ=environ))
    add_worker(store, "after")
    assert workers(store) == ["after"]
    store.close()


def test_what_is_committed_to_the_file_is_on_the_disk_and_readers_do_not_wait(tmp_path: Path) -> None:
    store = open_store(store_place(environ={"XDG_STATE_HOME": str(tmp_path)}))
    with store.write() as connection:
        pragmas = {name: connection.scalar(sa.text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")}  # fmt: skip
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}  # 2 is FULL
        assert workers(store) == []
    store.close()


def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    place = store_place(environ={"XDG_STATE_HOME": str(tmp_path / "state")})
    store = open_store(place)
    add_worker(store, "x")
    assert place.file is not None
    for file in place.file.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    assert place.file.parent.stat().st_mode & 0o077 == 0
    store.close()
    place.file.chmod(0o644)
    with pytest.raises(Refused, match="other users"):
        open_store(place)


def test_a_store_that_is_not_there_is_not_made_unless_asked(tmp_path: Path) -> None:
    place = store_place(environ={"XDG_STATE_HOME": str(tmp_path)})
    with pytest.raises(ConfigError, match="there is no store"):
        open_store(place, create=False)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_store_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.write_bytes(b"this is not a database" * 100)
    file.chmod(0o600)
    with pytest.raises(DbsyncError, match="failed: file is not a database") as caught:
        open_store(StorePlace(name=str(file), file=file))
    assert caught.value.code == "STORE_FAILED"


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///", "sqlite:///a?b=c", "mysql://h/d", "nonsense"])
def test_a_place_that_cannot_be_one_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        store_place(environ={"DBSYNC_STORE": text})


def test_the_environment_wins_over_the_config_file() -> None:
    assert store_place("sqlite:////a.db", {"DBSYNC_STORE": "sqlite:////b.db"}).name == "/b.db"
    assert store_place("env:WHERE", {"WHERE": "sqlite:////c.db"}).name == "/c.db"
    place = store_place(None, {"DBSYNC_STORE": "postgresql+psycopg://u:pw@h/d"})
    assert place.url is not None
    assert "pw" not in place.name
