"""To sign in with a bearer token, and out again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from dbsync.server.core import core_of
from dbsync.server.faults import Fault
from dbsync.server.page.rendering import PageRoute, go_to, html, rendered
from dbsync.server.page.visit import (
    SESSION_S,
    Looker,
    TheForm,
    cookie_of,
    drop_cookie,
    require_own_origin,
    session_text,
    set_cookie,
)
from dbsync.store.sessions import begin_session, end_session

router = APIRouter(route_class=PageRoute)
_HOME = "/ui"


@router.get("/sign-in")
def form(request: Request, next: Annotated[str, Query(max_length=4000)] = _HOME) -> Response:
    """Ask for the token."""
    if core_of(request).settings.auth == "none":
        return go_to(_HOME)
    return _form(request, next)


@router.post("/sign-in")
def sign_in(request: Request, form: TheForm) -> Response:
    """Begin a session, if the API would let this token in."""
    core, to = core_of(request), _inside(form.text("next"))
    require_own_origin(request)
    core.limits.take("execute", f"sign in from {request.client.host if request.client else 'nowhere'}")
    secret, token = form.text("secret").strip(), form.text("token").strip()
    try:
        caller = core.authenticator.caller(secret, f"Bearer {token}")
    except Fault as fault:
        core.strangers.note(request, fault.error)
        return _form(request, to, fault)
    before = cookie_of(request)
    if before is not None:
        end_session(core.store, before)
    response = go_to(to)
    text = session_text(secret, token)
    set_cookie(request, response, begin_session(core.store, owner=caller.owner, text=text, seconds=SESSION_S))
    return response


@router.post("/sign-out")
def sign_out(visit: Looker) -> Response:
    """End the session, here and in the store."""
    end_session(visit.core.store, visit.held)
    response = go_to("/ui/sign-in")
    drop_cookie(visit.request, response)
    return response


def _form(request: Request, to: str, fault: Fault | None = None) -> HTMLResponse:
    core = core_of(request)
    page = rendered(
        "sign_in.html",
        next=_inside(to),
        error=fault.error if fault else None,
        wants_secret=core.settings.shared_secret is not None,
        knows_people=core.authenticator.knows_people,
    )
    return html(page, fault.status if fault else 200)


def _inside(path: str) -> str:
    """The path, if it stays on the page."""
    inside = path == _HOME or path.startswith(("/ui/", "/ui?"))
    return path if inside and path.isprintable() and "\\" not in path else _HOME
