"""The audit log, to be read: the visitor's own entries, or everybody's for administrators."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from dbsync.server.page.rendering import PageRoute, render
from dbsync.server.page.visit import Looker
from dbsync.store.audit import read_entries
from dbsync.store.audit_entry import ChainedEntry

router = APIRouter(prefix="/audit", route_class=PageRoute)
_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An entry as it is listed."""

    entry: ChainedEntry
    facts: Mapping[str, Any]


@router.get("")
def listed(visit: Looker, before: Annotated[int | None, Query(ge=1)] = None) -> Response:
    """The newest entries first: everybody's for administrators, else the visitor's own."""
    owner = None if visit.caller.admin else visit.caller.owner
    found = read_entries(visit.core.store, limit=_PAGE + 1, before=before, owner=owner)[::-1]
    entries = [Shown(entry=one, facts=json.loads(one.facts)) for one in found[:_PAGE]]
    return render(visit, "audit.html", entries=entries, more=len(found) > _PAGE, before=before, here="audit")
