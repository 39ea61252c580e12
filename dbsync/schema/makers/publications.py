"""Publications, and extended statistics: what stands beside tables and names their columns."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from dbsync.pg.quoting import literal, name, names
from dbsync.schema.makers.addresses import address
from dbsync.schema.objects import Ref, SchemaObject
from dbsync.schema.steps import Action, Alteration, Maker, Scene, Step

_KINDS = {"pubinsert": "insert", "pubupdate": "update", "pubdelete": "delete", "pubtruncate": "truncate"}
_GENERATED = {"n": "none", "s": "stored"}
_MEMBERS = frozenset({"tables", "schemas"})


class _Publications:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        members = "ALL TABLES" if wanted.parts["all_tables"] else _members(wanted.parts)
        words = f" FOR {members}" if members else ""
        sql = f"CREATE {address(wanted)}{words} WITH ({_options(wanted.parts, scene)})"
        return [Step(sql, wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        known = _MEMBERS | {*_KINDS, "pubviaroot", "pubgencols"}
        if not parts <= known:
            return Alteration(rebuild=True)
        start, sqls = f"ALTER {address(wanted)}", []
        if parts - _MEMBERS:
            sqls.append(f"{start} SET ({_options(wanted.parts, scene)})")
        if parts & _MEMBERS and (members := _members(wanted.parts)):
            sqls.append(f"{start} SET {members}")
        elif parts & _MEMBERS:
            sqls += [f"{start} DROP {member}" for member in _to_drop(present.parts, scene)]
        return Alteration(tuple(Step(sql, wanted.ref, "alter") for sql in sqls))


def _options(parts: Mapping[str, Any], scene: Scene) -> str:
    kinds = ", ".join(word for key, word in _KINDS.items() if parts[key])
    found = [f"publish = {literal(kinds)}"]
    if "pubviaroot" in parts:
        found.append(f"publish_via_partition_root = {'true' if parts['pubviaroot'] else 'false'}")
    if "pubgencols" in parts and scene.target.server_version_num >= 180000:
        found.append(f"publish_generated_columns = {_GENERATED[parts['pubgencols']]}")
    return ", ".join(found)


def _members(parts: Mapping[str, Any]) -> str:
    """The tables, with ONLY so that none of their children comes along, and the schemas."""
    tables = ", ".join(_table(table) for table in parts["tables"] or ())
    schemas = names(list(parts.get("schemas") or ()))
    return ", ".join(
        words for words in (f"TABLE {tables}" if tables else "", f"TABLES IN SCHEMA {schemas}" if schemas else "")
        if words
    )  # fmt: skip


def _table(table: Mapping[str, Any]) -> str:
    words = f"ONLY {name(table['schema'], table['name'])}"
    if table["columns"]:
        words += f" ({names(table['columns'])})"
    return f"{words} WHERE ({table['where']})" if table["where"] else words


def _to_drop(parts: Mapping[str, Any], scene: Scene) -> list[str]:
    """What is to leave a publication that keeps nothing; a table that is dropped leaves by itself."""
    found = [
        f"TABLE ONLY {name(table['schema'], table['name'])}"
        for table in parts["tables"] or ()
        if Ref("table", table["schema"], table["name"]) not in scene.dropped
    ]
    schemas = [schema for schema in parts.get("schemas") or () if Ref("schema", "", schema) not in scene.dropped]
    return found + ([f"TABLES IN SCHEMA {names(schemas)}"] if schemas else [])


class _Statistics:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        steps = [Step(wanted.parts["definition"], wanted.ref, "create")]
        return [*steps, self._target(wanted, "create")] if wanted.parts["target"] is not None else steps

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if parts != {"target"}:
            return Alteration(rebuild=True)
        return Alteration((self._target(wanted, "alter"),))

    def _target(self, made: SchemaObject, action: Action) -> Step:
        target = -1 if made.parts["target"] is None else made.parts["target"]
        return Step(f"ALTER {address(made)} SET STATISTICS {target}", made.ref, action)


MAKERS: dict[str, Maker] = {"publication": _Publications(), "statistics": _Statistics()}
