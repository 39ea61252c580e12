"""The statements behind editing one row: insert, update and delete by its key. Pure; values are $1, $2, ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from dbsync.model import TableName


def insert_row(table: TableName, columns: Sequence[str], returned: Sequence[str]) -> sql.Composed:
    """Insert one row with these columns; the others get their defaults."""
    if not columns:
        return sql.SQL("INSERT INTO {} DEFAULT VALUES RETURNING {}").format(_name(table), _names(returned))
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}").format(
        _name(table), _names(columns), _places(1, len(columns)), _names(returned)
    )


def update_row(
    table: TableName, columns: Sequence[str], key: Mapping[str, str], returned: Sequence[str]
) -> sql.Composed:
    """Set these columns of the row with this key, each column with its ``=``; the key's values come last."""
    changes = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), _place(number)) for number, name in enumerate(columns, 1)
    )
    return sql.SQL("UPDATE {} SET {} WHERE {} RETURNING {}").format(
        _name(table), changes, _matches(key, len(columns) + 1), _names(returned)
    )


def delete_row(table: TableName, key: Mapping[str, str], returned: Sequence[str]) -> sql.Composed:
    """Delete the row with this key, each column with its ``=``."""
    return sql.SQL("DELETE FROM {} WHERE {} RETURNING {}").format(_name(table), _matches(key, 1), _names(returned))


def _matches(key: Mapping[str, str], first: int) -> sql.Composed:
    return sql.SQL(" AND ").join(
        sql.SQL("{} {} {}").format(sql.Identifier(name), sql.SQL(equals), _place(number))
        for number, (name, equals) in enumerate(key.items(), first)
    )


def _places(first: int, count: int) -> sql.Composed:
    return sql.SQL(", ").join(map(_place, range(first, first + count)))


def _place(number: int) -> sql.SQL:
    return sql.SQL(f"${number}")


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _name(table: TableName) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)
