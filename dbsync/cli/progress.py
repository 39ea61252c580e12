"""Sinks for events: bars on a terminal, whole lines into a pipe, tqdm in notebooks, raw JSON lines.

Every sink may be called from any thread, and none ever stops a run: a stderr that is closed or broken
only ends the telling. Nothing but whole lines goes into a pipe.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol

from dbsync.cli.journal import Journal
from dbsync.cli.options import GlobalOptions, ProgressChoice
from dbsync.cli.progress_statements import StatementLines
from dbsync.cli.tally import finished_line, run_line
from dbsync.events import Emit, Event, Notice, PlanReady, RunFinished, StatementState, TableFinished
from dbsync.tally import Tally

EVERY_S = 10.0
PARTS = 10


class Display(Protocol):
    """Shows a run while it goes on."""

    def __call__(self, event: Event) -> None:
        """Take an event."""

    def close(self) -> None:
        """Leave the terminal as it was; called more than once."""


class Progress:
    """What a command emits to: the chosen display, the notices, the log file."""

    def __init__(self, options: GlobalOptions, journal: Journal) -> None:
        self._journal = journal
        choice = _choice(options, journal)
        self._display = _display(choice, journal)
        self._statements = StatementLines(journal.progress) if choice not in ("jsonl", "none") else None
        self._log = _FinishedTables(journal.log) if options.log_file else None
        self._lock = threading.Lock()

    def emit(self, event: Event) -> None:
        """Tell an event."""
        with self._lock:
            if isinstance(event, Notice):
                place = f"{event.table}: " if event.table is not None else ""
                self._journal.notice(place + event.message)
            if self._log is not None:
                self._log(event)
            if self._statements is not None and isinstance(event, StatementState):
                self._statements(event)
            else:
                self._display(event)

    def close(self) -> None:
        """End the display."""
        if self._statements is not None:
            self._statements.close()
        self._display.close()


def progress_of(options: GlobalOptions, journal: Journal) -> tuple[Emit, Callable[[], None]]:
    """Return where to emit to, and what ends the display."""
    progress = Progress(options, journal)
    return progress.emit, progress.close


def _choice(options: GlobalOptions, journal: Journal) -> ProgressChoice:
    if options.progress == "rich" and not journal.terminal.interactive:
        return "line"  # bars are drawn with carriage returns, which do not go into a pipe
    if options.progress != "auto":
        return options.progress
    if options.quiet:
        return "none"
    if "ipykernel" in sys.modules:
        return "tqdm"
    return "rich" if journal.terminal.interactive else "line"


def _display(choice: ProgressChoice, journal: Journal) -> Display:
    # rich and tqdm take a while to load: only those who see them wait for it
    if choice == "rich":
        from dbsync.cli.progress_rich import Bars

        return Bars(journal.terminal)
    if choice == "tqdm":
        from dbsync.cli.progress_tqdm import TqdmBar

        return TqdmBar(journal.terminal)
    if choice == "line":
        return Lines(journal.progress)
    if choice == "jsonl":
        return JsonLines(journal.terminal.line)
    return Nothing()


class Nothing:
    """Shows nothing."""

    def __call__(self, event: Event) -> None:
        """Drop the event."""

    def close(self) -> None:
        """Do nothing."""


class JsonLines:
    """Every event as one JSON line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def __call__(self, event: Event) -> None:
        """Write the event."""
        self._write(json.dumps(event.to_dict(), ensure_ascii=False))

    def close(self) -> None:
        """Do nothing."""


class Lines:
    """A line for the whole run each 10 seconds or 10 percent, and one for each table that did not get done."""

    def __init__(
        self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic, every: float = EVERY_S
    ) -> None:
        self._write, self._clock, self._every = write, clock, every
        self._tally = Tally()
        self._lock = threading.Lock()
        self._told_at = clock()
        self._told_part = 0
        self._stop = threading.Event()

    def __call__(self, event: Event) -> None:
        """Take an event; tell when it is time."""
        with self._lock:
            self._tally.add(event, self._clock())
            if isinstance(event, TableFinished) and event.state != "done":
                self._write(finished_line(self._tally.tables[event.table]))
            part = int(self._tally.share * PARTS)
            succeeded = isinstance(event, RunFinished) and event.state == "succeeded"
            if part > self._told_part and (succeeded if part == PARTS else not isinstance(event, RunFinished)):
                self._tell(succeeded=succeeded)
        if isinstance(event, PlanReady):
            threading.Thread(target=self._tick, name="progress", daemon=True).start()
        elif isinstance(event, RunFinished):
            self.close()

    def close(self) -> None:
        """Tell no more."""
        self._stop.set()

    def _tick(self) -> None:
        """Tell also while nothing happens: an index is built, a lock is awaited."""
        while not self._stop.wait(self._every / 20):
            with self._lock:
                if self._clock() - self._told_at >= self._every:
                    self._tell()

    def _tell(self, *, succeeded: bool = False) -> None:
        self._told_at = self._clock()
        self._told_part = min(int(self._tally.share * PARTS), PARTS if succeeded else PARTS - 1)
        self._write(run_line(self._tally, succeeded=succeeded))


class _FinishedTables:
    """For the log file: a line for each table at its end."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._tally = Tally()

    def __call__(self, event: Event) -> None:
        self._tally.add(event, time.monotonic())
        if isinstance(event, TableFinished):
            self._write(finished_line(self._tally.tables[event.table]))
