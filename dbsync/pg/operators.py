"""The operators that compare values of a type as ORDER BY does.

A session's search_path is empty, so that a name finds the server's own operators only. For an extension's type those
may be others than its own: citext would be compared as text, in another order than ORDER BY has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dbsync.model import Column, ColumnType
from dbsync.pg.database import Session
from dbsync.pg.sql import load

Operators = Mapping[str, str]  # by symbol, as OPERATOR(...)
_SQL = load("operators")
_SYMBOLS = ("<", "<=", "=", ">=", ">")  # in the order of a B-tree's strategies


def own_operators(session: Session, columns: Iterable[Column]) -> dict[str, Operators]:
    """By column the operators of those whose type has its own; empty where the type has no order.

    The server's own types, and what it compares by their parts (arrays, composite types, ...), have plain names.
    """
    types = {column.name: plain for column in columns if (plain := _base(column.type)).schema != "pg_catalog"}
    if not types:
        return {}
    oids = sorted({plain.oid for plain in types.values()})
    rows = session.execute(_SQL["of_order"], [oids])
    # A class need not have all operators; one that lacks some is no order that pages can be told by.
    found = {oid: dict(zip(_SYMBOLS, names, strict=True)) for oid, names in rows if len(names) == len(_SYMBOLS)}
    return {
        name: found.get(plain.oid, {})
        for name, plain in types.items()
        if plain.oid in found or (plain.kind == "base" and plain.element is None)
    }


def _base(type_: ColumnType) -> ColumnType:
    """What a domain is over, at any depth: it has the operators of that."""
    return _base(type_.base) if type_.base else type_
