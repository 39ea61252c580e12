"""The store: what dbsync remembers between runs (connections, jobs, audit), in SQLite or in Postgres.

One code path for both: SQLAlchemy Core tables, a transaction for each call. Loaded only by commands that need it.
"""

from __future__ import annotations

from dbsync.store.engine import Store, open_store
from dbsync.store.place import StorePlace, store_place

__all__ = ["Store", "StorePlace", "open_store", "store_place"]
