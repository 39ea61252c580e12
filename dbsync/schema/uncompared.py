"""PURE: what a comparison of two schemas leaves uncompared, each with its number and the reason."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dbsync.schema.diff import PUBLIC, SchemaDiff, default_not_null_name
from dbsync.schema.objects import Ref, Snapshot

# Values that mean "nothing was said" in attributes that only newer servers have.
_USUAL: Mapping[str, Any] = {"pubgencols": "n", "pubviaroot": False}
_NOTHING: tuple[Any, ...] = (None, False, "", [], {})
_REASONS = {
    "subscription": "what it replicates is not read: it may hold a password",
    "database setting": "ALTER DATABASE and ALTER ROLE IN DATABASE ... SET belong to the database, not to its schema",
    "database privilege": "it belongs to the database, not to its schema",
    "database comment": "it belongs to the database, not to its schema",
    "large object": "its owner and rights are not compared; what it holds is data",
    "comment on a part": "what it describes is no object of its own, or comes with its parent's",
    "dependence of a part on an extension": "the index of a key is no object of its own",
    "privilege on what an extension made": "what extensions make is not compared",
    "privilege on what Postgres brings": "what is in pg_catalog is not compared",
    "privilege on a system column": "system columns are not compared",
    "privilege on the row type of a table": "no dump holds it",
    "foreign key with a disabled trigger": "no dump holds it; such a key is not kept",
    "type of the sequence of an identity column": "another one than the column's, which no dump holds",
    "constraint that is valid otherwise than its parent's": "no dump holds it",
    "statistics target of an exclusion's index": "no dump holds it",
    "user_mapping": "its options may hold a password and are not read",
    "column_order": "columns stand in another order, which no ALTER can change",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncompared:
    """So many things of a kind; ``objects`` names them where they have names."""

    kind: str
    count: int
    reason: str
    objects: tuple[str, ...] = ()


def find_uncompared(
    source: Snapshot, target: Snapshot, diff: SchemaDiff, *, ignore: Collection[str] = ()
) -> tuple[Uncompared, ...]:
    """List everything that both snapshots hold or saw and that ``diff`` says nothing about."""
    found = [*_counted(source, target), *_mappings(source, target), *_of_one_version(source, target)]
    if diff.reordered and "column_order" not in ignore:
        found.append(_named("column_order", [str(ref) for ref in diff.reordered], _REASONS["column_order"]))
    return tuple(one for one in found if one.kind not in ignore)


def _counted(source: Snapshot, target: Snapshot) -> Iterator[Uncompared]:
    for kind in sorted(source.uncompared.keys() | target.uncompared.keys()):
        numbers = [side.uncompared.get(kind, 0) for side in (source, target)]
        reason = _REASONS.get(kind, "dbsync does not compare them")
        yield Uncompared(kind=kind, count=max(numbers), reason=f"{reason} (source {numbers[0]}, target {numbers[1]})")


def _mappings(source: Snapshot, target: Snapshot) -> Iterator[Uncompared]:
    names = [str(ref) for ref in source.objects.keys() & target.objects.keys() if ref.kind == "user_mapping"]
    if names:
        yield _named("user_mapping", names, _REASONS["user_mapping"])


def _of_one_version(source: Snapshot, target: Snapshot) -> Iterator[Uncompared]:
    """Attributes that only one of two servers knows, where they say something."""
    if source.server_version_num // 10000 == target.server_version_num // 10000:
        return
    found: dict[tuple[str, str, int], list[str]] = {}
    older, newest = sorted(side.server_version_num // 10000 for side in (source, target))
    for ref in source.objects.keys() & target.objects.keys():
        sides = source.objects[ref].parts, target.objects[ref].parts
        for name in sides[0].keys() ^ sides[1].keys():
            value = sides[0].get(name, sides[1].get(name))
            if value not in _NOTHING and not _is_usual(ref, name, value):
                found.setdefault((ref.kind, name, older), []).append(str(ref))
    for (kind, name, version), names in sorted(found.items()):
        yield _named(kind, names, f"{name.replace('_', ' ')}: Postgres {version} has no such attribute")
    extensions = [
        str(ref) for ref in sorted(source.objects) if ref.kind == "extension" and _other_version(ref, source, target)
    ]
    if extensions:
        yield _named("extension", extensions, "version: each major version of Postgres comes with others")
    if older < 15 <= newest and PUBLIC in source.objects.keys() & target.objects.keys():
        yield _named("schema", [str(PUBLIC)], "owner and rights of public: Postgres 15 changed what they are")


def _other_version(extension: Ref, source: Snapshot, target: Snapshot) -> bool:
    sides = [side.objects[extension].parts["version"] for side in (source, target) if extension in side.objects]
    return len(sides) == 2 and sides[0] != sides[1]


def _is_usual(ref: Ref, name: str, value: Any) -> bool:
    if name == "not_null_constraint":
        if ref.kind == "domain":
            return bool(value == {"name": default_not_null_name(ref), "comment": None})
        usual = {"name": default_not_null_name(ref), "valid": True, "no_inherit": False}
        from_parent = not value["local"] and value["valid"]
        return from_parent or bool({key: value[key] for key in usual} == usual)
    return name in _USUAL and bool(_USUAL[name] == value)


def _named(kind: str, names: list[str], reason: str) -> Uncompared:
    return Uncompared(kind=kind, count=len(names), reason=reason, objects=tuple(sorted(names)))
