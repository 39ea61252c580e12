"""Sessions that wait between requests: reaching a database takes longer than most questions to it.

They read only. Each is one owner's and for one exact URL, is lent to one request at a time, and comes back only from a
transaction that ended well; nothing that a request sets outlives its transaction.

Few are opened at a time: opening one takes as much work as several pages, and of many that are opened together the
first is ready no sooner than the last, while all who are served by others wait as well.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from dbsync.errors import DbsyncError
from dbsync.pg.database import Session
from dbsync.pg.round_trips import GatheringSession, Question
from dbsync.urls import DatabaseUrl

# Short: an idle session keeps others from dropping the database, and a host from putting it to sleep.
IDLE_S = 4.0
# What a server decides when a session begins (passwords, settings of roles) holds after so long.
LONGEST_S = 60.0
# Those that were opened together must not end together.
_SPREAD_S = LONGEST_S / 4
# For the same role in the same database. Short, as one that does not answer takes longer than this: whoever has waited
# opens a session whatever the others do.
AT_ONCE = 2
PATIENCE_S = 0.1
# Where the fastest took longer than this, it is the way that takes long, not the work (10 to 20 ms): nobody waits.
FAR_S = 0.08
_MOST_PLACES = 1000
MOST = 48
MOST_EACH = 8


_Place = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Who reaches which database how: the password and the checked addresses are parts of the URL."""

    owner: str
    url: DatabaseUrl


@dataclass(slots=True, eq=False)
class _Kept:
    """One session, and when it was opened and last used."""

    reach: Reach
    session: GatheringSession
    opened_at: float
    used_at: float
    wanted: bool = True  # False: it is closed when it comes back


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that waits for a session that comes back, or for its turn to open one."""

    reach: Reach
    served: threading.Event = field(default_factory=threading.Event)
    kept: _Kept | None = None  # None when it is served: it is its turn


class IdleSessions:
    """Lends sessions and keeps a few of those that come back."""

    def __init__(
        self,
        dial: Callable[[DatabaseUrl], Session],
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._dial = dial
        self._clock, self._chance = clock, chance
        self._lock = threading.Lock()
        self._opening: Counter[_Place] = Counter()
        self._fastest: dict[_Place, float] = {}
        self._waiting: list[_Waiting] = []  # the one that waits longest first
        self._idle: OrderedDict[_Kept, None] = OrderedDict()  # the one that waits longest first
        self._lent: set[_Kept] = set()
        self._closed = False

    @contextmanager
    def snapshot(self, owner: str, url: DatabaseUrl, ahead: Sequence[Question] = ()) -> Iterator[Session]:
        """Lend a session for the block, in one read-only snapshot. Whatever goes wrong in the block closes it.

        ``ahead``: what will be asked in it anyway; the answers come with the beginning.
        """
        kept = self._begun(Reach(owner=owner, url=url), ahead)
        try:
            yield kept.session
            kept.wanted = kept.session.usable and kept.wanted  # nobody has swallowed an error
            kept.session.end()
        except BaseException:
            kept.wanted = False
            raise
        finally:
            self._give_back(kept)

    def forget(self, connection_id: str) -> None:
        """Close what a saved connection has opened: it was changed or removed."""
        self._drop(lambda kept: kept.reach.url.connection_id == connection_id)

    def sweep(self) -> None:
        """Close what has waited or lived for too long."""
        now = self._clock()
        with self._lock:
            late = [kept for kept in self._idle if not self._is_fresh(kept, now)]
            for kept in late:
                del self._idle[kept]
        _close(late)

    def close(self) -> None:
        """Close all of them, those that are lent when they come back; from now on none is kept."""
        with self._lock:
            self._closed = True
        self._drop(lambda _: True)

    def _begun(self, reach: Reach, ahead: Sequence[Question]) -> _Kept:
        """A session in a new transaction. BEGIN finds out whether one that has waited is still alive."""
        while (kept := self._taken(reach)) is not None:
            try:
                kept.session.begin(ahead)
            except DbsyncError:  # the server has ended it; nobody has seen an answer yet, so another one is as good
                kept.wanted = False
                self._give_back(kept)
                continue
            return kept
        try:
            return self._opened(reach, ahead)
        finally:
            self._end_turn(_place(reach))

    def _opened(self, reach: Reach, ahead: Sequence[Question]) -> _Kept:
        started = time.monotonic()
        session = GatheringSession(self._dial(reach.url))
        now = self._clock()
        kept = _Kept(reach, session, opened_at=now - self._chance() * _SPREAD_S, used_at=now)
        with self._lock:
            self._lent.add(kept)
        try:
            session.begin(ahead)
        except BaseException:
            kept.wanted = False
            self._give_back(kept)
            raise
        self._note(_place(reach), time.monotonic() - started)
        return kept

    def _note(self, place: _Place, took: float) -> None:
        with self._lock:
            if len(self._fastest) >= _MOST_PLACES:
                self._fastest.clear()
            self._fastest[place] = min(took, self._fastest.get(place, took))

    def _taken(self, reach: Reach) -> _Kept | None:
        """The one that was used last, so that others can end; None: it is this request's turn to open one.

        While others open theirs it waits for a moment. Who waits longest is served first.
        """
        now, place = self._clock(), _place(reach)
        with self._lock:
            found = next((kept for kept in reversed(self._idle) if kept.reach == reach), None)
            if found is not None and self._is_fresh(found, now):
                del self._idle[found]
                self._lent.add(found)
                return found
            if self._opening[place] < AT_ONCE or self._fastest.get(place, 0.0) > FAR_S:
                self._opening[place] += 1
                return None
            waiting = _Waiting(reach)
            self._waiting.append(waiting)
        waiting.served.wait(PATIENCE_S)
        with self._lock:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
                self._opening[place] += 1
            return waiting.kept

    def _end_turn(self, place: _Place) -> None:
        """A session was opened, or could not be: the turn is the next one's."""
        with self._lock:
            self._opening[place] -= 1
            if self._opening[place] < AT_ONCE:
                following = next((one for one in self._waiting if _place(one.reach) == place), None)
                if following is not None:
                    self._opening[place] += 1
                    self._waiting.remove(following)
                    following.served.set()
            if not self._opening[place]:
                del self._opening[place]

    def _give_back(self, kept: _Kept) -> None:
        kept.session.notices.clear()
        kept.used_at = self._clock()
        over = []
        with self._lock:
            if self._closed or not kept.wanted or not kept.session.at_rest or not self._is_fresh(kept, kept.used_at):
                self._lent.discard(kept)
                over.append(kept)
            elif (waiting := next((one for one in self._waiting if one.reach == kept.reach), None)) is not None:
                self._waiting.remove(waiting)
                waiting.kept = kept
                waiting.served.set()
            else:
                self._lent.discard(kept)
                self._idle[kept] = None
                same = [other for other in self._idle if other.reach == kept.reach]
                over += same[: max(0, len(same) - MOST_EACH)]
                over += list(self._idle)[: max(0, len(self._idle) - MOST)]
                for each in over:
                    self._idle.pop(each, None)
        _close(over)

    def _drop(self, which: Callable[[_Kept], bool]) -> None:
        with self._lock:
            dropped = [kept for kept in self._idle if which(kept)]
            for kept in dropped:
                del self._idle[kept]
            for kept in self._lent:
                kept.wanted = kept.wanted and not which(kept)
        _close(dropped)

    def _is_fresh(self, kept: _Kept, now: float) -> bool:
        return now - kept.used_at <= IDLE_S and now - kept.opened_at <= LONGEST_S


def _place(reach: Reach) -> _Place:
    """Where sessions are opened, whoever asks: the same work of the same server."""
    url = reach.url
    return url.addresses, url.host, url.port, url.dbname, url.user


def _close(sessions: list[_Kept]) -> None:
    for kept in dict.fromkeys(sessions):
        kept.session.close()
