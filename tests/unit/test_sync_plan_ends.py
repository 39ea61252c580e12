"""A plan is for the databases that it was made for, also where a server hides which one it is."""

from __future__ import annotations

import pytest

from dbsync.data.options import SyncOptions
from dbsync.data.plan_file import PlanFile, PlannedEnd
from dbsync.errors import StalePlan
from dbsync.pg.identity import DatabaseIdentity


def _end(system: str | None, database: str) -> DatabaseIdentity:
    return DatabaseIdentity(system=system, database_oid=16384, database=database)


def test_a_server_that_hides_its_identifier_is_told_by_the_name_of_its_database():
    for system, database, refused in (("7", "b", False), (None, "a", False), (None, "b", True), ("8", "a", True)):
        planned = PlannedEnd(_end("7" if system else None, "a"), {})
        plan = PlanFile(SyncOptions(), planned, planned, {})
        found = _end(system, database)
        if refused:
            with pytest.raises(StalePlan, match="another source: the database a, not this"):
                plan.check_ends(found, found)
        else:
            plan.check_ends(found, found)
