"""PURE: which sequences are let go before their columns are dropped, and tied to columns afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from dbsync.schema.changes import Changes
from dbsync.schema.objects import Ref, Snapshot


class Ties:
    """``freed`` would be dropped with columns that are made anew; ``tied`` get another owner, or theirs again."""

    def __init__(self, changes: Changes, source: Snapshot, target: Snapshot) -> None:
        self.changes, self.source, self.target = changes, source, target
        self.freed = frozenset(self._freed())
        self.tied = self.freed | {
            ref for ref in (*changes.made, *changes.altered) if ref.kind == "sequence" and self._differs(ref)
        }

    def formers(self, sequence: Ref) -> list[Ref]:
        """The column to which a sequence belongs that stays, and its table, where they go."""
        present = self.target.objects.get(sequence)
        if present is None or sequence in self.changes.gone or not present.parts["owned_by"]:
            return []
        schema, table, sub = present.parts["owned_by"]
        formers = (Ref("column", schema, table, sub), Ref("table", schema, table))
        return [former for former in formers if former in self.changes.gone]

    def _freed(self) -> Iterator[Ref]:
        for ref, made in self.source.objects.items():
            owner = made.parts["owned_by"] if ref.kind == "sequence" else None
            if not owner or not self.formers(ref):
                continue
            if {Ref("column", *owner), Ref("table", *owner[:2])} & self.changes.made:
                yield ref

    def _differs(self, ref: Ref) -> bool:
        wanted = self.source.objects[ref].parts["owned_by"]
        if ref in self.changes.made:
            return bool(wanted)
        return bool(wanted != self.target.objects[ref].parts["owned_by"])
