"""A schema against a copy with 40 random changes: planned, proved, applied, judged over pg_dump, undone, judged again.

Pagila where it is at hand (see test_sync_pagila), else the shop of ``dbsync demo``. ``DBSYNC_MUTATIONS=300`` makes it more
rounds, ``DBSYNC_MUTATIONS_SEED=7`` names the first one's seed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import dbsync
from tests.acceptance.test_sync_pagila import PLACE
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.diffcases import DiffCase, complaints, make_case_roles
from tests.fixtures.inprocess import InProcess
from tests.fixtures.mutations import mutate
from tests.fixtures.pair import create_database, drop_database
from tests.fixtures.planners import Commands

ROUNDS = int(os.environ.get("DBSYNC_MUTATIONS", "1"))
SEED = int(os.environ.get("DBSYNC_MUTATIONS_SEED", "1"))
CHANGES = 40
SCHEMA = Path(PLACE) / "schema.sql" if PLACE else Path(dbsync.__file__).parent / "demo" / "shop_schema.sql"


@pytest.fixture(scope="module")
def original(pg_b) -> Iterator[Database]:
    make_case_roles(pg_b)
    with fresh_database(pg_b) as database:
        database.execute(SCHEMA.read_text(encoding="utf-8"))
        yield database


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_a_schema_follows_a_changed_copy_and_comes_back(seed: int, original: Database, capsys, tmp_path) -> None:
    server = original.server
    source, target = (Database(create_database(server, original.name), server) for _ in range(2))
    try:
        made = mutate(source.url, CHANGES, seed)
        case = DiffCase(name=f"seed {seed}", about="", target="", source="")
        engine = Commands(InProcess(capsys), tmp_path, server.url())
        wrong = complaints(case, source, target, engine)
        assert not wrong, "\n".join([*wrong, *(f"{one.kind}: {one.statements}" for one in made)])
    finally:
        for database in (source, target):
            drop_database(server, database.url)
