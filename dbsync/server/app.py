"""The application: its parts put together, nothing decided here."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware

from dbsync import __version__
from dbsync.errors import InternalFault
from dbsync.jobs.ends import KeptEnds
from dbsync.jobs.store import JobStore
from dbsync.registry import Registry, key_ring
from dbsync.registry.legacy import OlderKey, older_key
from dbsync.server import faults
from dbsync.server.arrival import Arrival
from dbsync.server.audience import Audience
from dbsync.server.auth import Authenticator
from dbsync.server.catalogs import Catalogs
from dbsync.server.core import Core
from dbsync.server.crew import Crew
from dbsync.server.limits import Breakers, RateLimits
from dbsync.server.memory import Returns
from dbsync.server.metrics import Meters
from dbsync.server.page.routes import router as page
from dbsync.server.places import Places
from dbsync.server.routes import admin, connections, explorer, health, pairs, rows, syncs
from dbsync.server.settings import ServeSettings
from dbsync.server.strangers import Strangers
from dbsync.store import Store

# What is asked most comes first: routes are tried one after the other.
ROUTERS = (
    explorer.router, rows.router, pairs.router, syncs.router, connections.router, health.router, admin.router, page,
)  # fmt: skip
_LOG = logging.getLogger("dbsync.server")
_EACH_S = 1.0
_ASIDE = 6
_EXPOSED = ("X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After")


def create_app(settings: ServeSettings, store: Store, environ: Mapping[str, str] = os.environ) -> FastAPI:
    """Build the application on an open store, which it closes at its end."""
    app = FastAPI(
        title="dbsync",
        version=__version__,
        description="The HTTP face of dbsync: test, explore, compare and synchronise Postgres databases.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    core = app.state.core = build_core(settings, store, environ)
    app.state.routes = [*app.routes, *(route for router in ROUTERS for route in router.routes)]
    faults.install(app, core.strangers.note)
    for router in ROUTERS:
        app.include_router(router)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Backend-Secret", "X-Request-ID", "Last-Event-ID"],
            expose_headers=list(_EXPOSED),
            allow_credentials=False,
        )
    app.add_middleware(Arrival, hosts=settings.trusted_hosts, origins=settings.origins, observe=core.served)
    return app


def build_core(settings: ServeSettings, store: Store, environ: Mapping[str, str]) -> Core:
    """Put the parts together."""
    registry = Registry(store, key_ring(store.place))
    jobs = JobStore(store, settings.quotas)
    aside = anyio.CapacityLimiter(_ASIDE)
    # Anybody can copy an older blob, so it is worth something only beside the secret of the frontend's server.
    blobs = settings.auth != "none" and settings.shared_secret is not None
    places = Places(
        registry, settings.allowed, Breakers(), _older(settings, environ), blobs=blobs, shadows=settings.shadows
    )
    return Core(
        settings=settings,
        store=store,
        registry=registry,
        jobs=jobs,
        authenticator=Authenticator(settings),
        limits=RateLimits(settings.limits),
        catalogs=Catalogs(),
        meters=Meters(store),
        strangers=Strangers(store),
        audience=Audience(jobs, aside),
        returns=Returns(),
        aside=aside,
        quotas=settings.quotas,
        places=places,
        crew=Crew(jobs, KeptEnds(registry=registry, allowed=settings.allowed), concurrency=settings.workers),
    )


def _older(settings: ServeSettings, environ: Mapping[str, str]) -> OlderKey | None:
    return older_key(environ) if settings.legacy_key is not None else None


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    core: Core = app.state.core
    core.crew.start()
    async with anyio.create_task_group() as beside:
        for what in (core.sweep, core.audience.look):
            beside.start_soon(_each_second, what)
        yield
        beside.cancel_scope.cancel()
    await run_in_threadpool(core.crew.close)
    core.places.idle.close()
    core.store.close()


async def _each_second(what: Callable[[], Awaitable[None]]) -> None:
    """Do it once a second as long as the server lives: a failure is told, and ends nothing."""
    while True:
        await anyio.sleep(_EACH_S)
        try:
            await what()
        except Exception as error:
            _LOG.error("%s", InternalFault.of(error).message)
