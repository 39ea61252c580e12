"""Turn the rows of ``catalog.sql`` and the Inspector's answers into a Catalog, touching no connection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from dbsync.model import (
    BY_DEFAULT,
    Catalog,
    Check,
    Column,
    ForeignKey,
    Index,
    Policy,
    Routine,
    Sequence,
    Table,
    TableName,
    Trigger,
    UniqueKey,
)
from dbsync.pg.reflect_keys import Inspected
from dbsync.pg.reflect_types import Types

T = TypeVar("T")
Row = tuple[Any, ...]
Rows = Mapping[str, list[Row]]
_RELATIONS: Mapping[str, Any] = {"r": "table", "p": "partitioned", "f": "foreign", "v": "view", "m": "matview"}
_PERSISTENCE: Mapping[str, Any] = {"p": "permanent", "u": "unlogged", "t": "temporary"}
_GENERATED: Mapping[str, Any] = {"": "", "s": "stored", "v": "virtual"}
_IDENTITY: Mapping[str, Any] = {"": "", "a": "always", "d": "by default"}
_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_TRIGGER_STATES: Mapping[str, Any] = {"O": "enabled", "D": "disabled", "R": "replica", "A": "always"}
_COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
_ROUTINES: Mapping[str, Any] = {"f": "function", "p": "procedure", "a": "aggregate", "w": "window"}


def build_catalog(rows: Rows, inspected: Inspected) -> Catalog:
    """Join the rows by oid; an object that vanished between two reads is left out."""
    names = {oid: TableName(schema, name) for oid, schema, name, *_ in rows["relations"]}
    types = Types(rows["types"], rows["type_definitions"])
    parts = _parts_by_table(rows, names, types, inspected)
    (found,) = rows["database"]
    (
        database, version, version_num, encoding, role, superuser, recovery, may_create, temporary, large_objects,
        sorting,
    ) = found  # fmt: skip
    return Catalog(
        database=database,
        server_version=version,
        server_version_num=version_num,
        encoding=encoding,
        sorts_by=_sorting(*sorting),
        role=role,
        is_superuser=superuser,
        in_recovery=recovery,
        may_create_schema=may_create,
        may_create_temporary=temporary,
        large_objects=large_objects,
        schemas=tuple(schema for schema, _ in rows["schemas"]),
        may_create_in=frozenset(schema for schema, may_create in rows["schemas"] if may_create),
        tables={names[row[0]]: _table(row, names, parts, inspected) for row in rows["relations"]},
        sequences={sequence.name: sequence for sequence in _sequences(rows, names)},
        types=types.user_defined(),
        routines=tuple(map(_routine, rows["routines"])),
        extensions=dict(rows["extensions"]),
        matview_depends=_matview_depends(rows, names),
        matviews_opaque=_matviews_opaque(rows, names),
        extension_config=tuple(TableName(schema, name) for schema, name in rows["extension_config"]),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """What belongs to each relation, by its oid."""

    columns: Mapping[int, list[Column]]
    keys: Mapping[int, list[UniqueKey]]
    foreign_keys: Mapping[int, list[ForeignKey]]
    checks: Mapping[int, list[Check]]
    indexes: Mapping[int, list[Index]]
    triggers: Mapping[int, list[Trigger]]
    policies: Mapping[int, list[Policy]]
    rules: Mapping[int, list[str]]


def _sorting(provider: str, locale: str | None, rules: str | None) -> str:
    """How a collation sorts, equal where it surely does so alike: libc spells en_US.utf8 and en_US.UTF-8."""
    if provider == "d":
        return BY_DEFAULT
    spelled = (locale or "").replace("-", "").lower()
    if provider == "b" or (provider == "c" and spelled in ("c", "posix", "c.utf8")):
        return "C"  # bytes are bytes
    return " ".join(filter(None, (provider, spelled, rules)))


def _parts_by_table(rows: Rows, names: Mapping[int, TableName], types: Types, inspected: Inspected) -> _Parts:
    columns = _grouped((row[0], _column(row, types)) for row in rows["columns"])
    foreign_keys = (row for row in rows["foreign_keys"] if row[0] in names and row[6] is not None)
    indexes = [row for row in rows["indexes"] if row[0] in names and row[3] is not None]
    return _Parts(
        columns=columns,
        keys={oid: _keys(names[oid], facts, columns[oid], inspected) for oid, facts in _by_table(indexes).items()},
        foreign_keys=_grouped((row[0], _foreign_key(row, names[row[0]])) for row in foreign_keys),
        checks=_grouped((row[0], _check(row)) for row in rows["checks"] if row[2] is not None),
        indexes=_grouped((row[0], _index(row, inspected)) for row in indexes),
        triggers=_grouped((row[0], _trigger(row)) for row in rows["triggers"] if row[2] is not None),
        policies=_grouped((row[0], _policy(row)) for row in rows["policies"]),
        rules=_grouped((row[0], row[1]) for row in rows["rules"] if row[1] is not None),
    )


def _grouped(pairs: Iterable[tuple[int, T]]) -> defaultdict[int, list[T]]:
    groups: defaultdict[int, list[T]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _by_table(rows: Iterable[Row]) -> Mapping[int, list[Row]]:
    return _grouped((row[0], row) for row in rows)


def _table(row: Row, names: Mapping[int, TableName], parts: _Parts, inspected: Inspected) -> Table:
    (
        oid, schema, name, kind, persistence, owner, row_estimate, pages, size, index_size,
        rls_enabled, rls_forced, rls_active, is_partition, bound, partition_key, parents,
        definition, populated, extension, privileges, sorted_by,
    ) = row  # fmt: skip
    table = TableName(schema, name)
    parent_names = tuple(names[parent] for parent in parents if parent in names)
    return Table(
        name=table,
        oid=oid,
        kind=_RELATIONS[kind],
        persistence=_PERSISTENCE[persistence],
        owner=owner,
        comment=inspected.comments.get(table),
        columns=tuple(parts.columns.get(oid, ())),
        keys=tuple(parts.keys.get(oid, ())),
        foreign_keys=tuple(parts.foreign_keys.get(oid, ())),
        checks=tuple(parts.checks.get(oid, ())),
        indexes=tuple(parts.indexes.get(oid, ())),
        triggers=tuple(parts.triggers.get(oid, ())),
        policies=tuple(parts.policies.get(oid, ())),
        rules=tuple(parts.rules.get(oid, ())),
        rls_enabled=rls_enabled,
        rls_forced=rls_forced,
        rls_active=rls_active,
        partition_of=parent_names[0] if is_partition and parent_names else None,
        partition_bound=bound,
        partition_key=partition_key,
        partition_sorted_by=tuple(_sorting(*each) for each in sorted_by),
        inherits=() if is_partition else parent_names,
        definition=definition,
        populated=populated,
        row_estimate=int(row_estimate),
        pages=pages,
        size=size,
        index_size=index_size,
        extension=extension,
        privileges=frozenset(privileges),
    )


def _column(row: Row, types: Types) -> Column:
    (
        _, name, position, type_oid, typmod, type_text, not_null, expression, generated, identity,
        collation, comment, readable, deterministic,
    ) = row  # fmt: skip
    return Column(
        name=name,
        position=position,
        type=types.of_column(type_oid, typmod, type_text),
        nullable=not not_null,
        default=None if generated else expression,
        generated=_GENERATED[generated],
        generation=expression if generated else None,
        identity=_IDENTITY[identity],
        collation=collation,
        comment=comment,
        readable=readable,
        deterministic=deterministic,
    )


def _keys(table: TableName, indexes: list[Row], columns: list[Column], inspected: Inspected) -> list[UniqueKey]:
    """The keys one can rely on: their index is valid, and equality is what it compares."""
    facts = {row[2]: (row[6], row[7], row[17]) for row in indexes}
    nullable = {column.name for column in columns if column.nullable}
    keys = []
    for key in inspected.keys.get(table, ()):
        valid, immediate, without_overlaps = facts.get(key.name, (False, True, False))
        if valid and not without_overlaps:
            keys.append(
                UniqueKey(
                    name=key.name,
                    columns=key.columns,
                    primary=key.primary,
                    deferrable=not immediate,
                    nulls_not_distinct=key.nulls_not_distinct,
                    not_null=nullable.isdisjoint(key.columns),
                )
            )
    return sorted(keys, key=lambda key: (not key.primary, key.name))


def _foreign_key(row: Row, table: TableName) -> ForeignKey:
    (
        _, name, ref_schema, ref_name, columns, ref_columns, definition, on_delete, on_update,
        deferrable, validated, comment, triggers_enabled, equals,
    ) = row  # fmt: skip
    return ForeignKey(
        name=name,
        table=table,
        columns=tuple(columns),
        ref_table=TableName(ref_schema, ref_name),
        ref_columns=tuple(ref_columns),
        definition=definition,
        on_delete=_ACTIONS[on_delete],
        on_update=_ACTIONS[on_update],
        deferrable=deferrable,
        validated=validated,
        comment=comment,
        triggers_enabled=triggers_enabled,
        equals=tuple(equals),
    )


def _check(row: Row) -> Check:
    _, name, definition, kind, validated = row
    return Check(name=name, definition=definition, kind="exclusion" if kind == "x" else "check", validated=validated)


def _index(row: Row, inspected: Inspected) -> Index:
    (
        _, schema, name, definition, unique, primary, valid, _, constraint, constraint_definition,
        parent_schema, parent_name, tablespace, comment, constraint_comment, clustered, replica_identity, _, size,
        rebuildable,
    ) = row  # fmt: skip
    index = TableName(schema, name)
    return Index(
        name=index,
        definition=definition,
        columns=inspected.index_columns.get(index, ()),
        unique=unique,
        primary=primary,
        valid=valid,
        constraint=constraint,
        constraint_definition=constraint_definition,
        partition_of=TableName(parent_schema, parent_name) if parent_name is not None else None,
        tablespace=tablespace,
        comment=comment,
        constraint_comment=constraint_comment,
        is_clustered=clustered,
        is_replica_identity=replica_identity,
        size=size,
        rebuildable=rebuildable,
    )


def _trigger(row: Row) -> Trigger:
    _, name, definition, state, clone = row
    return Trigger(name=name, definition=definition, state=_TRIGGER_STATES[state], clone=clone)


def _policy(row: Row) -> Policy:
    _, name, command, permissive, roles, using, check = row
    return Policy(
        name=name, command=_COMMANDS[command], permissive=permissive, roles=tuple(roles), using=using, check=check
    )


def _sequences(rows: Rows, names: Mapping[int, TableName]) -> Iterable[Sequence]:
    users = _grouped((row[0], (names[row[1]], row[3])) for row in rows["sequence_users"] if row[1] in names)
    for row in rows["sequences"]:
        (
            oid, schema, name, data_type, start, increment, minimum, maximum, cache, cycle,
            owner_oid, owner_column, identity, persistence, extension, privileges,
        ) = row  # fmt: skip
        yield Sequence(
            name=TableName(schema, name),
            oid=oid,
            data_type=data_type,
            start=start,
            increment=increment,
            minimum=minimum,
            maximum=maximum,
            cache=cache,
            cycle=cycle,
            owned_by=(names[owner_oid], owner_column) if owner_oid in names else None,
            identity=identity,
            used_by=tuple(sorted(users.get(oid, ()))),
            extension=extension,
            privileges=frozenset(privileges),
            persistence=_PERSISTENCE[persistence],
        )


def _routine(row: Row) -> Routine:
    oid, schema, name, kind, arguments, returns, language, definition, extension = row
    return Routine(
        name=TableName(schema, name),
        oid=oid,
        kind=_ROUTINES[kind],
        arguments=arguments,
        returns=returns,
        language=language,
        definition=definition,
        extension=extension,
    )


def _matview_depends(rows: Rows, names: Mapping[int, TableName]) -> dict[TableName, tuple[TableName, ...]]:
    """What each materialised view reads, looking through plain views but not through materialised ones."""
    return {
        names[view]: tuple(sorted(names[reference] for reference in reached if reference in names))
        for view, reached in _reached(rows)
    }


def _matviews_opaque(rows: Rows, names: Mapping[int, TableName]) -> frozenset[TableName]:
    """The materialised views that call functions which may read anything, themselves or through plain views."""
    calling = {oid for (oid,) in rows["view_calls"]}
    kinds = {row[0]: row[3] for row in rows["relations"]}
    return frozenset(
        names[view]
        for view, reached in _reached(rows)
        if view in calling or any(kinds.get(oid) == "v" for oid in calling & reached)
    )


def _reached(rows: Rows) -> Iterator[tuple[int, set[int]]]:
    """Each materialised view with the relations that it reads, those behind plain views and the views included."""
    reads: Mapping[int, list[int]] = _grouped((row[0], row[1]) for row in rows["view_references"])
    kinds = {row[0]: row[3] for row in rows["relations"]}
    for view, kind in kinds.items():
        if kind == "m":
            found: set[int] = set()
            todo = list(reads.get(view, ()))
            while todo:
                reference = todo.pop()
                if reference not in found:
                    found.add(reference)
                    todo += reads.get(reference, ()) if kinds.get(reference) == "v" else ()
            yield view, found
