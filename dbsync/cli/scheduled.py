"""``worker --schedules``: each firing is handed over as `schedule run NAME --yes --detach` would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from dbsync.cli.context import Context
from dbsync.cli.options import GLOBAL_NAMES, REPORTING_NAMES
from dbsync.cli.schedule import run_
from dbsync.cli.schedule_names import schedules
from dbsync.errors import DbsyncError
from dbsync.jobs.clock import Clock
from dbsync.jobs.store import JobStore
from dbsync.jobs.ticks import Tick


def clock_of(context: Context, jobs: JobStore, refused: Callable[[str, DbsyncError], None]) -> Clock:
    """Return what fires the schedules; ``refused`` hears of those whose job cannot be made.

    Raises ConfigError where the config file has none.
    """

    def begin(name: str, tick: Tick) -> None:
        values = options_of_run(context, name)
        options = replace(context.options, yes=True, no_input=True, timeout=values["timeout"])
        own = {option: value for option, value in values.items() if option not in GLOBAL_NAMES | REPORTING_NAMES}
        run_.function(context.for_firing(tick, options), **own)

    project = context.settings.project
    return Clock(jobs, schedules(context), begin, context.notice, refused, project=project)


def options_of_run(context: Context, name: str) -> Mapping[str, Any]:
    """What the command line would read for it: the config file, and the schedule on top."""
    config = [f"--config={context.settings.path}"] if context.settings.path is not None else []
    with run_.make_context("run", [name, "--detach", *config]) as parsed:
        return dict(parsed.params)
