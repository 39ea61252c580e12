"""What the rows that are there are asked before a key, a check or a foreign key is put on them."""

from __future__ import annotations

from collections.abc import Sequence

from dbsync.pg.quoting import name
from dbsync.schema.hanging import below
from dbsync.schema.makers.addresses import table_name
from dbsync.schema.objects import RELATIONS, Ref, SchemaObject, Snapshot
from dbsync.schema.steps import Check, Scene


def rows_of_column(column: Ref, schema: Snapshot) -> str:
    """What to ask for the values of a column and its children's, but those that stand on other servers."""
    columns = [column, *below(column, schema)]
    own = [one for one in columns if one not in schema.objects or schema.objects[one].parts["of"] != "f"]
    if len(own) == len(columns):
        return name(column.schema, column.name)
    asked = (f"SELECT {name(one.sub)} FROM ONLY {name(one.schema, one.name)}" for one in own)
    return f"({' UNION ALL '.join(asked)}) AS asked"


def constraint_checks(wanted: SchemaObject, scene: Scene) -> tuple[Check, ...]:
    """Ask whether the rows keep a constraint. Exclusions have no cheap question."""
    table = Ref("table", wanted.ref.schema, wanted.ref.name)
    if table not in scene.target.objects or table in scene.created or wanted.parts["of"] == "f":
        return ()
    others = [Ref("table", *wanted.parts["references"])] if wanted.parts["type"] == "f" else []
    if any(_gets_other_rows(one, scene) for one in (table, *others)):
        return ()
    parts, where = wanted.parts, table_name(wanted.ref)
    columns = parts["columns"] or []
    if any(Ref("column", *table[1:3], column) not in scene.target.objects for column in columns):
        return ()
    label = name(wanted.ref.sub)
    if parts["type"] == "c" and parts["definition"].startswith("CHECK ("):
        if not parts["valid"] or "NOT ENFORCED" in parts["definition"]:
            return ()
        condition = parts["definition"].removeprefix("CHECK ").removesuffix(" NO INHERIT")
        rows = f"ONLY {where}" if parts["definition"].endswith(" NO INHERIT") else where
        return (Check(f"SELECT pg_catalog.count(*) FROM {rows} WHERE NOT {condition}",
                      f"{{}} rows of {where} break the check {label}"),)  # fmt: skip
    if parts["type"] == "f":
        return _foreign_key_checks(wanted, where, scene)
    if parts["type"] in "pu" and "WITHOUT OVERLAPS" not in parts["definition"]:
        return _key_checks(wanted, where, columns, label)
    return ()


def index_checks(wanted: SchemaObject, scene: Scene) -> tuple[Check, ...]:
    """Ask whether a unique index can be built over the rows, where what it is over is there and stays as it is."""
    unique = wanted.parts["uniqueness"]
    if unique is None or not wanted.parts["valid"]:  # ON ONLY a partitioned table: no row is looked at
        return ()
    if _gets_other_rows(Ref("table", wanted.ref.schema, wanted.parts["table"]), scene):
        return ()
    if not all(_is_there(ref, scene) for ref in scene.source.needs.get(wanted.ref, frozenset())):
        return ()
    where = name(wanted.ref.schema, wanted.parts["table"])
    rows = _own_rows(where, wanted.parts["of"])
    return (_doubles(where, rows, unique["key"], name(wanted.ref.name), unique["where"], unique["nulls_distinct"]),)


def _gets_other_rows(table: Ref, scene: Scene) -> bool:
    """Whether a partition comes to a table or leaves it in the same plan: it will not hold what it holds now."""
    for side, links in ((scene.source, scene.created), (scene.target, scene.dropped)):
        queue = [side.objects[link] for link in links if link.kind == "partition"]
        while queue:
            parts = queue.pop().parts
            above = Ref("table", parts["parent_schema"], parts["parent"])
            if above == table:
                return True
            queue += [made for made in side.members(above) if made.ref.kind == "partition"]
    return False


def _is_there(ref: Ref, scene: Scene) -> bool:
    present, wanted = scene.target.objects.get(ref), scene.source.objects.get(ref)
    if present is None or ref in scene.created:
        return False
    if ref.kind in RELATIONS or wanted is None:
        return True
    if ref.kind == "column":
        return all(present.parts.get(part) == wanted.parts.get(part) for part in ("type", "collation", "expression"))
    return present.parts == wanted.parts


def _own_rows(table: str, of: str) -> str:
    """The rows that a key is for: not those of children, unless they are partitions."""
    return table if of == "p" else f"ONLY {table}"


def _key_checks(wanted: SchemaObject, where: str, columns: list[str], label: str) -> tuple[Check, ...]:
    quoted = [name(column) for column in columns]
    rows = _own_rows(where, wanted.parts["of"])
    found = []
    if wanted.parts["type"] == "p":
        nulls = " OR ".join(f"{column} IS NOT DISTINCT FROM NULL" for column in quoted)
        found.append(Check(f"SELECT pg_catalog.count(*) FROM {rows} WHERE {nulls}",
                           f"{{}} rows of {where} have no value in the key {label}"))  # fmt: skip
    distinct = "NULLS NOT DISTINCT" not in wanted.parts["definition"]
    return (*found, _doubles(where, rows, quoted, label, None, distinct))


def _doubles(
    where: str, asked: str, key: Sequence[str], label: str, condition: str | None, nulls_distinct: bool
) -> Check:
    """Count the values of a key that stand in more than one of the rows that it is for."""
    parts = [f"key_{number}" for number in range(1, len(key) + 1)]
    values = ", ".join(f"{one} AS {part}" for one, part in zip(key, parts, strict=True))
    rows = f"SELECT {values} FROM {asked}" + (f" WHERE {condition}" if condition else "")
    # A composite of NULLs IS NULL, but is a value to an index.
    present = " AND ".join(f"{part} IS DISTINCT FROM NULL" for part in parts)
    given = f" WHERE {present}" if nulls_distinct else ""
    doubles = f"SELECT FROM ({rows}) AS keys{given} GROUP BY {', '.join(parts)} HAVING pg_catalog.count(*) > 1"
    return Check(
        f"SELECT pg_catalog.count(*) FROM ({doubles}) AS doubles",
        f"{{}} values of the key {label} of {where} stand in more than one row",
    )


def _foreign_key_checks(wanted: SchemaObject, where: str, scene: Scene) -> tuple[Check, ...]:
    parts = wanted.parts
    other = Ref("table", *parts["references"])
    known = (
        other in scene.target.objects
        and other not in scene.created
        and all(Ref("column", *other[1:3], column) in scene.target.objects for column in parts["referenced_columns"])
    )
    if not known or not parts["valid"] or "NOT ENFORCED" in parts["definition"] or "PERIOD" in parts["definition"]:
        return ()
    pairs = list(zip(parts["columns"], parts["referenced_columns"], strict=True))
    same = " AND ".join(f"theirs.{name(theirs)} = ours.{name(ours)}" for ours, theirs in pairs)
    given = (" OR " if "MATCH FULL" in parts["definition"] else " AND ").join(
        f"ours.{name(ours)} IS DISTINCT FROM NULL" for ours, _ in pairs
    )
    partitioned = scene.target.objects[other].parts["variant"] == "partitioned"
    keys = _own_rows(name(*parts["references"]), "p" if partitioned else "r")
    sql = (
        f"SELECT pg_catalog.count(*) FROM {_own_rows(where, parts['of'])} AS ours WHERE ({given})"
        f" AND NOT EXISTS (SELECT FROM {keys} AS theirs WHERE {same})"
    )
    return (Check(sql, f"{{}} rows of {where} refer to rows that are not in {name(*parts['references'])}"),)
