"""PURE: where the numbers of identity columns go on, once the partitions of a table that is made anew are back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbsync.pg.quoting import name
from dbsync.schema.makers.identity import can_be_read, go_on_after
from dbsync.schema.nodes import Node
from dbsync.schema.objects import Ref, Snapshot
from dbsync.schema.steps import Scene, Step


class GoingOn:
    """The steps by table, each to come after the last partition of it."""

    def __init__(self, nodes: Sequence[Node], scene: Scene) -> None:
        self._scene = scene
        self._after: dict[int, list[Ref]] = {}
        anew = [ref for ref in scene.created & scene.dropped if ref.kind == "table"]
        for table in sorted(ref for ref in anew if scene.source.objects[ref].parts["variant"] == "partitioned"):
            numbers = [number for number, node in enumerate(nodes) if self._attaches(node, table)]
            if numbers and can_be_read(table, scene.source):
                self._after.setdefault(numbers[-1], []).append(table)

    def steps(self, number: int) -> Iterator[Step]:
        """What comes after the node of this number."""
        for table in self._after.get(number, ()):
            for made in self._scene.source.members(table):
                identity = made.parts["identity"] if made.ref.kind == "column" else None
                if identity is not None and not identity["cycle"] and made.ref in self._scene.target.objects:
                    yield go_on_after(made.ref, name(identity["sequence_schema"], identity["sequence"]), identity)

    def _attaches(self, node: Node, table: Ref) -> bool:
        hangs = node.ref.kind == "partition" and node.action == "create"
        return hangs and _is_below(node.ref, table, self._scene.source)


def _is_below(partition: Ref, table: Ref, schema: Snapshot) -> bool:
    link = schema.objects.get(partition)
    while link is not None:
        parent = (link.parts["parent_schema"], link.parts["parent"])
        if parent == (table.schema, table.name):
            return True
        link = schema.objects.get(Ref("partition", *parent))
    return False
