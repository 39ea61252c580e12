"""PURE: triggers of partitions that are copies of their parents': what becomes of them when either changes."""

from __future__ import annotations

from dataclasses import dataclass

from dbsync.schema.changes import Changes
from dbsync.schema.hanging import Hanging
from dbsync.schema.objects import Ref, SchemaObject, Snapshot
from dbsync.schema.steps import Alteration


@dataclass(frozen=True, slots=True)
class CopiedTriggers:
    """Notes in ``found``, ``parts`` and ``presents`` what the copies need beside what their parents' change does."""

    source: Snapshot
    target: Snapshot
    hanging: Hanging
    found: Changes
    parts: dict[Ref, frozenset[str]]
    presents: dict[Ref, SchemaObject]

    def change_hands(self) -> None:
        """A partition's own trigger goes before its parent gets one of that name; a copy goes with its parent's."""
        for ref, wanted in self.source.objects.items():
            present = self.target.objects.get(ref) if ref.kind == "trigger" else None
            if present is None or bool(wanted.parts["inherited"]) == bool(present.parts["inherited"]):
                continue
            self.parts.pop(ref, None)
            self.found.access.pop(ref, None)
            self.found.gone.add(ref)
            if not wanted.parts["inherited"]:
                self.found.made.add(ref)

    def keep_their_states(self) -> None:
        """A copy that is not in its parent's state gets that again after its parent's."""
        for ref, made in self.source.objects.items():
            if ref.kind != "trigger" or not made.parts["own_state"]:
                continue
            links = self.hanging.after(ref)
            above = {Ref("trigger", one.parts["parent_schema"], one.parts["parent"], ref.sub) for one in links}
            coming = {one.ref for one in links} & self.found.made
            if coming or above & (self.found.made | self.found.altered.keys()):
                self.parts[ref] = frozenset({"enabled"})
                self.presents.setdefault(ref, made)
                self.found.altered[ref] = Alteration()
