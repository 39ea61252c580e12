"""How a run is told to stop: by a signal, a time limit or a caller; no I/O happens here.

Work calls ``check`` where it may stop cleanly. Whatever blocks (a running statement) registers a
callback that unblocks it. ``stop`` may be called from a signal handler and from any thread.
"""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from dbsync.errors import DbsyncError, TimeLimit


class Control:
    """One run's stop order and deadline."""

    def __init__(self, *, time_limit: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.started = clock()
        self.deadline: float | None = None
        self.limit(time_limit)
        self._reason: DbsyncError | None = None
        self.aftermath: Callable[[DbsyncError], None] | None = None  # tells the reason what a stop now leaves behind
        self._stopped = threading.Event()
        self._callbacks: list[Callable[[], None]] = []

    def limit(self, seconds: float | None) -> None:
        """Set the deadline to so long after the start, or to none."""
        self.deadline = None if seconds is None else self.started + seconds

    @property
    def reason(self) -> DbsyncError | None:
        """Why the run must stop, or None."""
        return self._reason

    def stop(self, reason: DbsyncError) -> None:
        """Ask the run to stop; the first reason stands. Returns at once."""
        if self._reason is None:
            self._reason = reason
            if self.aftermath is not None:
                self.aftermath(reason)  # here: the process may be cut off before the work can say anything
            # A bare thread: this may run in a signal handler, where taking any lock could deadlock.
            _thread.start_new_thread(self._announce, ())

    def check(self) -> None:
        """Raise the reason to stop (Interrupted, TimeLimit, ...) if there is one."""
        if self._reason is None and self.deadline is not None and self._clock() >= self.deadline:
            self.stop(TimeLimit())
        if self._reason is not None:
            raise self._reason

    def wait(self, seconds: float) -> None:
        """Sleep for so long, or until stopped; then ``check``."""
        if self.deadline is not None:
            seconds = min(seconds, self.deadline - self._clock())
        self._stopped.wait(max(seconds, 0.0))
        self.check()

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self.started

    def remaining(self) -> float | None:
        """Seconds until the deadline (at least 0), or None without one."""
        return None if self.deadline is None else max(self.deadline - self._clock(), 0.0)

    @contextmanager
    def on_stop(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call ``callback`` in another thread when the run is stopped during the block.

        It may be called twice when the stop arrives while it is being registered.
        """
        self._callbacks.append(callback)
        try:
            if self._reason is not None:
                callback()
            yield
        finally:
            self._callbacks.remove(callback)

    def _announce(self) -> None:
        self._stopped.set()
        for callback in list(self._callbacks):
            # A callback that fails (the session it cancels is gone) must not keep the others from
            # running, and nobody could catch what leaves this thread.
            with suppress(Exception):
                callback()
