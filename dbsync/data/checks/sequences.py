"""PURE: checks of sequences: those without a counterpart, and pairs of them that count otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from dbsync.data.checks.pairs import Checked
from dbsync.data.problem import Problem
from dbsync.data.sequences import is_wanted
from dbsync.model import Sequence, TableName


def sequence_problems(found: Checked) -> Iterator[Problem]:
    """Yield what differs between the sequences of a plan, and those that the target has not."""
    draft = found.draft
    tasks = [task for group in draft.plan.groups for task in group.sequences] + list(draft.plan.sequences)
    for task in tasks:
        if task.source is not None:
            yield from _compared(draft.source.sequences[task.source], draft.target.sequences[task.target])
    yield from _missing(found, {task.source for task in tasks})


def _compared(left: Sequence, right: Sequence) -> Iterator[Problem]:
    ends = [(one.maximum if one.increment > 0 else -one.minimum) for one in (left, right)]
    place = right.owned_by or (None, None)

    def told(rule_said: str) -> tuple[str, TableName | None, str | None, str]:
        return f"sequence {right.name} {rule_said}", *place, str(right.name)

    if ends[1] < ends[0] and left.increment * right.increment > 0:
        said = f"ends at {abs(ends[1])} ({right.data_type}), the source's at {abs(ends[0])} ({left.data_type})"
        yield Problem("sequence_smaller", *told(said))
    if (left.increment, left.cycle) != (right.increment, right.cycle):
        yield Problem("sequence_differs", *told(f"counts {_manner(right)}, the source's {_manner(left)}"))
    if (left.owned_by is None) != (right.owned_by is None):
        side = "source" if left.owned_by is not None else "target"
        yield Problem("sequence_owner", *told(f"is owned by a column in the {side} only"))


def _manner(sequence: Sequence) -> str:
    return f"by {sequence.increment}{' and cycles' if sequence.cycle else ''}"


def _missing(found: Checked, paired: set[TableName | None]) -> Iterator[Problem]:
    """Sequences that no column owns; a column that has lost its own is told of with the column."""
    draft = found.draft
    selected = {pair.source.name for pair in found.pairs}
    for name, sequence in sorted(draft.source.sequences.items()):
        wanted = is_wanted(sequence, draft.source, selected, draft.plan.options)
        if sequence.owned_by is not None or sequence.extension is not None or name in paired or not wanted:
            continue
        other = draft.plan.options.target_name(name)
        if other not in draft.target.sequences:
            yield Problem("sequence_missing", f"the sequence {other} is not in the target", name=str(other))
