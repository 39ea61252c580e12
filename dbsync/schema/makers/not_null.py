"""NOT NULL as a constraint, which it is since Postgres 18: with a name, a comment, and copies in partitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbsync.pg.quoting import literal, name
from dbsync.schema.diff import default_not_null_name
from dbsync.schema.makers.addresses import table_name
from dbsync.schema.objects import SchemaObject
from dbsync.schema.steps import Action, Scene, Step


def not_null_comment(column: SchemaObject, before: str | None, action: Action) -> list[Step]:
    """Return what changes its comment from ``before``."""
    constraint = column.parts.get("not_null_constraint")
    if constraint is None or constraint["comment"] == before:
        return []
    place = f"{name(constraint['name'])} ON {table_name(column.ref)}"
    return [Step(f"COMMENT ON CONSTRAINT {place} IS {literal(constraint['comment'])}", column.ref, action)]


def not_null_at_once(parts: Mapping[str, Any]) -> bool:
    """Whether the column's own clause can say it: one that is not validated is added later."""
    constraint = parts.get("not_null_constraint")
    return constraint is None or bool(constraint["valid"])


def named_not_null(column: SchemaObject, scene: Scene) -> list[str]:
    """Return the words of the column's clause, with the name where Postgres would give another one."""
    constraint = column.parts.get("not_null_constraint")
    words = []
    # The usual name may be held by a partition whose parent is made anew, or by a table that is still there.
    held = constraint is not None and (column.ref.schema, constraint["name"]) in scene.taken
    if constraint and (held or constraint["name"] != default_not_null_name(column.ref)):
        words.append(f"CONSTRAINT {name(constraint['name'])}")
    words.append("NOT NULL")
    if constraint and constraint["no_inherit"]:
        words.append("NO INHERIT")
    return words


def not_null_clause(column: SchemaObject) -> str:
    """Return ``CONSTRAINT name NOT NULL column``, as ADD takes it."""
    constraint = column.parts["not_null_constraint"]
    words = [f"CONSTRAINT {name(constraint['name'])} NOT NULL {name(column.ref.sub)}"]
    if constraint["no_inherit"]:
        words.append("NO INHERIT")
    if not constraint["valid"]:
        words.append("NOT VALID")
    return " ".join(words)


def copied_not_null(
    present: SchemaObject, parent: SchemaObject, parent_wanted: SchemaObject
) -> Mapping[str, Any] | None:
    """What the NOT NULL of a partition's column is once its parent's column has been changed; None for none."""
    own, above, wanted = (made.parts.get("not_null_constraint") for made in (present, parent, parent_wanted))
    if wanted is None:
        return own if own is None or own["local"] or above is None else None
    if own is None:
        return {**wanted, "local": False, "comment": None}
    if above is None:
        return {**own, "valid": own["valid"] or wanted["valid"]}
    retyped = parent.parts["type"] != parent_wanted.parts["type"]  # each is made anew, and copied down
    renamed = own["name"] == above["name"] or (retyped and not own["local"])
    return {**own, "name": wanted["name"] if renamed else own["name"], "valid": wanted["valid"]}
