"""PURE: a job's figures, folded from its attempts and events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dbsync.jobs.model import Attempt, Job, JobState, StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMetrics:
    """One table: what its last attempt committed."""

    table: str
    state: str
    rows: int
    bytes: int
    elapsed_s: float
    rows_per_second: float | None
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """One job. Times in seconds, sizes in bytes; rates are over the time at work, None where there was none.

    ``waited_s``: from being queued to being taken up. ``snapshot_age_s``: how old the source's state is that the
    target has, at the end or now.
    """

    job_id: str
    state: str
    attempts: int
    retries: int
    duration_s: float
    waited_s: float
    rows: int
    bytes: int
    rows_inserted: int
    rows_updated: int
    rows_deleted: int
    rows_per_second: float | None
    bytes_per_second: float | None
    peak_rss_bytes: int | None
    snapshot_age_s: float | None
    errors: int
    tables: tuple[TableMetrics, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe data."""
        return asdict(self) | {"tables": [asdict(table) for table in self.tables]}


def measure(job: Job, attempts: Sequence[Attempt], events: Sequence[StoredEvent]) -> Metrics:
    """Fold what happened to a job into its figures."""
    last = events[-1].at if events else job.created_at
    duration = sum((attempt.ended_at or last) - attempt.started_at for attempt in attempts)
    tables = _tables(events)
    progress = [event.data for event in events if event.kind == "progress"]
    rows, size = sum(table.rows for table in tables), sum(table.bytes for table in tables)
    totals: Mapping[str, int] = (job.result or {}).get("totals", {})
    return Metrics(
        job_id=job.id,
        state=job.state,
        attempts=len(attempts),
        retries=max(len(attempts) - 1, 0) + int((job.result or {}).get("retries", 0)),
        duration_s=round(duration, 3),
        waited_s=round(_waited(events), 3),
        rows=rows,
        bytes=size,
        rows_inserted=totals.get("rows_inserted", 0),
        rows_updated=totals.get("rows_updated", 0),
        rows_deleted=totals.get("rows_deleted", 0),
        rows_per_second=_rate(rows, duration),
        bytes_per_second=_rate(size, duration),
        peak_rss_bytes=max((int(facts["peak_rss_bytes"]) for facts in progress), default=None),
        snapshot_age_s=round(last - attempts[-1].started_at, 3) if attempts else None,
        errors=sum(event.level == "error" for event in events),
        tables=tables,
    )


def _tables(events: Iterable[StoredEvent]) -> tuple[TableMetrics, ...]:
    found: dict[str, TableMetrics] = {}
    for event in events:
        if event.kind != "table_finished":
            continue
        facts = event.data
        before = found.get(facts["table"])
        if before is not None and before.state == "done" and facts["state"] != "done":
            continue  # what was committed stays, whatever became of a later attempt
        found[facts["table"]] = TableMetrics(
            table=facts["table"],
            state=facts["state"],
            rows=facts["rows"] if facts["state"] == "done" else 0,
            bytes=facts["bytes"] if facts["state"] == "done" else 0,
            elapsed_s=round(facts["elapsed_s"], 3),
            rows_per_second=_rate(facts["rows"], facts["elapsed_s"]),
            verified=facts["verified"],
        )
    return tuple(found.values())


def _waited(events: Iterable[StoredEvent]) -> float:
    waited, since = 0.0, None
    for event in events:
        if event.kind != "state":
            continue
        if event.data["to"] == JobState.QUEUED:
            since = event.at
        elif since is not None:
            waited, since = waited + event.at - since, None
    return waited


def _rate(amount: float, seconds: float) -> float | None:
    return round(amount / seconds, 1) if seconds > 0 else None
