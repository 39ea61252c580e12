"""Syncs as jobs: foretold, created, started, paused, resumed, stopped, watched, measured."""

from __future__ import annotations

import json
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response

from dbsync.errors import DbsyncError, InvalidTransition, JobBusy, JobNotFound
from dbsync.guards import refuse_read_only
from dbsync.jobs.history import newest_events
from dbsync.jobs.model import Job as KeptJob
from dbsync.jobs.model import JobSpec, new_job_id
from dbsync.jobs.service import Jobs
from dbsync.server.auth import Caller
from dbsync.server.core import Core, Reader, Runner, TheCore
from dbsync.server.deeds import RunnerDeed
from dbsync.server.faults import Fault
from dbsync.server.places import Place
from dbsync.server.routes.pairs import both_ends
from dbsync.server.shapes.execution import confirmed_as, require_phrase
from dbsync.server.shapes.foretelling import foretold
from dbsync.server.shapes.jobs import STATES, STATUS, job_details, options_of, shown_job, shown_metrics
from dbsync.server.streams import Frames, last_event, stream_of
from dbsync.server.wire.asked import AskedSync, Ends
from dbsync.server.wire.databases import NamedEnd
from dbsync.server.wire.envelope import FAILURES, Listing, Reply, answers, listing, ok, sent
from dbsync.server.wire.syncs import DryRun, Job, JobChange, JobDetails, Status

router = APIRouter(prefix="/api/sync", tags=["sync"])
_STREAM: dict[str, Any] = {"description": "Server-sent events", "content": {"text/event-stream": {}}}
_MOST_LOGS = 1000
_NO_ENDS = Ends()  # a body may be left away


@router.get("", **answers(Listing[Job]))
def list_jobs(
    caller: Reader,
    core: TheCore,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    status: Status | None = None,
) -> Listing[Job]:
    """The caller's jobs, the newest first."""
    jobs, states = _jobs(core, caller), STATES[status] if status else ()
    some = jobs.list(states=states, limit=limit, offset=offset)
    found = [shown_job(job, core.jobs.tables(job.id), _ends(core, job)) for job in some]
    return listing(found, total=core.jobs.count(caller.owner, states), limit=limit, offset=offset)


@router.post("", status_code=201, **answers(Reply[Job | DryRun]))
def create(deed: RunnerDeed, body: AskedSync) -> Response:
    """Foretell a sync (dryRun: no job is made, 200), or keep it as a job that waits to be started (201)."""
    source, target = both_ends(deed.core, deed.caller, body)
    options = options_of(body)
    if body.dry_run:
        return sent(ok(foretold(deed.core.places, source, target, options)))
    job_id = deed.repeated_id() or new_job_id()
    spec = JobSpec(options=options, agreed=True, confirmed=confirmed_as(target, body.confirmation_phrase))

    def work() -> Reply[Job]:
        refuse_read_only(target.url)
        require_phrase(target, body.confirmation_phrase)
        deed.core.require_quota(deed.caller.owner, "new job")
        return ok(_created(deed.core, deed.caller, job_id, spec, (source, target)))

    return deed.once("jobs.create", job_id, work, status=201)


@router.get("/{id}", **answers(Reply[JobDetails]))
def get_job(
    id: str,
    caller: Reader,
    core: TheCore,
    logs: bool = True,
    log_limit: Annotated[int, Query(alias="logLimit", ge=1, le=_MOST_LOGS)] = 100,
) -> Reply[JobDetails]:
    """A job with its progress and the newest lines of its log."""
    job = _job(core, caller, id)
    lines = newest_events(core.store, job.id, limit=log_limit) if logs else []
    return ok(job_details(job, core.jobs.tables(job.id), _ends(core, job), lines))


@router.delete("/{id}", **answers(Reply[dict[str, str]]))
def remove_job(id: str, deed: RunnerDeed) -> Response:
    """Forget a job that does not run."""
    return deed.once("jobs.remove", id, lambda: _removed(deed.core, deed.caller, id))


@router.post("/{id}/start", **answers(Reply[JobChange]))
def start(id: str, deed: RunnerDeed, body: Ends = _NO_ENDS) -> Response:
    """Let a job that was created, paused, stopped or has failed run; it goes on from what is committed."""
    return deed.once("jobs.start", id, lambda: _ordered(deed.core, deed.caller, id, "start"))


@router.post("/{id}/resume", **answers(Reply[JobChange]))
def resume(id: str, deed: RunnerDeed, body: Ends = _NO_ENDS) -> Response:
    """Let a paused job go on: a new snapshot, and what differs from it."""
    return deed.once("jobs.resume", id, lambda: _ordered(deed.core, deed.caller, id, "resume"))


@router.post("/{id}/pause", **answers(Reply[JobChange]))
def pause(id: str, deed: RunnerDeed, body: Ends = _NO_ENDS) -> Response:
    """Let a running job end so that it can go on later."""
    return deed.once("jobs.pause", id, lambda: _ordered(deed.core, deed.caller, id, "pause"))


@router.post("/{id}/stop", **answers(Reply[JobChange]))
def stop(id: str, deed: RunnerDeed, body: Ends = _NO_ENDS) -> Response:
    """End a job; what is committed stays."""
    return deed.once("jobs.stop", id, lambda: _ordered(deed.core, deed.caller, id, "stop"))


@router.get("/{id}/metrics", **answers(Reply[dict[str, Any]]))
def metrics(id: str, caller: Reader, core: TheCore) -> Reply[dict[str, Any]]:
    """A job's figures: durations, rows, bytes and rates, in all and for each table."""
    job = _job(core, caller, id)
    return ok(shown_metrics(_jobs(core, caller).metrics(job.id), STATUS[job.state]))


@router.get("/{id}/stream", response_class=Response, responses={**FAILURES, 200: _STREAM})
async def stream(
    id: str, caller: Runner, core: TheCore, last_event_id: Annotated[str | None, Header(max_length=64)] = None
) -> Response:
    """Follow a job: log lines and progress as server-sent events, until it ends or pauses."""

    def opened() -> Response:
        job = _job(core, caller, id)
        return stream_of(core, job, Frames(_jobs(core, caller), job.id, last_event(last_event_id)))

    with core.audience.opening(caller.owner, each=core.settings.streams_per_owner):
        return await to_thread.run_sync(opened, limiter=core.aside)


def _created(core: Core, caller: Caller, job_id: str, spec: JobSpec, ends: tuple[Place, Place]) -> Job:
    kept = [(_kept(core, caller, place), place.name) for place in ends]
    try:
        job = core.jobs.create(
            job_id=job_id, owner=caller.owner, origin="http", source=kept[0], target=kept[1], spec=spec
        )
    except DbsyncError as error:
        if error.code != "STORE_CONFLICT":
            raise
        job = core.jobs.get(job_id, caller.owner)  # made by the same request, whose process has died
        if not _is_what_was_asked(job, spec, ends):
            raise Fault(409, "This X-Request-ID was used for another job") from None
    return shown_job(job, [], _ends(core, job))


def _is_what_was_asked(job: KeptJob, spec: JobSpec, ends: tuple[Place, Place]) -> bool:
    """Whether a job does this between these databases, as far as they are saved ones."""
    named = zip((job.source_id, job.target_id), ends, strict=True)
    same = all(place.connection is None or place.connection.id == id for id, place in named)
    return same and dict(job.spec) == json.loads(json.dumps(spec.to_dict()))


def _kept(core: Core, caller: Caller, place: Place) -> str:
    """The id of the connection that a job refers to; a blob's database is sealed anew as an unnamed one."""
    return place.connection.id if place.connection is not None else core.registry.keep_unnamed(caller.owner, place.url)


def _ordered(core: Core, caller: Caller, id: str, order: str) -> Reply[JobChange]:
    """Give an order. Raises Fault 404 and 400, in the older backend's words."""
    job = _job(core, caller, id)
    jobs = _jobs(core, caller)
    orders = {"start": jobs.start, "resume": jobs.resume, "pause": jobs.pause, "stop": jobs.stop}
    try:
        changed = orders[order](job.id)
    except (InvalidTransition, JobBusy) as error:
        said = f'Cannot {order} job with status "{STATUS[job.state]}"'
        raise Fault(400, said, code=error.code, state=job.state.value, details=error.message) from None
    told: Status = _ANSWERS.get(order, STATUS[changed.state])
    message = f"The job is {changed.state}"
    return ok(JobChange(job_id=job.id, status=told, state=changed.state.value, message=message), message=message)


# What the frontend takes as done, when the order was accepted.
_ANSWERS: dict[str, Status] = {"start": "running", "resume": "running", "pause": "paused", "stop": "failed"}


def _removed(core: Core, caller: Caller, id: str) -> Reply[dict[str, str]]:
    job = _job(core, caller, id)
    try:
        _jobs(core, caller).remove(job.id)
    except InvalidTransition:
        raise Fault(400, f'Cannot delete job with status "{STATUS[job.state]}"') from None
    return ok({"id": job.id}, message="Sync job deleted")


def _jobs(core: Core, caller: Caller) -> Jobs:
    return Jobs(core.jobs, caller.owner, core.crew.queue.send_job)


def _job(core: Core, caller: Caller, id: str) -> KeptJob:
    try:
        return core.jobs.get(id, caller.owner)
    except JobNotFound:
        raise Fault(404, "Sync job not found") from None


def _ends(core: Core, job: KeptJob) -> tuple[NamedEnd, NamedEnd]:
    return (
        _end(core, job.owner, job.source_id, job.source_name),
        _end(core, job.owner, job.target_id, job.target_name),
    )


def _end(core: Core, owner: str, id: str, name: str) -> NamedEnd:
    found = core.registry.find(owner, id)
    environment = found.labels.environment if found is not None else None
    unnamed = found is None or found.name is None
    return NamedEnd(id=id, name=name, environment=environment or ("production" if unnamed else "development"))
