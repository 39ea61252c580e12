"""Workers that are killed at random lose and double nothing: the short form of ``tests.faults.worker_kills``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.worker_kills import BIG, FILL, trial
from tests.fixtures.databases import Database

SEED = int(os.environ.get("DBSYNC_TEST_SEED", "1"))


@pytest.mark.timeout(300)
def test_workers_that_are_killed_at_random_lose_and_double_nothing(
    source_db: Database, target_db: Database, store_db: Database, tmp_path: Path
) -> None:
    source_db.execute(BIG, FILL.format(rows=150_000))
    target_db.execute(BIG)
    told = trial((source_db, target_db), store_db, tmp_path / "yard", seconds=6, seed=SEED, engine="procrastinate")
    assert told.kills > 0
    assert told.right, told
