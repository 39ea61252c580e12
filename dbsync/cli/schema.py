"""``dbsync schema DB [PATTERN...]``: what is there, as a tree, JSON, SQL, Markdown or a diagram."""

from __future__ import annotations

from typing import Annotated

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.options import Format
from dbsync.cli.output import Answer, Rendering
from dbsync.cli.render_schema import markdown_text, tree_text
from dbsync.errors import ConfigError
from dbsync.schema.ddl import ForeignKeys
from dbsync.schema.diagram import mermaid
from dbsync.schema.document import document
from dbsync.schema.report import read_fingerprint, read_schema


@command("schema", formats=("text", "json", "sql", "md", "mermaid"))
def schema(
    context: Context,
    database: Annotated[str, typer.Argument(metavar="DB", help="The database to look at.")],
    patterns: Annotated[
        list[str] | None, typer.Argument(metavar="[PATTERN]...", help="Only these: public.*, orders, schema.table.")
    ] = None,
    fingerprint: Annotated[
        bool, typer.Option("--fingerprint", help="Print only one hash of the structure: equal for equal structures.")
    ] = False,
    foreign_keys: Annotated[
        ForeignKeys,
        typer.Option("--foreign-keys", help="Whether the SQL has them: tables without them are loaded in parallel."),
    ] = "with",
) -> Answer:
    """Show what is in a database: tables, views, sequences, types, routines."""
    formats = {context.options.format, *(output.format for output in context.options.outputs)}
    script = "sql" in formats and not fingerprint
    if foreign_keys != "with" and not script:
        raise ConfigError("--foreign-keys belongs to --format sql", hint="add --format sql, or leave it out")
    if fingerprint:
        with context.source(database) as session:
            hashed = read_fingerprint(session, patterns or ())
        printed: dict[Format, Rendering] = dict.fromkeys(("text", "sql", "md", "mermaid"), lambda: hashed)
        return Answer(result={"fingerprint": hashed}, render=printed)
    with context.source(database) as session:
        report = read_schema(
            session, patterns or (), script=script, foreign_keys=foreign_keys, hashed="json" in formats
        )
    catalog, made = report.catalog, report.script
    for warning in made.warnings if made else ():
        context.warn(warning)
    return Answer(
        result={"fingerprint": report.fingerprint} | document(catalog),
        render={
            "text": lambda: tree_text(catalog),
            "sql": lambda: made.text if made else "",
            "md": lambda: markdown_text(catalog),
            "mermaid": lambda: mermaid(catalog),
        },
        not_compared=[{"kind": kind, "count": count} for kind, count in (made.not_held if made else {}).items()],
    )
