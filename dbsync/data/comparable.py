"""PURE: which tables of a drafted plan can be compared, and why the others cannot.

Comparing only reads: what keeps a sync from writing (rights, triggers, columns without a value) is no obstacle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dbsync.data.columns import UNPAIRED
from dbsync.data.differences import Level, TableComparison, UncomparedColumn
from dbsync.data.plan import TableTask
from dbsync.data.planner import Draft
from dbsync.data.problem import Problem, Rule
from dbsync.model import TableName

_UNREADABLE: frozenset[Rule] = frozenset({"source_rights", "source_row_security", "target_row_security"})
_NO_VALUES: frozenset[Rule] = UNPAIRED | {"column_unreadable"}
_OF_SOURCE: frozenset[Rule] = frozenset({"source_rights", "source_row_security"})
_ONLY_IN_TARGET: frozenset[Rule] = frozenset({"column_default", "column_required"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparables:
    """What is compared with what, what is not, and what the comparison leaves out of it."""

    tasks: tuple[TableTask, ...]
    refused: tuple[TableComparison, ...]
    columns: tuple[UncomparedColumn, ...]


def comparables(draft: Draft, level: Level) -> Comparables:
    """Sort a draft's tables; columns need to fit only where values are compared."""
    obstacles = _UNREADABLE if level == "count" else _UNREADABLE | _NO_VALUES
    tasks: list[TableTask] = []
    refused = [_left_out(draft, problem, level) for problem in draft.selection.problems]
    for task in sorted(draft.plan.tables, key=lambda one: one.target):
        reasons = [str(problem) for problem in draft.problems if problem.rule in obstacles and _is_about(problem, task)]
        if "SELECT" not in draft.target.tables[task.target].privileges:
            reasons.append(f"{task.target}: the target role may not SELECT from it")
        if reasons:
            refused.append(not_compared(task.source, task.target, level, "; ".join(reasons)))
        else:
            tasks.append(task)
    return Comparables(tasks=tuple(tasks), refused=tuple(refused), columns=_columns(draft, tasks, level))


def not_compared(source: TableName, target: TableName, level: Level, reason: str) -> TableComparison:
    """A table that could not be compared."""
    return TableComparison(source=source, target=target, state="not_compared", level=level, reason=reason)


def _is_about(problem: Problem, task: TableTask) -> bool:
    return problem.table == (task.source if problem.rule in _OF_SOURCE else task.target)


def _left_out(draft: Draft, problem: Problem, level: Level) -> TableComparison:
    assert problem.table is not None
    sources: Mapping[TableName, TableName] = {
        draft.plan.options.target_name(name): name for name in draft.source.tables
    }
    return not_compared(sources.get(problem.table, problem.table), problem.table, level, str(problem))


def _columns(draft: Draft, tasks: list[TableTask], level: Level) -> tuple[UncomparedColumn, ...]:
    """Columns that only the target has; what ``--columns`` leaves out is left out on purpose."""
    if level == "count":
        return ()
    sources = {task.target: draft.source.tables[task.source] for task in tasks}
    return tuple(
        UncomparedColumn(one.table, one.column)
        for one in (*draft.notes, *draft.problems)
        if one.rule in _ONLY_IN_TARGET
        and one.table in sources
        and one.column is not None
        and sources[one.table].column(one.column) is None
    )
