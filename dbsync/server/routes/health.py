"""Whether the server lives and can work: for load balancers and for the frontend, without authentication."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import asdict
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dbsync import __version__
from dbsync.errors import DbsyncError
from dbsync.server.core import Core, Reader, TheCore, core_of
from dbsync.server.metrics import render_metrics
from dbsync.server.times import now
from dbsync.server.wire.envelope import FAILURES, Reply, answers, camel, ok
from dbsync.store.figures import job_counts
from dbsync.store.usage import usage_of

router = APIRouter(tags=["health"])
_STARTED = time.monotonic()
_MB = 1024 * 1024
_ROUTES = {
    "health": "/health", "connections": "/api/connections", "explorer": "/api/explorer", "sync": "/api/sync",
    "admin": "/api/admin", "openapi": "/openapi.json", "metrics": "/metrics",
}  # fmt: skip
_Json = dict[str, Any]


@router.get("/")
def root() -> _Json:
    """What this is, and where to go."""
    return {"name": "dbsync", "version": __version__, "status": "running", "docs": "/health", "routes": _ROUTES}


@router.get("/health", responses={503: {"description": "The store does not answer"}})
async def health(request: Request) -> JSONResponse:
    """How it is, part by part; 503 where the store does not answer."""
    core = core_of(request)
    return await to_thread.run_sync(_health, core, limiter=core.aside)


def _health(core: Core) -> JSONResponse:
    store, latency = _ask_store(core)
    checks: _Json = {
        "redis": {"status": "up", "latency": 0, "details": "not used"},
        "database": {"status": "up" if store is None else "down", "latency": latency, "details": core.store.place.name},
        "queue": _queue(core) if store is None else {"status": "down", "latency": 0},
    }
    if store is not None:
        checks["database"]["error"] = checks["queue"]["error"] = store
    body = {
        "status": "healthy" if store is None else "unhealthy",
        "version": __version__,
        "uptime": int(time.monotonic() - _STARTED),
        "timestamp": now(),
        "checks": checks,
    }
    return JSONResponse(body, 200 if store is None else 503)


@router.get("/health/live")
async def live() -> _Json:
    """Whether the process answers."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    used = _resident() or peak
    memory = {
        "heapUsed": round(used / _MB, 1),
        "heapTotal": round(peak / _MB, 1),
        "usagePercent": round(100 * used / max(peak, 1)),
    }
    return {"status": "alive", "timestamp": now(), "memory": memory}


@router.get("/health/ready", responses={503: {"description": "Not ready"}})
async def ready(request: Request) -> JSONResponse:
    """Whether it can take work."""
    core = core_of(request)
    reason, _ = await to_thread.run_sync(_ask_store, core, limiter=core.aside)
    if reason is None:
        return JSONResponse({"status": "ready", "timestamp": now()})
    return JSONResponse({"status": "not_ready", "reason": reason, "timestamp": now()}, 503)


@router.get("/api/version", **answers(Reply[_Json]))
def version(_caller: Reader) -> Reply[_Json]:
    """Which dbsync this is."""
    return ok({"name": "dbsync", "version": __version__, "python": sys.version.split(" ")[0]})


@router.get("/api/status", **answers(Reply[_Json]))
def status(caller: Reader, core: TheCore) -> Reply[_Json]:
    """What this server does and allows, for whoever asks."""
    settings = core.settings
    return ok(
        {
            "status": "running",
            "version": __version__,
            "uptime": int(time.monotonic() - _STARTED),
            "owner": caller.owner,
            "admin": caller.admin,
            "scopes": sorted(caller.scopes),
            "execute": settings.execute,
            "store": "postgres" if core.store.is_postgres else "sqlite",
            "connections": len(core.registry.list(caller.owner)),
            "limits": dict(settings.limits),
            "timestamp": now(),
        }
    )


@router.get("/api/usage", **answers(Reply[_Json]))
def usage(caller: Reader, core: TheCore) -> Reply[_Json]:
    """What the caller has and has used this month, and how much is allowed; null: no limit."""
    with core.store.read() as work:
        used = usage_of(work, caller.owner, core.store.now(work))
    return ok({"usage": camel(asdict(used)), "limits": camel(asdict(core.quotas.of(caller.owner)))})


@router.get(
    "/metrics",
    response_class=Response,
    responses={**FAILURES, 200: {"content": {"text/plain": {}}, "description": "Metrics for Prometheus"}},
)
def metrics(_caller: Reader, core: TheCore) -> Response:
    """Counters of this process and states of the jobs, as Prometheus reads them."""
    body, kind = render_metrics(core)
    return Response(body, media_type=kind)


def _ask_store(core: Core) -> tuple[str | None, int]:
    """What is wrong with the store, or None; and how many milliseconds it took to say so."""
    started = time.monotonic()
    try:
        with core.store.read() as work:
            core.store.now(work)
    except DbsyncError:
        return "the store does not answer", round((time.monotonic() - started) * 1000)
    return None, round((time.monotonic() - started) * 1000)


def _queue(core: Core) -> _Json:
    """How many jobs wait and run."""
    started = time.monotonic()
    counts = job_counts(core.store)
    return {
        "status": "up",
        "latency": round((time.monotonic() - started) * 1000),
        "details": {"jobs_waiting": counts.get("queued", 0), "jobs_active": counts.get("running", 0)},
    }


def _resident() -> int | None:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return None  # not Linux
