"""PURE: columns that change along with their parent's, and are to be something else than it makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dbsync.schema.changes import Changes
from dbsync.schema.diff import differing_parts
from dbsync.schema.hanging import Hanging
from dbsync.schema.makers.not_null import copied_not_null
from dbsync.schema.objects import Ref, SchemaObject, Snapshot

_RESET = ("storage", "compression")  # by another type


@dataclass(frozen=True, slots=True)
class CopiedColumns:
    """Notes in ``found``, ``parts`` and ``presents`` what such columns need once their parents' are changed."""

    source: Snapshot
    target: Snapshot
    hanging: Hanging
    changed: Mapping[Ref, frozenset[str]]
    found: Changes
    parts: dict[Ref, frozenset[str]]
    presents: dict[Ref, SchemaObject]

    def look_for(self) -> None:
        """Look at every column whose parent's changes."""
        for ref, parent in self._hanging_columns():
            wanted, present = self.source.objects[ref], self.target.objects[ref]
            made = {**self._not_null(ref, parent), **self._stored(wanted, parent)}
            left = self.parts.get(ref, frozenset()) - made.keys()
            copy = replace(wanted, parts={**wanted.parts, **made})
            otherwise = differing_parts(copy, wanted, oldest=self.source.server_version_num).keys() & made.keys()
            if otherwise:
                left |= otherwise
                self.presents[ref] = replace(present, parts={**present.parts, **made})
                self.found.copies[ref] = parent
            if left:
                self.parts[ref] = left
            elif made:
                self.parts.pop(ref, None)

    def _hanging_columns(self) -> Iterator[tuple[Ref, Ref]]:
        parents = {ref for ref in self.changed if ref.kind == "column"}
        for ref in [ref for ref in self.source.objects if ref.kind == "column"] if parents else []:
            parent = next((above for above in self.hanging.parents(ref) if above in parents), None)
            if parent is not None and ref in self.target.objects and not self.hanging.link_changes(ref):
                yield ref, parent

    def _not_null(self, ref: Ref, parent: Ref) -> dict[str, Any]:
        """What its NOT NULL is then."""
        wanted, present = self.source.objects[ref], self.target.objects[ref]
        if not present.parts.keys() & wanted.parts.keys() & {"not_null_constraint"}:
            flag = self.source.objects[parent].parts["not_null"]
            return {"not_null": flag} if "not_null" in self.changed[parent] else {}
        own, above, new = (
            present.parts["not_null_constraint"],
            *(side.objects[parent].parts["not_null_constraint"] for side in (self.target, self.source)),
        )
        if above and not above["no_inherit"] and new and new["no_inherit"]:  # it stays, as the child's own
            made = own and {**own, "local": True}
        else:
            before, after = (_passing_on(side.objects[parent]) for side in (self.target, self.source))
            made = copied_not_null(present, before, after)
        return {"not_null_constraint": made, "not_null": made is not None}

    def _stored(self, wanted: SchemaObject, parent: Ref) -> dict[str, Any]:
        """Another type comes with its own way of storing values."""
        if not self.changed[parent] & {"type", "collation"}:
            return {}
        return {key: None for key in _RESET if key in wanted.parts}


def _passing_on(parent: SchemaObject) -> SchemaObject:
    """A parent's column as far as its NOT NULL is passed on."""
    constraint = parent.parts["not_null_constraint"]
    if constraint is None or not constraint["no_inherit"]:
        return parent
    return replace(parent, parts={**parent.parts, "not_null_constraint": None})
