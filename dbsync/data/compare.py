"""Compare a table of both sides by checksum, under one snapshot each, and say where the rows are that differ.

First one aggregate query a side: rows and two sums of hashes for each segment of about a thousand keys; where
the row versions are known that both sides held when they were equal, only for segments that were written to
since, which the numbers of the transactions that made their rows tell. Then, for the segments that differ, key and hash
of every row, both sides read in step, so that memory stays flat however many rows differ. What is kept of a differing
row is its location, ten bytes in a temporary file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import LiteralString, NamedTuple

from dbsync.data.delta import Delta
from dbsync.data.locate import MEMORY, locate_rows
from dbsync.data.plan import TableTask
from dbsync.errors import DbsyncError, Mismatch
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import statements_compare as sql
from dbsync.pg.copy_lines import copy_lines
from dbsync.pg.database import Session, legible
from dbsync.pg.snapshot import ReaderPool
from dbsync.pg.statements import Statement
from dbsync.segments import Remembered, Segmentation, Sums, cut

_ROWS_PER_PAGE = 20  # when nobody knows how many rows there are: a low guess makes segments too large, not wrong
_MANY_SEGMENTS = 5000  # their sums take about 550 bytes each in a server

Side = sql.ComparedTable
Sides = tuple[Side, Side]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Readers of both sides, all under one snapshot a side. ``recode``: the encodings differ."""

    source: ReaderPool
    target: ReaderPool
    recode: bool
    check: Callable[[], None]  # raises when the run must end


class Versions(NamedTuple):
    """Of which sides the row versions are wanted. They cost a third of what hashing the rows does."""

    source: bool
    target: bool


NO_VERSIONS = Versions(source=False, target=False)


def compare_table(
    task: TableTask,
    ends: Ends,
    *,
    rows: bool = True,
    versions: Versions = NO_VERSIONS,
    samples: int = 0,
    remembered: Remembered | None = None,
) -> Delta:
    """Find what differs; with ``rows`` every differing row is located, else only the segments are compared.

    Where a side's ``versions`` are wanted, its row versions' signatures are read too, by which a later look tells
    whether anything was written meanwhile. Segments that are as ``remembered`` on both sides are taken for equal.
    Raises StatementFailed or ConnectionLost.
    """
    started = time.monotonic()
    with ends.source.reader() as mine, ends.target.reader() as theirs, _beside() as beside:
        reading = _Reading(task, ends, mine, theirs, beside)
        delta = reading.what_moved(remembered) if remembered is not None else None
        if delta is None:
            delta = reading.everything(versions)
            delta.outgrown = remembered is not None
        failpoint("after_segments_compared")
        if rows and delta.segments:
            sides = sides_of(task, delta.segmentation, recode=ends.recode)
            locate_rows(delta, mine, theirs, *sides, ends.check, samples)
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

    def everything(self, versions: Versions) -> Delta:
        """Hash every row."""
        self._plan_for(sql.PLANNING)
        segmentation = cut(_estimate(self.task), self._bounds())
        self._make_room(segmentation.count)
        ours, other = self._sides(segmentation)
        queries = ours.sums(versions=versions.source), other.sums(versions=versions.target)
        found = self._both(*queries, segmentation.count)
        return self._delta(segmentation, found, segmentation.count, versioned=versions.target)

    def what_moved(self, then: Remembered) -> Delta | None:
        """Hash the rows of the segments that were written to; None when the table has outgrown its segments."""
        self._plan_for(sql.VERSION_PLANNING)
        written, rows = self._written(then)
        if any(written):
            bounds = self._bounds()
            fitting = then.stretched(cut(_estimate(self.task), bounds), bounds)
            if fitting is None:
                return None
            then = fitting
            self._make_room(then.segmentation.count)
        sides = self._sides(then.segmentation)
        source, target = self._versions(then, sides, written, rows)
        moved = then.moved(source, target)
        if moved:
            self._plan_for(sql.PLANNING)
            self._make_room(len(moved))
            mine, theirs = (side.sums(versions=False, within=moved) for side in sides)
            for sums, hashed in zip((source, target), self._both(mine, theirs, len(source)), strict=True):
                sums.take_contents(hashed, moved)
        delta = self._delta(then.segmentation, (source, target), len(moved), versioned=True)
        delta.reread = any(written)
        delta.passed = any(self._passed(then))
        return delta

    def _written(self, then: Remembered) -> tuple[list[bool], tuple[int, int] | None]:
        """Whether each side may have been written to since, False being certain; and how many rows it has.

        A row that was inserted or updated since is of a transaction that had not ended then, and rows that were only
        deleted are missing in the count. Where all transactions had ended then, and the whole server has given no
        number to another one since, both snapshots see the same, and no row is looked at. With a condition on rows
        none of it is enough: time alone can change which rows it holds for. Then nothing is known of the numbers.
        """
        if then.since is None or self.task.where is not None:
            return [True, True], None
        known = then.source.total_rows(), then.target.total_rows()
        asked = self._passed(then)
        ours, other = self._sides(then.segmentation)
        found = self._where(asked, (ours.newer(then.since[0]), other.newer(then.since[1])), 1)
        written = [
            now is not None and (now.versions[0] != 0 or now.rows[0] != rows)
            for now, rows in zip(found, known, strict=True)
        ]
        source, target = (now.rows[0] if now is not None else rows for now, rows in zip(found, known, strict=True))
        return written, (source, target)

    def _passed(self, then: Remembered) -> list[bool]:
        """Whether a transaction of each side may have written since; nothing is known of it with None."""
        pools = self.ends.source, self.ends.target
        return [pool.snapshot.next != since for pool, since in zip(pools, then.since or (), strict=False)]

    def _versions(
        self, then: Remembered, sides: Sides, written: list[bool], rows: tuple[int, int] | None
    ) -> tuple[Sums, Sums]:
        """The row versions by segment, read where they may be others than those that are remembered."""
        now = _versions_of(then.source), _versions_of(then.target)
        if rows is not None and then.since is not None:
            newer = sides[0].newer_segments(then.since[0]), sides[1].newer_segments(then.since[1])
            touched = [sums.filled() if sums else [] for sums in self._where(written, newer, len(now[0]))]
            versions = sides[0].versions(touched[0]), sides[1].versions(touched[1])
            found = self._where([bool(each) for each in touched], versions, len(now[0]))
            for sums, read, segments in zip(now, found, touched, strict=True):
                if read is not None:
                    sums.take(read, segments)
        # Where rows are gone from segments in which none was made, only a look at all of them tells from which.
        gone = [rows is None or sums.total_rows() != count for sums, count in zip(now, rows or (0, 0), strict=True)]
        source, target = self._where(gone, (sides[0].versions(), sides[1].versions()), len(now[0]))
        return _versions_of(source or now[0]), _versions_of(target or now[1])

    def _where(
        self, wanted: list[bool], queries: tuple[Statement, Statement], count: int
    ) -> tuple[Sums | None, Sums | None]:
        """Ask the servers that are wanted, both at a time."""
        if all(wanted):
            return self._both(*queries, count)
        source, target = (
            read_sums(session, query, count, self.ends.check) if asked else None
            for session, query, asked in zip((self.mine, self.theirs), queries, wanted, strict=True)
        )
        return source, target

    def _delta(self, segmentation: Segmentation, now: tuple[Sums, Sums], hashed: int, *, versioned: bool) -> Delta:
        source, target = now
        return Delta(
            task=self.task,
            segmentation=segmentation,
            source=source,
            target=target,
            segments=source.differing(target),
            hashed=hashed,
            since=self.ends.target.snapshot.oldest,
            versioned=versioned,
        )

    def _plan_for(self, settings: LiteralString) -> None:
        for session in (self.mine, self.theirs):
            session.execute(settings)

    def _make_room(self, segments: int) -> None:
        """Let so many segments' sums fit into memory: rows of those that do not go to temporary files as a whole."""
        if segments > _MANY_SEGMENTS:
            self._plan_for(MEMORY)

    def _sides(self, segmentation: Segmentation) -> Sides:
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


def sides_of(task: TableTask, segmentation: Segmentation, *, recode: bool) -> Sides:
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
            with legible(session.url.name):
                segment, rows, first, second, versions = map(int, line.split(b"\t"))
            if not 0 <= segment < count:
                raise Mismatch(
                    "rows appeared beyond the keys that were compared",
                    hint="somebody wrote to the table while the run compared; run the command again",
                )
            sums.put(segment, rows, first, second, versions)
    return sums


def _versions_of(sums: Sums) -> Sums:
    """Rows and versions alone."""
    return Sums.of_versions(sums.rows, sums.versions, len(sums))


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
