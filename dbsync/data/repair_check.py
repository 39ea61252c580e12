"""Whether a repaired table holds what it must: what was written by its content, the rest by who made its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dbsync.data.compare import Side, read_sums, sides_of
from dbsync.data.delta import Delta
from dbsync.data.quarantine import RefusedRow
from dbsync.pg import statements
from dbsync.pg import statements_compare as sql
from dbsync.pg.database import Session
from dbsync.pg.facts import is_heap
from dbsync.segments import Sums


def read_again(session: Session, delta: Delta, *, recode: bool, check: Callable[[], None]) -> Sums:
    """What the table holds as this transaction sees it, which keeps all others from writing to it.

    Of segments that were repaired their contents are read. Of the others the numbers of the transactions tell
    whether each holds what it held; where they do not, its row versions are read, or its contents too.
    """
    session.execute(sql.PLANNING)
    _, side = sides_of(delta.task, delta.segmentation, recode=recode)
    return _told_by_numbers(session, side, delta, check) or read_sums(
        session,
        side.sums(versions=True, hashed=delta.segments) if delta.versioned else side.sums(versions=False),
        delta.segmentation.count,
        check,
    )


def _told_by_numbers(session: Session, side: Side, delta: Delta, check: Callable[[], None]) -> Sums | None:
    """What the table holds if no row outside the repaired segments was written since it was compared, else None.

    A row that is older than every transaction that had not ended then was there then, in the same segment. So if
    outside of what was repaired all rows are such, and as many as then, they are the same. None proves nothing.
    """
    if delta.task.where is not None or not is_heap(session, delta.task.target):
        return None  # time alone may change for which rows it holds; other storage may keep numbers otherwise
    rows, strangers = session.one(side.newer_outside(delta.since, delta.segments))
    if strangers:
        return None
    now = delta.target.copy()
    if delta.segments:
        repaired = read_sums(session, side.sums(versions=True, within=delta.segments), len(now), check)
        now.take(repaired, delta.segments)
    return now if now.total_rows() == rows else None


def difference_in_count(session: Session, delta: Delta, expected: Sums) -> str | None:
    """How the number of rows is not what it must be."""
    task = delta.task
    (rows,) = session.one(statements.count_rows(task.target, only=task.target_only, where=task.where))
    planned = sum(expected.rows[number] for number in delta.segments) + _rows_outside(delta)
    return None if rows == planned else f"{rows} rows instead of {planned}"


def leave_out(refused: Iterable[RefusedRow], expected: Sums) -> set[int]:
    """Take refused rows out of what is expected; return the segments that hold the old version of one.

    What those hold beside it is not known, so nothing can be said of them as a whole.
    """
    unknown = set()
    for each in refused:
        if each.changed:
            unknown.add(each.segment)
            continue
        rows, first, second = expected.contents(each.segment)
        expected.put(each.segment, rows - 1, first - each.first, second - each.second)
    return unknown


def first_difference(delta: Delta, expected: Sums, now: Sums) -> str | None:
    """Where the table is not what it must be after the repair."""
    repaired = set(delta.segments)
    for number in range(len(now)):
        if number in repaired:
            if now.contents(number) != expected.contents(number):
                return f"segment {number} does not hold what was written to it"
        elif _held(now, number, delta) != _held(delta.target, number, delta):
            return f"segment {number} was written to since it was compared"
    return None


def _held(sums: Sums, number: int, delta: Delta) -> tuple[int, ...]:
    """What a segment that was not to be written to must still have."""
    return (sums.rows[number], sums.versions[number]) if delta.versioned else sums.contents(number)


def _rows_outside(delta: Delta) -> int:
    """Rows in the segments that do not differ."""
    return sum(delta.target.rows) - sum(delta.target.rows[number] for number in delta.segments)
