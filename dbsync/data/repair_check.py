"""Whether a repaired table holds what it must: what was written by its content, the rest by its row versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dbsync.data.compare import read_sums, sides_of
from dbsync.data.delta import Delta
from dbsync.data.quarantine import RefusedRow
from dbsync.pg import statements
from dbsync.pg import statements_compare as repair_sql
from dbsync.pg.database import Session
from dbsync.segments import Sums


def read_again(session: Session, delta: Delta, *, recode: bool, check: Callable[[], None]) -> Sums:
    """Read the table as this transaction sees it: hashes of the segments that were repaired, versions of all."""
    session.execute(repair_sql.PLANNING)
    _, side = sides_of(delta.task, delta.segmentation, recode=recode)
    return read_sums(session, side.sums(versions=True, hashed=delta.segments), delta.segmentation.count, check)


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
        elif (now.rows[number], now.versions[number]) != (delta.target.rows[number], delta.target.versions[number]):
            return f"segment {number} was written to since it was compared"
    return None


def _rows_outside(delta: Delta) -> int:
    """Rows in the segments that do not differ."""
    return sum(delta.target.rows) - sum(delta.target.rows[number] for number in delta.segments)
