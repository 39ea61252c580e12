"""Bars on a terminal: the run, and each table that is being worked on; finished tables stay as lines."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import IO, Any, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from dbsync.cli.tables import humane_size, humane_time
from dbsync.cli.tally import finished_line, rows_of
from dbsync.cli.terminal import Terminal, escape
from dbsync.events import Event, PlanReady, RunFinished, TableFinished
from dbsync.model import TableName
from dbsync.tally import TableTally, Tally

_MOST_BARS = 8
_NAME_WIDTH = 24


class Bars:
    """Draws with rich; what else is told meanwhile appears above the bars."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._console = Console(
            file=cast(IO[str], _Stream(terminal)), force_terminal=True, no_color=not terminal.color, highlight=False,
            soft_wrap=True,
        )  # fmt: skip
        self._progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=24),
            TextColumn("{task.fields[facts]}", markup=False), console=self._console, transient=True,
            refresh_per_second=5, redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        self._tally = Tally()
        self._run: TaskID | None = None
        self._tasks: dict[TableName, TaskID] = {}
        self._drawn = 0.0

    def __call__(self, event: Event) -> None:
        """Take an event and draw."""
        now = time.monotonic()
        self._tally.add(event, now)
        if isinstance(event, PlanReady) and self._run is None:
            self._run = self._progress.add_task("all tables".ljust(_NAME_WIDTH), total=1.0, facts="")
            self._terminal.divert(self._above)
            self._progress.start()
        if isinstance(event, TableFinished):
            self._finish(self._tally.tables[event.table])
        if isinstance(event, RunFinished):
            self.close()
        elif now - self._drawn >= 0.1 or isinstance(event, TableFinished):
            self._drawn = now
            self._draw()

    def close(self) -> None:
        """Take the bars away and give the terminal back."""
        if self._run is not None:
            self._run = None
            with suppress(OSError, ValueError):
                self._progress.stop()
            self._terminal.divert(None)

    def _draw(self) -> None:
        if self._run is None:
            return
        for table in self._tally.active[:_MOST_BARS]:
            if table.name not in self._tasks:
                self._tasks[table.name] = self._progress.add_task(_name(table.name), total=1.0, facts="")
            self._progress.update(self._tasks[table.name], completed=table.share, facts=_facts(table))
        left = self._tally.seconds_left()
        facts = [
            f"{int(self._tally.share * 100):3d} %",
            rows_of(self._tally.rows, self._tally.expected),
            f"{humane_size(self._tally.bytes_per_second())}/s",
            humane_time(left) if left is not None else "",
        ]
        self._progress.update(self._run, completed=self._tally.share, facts="  ".join(filter(None, facts)))

    def _finish(self, table: TableTally) -> None:
        task = self._tasks.pop(table.name, None)
        if task is not None:
            self._progress.remove_task(task)
        self._above(escape(finished_line(table)) + "\n")

    def _above(self, text: str) -> None:
        """Print whole lines above the bars; they may hold colours of our own."""
        self._console.print(Text.from_ansi(text.rstrip("\n")))


def _name(name: TableName) -> str:
    text = escape(str(name))
    return (text if len(text) <= _NAME_WIDTH else text[: _NAME_WIDTH - 1] + "…").ljust(_NAME_WIDTH)


def _facts(table: TableTally) -> str:
    if table.phase != "copy":
        return table.phase
    return f"{int(table.share * 100):3d} %  {rows_of(table.rows, table.expected)}  {humane_size(table.bytes)}"


class _Stream:
    """A file for rich that writes past the diversion and never raises."""

    encoding = "utf-8"

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def write(self, text: str) -> int:
        self._terminal.write_directly(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._terminal.stream, name)
