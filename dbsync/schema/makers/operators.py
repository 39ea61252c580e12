"""Casts, conversions, operators, and the ways in which indexes use them: all made anew when they change."""

from __future__ import annotations

from collections.abc import Set

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import address, operator_name
from dbsync.schema.objects import SchemaObject
from dbsync.schema.steps import Alteration, Maker, Scene, Step

_CONTEXTS = {"a": " AS ASSIGNMENT", "i": " AS IMPLICIT", "e": ""}


class _MadeAnew:
    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return Alteration(rebuild=True)


class _Casts(_MadeAnew):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        ways = {"f": f"WITH FUNCTION {parts['function']}", "i": "WITH INOUT", "b": "WITHOUT FUNCTION"}
        sql = f"CREATE {address(wanted)} {ways[parts['method']]}{_CONTEXTS[parts['context']]}"
        return [Step(sql, wanted.ref, "create")]


class _Conversions(_MadeAnew):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        usual = "DEFAULT " if parts["default"] else ""
        sql = (
            f"CREATE {usual}{address(wanted)} FOR {literal(parts['for'])} TO {literal(parts['to'])}"
            f" FROM {parts['function']}"
        )
        return [Step(sql, wanted.ref, "create")]


class _AccessMethods(_MadeAnew):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        kind = "INDEX" if wanted.parts["type"] == "i" else "TABLE"
        sql = f"CREATE {address(wanted)} TYPE {kind} HANDLER {wanted.parts['handler']}"
        return [Step(sql, wanted.ref, "create")]


class _Operators(_MadeAnew):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        facts = [f"FUNCTION = {parts['function']}"]
        facts += [f"{side.upper()}ARG = {parts[side]}" for side in ("left", "right") if parts[side]]
        for key in ("commutator", "negator"):
            if parts[key]:
                facts.append(f"{key.upper()} = OPERATOR({operator_name(*parts[key])})")
        facts += [f"{key.upper()} = {parts[key]}" for key in ("restrict", "join") if parts[key]]
        facts += [key.upper() for key in ("hashes", "merges") if parts[key]]
        where = operator_name(wanted.ref.schema, wanted.ref.name)
        return [Step(f"CREATE OPERATOR {where} ({', '.join(facts)})", wanted.ref, "create")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        """Only the estimators of selectivity can be changed in place."""
        if not parts <= {"restrict", "join"}:
            return Alteration(rebuild=True)
        facts = ", ".join(f"{key.upper()} = {wanted.parts[key] or 'NONE'}" for key in sorted(parts))
        return Alteration((Step(f"ALTER {address(wanted)} SET ({facts})", wanted.ref, "alter"),))


class _Families(_MadeAnew):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        steps = [Step(f"CREATE {address(wanted)}", wanted.ref, "create")]
        if members := wanted.parts["members"]:
            steps.append(Step(f"ALTER {address(wanted)} ADD {', '.join(members)}", wanted.ref, "create"))
        return steps


class _Classes(_MadeAnew):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        where, method = name(wanted.ref.schema, wanted.ref.name), name(wanted.ref.sub)
        usual = "DEFAULT " if parts["default"] else ""
        members = [*parts["members"], *([f"STORAGE {parts['storage']}"] if parts["storage"] else [])]
        sql = (
            f"CREATE OPERATOR CLASS {where} {usual}FOR TYPE {parts['type']} USING {method}"
            f" FAMILY {name(*parts['family'])} AS {', '.join(members)}"
        )
        return [Step(sql, wanted.ref, "create")]


MAKERS: dict[str, Maker] = {
    "cast": _Casts(),
    "conversion": _Conversions(),
    "access_method": _AccessMethods(),
    "operator": _Operators(),
    "operator_family": _Families(),
    "operator_class": _Classes(),
}
