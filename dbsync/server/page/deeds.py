"""What a request to the page does, as an entry of the audit log: one for each that changes something, or tries to."""

from __future__ import annotations

from dataclasses import dataclass

from dbsync.server.auth import Caller
from dbsync.server.core import Core
from dbsync.server.deeds import note
from dbsync.store.audit_entry import Outcome


@dataclass(slots=True, kw_only=True)
class Deed:
    """The handler fills in what only it knows."""

    action: str
    subject: str | None = None
    source: str | None = None
    target: str | None = None
    job_id: str | None = None
    code: str | None = None

    def keep(self, core: Core, caller: Caller, status: int) -> None:
        """Add the entry of a request that has ended so."""
        outcome: Outcome = "done" if status < 400 else "refused" if status < 500 else "failed"
        subject = self.subject or self.job_id or ""
        note(
            core, caller, self.action, subject, outcome,
            code=self.code, source=self.source, target=self.target, job_id=self.job_id,
        )  # fmt: skip
