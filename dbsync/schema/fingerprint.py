"""PURE: one hash for a structure: equal for schemas that ``diff`` finds equal, on servers of any version.

Left out: owners, rights, what an extension owns, and the order of columns. A part that only newer servers have counts
where it is not as usual, since older ones have the usual; and the version of an extension counts everywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from dbsync.model import TableName
from dbsync.schema.choice import home_of
from dbsync.schema.diff import comparable_parts, is_implied
from dbsync.schema.objects import RELATIONS, ROUTINES, TYPES, Ref, SchemaObject, Snapshot
from dbsync.schema.prints import UNQUALIFIED_SINCE, unqualified
from dbsync.selection import TablePattern

_NAMED = RELATIONS | ROUTINES | TYPES | {"sequence", "domain_constraint"}
_USUAL_NOT_NULL = {"name": None, "valid": True, "no_inherit": False, "local": True, "comment": None}


def fingerprint(snapshot: Snapshot, patterns: Sequence[str] = ()) -> str:
    """Return the sha256 of the whole structure, or of what the patterns name and the sequences that it uses."""
    chosen = _chosen(snapshot, patterns) if patterns else snapshot
    older = snapshot.server_version_num < UNQUALIFIED_SINCE
    lines = [
        json.dumps([*ref, _told(made, older=older), made.comment], ensure_ascii=False, sort_keys=True)
        for ref, made in sorted(chosen.objects.items())
        if not is_implied(made) and ref.kind != "default_privileges"
    ]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _told(made: SchemaObject, *, older: bool) -> Mapping[str, Any]:
    """The parts that count, in words that do not depend on the server."""
    parts = dict(comparable_parts(made, ignore=("privileges",)))
    if older and made.ref.kind in ("view", "matview"):
        parts["definition"] = unqualified(parts["definition"])
    if "not_null_constraint" in parts:
        parts["not_null_constraint"] = _unusual(parts["not_null_constraint"])
    return {name: value for name, value in parts.items() if value not in (None, {})}


def _unusual(constraint: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a NOT NULL constraint is that no older server could say."""
    if constraint is None:
        return {}
    found = {name: value for name, value in constraint.items() if value != _USUAL_NOT_NULL[name]}
    if "local" in found:  # the parent's, and by its name
        found = {name: found[name] for name in found.keys() - {"local", "name"}}
    return found


def _chosen(snapshot: Snapshot, texts: Sequence[str]) -> Snapshot:
    patterns = [TablePattern.parse(text) for text in texts]
    refs: set[Ref] = set()
    for ref in snapshot.objects:
        home = home_of(ref, snapshot) or (ref if ref.kind in _NAMED else None)
        names = {TableName(one.schema, one.name) for one in (home, ref if ref.kind in _NAMED else None) if one}
        if any(pattern.matches(name) for pattern in patterns for name in names):
            refs.add(ref)
    refs |= {needed for ref in refs for needed in snapshot.needs.get(ref, ()) if needed.kind == "sequence"}
    refs |= {Ref("schema", "", ref.schema) for ref in refs} & snapshot.objects.keys()
    return snapshot.limited_to(refs)
