"""Random schemas from seeds: into empty tables, over old rows, and what differs of those. DBSYNC_TEST_SEEDS=50 or =300-400 tries more."""

from __future__ import annotations

import os

import pytest

from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle, schemagen


def _seeds() -> range:
    text = os.environ.get("DBSYNC_TEST_SEEDS", "10")
    first, _, last = text.rpartition("-")
    return range(int(first or 0), int(last))


@pytest.mark.parametrize("seed", _seeds())
def test_a_random_schema_arrives_whole(seed: int, pairs, called: CalledSync) -> None:
    schema = schemagen.make(seed)
    filled = seed % 2 == 1
    pair = pairs("", schema.source, schema.target(filled=filled))
    source_before, target_before = oracle.take(pair.source), oracle.take(pair.target)
    mode = [["--mode", "replace"], ["--delete", "--max-delete", "100%"]][seed // 2 % 2] if filled else []
    result = called.sync(pair.source, pair.target, *mode, "-j", str(1 + seed % 4)).ended(0)
    assert oracle.differences(pair.source, pair.target) == [], result
    assert oracle.structure_changes(target_before, oracle.take(pair.target)) == [], result
    assert oracle.all_changes(source_before, oracle.take(pair.source)) == [], result
    assert oracle.leftovers(pair.target) == []
