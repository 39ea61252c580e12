"""PURE: what a schema is made of, as values: objects with addresses, and which needs which.

An object is its address, its parts (every attribute the catalogs hold, under names of our own where code
knows them), its owner, its grants and its comment. Nothing here knows how an object is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple


class Ref(NamedTuple):
    """An object's address: unique in a database, and the same in another database with the same object.

    ``name`` is the table's for what belongs to a table (its part's name is then ``sub``); ``arguments`` are
    the types of a routine's or operator's arguments.
    """

    kind: str
    schema: str
    name: str
    sub: str = ""
    arguments: str = ""

    def __str__(self) -> str:
        place = f"{self.schema}.{self.name}" if self.schema else self.name
        arguments = f"({self.arguments})" if self.kind in ROUTINES or self.kind == "operator" else ""
        part = f".{self.sub}" if self.sub else ""
        return f"{self.kind.replace('_', ' ')} {place}{part}{arguments}"


RELATIONS = frozenset({"table", "view", "matview"})
ROUTINES = frozenset({"function", "procedure", "aggregate"})
TYPES = frozenset({"enum", "domain", "composite", "range", "base_type"})
# What ALTER ... DEPENDS ON EXTENSION can be said of.
DEPENDANTS = frozenset({"function", "procedure", "trigger", "matview", "index"})
# What belongs to a relation or type, is named within it, and goes when it goes.
MEMBERS = frozenset(
    {
        "column",
        "default",
        "constraint",
        "domain_constraint",
        "trigger",
        "rule",
        "policy",
        "inheritance",
        "partition",
    }
)


class Grant(NamedTuple):
    """A right that is given: ``to`` is "owner", "public" or "role"; ``grantor`` is "" for the owner."""

    to: str
    role: str
    privilege: str
    grantable: bool
    grantor: str = ""


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """One object of a schema. Two are equal when nothing of them differs."""

    ref: Ref
    parts: Mapping[str, Any]
    owner: str | None = None
    grants: frozenset[Grant] = frozenset()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A whole schema, read at one moment.

    ``needs``: for an object those without which it cannot exist, as Postgres records it (bodies of
    functions in other languages than SQL-standard are not looked into). ``uncompared``: kinds and numbers of
    what was seen and cannot be compared. ``aside``: default privileges that are not compared, and still give
    rights to what is made.
    """

    server_version_num: int
    objects: Mapping[Ref, SchemaObject]
    needs: Mapping[Ref, frozenset[Ref]]
    encoding: str = "UTF8"
    uncompared: Mapping[str, int] = field(default_factory=dict)
    aside: tuple[SchemaObject, ...] = ()

    def needed_by(self) -> Mapping[Ref, frozenset[Ref]]:
        """The same edges the other way round: who goes when an object goes."""
        found: dict[Ref, set[Ref]] = {}
        for ref, needed in self.needs.items():
            for other in needed:
                found.setdefault(other, set()).add(ref)
        return {ref: frozenset(refs) for ref, refs in found.items()}

    def members(self, ref: Ref) -> list[SchemaObject]:
        """What belongs to a relation or a type: columns in their order, then the rest by name."""
        own = [o for r, o in self.objects.items() if (r.schema, r.name) == (ref.schema, ref.name) and r.kind in MEMBERS]
        return sorted(own, key=lambda o: (o.ref.kind, o.parts.get("number", 0), o.ref))

    def with_unsaid(self, original: Snapshot) -> Snapshot:
        """A copy, with what a dump of the original does not say.

        Which of two equal keys a foreign key uses, and which tables somebody added to an extension.
        """
        needs = {
            ref: self.needs[ref] | (original.needs.get(ref, frozenset()) & self.objects.keys())
            for ref, made in self.objects.items()
            if ref.kind == "constraint" and made.parts["type"] == "f"
        }
        held = {
            ref: replace(made, parts={**made.parts, "holds": original.objects[ref].parts["holds"]})
            for ref, made in self.objects.items()
            if ref.kind == "extension" and ref in original.objects
        }
        return replace(self, objects={**self.objects, **held}, needs={**self.needs, **needs})

    def limited_to(self, refs: Iterable[Ref]) -> Snapshot:
        """The snapshot with these objects only."""
        kept = {ref: self.objects[ref] for ref in refs}
        aside = (made for ref, made in self.objects.items() if ref.kind == "default_privileges" and ref not in kept)
        return Snapshot(
            server_version_num=self.server_version_num,
            objects=kept,
            needs={ref: self.needs.get(ref, frozenset()) for ref in kept},
            encoding=self.encoding,
            uncompared=self.uncompared,
            aside=(*self.aside, *aside),
        )


def parent_of(ref: Ref) -> tuple[str, str] | None:
    """Schema and name of the relation or type that an object belongs to, None for one that stands alone."""
    return (ref.schema, ref.name) if ref.kind in MEMBERS else None


def attached_to(made: SchemaObject) -> Ref | None:
    """The index or key of the parent on which a partition's hangs; a key may hang on a plain index."""
    place = made.parts.get("attached_to")
    if not place:
        return None
    return Ref("constraint" if len(place) == 3 else "index", *place)
