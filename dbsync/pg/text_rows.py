"""Rows as the server's own text, read so that memory stays bounded; NULL is None."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.pq.abc import PGresult

from dbsync.errors import DbsyncError, Refused, StatementCancelled
from dbsync.pg.database import Query, Session, translated
from dbsync.pg.functions import current_role, require_harmless
from dbsync.pg.round_trips import GatheringSession, Question, ask, row_of, undone

TextRow = tuple[str | None, ...]
_SAVEPOINT = b"dbsync_rows"


class RowTooLarge(DbsyncError):
    """A row is larger than may be shown."""

    code = "ROW_TOO_LARGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRows:
    """Rows read, and whether the query has more that ``rows`` or ``bytes`` kept out."""

    rows: tuple[TextRow, ...]
    more: bool


def fetch_text(session: Session, query: Query, values: Sequence[str | None] = ()) -> tuple[TextRow, ...]:
    """Run one statement with values for $1, $2, ... and return all its rows.

    It goes by the extended protocol: a second statement in the text is an error.
    """
    return fetch_answer(session, _question(session, query, values, again=True))


def fetch_answer(session: Session, question: Question) -> tuple[TextRow, ...]:
    """Ask a question and return all its rows; one that the snapshot's beginning has answered is not asked again."""
    known = session.answered(question) if isinstance(session, GatheringSession) else None
    result = known if known is not None else ask(session, [question])[0]
    return tuple(_texts(row_of(result, number)) for number in range(result.ntuples))


def read_text(
    session: Session, query: sql.Composable, values: Sequence[str | None], *, rows: int, limit_bytes: int
) -> TextRows:
    """Read up to so many rows and bytes of a query, in one round trip; in a transaction only.

    The driver hands the rows out one by one and holds no other; where they are too many bytes the server is told to
    stop.
    """
    limited = sql.SQL("{} LIMIT {}").format(query, sql.Literal(rows + 1))
    reader = _Reader(session, _question(session, limited, values), rows=rows, limit_bytes=limit_bytes)
    begin, end = Question(b"SAVEPOINT " + _SAVEPOINT), Question(b"RELEASE SAVEPOINT " + _SAVEPOINT)
    try:
        ask(session, [begin, reader.question, end], reader)
    except StatementCancelled:
        if not reader.stopped:
            raise
        ask(session, undone(_SAVEPOINT))
    if reader.more and not reader.found and rows:
        raise RowTooLarge(f"the next row is larger than {limit_bytes} bytes", hint="leave its largest columns out")
    return TextRows(rows=tuple(reader.found), more=reader.more)


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


class _Reader:
    """Takes the rows of a page, as many as may be; ``more``: there was another one."""

    def __init__(self, session: Session, question: Question, *, rows: int, limit_bytes: int) -> None:
        self.question = question
        self.found: list[TextRow] = []
        self.more = self.stopped = False
        self._session = session
        self._rows, self._left = rows, limit_bytes

    def take(self, row: PGresult) -> None:
        """Take the next row, or tell the server that it is enough."""
        if self.more:
            self._stop()  # the user's own SQL has got rid of our LIMIT
            return
        values = row_of(row, 0)
        self._left -= sum(map(len, filter(None, values)))
        self.more = len(self.found) == self._rows or self._left < 0
        if not self.more:
            self.found.append(_texts(values))
        elif len(self.found) < self._rows:
            self._stop()

    def _stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            with suppress(DbsyncError):  # then the rest is read and thrown away, row by row
                self._session.cancel()


def _question(
    session: Session, query: Query | sql.Composable, values: Sequence[str | None], *, again: bool = False
) -> Question:
    text = query.encode() if isinstance(query, str) else query.as_bytes(session.raw)
    with translated(session):
        if any("\0" in value for value in values if value is not None):
            raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return Question(text, tuple(None if value is None else value.encode() for value in values), again)


def _texts(values: Iterable[bytes | None]) -> TextRow:
    # A SQL_ASCII database may hold bytes that are not UTF-8.
    return tuple([None if value is None else value.decode("utf-8", "backslashreplace") for value in values])
