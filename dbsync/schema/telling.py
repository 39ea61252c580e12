"""PURE: the differences of two schemas as people and programs are told them: by table, each object once.

What is made or dropped with a table is part of that table, and is not counted by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dbsync.schema.choice import home_of
from dbsync.schema.diff import SchemaDiff
from dbsync.schema.objects import Grant, Ref, SchemaObject, Snapshot

Verb = Literal["create", "change", "drop"]
SIGNS: Mapping[Verb, str] = {"create": "+", "change": "~", "drop": "-"}
_SAID = ("definition", "type", "expression", "labels", "bound", "version", "function", "using")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One object that differs. ``part_of``: the new or dropped object that it comes or goes with.

    ``parts``: for a change what is there and what is wanted, both fit for JSON. ``about``: what a new or
    dropped object is, in a few words or lines.
    """

    verb: Verb
    ref: Ref
    part_of: Ref | None = None
    parts: Mapping[str, tuple[Any, Any]]
    about: str = ""

    def to_dict(self, home: Ref) -> dict[str, Any]:
        """Return the member of the JSON result."""
        return {
            "action": self.verb,
            "object": str(self.ref),
            **{name: getattr(self.ref, name) for name in ("kind", "schema", "name", "sub", "arguments")},
            "home": str(home),
            "part_of": str(self.part_of) if self.part_of else None,
            "about": self.about,
            "parts": [{"name": name, "before": pair[0], "after": pair[1]} for name, pair in self.parts.items()],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A relation with what differs of it and in it, or an object that stands alone."""

    home: Ref
    told: tuple[Told, ...]

    @property
    def verb(self) -> Verb:
        """What becomes of the home itself."""
        return next((one.verb for one in self.told if one.ref == self.home), "change")

    @property
    def own(self) -> Told | None:
        """What is said of the home itself."""
        return next((one for one in self.told if one.ref == self.home), None)

    @property
    def inside(self) -> tuple[Told, ...]:
        """What differs in it, without what comes or goes with something else."""
        return tuple(one for one in self.told if one.ref != self.home and one.part_of is None)

    def members(self) -> Mapping[str, int]:
        """How many things of each kind come or go with it."""
        return dict(sorted(Counter(one.ref.kind for one in self.told if one.part_of == self.home).items()))


def tell(diff: SchemaDiff, source: Snapshot, target: Snapshot) -> tuple[Group, ...]:
    """Sort everything that differs under its relation; database-wide objects come first."""
    grouped: dict[Ref, list[Told]] = {}
    for one, side in _each(diff, source, target):
        grouped.setdefault(home_of(one.ref, side) or _owner_of(one.ref, side), []).append(one)
    return tuple(
        Group(home=home, told=tuple(grouped[home]))
        for home in sorted(grouped, key=lambda ref: (ref.schema, ref.name, ref.kind, ref))
    )


def summary_of(groups: tuple[Group, ...]) -> dict[Verb, int]:
    """How many objects are to be made, changed and dropped."""
    counted = Counter(one.verb for group in groups for one in group.told if one.part_of is None)
    return {verb: counted[verb] for verb in SIGNS}


def _each(diff: SchemaDiff, source: Snapshot, target: Snapshot) -> Iterator[tuple[Told, Snapshot]]:
    whole = {"create": frozenset(diff.created), "drop": frozenset(diff.dropped)}
    for change in diff.changed:
        parts = {name: _plain_pair(name, pair) for name, pair in change.parts.items()}
        yield Told(verb="change", ref=change.ref, parts=parts), source
    sides: tuple[tuple[Verb, Snapshot], ...] = (("create", source), ("drop", target))
    for verb, side in sides:
        for ref in sorted(whole[verb]):
            made = side.objects[ref]
            yield Told(verb=verb, ref=ref, part_of=_whole(ref, side, whole[verb]), parts={}, about=_about(made)), side


def _whole(ref: Ref, side: Snapshot, refs: frozenset[Ref]) -> Ref | None:
    """What an object comes or goes with, if that comes or goes."""
    home = home_of(ref, side) or _owner_of(ref, side)
    if home != ref and home in refs:
        return home
    column = Ref("column", ref.schema, ref.name, ref.sub)
    return column if ref.kind == "default" and column in refs else None


def _owner_of(ref: Ref, side: Snapshot) -> Ref:
    """The domain of a constraint, else the object itself."""
    domain = Ref("domain", ref.schema, ref.name)
    return domain if ref.kind == "domain_constraint" and domain in side.objects else ref


def _about(made: SchemaObject) -> str:
    if made.ref.kind == "column":
        return str(made.parts["type"]) + (" not null" if made.parts.get("not_null") else "")
    found = next((made.parts[name] for name in _SAID if made.parts.get(name)), "")
    return found if isinstance(found, str) else ", ".join(map(str, found))


def _plain_pair(name: str, pair: tuple[Any, Any]) -> tuple[Any, Any]:
    if name != "privileges":
        return pair
    return grants_in_words(pair[0]), grants_in_words(pair[1])


def grants_in_words(grants: Iterable[Grant]) -> list[str]:
    """Say of each grant what is given to whom."""
    return sorted(map(_grant, grants))


def _grant(grant: Grant) -> str:
    text = f"{grant.privilege} to {grant.role or grant.to}"
    text += " with grant option" if grant.grantable else ""
    return text + (f" by {grant.grantor}" if grant.grantor else "")
