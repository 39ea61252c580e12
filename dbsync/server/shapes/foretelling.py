"""A dry run in the frontend's words: what a sync would write, with samples, and what differs in the structures."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dbsync.compare import compare
from dbsync.control import Control
from dbsync.data.differences import RowDifference, TableComparison
from dbsync.data.options import SyncOptions
from dbsync.data.plan import Counts, SyncPlan, TableTask
from dbsync.data.planner import Draft
from dbsync.errors import SchemaMismatch
from dbsync.model import Table, TableName
from dbsync.server.names import pattern_of, wire_name
from dbsync.server.places import Place, Places
from dbsync.server.wire.syncs import ColumnDifference, DryRun, ForetoldTable, TableDifference
from dbsync.services import open_sync

_SAMPLES = 5  # of each of three kinds
_MOST_SAMPLED = 500_000  # rows of all tables: beyond, comparing once more for samples takes too long


def foretold(places: Places, source: Place, target: Place, options: SyncOptions) -> DryRun:
    """Plan and count; nothing is written, and no job is made."""
    places.require_awake(source, target)
    started = time.monotonic()
    warnings: list[str] = []
    control = Control()
    with open_sync(
        source.database(),
        target.database(read_only=False),
        options,
        writes=False,
        control=control,
        warn=warnings.append,
    ) as sync:
        draft = sync.draft()
        try:
            plan = sync.plan(count=True, control=control)
        except SchemaMismatch as error:
            return _impossible(draft, [error.message, *warnings])
    warnings += [*plan.warnings, *(f"would be refused: {problem}" for problem in plan.refusals)]
    samples = _sampled(source, target, plan, warnings)
    tables = [_table(task, plan.counts[task.target], samples.get(task.target)) for task in plan.tables]
    written = sum(table.inserts + table.updates + table.deletes for table in tables)
    read = sum(table.source_row_count for table in tables)
    took = time.monotonic() - started
    speed = max(1, round(max(read, 1) / max(took, 0.001)))  # as it was just now
    return DryRun(
        dry_run=True,
        tables=tables,
        schema_issues=list(_differences(draft)),
        total_inserts=sum(table.inserts for table in tables),
        total_updates=sum(table.updates for table in tables),
        total_deletes=sum(table.deletes for table in tables),
        estimated_duration=math.ceil(took + written / speed),
        estimated_speed=speed,
        warnings=warnings,
    )


def _impossible(draft: Draft, warnings: list[str]) -> DryRun:
    """Nothing can be synchronised as it is: the differences say why."""
    return DryRun(
        dry_run=True,
        tables=[],
        schema_issues=list(_differences(draft)),
        total_inserts=0,
        total_updates=0,
        total_deletes=0,
        estimated_duration=0,
        estimated_speed=0,
        warnings=[*warnings, *(str(problem) for problem in draft.problems)],
    )


def _sampled(source: Place, target: Place, plan: SyncPlan, warnings: list[str]) -> Mapping[TableName, TableComparison]:
    """Compare once more for exact counts and rows to show; only where that is quick."""
    if not plan.tables:
        return {}
    if sum(max(task.rows, 0) + max(task.target_rows, 0) for task in plan.tables) > _MOST_SAMPLED:
        warnings.append(f"no rows are shown and counts of rows are estimates: more than {_MOST_SAMPLED:,} rows")
        return {}
    options = replace(plan.options, tables=tuple(pattern_of(task.source) for task in plan.tables))
    report = compare(
        source.database(), target.database(), options, level="full", samples=3 * _SAMPLES, control=Control()
    )
    return {table.target: table for table in report.tables}


def _table(task: TableTask, counts: Counts, compared: TableComparison | None) -> ForetoldTable:
    samples = compared.samples if compared is not None else ()
    source_rows = compared.source_rows if compared is not None else None
    target_rows = compared.target_rows if compared is not None else None
    return ForetoldTable(
        table_name=wire_name(task.target),
        inserts=counts.inserted,
        updates=counts.updated,
        deletes=counts.deleted,
        source_row_count=source_rows if source_rows is not None else max(task.rows, 0),
        target_row_count=target_rows if target_rows is not None else max(task.target_rows, 0),
        sample_inserts=[dict(row.after) for row in samples if row.kind == "only_in_source"][:_SAMPLES],
        sample_updates=[_update(row) for row in samples if row.kind == "different"][:_SAMPLES],
    )


def _update(row: RowDifference) -> dict[str, Any]:
    return {**row.key, **row.after, "_before": dict(row.before)}


def _differences(draft: Draft) -> Iterator[TableDifference]:
    """Tables whose structures differ, and those that one side lacks."""
    for problem in draft.selection.problems:
        if problem.rule == "table_missing" and problem.table is not None:
            yield TableDifference(
                table_name=wire_name(problem.table), missing_in_source=False, missing_in_target=True,
                column_differences=[],
            )  # fmt: skip
    for unit in draft.selection.units:
        found = _columns(draft.source.tables[unit.source], draft.target.tables[unit.target], _mismatched(draft))
        if found:
            yield TableDifference(
                table_name=wire_name(unit.target), missing_in_source=False, missing_in_target=False,
                column_differences=found,
            )  # fmt: skip


def _mismatched(draft: Draft) -> set[tuple[TableName | None, str | None]]:
    return {(problem.table, problem.column) for problem in draft.problems}


def _columns(
    source: Table, target: Table, mismatched: set[tuple[TableName | None, str | None]]
) -> list[ColumnDifference]:
    found = []
    for name in dict.fromkeys([column.name for column in (*source.columns, *target.columns)]):
        mine, theirs = source.column(name), target.column(name)
        types = (mine.type.text if mine else None, theirs.type.text if theirs else None)
        if types[0] == types[1]:
            continue
        if mine is None:
            issue = "missing_in_source"
        elif theirs is None:
            issue = "missing_in_target"
        else:
            issue = "type_mismatch" if {(source.name, name), (target.name, name)} & mismatched else "compatible"
        found.append(
            ColumnDifference.model_validate(
                {"columnName": name, "sourceType": types[0], "targetType": types[1], "issue": issue}
            )
        )
    return found
