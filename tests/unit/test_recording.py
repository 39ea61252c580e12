"""What keeps a sync from being among the jobs is a sentence, and keeps it from nothing else."""

from __future__ import annotations

import errno
import os

import pytest

from dbsync.cli.recording import _Keep
from dbsync.errors import DbsyncError


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
