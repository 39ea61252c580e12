"""A sequence ends ahead of the source, of the rows and of what the target handed out."""

from dataclasses import replace

import pytest

from dbsync.data.plan import SequenceTask
from dbsync.data.preconditions import bounds_problems
from dbsync.data.sequences import SequenceState, next_state
from dbsync.model import TableName


def task(increment=1, cycle=False):
    return SequenceTask(
        target=TableName("p", "s"),
        source=TableName("p", "s"),
        columns=(),
        increment=increment,
        cycle=cycle,
        minimum=-(2**63),
    )


def state(last, called=True):
    return SequenceState(last, called)


@pytest.mark.parametrize(
    ("source", "target", "furthest", "expected"),
    [
        (state(10), state(1, False), None, state(10)),
        (state(10), state(10), None, None),
        (state(10), state(50), None, None),  # never back
        (state(10), state(1, False), 12, state(12)),  # rows beyond the sequence
        (state(10, False), state(1, False), 9, state(10, False)),  # the next value is 10 either way: the source's form
        (None, state(1, False), 7, state(7)),
        (None, state(1, False), None, None),
    ],
)
def test_ascending(source, target, furthest, expected):
    assert next_state(task(), source, target, () if furthest is None else (furthest,)) == expected


def test_descending_goes_the_other_way():
    assert next_state(task(increment=-1), state(-10), state(-3), [-12]) == state(-12)
    assert next_state(task(increment=-1), state(-10), state(-30), [-12]) is None


def test_a_cycling_sequence_gets_the_sources_state():
    assert next_state(task(cycle=True), state(3), state(90), [99]) == state(3)


def test_rows_beyond_the_sequences_range_do_not_count():
    small = replace(task(), maximum=100)
    assert next_state(small, state(7), state(1, False), [500]) == state(7)


def test_of_several_columns_the_furthest_counts():
    assert next_state(replace(task(), maximum=100), state(7), state(1, False), [12, 500, 9]) == state(12)


def test_a_value_out_of_bounds_is_a_problem_unless_the_sequence_begins_after_it():
    small = replace(task(), minimum=10, maximum=100)

    def told(one, last):
        return [problem.rule for problem in bounds_problems([one], {one.source: state(last)})]

    assert [told(small, last) for last in (9, 10, 100, 101)] == [[], [], [], ["sequence_bounds"]]
    down = replace(small, increment=-1)
    assert [told(down, last) for last in (9, 10, 100, 101)] == [["sequence_bounds"], [], [], []]
    assert told(replace(small, cycle=True), 9) == ["sequence_bounds"]
    assert told(replace(small, source=None), 500) == []
    assert next_state(replace(small, increment=20), state(9), state(10, False), ()) is None
