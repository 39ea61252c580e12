"""Rows that a run leaves alone and that refer to rows which it would delete or give another referred value.

They are those of tables that were not selected, and those that do not match --where. The actions of their foreign
keys would change them, or forbid the run half way; it is refused before the first write instead. What is counted is
what the two snapshots of the comparison hold; ``data.newcomers`` looks for what came to refer since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from dbsync.data.actions import Apart, goes_unsaid, held_in, left_alone, written_of
from dbsync.data.compare import Ends
from dbsync.data.delta import Delta
from dbsync.data.plan import GroupTask, SyncPlan
from dbsync.data.problem import Problem
from dbsync.model import ForeignKey, TableName
from dbsync.pg import statements_references as sql
from dbsync.pg.database import Session

_LOCATIONS = 5000

Place = tuple[int, str]  # relation oid, where there are several, and ctid


def outside_problems(plan: SyncPlan, deltas: Mapping[TableName, Delta], ends: Ends) -> list[Problem]:
    """Name each foreign key whose rows outside the selection the run would reach."""
    found = []
    for group in plan.groups:
        for key, apart in left_alone(group):
            reached = [task for task in group.tables if task.target in deltas and held_in(key, task) is not None]
            if plan.options.delete and (apart is None or goes_unsaid(key, key.on_delete)):
                count = sum(_deleted(key, deltas[task.target], ends, apart) for task in reached)
                found += [deletes(key, apart, count)] if count else []
            if plan.options.mode == "delta" and goes_unsaid(key, key.on_update):
                count = sum(_altered(key, deltas[task.target], ends, apart) for task in reached)
                found += [changes(key, apart, count)] if count else []
    return found


def past_cursor_problems(group: GroupTask, delta: Delta, past: str | None, ends: Ends) -> list[Problem]:
    """The same for one table of which only the rows past a cursor are written."""
    keys = [(key, apart) for key, apart in left_alone(group) if goes_unsaid(key, key.on_update)]
    reached = [(key, apart) for key, apart in keys if held_in(key, delta.task) is not None]
    counted = [(key, apart, _altered(key, delta, ends, apart, past)) for key, apart in reached]
    return [changes(key, apart, count) for key, apart, count in counted if count]


def deletes(key: ForeignKey, apart: Apart | None, count: int) -> Problem:
    """That rows refer to others which would be deleted."""
    return _problem(key, apart, count, f"ON DELETE {key.on_delete}", "would be deleted")


def changes(key: ForeignKey, apart: Apart | None, count: int) -> Problem:
    """That rows refer to others of which the referred value would change."""
    return _problem(key, apart, count, f"ON UPDATE {key.on_update}", "would change")


def _problem(key: ForeignKey, apart: Apart | None, count: int, action: str, what: str) -> Problem:
    action += "" if key.validated else ", NOT VALID"
    which = ", which is not selected," if apart is None else " that do not match --where"
    return Problem(
        "foreign_key_outside",
        f"{count:,} rows of {key.table}{which} refer by foreign key {key.name} "
        f"({action}) to rows of {key.ref_table} that {what}",
        key.table,
        name=key.name,
    )


def _deleted(key: ForeignKey, delta: Delta, ends: Ends, apart: Apart | None) -> int:
    if not delta.surplus.count:
        return 0
    with ends.target.reader() as session:
        return sum(_referring(key, delta, session, *batch, apart) for batch in delta.surplus.batches(_LOCATIONS))


def _altered(key: ForeignKey, delta: Delta, ends: Ends, apart: Apart | None, past: str | None = None) -> int:
    """Rows that refer to rows whose referred columns differ; with ``past`` where that holds for the source's row."""
    columns = written_of(key, delta.task)
    if not columns or not delta.changed.count:
        return 0
    count, pairs = 0, zip(delta.changed.places(), delta.altered.places(), strict=True)
    with ends.source.reader() as mine, ends.target.reader() as theirs:
        while batch := list(islice(pairs, _LOCATIONS)):
            task = delta.task
            ours = _texts(mine, task.source, columns, task.source_only, [here for here, _ in batch], past)
            others = _texts(theirs, task.target, columns, task.target_only, [there for _, there in batch], None)
            moved = [there for here, there in batch if here in ours and ours[here] != others[there]]
            count += sum(_referring(key, delta, theirs, *gathered, apart) for gathered in _by_relation(moved))
    return count


def _referring(
    key: ForeignKey, delta: Delta, session: Session, oid: int, locations: list[str], apart: Apart | None
) -> int:
    query = sql.count_referring(key, delta.task.target, oid=oid, locations=locations, apart=apart)
    return int(session.one(query)[0])


def _texts(
    session: Session, table: TableName, columns: list[str], only: bool, places: list[Place], where: str | None
) -> dict[Place, tuple[str | None, ...]]:
    found: dict[Place, tuple[str | None, ...]] = {}
    for oid, locations in _by_relation(places):
        query = sql.texts_at(table, columns, only=only, oid=oid, locations=locations, where=where)
        found |= {(oid, location): tuple(texts) for location, *texts in session.execute(query)}
    return found


def _by_relation(places: Iterable[Place]) -> Iterator[tuple[int, list[str]]]:
    gathered: dict[int, list[str]] = defaultdict(list)
    for oid, location in places:
        gathered[oid].append(location)
    yield from gathered.items()
