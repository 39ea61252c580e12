"""PURE: when a sync of the config file is due: a cron expression in a time zone, and what happens around it."""

from __future__ import annotations

from dbsync.schedule.firing import Firing, due, fires_at, jitter, next_firings
from dbsync.schedule.model import Schedule

__all__ = ["Firing", "Schedule", "due", "fires_at", "jitter", "next_firings"]
