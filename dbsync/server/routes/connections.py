"""Saved connections, and what can be asked of one database: whether it answers, what is in it, SQL."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from dbsync.control import Control
from dbsync.errors import DbsyncError
from dbsync.pg.diagnose import diagnose
from dbsync.registry.keep_alive import Patience, ping
from dbsync.registry.model import Changes, Connection, Labels
from dbsync.server.auth import Caller
from dbsync.server.core import Core, Reader, SchemaReader, TheCore
from dbsync.server.deeds import EditorDeed, ExecutorDeed, note
from dbsync.server.faults import Fault
from dbsync.server.places import Place
from dbsync.server.shapes.execution import judged, require_phrase, run_order
from dbsync.server.shapes.schema import schema_report
from dbsync.server.times import iso, milliseconds, now
from dbsync.server.wire.asked import ChangedConnection, NamedDatabase, NewConnection, Statements
from dbsync.server.wire.databases import Execution, KeepAlive, SavedConnection, SchemaReport, TestResult
from dbsync.server.wire.envelope import Reply, answers, ok, sent
from dbsync.urls import DatabaseUrl, parse_url

router = APIRouter(prefix="/api/connections", tags=["connections"])
_NOT_NAMED, _NO_CHANGE = NamedDatabase(), ChangedConnection()  # a body may be left away
BlobInQuery = Annotated[str | None, Query(alias="encryptedUrl", max_length=16 * 1024)]


@router.get("", **answers(Reply[list[SavedConnection]]))
def list_connections(caller: Reader, core: TheCore) -> Reply[list[SavedConnection]]:
    """The caller's saved connections."""
    return ok([_shown(core, each) for each in core.registry.list(caller.owner)])


@router.post("", status_code=201, **answers(Reply[SavedConnection]))
def add_connection(deed: EditorDeed, body: NewConnection) -> Response:
    """Save a connection; its URL is sealed and never shown again."""

    def work() -> Reply[SavedConnection]:
        core, owner = deed.core, deed.caller.owner
        labels = Labels(
            environment=body.environment, protected=body.protected, read_only=body.read_only, keep_alive=body.keep_alive
        )
        url = _given(core, deed.caller, body.url, body.encrypted_url)
        quota = core.quotas.of(owner)
        return ok(_shown(core, core.registry.add(owner, body.name, url, labels=labels, quota=quota)))

    return deed.once("connections.add", body.name, work, status=201)


@router.get("/{id}", **answers(Reply[SavedConnection]))
def get_connection(id: str, caller: Reader, core: TheCore) -> Reply[SavedConnection]:
    """One saved connection."""
    return ok(_shown(core, core.registry.get(caller.owner, id)))


@router.put("/{id}", **answers(Reply[SavedConnection]))
def change_connection(id: str, deed: EditorDeed, body: ChangedConnection = _NO_CHANGE) -> Response:
    """Change what is given of a saved connection."""

    def work() -> Reply[SavedConnection]:
        changes = Changes(
            name=body.name,
            url=_given(deed.core, deed.caller, body.url, None) if body.url is not None else None,
            environment=body.environment,
            protected=body.protected,
            read_only=body.read_only,
            keep_alive=body.keep_alive,
        )
        changed = deed.core.registry.edit(deed.caller.owner, id, changes)
        deed.core.places.idle.forget(changed.id)
        return ok(_shown(deed.core, changed))

    return deed.once("connections.edit", id, work)


@router.delete("/{id}", **answers(Reply[dict[str, str]]))
def remove_connection(id: str, deed: EditorDeed) -> Response:
    """Forget a saved connection; refused while jobs that are not over need it."""

    def work() -> Reply[dict[str, str]]:
        removed = deed.core.registry.remove(deed.caller.owner, id)
        deed.core.places.idle.forget(removed.id)
        return ok({"id": removed.id}, message="Connection deleted")

    return deed.once("connections.remove", id, work)


@router.post("/{id}/test", **answers(Reply[TestResult]))
def try_connection(id: str, caller: Reader, core: TheCore, body: NamedDatabase = _NOT_NAMED) -> Reply[TestResult]:
    """Go through every phase of a connection; a failure is a 400 that names the phase."""
    place = core.places.find(caller, id, body.encrypted_url)
    core.places.require_awake(place)
    started = time.monotonic()
    with core.places.session(place):
        pass  # one that cannot be reached fails here, and counts
    found = diagnose(place.url)
    took = milliseconds(time.monotonic() - started)
    failed = next((check for check in found.checks if not check.ok), None)
    if not found.reached or failed is not None:
        said = failed.detail if failed is not None else "the database cannot be reached"
        raise Fault(400, said, data={"status": "failed", "error": said, "responseTime": took, "testedAt": now()})
    return ok(
        TestResult(
            connected=True,
            status="connected",
            version=f"PostgreSQL {found.server_version}",
            table_count=found.table_count,
            response_time=took,
            tested_at=now(),
            checks=[check.to_dict() for check in found.checks],
        )
    )


@router.get("/{id}/schema", **answers(Reply[SchemaReport]))
def connection_schema(id: str, caller: SchemaReader, core: TheCore, encrypted_url: BlobInQuery = None) -> Response:
    """Every table with its columns, keys, foreign keys, indexes and number of rows."""
    place = core.places.find(caller, id, encrypted_url)
    with core.explorer(place) as explorer:
        return sent(ok(schema_report(place, explorer)))


@router.post("/{id}/execute", **answers(Reply[Execution]))
def execute(id: str, deed: ExecutorDeed, body: Statements) -> Any:
    """Run SQL, held to reading unless the server and the connection allow writes. 200 also where a statement failed."""
    core = deed.core
    place = core.places.guarded(core.places.find(deed.caller, id, body.encrypted_url))
    order = judged(core, deed.caller, place, body)
    if order.refusal is not None:
        note(core, deed.caller, "execute", place.id, "refused", code=order.refusal.code)
    if not order.changes:
        return run_order(core, place, order)

    def work() -> Reply[Execution]:
        require_phrase(place, body.confirmation_phrase)
        return run_order(core, place, order)

    return deed.once(order.action, place.id, work, again=False)


@router.post("/{id}/keep-alive", **answers(Reply[KeepAlive]))
def keep_alive(id: str, caller: Reader, core: TheCore, body: NamedDatabase = _NOT_NAMED) -> Reply[KeepAlive]:
    """Ask a database for a sign of life; always 200."""
    place = core.places.find(caller, id, body.encrypted_url)
    started = time.monotonic()
    error = _asked(core, place)
    took = milliseconds(time.monotonic() - started)
    if error is not None:
        lost = KeepAlive(alive=False, duration=took, timestamp=now(), error=error.message)
        return ok(lost, success=False, message=f"{place.name} does not answer", error=error.message)
    return ok(KeepAlive(alive=True, duration=took, timestamp=now()), message=f"{place.name} answered in {took}")


def _asked(core: Core, place: Place) -> DbsyncError | None:
    """Ask for a sign of life; of a saved connection it is written down."""
    if place.connection is not None:
        return ping(core.registry, place.connection, Patience(tries=1), Control().wait).error
    try:
        with core.places.session(place) as session:
            session.execute("SELECT 1")
    except DbsyncError as error:
        return error
    return None


def _given(core: Core, caller: Caller, url: str | None, blob: str | None) -> DatabaseUrl:
    """The URL of a request's body, if it may be dialled for this caller."""
    if url is None and blob is None:
        raise Fault(400, "A connection needs a url")
    parsed = parse_url(url) if url is not None else core.places.read_blob(blob or "")
    return replace(core.places.dialable(caller.owner, parsed), addresses=())


def _shown(core: Core, connection: Connection) -> SavedConnection:
    return SavedConnection(
        id=connection.id,
        name=connection.name or "",
        environment=connection.labels.environment,
        protected=connection.labels.protected,
        read_only=connection.labels.read_only,
        keep_alive=connection.labels.keep_alive,
        url=_redacted(core, connection),
        last_pinged_at=iso(connection.last_pinged_at),
        created_at=iso(connection.created_at) or "",
        updated_at=iso(connection.updated_at) or "",
    )


def _redacted(core: Core, connection: Connection) -> str:
    try:
        return core.registry.url(connection).redacted()
    except DbsyncError:
        return ""  # its key is not here; the connection can still be renamed or removed
