"""Enums, domains and ranges. A type in use is changed in place, or a new one is put under its columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from dbsync.pg.quoting import literal, name
from dbsync.schema.diff import default_not_null_name
from dbsync.schema.makers import access, composites
from dbsync.schema.makers.addresses import address, altering
from dbsync.schema.makers.conversion import goes_over_text, narrowing_checks, using
from dbsync.schema.makers.losses import lost_by_conversion
from dbsync.schema.makers.retyping import (
    by_text,
    held_in_tables,
    kept_constraints,
    losing,
    made_anew_with,
    must_verify_within,
    only_adds_labels,
    replaced,
    stored_again,
    users_of_type,
)
from dbsync.schema.objects import Ref, SchemaObject
from dbsync.schema.steps import Action, Alteration, Check, Maker, Scene, Step

_MULTIRANGES = 140000


def create_type(made: SchemaObject, scene: Scene) -> list[Step]:
    """Return the steps that put a type of any kind in an old one's place: a domain with the constraints it keeps."""
    steps = MAKERS[made.ref.kind].create(made, scene)
    for kept in kept_constraints(made.ref, scene) if made.ref.kind == "domain" else ():
        steps += [Step(_add_constraint(kept), made.ref, "alter"), *access.created(kept, scene)]
    return steps


class _Dropped:
    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]


class _Enums(_Dropped):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        labels = ", ".join(literal(label) for label in wanted.parts["labels"] or ())
        return [Step(f"CREATE {address(wanted)} AS ENUM ({labels})", wanted.ref, "create")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        old, new = present.parts["labels"] or [], wanted.parts["labels"] or []
        if only_adds_labels(old, new):
            return Alteration(tuple(_added_labels(wanted, old, new)))
        gone = [label for label in old if label not in new]
        checks = _rows_with_labels(wanted.ref, gone, scene) if gone else ()
        return replaced(wanted, scene, create=lambda made: create_type(made, scene), checks=checks)


def _added_labels(wanted: SchemaObject, old: list[str], new: list[str]) -> Iterator[Step]:
    """A label is added where it stands among those that are there; each must be committed before it is used."""
    known = set(old)
    for number, label in enumerate(new):
        if label in known:
            continue
        if number > 0:
            where = f" AFTER {literal(new[number - 1])}" if set(new[number:]) & known else ""
        else:
            where = f" BEFORE {literal(old[0])}" if old else ""
        known.add(label)
        sql = f"ALTER {address(wanted)} ADD VALUE {literal(label)}{where}"
        yield Step(sql, wanted.ref, "alter", transactional=False)


def _rows_with_labels(ref: Ref, labels: list[str], scene: Scene) -> tuple[Check, ...]:
    """Ask the columns of the type, its arrays and its domains for labels that will be no more."""
    listed = ", ".join(literal(label) for label in labels)
    plain = name(ref.schema, ref.name)
    domains = {name(r.schema, r.name) for r, made in scene.target.objects.items()
               if r.kind == "domain" and made.parts["type"] == plain}  # fmt: skip
    found = []
    for column in users_of_type(ref, scene).columns:
        kind, quoted = column.parts["type"], name(column.ref.sub)
        where = name(column.ref.schema, column.ref.name)
        if kind in domains | {plain}:
            condition = f"{quoted}::text IN ({listed})"
        elif kind == f"{plain}[]":
            condition = f"{quoted}::text[] && ARRAY[{listed}]::text[]"
        else:
            continue
        message = f"{{}} rows of {where} have a label in {column.ref.sub} that {plain} will not have any more"
        found.append(Check(f"SELECT pg_catalog.count(*) FROM {where} WHERE {condition}", message))
    return tuple(found)


class _Domains(_Dropped):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        words = [f"CREATE {address(wanted)} AS {parts['type']}"]
        if parts["collation"]:
            words.append(f"COLLATE {parts['collation']}")
        if parts["default"] is not None:
            words.append(f"DEFAULT {parts['default']}")
        constraint = parts.get("not_null_constraint")
        if constraint and constraint["name"] != default_not_null_name(wanted.ref):
            words.append(f"CONSTRAINT {name(constraint['name'])}")
        if parts["not_null"]:
            words.append("NOT NULL")
        steps = [Step(" ".join(words), wanted.ref, "create")]
        if parts["default"] is None and _base_has_default(wanted, scene):  # which a new domain takes along
            steps.append(Step(f"ALTER {address(wanted)} DROP DEFAULT", wanted.ref, "alter"))
        return [*steps, *_not_null_comment(wanted, None, "create")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if parts & {"type", "collation"} or must_verify_within(wanted.ref, scene):
            return self._other_base(present, wanted, scene)
        start, steps = f"ALTER {address(wanted)}", []
        if "default" in parts:
            default = wanted.parts["default"]
            words = "DROP DEFAULT" if default is None else f"SET DEFAULT {default}"
            steps.append(Step(f"{start} {words}", wanted.ref, "alter"))
        if parts & {"not_null", "not_null_constraint"}:
            steps += self._not_null(present, wanted, scene)
        known = {"default", "not_null", "not_null_constraint", "constraints"}
        return Alteration(tuple(steps), unplanned=tuple(sorted(parts - known)))

    def _not_null(self, present: SchemaObject, wanted: SchemaObject, scene: Scene) -> list[Step]:
        start = f"ALTER {address(wanted)}"
        old, new = (made.parts.get("not_null_constraint") for made in (present, wanted))
        if not wanted.parts["not_null"]:
            return [Step(f"{start} DROP NOT NULL", wanted.ref, "alter")]
        if present.parts["not_null"]:
            if not (old and new):
                return []
            rename = f"{start} RENAME CONSTRAINT {name(old['name'])} TO {name(new['name'])}"
            renamed = [Step(rename, wanted.ref, "alter")] if old["name"] != new["name"] else []
            return [*renamed, *_not_null_comment(wanted, old["comment"], "alter")]
        checks = tuple(_column_checks(wanted.ref, "{} IS NOT DISTINCT FROM NULL", "no value", scene))
        words = "SET NOT NULL"
        if new is not None and new["name"] != default_not_null_name(wanted.ref):
            words = f"ADD CONSTRAINT {name(new['name'])} NOT NULL"
        return [
            Step(f"{start} {words}", wanted.ref, "alter", checks=checks),
            *_not_null_comment(wanted, None, "alter"),
        ]

    def _other_base(self, present: SchemaObject, wanted: SchemaObject, scene: Scene) -> Alteration:
        old, new = present.parts["type"], wanted.parts["type"]
        own, target, source = name(wanted.ref.schema, wanted.ref.name), scene.target, scene.source

        def conversion(column: SchemaObject) -> str | None:
            kind = column.parts["type"]
            if not kind.startswith(own):
                return by_text(column)  # a type that contains the domain
            array = "[]" if kind.endswith("[]") else ""
            if array and old == new:
                return by_text(column)
            return using(column.ref.sub, old + array, new + array, target, source)

        checks = [
            check
            for column in users_of_type(wanted.ref, scene).columns
            if column.parts["type"] == own
            for check in narrowing_checks(column.ref, old, new, target, source)
        ]
        alteration = replaced(
            wanted, scene, create=lambda made: create_type(made, scene), using=conversion, checks=checks
        )
        over_text = goes_over_text("", old, new, target, source)
        lost = lost_by_conversion(old, new, target, source, over_text=over_text)
        held = held_in_tables(wanted.ref, scene)
        return losing(alteration, f"{lost} in columns of {own}" if lost and held else None)


def _base_has_default(domain: SchemaObject, scene: Scene) -> bool:
    """Say whether it stands over another domain that has a default, now or later."""
    return any(
        made.parts["default"] is not None
        for side in (scene.source, scene.target)
        for ref, made in side.objects.items()
        if ref.kind == "domain" and name(ref.schema, ref.name) == domain.parts["type"]
    )


def _not_null_comment(domain: SchemaObject, before: str | None, action: Action) -> list[Step]:
    constraint = domain.parts.get("not_null_constraint")
    if not constraint or constraint["comment"] == before:
        return []
    place = f"{name(constraint['name'])} ON DOMAIN {name(domain.ref.schema, domain.ref.name)}"
    return [Step(f"COMMENT ON CONSTRAINT {place} IS {literal(constraint['comment'])}", domain.ref, action)]


def _column_checks(domain: Ref, condition: str, fault: str, scene: Scene) -> Iterator[Check]:
    """Ask every column of a domain for values that it will not take; "{}" stands for the column."""
    own = name(domain.schema, domain.name)
    for column in held_in_tables(domain, scene):
        if column.parts["type"] != own or column.parts["inherited"]:
            continue
        where, quoted = name(column.ref.schema, column.ref.name), name(column.ref.sub)
        yield Check(
            f"SELECT pg_catalog.count(*) FROM {where} WHERE {condition.replace('{}', quoted)}",
            f"{{}} rows of {where} have {fault} in {column.ref.sub}",
        )


class _DomainConstraints:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        if _comes_with_domain(wanted, scene):
            return []
        return [Step(_add_constraint(wanted), wanted.ref, "create", checks=_constraint_checks(wanted, scene))]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"{_alter_domain(present)} DROP CONSTRAINT {name(present.ref.sub)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if _comes_with_domain(wanted, scene):
            return Alteration()
        if parts != {"definition"} or present.parts["definition"] != f"{wanted.parts['definition']} NOT VALID":
            return Alteration(rebuild=True)
        sql = f"{_alter_domain(wanted)} VALIDATE CONSTRAINT {name(wanted.ref.sub)}"
        return Alteration((Step(sql, wanted.ref, "alter", checks=_constraint_checks(wanted, scene)),))


def _comes_with_domain(wanted: SchemaObject, scene: Scene) -> bool:
    domain = Ref("domain", wanted.ref.schema, wanted.ref.name)
    stays = domain in scene.target.objects and domain not in scene.dropped
    return stays and made_anew_with(domain, scene) and wanted in kept_constraints(domain, scene)


def _add_constraint(made: SchemaObject) -> str:
    return f"{_alter_domain(made)} ADD CONSTRAINT {name(made.ref.sub)} {made.parts['definition']}"


def _alter_domain(constraint: SchemaObject) -> str:
    return f"ALTER DOMAIN {name(constraint.ref.schema, constraint.ref.name)}"


def _constraint_checks(wanted: SchemaObject, scene: Scene) -> tuple[Check, ...]:
    """The rows are asked by the printed check itself: its VALUE is there a column of that name."""
    domain = Ref("domain", wanted.ref.schema, wanted.ref.name)
    definition = wanted.parts["definition"]
    if domain not in scene.target.objects or not definition.startswith("CHECK (") or definition.endswith("NOT VALID"):
        return ()
    base, own, found = scene.target.objects[domain].parts["type"], name(domain.schema, domain.name), []
    for column in held_in_tables(domain, scene):
        if column.parts["type"] != own or column.parts["inherited"]:
            continue
        where, quoted = name(column.ref.schema, column.ref.name), name(column.ref.sub)
        rows = f"SELECT {quoted}::{base} AS value FROM {where}"
        found.append(Check(
            f"SELECT pg_catalog.count(*) FROM ({rows}) AS asked WHERE NOT {definition.removeprefix('CHECK ')}",
            f"{{}} rows of {where} have a value in {column.ref.sub} that {wanted.ref.sub} forbids"))  # fmt: skip
    return tuple(found)


class _Ranges(_Dropped):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        facts = ", ".join(_range_facts(wanted.parts, scene))
        return [Step(f"CREATE {address(wanted)} AS RANGE ({facts})", wanted.ref, "create")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        """A range has functions of its name, which cannot step aside: its columns wait as text meanwhile."""
        if not held_in_tables(wanted.ref, scene):
            return Alteration(rebuild=True)
        users = users_of_type(wanted.ref, scene)
        if users.blocked or len(users.types) > 1:
            reason = users.blocked or "types that contain it are in use"
            return Alteration(unplanned=tuple(sorted(parts)), reason=f"{wanted.ref} has to be made anew, but {reason}")
        there = [f"{altering(c)} ALTER COLUMN {name(c.ref.sub)} TYPE text USING {name(c.ref.sub)}::text"
                 for c in users.columns]  # fmt: skip
        back = [f"{altering(c)} ALTER COLUMN {name(c.ref.sub)} TYPE {c.parts['type']} USING "
                f"{name(c.ref.sub)}::{c.parts['type']}" for c in users.columns]  # fmt: skip
        made = [step.sql for step in (*self.create(wanted, scene), *access.created(wanted, scene))]
        stored = [step.sql for step in stored_again(users.stored)]
        sqls = [*there, f"DROP {address(present)}", *made, *back, *stored]
        needed_by = scene.target.needed_by()
        over = {ref for c in users.columns for ref in needed_by.get(c.ref, ()) if ref.kind in ("index", "constraint")}
        steps = tuple(Step(sql, wanted.ref, "alter") for sql in sqls)
        old, new = present.parts["subtype"], wanted.parts["subtype"]
        lost = lost_by_conversion(old, new, scene.target, scene.source, over_text=True)
        alteration = Alteration(steps, disturbs=frozenset(users.disturbs | over))
        return losing(alteration, f"{lost} in columns of {name(wanted.ref.schema, wanted.ref.name)}" if lost else None)


def _range_facts(parts: Mapping[str, Any], scene: Scene) -> Iterator[str]:
    yield f"SUBTYPE = {parts['subtype']}"
    if not parts["default_opclass"]:
        yield f"SUBTYPE_OPCLASS = {parts['subtype_opclass']}"
    for key in ("collation", "canonical", "subtype_diff"):
        if parts[key]:
            yield f"{key.upper()} = {parts[key]}"
    if parts.get("multirange") and scene.target.server_version_num >= _MULTIRANGES:
        yield f"MULTIRANGE_TYPE_NAME = {parts['multirange']}"


MAKERS: dict[str, Maker] = {
    "enum": _Enums(),
    "domain": _Domains(),
    "domain_constraint": _DomainConstraints(),
    "range": _Ranges(),
    "composite": composites.Composites(create_type),
}
