"""What became of the databases since a plan was made, and whether that ends the run: ``--on-drift``.

It is looked for before the first write. What changes while rows are written is never ignored: tables are checked
under their locks, and rows before each commit.
"""

from __future__ import annotations

from collections.abc import Iterable

from dbsync.data.options import OnDrift
from dbsync.data.plan import SyncPlan
from dbsync.data.sides import Side
from dbsync.errors import Drift
from dbsync.pg import runs, statements
from dbsync.pg.database import Session


def drifts_since(plan: SyncPlan, sides: tuple[Side, Side], sessions: tuple[Session, Session]) -> list[str]:
    """Say which tables are not as the plan takes them to be: of another structure, or no longer empty."""
    source = [task.source for task in plan.tables]
    target = sorted({table for group in plan.groups for table in group.lock})
    found = []
    for name, tables, side, session in zip(("source", "target"), (source, target), sides, sessions, strict=True):
        oids = {table: side.oids[table] for table in tables}
        moved = runs.changed(session, oids, side.stamps)
        found += [f"{table} was changed in the {name} since the plan was made" for table in moved]
    return found or _filled(plan, sessions[1])


def _filled(plan: SyncPlan, target: Session) -> list[str]:
    bulk = [task for task in plan.tables if task.strategy == "bulk"]
    if not bulk:
        return []
    holds = target.execute(statements.any_rows([(task.target, task.target_only) for task in bulk]))
    return [f"{bulk[at].target} was empty when the plan was made and holds rows now" for at, filled in holds if filled]


def heeded(drifts: Iterable[str], on_drift: OnDrift, *, hint: str) -> list[str]:
    """Raise Drift for the first of what moved; return it all as warnings where it is to be ignored."""
    listed = list(drifts)
    if listed and on_drift == "fail":
        raise Drift(listed[0], hint=f"{hint}, or give --on-drift ignore")
    return [f"{said}: ignored, what is there now is what counts" for said in listed]
