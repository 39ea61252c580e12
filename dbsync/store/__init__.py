"""The store: what dbsync remembers between runs (connections, jobs, audit), in SQLite or in Postgres.

One code path for both: SQLAlchemy Core tables, a transaction for each call. SQLAlchemy is loaded only when a store is
opened: to know where it is takes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbsync.store.place import StorePlace, holds_guards, is_missing, out_of_reach, store_place

if TYPE_CHECKING:
    from dbsync.store.engine import Store, open_store

__all__ = ["Store", "StorePlace", "holds_guards", "is_missing", "open_store", "out_of_reach", "store_place"]


def __getattr__(name: str) -> Any:
    if name in ("Store", "open_store"):
        from dbsync.store import engine

        return getattr(engine, name)
    raise AttributeError(name)
