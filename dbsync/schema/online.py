"""A plan for a database in use: what would block writers for long is split into pieces that do not.

Indexes are built CONCURRENTLY and swapped by name; foreign keys, checks and NOT NULL are added NOT VALID and
validated in a transaction of their own; keys take a unique index that was built before. These pieces come
after everything else, so that views and functions are not away while an index is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dbsync.pg.quoting import name
from dbsync.schema.makers.addresses import altering
from dbsync.schema.makers.constraints import with_options
from dbsync.schema.objects import TYPES, Ref, SchemaObject
from dbsync.schema.steps import Scene, Step

_CREATE_INDEX = re.compile(r"^CREATE (UNIQUE )?INDEX ")
_KEY = re.compile(
    r"^(PRIMARY KEY|UNIQUE)(?P<nulls> NULLS NOT DISTINCT)? (?P<columns>\([^()]*\))(?P<include> INCLUDE \([^()]*\))?"
    r"(?P<deferred>(?: DEFERRABLE)?(?: INITIALLY DEFERRED)?)$"
)
_SET_NOT_NULL = " SET NOT NULL"
_NOT_NULL_CONSTRAINTS = 180000
_LONGEST_NAME = 63


def online_steps(steps: Sequence[Step], scene: Scene) -> list[Step]:
    """Return the steps rearranged so that no table that is in use is locked for longer than a moment."""
    return _Online(steps, scene).steps()


class _Online:
    def __init__(self, steps: Sequence[Step], scene: Scene) -> None:
        self.given, self.scene = steps, scene
        self.first: list[Step] = []
        self.middle: list[Step] = []
        self.last: list[Step] = []
        self.swapped: list[Step] = []
        self.late: set[Ref] = set()
        self.rebuilt_types = {s.ref for s in steps if s.ref.kind in TYPES and " ADD VALUE " not in s.sql}
        self.made_anew = {s.ref for s in steps if s.action == "create" and s.ref.kind == "index"}

    def steps(self) -> list[Step]:
        for step in self.given:
            pieces = list(self._pieces(step))
            if pieces != [step]:
                self.late.add(step.ref)
            if pieces == [step]:
                self._place(step)
            else:
                self.last += pieces
        return [*self.first, *self.middle, *self.last, *self.swapped]

    def _place(self, step: Step) -> None:
        """A step stays where it is, unless it needs what comes late."""
        needed = self.scene.source.needs.get(step.ref, frozenset())
        if step.action != "drop" and (step.ref in self.late or needed & self.late):
            self.late.add(step.ref)
            self.last.append(step)
        elif step.action == "drop" and step.ref.kind == "index":
            self._drop_index(step)
        else:
            self.middle.append(step)

    def _pieces(self, step: Step) -> Iterator[Step]:
        wanted = self.scene.source.objects.get(step.ref)
        if wanted is None or not self._in_use(wanted):
            yield step
        elif step.ref.kind == "index" and _CREATE_INDEX.match(step.sql) and wanted.parts["of"] in "rm":
            yield _concurrently(step)
        elif step.ref.kind == "constraint" and step.action == "create" and " ADD CONSTRAINT " in step.sql:
            yield from self._constraint(step, wanted)
        elif step.ref.kind == "column" and wanted.parts["of"] == "r":
            yield from self._not_null(step, wanted)
        else:
            yield step

    def _in_use(self, made: SchemaObject) -> bool:
        """Whether the table is there now and stays."""
        table = made.parts["table"] if made.ref.kind == "index" else made.ref.name
        relations = {Ref(kind, made.ref.schema, table) for kind in ("table", "matview")}
        return bool(relations & self.scene.target.objects.keys()) and not relations & self.scene.created

    def _drop_index(self, step: Step) -> None:
        present = self.scene.target.objects[step.ref]
        simple = present.parts["of"] in "rm" and not present.parts["attached_to"]
        if not self._in_use(present) or not simple or self._loses_its_ground(step.ref):
            self.middle.append(step)
            return
        where = name(step.ref.schema, step.ref.name)
        wanted = self.scene.source.objects.get(step.ref)
        if step.ref in self.made_anew and wanted is not None and self._in_use(wanted) and wanted.parts["of"] in "rm":
            former = _former(step.ref.name)
            self.middle.append(Step(f"ALTER INDEX {where} RENAME TO {name(former)}", step.ref, "alter"))
            drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name(step.ref.schema, former)}"
            self.swapped.append(replace(step, sql=drop, transactional=False))
            return
        gone = replace(step, sql=f"DROP INDEX CONCURRENTLY IF EXISTS {where}", transactional=False)
        held = any(step.ref in needed for ref, needed in self.scene.target.needs.items() if ref in self.scene.dropped)
        (self.swapped if held else self.first).append(gone)

    def _loses_its_ground(self, index: Ref) -> bool:
        """Whether something that the index needs goes or becomes another type before it could be dropped."""
        needs, dropped = self.scene.target.needs, self.scene.dropped | self.rebuilt_types
        for ref in needs.get(index, frozenset()):
            if ref in dropped:
                return True
            wanted = self.scene.source.objects.get(ref)
            if ref.kind == "column" and wanted is not None:
                present = self.scene.target.objects[ref]
                if present.parts["type"] != wanted.parts["type"] or needs.get(ref, frozenset()) & dropped:
                    return True
        return False

    def _constraint(self, step: Step, wanted: SchemaObject) -> Iterator[Step]:
        parts = wanted.parts
        partitioned_key = parts["of"] == "p" and self.scene.target.server_version_num < _NOT_NULL_CONSTRAINTS
        if parts["type"] in "fc" and parts["valid"] and "NOT ENFORCED" not in parts["definition"]:
            if parts["type"] == "f" and partitioned_key:
                yield step
                return
            yield from _validated(step, wanted)
            return
        key = _KEY.match(parts["definition"])
        if key is None or parts["of"] != "r" or parts["attached_to"] or " WITHOUT OVERLAPS" in parts["definition"]:
            yield step
            return
        table, index = name(wanted.ref.schema, wanted.ref.name), name(wanted.ref.sub)
        build = (
            f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table} {key['columns']}"
            f"{key['include'] or ''}{key['nulls'] or ''}{with_options(parts.get('index_options'))}"
        )
        yield replace(step, sql=build, transactional=False)
        kind = parts["definition"].partition(" (")[0].removesuffix(" NULLS NOT DISTINCT")
        add = f"ALTER TABLE {table} ADD CONSTRAINT {index} {kind} USING INDEX {index}{key['deferred']}"
        yield Step(add, step.ref, "create")

    def _not_null(self, step: Step, wanted: SchemaObject) -> Iterator[Step]:
        table, column = name(wanted.ref.schema, wanted.ref.name), name(wanted.ref.sub)
        if step.sql.endswith(_SET_NOT_NULL):
            check = name(_former(f"{wanted.ref.name}_{wanted.ref.sub}"))
            # Of a composite IS NOT NULL would ask more than NOT NULL does, and prove nothing to the server.
            add = f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({column} IS DISTINCT FROM NULL)"
            yield from _validated(replace(step, sql=add), wanted, _former(f"{wanted.ref.name}_{wanted.ref.sub}"))
            yield replace(step, checks=())
            yield Step(f"ALTER TABLE {table} DROP CONSTRAINT {check}", step.ref, "alter")
        elif " NOT NULL " in step.sql and " ADD CONSTRAINT " in step.sql and not step.sql.endswith(" NOT VALID"):
            yield from _validated(step, wanted, wanted.parts["not_null_constraint"]["name"])
        else:
            yield step


def _concurrently(step: Step) -> Step:
    return replace(step, sql=step.sql.replace("INDEX ", "INDEX CONCURRENTLY ", 1), transactional=False)


def _validated(step: Step, wanted: SchemaObject, constraint: str = "") -> Iterator[Step]:
    """Add without looking at the rows, then look at them under a lock that lets writers work."""
    yield replace(step, sql=f"{step.sql} NOT VALID", checks=())
    validate = f"{altering(wanted)} VALIDATE CONSTRAINT {name(constraint or wanted.ref.sub)}"
    yield Step(validate, step.ref, step.action, checks=step.checks, own_transaction=True)


def _former(name_: str) -> str:
    """A name for what is on its way out."""
    return f"dbsync_former_{name_}".encode()[:_LONGEST_NAME].decode(errors="ignore")
