"""Alembic's way into the store: on the connection, and in the transaction, that ``dbsync.store.upgrade`` hands over."""

from __future__ import annotations

from alembic import context

from dbsync.store.tables import SCHEMA, metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,
    version_table_schema=SCHEMA if connection.dialect.name == "postgresql" else None,
)
context.run_migrations()
