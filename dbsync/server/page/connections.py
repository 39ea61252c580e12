"""Saved connections: listed, tested, added, changed, removed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from dbsync.errors import ConfigError, DbsyncError
from dbsync.pg.checks import Check
from dbsync.pg.diagnose import diagnose
from dbsync.registry.model import Changes, Connection, Labels
from dbsync.server.faults import Fault
from dbsync.server.page.rendering import PageRoute, fault_from, go_to, render
from dbsync.server.page.visit import Form, Looker, TheForm, Visit, Visitor
from dbsync.urls import DatabaseUrl, database_url, parse_url

router = APIRouter(prefix="/connections", route_class=PageRoute)
_PARTS = ("host", "port", "dbname", "user", "password")
Adder = Annotated[Visit, Depends(Visitor("read", "write", "connections.add"))]
Changer = Annotated[Visit, Depends(Visitor("read", "write", "connections.edit"))]
Remover = Annotated[Visit, Depends(Visitor("read", "write", "connections.remove"))]
_FLAGS = ("protected", "read_only", "keep_alive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a test went."""

    ok: bool
    said: str
    took_s: float
    checks: tuple[Check, ...] = ()


@router.get("")
def listed(visit: Looker) -> Response:
    """Every saved connection of the visitor's."""
    core = visit.core
    found = [(each, _redacted(visit, each)) for each in core.registry.list(visit.caller.owner)]
    return render(visit, "connections.html", connections=found, here="connections")


@router.get("/new")
def new(visit: Looker) -> Response:
    """The form for another one."""
    return _form(visit, None, {})


@router.post("/new")
def add(visit: Adder, form: TheForm) -> Response:
    """Save it; its URL is sealed and never shown again."""
    name = visit.deed.subject = form.text("name").strip()
    try:
        url = _given(visit, form)
        if url is None:
            raise ConfigError("the URL of the database is missing", hint="paste it, or fill in host, database and user")
        owner, quota = visit.caller.owner, visit.core.quotas.of(visit.caller.owner)
        visit.core.registry.add(owner, name, url, labels=_labels(form), quota=quota)
    except (DbsyncError, Fault) as error:
        return _form(visit, None, _shown(form), fault_from(error))
    return go_to("/ui/connections")


@router.get("/{id}/edit")
def edit(id: str, visit: Looker) -> Response:
    """The form for its name and labels; its URL only to replace it."""
    known = visit.core.registry.get(visit.caller.owner, id)
    labels = known.labels
    shown = {"name": known.name or "", "environment": labels.environment or ""}
    return _form(visit, known, shown | {name: getattr(labels, name) for name in _FLAGS})


@router.post("/{id}/edit")
def change(id: str, visit: Changer, form: TheForm) -> Response:
    """Change it."""
    registry, owner = visit.core.registry, visit.caller.owner
    known = registry.get(owner, id)
    visit.deed.subject = known.name
    try:
        labels = _labels(form)
        changes = Changes(
            name=form.text("name").strip(),
            url=_given(visit, form),
            environment=labels.environment or "none",
            protected=labels.protected,
            read_only=labels.read_only,
            keep_alive=labels.keep_alive,
        )
        registry.edit(owner, known.id, changes)
        visit.core.places.idle.forget(known.id)
    except (DbsyncError, Fault) as error:
        return _form(visit, known, _shown(form), fault_from(error))
    return go_to("/ui/connections")


@router.get("/{id}/remove")
def ask_to_remove(id: str, visit: Looker) -> Response:
    """Ask before it is forgotten."""
    known = visit.core.registry.get(visit.caller.owner, id)
    return render(visit, "connection_remove.html", connection=known, here="connections")


@router.post("/{id}/remove")
def remove(id: str, visit: Remover) -> Response:
    """Forget it; refused while jobs that are not over need it."""
    visit.deed.subject = visit.core.registry.get(visit.caller.owner, id).name
    removed = visit.core.registry.remove(visit.caller.owner, id)
    visit.core.places.idle.forget(removed.id)
    return go_to("/ui/connections")


@router.post("/{id}/test")
def test(id: str, visit: Looker) -> Response:
    """Go through every phase of a connection, and tell how it went."""
    health = _tested(visit, id)
    if visit.by_htmx:
        return render(visit, "health.html", health=health)
    known = visit.core.registry.get(visit.caller.owner, id)
    return render(visit, "connection_test.html", connection=known, health=health, here="connections")


def _tested(visit: Visit, id: str) -> Health:
    places, place = visit.core.places, visit.place(id)
    started = time.monotonic()
    try:
        places.require_awake(place)
        with places.session(place):
            pass  # one that cannot be reached fails here, and counts
        found = diagnose(place.url)
    except DbsyncError as error:
        fault = fault_from(error)
        return Health(ok=False, said=fault.error, took_s=time.monotonic() - started)
    failed = next((check for check in found.checks if not check.ok), None)
    tables = found.table_count or 0
    fine = f"PostgreSQL {found.server_version} answered; {tables:,} {'table' if tables == 1 else 'tables'}"
    return Health(
        ok=found.reached and failed is None,
        said=failed.detail if failed is not None else fine if found.reached else "the database cannot be reached",
        took_s=time.monotonic() - started,
        checks=tuple(found.checks),
    )


def _given(visit: Visit, form: Form) -> DatabaseUrl | None:
    """The URL that was typed, whole or in parts, if it may be dialled for this visitor; None where none was."""
    text = form.text("url").strip()
    parts = {name: value for name in _PARTS if (value := form.text(name).strip())}
    if text:
        url = parse_url(text)
    elif {"host", "dbname", "user"} <= parts.keys():
        url = database_url(parts)
    elif parts:
        raise ConfigError("host, database and user are all needed", hint="or paste the whole URL")
    else:
        return None
    return replace(visit.core.places.dialable(visit.caller.owner, url), addresses=())


def _labels(form: Form) -> Labels:
    return Labels(
        environment=form.text("environment") or None,
        protected=form.has("protected"),
        read_only=form.has("read_only"),
        keep_alive=form.has("keep_alive"),
    )


def _shown(form: Form) -> dict[str, Any]:
    """What was typed, but nothing that may be a secret."""
    kept = {name: form.text(name) for name in ("name", "environment", "host", "port", "dbname", "user")}
    return kept | {name: form.has(name) for name in _FLAGS}


def _form(visit: Visit, known: Connection | None, values: dict[str, Any], fault: Fault | None = None) -> Response:
    if fault is not None:
        visit.deed.code = fault.members.get("code")
    empty = dict.fromkeys(("name", "environment", *_PARTS), "") | dict.fromkeys(_FLAGS, False)
    return render(
        visit,
        "connection_form.html",
        fault.status if fault is not None else 200,
        connection=known,
        redacted=_redacted(visit, known) if known is not None else None,
        values=empty | values,
        fault=fault,
        here="connections",
    )


def _redacted(visit: Visit, connection: Connection) -> str:
    try:
        return visit.core.registry.shown(connection).redacted()
    except DbsyncError:
        return ""  # its key is not here; the connection can still be renamed or removed
