"""PURE: a schedule as one validated value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import islice, pairwise
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from dbsync.errors import ConfigError
from dbsync.quantities import duration_text

Overlap = Literal["skip", "queue", "fail"]
Misfire = Literal["skip", "run_once"]
OVERLAPS: tuple[Overlap, ...] = get_args(Overlap)
MISFIRES: tuple[Misfire, ...] = get_args(Misfire)
GRACE_S = 600.0
_LOOKED_AT = 30  # firings that the jitter is held against
_ON_LOCKED: dict[Overlap, str] = {"skip": "skip", "queue": "wait", "fail": "fail"}
_NICKNAMES = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_HINT = "write five fields: minute hour day month weekday, as 15 2 * * *"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a sync runs.

    ``overlap``: what becomes of a firing while an earlier run holds the target. A firing that is noticed more than
    ``grace_s`` late was missed, and ``misfire`` says what then. ``jitter_s`` puts its start off by up to so long.
    """

    cron: str
    timezone: str = "UTC"
    overlap: Overlap = "skip"
    misfire: Misfire = "skip"
    grace_s: float = GRACE_S
    jitter_s: float = 0.0
    timeout_s: float | None = None

    def __post_init__(self) -> None:
        _check_zone(self.timezone)
        if len(self.fields.split()) != 5:
            raise ConfigError(f"the schedule {self.cron!r} has not five fields", hint=_HINT)
        try:
            upcoming = list(islice(CronSim(self.fields, datetime(2024, 1, 1, tzinfo=UTC)), _LOOKED_AT))
        except CronSimError as error:
            raise ConfigError(f"the schedule {self.cron!r} is not cron: {str(error).lower()}", hint=_HINT) from None
        if not upcoming:
            raise ConfigError(f"the schedule {self.cron!r} never comes")
        if any((later - at).total_seconds() <= self.jitter_s for at, later in pairwise(upcoming)):
            raise ConfigError(
                f"the jitter is longer than the time between two firings of {self.cron!r}", hint="make it shorter"
            )

    @property
    def fields(self) -> str:
        """The five fields; ``@daily`` and its like spelt out."""
        return " ".join(_NICKNAMES.get(self.cron.strip().lower(), self.cron).split())

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that the fields are read in."""
        return ZoneInfo(self.timezone)

    @property
    def on_locked(self) -> str:
        """The overlap policy as ``sync --on-locked`` has it."""
        return _ON_LOCKED[self.overlap]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-safe data, as the config file spells it."""
        return {
            "cron": self.cron,
            "timezone": self.timezone,
            "overlap": self.overlap,
            "misfire": self.misfire,
            "grace": duration_text(self.grace_s),
            "jitter": duration_text(self.jitter_s) if self.jitter_s else None,
            "timeout": duration_text(self.timeout_s) if self.timeout_s else None,
        }


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)  # which opens no path outside the list of zones
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), n=1, cutoff=0.7)
        hint = f"did you mean {near[0]}?" if near else "write a name such as Europe/Berlin, or UTC"
        raise ConfigError(f"there is no time zone {name!r}", hint=hint) from None
