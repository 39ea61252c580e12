"""Find the rows that differ in the segments that do: key and hash of each, both sides read in step.

Memory stays flat however many rows differ, and however many are equal: what is kept of one is its location.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

from dbsync.data.delta import Delta, Sample, Shift
from dbsync.data.differences import RowKind
from dbsync.data.narrow import in_step, narrow
from dbsync.pg import statements_compare as sql
from dbsync.pg.copy_lines import copy_lines
from dbsync.pg.database import Session, legible
from dbsync.segments import MASK

# Sorting by group, and adding up many small ones, is slower by half in the 4 MB that servers give by default.
MEMORY = (
    "SELECT pg_catalog.set_config('work_mem', '64MB', true) "
    "FROM pg_catalog.pg_settings s WHERE s.name = 'work_mem' AND s.setting::pg_catalog.int8 <= 65536"
)


def locate_rows(
    delta: Delta,
    mine: Session,
    theirs: Session,
    ours: sql.ComparedTable,
    other: sql.ComparedTable,
    check: Callable[[], None],
    samples: int,
) -> None:
    """Read key and hash of every row of the differing segments, both sides in step, and sort out what differs."""
    for session in (mine, theirs):
        session.execute("SET LOCAL enable_sort = on")
        session.execute(MEMORY)
    with legible(f"{mine.url.name} or {theirs.url.name}"):
        groups = narrow(delta, mine, theirs, (ours, other), check)
    finder = _Finder(delta, groups.parts, samples)
    copies = delta.task.key is None
    mine_rows, their_rows = (
        side.rows(delta.segments, parts=groups.parts, among=groups.among, by_hash=copies) for side in (ours, other)
    )
    with (
        legible(f"{mine.url.name} or {theirs.url.name}"),
        closing(copy_lines(mine, mine_rows, check=check)) as left,
        closing(copy_lines(theirs, their_rows, check=check)) as right,
    ):
        if copies:
            finder.compare_copies(_lines(left), _lines(right))
            return
        for group, here, there in in_step(_groups(left), _groups(right), {}):
            finder.compare(group, here, there)


Rows = dict[bytes, bytes]  # key and hashes -> where


def _lines(batches: Iterator[list[bytes]]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Split each line: group, location, hashes."""
    for lines in batches:
        for line in lines:
            number, location, rest = line.split(b"\t", 2)
            yield number, location, rest


def _groups(batches: Iterator[list[bytes]]) -> Iterator[tuple[int, Rows]]:
    """Gather lines, which come in order of their group."""
    current: bytes | None = None
    rows: Rows = {}
    for lines in batches:
        for line in lines:
            number, location, rest = line.split(b"\t", 2)
            if number != current:
                if current is not None:
                    yield int(current), rows
                current, rows = number, {}
            rows[rest] = location
    if current is not None:
        yield int(current), rows


class _Finder:
    """Sorts out the rows of one group after another."""

    def __init__(self, delta: Delta, parts: int, samples: int) -> None:
        self._delta, self._parts, self._samples = delta, parts, samples

    def compare(self, group: int, mine: Rows, theirs: Rows) -> None:
        """Keep what differs between the rows of a group on both sides."""
        segment = group // self._parts
        others = {_key(rest): rest for rest in sorted(theirs.keys() - mine.keys())}
        for rest in sorted(mine.keys() - theirs.keys()):
            here = mine[rest]
            other = others.pop(_key(rest), None)
            if other is None:
                self._missing(here)
            else:
                self._changed(segment, rest, here, other, theirs[other])
        for rest in others.values():
            self._surplus(segment, rest, theirs[rest])

    def compare_copies(
        self, mine: Iterator[tuple[bytes, bytes, bytes]], theirs: Iterator[tuple[bytes, bytes, bytes]]
    ) -> None:
        """Rows without a key: equal rows are as good as one another, only their number counts.

        Both sides come in order of group and hashes. No group is gathered: however many equal rows there are, they
        are all in one, and each is held only until the other side has shown its next.
        """
        here, there = next(mine, None), next(theirs, None)
        while here is not None or there is not None:
            if here is not None and there is not None and here[0] == there[0] and here[2] == there[2]:
                here, there = next(mine, None), next(theirs, None)
            elif there is None or (here is not None and _order(here) < _order(there)):
                assert here is not None
                self._missing(here[1])
                here = next(mine, None)
            else:
                self._surplus(int(there[0]) // self._parts, there[2], there[1])
                there = next(theirs, None)

    def _missing(self, here: bytes) -> None:
        self._delta.missing.put(here)
        self._sample("only_in_source", here, None)

    def _changed(self, segment: int, mine: bytes, here: bytes, theirs: bytes, there: bytes) -> None:
        self._delta.changed.put(here)
        self._delta.altered.put(there)
        (first, second), (other_first, other_second) = _hashes(mine), _hashes(theirs)
        _add(self._delta.changed_shift, segment, 0, other_first - first, other_second - second)
        self._sample("different", here, there)

    def _surplus(self, segment: int, rest: bytes, there: bytes) -> None:
        first, second = _hashes(rest)
        self._delta.surplus.put(there)
        _add(self._delta.surplus_shift, segment, 1, first, second)
        self._sample("only_in_target", None, there)

    def _sample(self, kind: RowKind, here: bytes | None, there: bytes | None) -> None:
        kept = self._delta.found.setdefault(kind, [])
        if len(kept) < self._samples:
            kept.append(Sample(kind, here, there))


def _order(line: tuple[bytes, bytes, bytes]) -> tuple[int, int, int]:
    """Where the servers' ORDER BY puts a line."""
    return int(line[0]), *_hashes(line[2])


def _key(rest: bytes) -> bytes:
    return rest.rsplit(b"\t", 2)[0]


def _hashes(rest: bytes) -> tuple[int, int]:
    first, second = rest.split(b"\t")[-2:]
    return int(first), int(second)


def _add(shifts: dict[int, Shift], segment: int, rows: int, first: int, second: int) -> None:
    shift = shifts.setdefault(segment, Shift())
    shift.rows += rows
    shift.first = (shift.first + first) & MASK
    shift.second = (shift.second + second) & MASK
