"""PURE: what is let go before a change and tied again afterwards: sequences of columns, tables of composite types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbsync.pg.quoting import name
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


def typed_tables(changes: Changes, source: Snapshot, target: Snapshot) -> Mapping[Ref, Ref]:
    """Tables of composite types that change, with their types: a table takes a change only while it is of no type."""
    types = {
        name(ref.schema, ref.name): ref
        for ref, made in changes.altered.items()
        if ref.kind == "composite" and made.steps
    }
    found = {}
    for ref, made in source.objects.items() if types else ():
        of_type = made.parts["of_type"] if ref.kind == "table" else None
        stays = ref in target.objects and ref not in changes.gone
        if of_type in types and stays and target.objects[ref].parts["of_type"] == of_type:
            found[ref] = types[of_type]
    return found
