"""Which database a request means: a saved connection of the caller's, else the blob that came with the request.

Another owner's connection is not found. What does not belong to the operator is dialled only where the allow-list lets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace

from dbsync.errors import ConfigError
from dbsync.pg.database import Database, Session
from dbsync.pg.round_trips import Question
from dbsync.registry.allowed import AllowList
from dbsync.registry.connections import Registry
from dbsync.registry.legacy import OlderKey, read_older
from dbsync.registry.model import LOCAL_OWNER, Connection
from dbsync.server.auth import Caller
from dbsync.server.faults import Fault
from dbsync.server.idle import IdleSessions
from dbsync.server.limits import Breakers
from dbsync.urls import DatabaseUrl, parse_url

_UNKNOWN = "production"  # what is shown where nobody knows: it makes the frontend ask before it writes
_APPLICATION = "dbsync serve"
_MOST_KEPT = 1000
_OUR_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One database as a request names it. ``connection`` is None where only a blob is known."""

    id: str
    owner: str
    name: str
    environment: str
    url: DatabaseUrl
    connection: Connection | None

    @property
    def is_operators(self) -> bool:
        """Whether it was saved by whoever runs this server."""
        return self.connection is not None and self.connection.owner == LOCAL_OWNER

    def database(self, *, read_only: bool = True) -> Database:
        """A handle, whose sessions may write or not."""
        return Database(self.url, read_only=read_only)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A saved connection, opened; it holds as long as the store has this version."""

    version: int | None
    connection: Connection
    url: DatabaseUrl


class Places:
    """Finds databases for callers, and opens them."""

    def __init__(
        self,
        registry: Registry,
        allowed: AllowList,
        breakers: Breakers,
        older: OlderKey | None,
        *,
        blobs: bool,
        shadows: bool,
    ) -> None:
        self.shadows = shadows
        self._registry = registry
        self._allowed = allowed
        self._breakers = breakers
        self._older = older
        self._blobs = blobs and older is not None
        self._kept: dict[tuple[str, str], _Kept] = {}  # by owner, and by what was asked for
        self.idle = IdleSessions(lambda url: self._dialled(Database(url, read_only=True)))

    def find(self, caller: Caller, reference: str, blob: str | None = None) -> Place:
        """Return the database. Raises Fault 404 or 400, HostNotAllowed, ConfigError for a blob that says nothing.

        Whether an id is unknown or another owner's, the answer is the same.
        """
        version = self._registry.store.version()  # before it is read: what is written meanwhile is newer
        kept = self._kept.get((caller.owner, reference))
        if kept is not None and kept.version == version:
            return self._checked(kept)
        connection = self._registry.find(caller.owner, reference)
        if connection is not None:
            found = _Kept(version, connection, self._registry.url(connection))
            if version is not None and not found.url.local:  # an embedded server's port may change
                self._keep(caller.owner, reference, found)
            return self._checked(found)
        if blob:
            return self._of_blob(caller.owner, reference, blob)
        if self._blobs and not _OUR_ID.match(reference):
            raise Fault(400, "Encrypted URL is required")
        raise Fault(404, "Connection not found")

    def saved(self, connection: Connection) -> Place:
        """A connection that was found."""
        return self._checked(_Kept(None, connection, self._registry.url(connection)))

    def guarded(self, place: Place) -> Place:
        """A database that is to be written to has the guards of all saved connections to the same place."""
        url = place.url
        for owner in dict.fromkeys((place.owner, LOCAL_OWNER)):
            url = self._registry.guarded(owner, url)
        return replace(place, url=url, environment=url.environment or place.environment)

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

    def _checked(self, kept: _Kept) -> Place:
        """The place of a saved connection; names of hosts are looked up, and the addresses checked, each time."""
        connection = kept.connection
        url = self.dialable(connection.owner, kept.url)
        return Place(
            id=connection.id,
            owner=connection.owner,
            name=connection.name or url.dbname or connection.id,
            environment=connection.labels.environment or "development",
            url=url,
            connection=connection,
        )

    def _keep(self, owner: str, reference: str, found: _Kept) -> None:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[owner, reference] = found

    def _of_blob(self, owner: str, reference: str, blob: str) -> Place:
        url = self._allowed.checked(self.read_blob(blob))
        name = url.dbname or reference
        return Place(
            id=reference, owner=owner, name=name, environment=_UNKNOWN, url=replace(url, name=name), connection=None
        )

    @contextmanager
    def session(self, place: Place, *, read_only: bool = True) -> Iterator[Session]:
        """Open a session for the block; a database that keeps failing rests for a while."""
        with closing(self._dialled(place.database(read_only=read_only))) as session:
            yield session

    def snapshot(self, place: Place, ahead: Sequence[Question] = ()) -> AbstractContextManager[Session]:
        """A session to look around with, in one read-only snapshot for the block: one that has waited, or a new one.

        ``ahead``: what will be asked in it anyway.
        """
        return self.idle.snapshot(place.owner, place.url, ahead)

    def require_awake(self, *places: Place) -> None:
        """Raise DatabaseResting where one of them rests: for work that opens its sessions by itself."""
        for place in places:
            self._breakers.require_awake(place.url)

    def _dialled(self, database: Database) -> Session:
        with self._breakers.guarded(database.url):
            return database.connect(application_name=_APPLICATION)
