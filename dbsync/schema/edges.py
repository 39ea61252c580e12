"""What must come before what in a migration: drops by the target's graph, creation by the source's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from dbsync.schema.changes import Changes
from dbsync.schema.diff import is_implied
from dbsync.schema.homes import create_home
from dbsync.schema.nodes import Node
from dbsync.schema.objects import RELATIONS, TYPES, Ref, Snapshot, attached_to
from dbsync.schema.order import Edges
from dbsync.schema.partition_edges import PartitionEdges
from dbsync.schema.slots import slots
from dbsync.schema.steps import Scene
from dbsync.schema.ties import Ties, typed_tables

# What is altered does not keep others from using it: tables and schemas have parts of their own.
_LOOSE = frozenset({"table", "schema", "extension"})


class Graph:
    """The nodes of a plan and the edges between them."""

    def __init__(
        self,
        changes: Changes,
        source: Snapshot,
        target: Snapshot,
        homes: Mapping[Ref, Ref],
        scene: Scene,
        circled: Collection[Ref] = (),
    ) -> None:
        self.changes, self.source, self.target = changes, source, target
        self.homes, self.scene = homes, scene
        self.circled = circled
        self.edges: Edges[Node] = Edges()
        self.ties = Ties(changes, source, target)
        self.typed = typed_tables(changes, source, target)
        self._drops()
        self._creations()
        self._alterations()
        self._extensions()
        self._sequence_ties()
        self._typed_tables()
        self._same_names()
        PartitionEdges(self).add()
        self._shells()

    def nodes(self) -> list[Node]:
        """Every node, in no order."""
        changes = self.changes
        found = {Node("drop", home) for home in self.homes.values()}
        found |= {self.creation(ref) for ref in changes.made}
        found |= {Node("alter", ref) for ref, alteration in changes.altered.items() if alteration.steps}
        found |= {Node("shell", ref) for ref in self.circled if ref.kind == "view" and ref in changes.made}
        found |= {Node("hollow", ref) for ref in self.circled if ref.kind == "view" and ref in changes.gone}
        found |= {Node("own", ref) for ref in self.ties.tied} | {Node("free", ref) for ref in self.ties.freed}
        found |= {Node(action, ref) for ref in self.typed for action in ("free", "own")}
        found |= {Node("access", ref) for ref in changes.access if ref not in changes.made or ref in changes.follows}
        return sorted(found)

    def creation(self, ref: Ref) -> Node:
        """The node that makes an object."""
        return Node("create", create_home(ref, self.changes, self.scene.inlined))

    def drop(self, ref: Ref) -> Node:
        """The node that drops an object."""
        return Node("drop", self.homes[ref])

    def _drops(self) -> None:
        changes, edges = self.changes, self.edges
        for ref in changes.gone:
            for needed in self.target.needs.get(ref, ()):
                if needed in changes.gone and self._is_parted(ref, needed):
                    continue
                if needed in changes.gone:
                    hollow = ref.kind == "view" and ref in self.circled and needed in self.circled
                    edges.before(Node("hollow", ref) if hollow else self.drop(ref), self.drop(needed))
                elif needed in changes.altered:
                    pulled = ref in changes.altered[needed].disturbs
                    (edges.before if pulled else edges.rather_before)(self.drop(ref), Node("alter", needed))
            if ref in changes.made:
                edges.before(self.drop(ref), self.creation(ref))
        for ref, alteration in changes.altered.items():
            for disturbed in alteration.disturbs & changes.gone:
                edges.before(self.drop(disturbed), Node("alter", ref))
                if disturbed in changes.made:
                    edges.before(Node("alter", ref), self.creation(disturbed))
            copy = ref in self.target.objects and is_implied(self.target.objects[ref])
            for needed in self.target.needs.get(ref, ()):
                if needed not in changes.gone or ref.kind == "trigger":  # a copy, which goes with its parent's
                    continue
                if copy and needed.kind == ref.kind == "constraint":  # the same, and it comes again by itself
                    edges.before(self.drop(needed), Node("alter", ref))
                else:
                    edges.before(Node("alter", ref), self.drop(needed))

    def _is_parted(self, ref: Ref, needed: Ref) -> bool:
        """Whether a table, or its index, needed its parent's only as long as it hangs on that, which ends before."""
        made = self.target.objects[ref]
        link = Ref("partition", ref.schema, made.parts["table"] if ref.kind == "index" else ref.name)
        if self.homes.get(link) != link:
            return False
        return attached_to(made) == needed or (ref.kind == needed.kind == "table")

    def _creations(self) -> None:
        changes, edges = self.changes, self.edges
        for ref in (*changes.made, *self.scene.inlined):
            for needed in self.needed(ref):
                if needed in changes.made:
                    shell = needed.kind == "view" and needed in self.circled and ref in self.circled
                    edges.before(Node("shell", needed) if shell else self.creation(needed), self.creation(ref))
                elif needed in changes.altered:
                    wish = edges.rather_before if needed.kind in _LOOSE else edges.before
                    if not self._comes_after_column(needed, ref):
                        wish(Node("alter", needed), self.creation(ref))
                if needed in changes.access:
                    edges.rather_before(self.creation(ref), Node("access", needed))

    def needed(self, ref: Ref) -> Iterator[Ref]:
        """What an object needs before it can be made; a sequence does without the column that owns it."""
        for needed in self.source.needs.get(ref, ()):
            if ref.kind != "sequence" or needed.kind not in ("column", "table"):
                yield needed

    def _alterations(self) -> None:
        changes, edges = self.changes, self.edges
        for ref in changes.altered:
            node = Node("alter", ref)
            if ref in changes.made:  # a column that comes with its parent's, and is more than that
                edges.before(self.creation(ref), node)
            link = Ref("partition", ref.schema, ref.name)
            if ref.kind == "trigger" and link in changes.made:
                edges.before(self.creation(link), node)
            for needed in self.needed(ref):
                if needed in changes.made:
                    edges.before(self.creation(needed), node)
                elif needed in changes.altered and not self._comes_after_column(needed, ref):
                    edges.rather_before(Node("alter", needed), node)
            for needed in self.target.needs.get(ref, frozenset()) - self.source.needs.get(ref, frozenset()):
                if needed in changes.altered and needed.kind in TYPES | {"collation"}:
                    wish = edges.rather_before if self._gets_another_default(needed) else edges.before
                    wish(node, Node("alter", needed))  # it lets go of a type that then changes without it
            if ref in changes.access:
                edges.before(node, Node("access", ref))
        for ref in [ref for ref in changes.altered if ref.kind == "domain"]:  # made anew, it has its checks at once
            for check in self.source.members(ref):
                for needed in self.source.needs.get(check.ref, frozenset()) & changes.made:
                    edges.rather_before(self.creation(needed), Node("alter", ref))
        self._persistence()
        self._toast_options()
        for ref, parent in changes.copies.items():
            edges.before(Node("alter", parent), Node("alter", ref))
        for ref in changes.access:
            if ref in changes.made:
                edges.before(self.creation(ref), Node("access", ref))
            for kind in RELATIONS if ref.kind == "column" else ():  # the new owner gives what was the former one's
                if (relation := Ref(kind, ref.schema, ref.name)) in changes.access:
                    edges.before(Node("access", relation), Node("access", ref))

    def _extensions(self) -> None:
        """What says that it depends on an extension is tied to one that is there, and gone or let go when that goes."""
        changes, edges = self.changes, self.edges
        for ref in changes.gone | changes.access.keys():
            present = self.target.objects.get(ref)
            for extension in (present and present.parts.get("extensions")) or ():
                if (needed := Ref("extension", "", extension)) in changes.gone:
                    edges.before(self.drop(ref) if ref in changes.gone else Node("access", ref), self.drop(needed))
        for ref in changes.made | changes.access.keys():
            for extension in self.source.objects[ref].parts.get("extensions") or ():
                if (needed := Ref("extension", "", extension)) in changes.made:
                    node = self.creation(ref) if ref in changes.made else Node("access", ref)
                    edges.before(self.creation(needed), node)

    def _shells(self) -> None:
        """A view's columns need their types and nothing else."""
        changes, edges = self.changes, self.edges
        for view in self.circled:
            if view.kind != "view":
                continue
            if view in changes.gone:
                edges.before(Node("hollow", view), self.drop(view))
            if view not in changes.made:
                continue
            shell = Node("shell", view)
            edges.before(shell, self.creation(view))
            if view in changes.gone:
                edges.before(self.drop(view), shell)
            columns = [made.ref for made in self.source.members(view) if made.ref.kind == "column"]
            for needed in {Ref("schema", "", view.schema)}.union(*(self.source.needs.get(ref, ()) for ref in columns)):
                if needed in changes.made and needed != view:
                    edges.before(self.creation(needed), shell)

    def _gets_another_default(self, ref: Ref) -> bool:
        """Whether it is a domain that gets or loses a default and nothing else: its columns do not mind."""
        old, new = self.target.objects[ref].parts, self.source.objects[ref].parts
        return ref.kind == "domain" and {key for key in new if new[key] != old.get(key)} == {"default"}

    def _persistence(self) -> None:
        """A logged table refers to no unlogged one, not even for a moment."""
        for ref, made in self.source.objects.items():
            if ref.kind != "constraint" or made.parts["type"] != "f" or ref not in self.target.objects:
                continue
            tables = Ref("table", ref.schema, ref.name), Ref("table", *made.parts["references"])
            if any(table not in self.changes.altered for table in tables):
                continue
            if self.source.objects[tables[0]].parts["persistence"] == "p":
                tables = tables[1], tables[0]
            self.edges.rather_before(Node("alter", tables[0]), Node("alter", tables[1]))

    def _toast_options(self) -> None:
        """A table has them once a column of it can be long enough to be kept apart; before, they are lost unsaid."""
        for ref in (*self.changes.made, *self.changes.altered):
            table = Ref("table", ref.schema, ref.name)
            if table in self.changes.altered and self._comes_after_column(table, ref):
                column = self.creation(ref) if ref in self.changes.made else Node("alter", ref)
                self.edges.rather_before(column, Node("alter", table))

    def _comes_after_column(self, table: Ref, column: Ref) -> bool:
        if table.kind != "table" or column.kind != "column":
            return False
        both = (self.source.objects[table], self.target.objects[table])
        wanted, present = (made.parts["toast_options"] for made in both)
        return bool(wanted) and wanted != present

    # Sequences

    def _sequence_ties(self) -> None:
        for ref in self.ties.tied:
            node = Node("own", ref)
            self.edges.before(Node("create" if ref in self.changes.made else "alter", ref), node)
            if owner := self.source.objects[ref].parts["owned_by"]:
                for needed in (Ref("column", *owner), Ref("table", *owner[:2])):  # of a view's name: it has the column
                    if needed in self.changes.made:
                        self.edges.before(self.creation(needed), node)
                    elif needed in self.changes.altered:  # a sequence that is new to the column reads its values
                        self.edges.rather_before(Node("alter", needed), node)
                self._before_or_after_owners(ref, Ref("table", *owner[:2]))
            for former in self.ties.formers(ref):
                self.edges.before(Node("free", ref) if ref in self.ties.freed else node, self.drop(former))

    def _before_or_after_owners(self, sequence: Ref, table: Ref) -> None:
        """A sequence can be tied to a table of the same owner only; tied, it has each new owner of the table's."""
        tie, change = Node("own", sequence), Node("access", table)
        present = self.target.objects.get(sequence) if sequence not in self.changes.made else None
        if present is not None and present.parts["owned_by"]:
            self.edges.rather_before(tie, change)
            return
        self.edges.before(Node("access", sequence), tie)
        self.edges.before(change, tie)

    def _typed_tables(self) -> None:
        """A table is of no type while its type and its columns change."""
        changes = self.changes
        for table, its_type in self.typed.items():
            nodes = {Node("alter", its_type), Node("alter", table)}
            for ref in (*changes.made, *changes.gone, *changes.altered):
                if ref.kind == "column" and (ref.schema, ref.name) == (table.schema, table.name):
                    nodes |= {self.creation(ref)} if ref in changes.made else set()
                    nodes |= {self.drop(ref)} if ref in changes.gone else set()
                    nodes |= {Node("alter", ref)} if ref in changes.altered else set()
            for node in nodes:
                self.edges.before(Node("free", table), node)
                self.edges.before(node, Node("own", table))

    # Names

    def _same_names(self) -> None:
        """Two objects cannot have one name at one time."""
        freed: dict[tuple[str, ...], dict[Ref, Node]] = {}
        for ref in (*self.changes.gone, *self.changes.altered):
            node = self.drop(ref) if ref in self.changes.gone else Node("alter", ref)
            for slot in slots(ref, self.target) if ref in self.target.objects else ():
                freed.setdefault(slot, {})[ref] = node
        for ref in (*self.changes.made, *self.changes.altered):
            node = self.creation(ref) if ref in self.changes.made else Node("alter", ref)
            for slot in slots(ref, self.source):
                for other, freeing in freed.get(slot, {}).items():
                    if other != ref:
                        # Two constraints that exchange their names would wait for each other.
                        both = slot[0] == "constraint" and {freeing.action, node.action} == {"alter"}
                        (self.edges.rather_before if both else self.edges.before)(freeing, node)
