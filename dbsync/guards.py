"""Consent: what must be agreed to before anything is written. PURE but for the question it is handed."""

from __future__ import annotations

from collections.abc import Callable

from dbsync.errors import ConsentMissing, ProtectedTarget
from dbsync.urls import DatabaseUrl


def require_consent(target: DatabaseUrl, *, yes: bool, confirm: str | None, ask: Callable[[], bool] | None) -> None:
    """Raise unless writing to ``target`` was agreed to.

    A protected or production target needs its name in ``confirm``, which ``yes`` does not cover. Others
    need ``yes``, the same name in ``confirm``, or an answer to the question (``ask``; None where nobody
    can be asked). An embedded server of dbsync's own needs neither. A name that is given must be right
    in any case: it says which database was meant.
    """
    refuse_read_only(target)
    if confirm is not None and confirm != target.confirmation:
        raise ProtectedTarget(
            f"--confirm does not name the target {target.confirmation}",
            hint=f"if {target.name} is meant, write --confirm {target.confirmation}",
        )
    if confirm is not None or (target.local and not target.needs_confirmation):
        return
    if target.needs_confirmation:
        raise ProtectedTarget(f"{_described(target)} is {_kind(target)}", hint=f"add --confirm {target.confirmation}")
    if yes:
        return
    if ask is None:
        raise ConsentMissing(f"writing to {target.name} needs consent", hint="add --yes")
    if not ask():
        raise ConsentMissing("not agreed to; nothing was changed")


def refuse_read_only(target: DatabaseUrl) -> None:
    """Raise when the database is marked as one that is never written to; nothing overrides that."""
    if target.read_only:
        raise ProtectedTarget(f"{_described(target)} is marked read_only", hint="use it as a source, or name another")


def _described(target: DatabaseUrl) -> str:
    if target.configured_as is None or target.configured_as == target.name:
        return target.name
    return f"{target.name} (configured as {target.configured_as})"


def _kind(target: DatabaseUrl) -> str:
    return "a production database" if target.environment == "production" else "protected"
