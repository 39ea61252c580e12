"""What tables look like, remembered for a moment: a page of rows needs that, and reading it takes longest.

What is remembered of a table is used only while its stamp says that it has not changed since. It is shared by all who
reach the same database at the same address as the same role with the same password: each could read the same.
"""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from dbsync.errors import ConfigError
from dbsync.model import Catalog, Table, TableName
from dbsync.pg.database import Session
from dbsync.pg.reflect import reflect
from dbsync.pg.reflect_table import reflect_table
from dbsync.pg.round_trips import Question
from dbsync.pg.runs import STAMPS
from dbsync.pg.sql import load
from dbsync.pg.text_rows import TextRow, fetch_answer
from dbsync.urls import DatabaseUrl

# Rights and views have no stamp.
KEPT_S = 30.0
# What was read by many at a time, as after a start, must not be read anew by all of them at a time.
_SPREAD_S = KEPT_S / 2
# While one request reads anew, others need not wait for it.
_LAST_S = 2 * KEPT_S
_MOST_COLUMNS = 20_000  # in all, of about 1 kB each
_STAMP = STAMPS.replace("%s", "ARRAY[$1]")
# Who inherits from a table: then no key of its own tells its rows apart.
_HEIRS = (
    "SELECT pg_catalog.string_agg(i.inhrelid::pg_catalog.text, ',' ORDER BY i.inhrelid)"
    " FROM pg_catalog.pg_inherits i WHERE i.inhparent = $1::pg_catalog.oid"
)
_PLAIN_STAMP = load("one_table")["plain_stamp"]
_FIRST_OF_USERS = 16384  # the oids of all that a server does not come with
_STAMPED = ("table", "partitioned")
_NO_NAME = TableName("", "")

_Key = tuple[DatabaseUrl, TableName]
_Stamp = tuple[tuple[TextRow, ...], ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """A table as it was read, its stamp of that moment, and since when that holds."""

    catalog: Catalog
    questions: tuple[Question, ...]
    columns: int
    stamp: _Stamp
    since: float


@dataclass(slots=True)
class _Entry:
    """One table as one role sees it; ``reading``: one request at a time reads it anew."""

    known: _Known | None = None
    reading: threading.Lock = field(default_factory=threading.Lock)


class Catalogs:
    """The tables that were read last; each way to reach a database, its role included, has its own."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock, self._chance = clock, chance
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()

    def of_table(self, url: DatabaseUrl, table: str) -> Callable[[Session], Catalog]:
        """Return what reads this table for a look at its rows, in a session's snapshot; see ``reflect_table``."""
        key = _key(url, table)

        def read(session: Session) -> Catalog:
            entry = self._entry(key)
            if (catalog := self._held(entry, KEPT_S, session)) is not None:
                return catalog
            if not entry.reading.acquire(blocking=False):
                if (catalog := self._held(entry, _LAST_S, session)) is not None:
                    return catalog
                entry.reading.acquire()
            try:
                # Whoever was waited for has read it, perhaps.
                return self._held(entry, KEPT_S, session) or self._read(key, entry, session)
            finally:
                entry.reading.release()

        return read

    def questions(self, url: DatabaseUrl, table: str) -> tuple[Question, ...]:
        """What ``of_table`` is going to ask, as far as that is known before."""
        known = self._entry(_key(url, table)).known
        return known.questions if known is not None else ()

    def whole(self, session: Session) -> Catalog:
        """Read all that a database holds; nothing of it is remembered."""
        return reflect(session, inspector=False)

    def sweep(self) -> None:
        """Forget what has not been read for a while."""
        now = self._clock()
        with self._lock:
            late = [key for key, one in self._entries.items() if not one.known or now - one.known.since > _LAST_S]
            for key in late:
                del self._entries[key]

    def _entry(self, key: _Key) -> _Entry:
        with self._lock:
            return self._entries.setdefault(key, _Entry())

    def _read(self, key: _Key, entry: _Entry, session: Session) -> Catalog:
        since = self._clock()  # before it is read: what changes meanwhile is no newer
        catalog = reflect_table(session, key[1])
        table = catalog.tables.get(key[1])
        if table is None or table.kind not in _STAMPED:
            return catalog
        questions = _questions(table)
        stamp = _stamp(session, questions)
        with self._lock:
            since -= self._chance() * _SPREAD_S
            entry.known = _Known(catalog, questions, len(table.columns), stamp, since)
            self._entries[key] = entry
            self._entries.move_to_end(key)
            while len(self._entries) > 1 and sum(map(_size, self._entries.values())) > _MOST_COLUMNS:
                self._entries.popitem(last=False)
        return catalog

    def _held(self, entry: _Entry, kept_s: float, session: Session) -> Catalog | None:
        """What is remembered, if it is young enough and the table is today as it was."""
        known = entry.known
        if known is None or self._clock() - known.since > kept_s:
            return None
        return known.catalog if _stamp(session, known.questions) == known.stamp else None


def _key(url: DatabaseUrl, table: str) -> _Key:
    """How a database is reached and as whom, without what it is called here; and the table that is meant."""
    reach = replace(
        url, name="", environment=None, protected=False, read_only=False, configured_as=None, connection_id=None
    )
    with suppress(ConfigError):
        return reach, TableName.parse(table)
    return reach, _NO_NAME


def _questions(table: Table) -> tuple[Question, ...]:
    """What tells whether a table has changed. Without a parameter: with one, a session plans the first five anew."""
    plain = table.kind == "table" and all(column.type.oid < _FIRST_OF_USERS for column in table.columns)
    texts = (_PLAIN_STAMP,) if plain else (_STAMP, _HEIRS)
    return tuple(Question(text.replace("$1", str(table.oid)).encode(), again=True) for text in texts)


def _stamp(session: Session, questions: Sequence[Question]) -> _Stamp:
    return tuple(fetch_answer(session, question) for question in questions)


def _size(entry: _Entry) -> int:
    return entry.known.columns + 1 if entry.known is not None else 1
