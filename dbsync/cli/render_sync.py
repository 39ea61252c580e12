"""What a sync says to people: the plan, the question before it, the report after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dbsync.cli.tables import humane_size, text_table
from dbsync.cli.terminal import escape
from dbsync.data.plan import Counts, SyncPlan
from dbsync.data.report import SyncReport, TableOutcome

_LISTED = 6


def plan_text(plan: SyncPlan) -> Iterator[str]:
    """Yield what will happen, per table, with the reason, and all that is left out."""
    if plan.makes_schema:
        yield f"the schema is made first: {len(plan.creates)} tables, and all that belongs to them but foreign keys\n"
    rows = []
    for task in plan.tables:
        size = humane_size(max(task.bytes, 0))
        rows.append((str(task.target), task.strategy, *_numbers(plan.predicted(task)), size, task.reason))
    heads = ("table", "strategy", "insert", "update", "delete", "size", "reason")
    yield from text_table(heads, rows, right=(2, 3, 4, 5))
    for group in plan.groups:
        if len(group.tables) > 1:
            names = _some(str(task.target) for task in group.tables)
            yield f"one transaction for {len(group.tables)} tables: {escape(names)}\n"
            yield f"  {escape(group.reason)}\n"
        keys = [f"{key.name} on {key.table}" for key in group.foreign_keys if group.method == "load"]
        off = [f"{trigger.name} on {task.table}" for task in group.triggers for trigger in task.triggers]
        if keys:
            yield f"  foreign keys dropped, then added again and validated: {escape(_some(keys))}\n"
        for task in group.tables:
            if task.indexes:
                names = _some(str(index.name) for index in task.indexes)
                yield f"  indexes of {escape(str(task.target))} dropped, then built again: {escape(names)}\n"
        if off:
            yield f"  triggers off during the load: {escape(_some(off))}\n"
    if plan.late_keys:
        keys = [f"{late.key.name} on {late.key.table}" for late in plan.late_keys]
        yield f"foreign keys added or validated after the rows: {escape(_some(keys))}\n"
    for name in plan.refresh:
        yield f"materialised view {escape(str(name))}: refreshed after the data\n"
    for entry in plan.skipped:
        yield f"skipped {escape(entry.table)}: {escape(entry.reason)}\n"
    for refusal in plan.refusals:
        yield f"would refuse: {escape(str(refusal))}\n"
    totals = plan.totals()
    writes = f"{totals['rows_inserted']:,} rows to insert, {totals['rows_updated']:,} to update"
    yield f"{totals['tables']} tables: {writes}, {totals['rows_deleted']:,} to delete\n"


def _numbers(counts: Counts | None) -> tuple[str, str, str]:
    """Rows to insert, update and delete, or what stands for numbers that only a comparison gives."""
    if counts is None:
        return "?", "?", "?"
    return f"{counts.inserted:,}", f"{counts.updated:,}", f"{counts.deleted:,}"


def _some(names: Iterable[str]) -> str:
    """The first few of a list and how many more there are; --json has them all."""
    listed = list(names)
    more = len(listed) - _LISTED
    return ", ".join(listed[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def question(plan: SyncPlan, target: str) -> str:
    """The question that a person answers before anything is written."""
    totals = plan.totals()
    size = humane_size(totals["bytes"])
    if plan.makes_schema:
        rows = f"{totals['rows_inserted']:,} rows ({size})"
        return f"Make the schema with {len(plan.creates)} tables in {escape(target)}, and write about {rows} into them?"
    if totals["to_compare"] and plan.options.mode == "cursor":
        return f"Write the rows past the cursors of {totals['tables']} tables into {escape(target)}?"
    if totals["to_compare"]:
        deletes = ", deleting what the source lacks" if plan.options.delete else ""
        return (
            f"Compare {totals['tables']} tables ({size}) and write what differs into {escape(target)}{deletes}? "
            "(--dry-run counts the rows first)"
        )
    replaced = f", replacing about {totals['rows_deleted']:,}" if totals["rows_deleted"] else ""
    rows = f"{totals['rows_inserted']:,} rows ({size})"
    return f"Write about {rows} into {totals['tables']} tables of {escape(target)}{replaced}?"


def report_text(report: SyncReport) -> Iterator[str]:
    """Yield what was done, per table, and all that was left out."""
    rows = []
    for outcome in report.tables:
        done = outcome.state == "done"
        rows.append(
            (
                str(outcome.task.target),
                outcome.state,
                f"{outcome.rows_inserted:,}" if done else "-",
                f"{outcome.rows_updated:,}" if done else "-",
                f"{outcome.rows_deleted:,}" if done else "-",
                humane_size(outcome.bytes),
                f"{outcome.elapsed_s:.1f} s",
                _check(outcome, report.verify),
            )
        )
    yield from text_table(
        ("table", "state", "inserted", "updated", "deleted", "copied", "time", "check"), rows, right=(2, 3, 4, 5, 6)
    )
    if report.made_schema:
        equal = {True: "as in the source", False: "NOT as in the source", None: "not compared"}[report.schema_equal]
        yield f"made the schema with {len(report.created)} tables, {equal}\n"
    if report.foreign_keys:
        count = len(report.foreign_keys)
        yield f"{count} foreign key{'s' * (count != 1)} added, as valid as in the source\n"
    if report.keys_missing:
        yield f"foreign keys missing or not validated: {escape(_some(report.keys_missing))}\n"
    for name in report.refreshed:
        yield f"refreshed {escape(name)}\n"
    for entry in report.skipped:
        yield f"skipped {escape(entry.table)}: {escape(entry.reason)}\n"
    for outcome in report.tables:
        if outcome.error is not None:
            yield f"{escape(str(outcome.task.target))}: {escape(outcome.error.message)}\n"
    yield from _left(report)
    done_count = sum(outcome.state == "done" for outcome in report.tables)
    written = sum(
        outcome.rows_inserted + outcome.rows_updated + outcome.rows_deleted
        for outcome in report.tables
        if outcome.state == "done"
    )
    proof = "all verified" if report.verified else "not all verified" if report.state == "succeeded" else "see above"
    yield (
        f"{report.state}: {done_count} of {len(report.tables)} tables, "
        f"{written:,} rows written in {report.elapsed_s:.1f} s, "
        f"{len(report.sequences)} sequences, {proof} (snapshot {report.snapshot})\n"
    )


def _check(outcome: TableOutcome, verify: str) -> str:
    if outcome.state != "done":
        return "unchanged"
    if outcome.rows_verified is not None:
        return f"{outcome.rows_verified:,} rows verified"
    return "verified" if outcome.verified else f"not verified ({verify})"


def _left(report: SyncReport) -> Iterator[str]:
    """What differs still: the mode leaves it alone, or the target refused it."""
    for outcome in report.tables:
        table = escape(str(outcome.task.target))
        if outcome.rows_quarantined:
            yield f"{table}: refused by the target: {outcome.rows_quarantined:,}, kept in dbsync.quarantine\n"
        if outcome.rows_left_extra:
            yield f"{table}: rows that only the target has: {outcome.rows_left_extra:,}, left alone without --delete\n"
        if outcome.rows_left_different:
            yield f"{table}: rows that differ: {outcome.rows_left_different:,}, left alone by --mode append\n"
