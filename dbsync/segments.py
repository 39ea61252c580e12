"""PURE: cut a table into segments that both sides agree on, and add up what each segment holds.

A segment is a range of an integer key or a bucket of the key's hash. Buckets need no order, so that text keys
work under any collation on either side. Sums are kept modulo 2^64: two of them and a count are the 128-bit
digest of a segment, and those of all segments together are the digest of the table.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

# text: as the server prints it. trimmed: without trailing zeros of the fraction. unsigned_zero: -0 as 0.
# unpadded: cast to text, which drops the blanks that char(n) is filled with.
Spelling = Literal["text", "trimmed", "unsigned_zero", "unpadded"]
MASK = (1 << 64) - 1
# Measured (performance page): about 1,000 rows a segment finds scattered changes cheaply; more segments than
# this cost memory on both servers and here (40 bytes each), so huge tables get larger ones.
_ROWS_PER_SEGMENT = 1000
_MOST_SEGMENTS = 1 << 16
_WIDEST = 1 << 62  # the difference of two keys must fit a bigint
_OUTGROWN = 4  # segments are cut anew when a table would get so many times as many


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column of the key and its spelling; ``exact``: equal keys are spelled the same without it."""

    name: str
    spelling: Spelling

    @property
    def exact(self) -> bool:
        """Whether equal values always have equal texts."""
        return self.spelling == "text"


@dataclass(frozen=True, slots=True)
class RowKey:
    """Columns that are NOT NULL and unique on both sides. ``integer``: one column of whole numbers."""

    columns: tuple[KeyColumn, ...]
    integer: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """How rows are told apart: segment = (key - base) / width, or hash(key) modulo ``count``, or all in one."""

    kind: Literal["range", "hash", "whole"]
    count: int = 1
    base: int = 0
    width: int = 1

    def to_dict(self) -> dict[str, int | str]:
        """Return it as JSON-safe data."""
        return {"kind": self.kind, "count": self.count, "base": self.base, "width": self.width}


def cut(rows: int, bounds: tuple[int, int] | None) -> Segmentation:
    """Choose segments for about ``rows`` rows; ``bounds`` are the least and greatest integer key of both sides."""
    count = min(max(-(-rows // _ROWS_PER_SEGMENT), 1), _MOST_SEGMENTS)
    if bounds is not None and bounds[1] - bounds[0] < _WIDEST:
        low, high = bounds
        width = max(-(-(high - low + 1) // count), 1)
        return Segmentation(kind="range", count=(high - low) // width + 1, base=low, width=width)
    return Segmentation(kind="hash", count=count)


class Sums:
    """Per segment: rows, two sums of row hashes, and a signature of the row versions (0 where none was asked for).

    ``complete`` is False where some segments' rows were not hashed; their sums are 0.
    """

    __slots__ = ("complete", "first", "rows", "second", "versions")

    def __init__(self, count: int) -> None:
        self.rows, self.first, self.second, self.versions = (array("Q", bytes(8 * count)) for _ in range(4))
        self.complete = True

    @classmethod
    def of_versions(cls, rows: Iterable[int], versions: Iterable[int], count: int) -> Sums:
        """What is known of rows that are not hashed; segments beyond those given are empty."""
        sums = cls(0)
        sums.rows, sums.versions = array("Q", rows), array("Q", (value & MASK for value in versions))
        sums.rows.extend([0] * (count - len(sums.rows)))
        sums.versions.extend([0] * (count - len(sums.versions)))
        sums.first, sums.second = array("Q", bytes(8 * count)), array("Q", bytes(8 * count))
        sums.complete = False
        return sums

    def __len__(self) -> int:
        return len(self.rows)

    def put(self, segment: int, rows: int, first: int, second: int, versions: int = 0) -> None:
        """Set what a segment holds."""
        self.rows[segment] = rows
        self.first[segment] = first & MASK
        self.second[segment] = second & MASK
        self.versions[segment] = versions & MASK

    def total(self) -> tuple[int, int, int]:
        """Rows and both sums of the whole table, all of which must have been hashed."""
        assert self.complete
        return sum(self.rows), sum(self.first) & MASK, sum(self.second) & MASK

    def total_rows(self) -> int:
        """Rows of the whole table."""
        return sum(self.rows)

    def take(self, other: Sums, segments: Iterable[int]) -> None:
        """Take over what some segments hold."""
        for number in segments:
            self.put(number, *other.contents(number), other.versions[number])

    def take_contents(self, other: Sums, segments: Iterable[int]) -> None:
        """Take over the hashes of some segments."""
        for number in segments:
            self.first[number], self.second[number] = other.first[number], other.second[number]

    def filled(self) -> list[int]:
        """The segments that hold any row."""
        return [number for number, rows in enumerate(self.rows) if rows]

    def copy(self) -> Sums:
        """The same numbers once more."""
        sums = Sums(0)
        sums.rows, sums.first, sums.second, sums.versions = (
            each[:] for each in (self.rows, self.first, self.second, self.versions)
        )
        sums.complete = self.complete
        return sums

    def contents(self, segment: int) -> tuple[int, int, int]:
        """Rows and both sums of one segment."""
        return self.rows[segment], self.first[segment], self.second[segment]

    def differing(self, other: Sums) -> list[int]:
        """The segments in which the two sides differ."""
        return [number for number in range(len(self)) if self.contents(number) != other.contents(number)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The row versions that both sides held after a verified run; ``open``: segments that differed even then.

    ``since``: for source and target the oldest transaction that had not ended, so that what was written later is of
    none before it; None where that says nothing.
    """

    segmentation: Segmentation
    source: Sums
    target: Sums
    open: frozenset[int] = frozenset()
    since: tuple[int, int] | None = None

    def stretched(self, fresh: Segmentation, bounds: tuple[int, int] | None) -> Remembered | None:
        """The same for a table that has grown since; None where ``fresh`` segments must take their place."""
        cutting = self.segmentation
        if fresh.kind != cutting.kind or fresh.count > _OUTGROWN * cutting.count:
            return None
        if cutting.kind != "range" or bounds is None:
            return self
        count = max((bounds[1] - cutting.base) // cutting.width + 1, cutting.count)
        if bounds[0] < cutting.base or count > _OUTGROWN * cutting.count:
            return None
        sides = (Sums.of_versions(side.rows, side.versions, count) for side in (self.source, self.target))
        source, target = sides
        return replace(self, segmentation=replace(cutting, count=count), source=source, target=target)

    def moved(self, source: Sums, target: Sums) -> list[int]:
        """The segments whose rows must be hashed: some were written on a side, or they differed before."""
        pairs = ((source, self.source), (target, self.target))
        return [
            number
            for number in range(self.segmentation.count)
            if number in self.open
            or any(
                now.rows[number] != then.rows[number] or now.versions[number] != then.versions[number]
                for now, then in pairs
            )
        ]


def runs_of(segments: Iterable[int]) -> list[tuple[int, int]]:
    """Join neighbouring segments to half-open runs [first, end)."""
    found: list[tuple[int, int]] = []
    for number in segments:
        if found and found[-1][1] == number:
            found[-1] = (found[-1][0], number + 1)
        else:
            found.append((number, number + 1))
    return found
