"""Requests that are repeated under one ``X-Request-ID``: carried out once, answered each time with the same reply.

The frontend repeats a POST up to four times; what it asks for must not happen four times, also across a restart.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable

from fastapi import Request
from fastapi.responses import Response

from dbsync.errors import DbsyncError
from dbsync.server.auth import Caller
from dbsync.server.faults import Fault, fault_of
from dbsync.server.wire.envelope import Shape
from dbsync.store import Store, replies

_WAIT_S = 20.0
_POLL_S = 0.2
_GONE_S = 60.0  # the process that began the request has died, or hangs
_JSON = "application/json"


def once(
    request: Request, store: Store, caller: Caller, work: Callable[[], Shape], *, status: int = 200, again: bool = True
) -> Response:
    """Do the work, or answer as the first request with this id was answered.

    ``again``: the work may be begun anew where its first process is gone; else nobody knows whether it was done.
    """
    if not request.state.given_id:
        return _json(status, _dumped(work()))
    owner, request_id = caller.owner, request.state.request_id
    route = f"{request.method} {request.url.path}"
    deadline = time.monotonic() + _WAIT_S
    while True:
        known = replies.claim(store, owner=owner, request_id=request_id, route=route, request_hash=request.state.digest)
        if known is None or (again and replies.take_over(store, owner=owner, request_id=request_id, after_s=_GONE_S)):
            return _first(store, owner, request_id, work, status)
        if (known.route, known.request_hash) != (route, request.state.digest):
            raise Fault(409, "This X-Request-ID was used for another request")
        if known.status is not None:
            return _json(known.status, known.body or "")
        if time.monotonic() >= deadline or (not again and known.age_s > _GONE_S):
            said = "is still being answered" if again else "has no answer yet: look what became of it"
            raise Fault(409, f"The first request with this X-Request-ID {said}", headers={"Retry-After": "5"})
        time.sleep(_POLL_S)


def repeated_id(request: Request, caller: Caller) -> str | None:
    """An id for what the request makes, the same one for every repeat; None where the request has none."""
    if not request.state.given_id:
        return None
    made = hashlib.sha256(f"{caller.owner}\0{request.state.request_id}".encode()).digest()
    return str(uuid.UUID(bytes=made[:16], version=4))


def _first(store: Store, owner: str, request_id: str, work: Callable[[], Shape], status: int) -> Response:
    """Carry it out; what failed by a fault of ours may be tried anew."""
    try:
        body = _dumped(work())
    except (Fault, DbsyncError) as error:
        fault = error if isinstance(error, Fault) else fault_of(error)
        if fault.status >= 500:
            replies.forget(store, owner=owner, request_id=request_id)
            raise
        status, body = fault.status, bytes(fault.reply().body).decode()
    except BaseException:
        replies.forget(store, owner=owner, request_id=request_id)
        raise
    replies.keep(store, owner=owner, request_id=request_id, status=status, body=body)
    return _json(status, body)


def _dumped(shape: Shape) -> str:
    return shape.model_dump_json(by_alias=True, exclude_unset=True)


def _json(status: int, body: str) -> Response:
    return Response(body, status, media_type=_JSON)
