"""``dbsync schedule list|next|run``: the syncs of the config file that have a schedule."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from dbsync.cli.command import command, group
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.schedule_install import install
from dbsync.cli.schedule_names import scheduled, schedules
from dbsync.cli.sync import skipped, sync
from dbsync.cli.tables import text_table
from dbsync.schedule import Schedule, fires_at, jitter, next_firings

# What belongs to a run that a person takes up or reviews.
_NOT_SCHEDULED: dict[str, Any] = {
    "source": None, "target": None, "resume": None, "restart": False, "plan_file": None,
}  # fmt: skip


@command("list")
def list_(context: Context) -> Answer:
    """List the schedules, and when each fires next."""
    now = datetime.now(UTC)
    found = [(name, schedule, next_firings(schedule, now, 1)[0]) for name, schedule in schedules(context).items()]
    header = ("sync", "schedule", "time zone", "next", "overlap", "misfire")
    return Answer(
        result={"schedules": [_facts(name, schedule, at) for name, schedule, at in found]},
        render={
            "text": lambda: text_table(
                header,
                [
                    (name, schedule.cron, schedule.timezone, _shown(at), schedule.overlap, schedule.misfire)
                    for name, schedule, at in found
                ],
            )
        },
    )


@command("next")
def next_(
    context: Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this sync.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many firings.")] = 10,
) -> Answer:
    """Show the next firings, in each schedule's time zone and in UTC."""
    chosen = schedules(context) if name is None else {name: scheduled(context, name)}
    now = datetime.now(UTC)
    firings = sorted(
        ((at, each) for each, schedule in chosen.items() for at in next_firings(schedule, now, count)),
        key=lambda firing: firing[0].astimezone(UTC),
    )[:count]
    starts = [(at, each, (at + jitter(each, at, chosen[each].jitter_s)).astimezone(UTC)) for at, each in firings]
    return Answer(
        result={
            "firings": [
                {"name": each, "at": at.isoformat(), "start_at": start.isoformat(timespec="milliseconds")}
                for at, each, start in starts
            ]
        },
        render={
            "text": lambda: text_table(
                ("sync", "fires at", "in UTC"),
                [(each, _shown(at), at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")) for at, each, _ in starts],
            )
        },
    )


def run(
    context: Context,
    job: Annotated[str, typer.Argument(metavar="NAME", is_eager=True, help="The name of the sync in the config file.")],
    if_due: Annotated[
        bool,
        typer.Option("--if-due", help="Do nothing unless the schedule fires in this minute: for a cron elsewhere."),
    ] = False,
    wait_jitter: Annotated[
        bool, typer.Option("--jitter", help="Wait first, as long as the schedule's jitter says.")
    ] = False,
    **options: Any,
) -> Answer:
    """Run a sync now as its schedule would: with the schedule's time limit and overlap policy.

    The options are those of `sync`; each overrides the config file once.
    """
    schedule = scheduled(context, job)
    now = datetime.now(UTC)
    if if_due and not fires_at(schedule, now):
        return skipped(context, options["verify"], f"the schedule of {job} does not fire in this minute")
    if wait_jitter and schedule.jitter_s:
        minute = now.replace(second=0, microsecond=0)
        context.control.wait(jitter(job, minute, schedule.jitter_s).total_seconds())
    answer: Answer = sync.function(context, job=job, **_NOT_SCHEDULED, **options)
    return answer


def _as_sync(function: Any) -> Any:
    """Give a command the options of ``sync`` that it hands on, so that both always have the same."""
    own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.kind is not p.VAR_KEYWORD]
    handed_on = [
        parameter
        for name, parameter in inspect.signature(sync.function, eval_str=True).parameters.items()
        if name not in ("context", "job", *_NOT_SCHEDULED)
    ]
    function.__signature__ = inspect.Signature([*own, *handed_on])
    return function


run_ = command("run", two_ended=True, graceful=True, report=True, reporting=True, scheduled=True)(_as_sync(run))
schedule_app = group("schedule", "When the syncs of the config file run.", list_, next_, run_, install)


def _facts(name: str, schedule: Schedule, at: datetime) -> dict[str, Any]:
    return {"name": name, **schedule.to_dict(), "next": at.isoformat()}


def _shown(at: datetime) -> str:
    return at.strftime("%a %Y-%m-%d %H:%M %Z")
