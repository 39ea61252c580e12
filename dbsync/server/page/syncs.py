"""A new sync in three steps: which databases and tables, what would be written, and yes.

What was chosen travels in the forms; nothing is kept before the last step. Each try of the last step names the same
job, so that pressing twice makes one.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from dbsync.data.options import Mode, SyncOptions
from dbsync.errors import DbsyncError
from dbsync.guards import refuse_read_only
from dbsync.jobs.model import JobSpec, new_job_id
from dbsync.jobs.service import Jobs
from dbsync.server.faults import Fault
from dbsync.server.names import pattern_named
from dbsync.server.page.rendering import PageRoute, go_to, render
from dbsync.server.page.schemas import both
from dbsync.server.page.visit import Form, Looker, Previewer, TheForm, Visit, Visitor
from dbsync.server.page.words import from_json
from dbsync.server.places import Place
from dbsync.server.shapes.foretelling import foretold
from dbsync.server.shapes.schema import table_list

router = APIRouter(prefix="/syncs", route_class=PageRoute)
_MODES: tuple[Mode, ...] = ("delta", "append", "replace")
_MOST_TABLES = 1000
Starter = Annotated[Visit, Depends(Visitor("sync", "run", "jobs.start"))]
End = Annotated[str, Query(max_length=255)]


@router.get("/new")
def new(visit: Looker, source: End = "", target: End = "") -> Response:
    """First the two databases, then the tables of the source."""
    known = visit.core.registry.list(visit.caller.owner)
    if not source or not target:
        return render(visit, "sync_ends.html", connections=known, source=source, target=target, here="new")
    left, right = both(visit, source, target)
    refuse_read_only(right.url)
    with visit.core.explorer(left) as explorer:
        found = table_list(left, explorer)
    return render(visit, "sync_tables.html", source=left, target=right, found=found, here="new")


@router.post("/preview")
def preview(visit: Previewer, form: TheForm) -> Response:
    """What the sync would write, counted; nothing is written."""
    return _previewed(visit, form)


@router.post("")
def create(visit: Starter, form: TheForm) -> Response:
    """Keep it as a job and start it."""
    source, target = both(visit, form.text("source"), form.text("target"))
    visit.deed.source, visit.deed.target = source.name, target.name
    options = _options(form)
    phrase = form.text("confirm") or None
    fault = _consent_missing(target, form, phrase)
    if fault is not None:
        return _previewed(visit, form, fault)  # counted anew: what is agreed to must be what is shown
    spec = JobSpec(options=options, agreed=True, confirmed=phrase if target.url.needs_confirmation else None)
    core, owner, job_id = visit.core, visit.caller.owner, _job_id(form)
    visit.deed.job_id = job_id
    core.require_quota(owner, "new job")
    assert source.connection is not None
    assert target.connection is not None
    try:
        core.jobs.create(
            job_id=job_id,
            owner=owner,
            origin="http",
            source=(source.connection.id, source.name),
            target=(target.connection.id, target.name),
            spec=spec,
        )
    except DbsyncError as error:
        if error.code != "STORE_CONFLICT":
            raise
        core.jobs.get(job_id, owner)  # pressed twice; another owner's is not found
        return go_to(f"/ui/jobs/{job_id}")
    Jobs(core.jobs, owner, core.crew.queue.send_job).start(job_id)
    return go_to(f"/ui/jobs/{job_id}")


def _previewed(visit: Visit, form: Form, fault: Fault | None = None) -> Response:
    source, target = both(visit, form.text("source"), form.text("target"))
    names, options = _names(form), _options(form)
    dry = foretold(visit.core.places, source, target, options)
    return render(
        visit,
        "sync_preview.html",
        fault.status if fault is not None else 200,
        fault=fault,
        source=source,
        target=target,
        names=names,
        options=options,
        dry=dry,
        warnings=[one for one in dry.warnings if not any(one != other and one in other for other in dry.warnings)],
        job_id=new_job_id(),
        here="new",
    )


def _options(form: Form) -> SyncOptions:
    """The options that were chosen. Raises Fault 400, ConfigError for what does not go together."""
    mode = next((known for known in _MODES if known == form.text("mode")), None)
    if mode is None:
        raise Fault(400, "Choose how to synchronise")
    delete = form.has("delete") and mode == "delta"
    return SyncOptions(mode=mode, delete=delete, tables=tuple(map(pattern_named, _names(form))))


def _names(form: Form) -> list[str]:
    names = list(dict.fromkeys(map(from_json, form.all("table"))))
    if not names:
        raise Fault(400, "Choose at least one table", hint="go back and tick the tables to copy")
    if len(names) > _MOST_TABLES:
        raise Fault(400, f"At most {_MOST_TABLES:,} tables can be chosen here", hint="use dbsync sync for more")
    return names


def _consent_missing(target: Place, form: Form, phrase: str | None) -> Fault | None:
    """Why nothing is begun; None where writing was agreed to: by a tick, or by the name of a guarded target."""
    if target.url.needs_confirmation and phrase != target.url.confirmation:
        said = f"To write to {target.name} its name must be typed exactly. Nothing was changed."
        return Fault(400, said, code="PROTECTED_TARGET")
    if not target.url.needs_confirmation and not form.has("agreed"):
        return Fault(400, "Tick the box to agree. Nothing was changed.", code="CONSENT_MISSING")
    return None


def _job_id(form: Form) -> str:
    """The id that the preview gave out."""
    text = form.text("job")
    if len(text) != len(new_job_id()) or not set(text) <= set("0123456789abcdef-"):
        raise Fault(400, "The form cannot be read")
    return text
