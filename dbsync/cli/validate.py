"""``dbsync validate SOURCE TARGET``: can this be synchronised, and is it in sync?"""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from dbsync.cli.command import command
from dbsync.cli.compared_rows import failure
from dbsync.cli.context import Context, end_of
from dbsync.cli.diff import FORMATS, ExitZero, JunitFile, check_junit, write_junit
from dbsync.cli.options import Format
from dbsync.cli.output import Answer, Rendering
from dbsync.cli.render_diff import not_compared_of
from dbsync.cli.render_findings import findings_github, findings_junit, findings_markdown, findings_text
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
from dbsync.data.findings import ValidateLevel
from dbsync.data.rules import Severity
from dbsync.validation import validate as run_validation


@command("validate", formats=FORMATS, two_ended=True, graceful=True, report=True)
def validate(
    context: Context,
    source: SourceArgument,
    target: TargetArgument,
    level: Annotated[
        ValidateLevel,
        typer.Option(
            "--level",
            help="schema: structure and rights alone; else also rows: counted, by checksum, or each row that differs.",
        ),
    ] = "schema",
    tables: Tables = None,
    exclude: Exclude = None,
    where: Where = None,
    columns: Columns = None,
    maps: Maps = None,
    jobs: Jobs = 4,
    limit_samples: LimitSamples = 5,
    fail_on: Annotated[
        Severity,
        typer.Option("--fail-on", help="Exit with 1 for a finding so grave, or graver."),
    ] = "high",
    junit: JunitFile = None,
    exit_zero: ExitZero = False,
) -> Answer:
    """Find what would keep a sync from running or from being safe, and rows that differ; nothing is written."""
    options = compared(tables, exclude, where, columns, maps, jobs)
    check_junit(junit)
    ends = (context.database(source, read_only=True), context.database(target, read_only=True))
    gc.enable()  # see cli.main: from here on it may take long
    found = run_validation(
        *ends,
        options,
        level=level,
        samples=limit_samples,
        emit=context.emit,
        control=context.control,
        warn=context.warn,
        opened=lambda left, right: context.describe(source=end_of(left), target=end_of(right)),
    )
    for warning in found.comparison.warnings if found.comparison else ():
        context.warn(warning)
    error = failure(found.comparison) if found.comparison else None
    render: dict[Format, Rendering] = {
        "text": lambda: findings_text(found),
        "md": lambda: findings_markdown(found),
        "github": lambda: findings_github(found),
        "junit": lambda: findings_junit(found, fail_on),
    }
    write_junit(junit, render)
    return Answer(
        result=found.to_dict(),
        render=render,
        exit_code=error.exit_code if error else 1 if found.reaches(fail_on) and not exit_zero else 0,
        not_compared=not_compared_of(found.comparison) if found.comparison else (),
        error=error,
        hushed=True,
    )
