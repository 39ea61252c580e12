"""Single rows, named by their whole primary key: shown to everybody, changed only where writing is allowed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from dbsync.data import edit
from dbsync.data.explore import Page, explored
from dbsync.data.explore_request import read_key
from dbsync.model import Column, Table
from dbsync.pg.database import Session
from dbsync.server.core import Reader, TheCore
from dbsync.server.deeds import Deed, EditorDeed
from dbsync.server.faults import Fault
from dbsync.server.names import pattern_of, table_named
from dbsync.server.routes.connections import BlobInQuery
from dbsync.server.shapes.execution import may_write, require_phrase
from dbsync.server.shapes.values import json_rows, text_of
from dbsync.server.wire.asked import RowChange
from dbsync.server.wire.envelope import Reply, answers, ok

router = APIRouter(prefix="/api/explorer", tags=["explorer"])
Row = dict[str, Any]
Key = Annotated[str, Query(alias="id", min_length=1, max_length=8192)]
_NO_CHANGE = RowChange()  # a body may be left away
_PATH = "/{connection_id}/{table:table}/row"


@router.get(_PATH, **answers(Reply[Row]))
def get_row(
    connection_id: str, table: str, id: Key, caller: Reader, core: TheCore, encrypted_url: BlobInQuery = None
) -> Reply[Row]:
    """One row; ``id`` is the value of the key, or a JSON array of its values."""
    place = core.places.find(caller, connection_id, encrypted_url)
    with core.explorer(place, table) as explorer:
        found = table_named(table, explorer.catalog)
        key = edit.key_of(found)
        read_key(id, key, "id")
        return _row(explorer.row(pattern_of(found.name), id), "Row found")


@router.post(_PATH, **answers(Reply[Row]))
def add_row(connection_id: str, table: str, deed: EditorDeed, body: RowChange = _NO_CHANGE) -> Response:
    """Insert a row."""

    def insert(session: Session, found: Table) -> Page:
        return edit.insert_row(session, found, _values(found, body.data or {}))

    target = _Target(connection_id, table, body.encrypted_url, body.confirmation_phrase)
    return _once(deed, target, "insert", "Row created", insert)


@router.put(_PATH, **answers(Reply[Row]))
def change_row(connection_id: str, table: str, deed: EditorDeed, body: RowChange = _NO_CHANGE) -> Response:
    """Change a row: ``data`` by column, or one ``field`` and its ``value``."""
    changes = dict(body.data or {}) | ({body.field: body.value} if body.field is not None else {})

    def update(session: Session, found: Table) -> Page:
        return edit.update_row(session, found, _key(found, body.id), _values(found, changes))

    target = _Target(connection_id, table, body.encrypted_url, body.confirmation_phrase)
    return _once(deed, target, "update", "Row updated", update)


@router.delete(_PATH, **answers(Reply[Row]))
def remove_row(
    connection_id: str,
    table: str,
    id: Key,
    deed: EditorDeed,
    encrypted_url: BlobInQuery = None,
    confirmation_phrase: Annotated[str | None, Query(alias="confirmationPhrase", max_length=4096)] = None,
) -> Response:
    """Delete a row."""

    def delete(session: Session, found: Table) -> Page:
        return edit.delete_row(session, found, read_key(id, edit.key_of(found), "id"))

    target = _Target(connection_id, table, encrypted_url, confirmation_phrase)
    return _once(deed, target, "delete", "Row deleted", delete)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a row is to be changed, and the phrase that confirms it."""

    connection: str
    table: str
    blob: str | None
    phrase: str | None


def _once(deed: Deed, target: _Target, word: str, said: str, change: Callable[[Session, Table], Page]) -> Response:
    core = deed.core

    def work() -> Reply[Row]:
        place = core.places.guarded(core.places.find(deed.caller, target.connection, target.blob))
        if not may_write(core, deed.caller, place):
            raise Fault(403, "Writing is not allowed here: by DBSYNC_EXECUTE, the connection or the token")
        require_phrase(place, target.phrase)
        with core.places.session(place, read_only=False) as session:
            with explored(session) as explorer:
                found = table_named(target.table, explorer.catalog)
            return _row(change(session, found), said)

    return deed.once(f"rows.{word}", f"{target.connection} {target.table}", work, again=False)


def _row(page: Page, said: str) -> Reply[Row]:
    rows = json_rows([(column.name, column.type.name) for column in page.columns], page.rows)
    if not rows:
        raise Fault(404, "Row not found")
    return ok(rows[0], message=said)


def _values(table: Table, given: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: text_of(value, is_array=_is_array(table.column(name))) for name, value in given.items()}


def _is_array(column: Column | None) -> bool:
    return column is not None and column.type.element is not None


def _key(table: Table, given: Any) -> Sequence[str | None]:
    """The key's values: one value, a list in the key's order, an object by column, or text as in a query."""
    names = edit.key_of(table)
    if isinstance(given, dict):
        given = [given.get(name) for name in names]
    if isinstance(given, list):
        given = json.dumps([text_of(value) for value in given])
    if given is None or given == "":
        raise Fault(400, "Row ID is required")
    return read_key(text_of(given) or "", names, "id")
