"""Which objects are dropped, made and altered in place: the differences, and all that they pull along.

What Postgres cannot change in place is dropped and made again, and with it whatever needs it, by the graph
of the target's present state. A table that is on both sides is never among them but where its kind differs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from dbsync.schema.changes import Changes
from dbsync.schema.copied_columns import CopiedColumns
from dbsync.schema.copied_triggers import CopiedTriggers
from dbsync.schema.diff import SchemaDiff, differing_parts, is_implied
from dbsync.schema.hanging import Hanging, left_to_children, lonely_twins
from dbsync.schema.makers.attributes import ATTRIBUTES
from dbsync.schema.makers.columns import NO_DEFAULT
from dbsync.schema.objects import Ref, SchemaObject, Snapshot, attached_to
from dbsync.schema.plan import Unplanned
from dbsync.schema.steps import Makers

# Parts that every object has and that no maker deals with.
ACCESS = frozenset({"owner", "privileges", "comment", "extensions"})
# What the parent's ALTER does to the columns of tables that hang on it.
_PASSED_ON = frozenset({"type", "collation", "not_null", "not_null_constraint", "expression", "generated", "identity"})
_NO_MAKER = "dbsync has no plan for this kind of object"
_SECRET = "its options may hold a password, which dbsync does not write into a plan"
_HOLDING = frozenset({"constraint", "index", "trigger"})
_IDENTITY_IS_PASSED_ON = 170000
# What goes with a relation by itself, without a statement and without data of its own.
_REMADE = frozenset({"index", "constraint", "trigger", "rule", "policy", "default", "statistics", "view", "matview",
                     "function", "procedure", "aggregate", "operator", "cast", "domain_constraint", "event_trigger",
                     "operator_class", "operator_family"})  # fmt: skip


def find_changes(
    diff: SchemaDiff, source: Snapshot, target: Snapshot, makers: Makers, *, forced: Collection[Ref] = ()
) -> Changes:
    """Return what becomes of every object that differs. ``forced`` are made anew though Postgres could alter them."""
    return _Search(diff, source, target, makers, frozenset(forced)).changes()


class _Search:
    def __init__(
        self, diff: SchemaDiff, source: Snapshot, target: Snapshot, makers: Makers, forced: frozenset[Ref]
    ) -> None:
        self.diff, self.source, self.target = diff, source, target
        self.makers, self.forced = makers, forced
        self.needed_by = target.needed_by()
        self.hanging = Hanging(source, target)
        self.changed = {change.ref: frozenset(change.parts) for change in diff.changed}
        self.found = Changes()
        self.parts: dict[Ref, frozenset[str]] = {}
        self.presents: dict[Ref, SchemaObject] = {}
        self.wanted: dict[Ref, SchemaObject] = {}

    def changes(self) -> Changes:
        self._sides()
        self._alterations()
        for ref in self.hanging.anew:
            self._rebuild(ref)
        self._closure()
        self._leave_to_remade_views()
        self._left_behind()
        self._ready_for_parents()
        self._copies().keep_their_states()
        self._again()
        return self.found

    def _sides(self) -> None:
        found = self.found
        found.gone = {ref for ref in self.diff.dropped if self._planned(ref, "dropped")}
        found.made = {ref for ref in self.diff.created if self._planned(ref, "created")}
        self._leave_to_parents()
        self._leave_to_views()
        for change in self.diff.changed:
            names = frozenset(change.parts) - self._by_parents(change.ref)
            names -= self._identity_by_links(change.ref, names)
            if access := names & ACCESS:
                found.access[change.ref] = access
            if names - ACCESS and self._planned(change.ref, *sorted(names - ACCESS)):
                self.parts[change.ref] = names - ACCESS
        for ref in {ref._replace(kind="domain", sub="") for ref in found.made if ref.kind == "domain_constraint"}:
            if ref in self.source.objects and ref in self.target.objects:
                self.parts[ref] = self.parts.get(ref, frozenset()) | {"constraints"}
        self._copies().change_hands()
        CopiedColumns(
            self.source, self.target, self.hanging, self.changed, self.found, self.parts, self.presents
        ).look_for()

    def _copies(self) -> CopiedTriggers:
        return CopiedTriggers(self.source, self.target, self.hanging, self.found, self.parts, self.presents)

    def _planned(self, ref: Ref, *parts: str) -> bool:
        secret = ref.kind == "user_mapping" and parts == ("created",) and not self.source.objects[ref].parts["empty"]
        if ref.kind in self.makers and not secret:
            return True
        self.found.unplanned.append(Unplanned(ref=ref, parts=parts, reason=_SECRET if secret else _NO_MAKER))
        return False

    # Tables that hang on others

    def _leave_to_parents(self) -> None:
        """A column that comes or goes with the parent's needs no statement of its own."""
        for refs, side in ((self.found.made, self.source), (self.found.gone, self.target)):
            for ref in [ref for ref in refs if ref.kind == "column"]:
                column = side.objects[ref]
                parent = next((parent for parent in self.hanging.parents(ref) if parent in refs), None)
                if parent and column.parts["inherited"] and not column.parts["local"]:
                    self.found.follows[ref] = parent
                    if side is self.source:
                        self._differs_from_parent(ref, parent)

    def _differs_from_parent(self, ref: Ref, parent: Ref) -> None:
        """What the parent's ADD COLUMN gives the child, and what the child's column is to be beyond it."""
        given = self.source.objects[parent]
        stored = {key: None for key in ATTRIBUTES if key in given.parts}  # what ADD COLUMN says nothing of
        present = replace(given, ref=ref, parts={**given.parts, **stored}, grants=frozenset(), comment=None)
        oldest = min(self.source.server_version_num, self.target.server_version_num)
        parts = frozenset(differing_parts(present, self.source.objects[ref], oldest=oldest))
        if access := parts & ACCESS:
            self.found.access[ref] = access
        parts = parts - ACCESS - {"local", "inherited", "identity", "default"}
        default, own = (one._replace(kind="default") in self.source.objects for one in (parent, ref))
        if default and not own:
            parts |= {NO_DEFAULT}
        if parts:
            self.parts[ref], self.presents[ref] = parts, present

    def _leave_to_views(self) -> None:
        """Columns of views are what the view's definition says; they have comments and rights of their own."""
        for refs, side in ((self.found.gone, self.target), (self.found.made, self.source)):
            for ref in [ref for ref in refs if _of_view(side.objects[ref])]:
                refs.discard(ref)
                if side is self.source:
                    self.found.access[ref] = ACCESS - {"owner"}

    def _by_parents(self, ref: Ref) -> frozenset[str]:
        if ref.kind != "column":
            return frozenset()
        parts = frozenset({"inherited"}) if self.hanging.link_changes(ref) else frozenset()
        if parts and (self.source.objects[ref].parts["local"] or self.hanging.hangs_as_partition(ref)):
            parts |= {"local"}  # ATTACH and NO INHERIT change it as wanted; INHERIT does not
        if any(left_to_children(parent, self.source, self.target) for parent in self.hanging.parents(ref)):
            parts |= {"inherited", "local"}
        if not self.source.objects[ref].parts.get("inherited"):
            return parts
        for parent in self.hanging.parents(ref):
            parts |= self.changed.get(parent, frozenset()) & _PASSED_ON
        return parts | ({"not_null"} if "not_null_constraint" in parts else frozenset())

    def _identity_by_links(self, ref: Ref, names: frozenset[str]) -> frozenset[str]:
        """DETACH takes away the identity that a partition has of its parent, and ATTACH gives it."""
        if ref.kind != "column" or "identity" not in names or self.target.server_version_num < _IDENTITY_IS_PASSED_ON:
            return frozenset()
        leaves, comes = self.hanging.leaves(ref), self.hanging.comes(ref)
        present, wanted = self.target.objects[ref], self.source.objects[ref]
        if leaves:
            self.presents[ref] = present = _without_identity(present)
        if comes:
            self.wanted[ref] = wanted = _without_identity(wanted)
        return frozenset({"identity"} if present.parts["identity"] == wanted.parts["identity"] else ())

    # What cannot be changed in place, and what needs it

    def _alterations(self) -> None:
        scene = self.found.scene(self.source, self.target)
        for ref, parts in self.parts.items():
            present, wanted = self._present(ref), self.wanted.get(ref) or self.source.objects[ref]
            alteration = self.makers[ref.kind].alter(present, wanted, parts, scene)
            if ref in self.forced:
                alteration = replace(alteration, rebuild=True)
            if alteration.rebuild:
                self._rebuild(ref)
            else:
                self.found.altered[ref] = alteration

    def _present(self, ref: Ref) -> SchemaObject:
        return self.presents.get(ref) or self.target.objects[ref]

    def _rebuild(self, ref: Ref) -> None:
        self.found.gone.add(ref)
        wanted = self.source.objects.get(ref)
        if wanted is not None and not _of_view(wanted) and not (ref.kind == "constraint" and is_implied(wanted)):
            self.found.made.add(ref)
        self.found.altered.pop(ref, None)
        self.found.access.pop(ref, None)

    def _closure(self) -> None:
        """Drop whatever needs what is dropped, as long as there is any."""
        queue = list(self.found.gone)
        for alteration in list(self.found.altered.values()):
            queue += self._pull(alteration.disturbs)
        done: set[Ref] = set()
        while queue:
            ref = queue.pop()
            if ref in done:
                continue
            done.add(ref)
            queue += self._pull(self._attached_to(ref))
            for other in sorted(self.needed_by.get(ref, ())):
                if other not in self.found.gone and self._must_go(other, ref):
                    queue += self._pull([other])

    def _pull(self, refs: Iterable[Ref]) -> list[Ref]:
        pulled = []
        for ref in refs:
            if ref in self.target.objects and ref not in self.found.gone and self._planned(ref, "definition"):
                self._rebuild(ref)
                pulled.append(ref)
        return pulled

    def _must_go(self, ref: Ref, because: Ref) -> bool:
        """Whether an object goes because one that it needs goes."""
        made = self.target.objects[ref]
        copy = is_implied(made) and not self._stays_as_own(made)
        if ref.kind in ("publication", "sequence") or copy or _of_view(made):
            return False
        if because.kind == "schema" or because not in self.found.gone:
            return False
        if attached_to(made) == because and self._is_detached(made):
            return False  # it stays with its table, and is attached again with that
        # Altered in place, most things let go of what they used; an index, a key or a trigger keeps it.
        in_place = ref in self.found.altered and because not in self.found.made and ref.kind not in _HOLDING
        if in_place and because not in self.source.needs.get(ref, ()):
            return False  # its own change lets go of what is dropped, before that is dropped
        if (ref.schema, ref.name) == (because.schema, because.name) and because.kind in ("table", "view", "matview"):
            return True
        if ref.kind == "column":
            return bool(made.parts.get("generated")) or self._refuse(ref, because)
        if ref.kind in ("partition", "inheritance"):
            return True  # leaving a parent and coming back moves no row
        if ref.kind == "table" and because.kind == "table":
            return False  # it only hangs on it
        if ref.kind in ("table", "enum", "domain", "composite", "range", "extension"):
            return self._refuse(ref, because)
        return ref.kind in _REMADE

    def _attached_to(self, ref: Ref) -> list[Ref]:
        """The index or key of the parent, which lets none of its partitions' go while these are attached."""
        made = self.target.objects[ref]
        above = attached_to(made)
        if above is None or self._is_detached(made):
            return []
        table = Ref("table", ref.schema, made.parts["table"] if ref.kind == "index" else ref.name)
        return [] if table in self.found.gone else [above]

    def _is_detached(self, made: SchemaObject) -> bool:
        table = made.parts["table"] if made.ref.kind == "index" else made.ref.name
        return Ref("partition", made.ref.schema, table) in self.found.gone

    def _refuse(self, ref: Ref, because: Ref) -> bool:
        """A table's rows and a type in use are not dropped for another object's sake."""
        if because in self.found.made and ref in self.source.objects:
            reason = f"{ref} needs it, and cannot be dropped and made again without losing its rows"
            if not any(found.ref == because for found in self.found.unplanned):
                self.found.unplanned.append(Unplanned(ref=because, parts=("definition",), reason=reason))
        return False

    def _leaves(self, member: Ref) -> bool:
        """Whether the table of something leaves a parent, and keeps what it had from it as its own."""
        return any(link.ref in self.found.gone for link in self.hanging.before(member))

    def _leave_to_remade_views(self) -> None:
        """A view that is made anew comes with its columns as they are wanted."""
        for ref in [ref for ref in self.found.altered if ref.kind == "column" and _of_view(self.source.objects[ref])]:
            if any(Ref(kind, ref.schema, ref.name) in self.found.gone for kind in ("view", "matview")):
                del self.found.altered[ref]

    def _left_behind(self) -> None:
        """Copies of a parent's constraints stay with a table that leaves it; those that are not wanted so go then."""
        for ref, made in self.target.objects.items():
            if ref.kind != "constraint" or not is_implied(made):
                continue
            wanted = self.source.objects.get(ref)
            if wanted is not None and not (
                is_implied(wanted) and wanted.parts["definition"] != made.parts["definition"]
            ):
                continue
            if self._stays_as_own(made):
                self.found.gone.add(ref)

    def _stays_as_own(self, copy: SchemaObject) -> bool:
        """Whether a copy of a parent's constraint is the table's own once that has left the parent."""
        table = Ref("table", copy.ref.schema, copy.ref.name)
        leaves = copy.ref.kind == "constraint" and table not in self.found.gone and self._leaves(copy.ref)
        return leaves and not self._goes_before(copy)

    def _goes_before(self, copy: SchemaObject) -> bool:
        """Whether a foreign key of the parent goes before the table leaves it, as it refers to the table's rows too."""
        refers = copy.parts["type"] == "f" and tuple(copy.parts["references"]) in self.hanging.above(copy.ref)
        return refers and any(key.kind == "constraint" for key in self.target.needs[copy.ref] & self.found.gone)

    def _ready_for_parents(self) -> None:
        """A table becomes a partition only when it has its parent's checks, and no trigger of the parent's name."""
        for link in [ref for ref in self.found.made if ref.kind == "partition"]:
            new = Ref("table", link.schema, link.name) in self.found.made
            for made in self.source.members(link):
                present = None if new else self.target.objects.get(made.ref)
                check = made.ref.kind == "constraint" and made.parts["type"] == "c" and is_implied(made)
                if check and not (new and made.parts["valid"]) and (present is None or made.ref in self.found.gone):
                    self.found.made.add(made.ref)  # CREATE TABLE says those that are valid
                copy = made.ref.kind == "trigger" and made.parts["inherited"]
                if copy and present is not None and not present.parts["inherited"]:
                    self.found.gone.add(made.ref)
            for twin in [] if new else lonely_twins(link, self.source):
                if twin in self.target.objects and twin not in self.found.gone:
                    self._rebuild(twin)

    def _again(self) -> None:
        """Ask the makers once more, now that it is known what comes and goes; note what they have no plan for."""
        scene = self.found.scene(self.source, self.target)
        for ref in list(self.found.altered):
            present, wanted = self._present(ref), self.wanted.get(ref) or self.source.objects[ref]
            alteration = self.makers[ref.kind].alter(present, wanted, self.parts[ref], scene)
            self.found.altered[ref] = alteration
            self.found.warnings += alteration.warnings
            if alteration.unplanned:
                reason = alteration.reason or "Postgres has no statement that changes this, or dbsync does not know it"
                self.found.unplanned.append(Unplanned(ref=ref, parts=alteration.unplanned, reason=reason))


def _of_view(made: SchemaObject) -> bool:
    return made.ref.kind == "column" and made.parts["of"] in "vm"


def _without_identity(column: SchemaObject) -> SchemaObject:
    return replace(column, parts={**column.parts, "identity": None})
