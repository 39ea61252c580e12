"""``dbsync diff SOURCE TARGET --what data``: which rows would have to change to make TARGET like SOURCE."""

from __future__ import annotations

import gc
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from dbsync import services
from dbsync.cli.command import command
from dbsync.cli.context import Context, end_of
from dbsync.cli.options import Format, OutputFile
from dbsync.cli.output import Answer, Rendering, check_writable, chunks, write_file
from dbsync.cli.render_diff import diff_github, diff_junit, diff_markdown, diff_text, not_compared_of
from dbsync.cli.selection_options import (
    Columns,
    Exclude,
    Jobs,
    LimitSamples,
    Maps,
    SourceArgument,
    Tables,
    TargetArgument,
    Where,
    compared,
)
from dbsync.data.differences import CompareReport
from dbsync.errors import DbsyncError

FORMATS: tuple[Format, ...] = ("text", "json", "md", "github", "junit")
JunitFile = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML to this file; as -o junit=FILE.")
]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 in place of 1.")]


@command("diff", formats=FORMATS, two_ended=True, graceful=True, report=True)
def diff(
    context: Context,
    source: SourceArgument,
    target: TargetArgument,
    what: Annotated[
        Literal["data"],
        typer.Option("--what", show_default=False, help="What to compare: data (structures: not in this version)."),
    ],
    tables: Tables = None,
    exclude: Exclude = None,
    where: Where = None,
    columns: Columns = None,
    maps: Maps = None,
    jobs: Jobs = 4,
    limit_samples: LimitSamples = 5,
    stat: Annotated[bool, typer.Option("--stat", help="Only the counts, no rows.")] = False,
    junit: JunitFile = None,
    exit_zero: ExitZero = False,
) -> Answer:
    """Show which rows differ, reading one snapshot of each side; nothing is written. Exit 0: same, 1: they differ."""
    options = compared(tables, exclude, where, columns, maps, jobs)
    check_junit(junit)
    ends = (context.database(source, read_only=True), context.database(target, read_only=True))
    gc.enable()  # see cli.main: from here on it may take long
    report = services.compare(
        *ends,
        options,
        level="full",
        samples=0 if stat else limit_samples,
        emit=context.emit,
        control=context.control,
        warn=context.warn,
        opened=lambda left, right: context.describe(source=end_of(left), target=end_of(right)),
    )
    for warning in report.warnings:
        context.warn(warning)
    error = failure(report)
    same = not report.differs and report.complete
    render: dict[Format, Rendering] = {
        "text": lambda: diff_text(report, stat=stat),
        "md": lambda: diff_markdown(report, stat=stat),
        "github": lambda: diff_github(report, stat=stat),
        "junit": lambda: diff_junit(report, stat=stat),
    }
    write_junit(junit, render)
    return Answer(
        result=_result(report),
        render=render,
        exit_code=error.exit_code if error else 0 if same or exit_zero else 1,
        not_compared=not_compared_of(report),
        error=error,
        hushed=True,
    )


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


def check_junit(path: Path | None) -> None:
    """Raise ConfigError now for a file that could not be written at the end."""
    if path is not None:
        check_writable([OutputFile(path=path, format="junit")])


def write_junit(path: Path | None, render: dict[Format, Rendering]) -> None:
    """Write the file that ``--junit`` names."""
    if path is not None:
        write_file(path, chunks(render["junit"]))


def _result(report: CompareReport) -> dict[str, Any]:
    tables = [table.to_dict() for table in report.tables]
    totals = ("only_in_source", "only_in_target", "different")
    return {
        "what": "data",
        "level": report.level,
        "same": not report.differs and report.complete,
        "tables": tables,
        "totals": {
            "tables": len(tables),
            "differ": sum(table["state"] == "differs" for table in tables),
            "not_compared": sum(table["state"] == "not_compared" for table in tables),
            **{name: sum(table[name] or 0 for table in tables) for name in totals},
        },
        "skipped": [asdict(entry) for entry in report.skipped],
        "source_snapshot": report.source_snapshot,
        "target_snapshot": report.target_snapshot,
    }
