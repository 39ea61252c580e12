"""PURE: numbers, sizes, times and states as people read them; and text of a database made harmless to look at."""

from __future__ import annotations

import datetime as dt
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from dbsync.jobs.model import JobState
from dbsync.server.faults import Fault

_KEPT = "\n\t"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, direction marks, lone surrogates, odd line ends
_STATES: Mapping[JobState, str] = {
    JobState.CREATED: "not started",
    JobState.QUEUED: "waiting",
    JobState.RUNNING: "running",
    JobState.PAUSING: "pausing",
    JobState.PAUSED: "paused",
    JobState.STOPPING: "stopping",
    JobState.STOPPED: "stopped",
    JobState.SUCCEEDED: "done",
    JobState.FAILED: "failed",
}
_PHASES: Mapping[str, str] = {
    "wait": "waiting",
    "lock": "waiting for locks",
    "compare": "comparing",
    "copy": "copying rows",
    "repair": "writing changes",
    "move": "putting in place",
    "index": "building indexes",
    "constraint": "checking foreign keys",
    "verify": "checking",
}


def visible(value: Any) -> Any:
    """Text in which nothing is hidden: control characters and marks of direction are shown as their numbers."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if value.isascii() and value.isprintable():
        return value
    return "".join(_visible(character) for character in value)


def exact(value: str) -> Markup:
    """Text as it is, escaped: for what a form sends back."""
    return Markup(escape(value))


def as_json(value: Any) -> str:
    """A value that a form sends back whole, whatever characters it has; ``from_json`` reads it."""
    return json.dumps(value, ensure_ascii=True)


def from_json(text: str) -> str:
    """A text that ``as_json`` wrote. Raises Fault 400."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, str):
        raise Fault(400, "The form cannot be read")
    return found


def number(value: float | None) -> str:
    """``12,345``; a dash where nothing is known."""
    return "–" if value is None else f"{value:,.0f}"


def count(value: int, one: str, several: str | None = None) -> str:
    """``1 table``, ``2 tables``."""
    return f"{value:,} {one if value == 1 else several or one + 's'}"


def size(value: float | None) -> str:
    """``4.2 MB``, in powers of 1024 as Postgres counts."""
    if value is None:
        return "–"
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TB"


def seconds(value: float | None) -> str:
    """``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(value: float | None) -> str:
    """Seconds since 1970 as a date and a time of day, in UTC."""
    return "–" if value is None else dt.datetime.fromtimestamp(value, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(value: float) -> str:
    """Seconds since 1970 as a time of day, in UTC."""
    return dt.datetime.fromtimestamp(value, dt.UTC).strftime("%H:%M:%S")


def state(value: JobState) -> str:
    """A job's state as people call it."""
    return _STATES[value]


def phase(value: str) -> str:
    """What is done with a table just now."""
    return _PHASES.get(value, value.replace("_", " "))


def _visible(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
