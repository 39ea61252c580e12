"""The environment for programs that dbsync starts: its own, without the keys that open what it keeps."""

from __future__ import annotations

import os

KEYS = frozenset({"DBSYNC_KEY", "ENCRYPTION_KEY"})


def child_environment() -> dict[str, str]:
    """Return what a child process may see."""
    return {name: value for name, value in os.environ.items() if name not in KEYS}
