"""Times and durations as the frontend writes them."""

from __future__ import annotations

import datetime as dt


def iso(seconds: float | None) -> str | None:
    """Seconds since 1970 as ``2026-01-02T03:04:05.678Z``."""
    return None if seconds is None else stamp(dt.datetime.fromtimestamp(seconds, dt.UTC))


def now() -> str:
    """The present time."""
    return stamp(dt.datetime.now(dt.UTC))


def stamp(moment: dt.datetime) -> str:
    """A moment as JavaScript writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(seconds: float) -> str:
    """A duration as ``12ms``."""
    return f"{round(seconds * 1000)}ms"
