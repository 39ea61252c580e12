"""``sync --queue`` and ``--detach``: the job is handed to the workers, and followed to its end or not."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial

from dbsync.cli.context import Context
from dbsync.cli.jobs import ended
from dbsync.cli.kept import Kept, open_kept
from dbsync.cli.output import Answer
from dbsync.cli.watching import watch_job
from dbsync.data.options import SyncOptions
from dbsync.errors import DbsyncError, Interrupted, TargetBusy
from dbsync.failpoints import failpoint
from dbsync.guards import require_consent
from dbsync.jobs.model import LOCAL_OWNER, Job, JobSpec, first_run_id
from dbsync.store.place import state_directory
from dbsync.urls import DatabaseUrl

# Options that are meant for this call: its time limit is the job's, its files hold its own answer.
_THIS_CALLS = frozenset({"DBSYNC_TIMEOUT", "DBSYNC_OUTPUT", "DBSYNC_FORMAT", "DBSYNC_JSON", "DBSYNC_PROFILE"})


def hand_over(
    context: Context,
    ends: tuple[DatabaseUrl, DatabaseUrl],
    options: SyncOptions,
    *,
    name: str | None,
    confirm: str | None,
    detach: bool,
    priority: int = 0,
) -> Answer:
    """Queue a sync that is agreed to here, and see to it that somebody runs it. Its plan is made by who does."""
    source, target = ends
    ask = (lambda: context.confirm(f"Let workers write to {target.name}?")) if context.can_ask else None
    require_consent(target, yes=context.options.yes, confirm=confirm, ask=ask)
    with open_kept(context) as kept:
        job = _queue(context, kept, (source, target), options, name=name, confirm=confirm, priority=priority)
        context.notice(f"job {job.id[:8]} is queued, its run is {first_run_id(job.id)}")
        failpoint("after_job_queued")
        if context.tick is None and _is_alone(context, kept):
            if detach:
                _start_worker(context)
            else:
                context.notice("no worker is there: it waits for one (dbsync worker)")
        if detach:
            return _answer(job)
        context.control.limit(None)  # --timeout is the job's: what waits in a queue loses nothing of it
        try:
            return _followed(context, kept, job)
        except Interrupted as signal:
            context.notice(f"the job goes on without this terminal: dbsync jobs watch {job.id[:8]}")
            return replace(_answer(kept.jobs.get(job.id)), exit_code=signal.status)


def _is_alone(context: Context, kept: Kept) -> bool:
    """Whether no worker is there; the job is queued, also where the store cannot tell now."""
    try:
        return not kept.has_workers
    except DbsyncError as error:
        if error.code != "STORE_FAILED":
            raise
        context.notice(f"whether a worker is there cannot be asked now: {error.message}")
        return False


def _queue(
    context: Context,
    kept: Kept,
    ends: tuple[DatabaseUrl, DatabaseUrl],
    options: SyncOptions,
    *,
    name: str | None,
    confirm: str | None,
    priority: int,
) -> Job:
    source, target = ((kept.registry.keep_unnamed(LOCAL_OWNER, url), url.name) for url in ends)
    spec = JobSpec(options=options, agreed=True, confirmed=confirm, timeout_s=context.options.timeout)
    make = partial(kept.jobs.create, spec, source=source, target=target, name=name, priority=priority)
    if context.tick is not None:
        holder = kept.store.holder(target[0]) if options.on_locked != "wait" else None
        if holder is not None:  # in the queue it would wait, which is not what the schedule says
            raise TargetBusy(f"job {holder[:8]} holds the target")
        return make(origin="schedule", tick=context.tick)
    return make(origin="queue", queued=True)


def _start_worker(context: Context) -> None:
    """Start a worker on this machine that outlives this terminal, works off the queue and ends."""
    log = state_directory() / "worker.log"
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = ["--config", str(context.options.config)] if context.options.config is not None else []
    subprocess.Popen(
        [sys.executable, "-m", "dbsync", "worker", "--once", "--quiet", "--log-file", str(log), *config],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name not in _THIS_CALLS},
        start_new_session=True,
    )
    context.notice(f"no worker is there: one was started in the background, its log is {log}")


def _followed(context: Context, kept: Kept, job: Job) -> Answer:
    """The answer of the job's last attempt: as of a sync that was run here."""
    rested = watch_job(context, kept, job, streamed=False)
    return replace(ended(kept, rested), result=rested.result or _facts(rested))


def _answer(job: Job) -> Answer:
    return Answer(result=_facts(job), render={"text": lambda: f"{first_run_id(job.id)}\n"})


def _facts(job: Job) -> dict[str, str]:
    return {"run_id": job.run_id or first_run_id(job.id), "job_id": job.id, "state": job.state.value}
