"""What must come before what where tables hang on others: as partitions, with their indexes, or by inheritance."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from dbsync.schema.diff import is_implied
from dbsync.schema.nodes import Node
from dbsync.schema.objects import Ref, Snapshot, attached_to

if TYPE_CHECKING:
    from dbsync.schema.edges import Graph


class PartitionEdges:
    """Adds them to a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph, self._edges = graph, graph.edges
        self._changes, self._source, self._target, self._homes = graph.changes, graph.source, graph.target, graph.homes

    def add(self) -> None:
        """Add every edge that a partition or a child makes needful."""
        changes = self._changes
        self._kept_indexes()
        links = [ref for ref in changes.made | changes.gone if ref.kind in ("partition", "inheritance")]
        for ref in links:
            if ref in changes.gone and self._homes[ref] == ref:
                self._detach(ref)
            if ref in changes.made and self._graph.creation(ref).ref == ref:
                self._attach(ref)
                self._lonely_indexes(ref)
                self._own_indexes(ref)
                self._twin_indexes(ref)
            elif ref in changes.made:
                self._inherit(ref)
        self._attached_indexes()
        self._triggers()
        self._referenced_partitions()
        self._foreign_keys()
        self._merged_columns()

    def _referenced_partitions(self) -> None:
        """A foreign key holds every partition that it refers to, by copies that go with it and not without it."""
        for ref, made in self._target.objects.items():
            if ref.kind != "constraint" or made.parts["type"] != "f" or not is_implied(made):
                continue
            needs = self._target.needs[ref] & self._changes.gone
            for key in [other for other in needs if self._target.objects[other].parts.get("type") == "f"]:
                for held in needs - {key}:
                    if (held.schema, held.name) == tuple(made.parts["references"]):
                        self._edges.before(self._graph.drop(key), self._graph.drop(held))

    def _foreign_keys(self) -> None:
        """Rows that a foreign key refers to come with their partition before it, and go with it after it."""
        for key in [ref for ref in self._changes.made | self._changes.gone if ref.kind == "constraint"]:
            for link in self._links_beneath(key, self._source, self._changes.made):
                self._edges.rather_before(self._graph.creation(link), self._graph.creation(key))
            for link in self._links_beneath(key, self._target, self._changes.gone):
                if key._replace(schema=link.schema, name=link.name) not in self._source.objects:
                    self._edges.before(self._graph.drop(key), self._graph.drop(link))

    def _links_beneath(self, key: Ref, side: Snapshot, changed: Collection[Ref]) -> Iterator[Ref]:
        """The partitions, among those that change, of the table that a foreign key refers to."""
        own = key in changed and not is_implied(side.objects[key])
        parts = side.objects[key].parts if own else {}
        for link in [ref for ref in changed if ref.kind == "partition"] if parts.get("type") == "f" else ():
            if tuple(parts["references"]) in self._above(link, side):
                yield link

    def _merged_columns(self) -> None:
        """A child's own column comes before its parent's of that name, which is then merged with it."""
        for ref in self._changes.made:
            if ref.kind != "column" or not (self._source.objects[ref].parts.get("inherited")):
                continue
            for link in self._source.members(ref):
                if link.ref.kind == "inheritance" and link.ref not in self._changes.made:
                    above = Ref("column", link.parts["parent_schema"], link.parts["parent"], ref.sub)
                    if above in self._changes.made:
                        self._edges.before(self._graph.creation(ref), self._graph.creation(above))

    def _triggers(self) -> None:
        """Of a partition's own trigger and its parent's of that name, one goes before the other comes."""
        changes, edges = self._changes, self._edges
        for ref in changes.gone:
            if ref.kind != "trigger":
                continue
            for above in self._source.needs.get(ref, frozenset()) & changes.made:
                if above.kind == "trigger":
                    edges.before(self._graph.drop(ref), self._graph.creation(above))
            formers = self._target.needs.get(ref, frozenset()) | {Ref("partition", ref.schema, ref.name)}
            for former in formers & changes.gone if ref in changes.made else ():
                if former.kind in ("trigger", "partition"):
                    edges.before(self._graph.drop(former), self._graph.creation(ref))

    def _attached_indexes(self) -> None:
        """Indexes and keys of partitions hang on their parents'; a foreign key needs the whole tree of a key."""
        changes, edges = self._changes, self._edges
        for ref in changes.gone:
            link = self._link_of(ref, self._target)
            if link in changes.gone and self._homes[ref] == ref and self._homes[link] == link:
                edges.before(self._graph.drop(link), self._graph.drop(ref))
        trees: dict[Ref, list[Node]] = {}
        for ref in (*changes.made, *changes.altered):
            link = self._link_of(ref, self._source)
            if link is None:
                continue
            node = self._graph.creation(ref) if ref in changes.made else Node("alter", ref)
            above = attached_to(self._source.objects[ref])
            while above is not None and above in self._source.objects:
                trees.setdefault(above, []).append(node)
                above = attached_to(self._source.objects[above])
            if link in changes.made:  # attaching the table finds both indexes, and ties them
                edges.before(node, self._graph.creation(link))
                parent = attached_to(self._source.objects[ref])
                if parent is not None and parent in changes.made:
                    edges.before(self._graph.creation(parent), self._graph.creation(link))
                    trees.setdefault(parent, []).append(self._graph.creation(link))
        for ref, nodes in trees.items():  # an index with parts that are still to come is not valid, and not found
            link = self._link_of(ref, self._source)
            if link is not None and link in changes.made:
                for node in nodes:
                    edges.before(node, self._graph.creation(link))
        for ref in changes.made:
            if ref.kind == "constraint" and self._source.objects[ref].parts["type"] == "f":
                for needed in self._graph.needed(ref):
                    for node in trees.get(needed, ()):
                        edges.before(node, self._graph.creation(ref))

    def _link_of(self, ref: Ref, side: Snapshot) -> Ref | None:
        """The link of the partition to which an attached index or key belongs."""
        if attached_to(side.objects[ref]) is None:
            return None
        table = side.objects[ref].parts["table"] if ref.kind == "index" else ref.name
        return Ref("partition", ref.schema, table)

    def _kept_indexes(self) -> None:
        """An index that stays while its parent's is made anew hangs on that as soon as its table is attached."""
        for ref, made in self._source.objects.items():
            above = attached_to(made)
            if above is None or ref in self._changes.made:
                continue
            link = Ref("partition", ref.schema, made.parts["table"] if ref.kind == "index" else ref.name)
            if link in self._changes.made and above in self._changes.made:
                self._edges.before(self._graph.creation(above), self._graph.creation(link))

    def _detach(self, link: Ref) -> None:
        """A table leaves its parent before anything is done to either, and before another takes its place."""
        parts = self._target.objects[link].parts
        first = set()
        for ref in self._changes.gone:
            if ref.kind not in ("constraint", "column") or (ref.schema, ref.name) != (link.schema, link.name):
                continue
            if self._goes_with_parents(ref):
                first.add(self._homes[ref])
                self._edges.before(self._graph.drop(ref), self._graph.drop(link))
            else:
                self._edges.before(self._graph.drop(link), self._graph.drop(ref))
                for above in self._above(link, self._target):  # dropping the parent's takes its copies along
                    if (same := ref._replace(schema=above[0], name=above[1])) in self._changes.gone:
                        self._edges.before(self._graph.drop(link), self._graph.drop(same))
        for ref in self._changes.gone - first:  # a table that leaves keeps its copies of what its parent loses
            if ref.kind in ("constraint", "index") and (ref.schema, self._table_of(ref)) in self._above(
                link, self._target
            ):
                self._edges.rather_before(self._graph.drop(link), self._graph.drop(ref))
        for node in self._of_tables(
            self._target, {(link.schema, link.name), (parts["parent_schema"], parts["parent"])}
        ):
            self._edges.rather_before(self._graph.drop(link), node)
        for other in self._changes.made:
            if other.kind == link.kind and self._source.objects[other].parts["parent"] == parts["parent"]:
                self._edges.before(self._graph.drop(link), self._graph.creation(other))

    def _goes_with_parents(self, ref: Ref) -> bool:
        """Whether it is a copy of a parent's foreign key that is dropped with that, while its table is a partition."""
        home = self._homes[ref]
        return home != ref and ref.kind == home.kind == "constraint"

    def _table_of(self, ref: Ref) -> str:
        return str(self._target.objects[ref].parts["table"]) if ref.kind == "index" else ref.name

    def _above(self, link: Ref, side: Snapshot) -> set[tuple[str, str]]:
        """All tables on which a table hangs by a link, however far up."""
        found: set[tuple[str, str]] = set()
        queue = [side.objects[link]]
        while queue:
            parts = queue.pop().parts
            place = (parts["parent_schema"], parts["parent"])
            if place not in found:
                found.add(place)
                table = Ref("table", *place)
                queue += [made for made in side.members(table) if made.ref.kind == link.kind]
        return found

    def _attach(self, link: Ref) -> None:
        """A table is fit for its parent before it is attached."""
        tables = {(link.schema, link.name), *self._above(link, self._source)}
        for node in self._of_tables(self._source, tables):
            if node.action != "drop" and node.ref != link:
                self._edges.before(node, Node("create", link))

    def _lonely_indexes(self, link: Ref) -> None:
        """ATTACH gives the table an index for each of its parent's: one that is to have none there comes later."""
        parent = (self._source.objects[link].parts["parent_schema"], self._source.objects[link].parts["parent"])
        here = {
            tuple(made.parts["attached_to"] or ())
            for ref, made in self._source.objects.items()
            if ref.kind == "index" and (ref.schema, made.parts["table"]) == (link.schema, link.name)
        }
        for ref in self._changes.made:
            parts = self._source.objects[ref].parts
            lonely = ref.kind == "index" and not parts["valid"] and (ref.schema, parts["table"]) == parent
            if lonely and (ref.schema, ref.name) not in here:
                self._edges.before(Node("create", link), self._graph.creation(ref))

    def _own_indexes(self, link: Ref) -> None:
        """ATTACH ties the first index that fits: one that hangs on none comes after it, beside those that do."""
        indexes = [ref for ref in self._changes.made if ref.kind == "index" and ref.schema == link.schema]
        made = [ref for ref in indexes if self._source.objects[ref].parts["table"] == link.name]
        own = [ref for ref in made if attached_to(self._source.objects[ref]) is None]
        for ref in own if len(own) < len(made) else ():
            self._edges.rather_before(Node("create", link), self._graph.creation(ref))

    def _twin_indexes(self, link: Ref) -> None:
        """ATTACH ties equal indexes in the order in which they were made: the parent's first with the table's first."""
        twins: dict[str, list[tuple[bool, Ref, Ref]]] = {}
        for ref, made in self._source.objects.items():
            above = attached_to(made)
            if ref.kind == "index" and above is not None and self._link_of(ref, self._source) == link:
                what = made.parts["definition"].partition(" USING ")[2]
                twins.setdefault(what, []).append((ref in self._changes.made, above, ref))
        for equal in twins.values():
            for (_, parent, child), (_, next_parent, next_child) in pairwise(sorted(equal)):
                for first, second in ((parent, next_parent), (child, next_child)):
                    if first in self._changes.made and second in self._changes.made:
                        self._edges.rather_before(self._graph.creation(first), self._graph.creation(second))

    def _inherit(self, link: Ref) -> None:
        """A table that is made with a parent repeats the columns that this has by then."""
        parts = self._source.objects[link].parts
        parent = (parts["parent_schema"], parts["parent"])
        for ref in (*self._changes.gone, *self._changes.made, *self._changes.altered):
            if ref.kind == "column" and (ref.schema, ref.name) == parent:
                if ref in self._changes.gone:
                    self._edges.rather_before(self._graph.drop(ref), self._graph.creation(link))
                if ref in self._changes.made:
                    self._edges.rather_before(self._graph.creation(ref), self._graph.creation(link))
                elif ref in self._changes.altered:
                    self._edges.rather_before(Node("alter", ref), self._graph.creation(link))

    def _of_tables(self, side: Snapshot, tables: Collection[tuple[str, str]]) -> Iterator[Node]:
        """Nodes on the columns and checks of tables."""
        for ref in (*self._changes.made, *self._changes.altered):
            if (ref.schema, ref.name) not in tables:
                continue
            check = ref.kind == "constraint" and self._source.objects[ref].parts["type"] == "c"
            if ref.kind == "column" or check:
                yield self._graph.creation(ref) if ref in self._changes.made else Node("alter", ref)
