"""PURE: what a failed run is told where its role could not put a constraint aside, as the tables' owner would have."""

from __future__ import annotations

from dbsync.data.plan import GroupTask, SyncPlan
from dbsync.data.report import SyncReport
from dbsync.errors import StatementFailed

# Of rows that are there twice for a moment, or refer to others that only come, or are only gone, later.
_HELD = ("23001", "23503", "23505", "23P01")
_NAMED = 3


def name_the_owner(report: SyncReport, plan: SyncPlan) -> None:
    """Let the errors of such groups say whom it takes: taking the run up again would only fail in the same way."""
    held = {task.target: group for group in plan.groups if _is_held(group) for task in group.tables}
    for outcome in report.tables:
        group, error = held.get(outcome.task.target), outcome.error
        if group is None or not isinstance(error, StatementFailed) or error.sqlstate not in _HELD:
            continue
        error.hint = hint = _hint(group)
        summary = report.error
        if summary is not None and summary.sqlstate == error.sqlstate and summary.message.endswith(error.message):
            summary.hint = hint


def _is_held(group: GroupTask) -> bool:
    """Whether it is repaired by a role that does not own all of its tables."""
    return group.method == "repair" and not group.droppable and all(key.triggers_enabled for key in group.foreign_keys)


def _hint(group: GroupTask) -> str:
    names = [str(task.target) for task in group.tables]
    more = f" and {len(names) - _NAMED} more" if names[_NAMED:] else ""
    return (
        f"this role does not own {', '.join(names[:_NAMED])}{more}, and only the owner can put the constraint aside "
        "while rows are written: GRANT the owner's role to this one, or connect as the owner; where the rows "
        "themselves break the constraint, mend them"
    )
