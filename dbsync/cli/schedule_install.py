"""``dbsync schedule install NAME``: prints what another scheduler needs to run a sync; changes nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.options import Format
from dbsync.cli.output import Answer
from dbsync.cli.schedule_names import Name, scheduled
from dbsync.errors import ConfigError
from dbsync.references import uses_embedded, variables_of
from dbsync.schedule.install import Installation, InstalledFile, crontab, github, systemd

_LOCALTIME = Path("/etc/localtime")


@command("install", formats=("cron", "systemd", "github", "json"))
def install(context: Context, name: Name) -> Answer:
    """Print a crontab line, a systemd service and timer, or a GitHub workflow for a sync; install nothing.

    With --json: the files of every one that can keep the schedule.
    """
    plan = _plan(context, name)
    _warn_of_consent(context, name)
    files = {kind: made for kind in _MAKERS if (made := _made(kind, plan, context.options.format)) is not None}
    return Answer(
        result={
            "name": name,
            "files": [{"format": kind, "path": file.path, "text": file.text} for kind in files for file in files[kind]],
        },
        render={kind: partial(_text, files.get(kind, [])) for kind in _MAKERS},
    )


def _made(kind: Format, plan: Installation, wanted: Format) -> list[InstalledFile] | None:
    """The files; None where a scheduler that nobody asked for cannot keep the schedule."""
    try:
        return _MAKERS[kind](plan)
    except ConfigError:
        if kind == wanted:
            raise
        return None


def _text(files: list[InstalledFile]) -> Iterator[str]:
    for number, file in enumerate(files):
        yield f"{'' if number == 0 else chr(10)}# {file.path}\n{file.text}" if len(files) > 1 else file.text


def _github(plan: Installation) -> list[InstalledFile]:
    """A workflow finds the config file in the repository: by its path from here."""
    place = Path(plan.config)
    inside = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else Path(place.name)
    return [github(replace(plan, config=str(inside)))]


_MAKERS: dict[Format, Callable[[Installation], list[InstalledFile]]] = {
    "cron": lambda plan: [crontab(plan)],
    "systemd": systemd,
    "github": _github,
}


def _plan(context: Context, name: str) -> Installation:
    schedule = scheduled(context, name)
    assert context.settings.path is not None  # it has the schedule
    beside = Path(sys.executable).with_name("dbsync")
    return Installation(
        name=name,
        schedule=schedule,
        program=(str(beside),) if beside.is_file() else (sys.executable, "-m", "dbsync"),
        config=str(context.settings.path.absolute()),
        variables=variables_of(context.settings, name),
        embedded=uses_embedded(context.settings, name),
        now=datetime.now(UTC),
        host_zone=_host_zone(),
    )


def _warn_of_consent(context: Context, name: str) -> None:
    target = context.settings.databases.get(context.settings.sync(name).target)
    if target is not None and (target.protected or target.environment == "production"):
        context.warn(f"{target.name} is protected: every run will be refused, since --confirm belongs to a person")


def _host_zone() -> ZoneInfo | None:
    """The zone that this host's cron lives in; None where that cannot be told."""
    try:
        if not _LOCALTIME.exists():
            return ZoneInfo("UTC")
        found = re.search(r"/zoneinfo/(?:posix/)?(.+)$", str(_LOCALTIME.resolve()))
        return ZoneInfo(found[1]) if found else None
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return None
