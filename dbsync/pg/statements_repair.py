"""Statements that write the rows in which a table differs. Pure; built with psycopg.sql."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from dbsync.model import TableName
from dbsync.pg.conditions import located, same_key, where
from dbsync.pg.statements import Statement, names, qualified, relation
from dbsync.segments import RowKey

# What is written was read by its places a moment ago, so it is in memory, and its index is cheaper than a look at every
# row of the table: the planner asks for that with its default price of a page on a disk that turns (performance page).
NEAR = (
    "SELECT pg_catalog.set_config('random_page_cost', '1', true) "
    "FROM pg_catalog.pg_settings s WHERE s.name = 'random_page_cost' AND s.setting::pg_catalog.float8 > 1"
)


def delete_at(table: TableName, *, only: bool, oid: int, locations: Sequence[str]) -> Statement:
    """DELETE the rows at some locations of one relation."""
    return sql.SQL("DELETE FROM {}").format(relation(table, only=only)) + located(oid, locations)


def create_changes(changes: str, table: TableName, columns: Sequence[str], *, only: bool) -> Statement:
    """Create a temporary table for rows on their way to ``table``, gone with the transaction."""
    return sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
        sql.Identifier("pg_temp", changes), names(columns), relation(table, only=only)
    )


def update_from(changes: str, table: TableName, columns: Sequence[str], *, key: RowKey, only: bool) -> Statement:
    """UPDATE the rows whose keys are in ``changes``; a key column that is spelled as it is compared stays."""
    exact = {column.name for column in key.columns if column.exact}
    written = [name for name in columns if name not in exact] or list(columns)
    return sql.SQL("UPDATE {} AS t SET {} FROM {} AS c WHERE {}").format(
        relation(table, only=only),
        sql.SQL(", ").join([sql.SQL("{0} = c.{0}").format(sql.Identifier(name)) for name in written]),
        sql.Identifier("pg_temp", changes),
        same_key(key),
    )


def delete_changed(changes: str, table: TableName, *, key: RowKey, only: bool) -> Statement:
    """DELETE the rows whose keys are in ``changes``."""
    return sql.SQL("DELETE FROM {} AS t USING {} AS c WHERE {}").format(
        relation(table, only=only), sql.Identifier("pg_temp", changes), same_key(key)
    )


def count_outside(changes: str, table: TableName, *, key: RowKey, only: bool, condition: str) -> Statement:
    """Count the rows with the keys of ``changes`` that do not match a condition of the user's."""
    written = sql.SQL("({}) IN (SELECT {} FROM {})").format(
        names(key.names), names(key.names), sql.Identifier("pg_temp", changes)
    )
    rows = sql.SQL("SELECT pg_catalog.count(*) FROM {}").format(relation(table, only=only))
    return rows + where(written, apart=condition)


def insert_from(changes: str, table: TableName, columns: Sequence[str]) -> Statement:
    """INSERT every row of ``changes``; identity columns take the source's values."""
    return sql.SQL("INSERT INTO {} ({cols}) OVERRIDING SYSTEM VALUE SELECT {cols} FROM {}").format(
        qualified(table), sql.Identifier("pg_temp", changes), cols=names(columns)
    )
