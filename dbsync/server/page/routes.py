"""All routes of the page, and its static files. None of them is part of the documented API."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from dbsync.server.faults import Fault
from dbsync.server.page import audit, connections, jobs, schemas, sign_in, start, syncs, tables
from dbsync.server.page.rendering import PageRoute
from dbsync.server.page.visit import Looker

PARTS = (start, sign_in, connections, tables, schemas, syncs, jobs, audit)
router = APIRouter(include_in_schema=False, route_class=PageRoute)
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_FOR_A_DAY = {"Cache-Control": "public, max-age=86400"}  # their addresses name the version


@router.get("/ui/")
def with_slash() -> Response:
    """The address that people type."""
    return RedirectResponse("/ui", 308)


@router.get("/ui/static/{name}")
def static(name: str) -> Response:
    """A style sheet or a script."""
    found = _static().get(name)
    if found is None:
        raise Fault(404, "There is no such file")
    return Response(found, media_type=_TYPES[name.rpartition(".")[2]], headers=_FOR_A_DAY)


for part in PARTS:
    router.include_router(part.router, prefix="/ui", include_in_schema=False)


@router.get("/ui/{path:path}")
def nothing(path: str, visit: Looker) -> Response:
    """Any other address."""
    raise Fault(404, "There is no such page")


@cache
def _static() -> dict[str, bytes]:
    """The static files, by name."""
    folder = files("dbsync.server.page") / "static"
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in _TYPES}
