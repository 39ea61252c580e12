"""Saved connections: names for databases, kept in the store with their URLs sealed.

SQLAlchemy and cryptography are loaded only when a registry is opened: every sync asks what a connection is, and few
need one at once. ``dbsync.references`` is handed a look-up that imports this when a name asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dbsync.registry.model import LOCAL_OWNER, Changes, Connection, Labels
from dbsync.store.place import StorePlace, state_directory

if TYPE_CHECKING:
    from dbsync.registry.connections import Registry
    from dbsync.registry.keys import KeyRing

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
    from dbsync.registry.key_sources import key_source
    from dbsync.registry.keys import KeyRing

    beside = place.file.with_suffix(".key") if place.file is not None else state_directory() / "store.key"
    return KeyRing(key_source(beside))


@contextmanager
def open_registry(place: StorePlace, *, create: bool = True) -> Iterator[Registry]:
    """Open the store for its saved connections; it is closed at the end of the block."""
    from dbsync.registry.connections import Registry
    from dbsync.store import open_store

    store = open_store(place, create=create)
    try:
        yield Registry(store, key_ring(place))
    finally:
        store.close()


def __getattr__(name: str) -> Any:
    if name == "Registry":
        from dbsync.registry.connections import Registry

        return Registry
    if name == "KeyRing":
        from dbsync.registry.keys import KeyRing

        return KeyRing
    raise AttributeError(name)
