"""PURE: durations and sizes as people write them."""

from __future__ import annotations

import re

from dbsync.errors import ConfigError

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?"
)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b?)", re.IGNORECASE)
_SIZE_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LONGEST_S = 36525 * 86400.0  # 100 years: clocks of systems and threads take no more than some 290
_TOO_LARGE = 2.0**60  # an exabyte: sizes are multiplied, and the server's numbers end at 2**63
MOST_MILLISECONDS = 2**31 - 1  # what the server takes as a time limit
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
    if total > _LONGEST_S:
        raise ConfigError("the duration is longer than 100 years", hint="leave the option out for no limit")
    return total


def server_limit(seconds: float) -> int:
    """A limit as the server takes it: milliseconds, at least one (none would be no limit), at most 24 days."""
    return min(max(int(seconds * 1000), 1), MOST_MILLISECONDS)


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
    size = float(match[1]) * 1024 ** _SIZE_POWERS[match[2].lower()] if match else 0
    if size < 1:
        raise ConfigError(f"cannot read the size {text!r}", hint="write 64MB, 1GB or 512KB")
    if size >= _TOO_LARGE:
        raise ConfigError("the size is larger than any database", hint="write 64MB, 1GB or 512KB")
    return int(size)


def parse_rate(text: str) -> int:
    """Read ``50MB/s`` or a size; return bytes per second."""
    return parse_size(str(text).strip().removesuffix("/s"))
