"""PURE: durations and sizes as people write them."""

from __future__ import annotations

import re

from dbsync.errors import ConfigError

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?"
)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b?)", re.IGNORECASE)
_SIZE_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def parse_duration(text: str) -> float:
    """Read ``90s``, ``2h``, ``1h30m``, ``2d``, ``500ms`` or plain seconds; return seconds."""
    cleaned = str(text).strip().lower()
    match = _DURATION.fullmatch(cleaned)
    if cleaned and match:
        days, hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
        total = days * 86400 + hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    elif re.fullmatch(r"\d+(\.\d+)?", cleaned):
        total = float(cleaned)
    else:
        raise ConfigError(f"cannot read the duration {text!r}", hint="write 90s, 2h, 1h30m or 500ms")
    if total <= 0:
        raise ConfigError(f"the duration {text!r} is zero", hint="leave the option out for no limit")
    return total


def duration_text(seconds: float) -> str:
    """Write a duration as ``parse_duration`` reads it: ``1h30m``; parts of a second as milliseconds."""
    left = round(seconds * 1000)
    parts = []
    for size, unit in _UNITS:
        count, left = divmod(left, size * 1000)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) + (f"{left}ms" if left else "") or "0s"


def parse_size(text: str) -> int:
    """Read ``64MB``, ``1.5G``, ``512KiB`` or plain bytes; units are powers of 1024, as in Postgres."""
    match = _SIZE.fullmatch(str(text).strip())
    size = int(float(match[1]) * 1024 ** _SIZE_POWERS[match[2].lower()]) if match else 0
    if size <= 0:
        raise ConfigError(f"cannot read the size {text!r}", hint="write 64MB, 1GB or 512KB")
    return size


def parse_rate(text: str) -> int:
    """Read ``50MB/s`` or a size; return bytes per second."""
    return parse_size(str(text).strip().removesuffix("/s"))
