"""Cursors for a library that brings its own SQL over our sessions."""

from __future__ import annotations

from typing import Any

import psycopg


class OneStatement(psycopg.Cursor[Any]):
    """A cursor without ``executemany``.

    The driver ends that with a Flush message after the last answer, and Postgres takes any message for the end of a
    session's idleness: whoever vanishes at that moment would hold its locks for ever, whatever
    ``idle_in_transaction_session_timeout`` says (seen with psycopg 3.3 and Postgres 15 to 18).
    """

    def executemany(self, *_: object, **__: object) -> None:
        """Not here. Raises NotImplementedError."""
        raise NotImplementedError("a statement with many rows takes them as its values")
