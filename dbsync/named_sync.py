"""A sync of the config file as the options that ``sync --name`` runs it with. Nothing is opened or looked up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dbsync.config import ConfiguredSync
from dbsync.data.options import DeleteLimit, SyncOptions, TableMap
from dbsync.quantities import parse_duration, parse_rate, parse_size

_AS_THEY_ARE = (
    "mode", "delete", "tables", "exclude", "where", "columns", "jobs", "verify", "triggers", "drop_indexes",
    "on_locked", "on_drift", "on_row_error", "full_compare", "create",
)  # fmt: skip


def options_of(job: ConfiguredSync) -> SyncOptions:
    """Return the options; raise ConfigError for what cannot be read or contradicts itself."""
    values: dict[str, Any] = {name: getattr(job, name) for name in _AS_THEY_ARE}
    values |= {
        "max_delete": DeleteLimit.parse(job.max_delete) if job.max_delete is not None else None,
        "maps": tuple(TableMap.parse(f"{source}={target}") for source, target in job.map.items()),
        "cursors": dict(job.cursor),
        "chunk_bytes": parse_size(job.chunk_size) if job.chunk_size is not None else None,
        "max_rate": parse_rate(job.max_rate) if job.max_rate is not None else None,
        "ledger": not job.no_ledger if job.no_ledger is not None else None,
    }
    return replace(SyncOptions(), **{name: value for name, value in values.items() if value is not None})


def time_limit_of(job: ConfiguredSync, *, scheduled: bool = False) -> float | None:
    """The seconds after which a run gives up; a schedule's own limit goes before the sync's."""
    if scheduled and job.schedule is not None and job.schedule.timeout_s is not None:
        return job.schedule.timeout_s
    return parse_duration(job.timeout) if job.timeout is not None else None
