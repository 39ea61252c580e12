"""What the audit log says of a job's run that no command of a person's waited for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from dbsync.errors import DbsyncError
from dbsync.jobs.model import Job, JobState
from dbsync.store import Store
from dbsync.store.audit import append
from dbsync.store.audit_entry import AuditEntry, AuditFacts, Outcome, digest, printable

LOGGER = logging.getLogger(__name__)
_REFUSED = (4, 5)
_COUNTED = ("rows_inserted", "rows_updated", "rows_deleted")


def note_end(
    store: Store,
    connection: sa.Connection,
    job: Job,
    to: JobState,
    error: Mapping[str, Any] | None,
    result: Mapping[str, Any] | None,
) -> None:
    """Add the entry, in the transaction that ends the run. A log that is broken keeps no job from its end."""
    try:
        append(store, connection, _entry(job, to, error or {}, result or {}))
    except DbsyncError as broken:
        if broken.code != "AUDIT_BROKEN":
            raise
        LOGGER.warning("the end of job %s is not in the audit log: %s", job.id, broken.message)


def waited_for(job: Job) -> bool:
    """Whether a command in a terminal runs the job: it notes its own end, with more facts."""
    return (job.lease_owner or "").startswith("terminal ")


def _entry(job: Job, to: JobState, error: Mapping[str, Any], result: Mapping[str, Any]) -> AuditEntry:
    totals = result.get("totals") or {}
    counted: dict[str, Any] = {name: int(totals[name]) for name in _COUNTED if name in totals}
    return AuditEntry(
        owner=printable(job.owner),
        actor=printable(job.lease_owner or "nobody"),
        action="job.run",
        subject=printable(job.target_name),
        outcome=_outcome(to, error),
        facts=AuditFacts(
            run_id=job.run_id,
            job_id=job.id,
            source=printable(job.source_name),
            target=printable(job.target_name),
            plan=digest(job.plan) if job.plan else None,
            bytes=int(totals["bytes_copied"]) if "bytes_copied" in totals else None,
            code=printable(str(error["code"])) if error.get("code") else None,
            **counted,
        ),
    )


def _outcome(to: JobState, error: Mapping[str, Any]) -> Outcome:
    if to is JobState.SUCCEEDED:
        return "done"
    if to is JobState.FAILED:
        return "refused" if error.get("exit_code") in _REFUSED else "failed"
    return "stopped"
