"""Rows that a run leaves alone and that refer to rows which it would delete or give another referred value.

They are those of tables that were not selected, and those that do not match --where. The actions of their foreign
keys would change them, or forbid the run half way; it is refused before the first write instead. What is counted is
what the two snapshots of the comparison hold; what came to refer since is looked for before the delete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from dbsync.data.compare import Ends
from dbsync.data.delta import Delta
from dbsync.data.plan import GroupTask, SyncPlan, TableTask
from dbsync.data.problem import Problem
from dbsync.errors import Drift
from dbsync.model import ForeignKey, TableName
from dbsync.pg import statements_compare as sql
from dbsync.pg.database import Session

_LOCATIONS = 5000
_ACTING = ("CASCADE", "SET NULL", "SET DEFAULT")
_APART = " that do not match --where"

Place = tuple[int, str]  # relation oid, where there are several, and ctid


def outside_problems(plan: SyncPlan, deltas: Mapping[TableName, Delta], ends: Ends) -> list[Problem]:
    """Name each foreign key whose rows outside the selection the run would reach."""
    found = []
    for group in plan.groups:
        for key in group.referring:
            concerned = _concerned(key, [deltas[task.target] for task in group.tables if task.target in deltas])
            if plan.options.delete:
                count = sum(_deleted(key, delta, ends) for delta in concerned)
                found += [_problem(key, count, f"ON DELETE {key.on_delete}", "would be deleted")] if count else []
            if plan.options.mode == "delta" and key.on_update in _ACTING:
                count = sum(_altered(key, delta, ends) for delta in concerned)
                found += [_problem(key, count, f"ON UPDATE {key.on_update}", "would change")] if count else []
        for key, where in _filtered(group):
            concerned = _concerned(key, [deltas[task.target] for task in group.tables if task.target in deltas])
            if plan.options.delete and key.on_delete in _ACTING:
                count = sum(_deleted(key, delta, ends, apart=where) for delta in concerned)
                action = f"ON DELETE {key.on_delete}"
                found += [_problem(key, count, action, "would be deleted", _APART)] if count else []
            if plan.options.mode == "delta" and key.on_update in _ACTING:
                count = sum(_altered(key, delta, ends, apart=where) for delta in concerned)
                action = f"ON UPDATE {key.on_update}"
                found += [_problem(key, count, action, "would change", _APART)] if count else []
    return found


def refuse_newcomers(session: Session, group: GroupTask, delta: Delta, oid: int, locations: list[str]) -> None:
    """Lock rows that are to be deleted; raise Drift when rows that are left alone have come to refer to them."""
    task = delta.task
    keys: list[tuple[ForeignKey, str | None]] = [(key, None) for key in group.referring if key.on_delete in _ACTING]
    keys += [(key, where) for key, where in _filtered(group) if key.on_delete in _ACTING]
    keys = [(key, where) for key, where in keys if _may_refer(key, task, group)]
    if not keys:
        return
    session.execute(sql.lock_at(task.target, only=task.target_only, oid=oid, locations=locations))
    for key, where in keys:
        query = sql.count_referring(key, task.target, oid=oid, locations=locations, apart=where)
        (count,) = session.one(query)
        if count:
            raise Drift(
                f"{count:,} rows of {key.table} have come to refer by foreign key {key.name} (ON DELETE "
                f"{key.on_delete}) to rows of {key.ref_table} that would be deleted; rolled back",
                hint="somebody wrote to it while the run compared; run the command again",
            )


def _filtered(group: GroupTask) -> Iterator[tuple[ForeignKey, str]]:
    """The foreign keys of tables of which --where leaves rows alone, each with the condition."""
    for key in group.foreign_keys:
        for task in group.tables:
            if task.where is not None and key.table in (task.target, *task.above):
                yield replace(key, table=task.target), task.where


def _may_refer(key: ForeignKey, task: TableTask, group: GroupTask) -> bool:
    """Whether a foreign key's other end is a table, or a partitioned table that it may be part of."""
    return key.ref_table == task.target or all(other.target != key.ref_table for other in group.tables)


def _problem(key: ForeignKey, count: int, action: str, what: str, which: str = ", which is not selected,") -> Problem:
    return Problem(
        "foreign_key_outside",
        f"{count:,} rows of {key.table}{which} refer by foreign key {key.name} "
        f"({action}) to rows of {key.ref_table} that {what}",
        key.table,
        name=key.name,
    )


def _concerned(key: ForeignKey, deltas: list[Delta]) -> list[Delta]:
    """The table that the key refers to, or else those that may be partitions of it: which is asked of the server."""
    named = [delta for delta in deltas if delta.task.target == key.ref_table]
    return named or deltas


def _deleted(key: ForeignKey, delta: Delta, ends: Ends, *, apart: str | None = None) -> int:
    if not delta.surplus.count:
        return 0
    with ends.target.reader() as session:
        return sum(_referring(key, delta, session, *batch, apart) for batch in delta.surplus.batches(_LOCATIONS))


def _altered(key: ForeignKey, delta: Delta, ends: Ends, *, apart: str | None = None) -> int:
    """Rows that refer to rows whose referred columns differ."""
    kept = {column.name for column in delta.task.key.columns if column.exact} if delta.task.key else set()
    copied = {pair.name for pair in delta.task.columns if pair.copied}
    columns = [name for name in key.ref_columns if name in copied and name not in kept]
    if not columns or not delta.changed.count:
        return 0
    count, pairs = 0, zip(delta.changed.places(), delta.altered.places(), strict=True)
    with ends.source.reader() as mine, ends.target.reader() as theirs:
        while batch := list(islice(pairs, _LOCATIONS)):
            task = delta.task
            ours = _texts(mine, task.source, columns, task.source_only, [here for here, _ in batch])
            others = _texts(theirs, task.target, columns, task.target_only, [there for _, there in batch])
            moved = [there for here, there in batch if ours[here] != others[there]]
            count += sum(_referring(key, delta, theirs, *gathered, apart) for gathered in _by_relation(moved))
    return count


def _referring(
    key: ForeignKey, delta: Delta, session: Session, oid: int, locations: list[str], apart: str | None
) -> int:
    query = sql.count_referring(key, delta.task.target, oid=oid, locations=locations, apart=apart)
    return int(session.one(query)[0])


def _texts(
    session: Session, table: TableName, columns: list[str], only: bool, places: list[Place]
) -> dict[Place, tuple[str | None, ...]]:
    found: dict[Place, tuple[str | None, ...]] = {}
    for oid, locations in _by_relation(places):
        query = sql.texts_at(table, columns, only=only, oid=oid, locations=locations)
        found |= {(oid, location): tuple(texts) for location, *texts in session.execute(query)}
    return found


def _by_relation(places: Iterable[Place]) -> Iterator[tuple[int, list[str]]]:
    gathered: dict[int, list[str]] = defaultdict(list)
    for oid, location in places:
        gathered[oid].append(location)
    yield from gathered.items()
