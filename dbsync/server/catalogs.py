"""What databases hold, remembered for a moment: a page of rows needs the structure, and reading that takes longest.

A table's remembered structure is used only while the table's stamp says that it has not changed since.
"""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dbsync.model import Catalog
from dbsync.pg import runs
from dbsync.pg.database import Session
from dbsync.pg.round_trips import Question
from dbsync.pg.sql import load
from dbsync.pg.text_rows import fetch_text
from dbsync.server.faults import Fault
from dbsync.server.names import table_named
from dbsync.urls import DatabaseUrl

# Rights and views have no stamp.
KEPT_S = 30.0
# What was read by many at a time, as after a start, must not be read anew by all of them at a time.
_SPREAD_S = KEPT_S / 2
# While one request reads anew, others need not wait for it.
_LAST_S = 2 * KEPT_S
_MOST_TABLES = 20_000  # in all
_STAMP = load("sync")["stamps"].replace("%s", "ARRAY[$1]")
# Who inherits from a table: then no key of its own tells its rows apart.
_HEIRS = (
    "SELECT pg_catalog.string_agg(i.inhrelid::pg_catalog.text, ',' ORDER BY i.inhrelid)"
    " FROM pg_catalog.pg_inherits i WHERE i.inhparent = $1::pg_catalog.oid"
)
_ALL_HEIRS = (
    "SELECT i.inhparent, pg_catalog.string_agg(i.inhrelid::pg_catalog.text, ',' ORDER BY i.inhrelid)"
    " FROM pg_catalog.pg_inherits i GROUP BY i.inhparent"
)


@dataclass(frozen=True, slots=True)
class _Known:
    catalog: Catalog
    stamps: Mapping[int, str]
    heirs: Mapping[int, str]
    since: float


@dataclass(slots=True)
class _Entry:
    """One database as one role sees it; ``reading``: one request at a time reads it anew."""

    known: _Known | None = None
    reading: threading.Lock = field(default_factory=threading.Lock)


class Catalogs:
    """The structures that were read last; each way to reach a database, its role included, has its own."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock, self._chance = clock, chance
        self._lock = threading.Lock()
        self._entries: OrderedDict[DatabaseUrl, _Entry] = OrderedDict()

    def of_table(self, url: DatabaseUrl, table: str) -> Callable[[Session], Catalog]:
        """Return what reads the structure for a look at this table, in a session's snapshot."""

        def read(session: Session) -> Catalog:
            entry = self._entry(url)
            if (catalog := self._held(entry, KEPT_S, table, session)) is not None:
                return catalog
            if not entry.reading.acquire(blocking=False):
                if (catalog := self._held(entry, _LAST_S, table, session)) is not None:
                    return catalog
                entry.reading.acquire()
            try:
                # Whoever was waited for has read it, perhaps.
                return self._held(entry, KEPT_S, table, session) or self._read(url, entry, session)
            finally:
                entry.reading.release()

        return read

    def questions(self, url: DatabaseUrl, table: str) -> tuple[Question, ...]:
        """What ``of_table`` is going to ask, as far as that is known before."""
        known = self._entry(url).known
        oid = _stamped(known, table) if known is not None else None
        if oid is None:
            return ()
        return tuple(Question(text.encode(), (str(oid).encode(),), again=True) for text in (_STAMP, _HEIRS))

    def fresh(self, url: DatabaseUrl) -> Callable[[Session], Catalog]:
        """Return what reads the structure anew, for a look at all of it."""
        return lambda session: self._read(url, self._entry(url), session)

    def sweep(self) -> None:
        """Forget what has not been read for a while."""
        now = self._clock()
        with self._lock:
            late = [url for url, one in self._entries.items() if not one.known or now - one.known.since > _LAST_S]
            for url in late:
                del self._entries[url]

    def _entry(self, url: DatabaseUrl) -> _Entry:
        with self._lock:
            return self._entries.setdefault(url, _Entry())

    def _read(self, url: DatabaseUrl, entry: _Entry, session: Session) -> Catalog:
        since = self._clock()  # before it is read: what changes meanwhile is no newer
        catalog, stamps = runs.reflect_stamped(session)
        heirs = dict(session.execute(_ALL_HEIRS))
        with self._lock:
            entry.known = _Known(catalog, stamps, heirs, since - self._chance() * _SPREAD_S)
            self._entries[url] = entry
            self._entries.move_to_end(url)
            while len(self._entries) > 1 and sum(map(_size, self._entries.values())) > _MOST_TABLES:
                self._entries.popitem(last=False)
        return catalog

    def _held(self, entry: _Entry, kept_s: float, table: str, session: Session) -> Catalog | None:
        """The remembered structure, if it is young enough and the table is today as it was."""
        known = entry.known
        if known is None or self._clock() - known.since > kept_s:
            return None
        oid = _stamped(known, table)
        if oid is None:
            return None  # it may have been made since
        table_is = fetch_text(session, _STAMP, [str(oid)]) == ((str(oid), known.stamps[oid]),)
        heirs_are = fetch_text(session, _HEIRS, [str(oid)]) == ((known.heirs.get(oid),),)
        return known.catalog if table_is and heirs_are else None


def _stamped(known: _Known, table: str) -> int | None:
    """The table of that name, if it is one that has a stamp."""
    try:
        found = table_named(table, known.catalog)
    except Fault:
        return None
    return found.oid if found.oid in known.stamps else None


def _size(entry: _Entry) -> int:
    return len(entry.known.catalog.tables) + 1 if entry.known is not None else 1
