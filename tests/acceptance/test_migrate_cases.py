"""Every folder of tests/cases/diff: planned, proved, applied, judged over pg_dump, planned again, undone, judged again.

A run takes each twentieth, others every day. ``DBSYNC_DIFF_CASES=all`` takes all, ``DBSYNC_DIFF_CASES=enum`` those
with that in their name, ``DBSYNC_DIFF_ONLINE=1`` plans them with ``--online``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from tests.fixtures import diffcases
from tests.fixtures.databases import Servers
from tests.fixtures.diffcases import DiffCase
from tests.fixtures.inprocess import InProcess
from tests.fixtures.planners import Commands

CHOSEN = os.environ.get("DBSYNC_DIFF_CASES", "some")
OPTIONS = ("--online",) if os.environ.get("DBSYNC_DIFF_ONLINE") else ()
EVERY = 20
ALL = diffcases.cases(99)


def chosen() -> list[DiffCase]:
    if CHOSEN == "some":
        return ALL[datetime.now(UTC).toordinal() % EVERY :: EVERY]
    return [case for case in ALL if CHOSEN == "all" or CHOSEN in case.name]


def test_there_is_a_case_for_every_class() -> None:
    assert len(ALL) >= 150
    assert len({case.about for case in ALL}) == len(ALL), "two folders are about the same"


@pytest.mark.parametrize("case", chosen(), ids=lambda case: case.name)
def test_a_schema_is_made_like_another_and_back(case: DiffCase, servers: Servers, capsys, tmp_path) -> None:
    if case.min_version > servers.major:
        pytest.skip(f"NOT TESTED on Postgres {servers.major}: the case needs {case.min_version}")
    for server in (servers.source, servers.target):
        diffcases.make_case_roles(server)
    engine = Commands(InProcess(capsys), tmp_path, servers.target.url(), OPTIONS)
    with diffcases.loaded(case, servers.source, servers.target) as (source, target):
        wrong = diffcases.complaints(case, source, target, engine)
    assert not wrong, "\n".join(wrong)
