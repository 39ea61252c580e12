"""Compare sequences: those of the target that a sync would set differ from the source's.

No snapshot holds a sequence still. So rows are asked before the target's sequences: these are never behind what they
gave to a row that could be seen. They are asked where an index holds the furthest value; nobody waits for a scan. A
sync asks them all: a sequence that only rows which were not asked may be ahead of is not called the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Literal

from dbsync.data.differences import SequenceComparison
from dbsync.data.plan import SequenceTask
from dbsync.data.planner import Draft
from dbsync.data.sequence_states import furthest_values, read_states
from dbsync.data.sequences import SequenceState, fits, is_cheap, next_state
from dbsync.errors import StatementFailed
from dbsync.model import TableName
from dbsync.pg.database import Session

_IMPATIENT = "SET lock_timeout = '1s'"
_READERS = frozenset({"SELECT", "OWNER"})
_UNASKED = "by its position; no index tells how far the rows are, past which a sync would set it"
_LOGGED_AHEAD = 32  # values: the write-ahead log, and so a standby, has what a sequence gives next, not what it gave
_STANDBY = (
    "the {} is a standby, where a sequence may stand up to 32 values further than it does in the primary: it is "
    "not known whether the target's is behind"
)


def compare_sequences(
    source: Session, target: Session, draft: Draft, check: Callable[[], None]
) -> tuple[SequenceComparison, ...]:
    """Compare the sequences that a sync of the draft would look at, without a scan; ``check`` raises to end it."""
    tasks = [task for group in draft.plan.groups for task in group.sequences] + list(draft.plan.sequences)
    found = [_not_compared(task, why, "rights") for task in tasks if (why := _obstacle(draft, task))]
    parents = {parent for table in draft.target.tables.values() for parent in table.inherits}
    whole = [task for task in tasks if not _obstacle(draft, task)]
    ready = [_with_cheap_columns(draft, task, parents) for task in whole]
    unasked = {task.target for task, asked in zip(whole, ready, strict=True) if task.columns != asked.columns}
    standbys = {side for side in ("source", "target") if getattr(draft, side).in_recovery}
    compared = _Comparison(source, target, standbys=standbys, unasked=unasked)
    try:
        found += compared.of(ready)
    except StatementFailed:  # somebody holds one of them, or it is gone: the others can be compared
        for session in (source, target):
            session.execute(_IMPATIENT)
        found += [_by_itself(compared, task, check) for task in ready]
    return tuple(sorted(found, key=lambda one: one.target))


def _by_itself(compared: _Comparison, task: SequenceTask, check: Callable[[], None]) -> SequenceComparison:
    check()
    try:
        (found,) = compared.of([task])
    except StatementFailed as error:
        check()  # cancelled by a stop
        return _not_compared(task, error.message, "error")
    return found


class _Comparison:
    """Both sides' sessions, and what was read of the rows already; ``unasked``: sequences with rows that are not."""

    def __init__(
        self, source: Session, target: Session, *, standbys: Collection[str], unasked: Collection[TableName]
    ) -> None:
        self.source, self.target, self.standbys, self.unasked = source, target, standbys, unasked
        self.furthest: dict[TableName, Sequence[int]] = {}

    def of(self, tasks: Sequence[SequenceTask]) -> list[SequenceComparison]:
        """Compare some sequences; raises StatementFailed when one of them, or of their tables, cannot be read."""
        unread = [task for task in tasks if task.target not in self.furthest]
        values = furthest_values(self.target, unread)
        self.furthest |= {task.target: values.get(task.target, ()) for task in unread}
        sources = read_states(self.source, [task.source for task in tasks if task.source is not None])
        targets = read_states(self.target, [task.target for task in tasks])
        return [
            _compared(
                task,
                sources[task.source] if task.source is not None else None,
                targets[task.target],
                self.furthest[task.target],
                standbys=self.standbys,
                unasked=task.target in self.unasked,
            )
            for task in tasks
        ]


def _compared(
    task: SequenceTask,
    mine: SequenceState | None,
    theirs: SequenceState,
    furthest: Iterable[int],
    *,
    standbys: Collection[str],
    unasked: bool,
) -> SequenceComparison:
    furthest = tuple(furthest)
    wanted = next_state(task, mine, theirs, furthest)
    compared = SequenceComparison(
        target=task.target,
        source=task.source,
        state="same",
        reason="by its position",
        source_state=mine,
        target_state=theirs,
    )
    turns = task.cycle and mine is not None  # then rows do not count
    if "target" in standbys and theirs.is_called:
        earlier = next_state(task, mine, _in_primary(task, theirs), furthest)
        if turns or (wanted is None and earlier is not None):
            return replace(compared, state="not_compared", reason=_STANDBY.format("target"), cause="standby")
    if wanted is None:
        if unasked and not turns:
            return replace(compared, reason=_UNASKED, cause="unasked")
        return compared
    proved = not turns and next_state(task, None, theirs, furthest) is not None
    if "source" in standbys and not proved:
        return replace(compared, state="not_compared", reason=_STANDBY.format("source"), cause="standby")
    if mine is not None and not fits(task, mine):
        reason = f"goes from {task.minimum} to {task.maximum} and cannot hold the source's value, {mine.last_value}"
        return replace(compared, state="differs", reason=reason)
    further = " or further" if unasked and not turns else ""
    reason = f"stands at {_stands_at(theirs)}, a sync would set it to {_stands_at(wanted)}{further}"
    return replace(compared, state="differs", reason=reason, wanted=wanted)


def _in_primary(task: SequenceTask, state: SequenceState) -> SequenceState:
    """The least that a called sequence of a standby may stand at in the primary."""
    last = state.last_value - _LOGGED_AHEAD * task.increment
    return SequenceState(min(max(last, task.minimum), task.maximum), True)


def _stands_at(state: SequenceState) -> str:
    """A sequence's position in words."""
    return str(state.last_value) if state.is_called else f"{state.last_value} (not called yet)"


def _not_compared(task: SequenceTask, reason: str, cause: Literal["rights", "error"]) -> SequenceComparison:
    return SequenceComparison(target=task.target, source=task.source, state="not_compared", reason=reason, cause=cause)


def _obstacle(draft: Draft, task: SequenceTask) -> str | None:
    """Why a sequence cannot be read."""
    if not draft.target.sequences[task.target].privileges & _READERS:
        return "the target role may not SELECT from it"
    if task.source is not None and not draft.source.sequences[task.source].privileges & _READERS:
        return f"the source role may not SELECT from {task.source}"
    return None


def _with_cheap_columns(draft: Draft, task: SequenceTask, parents: Collection[TableName]) -> SequenceTask:
    """Leave out columns whose furthest value takes a scan.

    So do numeric ones, in which whole numbers are sought, and those of tables that others inherit from, which have
    indexes of their own.
    """
    columns = [
        one
        for one in task.columns
        if not one.numeric and one.table not in parents and is_cheap(draft.target, one.table, one.column)
    ]
    return replace(task, columns=tuple(columns))
