"""For administrators: figures over everybody, lists, exports, and the order to ping what is to be kept awake."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from dbsync.control import Control
from dbsync.registry.keep_alive import Patience
from dbsync.registry.keep_alive import keep_alive as ping_all
from dbsync.server.core import Administrator, Core, TheCore
from dbsync.server.deeds import AdministratorDeed, note
from dbsync.server.faults import Fault
from dbsync.server.shapes import figures as shown
from dbsync.server.shapes.figures import Json, SeriesType, Severity
from dbsync.server.shapes.jobs import STATES
from dbsync.server.wire.asked import AskedExport, ExportFilters, Moment
from dbsync.server.wire.envelope import FAILURES, Listing, Reply, answers, listing, ok
from dbsync.server.wire.syncs import Status
from dbsync.store import figures
from dbsync.store.figures import DAY_S

router = APIRouter(prefix="/api/admin", tags=["admin"])
Limit = Annotated[int, Query(ge=1, le=100)]
Page = Annotated[int, Query(ge=1, le=100_000)]
Offset = Annotated[int | None, Query(ge=0, le=1_000_000)]
Text = Annotated[str | None, Query(max_length=255)]
_EXPORTED = 10_000


@router.get("/analytics", **answers(Reply[Any]))
def analytics(
    _caller: Administrator,
    core: TheCore,
    days: Annotated[int, Query(ge=1, le=365)] = 30,
    type: SeriesType | None = None,
    start_date: Annotated[Moment | None, Query(alias="startDate")] = None,
    end_date: Annotated[Moment | None, Query(alias="endDate")] = None,
) -> Reply[Any]:
    """Everything at a glance and every series; with ``type`` just that one."""
    at = _now(core)
    until = _seconds(end_date) or at
    since = _seconds(start_date) or until - days * DAY_S
    if not since < until or until - since > 366 * DAY_S:
        raise Fault(400, "startDate and endDate are at most a year apart, and in this order")
    if type is not None:
        return ok({"type": type, "data": shown.series(core.store, type, since, until)})
    return ok(shown.overview(core, at) | shown.all_series(core.store, since, until))


@router.get("/users", **answers(Listing[Json]))
def users(
    _caller: Administrator, core: TheCore, limit: Limit = 20, page: Page = 1, offset: Offset = None, search: Text = None
) -> Listing[Json]:
    """Who has used this server."""
    start = _start(limit, page, offset)
    part = figures.owners(core.store, search=search, limit=limit, offset=start)
    return listing([shown.user_row(row) for row in part.rows], total=part.total, limit=limit, offset=start)


@router.get("/sync-jobs", **answers(Listing[Json]))
def sync_jobs(
    _caller: Administrator,
    core: TheCore,
    limit: Limit = 20,
    page: Page = 1,
    offset: Offset = None,
    status: Status | None = None,
    user_id: Annotated[str | None, Query(alias="userId", max_length=255)] = None,
    start_date: Annotated[Moment | None, Query(alias="startDate")] = None,
    end_date: Annotated[Moment | None, Query(alias="endDate")] = None,
) -> Listing[Json]:
    """Jobs of everybody."""
    start = _start(limit, page, offset)
    part = figures.jobs(
        core.store,
        states=STATES[status] if status else (),
        owner=user_id,
        since=_seconds(start_date),
        until=_seconds(end_date),
        limit=limit,
        offset=start,
    )
    return listing([shown.job_row(row) for row in part.rows], total=part.total, limit=limit, offset=start)


@router.get("/security-events", **answers(Listing[Json]))
def security_events(
    _caller: Administrator,
    core: TheCore,
    limit: Limit = 50,
    page: Page = 1,
    offset: Offset = None,
    severity: Severity | None = None,
    event_type: Annotated[str | None, Query(alias="eventType", max_length=64)] = None,
    user_id: Annotated[str | None, Query(alias="userId", max_length=255)] = None,
    start_date: Annotated[Moment | None, Query(alias="startDate")] = None,
    end_date: Annotated[Moment | None, Query(alias="endDate")] = None,
) -> Listing[Json]:
    """The audit log."""
    start = _start(limit, page, offset)
    part = figures.audited(
        core.store,
        outcomes=shown.OUTCOMES[severity] if severity else (),
        action=event_type,
        owner=user_id,
        since=_seconds(start_date),
        until=_seconds(end_date),
        limit=limit,
        offset=start,
    )
    return listing([shown.event_row(row) for row in part.rows], total=part.total, limit=limit, offset=start)


@router.post(
    "/export",
    response_model=Reply[Json],
    responses={**FAILURES, 200: {"content": {"text/csv": {}}, "description": "The file, or a JSON object with it"}},
)
def export(request: Request, deed: AdministratorDeed, body: AskedExport) -> Any:
    """A list as CSV or JSON, at most 10,000 rows: in a JSON object, or as a file for who accepts text/csv."""
    rows = _exported(deed.core, body)
    note(deed.core, deed.caller, "admin.export", body.type, "done")
    name = f"{body.type}.{body.format}"
    if body.format == "json":
        return ok({"type": body.type, "format": "json", "filename": name, "count": len(rows), "data": rows})
    text = shown.csv_text(rows)
    if "text/csv" in request.headers.get("accept", ""):
        return Response(text, media_type="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})
    return ok({"type": body.type, "format": "csv", "filename": name, "count": len(rows), "content": text})


@router.post("/keep-alive/trigger", **answers(Json))
def trigger_keep_alive(deed: AdministratorDeed) -> Json:
    """Ping every connection that is to be kept awake, now."""
    core = deed.core
    note(core, deed.caller, "admin.keep-alive", "connections", "done")
    saved = core.registry.list(None)
    chosen = [connection for connection in saved if connection.labels.keep_alive]
    answered = ping_all(core.registry, chosen, Patience(), Control(time_limit=120).wait)
    results = [
        {
            "connectionId": each.connection.id,
            "name": each.connection.name,
            "success": each.error is None,
            "duration": each.duration_ms,
            "error": each.error.code if each.error else None,
        }
        for each in answered
    ]
    good = sum(bool(result["success"]) for result in results)
    stats = {
        "totalPinged": len(results),
        "successful": good,
        "failed": len(results) - good,
        "skipped": len(saved) - len(results),
        "results": results,
    }
    return {"success": True, "message": f"{good} of {len(results)} databases answered", "stats": stats}


def _exported(core: Core, asked: AskedExport) -> list[Json]:
    chosen = asked.filters or ExportFilters()
    part: Json = {"limit": _EXPORTED, "offset": 0}
    whose: Json = {"owner": chosen.user_id, "since": None, "until": None} | part
    if asked.type == "users":
        return [shown.user_row(row) for row in figures.owners(core.store, search=chosen.search, **part).rows]
    if asked.type == "sync-jobs":
        states = STATES[chosen.status] if chosen.status else ()
        return [shown.job_row(row) for row in figures.jobs(core.store, states=states, **whose).rows]
    if asked.type == "security-events":
        outcomes = shown.OUTCOMES[chosen.severity] if chosen.severity else ()
        return [
            shown.event_row(row) for row in figures.audited(core.store, outcomes=outcomes, action=None, **whose).rows
        ]
    at = _now(core)
    kinds: tuple[SeriesType, ...] = ("user-growth", "sync-performance", "api-usage", "error-trends")
    return [
        {"series": kind, **point} for kind in kinds for point in shown.series(core.store, kind, at - 30 * DAY_S, at)
    ]


def _start(limit: int, page: int, offset: int | None) -> int:
    """Where a list begins: at ``offset`` where it is given, else at the page."""
    return offset if offset is not None else (page - 1) * limit


def _now(core: Core) -> float:
    with core.store.read() as work:
        return core.store.now(work)


def _seconds(moment: dt.datetime | None) -> float | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)).timestamp()
