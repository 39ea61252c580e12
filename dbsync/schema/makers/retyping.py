"""Put a new type (or collation) under the columns that use it, so that their tables keep every row.

The old one steps aside under another name, the new one is made, the columns are converted to it, and the old
one is dropped. Types that contain it (domains over it, composite types in use) are made again with it, as they
are now: changes of their own come after. What Postgres cannot convert along is dropped before and made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from dbsync.pg.quoting import name
from dbsync.schema.diff import is_implied
from dbsync.schema.makers import access
from dbsync.schema.makers.addresses import address, altering, word
from dbsync.schema.makers.attributes import attribute_steps
from dbsync.schema.objects import ROUTINES, TYPES, Ref, SchemaObject
from dbsync.schema.steps import Alteration, Check, Scene, Step

# Users of a column that ALTER COLUMN TYPE converts along.
_CONVERTED_ALONG = frozenset({"index", "sequence", "partition", "inheritance", "schema"})
_VIEWS = {"v": "view", "m": "matview"}

Create = Callable[[SchemaObject], list[Step]]
Using = Callable[[SchemaObject], str | None]


@dataclass(slots=True)
class Users:
    """What has to do with a type: types that contain it, columns that hold it, and what stands in the way.

    ``columns`` are those to convert, ``stored`` those that have a way of storing values that another type takes
    away; ``blocked`` says why it cannot be done.
    """

    types: list[Ref] = field(default_factory=list)
    columns: list[SchemaObject] = field(default_factory=list)
    stored: list[SchemaObject] = field(default_factory=list)
    disturbs: set[Ref] = field(default_factory=set)
    blocked: str = ""


def users_of_type(ref: Ref, scene: Scene) -> Users:
    """Look through the target for all that a new type under the same name touches."""
    return _Search(ref, scene).users


def held_in_tables(ref: Ref, scene: Scene) -> list[SchemaObject]:
    """The columns of tables that stay and whose rows hold values of a type, however deep."""
    schema, needed_by = scene.target, scene.target.needed_by()
    found, seen, queue = [], {ref}, [ref]
    while queue:
        for other in sorted(needed_by.get(queue.pop(), ())):
            if other in seen:
                continue
            seen.add(other)
            if other.kind in TYPES:
                queue.append(other)
            elif (
                other.kind == "column" and other not in scene.dropped and schema.objects[other].parts["of"] not in "vm"
            ):
                found.append(schema.objects[other])
    return found


class _Search:
    def __init__(self, ref: Ref, scene: Scene) -> None:
        self.scene, self.target, self.source = scene, scene.target, scene.source
        self.needed_by = scene.target.needed_by()
        self.users = Users(types=[ref])
        for known in self.users.types:  # grows on the way
            for other in sorted(self.needed_by.get(known, ())):
                self._look_at(other, known)
        self.users.types = self._in_order(self.users.types)
        self.users.disturbs |= set(self._left_copies())

    def _look_at(self, other: Ref, known: Ref) -> None:
        users, made = self.users, self.target.objects[other]
        if other in users.types or self._lets_go(other, known):
            return
        if other.kind == "column":
            self._column(made)
        elif other.kind == "table" and self._is_of(made, known):
            pass  # it is of no type for a while (see typed_tables)
        elif other.kind == "table":
            users.blocked = users.blocked or f"{other} is partitioned by it, or is a table of a type that holds it"
        elif other.kind in TYPES and other not in self.scene.dropped:
            self._containing(other)
        elif other.kind not in ("partition", "inheritance", "sequence") and not self._comes_along(made):
            users.disturbs.add(other)

    def _is_of(self, table: SchemaObject, known: Ref) -> bool:
        """Whether it is a table of a composite type, before and after."""
        wanted, of_type = self.source.objects.get(table.ref), table.parts["of_type"]
        changes = known == self.users.types[0]  # its own steps, not those of a type that it holds
        return changes and wanted is not None and of_type == name(known.schema, known.name) == wanted.parts["of_type"]

    def _lets_go(self, other: Ref, known: Ref) -> bool:
        """Whether the wanted object has nothing to do with the type: it changes first."""
        return other in self.source.objects and known not in self.source.needs.get(other, ())

    def _containing(self, other: Ref) -> None:
        users = self.users
        if other.kind == "domain" or (other.kind == "composite" and held_in_tables(other, self.scene)):
            users.types.append(other)
        elif other.kind == "range" and held_in_tables(other, self.scene):
            users.blocked = users.blocked or f"{other} is over it, and tables hold values of that"
        else:
            users.disturbs.add(other)

    def _column(self, column: SchemaObject) -> None:
        users, ref, parts = self.users, column.ref, column.parts
        if parts["of"] in "vm":
            users.disturbs.add(Ref(_VIEWS[parts["of"]], ref.schema, ref.name))
            return
        if self._is_key(ref):  # nothing alters it: the empty parent is made anew, and its partitions are kept
            users.disturbs |= {Ref("table", ref.schema, ref.name), *self._partitions_of(ref)}
            return
        if ref in self.scene.dropped or parts["generated"]:
            users.disturbs.add(ref)
            return
        if column not in users.stored and _stored(column):
            users.stored.append(column)
        above = self._parent(ref)
        converts = not parts["inherited"] or (above is not None and self._is_key(above))
        if converts and column not in users.columns:
            users.columns.append(column)
        for other in self.needed_by.get(ref, ()):
            made = self.target.objects[other]
            # An index would lose the statistics targets of its expressions.
            whole = other.kind in _CONVERTED_ALONG and not made.parts.get("statistics")
            if not whole and not self._comes_along(made):
                users.disturbs.add(other)

    def _is_key(self, column: Ref) -> bool:
        table = self.target.objects.get(Ref("table", column.schema, column.name))
        return table is not None and column.sub in (table.parts["partition_columns"] or ())

    def _parent(self, column: Ref) -> Ref | None:
        link = self.target.objects.get(Ref("partition", column.schema, column.name))
        return Ref("column", link.parts["parent_schema"], link.parts["parent"], column.sub) if link else None

    def _partitions_of(self, column: Ref) -> list[Ref]:
        return [
            ref
            for ref, made in self.target.objects.items()
            if ref.kind == "partition"
            and (made.parts["parent_schema"], made.parts["parent"]) == (column.schema, column.name)
        ]

    def _left_copies(self) -> Iterator[Ref]:
        """A partition that waits while its parent is made anew keeps copies of the parent's foreign keys."""
        keys = [self.target.objects[ref] for ref in self.users.disturbs if ref.kind == "constraint"]
        for link in (self.target.objects[ref] for ref in self.users.disturbs if ref.kind == "partition"):
            parent = (link.parts["parent_schema"], link.parts["parent"])
            above = [key.parts["references"] for key in keys if (key.ref.schema, key.ref.name) == parent]
            for made in self.target.members(link.ref):
                if made.ref.kind == "constraint" and is_implied(made) and made.parts["references"] in above:
                    yield made.ref

    def _comes_along(self, made: SchemaObject) -> bool:
        if made.ref.kind == "constraint":
            return is_implied(made) or made.parts["type"] in "pu"
        return made.ref.kind == "trigger" and is_implied(made)

    def _in_order(self, types: list[Ref]) -> list[Ref]:
        """Each type after those that it contains."""
        left, found = list(types), list[Ref]()
        while left:
            ready = next(ref for ref in left if not self.target.needs[ref] & (set(left) - {ref}))
            left.remove(ready)
            found.append(ready)
        return found


def by_text(column: SchemaObject) -> str:
    """Convert over the text of a value, which all types of one shape have in common."""
    return f"{name(column.ref.sub)}::text::{column.parts['type']}"


def replaced(
    wanted: SchemaObject,
    scene: Scene,
    *,
    create: Create,
    using: Using = by_text,
    checks: Iterable[Check] = (),
) -> Alteration:
    """Return how a type or collation becomes another one under its columns."""
    users = users_of_type(wanted.ref, scene)
    if users.blocked:
        return Alteration(unplanned=("definition",), reason=f"{wanted.ref} has to be made anew, but {users.blocked}")
    disturbs = (users.disturbs | _constraints(users.types, scene)) - _kept(users.types, scene)
    formers = list(_formers(users.types, scene))
    versions = [wanted, *(_present_with_wanted_default(ref, scene) for ref in users.types if ref != wanted.ref)]
    steps = [_rename(ref, former, scene) for ref, former in zip(users.types, formers, strict=True)]
    for made in sorted(versions, key=lambda made: users.types.index(made.ref)):
        steps += [*create(made), *access.created(made, scene)]
    steps += list(_conversions(users.columns, using, tuple(checks), wanted))
    steps += stored_again(users.stored)
    for ref, former in reversed(list(zip(users.types, formers, strict=True))):
        steps.append(_step(f"DROP {word(scene.target.objects[ref])} {name(ref.schema, former)}", wanted))
    return Alteration(tuple(_step(step.sql, wanted, step.checks) for step in steps), disturbs=frozenset(disturbs))


def stored_again(columns: list[SchemaObject]) -> list[Step]:
    """Return what gives columns the storage and compression that they have, once another type took it away."""
    return [step for column in columns for step in attribute_steps(column, _stored(column), "alter")]


def _stored(column: SchemaObject) -> frozenset[str]:
    return frozenset(key for key in ("storage", "compression") if column.parts.get(key) is not None)


def losing(alteration: Alteration, lost: str | None) -> Alteration:
    """The alteration, with what its conversions cost the values said beside the last of its steps."""
    if lost is None or not alteration.steps:
        return alteration
    return replace(alteration, steps=(*alteration.steps[:-1], replace(alteration.steps[-1], destroys=lost)))


def kept_constraints(domain: Ref, scene: Scene) -> list[SchemaObject]:
    """The constraints that a domain made anew has from the start: within arrays and the like none can be added later.

    They are the wanted ones, but for those that need what cannot be there before it.
    """
    source = scene.source
    return [
        made
        for made in (source.members(domain) if domain in source.objects else ())
        if made.ref.kind == "domain_constraint"
        and all(_stays(other, scene) or _comes_before_types(other, scene) for other in source.needs[made.ref])
    ]


def _stays(ref: Ref, scene: Scene) -> bool:
    return ref in scene.target.objects and ref not in scene.created


def _comes_before_types(ref: Ref, scene: Scene) -> bool:
    """Whether a routine can be made before all types: it knows none but Postgres' own."""
    needs = scene.source.needs[ref]
    return ref.kind in ROUTINES and all(_stays(other, scene) and other.kind not in TYPES for other in needs)


def made_anew_with(domain: Ref, scene: Scene) -> bool:
    """Whether a domain, or a type under it, gets another one in its place."""
    seen, queue = {domain}, [domain]
    while queue:
        ref = queue.pop()
        if ref in scene.source.objects and ref in scene.target.objects and _is_other(ref, scene):
            return True
        for other in scene.target.needs.get(ref, frozenset()) - seen:
            if other.kind in TYPES or other.kind == "collation":
                seen.add(other)
                queue.append(other)
    return False


def _is_other(ref: Ref, scene: Scene) -> bool:
    present, wanted = scene.target.objects[ref].parts, scene.source.objects[ref].parts
    if ref.kind == "enum":
        return not only_adds_labels(present["labels"] or [], wanted["labels"] or [])
    if ref.kind == "domain":
        return any(present[key] != wanted[key] for key in ("type", "collation")) or must_verify_within(ref, scene)
    return ref.kind == "collation" and present != wanted


def must_verify_within(domain: Ref, scene: Scene) -> bool:
    """Whether a domain asks more of its values, and some are in arrays or other types, where Postgres does not look.

    ALTER DOMAIN refuses then.
    """
    present, wanted = scene.target.objects[domain].parts, scene.source.objects[domain].parts
    own = name(domain.schema, domain.name)
    if all(column.parts["type"] == own for column in held_in_tables(domain, scene)):
        return False
    before = {made.ref: made.parts["definition"] for made in scene.target.members(domain)
              if made.ref.kind == "domain_constraint"}  # fmt: skip
    asked = any(before.get(made.ref) != made.parts["definition"] for made in kept_constraints(domain, scene))
    return asked or bool(wanted["not_null"] and not present["not_null"])


def only_adds_labels(present: list[str], wanted: list[str]) -> bool:
    """Whether all labels stay, in their order."""
    known = set(present)
    return [label for label in wanted if label in known] == present


def _constraints(types: list[Ref], scene: Scene) -> set[Ref]:
    domains = {(ref.schema, ref.name) for ref in types if ref.kind == "domain"}
    return {
        ref for ref in scene.target.objects if ref.kind == "domain_constraint" and (ref.schema, ref.name) in domains
    }


def _kept(types: list[Ref], scene: Scene) -> set[Ref]:
    return {made.ref for ref in types if ref.kind == "domain" for made in kept_constraints(ref, scene)}


def _step(sql: str, wanted: SchemaObject, checks: tuple[Check, ...] = ()) -> Step:
    return Step(sql, wanted.ref, "alter", checks=checks)


def _rename(ref: Ref, former: str, scene: Scene) -> Step:
    return Step(f"ALTER {address(scene.target.objects[ref])} RENAME TO {name(former)}", ref, "alter")


def _formers(types: list[Ref], scene: Scene) -> Iterator[str]:
    """Names that nothing has, on neither side."""
    taken = {ref.name for side in (scene.source, scene.target) for ref in side.objects}
    number = 0
    for _ in types:
        number += 1
        while f"dbsync_former_{number}" in taken:
            number += 1
        yield f"dbsync_former_{number}"


def _present_with_wanted_default(ref: Ref, scene: Scene) -> SchemaObject:
    """A type as it is, but for a domain's default, which may name what is no more."""
    made, later = scene.target.objects[ref], scene.source.objects.get(ref)
    if ref.kind != "domain" or later is None:
        return made
    return SchemaObject(ref, {**made.parts, "default": later.parts["default"]}, made.owner, made.grants, made.comment)


def _conversions(
    columns: list[SchemaObject], using: Using, checks: tuple[Check, ...], wanted: SchemaObject
) -> Iterator[Step]:
    """One statement for each table, so that it is rewritten once, with all that compares its columns."""
    tables: dict[str, list[str]] = {}
    for column in columns:
        parts = column.parts
        words = f"ALTER COLUMN {name(column.ref.sub)} TYPE {parts['type']}"
        if parts["collation"]:
            words += f" COLLATE {parts['collation']}"
        expression = using(column) if parts["of"] != "f" else None
        if expression:
            words += f" USING {expression}"
        tables.setdefault(altering(column), []).append(words)
    for number, (table, actions) in enumerate(tables.items()):
        yield _step(f"{table} {', '.join(actions)}", wanted, checks if number == 0 else ())
