"""Which ends the runs of this user had, as they were typed: lets ``sync --resume [RUN]`` do without naming them.

Only a hint: the target's ledger decides what a run was. Nothing that holds a password is kept, and a file
that cannot be written or read costs no more than having to name the ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from dbsync.cli.output import write_file
from dbsync.errors import DbsyncError

_KEPT = 100
_SUCCEEDED, _BROKEN, _TAKEN_UP = _STATES = ("succeeded", "broken", "taken up")
_PROCESS = re.compile(r"[0-9]{1,10}(?: [0-9]+)?")
_PATIENCE_S = 1.0


def remember(run_id: str, source: str, target: str) -> None:
    """Keep the ends of a run that begins, unless a password was typed."""
    if not _is_secret(source) and not _is_secret(target):
        _change(lambda runs: [*runs, [run_id, source, target, _process(os.getpid())]])


def ended(run_id: str, *, succeeded: bool, resumed: str | None) -> None:
    """Note how a run ended, if it is kept, and that it had taken up another one."""
    states = {resumed: _TAKEN_UP, run_id: _SUCCEEDED if succeeded else _BROKEN}
    _change(lambda runs: [[*ends, states.get(ends[0], state)] for *ends, state in runs])


def recall(run_id: str) -> tuple[str, str] | None:
    """Return the ends of a run by the beginning of its id."""
    with suppress(OSError, RuntimeError):
        for known, source, target, _ in reversed(_read()):
            if known.startswith(run_id):
                return source, target
    return None


def last_broken() -> tuple[str, str] | None:
    """Return the ends of the last run that was stopped or died. A later run between the same ends settles it."""
    settled = set()
    with suppress(OSError, RuntimeError):
        for _, source, target, state in reversed(_read()):
            if (source, target) in settled:
                continue
            if state == _BROKEN or (state not in _STATES and state != _process(int(state.partition(" ")[0]))):
                return source, target
            settled.add((source, target))
    return None


def _change(change: Callable[[list[list[str]]], list[list[str]]]) -> None:
    # Whatever is wrong with the file or its place: the run is what matters.
    with suppress(OSError, RuntimeError, DbsyncError):
        place = _place()
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(place.parent):
            before = _read()
            after = change(before)[-_KEPT:]
            if after != before:
                write_file(place, [json.dumps(after, ensure_ascii=False) + "\n"])
                place.chmod(0o600)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let runs that begin or end at once wait for each other, though not for one that stands still."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        limit = time.monotonic() + _PATIENCE_S
        while time.monotonic() < limit:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _process(pid: int) -> str:
    """A process, told apart from later ones of its number where the system says when it began; "": gone."""
    try:
        os.kill(pid, 0)
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (ProcessLookupError, OverflowError):
        return ""
    except OSError:  # somebody else's, or not on Linux
        return str(pid)
    return "" if fields[0] == "Z" else f"{pid} {fields[19]}"


def _place() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or ""
    base = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return base / "dbsync" / "runs.json"


def _read() -> list[list[str]]:
    """What is kept; a file that somebody else wrote into counts as empty."""
    place = _place()
    try:
        if place.stat().st_uid != os.geteuid():
            return []
        found = json.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError, ValueError):
        return []
    if not isinstance(found, list):
        return []
    return [entry for entry in found if _is_entry(entry)]


def _is_entry(value: object) -> bool:
    """Whether it is a run's id, both ends and a state: how the run ended, else the process that it is in."""
    if not isinstance(value, list) or len(value) != 4 or not all(isinstance(part, str) for part in value):
        return False
    return value[3] in _STATES or _PROCESS.fullmatch(value[3]) is not None


def _is_secret(text: str) -> bool:
    if "://" not in text:
        return False
    try:
        return urlsplit(text).password is not None or "password" in text.lower()
    except ValueError:
        return True
