"""PURE: the names that an object holds, each of which only one object can have at a time."""

from __future__ import annotations

from collections.abc import Iterator

from dbsync.schema.objects import ROUTINES, TYPES, Ref, Snapshot


def slots(ref: Ref, side: Snapshot) -> Iterator[tuple[str, ...]]:
    """Under which names an object stands where no other one may have the same."""
    parts = side.objects[ref].parts
    if ref.kind in ("table", "view", "matview", "sequence", "index", "composite"):
        yield ("relation", ref.schema, ref.name)
    if ref.kind in ("table", "view", "matview") or ref.kind in TYPES:
        yield ("type", ref.schema, ref.name)
    if ref.kind == "constraint" and parts["type"] in "pux":
        yield ("relation", ref.schema, ref.sub)
    if ref.kind == "column" and parts.get("identity"):
        yield ("relation", parts["identity"]["sequence_schema"], parts["identity"]["sequence"])
    if ref.kind in ROUTINES:
        yield ("routine", ref.schema, ref.name, ref.arguments)
    if ref.kind == "constraint":
        yield ("constraint", ref.schema, ref.name, ref.sub)
    if ref.kind == "column":
        yield ("column", ref.schema, ref.name, ref.sub)
        if not_null := parts.get("not_null_constraint"):
            yield ("constraint", ref.schema, ref.name, not_null["name"])
