"""Composite types: attributes come and go in place; where a table holds them in another shape, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import address
from dbsync.schema.makers.conversion import may_not_fit
from dbsync.schema.makers.losses import lost_by_conversion
from dbsync.schema.makers.retyping import by_text, held_in_tables, losing, replaced, users_of_type
from dbsync.schema.objects import SchemaObject
from dbsync.schema.steps import Action, Alteration, Scene, Step

Attributes = Sequence[Mapping[str, Any]]
_KEEP = frozenset({"column", "function", "procedure", "aggregate", "table", "composite", "domain", "default"})


class Composites:
    """The maker of composite types. ``create_type`` makes any type that one is held in."""

    def __init__(self, create_type: Callable[[SchemaObject, Scene], list[Step]]) -> None:
        self.create_type = create_type

    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        """Return CREATE TYPE, and the comments of its attributes."""
        listed = ", ".join(_clause(attribute) for attribute in _attributes(wanted))
        steps = [Step(f"CREATE {address(wanted)} AS ({listed})", wanted.ref, "create")]
        return [*steps, *_comments(wanted, (), "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        """Return DROP TYPE."""
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        """Change the attributes where they stand, or put the new type under the columns that hold the old."""
        if parts - {"attributes"}:
            return Alteration(unplanned=tuple(sorted(parts)))
        old, new = _attributes(present), _attributes(wanted)
        held = held_in_tables(wanted.ref, scene)
        if _typed_tables(wanted, scene) and not _order_comes_out(old, new):
            reason = f"{wanted.ref} has tables of its own, whose columns cannot be put into another order"
            return Alteration(unplanned=("attributes",), reason=reason)
        if not _order_comes_out(old, new) or (held and _retyped(old, new)):
            if not held:
                return Alteration(rebuild=True)
            if _order_comes_out(old, new):
                return self._retyped(present, wanted, held, scene)
            return _reshaped(present, wanted, scene, self.create_type)
        steps = list(_in_place(present, wanted, held))
        moved = any(step.sql.startswith("ALTER") for step in steps)
        return Alteration(tuple(steps), disturbs=_printed_with_it(wanted, scene) if moved else frozenset())

    def _retyped(
        self, present: SchemaObject, wanted: SchemaObject, held: list[SchemaObject], scene: Scene
    ) -> Alteration:
        """Values go over their text, also within arrays and other types; one that does not fit fails."""
        kept = {attribute["name"]: attribute for attribute in _attributes(wanted)}
        between = [kept.get(attribute["name"], attribute) for attribute in _attributes(present)]
        retyped = replace(wanted, parts={**wanted.parts, "attributes": between})
        alteration = replaced(retyped, scene, create=lambda made: self.create_type(made, scene))
        if not alteration.steps:
            return alteration
        lost = _lost(present, wanted, scene, over_text=True)
        alteration = losing(alteration, _told(lost, wanted))
        return replace(alteration, steps=(*alteration.steps, *_in_place(retyped, wanted, held)))


def _attributes(made: SchemaObject) -> Attributes:
    return made.parts["attributes"] or ()


def _clause(attribute: Mapping[str, Any]) -> str:
    collation = f" COLLATE {attribute['collation']}" if attribute["collation"] else ""
    return f"{name(attribute['name'])} {attribute['type']}{collation}"


def _comments(wanted: SchemaObject, before: Attributes, action: Action) -> Iterator[Step]:
    said = {attribute["name"]: attribute["comment"] for attribute in before}
    for attribute in _attributes(wanted):
        if attribute["comment"] != said.get(attribute["name"]):
            place = name(wanted.ref.schema, wanted.ref.name, attribute["name"])
            yield Step(f"COMMENT ON COLUMN {place} IS {literal(attribute['comment'])}", wanted.ref, action)


def _order_comes_out(old: Attributes, new: Attributes) -> bool:
    """Whether dropping some attributes and adding others at the end gives the wanted order."""
    wanted = [attribute["name"] for attribute in new]
    kept = [attribute["name"] for attribute in old if attribute["name"] in wanted]
    return wanted[: len(kept)] == kept


def _shape(attribute: Mapping[str, Any]) -> tuple[str, str | None]:
    return attribute["type"], attribute["collation"]


def _retyped(old: Attributes, new: Attributes) -> list[str]:
    before = {attribute["name"]: _shape(attribute) for attribute in old}
    return [a["name"] for a in new if a["name"] in before and before[a["name"]] != _shape(a)]


def _typed_tables(wanted: SchemaObject, scene: Scene) -> bool:
    own = name(wanted.ref.schema, wanted.ref.name)
    return any(ref.kind == "table" and made.parts["of_type"] == own for ref, made in scene.target.objects.items())


def _in_place(present: SchemaObject, wanted: SchemaObject, held: list[SchemaObject]) -> Iterator[Step]:
    old, new = _attributes(present), _attributes(wanted)
    known = {attribute["name"] for attribute in old}
    kept = {attribute["name"] for attribute in new}
    changed = set(_retyped(old, new))
    where = ", ".join(name(c.ref.schema, c.ref.name, c.ref.sub) for c in held)
    for attribute in old:
        if attribute["name"] not in kept:
            lost = f"the values of {attribute['name']} in {where}" if held else None
            sql = f"ALTER {address(wanted)} DROP ATTRIBUTE {name(attribute['name'])}"
            yield Step(sql, wanted.ref, "alter", destroys=lost)
    for attribute in new:
        if attribute["name"] in changed:
            words = _clause(attribute).removeprefix(name(attribute["name"]))
            sql = f"ALTER {address(wanted)} ALTER ATTRIBUTE {name(attribute['name'])} TYPE{words}"
            yield Step(sql, wanted.ref, "alter")
        elif attribute["name"] not in known:
            yield Step(f"ALTER {address(wanted)} ADD ATTRIBUTE {_clause(attribute)}", wanted.ref, "alter")
    yield from _comments(wanted, old, "alter")


def _printed_with_it(wanted: SchemaObject, scene: Scene) -> frozenset[Any]:
    """Views and the like that were compiled with the attributes as they are; functions read them when they run."""
    needed_by = scene.target.needed_by().get(wanted.ref, frozenset())
    tracked = {ref for ref in needed_by if scene.target.objects[ref].parts.get("tracked")}
    return frozenset(ref for ref in needed_by if ref.kind not in _KEEP) | tracked


def _reshaped(
    present: SchemaObject,
    wanted: SchemaObject,
    scene: Scene,
    create_type: Callable[[SchemaObject, Scene], list[Step]],
) -> Alteration:
    """Another order or other types of attributes: every value is taken apart and put together again."""
    own = name(wanted.ref.schema, wanted.ref.name)
    old = {attribute["name"]: attribute for attribute in _attributes(present)}
    users = users_of_type(wanted.ref, scene)
    reason = ""
    if any(column.parts["type"] != own for column in users.columns) or len(users.types) > 1:
        reason = f"{wanted.ref} is held in tables within arrays or other types, where values cannot be taken apart"
    for attribute in _attributes(wanted):
        before = old.get(attribute["name"])
        if before is not None and _may_lose(before["type"], attribute["type"], scene):
            reason = f"values of {wanted.ref}.{attribute['name']} in tables may not fit into {attribute['type']}"
    if reason:
        return Alteration(unplanned=("attributes",), reason=reason)

    def taken_apart(column: SchemaObject) -> str | None:
        if column.parts["type"] != own:
            return by_text(column)
        quoted = name(column.ref.sub)
        fields = ", ".join(_field(quoted, old.get(a["name"]), a) for a in _attributes(wanted))
        return f"CASE WHEN {quoted} IS DISTINCT FROM NULL THEN ROW({fields})::{own} END"

    alteration = replaced(wanted, scene, create=lambda made: create_type(made, scene), using=taken_apart)
    gone = sorted(old.keys() - {attribute["name"] for attribute in _attributes(wanted)})
    lost = [f"the values of {', '.join(gone)}"] if gone else []
    return losing(alteration, _told([*lost, *_lost(present, wanted, scene)], wanted))


def _lost(present: SchemaObject, wanted: SchemaObject, scene: Scene, *, over_text: bool = False) -> Iterator[str]:
    """What the values of attributes lose that get another type."""
    old = {attribute["name"]: attribute["type"] for attribute in _attributes(present)}
    for attribute in _attributes(wanted):
        before, after = old.get(attribute["name"]), attribute["type"]
        words = before and lost_by_conversion(before, after, scene.target, scene.source, over_text=over_text)
        if words:
            yield f"{words} of {attribute['name']}"


def _told(lost: Iterable[str], wanted: SchemaObject) -> str | None:
    words = " and ".join(lost)
    return f"{words} in tables that hold {name(wanted.ref.schema, wanted.ref.name)}" if words else None


def _field(column: str, before: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> str:
    if before is None:
        return "NULL"
    value = f"({column}).{name(before['name'])}"
    return value if before["type"] == wanted["type"] else f"{value}::{wanted['type']}"


def _may_lose(old: str, new: str, scene: Scene) -> bool:
    """Whether an explicit cast would cut values without a word; where it fails, it says so."""
    cuts = new.startswith(("character", "bit")) and "(" in new
    return old != new and cuts and may_not_fit(old, new, scene.target, scene.source)
