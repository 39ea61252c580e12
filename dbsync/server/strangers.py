"""Callers who could not say who they are, noted in the audit log: each reason once a minute, with their number."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from fastapi import Request

from dbsync.errors import DbsyncError
from dbsync.store import Store
from dbsync.store.audit import record
from dbsync.store.audit_entry import NOBODY, AuditEntry, AuditFacts

_LOG = logging.getLogger("dbsync.server")
EACH_S = 60.0  # whoever guesses tokens must not be able to fill the store


class Strangers:
    """Counts them in this process; ``said`` is one of the few sentences that ``auth.py`` refuses with."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[str, tuple[float, int]] = {}  # when, and how many since

    def note(self, request: Request, said: str) -> None:
        """Note a request that was refused with 401, or only count it."""
        now = self._clock()
        with self._lock:
            last, untold = self._told.get(said, (now - EACH_S, 0))
            if now - last < EACH_S:
                self._told[said] = (last, untold + 1)
                return
            self._told[said] = (now, 0)
        asked = f"{request.method} {getattr(request.scope.get('route'), 'path', 'an unknown route')}"
        entry = AuditEntry(
            owner=NOBODY,
            actor="somebody who is not known",  # addresses of callers are not kept
            action="auth",
            outcome="refused",
            subject=f"{asked}, and {untold} more before it" if untold else asked,
            facts=AuditFacts(code=said.upper().replace(" ", "_")),
        )
        try:
            record(self._store, entry)
        except DbsyncError as error:
            _LOG.error("a refused caller is not in the audit log: %s", error.message)
