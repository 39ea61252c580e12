"""Put sequences of the target where they belong, all of them in three statements, and read them back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from dbsync.data.context import RunContext
from dbsync.data.plan import SequenceTask
from dbsync.data.sequences import SequenceState, next_state
from dbsync.errors import StatementFailed
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import statements
from dbsync.pg.database import Session

# A statement names at most this many relations: long UNION ALLs take the planner long.
_BATCH = 200


def set_sequences(session: Session, run: RunContext, tasks: tuple[SequenceTask, ...]) -> None:
    """Put sequences ahead of the source's, of their rows and of what the target handed out; read each back."""
    if not tasks:
        return
    sources = run.source_sequences([task.source for task in tasks if task.source is not None])
    before = read_states(session, [task.target for task in tasks])
    furthest = furthest_values(session, tasks)
    states: dict[TableName, SequenceState] = {}
    for task in tasks:
        source = sources[task.source] if task.source is not None else None
        state = next_state(task, source, before[task.target], furthest.get(task.target, ()))
        if state is not None:
            states[task.target] = state
    for batch in _batches(list(states)):
        session.execute(
            statements.set_sequences([(name, states[name].last_value, states[name].is_called) for name in batch])
        )
        failpoint("after_sequence_set")
    after = read_states(session, list(states))
    for name, state in states.items():
        if after[name] != state:
            raise StatementFailed(f"sequence {name} does not hold the value it was set to")
    run.note_sequences(task.target for task in tasks)


def read_states(session: Session, names: list[TableName]) -> Mapping[TableName, SequenceState]:
    """Read the current state of sequences (which no snapshot holds still)."""
    return {
        batch[number]: SequenceState(last, called)
        for batch in _batches(names)
        for number, last, called in session.execute(statements.sequence_states(batch))
    }


def furthest_values(session: Session, tasks: Sequence[SequenceTask]) -> Mapping[TableName, list[int]]:
    """The furthest value in each column that a sequence counts."""
    found: dict[TableName, list[int]] = defaultdict(list)
    columns = [(task, each) for task in tasks for each in task.columns]
    for start in range(0, len(columns), _BATCH):
        batch = columns[start : start + _BATCH]
        query = statements.furthest_values(
            [(each.table, each.column, task.increment > 0, each.numeric) for task, each in batch]
        )
        for number, value in session.execute(query):
            if value is not None:
                found[batch[number][0].target].append(value)
    return found


def _batches(names: list[TableName]) -> Iterator[list[TableName]]:
    for start in range(0, len(names), _BATCH):
        yield names[start : start + _BATCH]
