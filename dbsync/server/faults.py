"""How failures become replies: ``{"success": false, "error": "..."}`` whatever it was, never in a driver's own words.

What a caller can cause is a 4xx: the frontend retries 5xx and counts them against the whole server.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from dbsync import errors
from dbsync.errors import DbsyncError
from dbsync.quota import QuotaExceeded

log = logging.getLogger("dbsync.server")
_INTERNAL = "Internal server error"
# The first class that fits decides; what is not listed is a fault of this server.
STATUS: Mapping[type[DbsyncError], int] = {
    errors.ConfigError: 400,
    errors.ConnectionFailed: 400,
    errors.SchemaMismatch: 422,
    errors.SameDatabase: 400,
    errors.Refused: 409,
    errors.TargetBusy: 409,
    errors.Fenced: 409,
    errors.StatementFailed: 400,
    errors.TableFailed: 400,
    errors.Mismatch: 409,
    errors.TimeLimit: 400,
}
_STATUS_OF_CODE: Mapping[str, int] = {
    "NO_SUCH_CONNECTION": 404,
    "NO_SUCH_JOB": 404,
    "NAME_TAKEN": 409,
    "QUOTA": 403,
    "IN_USE": 409,
    "HOST_NOT_ALLOWED": 400,
    "NO_PRIVILEGE": 400,
    "ROW_TOO_LARGE": 400,
    "STORE_FAILED": 503,
    "STORE_CONFLICT": 409,
}
# What the older backend says where a field is missing.
_MISSING: Mapping[str, str] = {
    "sql": "SQL query is required",
    "encryptedUrl": "Encrypted URL is required",
    "sourceConnectionId": "Source and target connection IDs are required",
    "targetConnectionId": "Source and target connection IDs are required",
}


class Fault(Exception):
    """A reply that is no success: its status, its sentence, and further members of the body."""

    def __init__(self, status: int, error: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(error)
        self.status, self.error, self.headers, self.members = status, error, headers, members
        self.refusal = bool(members.get("requiresConfirmation"))  # a guard said no

    def reply(self) -> JSONResponse:
        """The reply itself."""
        return failure(self.status, self.error, headers=self.headers, **self.members)


def failure(status: int, error: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> JSONResponse:
    """The body that every failure has."""
    return JSONResponse({"success": False, "error": error, **members}, status, dict(headers) if headers else None)


def internal() -> JSONResponse:
    """The reply to what nobody foresaw; why stands in the log."""
    return failure(500, _INTERNAL)


def fault_of(error: DbsyncError) -> Fault:
    """The reply to one of our own errors."""
    status = _STATUS_OF_CODE.get(error.code) or next(
        (status for known, status in STATUS.items() if isinstance(error, known)), 500
    )
    if status >= 500:
        log.error("%s: %s", error.code, error.message)
        return Fault(status, _INTERNAL if status == 500 else "The service is not available now", code=error.code)
    members: dict[str, Any] = {"code": error.code} | ({"hint": error.hint} if error.hint else {})
    if isinstance(error, QuotaExceeded):
        members |= {"usage": error.details.get("usage"), "limits": error.details.get("limits")}
    fault = Fault(status, error.message, **members)
    fault.refusal = isinstance(error, errors.Refused)
    return fault


def install(app: FastAPI, stranger: Callable[[Request, str], None]) -> None:
    """Let every failure of the application end here; ``stranger`` is told of whoever was refused with 401, and why.

    The handlers are coroutines: for a plain function the framework takes a thread, and a crowd that is turned away
    would make forty of them.
    """

    async def fault(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Fault)
        if error.status == 401:
            await run_in_threadpool(stranger, request, error.error)
        return error.reply()

    app.add_exception_handler(Fault, fault)
    app.add_exception_handler(DbsyncError, _dbsync)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


async def _dbsync(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DbsyncError)
    return fault_of(error).reply()


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """Name the places that do not fit; what was sent is not repeated, it may hold a secret."""
    assert isinstance(error, RequestValidationError)
    found = [(".".join(map(str, each["loc"][1:])), str(each["type"]), str(each["msg"])) for each in error.errors()]
    details = [{"field": place, "message": _sentence(kind, message)} for place, kind, message in found]
    for place, kind, _ in found:
        if kind == "missing" and place in _MISSING:
            return failure(400, _MISSING[place], details=details)
    place, kind, message = found[0]
    return failure(400, f"{place or 'body'}: {_sentence(kind, message)}", details=details)


def _sentence(kind: str, message: str) -> str:
    return "is not valid JSON" if kind == "json_invalid" else message.removeprefix("Value error, ")


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        said = f"Route {request.method}:{request.url.path} not found"
        return failure(404, "Not Found", message=said, statusCode=404)
    if error.status_code == 405:
        allowed = {"Allow": ", ".join(_allowed(request))}
        return failure(405, "Method Not Allowed", headers=allowed, statusCode=405)
    if error.status_code == 400:  # a body that cannot be read at all
        return failure(400, "The request cannot be read")
    return failure(error.status_code, str(error.detail), headers=error.headers, statusCode=error.status_code)


def _allowed(request: Request) -> list[str]:
    """The methods of the routes with this very path, else of all that fit: each of them knows its own only."""
    path = request.url.path
    known: Sequence[BaseRoute] = request.app.state.routes
    routes = [route for route in known if isinstance(route, Route) and route.path_regex.match(path)]
    routes = [route for route in routes if route.path == path] or routes
    return sorted({method for route in routes for method in route.methods or () if method != "HEAD"})


async def _unforeseen(_request: Request, error: Exception) -> JSONResponse:
    log.error("%s", errors.InternalFault.of(error).message)
    return internal()
