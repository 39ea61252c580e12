"""PURE: the order of a table's parents: NO INHERIT leaves it as it is, and INHERIT adds one at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dbsync.schema.objects import Ref, Snapshot

Table = tuple[str, str]


def with_wanted_order(source: Snapshot, target: Snapshot) -> Snapshot:
    """The target with its parents numbered as wanted, where those that leave and come bring that order about."""
    wanted, present = _parents(source), _parents(target)
    objects = dict(target.objects)
    for table in wanted.keys() & present.keys():
        after = [sub for sub in present[table] if sub in wanted[table]]
        after += [sub for sub in wanted[table] if sub not in after]
        if after != wanted[table]:
            continue
        for ref in (Ref("inheritance", *table, sub) for sub in present[table] if sub in wanted[table]):
            number = source.objects[ref].parts["number"]
            objects[ref] = replace(objects[ref], parts={**objects[ref].parts, "number": number})
    return replace(target, objects=objects) if present else target


def _parents(side: Snapshot) -> Mapping[Table, list[str]]:
    found: dict[Table, list[tuple[int, str]]] = {}
    for ref, made in side.objects.items():
        if ref.kind == "inheritance":
            found.setdefault((ref.schema, ref.name), []).append((made.parts["number"], ref.sub))
    return {table: [sub for _, sub in sorted(links)] for table, links in found.items()}
