"""PURE: the firings of a schedule, through changes of the clock; which of them are due, late or missed.

As in Debian's cron: what falls into the hour that a change skips fires right after it, what falls into the hour
that comes twice fires once; with a wildcard in minute or hour, by elapsed time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Literal

from cronsim import CronSim

from dbsync.schedule.model import Schedule

_FIRST_LOOK = timedelta(hours=1)
_MOST_MISSED = 1000  # counting further would tell nobody more
_MINUTE, _HOUR, _HALF_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(hours=12)
_AFTER_CHANGE = timedelta(hours=3)  # so long after a change of the clock CronSim may overlook firings


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One firing that has come: ``decision`` says whether it starts a run, at ``start_at``, or was missed.

    ``at`` is its time by the schedule (UTC), the same on every machine. ``earlier`` firings since the last one that
    was settled came to nothing: one run makes up for all of them.
    """

    name: str
    at: datetime
    start_at: datetime
    decision: Literal["run", "missed"]
    earlier: int = 0


def next_firings(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    """Return the next firings after a moment, in the schedule's zone."""
    return list(islice(firings(schedule, after), count))


def fires_at(schedule: Schedule, moment: datetime) -> bool:
    """Whether the schedule fires in the minute of this moment."""
    minute = moment.astimezone(UTC).replace(second=0, microsecond=0)
    found = next(firings(schedule, minute - timedelta(microseconds=1)), None)
    return found is not None and found < minute + _MINUTE


def due(schedules: Mapping[str, Schedule], last_fired: Mapping[str, datetime], now: datetime) -> list[Firing]:
    """Return what became due after each schedule's last settled firing, one Firing at most for each, by time.

    A schedule without a last firing is new: it has missed nothing. Settle
    every Firing that is returned, a missed one too, by remembering its ``at``.
    """
    found = []
    for name, schedule in schedules.items():
        last = last_fired.get(name)
        looked_at = timedelta(seconds=schedule.grace_s + schedule.jitter_s)
        since = last if last is not None else now - looked_at
        latest = _latest(schedule, since, now)
        firing = _judged(name, schedule, since, latest, now) if latest is not None else None
        if firing is not None and (last is not None or _in_time(firing, schedule, now)):
            found.append(firing)
    return sorted(found, key=lambda firing: (firing.at, firing.name))


def jitter(name: str, at: datetime, most_s: float) -> timedelta:
    """How long the start of a firing is put off: by chance, but the same wherever it is asked."""
    drawn = hashlib.sha256(f"{name}\0{at.astimezone(UTC).isoformat()}".encode()).digest()
    return timedelta(seconds=round(most_s * int.from_bytes(drawn[:8]) / 2**64, 3))


def _judged(name: str, schedule: Schedule, since: datetime, latest: datetime, now: datetime) -> Firing:
    start_at = latest + jitter(name, latest, schedule.jitter_s)
    earlier = sum(1 for at in islice(firings(schedule, since), _MOST_MISSED) if at < latest)
    firing = Firing(name=name, at=latest, start_at=start_at, decision="run", earlier=earlier)
    if _in_time(firing, schedule, now):
        return firing
    return replace(firing, start_at=now, decision="run" if schedule.misfire == "run_once" else "missed")


def _in_time(firing: Firing, schedule: Schedule, now: datetime) -> bool:
    """Whether it is noticed early enough: what its jitter puts off is not late."""
    return (now - firing.at - jitter(firing.name, firing.at, schedule.jitter_s)).total_seconds() <= schedule.grace_s


def _latest(schedule: Schedule, since: datetime, until: datetime) -> datetime | None:
    """The last firing in (since, until], looked for in windows that reach further and further back."""
    window = _FIRST_LOOK
    while True:
        start = max(since, until - window)
        last = None
        for at in firings(schedule, start):
            if at > until:
                break
            last = at
        if last is not None or start == since:
            return last.astimezone(UTC) if last is not None else None
        window *= 4


def firings(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Every firing after a moment, each later than the one before."""
    last = after.astimezone(UTC)
    for at in CronSim(schedule.fields, last.astimezone(schedule.zone)):
        # In the hour that comes twice the iterator may begin with a time that has gone by.
        if at.astimezone(UTC) > last:
            yield from _overlooked(schedule, last, at.astimezone(UTC))
            last = at.astimezone(UTC)
            yield at.astimezone(schedule.zone)


def _overlooked(schedule: Schedule, after: datetime, before: datetime) -> Iterator[datetime]:
    """What CronSim leaves out between two firings of a wildcard: where a clock is changed by less than an hour."""
    if not any(word.startswith("*") for word in schedule.fields.split()[:2]):
        return
    start = after - _AFTER_CHANGE
    while start < before:
        if (_offset(schedule, start + _HALF_DAY) - _offset(schedule, start)) % _HOUR:
            minute = start.replace(second=0, microsecond=0)
            while (minute := minute + _MINUTE) < min(before, start + _HALF_DAY + _AFTER_CHANGE):
                local = minute.astimezone(schedule.zone).replace(tzinfo=None)
                if minute > after and next(CronSim(schedule.fields, local - _MINUTE)) == local:
                    yield minute.astimezone(schedule.zone)
        start += _HALF_DAY


def _offset(schedule: Schedule, moment: datetime) -> timedelta:
    return moment.astimezone(schedule.zone).utcoffset() or timedelta()
