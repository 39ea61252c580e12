"""Jobs: listed, watched while they run, paused, resumed, stopped, tried again, measured, forgotten."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response

from dbsync.errors import JobNotFound
from dbsync.jobs.history import newest_events
from dbsync.jobs.model import RESTING, Job
from dbsync.jobs.service import Jobs
from dbsync.server.faults import Fault
from dbsync.server.page.chart import chart_of
from dbsync.server.page.live import Telling, facts_of
from dbsync.server.page.rendering import PageRoute, go_to, render
from dbsync.server.page.visit import Looker, Visit, Visitor
from dbsync.server.shapes.jobs import log_line
from dbsync.server.streams import last_event, stream_of

router = APIRouter(prefix="/jobs", route_class=PageRoute)
_PAGE = 25
_LOG_LINES = 200
Orderer = Annotated[Visit, Depends(Visitor("sync", "run", "jobs.order"))]
Remover = Annotated[Visit, Depends(Visitor("sync", "run", "jobs.remove"))]


@router.get("")
def listed(visit: Looker, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
    """The visitor's jobs, the newest first."""
    core, owner = visit.core, visit.caller.owner
    found = Jobs(core.jobs, owner).list(limit=_PAGE + 1, offset=(page - 1) * _PAGE)
    return render(visit, "jobs.html", jobs=found[:_PAGE], page=page, more=len(found) > _PAGE, here="jobs")


@router.get("/{id}")
def one(id: str, visit: Looker) -> Response:
    """A job: how far it is, its log, its figures. While it is at work the page follows it."""
    job = _job(visit, id)
    lines = newest_events(visit.core.store, job.id, limit=_LOG_LINES)
    return render(
        visit,
        "job.html",
        job=job,
        options=job.read_spec().options,
        follows=job.state not in RESTING,
        after=job.events,
        log=[log_line(job.id, event) | {"number": event.number, "at": event.at} for event in lines],
        here="jobs",
        **facts_of(visit.core.jobs, job),
        **_figures(visit, job),
    )


@router.get("/{id}/figures")
def figures(id: str, visit: Looker) -> Response:
    """The figures by themselves: asked for when a job has ended."""
    job = _job(visit, id)
    return render(visit, "figures.html", job=job, **_figures(visit, job))


@router.get("/{id}/stream")
def stream(
    id: str,
    visit: Looker,
    after: Annotated[int, Query(ge=0)] = 0,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> Response:
    """What happens to a job from now on, as parts of its page."""
    job = _job(visit, id)
    telling = Telling(visit, job.id, max(after, last_event(last_event_id)))
    return stream_of(visit.core, job, telling)


@router.get("/{id}/remove")
def ask_to_remove(id: str, visit: Looker) -> Response:
    """Ask before it is forgotten."""
    return render(visit, "job_remove.html", job=_job(visit, id), here="jobs")


@router.post("/{id}/remove")
def remove(id: str, visit: Remover) -> Response:
    """Forget a job that does not run."""
    _jobs(visit).remove(_job(visit, id).id)
    return go_to("/ui/jobs")


@router.post("/{id}/{order}")
def order(id: str, order: Literal["start", "pause", "resume", "stop", "retry"], visit: Orderer) -> Response:
    """Give an order."""
    visit.deed.action = f"jobs.{order}"
    jobs, job = _jobs(visit), _job(visit, id)
    orders = {
        "start": jobs.start, "pause": jobs.pause, "resume": jobs.resume, "stop": jobs.stop, "retry": jobs.retry,
    }  # fmt: skip
    orders[order](job.id)
    return go_to(f"/ui/jobs/{job.id}")


def _figures(visit: Visit, job: Job) -> dict[str, Any]:
    events = _progress(visit, job)
    return {"metrics": _jobs(visit).metrics(job.id), "chart": chart_of(events)}


def _progress(visit: Visit, job: Job) -> list[tuple[float, int, int]]:
    """When how many rows had been read, by attempt."""
    found, after = [], 0
    while batch := visit.core.jobs.events(job.id, after):
        found += [(one.at, one.attempt, int(one.data["rows"])) for one in batch if one.kind == "progress"]
        after = batch[-1].number
    return found


def _jobs(visit: Visit) -> Jobs:
    return Jobs(visit.core.jobs, visit.caller.owner, visit.core.crew.queue.send_job)


def _job(visit: Visit, id: str) -> Job:
    try:
        job = visit.core.jobs.get(id, visit.caller.owner)
    except JobNotFound:
        raise Fault(404, "There is no such job") from None
    visit.deed.job_id, visit.deed.source, visit.deed.target = job.id, job.source_name, job.target_name
    return job
