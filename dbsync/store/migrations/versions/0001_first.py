"""The first store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dbsync.store.tables import SCHEMA, metadata

_GENESIS = "0" * 64

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table, and let nobody change an entry of the audit log by mistake."""
    connection = op.get_bind()
    metadata.create_all(connection)
    head = metadata.tables[f"{SCHEMA}.audit_head"]
    connection.execute(sa.insert(head).values(id=1, number=0, hash=_GENESIS))
    for statement in _POSTGRES if connection.dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


_POSTGRES = (
    f"""
    CREATE FUNCTION {SCHEMA}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'the audit log is only added to'; END$$
    """,
    f"""
    CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {SCHEMA}.audit
    FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()
    """,
)
_SQLITE = tuple(
    f"""
    CREATE TRIGGER audit_refuses_{verb.lower()} BEFORE {verb} ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END
    """
    for verb in ("UPDATE", "DELETE")
)
