"""Columns and their defaults: one clause in CREATE TABLE or ADD COLUMN, and an ALTER COLUMN for each attribute."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from dbsync.pg.quoting import name
from dbsync.schema.hanging import below, comes_from_parent, inheriting, left_to_children
from dbsync.schema.makers import access
from dbsync.schema.makers.addresses import altering, table_name
from dbsync.schema.makers.attributes import ATTRIBUTES, attribute_steps, changed_options, options_list
from dbsync.schema.makers.conversion import goes_over_text, narrowing_checks, same_family, using
from dbsync.schema.makers.identity import (
    always,
    bounds_clause,
    can_be_read,
    for_column,
    go_on_after,
    identity_options,
    identity_sequence,
    into_bounds,
    sequence_access,
)
from dbsync.schema.makers.links import attaching, detaching
from dbsync.schema.makers.losses import lost_by_conversion
from dbsync.schema.makers.not_null import named_not_null, not_null_at_once, not_null_clause, not_null_comment
from dbsync.schema.makers.questions import rows_of_column
from dbsync.schema.objects import Ref, SchemaObject, Snapshot
from dbsync.schema.steps import Action, Alteration, Check, Maker, Scene, Step

NO_DEFAULT = "no default"  # no part, but a wish: what the parent's ADD COLUMN gives a partition is to go
# What Postgres converts along with a column's type, where old and new type are of one family.
_FOLLOWS = frozenset({"index", "constraint", "sequence", "default", "publication"})


def column_clause(column: SchemaObject, scene: Scene, default: str | None = None) -> str:
    """Return ``name type ...`` as CREATE TABLE and ADD COLUMN take it."""
    parts = column.parts
    words = [name(column.ref.sub), parts["type"]]
    if parts["foreign_options"]:
        words.append(f"OPTIONS ({options_list(parts['foreign_options'])})")
    if parts["collation"]:
        words.append(f"COLLATE {parts['collation']}")
    return " ".join([*words, *column_options(column, scene, default)])


def column_options(column: SchemaObject, scene: Scene, default: str | None = None) -> list[str]:
    """Return what a column is beyond its type: where its values come from, and whether they may be missing."""
    parts, words = column.parts, []
    if parts["generated"]:
        kind = "VIRTUAL" if parts["generated"] == "v" else "STORED"
        words.append(f"GENERATED ALWAYS AS ({parts['expression']}) {kind}")
    if parts["identity"]:
        words.append(f"GENERATED {always(parts['identity'])} AS IDENTITY ({identity_options(parts['identity'])})")
    if default is not None:
        words.append(f"DEFAULT {default}")
    if parts["not_null"] and not_null_at_once(parts):
        words += named_not_null(column, scene)
    return words


def later_steps(column: SchemaObject) -> list[Step]:
    """Return what no column clause can say in all versions: storage, statistics, options, an unvalidated NOT NULL."""
    parts = column.parts
    steps = [
        *attribute_steps(column, {key for key in ATTRIBUTES if parts.get(key) is not None}, "create"),
    ]
    if not not_null_at_once(parts):
        steps.append(Step(f"{altering(column)} ADD {not_null_clause(column)}", column.ref, "create"))
    return [*steps, *not_null_comment(column, None, "create")]


class _Columns:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        default = scene.source.objects.get(wanted.ref._replace(kind="default"))
        expression = default.parts["expression"] if default is not None and default.ref in scene.inlined else None
        clause = column_clause(wanted, scene, expression)
        step = Step(f"{altering(wanted)} ADD COLUMN {clause}", wanted.ref, "create", checks=_empty_check(wanted, scene))
        return [step, *later_steps(wanted), *sequence_access(wanted, scene)]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        stays_below = left_to_children(present.ref, scene.source, scene.target)
        sql = f"{altering(present, only=stays_below)} DROP COLUMN {name(present.ref.sub)}"
        lost = None if present.parts["generated"] else f"the values of {table_name(present.ref)}.{present.ref.sub}"
        steps = [Step(sql, present.ref, "drop", destroys=lost)]
        for made, kept in inheriting(present.ref, scene.source, scene.target) if stays_below else ():
            steps += self.drop(made, scene) if kept is None and not made.parts["local"] else []
        return steps

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return _ColumnChange(present, wanted, parts, scene).alteration()


def _empty_check(column: SchemaObject, scene: Scene) -> tuple[Check, ...]:
    """A NOT NULL column without anything to fill it can be added to an empty table only."""
    parts = column.parts
    filled = parts["identity"] or parts["generated"] or column.ref._replace(kind="default") in scene.source.objects
    table = Ref("table", column.ref.schema, column.ref.name)
    if not parts["not_null"] or filled or table not in scene.target.objects or parts["of"] == "f":
        return ()
    where = table_name(column.ref)
    sql = f"SELECT pg_catalog.count(*) FROM (SELECT FROM {where} LIMIT 1) AS found"
    return (Check(sql, f"{{}} rows or more are in {where}, and its new column {column.ref.sub} may not be empty"),)


class _ColumnChange:
    """The change of one column, attribute by attribute, in the order that Postgres takes them."""

    def __init__(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> None:
        self.present, self.wanted, self.parts, self.scene = present, wanted, parts, scene
        self.ref = wanted.ref
        self.start = f"{altering(wanted)} ALTER COLUMN {name(self.ref.sub)}"
        self.steps: list[Step] = []
        self.disturbs: set[Ref] = set()
        self.unplanned: list[str] = []

    def alteration(self) -> Alteration:
        parts = self.parts
        if "generated" in parts and not self._expression_can_go():
            return Alteration(rebuild=True)
        if "expression" in parts and "generated" not in parts and self._must_rebuild_expression():
            return Alteration(rebuild=True)
        if "identity" in parts and self.wanted.parts["identity"] is None:
            self._add("DROP IDENTITY")
        if "generated" in parts:  # first: while it is computed, no conversion of its values can be said
            self._add("DROP EXPRESSION")
        if parts & {"type", "collation"}:
            self._type()
            # A new type comes with its own way of storing values.
            parts = parts | {key for key in ("storage", "compression") if self.wanted.parts.get(key) is not None}
        if "expression" in parts and "generated" not in parts:
            self._add(f"SET EXPRESSION AS ({self.wanted.parts['expression']})")
            self._disturb_users()
        if parts & {"not_null", "not_null_constraint"}:
            self._not_null()
        if "identity" in parts and self.wanted.parts["identity"] is not None:
            self._identity()
        if NO_DEFAULT in parts:
            sql = f"{altering(self.wanted, only=True)} ALTER COLUMN {name(self.ref.sub)} DROP DEFAULT"
            self.steps.append(Step(sql, self.ref, "alter"))
        self.steps += attribute_steps(self.wanted, parts & set(ATTRIBUTES), "alter", self.present)
        if "foreign_options" in parts:
            changed = changed_options(self.present.parts["foreign_options"], self.wanted.parts["foreign_options"])
            self._add(f"OPTIONS ({changed})")
        known = {"type", "collation", "generated", "expression", "not_null", "not_null_constraint", "identity",
                 "foreign_options", "inherited", "type_storage", NO_DEFAULT, *ATTRIBUTES}  # fmt: skip
        self.unplanned += sorted(parts - known)
        return Alteration(tuple(self.steps), disturbs=frozenset(self.disturbs), unplanned=tuple(self.unplanned))

    def _add(self, words: str, *checks: Check, destroys: str | None = None) -> None:
        if self.wanted.parts["of"] == "f":
            checks = ()  # Postgres does not ask another server's rows either
        self.steps.append(Step(f"{self.start} {words}", self.ref, "alter", checks=checks, destroys=destroys))

    def _expression_can_go(self) -> bool:
        """A stored column that becomes a plain one keeps its values; everything else is made anew."""
        return self.present.parts["generated"] == "s" and not self.wanted.parts["generated"]

    def _must_rebuild_expression(self) -> bool:
        return self.scene.target.server_version_num < 170000

    def _type(self) -> None:
        present, wanted = self.present.parts["type"], self.wanted.parts["type"]
        source, target = self.scene.source, self.scene.target
        words = f"TYPE {wanted}"
        if self.wanted.parts["collation"]:
            words += f" COLLATE {self.wanted.parts['collation']}"
        if present != wanted and not self.wanted.parts["generated"]:
            conversion = using(self.ref.sub, present, wanted, target, source)
            words += f" USING {conversion}" if conversion else ""
            checks = narrowing_checks(self.ref, present, wanted, target, source)
            over_text = goes_over_text(self.ref.sub, present, wanted, target, source)
            lost = lost_by_conversion(present, wanted, target, source, over_text=over_text)
        else:
            checks, lost = (), None
        self._disturb_users(whole_family=same_family(present, wanted, target, source))
        self._add(words, *checks, destroys=f"{lost} in {table_name(self.ref)}.{self.ref.sub}" if lost else None)

    def _disturb_users(self, *, whole_family: bool = True) -> None:
        """What uses the column stands in the way of a new type, but for what Postgres converts along."""
        for column in (self.ref, *below(self.ref, self.scene.target)):
            for ref in users_of(column, self.scene.target):
                if column != self.ref and comes_from_parent(self.scene.target.objects[ref]):
                    continue  # it goes with its parent's
                if not whole_family or ref.kind not in _FOLLOWS or self._holds_on(ref, column):
                    self.disturbs.add(ref)

    def _holds_on(self, user: Ref, column: Ref) -> bool:
        """What Postgres does not convert along, or not whole, though others of its kind are.

        A row filter, a temporal foreign key; an index loses the statistics targets of its expressions.
        """
        parts = self.scene.target.objects[user].parts
        if user.kind == "index":
            return bool(parts["statistics"])
        if user.kind == "constraint":
            return parts["type"] == "f" and " PERIOD " in parts["definition"]
        tables = (parts["tables"] or ()) if user.kind == "publication" else ()
        own = (column.schema, column.name)
        return any(table["where"] and (table["schema"], table["name"]) == own for table in tables)

    def _not_null(self) -> None:
        wanted, present = self.wanted.parts, self.present.parts
        constraint, old = wanted.get("not_null_constraint"), present.get("not_null_constraint")
        where = table_name(self.ref)
        rows = rows_of_column(self.ref, self.scene.target)
        if constraint is not None and constraint["no_inherit"]:
            rows = f"ONLY {where}"
        check = Check(
            f"SELECT pg_catalog.count(*) FROM {rows} WHERE {name(self.ref.sub)} IS NOT DISTINCT FROM NULL",
            f"{{}} rows of {where} have no value in {self.ref.sub}",
        )
        if constraint is None and old is None:  # servers before 18: a flag
            self._add("SET NOT NULL", check) if wanted["not_null"] else self._add("DROP NOT NULL")
            return
        if constraint is None:
            self._add("DROP NOT NULL")
        elif old is None:
            checks = (check,) if constraint["valid"] and self.wanted.parts["of"] != "f" else ()
            self.steps.append(
                Step(f"{altering(self.wanted)} ADD {not_null_clause(self.wanted)}", self.ref, "alter", checks=checks)
            )
        else:
            self._not_null_constraint(old, constraint, check)
        kept = (
            old["comment"]
            if old is not None and not (old["valid"] and constraint and not constraint["valid"])
            else None
        )
        self.steps += not_null_comment(self.wanted, kept, "alter")

    def _not_null_constraint(self, old: Mapping[str, Any], new: Mapping[str, Any], check: Check) -> None:
        table = altering(self.wanted)
        if old["valid"] and not new["valid"]:
            self._add("DROP NOT NULL")
            self.steps.append(Step(f"{table} ADD {not_null_clause(self.wanted)}", self.ref, "alter"))
            return
        renamed = old["name"] != new["name"]
        rename = f"ALTER TABLE {table_name(self.ref)} RENAME CONSTRAINT {name(old['name'])} TO {name(new['name'])}"
        if link := (renamed or old["local"] != new["local"]) and self._link():
            # Postgres renames no copy of a parent's; one that comes with its table keeps its name, and is a copy.
            sqls = [detaching(link), *([rename] if renamed else ()), attaching(link)]
            self.steps += [Step(sql, self.ref, "alter") for sql in sqls]
        elif renamed:
            self.steps.append(Step(rename, self.ref, "alter"))
        if new["valid"] and not old["valid"]:
            self.steps.append(
                Step(f"{table} VALIDATE CONSTRAINT {name(new['name'])}", self.ref, "alter", checks=(check,))
            )
        if old["no_inherit"] != new["no_inherit"]:
            words = "NO INHERIT" if new["no_inherit"] else "INHERIT"
            self.steps.append(Step(f"{table} ALTER CONSTRAINT {name(new['name'])} {words}", self.ref, "alter"))

    def _link(self) -> SchemaObject | None:
        """The link of a partition that stays where it is."""
        ref = Ref("partition", self.ref.schema, self.ref.name)
        link = self.scene.source.objects.get(ref)
        stays = link is not None and self.scene.target.objects.get(ref) == link and ref not in self.scene.dropped
        return link if stays else None

    def _identity(self) -> None:
        old, new = self.present.parts["identity"], self.wanted.parts["identity"]
        if old is None:
            self._add(f"ADD GENERATED {always(new)} AS IDENTITY ({identity_options(new)})")
            table = Ref("table", self.ref.schema, self.ref.name)
            if not new["cycle"] and can_be_read(table, self.scene.source):
                self.steps.append(go_on_after(self.ref, name(new["sequence_schema"], new["sequence"]), new))
            self.steps += sequence_access(self.wanted, self.scene)
            return
        words = []
        if old["always"] != new["always"]:
            words.append(f"SET GENERATED {always(new)}")
        if any(old[key] != new[key] for key in ("start", "increment", "min", "max", "cache", "cycle")):
            cycle = "SET CYCLE" if new["cycle"] else "SET NO CYCLE"
            words.append(
                f"SET START WITH {new['start']} SET INCREMENT BY {new['increment']} SET MINVALUE {new['min']}"
                f" SET MAXVALUE {new['max']} SET CACHE {new['cache']} {cycle}{bounds_clause(old, new)}"
            )
        if words:
            self.steps += into_bounds(self.ref, name(old["sequence_schema"], old["sequence"]), old, new)
            self._add(" ".join(words))
        self._sequence_name(old, new)
        before = identity_sequence(self.present, self.scene.target)
        after = identity_sequence(self.wanted, self.scene.source)
        if after is not None:
            parts = {part for part, key in (("privileges", "grants"), ("comment", "comment")) if old[key] != new[key]}
            self.steps += for_column(access.changed(before, after, parts, self.scene), self.wanted)

    def _sequence_name(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        present = name(old["sequence_schema"], old["sequence"])
        if old["sequence"] != new["sequence"]:
            self.steps.append(Step(f"ALTER SEQUENCE {present} RENAME TO {name(new['sequence'])}", self.ref, "alter"))
        if old["sequence_schema"] != new["sequence_schema"]:
            self.unplanned.append("identity")
        if old["persistence"] != new["persistence"]:
            words = "UNLOGGED" if new["persistence"] == "u" else "LOGGED"
            sequence = name(old["sequence_schema"], new["sequence"])
            self.steps.append(Step(f"ALTER SEQUENCE {sequence} SET {words}", self.ref, "alter"))


def users_of(ref: Ref, schema: Snapshot) -> list[Ref]:
    """What needs an object, not counting what is part of it."""
    return sorted(other for other, needed in schema.needs.items() if ref in needed)


class _Defaults:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        return [_set_default(wanted, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        table = altering(present, only=present.parts["of"] in "rp")  # else the children lose theirs
        return [Step(f"{table} ALTER COLUMN {name(present.ref.sub)} DROP DEFAULT", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return Alteration((_set_default(wanted, "alter"),))


def _set_default(wanted: SchemaObject, action: Action) -> Step:
    words = f"ALTER COLUMN {name(wanted.ref.sub)} SET DEFAULT {wanted.parts['expression']}"
    return Step(f"{altering(wanted, only=wanted.parts['of'] in 'rp')} {words}", wanted.ref, action)


MAKERS: dict[str, Maker] = {"column": _Columns(), "default": _Defaults()}
