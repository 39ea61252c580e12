"""PURE: which rows, and how many, a run may delete. Checked for every table before the first write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dbsync.data.options import DeleteLimit
from dbsync.data.plan import Counts, TableTask
from dbsync.data.problem import Problem
from dbsync.model import TableName, quote_identifier


@dataclass(frozen=True, slots=True)
class Shrinking:
    """How many of the target's rows a table would lose, and how many rows the source has."""

    table: TableName
    deleted: int
    held: int
    source_rows: int


def over_limit(tables: Sequence[Shrinking], limit: DeleteLimit | None) -> list[Problem]:
    """Return what forbids the deletes: a limit, per table and in all, or a table that the source has emptied."""
    problems = []
    for table in tables:
        if limit is not None and not limit.allows(table.deleted, table.held):
            problems.append(
                Problem(
                    "delete_limit",
                    f"{table.table} would lose {table.deleted:,} of {table.held:,} rows: over --max-delete {limit}",
                    table.table,
                )
            )
        elif table.deleted and not table.source_rows and not (limit is not None and limit.everything):
            problems.append(
                Problem(
                    "source_emptied",
                    f"{table.table} is empty in the source and would lose all of its {table.deleted:,} rows",
                    table.table,
                )
            )
    deleted, held = sum(table.deleted for table in tables), sum(table.held for table in tables)
    if limit is not None and not problems and not limit.allows(deleted, held):
        problems.append(
            Problem("delete_limit", f"{deleted:,} of {held:,} rows would be deleted in all: over --max-delete {limit}")
        )
    return problems


def columns_lost(written: Iterable[tuple[TableTask, Counts]]) -> list[Problem]:
    """Columns outside the copy whose values would go along with rows of which only others changed.

    Where no key tells which row it was, that is one row to delete and one to insert, maybe into another partition.
    """
    found: dict[TableName, tuple[Counts, tuple[str, ...]]] = {}
    for task, counts in written:
        if task.key is None and task.only_here:
            root = (task.target, *task.above)[-1]
            before, names = found.get(root, (Counts(0), ()))
            both = Counts(before.inserted + counts.inserted, 0, before.deleted + counts.deleted)
            found[root] = both, tuple(dict.fromkeys((*names, *task.only_here)))
    return [
        Problem(
            "columns_lost",
            f"{root} is compared without a key: some of {counts.deleted:,} rows that would go and {counts.inserted:,} "
            "that would come may be rows that changed, and their values of columns outside the copy would be lost: "
            f"{', '.join(map(quote_identifier, names))}",
            root,
        )
        for root, (counts, names) in found.items()
        if counts.deleted and counts.inserted
    ]
