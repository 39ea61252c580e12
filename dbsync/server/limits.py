"""How much of what: requests of each kind a minute for each caller, and a pause for databases that do not answer.

Both are counted in this process; several processes allow several times as much.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter

from dbsync.errors import ConnectionFailed
from dbsync.server.faults import Fault
from dbsync.server.settings import LimitKind
from dbsync.server.windows import Windows
from dbsync.urls import DatabaseUrl

_OPENS_AFTER = 5
_REST_S = 30.0
_MOST_REMEMBERED = 10_000
# A wrong password or name is no sign of a database that is down.
_DOWN = ("resolve", "tcp", "tls", "connect")
_Address = tuple[str | None, int | None, str | None]


class RateLimits:
    """A sliding minute for each caller and kind of request."""

    def __init__(self, most: Mapping[LimitKind, int]) -> None:
        self._items = {kind: RateLimitItemPerMinute(number) for kind, number in most.items()}
        self._limiter = MovingWindowRateLimiter(Windows())

    def take(self, kind: LimitKind, owner: str) -> dict[str, str]:
        """Count a request and return the headers of its reply. Raises Fault 429."""
        item = self._items[kind]
        allowed = self._limiter.hit(item, kind, owner)
        stats = self._limiter.get_window_stats(item, kind, owner)
        now = time.time()
        # So many seconds until the next one is let through.
        wait = max(1, math.ceil(stats.reset_time - now))
        headers = {
            "X-RateLimit-Limit": str(item.amount),
            "X-RateLimit-Remaining": str(max(0, stats.remaining)),
            "X-RateLimit-Reset": str(math.ceil(now) + (60 if allowed else wait)),
        }
        if allowed:
            return headers
        raise Fault(
            429,
            "Too many requests",
            headers=headers | {"Retry-After": str(wait)},
            retryAfter=wait,
            message=f"Rate limit exceeded. Please wait {wait} seconds before trying again.",
        )


class DatabaseResting(ConnectionFailed):
    """The database did not answer several times in a row, so it is left alone for a while."""

    code = "RESTING"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = "RESTING"


class Breakers:
    """A pause for each database that failed to answer several times in a row; one attempt ends or renews it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[_Address, tuple[int, float]] = {}

    def require_awake(self, url: DatabaseUrl) -> None:
        """Raise DatabaseResting while the database rests."""
        with self._lock:
            count, until = self._failures.get(_address(url), (0, 0.0))
        left = until - self._clock()
        if count >= _OPENS_AFTER and left > 0:
            raise DatabaseResting(
                f"{url.name} did not answer {count} times in a row; it is tried again in {math.ceil(left)} s"
            )

    @contextmanager
    def guarded(self, url: DatabaseUrl) -> Iterator[None]:
        """Let the block dial, and learn from it. Raises DatabaseResting instead while the database rests."""
        self.require_awake(url)
        place = _address(url)
        with self._lock:
            count, _ = self._failures.get(place, (0, 0.0))
            if count >= _OPENS_AFTER:  # this one tries, the others wait
                self._failures[place] = (count, self._clock() + _REST_S)
        try:
            yield
        except ConnectionFailed as error:
            if error.phase in _DOWN:
                self._failed(place)
            raise
        with self._lock:
            self._failures.pop(place, None)

    def _failed(self, place: _Address) -> None:
        with self._lock:
            if len(self._failures) >= _MOST_REMEMBERED:
                self._failures.clear()
            count, _ = self._failures.get(place, (0, 0.0))
            self._failures[place] = (count + 1, self._clock() + _REST_S)


def _address(url: DatabaseUrl) -> _Address:
    return url.host, url.port, url.dbname
