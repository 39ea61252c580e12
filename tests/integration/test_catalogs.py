"""Remembered tables: shared by whoever sees the same, for a while, and only while they are as they were."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

import pytest

from dbsync.errors import StatementFailed
from dbsync.local import EphemeralServer
from dbsync.model import Catalog, TableName
from dbsync.pg.database import Database as Handle
from dbsync.pg.database import Session
from dbsync.pg.reflect_table import reflect_table
from dbsync.pg.round_trips import GatheringSession
from dbsync.server import catalogs as module
from dbsync.server.catalogs import KEPT_S, Catalogs
from dbsync.urls import DatabaseUrl, Secret, parse_url
from tests.fixtures.databases import Database, fresh_database

ITEM = TableName("public", "item")


@dataclass
class Ground:
    """The memory under test over a real database, a clock that a test moves, and what was read in truth."""

    database: Database
    url: DatabaseUrl
    session: GatheringSession
    time: float = 1000.0
    read: list[TableName] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.catalogs = Catalogs(clock=lambda: self.time, chance=lambda: 0.5)

    def look(self, url: DatabaseUrl | None = None, table: str = "item") -> Catalog:
        """One request: a snapshot, in which the table is looked at."""
        url = url or self.url
        self.session.begin(self.catalogs.questions(url, table))
        try:
            return self.catalogs.of_table(url, table)(self.session)
        finally:
            self.session.end()


@pytest.fixture
def ground(pg_a: EphemeralServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    with ExitStack() as stack:
        database = stack.enter_context(fresh_database(pg_a))
        database.execute(
            "CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE other (id int); CREATE VIEW seen AS TABLE item"
        )
        url = parse_url(database.url)
        session = stack.enter_context(closing(GatheringSession(Handle(url, read_only=True).connect())))
        ground = Ground(database, url, session)

        def noted(session: Session, table: TableName) -> Catalog:
            ground.read.append(table)
            return reflect_table(session, table)

        monkeypatch.setattr(module, "reflect_table", noted)
        yield ground


def test_only_the_table_that_is_looked_at_is_read_and_once(ground: Ground) -> None:
    for _ in range(3):
        assert set(ground.look().tables) == {ITEM}
    assert set(ground.look(table="public.item").tables) == {ITEM}
    assert ground.read == [ITEM]
    ground.look(table="other")
    assert ground.read == [ITEM, TableName("public", "other")]


def test_who_sees_the_same_shares_it_and_nobody_else(ground: Ground) -> None:
    """What a connection is called, and by whom it was saved, changes nothing of what its role may see."""
    ground.look()
    same = [
        replace(ground.url, name="of somebody else", connection_id="c-2", configured_as="mine"),
        replace(ground.url, environment="production", protected=True, read_only=True),
    ]
    for url in same:
        ground.look(url)
    assert len(ground.read) == 1
    others = [
        replace(ground.url, password=Secret("not the same")),
        replace(ground.url, password=None),
        replace(ground.url, user="case_reader"),
        replace(ground.url, addresses=("127.0.0.1",)),
        replace(ground.url, dbname="another"),
        replace(ground.url, port=1),
        replace(ground.url, host="elsewhere"),
        replace(ground.url, sslmode="disable"),
    ]
    for number, url in enumerate(others, 2):
        ground.look(url)
        assert len(ground.read) == number


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE item ADD COLUMN name text",
        "ALTER TABLE item DROP CONSTRAINT item_pkey",
        "CREATE TABLE child () INHERITS (item)",
        "DROP TABLE item CASCADE; CREATE TABLE item (id int PRIMARY KEY)",
        "ALTER TABLE item RENAME TO gone; ALTER TABLE other RENAME TO item",
        "CREATE SCHEMA s; ALTER TABLE item SET SCHEMA s; ALTER TABLE other RENAME TO item",
        "ALTER TABLE item RENAME id TO number",
        "DROP VIEW seen; ALTER TABLE item ALTER id TYPE bigint",
        "ALTER TABLE item DROP CONSTRAINT item_pkey; ALTER TABLE item ADD PRIMARY KEY (id) DEFERRABLE",
        "UPDATE pg_index SET indisvalid = false WHERE indrelid = 'public.item'::regclass",
        "ALTER TABLE item ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE item FORCE ROW LEVEL SECURITY",
        "CREATE TYPE mood AS ENUM ('good'); ALTER TABLE item ADD COLUMN mood mood",
        "CREATE TABLE root (id int NOT NULL) PARTITION BY RANGE (id); ALTER TABLE root ATTACH PARTITION item DEFAULT",
    ],
)
def test_a_table_that_has_changed_is_read_anew_at_once(ground: Ground, change: str) -> None:
    before = ground.look()
    ground.database.execute(change)
    after = ground.look()
    assert len(ground.read) == 2
    assert after != before
    ground.look()
    assert len(ground.read) == 2


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("feeling", "ALTER TYPE mood RENAME VALUE 'good' TO 'fine'"),
        ("feelings", "ALTER TYPE mood RENAME VALUE 'good' TO 'fine'"),
        ("root", "ALTER TABLE root DETACH PARTITION leaf; ALTER TABLE root ADD PRIMARY KEY (id)"),
        ("leaf", "ALTER TABLE root DETACH PARTITION leaf"),
    ],
)
def test_so_is_one_with_types_that_somebody_made_and_a_partition(ground: Ground, table: str, change: str) -> None:
    ground.database.execute(
        "CREATE TYPE mood AS ENUM ('good'); CREATE TABLE feeling (mood mood); CREATE TABLE feelings (moods mood[]);"
        "CREATE TABLE root (id int NOT NULL) PARTITION BY RANGE (id); CREATE TABLE leaf PARTITION OF root DEFAULT"
    )
    before = ground.look(table=table)
    assert ground.look(table=table) == before
    assert len(ground.read) == 1
    ground.database.execute(change)
    assert ground.look(table=table) != before
    assert len(ground.read) == 2


def test_what_is_not_there_or_has_no_stamp_is_looked_for_each_time(ground: Ground) -> None:
    for table in ("nothing", "a.b.c", 'no"name', "seen"):
        ground.look(table=table)
        ground.look(table=table)
    assert len(ground.read) == 8
    ground.database.execute("CREATE TABLE nothing (id int)")
    assert len(ground.look(table="nothing").tables) == 1


def test_rights_are_read_anew_after_a_while(ground: Ground) -> None:
    ground.look()
    ground.time += KEPT_S * 0.7  # half of fifteen seconds were taken off by chance
    ground.look()
    assert len(ground.read) == 1
    ground.time += KEPT_S * 0.1
    ground.look()
    assert len(ground.read) == 2


def test_while_one_reads_anew_the_others_go_on_with_what_they_have(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.look()
    ground.time += KEPT_S
    reading, go_on = threading.Event(), threading.Event()

    def slow(session: Session, table: TableName) -> Catalog:
        reading.set()
        assert go_on.wait(20)
        ground.read.append(table)
        return reflect_table(session, table)

    monkeypatch.setattr(module, "reflect_table", slow)
    with closing(GatheringSession(Handle(ground.url, read_only=True).connect())) as second:
        thread = threading.Thread(target=lambda: ground.catalogs.of_table(ground.url, "item")(second))
        thread.start()
        assert reading.wait(20)
        ground.look()
        assert len(ground.read) == 1
        go_on.set()
        thread.join(20)
    ground.look()
    assert len(ground.read) == 2


def test_a_failure_to_read_is_the_requests_own(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(session: Session, table: TableName) -> Catalog:
        raise StatementFailed("no")

    monkeypatch.setattr(module, "reflect_table", failing)
    with pytest.raises(StatementFailed):
        ground.look()
    monkeypatch.setattr(module, "reflect_table", reflect_table)
    assert set(ground.look().tables) == {ITEM}


def test_what_is_remembered_is_bounded_and_forgotten(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_COLUMNS", 5)
    ground.database.execute("; ".join(f"CREATE TABLE t{n} (id int)" for n in range(9)))
    for number in range(9):
        ground.look(table=f"t{number}")
    assert len(ground.catalogs._entries) == 2  # of one column each, and one for itself
    ground.time += 2 * KEPT_S
    ground.catalogs.sweep()
    assert not ground.catalogs._entries
