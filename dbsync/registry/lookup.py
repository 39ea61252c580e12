"""What the command line asks the registry: a name that the config file does not have, and who guards a place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from dbsync.errors import ConfigError, DbsyncError
from dbsync.registry import LOCAL_OWNER, Registry, open_registry
from dbsync.store import StorePlace
from dbsync.urls import DatabaseUrl


def find_saved(name: str, place: StorePlace) -> DatabaseUrl | None:
    """Return the saved connection of that name, or None; no store is made to look."""
    with _registry_if_any(place) as registry:
        found = registry.find(LOCAL_OWNER, name) if registry else None
        return registry.url(found) if registry and found else None


def saved_names(place: StorePlace) -> tuple[str, ...]:
    """Return the names of all saved connections; no key is needed."""
    with _registry_if_any(place) as registry:
        return tuple(known.name or "" for known in registry.list(LOCAL_OWNER)) if registry else ()


def guarded_by_place(url: DatabaseUrl, place: StorePlace) -> DatabaseUrl:
    """Give a database reached otherwise the guards of the saved connections to the same place.

    One that cannot be opened now cannot be compared.
    """
    with _registry_if_any(place) as registry:
        if registry is None or url.connection_id is not None:
            return url
        for known in registry.list(LOCAL_OWNER):
            if not known.labels.guards:
                continue
            try:
                saved = registry.shown(known)
            except DbsyncError:
                continue
            if not saved.local and url.same_place(saved):
                url = replace(
                    url,
                    environment=saved.environment if url.environment is None else url.environment,
                    protected=url.protected or saved.needs_confirmation,
                    read_only=url.read_only or saved.read_only,
                    configured_as=url.configured_as or saved.configured_as,
                )
    return url


@contextmanager
def _registry_if_any(place: StorePlace) -> Iterator[Registry | None]:
    with ExitStack() as opened:
        try:
            registry = opened.enter_context(open_registry(place, create=False))
        except ConfigError as error:
            if error.code != "NO_STORE":
                raise
            registry = None
        yield registry
