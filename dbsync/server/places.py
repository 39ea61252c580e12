"""Which database a request means: a saved connection of the caller's, else the blob that came with the request.

Another owner's connection is not found. What does not belong to the operator is dialled only where the allow-list lets.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from dbsync.errors import ConfigError
from dbsync.pg.database import Database, Session
from dbsync.registry.allowed import AllowList
from dbsync.registry.connections import Registry
from dbsync.registry.legacy import OlderKey, read_older
from dbsync.registry.model import Connection
from dbsync.server.auth import Caller
from dbsync.server.faults import Fault
from dbsync.server.limits import Breakers
from dbsync.urls import DatabaseUrl, parse_url

_UNKNOWN = "production"  # what is shown where nobody knows: it makes the frontend ask before it writes
_APPLICATION = "dbsync serve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One database as a request names it. ``connection`` is None where only a blob is known."""

    id: str
    name: str
    environment: str
    url: DatabaseUrl
    connection: Connection | None

    def database(self, *, read_only: bool = True) -> Database:
        """A handle, whose sessions may write or not."""
        return Database(self.url, read_only=read_only)


class Places:
    """Finds databases for callers, and opens them."""

    def __init__(
        self, registry: Registry, allowed: AllowList, breakers: Breakers, older: OlderKey | None, *, blobs: bool
    ) -> None:
        self._registry = registry
        self._allowed = allowed
        self._breakers = breakers
        self._older = older
        self._blobs = blobs and older is not None

    def find(self, caller: Caller, reference: str, blob: str | None = None) -> Place:
        """Return the database. Raises Fault 404 or 400, HostNotAllowed, ConfigError for a blob that says nothing."""
        connection = self._registry.find(caller.owner, reference)
        if connection is not None:
            return self.saved(connection)
        if blob:
            return self._of_blob(reference, blob)
        raise Fault(400, "Encrypted URL is required") if self._blobs else Fault(404, "Connection not found")

    def saved(self, connection: Connection) -> Place:
        """A connection that was found."""
        url = self.dialable(connection.owner, self._registry.url(connection))
        return Place(
            id=connection.id,
            name=connection.name or url.dbname or connection.id,
            environment=connection.labels.environment or "development",
            url=url,
            connection=connection,
        )

    def dialable(self, owner: str, url: DatabaseUrl) -> DatabaseUrl:
        """The URL as it may be dialled for this owner. Raises HostNotAllowed."""
        return self._allowed.for_owner(owner, url)

    def read_blob(self, blob: str) -> DatabaseUrl:
        """The URL in an older blob, not checked yet. Raises Fault 400, ConfigError."""
        if not self._blobs or self._older is None:
            raise Fault(400, "Encrypted URLs are not accepted here", hint="save the connection, and name it by its id")
        # A plus sign that nobody has encoded arrives as a blank.
        text = read_older(blob.replace(" ", "+"), self._older).reveal()
        try:
            return parse_url(text)
        except ConfigError as error:
            raise ConfigError(f"the encrypted URL is no usable one: {error.message}", hint=error.hint) from None

    def _of_blob(self, reference: str, blob: str) -> Place:
        url = self._allowed.checked(self.read_blob(blob))
        name = url.dbname or reference
        return Place(id=reference, name=name, environment=_UNKNOWN, url=replace(url, name=name), connection=None)

    @contextmanager
    def session(self, place: Place, *, read_only: bool = True) -> Iterator[Session]:
        """Open a session for the block; a database that keeps failing rests for a while."""
        with self._breakers.guarded(place.url):
            session = place.database(read_only=read_only).connect(application_name=_APPLICATION)
        with closing(session):
            yield session

    def require_awake(self, *places: Place) -> None:
        """Raise DatabaseResting where one of them rests: for work that opens its sessions by itself."""
        for place in places:
            self._breakers.require_awake(place.url)
