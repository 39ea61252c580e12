"""PURE: on which tables a table hangs, as partition or by inheritance, before a migration and after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbsync.schema.diff import is_implied
from dbsync.schema.objects import Ref, SchemaObject, Snapshot, attached_to

Links = Mapping[tuple[str, str], list[SchemaObject]]


class Hanging:
    """The links between tables on both sides. ``anew``: partitioned tables that have to be made again."""

    def __init__(self, source: Snapshot, target: Snapshot) -> None:
        self.source, self.target = source, target
        self._after, self._before = _links(source), _links(target)
        self.anew = {ref for ref in target.objects if ref.kind == "table" and self._made_anew(ref)}

    def hangs_as_partition(self, column: Ref) -> bool:
        """Whether the table of a column is to be a partition."""
        return any(made.ref.kind == "partition" for made in self.after(column))

    def parents(self, column: Ref) -> list[Ref]:
        """The same column of the tables on which this one hangs before and after: what is done to it is passed on."""
        return [
            Ref("column", made.parts["parent_schema"], made.parts["parent"], column.sub)
            for made in self.before(column)
            if not self._changes(made.ref)
        ]

    def before(self, member: Ref) -> list[SchemaObject]:
        """The links of the table that something belongs to, as they are."""
        return self._before.get((member.schema, member.name), [])

    def above(self, member: Ref) -> set[tuple[str, str]]:
        """All tables on which the table of something hangs, however far up, as it is."""
        found: set[tuple[str, str]] = set()
        queue = self.before(member)
        while queue:
            parts = queue[0].parts
            queue = queue[1:]
            if (place := (parts["parent_schema"], parts["parent"])) not in found:
                found.add(place)
                queue = [*queue, *self._before.get(place, [])]
        return found

    def after(self, member: Ref) -> list[SchemaObject]:
        """The links that are wanted."""
        return self._after.get((member.schema, member.name), [])

    def link_changes(self, column: Ref) -> bool:
        """Whether the table of a column leaves a parent, or comes to one, if only for a while."""
        return any(self._changes(made.ref) for made in (*self.before(column), *self.after(column)))

    def leaves(self, column: Ref) -> bool:
        """Whether the table of a column stops being a partition, if only for a while."""
        return any(made.ref.kind == "partition" and self._changes(made.ref) for made in self.before(column))

    def comes(self, column: Ref) -> bool:
        """Whether the table of a column becomes a partition, if only again."""
        return any(made.ref.kind == "partition" and self._changes(made.ref) for made in self.after(column))

    def _changes(self, link: Ref) -> bool:
        if link not in self.source.objects or link not in self.target.objects:
            return True
        present, wanted = self.target.objects[link].parts, self.source.objects[link].parts
        tables = Ref("table", link.schema, link.name), Ref("table", wanted["parent_schema"], wanted["parent"])
        return present != wanted or any(table in self.anew for table in tables)

    def _made_anew(self, table: Ref) -> bool:
        """Whether it is partitioned and its key, or a type in it, changes: nothing alters that, and it has no rows."""
        if table not in self.source.objects:
            return False
        present, wanted = self.target.objects[table].parts, self.source.objects[table].parts
        if present["variant"] != "partitioned" or wanted["variant"] != "partitioned":
            return False
        if present["partition_key"] != wanted["partition_key"]:
            return True
        keys = [Ref("column", table.schema, table.name, column) for column in present["partition_columns"] or ()]
        return any(
            self.target.objects[key].parts[part] != self.source.objects[key].parts[part]
            for key in keys if key in self.source.objects for part in ("type", "collation")
        )  # fmt: skip


def left_to_children(column: Ref, source: Snapshot, target: Snapshot) -> bool:
    """Whether a column that is dropped stays with a table that inherits it: as its own, from then on."""
    return any(
        kept is not None and not kept.parts["inherited"] and not made.parts["local"]
        for made, kept in inheriting(column, source, target)
    )


def inheriting(column: Ref, source: Snapshot, target: Snapshot) -> Iterator[tuple[SchemaObject, SchemaObject | None]]:
    """The column of each table that goes on inheriting it, as it is and as it is wanted."""
    if column not in target.objects:
        return
    for ref, link in target.objects.items():
        parent = (link.parts["parent_schema"], link.parts["parent"]) if ref.kind == "inheritance" else None
        if parent == (column.schema, column.name) and source.objects.get(ref) == link:
            own = Ref("column", ref.schema, ref.name, column.sub)
            yield target.objects[own], source.objects.get(own)


def comes_from_parent(made: SchemaObject) -> bool:
    """Whether a member of a table is its parent's, which it comes and goes with."""
    if made.ref.kind == "column":
        return bool(made.parts.get("inherited")) and not made.parts["local"]
    return is_implied(made)


def below(column: Ref, schema: Snapshot) -> Iterator[Ref]:
    """The same column of every table that hangs on its table, however deep."""
    queue = [column]
    while queue:
        above = queue.pop()
        for ref, link in schema.objects.items():
            if ref.kind not in ("partition", "inheritance"):
                continue
            if (link.parts["parent_schema"], link.parts["parent"]) == (above.schema, above.name):
                own = Ref("column", ref.schema, ref.name, column.sub)
                if own in schema.objects and own not in queue:
                    queue.append(own)
                    yield own


def lonely_twins(link: Ref, side: Snapshot) -> list[Ref]:
    """Of equal indexes ATTACH takes the oldest one: those that are to stand alone have to come after it."""
    indexes = [made for ref, made in side.objects.items()
               if (ref.kind, ref.schema, made.parts.get("table")) == ("index", *link[1:3])]  # fmt: skip
    taken = {made.parts["definition"].partition(" USING ")[2] for made in indexes if attached_to(made)}
    alone = (made for made in indexes if attached_to(made) is None)
    return [made.ref for made in alone if made.parts["definition"].partition(" USING ")[2] in taken]


def _links(side: Snapshot) -> Links:
    found: dict[tuple[str, str], list[SchemaObject]] = {}
    for ref, made in side.objects.items():
        if ref.kind in ("partition", "inheritance"):
            found.setdefault((ref.schema, ref.name), []).append(made)
    return found
