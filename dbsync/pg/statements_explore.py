"""The queries behind ``explore``: pages by key, one row, figures about a column. Pure; values are $1, $2, ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from psycopg import sql

from dbsync.model import Table, TableName
from dbsync.pg.operators import Operators

# Not IS NULL, which holds for a composite of NULLs as well, while neither holds where some of its fields are NULL: such
# composites are values, and sorted as values. An index serves these, too.
_IS_NULL, _IS_VALUE = sql.SQL("{} IS NOT DISTINCT FROM NULL"), sql.SQL("{} IS DISTINCT FROM NULL")

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~", "is null", "is not null"]
_SERVERS_OWN: Operators = {name: name for name in ("=", "<", "<=", ">", ">=")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A condition on one column; ``~`` means: its text contains the value, whatever the case."""

    column: str
    operator: Operator
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """A column (or ctid, tableoid) that pages are ordered by; NULLs come where Postgres puts them by default."""

    column: str
    descending: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which rows of which relation are looked at; ``where`` is the user's own SQL."""

    table: Table
    filters: tuple[Filter, ...] = ()
    where: str | None = None
    search: str | None = None
    search_in: tuple[str, ...] = ()
    percent: float | None = None  # a sample of so much of its pages
    most: int | None = None  # the first ones that come, at most so many
    operators: Mapping[str, Operators] = field(default_factory=dict)  # of columns whose type is none of the server's


@dataclass(frozen=True, slots=True)
class Statement:
    """A query and the values of its parameters."""

    query: sql.Composed
    values: tuple[str, ...] = ()


class _Values:
    """The values of a query under construction."""

    def __init__(self, scope: Scope) -> None:
        self._table, self._operators = scope.table, scope.operators
        self.found: list[str] = []

    def bind(self, value: str, column: str | None = None) -> sql.Composable:
        """A parameter, which takes the type of the column that it is compared with."""
        self.found.append(value)
        place = sql.SQL(f"${len(self.found)}")
        known = self._table.column(column) if column is not None else None
        if known is None or "composite" not in (known.type.kind, known.type.element and known.type.element.kind):
            return place
        # Alone, a composite value would be read as an anonymous record. A cast for other types would
        # do harm: one to varchar(3) cuts.
        return place + sql.SQL("::") + sql.SQL(known.type.text)

    def compared(self, column: str, operator: str, value: str) -> sql.Composable:
        """A comparison of a column with a value, by what orders the column's type."""
        spelled = self._operators.get(column, _SERVERS_OWN)[operator]
        return sql.SQL("{} {} {}").format(sql.Identifier(column), sql.SQL(spelled), self.bind(value, column))

    def are_servers_own(self, columns: Sequence[str]) -> bool:
        """Whether these columns can be compared by an operator's plain name."""
        return self._operators.keys().isdisjoint(columns)


def page(
    scope: Scope,
    columns: Sequence[str],
    order: Sequence[OrderKey],
    after: Sequence[str | None] | None,
    *,
    offset: int = 0,
) -> Statement:
    """Rows in order, those after ``after`` only, without the first ``offset`` ones."""
    values = _Values(scope)
    conditions = _conditions(scope, values)
    if after is not None:
        conditions.append(_after(values, order, after))
    query = sql.SQL("SELECT {} FROM {}{}").format(_names(columns), _name(scope.table.name), _where(conditions))
    if order:
        keys = (sql.SQL("{} DESC" if key.descending else "{}").format(sql.Identifier(key.column)) for key in order)
        query += sql.SQL(" ORDER BY {}").format(sql.SQL(", ").join(keys))
    if offset:
        query += sql.SQL(" OFFSET {}").format(sql.Literal(offset))
    return Statement(query, tuple(values.found))


def total(scope: Scope) -> Statement:
    """How many rows the scope has."""
    values = _Values(scope)
    where = _where(_conditions(scope, values))
    query = sql.SQL("SELECT pg_catalog.count(*) FROM {}{}").format(_name(scope.table.name), where)
    return Statement(query, tuple(values.found))


def each(table: TableName) -> sql.Composed:
    """A row for each row of a relation, and nothing of it."""
    return sql.SQL("SELECT 1 FROM {}").format(_name(table))


def foreseen(table: TableName) -> sql.Composed:
    """The server's own estimate of how many rows a relation has, of its present size: one row of JSON."""
    return sql.SQL("EXPLAIN (FORMAT JSON) {}").format(each(table))


def column_figures(scope: Scope, column: str, *, ordered: bool, shorten: bool) -> Statement:
    """One row: how many values, how many are NULL, how many differ, the least, the greatest.

    ``ordered`` is for types that have an order; the values of others are told apart by their text.
    """
    values = _Values(scope)
    extreme = sql.SQL("(SELECT {shown} FROM g WHERE v IS DISTINCT FROM NULL ORDER BY v {direction} LIMIT 1)")
    least, greatest = (
        extreme.format(shown=_shown(shorten), direction=sql.SQL(way)) if ordered else sql.SQL("NULL")
        for way in ("ASC", "DESC")
    )
    query = sql.SQL(
        "{groups} SELECT (SELECT COALESCE(pg_catalog.sum(n), 0) FROM g), "
        "(SELECT COALESCE(pg_catalog.sum(n), 0) FROM g WHERE v IS NOT DISTINCT FROM NULL), "
        "(SELECT pg_catalog.count(*) FROM g WHERE v IS DISTINCT FROM NULL), {least}, {greatest}"
    ).format(groups=_groups(scope, column, values, ordered), least=least, greatest=greatest)
    return Statement(query, tuple(values.found))


def column_top(scope: Scope, column: str, *, ordered: bool, shorten: bool, most: int) -> Statement:
    """The values that come most often, with their counts."""
    values = _Values(scope)
    query = sql.SQL("{} SELECT {}, n FROM g WHERE v IS DISTINCT FROM NULL ORDER BY n DESC, v LIMIT {}").format(
        _groups(scope, column, values, ordered), _shown(shorten), sql.Literal(most)
    )
    return Statement(query, tuple(values.found))


def _groups(scope: Scope, column: str, values: _Values, ordered: bool) -> sql.Composable:
    """The values of a column with the number of times each comes."""
    sample = limit = sql.Composed([])
    if scope.percent is not None:
        sample = sql.SQL(" TABLESAMPLE SYSTEM ({}) REPEATABLE (0)").format(sql.Literal(scope.percent))
    if scope.most is not None:
        limit = sql.SQL(" LIMIT {}").format(sql.Literal(scope.most))
    return sql.SQL(
        "WITH g AS MATERIALIZED (SELECT {value} AS v, pg_catalog.count(*) AS n "
        "FROM (SELECT {column} AS v FROM {table}{sample}{where}{limit}) s GROUP BY 1)"
    ).format(
        value=sql.SQL("v" if ordered else 'v::pg_catalog.text COLLATE pg_catalog."C"'),
        column=sql.Identifier(column),
        table=_name(scope.table.name),
        sample=sample,
        where=_where(_conditions(scope, values)),
        limit=limit,
    )


def _conditions(scope: Scope, values: _Values) -> list[sql.Composable]:
    conditions = [_filter(values, filter_) for filter_ in scope.filters]
    if scope.search is not None:
        found = [_contains(values, column, scope.search) for column in scope.search_in]
        conditions.append(sql.SQL("({})").format(sql.SQL(" OR ").join(found)))
    if scope.where is not None:
        # Closed off by a new line in case it ends in a comment.
        conditions.append(sql.SQL("({}\n)").format(sql.SQL(scope.where)))
    return conditions


def _filter(values: _Values, filter_: Filter) -> sql.Composable:
    column = sql.Identifier(filter_.column)
    if filter_.operator in ("is null", "is not null"):
        return (_IS_NULL if filter_.operator == "is null" else _IS_VALUE).format(column)
    if filter_.operator == "~":
        return _contains(values, filter_.column, filter_.value)
    if filter_.operator != "!=":
        return values.compared(filter_.column, filter_.operator, filter_.value)
    if values.are_servers_own([filter_.column]):  # NULL differs from every value
        return sql.SQL("{} IS DISTINCT FROM {}").format(column, values.bind(filter_.value, filter_.column))
    return sql.SQL("({}) IS NOT TRUE").format(values.compared(filter_.column, "=", filter_.value))


def _contains(values: _Values, column: str, text: str) -> sql.Composable:
    pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    # ILIKE works with no nondeterministic collation before 18, hence the default one.
    return sql.SQL('{}::pg_catalog.text COLLATE pg_catalog."default" ILIKE {}').format(
        sql.Identifier(column), values.bind(pattern)
    )


def _after(values: _Values, order: Sequence[OrderKey], cursor: Sequence[str | None]) -> sql.Composable:
    """Whether a row comes after the one that ``cursor`` holds the order's values of."""
    names = [key.column for key in order]
    if values.are_servers_own(names) and all(not key.nullable and not key.descending for key in order):
        bounds = [values.bind(value or "", key.column) for key, value in zip(order, cursor, strict=True)]
        # An index can answer this.
        return sql.SQL("ROW({}) > ROW({})").format(_names(names), sql.SQL(", ").join(bounds))
    choices: list[sql.Composable] = []
    first = order[0]
    bound: list[sql.Composable] = []
    if len(order) > 1 and cursor[0] is not None and (first.descending or not first.nullable):
        # Implied by what follows, but an index can use it.
        bound.append(values.compared(first.column, "<=" if first.descending else ">=", cursor[0]))
    for place, key in enumerate(order):
        beyond = _beyond(values, key, cursor[place])
        if beyond is not None:
            ties = [_tied(values, order[earlier], cursor[earlier]) for earlier in range(place)]
            choices.append(sql.SQL("({})").format(sql.SQL(" AND ").join([*ties, beyond])))
    either = sql.SQL("({})").format(sql.SQL(" OR ").join(choices)) if choices else sql.SQL("false")
    return sql.SQL(" AND ").join([*bound, either])


def _beyond(values: _Values, key: OrderKey, value: str | None) -> sql.Composable | None:
    """After this value in one column; None when nothing can be. NULLs are the largest values."""
    column = sql.Identifier(key.column)
    if value is None:
        return _IS_VALUE.format(column) if key.descending else None
    comparison = values.compared(key.column, "<" if key.descending else ">", value)
    if key.nullable and not key.descending:
        return sql.SQL("({} OR {})").format(comparison, _IS_NULL.format(column))
    return comparison


def _tied(values: _Values, key: OrderKey, value: str | None) -> sql.Composable:
    if value is None:
        return _IS_NULL.format(sql.Identifier(key.column))
    return values.compared(key.column, "=", value)


def _where(conditions: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(conditions)) if conditions else sql.Composed([])


def _shown(shorten: bool) -> sql.SQL:
    """A value as it is printed; of types that may be huge the first 200 characters."""
    return sql.SQL("pg_catalog.left(v::pg_catalog.text, 200)" if shorten else "v")


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _name(table: TableName) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)
