"""Statements of ``--mode cursor``: the greatest value, the rows past one, and how they reach the target. Pure.

A value is always the source's own text under pinned settings, cast back by the source: no digit is lost, and no
clock but the server's is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from dbsync.model import CursorKind, TableName
from dbsync.pg.conditions import same_key, text_of
from dbsync.pg.statements import Statement, names, qualified, relation
from dbsync.pg.statements_compare import select_at
from dbsync.segments import RowKey

# A value that no row of the future may be below: stamps from the future and values without an order stay out.
_CANDIDATE: dict[CursorKind, sql.SQL] = {
    "int2": sql.SQL("true"),
    "int4": sql.SQL("true"),
    "int8": sql.SQL("true"),
    "numeric": sql.SQL("{0}::pg_catalog.text NOT IN ('NaN', 'Infinity', '-Infinity')"),
    "date": sql.SQL("{0} <= (pg_catalog.statement_timestamp() AT TIME ZONE 'UTC')::pg_catalog.date"),
    "timestamp": sql.SQL("{0} <= (pg_catalog.statement_timestamp() AT TIME ZONE 'UTC')"),
    "timestamptz": sql.SQL("{0} <= pg_catalog.statement_timestamp()"),
}
# A transaction takes its stamp some microseconds before others can see that it is open.
_OVERLAP = sql.SQL(" - '10 seconds'::pg_catalog.interval")
_STAMPS: tuple[CursorKind, ...] = ("timestamp", "timestamptz")


def greatest(table: TableName, column: str, kind: CursorKind, *, only: bool, where: str | None) -> Statement:
    """The greatest value as text; NULL without one."""
    conditions = [sql.SQL("{0} IS NOT NULL"), _CANDIDATE[kind]]
    query = sql.SQL("SELECT (pg_catalog.max({}))::pg_catalog.text FROM {} WHERE {}").format(
        sql.Identifier(column),
        relation(table, only=only),
        sql.SQL(" AND ").join(condition.format(sql.Identifier(column)) for condition in conditions),
    )
    return query + sql.SQL(" AND ({}\n)").format(sql.SQL(where)) if where is not None else query


def is_behind(kind: CursorKind, now: str, before: str) -> Statement:
    """Whether a value lies before another."""
    return sql.SQL("SELECT {} < {}").format(_value(kind, now), _value(kind, before))


def past(column: str, kind: CursorKind, value: str) -> str:
    """The condition on rows that may be new since ``value`` was stored: ties, an overlap, and NULLs always."""
    bound = _value(kind, value) + _OVERLAP if kind in _STAMPS else _value(kind, value)
    return sql.SQL("{0} >= {1} OR {0} IS NULL").format(sql.Identifier(column), bound).as_string(None)


def both(condition: str, other: str | None) -> str:
    """Two conditions in one; ``other`` is the user's own."""
    if other is None:
        return condition
    return sql.SQL("({}) AND ({}\n)").format(sql.SQL(condition), sql.SQL(other)).as_string(None)


def count_at(table: TableName, where: str, *, only: bool, oid: int, locations: Sequence[str]) -> Statement:
    """Count the rows at some locations for which a condition holds."""
    return sql.SQL("SELECT pg_catalog.count(*) FROM ({} AND ({}\n)) AS s").format(
        select_at(table, (), only=only, oid=oid, locations=locations), sql.SQL(where)
    )


def update_changed(changes: str, table: TableName, columns: Sequence[str], *, key: RowKey, only: bool) -> Statement:
    """UPDATE the rows whose keys are in ``changes`` and whose text differs; the others keep their version."""
    exact = {column.name for column in key.columns if column.exact}
    written = [name for name in columns if name not in exact] or list(columns)
    return sql.SQL("UPDATE {} AS t SET {} FROM {} AS c WHERE {} AND {} <> {}").format(
        relation(table, only=only),
        sql.SQL(", ").join(sql.SQL("{0} = c.{0}").format(sql.Identifier(name)) for name in written),
        sql.Identifier("pg_temp", changes),
        same_key(key),
        text_of("t", columns),
        text_of("c", columns),
    )


def insert_missing(changes: str, table: TableName, columns: Sequence[str], *, key: RowKey, only: bool) -> Statement:
    """INSERT the rows of ``changes`` whose keys the table has not; identity columns take the source's values."""
    return sql.SQL(
        "INSERT INTO {into} ({cols}) OVERRIDING SYSTEM VALUE SELECT {cols} FROM {changes} AS c "
        "WHERE NOT EXISTS (SELECT FROM {table} AS t WHERE {same})"
    ).format(
        into=qualified(table),
        cols=names(columns),
        changes=sql.Identifier("pg_temp", changes),
        table=relation(table, only=only),
        same=same_key(key),
    )


def among(changes: str, key: RowKey) -> str:
    """The condition on a table's rows whose keys are in ``changes``."""
    listed = names(key.names)
    found = sql.SQL("({}) IN (SELECT {} FROM {})").format(listed, listed, sql.Identifier("pg_temp", changes))
    return found.as_string(None)


def _value(kind: CursorKind, text: str) -> sql.Composed:
    return sql.SQL("{}::pg_catalog.{}").format(sql.Literal(text), sql.Identifier(kind))
