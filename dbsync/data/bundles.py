"""PURE: small tables of a schema that was just made go into one transaction, a few at a time.

What each transaction does besides copying (locks, checks, the ledger, COMMIT) takes longer than a thousand rows. Only
tables that nobody else can know of yet are put together: elsewhere one that cannot be filled would keep others locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from dbsync.data.plan import GroupTask, SyncPlan

SMALL = 1024 * 1024  # bytes of a table
_MOST = 16  # tables: a failure undoes and repeats this much
_TURNS = 2  # bundles for each job, so that none is idle for long while the last one works

_T = TypeVar("_T")


def bundled(plan: SyncPlan) -> list[tuple[GroupTask, ...]]:
    """The plan's groups in their order, small ones of new tables together."""
    if not plan.just_made or plan.options.on_row_error != "fail":  # else one row makes all go in parts
        return [(group,) for group in plan.groups]
    small = [group for group in plan.groups if _may_share(group)]
    large = [group for group in plan.groups if not _may_share(group)]
    return [*((group,) for group in large), *batches(small, jobs=plan.options.jobs)]


def merged(groups: Sequence[GroupTask]) -> GroupTask:
    """Several groups as one: of those that ``bundled`` puts together."""
    if len(groups) == 1:
        return groups[0]
    return replace(
        groups[0],
        together=True,
        tables=_all(group.tables for group in groups),
        triggers=_all(group.triggers for group in groups),
        sequences=_all(group.sequences for group in groups),
        analyze=_all(group.analyze for group in groups),
        lock=tuple(sorted(_all(group.lock for group in groups))),
    )


def batches(items: Sequence[_T], *, jobs: int) -> Iterator[tuple[_T, ...]]:
    """Cut items into so many batches that all jobs have work to the end."""
    size = min(_MOST, max(1, -(-len(items) // (jobs * _TURNS))))
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])


def is_frozen(plan: SyncPlan, group: GroupTask) -> bool:
    """Whether a group's rows are frozen as they are loaded, so that no reader and no VACUUM writes them again.

    A transaction that began between the making of the tables and their load sees these rows at once, and no others.
    """
    return (
        plan.just_made
        and group.method == "load"
        and group.clear == "truncate"
        and group.lock_mode == "ACCESS EXCLUSIVE"
        and not group.staged
        and all(task.target_only for task in group.tables)
        and sum(max(task.bytes, 0) for task in group.tables) >= SMALL  # a new file costs more than small tables win
    )


def _may_share(group: GroupTask) -> bool:
    return (
        group.method == "load"
        and group.clear == "truncate"
        and group.lock_mode == "ACCESS EXCLUSIVE"
        and len(group.lock) == 1
        and not (group.staged or group.deferred or group.finished or group.foreign_keys or group.referring)
        and all(task.strategy == "bulk" for task in group.tables)
        and sum(max(task.bytes, 0) for task in group.tables) < SMALL
    )


def _all(parts: Iterable[tuple[_T, ...]]) -> tuple[_T, ...]:
    return tuple(chain.from_iterable(parts))
