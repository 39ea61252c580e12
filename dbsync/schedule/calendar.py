"""PURE: the fields of a schedule in the calendars of other schedulers.

Each says the same moments as the schedule, or says that it cannot.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from dbsync.errors import ConfigError
from dbsync.schedule.firing import firings
from dbsync.schedule.model import Schedule

_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_AHEAD = [timedelta(days=days) for days in range(730)]  # long enough to see every change of a zone's clock


@dataclass(frozen=True, slots=True)
class _Fields:
    """The five fields: as they are written, and as the numbers that they mean."""

    words: tuple[str, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    plain: bool  # any cron reads them
    both_days: bool  # day of month and weekday must agree

    @property
    def every_day(self) -> bool:
        """Whether no field but the time of day chooses."""
        return self.words[2:] == ("*", "*", "*")


def crontab_fields(schedule: Schedule, host_zone: ZoneInfo | None, now: datetime) -> tuple[str, bool]:
    """Fields for the host's cron, and whether they are exact; else they ask at least whenever the schedule fires."""
    fields = _read(schedule)
    differences = _differences(schedule.zone, host_zone, now)
    if differences == {0} and fields.plain:
        return " ".join(fields.words), True
    local = {*fields.minutes, *(at.minute for at in moved_firings(schedule, now))}
    minutes = sorted({(minute + difference) % 60 for minute in local for difference in differences})
    return f"{_numbers(minutes, 60)} * * * *", False


def on_calendar(schedule: Schedule) -> list[str]:
    """systemd's calendar expressions, any of which fires the timer."""
    fields = _read(schedule)
    if not fields.plain:
        raise ConfigError(
            f"systemd's calendar has no words for {schedule.cron!r}", hint="install it in cron: --format cron"
        )
    months = _numbers(fields.months, 12, "02")
    time = f"{_numbers(fields.hours, 24, '02')}:{_numbers(fields.minutes, 60, '02')}:00 {schedule.timezone}"
    weekdays = ",".join(_WEEKDAYS[day] for day in fields.weekdays) + " " if len(fields.weekdays) < 7 else ""
    days = _numbers(fields.days, 31, "02")
    if fields.both_days or not weekdays:
        return [f"{weekdays}*-{months}-{days} {time}"]
    return [f"*-{months}-{days} {time}", f"{weekdays}*-{months}-* {time}"]


def utc_fields(schedule: Schedule, now: datetime) -> list[tuple[str, str | None]]:
    """Fields in UTC, and the offset (``+0200``) of the zone with which each holds; None: always."""
    fields = _read(schedule)
    if not fields.plain:
        raise ConfigError(f"GitHub's cron has no words for {schedule.cron!r}", hint="install it elsewhere")
    offsets = sorted({_offset(schedule.zone, now + ahead) for ahead in _AHEAD})
    by_offset = {offset: _shifted(schedule, fields, offset) for offset in offsets}
    if len({tuple(lines) for lines in by_offset.values()}) == 1:
        return [(line, None) for line in by_offset[offsets[0]]]
    return [(line, _offset_text(offset)) for offset, lines in by_offset.items() for line in lines]


def _shifted(schedule: Schedule, fields: _Fields, offset: int) -> list[str]:
    """The lines that mean the same times of day where the clock is behind by so many minutes."""
    by_carry: dict[int, list[int]] = {}
    for minute in fields.minutes:
        carry, shifted = divmod(minute - offset, 60)
        by_carry.setdefault(carry, []).append(shifted)
    lines = []
    for carry, minutes in by_carry.items():
        hours = [hour + carry for hour in fields.hours]
        if not fields.every_day and (min(hours) < 0 or max(hours) > 23):
            raise _no_such_day(schedule)
        wrapped = sorted(hour % 24 for hour in hours)
        lines.append(" ".join((_numbers(sorted(minutes), 60), _numbers(wrapped, 24), *fields.words[2:])))
    return lines


def _offset_text(offset: int) -> str:
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}{abs(offset) % 60:02}"


def _no_such_day(schedule: Schedule) -> ConfigError:
    return ConfigError(
        f"GitHub's cron knows UTC only, where {schedule.cron!r} in {schedule.timezone} falls on other days",
        hint="choose another hour, or timezone: UTC",
    )


def _read(schedule: Schedule) -> _Fields:
    parsed = CronSim(schedule.fields, datetime(2024, 1, 1, tzinfo=UTC))
    written = schedule.fields.split()
    plain = not any(mark in word for word in (written[2], written[4].upper()) for mark in ("L", "l", "#"))
    weekdays = {day % 7 for day in parsed.weekdays if isinstance(day, int)}
    numbers = [sorted(field) for field in (parsed.minutes, parsed.hours, parsed.days, parsed.months, weekdays)]
    # Some crons know no names, and no step without a range; what begins with a star is told apart by all.
    words = [
        word if word.startswith("*") or not plain else ",".join(map(str, field))
        for word, field in zip(written, numbers, strict=True)
    ]
    minutes, hours, days, months, weekday_numbers = map(tuple, numbers)
    return _Fields(
        words=tuple(words),
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=weekday_numbers,
        plain=plain,
        both_days=parsed.day_and,
    )


def moved_firings(schedule: Schedule, now: datetime) -> list[datetime]:
    """The firings to come that a change of the clock moves: to the end of the hour that is skipped."""
    fields = _read(schedule)
    offsets = [_offset(schedule.zone, now + ahead) for ahead in _AHEAD]
    changes = [now + _AHEAD[day] for day in range(1, len(offsets)) if offsets[day] != offsets[day - 1]]
    day = timedelta(days=1)
    return [
        at
        for change in changes
        for at in takewhile((change + day).__gt__, firings(schedule, change - 2 * day))
        if at.hour not in fields.hours or at.minute not in fields.minutes
    ]


def _numbers(numbers: Iterable[int], full: int, form: str = "") -> str:
    listed = list(numbers)
    return "*" if len(listed) == full else ",".join(format(number, form) for number in listed)


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset() or timedelta()
    return int(offset.total_seconds() // 60)


def _differences(zone: ZoneInfo, host_zone: ZoneInfo | None, now: datetime) -> set[int]:
    """By how many minutes the host's clock is ahead of the zone's, at any time to come."""
    if host_zone is None:
        return {0, 15, 30, 45}  # every zone is whole quarters of an hour apart; hours are left open anyway
    return {_offset(host_zone, now + ahead) - _offset(zone, now + ahead) for ahead in _AHEAD}
