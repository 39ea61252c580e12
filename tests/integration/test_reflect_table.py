"""One relation read by itself is what it is in its whole database, as far as its rows are concerned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dbsync.local import EphemeralServer
from dbsync.model import Catalog, Table, TableName
from dbsync.pg.database import Database as Handle
from dbsync.pg.reflect import one_snapshot, reflect
from dbsync.pg.reflect_table import reflect_table
from dbsync.pg.round_trips import GatheringSession
from dbsync.urls import parse_url
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.pair import with_user
from tests.fixtures.wire import wire
from tests.integration.test_reflect import ODD, everything

_NOT_READ: dict[str, Any] = {
    "comment": None, "foreign_keys": (), "checks": (), "triggers": (), "policies": (), "rules": (),
}  # fmt: skip


@pytest.fixture(scope="module")
def full(pg_a: EphemeralServer) -> Iterator[Database]:
    with fresh_database(pg_a) as database:
        for script in everything(pg_a):
            database.execute(script)
        database.execute(
            "CREATE TABLE mother (id int PRIMARY KEY); CREATE TABLE daughter (own text UNIQUE) INHERITS (mother);"
            "CREATE TABLE grandchild () INHERITS (daughter); CREATE TYPE mood AS ENUM ('a', 'b');"
            "CREATE DOMAIN moods AS mood[]; CREATE TABLE typed (id int PRIMARY KEY, m moods, d mother, x moods[]);"
            "CREATE TABLE shown (id int PRIMARY KEY, hidden text); GRANT SELECT (id) ON shown TO case_reader"
        )
        yield database


def both(url: str) -> Iterator[tuple[Table, Catalog, Catalog]]:
    """Each relation, the whole database, and the relation read by itself."""
    with closing(Handle(parse_url(url), read_only=True).connect()) as session, one_snapshot(session):
        whole = reflect(session, inspector=False)
        assert len(whole.tables) > 15
        for name, table in whole.tables.items():
            yield table, whole, reflect_table(session, name)


@pytest.mark.parametrize("role", ["", "case_reader"])
def test_every_relation_is_as_the_whole_database_has_it(full: Database, role: str) -> None:
    for table, whole, alone in both(with_user(full.url, role) if role else full.url):
        read = alone.tables[table.name]
        assert read == replace(table, **_NOT_READ), table.name
        assert (alone.role, alone.database, alone.server_version) == (whole.role, whole.database, whole.server_version)


def test_who_inherits_is_told_and_partitions_are_not(full: Database) -> None:
    relatives = {
        table.name.name: {str(name) for name in alone.tables if name != table.name}
        for table, _, alone in both(full.url)
        if table.name.schema == "public"
    }
    assert relatives["mother"] == {"public.daughter"}
    assert relatives["daughter"] == {"public.mother", "public.grandchild"}
    partitioned = next((one, alone) for one, _, alone in both(full.url) if one.kind == "partitioned")
    assert set(partitioned[1].tables) == {partitioned[0].name}


@pytest.mark.parametrize(
    "name",
    [
        TableName("", ""),
        TableName("public", "not there"),
        TableName("public", "mother\0"),
        TableName("public", "m" * 80),
        TableName("public", "\ud800"),
        TableName("pg_catalog", "pg_class"),
        TableName("information_schema", "tables"),
    ],
)
def test_what_is_no_relation_of_a_user_is_not_there(full: Database, name: TableName) -> None:
    with closing(Handle(parse_url(full.url), read_only=True).connect()) as session, one_snapshot(session):
        assert name not in reflect_table(session, name).tables
        assert session.one("SELECT 1") == (1,)


def test_it_takes_two_round_trips_however_large_the_database_is(full: Database, tmp_path: Path) -> None:
    full.execute("; ".join(f"CREATE TABLE many_{n} (id int PRIMARY KEY)" for n in range(50)))
    with closing(GatheringSession(Handle(parse_url(full.url), read_only=True).connect())) as session:
        session.begin()
        with wire(session, tmp_path / "wire") as seen:
            found = reflect_table(session, ODD)
        assert (seen.sent("Sync"), seen.sent("Query")) == (2, 0)
        assert set(found.tables) == {ODD}
        session.end()
