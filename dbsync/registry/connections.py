"""Saved connections: names for databases, their URLs sealed, each owner's apart from all others'.

Another owner's connection is not found, by name or by id. A URL leaves this module only as a ``DatabaseUrl``, which
carries the name and the guards' labels.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa

from dbsync.config import Settings
from dbsync.errors import ConfigError, DbsyncError, Refused
from dbsync.failpoints import failpoint
from dbsync.quota import Quota
from dbsync.references import resolve, running_local
from dbsync.registry.keys import Key, KeyRing
from dbsync.registry.model import Changes, Connection, Labels, checked_name
from dbsync.registry.records import columns_of, connection_of, labelled, labels_of, payload_of
from dbsync.registry.sealing import Place, seal, unseal
from dbsync.store import Store
from dbsync.store.tables import connection as _table
from dbsync.store.tables import job as _job
from dbsync.store.tables import sealing as _sealing
from dbsync.store.usage import require_quota
from dbsync.urls import DatabaseUrl, database_url
from dbsync.whereabouts import those_at

_ENDED = ("succeeded", "failed", "stopped")
_REMOVED = b""  # what is left of the URL of a connection that jobs of the past refer to
_UNNAMED_LOOKED_AT = 200
_LOCK = 1684173692  # the advisory locks that stand for owners who keep a database
_UNUSED_FOR_S = 3600.0  # a job that is being made refers to its connections within seconds

_NAMED = _table.c.name == sa.bindparam("reference")
# Built once: every request to `serve` asks it.
_FOUND = (
    sa.select(_table)
    .where(_table.c.owner == sa.bindparam("owner"), sa.or_(_NAMED, _table.c.id == sa.bindparam("reference")))
    .order_by(sa.case((_NAMED, 0), else_=1))
    .limit(1)
)


class Registry:
    """The saved connections of a store."""

    def __init__(self, store: Store, ring: KeyRing) -> None:
        self.store = store
        self.ring = ring

    def add(
        self,
        owner: str,
        name: str,
        url: DatabaseUrl,
        *,
        labels: Labels | None = None,
        connection_id: str | None = None,
        quota: Quota | None = None,
    ) -> Connection:
        """Save a database under a name. Raises ConfigError where the owner has the name already, QuotaExceeded."""
        checked_name(name)
        self.ensure_key()
        with self.store.write() as work:
            self._refuse_taken(work, owner, name)
            if quota is not None:
                require_quota(self.store, work, owner, quota, "connection")
            return self._insert(work, owner, name, payload_of(url), labels or Labels(), connection_id)

    def keep_unnamed(self, owner: str, url: DatabaseUrl) -> str:
        """Keep a database that was given in full, for a job; return the id. One that is kept already keeps its id."""
        if url.connection_id is not None and self.find(owner, url.connection_id):
            return url.connection_id
        payload, labels = payload_of(url), labels_of(url)
        with self.store.read() as work:
            kept = self._unnamed(work, owner, payload, labels)
        if kept is not None and self._still_there(kept):
            return kept
        self.ensure_key()
        with self.store.write() as work:
            if self.store.is_postgres:  # in turns, as SQLite's writers: jobs with one target have one id for it
                lock = sa.func.pg_catalog.pg_advisory_xact_lock(_LOCK, sa.func.pg_catalog.hashtext(owner))
                work.execute(sa.select(lock))
            kept = self._unnamed(work, owner, payload, labels)
            return kept or self._insert(work, owner, None, payload, labels, None).id

    def list(self, owner: str | None) -> tuple[Connection, ...]:
        """Return the named connections of an owner by name; of every owner for None."""
        whose = () if owner is None else (_table.c.owner == owner,)
        return tuple(self._select(_table.c.name.is_not(None), *whose, order=_table.c.name))

    def get(self, owner: str, reference: str) -> Connection:
        """Return a connection by its name or id. Raises ConfigError where the owner has none of that name."""
        if (found := self.find(owner, reference)) is not None:
            return found
        with self.store.read() as work:
            raise self._not_found(work, owner, reference)

    def find(self, owner: str, reference: str) -> Connection | None:
        """Return a connection by its name, else by its id, else None."""
        with self.store.read() as work:
            row = work.execute(_FOUND, {"owner": owner, "reference": reference}).mappings().first()
        return connection_of(row) if row is not None else None

    def is_taken(self, connection_id: str) -> bool:
        """Whether any owner has a connection of that id."""
        return any(True for _ in self._select(_table.c.id == connection_id))

    def edit(self, owner: str, reference: str, changes: Changes) -> Connection:
        """Change a connection and return it as it is then."""
        self.ensure_key()
        with self.store.write() as work:
            before = self._in(work, owner, reference)
            values: dict[str, Any] = columns_of(changes.labels(before.labels)) | {"updated_at": self.store.now(work)}
            if changes.name is not None and changes.name != before.name:
                self._refuse_taken(work, owner, checked_name(changes.name))
                values["name"] = changes.name
            if changes.url is not None:
                place = Place(owner=owner, id=before.id, version=before.version + 1)
                values |= self._sealed(self._sealing_key(work), payload_of(changes.url), place)
            work.execute(sa.update(_table).where(_table.c.id == before.id).values(values))
            return self._in(work, owner, before.id)

    def remove(self, owner: str, reference: str, *, force: bool = False) -> Connection:
        """Forget a connection. Raises Refused while jobs that are not over need it, unless ``force``.

        Jobs of the past keep the record, without its name and its URL.
        """
        with self.store.write() as work:
            found = self._in(work, owner, reference)
            uses = sa.or_(_job.c.source_id == found.id, _job.c.target_id == found.id)
            states = [state for (state,) in work.execute(sa.select(_job.c.state).where(uses))]
            needing = sum(state not in _ENDED for state in states)
            if needing and not force:
                raise Refused(
                    f"{needing} job{'s' * (needing > 1)} that {'is' if needing == 1 else 'are'} not over need it",
                    code="IN_USE",
                    hint="stop them first, or add --force: they will fail",
                )
            this = _table.c.id == found.id
            if states:
                gone = {"name": None, "sealed": _REMOVED, "key_id": "", "keep_alive": False}
                work.execute(sa.update(_table).where(this).values(gone))
            else:
                work.execute(sa.delete(_table).where(this))
            return found

    def url(self, connection: Connection) -> DatabaseUrl:
        """Open a connection's URL; an embedded server is started if needed.

        Raises ConfigError where the key is missing or the connection was removed, DbsyncError for a broken seal.
        """
        shown = self.shown(connection)
        if not shown.local:
            return shown
        payload = json.loads(self._opened(connection))
        return labelled(replace(resolve(payload["reference"], Settings()), name=shown.name), connection, payload)

    def shown(self, connection: Connection) -> DatabaseUrl:
        """Open a connection's URL to look at it; of an embedded server only the name is known."""
        if connection.sealed == _REMOVED:
            raise ConfigError("this connection was removed", code="NO_SUCH_CONNECTION", hint="name another database")
        payload = json.loads(self._opened(connection))
        name = connection.name or payload["name"]
        if payload["reference"] is not None:
            return labelled(DatabaseUrl(name=name, dbname=payload["reference"], local=True), connection, payload)
        return labelled(database_url(payload["parameters"], name=name), connection, payload)

    def guarded(self, owner: str, url: DatabaseUrl) -> DatabaseUrl:
        """Give a database the guards of the owner's connections to the same place, whatever it was reached by."""
        for saved in self.guards_at(owner, url):
            url = url.guarded_as(saved)
        return url

    def guards_at(self, owner: str, url: DatabaseUrl) -> Sequence[DatabaseUrl]:
        """Return the owner's guarded connections, but this one itself, at the place where ``url`` leads.

        One that cannot be opened now cannot be compared.
        """
        guards: list[DatabaseUrl] = []
        for known in self.list(owner):
            if known.labels.guards and known.id != url.connection_id:
                with suppress(DbsyncError):
                    guards.append(self._at_rest(known))
        return those_at(url, guards)

    def _at_rest(self, connection: Connection) -> DatabaseUrl:
        """A connection's URL as it is now; raises ConfigError for an embedded server that does not run."""
        shown = self.shown(connection)
        if not shown.local:
            return shown
        at = running_local(shown.dbname or "")
        return replace(shown, host=at.host, port=at.port, dbname=at.dbname)

    def resolve(self, owner: str, reference: str) -> DatabaseUrl:
        """Return the database behind a name or an id."""
        return self.url(self.get(owner, reference))

    def forget_unused(self) -> int:
        """Remove unnamed connections that no job refers to any more; return how many."""
        used = sa.select(sa.literal(1)).where(sa.or_(_job.c.source_id == _table.c.id, _job.c.target_id == _table.c.id))
        with self.store.write() as work:
            old = _table.c.updated_at < self.store.now(work) - _UNUSED_FOR_S
            return work.execute(sa.delete(_table).where(_table.c.name.is_(None), old, ~used.exists())).rowcount

    def key_ids(self) -> frozenset[str]:
        """Return the ids of the keys that seal now, or are needed to open a record."""
        with self.store.read() as work:
            needed = sa.select(_table.c.key_id).where(_table.c.sealed != _REMOVED)
            return frozenset(work.scalars(needed.union(sa.select(_sealing.c.key_id))))

    def require_key(self) -> None:
        """Raise ConfigError where this machine has not the key that seals now: a worker would fail every job."""
        with self.store.read() as work:
            sealing = work.scalar(sa.select(_sealing.c.key_id))
        if sealing is not None:
            self.ring.key(str(sealing))

    def reseal(self, key: Key) -> int:
        """Put every record under this key, each in a transaction of its own; return how many were not."""
        others = _table.c.key_id != key.id, _table.c.sealed != _REMOVED
        resealed = 0
        for stale in self._select(*others, order=_table.c.id):
            failpoint("before_record_resealed")
            with self.store.write() as work:
                query = sa.select(_table).where(_table.c.id == stale.id, *others).with_for_update()
                row = work.execute(query).mappings().first()
                if row is None:  # removed or changed since: what is written now is under the new key
                    continue
                now = connection_of(row)
                place = Place(owner=now.owner, id=now.id, version=now.version + 1)
                values = self._sealed(key, self._opened(now), place)
                work.execute(sa.update(_table).where(_table.c.id == now.id).values(values))
            resealed += 1
            failpoint("after_record_resealed")
        return resealed

    def ensure_key(self) -> None:
        """Make sure that the store knows which key seals: the first one used, until it is rotated.

        Two processes that save the first connection agree here, before either of them has sealed anything.
        """
        with self.store.read() as work:
            if work.scalar(sa.select(_sealing.c.key_id)) is not None:
                return
        first = self.ring.first().id
        try:
            with self.store.write() as work:
                if work.scalar(sa.select(_sealing.c.key_id)) is None:
                    work.execute(sa.insert(_sealing).values(slot=1, key_id=first, since=self.store.now(work)))
        except DbsyncError as error:
            if error.code != "STORE_CONFLICT":  # another process was faster, and its key is the one
                raise

    def _sealing_key(self, work: sa.Connection) -> Key:
        """The key that seals now; a rotation waits until this transaction is over."""
        return self.ring.key(str(work.scalar(sa.select(_sealing.c.key_id).with_for_update(read=True))))

    def _sealed(self, key: Key, payload: str, place: Place) -> dict[str, Any]:
        return {"sealed": seal(payload, key=key, place=place), "key_id": key.id, "version": place.version}

    def _opened(self, connection: Connection) -> str:
        place = Place(owner=connection.owner, id=connection.id, version=connection.version)
        return unseal(connection.sealed, key=self.ring.key(connection.key_id), place=place)

    def _unnamed(self, work: sa.Connection, owner: str, payload: str, labels: Labels) -> str | None:
        """The id under which a database that was given in full is kept; None where it is not."""
        query = sa.select(_table).where(_table.c.owner == owner, _table.c.name.is_(None), _table.c.sealed != _REMOVED)
        rows = work.execute(query.order_by(_table.c.created_at.desc()).limit(_UNNAMED_LOOKED_AT)).mappings().all()
        alike = (known for known in map(connection_of, rows) if known.labels == labels)
        return next((known.id for known in alike if self._opened(known) == payload), None)

    def _still_there(self, connection_id: str) -> bool:
        """Whether a record is there, and from now on not one that ``forget_unused`` takes for unused."""
        with self.store.write() as work:
            values = {"updated_at": self.store.now(work)}
            return work.execute(sa.update(_table).where(_table.c.id == connection_id).values(values)).rowcount == 1

    def _insert(
        self, work: sa.Connection, owner: str, name: str | None, payload: str, labels: Labels, given_id: str | None
    ) -> Connection:
        place = Place(owner=owner, id=given_id or str(uuid.uuid4()), version=1)
        now = self.store.now(work)
        values = {"id": place.id, "owner": owner, "name": name, "created_at": now, "updated_at": now}
        values |= columns_of(labels) | self._sealed(self._sealing_key(work), payload, place)
        work.execute(sa.insert(_table).values(values))
        return self._in(work, owner, place.id)

    def _select(self, *conditions: sa.ColumnElement[bool], order: Any = None) -> Iterator[Connection]:
        with self.store.read() as work:
            rows = work.execute(sa.select(_table).where(*conditions).order_by(order)).mappings().all()
        return map(connection_of, rows)

    def _in(self, work: sa.Connection, owner: str, reference: str) -> Connection:
        for column in (_table.c.name, _table.c.id):
            query = sa.select(_table).where(_table.c.owner == owner, column == reference).with_for_update()
            if row := work.execute(query).mappings().first():
                return connection_of(row)
        raise self._not_found(work, owner, reference)

    def _refuse_taken(self, work: sa.Connection, owner: str, name: str) -> None:
        if work.scalar(sa.select(_table.c.id).where(_table.c.owner == owner, _table.c.name == name)) is not None:
            raise ConfigError(
                f"there is a connection named {name!r} already", code="NAME_TAKEN", hint="dbsync connections edit NAME"
            )

    def _not_found(self, work: sa.Connection, owner: str, reference: str) -> ConfigError:
        known = sa.select(_table.c.name).where(_table.c.owner == owner, _table.c.name.is_not(None))
        names = [str(name) for name in work.scalars(known)]
        near = get_close_matches(reference, names, n=3)
        return ConfigError(
            "there is no such connection",
            code="NO_SUCH_CONNECTION",
            hint=f"did you mean {' or '.join(near)}?" if near else "dbsync connections list shows them",
        )
