"""Memory that is free goes back to the system: a crowd of clients must not cost it for good.

What refers to itself in a circle (a connection, its request, its task) is free only when Python has looked for it, and
glibc gives each of many threads a heap of its own and keeps what it has.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # M_ARENA_MAX, M_MMAP_THRESHOLD in malloc.h
_HEAPS = 1  # threads take turns in Python anyway
_LARGE = 128 * 1024  # has pages of its own, which are given back at once; set, it stays so


def limit_heaps() -> None:
    """Let all threads share a few heaps; call it before there are any."""
    if (adjust := _function("mallopt")) is not None:
        adjust(_ARENA_MAX, _HEAPS)
        adjust(_MMAP_THRESHOLD, _LARGE)


def keep_for_good() -> None:
    """Let Python no more look for circles in what is there now: the program itself, a hundred times all the rest.

    In what comes it does look, though ``dbsync.cli.main`` has told it not to: a server that never rests has no other
    time for that than while it serves.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # it looks at all of what is new when that is a quarter more than the last time, which was the program
    gc.enable()


class Returns:
    """Gives free memory back when a burst is over."""

    def __init__(self) -> None:
        self._trim = _function("malloc_trim")
        self._served = 0
        self._seen = self._returned = 0

    def count(self) -> None:
        """Note a request."""
        self._served += 1

    def sweep(self) -> None:
        """Give back what is free, if nothing was asked since the last time."""
        resting, self._seen = self._served == self._seen, self._served
        if not resting or self._returned == self._served:
            return
        self._returned = self._served
        gc.collect()
        if self._trim is not None:
            self._trim(0)


def _function(name: str) -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name)  # type: ignore[no-any-return]  # whatever the library has
    except (OSError, AttributeError):  # musl has neither
        return None
