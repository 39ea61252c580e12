"""What holds other objects: schemas, extensions, and the rights that new objects get by default."""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import groupby

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import address
from dbsync.schema.objects import SchemaObject
from dbsync.schema.steps import Action, Alteration, Maker, Scene, Step

_MAINTAIN = 170000
_MOST_NAMED = 5  # of what an extension holds
_OBJECTS = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES", "n": "SCHEMAS", "L": "LARGE OBJECTS"}

# Role ("" for everybody) and privilege, and whether it may be given on.
Rights = dict[tuple[str, str], bool]


class _Schemas:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"CREATE {address(wanted)}", wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return Alteration(unplanned=tuple(sorted(parts)))


class _Extensions:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        where, version = name(wanted.parts["schema"]), literal(wanted.parts["version"])
        return [Step(f"CREATE {address(wanted)} WITH SCHEMA {where} VERSION {version}", wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        """Return DROP EXTENSION; no other statement says that its tables, which are not compared, go with it."""
        held = present.parts["holds"] or ()
        lost = f"the rows of {_listed(held)} (extension {name(present.ref.name)})" if held else None
        return [Step(f"DROP {address(present)}", present.ref, "drop", destroys=lost)]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        steps, unplanned = [], sorted(parts - {"version", "schema"})
        if "version" in parts:
            sql = f"ALTER {address(wanted)} UPDATE TO {literal(wanted.parts['version'])}"
            steps.append(Step(sql, wanted.ref, "alter"))
        if "schema" in parts and present.parts["relocatable"]:
            sql = f"ALTER {address(wanted)} SET SCHEMA {name(wanted.parts['schema'])}"
            steps.append(Step(sql, wanted.ref, "alter"))
        elif "schema" in parts:
            unplanned.append("schema")
        reason = f"{wanted.ref} cannot be moved to another schema once it is there" if "schema" in unplanned else ""
        return Alteration(tuple(steps), unplanned=tuple(unplanned), reason=reason)


def _listed(held: Sequence[str]) -> str:
    more = f" and {len(held) - _MOST_NAMED} more" if len(held) > _MOST_NAMED else ""
    return ", ".join(held[:_MOST_NAMED]) + more


class _DefaultPrivileges:
    """A role's defaults: those for one schema add to nothing, those for all schemas stand for the usual ones."""

    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        return _between(wanted, _usual(wanted), _rights(wanted), "create", scene)

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return _between(present, _rights(present), _usual(present), "drop", scene)

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return Alteration(tuple(_between(wanted, _rights(present), _rights(wanted), "alter", scene)))


def _rights(made: SchemaObject) -> Rights:
    return {(role, privilege): grantable for role, privilege, grantable in made.parts["grants"] or ()}


def _usual(made: SchemaObject) -> Rights:
    return {(role, privilege): grantable for role, privilege, grantable in made.parts["usual"] or ()}


def _between(made: SchemaObject, before: Rights, after: Rights, action: Action, scene: Scene) -> list[Step]:
    oldest = min(scene.source.server_version_num, scene.target.server_version_num)
    before, after = ({key: value for key, value in side.items() if key[1] != "MAINTAIN" or oldest >= _MAINTAIN}
                     for side in (before, after))  # fmt: skip
    sqls = [*_said(made, "REVOKE", [key for key in before if key not in after])]
    sqls += _said(made, "REVOKE GRANT OPTION FOR", [key for key in before if before[key] and after.get(key) is False])
    sqls += _said(made, "GRANT", [key for key in after if key not in before and not after[key]])
    handed_on = [key for key in after if after[key] and before.get(key) is not True]
    sqls += [f"{sql} WITH GRANT OPTION" for sql in _said(made, "GRANT", handed_on)]
    return [Step(sql, made.ref, action) for sql in sqls]


def _said(made: SchemaObject, verb: str, keys: list[tuple[str, str]]) -> list[str]:
    start = f"ALTER DEFAULT PRIVILEGES FOR ROLE {name(made.ref.name)}"
    if made.ref.schema:
        start += f" IN SCHEMA {name(made.ref.schema)}"
    link = "TO" if verb == "GRANT" else "FROM"
    return [
        f"{start} {verb} {', '.join(privilege for _, privilege in group)} ON {_OBJECTS[made.ref.sub]} {link} "
        f"{name(role) if role else 'PUBLIC'}"
        for role, group in groupby(sorted(keys), key=lambda key: key[0])
    ]


MAKERS: dict[str, Maker] = {
    "schema": _Schemas(),
    "extension": _Extensions(),
    "default_privileges": _DefaultPrivileges(),
}
