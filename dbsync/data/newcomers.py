"""Rows that are left alone and came, since the comparison, to refer to rows that a run deletes or gives another value.

The actions of their foreign keys would reach them without a word. Right before a write the rows that are written
are locked, so that nobody can come to refer to them any more, and those that do are counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbsync.data.actions import Apart, goes_unsaid, held_in, left_alone, written_of
from dbsync.data.delta import Delta
from dbsync.data.plan import GroupTask, TableTask
from dbsync.errors import Drift
from dbsync.model import ForeignKey
from dbsync.pg import statements_references as sql
from dbsync.pg.database import Session


def refuse_before_delete(session: Session, group: GroupTask, delta: Delta, oid: int, locations: list[str]) -> None:
    """Raise Drift when rows that are left alone have come to refer to rows that are to be deleted now."""
    task = delta.task
    reaching = [(key, apart) for key, apart in left_alone(group) if goes_unsaid(key, key.on_delete)]
    keys = [(key, apart) for key, apart in reaching if held_in(key, task)]
    if not keys:
        return
    session.execute(sql.lock_at(task.target, only=task.target_only, oid=oid, locations=locations))
    for key, apart in keys:
        (count,) = session.one(sql.count_referring(key, task.target, oid=oid, locations=locations, apart=apart))
        if count:
            raise _drift(key, count, f"ON DELETE {key.on_delete}", "be deleted")


def refuse_before_update(session: Session, group: GroupTask, task: TableTask, changes: str) -> None:
    """Raise Drift when rows that are left alone have come to refer to a value that is to change now."""
    for key, _, count in reached_by_update(session, group, task, changes):
        raise _drift(key, count, f"ON UPDATE {key.on_update}", "change")


def reached_by_update(
    session: Session, group: GroupTask, task: TableTask, changes: str
) -> Iterator[tuple[ForeignKey, Apart | None, int]]:
    """How many rows that are left alone refer, by which key, to rows that ``changes`` gives another referred value."""
    for key, apart in left_alone(group):
        held, columns = held_in(key, task), written_of(key, task)
        if not goes_unsaid(key, key.on_update) or held is None or not columns or task.key is None:
            continue
        only = task.target_only and held == task.target
        (moved,) = session.one(sql.lock_moved(changes, held, columns, key=task.key, only=only))
        if not moved:
            continue
        query = sql.count_referring_to_moved(
            changes, held, columns, key=task.key, only=only, reference=key, apart=apart
        )
        (count,) = session.one(query)
        if count:
            yield key, apart, count


def _drift(key: ForeignKey, count: int, action: str, what: str) -> Drift:
    return Drift(
        f"{count:,} rows of {key.table} have come to refer by foreign key {key.name} ({action}) to rows of "
        f"{key.ref_table} that would {what}; rolled back",
        hint="somebody wrote to it while the run compared; run the command again",
    )
