"""Owners, rights, comments and extensions of objects of every kind, for those just made and for those that change.

Owners come first: ALTER OWNER hands the former owner's rights to the new one.
"""

from __future__ import annotations

from collections.abc import Collection, Set

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers import rights
from dbsync.schema.makers.addresses import address, has_address
from dbsync.schema.objects import SchemaObject
from dbsync.schema.steps import Action, Scene, Step


def created(made: SchemaObject, scene: Scene, ignore: Collection[str] = ()) -> list[Step]:
    """Return what gives a new object its owner, rights and comment, and the extensions that it goes with."""
    steps: list[Step] = []
    if made.owner is not None and "owner" not in ignore:
        steps.append(_owner(made, "create"))
    if made.ref.kind in rights.USUAL and "privileges" not in ignore:
        steps += rights.given_to_new(made, scene)
    if made.comment is not None and "comments" not in ignore and has_address(made.ref):
        steps.append(_comment(made, "create"))
    return [*steps, *_extensions(made, (), "create")]


def changed(present: SchemaObject | None, wanted: SchemaObject, parts: Set[str], scene: Scene) -> list[Step]:
    """Return what changes owner, rights, comment and extensions where ``parts`` says that they differ."""
    steps: list[Step] = []
    if "owner" in parts and wanted.owner is not None:
        steps.append(_owner_of_table(wanted) if _moves_with_table(present, wanted) else _owner(wanted, "alter"))
    if "privileges" in parts and wanted.ref.kind in rights.USUAL:
        steps += rights.changed(present, wanted, scene)
    if "comment" in parts and has_address(wanted.ref):
        steps.append(_comment(wanted, "alter"))
    if "extensions" in parts:
        steps += _extensions(wanted, (present.parts.get("extensions") if present is not None else None) or (), "alter")
    return steps


def _owner(made: SchemaObject, action: Action) -> Step:
    return Step(f"ALTER {address(made)} OWNER TO {name(made.owner or '')}", made.ref, action)


def _moves_with_table(present: SchemaObject | None, wanted: SchemaObject) -> bool:
    """A sequence that belongs to a column changes hands with the table, and only so."""
    both = (present, wanted)
    return wanted.ref.kind == "sequence" and all(made is not None and made.parts["owned_by"] for made in both)


def _owner_of_table(sequence: SchemaObject) -> Step:
    """Said once more for each of its sequences, so that rights on them are given by the new owner."""
    schema, table, _ = sequence.parts["owned_by"]
    return Step(f"ALTER TABLE {name(schema, table)} OWNER TO {name(sequence.owner or '')}", sequence.ref, "alter")


def _comment(made: SchemaObject, action: Action) -> Step:
    return Step(f"COMMENT ON {address(made)} IS {literal(made.comment)}", made.ref, action)


def _extensions(made: SchemaObject, before: Collection[str], action: Action) -> list[Step]:
    """What ties an object to extensions with which it goes, and lets it go."""
    wanted = made.parts.get("extensions") or ()
    words = [("NO DEPENDS", extension) for extension in before if extension not in wanted]
    words += [("DEPENDS", extension) for extension in wanted if extension not in before]
    start = f"ALTER {address(made)}" if words else ""
    return [Step(f"{start} {verb} ON EXTENSION {name(extension)}", made.ref, action) for verb, extension in words]
