"""What a run's events add up to: rows, bytes, rate and time left, for each table and for all. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from dbsync.events import Event, PlanReady, TableFinished, TablePhase, TableProgress, TableStarted
from dbsync.model import TableName

_SHORTEST_S = 0.5  # less says nothing yet
_WINDOW_S = 15.0  # the rate is that of the last seconds: a run's tables differ


@dataclass(slots=True)
class TableTally:
    """One table so far; ``expected`` rows are an estimate, 0 when unknown."""

    name: TableName
    expected: int = 0
    expected_bytes: int = 0
    rows: int = 0
    bytes: int = 0
    phase: str = "wait"
    state: str = ""  # set when it is finished
    elapsed_s: float = 0.0
    verified: bool = False

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1; an estimate never says 1, nor does what failed or was stopped."""
        if self.state == "done":
            return 1.0
        return _share(self.rows, self.expected, self.bytes, self.expected_bytes)


@dataclass(slots=True)
class Tally:
    """The whole run so far."""

    expected_tables: int = 0
    expected: int = 0
    expected_bytes: int = 0
    tables: dict[TableName, TableTally] = field(default_factory=dict)
    _samples: deque[tuple[float, int, int]] = field(default_factory=deque)

    def add(self, event: Event, now: float) -> None:
        """Take an event into account."""
        if isinstance(event, PlanReady):
            self.expected_tables = event.tables
            self.expected, self.expected_bytes = max(event.rows, 0), max(event.bytes, 0)
        elif isinstance(event, TableStarted):
            # also when a table begins anew: what was streamed before was rolled back
            self.tables[event.table] = TableTally(
                event.table, max(event.rows, 0), max(event.bytes, 0), phase="copy", elapsed_s=0.0
            )
        elif isinstance(event, TableProgress):
            table = self._table(event.table)
            table.rows += event.rows
            table.bytes += event.bytes
        elif isinstance(event, TablePhase):
            self._table(event.table).phase = event.phase
        elif isinstance(event, TableFinished):
            self._finish(event)
        self._sample(now)

    @property
    def rows(self) -> int:
        """Rows streamed."""
        return sum(table.rows for table in self.tables.values())

    @property
    def bytes(self) -> int:
        """Bytes streamed."""
        return sum(table.bytes for table in self.tables.values())

    @property
    def finished(self) -> int:
        """Tables that are finished."""
        return sum(bool(table.state) for table in self.tables.values())

    @property
    def share(self) -> float:
        """How much of the run is done, from 0 to 1, which it is only if every table is done."""
        if self._is_over and all(table.state == "done" for table in self.tables.values()):
            return 1.0
        return _share(self.rows, self.expected, self.bytes, self.expected_bytes)

    @property
    def _is_over(self) -> bool:
        return bool(self.expected_tables) and self.finished >= self.expected_tables

    @property
    def active(self) -> list[TableTally]:
        """Tables that are begun and not finished, in the order of their beginning."""
        return [table for table in self.tables.values() if not table.state]

    def bytes_per_second(self) -> float:
        """The rate of the last seconds."""
        return self._rate(2)

    def seconds_left(self) -> float | None:
        """How long the rest will take, or None where nobody can tell, and where nothing more is done."""
        if self._is_over or any(table.state == "stopped" for table in self.tables.values()):
            return None
        done, expected, column = (
            (self.rows, self.expected, 1) if self.expected else (self.bytes, self.expected_bytes, 2)
        )
        rate = self._rate(column)
        return (expected - done) / rate if rate > 0 and expected > done else None

    def _rate(self, column: int) -> float:
        if len(self._samples) < 2:
            return 0.0
        first, last = self._samples[0], self._samples[-1]
        seconds = last[0] - first[0]
        return (last[column] - first[column]) / seconds if seconds >= _SHORTEST_S else 0.0

    def _table(self, name: TableName) -> TableTally:
        return self.tables.setdefault(name, TableTally(name))

    def _finish(self, event: TableFinished) -> None:
        table = self._table(event.table)
        table.state, table.verified, table.elapsed_s = event.state, event.verified, event.elapsed_s
        if event.state == "done":
            table.rows, table.bytes = event.rows, event.bytes

    def _sample(self, now: float) -> None:
        if self._samples and now - self._samples[-1][0] < 0.25:
            return
        self._samples.append((now, self.rows, self.bytes))
        while now - self._samples[0][0] > _WINDOW_S:
            self._samples.popleft()


def _share(rows: int, expected: int, size: int, expected_bytes: int) -> float:
    if expected > 0:
        return min(rows / expected, 0.99)
    return min(size / expected_bytes, 0.99) if expected_bytes > 0 else 0.0
