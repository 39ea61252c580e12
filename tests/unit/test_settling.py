"""What is made of a server's word about a transaction whose COMMIT was not answered."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dbsync.data import settling
from dbsync.errors import ConnectionLost
from dbsync.pg import runs


def told(fate: str | None, monkeypatch: pytest.MonkeyPatch) -> bool:
    run: Any = SimpleNamespace(plan=SimpleNamespace(options=SimpleNamespace(lock_timeout_s=1.0)), verify="none")
    session: Any = None
    monkeypatch.setattr(runs, "fate", lambda *_: fate)
    return settling.took_place(session, run, session, 7, lambda _: True)


def test_a_transaction_that_the_server_does_not_know_any_more_is_not_called_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not told("aborted", monkeypatch)
    with pytest.raises(ConnectionLost, match="the server does not know the transaction any more"):
        told(None, monkeypatch)
