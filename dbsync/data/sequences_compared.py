"""Compare sequences: those of the target that a sync would set differ from the source's.

No snapshot holds a sequence still. So rows are asked before the target's sequences: these are never behind what they
gave to a row that could be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from dbsync.data.differences import SequenceComparison
from dbsync.data.plan import SequenceTask
from dbsync.data.planner import Draft
from dbsync.data.sequence_states import furthest_values, read_states
from dbsync.data.sequences import SequenceState, next_state
from dbsync.errors import StatementFailed
from dbsync.pg.database import Session

_IMPATIENT = "SET lock_timeout = '1s'"
_READERS = frozenset({"SELECT", "OWNER"})


def compare_sequences(
    source: Session, target: Session, draft: Draft, check: Callable[[], None]
) -> tuple[SequenceComparison, ...]:
    """Compare the sequences that a sync of the draft would look at, as it would; ``check`` raises when it must end."""
    tasks = [task for group in draft.plan.groups for task in group.sequences] + list(draft.plan.sequences)
    found = [_not_compared(task, why) for task in tasks if (why := _obstacle(draft, task))]
    ready = [_with_readable_columns(draft, task) for task in tasks if not _obstacle(draft, task)]
    try:
        found += _compared(source, target, ready)
    except StatementFailed:  # somebody holds one of them, or it is gone: the others can be compared
        for session in (source, target):
            session.execute(_IMPATIENT)
        found += [_by_itself(source, target, task, check) for task in ready]
    return tuple(sorted(found, key=lambda one: one.target))


def _by_itself(source: Session, target: Session, task: SequenceTask, check: Callable[[], None]) -> SequenceComparison:
    check()
    try:
        (found,) = _compared(source, target, [task])
    except StatementFailed as error:
        check()  # cancelled by a stop
        return _not_compared(task, error.message)
    return found


def _stands_at(state: SequenceState) -> str:
    """A sequence's position in words."""
    return str(state.last_value) if state.is_called else f"{state.last_value} (not called yet)"


def _compared(source: Session, target: Session, tasks: Sequence[SequenceTask]) -> list[SequenceComparison]:
    sources = read_states(source, [task.source for task in tasks if task.source is not None])
    furthest = furthest_values(target, tasks)
    targets = read_states(target, [task.target for task in tasks])
    found = []
    for task in tasks:
        mine, theirs = sources[task.source] if task.source is not None else None, targets[task.target]
        wanted = next_state(task, mine, theirs, furthest.get(task.target, ()))
        reason = "by its position"
        if wanted is not None:
            reason = f"stands at {_stands_at(theirs)}, a sync would set it to {_stands_at(wanted)}"
        found.append(
            SequenceComparison(
                target=task.target,
                source=task.source,
                state="same" if wanted is None else "differs",
                reason=reason,
                source_state=mine,
                target_state=theirs,
                wanted=wanted,
            )
        )
    return found


def _not_compared(task: SequenceTask, reason: str) -> SequenceComparison:
    return SequenceComparison(target=task.target, source=task.source, state="not_compared", reason=reason)


def _obstacle(draft: Draft, task: SequenceTask) -> str | None:
    """Why a sequence cannot be read."""
    if not draft.target.sequences[task.target].privileges & _READERS:
        return "the target role may not SELECT from it"
    if task.source is not None and not draft.source.sequences[task.source].privileges & _READERS:
        return f"the source role may not SELECT from {task.source}"
    return None


def _with_readable_columns(draft: Draft, task: SequenceTask) -> SequenceTask:
    tables = draft.target.tables
    readable = [
        each for each in task.columns if tables[each.table].privileges & _READERS and not tables[each.table].rls_active
    ]
    return replace(task, columns=tuple(readable))
