"""What all routes share: the settings, the store, who calls, how much may be asked; and how a route asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from dbsync.jobs.store import JobStore
from dbsync.quota import Purpose, Quotas
from dbsync.registry.connections import Registry
from dbsync.server.auth import Authenticator, Caller
from dbsync.server.catalogs import Catalogs
from dbsync.server.crew import Crew
from dbsync.server.faults import Fault
from dbsync.server.limits import RateLimits
from dbsync.server.metrics import Meters
from dbsync.server.places import Places
from dbsync.server.settings import LimitKind, ServeSettings
from dbsync.server.tokens import Scope
from dbsync.store import Store
from dbsync.store.usage import require_quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The parts of a running server."""

    settings: ServeSettings
    store: Store
    registry: Registry
    jobs: JobStore
    crew: Crew
    authenticator: Authenticator
    limits: RateLimits
    places: Places
    catalogs: Catalogs
    meters: Meters
    quotas: Quotas

    def require_quota(self, owner: str, purpose: Purpose) -> None:
        """Raise QuotaExceeded unless the owner may have one more."""
        with self.store.write() as work:
            require_quota(self.store, work, owner, self.quotas.of(owner), purpose)


def core_of(request: Request) -> Core:
    """The parts of the server that answers this request."""
    core = request.app.state.core
    assert isinstance(core, Core)
    return core


class Guard:
    """A route's condition: first who calls, then how much is left of the minute, then whether the token allows it."""

    def __init__(self, kind: LimitKind, scope: Scope, *, admin: bool = False) -> None:
        self.kind = kind
        self.scope = scope
        self.admin = admin

    def __call__(
        self,
        request: Request,
        x_backend_secret: Annotated[str | None, Header()] = None,
        authorization: Annotated[str | None, Header()] = None,
    ) -> Caller:
        """Return the caller. Raises Fault 401, 429, 403."""
        core = core_of(request)
        caller = core.authenticator.caller(x_backend_secret, authorization)
        request.state.owner = caller.owner
        request.state.reply_headers = core.limits.take(self.kind, caller.owner)
        if not caller.may(self.scope):
            raise Fault(403, f"This token does not allow to {self.scope}", code="SCOPE_MISSING")
        if self.admin and not caller.admin:
            known = core.authenticator.has_admins
            raise Fault(403, "Admin access required" if known else "Admin access not configured", code="ADMIN_REQUIRED")
        return caller


TheCore = Annotated[Core, Depends(core_of)]
Reader = Annotated[Caller, Depends(Guard("read", "read"))]
SchemaReader = Annotated[Caller, Depends(Guard("schema", "read"))]
Runner = Annotated[Caller, Depends(Guard("sync", "run"))]
Administrator = Annotated[Caller, Depends(Guard("admin", "admin", admin=True))]
