"""Home directories, which may be missing: of a user nobody knows, or of a process without HOME and a user name."""

from __future__ import annotations

from pathlib import Path

from dbsync.errors import ConfigError


def expanded(path: str) -> Path:
    """Return a path that somebody wrote, ``~`` and ``~user`` replaced; raise ConfigError where that has no home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        who = path.partition("/")[0]
        raise ConfigError(f"the home directory {who} is not known", hint="write the whole path, or set HOME") from None


def own_file(path: str) -> Path | None:
    """Return what is at a path in this user's home directory, or None where the user has none."""
    try:
        return Path("~", path).expanduser()
    except RuntimeError:
        return None
