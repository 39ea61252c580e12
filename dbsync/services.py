"""One function per verb: the command line (and later the server) calls nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

from dbsync.control import Control
from dbsync.data.options import SyncOptions
from dbsync.data.plan import SyncPlan
from dbsync.data.planner import plan_sync
from dbsync.data.report import SyncReport
from dbsync.data.run import Side, run_sync
from dbsync.data.units import Selection, select_units
from dbsync.errors import Refused
from dbsync.events import Emit, silent
from dbsync.guards import require_consent
from dbsync.model import Catalog, TableName
from dbsync.pg import runs, statements
from dbsync.pg.database import Database, Session
from dbsync.pg.identity import ensure_distinct, ensure_primary
from dbsync.pg.reflect import reflect
from dbsync.selection import TablePattern

# A statement lists at most this many relations: long UNION ALLs take the planner long.
_BATCH = 200


class PreparedSync:
    """A sync that is planned but not begun: show ``plan``, ask for consent, then ``run`` it."""

    def __init__(self, plan: SyncPlan, source: Side, target: Side) -> None:
        self.plan = plan
        self.run_id = uuid.uuid4().hex[:12]
        self._source, self._target = source, target

    @property
    def target_name(self) -> str:
        """What the user calls the target; safe to show."""
        return self._target.database.url.name

    def require_consent(self, *, yes: bool, confirm: str | None, ask: Callable[[], bool] | None) -> None:
        """Raise Refused unless writing to the target was agreed to; ``ask`` is None where nobody can be asked."""
        self.check_guards()
        require_consent(self._target.database.url, yes=yes, confirm=confirm, ask=ask)

    def check_guards(self) -> None:
        """Raise Refused when a guard of the plan forbids it; nothing was changed then."""
        if self.plan.refusals:
            more = f" (and {len(self.plan.refusals) - 1} more)" if self.plan.refusals[1:] else ""
            raise Refused(
                self.plan.refusals[0] + more,
                hint=_refusal_hint(self.plan),
                details={"refusals": list(self.plan.refusals)},
            )

    def run(self, *, emit: Emit = silent, control: Control | None = None) -> SyncReport:
        """Carry the plan out; the failures of single tables are in the report."""
        self.check_guards()
        return run_sync(
            self.plan, self._source, self._target, run_id=self.run_id, emit=emit, control=control or Control()
        )


@contextmanager
def open_sync(
    source: Database, target: Database, *, control: Control, warn: Callable[[str], None]
) -> Iterator[tuple[Session, Session]]:
    """Open a session on each end, refusing a pair that must not be synchronised at all."""
    with ExitStack() as stack:
        left = stack.enter_context(closing(source.connect()))
        stack.enter_context(control.on_stop(left.cancel))
        right = stack.enter_context(closing(target.connect()))
        stack.enter_context(control.on_stop(right.cancel))
        for warning in (*left.warnings, *right.warnings, *ensure_distinct(left, right)):
            warn(warning)
        ensure_primary(right)
        yield left, right


def prepare_sync(
    source: Session, target: Session, databases: tuple[Database, Database], options: SyncOptions, *, count: bool
) -> PreparedSync:
    """Read both sides and plan the sync; with ``count`` the plan's numbers are exact (a dry run)."""
    source_catalog, source_stamps = _read(source)
    target_catalog, target_stamps = _read(target)
    selection = select_units(source_catalog, target_catalog, options)
    _check_conditions(source, source_catalog, selection, options)
    plan = plan_sync(
        source_catalog, target_catalog, selection, options, filled=_filled(target, target_catalog, selection)
    )
    if count:
        plan = replace(plan, counts=_counts(source, target, plan))
    return PreparedSync(
        plan,
        _side(databases[0], source_catalog, source_stamps),
        _side(databases[1], target_catalog, target_stamps),
    )


def _side(database: Database, catalog: Catalog, stamps: Mapping[int, str]) -> Side:
    oids = {name: table.oid for name, table in catalog.tables.items()}
    return Side(database=database, encoding=catalog.encoding, oids=oids, stamps=stamps)


def _read(session: Session) -> tuple[Catalog, Mapping[int, str]]:
    """Reflect a database and stamp its tables in one snapshot."""
    with session.transaction():
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        catalog = reflect(session)
        oids = [table.oid for table in catalog.of_kind("table", "partitioned")]
        return catalog, runs.stamps(session, oids)


def _filled(target: Session, catalog: Catalog, selection: Selection) -> Mapping[TableName, bool]:
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


def _counts(source: Session, target: Session, plan: SyncPlan) -> Mapping[TableName, tuple[int, int]]:
    """Count what a run would insert and delete."""
    counts = {}
    for task in plan.tables:
        (inserted,) = source.one(statements.count_rows(task.source, only=task.source_only, where=task.where))
        deleted = 0
        if task.strategy == "replace":
            (deleted,) = target.one(statements.count_rows(task.target, only=task.target_only))
        counts[task.target] = (inserted, deleted)
    return counts


def _check_conditions(source: Session, catalog: Catalog, selection: Selection, options: SyncOptions) -> None:
    """Try every --where on the source before anything else is done."""
    for text, expression in options.where.items():
        pattern = TablePattern.parse(text)
        for unit in selection.units:
            if pattern.matches(unit.source):
                runs.check_expression(source, unit.source, expression, only=False)


def _refusal_hint(plan: SyncPlan) -> str:
    if plan.options.mode == "fill":
        return "--mode replace replaces what the target holds; --dry-run shows what that would do"
    return "select the referencing tables too, or leave the referenced ones out with --exclude"
