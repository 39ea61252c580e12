"""PURE: all checks of two structures, beyond what keeps a plan from being made."""

from __future__ import annotations

from collections.abc import Iterator

from dbsync.data.checks.columns import column_problems
from dbsync.data.checks.constraints import constraint_problems
from dbsync.data.checks.databases import database_problems
from dbsync.data.checks.pairs import checked
from dbsync.data.checks.sequences import sequence_problems
from dbsync.data.checks.tables import table_problems
from dbsync.data.planner import Draft
from dbsync.data.problem import Problem
from dbsync.model import Circumstances


def structure_problems(draft: Draft, source: Circumstances, target: Circumstances) -> Iterator[Problem]:
    """Yield what may surprise although a sync could be planned, and what surrounds that which keeps it from it."""
    found = checked(draft, source, target)
    for check in (database_problems, table_problems, column_problems, constraint_problems, sequence_problems):
        yield from check(found)
