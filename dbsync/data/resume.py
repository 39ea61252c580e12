"""Take up a run that did not end well: with its options, and without doing again what it was done with.

Its snapshot is gone, so there is a new one; a table that still equals the source in it is left as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from dbsync.data.option_records import FREE, contradictions, from_record
from dbsync.data.options import SyncOptions
from dbsync.data.plan import GroupTask, SyncPlan
from dbsync.errors import ConfigError
from dbsync.model import TableName
from dbsync.pg.ledger import RunRecord

_NAMES: Mapping[str, str] = {"maps": "--map", "ledger": "--no-ledger"}


@dataclass(frozen=True, slots=True)
class Resumption:
    """What is taken over from a run."""

    run_id: str
    options: SyncOptions
    finished: frozenset[TableName]


def take_up(dead: RunRecord, asked: SyncOptions, typed: Collection[str] = ()) -> Resumption:
    """Return what is taken over; raise ConfigError when the options given now say something else than the run's."""
    before = from_record(dead.options)
    against = [_NAMES.get(name, f"--{name.replace('_', '-')}") for name in contradictions(asked, before, typed)]
    if against:
        raise ConfigError(
            f"run {dead.run_id} was started with another {' and another '.join(against)}",
            hint="leave the options of the run away, or start anew with --restart",
        )
    free = {name: getattr(asked, name) for name in FREE}
    return Resumption(dead.run_id, replace(before, **free), dead.finished)


def keep_finished(plan: SyncPlan, resumption: Resumption) -> SyncPlan:
    """Let groups that the run was done with be looked at before they are replaced again.

    Other modes than replace compare what holds rows anyway.
    """
    groups = tuple(_kept(group, resumption) for group in plan.groups)
    return replace(plan, groups=groups)


def _kept(group: GroupTask, resumption: Resumption) -> GroupTask:
    if not all(task.strategy == "replace" and task.target in resumption.finished for task in group.tables):
        return group
    reason = f"run {resumption.run_id} was done with it: replaced only if it does not equal the source any more"
    tables = tuple(replace(task, reason=reason) for task in group.tables)
    return replace(group, tables=tables, finished=True, staged=False, spread=False, reason=reason)
