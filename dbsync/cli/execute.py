"""``dbsync execute DB [SQL]``: run SQL, read-only unless ``--write``; results as tables, JSON, CSV, Markdown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context, end_of
from dbsync.cli.options import Format
from dbsync.cli.output import Answer, Rendering, json_text
from dbsync.cli.tables import Row, csv_lines, markdown_table, text_table
from dbsync.cli.terminal import escape
from dbsync.errors import ConfigError
from dbsync.execute import MOST_BYTES, ExecuteOptions, ExecuteReport, plan_script, run_script
from dbsync.guards import require_consent
from dbsync.pg.execute import Outcome
from dbsync.quantities import parse_duration
from dbsync.sqltext import require_utf8

_NUMERIC = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision", "oid", "money"})


@command("execute", formats=("text", "json", "jsonl", "csv", "md"))
def execute(
    context: Context,
    database: Annotated[str, typer.Argument(metavar="DB", help="The database.")],
    sql: Annotated[str | None, typer.Argument(metavar="SQL", help="The statements; - reads them from stdin.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Read the statements from a file.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Allow statements that change something.")] = False,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="NAME", help="Type the name of a protected database.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Run the statements, then roll everything back.")] = False,
    stepwise: Annotated[
        bool, typer.Option("--stepwise", help="Commit each statement: for those that cannot run in a transaction.")
    ] = False,
    max_rows: Annotated[
        int, typer.Option("--max-rows", metavar="N", min=0, help="Rows shown of each statement; 0: all, up to 64 MiB.")
    ] = 1000,
    statement_timeout: Annotated[
        float | None,
        typer.Option("--statement-timeout", metavar="DURATION", parser=parse_duration, help="Limit of each statement."),
    ] = None,
) -> Answer:
    """Run SQL. Without --write the database itself holds it to reading: nothing can be changed.

    A read prints values in one way everywhere (UTC, ISO). With --write the settings of the role and database hold as in
    psql: TimeZone, DateStyle, row_security, timeouts, isolation, ...
    """
    if write and not dry_run:
        context.audited("execute")
    options = ExecuteOptions(
        write=write, dry_run=dry_run, stepwise=stepwise, max_rows=max_rows or None, statement_timeout=statement_timeout
    )
    script = plan_script(_text(sql, file), options)
    target = context.database(database, read_only=not write)
    if write:
        asks = f"Run {len(script)} statement{'s' * (len(script) != 1)} on {target.url.name}?"
        ask = (lambda: context.confirm(asks)) if context.can_ask else None
        require_consent(target.url, yes=context.options.yes or dry_run, confirm=confirm, ask=ask)
    with context.session(target) as session:
        context.describe(source=end_of(session))
        report = run_script(
            session, script, options, control=context.control, warn=context.warn, begun=partial(_keep, context)
        )
    _tell(context, report)
    return Answer(
        result=report.to_dict(),
        render=_renderings(report),
        exit_code=report.error.status if report.error is not None else 0,
        error=report.error,
    )


def _text(sql: str | None, file: Path | None) -> str:
    if (sql is None) == (file is None):
        raise ConfigError("give the SQL as an argument, by --file or by - from stdin, and only once")
    try:
        if file is not None:
            return file.read_text(encoding="utf-8")
        return require_utf8(sys.stdin.read(), "stdin") if sql == "-" else require_utf8(sql or "", "the SQL")
    except UnicodeDecodeError:
        raise ConfigError(f"{file or 'stdin'} is not UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot read {str(file or 'stdin')!r}: {error.strerror}") from error


def _keep(context: Context, report: ExecuteReport) -> None:
    context.keep(lambda: report.to_dict(rows=False))


def _tell(context: Context, report: ExecuteReport) -> None:
    for number, (_, outcome) in enumerate(report.outcomes, 1):
        for notice in outcome.notices:
            context.notice(notice)
        if outcome.truncated:
            which = f"statement {number}: " if len(report.outcomes) > 1 else ""
            message = f"{which}only the first {len(outcome.rows)} rows are shown{_why_cut(outcome)}"
            # A file of data does not look cut. Only whoever typed the limit knows, and not of another one.
            context.warn(message, always="max_rows" not in context.typed or outcome.too_large)
    if report.mode == "dry-run" and report.error is None:
        context.notice("dry run: everything was rolled back (sequences keep the numbers they gave out)")


def _why_cut(outcome: Outcome) -> str:
    held = f"{MOST_BYTES // (1024 * 1024)} MiB"
    if outcome.too_large:
        return f": {held} are held, of all statements together; ask for it in parts (WHERE, LIMIT), or use psql"
    return f"; --max-rows 0 shows all, up to {held}"


def _renderings(report: ExecuteReport) -> dict[Format, Rendering]:
    undone = report.mode == "write" and not report.committed  # "INSERT 0 1" would be a lie
    outcomes = [] if undone else [outcome for _, outcome in report.outcomes]
    with_rows = [outcome for outcome in outcomes if outcome.columns]
    return {
        "text": lambda: _blocks(outcomes, _text_block),
        "md": lambda: _blocks(with_rows, _markdown_block),
        "csv": lambda: _blocks(with_rows, lambda each: csv_lines(_names(each), each.rows)),
        "jsonl": lambda: (json_text(row) for each in with_rows for row in _objects(each)),
    }


def _blocks(outcomes: list[Outcome], block: Callable[[Outcome], Iterable[str]]) -> Iterator[str]:
    for number, outcome in enumerate(outcomes):
        if number:
            yield "\n"
        yield from block(outcome)


def _text_block(outcome: Outcome) -> Iterator[str]:
    if not outcome.columns:
        yield escape(outcome.tag) + "\n"
        return
    yield from text_table(_names(outcome), outcome.rows, right=_numbers(outcome), null="∅")
    more = "+" if outcome.truncated else ""
    yield f"({len(outcome.rows)}{more} row{'s' * (len(outcome.rows) != 1)})\n"


def _markdown_block(outcome: Outcome) -> Iterator[str]:
    return markdown_table(_names(outcome), outcome.rows, right=_numbers(outcome), null="∅")


def _names(outcome: Outcome) -> list[str]:
    return [name for name, _ in outcome.columns]


def _numbers(outcome: Outcome) -> list[int]:
    return [place for place, (_, text) in enumerate(outcome.columns) if text.partition("(")[0] in _NUMERIC]


def _objects(outcome: Outcome) -> Iterator[dict[str, str | None]]:
    """Rows by column name; a name that comes twice gets a number, so that no value is lost."""
    names: list[str] = []
    for name in _names(outcome):
        spelled, number = name, 2
        while spelled in names:
            spelled, number = f"{name}_{number}", number + 1
        names.append(spelled)
    row: Row
    for row in outcome.rows:
        yield dict(zip(names, row, strict=True))
