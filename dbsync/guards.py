"""Consent: what must be agreed to before anything is written. PURE but for the question it is handed."""

from __future__ import annotations

from collections.abc import Callable

from dbsync.errors import ConsentMissing, ProtectedTarget
from dbsync.urls import DatabaseUrl


def require_consent(target: DatabaseUrl, *, yes: bool, confirm: str | None, ask: Callable[[], bool] | None) -> None:
    """Raise unless writing to ``target`` was agreed to.

    A protected or production target needs its name in ``confirm``, which ``yes`` does not cover. Others
    need ``yes`` or an answer to the question (``ask``; None where nobody can be asked). An embedded
    server of dbsync's own needs neither.
    """
    if target.needs_confirmation:
        if confirm is None:
            kind = "a production database" if target.environment == "production" else "protected"
            raise ProtectedTarget(f"{target.name} is {kind}", hint=f"add --confirm {target.name}")
        if confirm != target.name:
            raise ProtectedTarget(f"--confirm {confirm} does not name the target {target.name}")
        return
    if target.local or yes:
        return
    if ask is None:
        raise ConsentMissing(f"writing to {target.name} needs consent", hint="add --yes")
    if not ask():
        raise ConsentMissing("not agreed to; nothing was changed")
