"""Identity columns and what stands behind every sequence: options, bounds, rights, and where it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers import access
from dbsync.schema.makers.addresses import table_name
from dbsync.schema.objects import Grant, Ref, SchemaObject, Snapshot
from dbsync.schema.steps import Scene, Step

WHOLE = frozenset({"smallint", "integer", "bigint"})


def sequence_access(column: SchemaObject, scene: Scene) -> list[Step]:
    """Return what gives the sequence of a new identity column its rights and its comment."""
    sequence = identity_sequence(column, scene.source)
    return [] if sequence is None else for_column(access.created(sequence, scene, {"owner"}), column)


def identity_sequence(column: SchemaObject, schema: Snapshot) -> SchemaObject | None:
    """The sequence behind an identity column, which changes hands with its table."""
    identity = column.parts["identity"]
    if identity is None:
        return None
    ref = Ref("sequence", identity["sequence_schema"], identity["sequence"])
    table = schema.objects[Ref("table", column.ref.schema, column.ref.name)]
    grants = frozenset(Grant(*grant) for grant in identity["grants"])
    return SchemaObject(ref, {"owned_by": None}, table.owner, grants, identity["comment"])


def for_column(steps: list[Step], column: SchemaObject) -> list[Step]:
    """The steps on a sequence as steps on the column that it stands behind."""
    return [Step(step.sql, column.ref, step.action) for step in steps]


def always(identity: Mapping[str, Any]) -> str:
    """Return the words for when the sequence gives the value."""
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


def go_on_after(column: Ref, sequence: str, options: Mapping[str, Any]) -> Step:
    """A sequence that is new to a filled column goes on after the column's values where these are past its start.

    Values that the sequence cannot reach leave it where it is, as does what its own start is past already.
    """
    ends = ("max", "start", "max") if options["increment"] > 0 else ("min", "min", "start")
    value = f"pg_catalog.{ends[0]}({name(column.sub)})"
    sql = (
        f"SELECT pg_catalog.setval({literal(sequence)}, {value}::pg_catalog.int8) FROM {table_name(column)}"
        f" HAVING {value} BETWEEN {options[ends[1]]} AND {options[ends[2]]}"
    )
    return Step(sql, column, "alter")


def can_be_read(table: Ref, schema: Snapshot) -> bool:
    """Whether neither the table nor one below it is foreign: a plan asks no other server."""
    below: dict[tuple[str, str], list[Ref]] = {}
    for ref, made in schema.objects.items():
        if ref.kind in ("partition", "inheritance"):
            parent = (made.parts["parent_schema"], made.parts["parent"])
            below.setdefault(parent, []).append(Ref("table", ref.schema, ref.name))
    tables = [table]
    for one in tables:
        tables += below.get((one.schema, one.name), ())
    return all(schema.objects[one].parts["variant"] != "foreign" for one in tables)


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
