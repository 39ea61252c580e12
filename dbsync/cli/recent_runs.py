"""Which ends the runs of this user had, as they were typed: lets ``sync --resume RUN`` do without naming them.

Only a hint: the target's ledger decides what a run was. Nothing that holds a password is kept, and a file
that cannot be written or read costs no more than having to name the ends.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from dbsync.cli.output import write_file
from dbsync.errors import DbsyncError

_KEPT = 100


def remember(run_id: str, source: str, target: str) -> None:
    """Keep the ends of a run that begins, unless a password was typed."""
    if _is_secret(source) or _is_secret(target):
        return
    # Whatever is wrong with the file or its place: the run is what matters.
    with suppress(OSError, RuntimeError, DbsyncError):
        place = _place()
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        runs = [*_read(), [run_id, source, target]][-_KEPT:]
        write_file(place, [json.dumps(runs, ensure_ascii=False) + "\n"])
        place.chmod(0o600)


def recall(run_id: str | None) -> tuple[str, str] | None:
    """Return the ends of a run by the beginning of its id, or of the last one."""
    with suppress(OSError, RuntimeError):
        for known, source, target in reversed(_read()):
            if run_id is None or known.startswith(run_id):
                return source, target
    return None


def _place() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or ""
    base = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return base / "dbsync" / "runs.json"


def _read() -> list[list[str]]:
    """What is kept; a file that somebody else wrote into counts as empty."""
    place = _place()
    if not place.exists() or place.stat().st_uid != os.geteuid():
        return []
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except ValueError:
        return []
    if not isinstance(found, list):
        return []
    return [entry for entry in found if isinstance(entry, list) and len(entry) == 3 and all(map(_is_text, entry))]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_secret(text: str) -> bool:
    if "://" not in text:
        return False
    try:
        return urlsplit(text).password is not None or "password" in text.lower()
    except ValueError:
        return True
