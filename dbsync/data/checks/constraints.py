"""PURE: checks of constraints and indexes: what only one side has, and what reads otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

from dbsync.data.checks.pairs import Checked, TablePair
from dbsync.data.problem import Problem
from dbsync.data.units import family_of
from dbsync.model import Check, ForeignKey, Index, Table, UniqueKey, quote_identifier

T = TypeVar("T")
_NAME = r'(?:"(?:[^"]|"")+"|[^\s".]+)'
_INDEX_HEAD = re.compile(rf"CREATE (?:UNIQUE )?INDEX {_NAME} ON (?:ONLY )?{_NAME}(?:\.{_NAME})? ")
_NOT_VALID = " NOT VALID"


def constraint_problems(found: Checked) -> Iterator[Problem]:
    """Yield constraints and indexes that differ, and foreign keys that cross the border of the selection."""
    yield from _border(found)
    for pair in found.pairs:
        yield from _foreign_keys(pair, found)
        yield from _unique_keys(pair)
        yield from _checks(pair)
        if pair.above is None:
            yield from _primary_key(pair)
            yield from _indexes(pair)


def _border(found: Checked) -> Iterator[Problem]:
    draft = found.draft
    selected = {table.name for unit in draft.selection.units for table in family_of(draft.target, unit.target)}
    told = {(problem.table, problem.name) for problem in draft.plan.refusals}
    for table in draft.target.tables.values():
        for key in table.foreign_keys:
            inside = (key.table in selected, key.ref_table in selected)
            if inside == (True, False):
                said = f"{key.table} refers by foreign key {key.name} to {key.ref_table}, which is not selected"
                yield Problem("foreign_key_parent", said, key.table, name=key.name)
            elif inside == (False, True) and (key.table, key.name) not in told:
                said = f"{key.table}, which is not selected, refers to {key.ref_table} by foreign key {key.name}"
                yield Problem("foreign_key_child", said, key.table, name=key.name)


def _foreign_keys(pair: TablePair, found: Checked) -> Iterator[Problem]:
    options = found.draft.plan.options
    ours = {(key.columns, options.target_name(key.ref_table), key.ref_columns): key for key in pair.source.foreign_keys}
    theirs = {(key.columns, key.ref_table, key.ref_columns): key for key in pair.target.foreign_keys}
    for place, key in theirs.items():
        if place not in ours:
            said = f"foreign key {quote_identifier(key.name)} is in the target only"
            yield pair.found("foreign_key_extra", said, name=key.name)
        elif _manner(ours[place]) != _manner(key):
            sides = (_manner(ours[place]), _manner(key))
            said = f"foreign key {quote_identifier(key.name)} is {sides[0]} in the source, {sides[1]} in the target"
            yield pair.found("foreign_key_differs", said, name=key.name, sides=sides)
    yield from _missing(pair, "foreign key", [key.name for place, key in ours.items() if place not in theirs])


def _manner(key: ForeignKey) -> str:
    words = [f"ON DELETE {key.on_delete}", f"ON UPDATE {key.on_update}"]
    words += ["DEFERRABLE"] if key.deferrable else []
    words += ["INITIALLY DEFERRED"] if "INITIALLY DEFERRED" in key.definition else []
    words += [] if key.validated else ["NOT VALID"]
    words += ["NOT ENFORCED"] if "NOT ENFORCED" in key.definition else []
    return " ".join(words)


def _missing(pair: TablePair, what: str, names: list[str]) -> Iterator[Problem]:
    for name in names:
        said = f"{what} {quote_identifier(name)} is in the source only"
        yield pair.found("constraint_missing", said, name=name)


def _unique_keys(pair: TablePair) -> Iterator[Problem]:
    """What is unique in the target but not in the source: by columns, and by definition where it is an expression."""
    source, target = pair.source, pair.target
    unique = {frozenset(key.columns) for key in source.keys}
    for own in target.keys:
        twins = [key for key in source.keys if frozenset(key.columns) <= frozenset(own.columns)]
        if not twins:
            said = f"unique key {quote_identifier(own.name)} is in the target only"
            yield pair.found("unique_extra", said, name=own.name)
        elif own.nulls_not_distinct and not any(_takes_no_nulls_twice(key) for key in twins):
            said = f"unique key {quote_identifier(own.name)} takes NULL once in the target, often in the source"
            yield pair.found("unique_nulls", said, name=own.name)
    ours, theirs = _as_target(pair, _unique_indexes(source)), _unique_indexes(target)
    for tail, index in theirs.items():
        if tail not in ours:
            said = f"unique index {quote_identifier(index.name.name)} is in the target only"
            yield pair.found("unique_extra", said, name=index.name.name)
    held = {frozenset(key.columns) for key in target.keys}
    lacking = [key.name for key in source.keys if not key.primary and frozenset(key.columns) not in held]
    lacking += [index.name.name for tail, index in ours.items() if tail not in theirs]
    if pair.above is None and unique:
        yield from _missing(pair, "unique key", lacking)


def _takes_no_nulls_twice(key: UniqueKey) -> bool:
    return key.not_null or key.nulls_not_distinct


def _unique_indexes(table: Table) -> dict[str, Index]:
    """Unique indexes that are no plain keys: partial ones, those on expressions, and WITHOUT OVERLAPS."""
    keys = {key.name for key in table.keys}
    return {
        _tail(index): index
        for index in table.indexes
        if index.unique and index.valid and index.name.name not in keys and index.partition_of is None
    }


def _tail(index: Index) -> str:
    """A definition without the names of the index and its table."""
    return _INDEX_HEAD.sub("", index.definition, count=1)


def _checks(pair: TablePair) -> Iterator[Problem]:
    ours, theirs = _as_target(pair, _definitions(pair.source)), _definitions(pair.target)
    inherited = (_as_target(pair, _definitions(pair.above[0])), _definitions(pair.above[1])) if pair.above else ({}, {})
    for definition, check in theirs.items():
        if definition in ours or definition in inherited[1]:
            continue
        said = f"constraint {quote_identifier(check.name)} is in the target only"
        yield pair.found("exclusion_extra" if check.kind == "exclusion" else "check_extra", said, name=check.name)
    lacking = [one.name for text, one in ours.items() if text not in theirs and text not in inherited[0]]
    yield from _missing(pair, "constraint", lacking)


def _as_target(pair: TablePair, definitions: Mapping[str, T]) -> dict[str, T]:
    return {pair.as_target(text) or text: held for text, held in definitions.items()}


def _definitions(table: Table) -> dict[str, Check]:
    return {check.definition.removesuffix(_NOT_VALID): check for check in table.checks}


def _primary_key(pair: TablePair) -> Iterator[Problem]:
    ours, theirs = pair.source.primary_key, pair.target.primary_key
    if ours is None or (theirs is not None and set(theirs.columns) == set(ours.columns)):
        return
    sides = (_columns(ours), _columns(theirs) if theirs is not None else None)
    said = f"its primary key is ({sides[0]}) in the source, " + (
        f"({sides[1]}) in the target" if theirs else "the target has none"
    )
    yield pair.found("primary_key_differs", said, sides=sides)


def _columns(key: UniqueKey) -> str:
    return ", ".join(map(quote_identifier, key.columns))


def _indexes(pair: TablePair) -> Iterator[Problem]:
    """The indexes that make nothing unique, which matter for speed alone."""
    ours, theirs = _as_target(pair, _plain(pair.source)), _plain(pair.target)
    told = [
        f"{word} has {', '.join(quote_identifier(mine[tail].name.name) for tail in sorted(mine.keys() - other.keys()))}"
        for word, mine, other in (("only the source", ours, theirs), ("only the target", theirs, ours))
        if mine.keys() - other.keys()
    ]
    if told:
        yield pair.found("indexes_differ", f"indexes differ: {'; '.join(told)}")


def _plain(table: Table) -> dict[str, Index]:
    return {
        _tail(index): index
        for index in table.indexes
        if not index.unique and index.constraint is None and index.partition_of is None
    }
