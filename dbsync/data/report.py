"""PURE: what a sync did, per table and in all, as the result of the command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dbsync.data.plan import Strategy, TableTask
from dbsync.data.units import Skipped
from dbsync.errors import DbsyncError

TableState = Literal["done", "failed", "stopped", "pending"]
RunState = Literal["succeeded", "failed", "stopped", "skipped"]


@dataclass(frozen=True, slots=True)
class CursorReport:
    """Where a table's cursor stood and where it went; ``start`` None: at the beginning, ``end`` None: it stayed."""

    column: str
    start: str | None
    end: str | None


@dataclass(slots=True, kw_only=True)
class TableOutcome:
    """What became of one table. Filled in by the thread that works on it."""

    task: TableTask
    state: TableState = "pending"
    rows_source: int = 0
    rows_inserted: int = 0
    rows_updated: int = 0
    rows_deleted: int = 0
    rows_left_different: int = 0  # rows that the mode leaves as the target has them
    rows_left_extra: int = 0  # rows that only the target has, and that stay
    bytes: int = 0
    cursor: CursorReport | None = None
    rows_verified: int | None = None  # where only some rows were looked at: that many were compared and equal
    rows_quarantined: int = 0  # rows that the target refused
    elapsed_s: float = 0.0
    compared_s: float = 0.0  # of that, spent before the group began
    verified: bool = False
    segments_total: int | None = None  # of a compared table
    segments_hashed: int | None = None  # of those, how many's rows were hashed rather than known
    how: str = ""  # what is to be said of that
    error: DbsyncError | None = None
    unsettled: bool = False  # whether its COMMIT took place could not be asked

    def to_dict(self) -> dict[str, Any]:
        """Return the table's entry of the result; what was rolled back counts as nothing."""
        done = self.state == "done"
        strategy: Strategy = self.task.strategy
        return {
            "table": str(self.task.target),
            "source_table": str(self.task.source),
            "strategy": strategy,
            "reason": "; ".join(filter(None, (self.task.reason, self.how))),
            "state": self.state,
            "rows_source": self.rows_source if done else None,
            "rows_inserted": self.rows_inserted if done else 0,
            "rows_updated": self.rows_updated if done else 0,
            "rows_deleted": self.rows_deleted if done else 0,
            "rows_quarantined": self.rows_quarantined if done else 0,
            "rows_left_different": self.rows_left_different,
            "rows_left_extra": self.rows_left_extra,
            "segments_total": self.segments_total,
            "segments_hashed": self.segments_hashed,
            "bytes_copied": self.bytes if done else 0,
            "elapsed_s": round(self.elapsed_s, 3),
            "verified": self.verified,
            "cursor": asdict(self.cursor) | {"rows_verified": self.rows_verified if done else None}
            if self.cursor
            else None,
            "error": self.error.to_dict() if self.error else None,
        }


@dataclass(slots=True, kw_only=True)
class SyncReport:
    """The whole run."""

    run_id: str | None  # None: skipped before it began
    verify: str
    state: RunState = "failed"
    snapshot: str | None = None
    ledger: bool = False  # whether it kept its books in the target
    covers_deletes: bool = False  # whether rows that the source has not are gone
    resumed: str | None = None  # the run that this one took up
    tables: list[TableOutcome] = field(default_factory=list)
    sequences: list[str] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)
    made_schema: bool = False
    created: list[str] = field(default_factory=list)  # the tables of it
    schema_equal: bool | None = None  # with --create: whether it is the source's at the end; None: not compared
    foreign_keys: list[str] = field(default_factory=list)  # those that were added or validated after the rows
    keys_missing: list[str] = field(default_factory=list)  # those that should have been, and were not (yet)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    retries: int = 0
    error: DbsyncError | None = None
    elapsed_s: float = 0.0

    @property
    def verified(self) -> bool:
        """Whether every table was compared with the snapshot by checksum and found equal."""
        return self.state == "succeeded" and all(table.verified for table in self.tables)

    @property
    def exit_code(self) -> int:
        """0 when done, 1 when the check found a difference, else the code of what went wrong."""
        return 0 if self.error is None else self.error.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Return ``result`` of the JSON envelope."""
        tables = [table.to_dict() for table in self.tables]
        return {
            "run_id": self.run_id,
            "state": self.state,
            "snapshot": self.snapshot,
            "ledger": self.ledger,
            "resumed": self.resumed,
            "verify": self.verify,
            "verified": self.verified,
            "covers_deletes": self.covers_deletes,
            "tables": tables,
            "totals": {key: sum(table[key] for table in tables) for key in _TOTALS},
            "sequences": self.sequences,
            "refreshed": self.refreshed,
            "created": {
                "schema": self.made_schema,
                "tables": self.created,
                "foreign_keys": self.foreign_keys,
                "foreign_keys_missing": self.keys_missing,
                "schema_equal": self.schema_equal,
            },
            "skipped": [asdict(entry) for entry in self.skipped],
            "retries": self.retries,
        }


_TOTALS = ("rows_inserted", "rows_updated", "rows_deleted", "bytes_copied")


def quarantined_error(tables: Sequence[TableOutcome], run_id: str | None) -> DbsyncError | None:
    """The error of a run that is done but for rows that the target refused."""
    short = [table for table in tables if table.state == "done" and table.rows_quarantined]
    if not short:
        return None
    count = sum(table.rows_quarantined for table in short)
    return DbsyncError(
        f"the target refused {count:,} rows of {', '.join(str(table.task.target) for table in short[:3])}"
        f"{' and others' if short[3:] else ''}; all others are in",
        code="ROWS_QUARANTINED",
        hint=f"see the table dbsync.quarantine of the target, run_id {run_id}; mend the rows or the target's "
        "constraints, and run again",
        details={"quarantined": {str(table.task.target): table.rows_quarantined for table in short}},
    )


def overall_error(
    errors: Sequence[DbsyncError], *, tables_done: int, tables: int, made: bool = False
) -> DbsyncError | None:
    """Sum up the errors of the tables: the first one speaks, the exit code tells whether anything was changed.

    ``made``: the run has made the schema, too.
    """
    if not errors:
        return None
    first = errors[0]
    codes = {error.exit_code for error in errors}
    if len(codes) == 1 and not (first.exit_code == 4 and (tables_done or made)):
        return first
    return DbsyncError(
        f"{tables - tables_done} of {tables} tables were not synchronised: {first.message}",
        hint=first.hint,
        sqlstate=first.sqlstate,
        code=first.code,
        details=first.details,
    )
