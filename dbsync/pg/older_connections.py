"""Read the older ``connections`` table of a database, whatever columns it has."""

from __future__ import annotations

import json
from typing import Any

from psycopg import sql

from dbsync.model import TableName
from dbsync.pg.database import Session


def older_connections(session: Session, table: TableName) -> list[dict[str, Any]]:
    """Return each row as names and values, in the order of their ids."""
    query = sql.SQL("SELECT pg_catalog.row_to_json(c)::pg_catalog.text FROM {} AS c ORDER BY 1").format(
        sql.Identifier(table.schema, table.name)
    )
    return [json.loads(text) for (text,) in session.execute(query)]
