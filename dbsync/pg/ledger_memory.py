"""What runs leave in the ledger for later ones: cursors, signatures, and the rows that the target refused.

Cursors and signatures belong to one source; a source that does not tell its identity gets none.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from dbsync.errors import Refused, StatementFailed
from dbsync.model import TableName
from dbsync.pg.database import Session
from dbsync.pg.identity import DatabaseIdentity
from dbsync.pg.sql import load

_SQL = load("ledger")
_NO_SUCH_CHARACTER = ("22P05", "22021")  # in the database's encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Which row versions both sides held when they were found equal, one number and one count per segment.

    The facts say what must still be so for a number to mean anything. The numbers are arrays: large tables have many.
    """

    source_facts: Mapping[str, Any]
    target_facts: Mapping[str, Any]
    segmentation: Mapping[str, Any]
    source_signatures: array[int]
    source_counts: array[int]
    target_signatures: array[int]
    target_counts: array[int]
    stored_at: str | None = None  # set by the server


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRow:
    """A row that the target refused. ``key`` and ``row`` are the server's text."""

    table: TableName
    key: str | None
    row: str
    sqlstate: str
    message: str


def require_known(source: DatabaseIdentity) -> None:
    """Raise Refused where two sources could be taken for one."""
    _known(source)


def read_cursor(session: Session, source: DatabaseIdentity, table: TableName, column: str) -> str | None:
    """Return the value that a cursor has come to, as the source printed it; None before its first run."""
    found = session.execute(_SQL["read_cursor"], [*_known(source), table.schema, table.name, column])
    return found[0][0] if found else None


def write_cursor(session: Session, source: DatabaseIdentity, table: TableName, column: str, value: str) -> None:
    """Move a cursor, in the transaction that writes the rows up to there."""
    session.execute(_SQL["write_cursor"], [*_known(source), table.schema, table.name, column, value])


def forget_cursor(session: Session, source: DatabaseIdentity, table: TableName, column: str) -> None:
    """Take a cursor away whose value cannot be true, in the transaction that writes the table anew."""
    session.execute(_SQL["forget_cursor"], [*_known(source), table.schema, table.name, column])


def forget_cursors(session: Session, tables: Sequence[TableName]) -> None:
    """Take all cursors of tables away, in the transaction that gives them other contents."""
    session.execute(_SQL["forget_cursors"], [[each.schema for each in tables], [each.name for each in tables]])


def read_signatures(
    session: Session, source: DatabaseIdentity, tables: Sequence[TableName]
) -> Mapping[TableName, Signature]:
    """Return the signatures of target tables; none from a source that does not tell its identity."""
    if source.system is None:
        return {}
    listed = [each.schema for each in tables], [each.name for each in tables]
    return {
        TableName(schema, name): Signature(
            source_facts=source_facts,
            target_facts=target_facts,
            segmentation=segmentation,
            source_signatures=array("q", lists[0]),
            source_counts=array("q", lists[1]),
            target_signatures=array("q", lists[2]),
            target_counts=array("q", lists[3]),
            stored_at=stored_at,
        )
        for schema, name, source_facts, target_facts, segmentation, *lists, stored_at in session.each(
            _SQL["read_signatures"], [*listed, *_known(source)]
        )
    }


def write_signature(session: Session, source: DatabaseIdentity, table: TableName, signature: Signature) -> None:
    """Keep a table's signature in place of the former one; nothing for a source that does not tell its identity."""
    if source.system is None:
        return
    facts = (signature.source_facts, signature.target_facts, signature.segmentation)
    arrays = (
        signature.source_signatures, signature.source_counts, signature.target_signatures, signature.target_counts
    )  # fmt: skip
    session.execute(
        _SQL["write_signature"],
        [*_known(source), table.schema, table.name, *(Jsonb(dict(fact)) for fact in facts), *map(list, arrays)],
    )


def renew_signature(
    session: Session, source: DatabaseIdentity, table: TableName, facts: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> None:
    """Let a table's signature be one of now: its rows were found to be as they were."""
    if source.system is not None:
        stored = [Jsonb(dict(fact)) for fact in facts]
        session.execute(_SQL["renew_signature"], [*stored, *_known(source), table.schema, table.name])


def forget_signature(session: Session, source: DatabaseIdentity, table: TableName) -> None:
    """Drop a table's signature."""
    if source.system is not None:
        session.execute(_SQL["forget_signature"], [*_known(source), table.schema, table.name])


def quarantine(session: Session, run_id: str, row: QuarantinedRow) -> None:
    """Keep a row that the target refused.

    Its text may be the very thing that the target's encoding cannot hold: then it is kept with escapes.
    """
    texts = (row.table.schema, row.table.name, row.key, row.row, row.sqlstate, row.message)
    try:
        with session.transaction():
            session.execute(_SQL["quarantine"], [run_id, *texts])
    except StatementFailed as error:
        if error.sqlstate not in _NO_SUCH_CHARACTER:
            raise
        session.execute(_SQL["quarantine"], [run_id, *texts[:2], *map(_escaped, texts[2:])])


def _escaped(text: str | None) -> str | None:
    """The text with all that is not ASCII as an escape string has it: \\u6f22."""
    return None if text is None else text.encode("ascii", "backslashreplace").decode("ascii")


def quarantined(session: Session, run_id: str) -> list[QuarantinedRow]:
    """Return the rows that the target refused in a run, in order."""
    return [
        QuarantinedRow(table=TableName(schema, name), key=key, row=text, sqlstate=sqlstate, message=message)
        for schema, name, key, text, sqlstate, message in session.execute(_SQL["quarantined"], [run_id])
    ]


def _known(source: DatabaseIdentity) -> tuple[str, int]:
    """The key of what belongs to a source. Raises Refused where two sources could be taken for one."""
    if source.system is None:
        raise Refused(
            f"{source.database} does not tell its system identifier, so nothing can be kept about it",
            code="SOURCE_UNKNOWN",
            hint="GRANT EXECUTE ON FUNCTION pg_control_system() TO the role that reads the source",
        )
    return source.system, source.database_oid
