"""Read a whole database into a Catalog: a few set-based queries in one snapshot, nothing per table.

SQLAlchemy's Inspector answers primary keys, unique constraints, the columns of indexes and table
comments. ``catalog.sql`` answers the rest: what the Inspector does not know (oids, sizes, privileges,
policies, rules, partitions), and what it gets wrong. Its columns fail for a role without USAGE on a
schema that holds an identity column, have types guessed from their printed form, and take a domain's
default for the column's; its foreign keys come from a regular expression that odd names break.
Where both speak, the catalog wins. A run, which has no time to import SQLAlchemy, reads the Inspector's
part from ``keys.sql``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg.pq import TransactionStatus

from dbsync.errors import StatementFailed
from dbsync.model import Catalog, TableName
from dbsync.pg.database import Session, translated
from dbsync.pg.reflect_build import build_catalog
from dbsync.pg.reflect_keys import Inspected, inspected_by_catalog
from dbsync.pg.sql import load

_INTERNAL_ERROR = "XX000"


def reflect(session: Session, *, inspector: bool = True) -> Catalog:
    """Reflect all that the session's database holds, inside its current transaction if there is one.

    Without ``inspector`` the same is read a tenth of a second faster, and without SQLAlchemy.
    Objects that the role may not read are listed too, with no privileges.
    """
    with one_structure(), one_snapshot(session):
        rows = {name: session.execute(query) for name, query in load("catalog").items()}
        if inspector:
            inspected = _inspect(session, {schema for _, schema, *_ in rows["relations"]})
        else:
            inspected = inspected_by_catalog({name: session.execute(query) for name, query in load("keys").items()})
    return build_catalog(rows, inspected)


@contextmanager
def one_structure() -> Iterator[None]:
    """Say what it means when the server cannot print an object that the block asks it to."""
    try:
        yield
    except StatementFailed as error:
        if error.sqlstate != _INTERNAL_ERROR:
            raise
        # The server's printers look at the present, not at the snapshot.
        raise StatementFailed(
            f"tables or types were dropped while the structure was being read ({error.message})",
            sqlstate=error.sqlstate,
            code="SCHEMA_CHANGING",
            hint="run it again when no other session changes the schema",
        ) from error


@contextmanager
def one_snapshot(session: Session) -> Iterator[None]:
    """See one state of the database in the block: the session's own transaction, or else one for the block."""
    if session.raw.info.transaction_status is TransactionStatus.IDLE:
        with session.transaction():
            session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            session.execute("SET LOCAL jit = off")  # compiling catalog queries takes longer than running them
            yield
    else:
        with translated(session):
            yield


def _inspect(session: Session, schemas: Iterable[str]) -> Inspected:
    """Ask SQLAlchemy, over the session's own connection, and keep the answers as plain values."""
    # Imported here: it takes a quarter of a second, and most commands never reflect.
    from sqlalchemy import StaticPool, create_engine, inspect
    from sqlalchemy.engine.reflection import ObjectKind, ObjectScope
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: session.raw,
        poolclass=StaticPool,  # never disposed of: the session closes its connection itself
        pool_reset_on_return=None,
        skip_autocommit_rollback=True,  # the transaction is the session's
        use_native_hstore=False,
    )
    inspected = Inspected()
    try:
        with engine.connect() as connection:
            inspector = inspect(connection)
            steps: tuple[tuple[Callable[..., Mapping[Any, Any]], Callable[[TableName, Any], None]], ...] = (
                (inspector.get_multi_table_comment, inspected.add_comment),
                (inspector.get_multi_pk_constraint, inspected.add_primary_key),
                (inspector.get_multi_unique_constraints, inspected.add_unique_constraints),
                (inspector.get_multi_indexes, inspected.add_indexes),
            )
            for schema in sorted(schemas):
                for reader, keep in steps:
                    found = reader(schema=schema, kind=ObjectKind.ANY, scope=ObjectScope.ANY)
                    for (_, table), answer in found.items():
                        keep(TableName(schema, table), answer)
    except DBAPIError as error:
        raise error.orig or error from error
    return inspected
