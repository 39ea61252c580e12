"""What differs between both sides of one table: sums of its segments, and places of the rows that differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from dbsync.data.differences import RowKind
from dbsync.data.plan import TableTask
from dbsync.data.spool import Spool
from dbsync.segments import Segmentation, Sums


class Sample(NamedTuple):
    """A row that differs: where the source has it and where the target has it."""

    kind: RowKind
    source: bytes | None
    target: bytes | None


@dataclass(slots=True)
class Shift:
    """How the rows of one segment that a repair leaves alone shift its sums against the source's."""

    rows: int = 0
    first: int = 0
    second: int = 0


@dataclass(slots=True, kw_only=True)
class Delta:
    """What differs between both sides of one table; ``close`` it when it is no longer needed."""

    task: TableTask
    segmentation: Segmentation
    source: Sums
    target: Sums
    segments: list[int]  # those that differ
    hashed: int  # how many segments' rows were hashed, the others being as they were remembered
    since: int  # the oldest transaction of the target that had not ended when it was read
    versioned: bool  # the target's row versions are known
    how: str = ""  # to be said of that
    reread: bool = False  # row versions were read, since a side may have been written to
    passed: bool = False  # transactions that may have written have passed on a side since what is remembered
    outgrown: bool = False  # the segments that were remembered fit no longer
    elapsed_s: float = 0.0
    missing: Spool = field(default_factory=Spool)  # rows the target lacks, by their place in the source
    changed: Spool = field(default_factory=Spool)  # rows the target has otherwise, by their place in the source
    altered: Spool = field(default_factory=Spool)  # the same rows in the same order, by their place in the target
    surplus: Spool = field(default_factory=Spool)  # rows the source lacks, by their place in the target
    found: dict[RowKind, list[Sample]] = field(default_factory=dict)  # the first few of each kind
    surplus_shift: dict[int, Shift] = field(default_factory=dict)  # of surplus rows that stay
    changed_shift: dict[int, Shift] = field(default_factory=dict)  # of changed rows that stay as the target has them
    hidden_shift: dict[int, Shift] = field(default_factory=dict)  # of equal rows that match --where in the source alone
    hidden: int = 0  # of the changed rows, those that --where hides in the target
    unreachable: int = 0  # of the missing rows, those whose key the target has, and that no update would bring inside

    @property
    def same(self) -> bool:
        """Whether both sides hold the same rows."""
        return not self.segments

    def samples(self, most: int) -> list[Sample]:
        """A few of the rows that differ, of each kind in turn, so that none hides the others."""
        mixed = [sample for row in zip_longest(*self.found.values()) for sample in row if sample is not None]
        return mixed[:most]

    def expected(self, *, updates: bool, deletes: bool) -> Sums:
        """What the target's differing segments must hold after a repair that does what is asked."""
        sums = Sums(len(self.source))
        for number in self.segments:
            shifts = [Shift(self.source.rows[number], self.source.first[number], self.source.second[number])]
            shifts += [self.hidden_shift[number]] if number in self.hidden_shift else []
            shifts += [] if updates or number not in self.changed_shift else [self.changed_shift[number]]
            shifts += [] if deletes or number not in self.surplus_shift else [self.surplus_shift[number]]
            sums.put(
                number,
                sum(shift.rows for shift in shifts),
                sum(shift.first for shift in shifts),
                sum(shift.second for shift in shifts),
            )
        return sums

    def close(self) -> None:
        """Give the temporary files back."""
        for spool in (self.missing, self.changed, self.altered, self.surplus):
            spool.close()
