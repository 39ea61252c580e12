"""What reacts to statements: triggers, rules, policies and event triggers, and whether they are awake."""

from __future__ import annotations

from collections.abc import Set

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import address
from dbsync.schema.objects import SchemaObject
from dbsync.schema.steps import Action, Alteration, Maker, Scene, Step

_STATES = {"O": "ENABLE", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}


class _OnTables:
    """Triggers and rules: both come as the server prints them, and have a state beside."""

    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        if wanted.parts.get("inherited"):
            return []
        steps = [Step(wanted.parts["definition"].rstrip(";"), wanted.ref, "create")]
        return [*steps, _state(wanted, "create")] if wanted.parts["enabled"] != "O" else steps

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        if present.parts.get("inherited"):
            return []
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if not parts <= {"enabled"} and not wanted.parts.get("inherited"):
            return Alteration(rebuild=True)
        return Alteration((_state(wanted, "alter"),) if "enabled" in parts else ())


def _state(made: SchemaObject, action: Action) -> Step:
    words = "FOREIGN TABLE" if made.parts["of"] == "f" else "TABLE"
    table, kind = name(made.ref.schema, made.ref.name), made.ref.kind.upper()
    sql = f"ALTER {words} {table} {_STATES[made.parts['enabled']]} {kind} {name(made.ref.sub)}"
    return Step(sql, made.ref, action)


class _Policies:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        kind = "PERMISSIVE" if parts["permissive"] else "RESTRICTIVE"
        sql = f"CREATE {address(wanted)} AS {kind} FOR {_COMMANDS[parts['command']]}{_conditions(wanted)}"
        return [Step(sql, wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        lost = any(wanted.parts[key] is None for key in parts & {"using", "check"})
        if lost or not parts <= {"roles", "using", "check"}:
            return Alteration(rebuild=True)
        return Alteration((Step(f"ALTER {address(wanted)}{_conditions(wanted)}", wanted.ref, "alter"),))


def _conditions(policy: SchemaObject) -> str:
    parts = policy.parts
    words = " TO " + ", ".join(name(role) if role else "PUBLIC" for role in parts["roles"])
    if parts["using"] is not None:
        words += f" USING ({parts['using']})"
    if parts["check"] is not None:
        words += f" WITH CHECK ({parts['check']})"
    return words


class _EventTriggers:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        tags = ", ".join(literal(tag) for tag in parts["tags"] or ())
        condition = f" WHEN TAG IN ({tags})" if tags else ""
        words = f"CREATE {address(wanted)} ON {name(parts['event'])}{condition} EXECUTE FUNCTION {parts['function']}()"
        steps = [Step(words, wanted.ref, "create")]
        return [*steps, self._state(wanted, "create")] if parts["enabled"] != "O" else steps

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if not parts <= {"enabled"}:
            return Alteration(rebuild=True)
        return Alteration((self._state(wanted, "alter"),))

    def _state(self, made: SchemaObject, action: Action) -> Step:
        return Step(f"ALTER {address(made)} {_STATES[made.parts['enabled']]}", made.ref, action)


MAKERS: dict[str, Maker] = {
    "trigger": _OnTables(),
    "rule": _OnTables(),
    "policy": _Policies(),
    "event_trigger": _EventTriggers(),
}
