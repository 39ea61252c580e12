"""Two schemas side by side: what differs, and the plan that would make the target's like the source's."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from dbsync.control import Control
from dbsync.schema.choice import Choice
from dbsync.schema.plan_sql import plan_sql, told_hazards
from dbsync.schema.telling import SIGNS, summary_of, tell
from dbsync.schema_diff import compare_sides
from dbsync.server.faults import Fault
from dbsync.server.page.rendering import PageRoute, render
from dbsync.server.page.visit import Comparer, Looker, Visit
from dbsync.server.places import Place
from dbsync.server.shapes.migration import planned, severity_of

router = APIRouter(prefix="/schemas", route_class=PageRoute)
End = Annotated[str, Query(max_length=255)]


@router.get("")
def choose(visit: Looker, source: End = "", target: End = "") -> Response:
    """Which two are to be compared."""
    known = visit.core.registry.list(visit.caller.owner)
    return render(visit, "schemas.html", connections=known, source=source, target=target, here="schemas")


@router.get("/compared")
def compared(visit: Comparer, source: End, target: End) -> Response:
    """What differs and what would make it alike, with what each statement does to those who use the database."""
    places = visit.core.places
    left, right = both(visit, source, target)
    places.require_awake(left, right)
    comparison = compare_sides(left.database(), right.database(), Choice(), control=Control())
    groups = tell(comparison.diff, comparison.source, comparison.target)
    plan = planned(places, left, right, ())
    steps = [(one, severity_of(one), told_hazards(one)) for one in plan.statements]
    return render(
        visit,
        "schemas_compared.html",
        source=left,
        target=right,
        groups=groups,
        summary=summary_of(groups),
        signs=SIGNS,
        not_compared=comparison.not_compared,
        plan=plan,
        steps=steps,
        here="schemas",
    )


@router.get("/plan.sql")
def script(visit: Comparer, source: End, target: End) -> Response:
    """The plan as a script, to be read and run by somebody who may."""
    left, right = both(visit, source, target)
    text = "".join(plan_sql(planned(visit.core.places, left, right, ())))
    name = {"Content-Disposition": 'attachment; filename="plan.sql"'}
    return Response(text, media_type="application/sql; charset=utf-8", headers=name)


def both(visit: Visit, source: str, target: str) -> tuple[Place, Place]:
    """The two databases. Raises Fault 400 and 404."""
    if not source or not target:
        raise Fault(400, "Choose a source and a target")
    if source == target:
        raise Fault(400, "Source and target must be two different connections")
    return visit.place(source), visit.core.places.guarded(visit.place(target))
