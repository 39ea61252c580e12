"""Watch a job from its events, or run it in this terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dbsync.cli.context import Context
from dbsync.cli.jobs import followed
from dbsync.cli.kept import Kept
from dbsync.cli.output import json_text
from dbsync.errors import DbsyncError, JobBusy, TargetBusy
from dbsync.events import Event, Notice, PlanReady, TableFinished, TablePhase, TableProgress, TableStarted
from dbsync.jobs.model import Job, JobState, StoredEvent
from dbsync.jobs.recorder import worker_name
from dbsync.jobs.runner import Runner
from dbsync.model import TableName

_KINDS: Mapping[str, Callable[..., Event]] = {
    cls.kind: cls for cls in (PlanReady, TableStarted, TablePhase, TableFinished, Notice)
}
_LOOK_S = 0.5
_MAY_BEGIN = frozenset({JobState.PAUSED, JobState.STOPPED, JobState.FAILED})  # of others it is told why not


def watch_job(context: Context, kept: Kept, job: Job, *, streamed: bool) -> Job:
    """Follow the job until it rests, and return it: with progress for people, or a JSON line for each event."""
    replay = _Replay(context, kept, job)
    for event in followed(context, kept, job):
        if streamed:
            context.stream([json_text(event.to_dict())])
        else:
            replay.show(event)
    return kept.jobs.get(job.id)


def wait_for_target(context: Context, kept: Kept, job: Job) -> None:
    """Before a job is queued that nobody but this process would take: see that no other one writes to its target.

    Raises TargetBusy, unless the job is one that waits.
    """
    told = False
    while job.state in _MAY_BEGIN and (holder := kept.store.holder(job.target_id)) not in (None, job.id):
        said = f"job {holder[:8]} holds the target"
        if job.read_spec().options.on_locked != "wait":
            raise TargetBusy(said, hint=f"dbsync jobs watch {holder[:8]}, then run the command again")
        if not told:
            context.notice(f"{said}, waiting for it")
            told = True
        context.control.wait(_LOOK_S)
        kept.sweep()


def run_here(context: Context, kept: Kept, job: Job) -> Job:
    """Run a queued job in this process. A signal stops it, as it stops a sync, and what fails has failed."""
    worker = worker_name("terminal")
    claimed = kept.store.claim(job.id, worker)
    if claimed is None:
        if kept.store.get(job.id).state is JobState.QUEUED:
            raise TargetBusy(
                "another job has just taken the target; this one is queued", hint="dbsync worker --once runs it then"
            )
        raise JobBusy("a worker has just taken the job", hint=f"dbsync jobs watch {job.id[:8]}")
    runner = Runner(kept.store, kept.ends.to_write, worker, interrupted=JobState.STOPPED, gives_back=False)
    return runner.run(claimed, context.control, context.emit)


class _Replay:
    """Turns what is kept about a job back into the events that a display knows."""

    def __init__(self, context: Context, kept: Kept, job: Job) -> None:
        self._context, self._kept, self._job = context, kept, job
        self._rows: dict[str, tuple[int, int]] = {}

    def show(self, event: StoredEvent) -> None:
        """Show one event; ``progress`` is shown table by table."""
        if event.kind == "progress":
            self._show_tables()
        elif event.kind in _KINDS:
            self._context.emit(_KINDS[event.kind](**_typed(event.data)))
        if event.kind == "table_started":
            self._rows[event.data["table"]] = (0, 0)

    def _show_tables(self) -> None:
        try:
            tables = self._kept.jobs.tables(self._job.id)
        except DbsyncError as error:  # the store is away: what is missed is shown with the next figures
            if error.code != "STORE_FAILED":
                raise
            return
        for table in tables:
            if table.state != "running":
                continue
            before, now = self._rows.get(table.name, (0, 0)), (table.facts["rows"], table.facts["bytes"])
            if now > before:
                rows, size = now[0] - before[0], now[1] - before[1]
                self._context.emit(TableProgress(table=TableName.parse(table.name), rows=rows, bytes=size))
                self._rows[table.name] = now


def _typed(data: Mapping[str, Any]) -> dict[str, Any]:
    table = data.get("table")
    return {**data, "table": TableName.parse(table)} if table else dict(data)
