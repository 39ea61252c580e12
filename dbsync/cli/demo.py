"""``dbsync demo``: two embedded servers, a shop, a verified sync; nothing but dbsync is needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.tables import humane_size, text_table
from dbsync.cli.terminal import escape
from dbsync.demo import DemoReport, open_places, tell


@command("demo", report=True)
def demo(
    context: Context,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the servers running, as local:demo-source and local:demo-target.")
    ] = False,
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", min=100, max=50_000_000, help="About how many rows the shop has.")
    ] = 200_000,
    corrupt: Annotated[
        bool, typer.Option("--break", help="Spoil one row after the sync, to see that the check notices (exit 1).")
    ] = False,
) -> Answer:
    """Show it all: two embedded servers, a shop full of odd data, a sync, and an independent check."""
    context.notice("starting two embedded servers")
    with open_places(keep=keep) as (source, target):
        report = tell(source, target, rows=rows, corrupt=corrupt, say=context.notice)
    return Answer(
        result=report.to_dict() | {"kept": [source.name, target.name] if keep else []},
        render={"text": lambda: _summary(report, keep=keep, corrupt=corrupt)},
        exit_code=1 if report.differing else 0,
    )


def _summary(report: DemoReport, *, keep: bool, corrupt: bool) -> Iterator[str]:
    lines = [
        (table.name, table.kind, f"{table.rows:,}", "same" if table.same else "DIFFERENT") for table in report.tables
    ]
    yield "\n"
    yield from text_table(("table", "kind", "rows", "psql says"), lines, right=(2,))
    tables = sum(table.kind == "table" for table in report.tables)
    yield (
        f"\n{report.rows_copied:,} rows ({humane_size(report.bytes_copied)}) in {tables} tables, "
        f"{report.sequences} sequences, {len(report.tables) - tables} materialised views in {report.elapsed_s:.1f} s: "
    )
    if report.differing:
        noticed = ", spoilt by --break and noticed" if corrupt else ""
        yield f"NOT the same: {escape(', '.join(report.differing))}{noticed}\n"
    else:
        yield "the same on both sides\n"
    if keep:
        yield from _how_to_go_on()


def _how_to_go_on() -> Iterator[str]:
    yield "\nThe servers stay. Try:\n"
    for line in (
        "dbsync explore local:demo-source shop.products --limit 5",
        'dbsync execute local:demo-source "UPDATE shop.products SET price = price * 2" --write',
        "dbsync sync local:demo-source local:demo-target --mode replace --dry-run",
        "dbsync local psql demo-target",
        "dbsync local down demo-source --delete; dbsync local down demo-target --delete",
    ):
        yield f"  {line}\n"
