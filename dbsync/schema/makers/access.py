"""Owners, rights and comments of objects of every kind, for those just made and for those that change.

Owners come first: ALTER OWNER hands the former owner's rights to the new one. A right that somebody gave on
(its grantor is not the owner) cannot be given or taken by another role, so it is told as ``unplanned``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from itertools import groupby

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import address, has_address, place, word
from dbsync.schema.objects import RELATIONS, ROUTINES, TYPES, Grant, Ref, SchemaObject
from dbsync.schema.steps import Action, Scene, Step

_MAINTAIN = 170000
_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")
# What the owner has of a new object, and whether everybody has some right to it.
_USUAL: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **{kind: (_TABLE, ()) for kind in RELATIONS},
    **{kind: (("EXECUTE",), ("EXECUTE",)) for kind in ROUTINES},
    **{kind: (("USAGE",), ("USAGE",)) for kind in TYPES},
    "sequence": (("USAGE", "SELECT", "UPDATE"), ()),
    "schema": (("USAGE", "CREATE"), ()),
    "foreign_data_wrapper": (("USAGE",), ()),
    "server": (("USAGE",), ()),
    "language": (("USAGE",), ("USAGE",)),
    "column": ((), ()),
}
# Letters under which ALTER DEFAULT PRIVILEGES keeps what it says.
_LETTERS = {
    **dict.fromkeys(RELATIONS, "r"), **dict.fromkeys(ROUTINES, "f"), **dict.fromkeys(TYPES, "T"),
    "sequence": "S", "schema": "n",
}  # fmt: skip


def created(made: SchemaObject, scene: Scene, ignore: Collection[str] = ()) -> list[Step]:
    """Return what gives a new object its owner, rights and comment."""
    steps: list[Step] = []
    if made.owner is not None and "owner" not in ignore:
        steps.append(_owner(made, "create"))
    if made.ref.kind in _USUAL and "privileges" not in ignore:
        steps += _new_grants(made, scene)
    if made.comment is not None and "comments" not in ignore and has_address(made.ref):
        steps.append(_comment(made, "create"))
    return steps


def changed(present: SchemaObject | None, wanted: SchemaObject, parts: Set[str], scene: Scene) -> list[Step]:
    """Return what changes owner, rights and comment where ``parts`` says that they differ."""
    steps: list[Step] = []
    if "owner" in parts and wanted.owner is not None:
        steps.append(_owner_of_table(wanted) if _moves_with_table(present, wanted) else _owner(wanted, "alter"))
    if "privileges" in parts and wanted.ref.kind in _USUAL:
        held = frozenset() if present is None else _handed_over(present.grants, wanted)
        steps += _grants(wanted, held, _comparable(wanted.grants, scene), scene, "alter")
    if "comment" in parts and has_address(wanted.ref):
        steps.append(_comment(wanted, "alter"))
    return steps


def unplanned(present: SchemaObject | None, wanted: SchemaObject) -> str | None:
    """Return why the rights cannot be made equal, or None where they can."""
    held = present.grants if present is not None else frozenset()
    for grant in sorted(held ^ wanted.grants):
        if grant.grantor:
            return f"{grant.privilege} was given to {grant.role or grant.to} by {grant.grantor}, who is not the owner"
    return None


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


# Rights


def _new_grants(made: SchemaObject, scene: Scene) -> list[Step]:
    """From what Postgres gives to a new object, to what is wanted.

    Default privileges are those of whoever runs the migration, on the day it runs: all that they could give
    to anybody is taken back first.
    """
    given = _usual(made, scene)
    steps = []
    if roles := _roles_of_defaults(made.ref, scene):
        steps = [Step(f"REVOKE ALL ON {_on(made)} FROM {roles}", made.ref, "create")]
        given = frozenset()
    return steps + _grants(made, given, _comparable(made.grants, scene), scene, "create")


def _usual(made: SchemaObject, scene: Scene) -> frozenset[Grant]:
    owner, public = _USUAL[made.ref.kind]
    usual = [Grant("owner", "", privilege, False) for privilege in owner]
    return _comparable([*usual, *(Grant("public", "", privilege, False) for privilege in public)], scene)


def _roles_of_defaults(ref: Ref, scene: Scene) -> str:
    """Everybody whom default privileges could give something of the object, on either side."""
    if ref.kind not in _LETTERS:
        return ""
    roles: set[str] = set()
    for side in (scene.source, scene.target):
        for other, made in side.objects.items():
            if other.kind != "default_privileges" or other.sub != _LETTERS[ref.kind]:
                continue
            if other.schema in ("", ref.schema):
                roles |= {other.name, *(role for role, _, _ in made.parts["grants"] or ())}
                roles |= {role for role, _, _ in made.parts["usual"] or ()}
    if roles and _USUAL[ref.kind][1]:
        roles.add("")
    return ", ".join(name(role) if role else "PUBLIC" for role in sorted(roles))


def _comparable(grants: Iterable[Grant], scene: Scene) -> frozenset[Grant]:
    """The rights that both servers know, given by the owner."""
    oldest = min(scene.source.server_version_num, scene.target.server_version_num)
    return frozenset(g for g in grants if not g.grantor and (g.privilege != "MAINTAIN" or oldest >= _MAINTAIN))


def _handed_over(grants: frozenset[Grant], wanted: SchemaObject) -> frozenset[Grant]:
    """The rights as they are once the object has its wanted owner."""
    new = wanted.owner
    return frozenset(g._replace(to="owner", role="") if g.role and g.role == new else g for g in grants)


def _grants(
    made: SchemaObject, held: frozenset[Grant], wanted: frozenset[Grant], scene: Scene, action: Action
) -> list[Step]:
    held = _comparable(held, scene)
    before, after = ({(g.to, g.role, g.privilege): g.grantable for g in side} for side in (held, wanted))
    revoked = [key for key in before if key not in after]
    held_back = [key for key in before if before[key] and after.get(key) is False]
    granted = [key for key in after if key not in before]
    steps = [*_said(made, "REVOKE", revoked, scene), *_said(made, "REVOKE GRANT OPTION FOR", held_back, scene)]
    steps += _said(made, "GRANT", [key for key in granted if not after[key]], scene)
    handed_on = [key for key in after if after[key] and before.get(key) is not True]
    steps += [f"{sql} WITH GRANT OPTION" for sql in _said(made, "GRANT", handed_on, scene)]
    return [Step(sql, made.ref, action) for sql in steps]


def _said(made: SchemaObject, verb: str, keys: list[tuple[str, str, str]], scene: Scene) -> list[str]:
    """One statement for each role: ``GRANT SELECT, UPDATE ON TABLE t TO r``."""
    link = "TO" if verb == "GRANT" else "FROM"
    found = []
    for (to, role), group in groupby(sorted(keys), key=lambda key: key[:2]):
        found.append(f"{verb} {_listed(made, [key[2] for key in group], scene)} ON {_on(made)} {link} "
                     f"{_grantee(made, to, role, scene)}")  # fmt: skip
    return found


def _listed(made: SchemaObject, privileges: list[str], scene: Scene) -> str:
    if made.ref.kind == "column":
        return ", ".join(f"{privilege} ({name(made.ref.sub)})" for privilege in privileges)
    usual = {grant.privilege for grant in _usual(made, scene)}
    return "ALL" if len(usual) > 1 and usual == set(privileges) else ", ".join(privileges)


def _on(made: SchemaObject) -> str:
    kind = made.ref.kind
    if kind == "column":
        return f"TABLE {name(made.ref.schema, made.ref.name)}"
    if kind in RELATIONS:
        return f"TABLE {place(made)}"
    if kind in ("function", "aggregate"):
        return f"FUNCTION {name(made.ref.schema, made.ref.name)}({made.ref.arguments})"
    return f"FOREIGN SERVER {place(made)}" if kind == "server" else f"{word(made)} {place(made)}"


def _grantee(made: SchemaObject, to: str, role: str, scene: Scene) -> str:
    if to == "public":
        return "PUBLIC"
    if to == "role":
        return name(role)
    owner = made.owner
    if owner is None:  # a column's is its table's
        tables = (Ref(kind, made.ref.schema, made.ref.name) for kind in sorted(RELATIONS))
        owner = next(scene.source.objects[ref].owner for ref in tables if ref in scene.source.objects)
    return name(owner or "")
