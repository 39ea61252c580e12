"""PURE: what ``--create`` makes: a target's catalog before it is there, and foreign keys that come after the rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from dbsync.data.units import Skipped
from dbsync.model import Catalog, ForeignKey, Sequence, Table, TableName

_ALL = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "OWNER"})
_NOT_VALID = " NOT VALID"
_FREE_KEYS = 180000  # from this version on: keys that are not enforced, or not valid on a partitioned table


@dataclass(frozen=True, slots=True, kw_only=True)
class LateKey:
    """A foreign key of the source that the target has not, or has not validated.

    ``add``: it is not there. ``validate``: rows are checked in a step of its own, which locks out no writer of either
    table and so runs beside others; else adding it checks them, where it is to be valid at all.
    """

    key: ForeignKey
    add: bool
    validate: bool

    @property
    def label(self) -> str:
        """What reports call it."""
        return f"{self.key.table}: {self.key.name}"


def is_bare(target: Catalog) -> bool:
    """Whether a database has no relation, type or routine of its own; schemas and what extensions own do not count."""
    kinds = (target.tables.values(), target.sequences.values(), target.types, target.routines)
    return not any(thing.extension is None for things in kinds for thing in things)


def as_made(source: Catalog, target: Catalog, *, without: Collection[TableName] = ()) -> Catalog:
    """The target once the source's schema is made in it, without foreign keys: all of it empty, and the role's own.

    ``without``: relations that are not made.
    """
    return replace(
        target,
        schemas=source.schemas,
        may_create_in=frozenset(source.schemas),
        tables={name: _made(table, target) for name, table in source.tables.items() if name not in without},
        sequences={name: _made_sequence(sequence) for name, sequence in source.sequences.items()},
        types=source.types,
        routines=source.routines,
        extensions=source.extensions,
        matview_depends=source.matview_depends,
        matviews_opaque=source.matviews_opaque,
        extension_config=source.extension_config,
    )


def late_keys(source: Catalog, target: Catalog) -> tuple[tuple[LateKey, ...], list[Skipped]]:
    """The foreign keys to add or validate so that the target has the source's, by table; and those it cannot have."""
    late: list[LateKey] = []
    left: list[Skipped] = []
    for name, table in sorted(source.tables.items()):
        if table.extension is None and name in target.tables:
            for each in _of(table, target):
                if isinstance(each, LateKey):
                    late.append(each)
                else:
                    left.append(each)
    return tuple(late), left


def _of(table: Table, target: Catalog) -> Iterator[LateKey | Skipped]:
    has = {key.name: key for key in target.tables[table.name].foreign_keys}
    # Of several that do the same the one that is not valid, so that it will be.
    same = {_shape(key): key for key in sorted(has.values(), key=lambda key: not key.validated)}
    taken = _other_constraints(target.tables[table.name])
    for key in table.foreign_keys:
        if key.ref_table not in target.tables:
            yield _left(key, f"the target has no {key.ref_table}")
            continue
        there = same.get(_shape(key))
        if there is None and key.name in has:
            yield _left(key, "the target has another one of that name")
        elif there is not None:
            if key.validated and not there.validated:
                yield LateKey(key=there, add=False, validate=True)
        elif key.name in taken:
            yield _left(key, "the target has another constraint of that name")
        elif reason := _too_new(key, table, target):
            yield _left(key, reason)
        else:
            plain = table.kind == target.tables[key.ref_table].kind == "table"  # others are checked when they are added
            yield LateKey(key=key, add=True, validate=key.validated and plain)


def _shape(key: ForeignKey) -> tuple[object, ...]:
    """What a key does, whatever it is called."""
    return key.ref_table, key.columns, key.ref_columns, key.definition.removesuffix(_NOT_VALID)


def _other_constraints(table: Table) -> set[str]:
    indexes = {index.constraint for index in table.indexes if index.constraint is not None}
    return {check.name for check in table.checks} | indexes


def _too_new(key: ForeignKey, table: Table, target: Catalog) -> str:
    if target.server_version_num >= _FREE_KEYS or key.validated:
        return ""
    if "NOT ENFORCED" in key.definition:
        return "it is NOT ENFORCED, which the target's version does not know"
    partitioned = table.kind == "partitioned"
    return "it is NOT VALID on a partitioned table, which the target's version does not know" if partitioned else ""


def _left(key: ForeignKey, reason: str) -> Skipped:
    return Skipped(str(key.table), f"its foreign key {key.name} is not added: {reason}")


def _made(table: Table, target: Catalog) -> Table:
    return replace(
        table,
        owner=target.role,
        privileges=_ALL,
        populated=table.populated and table.kind != "matview",  # those are made without their rows
        rls_active=False,  # whether it holds for the owner is seen when it is there
        columns=tuple(replace(column, readable=True) for column in table.columns),
        foreign_keys=(),
        row_estimate=0,
        pages=0,
        size=0,
        index_size=0,
    )


def _made_sequence(sequence: Sequence) -> Sequence:
    return replace(sequence, privileges=frozenset({"SELECT", "UPDATE", "USAGE"}))
