"""Find rows of the other server by values: they are sent as literals, which take the types of the columns there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dbsync.errors import StatementFailed
from dbsync.pg.database import Session
from dbsync.pg.statements import Statement

_DATA_EXCEPTION = "22"  # SQLSTATE class: out of range, no such label, a character that the encoding lacks

Texts = tuple[str, ...]


def rows_with(session: Session, query: Callable[[Sequence[Texts]], Statement], values: Sequence[Texts]) -> list[Any]:
    """The rows that ``query`` finds for these values; one that the server cannot hold is no value there.

    The session must be in a transaction: a list that is refused is halved, each half from a savepoint.
    """
    if not values:
        return []
    try:
        with session.transaction():
            return list(session.execute(query(values)))
    except StatementFailed as error:
        if (error.sqlstate or "")[:2] != _DATA_EXCEPTION:
            raise
    if len(values) == 1:
        return []
    middle = len(values) // 2
    return rows_with(session, query, values[:middle]) + rows_with(session, query, values[middle:])
