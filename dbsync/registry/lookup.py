"""What the command line asks the saved connections: what a name means, and who guards a place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

from dbsync.errors import ConfigError
from dbsync.registry import LOCAL_OWNER, Connection, Registry, open_registry
from dbsync.store import StorePlace
from dbsync.urls import DatabaseUrl


@contextmanager
def open_saved(place: StorePlace) -> Iterator[SavedConnections | None]:
    """Open the saved connections to look at them; None where there is no store, and none is made."""
    with ExitStack() as opened:
        try:
            registry = opened.enter_context(open_registry(place, create=False))
        except ConfigError as error:
            if error.code != "NO_STORE":
                raise
            yield None
            return
        yield SavedConnections(registry)


@dataclass(frozen=True, slots=True)
class SavedConnections:
    """The saved connections of whoever works on the command line."""

    registry: Registry

    def names(self) -> tuple[str, ...]:
        """Return every name; no key is needed."""
        return tuple(known.name or "" for known in self.registry.list(LOCAL_OWNER))

    def find(self, name: str) -> DatabaseUrl | None:
        """Return the database of that name, or None. Raises ConfigError where one is called nearly so."""
        found = self._found(name)
        return self.registry.url(found) if found is not None else None

    def look(self, name: str) -> DatabaseUrl | None:
        """As ``find``, but no embedded server is started: of one only the name is known."""
        found = self._found(name)
        return self.registry.shown(found) if found is not None else None

    def _found(self, name: str) -> Connection | None:
        if found := self.registry.find(LOCAL_OWNER, name):
            return found
        if near := get_close_matches(name, self.names(), n=3):
            raise ConfigError(f"there is no database named {name!r}", hint=f"did you mean {' or '.join(near)}?")
        return None

    def guarded(self, url: DatabaseUrl) -> DatabaseUrl:
        """Give a database the guards of the other connections to the same place."""
        return self.registry.guarded(LOCAL_OWNER, url)
