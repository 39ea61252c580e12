"""What must come before what in a migration: drops by the target's graph, creation by the source's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from dbsync.schema.changes import Changes
from dbsync.schema.homes import create_home
from dbsync.schema.objects import ROUTINES, TYPES, Ref, Snapshot, attached_to
from dbsync.schema.order import Edges
from dbsync.schema.steps import Scene
from dbsync.schema.ties import Ties


class Node(NamedTuple):
    """Something to be done to an object. ``own`` ties a sequence to its column; ``access``: owner, rights, comment.

    ``free`` lets a sequence go that would be dropped with the column it belongs to, which is made anew.
    ``shell`` and ``hollow`` are of views that need what needs them: the columns come before the query, and go after it.
    """

    action: Literal["drop", "hollow", "alter", "shell", "create", "free", "own", "access"]
    ref: Ref


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
        self._drops()
        self._creations()
        self._alterations()
        self._sequence_ties()
        self._same_names()
        self._partitions()
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
        found |= {Node("access", ref) for ref in changes.access if ref not in changes.made or ref in changes.follows}
        return sorted(found)

    def creation(self, ref: Ref) -> Node:
        """The node that makes an object."""
        return Node("create", create_home(ref, self.changes, self.scene.inlined))

    def _drop(self, ref: Ref) -> Node:
        return Node("drop", self.homes[ref])

    def _drops(self) -> None:
        changes, edges = self.changes, self.edges
        for ref in changes.gone:
            for needed in self.target.needs.get(ref, ()):
                if needed in changes.gone:
                    hollow = ref.kind == "view" and ref in self.circled and needed in self.circled
                    edges.before(Node("hollow", ref) if hollow else self._drop(ref), self._drop(needed))
                elif needed in changes.altered:
                    pulled = ref in changes.altered[needed].disturbs
                    (edges.before if pulled else edges.rather_before)(self._drop(ref), Node("alter", needed))
            if ref in changes.made:
                edges.before(self._drop(ref), self.creation(ref))
        for ref, alteration in changes.altered.items():
            for disturbed in alteration.disturbs & changes.gone:
                edges.before(self._drop(disturbed), Node("alter", ref))
                if disturbed in changes.made:
                    edges.before(Node("alter", ref), self.creation(disturbed))
            for needed in self.target.needs.get(ref, ()):
                if needed in changes.gone and ref.kind != "trigger":  # a copy, which goes with its parent's
                    edges.before(Node("alter", ref), self._drop(needed))

    def _creations(self) -> None:
        changes, edges = self.changes, self.edges
        for ref in (*changes.made, *self.scene.inlined):
            for needed in self._needed(ref):
                if needed in changes.made:
                    shell = needed.kind == "view" and needed in self.circled and ref in self.circled
                    edges.before(Node("shell", needed) if shell else self.creation(needed), self.creation(ref))
                elif needed in changes.altered:
                    wish = edges.rather_before if needed.kind in _LOOSE else edges.before
                    wish(Node("alter", needed), self.creation(ref))
                if needed in changes.access:
                    edges.rather_before(self.creation(ref), Node("access", needed))

    def _needed(self, ref: Ref) -> Iterator[Ref]:
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
            for needed in self._needed(ref):
                if needed in changes.made:
                    edges.before(self.creation(needed), node)
                elif needed in changes.altered:
                    edges.rather_before(Node("alter", needed), node)
            for needed in self.target.needs.get(ref, frozenset()) - self.source.needs.get(ref, frozenset()):
                if needed in changes.altered and needed.kind in TYPES | {"collation"}:
                    edges.before(node, Node("alter", needed))  # it lets go of a type that then changes without it
            if ref in changes.access:
                edges.before(node, Node("access", ref))
        for ref in [ref for ref in changes.altered if ref.kind == "domain"]:  # made anew, it has its checks at once
            for check in self.source.members(ref):
                for needed in self.source.needs.get(check.ref, frozenset()) & changes.made:
                    edges.rather_before(self.creation(needed), Node("alter", ref))
        self._persistence()
        for ref, parent in changes.copies.items():
            edges.before(Node("alter", parent), Node("alter", ref))
        for ref in changes.access:
            if ref in changes.made:
                edges.before(self.creation(ref), Node("access", ref))

    def _shells(self) -> None:
        """A view's columns need their types and nothing else."""
        changes, edges = self.changes, self.edges
        for view in self.circled:
            if view.kind != "view":
                continue
            if view in changes.gone:
                edges.before(Node("hollow", view), self._drop(view))
            if view not in changes.made:
                continue
            shell = Node("shell", view)
            edges.before(shell, self.creation(view))
            if view in changes.gone:
                edges.before(self._drop(view), shell)
            columns = [made.ref for made in self.source.members(view) if made.ref.kind == "column"]
            for needed in {Ref("schema", "", view.schema)}.union(*(self.source.needs.get(ref, ()) for ref in columns)):
                if needed in changes.made and needed != view:
                    edges.before(self.creation(needed), shell)

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

    # Sequences

    def _sequence_ties(self) -> None:
        for ref in self.ties.tied:
            node = Node("own", ref)
            self.edges.before(Node("create" if ref in self.changes.made else "alter", ref), node)
            if owner := self.source.objects[ref].parts["owned_by"]:
                column = Ref("column", *owner)
                if column in self.changes.made:
                    self.edges.before(self.creation(column), node)
                self.edges.rather_before(node, Node("access", Ref("table", *owner[:2])))
            for former in self.ties.formers(ref):
                self.edges.before(Node("free", ref) if ref in self.ties.freed else node, self._drop(former))

    # Names

    def _same_names(self) -> None:
        """Two objects cannot have one name at one time."""
        freed: dict[tuple[str, ...], dict[Ref, Node]] = {}
        for ref in (*self.changes.gone, *self.changes.altered):
            node = self._drop(ref) if ref in self.changes.gone else Node("alter", ref)
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

    # Partitions

    def _partitions(self) -> None:
        changes = self.changes
        self._kept_indexes()
        links = [ref for ref in changes.made | changes.gone if ref.kind in ("partition", "inheritance")]
        for ref in links:
            if ref in changes.gone and self.homes[ref] == ref:
                self._detach(ref)
            if ref in changes.made and self.creation(ref).ref == ref:
                self._attach(ref)
        self._attached_indexes()

    def _attached_indexes(self) -> None:
        """Indexes and keys of partitions hang on their parents'; a foreign key needs the whole tree of a key."""
        changes, edges = self.changes, self.edges
        for ref in changes.gone:
            link = self._link_of(ref, self.target)
            if link in changes.gone and self.homes[ref] == ref and self.homes[link] == link:
                edges.before(self._drop(link), self._drop(ref))
        trees: dict[Ref, list[Node]] = {}
        for ref in (*changes.made, *changes.altered):
            link = self._link_of(ref, self.source)
            if link is None:
                continue
            node = self.creation(ref) if ref in changes.made else Node("alter", ref)
            above = attached_to(self.source.objects[ref])
            while above is not None and above in self.source.objects:
                trees.setdefault(above, []).append(node)
                above = attached_to(self.source.objects[above])
            if link in changes.made:  # attaching the table finds both indexes, and ties them
                edges.before(node, self.creation(link))
                parent = attached_to(self.source.objects[ref])
                if parent is not None and parent in changes.made:
                    edges.before(self.creation(parent), self.creation(link))
                    trees.setdefault(parent, []).append(self.creation(link))
        for ref, nodes in trees.items():  # an index with parts that are still to come is not valid, and not found
            link = self._link_of(ref, self.source)
            if link is not None and link in changes.made:
                for node in nodes:
                    edges.before(node, self.creation(link))
        for ref in changes.made:
            if ref.kind == "constraint" and self.source.objects[ref].parts["type"] == "f":
                for needed in self._needed(ref):
                    for node in trees.get(needed, ()):
                        edges.before(node, self.creation(ref))

    def _link_of(self, ref: Ref, side: Snapshot) -> Ref | None:
        """The link of the partition to which an attached index or key belongs."""
        if attached_to(side.objects[ref]) is None:
            return None
        table = side.objects[ref].parts["table"] if ref.kind == "index" else ref.name
        return Ref("partition", ref.schema, table)

    def _kept_indexes(self) -> None:
        """An index that stays while its parent's is made anew hangs on that as soon as its table is attached."""
        for ref, made in self.source.objects.items():
            above = attached_to(made)
            if above is None or ref in self.changes.made:
                continue
            link = Ref("partition", ref.schema, made.parts["table"] if ref.kind == "index" else ref.name)
            if link in self.changes.made and above in self.changes.made:
                self.edges.before(self.creation(above), self.creation(link))

    def _detach(self, link: Ref) -> None:
        """A table leaves its parent before anything is done to either, and before another takes its place."""
        parts = self.target.objects[link].parts
        for ref in self.changes.gone:
            if ref.kind in ("constraint", "column") and (ref.schema, ref.name) == (link.schema, link.name):
                self.edges.before(self._drop(link), self._drop(ref))
                for above in self._above(link):  # dropping the parent's takes its copies along
                    if (same := ref._replace(schema=above[0], name=above[1])) in self.changes.gone:
                        self.edges.before(self._drop(link), self._drop(same))
        for ref in self.changes.gone:  # a table that leaves keeps its copies of what its parent loses
            if ref.kind in ("constraint", "index") and (ref.schema, self._table_of(ref)) in self._above(link):
                self.edges.rather_before(self._drop(link), self._drop(ref))
        for node in self._of_tables(self.target, {(link.schema, link.name), (parts["parent_schema"], parts["parent"])}):
            self.edges.rather_before(self._drop(link), node)
        for other in self.changes.made:
            if other.kind == link.kind and self.source.objects[other].parts["parent"] == parts["parent"]:
                self.edges.before(self._drop(link), self.creation(other))

    def _table_of(self, ref: Ref) -> str:
        return str(self.target.objects[ref].parts["table"]) if ref.kind == "index" else ref.name

    def _above(self, link: Ref) -> set[tuple[str, str]]:
        """All tables on which a table hangs by a link of the target, however far up."""
        found: set[tuple[str, str]] = set()
        queue = [self.target.objects[link]]
        while queue:
            parts = queue.pop().parts
            place = (parts["parent_schema"], parts["parent"])
            if place not in found:
                found.add(place)
                table = Ref("table", *place)
                queue += [made for made in self.target.members(table) if made.ref.kind == link.kind]
        return found

    def _attach(self, link: Ref) -> None:
        """A table is fit for its parent before it is attached."""
        parts = self.source.objects[link].parts
        tables = {(link.schema, link.name), (parts["parent_schema"], parts["parent"])}
        for node in self._of_tables(self.source, tables):
            if node.action != "drop" and node.ref != link:
                self.edges.before(node, Node("create", link))

    def _of_tables(self, side: Snapshot, tables: Collection[tuple[str, str]]) -> Iterator[Node]:
        """Nodes on the columns and checks of tables."""
        for ref in (*self.changes.made, *self.changes.altered):
            if (ref.schema, ref.name) not in tables:
                continue
            check = ref.kind == "constraint" and self.source.objects[ref].parts["type"] == "c"
            if ref.kind == "column" or check:
                yield self.creation(ref) if ref in self.changes.made else Node("alter", ref)


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
