"""One tqdm bar for the whole run: a widget in a notebook, a bar on a terminal, lines into a pipe."""

from __future__ import annotations

import sys
import time
from typing import Any

from dbsync.cli.terminal import Terminal, escape
from dbsync.events import Event, PlanReady, RunFinished
from dbsync.tally import Tally

_PIPE_INTERVAL_S = 10.0


class TqdmBar:
    """Counts rows; the table at work stands behind the bar."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._tally = Tally()
        self._bar: Any = None

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self._tally.add(event, time.monotonic())
        if isinstance(event, PlanReady) and self._bar is None:
            self._bar = self._new_bar(event.rows)
        if self._bar is None:
            return
        self._bar.set_postfix_str(escape(", ".join(str(table.name) for table in self._tally.active[:2])), refresh=False)
        rows = self._tally.rows
        if self._bar.total is not None and rows > self._bar.total:
            self._bar.total = rows  # the plan's number was an estimate
        self._bar.update(rows - self._bar.n)
        if isinstance(event, RunFinished):
            if event.state != "succeeded":  # rows that were rolled back are no share of what was to be done
                self._bar.bar_format = "{desc}: " + event.state + ", {n_fmt}{unit} [{elapsed}]"
            self.close()

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _new_bar(self, rows: int) -> Any:
        options: dict[str, Any] = {
            "total": rows if rows > 0 else None,
            "unit": " rows",
            "unit_scale": True,
            "desc": "dbsync",
        }
        if "ipykernel" in sys.modules:
            from tqdm.auto import tqdm as notebook_bar  # a plain bar where widgets are not installed

            return notebook_bar(**options)
        from tqdm.std import tqdm as plain_bar

        interval = 0.1 if self._terminal.interactive else _PIPE_INTERVAL_S
        return plain_bar(
            **options, file=_Stream(self._terminal), mininterval=interval, dynamic_ncols=True,
            maxinterval=max(interval, 10.0),
        )  # fmt: skip


class _Stream:
    """A file for tqdm that never raises, and that turns a carriage return into a new line in a pipe."""

    encoding = "utf-8"

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def write(self, text: str) -> int:
        if not self._terminal.interactive:
            line = text.replace("\r", "").rstrip()
            text = line + "\n" if line else ""
        self._terminal.write(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def fileno(self) -> int:
        return self._terminal.stream.fileno()
