"""Columns and their defaults: one clause in CREATE TABLE or ADD COLUMN, and an ALTER COLUMN for each attribute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from dbsync.pg.quoting import literal, name
from dbsync.schema.diff import default_not_null_name
from dbsync.schema.makers.conversion import narrowing_checks, same_family, using
from dbsync.schema.objects import Ref, SchemaObject, Snapshot
from dbsync.schema.steps import Action, Alteration, Check, Maker, Scene, Step

_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "x": "EXTENDED", "m": "MAIN"}
_COMPRESSION = {"p": "pglz", "l": "lz4"}
# What Postgres converts along with a column's type, where old and new type are of one family.
_FOLLOWS = frozenset({"index", "constraint", "sequence", "default", "publication"})


def table_name(ref: Ref) -> str:
    """The qualified name of the table that a member belongs to."""
    return name(ref.schema, ref.name)


def altering(made: SchemaObject, *, only: bool = False) -> str:
    """Return ``ALTER TABLE x`` in the words for the relation that a member belongs to."""
    of = made.parts.get("of", "r")
    words = {"v": "ALTER VIEW", "m": "ALTER MATERIALIZED VIEW", "f": "ALTER FOREIGN TABLE"}.get(of, "ALTER TABLE")
    return f"{words} {'ONLY ' if only else ''}{table_name(made.ref)}"


def column_clause(column: SchemaObject, scene: Scene, default: str | None = None) -> str:
    """Return ``name type ...`` as CREATE TABLE and ADD COLUMN take it."""
    parts = column.parts
    words = [name(column.ref.sub), parts["type"]]
    if parts["foreign_options"]:
        words.append(f"OPTIONS ({options_list(parts['foreign_options'])})")
    if parts["collation"]:
        words.append(f"COLLATE {parts['collation']}")
    if parts["generated"]:
        kind = "VIRTUAL" if parts["generated"] == "v" else "STORED"
        words.append(f"GENERATED ALWAYS AS ({parts['expression']}) {kind}")
    if parts["identity"]:
        words.append(f"GENERATED {_always(parts['identity'])} AS IDENTITY ({identity_options(parts['identity'])})")
    if default is not None:
        words.append(f"DEFAULT {default}")
    if parts["not_null"] and _not_null_at_once(parts):
        words += _named_not_null(column, scene)
    return " ".join(words)


def later_steps(column: SchemaObject) -> list[Step]:
    """Return what no column clause can say in all versions: storage, statistics, options, an unvalidated NOT NULL."""
    parts = column.parts
    steps = [
        *attribute_steps(column, {key for key in ATTRIBUTES if parts.get(key) is not None}, "create"),
    ]
    if not _not_null_at_once(parts):
        steps.append(Step(f"{altering(column)} ADD {_not_null_clause(column)}", column.ref, "create"))
    return steps


def _not_null_at_once(parts: Mapping[str, Any]) -> bool:
    constraint = parts.get("not_null_constraint")
    return constraint is None or bool(constraint["valid"])


def _named_not_null(column: SchemaObject, scene: Scene) -> list[str]:
    constraint = column.parts.get("not_null_constraint")
    words = []
    # A partition may hold the usual name already, while its parent is made anew.
    anew = Ref("table", column.ref.schema, column.ref.name) in scene.dropped
    if constraint and (anew or constraint["name"] != default_not_null_name(column.ref)):
        words.append(f"CONSTRAINT {name(constraint['name'])}")
    words.append("NOT NULL")
    if constraint and constraint["no_inherit"]:
        words.append("NO INHERIT")
    return words


def _not_null_clause(column: SchemaObject) -> str:
    constraint = column.parts["not_null_constraint"]
    words = [f"CONSTRAINT {name(constraint['name'])} NOT NULL {name(column.ref.sub)}"]
    if constraint["no_inherit"]:
        words.append("NO INHERIT")
    if not constraint["valid"]:
        words.append("NOT VALID")
    return " ".join(words)


def options_list(options: Iterable[str]) -> str:
    """Return ``{a=b}`` of a catalog as ``a 'b'``, the form that foreign objects take."""
    pairs = (option.partition("=") for option in options)
    return ", ".join(f"{name(key)} {literal(value)}" for key, _, value in pairs)


def changed_options(present: Iterable[str] | None, wanted: Iterable[str] | None) -> str:
    """Return ``ADD a 'b', SET c 'd', DROP e`` for the options of foreign objects."""
    old, new = (dict(_pair(option) for option in side or ()) for side in (present, wanted))
    words = [f"DROP {name(key)}" for key in old if key not in new]
    words += [f"SET {name(key)} {literal(new[key])}" for key in new if key in old and old[key] != new[key]]
    words += [f"ADD {name(key)} {literal(new[key])}" for key in new if key not in old]
    return ", ".join(words)


def _pair(option: str) -> tuple[str, str]:
    key, _, value = option.partition("=")
    return key, value


def _always(identity: Mapping[str, Any]) -> str:
    return "ALWAYS" if identity["always"] else "BY DEFAULT"


def identity_options(identity: Mapping[str, Any]) -> str:
    """Return the sequence options of an identity column, its sequence's name among them."""
    sequence = name(identity["sequence_schema"], identity["sequence"])
    return f"SEQUENCE NAME {sequence} {sequence_options(identity)}"


def sequence_options(options: Mapping[str, Any]) -> str:
    """Return START, INCREMENT and so on, all of them."""
    return (
        f"START WITH {options['start']} INCREMENT BY {options['increment']} MINVALUE {options['min']}"
        f" MAXVALUE {options['max']} CACHE {options['cache']}{' CYCLE' if options['cycle'] else ' NO CYCLE'}"
    )


class _Columns:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        default = scene.source.objects.get(wanted.ref._replace(kind="default"))
        expression = default.parts["expression"] if default is not None and default.ref in scene.inlined else None
        clause = column_clause(wanted, scene, expression)
        step = Step(f"{altering(wanted)} ADD COLUMN {clause}", wanted.ref, "create", checks=_empty_check(wanted, scene))
        return [step, *later_steps(wanted)]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        sql = f"{altering(present)} DROP COLUMN {name(present.ref.sub)}"
        lost = None if present.parts["generated"] else f"the values of {table_name(present.ref)}.{present.ref.sub}"
        return [Step(sql, present.ref, "drop", destroys=lost)]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return _ColumnChange(present, wanted, parts, scene).alteration()


def _empty_check(column: SchemaObject, scene: Scene) -> tuple[Check, ...]:
    """A NOT NULL column without anything to fill it can be added to an empty table only."""
    parts = column.parts
    filled = parts["identity"] or parts["generated"] or column.ref._replace(kind="default") in scene.source.objects
    table = Ref("table", column.ref.schema, column.ref.name)
    if not parts["not_null"] or filled or table not in scene.target.objects:
        return ()
    where = table_name(column.ref)
    sql = f"SELECT pg_catalog.count(*) FROM (SELECT FROM {where} LIMIT 1) AS some"
    return (Check(sql, f"{{}} rows or more are in {where}, and its new column {column.ref.sub} may not be empty"),)


ATTRIBUTES = ("storage", "compression", "statistics", "options")


def attribute_steps(
    wanted: SchemaObject, parts: Set[str], action: Action, present: SchemaObject | None = None
) -> list[Step]:
    """Return the steps for a column's storage, compression, statistics target and options."""
    column = f"{altering(wanted)} ALTER COLUMN {name(wanted.ref.sub)}"
    values = wanted.parts
    sqls = []
    if "storage" in parts:
        usual = values.get("type_storage", "x")
        sqls.append(f"{column} SET STORAGE {_STORAGE[values['storage'] or usual]}")
    if "compression" in parts:
        sqls.append(f"{column} SET COMPRESSION {_COMPRESSION.get(values['compression'], 'default')}")
    if "statistics" in parts:
        sqls.append(f"{column} SET STATISTICS {-1 if values['statistics'] is None else values['statistics']}")
    if "options" in parts:
        old = dict(_pair(option) for option in (present.parts["options"] if present else None) or ())
        new = dict(_pair(option) for option in values["options"] or ())
        if gone := [key for key in old if key not in new]:
            sqls.append(f"{column} RESET ({', '.join(gone)})")
        if fresh := [f"{key} = {value}" for key, value in new.items() if old.get(key) != value]:
            sqls.append(f"{column} SET ({', '.join(fresh)})")
    return [Step(sql, wanted.ref, action) for sql in sqls]


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
        if parts & {"type", "collation"}:
            self._type()
            # A new type comes with its own way of storing values.
            parts = parts | {key for key in ("storage", "compression") if self.wanted.parts.get(key) is not None}
        if "generated" in parts:
            self._add("DROP EXPRESSION")
        elif "expression" in parts:
            self._add(f"SET EXPRESSION AS ({self.wanted.parts['expression']})")
            self._disturb_users()
        if parts & {"not_null", "not_null_constraint"}:
            self._not_null()
        if "identity" in parts and self.wanted.parts["identity"] is not None:
            self._identity()
        self.steps += attribute_steps(self.wanted, parts & set(ATTRIBUTES), "alter", self.present)
        if "foreign_options" in parts:
            changed = changed_options(self.present.parts["foreign_options"], self.wanted.parts["foreign_options"])
            self._add(f"OPTIONS ({changed})")
        known = {"type", "collation", "generated", "expression", "not_null", "not_null_constraint", "identity",
                 "foreign_options", "inherited", "type_storage", *ATTRIBUTES}  # fmt: skip
        self.unplanned += sorted(parts - known)
        return Alteration(tuple(self.steps), disturbs=frozenset(self.disturbs), unplanned=tuple(self.unplanned))

    def _add(self, words: str, *checks: Check, destroys: str | None = None) -> None:
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
            checks = narrowing_checks(table_name(self.ref), self.ref.sub, present, wanted, target, source)
        else:
            checks = ()
        self._disturb_users(whole_family=same_family(present, wanted, target, source))
        self._add(words, *checks)

    def _disturb_users(self, *, whole_family: bool = True) -> None:
        """What uses the column stands in the way of a new type, but for what Postgres converts along."""
        for ref in users_of(self.ref, self.scene.target):
            if not whole_family or ref.kind not in _FOLLOWS:
                self.disturbs.add(ref)

    def _not_null(self) -> None:
        wanted, present = self.wanted.parts, self.present.parts
        constraint, old = wanted.get("not_null_constraint"), present.get("not_null_constraint")
        where = table_name(self.ref)
        check = Check(
            f"SELECT pg_catalog.count(*) FROM {where} WHERE {name(self.ref.sub)} IS NULL",
            f"{{}} rows of {where} have no value in {self.ref.sub}",
        )
        if constraint is None and old is None:  # servers before 18: a flag
            self._add("SET NOT NULL", check) if wanted["not_null"] else self._add("DROP NOT NULL")
            return
        if constraint is None:
            self._add("DROP NOT NULL")
        elif old is None:
            checks = (check,) if constraint["valid"] else ()
            self.steps.append(
                Step(f"{altering(self.wanted)} ADD {_not_null_clause(self.wanted)}", self.ref, "alter", checks=checks)
            )
        else:
            self._not_null_constraint(old, constraint, check)

    def _not_null_constraint(self, old: Mapping[str, Any], new: Mapping[str, Any], check: Check) -> None:
        table = altering(self.wanted)
        if old["valid"] and not new["valid"]:
            self._add("DROP NOT NULL")
            self.steps.append(Step(f"{table} ADD {_not_null_clause(self.wanted)}", self.ref, "alter"))
            return
        if old["name"] != new["name"]:
            sql = f"ALTER TABLE {table_name(self.ref)} RENAME CONSTRAINT {name(old['name'])} TO {name(new['name'])}"
            self.steps.append(Step(sql, self.ref, "alter"))
        if new["valid"] and not old["valid"]:
            self.steps.append(
                Step(f"{table} VALIDATE CONSTRAINT {name(new['name'])}", self.ref, "alter", checks=(check,))
            )
        if old["no_inherit"] != new["no_inherit"]:
            words = "NO INHERIT" if new["no_inherit"] else "INHERIT"
            self.steps.append(Step(f"{table} ALTER CONSTRAINT {name(new['name'])} {words}", self.ref, "alter"))

    def _identity(self) -> None:
        old, new = self.present.parts["identity"], self.wanted.parts["identity"]
        if old is None:
            self._add(f"ADD GENERATED {_always(new)} AS IDENTITY ({identity_options(new)})")
            self.steps.append(go_on_after(self.ref, name(new["sequence_schema"], new["sequence"]), new["increment"]))
            return
        words = []
        if old["always"] != new["always"]:
            words.append(f"SET GENERATED {_always(new)}")
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


def go_on_after(column: Ref, sequence: str, increment: int) -> Step:
    """A sequence that is new to a filled column goes on after the column's values, not at its start."""
    farthest = "max" if increment > 0 else "min"
    sql = (
        f"SELECT pg_catalog.setval({literal(sequence)}, pg_catalog.{farthest}({name(column.sub)}))"
        f" FROM {table_name(column)} HAVING pg_catalog.{farthest}({name(column.sub)}) IS NOT NULL"
    )
    return Step(sql, column, "alter")


def bounds_clause(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """A sequence whose old and new bounds do not meet can only start anew."""
    apart = new["min"] > old["max"] or new["max"] < old["min"]
    return f" RESTART WITH {new['start']}" if apart else ""


def into_bounds(ref: Ref, sequence: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Step]:
    """A sequence whose value lies outside its new bounds is moved to the nearer one first; others stay."""
    found = []
    if old["min"] < new["min"] <= old["max"]:
        found.append(f"SELECT pg_catalog.setval({literal(sequence)}, {new['min']}, false) FROM {sequence}"
                     f" WHERE last_value < {new['min']}")  # fmt: skip
    if old["min"] <= new["max"] < old["max"]:
        found.append(f"SELECT pg_catalog.setval({literal(sequence)}, {new['max']}) FROM {sequence}"
                     f" WHERE last_value > {new['max']}")  # fmt: skip
    return [Step(sql, ref, "alter") for sql in found]


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
