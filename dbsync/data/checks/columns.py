"""PURE: checks of columns that pair: NULL, types that are wider, defaults, generation, identity, collations."""

from __future__ import annotations

from collections.abc import Iterator

from dbsync.data.checks.databases import order, spelled, versions_differ
from dbsync.data.checks.pairs import Checked, TablePair, bottom, quoted
from dbsync.data.problem import Problem
from dbsync.model import Circumstances, Collation, Column, ColumnType, Table

_NEXTVAL = "nextval("


def column_problems(found: Checked) -> Iterator[Problem]:
    """Yield what a pair of columns that can be copied may still surprise with."""
    for pair in found.roots:
        unique = {name for key in pair.target.keys for name in key.columns}
        for column, other in pair.columns:
            yield from _nulls(pair, column, other)
            yield from _types(pair, column, other)
            yield from _values(pair, column, other)
            yield from _numbering(pair, column, other)
            yield from _collations(pair, column, other, found, unique=column.name in unique)


def _nulls(pair: TablePair, column: Column, other: Column) -> Iterator[Problem]:
    if not other.generated and column.nullable and not other.nullable:
        said = f"{quoted(column)} may be NULL in the source, not in the target"
        yield pair.found("column_not_null", said, column=column.name)


def _types(pair: TablePair, column: Column, other: Column) -> Iterator[Problem]:
    left, right = bottom(column.type), bottom(other.type)
    sides = (column.type.text, other.type.text)
    if left.kind == right.kind == "enum":
        extra = [label for label in right.definition if label not in left.definition]
        if extra:
            labels = ", ".join(map(repr, extra))
            said = f"{quoted(column)}: the target's enum {right.text} also has {labels}"
            yield pair.found("enum_extra", said, column=column.name)
    elif _unlike(column.type, other.type, pair):
        said = f"{quoted(column)} is {sides[0]} in the source, {sides[1]} in the target, which holds every value of it"
        yield pair.found("column_wider", said, column=column.name, sides=sides)


def _unlike(left: ColumnType, right: ColumnType, pair: TablePair) -> bool:
    """Whether the texts differ for another reason than that a schema is called otherwise."""
    if left.text == right.text or left.extension is not None:
        return False
    return (left.name, left.typmod) != (right.name, right.typmod) or right.schema != pair.schemas.get(left.schema)


def _values(pair: TablePair, column: Column, other: Column) -> Iterator[Problem]:
    if column.generated and not other.generated:
        said = f"{quoted(column)} is generated in the source, plain in the target"
        yield pair.found("generated_plain", said, column=column.name, sides=(column.generation, None))
    if column.generated or other.generated or _numbers(column) or _numbers(other):
        return
    if pair.as_target(column.default) != other.default:
        sides = (column.default, other.default)
        said = (
            f"{quoted(column)} has the default {sides[0] or 'NULL'} in the source, {sides[1] or 'NULL'} in the target"
        )
        yield pair.found("default_differs", said, column=column.name, sides=sides)


def _numbering(pair: TablePair, column: Column, other: Column) -> Iterator[Problem]:
    sides = (column.identity or column.default, other.identity or other.default)
    if column.identity and other.identity and column.identity != other.identity:
        said = f"{quoted(column)} is GENERATED {sides[0]} in the source, {sides[1]} in the target".replace(
            "always", "ALWAYS"
        )
        yield pair.found("identity_kind", said.replace("by default", "BY DEFAULT"), column=column.name, sides=sides)
    elif _numbers(column) and not _numbers(other) and not other.generated:
        said = f"{quoted(column)} is numbered in the source (identity or sequence), not in the target"
        yield pair.found("identity_missing", said, column=column.name, sides=sides)
    elif _numbers(other) and not _numbers(column):
        said = f"{quoted(column)} is numbered in the target (identity or sequence), not in the source"
        yield pair.found("identity_extra", said, column=column.name, sides=sides)


def _numbers(column: Column) -> bool:
    return bool(column.identity) or _NEXTVAL in (column.default or "")


def _collations(pair: TablePair, column: Column, other: Column, found: Checked, *, unique: bool) -> Iterator[Problem]:
    left, right = _collation(column, pair.source, found.source), _collation(other, pair.target, found.target)
    if left is None or right is None:
        return
    sides = (f"{left.name} ({spelled(left)})", f"{right.name} ({spelled(right)})")
    if unique and column.deterministic and not other.deterministic:
        said = f"{quoted(column)} is unique, and its collation {right.name} calls different texts equal"
        yield pair.found("collation_key", said, column=column.name, sides=sides)
    elif left.name == right.name == "default":
        return  # told once for the databases
    elif order(left) != order(right):
        said = f"{quoted(column)} has the collation {sides[0]} in the source, {sides[1]} in the target"
        yield pair.found("collation_differs", said, column=column.name, sides=sides)
    elif left.name == right.name and versions_differ(left, right):
        said = f"{quoted(column)}: {left.name} has version {left.version} in the source, {right.version} in the target"
        yield pair.found("collation_version", said, column=column.name, sides=(left.version, right.version))


def _collation(column: Column, table: Table, around: Circumstances) -> Collation | None:
    """The column's collation; a domain's own, which the domain's definition spells, is not told here."""
    if column.collation is None:
        return around.default_collation
    return around.collations.get(column.collation)
