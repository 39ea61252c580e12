"""What changes something: carried out once however often it is repeated, and one entry in the audit log.

The frontend repeats a POST up to four times under one ``X-Request-ID``; what it asks for must not happen four times,
also across a restart. Each repeat gets the reply of the first.
"""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.responses import Response

from dbsync.errors import DbsyncError
from dbsync.server.auth import Caller
from dbsync.server.core import Core, Guard, core_of
from dbsync.server.faults import Fault, fault_of, internal
from dbsync.server.wire.envelope import Shape, dumped
from dbsync.store import replies
from dbsync.store.audit import record
from dbsync.store.audit_entry import AuditEntry, AuditFacts, Outcome

_LOG = logging.getLogger("dbsync.server")
_WAIT_S = 20.0
_POLL_S = 0.2
_GONE_S = 60.0  # the process that began the request has died, or hangs
_LONGEST = 200
_REFUSED = (401, 403, 404, 409, 429)


@dataclass(frozen=True, slots=True)
class Deed:
    """A request that may change something, and who makes it."""

    request: Request
    core: Core
    caller: Caller

    def once(
        self, action: str, subject: str, work: Callable[[], Shape], *, status: int = 200, again: bool = True
    ) -> Response:
        """Do the work, or answer as the first request with this id was answered.

        ``again``: it may be begun anew where its first process is gone; else nobody knows whether it was done.
        """
        if not self.request.state.given_id:
            return _json(status, dumped(self._noted(action, subject, work)))
        claim = {"owner": self.caller.owner, "request_id": self.request.state.request_id}
        route, digest = f"{self.request.method} {self.request.url.path}", self.request.state.digest
        deadline = time.monotonic() + _WAIT_S
        while True:
            known = replies.claim(self.core.store, **claim, route=route, request_hash=digest)
            if known is None or (again and replies.take_over(self.core.store, **claim, after_s=_GONE_S)):
                return self._first(claim, lambda: self._noted(action, subject, work), status, again)
            if (known.route, known.request_hash) != (route, digest):
                raise Fault(409, "This X-Request-ID was used for another request")
            if known.status is not None:
                return _json(known.status, known.body or "")
            if time.monotonic() >= deadline or (not again and known.age_s > _GONE_S):
                said = "is still being answered" if again else "has no answer yet: look what became of it"
                raise Fault(409, f"The first request with this X-Request-ID {said}", headers={"Retry-After": "5"})
            time.sleep(_POLL_S)

    def repeated_id(self) -> str | None:
        """An id for what the request makes, the same one for every repeat; None where the request has none."""
        if not self.request.state.given_id:
            return None
        made = hashlib.sha256(f"{self.caller.owner}\0{self.request.state.request_id}".encode()).digest()
        return str(uuid.UUID(bytes=made[:16], version=4))

    def _first(self, claim: dict[str, str], work: Callable[[], Shape], status: int, again: bool) -> Response:
        """Carry it out. What fails by a fault of ours is forgotten where twice is no harm: it may have been done."""
        try:
            body = dumped(work())
        except (Fault, DbsyncError) as error:
            fault = error if isinstance(error, Fault) else fault_of(error)
            if fault.status >= 500 and again:
                replies.forget(self.core.store, **claim)
                raise
            status, body = fault.status, bytes(fault.reply().body).decode()
        except BaseException:
            if again:
                replies.forget(self.core.store, **claim)
            else:
                replies.keep(self.core.store, **claim, status=500, body=bytes(internal().body).decode())
            raise
        replies.keep(self.core.store, **claim, status=status, body=body)
        return _json(status, body)

    def _noted(self, action: str, subject: str, work: Callable[[], Shape]) -> Shape:
        """Carry it out, and note in the audit log what became of it."""
        try:
            reply = work()
        except (Fault, DbsyncError) as error:
            fault = error if isinstance(error, Fault) else fault_of(error)
            outcome: Outcome = "refused" if fault.refusal or fault.status in _REFUSED else "failed"
            note(self.core, self.caller, action, subject, outcome, code=str(fault.members.get("code", fault.status)))
            raise
        done = getattr(reply, "success", True)
        note(self.core, self.caller, action, subject, "done" if done else "failed")
        return reply


def note(core: Core, caller: Caller, action: str, subject: str, outcome: Outcome, **facts: str | None) -> None:
    """Add an entry to the audit log, with ``facts`` as ``AuditFacts`` names them.

    What is done is done: a log that cannot be written is told in our own log.
    """
    entry = AuditEntry(
        owner=_safe(caller.owner),
        actor=_safe(f"{caller.email or caller.owner} by {caller.by}"),
        action=action,
        outcome=outcome,
        subject=_safe(subject),
        # Only texts are noted here; mypy takes them for the numbers of AuditFacts as well.
        facts=AuditFacts(**{name: _safe(text) for name, text in facts.items() if text}),  # type: ignore[arg-type]  # texts
    )
    try:
        record(core.store, entry)
    except DbsyncError as error:
        _LOG.error("%s by %s is not in the audit log: %s", action, entry.owner, error.message)


def _safe(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:_LONGEST]


def _json(status: int, body: str) -> Response:
    return Response(body, status, media_type="application/json")


class _Doer:
    """A guard that gives the deed; refused tries are noted too."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def __call__(
        self,
        request: Request,
        x_backend_secret: Annotated[str | None, Header()] = None,
        authorization: Annotated[str | None, Header()] = None,
    ) -> Deed:
        """Return the deed of this request. Raises Fault 401, 429, 403."""
        core = core_of(request)
        try:
            caller = self._guard.caller(request, x_backend_secret, authorization)
        except Fault as fault:
            if fault.status == 403:
                known = core.authenticator.caller(x_backend_secret, authorization)
                note(
                    core,
                    known,
                    f"http.{request.method.lower()}",
                    request.scope["route"].path,
                    "refused",
                    code="ADMIN_REQUIRED" if self._guard.admin else "SCOPE_MISSING",
                )
            raise
        return Deed(request, core, caller)


EditorDeed = Annotated[Deed, Depends(_Doer(Guard("read", "write")))]
ExecutorDeed = Annotated[Deed, Depends(_Doer(Guard("execute", "read")))]
RunnerDeed = Annotated[Deed, Depends(_Doer(Guard("sync", "run")))]
AdministratorDeed = Annotated[Deed, Depends(_Doer(Guard("admin", "admin", admin=True)))]
