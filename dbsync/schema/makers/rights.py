"""GRANT and REVOKE: from the rights that are held to those that are wanted, each by the role that gave it.

What a role gave on goes before that role loses its own right, and comes after it has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import place, word
from dbsync.schema.objects import RELATIONS, ROUTINES, TYPES, Grant, Ref, SchemaObject
from dbsync.schema.steps import Action, Scene, Step

_MAINTAIN = 170000
_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")
# What the owner has of a new object, and whether everybody has some right to it.
USUAL: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
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


def changed(present: SchemaObject | None, wanted: SchemaObject, scene: Scene) -> list[Step]:
    """Return what gives and takes the rights that differ, once the object has its wanted owner."""
    held = frozenset() if present is None else _handed_over(present.grants, wanted)
    return _grants(wanted, held, _comparable(wanted.grants, scene), scene, "alter")


def given_to_new(made: SchemaObject, scene: Scene) -> list[Step]:
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
    owner, public = USUAL[made.ref.kind]
    usual = [Grant("owner", "", privilege, False) for privilege in owner]
    return _comparable([*usual, *(Grant("public", "", privilege, False) for privilege in public)], scene)


def _roles_of_defaults(ref: Ref, scene: Scene) -> str:
    """Everybody whom default privileges could give something of the object, on either side."""
    if ref.kind not in _LETTERS:
        return ""
    roles: set[str] = set()
    for side in (scene.source, scene.target):
        for made in (*side.objects.values(), *side.aside):
            other = made.ref
            if other.kind != "default_privileges" or other.sub != _LETTERS[ref.kind]:
                continue
            if other.schema in ("", ref.schema):
                roles |= {other.name, *(role for role, _, _ in made.parts["grants"] or ())}
                roles |= {role for role, _, _ in made.parts["usual"] or ()}
    if roles and USUAL[ref.kind][1]:
        roles.add("")
    return ", ".join(name(role) if role else "PUBLIC" for role in sorted(roles))


def _comparable(grants: Iterable[Grant], scene: Scene) -> frozenset[Grant]:
    """The rights that both servers know."""
    oldest = min(scene.source.server_version_num, scene.target.server_version_num)
    return frozenset(grant for grant in grants if grant.privilege != "MAINTAIN" or oldest >= _MAINTAIN)


def _handed_over(grants: frozenset[Grant], wanted: SchemaObject) -> frozenset[Grant]:
    """The rights as they are once the object has its wanted owner."""
    new = wanted.owner
    found = set()
    for grant in grants:
        held = grant._replace(to="owner", role="") if grant.role and grant.role == new else grant
        found.add(held._replace(grantor="") if held.grantor and held.grantor == new else held)
    return frozenset(found)


class _Right(NamedTuple):
    grantor: str  # "" for the owner
    to: str
    role: str
    privilege: str


def _grants(
    made: SchemaObject, held: frozenset[Grant], wanted: frozenset[Grant], scene: Scene, action: Action
) -> list[Step]:
    before, after = _by_right(_comparable(held, scene)), _by_right(wanted)
    held_back = {right for right in before if before[right] and after.get(right) is False}
    revoked = _with_dependants({right for right in before if right not in after}, held_back, before)
    held_back -= revoked
    granted = {right for right in after if right not in before or right in revoked}
    handed_on = {right for right in after if after[right] and (right in granted or not before[right])}
    groups = [
        *_in_order("REVOKE", revoked, before, leaves_first=True),
        *_in_order("REVOKE GRANT OPTION FOR", held_back, before, leaves_first=True),
        *_in_order("GRANT", granted | handed_on, after, leaves_first=False),
    ]
    return [Step(_said(made, verb, group, after, scene), made.ref, action) for verb, group in groups]


def _by_right(grants: Iterable[Grant]) -> dict[_Right, bool]:
    found: dict[_Right, bool] = {}
    for grant in grants:
        right = _Right(grant.grantor, grant.to, grant.role, grant.privilege)
        found[right] = found.get(right, False) or grant.grantable
    return found


def _with_dependants(revoked: set[_Right], held_back: set[_Right], before: Mapping[_Right, bool]) -> set[_Right]:
    """What was given on by a role that may do so no longer has to go first, wanted or not."""
    found, queue = set(revoked), [*revoked, *held_back]
    while queue:
        lost = queue.pop()
        for right in before.keys() - found:
            if right.grantor and (right.grantor, right.privilege) == (lost.role, lost.privilege):
                found.add(right)
                queue.append(right)
    return found


def _in_order(
    verb: str, rights: set[_Right], side: Mapping[_Right, bool], *, leaves_first: bool
) -> Iterator[tuple[str, list[_Right]]]:
    """One group for each grantor and grantee; who gave on what he had stands after (or before) who gave it to him."""

    def key(right: _Right) -> tuple[int, str, str, str, bool]:
        depth = _depth(right, side)
        return -depth if leaves_first else depth, *right[:3], verb == "GRANT" and side[right]

    for _, group in groupby(sorted(rights, key=lambda right: (key(right), right.privilege)), key=key):
        yield verb, list(group)


def _depth(right: _Right, side: Mapping[_Right, bool], seen: frozenset[_Right] = frozenset()) -> int:
    """Over how many hands a right came from the owner."""
    if not right.grantor or right in seen:
        return 0
    above = [
        _depth(other, side, seen | {right})
        for other, grantable in side.items()
        if grantable and (other.role, other.privilege) == (right.grantor, right.privilege)
    ]
    return 1 + min(above, default=0)


def _said(made: SchemaObject, verb: str, group: list[_Right], side: Mapping[_Right, bool], scene: Scene) -> str:
    """``GRANT SELECT, UPDATE ON TABLE t TO r``; what another role gave, only that role can give and take."""
    first = group[0]
    link, option = ("TO", " WITH GRANT OPTION" if side[first] else "") if verb == "GRANT" else ("FROM", "")
    sql = (
        f"{verb} {_listed(made, [right.privilege for right in group], scene)} ON {_on(made)} {link} "
        f"{_grantee(made, first.to, first.role, scene)}{option}"
    )
    return _as_role(first.grantor, sql) if first.grantor else sql


def _as_role(role: str, sql: str) -> str:
    body = (
        "DECLARE before text := pg_catalog.current_setting('role'); "
        f"BEGIN PERFORM pg_catalog.set_config('role', {literal(role)}, true); {sql}; "
        "PERFORM pg_catalog.set_config('role', before, true); END"
    )
    return f"DO {literal(body)}"


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
