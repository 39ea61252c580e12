"""Where embedded servers live, and the locks on them.

Only directories that dbsync made are used, and only their modes are ever set. What another OS user
could have put there first is refused.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dbsync.errors import ConfigError, DbsyncError, TimeLimit
from dbsync.local.account import Account, can_read

LOCK_PATIENCE = 120.0  # seconds; an initdb on a slow disk takes ten


def base_directory() -> Path:
    """Return the directory that holds all embedded servers of this user."""
    override = os.environ.get("DBSYNC_LOCAL_DIR")
    if override:
        return Path(override).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/dbsync")  # root's home is closed to the user that runs the servers
    state = os.environ.get("XDG_STATE_HOME") or ""
    if not os.path.isabs(state):
        try:
            state = str(Path.home() / ".local" / "state")
        except RuntimeError as error:
            raise ConfigError(
                "this user has no home directory to keep embedded servers in",
                hint="set HOME or DBSYNC_LOCAL_DIR",
                code="LOCAL_DIRECTORY",
            ) from error
    return Path(state) / "dbsync" / "local"


def make_base(account: Account) -> Path:
    """Make the base directory if needed; one that is there already keeps its mode."""
    base = base_directory()
    try:
        base.parent.mkdir(parents=True, exist_ok=True)
        own_directory(base, 0o755 if account.switch else 0o700)
        if account.switch and not can_read(account, base):
            raise ConfigError(
                f"the user {account.name}, who runs the servers for root, cannot reach {base}",
                hint="set DBSYNC_LOCAL_DIR to a directory that is open to all, such as one in /var/lib, or unset it",
                code="LOCAL_DIRECTORY",
            )
    except OSError as error:
        raise ConfigError(
            f"cannot keep embedded servers in {base}: {error.strerror}",
            hint="set DBSYNC_LOCAL_DIR to a directory that you may write to",
            code="LOCAL_DIRECTORY",
        ) from error
    return base


def own_directory(path: Path, mode: int) -> Path:
    """Make a directory with exactly that mode, or take the one that is there if it is really ours."""
    try:
        path.mkdir(mode=mode)
        path.chmod(mode)  # whatever the umask is
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise ConfigError(
                f"{path} is not a directory of this user, so no embedded server is kept there",
                hint="set DBSYNC_LOCAL_DIR to a directory of your own",
                code="LOCAL_DIRECTORY",
            ) from None
    return path


def shared_directory(base: Path, name: str, account: Account) -> Path:
    """Make a directory under the base that the server's user can pass through but not list."""
    return own_directory(base / name, 0o711 if account.switch else 0o700)


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)  # the data that it opens outlives a loss of power, too
    unfinished.rename(path)


def try_lock(path: Path) -> int | None:
    """Take a lock file without waiting; return its descriptor, or None if somebody holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise DbsyncError(
            f"the file system of {path.parent} does not lock files: {error.strerror}",
            hint="set DBSYNC_LOCAL_DIR to a directory on a local disk",
            code="LOCAL_DIRECTORY",
        ) from error
    return descriptor


@contextmanager
def locked(path: Path, *, what: str, patience: float = LOCK_PATIENCE) -> Iterator[None]:
    """Hold a lock file for the body; wait for another process that holds it."""
    limit = time.monotonic() + patience
    while (descriptor := try_lock(path)) is None:
        if time.monotonic() > limit:
            raise TimeLimit(f"another process has been working on {what} for {patience:.0f} s", code="LOCAL_BUSY")
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(descriptor)
