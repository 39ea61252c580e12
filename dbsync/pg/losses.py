"""What data is gone after a statement: seen in the catalogs, whatever the statement says."""

from __future__ import annotations

from collections.abc import Mapping

from dbsync.pg.database import Session
from dbsync.pg.quoting import name
from dbsync.pg.sql import load

_SQL = load("losses")
_SEQUENCE, _COLUMN = "S", "c"
Holders = Mapping[tuple[int, int], tuple[str, str]]


def holders(session: Session) -> Holders:
    """Return what can hold data, by its oid and column number: its kind and its name."""
    return {
        (oid, number): (kind, name(schema, relation, column or ""))
        for oid, number, kind, schema, relation, column in session.execute(_SQL["holders"])
    }


def lost(before: Holders, after: Holders) -> str | None:
    """Say in words what the data is that was there before; None where nothing is gone."""
    gone = [place for place in before if place not in after]
    tables = {oid for oid, number in gone if number == 0}
    words = [_words(*before[place]) for place in sorted(gone) if place[1] == 0 or place[0] not in tables]
    return " and ".join(words) or None


def _words(kind: str, what: str) -> str:
    if kind == _SEQUENCE:
        return f"the value of the sequence {what}"
    return f"the values of {what}" if kind == _COLUMN else f"the rows of {what}"
