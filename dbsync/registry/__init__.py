"""Saved connections: names for databases, kept in the store with their URLs sealed.

Loads SQLAlchemy and cryptography; ``dbsync.references`` is handed a look-up that imports this when a name asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbsync.registry.connections import Registry
from dbsync.registry.key_sources import key_source
from dbsync.registry.keys import KeyRing
from dbsync.registry.model import LOCAL_OWNER, Changes, Connection, Labels
from dbsync.store import Store, StorePlace, open_store
from dbsync.store.place import state_directory

__all__ = [
    "LOCAL_OWNER",
    "Changes",
    "Connection",
    "KeyRing",
    "Labels",
    "Registry",
    "key_ring",
    "open_registry",
]


def key_ring(place: StorePlace) -> KeyRing:
    """Return the keys for a store: those of the environment, else of a file beside it or in the state directory."""
    beside = place.file.with_suffix(".key") if place.file is not None else state_directory() / "store.key"
    return KeyRing(key_source(beside))


@contextmanager
def open_registry(place: StorePlace, *, create: bool = True) -> Iterator[Registry]:
    """Open the store for its saved connections; it is closed at the end of the block."""
    store: Store = open_store(place, create=create)
    try:
        yield Registry(store, key_ring(place))
    finally:
        store.close()
