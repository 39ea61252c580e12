"""PURE: what a comparison of rows found, per table and in all, with samples of rows that differ; and of sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dbsync.data.sequences import SequenceState
from dbsync.data.units import Skipped
from dbsync.errors import DbsyncError
from dbsync.model import TableName, quote_identifier

Level = Literal["count", "checksum", "full"]
ComparedState = Literal["same", "differs", "not_compared"]
RowKind = Literal["only_in_source", "only_in_target", "different"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """One row that differs: its key, and for the columns that differ the target's and the source's text.

    A row that only one side has shows all its columns on that side.
    """

    kind: RowKind
    key: Mapping[str, str | None]
    before: Mapping[str, str | None] = field(default_factory=dict)  # as the target has it
    after: Mapping[str, str | None] = field(default_factory=dict)  # as the source has it

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-safe data."""
        return {"kind": self.kind, "key": dict(self.key), "before": dict(self.before), "after": dict(self.after)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableComparison:
    """One table compared. Counts that the level did not ask for, or that no key allows, are None."""

    source: TableName
    target: TableName
    state: ComparedState
    level: Level
    reason: str  # how it was compared, or why it was not
    key: tuple[str, ...] = ()  # the columns that rows were matched by; () by whole rows
    source_rows: int | None = None
    target_rows: int | None = None
    only_in_source: int | None = None
    only_in_target: int | None = None
    different: int | None = None
    samples: tuple[RowDifference, ...] = ()
    elapsed_s: float = 0.0
    error: DbsyncError | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the table's entry of the result."""
        return {
            "table": str(self.target),
            "source_table": str(self.source),
            "same": {"same": True, "differs": False, "not_compared": None}[self.state],
            "state": self.state,
            "level": self.level,
            "reason": self.reason,
            "key": list(self.key),
            "source_rows": self.source_rows,
            "target_rows": self.target_rows,
            "only_in_source": self.only_in_source,
            "only_in_target": self.only_in_target,
            "different": self.different,
            "samples": [sample.to_dict() for sample in self.samples],
            "elapsed_s": round(self.elapsed_s, 3),
            "error": self.error.to_dict() if self.error else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceComparison:
    """A sequence of the target: it differs where a sync would set it."""

    target: TableName
    source: TableName | None  # None: only the rows tell how far it must be
    state: ComparedState
    reason: str
    source_state: SequenceState | None = None
    target_state: SequenceState | None = None
    wanted: SequenceState | None = None  # what a sync would set it to at least; None, too, where it cannot hold it
    cause: Literal["rights", "standby", "unasked", "error"] | None = None  # of not being compared, or not in full

    def to_dict(self) -> dict[str, Any]:
        """Return the sequence's entry of the result."""
        states = {"source": self.source_state, "target": self.target_state, "set_to": self.wanted}
        return {
            "sequence": str(self.target),
            "source_sequence": str(self.source) if self.source else None,
            "same": {"same": True, "differs": False, "not_compared": None}[self.state],
            "state": self.state,
            "reason": self.reason,
            **{name: asdict(state) if state else None for name, state in states.items()},
        }


@dataclass(frozen=True, slots=True)
class UncomparedColumn:
    """A column of a table of the target that the source's has not: the rows are compared without it."""

    table: TableName
    column: str

    @property
    def reason(self) -> str:
        """Why it was not compared, with its name."""
        return f"column {quote_identifier(self.column)} is in the target only"

    def __str__(self) -> str:
        return f"{self.table}: {self.reason}: not compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareReport:
    """The whole comparison, of one snapshot on each side."""

    level: Level
    tables: tuple[TableComparison, ...]
    skipped: tuple[Skipped, ...] = ()
    columns: tuple[UncomparedColumn, ...] = ()
    sequences: tuple[SequenceComparison, ...] = ()  # none at the level that looks at no value
    source_snapshot: str | None = None
    target_snapshot: str | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the comparison left out of tables that it compared."""
        return tuple(map(str, self.columns))

    @property
    def differs(self) -> bool:
        """Whether any table or sequence is known to differ."""
        return "differs" in {*(table.state for table in self.tables), *(one.state for one in self.sequences)}

    @property
    def complete(self) -> bool:
        """Whether every selected table was compared."""
        return all(table.state != "not_compared" for table in self.tables)
