"""When each caller asked lately, kept in this process: a storage for ``limits``.

The library's own one starts a thread for nearly every request, which costs more than all the rest of a rate limit.
"""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable

from limits.storage import MovingWindowSupport, Storage

_SWEEP_S = 60.0


class Windows(Storage, MovingWindowSupport):
    """For each key the times that still count, the newest last; what counts no more is forgotten.

    A time is eight bytes of an array: as an object each would lie somewhere in the memory of a crowd, and hold it.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._ends: dict[str, array[float]] = {}  # when each request stops to count
        self._swept = clock()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._ends)

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """Nothing can fail here."""
        return ()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` requests, unless they would be more than ``limit`` within ``expiry`` seconds."""
        with self._lock:
            ends = self._counting(key)
            if len(ends) + amount > limit:
                return False
            ends.extend([self._clock() + expiry] * amount)
            self._ends[key] = ends
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest request that counts was made, and how many there are."""
        with self._lock:
            ends = self._counting(key)
            return (ends[0] - expiry if ends else self._clock()), len(ends)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count requests, however many there are."""
        with self._lock:
            ends = self._counting(key)
            ends.extend([self._clock() + expiry] * amount)
            self._ends[key] = ends
            return len(ends)

    def get(self, key: str) -> int:
        """How many requests count."""
        with self._lock:
            return len(self._counting(key))

    def get_expiry(self, key: str) -> float:
        """When the oldest one stops to count."""
        with self._lock:
            ends = self._counting(key)
            return ends[0] if ends else self._clock()

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget everything."""
        with self._lock:
            number = len(self._ends)
            self._ends.clear()
            return number

    def clear(self, key: str) -> None:
        """Forget one key."""
        with self._lock:
            self._ends.pop(key, None)

    def _counting(self, key: str) -> array[float]:
        now = self._clock()
        if now - self._swept > _SWEEP_S:
            self._swept = now
            self._ends = {name: ends for name, ends in self._ends.items() if ends and ends[-1] > now}
        ends = self._ends.get(key)
        if ends is None:
            return array("d")
        if ends and ends[0] <= now:
            del ends[: bisect_right(ends, now)]
        return ends
