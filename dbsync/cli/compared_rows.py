"""The data part of ``dbsync diff``: the rows of two databases, and what is told of the comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from dbsync import services
from dbsync.cli.context import Context, end_of
from dbsync.cli.junit import Case
from dbsync.cli.options import Format
from dbsync.cli.render_diff import diff_cases, diff_github, diff_markdown, diff_text, not_compared_of
from dbsync.cli.selection_options import compared
from dbsync.data.differences import CompareReport
from dbsync.data.units import NOT_THERE, Skipped
from dbsync.errors import DbsyncError
from dbsync.model import TableName


class ComparedRows:
    """Two databases' rows, compared."""

    def __init__(self, report: CompareReport, *, stat: bool, strict: bool) -> None:
        self.report, self.stat, self.strict = report, stat, strict
        self.error = failure(report)

    def same(self, *, strict: bool) -> bool:
        """Whether no row and no sequence differs and every table was compared.

        Under ``strict`` also no table, column or sequence was left out, but for those that the user excluded.
        """
        left_out = self.report.columns or any(not entry.wanted for entry in self.report.skipped)
        left_out = left_out or any(one.state == "not_compared" for one in self.report.sequences)
        return not self.report.differs and self.report.complete and not (strict and left_out)

    def result(self) -> dict[str, Any]:
        """The members of the JSON result."""
        report = self.report
        tables = [table.to_dict() for table in report.tables]
        totals = ("only_in_source", "only_in_target", "different")
        return {
            "level": report.level,
            "tables": tables,
            "totals": {
                "tables": len(tables),
                "differ": sum(table["state"] == "differs" for table in tables),
                "not_compared": sum(table["state"] == "not_compared" for table in tables),
                **{name: sum(table[name] or 0 for table in tables) for name in totals},
            },
            "sequences": [sequence.to_dict() for sequence in report.sequences],
            "skipped": [asdict(entry) for entry in report.skipped],
            "source_snapshot": report.source_snapshot,
            "target_snapshot": report.target_snapshot,
        }

    def not_compared(self) -> list[dict[str, object]]:
        """The envelope's list."""
        return not_compared_of(self.report)

    def render(self, name: Format) -> Iterable[str]:
        """Return the text in a format."""
        if name == "github":
            return diff_github(self.report, stat=self.stat, strict=self.strict)
        return {"text": diff_text, "md": diff_markdown}[name](self.report, stat=self.stat)

    def cases(self) -> list[Case]:
        """Test cases."""
        return diff_cases(self.report, stat=self.stat, strict=self.strict)


def compare_rows(
    context: Context,
    ends: tuple[str, str],
    tables: Sequence[str] | None,
    exclude: Sequence[str] | None,
    where: Sequence[str] | None,
    columns: Sequence[str] | None,
    maps: Sequence[str] | None,
    jobs: int,
    *,
    samples: int,
    stat: bool,
    strict: bool = False,
    target_only: Sequence[TableName] = (),
) -> ComparedRows:
    """Read both sides and compare their rows; ``target_only``: tables to tell of beside those that are read."""
    if target_only and not tables:
        return ComparedRows(
            _with_target_only(CompareReport(level="full", tables=()), target_only), stat=stat, strict=strict
        )
    options = compared(tables, exclude, where, columns, maps, jobs)
    left, right = (context.database(text, read_only=True) for text in ends)
    report = services.compare(
        left, right, options, level="full", samples=samples, emit=context.emit, control=context.control,
        warn=context.warn, opened=lambda one, other: context.describe(source=end_of(one), target=end_of(other)),
    )  # fmt: skip
    for warning in report.warnings:
        context.warn(warning)
    return ComparedRows(_with_target_only(report, target_only), stat=stat, strict=strict)


def _with_target_only(report: CompareReport, names: Sequence[TableName]) -> CompareReport:
    told = {table.target for table in report.tables}
    more = [Skipped(str(name), f"{NOT_THERE}: left alone") for name in names if name not in told]
    return replace(report, skipped=(*report.skipped, *more))


def failure(report: CompareReport) -> DbsyncError | None:
    """What a table failed with while it was read, if any did."""
    errors = [table.error for table in report.tables if table.error is not None]
    if not errors:
        return None
    first = errors[0]
    return DbsyncError(
        f"{len(errors)} of {len(report.tables)} tables could not be compared: {first.message}",
        hint=first.hint,
        code=first.code,
        sqlstate=first.sqlstate,
        details=first.details,
    )
