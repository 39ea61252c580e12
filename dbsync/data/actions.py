"""PURE: what the actions of foreign keys may do to rows, of a group's tables and of others that refer to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from dbsync.data.plan import GroupTask, TableTask
from dbsync.model import ForeignKey, TableName

ACTING = ("CASCADE", "SET NULL", "SET DEFAULT")


Apart = tuple[TableName, str]  # rows of a table for which a condition, in the words of that table, is not true


def left_alone(group: GroupTask) -> Iterator[tuple[ForeignKey, Apart | None]]:
    """The foreign keys whose rows the run does not compare: all (None), or those for which a condition is not true."""
    for key in (*group.referring, *group.beside):
        yield key, None
    for key in group.foreign_keys:
        for task in group.tables:
            if task.where is not None and key.table in (task.target, *task.above):
                yield replace(key, table=task.target), (task.target, task.where)
            elif task.where is not None and key.table in task.below:
                yield key, (task.target, task.where)


def goes_unsaid(key: ForeignKey, action: str) -> bool:
    """Whether no error would tell that rows refer to what is deleted or changed.

    They are changed along, or left behind by a key that was put aside: one that is not validated comes back unchecked.
    """
    return action in ACTING or not key.validated


def held_in(key: ForeignKey, task: TableTask) -> TableName | None:
    """The relation of a task that a foreign key refers to: its table, or the partition that the key names."""
    if key.ref_table in (task.target, *task.above):
        return task.target
    return key.ref_table if key.ref_table in task.below else None


def written_of(key: ForeignKey, task: TableTask) -> list[str]:
    """The referred columns that an UPDATE writes: not those of the key that are spelled as they are compared."""
    kept = {column.name for column in task.key.columns if column.exact} if task.key else set()
    copied = {pair.name for pair in task.columns if pair.copied}
    return [name for name in key.ref_columns if name in copied and name not in kept]


def may_change(group: GroupTask, task: TableTask) -> bool:
    """Whether an action may change rows of this table when another one is written to."""
    return any(
        _concerns(group, key.table, task) and (key.on_delete in ACTING or key.on_update in ACTING)
        for key in group.foreign_keys
    )


def may_move(group: GroupTask, task: TableTask) -> bool:
    """Whether an action may put rows of this table in another place."""
    return any(
        _concerns(group, key.table, task) and (key.on_delete in ACTING[1:] or key.on_update in ACTING)
        for key in group.foreign_keys
    )


def is_referred_to(group: GroupTask, task: TableTask, *, dropped: Collection[str]) -> bool:
    """Whether a foreign key refers to this table that is not among those that are dropped."""
    standing = [key for key in group.foreign_keys if key.name not in dropped]
    return any(_concerns(group, key.ref_table, task) for key in (*standing, *group.referring))


def _concerns(group: GroupTask, table: TableName, task: TableTask) -> bool:
    """Whether a foreign key's end is this table, or a partitioned table that it may be part of."""
    return table == task.target or all(other.target != table for other in group.tables)
