"""The directory in which the processes of one ``dbsync serve`` count together, and those of killed servers."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

_PREFIX = "dbsync-serve-"
_LOCK = "owner.lock"


@contextmanager
def figures_directory() -> Iterator[str]:
    """Make the directory; forks hold its lock as well, so that it is taken for dead when the last one is gone."""
    with TemporaryDirectory(prefix=_PREFIX) as name:
        unlocked = Path(name, ".lock")
        lock = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with suppress(OSError):  # a file system without locks: nobody takes it for dead
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                unlocked.rename(Path(name, _LOCK))  # at once, so that nobody sees a lock that is not held
            yield name
        finally:
            os.close(lock)


def remove_dead_ones() -> None:
    """Remove this user's directories whose processes are all gone; of one without a lock that cannot be told."""
    with suppress(OSError):  # no directory for temporary files, which one process does not need
        for directory in Path(gettempdir()).glob(f"{_PREFIX}*"):
            with suppress(OSError):
                if directory.lstat().st_uid == os.geteuid():
                    _remove_dead(directory)


def _remove_dead(directory: Path) -> None:
    lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory)
    finally:
        os.close(lock)
