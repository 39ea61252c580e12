"""Jobs as people see them: a list, one job, its log, its figures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dbsync.cli.tables import humane_count, humane_size, humane_time, text_table
from dbsync.cli.terminal import escape
from dbsync.jobs.metrics import Metrics
from dbsync.jobs.model import HELD, Job, JobTable, StoredEvent

SHORT = 8  # letters of an id that tell jobs apart


def job_dict(job: Job, tables: Sequence[JobTable] = ()) -> dict[str, Any]:
    """A job as JSON."""
    done = sum(table.state == "done" for table in tables)
    return {
        "job_id": job.id,
        "run_id": job.run_id,
        "name": job.name,
        "origin": job.origin,
        "state": job.state,
        "source": job.source_name,
        "target": job.target_name,
        "attempts": job.attempts,
        "priority": job.priority,
        "worker": job.lease_owner,
        "created_at": stamp(job.created_at),
        "started_at": stamp(job.started_at),
        "ended_at": stamp(job.ended_at),
        "not_before": stamp(job.not_before),
        "progress": {
            "tables": len(tables),
            "tables_done": done,
            "rows": sum(table.facts.get("rows", 0) for table in tables),
            "bytes": sum(table.facts.get("bytes", 0) for table in tables),
        },
        "tables": [{"table": table.name, "state": table.state, **table.facts} for table in tables],
        "error": job.error,
        "result": job.result,
    }


def list_text(jobs: Iterable[Job]) -> Iterator[str]:
    """One line for each job, the newest first."""
    rows = [
        (job.id[:SHORT], job.state, job.name or "", f"{job.source_name} → {job.target_name}", age(job), error_of(job))
        for job in jobs
    ]
    if not rows:
        yield "no jobs\n"
        return
    yield from text_table(("job", "state", "name", "from → to", "when", ""), rows)


def show_text(job: Job, tables: Sequence[JobTable]) -> Iterator[str]:
    """All about one job."""
    facts = {
        "job": job.id,
        "run": job.run_id or "none yet",
        "state": job.state,
        "from": job.source_name,
        "to": job.target_name,
        "name": job.name or "",
        "attempts": str(job.attempts),
        "held by": job.lease_owner or "",
        "created": stamp(job.created_at) or "",
        "started": stamp(job.started_at) or "",
        "ended": stamp(job.ended_at) or "",
        "error": error_of(job),
        "hint": str((job.error or {}).get("hint") or ""),
    }
    for name, value in facts.items():
        if value:
            yield f"{name:9} {escape(value)}\n"
    if tables:
        yield "\n"
        yield from text_table(
            ("table", "state", "phase", "rows", "size", "strategy"), map(_table_row, tables), right=(3, 4)
        )


def _table_row(table: JobTable) -> tuple[str, ...]:
    facts = table.facts
    proof = "done, verified" if facts.get("verified") else table.state
    phase = facts.get("phase", "") if table.state == "running" else ""
    rows, size = facts.get("rows"), facts.get("bytes")
    return (
        table.name,
        proof,
        phase,
        "" if rows is None else humane_count(rows),
        "" if size is None else humane_size(size),
        facts.get("strategy", ""),
    )


def log_line(event: StoredEvent) -> str:
    """One event in one line: when, how grave, what."""
    return f"{stamp(event.at)}  {event.level or '':5}  {escape(sentence(event))}\n"


def sentence(event: StoredEvent) -> str:
    """What an event says, in words."""
    data = event.data
    if event.kind == "state":
        error: Mapping[str, Any] = data.get("error") or {}
        return f"{data['to']}" + (f": {error['message']}" if error else "")
    if event.kind == "notice":
        return f"{data['table']}: {data['message']}" if data.get("table") else str(data["message"])
    if event.kind == "table_finished":
        proof = ", verified" if data["verified"] else ""
        return f"{data['table']} {data['state']}: {data['rows']:,} rows, {humane_size(data['bytes'])}{proof}"
    if event.kind == "plan_ready":
        return f"plan: {data['tables']} tables, about {max(data['rows'], 0):,} rows"
    return " ".join([event.kind, *(f"{key}={value}" for key, value in data.items())])


def metrics_text(metrics: Metrics) -> Iterator[str]:
    """A job's figures."""
    rate, size = metrics.rows_per_second, metrics.bytes_per_second
    facts = {
        "state": metrics.state,
        "attempts": f"{metrics.attempts}, {metrics.retries} retries",
        "at work": humane_time(metrics.duration_s),
        "waited": humane_time(metrics.waited_s),
        "streamed": f"{metrics.rows:,} rows, {humane_size(metrics.bytes)}",
        "rate": f"{humane_count(round(rate or 0))} rows/s, {humane_size(size or 0)}/s" if rate else "",
        "written": f"{metrics.rows_inserted:,} inserted, {metrics.rows_updated:,} updated, "
        f"{metrics.rows_deleted:,} deleted",
        "memory": f"{humane_size(metrics.peak_rss_bytes)} at most" if metrics.peak_rss_bytes else "",
        "snapshot": f"{humane_time(metrics.snapshot_age_s)} old" if metrics.snapshot_age_s is not None else "",
        "errors": str(metrics.errors),
    }
    for name, value in facts.items():
        if value:
            yield f"{name:9} {escape(value)}\n"
    rows = [
        (
            table.table,
            table.state,
            humane_count(table.rows),
            humane_size(table.bytes),
            humane_time(table.elapsed_s),
            humane_count(round(table.rows_per_second)) if table.rows_per_second else "",
        )
        for table in metrics.tables
    ]
    if rows:
        yield "\n"
        yield from text_table(("table", "state", "rows", "size", "time", "rows/s"), rows, right=(2, 3, 4, 5))


def error_of(job: Job) -> str:
    """Why a job is where it is, where something went wrong."""
    return str(job.error["message"]) if job.error else ""


def age(job: Job) -> str:
    """How long ago it ended, or since when it is at work."""
    since = job.ended_at or job.started_at or job.created_at
    ago = humane_time(max(time.time() - since, 0.0))
    return f"for {ago}" if job.state in HELD else f"{ago} ago"


def stamp(at: float | None) -> str | None:
    """A time as text, in this machine's zone."""
    return None if at is None else datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")
