"""Writes what a command did, or was refused to do, into the audit log when it has ended.

Names, numbers and code words only. A log that cannot be written is a warning: what was done is done. A call that is
killed, or cut off after a second signal, leaves no entry.
"""

from __future__ import annotations

import getpass
import hashlib
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dbsync.cli.call import Call
from dbsync.errors import DbsyncError
from dbsync.pg.database import Session
from dbsync.pg.identity import identify
from dbsync.store.audit_entry import printable

if TYPE_CHECKING:  # loaded when the entry is written
    from dbsync.store import StorePlace
    from dbsync.store.audit_entry import Outcome

_COUNTED = ("rows_inserted", "rows_updated", "rows_deleted")


class Audit:
    """The entry that the end of a call will be."""

    def __init__(self, call: Call, action: str, subject: str | None, place: Callable[[], StorePlace]) -> None:
        self._call, self._action, self._subject, self._place = call, action, subject, place
        self._facts: dict[str, str] = {}

    def know(self, **facts: str) -> None:
        """Keep what only the work itself knows: ``plan``, both names, both fingerprints (``source_fingerprint``)."""
        self._facts |= facts

    def conclude(self, hurried: bool) -> None:
        """The call has ended; in a hurry there is no time to open a store."""
        if hurried:
            return
        try:
            self._record()
        except DbsyncError as error:
            self._call.journal.warning(f"this call is not in the audit log: {error.message}")

    def _record(self) -> None:
        from dbsync.registry.model import LOCAL_OWNER
        from dbsync.store import open_store
        from dbsync.store.audit import record
        from dbsync.store.audit_entry import AuditEntry, AuditFacts

        report = self._call.report
        shown = self._shown
        ends = {"source": report.source, "target": report.target}
        opened = {end: facts["name"] for end, facts in ends.items() if facts}
        facts = opened | self._facts  # a sync that is handed over opens neither
        source, target = (shown(facts[end]) if end in facts else None for end in ends)
        error = self._call.error
        entry = AuditEntry(
            owner=LOCAL_OWNER,
            actor=shown(f"{_user()}@{socket.gethostname()}"),
            action=self._action,
            subject=shown(self._subject) if self._subject else target or source,
            outcome=_outcome(self._call),
            facts=AuditFacts(
                source=source,
                target=target,
                exit_code=self._call.exit_code,
                code=error.code if error is not None else None,
                **_counted(self._call),
                # Facts are texts, and mypy takes them for the numbers above as well.
                **{name: text for name, text in self._facts.items() if name not in ends},  # type: ignore[arg-type]  # texts
            ),
        )
        store = open_store(self._place())
        try:
            record(store, entry)
        finally:
            store.close()

    def _shown(self, text: str) -> str:
        """A name as the log takes it; what was typed in a name's place may hold a password."""
        return printable(self._call.redact(text))


def fingerprints(source: Session, target: Session) -> dict[str, str]:
    """What tells both databases from others, whatever they are called."""
    return {"source_fingerprint": _fingerprint(source), "target_fingerprint": _fingerprint(target)}


def _fingerprint(session: Session) -> str:
    found = identify(session)
    text = f"{found.system}\0{found.database_oid}\0{found.database}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _outcome(call: Call) -> Outcome:
    if call.exit_code == 0:
        return "refused" if _result(call).get("state") == "skipped" else "done"
    if call.exit_code in (4, 5):
        return "refused"
    return "stopped" if call.exit_code in (7, 130, 143) else "failed"


def _counted(call: Call) -> dict[str, Any]:
    """The run and its numbers, where the result has them."""
    result = _result(call)
    totals = result.get("totals")
    found: dict[str, Any] = {"run_id": result.get("run_id")} if isinstance(result.get("run_id"), str) else {}
    if isinstance(totals, Mapping):
        found |= {name: int(totals[name]) for name in _COUNTED if name in totals}
        found |= {"bytes": int(totals["bytes_copied"])} if "bytes_copied" in totals else {}
    return found


def _result(call: Call) -> Mapping[str, Any]:
    result = call.answer.result if call.answer is not None else None
    return result if isinstance(result, Mapping) else {}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
