"""``dbsync jobs``: look at syncs that are kept, and order them about."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from dbsync.cli.command import command, group
from dbsync.cli.context import Context
from dbsync.cli.options import Format
from dbsync.cli.output import Answer, Rendering, json_text
from dbsync.cli.terminal import is_terminal
from dbsync.errors import ConfigError, DbsyncError, JobNotFound
from dbsync.quantities import parse_duration

if TYPE_CHECKING:  # loaded when the store is opened
    from dbsync.cli.kept import Kept
    from dbsync.jobs.model import Job, StoredEvent

_BATCH = 500
_POLL_S = 0.5
_AWAY_S = 120.0  # a store's server that is not back by then
_SAID: Mapping[Format, Rendering] = {"text": str, "jsonl": str}  # nothing: it was streamed
STATES = ("created", "queued", "running", "pausing", "paused", "stopping", "stopped", "succeeded", "failed")
_CODES = {"paused": "PAUSED", "stopped": "STOPPED"}  # of jobs that ended in the queue, or were taken away

Run = Annotated[str, typer.Argument(metavar="RUN", help="The beginning of a job's id, or of a run's.")]
Here = Annotated[bool, typer.Option("--here", help="Run it in this terminal even where workers wait for jobs.")]


@command("list")
def list_(
    context: Context,
    states: Annotated[
        list[str] | None, typer.Option("--state", metavar="STATE", help="Only jobs in this state; repeatable.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="JOB", help="Only jobs of this sync.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="At most so many.")] = 50,
) -> Answer:
    """List the jobs, the newest first."""
    from dbsync.cli.kept import open_kept
    from dbsync.cli.render_jobs import job_dict, list_text
    from dbsync.jobs.model import JobState

    unknown = sorted(set(states or ()) - set(STATES))
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is no state of a job", hint=f"one of {', '.join(STATES)}")
    with open_kept(context) as kept:
        kept.sweep()
        found = kept.jobs.list(states=[JobState(state) for state in states or ()], name=name, limit=limit)
        result = {"jobs": [job_dict(job, kept.jobs.tables(job.id)) for job in found]}
    return Answer(result=result, render={"text": lambda: list_text(found)})


@command("show")
def show(context: Context, run: Run) -> Answer:
    """Show one job: where it stands, table by table."""
    from dbsync.cli.kept import open_kept

    with open_kept(context) as kept:
        return _shown(kept, found(kept, run))


@command("logs", formats=("text", "json", "jsonl"), graceful=True)
def logs(
    context: Context,
    run: Run,
    after: Annotated[int, typer.Option("--after", metavar="N", min=0, help="Only events past this number.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the job rests.")] = False,
    all_events: Annotated[bool, typer.Option("--all", help="Also progress, which nobody reads.")] = False,
) -> Answer:
    """Print what happened to a job."""
    from dbsync.cli.kept import open_kept
    from dbsync.cli.render_jobs import log_line

    if follow and context.options.format == "json":
        raise ConfigError("--follow prints a line at a time: use --format jsonl")
    with open_kept(context) as kept:
        job = found(kept, run)
        if follow:
            for event in followed(context, kept, job, after=after, readable=not all_events):
                context.stream([log_line(event) if context.options.format == "text" else json_text(event.to_dict())])
            return Answer(result=None, render=_SAID)
        events = list(_events(kept, job, after, readable=not all_events))
    return Answer(
        result={"job_id": job.id, "events": [event.to_dict() for event in events]},
        render={
            "text": lambda: map(log_line, events),
            "jsonl": lambda: (json_text(event.to_dict()) for event in events),
        },
    )


@command("metrics")
def metrics(context: Context, run: Run) -> Answer:
    """Show a job's figures: time, rows, rates, memory, in all and per table."""
    from dbsync.cli.kept import open_kept
    from dbsync.cli.render_jobs import metrics_text

    with open_kept(context) as kept:
        measured = kept.jobs.metrics(found(kept, run).id)
    return Answer(result=measured.to_dict(), render={"text": lambda: metrics_text(measured)})


@command("pause", report=True)
def pause(context: Context, run: Run) -> Answer:
    """Let a job end such that it can go on later; the source's snapshot is given back."""
    context.audited("jobs.pause", run)
    from dbsync.cli.kept import open_kept

    with open_kept(context) as kept:
        return _shown(kept, kept.jobs.pause(found(kept, run).id))


@command("stop", report=True)
def stop(
    context: Context,
    run: Run,
    now: Annotated[
        bool, typer.Option("--now", help="Do not wait for who runs it: it ends when it hears that its lease is gone.")
    ] = False,
) -> Answer:
    """End a job: what is running is cancelled, each table stays old or new, whole."""
    context.audited("jobs.stop", run)
    from dbsync.cli.kept import open_kept

    with open_kept(context) as kept:
        return _shown(kept, kept.jobs.stop(found(kept, run).id, now=now))


@command("resume", graceful=True, report=True)
def resume(context: Context, run: Run, here: Here = False) -> Answer:
    """Let a paused job go on: by a worker, else in this terminal. What is done and still equal is left alone."""
    return _go_on(context, run, "resume", here=here)


@command("retry", graceful=True, report=True)
def retry(context: Context, run: Run, here: Here = False) -> Answer:
    """Let a job that failed or was stopped go on: by a worker, else in this terminal."""
    return _go_on(context, run, "retry", here=here)


@command("prune", report=True)
def prune(
    context: Context,
    older_than: Annotated[
        float,
        typer.Option("--older-than", metavar="DURATION", parser=parse_duration, show_default="30 days",
                     help="Forget jobs that ended longer ago: 720h."),
    ] = 30 * 24 * 3600.0,
) -> Answer:  # fmt: skip
    """Forget jobs that ended long ago, with all that was written down about them."""
    context.audited("jobs.prune")
    from dbsync.cli.kept import open_kept

    with open_kept(context) as kept:
        with kept.store.store.read() as connection:
            now = kept.store.store.now(connection)  # this machine's clock may be another one
        count = kept.store.prune(now - older_than, kept.jobs.owner)
        kept.registry.forget_unused()
    return Answer(result={"pruned": count}, render={"text": lambda: f"{count} jobs forgotten"})


@command("watch", formats=("text", "json", "jsonl"), graceful=True)
def watch(
    context: Context,
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A job; without it the newest one that is not over.")
    ] = None,
) -> Answer:
    """Watch a job until it rests: bars in a terminal, JSON lines in a pipe. The exit code is the job's."""
    from dbsync.cli.kept import open_kept
    from dbsync.cli.watching import watch_job

    with open_kept(context) as kept:
        job = found(kept, run) if run is not None else _newest(kept)
        streamed = context.options.format == "jsonl" or (
            context.options.format == "text" and not is_terminal(sys.stdout)
        )
        answer = ended(kept, watch_job(context, kept, job, streamed=streamed))
    return replace(answer, render=_SAID) if streamed else answer


jobs_app = group(
    "jobs", "Syncs that are kept: look, pause, resume, stop.",
    list_, show, watch, logs, metrics, pause, resume, stop, retry, prune,
)  # fmt: skip


def found(kept: Kept, run: str) -> Job:
    """The job that a person names; those whose process is gone are told so first."""

    kept.sweep()
    return kept.jobs.find(run)


def ended(kept: Kept, job: Job) -> Answer:
    """The answer of a command that was there when the job came to rest."""
    from dbsync.jobs.model import JobState

    answer = _shown(kept, job)
    if job.state is JobState.SUCCEEDED:
        return answer
    facts = job.error or {}
    error = DbsyncError(
        facts.get("message") or f"the job is {job.state}",
        code=facts.get("code") or _CODES.get(job.state, "JOB_FAILED"),
        hint=facts.get("hint") or f"dbsync jobs {'resume' if job.state is JobState.PAUSED else 'retry'} {job.id[:8]}",
        sqlstate=facts.get("sqlstate"),
    )
    return Answer(
        result=answer.result,
        render=answer.render,
        exit_code=int(facts.get("exit_code") or error.exit_code),
        error=error,
    )


def followed(
    context: Context, kept: Kept, job: Job, *, after: int = 0, readable: bool = False
) -> Iterator[StoredEvent]:
    """Yield a job's events as they come, until it rests; a store that is away is waited for."""
    from dbsync.jobs.model import RESTING

    away_since: float | None = None
    while True:
        try:
            kept.sweep()
            resting = kept.jobs.get(job.id).state in RESTING  # asked first: what follows is all there is then
            for event in _events(kept, job, after, readable=readable):
                after = event.number
                yield event
            if resting:
                return
            away_since = None
        except DbsyncError as error:  # a server that is restarted; the job goes on meanwhile
            if error.code != "STORE_FAILED" or (away_since or time.monotonic()) < time.monotonic() - _AWAY_S:
                raise
            if away_since is None:
                away_since = time.monotonic()
                context.notice(f"the store cannot be asked now, trying again: {error.message}")
        context.control.wait(_POLL_S)


def _events(kept: Kept, job: Job, after: int, *, readable: bool) -> Iterator[StoredEvent]:
    while batch := kept.jobs.events(job.id, after, limit=_BATCH, readable=readable):
        yield from batch
        after = batch[-1].number


def _shown(kept: Kept, job: Job) -> Answer:
    from dbsync.cli.render_jobs import job_dict, show_text

    tables = kept.jobs.tables(job.id)
    return Answer(result=job_dict(job, tables), render={"text": lambda: show_text(job, tables)})


def _go_on(context: Context, run: str, order: str, *, here: bool) -> Answer:
    from dbsync.cli.kept import open_kept
    from dbsync.cli.watching import run_here, wait_for_target

    context.audited(f"jobs.{order}", run)
    with open_kept(context) as kept:
        job = found(kept, run)
        workers = kept.has_workers and not here
        if not workers:
            wait_for_target(context, kept, job)
        queued = kept.jobs.resume(job.id) if order == "resume" else kept.jobs.retry(job.id)
        if workers and kept.has_workers:  # one that works off the queue may have ended meanwhile
            context.notice(f"a worker will take it: dbsync jobs watch {job.id[:8]}")
            return _shown(kept, queued)
        return ended(kept, run_here(context, kept, queued))


def _newest(kept: Kept) -> Job:
    from dbsync.jobs.model import HELD, JobState

    jobs = kept.jobs.list(states=[*HELD, JobState.QUEUED], limit=1)
    if not jobs:
        raise JobNotFound("no job is at work", hint="dbsync jobs list shows those that are over")
    return jobs[0]
