"""PURE: what differs between two schemas, object by object and attribute by attribute.

``source`` is what is wanted, ``target`` what is there. An attribute that only one of the servers has
(another version) is not compared; an object that Postgres makes by itself for another one is not listed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dbsync.schema.objects import ROUTINES, Grant, Ref, SchemaObject, Snapshot
from dbsync.schema.parents import with_wanted_order
from dbsync.schema.prints import UNQUALIFIED_SINCE, canonical, same_view

_ARGUMENTS = {"argument_names", "argument_modes", "argument_types", "defaults", "tracked", "is_trigger"}
# What only says again what another part says, or where a thing stands.
_DERIVED = {
    "column": {"number", "of", "type_storage"},
    "default": {"of"},
    "constraint": {"of", "columns", "references", "referenced_columns", "valid"},
    "domain_constraint": {"of", "columns", "references", "referenced_columns", "valid"},
    "index": {"of", "unique", "uniqueness"},
    "function": {"signature", "identity", *_ARGUMENTS},
    "procedure": {"signature", "identity", *_ARGUMENTS},
    "aggregate": _ARGUMENTS,
    "trigger": {"of", "own_state"},
    "user_mapping": {"empty"},
    "view": {"populated"},
    "matview": {"populated"},
    "rule": {"of"},
    "extension": {"relocatable", "holds"},
    "collation": {"collencoding"},  # of the database in which it was made
}
PUBLIC = Ref("schema", "", "public")
_VIEW_COLUMNS = frozenset("vm")
_MAINTAIN = 170000

Values = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """An object on both sides: for each part that differs, what is there and what is wanted."""

    ref: Ref
    parts: Mapping[str, Values]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaDiff:
    """What the target lacks, what it has too much, what it has otherwise; in the order of the addresses.

    ``reordered``: tables whose columns stand in another order, which no ALTER can change.
    """

    created: tuple[Ref, ...]
    dropped: tuple[Ref, ...]
    changed: tuple[Change, ...]
    reordered: tuple[Ref, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the schemas are the same."""
        return not (self.created or self.dropped or self.changed)


def compare_schemas(source: Snapshot, target: Snapshot, *, ignore: Collection[str] = ()) -> SchemaDiff:
    """Compare two snapshots. ``ignore``: names of parts to leave out, among them owner, privileges, comments."""
    target = with_wanted_order(source, target)
    wanted, present = (
        {ref: made for ref, made in side.objects.items() if not is_implied(made)} for side in (source, target)
    )
    oldest = min(source.server_version_num, target.server_version_num)
    listed = wanted.keys() | present.keys()
    changes = []
    for ref in sorted(source.objects.keys() & target.objects.keys()):
        one_sided = ref not in wanted or ref not in present
        if _on_another_kind(source.objects[ref], target.objects[ref]):
            continue
        if one_sided and (ref.kind not in ("column", "trigger", "constraint") or ref not in listed):
            continue
        parts = differing_parts(target.objects[ref], source.objects[ref], oldest=oldest, ignore=ignore)
        if source.objects[ref].parts.get("inherited") and ref.kind == "trigger":
            parts = {name: pair for name, pair in parts.items() if name == "enabled"}  # the rest is the parent's
        parts = {name: pair for name, pair in parts.items() if not _is_of_the_version(source, target, ref, name)}
        if parts:
            changes.append(Change(ref, parts))
    both = source.objects.keys() & target.objects.keys()
    others = {ref for ref in both if _on_another_kind(source.objects[ref], target.objects[ref])}
    return SchemaDiff(
        # What is implied on one side only (a partition's copy of a constraint) is there on both.
        created=tuple(sorted((wanted.keys() - target.objects.keys()) | _of_tables(others, source))),
        dropped=tuple(sorted((present.keys() - source.objects.keys()) | _of_tables(others, target))),
        changed=tuple(changes),
        reordered=_reordered(source, target),
    )


def _is_of_the_version(source: Snapshot, target: Snapshot, ref: Ref, part: str) -> bool:
    """Whether a part differs because the servers are of different major versions, whatever made the schemas."""
    older, newer = sorted(side.server_version_num // 10000 for side in (source, target))
    if older == newer:
        return False
    if ref.kind in ("view", "matview") and part == "definition":
        return _printed_alike(source, target, ref)
    if ref == PUBLIC and part in ("owner", "privileges"):
        return older < 15 <= newer
    return ref.kind == "extension" and part == "version"  # each server comes with others


def _printed_alike(source: Snapshot, target: Snapshot, view: Ref) -> bool:
    """Whether two definitions are one, in the words of servers before and after version 16."""
    older, newer = sorted((source, target), key=lambda side: side.server_version_num)
    if not older.server_version_num < UNQUALIFIED_SINCE <= newer.server_version_num:
        return False
    return same_view(*(side.objects[view].parts["definition"] for side in (older, newer)))


def _on_another_kind(wanted: SchemaObject, present: SchemaObject) -> bool:
    """Whether two columns of one name belong to a table and to a view: two things, said by what they belong to."""
    return wanted.ref.kind == "column" and (wanted.parts["of"] in _VIEW_COLUMNS) != (
        present.parts["of"] in _VIEW_COLUMNS
    )


def _of_tables(columns: Collection[Ref], side: Snapshot) -> set[Ref]:
    return {ref for ref in columns if side.objects[ref].parts["of"] not in _VIEW_COLUMNS}


def schema_fingerprint(snapshot: Snapshot) -> str:
    """One hash for all that two snapshots are compared by; equal on servers that print definitions alike."""
    found = []
    for ref, made in sorted(snapshot.objects.items()):
        derived = _DERIVED.get(ref.kind, set())
        parts = {key: _comparable(made, key) for key in made.parts if key not in derived}
        if not is_implied(made):
            found.append([*ref, parts, made.owner, sorted(made.grants), made.comment])
    text = json.dumps(found, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_implied(made: SchemaObject) -> bool:
    """Whether Postgres makes and drops the object together with another one."""
    kind, parts = made.ref.kind, made.parts
    if kind == "constraint":
        return bool(parts["inherited"]) and not parts["attached_to"]
    if kind == "trigger":
        return bool(parts["inherited"]) and not parts["own_state"]
    return (
        kind == "column" and parts["of"] in _VIEW_COLUMNS and not made.comment and not made.grants and not _tuned(parts)
    )


def _tuned(column: Mapping[str, Any]) -> bool:
    """Whether a column of a materialised view has attributes that its query does not give it."""
    return any(column.get(name) is not None for name in ("statistics", "storage", "compression", "options"))


def differing_parts(
    present: SchemaObject, wanted: SchemaObject, *, oldest: int, ignore: Collection[str] = ()
) -> Mapping[str, Values]:
    """Return the parts that differ, owner, privileges and comment too; ``oldest``: the older server's version."""
    found: dict[str, Values] = {}
    derived = _derived(wanted)
    for name in sorted(present.parts.keys() & wanted.parts.keys()):
        if name in derived or name in ignore:
            continue
        pair = _comparable(present, name, ignore), _comparable(wanted, name, ignore)
        if pair[0] != pair[1]:
            found[name] = pair
    if "owner" not in ignore and present.owner != wanted.owner:
        found["owner"] = (present.owner, wanted.owner)
    grants = _grants(present, oldest), _grants(wanted, oldest)
    if "privileges" not in ignore and grants[0] != grants[1]:
        found["privileges"] = grants
    if "comments" not in ignore and present.comment != wanted.comment:
        found["comment"] = (present.comment, wanted.comment)
    return found


def comparable_parts(made: SchemaObject, *, ignore: Collection[str] = ()) -> Mapping[str, Any]:
    """What an object is compared by with one of any other schema, its owner, grants and comment aside."""
    if made.ref.kind == "trigger" and made.parts["inherited"]:
        return {"enabled": made.parts["enabled"]}  # the rest is the parent's
    derived = _derived(made)
    return {name: _comparable(made, name, ignore) for name in made.parts if name not in derived}


def _derived(made: SchemaObject) -> set[str]:
    derived = _DERIVED.get(made.ref.kind, set())
    if made.ref.kind == "column" and made.parts["of"] in _VIEW_COLUMNS:
        return derived | {"type", "collation"}  # what the view's query gives it
    return derived


def _comparable(made: SchemaObject, name: str, ignore: Collection[str] = ()) -> Any:
    value = made.parts[name]
    if isinstance(value, str) and (made.ref.kind not in ROUTINES or made.parts["tracked"]):
        return canonical(value)
    if name == "identity" and isinstance(value, dict):  # of a column: the sequence behind it
        left_out = {"grants": "privileges", "comment": "comments"}
        return {each: value[each] for each in value if left_out.get(each) not in ignore}
    if name == "attributes" and value is not None and "comments" in ignore:
        return [{**attribute, "comment": None} for attribute in value]
    if name == "not_null_constraint" and value is not None:
        usual = default_not_null_name(made.ref)
        return {**value, "name": None if value["name"] == usual else value["name"]}
    return value


def default_not_null_name(ref: Ref) -> str:
    """The name that Postgres gives to the NOT NULL of a column (from 18 on) or domain (17), where it is free."""
    return "_".join(part for part in (ref.name, ref.sub, "not_null") if part)


def _grants(made: SchemaObject, oldest: int) -> frozenset[Grant]:
    if oldest >= _MAINTAIN:
        return made.grants
    return frozenset(grant for grant in made.grants if grant.privilege != "MAINTAIN")


def _reordered(source: Snapshot, target: Snapshot) -> tuple[Ref, ...]:
    orders = [_column_orders(side) for side in (source, target)]
    found = []
    for table in sorted(orders[0].keys() & orders[1].keys()):
        common = set(orders[0][table]) & set(orders[1][table])
        first, second = ([name for name in order[table] if name in common] for order in orders)
        if first != second:
            found.append(Ref("table", *table))
    return tuple(found)


def _column_orders(side: Snapshot) -> Mapping[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for ref, made in side.objects.items():
        if ref.kind == "column" and made.parts["of"] not in _VIEW_COLUMNS:
            found.setdefault((ref.schema, ref.name), []).append((made.parts["number"], ref.sub))
    return {table: [name for _, name in sorted(columns)] for table, columns in found.items()}
