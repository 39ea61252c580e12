"""Which driver talks to servers here."""

from __future__ import annotations

import psycopg
from psycopg import pq


def driver_versions() -> tuple[str, str, str]:
    """Return psycopg's version, how it was built, and the version of its libpq."""
    number = pq.version()
    return psycopg.__version__, pq.__impl__, f"{number // 10000}.{number % 10000}"
