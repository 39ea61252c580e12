"""Readers of one snapshot: sessions that were there before can be readers too, while they live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext

import pytest

from dbsync.pg.database import Database
from dbsync.pg.snapshot import ReaderPool, exported_snapshot
from dbsync.urls import parse_url

COUNT = "SELECT count(*) FROM public.t"


@pytest.fixture
def database(source_db) -> Database:
    source_db.execute("CREATE TABLE public.t AS SELECT 1 AS a")
    return Database(parse_url(source_db.url), read_only=True)


@pytest.fixture
def pool(database: Database, source_db) -> Iterator[ReaderPool]:
    """One reader at most, of a snapshot that a row was written after."""
    with exported_snapshot(
        database, [], label="dbsync test", lock_timeout_s=5.0, cancelled_by=lambda cancel: nullcontext()
    ) as snapshot:
        source_db.execute("INSERT INTO public.t VALUES (2)")
        with closing(ReaderPool(database, snapshot, limit=1, label="dbsync test", check=lambda: None)) as found:
            yield found


def test_a_session_that_was_there_becomes_a_reader_like_any_other(database: Database, pool: ReaderPool) -> None:
    session = database.connect(application_name="dbsync test plan", settings={"lock_timeout": "7s"})
    pool.adopt(session)
    with pool.reader() as reader:
        assert reader is session
        assert reader.one(COUNT) == (1,)
        assert reader.one("SHOW lock_timeout") == ("5s",)
        assert reader.one("SHOW application_name") == ("dbsync test reader",)
        assert pool.try_acquire() is None


def test_one_that_was_lost_meanwhile_does_not(database: Database, pool: ReaderPool) -> None:
    session = database.connect()
    session.abort()
    pool.adopt(session)
    with pool.reader() as reader:
        assert reader is not session
        assert reader.one(COUNT) == (1,)


def test_a_session_can_see_the_snapshot_for_a_while(database: Database, pool: ReaderPool) -> None:
    with closing(database.connect()) as session:
        with pool.lent(session):
            assert session.one(COUNT) == (1,)
        assert session.at_rest
        assert session.one(COUNT) == (2,)
