"""PURE: what a plan must leave as it is, since the user chose not to look at it, also where objects are made anew."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from dbsync.schema.choice import ATTRIBUTES, Choice, choose, home_of
from dbsync.schema.objects import Ref, SchemaObject, Snapshot

_KEPT = frozenset({"owner", "privileges", "comments"})


def whole(choice: Choice) -> Choice:
    """The choice without whatever leaves objects out, or what would be missed of those that are made anew."""
    return Choice(ignore=choice.ignore & (ATTRIBUTES.keys() - _KEPT))


def keeping(source: Snapshot, target: Snapshot, ignore: Collection[str]) -> Snapshot:
    """The wanted schema, where what stands in both has the target's owner, rights and comment if these are ignored."""
    if not _KEPT.intersection(ignore):
        return source

    def kept(wanted: SchemaObject) -> SchemaObject:
        present = target.objects.get(wanted.ref)
        if present is None:
            return wanted
        return replace(
            wanted,
            owner=present.owner if "owner" in ignore else wanted.owner,
            grants=present.grants if "privileges" in ignore else wanted.grants,
            comment=present.comment if "comments" in ignore else wanted.comment,
        )

    return replace(source, objects={ref: kept(made) for ref, made in source.objects.items()})


def disturbed(start: Snapshot, wanted: Snapshot, after: Snapshot, choice: Choice) -> list[str]:
    """What the choice left out and the plan lost or changed all the same, one line each.

    What goes with a table or column that is not wanted any more is not among it, nor what belonged to something that
    has another name now.
    """
    held = choose(wanted, start, choice).target.objects.keys()
    found = [f"{ref} is left out by the options, but the plan drops it" for ref in _lost(start, after, held)]
    ignored = choice.ignored_parts & _KEPT
    for ref in sorted(start.objects.keys() & after.objects.keys()) if ignored else ():
        before, now = start.objects[ref], after.objects[ref]
        changed = {
            "owner": before.owner != now.owner,
            "privileges": before.owner == now.owner and before.grants != now.grants,
            "comments": before.comment != now.comment,
        }
        found += [
            f"{ref}: its {part} are ignored, but the plan changes them" for part in sorted(ignored) if changed[part]
        ]
    return found


def _lost(start: Snapshot, after: Snapshot, held: Collection[Ref]) -> Iterator[Ref]:
    for ref in sorted(start.objects.keys() - after.objects.keys() - set(held)):
        needed = set(start.needs.get(ref, ()))
        if (home := home_of(ref, start)) is not None:
            needed.add(home)
        if ref.kind == "sequence" and start.objects[ref].parts["owned_by"]:
            needed.add(Ref("column", *start.objects[ref].parts["owned_by"]))
        if needed - {ref} <= after.objects.keys():
            yield ref
