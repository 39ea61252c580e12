"""Connection classes for a driver's own pools: whoever opens the pool, each connection goes the way of ``dial``."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import psycopg
from psycopg import pq, sql

from dbsync.errors import ConnectionFailed
from dbsync.pg.dial import dial_bare
from dbsync.urls import DatabaseUrl


def pooled_connections(
    url: DatabaseUrl, *, application_name: str, schema: str
) -> tuple[type[psycopg.Connection[Any]], type[psycopg.AsyncConnection[Any]]]:
    """Return classes whose ``connect`` dials the URL, whatever it is asked for, and looks names up in ``schema``.

    For libraries that bring their own SQL. They raise ConnectionFailed like every session of dbsync.
    """

    search_path = sql.SQL("SET search_path = {}").format(sql.Identifier(schema))
    settings = search_path.as_bytes() + b"; SET idle_in_transaction_session_timeout = '60s'"

    def dialled() -> pq.abc.PGconn:
        pgconn = dial_bare(url, application_name=application_name)
        if pgconn.exec_(settings).status != pq.ExecStatus.COMMAND_OK:
            pgconn.finish()
            raise ConnectionFailed(f"{url.name} refuses the session's settings", phase="database")
        pgconn.nonblocking = 1
        return pgconn

    class Pooled(psycopg.Connection[Any]):
        @classmethod
        def connect(cls, conninfo: str = "", **_: Any) -> Self:
            return cls(dialled())

    class PooledAsync(psycopg.AsyncConnection[Any]):
        @classmethod
        async def connect(cls, conninfo: str = "", **_: Any) -> Self:
            return cls(await asyncio.to_thread(dialled))

    return Pooled, PooledAsync
