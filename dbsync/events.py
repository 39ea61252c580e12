"""Facts that happen during a run, and the one function type that carries them to whoever listens.

Emitters never format text; sinks (terminal, log lines, JSON lines) never decide anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from dbsync.model import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events."""

    kind: ClassVar[str] = "event"

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe dict with the event's kind under ``event``."""
        fields = {name: str(value) if isinstance(value, TableName) else value for name, value in self._items()}
        return {"event": self.kind, **fields}

    def _items(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in asdict(self)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReady(Event):
    """The plan is made: how many tables, and estimates of what they hold."""

    kind: ClassVar[str] = "plan_ready"
    run_id: str
    tables: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStarted(Event):
    """A table's copy begins; ``rows`` and ``bytes`` are estimates (-1: unknown)."""

    kind: ClassVar[str] = "table_started"
    table: TableName
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProgress(Event):
    """Rows and bytes streamed since the last such event of the table."""

    kind: ClassVar[str] = "table_progress"
    table: TableName
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePhase(Event):
    """A table enters a phase: copy, index, constraint, verify, wait."""

    kind: ClassVar[str] = "table_phase"
    table: TableName
    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFinished(Event):
    """A table is committed (state done), failed, stopped or skipped.

    ``rows``: those that were inserted; of a comparison, those that were compared.
    """

    kind: ClassVar[str] = "table_finished"
    table: TableName
    state: str
    rows: int
    bytes: int
    elapsed_s: float
    verified: bool
    rows_updated: int = 0
    rows_deleted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """Something worth telling that is not an error."""

    kind: ClassVar[str] = "notice"
    message: str
    table: TableName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementState(Event):
    """A statement of a migration begins (running), waits for a lock once more (retry), or is committed (done)."""

    kind: ClassVar[str] = "statement"
    number: int
    total: int
    sql: str
    state: str
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The run ended with this state."""

    kind: ClassVar[str] = "run_finished"
    run_id: str
    state: str


Emit = Callable[[Event], None]


def silent(event: Event) -> None:
    """Drop the event: the default listener."""


def fan_out(*sinks: Emit) -> Emit:
    """Return an Emit that hands each event to every sink, one event at a time."""
    lock = threading.Lock()

    def emit(event: Event) -> None:
        with lock:
            for sink in sinks:
                sink(event)

    return emit
