"""What happens to a request before any route sees it: its name, its Host, its query, its body; plain ASGI.

The frontend appends a query twice, sends JSON types with no body and repeats a request under one id: that is set right
here, once. The access log names paths, never queries.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dbsync.server.faults import Fault

access = logging.getLogger("dbsync.access")
_MOST_BYTES = 1024 * 1024
_MOST_SYNC_BYTES = 2 * 1024 * 1024
_LONGEST_QUERY = 60 * 1024
_DEEPEST = 32
_BODY_S = 30.0
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")
_STRINGS = re.compile(rb'"[^"]*"?')  # what is never closed goes to the end: nothing is looked at twice
_BRACKETS = re.compile(rb"[\[\]{}]")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_Header = tuple[bytes, bytes]
_ON_ALL: tuple[_Header, ...] = tuple((name.lower().encode(), value.encode()) for name, value in _HEADERS.items())


class Arrival:
    """The outermost layer: names a request, refuses what no route should see, and logs how it ended."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        origins: Iterable[str],
        observe: Callable[[str, str, int, float], None],
    ) -> None:
        self._app = app
        self._observe = observe
        self._hosts = hosts
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 0
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        state = scope.setdefault("state", {})
        state["request_id"], state["given_id"] = request_id, headers.get("x-request-id") == request_id

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # What is left of a caller's minute stands on every reply, whoever made it.
                message["headers"] = _completed(message.get("headers", ()), request_id, state.get("reply_headers", {}))
            await send(message)

        inner = _as_get(scope)
        try:
            self._require_host(headers)
            self._require_origin(scope, headers)
            inner["query_string"] = _first_query(scope["query_string"])
            body = await _body(inner, headers, receive)
            if scope["method"] in _CHANGING:
                state["digest"] = hashlib.sha256(inner["query_string"] + b"\n" + body).hexdigest()
        except Fault as fault:
            await fault.reply()(scope, receive, answer)
        else:
            await self._app(inner, _replay(body, receive), answer)
            if (goes_on := state.pop("goes_on", None)) is not None:  # a stream, see events.py
                inner = {"route": inner.get("route")}  # the rest holds all that the framework needed
                await goes_on(receive, send)
        finally:
            took = time.monotonic() - started
            access.info("%s %s %s %.1f ms %s", scope["method"], _shown(scope["path"]), status, took * 1000, request_id)
            self._observe(_method(scope), getattr(inner.get("route"), "path", "unknown"), status, took)

    def _require_host(self, headers: Headers) -> None:
        """A page of another site that has our address by DNS rebinding names its own host here."""
        given = headers.getlist("host")
        host = _host_in(given[0]) if len(given) == 1 else None
        if host is None or (host.lower() not in self._hosts and not _is_address(host)):
            raise Fault(400, "Invalid host header")

    def _require_origin(self, scope: Scope, headers: Headers) -> None:
        """A browser says where a request comes from: other sites change nothing here."""
        origin = headers.get("origin")
        if scope["method"] not in _CHANGING or origin is None or origin in self._origins:
            return
        if origin != f"{scope.get('scheme', 'http')}://{headers['host']}":
            raise Fault(403, "Origin not allowed")


def _completed(given: Iterable[_Header], request_id: str, more: Mapping[str, str]) -> list[_Header]:
    """The headers of a reply with those that every reply has, where it has not its own."""
    found = [header for header in given if header[0] != b"x-request-id"]
    found.append((b"x-request-id", request_id.encode()))
    names = {name for name, _ in found}
    ours = (*_ON_ALL, *((name.lower().encode(), value.encode()) for name, value in more.items()))
    return found + [header for header in ours if header[0] not in names]


def _as_get(scope: Scope) -> Scope:
    """The request as routes see it: HEAD asks what GET asks, and the server leaves the body away."""
    streams = scope["path"].endswith("/stream")
    return dict(scope, method="GET") if scope["method"] == "HEAD" and not streams else dict(scope)


def _method(scope: Scope) -> str:
    """The method, if it is one: anything else would make a metric of its own."""
    return scope["method"] if scope["method"] in (*_CHANGING, "GET", "HEAD", "OPTIONS") else "other"


def _host_in(text: str) -> str | None:
    """The host of ``host:port``; None where it is none."""
    if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?", text):
        return None
    try:
        return urlsplit(f"//{text}").hostname
    except ValueError:  # no address is in the brackets
        return None


def _is_address(host: str) -> bool:
    """Whether it is an address rather than a name, which nobody can rebind."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.match(given) else str(uuid.uuid4())


def _first_query(raw: bytes) -> bytes:
    """The query up to its first ``?``, of each name the first value."""
    if len(raw) > _LONGEST_QUERY:
        raise Fault(400, "The query is too long")
    kept = raw.partition(b"?")[0].decode("latin-1")
    try:
        pairs = parse_qsl(kept, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise Fault(400, "The query has too many fields") from None
    first: dict[str, str] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    return urlencode(first).encode()


async def _body(scope: Scope, headers: Headers, receive: Receive) -> bytes:
    """Read the body within limits of size, time and depth; a missing one where JSON is due is an empty object."""
    if scope["method"] not in _CHANGING:
        return b""
    most = _MOST_SYNC_BYTES if scope["path"].startswith("/api/sync") else _MOST_BYTES
    declared = headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > most:
        raise Fault(413, "The request body is too large", limit=most)
    try:
        body = await asyncio.wait_for(_read(receive, most), _BODY_S)
    except TimeoutError:
        raise Fault(408, "The request body did not arrive in time", headers={"Connection": "close"}) from None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body.strip() and kind in ("", "application/json"):
        scope["headers"] = [
            *((name, value) for name, value in scope["headers"] if name not in (b"content-type", b"content-length")),
            (b"content-type", b"application/json"),
            (b"content-length", b"2"),
        ]
        return b"{}"
    if kind == "application/json":
        _require_shallow(body)
    return body


async def _read(receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Fault(400, "The client went away")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise Fault(413, "The request body is too large", limit=most, headers={"Connection": "close"})
        if not message.get("more_body"):
            return b"".join(parts)


def _require_shallow(body: bytes) -> None:
    depth = 0
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", unescaped)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > _DEEPEST:
            raise Fault(400, f"The request is nested more than {_DEEPEST} deep")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read, once; then what the connection says."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _shown(path: str) -> str:
    """A path as one line of a log."""
    return json.dumps(path)[1:-1][:200]
