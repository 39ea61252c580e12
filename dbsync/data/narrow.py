"""Between segments and rows: which few rows of many differing segments have to be read one by one.

Changes that are scattered over a table touch nearly every segment of a thousand rows. Then the servers add up groups of
about sixteen rows, and only rows of the groups that differ cross the network. Memory holds the numbers of those.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from dbsync.data.delta import Delta
from dbsync.pg import statements_compare as sql
from dbsync.pg.copy_lines import copy_lines
from dbsync.pg.database import Session

# Measured (performance page): adding up groups costs what half of reading the rows does, so there must be many rows,
# and most groups must be equal. The numbers of more groups than this are too long a statement.
_ROWS_WORTH_IT = 200_000
_ROWS_PER_GROUP = 16
_MOST_GROUPS = 250_000
_LOOKS_UP = 140000  # servers before this version compare each row with all the numbers, one after the other
_MOST_ROWS_PER_GROUP = 20_000  # that are held at a time, of one side: about 100 bytes each

Held = TypeVar("Held")


@dataclass(frozen=True, slots=True)
class Groups:
    """A segment is cut into ``parts`` groups; ``among``: those that differ, None where all must be looked at."""

    parts: int
    among: array[int] | None = None


def narrow(
    delta: Delta,
    mine: Session,
    theirs: Session,
    sides: tuple[sql.ComparedTable, sql.ComparedTable],
    check: Callable[[], None],
) -> Groups:
    """Cut the differing segments into groups, and where it is worth it find the groups that differ."""
    both = (delta.source, delta.target)
    most = max(max(sums.rows[number] for number in delta.segments) for sums in both)
    total = max(sum(sums.rows[number] for number in delta.segments) for sums in both)
    coarse = _power_of_two(-(-most // _MOST_ROWS_PER_GROUP))
    if total < _ROWS_WORTH_IT or min(mine.server_version_num, theirs.server_version_num) < _LOOKS_UP:
        return Groups(coarse)
    parts = max(coarse, _power_of_two(total // (len(delta.segments) * _ROWS_PER_GROUP)))
    ours, other = (side.groups(delta.segments, parts=parts) for side in sides)
    differing = array("q")
    seen = 0
    with (
        closing(copy_lines(mine, ours, check=check)) as left,
        closing(copy_lines(theirs, other, check=check)) as right,
    ):
        for group, here, there in in_step(_numbered(left), _numbered(right), b""):
            seen += 1
            if here != there and len(differing) < _MOST_GROUPS:
                differing.append(group)
    if len(differing) >= _MOST_GROUPS or len(differing) * 2 > seen:
        return Groups(coarse)
    return Groups(parts, differing)


def in_step(
    left: Iterator[tuple[int, Held]], right: Iterator[tuple[int, Held]], nothing: Held
) -> Iterator[tuple[int, Held, Held]]:
    """Pair what both sides have of each group, in order of groups; ``nothing`` for one that a side lacks."""
    mine, theirs = next(left, None), next(right, None)
    while mine is not None or theirs is not None:
        if theirs is None or (mine is not None and mine[0] < theirs[0]):
            assert mine is not None
            yield mine[0], mine[1], nothing
            mine = next(left, None)
        elif mine is None or theirs[0] < mine[0]:
            yield theirs[0], nothing, theirs[1]
            theirs = next(right, None)
        else:
            yield mine[0], mine[1], theirs[1]
            mine, theirs = next(left, None), next(right, None)


def _numbered(batches: Iterator[list[bytes]]) -> Iterator[tuple[int, bytes]]:
    for lines in batches:
        for line in lines:
            number, _, sums = line.partition(b"\t")
            yield int(number), sums


def _power_of_two(least: int) -> int:
    return 1 << max(least - 1, 0).bit_length()
