"""Jobs in the frontend's words: five states, progress by tables and rows, a log; the only place that knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dbsync.data.options import Mode, SyncOptions
from dbsync.jobs.metrics import Metrics, TableMetrics
from dbsync.jobs.model import Job as KeptJob
from dbsync.jobs.model import JobState, JobTable, StoredEvent
from dbsync.model import TableName
from dbsync.server.faults import Fault
from dbsync.server.names import pattern_named, wire_name
from dbsync.server.times import iso
from dbsync.server.wire.asked import AskedSync, SelectedTable
from dbsync.server.wire.databases import NamedEnd
from dbsync.server.wire.syncs import Job, JobDetails, Status

_S = JobState
STATUS: Mapping[JobState, Status] = {
    _S.CREATED: "pending",
    _S.QUEUED: "running",
    _S.RUNNING: "running",
    _S.PAUSING: "running",
    _S.STOPPING: "running",
    _S.PAUSED: "paused",
    _S.SUCCEEDED: "completed",
    _S.STOPPED: "failed",
    _S.FAILED: "failed",
}
STATES: Mapping[str, tuple[JobState, ...]] = {
    status: tuple(state for state, told in STATUS.items() if told == status) for status in set(STATUS.values())
}
_MODES: Mapping[str | None, Mode] = {
    None: "delta", "source_wins": "delta", "last_write_wins": "delta", "target_wins": "append",
}  # fmt: skip


def options_of(asked: AskedSync) -> SyncOptions:
    """The options of the sync that is asked for. Raises Fault 400 for what is not built."""
    if asked.direction == "two_way":
        raise Fault(400, "Syncing in two directions is not supported: choose one_way")
    chosen = [table for table in asked.tables or () if table.enabled]
    names = asked.chosen()
    if not names:
        raise Fault(400, "At least one table must be specified")
    modes = {_mode(table) for table in chosen} or {"delta"}
    if len(modes) > 1:
        raise Fault(400, "The tables of one sync need one conflict strategy: target_wins does not go with the others")
    (mode,) = modes
    return SyncOptions(mode=mode, delete=asked.delete, tables=tuple(map(pattern_named, names)))


def _mode(table: SelectedTable) -> Mode:
    if table.conflict_strategy == "manual":
        raise Fault(400, "Settling conflicts by hand is not supported: choose source_wins or target_wins")
    return _MODES[table.conflict_strategy]


def shown_job(job: KeptJob, tables: Sequence[JobTable], ends: tuple[NamedEnd, NamedEnd]) -> Job:
    """A job in a list."""
    return Job(**_facts(job, tables, ends))


def job_details(
    job: KeptJob, tables: Sequence[JobTable], ends: tuple[NamedEnd, NamedEnd], logs: Sequence[StoredEvent]
) -> JobDetails:
    """A job with its log, the newest line first."""
    progress = progress_of(job, tables)
    reason = job.error["message"] if job.error else None
    queue = {"state": job.state.value, "progress": progress["percentage"], "failedReason": reason}
    return JobDetails(
        **_facts(job, tables, ends),
        queue_status=None if job.state is JobState.CREATED else queue,
        logs=[log_line(job.id, event) for event in reversed(logs)],
    )


def _facts(job: KeptJob, tables: Sequence[JobTable], ends: tuple[NamedEnd, NamedEnd]) -> dict[str, Any]:
    config = tables_config(job)
    ended = job.ended_at if STATUS[job.state] in ("completed", "failed") else None
    return {
        "id": job.id,
        "status": STATUS[job.state],
        "state": job.state.value,
        "source_connection_id": ends[0].id,
        "target_connection_id": ends[1].id,
        "source_connection": ends[0],
        "target_connection": ends[1],
        "direction": "one_way",
        "tables": config,
        "tables_config": config,
        "dry_run": False,
        "progress": progress_of(job, tables),
        "checkpoint": checkpoint_of(job, tables),
        "started_at": iso(job.started_at),
        "completed_at": iso(ended),
        "created_at": iso(job.created_at) or "",
        "error": dict(job.error) if job.error else None,
    }


def tables_config(job: KeptJob) -> list[dict[str, Any]]:
    """The tables as they were chosen."""
    options = job.read_spec().options
    strategy = "target_wins" if options.mode == "append" else "source_wins"
    return [{"tableName": _plain(name), "enabled": True, "conflictStrategy": strategy} for name in options.tables]


def progress_of(job: KeptJob, tables: Sequence[JobTable]) -> dict[str, Any]:
    """How far a job is. What was written is known when it is committed; rows at work count as processed."""
    done = [table for table in tables if table.state == "done"]
    result = job.result or {}
    totals: Mapping[str, int] = result.get("totals", {})
    processed = sum(int(table.facts.get("rows", 0)) for table in tables)
    expected = sum(max(int(table.facts.get("rows_expected", 0)), 0) for table in tables)
    finished = job.state is JobState.SUCCEEDED
    total = processed if finished else max(expected, processed)
    share = 1.0 if finished else (processed / total if total else len(done) / max(len(tables), 1))
    current = next((table.name for table in tables if table.state == "running"), None)
    return {
        "totalTables": len(tables) or len(job.read_spec().options.tables),
        "completedTables": len(done),
        "currentTable": _plain(current) if current else None,
        "totalRows": total,
        "processedRows": processed,
        "insertedRows": totals.get("rows_inserted", 0),
        "updatedRows": totals.get("rows_updated", 0),
        "deletedRows": totals.get("rows_deleted", 0),
        "skippedRows": sum(int(table.get("rows_quarantined", 0)) for table in result.get("tables", ())),
        "errors": sum(table.state == "failed" for table in tables),
        "percentage": round(100 * min(share, 1.0)),
    }


def checkpoint_of(job: KeptJob, tables: Sequence[JobTable]) -> dict[str, Any] | None:
    """What is committed: a later start goes on from there."""
    done = [_plain(table.name) for table in tables if table.state == "done"]
    if not done:
        return None
    return {"lastTable": done[-1], "lastRowId": "", "lastUpdatedAt": iso(job.updated_at), "processedTables": done}


def log_line(job_id: str, event: StoredEvent) -> dict[str, Any]:
    """One line of a job's log."""
    return {
        "id": f"{job_id}:{event.number}",
        "level": event.level or "info",
        "message": _message(event),
        "metadata": {"event": event.kind, "attempt": event.attempt, **event.data},
        "createdAt": iso(event.at),
    }


def _message(event: StoredEvent) -> str:
    facts = event.data
    if event.kind == "state":
        why = facts.get("error") or {}
        reason = why.get("message") if isinstance(why, Mapping) else why
        return f"the job is {facts['to']}" + (f": {reason}" if reason else "")
    if event.kind == "plan_ready":
        rows = f", about {facts['rows']:,} rows" if facts["rows"] > 0 else ""  # 0: nobody has counted yet
        return f"{facts['tables']} tables are to be synchronised{rows}"
    if event.kind == "table_finished":
        checked = ", checked" if facts.get("verified") else ""
        return f"{facts['table']} is {facts['state']}: {facts['rows']:,} rows{checked}"
    return str(facts.get("message") or event.kind.replace("_", " "))


def shown_metrics(metrics: Metrics, status: Status) -> dict[str, Any]:
    """A job's figures under the frontend's names, and dbsync's own."""
    return {
        "jobId": metrics.job_id,
        "status": status,
        "durationMs": round(metrics.duration_s * 1000),
        "waitedMs": round(metrics.waited_s * 1000),
        "tablesProcessed": sum(table.state == "done" for table in metrics.tables),
        "totalRows": metrics.rows,
        "insertedRows": metrics.rows_inserted,
        "updatedRows": metrics.rows_updated,
        "deletedRows": metrics.rows_deleted,
        "errorCount": metrics.errors,
        "retryCount": metrics.retries,
        "attempts": metrics.attempts,
        "rowsPerSecond": metrics.rows_per_second,
        "bytesPerSecond": metrics.bytes_per_second,
        "bytesProcessed": metrics.bytes,
        "peakMemoryMB": round(metrics.peak_rss_bytes / 1024**2, 1) if metrics.peak_rss_bytes else None,
        "snapshotAgeMs": round(metrics.snapshot_age_s * 1000) if metrics.snapshot_age_s is not None else None,
        "tableMetrics": [_table_metrics(table) for table in metrics.tables],
    }


def _table_metrics(table: TableMetrics) -> dict[str, Any]:
    return {
        "tableName": _plain(table.table),
        "status": table.state,
        "rowsProcessed": table.rows,
        "bytesProcessed": table.bytes,
        "durationMs": round(table.elapsed_s * 1000),
        "rowsPerSecond": table.rows_per_second,
        "verified": table.verified,
    }


def _plain(text: str) -> str:
    return wire_name(TableName.parse(text))
