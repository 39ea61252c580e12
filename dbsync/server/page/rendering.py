"""Templates and how they become replies; everything that a template prints is escaped, and nothing hides in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

from dbsync import __version__
from dbsync.errors import DbsyncError, InternalFault
from dbsync.server.faults import Fault, fault_of
from dbsync.server.page import words
from dbsync.server.page.visit import SignInNeeded, Visit, set_cookie

log = logging.getLogger("dbsync.server")
_TEMPLATES = Environment(
    loader=PackageLoader("dbsync.server.page"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=words.visible,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["version"] = __version__
_TEMPLATES.filters.update(
    exact=words.exact, as_json=words.as_json, number=words.number, count=words.count, size=words.size,
    seconds=words.seconds, moment=words.moment, clock=words.clock, state=words.state, phase=words.phase,
)  # fmt: skip
_TITLES = {401: "Sign in", 403: "Not allowed", 404: "Not found", 429: "Too many requests", 503: "Not available"}


def render(visit: Visit, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """A page, or a part of one, as the reply."""
    response = html(rendered(template, visit=visit, **facts), status)
    if visit.fresh:
        set_cookie(visit.request, response, visit.held)
    return response


def rendered(template: str, **facts: Any) -> Markup:
    """A template as HTML."""
    return Markup(_TEMPLATES.get_template(template).render(facts))


def html(text: Markup, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """HTML as a reply. Forms must say where they come from, which the policy of the API's replies keeps back."""
    return HTMLResponse(text, status, {**(headers or {}), "Referrer-Policy": "same-origin"})


def go_to(path: str) -> RedirectResponse:
    """Send the browser on after something was done, so that a reload does not do it again."""
    return RedirectResponse(path, 303)


class PageRoute(APIRoute):
    """A route whose failures are pages too, in the words of ``faults``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap what answers."""
        inner = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                response = await inner(request)
            except SignInNeeded:
                return _to_sign_in(request)
            except HTTPException:
                raise
            except Exception as error:  # the boundary of a request
                response = await run_in_threadpool(failed, request, error)
            visit = getattr(request.state, "visit", None)
            if isinstance(visit, Visit):
                await run_in_threadpool(visit.deed.keep, visit.core, visit.caller, response.status_code)
            return response

        return answer


def failed(request: Request, error: Exception) -> HTMLResponse:
    """What went wrong, as a page or as the part of one that was asked for."""
    fault = fault_from(error)
    visit = getattr(request.state, "visit", None)
    if isinstance(visit, Visit):
        visit.deed.code = fault.members.get("code")
    part = request.headers.get("hx-request") == "true"
    return html(
        rendered(
            "failure_part.html" if part else "failure.html",
            title=_TITLES.get(fault.status, "This did not work"),
            fault=fault,
            hint=fault.members.get("hint") or fault.members.get("message"),
        ),
        fault.status,
        fault.headers,
    )


def fault_from(error: Exception) -> Fault:
    """Any failure as one that may be told."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, DbsyncError):
        return fault_of(error)
    if isinstance(error, RequestValidationError):
        return Fault(400, "The address or the form has a field that cannot be read")
    log.error("%s", InternalFault.of(error).message)
    return Fault(500, "Something went wrong on the server; its log says what")


def _to_sign_in(request: Request) -> Response:
    """To the form, and back here afterwards."""
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": "/ui/sign-in"})
    if request.url.path.endswith("/stream"):
        return Response(status_code=401)
    if request.method != "GET":
        return RedirectResponse("/ui/sign-in", 303)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/ui/sign-in?next={quote(request.url.path + query, safe='')}", 303)
