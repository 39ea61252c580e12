"""SyncPlan -> the numbers that a run would write, and what it would refuse for; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dbsync.control import Control
from dbsync.data.compare import Ends
from dbsync.data.cursor_run import foretell
from dbsync.data.plan import Contents, Counts, SyncPlan, TableTask
from dbsync.data.plan_file import heed_contents
from dbsync.data.problem import Problem
from dbsync.data.sides import Side, survey_ends
from dbsync.data.signatures import remember, trusts
from dbsync.data.survey import Survey, emptied, read_from_target, surveyed, target_contents
from dbsync.data.taken import taken_problems
from dbsync.events import Emit
from dbsync.model import TableName
from dbsync.pg import statements
from dbsync.pg.snapshot import ReaderPool, exported_snapshot

_LABEL = "dbsync dry run"


@dataclass(frozen=True, slots=True)
class Prediction:
    """The rows that a run would write, what it would refuse for, and (where asked for) what the target holds."""

    counts: Mapping[TableName, Counts]
    refusals: tuple[Problem, ...]
    contents: Mapping[TableName, Contents]
    warnings: Sequence[str]


def predict(plan: SyncPlan, source: Side, target: Side, *, contents: bool, emit: Emit, control: Control) -> Prediction:
    """Foretell a run of this plan; with ``contents`` also sum up what the target holds. Writes nothing.

    Raises Drift when the target does not hold what the plan expects, unless that is to be ignored.
    """
    with _readers(plan, source, control) as readers:
        tables = read_from_target(plan, whole=True)
        patience = plan.options.lock_timeout_s
        both = survey_ends(
            source, target, readers, tables=tables, label=_LABEL, lock_timeout_s=patience, control=control
        )
        with both as (ends, _, done):
            memory = remember(plan, ends, (source.oids, target.oids), trust=trusts(plan) and not contents)
            with surveyed(plan, ends, memory=memory, emit=emit, control=control) as survey:
                held = target_contents(plan, survey, ends) if contents or plan.expected else {}
                warnings = heed_contents(plan, held)
                counts, refusals, said = _counts(plan, survey, ends)
                warnings = [*warnings, *said]
                taken = [each for delta in survey.deltas.values() for each in taken_problems(plan, delta, ends)]
                if plan.options.on_row_error == "quarantine":
                    warnings = [*warnings, *map(str, taken)]
                else:
                    refusals += taken
            done()
            return Prediction(counts, (*survey.refusals, *refusals, *emptied(plan, readers)), held, warnings)


def predict_load(
    plan: SyncPlan, source: Side, target: Side, *, contents: bool, emit: Emit, control: Control
) -> Prediction:
    """Foretell a run into tables that are to be made first: they will hold what the source holds."""
    with _readers(plan, source, control) as readers, readers.reader() as session:
        counts = {
            task.target: Counts(
                session.one(statements.count_rows(task.source, only=task.source_only, where=task.where))[0]
            )
            for task in plan.tables
        }
    return Prediction(counts, (), {}, ())


@contextmanager
def _readers(plan: SyncPlan, source: Side, control: Control) -> Iterator[ReaderPool]:
    """Readers of one snapshot of the source, its tables held as they are."""
    with exported_snapshot(
        source.database,
        [(task.source, task.source_only) for task in plan.tables],
        label=_LABEL,
        lock_timeout_s=plan.options.lock_timeout_s,
        cancelled_by=control.on_stop,
    ) as snapshot:
        readers = ReaderPool(source.database, snapshot, limit=plan.options.jobs, label=_LABEL, check=control.check)
        try:
            yield readers
        finally:
            readers.close()


def _counts(plan: SyncPlan, survey: Survey, ends: Ends) -> tuple[dict[TableName, Counts], list[Problem], list[str]]:
    """What would be written to each table; what forbids it is known of the compared ones already. And warnings."""
    counts: dict[TableName, Counts] = {}
    refusals: list[Problem] = []
    warnings: list[str] = []
    for group in plan.groups:
        for task in group.tables:
            if task.strategy == "cursor":
                counts[task.target], found, said = foretell(task, group, ends)
                refusals += found
                warnings += said
            else:
                counts[task.target] = survey.counts(task, plan) or _count(task, ends)
    return counts, refusals, warnings


def _count(task: TableTask, ends: Ends) -> Counts:
    """Count what a load would insert and remove."""
    with ends.source.reader() as session:
        (inserted,) = session.one(statements.count_rows(task.source, only=task.source_only, where=task.where))
    deleted = 0
    if task.strategy == "replace":
        with ends.target.reader() as session:
            (deleted,) = session.one(statements.count_rows(task.target, only=task.target_only))
    return Counts(inserted, 0, deleted)
