"""PURE: how much an owner may have and use; nothing is limited unless somebody says so.

Limits come from ``DBSYNC_QUOTA_*``, else from ``quotas`` in the config file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from dbsync.errors import ConfigError, Refused
from dbsync.quantities import parse_size

Purpose = Literal["connection", "job", "new job"]
# So many jobs that were never started may be kept for each that may wait or run: they cost nothing but their rows.
UNSTARTED_EACH = 10
_PREFIX = "DBSYNC_QUOTA_"


class QuotaExceeded(Refused):
    """The owner's quota is used up."""

    code = "QUOTA"
    advice = "wait for jobs to end or for the next month, or remove what is not needed; an administrator sets quotas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What one owner may have at a time, and use in a calendar month (UTC). None: no limit."""

    connections: int | None = None
    jobs: int | None = None  # that wait or run
    rows_per_month: int | None = None
    bytes_per_month: int | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and value < 0:
                raise ConfigError(f"the quota {name} is negative")

    @property
    def limits_something(self) -> bool:
        """Whether it has to be looked at."""
        return self != Quota()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one owner has, and has used this month."""

    connections: int = 0
    jobs: int = 0
    unstarted: int = 0  # jobs that were made and never started
    rows_per_month: int = 0
    bytes_per_month: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """The quota of everybody, and those of single owners, which hold in its place as a whole."""

    everybody: Quota = Quota()
    owners: Mapping[str, Quota]

    def of(self, owner: str) -> Quota:
        """The quota of one owner."""
        return self.owners.get(owner, self.everybody)

    def overridden(self, environ: Mapping[str, str]) -> Quotas:
        """The same, where the environment sets no limit for everybody."""
        found = {
            field.name: parse_limit(field.name, environ[_PREFIX + field.name.upper()])
            for field in fields(Quota)
            if environ.get(_PREFIX + field.name.upper())
        }
        if not found:
            return self
        return Quotas(everybody=Quota(**(asdict(self.everybody) | found)), owners=self.owners)


NO_QUOTAS = Quotas(owners={})


def parse_limit(name: str, text: str) -> int:
    """Read a limit: a number, for bytes also a size (``10GB``)."""
    try:
        return parse_size(text) if name == "bytes_per_month" and text != "0" else int(text)
    except ValueError:
        raise ConfigError(f"the quota {name} is no number", hint="write a whole number; for bytes also 10GB") from None


def check_quota(quota: Quota, usage: Usage, purpose: Purpose) -> None:
    """Raise QuotaExceeded unless the owner may have one more of ``purpose``.

    A job needs a free place and something left of the month: how much it will write is not known before it has run,
    so the last job of a month may go past its end. A new job, which nobody starts yet, needs a place among those too.
    """
    if purpose == "connection":
        _check(quota, usage, "connections", usage.connections, "saved connections")
        return
    _check(quota, usage, "jobs", usage.jobs, "jobs that wait or run")
    _check(quota, usage, "rows_per_month", usage.rows_per_month, "rows written this month")
    _check(quota, usage, "bytes_per_month", usage.bytes_per_month, "bytes copied this month")
    if purpose == "new job":
        _check(quota, usage, "jobs", usage.unstarted, "jobs that were never started", each=UNSTARTED_EACH)


def _check(quota: Quota, usage: Usage, name: str, used: int, what: str, *, each: int = 1) -> None:
    found: int | None = getattr(quota, name)
    limit = None if found is None else found * each
    if limit is not None and used >= limit:
        raise QuotaExceeded(
            f"{what}: {used:,}, and the quota is {limit:,}",
            details={"quota": name, "limits": told(quota), "usage": asdict(usage)},
        )


def told(quota: Quota) -> dict[str, Any]:
    """The limits that there are, as JSON-safe data."""
    return {name: value for name, value in asdict(quota).items() if value is not None}
