"""Statements about rows that refer to others by a foreign key, which its actions would reach. Pure.

To be sure that nobody refers to rows from some moment on, lock them first and count afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from dbsync.model import ForeignKey, TableName
from dbsync.pg.conditions import located, same_key, text_of, users_own
from dbsync.pg.statements import Statement, names, qualified, relation
from dbsync.segments import RowKey


def lock_at(table: TableName, *, only: bool, oid: int, locations: Sequence[str]) -> Statement:
    """Lock the rows at some locations of one relation: nobody else can make another row refer to them."""
    rows = sql.SQL("SELECT FROM {}").format(relation(table, only=only)) + located(oid, locations)
    return rows + sql.SQL(" FOR UPDATE")


def count_referring(
    key: ForeignKey,
    held_in: TableName,
    *,
    oid: int,
    locations: Sequence[str],
    apart: tuple[TableName, str] | None = None,
) -> Statement:
    """Count the rows whose foreign key points at rows at some locations of a table, or of a partition of it.

    With ``apart`` only those for which a condition on that table, which the key's is or is part of, does not hold.
    """
    here: sql.Composable = sql.SQL("")
    if not oid:
        here = sql.SQL(" AND tableoid = ({})").format(_oid_of(held_in))
    referred = sql.SQL("SELECT {} FROM {}{}{}").format(
        names(key.ref_columns), qualified(key.ref_table), located(oid, locations), here
    )
    return _count(key, referred, apart)


def lock_moved(changes: str, table: TableName, columns: Sequence[str], *, key: RowKey, only: bool) -> Statement:
    """Lock the rows of which ``changes`` holds other values of some columns, and count them."""
    moved = _moved(changes, table, columns, key=key, only=only)
    return sql.SQL("SELECT pg_catalog.count(*) FROM (SELECT {} FOR UPDATE OF t) AS s").format(moved)


def count_referring_to_moved(
    changes: str,
    table: TableName,
    columns: Sequence[str],
    *,
    key: RowKey,
    only: bool,
    reference: ForeignKey,
    apart: tuple[TableName, str] | None = None,
) -> Statement:
    """Count the rows that refer to rows of which ``changes`` holds other values of some columns."""
    listed = sql.SQL(", ").join(sql.Identifier("t", name) for name in reference.ref_columns)
    moved = _moved(changes, table, columns, key=key, only=only)
    return _count(reference, sql.SQL("SELECT {} {}").format(listed, moved), apart)


def texts_at(
    table: TableName,
    columns: Sequence[str],
    *,
    only: bool,
    oid: int,
    locations: Sequence[str],
    where: str | None = None,
) -> Statement:
    """SELECT the location and the text of some columns of the rows at some locations, if a condition holds."""
    texts = [sql.SQL("{}::pg_catalog.text").format(sql.Identifier(name)) for name in columns]
    listed = sql.SQL(", ").join(texts)
    rows = sql.SQL("SELECT ctid::pg_catalog.text, {} FROM {}").format(listed, relation(table, only=only))
    rows += located(oid, locations)
    return rows + sql.SQL(" AND {}").format(users_own(where)) if where is not None else rows


def _count(reference: ForeignKey, referred: sql.Composable, apart: tuple[TableName, str] | None) -> Statement:
    """Count the rows that refer to one of these by the key's own operators: a citext calls other texts equal."""
    table, rest = reference.table, sql.Composed([])
    if apart is not None:
        table, condition = apart
        rest = sql.SQL(" AND {} IS NOT TRUE").format(users_own(condition))
    if table != reference.table:
        rest += sql.SQL(" AND tableoid IN (SELECT relid FROM pg_catalog.pg_partition_tree(({})))").format(
            _oid_of(reference.table)
        )
    labels = [f"dbsync_{number}" for number in range(len(reference.columns))]
    same = sql.SQL(" AND ").join(
        sql.SQL("{} {} {}").format(
            sql.Identifier("dbsync_referred", label), sql.SQL(operator), sql.Identifier(table.name, name)
        )
        for label, operator, name in zip(labels, reference.equals, reference.columns, strict=True)
    )
    return sql.SQL(
        "SELECT pg_catalog.count(*) FROM {} WHERE EXISTS (SELECT FROM ({}) AS dbsync_referred ({}) WHERE {}){}"
    ).format(qualified(table), referred, names(labels), same, rest)


def _oid_of(table: TableName) -> sql.Composed:
    return sql.SQL(
        "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
        "ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname = {}"
    ).format(sql.Literal(table.schema), sql.Literal(table.name))


def _moved(changes: str, table: TableName, columns: Sequence[str], *, key: RowKey, only: bool) -> sql.Composable:
    """The rows as ``t`` of which ``changes`` (``c``) holds other values, byte by byte."""
    return sql.SQL("FROM {} AS t JOIN {} AS c ON {} WHERE {} <> {}").format(
        relation(table, only=only),
        sql.Identifier("pg_temp", changes),
        same_key(key),
        text_of("t", columns),
        text_of("c", columns),
    )
