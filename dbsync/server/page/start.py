"""The first page: what to do next, and what was done last."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from dbsync.jobs.service import Jobs
from dbsync.server.page.rendering import PageRoute, render
from dbsync.server.page.visit import Looker

router = APIRouter(route_class=PageRoute)
_RECENT = 5


@router.get("")
def start(visit: Looker) -> Response:
    """Three steps for who is new, the newest jobs for everybody else."""
    core, owner = visit.core, visit.caller.owner
    jobs = Jobs(core.jobs, owner)
    return render(
        visit, "start.html", connections=core.registry.list(owner), jobs=jobs.list(limit=_RECENT), here="start"
    )
