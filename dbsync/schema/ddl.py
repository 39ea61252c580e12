"""A script that makes an empty database like the reflected one: everything in an order that loads.

What a script cannot hold is counted in ``not_held`` and named in its first lines, never dropped silently.
Owners and rights are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Literal

from dbsync.model import Catalog, Check, ColumnType, Index, Routine, Sequence, Table, TableName, Trigger
from dbsync.pg.reflect_ddl import DdlFacts, Part
from dbsync.schema.ddl_inheritance import Inheritance
from dbsync.schema.ddl_order import Order, SortKey, arrange
from dbsync.schema.ddl_statements import Statements

Thing = ColumnType | Routine | Sequence | Table
ForeignKeys = Literal["with", "without", "only"]

_FOREIGN_KEYS = {
    "without": "Without foreign keys: they come after the rows.",
    "only": "Only foreign keys: the tables must be there, with their rows.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """SQL text, what it does not hold by kind, what a reader should know, and the tables that it does not make."""

    text: str
    not_held: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    unmade: frozenset[TableName] = frozenset()


def create_script(
    catalog: Catalog,
    facts: DdlFacts,
    *,
    whole: bool = True,
    foreign_keys: ForeignKeys = "with",
    there: Collection[str] = ("public",),
) -> Script:
    """Print the catalog as SQL; ``whole`` is False when it holds a selection only.

    ``there``: schemas that need not be made. ``foreign_keys``: a script without them, and then one of only them and
    their comments, make what one script makes.
    """
    return _Script(catalog, facts, whole, foreign_keys, frozenset(there)).script()


class _Script:
    def __init__(
        self, catalog: Catalog, facts: DdlFacts, whole: bool, foreign_keys: ForeignKeys, there: frozenset[str]
    ) -> None:
        self.catalog = catalog
        self.facts = facts
        self.whole = whole
        self.foreign_keys = foreign_keys
        self.there = there
        self.sql = Statements(facts.keywords)
        self.inheritance = Inheritance(catalog, facts.inherited)
        self.things = dict(_things(catalog))
        self.identities = _identities(catalog)
        self.order = self._order()
        self.ordered = frozenset(self.order.parts)
        self.made = {part for part in self.ordered if not part.name}
        self.tables = [table for _, table in sorted(catalog.tables.items()) if Part("relation", table.oid) in self.made]
        self.unbuilt = {
            Part("relation", table.oid, f"index {index.name.name}")
            for table in self.tables
            for index in table.indexes
            if not index.valid and table.kind != "partitioned"
        }

    def script(self) -> Script:
        not_held = dict(sorted(self._not_held().items()))
        warnings = tuple(self._warnings())
        sections = [self._head(not_held, warnings), *self._sections()]
        text = "\n\n".join("\n\n".join(statements) for statements in sections if statements)
        blocked = (self.things.get(part) for part in self.order.blocked if not part.name)
        unmade = frozenset(thing.name for thing in blocked if isinstance(thing, Table))
        return Script(text=text + "\n", not_held=not_held, warnings=warnings, unmade=unmade)

    def _order(self) -> Order:
        keys = {part: _sort_key(thing) for part, thing in self.things.items()}
        unmakeable = frozenset(part for part, thing in self.things.items() if not _makeable(thing))
        return arrange(keys, self.facts.needs, unmakeable=unmakeable, later=self.facts.needs_later)

    def _head(self, not_held: Mapping[str, int], warnings: Iterable[str]) -> list[str]:
        lines = [f"-- Schema of database {self.catalog.database!a}, PostgreSQL {self.catalog.server_version}"]
        if not self.whole:
            lines.append("-- A selection: what these objects need from others must be there already.")
        missing = ", ".join(f"{count} {kind}" for kind, count in not_held.items())
        lines.append(f"-- Not held: owners, rights{', ' + missing if missing else ''}.")
        if self.foreign_keys != "with":
            lines.append(f"-- {_FOREIGN_KEYS[self.foreign_keys]}")
        lines += [f"-- {warning}" for warning in warnings]
        head = ["\n".join(lines)]
        head.append("SET check_function_bodies = off;\nSELECT pg_catalog.set_config('search_path', '', false);")
        return head

    def _sections(self) -> Iterator[list[str]]:
        if self.foreign_keys == "only":
            yield list(self._keys())
            yield list(self._comments())
            return
        if self.whole:
            yield from self._surroundings()
        yield list(self._objects())
        made_with = self.inheritance.parents
        yield [statement for table in self.tables for statement in self.sql.parents(table, made_with(table))]
        yield list(self._constraints())
        yield list(self._indexes())
        if self.foreign_keys == "with":
            yield list(self._keys())
        yield list(self._sequence_owners())
        yield [
            f"{trigger.definition};"
            for table in self.tables
            for trigger in table.triggers
            if not trigger.clone and self._makes(table, f"trigger {trigger.name}")
        ]
        yield [rule for table in self.tables for rule in table.rules]
        yield [
            statement
            for table in self.tables
            for statement in self.sql.trigger_states(table, partial(self._has_trigger, table))
        ]
        yield [
            self.sql.policy(table.name, policy)
            for table in self.tables
            for policy in table.policies
            if self._makes(table, f"policy {policy.name}")
        ]
        yield [statement for table in self.tables for statement in self.sql.row_security(table)]
        yield [statement for part, statement in self.facts.settings if self._stands(part, self.made)]
        oids = {part.oid for part in self.made if part.kind == "relation"}
        yield [statement for oid, statement in self.facts.statistics if oid in oids]
        yield list(self._comments())

    def _surroundings(self) -> Iterator[list[str]]:
        """Schemas, extensions, collations."""
        schemas = [schema for schema in self.catalog.schemas if schema not in self.facts.owned_schemas]
        yield [f"CREATE SCHEMA {self.sql.quote(schema)};" for schema in schemas if schema not in self.there]
        yield [
            f"CREATE EXTENSION IF NOT EXISTS {self.sql.quote(name)}{self._extension_schema(name)};"
            for name in self.facts.extensions
            if name != "plpgsql"
        ]
        yield list(self.facts.collations)

    def _extension_schema(self, name: str) -> str:
        schema = self.facts.extensions[name]
        return "" if schema in self.facts.owned_schemas else f" WITH SCHEMA {self.sql.quote(schema)}"

    def _objects(self) -> Iterator[str]:
        apart: defaultdict[int, set[str]] = defaultdict(set)
        for part in (*self.order.blocked, *self.order.parts):
            if part.name:
                apart[part.oid].add(part.name)
        for part in self.order.parts:
            thing = self.things[part._replace(name="")]
            stands_apart = apart[part.oid]
            if isinstance(thing, Table) and part.name:
                if not self.inheritance.has(thing, part.name):
                    yield from self.sql.part(thing, part.name)
            elif isinstance(thing, ColumnType):
                yield from self.sql.type(thing)
            elif isinstance(thing, Routine):
                yield self.sql.routine(thing)
            elif isinstance(thing, Sequence):
                yield self.sql.sequence(thing)
            elif thing.kind in ("view", "matview"):
                yield self.sql.view(thing)
                defaults = [f"default {column.name}" for column in thing.columns if column.default is not None]
                for name in defaults:
                    if name not in stands_apart:
                        yield from self.sql.part(thing, name)
            else:
                identities = self.identities.get(thing.name, {})
                yield from self.sql.table(
                    thing, identities=identities, not_nulls=self.facts.not_nulls, apart=stands_apart,
                    inheritance=self.inheritance,
                )  # fmt: skip

    def _constraints(self) -> Iterator[str]:
        """What CREATE TABLE cannot say: constraints not validated, and exclusions.

        A parent's statement makes it for partitions and children, too, or takes up what they have: so they come first.
        """
        oids = {table.oid for table in self.tables}
        for table in sorted(self.tables, key=self.inheritance.depth, reverse=True):
            for check in table.checks:
                if not self._is_plain(table, check) and self._makes(table, f"constraint {check.name}"):
                    yield self.sql.constraint(table.name, check.name, check.definition)
            yield from self.facts.late_not_nulls.get(table.oid, ())
        yield from (statement for oid, statement in self.facts.validations if oid in oids)

    def _is_plain(self, table: Table, check: Check) -> bool:
        """Whether CREATE TABLE makes a constraint, or the statement of a parent."""
        if check.kind == "check":
            return check.validated or self.inheritance.has(table, f"constraint {check.name}")
        # 17 does not take up a partition's exclusion, but always makes another one.
        attached = any(index.constraint == check.name and index.partition_of for index in table.indexes)
        return attached and self.catalog.server_version_num < 180000

    def _indexes(self) -> Iterator[str]:
        """Indexes, their parents and marks."""
        tied = {index.name for table in self.tables for index in table.indexes if index.constraint is not None}
        for table in self.tables:
            for index in table.indexes:
                if index.constraint is None and self._makes_index(table, index):
                    yield f"{index.definition};"
        for table in self.tables:
            for index in filter(partial(self._makes_index, table), table.indexes):
                # A constraint's index was tied to its parent's when the partition was attached, or that was made.
                if index.partition_of and not (index.name in tied and index.partition_of in tied):
                    parent, name = self.sql.name(index.partition_of), self.sql.name(index.name)
                    yield f"ALTER INDEX {parent} ATTACH PARTITION {name};"
                yield from self.sql.index_marks(table, index)

    def _keys(self) -> Iterator[str]:
        for table in self.tables:
            for key in table.foreign_keys:
                yield self.sql.constraint(key.table, key.name, key.definition)

    def _makes(self, table: Table, name: str) -> bool:
        """Whether this part of the table is still to be made: not impossible, and not made on the way."""
        part = Part("relation", table.oid, name)
        return part not in self.order.blocked and part not in self.ordered

    def _has_trigger(self, table: Table, trigger: Trigger) -> bool:
        """Whether the trigger could be made; a partition's clone has no part of its own that could be impossible."""
        name = f"trigger {trigger.name}"
        if trigger.clone:
            return all(part.name != name for part in self.order.blocked)
        return Part("relation", table.oid, name) not in self.order.blocked

    def _makes_index(self, table: Table, index: Index) -> bool:
        """Not the index that a failed build left over; the one of a root that waits for its partitions is made."""
        name = f"index {index.name.name}"
        return Part("relation", table.oid, name) not in self.unbuilt and self._makes(table, name)

    def _stands(self, part: Part, made: Set[Part]) -> bool:
        """Whether something, a part of one of these or one of them, is there at the script's end."""
        return part._replace(name="") in made and part not in self.order.blocked and part not in self.unbuilt

    def _sequence_owners(self) -> Iterator[str]:
        for _, sequence in sorted(self.catalog.sequences.items()):
            if sequence.owned_by and Part("relation", sequence.oid) in self.made:
                table, column = sequence.owned_by
                if table in self.catalog.tables and Part("relation", self.catalog.tables[table].oid) not in self.made:
                    continue  # a foreign table, say
                owner = f"{self.sql.name(table)}.{self.sql.quote(column)}"
                yield f"ALTER SEQUENCE {self.sql.name(sequence.name)} OWNED BY {owner};"

    def _comments(self) -> Iterator[str]:
        made = self.made | {
            Part("relation", sequence.oid)
            for table in self.tables
            for sequence in self.identities.get(table.name, {}).values()
        }
        keys = {
            Part("relation", table.oid, f"constraint {key.name}") for table in self.tables for key in table.foreign_keys
        }
        for part, statement in self.facts.comments:
            if self.foreign_keys != "with" and (part in keys) != (self.foreign_keys == "only"):
                continue
            if self._stands(part, made) or (part.kind == "other" and self.whole):
                yield statement

    def _not_held(self) -> Counter[str]:
        found: Counter[str] = Counter(self.facts.not_held if self.whole else {})
        for part in self.order.blocked:
            thing = self.things.get(part._replace(name=""))
            if thing is not None:
                found[_kind(thing) if not part.name else part.name.partition(" ")[0]] += 1
        found["invalid index"] += len(self.unbuilt)
        found["large object"] += self.catalog.large_objects if self.whole else 0
        for table in self.tables:
            found["disabled foreign key trigger"] += sum(not key.triggers_enabled for key in table.foreign_keys)
        return +found

    def _warnings(self) -> Iterator[str]:
        for part in sorted(self.order.blocked):
            thing = self.things.get(part._replace(name=""))
            if thing is not None:
                what = f"{_kind(thing)} {_name(thing)}" + (f", {part.name}" if part.name else "")
                yield f"left out: {what!a}: it is, or needs, what a script of dbsync cannot make"
        for part in self.order.circular:
            yield f"{_name(self.things[part._replace(name='')])!a} is part of a circle: its statement may fail"
        roles = {role for table in self.tables for policy in table.policies for role in policy.roles} - {"public"}
        if roles:
            yield f"policies name roles that must exist: {', '.join(ascii(role) for role in sorted(roles))}"
        if self.whole and "public" not in self.catalog.schemas and "public" in self.there:
            yield "the database has no schema public; the script does not drop it"


def _things(catalog: Catalog) -> Iterator[tuple[Part, Thing]]:
    """What gets a statement of its own: not what an extension owns, nor the sequence of an identity."""
    for type_ in catalog.types:
        if type_.extension is None:
            yield Part("type", type_.oid), type_
    for routine in catalog.routines:
        if routine.extension is None:
            yield Part("routine", routine.oid), routine
    for sequence in catalog.sequences.values():
        if sequence.extension is None and not sequence.identity:
            yield Part("relation", sequence.oid), sequence
    for table in catalog.tables.values():
        if table.extension is None:
            yield Part("relation", table.oid), table


def _identities(catalog: Catalog) -> Mapping[TableName, dict[str, Sequence]]:
    found: dict[TableName, dict[str, Sequence]] = {}
    for sequence in catalog.sequences.values():
        if sequence.identity and sequence.owned_by:
            table, column = sequence.owned_by
            found.setdefault(table, {})[column] = sequence
    return found


def _sort_key(thing: Thing) -> SortKey:
    if isinstance(thing, ColumnType):
        return (0, thing.schema, thing.name, "")
    if isinstance(thing, Sequence):
        return (1, thing.name.schema, thing.name.name, "")
    if isinstance(thing, Routine):
        return (2, thing.name.schema, thing.name.name, thing.arguments)
    rank = 4 if thing.kind in ("view", "matview") else 3
    return (rank, thing.name.schema, thing.name.name, "")


def _makeable(thing: Thing) -> bool:
    if isinstance(thing, ColumnType):
        canonical = any(line.startswith("CANONICAL = ") for line in thing.definition)
        return thing.kind in ("enum", "domain", "composite") or (thing.kind == "range" and not canonical)
    return not (isinstance(thing, Table) and thing.kind == "foreign")


def _kind(thing: Thing) -> str:
    if isinstance(thing, ColumnType):
        return f"{thing.kind} type"
    if isinstance(thing, Routine):
        return thing.kind
    return "sequence" if isinstance(thing, Sequence) else {"foreign": "foreign table"}.get(thing.kind, thing.kind)


def _name(thing: Thing) -> str:
    if isinstance(thing, ColumnType):
        return str(TableName(thing.schema, thing.name))
    return f"{thing.name}({thing.arguments})" if isinstance(thing, Routine) else str(thing.name)
