"""What all routes share: the settings, the store, who calls, how much may be asked; and how a route asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Header, Request
from fastapi.concurrency import run_in_threadpool

from dbsync.data.explore import Explorer, explored
from dbsync.jobs.store import JobStore
from dbsync.pg.round_trips import Question
from dbsync.pg.sql import load
from dbsync.quota import Purpose, Quotas
from dbsync.registry.connections import Registry
from dbsync.server.audience import Audience
from dbsync.server.auth import Authenticator, Caller
from dbsync.server.catalogs import Catalogs
from dbsync.server.crew import Crew
from dbsync.server.faults import Fault
from dbsync.server.limits import RateLimits
from dbsync.server.memory import Returns
from dbsync.server.metrics import Meters
from dbsync.server.places import Place, Places
from dbsync.server.settings import LimitKind, ServeSettings
from dbsync.server.strangers import Strangers
from dbsync.server.tokens import Scope
from dbsync.store import Store
from dbsync.store.usage import require_quota

ROLE = Question(load("execute")["role"].encode(), again=True)  # what may not be looked at depends on it


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
    strangers: Strangers
    audience: Audience
    returns: Returns
    # Threads apart from those of requests: databases that do not answer hold up neither streams nor health.
    aside: CapacityLimiter
    quotas: Quotas

    @contextmanager
    def explorer(self, place: Place, table: str | None = None) -> Iterator[Explorer]:
        """Look around in a database for the block; for one table only that is read, or has been lately."""
        known = self.catalogs
        read = known.of_table(place.url, table) if table is not None else known.whole
        ahead = [ROLE, *(known.questions(place.url, table) if table is not None else ())]
        with self.places.snapshot(place, ahead) as session, explored(session, read=read) as explorer:
            yield explorer

    def served(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note that a request was answered."""
        self.returns.count()
        self.meters.served(method, route, status, seconds)

    async def sweep(self) -> None:
        """Let go of what waited for a next request that did not come."""
        for part in (self.places.idle, self.catalogs, self.returns):
            await to_thread.run_sync(part.sweep, limiter=self.aside)

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

    async def __call__(
        self,
        request: Request,
        x_backend_secret: Annotated[str | None, Header()] = None,
        authorization: Annotated[str | None, Header()] = None,
    ) -> Caller:
        """Return the caller. Raises Fault 401, 429, 403."""
        if core_of(request).authenticator.may_wait:
            return await run_in_threadpool(self.caller, request, x_backend_secret, authorization)
        return self.caller(request, x_backend_secret, authorization)

    def caller(self, request: Request, secret: str | None, authorization: str | None) -> Caller:
        """Return the caller, for who has a thread of their own already. Raises Fault 401, 429, 403."""
        core = core_of(request)
        caller = core.authenticator.caller(secret, authorization)
        request.state.owner = caller.owner
        request.state.reply_headers = core.limits.take(self.kind, caller.owner)
        if not caller.may(self.scope):
            raise Fault(403, f"This token does not allow to {self.scope}", code="SCOPE_MISSING")
        if self.admin and not caller.admin:
            known = core.authenticator.has_admins
            raise Fault(403, "Admin access required" if known else "Admin access not configured", code="ADMIN_REQUIRED")
        return caller


async def _core(request: Request) -> Core:
    return core_of(request)  # a coroutine: a plain function would cost a change of threads


TheCore = Annotated[Core, Depends(_core)]
READING = Guard("read", "read")
Reader = Annotated[Caller, Depends(READING)]
SchemaReader = Annotated[Caller, Depends(Guard("schema", "read"))]
Runner = Annotated[Caller, Depends(Guard("sync", "run"))]
Administrator = Annotated[Caller, Depends(Guard("admin", "admin", admin=True))]
