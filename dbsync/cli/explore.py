"""``dbsync explore DB [TABLE]``: the tables, a page of rows, one row, or figures about columns. Always read-only."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.options import Format
from dbsync.cli.output import Answer, Rendering, json_text
from dbsync.cli.tables import Row, csv_lines, humane_count, humane_size, markdown_table, text_table
from dbsync.cli.terminal import escape
from dbsync.data.explore import TIME_LIMIT_S, Figures, Page, explored
from dbsync.data.explore_request import PageRequest, split_names
from dbsync.errors import ConfigError
from dbsync.model import Catalog, Column, Table, quote_identifier

_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8", "money", "oid"})
_NO_ROW = 1
Repeated = list[str] | None


@command("explore", formats=("text", "json", "jsonl", "csv", "md"))
def explore(
    context: Context,
    database: Annotated[str, typer.Argument(metavar="DB", help="The database to look at.")],
    table: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="A table or view; else all are listed.")
    ] = None,
    columns: Annotated[Repeated, typer.Option("--columns", metavar="a,b", help="Only these columns.")] = None,
    filters: Annotated[
        Repeated,
        typer.Option(
            "--filter", metavar="COL=VALUE", help="Also != < <= > >=, ~ (contains), 'COL is null'; repeatable."
        ),
    ] = None,
    where: Annotated[str | None, typer.Option("--where", metavar="EXPR", help="A condition in SQL.")] = None,
    search: Annotated[str | None, typer.Option("--search", metavar="TEXT", help="Text in any column of text.")] = None,
    sort: Annotated[
        Repeated, typer.Option("--sort", metavar="COL[:desc]", help="Order; the key comes last. Repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="Rows of a page, at most 1000.")] = 50,
    after: Annotated[
        str | None, typer.Option("--after", metavar="KEY", help="Go on after this key: 'next' of the page before.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="VALUE[,VALUE]", help="The one row with this key; exit 1 if none.")
    ] = None,
    stats: Annotated[
        bool, typer.Option("--stats", help="Nulls, distinct values, extremes, top values of each column.")
    ] = False,
) -> Answer:
    """Look at tables and rows. Values are shown exactly as the server prints them."""
    request = PageRequest(
        columns=tuple(name for text in columns or () for name in split_names(text)),
        filters=tuple(filters or ()),
        where=where,
        search=search,
        sort=tuple(sort or ()),
        limit=limit,
        after=after,
    )
    _check_together(table, request, key, stats)
    time_limit = context.options.timeout or TIME_LIMIT_S
    with context.source(database) as session, explored(session, time_limit_s=time_limit) as explorer:
        if table is None:
            return _tables_answer(explorer.catalog)
        if stats:
            return _figures_answer(context, explorer.figures(table, request))
        if key is not None:
            return _row_answer(context, explorer.row(table, key, request.columns))
        return _page_answer(context, explorer.page(table, request))


def _check_together(table: str | None, request: PageRequest, key: str | None, stats: bool) -> None:
    """Refuse options that would be ignored."""
    conditions = {"--where": request.where, "--filter": request.filters, "--search": request.search}
    paging = {"--sort": request.sort, "--after": request.after, "--limit": request.limit != PageRequest().limit}
    if table is None:
        _refuse("needs a TABLE", conditions | paging | {"--columns": request.columns, "--key": key, "--stats": stats})
    elif key is not None:
        _refuse("does not go with --key", conditions | paging | {"--stats": stats})
    elif stats:
        _refuse("does not go with --stats", paging)


def _refuse(why: str, options: dict[str, Any]) -> None:
    for name, value in options.items():
        if value not in (None, (), False):
            raise ConfigError(f"{name} {why}")


def _tables_answer(catalog: Catalog) -> Answer:
    tables = [table for _, table in sorted(catalog.tables.items())]
    header = ("table", "kind", "rows (estimate)", "size", "indexes", "key")
    rows = [_summary(table) for table in tables]
    found = [
        {
            "table": table.name,
            "kind": table.kind,
            "row_estimate": table.row_estimate if table.row_estimate >= 0 else None,
            "size": table.size,
            "index_size": table.index_size,
            "key": list(table.keys[0].columns) if table.keys else None,
            "partition_of": table.partition_of,
            "comment": table.comment,
            "readable": any(column.readable for column in table.columns) or not table.columns,
        }
        for table in tables
    ]
    return Answer(
        result={"tables": found},
        render={
            "text": lambda: text_table(header, rows, right=(2, 3, 4)),
            "md": lambda: markdown_table(header, rows, right=(2, 3, 4)),
            "csv": lambda: csv_lines(list(found[0]) if found else header, [_cells(entry) for entry in found]),
            "jsonl": lambda: (json_text(entry) for entry in found),
        },
    )


def _summary(table: Table) -> Row:
    stored = table.kind in ("table", "matview")
    return (
        str(table.name),
        table.kind,
        humane_count(table.row_estimate) if stored and table.row_estimate >= 0 else None,
        humane_size(table.size) if stored else None,
        humane_size(table.index_size) if stored else None,
        ", ".join(map(quote_identifier, table.keys[0].columns)) if table.keys else None,
    )


def _cells(entry: dict[str, Any]) -> Row:
    return [
        None if value is None else ",".join(value) if isinstance(value, list) else str(value)
        for value in entry.values()
    ]


def _page_answer(context: Context, page: Page) -> Answer:
    for note in page.notes:
        context.warn(note)
    result = {
        "table": page.table,
        "columns": [{"name": column.name, "type": column.type.text} for column in page.columns],
        "order": [f"{quote_identifier(key.column)}{' desc' if key.descending else ''}" for key in page.order],
        "rows": _objects(page),
        "more": page.more,
        "next": page.next,
    }
    if page.next is not None and context.options.format in ("csv", "jsonl", "md"):
        context.notice(_next(page))
    return Answer(result=result, render=_rows_renderings(page, lambda: _page_text(page)))


def _row_answer(context: Context, page: Page) -> Answer:
    for note in page.notes:
        context.warn(note)
    objects = _objects(page)
    if not objects:
        context.notice(f"no row of {page.table} has this key")
    result = {
        "table": page.table,
        "columns": [{"name": column.name, "type": column.type.text} for column in page.columns],
        "row": objects[0] if objects else None,
    }
    renderings = _rows_renderings(page, lambda: _row_text(page))
    return Answer(result=result, render=renderings, exit_code=0 if objects else _NO_ROW)


def _rows_renderings(page: Page, text: Rendering) -> dict[Format, Rendering]:
    names = [column.name for column in page.columns]
    return {
        "text": text,
        "csv": lambda: csv_lines(names, page.rows),
        "md": lambda: markdown_table(names, page.rows, right=_numeric(page.columns), null="∅"),
        "jsonl": lambda: (json_text(row) for row in _objects(page)),
    }


def _page_text(page: Page) -> Iterator[str]:
    names = [column.name for column in page.columns]
    yield from text_table(names, page.rows, right=_numeric(page.columns), null="∅")
    count = len(page.rows)
    yield f"({count} row{'s' * (count != 1)}{'' if page.next is None else '; ' + _next(page)})\n"


def _next(page: Page) -> str:
    return f"next page: --after {shlex.quote(escape(page.next or ''))}"


def _row_text(page: Page) -> Iterator[str]:
    for row in page.rows:
        cells = [(column.name, column.type.text, value) for column, value in zip(page.columns, row, strict=True)]
        yield from text_table(("column", "type", "value"), cells, null="∅", widest=None)


def _figures_answer(context: Context, figures: Figures) -> Answer:
    for note in figures.notes:
        context.warn(note)
    if figures.sample:
        context.warn(f"the figures are from {figures.sample}")
    found = [
        {
            "column": each.column.name,
            "type": each.column.type.text,
            "nulls": each.nulls,
            "distinct": each.distinct,
            "min": each.least,
            "max": each.greatest,
            "top": [{"value": value, "count": count} for value, count in each.top],
        }
        for each in figures.columns
    ]
    header = ("column", "type", "nulls", "distinct", "min", "max", "top values")
    rows = [_figure_cells(entry) for entry in found]
    head = f"{figures.table}: {humane_count(figures.rows)} rows" + (f" ({figures.sample})" if figures.sample else "")
    return Answer(
        result={"table": figures.table, "rows": figures.rows, "sample": figures.sample, "columns": found},
        render={
            "text": lambda: _headed(escape(head), lambda: text_table(header, rows, right=(2, 3), null="∅", widest=60)),
            "md": lambda: markdown_table(header, rows, right=(2, 3), null="∅"),
            "csv": lambda: csv_lines(header, rows),
            "jsonl": lambda: (json_text(entry) for entry in found),
        },
    )


def _headed(head: str, lines: Callable[[], Iterator[str]]) -> Iterator[str]:
    yield head + "\n"
    yield from lines()


def _figure_cells(entry: dict[str, Any]) -> Row:
    top = ", ".join(f"{each['value']} ({each['count']})" for each in entry["top"])
    return (
        entry["column"],
        entry["type"],
        str(entry["nulls"]),
        str(entry["distinct"]),
        entry["min"],
        entry["max"],
        top,
    )


def _objects(page: Page) -> list[dict[str, str | None]]:
    names = [column.name for column in page.columns]
    return [dict(zip(names, row, strict=True)) for row in page.rows]


def _numeric(columns: Sequence[Column]) -> list[int]:
    return [place for place, column in enumerate(columns) if column.type.name in _NUMBERS]
