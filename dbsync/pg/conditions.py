"""Conditions on rows: their keys, values, places, and what the user asks of them. Pure; built with psycopg.sql."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from dbsync.pg.statements import names
from dbsync.segments import RowKey


def same_key(key: RowKey) -> sql.Composable:
    """The condition that rows of ``t`` and ``c`` have the same key."""
    return sql.SQL(" AND ").join(sql.SQL("t.{0} = c.{0}").format(sql.Identifier(name)) for name in key.names)


def where(condition: sql.Composable, *, within: str | None = None, apart: str | None = None) -> sql.Composable:
    """WHERE, also with a condition of the user's that has to hold, or must not hold."""
    conditions = [condition]
    conditions += [users_own(within)] if within is not None else []
    conditions += [sql.SQL("{} IS NOT TRUE").format(users_own(apart))] if apart is not None else []
    return all_of(conditions)


def one_of(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> sql.Composable:
    """The condition that some columns have the values of one of these rows, written as the server prints them.

    They are literals without a type, which take the columns' own: so an index serves.
    """
    if not rows:
        return sql.SQL("false")
    if len(columns) == 1:
        values = sql.SQL(", ").join(sql.Literal(value) for (value,) in rows)
        return sql.SQL("{} IN ({})").format(sql.Identifier(columns[0]), values)
    listed = [sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, row))) for row in rows]
    return sql.SQL("({}) IN ({})").format(names(columns), sql.SQL(", ").join(listed))


def text_of(side: str, columns: Sequence[str]) -> sql.Composed:
    """Some columns of ``t`` or ``c`` as one text, which differs wherever a byte does."""
    listed = sql.SQL(", ").join(sql.Identifier(side, name) for name in columns)
    return sql.SQL('(ROW({})::pg_catalog.text COLLATE pg_catalog."C")').format(listed)


def located(oid: int, locations: Sequence[str]) -> sql.Composable:
    """The condition WHERE on rows at some locations of one relation."""
    listed = "{" + ",".join(f'"{location}"' for location in locations) + "}"
    here = sql.SQL(" WHERE ctid = ANY ({}::pg_catalog.tid[])").format(sql.Literal(listed))
    return here + sql.SQL(" AND tableoid = {}::pg_catalog.oid").format(sql.Literal(oid)) if oid else here


def users_own(condition: str) -> sql.Composable:
    """A condition of --where, as one expression."""
    # The user's own SQL, checked as one expression before the run on a read-only session.
    return sql.SQL("({}\n)").format(sql.SQL(condition))


def all_of(conditions: Sequence[sql.Composable]) -> sql.Composable:
    """WHERE with all of these, or nothing."""
    return sql.SQL(" WHERE ") + sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("")
