"""Compare every table of a plan that holds rows, and say what a run would write, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from dbsync.control import Control
from dbsync.data.compare import Ends, Versions, compare_table
from dbsync.data.delta import Delta
from dbsync.data.hidden import find_hidden
from dbsync.data.limits import Shrinking, columns_lost, over_limit
from dbsync.data.outside import outside_problems
from dbsync.data.plan import Contents, Counts, SyncPlan, TableTask
from dbsync.data.problem import Problem
from dbsync.data.signatures import Memory, how_compared
from dbsync.errors import DbsyncError, InternalFault
from dbsync.events import Emit, TablePhase
from dbsync.model import Catalog, Table, TableName
from dbsync.pg import statements
from dbsync.pg.database import Session
from dbsync.pg.snapshot import ReaderPool, Snapshot

_LISTED, _COUNTED = 200, 10_000  # relations in one statement; the most rows that a plan counts


@dataclass(slots=True)
class Survey:
    """The deltas of all compared tables, by target, and what forbids writing them."""

    deltas: dict[TableName, Delta] = field(default_factory=dict)
    refusals: tuple[Problem, ...] = ()
    memory: Memory = field(default_factory=Memory)
    files: Mapping[int, int | None] = field(default_factory=dict)  # of the target's relations, by oid, when compared

    def counts(self, task: TableTask, plan: SyncPlan) -> Counts | None:
        """What a run would write into a compared table."""
        delta = self.deltas.get(task.target)
        if delta is None:
            return None
        updates, deletes = plan.options.mode == "delta", plan.options.delete
        return Counts(delta.missing.count, delta.changed.count * updates, delta.surplus.count * deletes)


def read_from_target(plan: SyncPlan, *, whole: bool) -> list[tuple[TableName, bool]]:
    """The tables of the target that are compared, each with whether it is read alone; ``whole``: or summed up."""
    return [
        (task.target, task.target_only)
        for task in plan.tables
        if task.strategy == "compare" or (whole and task.strategy != "bulk")
    ]


def target_contents(plan: SyncPlan, survey: Survey, ends: Ends) -> Mapping[TableName, Contents]:
    """What each table of the target holds as a whole: from the comparison, or hashed where none was needed."""
    return {task.target: _contents(task, survey, ends) for task in plan.tables}


def _contents(task: TableTask, survey: Survey, ends: Ends) -> Contents:
    delta = survey.deltas.get(task.target)
    if delta is not None:
        return Contents.of(*delta.target.total())
    if task.strategy == "bulk":
        return Contents.of(0, 0, 0)
    columns = [(pair.name, pair.digest, pair.nullable) for pair in task.columns]
    columns += [(name, "row", True) for name in task.kept]  # what the copy does not fill goes with the rows
    with ends.target.reader() as session:
        rows, *sums = session.one(
            statements.digest_rows(task.target, columns, only=task.target_only, where=None, recode=ends.recode)
        )
    return Contents.of(rows, *map(int, sums))


@contextmanager
def surveyed(plan: SyncPlan, ends: Ends, *, memory: Memory, emit: Emit, control: Control) -> Iterator[Survey]:
    """Compare for the block; the rows that differ are kept in temporary files until its end."""
    survey = Survey(memory=memory)
    tasks = [task for task in plan.tables if task.strategy == "compare"]
    executor = ThreadPoolExecutor(plan.options.jobs, thread_name_prefix="compare")
    try:
        found = {task.target: executor.submit(_compare, task, ends, memory, emit) for task in _largest_first(tasks)}
        try:
            for task in tasks:
                future = found[task.target]
                while not wait([future], timeout=0.05).done:
                    control.check()
                survey.deltas[task.target] = future.result()
        except BaseException as error:
            control.stop(error if isinstance(error, DbsyncError) else InternalFault.of(error))
            raise
        survey.refusals = (*_delete_problems(plan, survey.deltas), *outside_problems(plan, survey.deltas, ends))
        yield survey
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        for delta in survey.deltas.values():
            delta.close()


def _largest_first(tasks: list[TableTask]) -> list[TableTask]:
    return sorted(tasks, key=lambda task: -task.bytes)


def _compare(task: TableTask, ends: Ends, memory: Memory, emit: Emit) -> Delta:
    emit(TablePhase(table=task.target, phase="compare"))
    found = memory.recall(task)
    kept = memory.keeps(task)
    versions = Versions(source=kept, target=kept or not _told_by_numbers(task, ends.target.snapshot))
    remembered, why = (None, found) if isinstance(found, str) else (found, "")
    delta = compare_table(task, ends, versions=versions, remembered=remembered)
    find_hidden(delta, ends)
    delta.how = how_compared(delta, why)
    return delta


def _told_by_numbers(task: TableTask, target: Snapshot) -> bool:
    """Whether the numbers of transactions will tell, as a rule, that no row was written since; see ``repair_check``."""
    return task.where is None and target.oldest == target.next


def emptied(plan: SyncPlan, source: ReaderPool) -> list[Problem]:
    """Tables that --delete replaces for their few rows, which estimates told, although the source holds none at all."""
    tasks = [task for task in plan.tables if task.strategy == "replace"]
    if plan.options.mode != "delta" or not tasks:
        return []
    with source.reader() as session:
        holds = dict(session.execute(statements.any_rows([(task.source, task.source_only) for task in tasks])))
    return [
        Problem("source_emptied", f"{task.target} is empty in the source and would lose all of its rows", task.target)
        for number, task in enumerate(tasks)
        if not holds[number]
    ]


def emptied_by_replace(plan: SyncPlan, source: Session, target: Session, catalog: Catalog) -> list[str]:
    """Warnings of tables that --mode replace will empty, since the source's hold no row; ``catalog``: the target's.

    The rows that go are counted where they are few, else estimated: the plan waits for this.
    """
    tasks = [task for task in plan.tables if task.strategy == "replace"] if plan.options.mode == "replace" else []
    warnings = []
    for start in range(0, len(tasks), _LISTED):
        batch = tasks[start : start + _LISTED]
        for number, holds in source.execute(statements.any_rows([(task.source, task.source_only) for task in batch])):
            if not holds:
                name = batch[number].target
                rows = _rows_that_go(batch[number], target, catalog.tables[name])
                warnings.append(f"{name} is empty in the source: replacing it deletes {rows} of the target")
    return warnings


def _rows_that_go(task: TableTask, session: Session, table: Table) -> str:
    if table.privileges & {"SELECT", "OWNER"} and not table.rls_active:
        (rows,) = session.one(statements.count_rows(task.target, only=task.target_only, most=_COUNTED + 1))
        if rows <= _COUNTED:
            return f"{rows:,} row{'s' * (rows != 1)}"
    return f"about {task.target_rows:,} rows" if task.target_rows > 0 else "all rows"


def _delete_problems(plan: SyncPlan, deltas: Mapping[TableName, Delta]) -> list[Problem]:
    if not plan.options.delete:
        return []
    tables = [
        Shrinking(target, delta.surplus.count, delta.target.total_rows(), delta.source.total_rows())
        for target, delta in deltas.items()
    ]
    written = [(delta.task, Counts(delta.missing.count, 0, delta.surplus.count)) for delta in deltas.values()]
    return [*over_limit(tables, plan.options.max_delete), *columns_lost(written)]
