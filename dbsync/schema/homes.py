"""Whose statement carries an object: its own, or that of the table which it comes and goes with."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dbsync.schema.changes import Changes
from dbsync.schema.objects import RELATIONS, TYPES, Ref, Snapshot, attached_to

_WITH_TABLE = frozenset({"column", "default", "constraint", "trigger", "rule", "policy", "inheritance", "partition"})
_INLINE = frozenset("pucx")
# What a key is beyond its definition, which takes statements of its own.
_BESIDE = ("attached_to", "clustered", "replica_identity", "index_comment", "index_tablespace")


def drop_homes(
    changes: Changes, target: Snapshot, *, apart: Collection[Ref], along: Collection[Ref] = ()
) -> Mapping[Ref, Ref]:
    """For each object that goes, the one whose DROP takes it along.

    ``apart``: those that need one of their own. ``along``: copies that go with the topmost key; see ``topmost_key``.
    """
    carriers = {ref: (ref in along and topmost_key(ref, changes, target)) or ref for ref in changes.gone}
    return {
        ref: carrier if carrier in apart else _drop_home(followed(carrier, changes), changes, target)
        for ref, carrier in carriers.items()
    }


def topmost_key(ref: Ref, changes: Changes, target: Snapshot) -> Ref | None:
    """The foreign key that goes, of which a partition's is a copy; None for all others."""
    above = top = _key_above(ref, target)
    while above is not None:
        top, above = above, _key_above(above, target)
    return top if top in changes.gone else None


def _key_above(ref: Ref, target: Snapshot) -> Ref | None:
    made = target.objects[ref]
    if ref.kind != "constraint" or made.parts["type"] != "f" or not made.parts["inherited"]:
        return None
    links = [made for made in target.members(Ref("table", ref.schema, ref.name)) if made.ref.kind == "partition"]
    found = {ref._replace(schema=made.parts["parent_schema"], name=made.parts["parent"]) for made in links}
    return next(iter(found & target.needs[ref]), None)


def followed(ref: Ref, changes: Changes) -> Ref:
    """The column of the topmost table with which a column comes or goes."""
    while ref in changes.follows:
        ref = changes.follows[ref]
    return ref


def _drop_home(ref: Ref, changes: Changes, target: Snapshot) -> Ref:
    gone, made = changes.gone, target.objects[ref]
    for kind in (*sorted(RELATIONS), *sorted(TYPES)):
        owner = Ref(kind, ref.schema, made.parts["table"] if ref.kind == "index" else ref.name)
        if owner != ref and owner in gone and (ref.kind in _WITH_TABLE or ref.kind in ("index", "domain_constraint")):
            return owner
    column = ref._replace(kind="column")
    if ref.kind == "default" and column in gone:
        return followed(column, changes)
    if ref.kind == "sequence" and made.parts["owned_by"] and ref not in changes.made:
        schema, table, sub = made.parts["owned_by"]
        for owner in (Ref("table", schema, table), Ref("column", schema, table, sub)):
            if owner in gone:
                return followed(owner, changes)
    if parent := attached_to(made):
        table = made.parts["table"] if ref.kind == "index" else ref.name
        leaves = Ref("partition", ref.schema, table) in gone  # and keeps what hung on its parent's
        if parent in gone and not leaves:
            return _drop_home(parent, changes, target)
    return ref


def inlined(changes: Changes, source: Snapshot, *, apart: Collection[Ref]) -> frozenset[Ref]:
    """Constraints and defaults that CREATE TABLE, or ADD COLUMN, says.

    A partition needs its parent's checks before it is attached, so they stand there though they are implied.
    """
    found = set()
    for ref, made in source.objects.items():
        table = Ref("table", ref.schema, ref.name)
        if ref in apart:
            continue
        if ref.kind == "default" and made.parts["of"] in "rpf" and ref in changes.made:
            column = ref._replace(kind="column")
            inherits = table in changes.made and not source.objects[column].parts["local"] and _inherits(table, source)
            if column in changes.made and column not in changes.follows and not inherits:
                found.add(ref)
        elif ref.kind == "constraint" and table in changes.made and made.parts["type"] in _INLINE:
            implied = bool(made.parts["inherited"])
            hangs = Ref("partition", *table[1:3]) in changes.made
            plain = made.parts["valid"] and not any(made.parts.get(part) for part in _BESIDE)
            if plain and (not implied or (hangs and made.parts["type"] == "c")):
                found.add(ref)
    return frozenset(found)


def _inherits(table: Ref, source: Snapshot) -> bool:
    return any(made.ref.kind == "inheritance" for made in source.members(table))


def create_home(ref: Ref, changes: Changes, inside: Collection[Ref]) -> Ref:
    """The object whose CREATE makes this one."""
    ref = followed(ref, changes)
    table = Ref("table", ref.schema, ref.name)
    if table in changes.made and (ref.kind in ("column", "inheritance") or ref in inside):
        return table
    if ref.kind == "default" and ref in inside:
        return ref._replace(kind="column")
    return ref
