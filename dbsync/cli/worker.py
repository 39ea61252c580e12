"""``dbsync worker``: run queued jobs until told to end, on as many hosts as share the store."""

from __future__ import annotations

import gc
from contextlib import ExitStack, closing
from typing import Annotated, Literal

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.firing_reports import FiringReports
from dbsync.cli.kept import open_kept
from dbsync.cli.output import Answer
from dbsync.cli.scheduled import clock_of
from dbsync.jobs.queue import choose_engine, open_queue
from dbsync.jobs.worker import make_worker


@command("worker", graceful=True, report=True)
def worker(
    context: Context,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, max=64, help="Jobs at a time.")] = 2,
    once: Annotated[bool, typer.Option("--once", help="Work off what is queued, then end.")] = False,
    schedules: Annotated[
        bool, typer.Option("--schedules", help="Also queue the syncs of the config file that are due, each once.")
    ] = False,
    engine: Annotated[
        Literal["auto", "inline", "procrastinate"],
        typer.Option("--engine", help="How work is heard of: auto takes Procrastinate where the store is in Postgres."),
    ] = "auto",
) -> Answer:
    """Run queued jobs. Told to end (Ctrl-C, SIGTERM), it gives them back to the queue and exits with 0."""
    with ExitStack() as stack:
        kept = stack.enter_context(open_kept(context))
        kept.registry.require_key()
        jobs = kept.store
        chosen = choose_engine(engine, jobs.store)
        queue = stack.enter_context(closing(open_queue(chosen, jobs.store)))
        working = make_worker(jobs, kept.ends, queue, engine=chosen, concurrency=concurrency, tell=context.notice)
        if schedules:
            reports = stack.enter_context(FiringReports(context, kept))
            working.clock = clock_of(context, jobs, reports.refused)
        gc.enable()  # see cli.main: from here on it may take very long
        working.serve(context.control, once=once)
    ended = dict(working.ended)
    return Answer(
        result={"worker_id": working.id, "engine": chosen, "ended": ended},
        render={"text": lambda: _said(ended)},
    )


def _said(ended: dict[str, int]) -> str:
    """How the attempts ended, in one line."""
    told = ", ".join(f"{count} {state}" for state, count in sorted(ended.items()))
    return f"attempts at jobs: {told or 'none'}\n"
