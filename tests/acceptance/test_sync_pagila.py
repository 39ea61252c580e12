"""A real database: Pagila (github.com/devrimgunduz/pagila), into an empty copy of its schema, and over itself.

Its schema.sql and data.sql are not part of this repository: ``DBSYNC_TEST_PAGILA=DIR`` names their folder, else they are
looked for beside the checkout.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.pair import pair_on, rows

_BESIDE = Path(__file__).parents[2].parent / "shared" / "data" / "pagila"
PLACE = os.environ.get("DBSYNC_TEST_PAGILA") or (str(_BESIDE) if _BESIDE.is_dir() else None)


def _load(bindir: Path, url: str, *scripts: str) -> None:
    psql = shutil.which("psql", path=str(bindir)) or "psql"
    for script in scripts:
        command = [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", str(Path(str(PLACE)) / script)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.skipif(PLACE is None, reason="NOT TESTED on Pagila: set DBSYNC_TEST_PAGILA to the folder of its scripts")
@pytest.mark.parametrize("major", [18, 17, 15])
def test_pagila_arrives_whole(major: int, request: pytest.FixtureRequest, servers, dbsync: Command) -> None:
    other = servers.target if major == servers.target.major else request.getfixturevalue(f"pg{major}")
    with pair_on(servers.source, other) as make:
        pair = make()
        _load(servers.source.bindir, pair.source, "schema.sql", "data.sql")
        _load(servers.source.bindir, pair.target, "schema.sql")
        before = oracle.take(pair.target)
        for args in ((), ("--mode", "replace"), ("--mode", "replace", "-j", "4")):
            result = dbsync.sync(pair.source, pair.target, *args).ended(0)
            assert all(table["verified"] for table in result.result["tables"]), result
            assert oracle.differences(pair.source, pair.target) == [], result
            changed = oracle.structure_changes(before, oracle.take(pair.target))
            assert [line for line in changed if "relation |" not in line] == [], result
        populated = "SELECT relname::text, relispopulated FROM pg_class WHERE relkind = 'm' ORDER BY 1"
        assert rows(pair.source, populated) == rows(pair.target, populated)
        assert oracle.leftovers(pair.target) == []
