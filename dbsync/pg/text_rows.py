"""Rows as the server's own text, read through a cursor so that memory stays bounded; NULL is None."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from dbsync.errors import DbsyncError, Refused
from dbsync.pg.database import Query, Session, translated
from dbsync.pg.functions import current_role, require_harmless

TextRow = tuple[str | None, ...]
_BATCH_BYTES = 1024 * 1024
_CURSOR = sql.Identifier("dbsync_rows")


class RowTooLarge(DbsyncError):
    """A row is larger than may be shown."""

    code = "ROW_TOO_LARGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRows:
    """Rows read, and whether the query has more that ``rows`` or ``bytes`` kept out."""

    rows: tuple[TextRow, ...]
    more: bool


def fetch_text(session: Session, query: Query, values: Sequence[str | None] = ()) -> tuple[TextRow, ...]:
    """Run one statement with values for $1, $2, ... and return all its rows."""
    with translated(session):
        cursor = psycopg.RawCursor(session.raw)
        # Prepared, so that it goes by the extended protocol: a second statement in the text is an error.
        cursor.execute(query, list(values), prepare=True)
        result = cursor.pgresult
        if result is None:
            return ()
        return tuple(
            tuple(_text(result.get_value(row, column)) for column in range(result.nfields))
            for row in range(result.ntuples)
        )


def read_text(
    session: Session, query: sql.Composable, values: Sequence[str | None], *, rows: int, limit_bytes: int
) -> TextRows:
    """Read up to so many rows and bytes of a query; in a transaction only.

    Rows are fetched a few at a time, so that one batch is about a megabyte as long as rows are alike.
    """
    fetch_text(session, sql.SQL("DECLARE {} NO SCROLL CURSOR FOR {}").format(_CURSOR, query), values)
    found: list[TextRow] = []
    size, batch, more = 0, 1, False
    while not more:
        wanted = min(batch, rows + 1 - len(found))
        fetched = fetch_text(session, sql.SQL("FETCH FORWARD {} FROM {}").format(sql.Literal(wanted), _CURSOR))
        for row in fetched:
            size += sum(len(value) for value in row if value is not None)
            more = more or len(found) == rows or size > limit_bytes
            if not more:
                found.append(row)
        if len(fetched) < wanted:
            break
        batch = max(1, min(2 * batch, _BATCH_BYTES * len(found) // max(size, 1)))
    fetch_text(session, sql.SQL("CLOSE {}").format(_CURSOR))
    if more and not found and rows:
        raise RowTooLarge(f"the next row is larger than {limit_bytes} bytes", hint="leave its largest columns out")
    return TextRows(rows=tuple(found), more=more)


def require_looking(session: Session, query: sql.Composed) -> None:
    """Raise Refused when the query would do more than look, for a role that a read-only transaction does not hold."""
    role = current_role(session)
    if not role.privileged:
        return
    try:
        require_harmless(session, query.as_string(session.raw), role)
    except Refused as error:
        error.hint = "use a role that has only SELECT"
        raise


def _text(value: bytes | None) -> str | None:
    # A SQL_ASCII database may hold bytes that are not UTF-8.
    return None if value is None else value.decode("utf-8", "backslashreplace")
