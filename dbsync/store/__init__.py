"""The store: what dbsync remembers between runs (connections, jobs, audit), in SQLite or in Postgres.

One code path for both: SQLAlchemy Core tables, a transaction for each call. Loaded only by commands that need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbsync.store.place import StorePlace, store_place

if TYPE_CHECKING:
    from dbsync.store.engine import Store, open_store

__all__ = ["Store", "StorePlace", "open_store", "store_place"]


def __getattr__(name: str) -> Any:
    """Load SQLAlchemy only when a store is opened: many commands just look where it would be."""
    if name not in ("Store", "open_store"):
        raise AttributeError(name)
    from dbsync.store import engine

    return getattr(engine, name)
