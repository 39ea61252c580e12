"""Looking around in a database: its tables, and pages of their rows. Always read-only."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from dbsync.data.explore import Explorer, Page
from dbsync.data.explore_request import PageRequest
from dbsync.data.totals import Total, count_matching
from dbsync.model import Table, quote_identifier
from dbsync.server.faults import Fault
from dbsync.server.names import pattern_of, table_named, wire_name
from dbsync.server.page.rendering import PageRoute, render
from dbsync.server.page.visit import Looker
from dbsync.server.shapes.schema import table_list

router = APIRouter(prefix="/connections/{id}", route_class=PageRoute)
_ROWS = 50
_DEEPEST_PAGE = 100_000


@router.get("/tables")
def tables(id: str, visit: Looker) -> Response:
    """Tables and partitioned tables, with how many rows they have and how large they are."""
    place = visit.place(id)
    with visit.core.explorer(place) as explorer:
        found = table_list(place, explorer)
    return render(visit, "tables.html", place=place, found=found, here="connections")


@router.get("/rows")
def rows(
    id: str,
    visit: Looker,
    table: Annotated[str, Query(max_length=1000)],
    page: Annotated[int, Query(ge=1, le=_DEEPEST_PAGE)] = 1,
    sort: Annotated[str, Query(max_length=255)] = "",
    down: bool = False,
    search: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """A page of rows, in the order asked for and then by key, so that no row is skipped or repeated."""
    if "\0" in search + sort:
        raise Fault(400, "No text in a database has this character")
    place = visit.place(id)
    with visit.core.explorer(place, table) as explorer:
        one = table_named(table, explorer.catalog)
        request = PageRequest(
            sort=_sort(one, sort, down), search=search or None, limit=_ROWS, offset=(page - 1) * _ROWS
        )
        found, total = _page(explorer, one, request)
    primary = one.primary_key.columns if one.primary_key is not None else ()
    return render(
        visit,
        "rows_part.html" if visit.by_htmx else "rows.html",
        place=place,
        table=wire_name(one.name),
        primary=primary,
        found=found,
        total=total,
        first=(page - 1) * _ROWS + 1,
        page=page,
        sort=sort,
        down=down,
        search=search,
        here="connections",
    )


def _page(explorer: Explorer, table: Table, request: PageRequest) -> tuple[Page, Total]:
    pattern = pattern_of(table.name)
    if request.search is not None and not explorer.searchable(table):  # no column of text: nothing can match
        found = explorer.page(pattern, PageRequest(limit=1))
        return replace(found, rows=(), more=False), Total(0, exact=True)
    return explorer.page(pattern, request), count_matching(explorer, pattern, request)


def _sort(table: Table, column: str, down: bool) -> tuple[str, ...]:
    if not column or table.column(column) is None:
        return ()
    return (f"{quote_identifier(column)}:{'desc' if down else 'asc'}",)
