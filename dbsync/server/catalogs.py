"""What databases hold, remembered for a moment: a page of rows needs the structure, and reading that takes longest.

A table's remembered structure is used only while the table's stamp says that it has not changed since.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dbsync.model import Catalog
from dbsync.pg import runs
from dbsync.pg.database import Session
from dbsync.server.faults import Fault
from dbsync.server.names import table_named
from dbsync.urls import DatabaseUrl

_KEPT_S = 10.0  # rights and views have no stamp
_MOST = 32


@dataclass(frozen=True, slots=True)
class _Known:
    catalog: Catalog
    stamps: Mapping[int, str]
    since: float


class Catalogs:
    """The structures that were read last; each way to reach a database, its role included, has its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[DatabaseUrl, _Known] = OrderedDict()

    def of_table(self, url: DatabaseUrl, table: str) -> Callable[[Session], Catalog]:
        """Return what reads the structure for a look at this table, in a session's snapshot."""

        def read(session: Session) -> Catalog:
            with self._lock:
                known = self._known.get(url)
            if known is not None and self._holds(known, table, session):
                return known.catalog
            return self._read(url, session)

        return read

    def fresh(self, url: DatabaseUrl) -> Callable[[Session], Catalog]:
        """Return what reads the structure anew, for a look at all of it."""
        return lambda session: self._read(url, session)

    def _read(self, url: DatabaseUrl, session: Session) -> Catalog:
        catalog, stamps = runs.reflect_stamped(session)
        with self._lock:
            self._known[url] = _Known(catalog, stamps, self._clock())
            self._known.move_to_end(url)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return catalog

    def _holds(self, known: _Known, table: str, session: Session) -> bool:
        if self._clock() - known.since > _KEPT_S:
            return False
        try:
            found = table_named(table, known.catalog)
        except Fault:
            return False  # it may have been made since
        return runs.stamps(session, [found.oid]).get(found.oid, "") == known.stamps.get(found.oid)
