"""How many rows there are: counted as long as a budget of time lasts, then as the server foresees it.

A table that nobody has analysed is never said to be empty: it is counted, or foreseen from its present size.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from dbsync.data.explore import Explorer
from dbsync.data.explore_request import PageRequest
from dbsync.errors import DbsyncError, Refused, StatementCancelled, StatementFailed, TimeLimit
from dbsync.model import Table, TableName
from dbsync.pg import statements_explore as statements
from dbsync.pg.text_rows import fetch_text, require_looking

BUDGET_S = 1.0
_SHORTEST_S = 0.005
_LIMIT = "SELECT pg_catalog.set_config('statement_timeout', %s, true)"


@dataclass(frozen=True, slots=True)
class Total:
    """A number of rows; None where the role may not even ask."""

    rows: int | None
    exact: bool


def listed_tables(explorer: Explorer) -> list[Table]:
    """Tables as people see them: a partitioned one counts once, its partitions are not listed."""
    return [table for table in explorer.catalog.of_kind("table", "partitioned") if table.partition_of is None]


def count_tables(
    explorer: Explorer, tables: Iterable[Table], *, seconds: float = BUDGET_S
) -> Mapping[TableName, Total]:
    """Count the rows of tables, the small ones first, until the time is used up; the others are foreseen.

    Of a table that may not be read by a role with such powers it is told what the catalog says.
    """
    deadline = time.monotonic() + seconds
    found: dict[TableName, Total] = {}
    for table in sorted(tables, key=lambda one: (one.kind == "partitioned", one.size, one.name)):
        try:
            found[table.name] = _total(explorer, table, PageRequest(), deadline)
        except Refused:
            found[table.name] = Total(_noted(table), exact=False)
    return found


def count_matching(explorer: Explorer, name: str, request: PageRequest, *, seconds: float = BUDGET_S) -> Total:
    """Count the rows that a page is a part of."""
    return _total(explorer, explorer.table(name), request, time.monotonic() + seconds)


def _total(explorer: Explorer, table: Table, request: PageRequest, deadline: float) -> Total:
    left = deadline - time.monotonic()
    if left > _SHORTEST_S:
        with suppress(StatementCancelled, TimeLimit):
            try:
                return Total(_counted(explorer, table, request, left), exact=True)
            except StatementFailed:
                return Total(None, exact=False)
    return Total(_foreseen(explorer, table), exact=False)


def _counted(explorer: Explorer, table: Table, request: PageRequest, seconds: float) -> int:
    session = explorer.session
    with session.transaction(), explorer.asked(table):
        statement = statements.total(explorer.scope(table, request))
        require_looking(session, statement.query)
        (before,) = session.one("SELECT pg_catalog.current_setting('statement_timeout')")
        session.execute(_LIMIT, (f"{max(1, int(seconds * 1000))}ms",))
        ((rows,),) = fetch_text(session, statement.query, statement.values)
        session.execute(_LIMIT, (before,))  # a count that is cancelled takes its limit back by itself
    return int(rows or 0)


def _foreseen(explorer: Explorer, table: Table) -> int | None:
    """What the planner expects, which looks at the present size of the files."""
    try:
        with explorer.session.transaction():
            if explorer.plans_run_others:
                require_looking(explorer.session, statements.each(table.name))
            ((plan,),) = explorer.session.execute(statements.foreseen(table.name))
    except DbsyncError:
        return _noted(table)
    found = json.loads(plan) if isinstance(plan, str) else plan
    return int(found[0]["Plan"]["Plan Rows"])


def _noted(table: Table) -> int | None:
    return table.row_estimate if table.row_estimate >= 0 else None
