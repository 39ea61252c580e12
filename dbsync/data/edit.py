"""Change one row of a table: the key names it, each change is one transaction, and the row is given back as it is then.

Values are the server's own text, as in ``explore``: what they mean is decided by the columns' types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dbsync.data.explore import Page
from dbsync.data.explore_request import find_column
from dbsync.errors import ConfigError, Refused
from dbsync.model import Column, Table
from dbsync.pg import statements_edit as statements
from dbsync.pg.database import Query, Session
from dbsync.pg.operators import own_operators
from dbsync.pg.text_rows import TextRow, fetch_text

Values = Mapping[str, str | None]


def key_of(table: Table) -> tuple[str, ...]:
    """The columns of the primary key. Raises ConfigError for a table without one."""
    if table.kind not in ("table", "partitioned") or table.primary_key is None:
        raise ConfigError(f"{table.name} has no primary key, so none of its rows can be named")
    return table.primary_key.columns


def insert_row(session: Session, table: Table, values: Values) -> Page:
    """Insert a row; columns that are not given get their defaults."""
    columns = _columns(table, values)
    return _page(session, table, statements.insert_row(table.name, columns, _returned(table)), list(values.values()))


def update_row(session: Session, table: Table, key: Sequence[str | None], values: Values) -> Page:
    """Change a row: a page of one row, or of none where the key names none."""
    if not values:
        raise ConfigError("nothing is to be changed")
    columns = _columns(table, values)
    statement = statements.update_row(table.name, columns, _equals(session, table), _returned(table))
    return _page(session, table, statement, [*values.values(), *key])


def delete_row(session: Session, table: Table, key: Sequence[str | None]) -> Page:
    """Delete a row: a page of the row that is gone, or of none."""
    statement = statements.delete_row(table.name, _equals(session, table), _returned(table))
    return _page(session, table, statement, list(key))


def _equals(session: Session, table: Table) -> dict[str, str]:
    """By column of the key what compares its values."""
    names = key_of(table)
    own = own_operators(session, [column for name in names if (column := table.column(name)) is not None])
    return {name: own.get(name, {}).get("=", "=") for name in names}


def _page(session: Session, table: Table, statement: Query, values: Sequence[str | None]) -> Page:
    with session.transaction():
        rows: tuple[TextRow, ...] = fetch_text(session, statement, values)
        if len(rows) > 1:
            raise Refused(f"{len(rows)} rows of {table.name} would be changed, not one; nothing was changed")
    return Page(table=table.name, columns=_readable(table), order=(), rows=rows, more=False, next=None)


def _columns(table: Table, values: Values) -> list[str]:
    return [find_column(table, name, "data").name for name in values]


def _returned(table: Table) -> list[str]:
    return [column.name for column in _readable(table)]


def _readable(table: Table) -> tuple[Column, ...]:
    return tuple(column for column in table.columns if column.readable)
