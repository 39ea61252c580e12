"""The audit log in the store: entries are added, read and verified, never changed; the database refuses that too.

To add one in the transaction of what it tells of, use ``append``; for a try that was refused, ``record``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields

import sqlalchemy as sa

from dbsync.errors import DbsyncError
from dbsync.store import tables
from dbsync.store.audit_entry import AuditEntry, ChainedEntry, Fault, Head, chain, first_fault
from dbsync.store.engine import Store

_PAGE = 1000
_columns = [tables.audit.c[field.name] for field in fields(ChainedEntry)]
_head = tables.audit_head


def append(store: Store, connection: sa.Connection, entry: AuditEntry) -> ChainedEntry:
    """Add an entry within a transaction of ``store.write()``; others wait for its end, so numbers have no gaps."""
    head = _read_head(connection, lock=True)
    if head is None:
        raise DbsyncError("the audit log has no head", code="AUDIT_BROKEN", hint="dbsync audit verify")
    chained = chain(entry, head, store.now(connection))
    connection.execute(sa.insert(tables.audit).values(**asdict(chained)))
    connection.execute(sa.update(_head).values(number=chained.number, hash=chained.hash))
    return chained


def record(store: Store, entry: AuditEntry) -> ChainedEntry:
    """Add an entry in a transaction of its own."""
    with store.write() as connection:
        return append(store, connection, entry)


def read_entries(
    store: Store, *, limit: int, before: int | None = None, owner: str | None = None, action: str | None = None
) -> list[ChainedEntry]:
    """Return the last entries, the oldest of them first; ``before``: those with smaller numbers."""
    query = sa.select(*_columns).order_by(tables.audit.c.number.desc()).limit(limit)
    for column, value in ((tables.audit.c.owner, owner), (tables.audit.c.action, action)):
        query = query.where(column == value) if value is not None else query
    if before is not None:
        query = query.where(tables.audit.c.number < before)
    with store.read() as connection:
        return [_entry(row) for row in connection.execute(query)][::-1]


def verify(store: Store, known: Head | None = None) -> tuple[Head, Fault | None]:
    """Read the whole log; return its head and the first thing that is wrong with it."""
    with store.snapshot() as connection:
        head = _read_head(connection)
        return head or Head(0, ""), first_fault(_in_order(connection), head, known)


def _in_order(connection: sa.Connection) -> Iterator[ChainedEntry]:
    """Every entry, a page at a time."""
    last: int | None = None
    while True:
        query = sa.select(*_columns).order_by(tables.audit.c.number).limit(_PAGE)
        rows = connection.execute(query if last is None else query.where(tables.audit.c.number > last)).all()
        if not rows:
            return
        for row in rows:
            yield _entry(row)
        last = rows[-1].number


def _read_head(connection: sa.Connection, *, lock: bool = False) -> Head | None:
    query = sa.select(_head.c.number, _head.c.hash)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return Head(*row) if row is not None else None


def _entry(row: sa.Row[tuple[object, ...]]) -> ChainedEntry:
    return ChainedEntry(**row._mapping)  # the columns are named after the fields
