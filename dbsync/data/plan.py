"""PURE: catalogs + options -> SyncPlan. Every decision is kept with its reason; the executor decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dbsync.data.columns import ColumnPair
from dbsync.data.creation import LateKey
from dbsync.data.options import SyncOptions
from dbsync.data.problem import Problem
from dbsync.data.units import Skipped
from dbsync.model import CursorKind, ForeignKey, Index, TableName, Trigger
from dbsync.segments import MASK, RowKey

Clear = Literal["truncate", "delete", "keep"]
LockMode = Literal["ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE", "ROW EXCLUSIVE"]
Strategy = Literal["bulk", "replace", "compare", "cursor", "verified"]
Method = Literal["load", "repair"]
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class CountedColumn:
    """A column of whole numbers that a sequence gave: an integer one, or ``numeric``."""

    table: TableName
    column: str
    numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceTask:
    """Set a target sequence so that it is ahead of the source's, of its own value and of the columns' rows."""

    target: TableName
    source: TableName | None
    columns: tuple[CountedColumn, ...]  # none where their types have no order of numbers
    increment: int
    cycle: bool
    minimum: int = 1
    maximum: int = 9223372036854775807


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerTask:
    """A target relation's user triggers with the states they have and must have again."""

    table: TableName
    triggers: tuple[Trigger, ...]


@dataclass(frozen=True, slots=True)
class CursorColumn:
    """The column whose values grow with time. ``chosen``: the columns of --columns, where given."""

    name: str
    kind: CursorKind
    chosen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTask:
    """Copy one source relation into one target relation.

    ``pages_per_range`` is 0 when one query reads the whole relation; else ranges of that many pages are
    read by several backends. ``rows`` and ``bytes`` are estimates of the source (-1: unknown).
    """

    source: TableName
    target: TableName
    source_only: bool
    target_only: bool
    strategy: Strategy
    reason: str
    columns: tuple[ColumnPair, ...]
    binary: bool
    where: str | None
    rows: int
    bytes: int
    pages: int
    pages_per_range: int
    target_rows: int  # estimate; 0 when it is empty
    unlogged: bool = False
    indexes: tuple[Index, ...] = ()  # to drop before and build after the load
    key: RowKey | None = None  # what rows are matched by when they are compared; None: by whole rows
    uniques: tuple[Index, ...] = ()  # what may be dropped and built again to let rows swap unique values
    unique_values: tuple[RowKey, ...] = ()  # what else is unique in the target, where texts can tell
    identities: tuple[str, ...] = ()  # columns GENERATED ALWAYS that an UPDATE has to write
    above: tuple[TableName, ...] = ()  # the partitioned tables of the target that it is part of
    below: tuple[TableName, ...] = ()  # its partitions in the target, where rows are routed through it
    kept: tuple[str, ...] = ()  # columns of the target that the copy leaves alone: a row written anew would lose them
    only_here: tuple[str, ...] = ()  # those of them whose values can be had from nowhere: not its own primary key
    cursor: CursorColumn | None = None  # only rows past its stored value are copied
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTask:
    """Tables that are changed in one target transaction.

    Method ``load``: ``foreign_keys`` are dropped before and re-added after the load; with clear ``delete`` they
    stay and the tables are filled parents first. ``staged``: rows are first loaded in parallel beside the tables.
    Method ``repair``: tables are compared first, parents first in ``tables``, and what differs is written;
    ``foreign_keys`` are dropped and re-added only when no order of writing pleases all constraints.
    """

    tables: tuple[TableTask, ...]
    method: Method = "load"
    clear: Clear
    foreign_keys: tuple[ForeignKey, ...]
    deferred: bool
    staged: bool
    triggers: tuple[TriggerTask, ...]
    sequences: tuple[SequenceTask, ...]
    analyze: tuple[TableName, ...]
    lock: tuple[TableName, ...]  # every target relation of the group, in lock order
    lock_mode: LockMode
    reason: str
    key_lock: tuple[TableName, ...] = ()  # what a repair locks, in this order, before it drops foreign keys
    finished: bool = False  # an earlier run was done with it: left alone if it still equals the source
    droppable: bool = True  # may the foreign keys be dropped and added again
    referring: tuple[ForeignKey, ...] = ()  # foreign keys of tables that were not selected
    beside: tuple[ForeignKey, ...] = ()  # those of ``foreign_keys`` as partitions have them that were left out
    firing: tuple[TableName, ...] = ()  # tables whose triggers are kept and fire
    spread: bool = False  # staged in parts, by other workers too
    together: bool = False  # tables that nothing ties: each is tried by itself when this fails
    fires: bool = False  # kept triggers may write to its tables, also to those that the run leaves alone


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows that a run would insert, update and delete."""

    inserted: int
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class Contents:
    """What a table of the target held: rows, and two 64-bit sums over them as text."""

    rows: int
    first: str
    second: str

    @classmethod
    def of(cls, rows: int, first: int, second: int) -> Contents:
        """From sums of any length."""
        return cls(rows, str(first & MASK), str(second & MASK))


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPlan:
    """What a sync will do. ``refusals`` are guards that forbid running it; ``would_refuse`` in a dry run."""

    options: SyncOptions
    groups: tuple[GroupTask, ...]
    sequences: tuple[SequenceTask, ...]  # shared ones, set after the last group
    refresh: tuple[TableName, ...]  # materialised views in dependency order
    skipped: tuple[Skipped, ...]
    refusals: tuple[Problem, ...]
    warnings: tuple[str, ...]
    ledger: bool = False  # whether the run keeps its books in the target
    counts: Mapping[TableName, Counts] = field(default_factory=dict)  # exact, dry runs only: by target
    expected: Mapping[TableName, Contents] = field(default_factory=dict)  # what a plan file says the target holds
    makes_schema: bool = False  # the source's, in a target that has nothing
    creates: tuple[TableName, ...] = ()  # the tables of it
    just_made: bool = False  # the schema is there now, made by this run a moment ago
    late_keys: tuple[LateKey, ...] = ()  # foreign keys that are to be added or validated after the rows

    @property
    def tables(self) -> list[TableTask]:
        """Every table task, in group order."""
        return [task for group in self.groups for task in group.tables]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-safe data, with predicted rows per table."""
        return {
            "format_version": FORMAT_VERSION,
            "mode": self.options.mode,
            "verify": self.options.verify,
            "jobs": self.options.jobs,
            "tables": [
                self._table_dict(number, task) for number, group in enumerate(self.groups) for task in group.tables
            ],
            "groups": [_group_dict(group) for group in self.groups],
            "sequences": [str(task.target) for task in self._all_sequences()],
            "refresh": [str(name) for name in self.refresh],
            "creates": {
                "schema": self.makes_schema,
                "tables": [str(name) for name in self.creates],
                "foreign_keys": [f"{late.key.table}: {late.key.name}" for late in self.late_keys],
            },
            "ledger": self.ledger,
            "skipped": [asdict(entry) for entry in self.skipped],
            "would_refuse": list(map(str, self.refusals)),
        }

    def predicted(self, task: TableTask) -> Counts | None:
        """Rows to write: exact after a dry run, else the servers' estimates; None when only a comparison can tell."""
        if task.target in self.counts:
            return self.counts[task.target]
        if task.strategy in ("compare", "cursor"):
            return None
        return Counts(max(task.rows, 0), 0, task.target_rows)

    def totals(self) -> dict[str, int]:
        """Predicted totals over all tables; ``compared`` tables whose writes are not known yet count as nothing."""
        predicted = [self.predicted(task) for task in self.tables]
        known = [counts for counts in predicted if counts is not None]
        return {
            "tables": len(predicted),
            "to_compare": len(predicted) - len(known),
            "rows_inserted": sum(counts.inserted for counts in known),
            "rows_updated": sum(counts.updated for counts in known),
            "rows_deleted": sum(counts.deleted for counts in known),
            "bytes": sum(max(task.bytes, 0) for task in self.tables),
        }

    def _all_sequences(self) -> list[SequenceTask]:
        return [task for group in self.groups for task in group.sequences] + list(self.sequences)

    def _table_dict(self, group: int, task: TableTask) -> dict[str, Any]:
        counts = self.predicted(task)
        return {
            "table": str(task.target),
            "source_table": str(task.source),
            "strategy": task.strategy,
            "reason": task.reason,
            "group": group,
            "format": "binary" if task.binary else "text",
            "columns": [pair.name for pair in task.columns if pair.copied],
            "where": task.where,
            "rows_inserted": counts.inserted if counts else None,
            "rows_updated": counts.updated if counts else None,
            "rows_deleted": counts.deleted if counts else None,
            "key": list(task.key.names) if task.key else [],
            "exact": task.target in self.counts,
            "bytes": max(task.bytes, 0),
            "drops_indexes": [str(index.name) for index in task.indexes],
            "notes": list(task.notes),
        }


def _group_dict(group: GroupTask) -> dict[str, Any]:
    return {
        "tables": [str(task.target) for task in group.tables],
        "method": group.method,
        "clear": group.clear,
        "lock_mode": group.lock_mode,
        "staged": group.staged,
        "reason": group.reason,
        "foreign_keys": [f"{key.table}: {key.name}" for key in group.foreign_keys if group.method == "load"],
        "triggers_off": [f"{task.table}: {trigger.name}" for task in group.triggers for trigger in task.triggers],
    }
