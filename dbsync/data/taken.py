"""What a dry run foresees: unique values to be written that rows which stay in the target have already.

Such rows are those that the source lacks, without --delete, and those that --where hides. A run would meet the unique
index and be rolled back; a dry run that only counted would not know it. Keys of types that call different texts
equal, and indexes over expressions or some of the rows, are left to the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbsync.data.compare import Ends
from dbsync.data.delta import Delta
from dbsync.data.lookup import Texts, rows_with
from dbsync.data.plan import SyncPlan
from dbsync.data.problem import Problem
from dbsync.model import quote_identifier
from dbsync.pg import statements_compare as sql
from dbsync.pg.conditions import located, one_of, where
from dbsync.pg.statements import Statement
from dbsync.segments import RowKey

_LOCATIONS = 1000  # of one statement; the values of as many rows are looked up by one


def taken_problems(plan: SyncPlan, delta: Delta, ends: Ends) -> list[Problem]:
    """Name each unique key of a compared table that rows to be written and rows that stay would both have."""
    task, options = delta.task, plan.options
    some_stay = options.mode != "delta" or not options.delete or task.where is not None
    if task.key is None or not some_stay:
        return []
    found = []
    if delta.unreachable:
        said = (
            f"{task.target}: {delta.unreachable:,} rows to be written have the key of rows that do not match --where, "
            "by columns that are not copied"
        )
        found.append(Problem("unique_taken", said, task.target))
    for unique in task.unique_values:
        batches = _written(plan, delta, ends, unique)
        count = sum(_kept(plan, delta, ends, unique, task.key, written) for written in batches)
        if count:
            listed = ", ".join(map(quote_identifier, unique.names))
            said = f"{task.target}: {count:,} rows to be written have a unique value ({listed}) of rows that stay"
            found.append(Problem("unique_taken", said, task.target))
    return found


def _written(plan: SyncPlan, delta: Delta, ends: Ends, unique: RowKey) -> Iterator[dict[Texts, Texts]]:
    """Batch by batch the unique values of the rows that would be written, with their keys."""
    task = delta.task
    assert task.key is not None
    width = len(unique.columns)
    for spool in (delta.missing, delta.changed) if plan.options.mode == "delta" else (delta.missing,):
        for oid, locations in spool.batches(_LOCATIONS):
            ends.check()
            columns = unique.columns + task.key.columns
            query = sql.spelled(task.source, columns, only=task.source_only, where=located(oid, locations))
            with ends.source.reader() as session:
                rows = [tuple(row) for row in session.execute(query)]
            yield {row[:width]: row[width:] for row in rows if None not in row[:width]}  # NULLs are equal to nothing


def _kept(plan: SyncPlan, delta: Delta, ends: Ends, unique: RowKey, key: RowKey, written: dict[Texts, Texts]) -> int:
    """How many of these values rows have that stay as they are."""
    task, options = delta.task, plan.options
    width = len(unique.columns)

    def held(values: Sequence[Texts]) -> Statement:
        condition = where(one_of(unique.names, values), apart=task.where if options.delete else None)
        return sql.spelled(task.target, unique.columns + key.columns, only=task.target_only, where=condition)

    def ours(keys: Sequence[Texts]) -> Statement:
        condition = where(one_of(key.names, keys), within=task.where)
        return sql.spelled(task.source, key.columns, only=task.source_only, where=condition)

    with ends.target.reader() as session:
        rows = [tuple(row) for row in rows_with(session, held, list(written))]
    owners = [row[width:] for row in rows if written.get(row[:width], row[width:]) != row[width:]]
    if not owners or options.mode != "delta":
        return len(owners)
    with ends.source.reader() as session:
        replaced = {tuple(row) for row in rows_with(session, ours, owners)}
    return sum(owner not in replaced for owner in owners)
