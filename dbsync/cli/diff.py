"""``dbsync diff SOURCE TARGET``: what would have to change, in structure or in rows, to make TARGET like SOURCE."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.options import Format
from dbsync.cli.output import Answer, Rendering, check_writable, chunks, write_file
from dbsync.cli.selection_options import (
    Columns,
    Exclude,
    Ignore,
    Jobs,
    LimitSamples,
    Maps,
    Schemas,
    SourceArgument,
    Tables,
    TargetArgument,
    Where,
)
from dbsync.errors import ConfigError

if TYPE_CHECKING:  # each kind of comparison loads only what it needs
    from dbsync.cli.compared_rows import ComparedRows
    from dbsync.cli.compared_schemas import ComparedSchemas

FORMATS: tuple[Format, ...] = ("text", "json", "md", "github", "junit")
JunitFile = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML to this file; as -o junit=FILE.")
]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 in place of 1.")]
What = Literal["schema", "data", "both"]


@command("diff", formats=(*FORMATS, "sql"), two_ended=True, graceful=True, report=True)
def diff(
    context: Context,
    source: SourceArgument,
    target: TargetArgument,
    what: Annotated[What, typer.Option("--what", help="What to compare.")] = "schema",
    tables: Tables = None,
    exclude: Exclude = None,
    schemas: Schemas = None,
    ignore: Ignore = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 also for anything that was not compared.")] = False,
    where: Where = None,
    columns: Columns = None,
    maps: Maps = None,
    jobs: Jobs = 4,
    limit_samples: LimitSamples = 5,
    stat: Annotated[bool, typer.Option("--stat", help="Only the counts: no rows, no details.")] = False,
    junit: JunitFile = None,
    exit_zero: ExitZero = False,
) -> Answer:
    """Show what would make TARGET like SOURCE; nothing is written. Exit 0: same, 1: they differ.

    A side may be a file that ends in .sql when schemas are compared: it is loaded into a throw-away server.
    """
    check_junit(junit)
    _check_options(context, what, data={"--where": where, "--columns": columns, "--map": maps},
                   schema={"--schema": schemas, "--ignore": ignore})  # fmt: skip
    found: list[ComparedSchemas | ComparedRows] = []
    by_schema: ComparedSchemas | None = None
    if what != "data":
        from dbsync.cli.compared_schemas import compare_schemas

        by_schema = compare_schemas(
            context, (source, target), tables, exclude, schemas, ignore, what=what, stat=stat, strict=strict
        )
        found.append(by_schema)
    if what != "schema":
        from dbsync.cli.compared_rows import compare_rows

        gc.enable()  # see cli.main: from here on it may take long
        chosen = by_schema.chosen_rows() if by_schema is not None and schemas else None
        if chosen is not None:
            tables, exclude = [*chosen.tables], [*chosen.exclude]
        elif by_schema is not None:
            exclude = by_schema.excluded_rows()
        found.append(
            compare_rows(
                context, (source, target), tables, exclude, where, columns, maps, jobs,
                samples=0 if stat else limit_samples, stat=stat, strict=strict,
                target_only=chosen.target_only if chosen else (),
            )
        )  # fmt: skip
    render = _merged(found)
    write_junit(junit, render)
    error = next((one.error for one in found if one.error is not None), None)
    same = all(one.same(strict=strict) for one in found)
    return Answer(
        result={"what": what, "same": same, **_results(found)},
        render=render,
        exit_code=error.exit_code if error else 0 if same or exit_zero else 1,
        not_compared=[entry for one in found for entry in one.not_compared()],
        error=error,
        hushed=True,
    )


def check_junit(path: Path | None) -> None:
    """Raise ConfigError now for a file that could not be written at the end."""
    if path is not None:
        check_writable(path, "--junit")


def write_junit(path: Path | None, render: dict[Format, Rendering]) -> None:
    """Write the file that ``--junit`` names."""
    if path is not None:
        write_file(path, chunks(render["junit"]))


def _check_options(context: Context, what: What, *, data: dict[str, Any], schema: dict[str, Any]) -> None:
    """Refuse what would be accepted and not looked at."""
    for names, kind in ((data, "data"), (schema, "schema")):
        for name, value in names.items():
            if value and what not in (kind, "both"):
                raise ConfigError(f"{name} belongs to --what {kind}", hint=f"add --what {kind}, or leave {name} out")
    formats = {context.options.format, *(output.format for output in context.options.outputs)}
    if "sql" in formats and what != "schema":
        raise ConfigError("--format sql belongs to --what schema", hint="dbsync sync writes the rows that differ")


def _results(found: list[ComparedSchemas | ComparedRows]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for one in found:
        merged |= one.result()
    return merged


def _merged(found: list[ComparedSchemas | ComparedRows]) -> dict[Format, Rendering]:
    """Each format over everything that was compared, one after the other."""

    def joined(name: Format) -> Callable[[], Iterator[str]]:
        def pieces() -> Iterator[str]:
            for number, one in enumerate(found):
                if number and name in ("text", "md"):
                    yield "\n"
                yield from one.render(name)

        return pieces

    def suite() -> str:
        from dbsync.cli.junit import junit

        return junit("dbsync.diff", [case for one in found for case in one.cases()])

    render: dict[Format, Rendering] = {name: joined(name) for name in ("text", "md", "github", "sql")}
    return {**render, "junit": suite}
