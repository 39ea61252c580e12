"""The schedules that a command line can name."""

from __future__ import annotations

from typing import Annotated

import typer

from dbsync.cli.context import Context
from dbsync.errors import ConfigError
from dbsync.schedule import Schedule

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the sync in the config file.")]
_HINT = 'give it one in dbsync.yaml: schedule: {cron: "15 2 * * *", timezone: Europe/Berlin}'


def schedules(context: Context) -> dict[str, Schedule]:
    """All schedules of the config file; raises ConfigError where there is none."""
    found = context.settings.schedules()
    if not found:
        place = f"{context.settings.path} has" if context.settings.path else "no dbsync.yaml was found, so there is"
        raise ConfigError(f"{place} no sync with a schedule", hint=_HINT, code="NO_SCHEDULE")
    return found


def scheduled(context: Context, name: str) -> Schedule:
    """The schedule of one sync; raises ConfigError where it has none."""
    schedule = context.settings.sync(name).schedule
    if schedule is None:
        raise ConfigError(f"the sync {name} has no schedule", hint=_HINT, code="NO_SCHEDULE")
    return schedule
