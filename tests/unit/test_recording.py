"""What keeps a sync from being among the jobs is a sentence, and keeps it from nothing else."""

from __future__ import annotations

import errno
import os
import threading
from typing import NoReturn

import pytest

from dbsync.cli.recording import _Keep
from dbsync.control import Control
from dbsync.errors import DbsyncError
from dbsync.events import TablePhase
from dbsync.jobs import recorder
from dbsync.model import TableName


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), "compiler.py"), "too many open files"),
        (ImportError("cannot import name 'x'"), "a module is missing"),
    ],
)
def test_code_that_cannot_be_loaded_is_told_as_a_store_that_cannot_be_used(monkeypatch, trouble, reason) -> None:
    """It is loaded beside the run, where descriptors may be short: in a thread whose traceback would be printed."""

    def begin(_: _Keep) -> None:
        raise trouble

    monkeypatch.setattr(_Keep, "_begin", begin)
    with pytest.raises(DbsyncError, match=reason) as caught:
        _Keep.__new__(_Keep).begin()
    assert caught.value.code == "STORE_FAILED"
    assert caught.value.__cause__ is trouble


def test_the_store_is_opened_when_the_work_waits_for_its_servers_or_is_over(monkeypatch) -> None:
    """Two threads that load modules and open sessions take turns; a run that comes to no table is kept as well."""
    monkeypatch.setattr(recorder, "_BESIDE_S", 60.0)
    begun = threading.Event()

    def begin() -> NoReturn:
        begun.set()
        raise DbsyncError("there is no store", code="STORE_FAILED")

    with recorder.Recorder(begin, "w", Control(), beside=True) as kept:
        assert not begun.wait(0.05)
        kept.emit(TablePhase(table=TableName("app", "shop"), phase="compare"))
        assert begun.wait(30)
    begun.clear()
    with recorder.Recorder(begin, "w", Control(), beside=True):
        pass
    assert begun.is_set()
