"""Many rows in few statements: never by ``executemany`` on Postgres (``dbsync.pg.cursors`` says why), always on SQLite.

There it costs no round trips, and the statement's text is made once, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

_AT_ONCE = 100  # an older SQLite takes 999 values in a statement


def insert_into(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT; only its dialect is loaded, the other would be a tenth of opening a store."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, which all have the same columns."""
    if rows and connection.dialect.name == "sqlite":
        connection.execute(sa.insert(table), list(rows))
        return
    for batch in _batches(rows):
        connection.execute(sa.insert(table).values(batch))


def keep_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, which all have the same columns; one whose primary key is there gets the new values."""
    if not rows:
        return
    key = [column.name for column in table.primary_key]
    insert = insert_into(connection, table)
    new = {name: insert.excluded[name] for name in rows[0] if name not in key}
    if connection.dialect.name == "sqlite":
        connection.execute(insert.on_conflict_do_update(index_elements=key, set_=new), list(rows))
        return
    for batch in _batches(rows):
        connection.execute(insert.values(batch).on_conflict_do_update(index_elements=key, set_=new))


def _batches(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The values of each statement; that of one row is a row, since SQLAlchemy remembers the text of no other."""
    if len(rows) == 1:
        return [rows[0]]
    return [list(rows[start : start + _AT_ONCE]) for start in range(0, len(rows), _AT_ONCE)]
