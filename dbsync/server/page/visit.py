"""Who visits the page, and whether a request is really theirs.

A cookie names a session; the session holds the bearer token, which is judged anew on each request by the same
``Authenticator`` as for the API. What changes something needs the page's own origin and a token from one of its forms.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import Depends, Request
from starlette.responses import Response

from dbsync.server.auth import Caller
from dbsync.server.core import Core, core_of
from dbsync.server.faults import Fault
from dbsync.server.page.deeds import Deed
from dbsync.server.places import Place
from dbsync.server.settings import LimitKind, is_loopback
from dbsync.server.tokens import Scope
from dbsync.store.sessions import find_session

SESSION_S = 12 * 3600.0
_COOKIE, _SECURE_COOKIE = "dbsync", "__Host-dbsync"
_MOST_FIELDS = 5000
_LONGEST_COOKIE = 128


class SignInNeeded(Exception):
    """Nobody is signed in."""


class Form:
    """The fields of a request's body; a name may come several times."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """The first value, "" where there is none."""
        return self._fields.get(name, ("",))[0]

    def all(self, name: str) -> Sequence[str]:
        """Every value."""
        return self._fields.get(name, ())

    def has(self, name: str) -> bool:
        """Whether a box was ticked."""
        return name in self._fields


async def form_of(request: Request) -> Form:
    """Read the body. Raises Fault 400."""
    body = await request.body() if request.method == "POST" else b""
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind != "application/x-www-form-urlencoded":
        return Form({})
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise Fault(400, "The form cannot be read") from None
    if any("\0" in value for values in found.values() for value in values):
        raise Fault(400, "The form cannot be read")
    return Form(found)


TheForm = Annotated[Form, Depends(form_of)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of somebody who may be here. ``held`` is what the browser holds; ``fresh``: it has it from now on."""

    request: Request
    core: Core
    caller: Caller
    held: str
    fresh: bool = False
    deed: Deed = field(default_factory=lambda: Deed(action="page"))

    @property
    def csrf(self) -> str:
        """What forms carry so that no other page can send them."""
        return hmac.new(self.held.encode(), b"dbsync page form", hashlib.sha256).hexdigest()

    def place(self, reference: str) -> Place:
        """A saved connection of the visitor's. Raises ConfigError for any other, HostNotAllowed."""
        return self.core.places.saved(self.core.registry.get(self.caller.owner, reference))

    @property
    def asks_to_sign_in(self) -> bool:
        """Whether this server knows people at all."""
        return self.core.settings.auth != "none"

    @property
    def by_htmx(self) -> bool:
        """Whether a part of a page is wanted."""
        return self.request.headers.get("hx-request") == "true"


class Visitor:
    """A route's condition, as ``core.Guard`` is for the API: who, how much of the minute is left, what they may.

    ``action``: what the audit log calls it.
    """

    def __init__(self, kind: LimitKind, scope: Scope, action: str | None = None) -> None:
        self.kind, self.scope, self.action = kind, scope, action

    def __call__(self, request: Request, form: TheForm) -> Visit:
        """Return the visit. Raises SignInNeeded, Fault 403 and 429."""
        visit = _visit(request)
        if request.method == "POST":
            require_own_origin(request)
            _require_form_token(visit, form)
        visit.core.limits.take(self.kind, visit.caller.owner)
        if self.action is not None:
            visit.deed.action = self.action
            visit.deed.subject = request.path_params.get("id")
            request.state.visit = visit  # its deed is kept, however this ends
        if not visit.caller.may(self.scope):
            raise Fault(403, f"Your token does not allow to {self.scope}")
        return visit


Looker = Annotated[Visit, Depends(Visitor("read", "read"))]
Comparer = Annotated[Visit, Depends(Visitor("schema", "read"))]
Previewer = Annotated[Visit, Depends(Visitor("sync", "run"))]


def require_own_origin(request: Request) -> None:
    """Raise Fault 403 unless the browser says that the request comes from this very site."""
    origin = request.headers.get("origin", "")
    if urlsplit(origin).netloc != request.headers.get("host"):
        raise Fault(403, "This form was sent from another site")


def session_text(secret: str, token: str) -> str:
    """What a session holds."""
    return json.dumps([secret, token])


def cookie_of(request: Request) -> str | None:
    """What the browser holds, if it looks like ours."""
    value = request.cookies.get(_cookie_name(request))
    return value if value and len(value) <= _LONGEST_COOKIE and value.isascii() else None


def set_cookie(request: Request, response: Response, held: str) -> None:
    """Let the browser hold it, unseen by scripts and by other sites."""
    secure = _is_secure(request)
    response.set_cookie(
        _cookie_name(request), held, max_age=int(SESSION_S), path="/", secure=secure, httponly=True, samesite="strict"
    )


def drop_cookie(request: Request, response: Response) -> None:
    """Let the browser forget it."""
    secure = _is_secure(request)
    response.delete_cookie(_cookie_name(request), path="/", secure=secure, httponly=True, samesite="strict")


def _visit(request: Request) -> Visit:
    core, held = core_of(request), cookie_of(request)
    if core.settings.auth == "none":
        caller = core.authenticator.caller(None, None)
        request.state.owner = caller.owner
        return Visit(
            request=request, core=core, caller=caller, held=held or secrets.token_urlsafe(32), fresh=held is None
        )
    text = find_session(core.store, held) if held is not None else None
    if held is None or text is None:
        raise SignInNeeded
    secret, token = json.loads(text)
    try:
        caller = core.authenticator.caller(secret, f"Bearer {token}")
    except Fault:
        raise SignInNeeded from None  # its time is over, or it was taken back
    request.state.owner = caller.owner
    return Visit(request=request, core=core, caller=caller, held=held)


def _require_form_token(visit: Visit, form: Form) -> None:
    given = visit.request.headers.get("x-csrf-token") or form.text("csrf")
    if visit.fresh or not hmac.compare_digest(given.encode(), visit.csrf.encode()):
        raise Fault(403, "This form is too old: go back, reload the page, and send it again")


def _is_secure(request: Request) -> bool:
    """Not on plain HTTP to this very machine: there are browsers that would drop the cookie."""
    return request.url.scheme == "https" or not is_loopback(request.url.hostname or "")


def _cookie_name(request: Request) -> str:
    return _SECURE_COOKIE if _is_secure(request) else _COOKIE
