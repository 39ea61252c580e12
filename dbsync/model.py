"""What a database holds, as frozen values: names, columns, keys, tables, sequences, the catalog.

Nothing here touches a connection. ``pg.reflect`` fills these in; ``schema`` and ``data`` reason
about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from dbsync.errors import ConfigError

Relkind = Literal["table", "partitioned", "foreign", "view", "matview"]
_PLAIN_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_NAME_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')


# The types whose values can have an order in time.
CursorKind = Literal["int2", "int4", "int8", "numeric", "date", "timestamp", "timestamptz"]


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A relation's schema and name, exactly as the server stores them (no quoting)."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{quote_identifier(self.schema)}.{quote_identifier(self.name)}"

    @classmethod
    def parse(cls, text: str, *, default_schema: str = "public") -> TableName:
        """Read ``table``, ``schema.table`` or ``"Odd Schema"."Odd.Table"``; raise ConfigError else."""
        parts: list[str] = []
        position = 0
        while True:
            match = _NAME_PART.match(text, position)
            if match is None or match.end() == position:
                break
            quoted, plain = match.group(1), match.group(2)
            parts.append(quoted.replace('""', '"') if quoted is not None else plain)
            position = match.end()
            if position == len(text) or text[position] != ".":
                break
            position += 1
        if position != len(text) or not 1 <= len(parts) <= 2 or not all(parts):
            raise ConfigError(f"cannot read the table name {text!r}", hint='write schema.table or "Schema"."Table"')
        return cls(*parts) if len(parts) == 2 else cls(default_schema, parts[0])


def quote_identifier(name: str) -> str:
    """Quote an identifier for *display* when it needs it; SQL is built with psycopg.sql instead."""
    return name if _PLAIN_IDENTIFIER.match(name) else '"' + name.replace('"', '""') + '"'


def split_at(text: str, separator: str) -> tuple[str, str, str]:
    """Like ``str.partition``, but blind to separators inside double quotes."""
    quoted = False
    for position, character in enumerate(text):
        quoted ^= character == '"'
        if character == separator and not quoted:
            return text[:position], separator, text[position + 1 :]
    return text, "", ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnType:
    """The type of a column as one server knows it.

    ``text`` is ``format_type`` under an empty search_path, so user types are schema-qualified.
    ``definition`` spells out what makes a user type what it is (enum labels in order, domain base
    and checks, composite attributes, range subtype), so that two servers can be compared.
    """

    text: str
    oid: int
    schema: str
    name: str
    typmod: int = -1
    kind: Literal["base", "composite", "domain", "enum", "range", "multirange", "pseudo"] = "base"
    element: ColumnType | None = None  # arrays: the element's type
    base: ColumnType | None = None  # domains: the base type
    definition: tuple[str, ...] = ()
    extension: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. ``default`` and ``generation`` are SQL text as the server prints it."""

    name: str
    position: int  # attnum
    type: ColumnType
    nullable: bool = True
    default: str | None = None
    generated: Literal["", "stored", "virtual"] = ""
    generation: str | None = None
    identity: Literal["", "always", "by default"] = ""
    collation: str | None = None  # only when not the type's default
    comment: str | None = None
    readable: bool = True  # may the current role SELECT it
    deterministic: bool = True  # False where its collation calls different texts equal


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueKey:
    """A primary key, a unique constraint or a plain unique index over columns, valid and immediate or not."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    deferrable: bool = False
    nulls_not_distinct: bool = False
    not_null: bool = True  # every column is NOT NULL


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A foreign key as written on ``table`` (clones on partitions are left out)."""

    name: str
    table: TableName
    columns: tuple[str, ...]
    ref_table: TableName
    ref_columns: tuple[str, ...]
    definition: str  # pg_get_constraintdef: holds NOT VALID, DEFERRABLE, actions
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    deferrable: bool = False
    validated: bool = True
    comment: str | None = None
    triggers_enabled: bool = True  # every internal trigger in its usual state
    equals: tuple[str, ...] = ()  # by column, OPERATOR(...): what calls a referred and a referring value equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check (or exclusion) constraint."""

    name: str
    definition: str
    kind: Literal["check", "exclusion"] = "check"
    validated: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index; ``constraint`` names the constraint that owns it, if any."""

    name: TableName
    definition: str  # pg_get_indexdef
    columns: tuple[str, ...]  # expressions as SQL text
    unique: bool = False
    primary: bool = False
    valid: bool = True
    constraint: str | None = None
    constraint_definition: str | None = None  # pg_get_constraintdef of that constraint
    partition_of: TableName | None = None  # the parent index
    tablespace: str | None = None
    comment: str | None = None
    constraint_comment: str | None = None
    is_clustered: bool = False
    is_replica_identity: bool = False
    size: int = 0
    rebuildable: bool = True  # no mark that a new one would not have, and the role may put one in its tablespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A user trigger (internal ones and clones made for partitions included only if user-visible)."""

    name: str
    definition: str
    state: Literal["enabled", "disabled", "replica", "always"] = "enabled"
    clone: bool = False  # made by the server for a partition, from the parent's trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A row-level security policy."""

    name: str
    command: str  # ALL, SELECT, INSERT, UPDATE, DELETE
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None


BY_DEFAULT = "default"  # the collation of the database, in whichever a table is made


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A relation that holds or shows rows. ``size`` is bytes with TOAST, without indexes."""

    name: TableName
    oid: int
    kind: Relkind = "table"
    persistence: Literal["permanent", "unlogged", "temporary"] = "permanent"
    owner: str = ""
    comment: str | None = None
    columns: tuple[Column, ...] = ()
    keys: tuple[UniqueKey, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    policies: tuple[Policy, ...] = ()
    rules: tuple[str, ...] = ()  # definitions, without the _RETURN rule of views
    rls_enabled: bool = False
    rls_forced: bool = False
    rls_active: bool = False  # would policies filter the current role
    partition_of: TableName | None = None
    partition_bound: str | None = None
    partition_key: str | None = None
    partition_sorted_by: tuple[str, ...] = ()  # of a RANGE key, its collations as provider and locale, or BY_DEFAULT
    inherits: tuple[TableName, ...] = ()  # legacy inheritance parents
    definition: str | None = None  # views and materialised views
    populated: bool = True  # materialised views
    row_estimate: int = -1  # reltuples; -1: never analysed
    pages: int = 0  # pages of the main fork now (size / block size), not the stale relpages
    size: int = 0
    index_size: int = 0
    extension: str | None = None  # the extension that owns it
    privileges: frozenset[str] = frozenset()  # of the current role: SELECT INSERT UPDATE DELETE TRUNCATE OWNER

    @property
    def primary_key(self) -> UniqueKey | None:
        """The primary key, or None."""
        return next((key for key in self.keys if key.primary), None)

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence; ``owned_by`` for serial and identity, ``used_by`` from column defaults."""

    name: TableName
    oid: int = 0
    data_type: str = "bigint"
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 9223372036854775807
    cache: int = 1
    cycle: bool = False
    owned_by: tuple[TableName, str] | None = None
    identity: bool = False
    used_by: tuple[tuple[TableName, str], ...] = ()
    extension: str | None = None
    privileges: frozenset[str] = frozenset()  # SELECT, UPDATE, USAGE
    persistence: Literal["permanent", "unlogged", "temporary"] = "permanent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """A function, procedure or aggregate: its signature, language and definition."""

    name: TableName
    oid: int = 0
    kind: Literal["function", "procedure", "aggregate", "window"]
    arguments: str
    returns: str | None
    language: str
    definition: str | None  # None where an extension owns it
    extension: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything reflected from one database in one snapshot.

    System schemas, ``dbsync``'s own schema and temporary schemas are left out. Objects of extensions
    are in, marked by ``extension``.
    """

    database: str
    server_version: str  # "17.10"
    server_version_num: int  # 170010
    encoding: str
    role: str
    sorts_by: str = "C"  # what BY_DEFAULT stands for in this database
    is_superuser: bool = False
    in_recovery: bool = False
    may_create_schema: bool = False  # CREATE on the database
    may_create_temporary: bool = True  # TEMPORARY on the database
    large_objects: int = 0
    schemas: tuple[str, ...] = ()
    may_create_in: frozenset[str] = frozenset()  # schemas where the current role may make objects
    tables: Mapping[TableName, Table] = field(default_factory=dict)
    sequences: Mapping[TableName, Sequence] = field(default_factory=dict)
    types: tuple[ColumnType, ...] = ()  # user-defined ones
    routines: tuple[Routine, ...] = ()
    extensions: Mapping[str, str] = field(default_factory=dict)  # name -> version
    matview_depends: Mapping[TableName, tuple[TableName, ...]] = field(default_factory=dict)  # direct or through views
    matviews_opaque: frozenset[TableName] = frozenset()  # they call functions that may read anything
    extension_config: tuple[TableName, ...] = ()  # tables named in pg_extension.extconfig

    @property
    def major(self) -> int:
        """The server's major version."""
        return self.server_version_num // 10000

    def of_kind(self, *kinds: Relkind) -> Iterator[Table]:
        """The relations of the given kinds, in name order."""
        return (table for _, table in sorted(self.tables.items()) if table.kind in kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collation:
    """A collation as its server provides it. ``version`` is recorded with it, ``actual`` is what there is now."""

    name: str
    provider: str  # c: the C library, i: ICU, b: the server itself
    locale: str | None = None
    version: str | None = None
    actual: str | None = None
    deterministic: bool = True

    @property
    def stale(self) -> bool:
        """Whether indexes may have been built in another order than the present one."""
        return None not in (self.version, self.actual) and self.version != self.actual


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What only ``validate`` asks of a database: collations in use, and replication that touches its tables."""

    default_collation: Collation
    collations: Mapping[str, Collation] = field(default_factory=dict)  # by name as in Column.collation
    unidentified: frozenset[TableName] = frozenset()  # updates or deletes published, no replica identity
    subscribed: frozenset[TableName] = frozenset()
