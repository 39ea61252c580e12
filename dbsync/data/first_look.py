"""What a plan asks of both servers beside their catalogs: sessions, which tables hold rows, is --where sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

from dbsync.data.options import SyncOptions
from dbsync.data.planner import Draft
from dbsync.data.preconditions import bounds_problems, may_burst
from dbsync.data.problem import Problem
from dbsync.data.sequences import SequenceState
from dbsync.data.units import Selection
from dbsync.model import Catalog, TableName
from dbsync.pg import runs, statements
from dbsync.pg.database import Database, Session
from dbsync.selection import TablePattern

# A statement lists at most this many relations: long UNION ALLs take the planner long.
_BATCH = 200


@contextmanager
def both_ends(
    source: Database, target: Database, run_id: str, settings: Mapping[str, str]
) -> Iterator[tuple[Session, Session]]:
    """Connect to both ends at a time; where both fail, the source is named."""
    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(target.connect, application_name=f"dbsync {run_id} run lock", settings=settings)
        try:
            left = source.connect(application_name=f"dbsync {run_id} plan", settings=settings)
        except BaseException:
            other.add_done_callback(_close)
            raise
    with closing(left), closing(other.result()) as right:
        yield left, right


def _close(connecting: Future[Session]) -> None:
    if connecting.exception() is None:
        connecting.result().close()


def filled(target: Session, catalog: Catalog, selection: Selection) -> Mapping[TableName, bool]:
    """Which target relations of the selection hold rows; those the role may not read count as filled."""
    routes = [route for unit in selection.units for route in unit.routes]
    readable = [
        route
        for route in routes
        if catalog.tables[route.target].privileges & {"SELECT", "OWNER"} and not catalog.tables[route.target].rls_active
    ]
    found: dict[TableName, bool] = {route.target: True for route in routes}
    for start in range(0, len(readable), _BATCH):
        batch = readable[start : start + _BATCH]
        for number, holds in target.execute(statements.any_rows([(r.target, r.target_only) for r in batch])):
            found[batch[number].target] = holds
    return found


def with_bounds(draft: Draft, source: Session) -> Draft:
    """Add what keeps sequences from being set: only setval would tell, after all rows. Few are narrower."""
    tasks = [task for group in draft.plan.groups for task in group.sequences] + list(draft.plan.sequences)
    narrower = sorted(name for task in tasks if (name := may_burst(draft.source, task)) is not None)
    reached: dict[TableName, SequenceState] = {}
    for start in range(0, len(narrower), _BATCH):
        batch = narrower[start : start + _BATCH]
        for number, last, called in source.execute(statements.sequence_states(batch)):
            reached[batch[number]] = SequenceState(last, called)
    return replace(draft, problems=(*draft.problems, *bounds_problems(tasks, reached)))


def event_triggers(target: Session) -> list[Problem]:
    """The target's event triggers that fire in a run."""
    return [
        Problem("event_trigger", f"the target's event trigger {name} fires on what this run alters", name=name)
        for name in runs.event_triggers(target)
    ]


def check_conditions(source: Session, selection: Selection, options: SyncOptions) -> None:
    """Try every --where on the source before anything else is done."""
    for text, expression in options.where.items():
        pattern = TablePattern.parse(text)
        for unit in selection.units:
            if pattern.matches(unit.source):
                runs.check_expression(source, unit.source, expression, only=False)
