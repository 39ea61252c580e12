"""Tables of all kinds, sequences, and the two ways in which a table hangs on another one."""

from __future__ import annotations

from collections.abc import Iterator, Set

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import table_name
from dbsync.schema.makers.attributes import ATTRIBUTES, attribute_steps, changed_options, options_list
from dbsync.schema.makers.columns import column_clause, column_options, later_steps
from dbsync.schema.makers.constraints import constraint_clause
from dbsync.schema.makers.identity import (
    WHOLE,
    bounds_clause,
    can_be_read,
    go_on_after,
    into_bounds,
    sequence_access,
    sequence_options,
)
from dbsync.schema.makers.links import attaching, detaching
from dbsync.schema.objects import Ref, SchemaObject
from dbsync.schema.steps import Action, Alteration, Maker, Scene, Step

_PREFIXES = {"options": "", "toast_options": "toast."}
_IDENTITY = {"n": "NOTHING", "f": "FULL", "d": "DEFAULT"}


class _Tables:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        words = [
            "CREATE",
            "UNLOGGED" if parts["persistence"] == "u" else "",
            "FOREIGN TABLE" if parts["variant"] == "foreign" else "TABLE",
            name(wanted.ref.schema, wanted.ref.name),
            self._body(wanted, scene),
            self._parents(wanted, scene),
            f"PARTITION BY {parts['partition_key']}" if parts["partition_key"] else "",
            f"SERVER {name(parts['server'])}" if parts["server"] else "",
            f"OPTIONS ({options_list(parts['foreign_options'])})" if parts["foreign_options"] else "",
            f"USING {name(parts['access_method'])}" if parts["access_method"] not in (None, "heap") else "",
            _with(parts["options"], parts["toast_options"]),
            f"TABLESPACE {name(parts['tablespace'])}" if parts["tablespace"] else "",
        ]
        create = Step(" ".join(word for word in words if word), wanted.ref, "create")
        later = [
            step
            for column in _columns(wanted, scene)
            for step in (*later_steps(column), *sequence_access(column, scene), *_less_than_parent(column, scene))
        ]
        later += [step for column in _inherited_columns(wanted, scene) for step in _beside_parent(column, scene)]
        return [create, *later, *_security(wanted, {"row_security", "force_row_security"}, "create"),
                *_replica_identity(wanted, "create")]  # fmt: skip

    def _body(self, wanted: SchemaObject, scene: Scene) -> str:
        columns = list(_columns(wanted, scene))
        constraints = [constraint_clause(made) for made in scene.source.members(wanted.ref) if made.ref in scene.inlined
                       and made.ref.kind == "constraint"]  # fmt: skip
        if of_type := wanted.parts["of_type"]:
            options = ((c, column_options(c, scene, _inlined(c.ref, scene))) for c in columns)
            own = [f"{name(c.ref.sub)} WITH OPTIONS {' '.join(words)}" for c, words in options if words]
            return f"OF {of_type}{_listed([*own, *constraints])}"
        lines = [column_clause(column, scene, _inlined(column.ref, scene)) for column in columns]
        return _listed([*lines, *constraints]) or "()"

    def _parents(self, wanted: SchemaObject, scene: Scene) -> str:
        parents = sorted(
            (made.parts["number"], made.parts["parent_schema"], made.parts["parent"])
            for made in scene.source.members(wanted.ref)
            if made.ref.kind == "inheritance"
        )
        return f"INHERITS ({', '.join(name(schema, table) for _, schema, table in parents)})" if parents else ""

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        words = "FOREIGN TABLE" if present.parts["variant"] == "foreign" else "TABLE"
        where = name(present.ref.schema, present.ref.name)
        lost = f"the rows of {where}" if present.parts["variant"] == "plain" else None
        return [Step(f"DROP {words} {where}", present.ref, "drop", destroys=lost)]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if parts & {"variant", "partition_key", "server"}:  # a foreign table holds no rows
            return Alteration(rebuild=True)
        steps: list[Step] = []
        table = f"ALTER TABLE {name(wanted.ref.schema, wanted.ref.name)}"
        if wanted.parts["variant"] == "foreign":
            table = f"ALTER FOREIGN TABLE {name(wanted.ref.schema, wanted.ref.name)}"

        def add(words: str) -> None:
            if words:
                steps.append(Step(f"{table} {words}", wanted.ref, "alter"))

        for key in ("options", "toast_options"):  # RESET first: some options keep a table from being rewritten
            if key in parts:
                add(_reset_options(present.parts[key], wanted.parts[key], _PREFIXES[key]))
        if "persistence" in parts:
            add("SET UNLOGGED" if wanted.parts["persistence"] == "u" else "SET LOGGED")
        for key in ("options", "toast_options"):
            if key in parts:
                add(_set_options(present.parts[key], wanted.parts[key], _PREFIXES[key]))
        if "of_type" in parts:
            add(f"OF {wanted.parts['of_type']}" if wanted.parts["of_type"] else "NOT OF")
        if "tablespace" in parts:
            add(f"SET TABLESPACE {name(wanted.parts['tablespace'] or 'pg_default')}")
        if "access_method" in parts and scene.target.server_version_num >= 150000:
            add(f"SET ACCESS METHOD {name(wanted.parts['access_method'] or 'DEFAULT')}")
        if "foreign_options" in parts:
            changed = changed_options(present.parts["foreign_options"], wanted.parts["foreign_options"])
            add(f"OPTIONS ({changed})")
        steps += _security(wanted, parts & {"row_security", "force_row_security"}, "alter")
        steps += _replica_identity(wanted, "alter") if "replica_identity" in parts else []
        known = {"options", "toast_options", "persistence", "of_type", "tablespace", "access_method",
                 "foreign_options", "row_security", "force_row_security", "replica_identity"}  # fmt: skip
        if scene.target.server_version_num < 150000:
            known.discard("access_method")
        return Alteration(tuple(steps), unplanned=tuple(sorted(parts - known)))


def _listed(lines: list[str]) -> str:
    return "(\n    " + ",\n    ".join(lines) + "\n)" if lines else ""


def _columns(table: SchemaObject, scene: Scene) -> Iterator[SchemaObject]:
    """The columns that CREATE TABLE says: all, but for those that INHERITS brings."""
    inherits = any(made.ref.kind == "inheritance" for made in scene.source.members(table.ref))
    for made in scene.source.members(table.ref):
        if made.ref.kind == "column" and (made.parts["local"] or not inherits):
            yield made


def _inherited_columns(table: SchemaObject, scene: Scene) -> Iterator[SchemaObject]:
    """Those that INHERITS brings: how they are stored may be another thing than with the parent."""
    own = {column.ref for column in _columns(table, scene)}
    for made in scene.source.members(table.ref):
        if made.ref.kind == "column" and made.ref not in own:
            yield made


def _beside_parent(column: SchemaObject, scene: Scene) -> list[Step]:
    """What an inherited column is beyond its parent's, or less than that."""
    own = {key for key in ATTRIBUTES if column.parts.get(key) is not None}
    return [*attribute_steps(column, own, "create"), *_less_than_parent(column, scene)]


def _less_than_parent(column: SchemaObject, scene: Scene) -> list[Step]:
    """INHERITS gives what the parent's column has, also to one that stands in the child's own list."""
    given = {key for key in ("storage", "compression") for parent in _parent_columns(column, scene)
             if parent.parts.get(key) is not None and column.parts.get(key) is None}  # fmt: skip
    return [*attribute_steps(column, given, "create"), *_without_default(column, scene)]


def _parent_columns(column: SchemaObject, scene: Scene) -> Iterator[SchemaObject]:
    for made in scene.source.members(column.ref):
        if made.ref.kind == "inheritance":
            above = Ref("column", made.parts["parent_schema"], made.parts["parent"], column.ref.sub)
            if above in scene.source.objects:
                yield scene.source.objects[above]


def _without_default(column: SchemaObject, scene: Scene) -> list[Step]:
    """INHERITS also gives the parent's default, to columns that stand in the child's own list too."""
    if column.ref._replace(kind="default") in scene.source.objects or column.parts["generated"]:
        return []
    given = any(
        Ref("default", made.parts["parent_schema"], made.parts["parent"], column.ref.sub) in side.objects
        for made in scene.source.members(column.ref)
        if made.ref.kind == "inheritance"
        for side in (scene.source, scene.target)
    )
    sql = f"ALTER TABLE ONLY {table_name(column.ref)} ALTER COLUMN {name(column.ref.sub)} DROP DEFAULT"
    return [Step(sql, column.ref, "create")] if given else []


def _inlined(column: Ref, scene: Scene) -> str | None:
    default = column._replace(kind="default")
    return scene.source.objects[default].parts["expression"] if default in scene.inlined else None


def _with(options: list[str] | None, toast: list[str] | None = None) -> str:
    words = [_option(option) for option in options or ()] + [_option(f"toast.{option}") for option in toast or ()]
    return f"WITH ({', '.join(words)})" if words else ""


def _option(option: str) -> str:
    """``a=b`` as ``a = 'b'``: values may be anything in a view's or a foreign option."""
    key, _, value = option.partition("=")
    return f"{key} = {literal(value)}"


def _reset_options(present: list[str] | None, wanted: list[str] | None, prefix: str) -> str:
    kept = {option.partition("=")[0] for option in wanted or ()}
    gone = sorted(prefix + key for option in present or () if (key := option.partition("=")[0]) not in kept)
    return f"RESET ({', '.join(gone)})" if gone else ""


def _set_options(present: list[str] | None, wanted: list[str] | None, prefix: str) -> str:
    fresh = sorted(prefix + _option(option) for option in wanted or () if option not in (present or ()))
    return f"SET ({', '.join(fresh)})" if fresh else ""


def _security(wanted: SchemaObject, parts: Set[str], action: Action) -> list[Step]:
    table = f"ALTER TABLE {name(wanted.ref.schema, wanted.ref.name)}"
    values = wanted.parts
    found = []
    if "row_security" in parts and (values["row_security"] or action == "alter"):
        found.append(f"{table} {'ENABLE' if values['row_security'] else 'DISABLE'} ROW LEVEL SECURITY")
    if "force_row_security" in parts and (values["force_row_security"] or action == "alter"):
        found.append(f"{table} {'FORCE' if values['force_row_security'] else 'NO FORCE'} ROW LEVEL SECURITY")
    return [Step(sql, wanted.ref, action) for sql in found]


def _replica_identity(wanted: SchemaObject, action: Action) -> list[Step]:
    """The identity by an index is set where the index is made."""
    kind = wanted.parts["replica_identity"]
    if kind == "i" or (kind == "d" and action == "create") or wanted.parts["variant"] == "foreign":
        return []
    sql = f"ALTER TABLE {name(wanted.ref.schema, wanted.ref.name)} REPLICA IDENTITY {_IDENTITY[kind]}"
    return [Step(sql, wanted.ref, action)]


class _Partitions:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(attaching(wanted), wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(detaching(present), present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return Alteration(rebuild=True)  # detach and attach: no row moves


class _Inheritance:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        if Ref("table", wanted.ref.schema, wanted.ref.name) in scene.created:
            return []
        return [Step(self._alter(wanted, "INHERIT"), wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(self._alter(present, "NO INHERIT"), present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return Alteration(rebuild=True)  # another place among the parents

    def _alter(self, made: SchemaObject, words: str) -> str:
        parent = name(made.parts["parent_schema"], made.parts["parent"])
        return f"ALTER TABLE {name(made.ref.schema, made.ref.name)} {words} {parent}"


class _Sequences:
    """OWNED BY comes later ("owned"): the column's default needs the sequence first."""

    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        words = "CREATE UNLOGGED SEQUENCE" if wanted.parts["persistence"] == "u" else "CREATE SEQUENCE"
        type_name = f"AS {wanted.parts['type']} " if wanted.parts["type"] != "bigint" else ""
        sql = f"{words} {name(wanted.ref.schema, wanted.ref.name)} {type_name}{sequence_options(wanted.parts)}"
        return [Step(sql, wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        where = name(present.ref.schema, present.ref.name)
        return [Step(f"DROP SEQUENCE {where}", present.ref, "drop", destroys=f"the value of the sequence {where}")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        steps = []
        sequence = name(wanted.ref.schema, wanted.ref.name)
        start = f"ALTER SEQUENCE {sequence}"
        if parts & {"max", "min"}:
            steps += into_bounds(wanted.ref, sequence, present.parts, wanted.parts)
        words = sequence_options(wanted.parts) + bounds_clause(present.parts, wanted.parts)
        if "type" in parts:  # first of all: the limits of the old type go with it
            steps.append(Step(f"{start} AS {wanted.parts['type']} {words}", wanted.ref, "alter"))
        elif parts & {"start", "increment", "max", "min", "cache", "cycle"}:
            steps.append(Step(f"{start} {words}", wanted.ref, "alter"))
        if "persistence" in parts:
            words = "UNLOGGED" if wanted.parts["persistence"] == "u" else "LOGGED"
            steps.append(Step(f"{start} SET {words}", wanted.ref, "alter"))
        known = {"type", "start", "increment", "max", "min", "cache", "cycle", "persistence", "owned_by"}
        return Alteration(tuple(steps), unplanned=tuple(sorted(parts - known)))


def ownership(sequence: SchemaObject, action: Action) -> Step:
    """Return the step that ties a sequence to its column, or lets it go."""
    owned_by = sequence.parts["owned_by"]
    column = name(*owned_by) if owned_by else "NONE"
    return Step(
        f"ALTER SEQUENCE {name(sequence.ref.schema, sequence.ref.name)} OWNED BY {column}", sequence.ref, action
    )


def tied(sequence: SchemaObject, scene: Scene) -> list[Step]:
    """Return what ties a sequence to its column; one that is new to a column with values goes on after them."""
    steps = [ownership(sequence, "alter")]
    column = Ref("column", *sequence.parts["owned_by"])
    table, parts = Ref("table", column.schema, column.name), sequence.parts
    stays = column in scene.target.objects and column not in scene.dropped and sequence.ref not in scene.target.objects
    if not stays or parts["cycle"] or table not in scene.source.objects or not can_be_read(table, scene.source):
        return steps
    if scene.source.objects[column].parts["type"] in WHOLE:
        steps.append(go_on_after(column, name(sequence.ref.schema, sequence.ref.name), parts))
    return steps


def of_type(table: SchemaObject, *, tied: bool) -> Step:
    """Return the step that makes a table one of its composite type, or one of none for a while."""
    words = f"OF {table.parts['of_type']}" if tied else "NOT OF"
    return Step(f"ALTER TABLE {name(table.ref.schema, table.ref.name)} {words}", table.ref, "alter")


def freed(sequence: Ref) -> Step:
    """Return the step that keeps a sequence from going with its column."""
    return Step(f"ALTER SEQUENCE {name(sequence.schema, sequence.name)} OWNED BY NONE", sequence, "alter")


MAKERS: dict[str, Maker] = {
    "table": _Tables(),
    "partition": _Partitions(),
    "inheritance": _Inheritance(),
    "sequence": _Sequences(),
}
