"""Looking around: the tables of a database, and pages of their rows. Always read-only."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from dbsync.data.explore import Explorer
from dbsync.data.explore_request import PageRequest
from dbsync.data.totals import BUDGET_S, Total, count_matching
from dbsync.model import Table, quote_identifier
from dbsync.server.core import Reader, TheCore
from dbsync.server.names import pattern_of, table_named
from dbsync.server.routes.connections import BlobInQuery
from dbsync.server.shapes.schema import row_page, table_list
from dbsync.server.wire.databases import RowPage, TableList
from dbsync.server.wire.envelope import Reply, answers, ok, sent

router = APIRouter(prefix="/api/explorer", tags=["explorer"])
_DEEPEST_ROW = 10_000_000  # pages further in are reached by sorting the other way, or by a search
Direction = Literal["asc", "desc"]


@router.get("/{connection_id}/tables", **answers(Reply[TableList]))
def tables(connection_id: str, caller: Reader, core: TheCore, encrypted_url: BlobInQuery = None) -> Response:
    """Tables and partitioned tables, with how many rows they have and how large they are."""
    place = core.places.find(caller, connection_id, encrypted_url)
    with core.explorer(place) as explorer:
        return sent(ok(table_list(place, explorer)))


@router.get("/{connection_id}/{table:table}/rows", **answers(Reply[RowPage]))
def rows(
    connection_id: str,
    table: str,
    caller: Reader,
    core: TheCore,
    encrypted_url: BlobInQuery = None,
    page: Annotated[int, Query(ge=1, le=_DEEPEST_ROW)] = 1,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    sort_by: Annotated[str | None, Query(alias="sortBy", max_length=255)] = None,
    sort_order: Annotated[Direction | None, Query(alias="sortOrder")] = None,
    order_by: Annotated[str | None, Query(alias="orderBy", max_length=255)] = None,
    order_dir: Annotated[Direction | None, Query(alias="orderDir")] = None,
    search: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """A page of rows, in the order asked for and then by key, so that no row is skipped or repeated."""
    place = core.places.find(caller, connection_id, encrypted_url)
    with core.explorer(place, table) as explorer:
        found = table_named(table, explorer.catalog)
        request = PageRequest(
            sort=_sort(found, sort_by or order_by, sort_order or order_dir),
            search=search or None,
            limit=limit,
            offset=(page - 1) * limit,
        )
        return sent(ok(_page(explorer, found, request, page)))


def _page(explorer: Explorer, table: Table, request: PageRequest, page: int) -> RowPage:
    pattern = pattern_of(table.name)
    if request.search is not None and not explorer.searchable(table):  # no column of text: nothing can match
        found = replace(explorer.page(pattern, PageRequest(limit=1)), rows=(), more=False)
        return row_page(table, found, Total(0, exact=True), page=page, limit=request.limit)
    found = explorer.page(pattern, request)
    return row_page(table, found, _total(explorer, pattern, request), page=page, limit=request.limit)


def _total(explorer: Explorer, pattern: str, request: PageRequest) -> Total:
    """Counted, where that is quick; else foreseen."""
    rows = explorer.count(pattern, request, seconds=BUDGET_S)
    return Total(rows, exact=True) if rows is not None else count_matching(explorer, pattern, request, seconds=0)


def _sort(table: Table, column: str | None, direction: Direction | None) -> tuple[str, ...]:
    """The order in ``PageRequest``'s words; a column that is not there falls back to the key, as it always did."""
    if column is None or table.column(column) is None:
        return ()
    return (f"{quote_identifier(column)}:{direction or 'asc'}",)
