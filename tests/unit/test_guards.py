"""Consent: a table of targets, what was said, and the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dbsync.errors import ConsentMissing, ProtectedTarget, Refused
from dbsync.guards import require_consent
from dbsync.urls import DatabaseUrl

PLAIN = DatabaseUrl(name="postgresql://h/db", host="h", dbname="db")
STAGING = replace(PLAIN, name="staging", configured_as="staging")
PROTECTED = replace(STAGING, protected=True)
PRODUCTION = replace(PLAIN, configured_as="prod", environment="production")
LOCAL = replace(PLAIN, name="local:x", local=True)
READ_ONLY = replace(STAGING, read_only=True)


def said_yes() -> bool:
    return True


def said_no() -> bool:
    return False


@pytest.mark.parametrize(
    ("target", "yes", "confirm", "ask", "error"),
    [
        (PLAIN, True, None, None, None),
        (PLAIN, False, None, said_yes, None),
        (PLAIN, False, None, said_no, ConsentMissing),
        (PLAIN, False, None, None, ConsentMissing),
        (PLAIN, False, "postgresql://h/db", None, None),
        (PLAIN, True, "db", None, ProtectedTarget),
        (STAGING, True, "stagin", said_yes, ProtectedTarget),
        (LOCAL, False, None, None, None),
        (replace(LOCAL, protected=True), True, None, None, ProtectedTarget),
        (PROTECTED, True, None, said_yes, ProtectedTarget),
        (PROTECTED, True, "db", None, ProtectedTarget),
        (PROTECTED, False, "staging", None, None),
        (PRODUCTION, True, None, said_yes, ProtectedTarget),
        (PRODUCTION, True, "postgresql://h/db", None, ProtectedTarget),
        (PRODUCTION, False, "prod", None, None),
        (READ_ONLY, True, "staging", said_yes, ProtectedTarget),
        (replace(READ_ONLY, local=True), True, None, None, ProtectedTarget),
    ],
)
def test_writing_needs_the_right_word(
    target: DatabaseUrl, yes: bool, confirm: str | None, ask: Callable[[], bool] | None, error: type[Refused] | None
) -> None:
    if error is None:
        require_consent(target, yes=yes, confirm=confirm, ask=ask)
        return
    with pytest.raises(error) as caught:
        require_consent(target, yes=yes, confirm=confirm, ask=ask)
    assert caught.value.exit_code == 4


def test_the_hint_gives_the_name_to_type() -> None:
    with pytest.raises(ProtectedTarget) as caught:
        require_consent(PRODUCTION, yes=True, confirm=None, ask=None)
    assert caught.value.hint == "add --confirm prod"
    assert "configured as prod" in caught.value.message
