"""Rows that --where hides: the target's row of a key does not match, the source's does.

Compared with the filter on both sides such a row is only in the source, but to insert it is to meet its old version
under the same key. So it is a row that has changed, and an update takes it into the filter. Where the two are equal
all the same, the filter does not depend on the row alone (on the time, another table, a column that is not copied):
no write would help, and none is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dbsync.data.compare import Ends, sides_of
from dbsync.data.delta import Delta, Shift
from dbsync.data.lookup import Texts, rows_with
from dbsync.data.plan import TableTask
from dbsync.data.spool import Spool
from dbsync.errors import StatementFailed
from dbsync.pg import statements_compare as sql
from dbsync.pg.database import Session
from dbsync.segments import MASK

_LOCATIONS = 1000  # of one statement; the keys of as many rows are looked up by one


class _Row(NamedTuple):
    """A row of the source that the target lacks: its place, segment and two hashes."""

    place: bytes
    segment: int
    first: int
    second: int


def find_hidden(delta: Delta, ends: Ends) -> None:
    """Take rows that the target has outside the filter for changed instead of missing. Raises StatementFailed."""
    task = delta.task
    if task.where is None or task.key is None or not delta.missing.count:
        return
    source, target = sides_of(task, delta.segmentation, recode=ends.recode)
    with ends.source.reader() as mine, ends.target.reader() as theirs:
        # One look through the table is cheaper than many keys: a filtered copy as a rule hides nothing at all.
        if delta.missing.count > _LOCATIONS and not theirs.one(target.any_apart())[0]:
            return
        comes_in = _reads_what_is_copied(theirs, task, task.where)
        missing = Spool()
        for rows, values in _missing(mine, delta, source):
            ends.check()
            held = {label: found for label, *found in rows_with(theirs, target.having, values)}
            for label, row in rows.items():
                place, *hashes = held.get(label, (None,))
                if place is None:
                    missing.put(row.place)
                elif [row.first, row.second] == hashes:
                    _take_out(delta.hidden_shift, row)
                elif comes_in:
                    delta.changed.put(row.place)
                    delta.altered.put(place.encode())
                    delta.hidden += 1
                    _take_out(delta.changed_shift, row)
                else:
                    missing.put(row.place)
                    delta.unreachable += 1
    delta.missing.close()
    delta.missing = missing


def _reads_what_is_copied(session: Session, task: TableTask, where: str) -> bool:
    """Whether the condition is one of the copied columns alone: else an update may leave the row outside."""
    names = [pair.name for pair in task.columns if pair.copied]
    try:
        with session.transaction():
            session.execute(sql.condition_on(task.target, names, where, only=task.target_only))
    except StatementFailed:
        return False
    return True


def _missing(session: Session, delta: Delta, side: sql.ComparedTable) -> Iterator[tuple[dict[str, _Row], list[Texts]]]:
    """The rows that the target lacks by their key as one text, and the values of their keys, batch by batch."""
    for oid, locations in delta.missing.batches(_LOCATIONS):
        found = session.execute(side.keyed_at(oid, locations))
        rows = {
            label: _Row(place.encode(), segment, first, second) for place, label, segment, first, second, *_ in found
        }
        yield rows, [tuple(values) for _, _, _, _, _, *values in found]


def _take_out(shifts: dict[int, Shift], row: _Row) -> None:
    """The segment has one row fewer that matches than the source's."""
    shift = shifts.setdefault(row.segment, Shift())
    shift.rows -= 1
    shift.first = (shift.first - row.first) & MASK
    shift.second = (shift.second - row.second) & MASK
