"""Lines about the statements of a migration: what waits for a lock, what takes long, how far it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from dbsync.events import StatementState

_WIDEST = 100
_PARTS = 10


class StatementLines:
    """A line for each tenth of the statements, each wait for a lock, and every ten seconds of a long one."""

    def __init__(
        self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic, every: float = 10.0
    ) -> None:
        self._write, self._clock, self._every = write, clock, every
        self._lock = threading.Lock()
        self._running: StatementState | None = None
        self._since = self._told_at = clock()
        self._told_part = 0
        self._stop = threading.Event()
        self._ticking = False

    def __call__(self, event: StatementState) -> None:
        """Take an event."""
        with self._lock:
            if not self._ticking:
                self._ticking = True
                threading.Thread(target=self._tick, name="statements", daemon=True).start()
            if event.state == "running":
                self._running, self._since = event, self._clock()
                return
            self._running = None
            if event.state == "retry":
                self._tell(f"{_numbered(event)} could not have its locks and is tried again: {_short(event.sql)}")
            elif _part(event) > self._told_part and event.number < event.total:
                self._told_part = _part(event)
                self._tell(f"{_numbered(event)} done")

    def close(self) -> None:
        """Tell no more."""
        self._stop.set()

    def _tick(self) -> None:
        while not self._stop.wait(self._every / 20):
            with self._lock:
                running = self._running
                if running is not None and self._clock() - max(self._since, self._told_at) >= self._every:
                    seconds = self._clock() - self._since
                    self._tell(f"{_numbered(running)} runs for {seconds:.0f} s: {_short(running.sql)}")

    def _tell(self, line: str) -> None:
        self._told_at = self._clock()
        self._write(line)


def _numbered(event: StatementState) -> str:
    return f"statement {event.number} of {event.total}"


def _part(event: StatementState) -> int:
    return event.number * _PARTS // event.total


def _short(sql: str) -> str:
    text = " ".join(sql.split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
