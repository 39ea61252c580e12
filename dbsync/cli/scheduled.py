"""``worker --schedules``: each firing of the config file is handed over as `schedule run NAME --yes --detach` would."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dbsync.cli.context import Context
from dbsync.cli.options import GLOBAL_NAMES, REPORTING_NAMES
from dbsync.cli.schedule import run_
from dbsync.cli.schedule_names import schedules
from dbsync.jobs.clock import Clock
from dbsync.jobs.store import JobStore
from dbsync.jobs.ticks import Tick


def clock_of(context: Context, jobs: JobStore) -> Clock:
    """Return what fires the schedules. Raises ConfigError where the config file has none."""
    found = schedules(context)
    unheard = [name for name in found if any(getattr(context.settings.sync(name), each) for each in REPORTING_NAMES)]
    if unheard:
        context.warn(
            f"{', '.join(unheard)}: heartbeat_url, on_failure and files of a summary or of metrics belong to a command "
            "that waits for its end, as `schedule install` writes it; a worker does without them"
        )

    def begin(name: str, tick: Tick) -> None:
        values = _options(context, name)
        options = replace(context.options, yes=True, no_input=True, timeout=values["timeout"])
        own = {option: value for option, value in values.items() if option not in GLOBAL_NAMES | REPORTING_NAMES}
        run_.function(context.for_firing(tick, options), **own)

    return Clock(jobs, found, begin, context.notice)


def _options(context: Context, name: str) -> dict[str, Any]:
    """What the command line would read for it: the config file, and the schedule on top."""
    config = [f"--config={context.settings.path}"] if context.settings.path is not None else []
    with run_.make_context("run", [name, "--detach", *config]) as parsed:
        return dict(parsed.params)
