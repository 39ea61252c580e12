"""Compare a table of both sides by checksum, under one snapshot each, and say where the rows are that differ.

First one aggregate query a side: rows and two sums of hashes for each segment of about a thousand keys; where
the row versions are known that both sides held when they were equal, only for segments that were written to
since. Then, for the segments that differ, key and hash of every row, both sides read in step, so that memory stays flat
however many rows differ. What is kept of a differing row is its location, ten bytes in a temporary file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import LiteralString, NamedTuple

from dbsync.data.differences import RowKind
from dbsync.data.plan import TableTask
from dbsync.data.spool import Spool
from dbsync.errors import DbsyncError, Mismatch
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import statements_compare as sql
from dbsync.pg.copy_lines import copy_lines
from dbsync.pg.database import Session
from dbsync.pg.snapshot import ReaderPool
from dbsync.pg.statements import Statement
from dbsync.segments import MASK, Remembered, Segmentation, Sums, cut

_ROWS_PER_PAGE = 20  # when nobody knows how many rows there are: a low guess makes segments too large, not wrong
_ROWS_IN_STEP = 20_000  # rows of one side that are held at a time, about 100 bytes each


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Readers of both sides, all under one snapshot a side. ``recode``: the encodings differ."""

    source: ReaderPool
    target: ReaderPool
    recode: bool
    check: Callable[[], None]  # raises when the run must end


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
    how: str = ""  # to be said of that
    outgrown: bool = False  # the segments that were remembered fit no longer
    elapsed_s: float = 0.0
    missing: Spool = field(default_factory=Spool)  # rows the target lacks, by their place in the source
    changed: Spool = field(default_factory=Spool)  # rows the target has otherwise, by their place in the source
    altered: Spool = field(default_factory=Spool)  # the same rows in the same order, by their place in the target
    surplus: Spool = field(default_factory=Spool)  # rows the source lacks, by their place in the target
    found: dict[RowKind, list[Sample]] = field(default_factory=dict)  # the first few of each kind
    surplus_shift: dict[int, Shift] = field(default_factory=dict)  # of surplus rows that stay
    changed_shift: dict[int, Shift] = field(default_factory=dict)  # of changed rows that stay as the target has them

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


def compare_table(
    task: TableTask,
    ends: Ends,
    *,
    rows: bool = True,
    versions: bool = False,
    samples: int = 0,
    remembered: Remembered | None = None,
) -> Delta:
    """Find what differs; with ``rows`` every differing row is located, else only the segments are compared.

    ``versions`` also reads signatures of the row versions, by which a later look tells whether anything was
    written meanwhile. Segments that are as ``remembered`` on both sides are taken for equal. Raises
    StatementFailed or ConnectionLost.
    """
    started = time.monotonic()
    with ends.source.reader() as mine, ends.target.reader() as theirs, _beside() as beside:
        reading = _Reading(task, ends, mine, theirs, beside)
        delta = reading.what_moved(remembered) if remembered is not None else None
        if delta is None:
            delta = reading.everything(versions=versions)
            delta.outgrown = remembered is not None
        failpoint("after_segments_compared")
        if rows and delta.segments:
            sides = sides_of(task, delta.segmentation, recode=ends.recode)
            _locate(delta, mine, theirs, *sides, ends.check, samples)
            failpoint("after_rows_compared")
        delta.elapsed_s = time.monotonic() - started
        return delta


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the sums of one table's segments, on both servers at a time."""

    task: TableTask
    ends: Ends
    mine: Session
    theirs: Session
    beside: ThreadPoolExecutor

    def everything(self, *, versions: bool) -> Delta:
        """Hash every row."""
        self._plan_for(sql.PLANNING)
        segmentation = cut(_estimate(self.task), self._bounds())
        ours, other = self._sides(segmentation)
        source, target = self._both(ours.sums(versions=versions), other.sums(versions=versions), segmentation.count)
        return self._delta(segmentation, source, target, segmentation.count)

    def what_moved(self, then: Remembered) -> Delta | None:
        """Hash the rows of the segments that were written to; None when the table has outgrown its segments."""
        self._plan_for(sql.VERSION_PLANNING)
        ours, other = self._sides(then.segmentation)
        totals = self._both(ours.version_total(), other.version_total(), 1)
        written = [now.total_versions() != side.total_versions() for now, side in zip(totals, _of(then), strict=True)]
        if any(written):
            bounds = self._bounds()
            fitting = then.stretched(cut(_estimate(self.task), bounds), bounds)
            if fitting is None:
                return None
            then = fitting
        segmentation = then.segmentation
        ours, other = self._sides(segmentation)
        source, target = self._versions(then, ours, other, written)
        moved = then.moved(source, target)
        if moved:
            self._plan_for(sql.PLANNING)
            mine, theirs = (side.sums(versions=False, within=moved) for side in (ours, other))
            for sums, hashed in zip((source, target), self._both(mine, theirs, segmentation.count), strict=True):
                sums.take_contents(hashed, moved)
        return self._delta(segmentation, source, target, len(moved))

    def _versions(
        self, then: Remembered, ours: sql.ComparedTable, other: sql.ComparedTable, written: list[bool]
    ) -> tuple[Sums, Sums]:
        """The row versions by segment; a side that was not written to at all holds what is remembered."""
        count = then.segmentation.count
        if all(written):
            found = self._both(ours.versions(), other.versions(), count)
        elif written[0]:
            found = read_sums(self.mine, ours.versions(), count, self.ends.check), then.target
        elif written[1]:
            found = then.source, read_sums(self.theirs, other.versions(), count, self.ends.check)
        else:
            found = then.source, then.target
        source, target = (Sums.of_versions(sums.rows, sums.versions, count) for sums in found)
        return source, target

    def _delta(self, segmentation: Segmentation, source: Sums, target: Sums, hashed: int) -> Delta:
        return Delta(
            task=self.task,
            segmentation=segmentation,
            source=source,
            target=target,
            segments=source.differing(target),
            hashed=hashed,
        )

    def _plan_for(self, settings: LiteralString) -> None:
        for session in (self.mine, self.theirs):
            session.execute(settings)

    def _sides(self, segmentation: Segmentation) -> tuple[sql.ComparedTable, sql.ComparedTable]:
        return sides_of(self.task, segmentation, recode=self.ends.recode)

    def _bounds(self) -> tuple[int, int] | None:
        return _bounds(self.task, self.mine, self.theirs)

    def _both(self, source: Statement, target: Statement, count: int) -> tuple[Sums, Sums]:
        """Ask both servers at a time; when one fails, the other need not go on."""
        reading = self.beside.submit(read_sums, self.theirs, target, count, self.ends.check)
        try:
            found = read_sums(self.mine, source, count, partial(_check, self.ends, reading))
        except BaseException:
            with suppress(DbsyncError):  # it may be what was lost
                self.theirs.cancel()
            raise
        return found, reading.result()


def _of(then: Remembered) -> tuple[Sums, Sums]:
    return then.source, then.target


def sides_of(
    task: TableTask, segmentation: Segmentation, *, recode: bool
) -> tuple[sql.ComparedTable, sql.ComparedTable]:
    """The two sides of a task, cut into the same segments."""
    columns = [(pair.name, pair.digest, pair.nullable) for pair in task.columns]

    def side(table: TableName, only: bool) -> sql.ComparedTable:
        return sql.ComparedTable(
            table,
            only=only,
            where=task.where,
            key=task.key,
            columns=columns,
            segmentation=segmentation,
            recode=recode,
        )

    return side(task.source, task.source_only), side(task.target, task.target_only)


def read_sums(session: Session, query: Statement, count: int, check: Callable[[], None]) -> Sums:
    """Read what ``ComparedTable.sums`` gives."""
    sums = Sums(count)
    for lines in copy_lines(session, query, check=check):
        for line in lines:
            segment, *found = map(int, line.split(b"\t"))
            if not 0 <= segment < count:
                raise Mismatch(
                    "rows appeared beyond the keys that were compared",
                    hint="somebody wrote to the table while the run compared; run the command again",
                )
            sums.put(segment, *found)
    return sums


def _check(ends: Ends, reading: Future[Sums]) -> None:
    """Raise when the run must end, also because the other side has failed: it need not be waited for."""
    ends.check()
    if reading.done():
        reading.result()


@contextmanager
def _beside() -> Iterator[ThreadPoolExecutor]:
    """One more thread, so that both servers work at a time."""
    with ThreadPoolExecutor(1, thread_name_prefix="compare") as executor:
        yield executor


def _estimate(task: TableTask) -> int:
    return max(task.rows, task.target_rows, task.pages * _ROWS_PER_PAGE)


def _bounds(task: TableTask, mine: Session, theirs: Session) -> tuple[int, int] | None:
    """The least and greatest key of both sides, where keys are whole numbers."""
    if task.key is None or not task.key.integer:
        return None
    (column,) = task.key.names
    found = [
        *mine.one(sql.key_bounds(task.source, column, only=task.source_only, where=task.where)),
        *theirs.one(sql.key_bounds(task.target, column, only=task.target_only, where=task.where)),
    ]
    values = [value for value in found if value is not None]
    return (min(values), max(values)) if values else (0, 0)


def _locate(
    delta: Delta,
    mine: Session,
    theirs: Session,
    ours: sql.ComparedTable,
    other: sql.ComparedTable,
    check: Callable[[], None],
    samples: int,
) -> None:
    """Read key and hash of every row of the differing segments, both sides in step, and sort out what differs."""
    most = max(max(sums.rows[number] for number in delta.segments) for sums in (delta.source, delta.target))
    parts = 1
    while most > parts * _ROWS_IN_STEP:
        parts *= 2
    finder = _Finder(delta, parts, samples, keyed=delta.task.key is not None)
    for session in (mine, theirs):
        session.execute("SET LOCAL enable_sort = on")
    with (
        closing(copy_lines(mine, ours.rows(delta.segments, parts=parts), check=check)) as left,
        closing(copy_lines(theirs, other.rows(delta.segments, parts=parts), check=check)) as right,
    ):
        for group, here, there in _in_step(_groups(left), _groups(right)):
            finder.compare(group, here, there)


Rows = dict[bytes, list[bytes]]  # key and hashes -> where; more than one place only without a key


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
            if rest in rows:
                rows[rest].append(location)
            else:
                rows[rest] = [location]
    if current is not None:
        yield int(current), rows


def _in_step(left: Iterator[tuple[int, Rows]], right: Iterator[tuple[int, Rows]]) -> Iterator[tuple[int, Rows, Rows]]:
    """Pair the groups of both sides; a group that one side lacks is empty there."""
    mine, theirs = next(left, None), next(right, None)
    while mine is not None or theirs is not None:
        if theirs is None or (mine is not None and mine[0] < theirs[0]):
            assert mine is not None
            yield mine[0], mine[1], {}
            mine = next(left, None)
        elif mine is None or theirs[0] < mine[0]:
            yield theirs[0], {}, theirs[1]
            theirs = next(right, None)
        else:
            yield mine[0], mine[1], theirs[1]
            mine, theirs = next(left, None), next(right, None)


class _Finder:
    """Sorts out the rows of one group after another."""

    def __init__(self, delta: Delta, parts: int, samples: int, *, keyed: bool) -> None:
        self._delta, self._parts, self._samples, self._keyed = delta, parts, samples, keyed

    def compare(self, group: int, mine: Rows, theirs: Rows) -> None:
        """Keep what differs between the rows of a group on both sides."""
        segment = group // self._parts
        if not self._keyed:
            self._compare_copies(segment, mine, theirs)
            return
        others = {_key(rest): rest for rest in sorted(theirs.keys() - mine.keys())}
        for rest in sorted(mine.keys() - theirs.keys()):
            (here,) = mine[rest]
            other = others.pop(_key(rest), None)
            if other is None:
                self._missing(here)
            else:
                (there,) = theirs[other]
                self._changed(segment, rest, here, other, there)
        for rest in others.values():
            self._surplus(segment, rest, theirs[rest])

    def _compare_copies(self, segment: int, mine: Rows, theirs: Rows) -> None:
        """Rows without a key: equal rows are as good as one another, only their number counts."""
        for rest, places in mine.items():
            for place in places[len(theirs.get(rest, ())) :]:
                self._missing(place)
        for rest, places in theirs.items():
            self._surplus(segment, rest, places[len(mine.get(rest, ())) :])

    def _missing(self, here: bytes) -> None:
        self._delta.missing.put(here)
        self._sample("only_in_source", here, None)

    def _changed(self, segment: int, mine: bytes, here: bytes, theirs: bytes, there: bytes) -> None:
        self._delta.changed.put(here)
        self._delta.altered.put(there)
        (first, second), (other_first, other_second) = _hashes(mine), _hashes(theirs)
        _add(self._delta.changed_shift, segment, 0, other_first - first, other_second - second)
        self._sample("different", here, there)

    def _surplus(self, segment: int, rest: bytes, places: list[bytes]) -> None:
        first, second = _hashes(rest)
        for there in places:
            self._delta.surplus.put(there)
            _add(self._delta.surplus_shift, segment, 1, first, second)
            self._sample("only_in_target", None, there)

    def _sample(self, kind: RowKind, here: bytes | None, there: bytes | None) -> None:
        kept = self._delta.found.setdefault(kind, [])
        if len(kept) < self._samples:
            kept.append(Sample(kind, here, there))


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
