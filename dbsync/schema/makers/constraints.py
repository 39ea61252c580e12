"""Constraints and indexes, by the definitions that the server prints, and what hangs on an index beside it."""

from __future__ import annotations

import re
from collections.abc import Set

from dbsync.pg.quoting import literal, name
from dbsync.schema.diff import is_implied
from dbsync.schema.makers.addresses import table_name
from dbsync.schema.makers.questions import constraint_checks, index_checks
from dbsync.schema.objects import Ref, SchemaObject
from dbsync.schema.steps import Action, Alteration, Maker, Scene, Step

_ENFORCED = 180000
_LINKS = frozenset({"partition", "inheritance"})
# How a definition ends. Only there: a column may have such a name.
_END = re.compile(r"( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT ENFORCED| NOT VALID)?$")


def constraint_clause(made: SchemaObject) -> str:
    """Return ``CONSTRAINT name ...`` as CREATE TABLE and ADD take it."""
    definition: str = made.parts["definition"]
    place = _end(definition).start()  # before what is said of the constraint itself
    options = with_options(made.parts.get("index_options"))
    return f"CONSTRAINT {name(made.ref.sub)} {definition[:place]}{options}{definition[place:]}"


def with_options(options: list[str] | None) -> str:
    """Return the storage options of a key's index, as a clause."""
    return f" WITH ({', '.join(_option(one) for one in options)})" if options else ""


def _end(definition: str) -> re.Match[str]:
    found = _END.search(definition)
    assert found is not None, "the end may be empty"
    return found


def _option(option: str) -> str:
    key, _, value = option.partition("=")
    return f"{key} = {literal(value)}"


def _alter_table(made: SchemaObject) -> str:
    only = "ONLY " if made.parts["of"] == "p" and made.parts["type"] in "pux" else ""
    words = "FOREIGN TABLE" if made.parts["of"] == "f" else "TABLE"
    return f"ALTER {words} {only}{table_name(made.ref)}"


class _Constraints:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        joins = Ref("partition", wanted.ref.schema, wanted.ref.name) in scene.created  # it needs its parent's checks
        if is_implied(wanted) and not (joins and wanted.parts["type"] == "c"):
            return []
        add = f"{_alter_table(wanted)} ADD {constraint_clause(wanted)}"
        steps = [Step(add, wanted.ref, "create", checks=constraint_checks(wanted, scene))]
        return [*steps, *attach(wanted, scene), *index_facts(wanted, scene)]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        # Without ONLY: the children's copies go with their parent's.
        words = "FOREIGN TABLE" if present.parts["of"] == "f" else "TABLE"
        sql = f"ALTER {words} {table_name(present.ref)} DROP CONSTRAINT {name(present.ref.sub)}"
        return [Step(sql, present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if is_implied(wanted):  # the parent's, from now on: an own one goes, and comes back with that
            links = [link.ref for link in scene.source.members(wanted.ref) if link.ref.kind in _LINKS]
            stays = all(link.kind == "inheritance" and link not in scene.created for link in links)
            other = "definition" in parts and any(link in scene.created for link in links)
            return Alteration(rebuild=other or ("inherited" in parts and stays))
        if is_implied(present):
            leaves = any(
                link.ref in scene.dropped for link in scene.target.members(wanted.ref) if link.ref.kind in _LINKS
            )
            if leaves:  # it keeps what it had from its parent, and may change it then
                return Alteration(rebuild="definition" in parts)
            return Alteration((Step(f"{_alter_table(wanted)} ADD {constraint_clause(wanted)}", wanted.ref, "alter"),))
        old, new = present.parts["definition"], wanted.parts["definition"]
        steps: list[Step] = []
        start = f"ALTER TABLE {table_name(wanted.ref)}"
        if "definition" in parts:
            if old == f"{new} NOT VALID":
                sql = f"{start} VALIDATE CONSTRAINT {name(wanted.ref.sub)}"
                steps.append(Step(sql, wanted.ref, "alter", checks=constraint_checks(wanted, scene)))
            elif wanted.parts["type"] == "f" and _bare(old) == _bare(new) and _validity(old) == _validity(new):
                sql = f"{start} ALTER CONSTRAINT {name(wanted.ref.sub)} {_deferrability(new)}"
                steps.append(Step(sql, wanted.ref, "alter"))
            else:
                return Alteration(rebuild=True)
        if "attached_to" in parts:
            if present.parts["attached_to"] and not detached(present, scene):
                return Alteration(rebuild=True)
            steps += attach(wanted, scene)
        steps += index_facts(wanted, scene, present, parts)
        known = {"definition", "attached_to", "inherited", "clustered", "replica_identity", "index_tablespace",
                 "index_options", "index_comment"}  # fmt: skip
        if wanted.parts["of"] == "p" and wanted.parts.get("index_valid"):
            known.add("index_valid")  # once every partition has its part
        return Alteration(tuple(steps), unplanned=tuple(sorted(parts - known)))


def _bare(definition: str) -> str:
    """A foreign key's definition without what ALTER CONSTRAINT can change."""
    end = _end(definition)
    return definition[: end.start()] + (end[3] or "")


def _validity(definition: str) -> bool:
    return definition.endswith(" NOT VALID")


def _deferrability(definition: str) -> str:
    end = _end(definition)
    if end[2]:
        return "DEFERRABLE INITIALLY DEFERRED"
    return "DEFERRABLE INITIALLY IMMEDIATE" if end[1] else "NOT DEFERRABLE"


def attach(wanted: SchemaObject, scene: Scene) -> list[Step]:
    """Hang a partition's index or key on its parent's; a table that is attached later brings its own along."""
    parent = wanted.parts["attached_to"]
    if not parent:
        return []
    if attaches_with_table(wanted, scene):
        return []
    index = wanted.ref.sub if wanted.ref.kind == "constraint" else wanted.ref.name
    above = name(parent[0], parent[-1])
    return [Step(f"ALTER INDEX {above} ATTACH PARTITION {name(wanted.ref.schema, index)}", wanted.ref, "create")]


def attaches_with_table(wanted: SchemaObject, scene: Scene) -> bool:
    """Whether ATTACH PARTITION of the table, which comes later, will find the index and hang it on its parent's."""
    table = wanted.ref.name if wanted.ref.kind == "constraint" else wanted.parts["table"]
    return Ref("partition", wanted.ref.schema, table) in scene.created


def detached(present: SchemaObject, scene: Scene) -> bool:
    """Whether DETACH PARTITION of the table sets the index free."""
    table = present.ref.name if present.ref.kind == "constraint" else present.parts["table"]
    return Ref("partition", present.ref.schema, table) in scene.dropped


def index_facts(
    wanted: SchemaObject, scene: Scene, present: SchemaObject | None = None, parts: Set[str] | None = None
) -> list[Step]:
    """Return the steps for what an index is to its table: its order on disk, its replica identity, its place."""
    constraint = wanted.ref.kind == "constraint"
    index = wanted.ref.sub if constraint else wanted.ref.name
    table = name(wanted.ref.schema, wanted.ref.name if constraint else wanted.parts["table"])
    action: Action = "create" if present is None else "alter"
    place = "index_tablespace" if constraint else "tablespace"
    found = []

    def changed(key: str) -> bool:
        return bool(wanted.parts.get(key)) if parts is None else key in parts

    if changed("clustered") and wanted.parts["clustered"]:
        found.append(f"ALTER TABLE {table} CLUSTER ON {name(index)}")
    elif changed("clustered") and not _another_is_clustered(wanted, scene):
        found.append(f"ALTER TABLE {table} SET WITHOUT CLUSTER")
    if changed("replica_identity") and wanted.parts["replica_identity"]:
        found.append(f"ALTER TABLE {table} REPLICA IDENTITY USING INDEX {name(index)}")
    if parts is not None and present is not None and "index_options" in parts:
        old, new = present.parts["index_options"] or [], wanted.parts["index_options"] or []
        kept = {option.partition("=")[0] for option in new}
        gone = [key for option in old if (key := option.partition("=")[0]) not in kept]
        fresh = [_option(option) for option in new if option not in old]
        start = f"ALTER INDEX {name(wanted.ref.schema, index)}"
        found += [f"{start} RESET ({', '.join(gone)})"] if gone else []
        found += [f"{start} SET ({', '.join(fresh)})"] if fresh else []
    if constraint and changed("index_comment"):
        comment = literal(wanted.parts["index_comment"])
        found.append(f"COMMENT ON INDEX {name(wanted.ref.schema, index)} IS {comment}")
    if changed(place):
        where = name(wanted.parts[place] or "pg_default")
        found.append(f"ALTER INDEX {name(wanted.ref.schema, index)} SET TABLESPACE {where}")
    return [Step(sql, wanted.ref, action) for sql in found]


def _another_is_clustered(wanted: SchemaObject, scene: Scene) -> bool:
    """Whether another index of the table has the mark, which a table gives to one at a time."""
    others = (made for ref, made in scene.source.objects.items() if ref.kind in ("constraint", "index"))
    return any(other.parts.get("clustered") and _table_of(other) == _table_of(wanted) for other in others)


def _table_of(made: SchemaObject) -> tuple[str, str]:
    return made.ref.schema, made.ref.name if made.ref.kind == "constraint" else made.parts["table"]


class _Indexes:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        steps = [Step(wanted.parts["definition"], wanted.ref, "create", checks=index_checks(wanted, scene))]
        return [*steps, *self._statistics(wanted, "create"), *attach(wanted, scene), *index_facts(wanted, scene)]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP INDEX {name(present.ref.schema, present.ref.name)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if parts & {"definition", "table"} or ("valid" in parts and wanted.parts["valid"]):
            return Alteration(rebuild=True)
        if "attached_to" in parts and present.parts["attached_to"] and not detached(present, scene):
            return Alteration(rebuild=True)
        steps = attach(wanted, scene) if "attached_to" in parts else []
        if "statistics" in parts:
            steps += self._statistics(wanted, "alter", present)
        steps += index_facts(wanted, scene, present, parts)
        known = {"attached_to", "statistics", "clustered", "replica_identity", "tablespace"}
        return Alteration(tuple(steps), unplanned=tuple(sorted(parts - known)))

    def _statistics(self, wanted: SchemaObject, action: Action, present: SchemaObject | None = None) -> list[Step]:
        new = wanted.parts["statistics"] or {}
        old = (present.parts["statistics"] or {}) if present is not None else {}
        index = name(wanted.ref.schema, wanted.ref.name)
        return [
            Step(f"ALTER INDEX {index} ALTER COLUMN {int(number)} SET STATISTICS {int(new.get(number, -1))}",
                 wanted.ref, action)
            for number in sorted(old.keys() | new.keys()) if old.get(number) != new.get(number)
        ]  # fmt: skip


MAKERS: dict[str, Maker] = {"constraint": _Constraints(), "index": _Indexes()}
