"""What a request to the page does, as an entry of the audit log: one for each that changes something, or tries to."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from dbsync.errors import DbsyncError
from dbsync.server.auth import Caller
from dbsync.store import Store
from dbsync.store.audit import record
from dbsync.store.audit_entry import AuditEntry, AuditFacts, Outcome

log = logging.getLogger("dbsync.server")
_LONGEST = 300


@dataclass(slots=True, kw_only=True)
class Deed:
    """The handler fills in what only it knows."""

    action: str
    subject: str | None = None
    source: str | None = None
    target: str | None = None
    job_id: str | None = None
    code: str | None = None


def keep_deed(store: Store, caller: Caller, deed: Deed, status: int) -> None:
    """Add the entry of a request that has ended so. A log that cannot be written changes nothing about the deed."""
    outcome: Outcome = "done" if status < 400 else "refused" if status < 500 else "failed"
    facts = AuditFacts(
        source=_plain(deed.source), target=_plain(deed.target), job_id=_plain(deed.job_id), code=_plain(deed.code)
    )
    entry = AuditEntry(
        owner=caller.owner,
        actor=_plain(caller.email or caller.owner) or "",
        action=deed.action,
        outcome=outcome,
        subject=_plain(deed.subject),
        facts=facts,
    )
    try:
        record(store, entry)
    except DbsyncError as error:
        log.error("the audit log cannot be written: %s", error.message)


def _plain(text: str | None) -> str | None:
    return None if text is None else "".join(one if one.isprintable() else "?" for one in text)[:_LONGEST]
