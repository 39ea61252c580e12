"""Rows that --where hides: the target's row of a key does not match, the source's does.

Compared with the filter on both sides such a row is only in the source, but to insert it is to meet its old version
under the same key. So it is a row that has changed, and an update takes it into the filter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dbsync.data.compare import Ends, sides_of
from dbsync.data.delta import Delta, Shift
from dbsync.data.spool import Spool
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
        missing = Spool()
        for rows, values in _missing(mine, delta, source):
            ends.check()
            # A value that the target's encoding lacks is no key there, and a literal of it an error.
            values = [each for each in values if not ends.recode or all(map(str.isascii, each))]
            held = {label: place for place, label in theirs.execute(target.having(values))}
            for label, row in rows.items():
                if label in held:
                    delta.changed.put(row.place)
                    delta.altered.put(held[label].encode())
                    _stays_hidden(delta, row)
                else:
                    missing.put(row.place)
    delta.missing.close()
    delta.missing = missing


def _missing(
    session: Session, delta: Delta, side: sql.ComparedTable
) -> Iterator[tuple[dict[str, _Row], list[Sequence[str]]]]:
    """The rows that the target lacks by their key as one text, and the values of their keys, batch by batch."""
    for oid, locations in delta.missing.batches(_LOCATIONS):
        found = session.execute(side.keyed_at(oid, locations))
        rows = {
            label: _Row(place.encode(), int(segment), int(first), int(second))
            for place, label, segment, first, second, *_ in found
        }
        yield rows, [values for _, _, _, _, _, *values in found]


def _stays_hidden(delta: Delta, row: _Row) -> None:
    """Where no row is updated, the segment has one row fewer that matches than the source's."""
    shift = delta.changed_shift.setdefault(row.segment, Shift())
    shift.rows -= 1
    shift.first = (shift.first - row.first) & MASK
    shift.second = (shift.second - row.second) & MASK
