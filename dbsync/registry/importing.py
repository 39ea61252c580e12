"""Take connections over from the older table: each row by itself, with its id, and never over one that is there."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dbsync.config import ENVIRONMENTS
from dbsync.errors import DbsyncError
from dbsync.quota import NO_QUOTAS, Quotas
from dbsync.registry.connections import Registry
from dbsync.registry.legacy import OlderKey, read_older
from dbsync.registry.model import Connection, Labels, is_name
from dbsync.registry.older_rows import OlderRow
from dbsync.urls import DatabaseUrl, parse_url

Outcome = Literal["imported", "unchanged", "skipped", "failed"]
_LONGEST = 200  # leaves room for a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one row; ``name`` is the one it has now, ``reason`` says why it was not taken over."""

    number: int
    id: str | None
    owner: str
    name: str
    outcome: Outcome
    notes: tuple[str, ...] = ()
    reason: str | None = None
    error: DbsyncError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How to take rows over: ``owner`` None leaves each to the user that it names."""

    key: OlderKey
    owner: str | None
    dry_run: bool = False
    quotas: Quotas = NO_QUOTAS


def import_rows(registry: Registry, rows: Sequence[OlderRow], options: ImportOptions) -> tuple[Imported, ...]:
    """Take rows over, each by itself. Can be run again."""
    taken: set[tuple[str, str]] = {(known.owner, known.name or "") for known in registry.list(None)}
    done = []
    for row in rows:
        whose = options.owner or row.user_id or ""
        try:
            done.append(_import(registry, row, whose, taken, options))
        except DbsyncError as error:
            shown = row.name if is_name(row.name) else f"row {row.number}"
            failed = Imported(number=row.number, id=row.id, owner=whose, name=shown, outcome="failed")
            done.append(replace(failed, reason=error.message, error=error))
    return tuple(done)


def _import(
    registry: Registry, row: OlderRow, owner: str, taken: set[tuple[str, str]], options: ImportOptions
) -> Imported:
    if not owner:
        raise DbsyncError("the row names no user")
    url = parse_url(read_older(row.encrypted_url, options.key).reveal())
    labels, notes = _labels(row)
    connection_id = _uuid(row.id)
    if connection_id is None and row.id is not None:
        notes.append("its id is no UUID: it got another one")
    known = registry.find(owner, connection_id or row.name)
    if known is not None:
        return _known(registry, row, known, url, labels)
    name = _free_name(row, owner, taken)
    if name != row.name:
        notes.append(f"named {name!r}")
    taken.add((owner, name))
    if connection_id is not None and registry.is_taken(connection_id):
        raise DbsyncError("its id belongs to another owner's connection", code="NAME_TAKEN")
    if not options.dry_run:
        quota = options.quotas.of(owner)
        connection_id = registry.add(owner, name, url, labels=labels, connection_id=connection_id, quota=quota).id
    done = Imported(number=row.number, id=connection_id, owner=owner, name=name, outcome="imported")
    return replace(done, notes=tuple(notes))


def _known(registry: Registry, row: OlderRow, known: Connection, url: DatabaseUrl, labels: Labels) -> Imported:
    name = known.name or known.id
    same = known.labels == labels and registry.shown(known).parameters() == url.parameters()
    found = Imported(number=row.number, id=known.id, owner=known.owner, name=name, outcome="unchanged")
    if same:
        return found
    reason = f"{name!r} is saved already and differs: edit it, or remove it and import again"
    return replace(found, outcome="skipped", reason=reason)


def _labels(row: OlderRow) -> tuple[Labels, list[str]]:
    if row.environment is None or row.environment in ENVIRONMENTS:
        return Labels(environment=row.environment, keep_alive=row.keep_alive), []
    return Labels(keep_alive=row.keep_alive), ["its environment is not known here and was left out"]


def _uuid(text: str | None) -> str | None:
    try:
        return str(uuid.UUID(text)) if text is not None else None
    except ValueError:
        return None


def _free_name(row: OlderRow, owner: str, taken: set[tuple[str, str]]) -> str:
    """The row's name, made one that is allowed and not taken."""
    allowed = "".join(letter if is_name(f"x{letter}x") else "-" for letter in row.name)[:_LONGEST].strip()
    base = allowed if is_name(allowed) else f"connection {row.number}"
    number, name = 1, base
    while (owner, name) in taken:
        number += 1
        name = f"{base} {number}"
    return name
