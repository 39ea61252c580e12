"""PURE: what becomes of objects in a migration, as ``change_search`` finds it: dropped, made, altered in place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from dbsync.schema.objects import Ref, Snapshot
from dbsync.schema.plan import Unplanned
from dbsync.schema.steps import Alteration, Scene


@dataclass(slots=True)
class Changes:
    """``gone`` are dropped (and, where they are in ``made`` too, made again); ``altered`` stay what they are.

    ``follows``: columns of tables that hang on another one, which come and go with the parent's column;
    ``copies``: those that are what the parent's change made of them, and change again after it.
    """

    gone: set[Ref] = field(default_factory=set)
    made: set[Ref] = field(default_factory=set)
    altered: dict[Ref, Alteration] = field(default_factory=dict)
    access: dict[Ref, frozenset[str]] = field(default_factory=dict)
    follows: dict[Ref, Ref] = field(default_factory=dict)
    copies: dict[Ref, Ref] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    unplanned: list[Unplanned] = field(default_factory=list)

    def scene(self, source: Snapshot, target: Snapshot, inlined: Collection[Ref] = ()) -> Scene:
        """What makers may look at."""
        return Scene(
            source=source,
            target=target,
            created=frozenset(self.made),
            dropped=frozenset(self.gone),
            inlined=frozenset(inlined),
            taken=_taken_names(source, target),
        )


def _taken_names(source: Snapshot, target: Snapshot) -> frozenset[tuple[str, str]]:
    """Names of constraints that are there, whatever becomes of them, and those that several tables will have."""
    wanted = Counter(_constraint_names(source))
    return frozenset(_constraint_names(target)) | {place for place, number in wanted.items() if number > 1}


def _constraint_names(side: Snapshot) -> Iterator[tuple[str, str]]:
    for ref, made in side.objects.items():
        if ref.kind == "constraint":
            yield ref.schema, ref.sub
        elif ref.kind == "column" and (not_null := made.parts.get("not_null_constraint")):
            yield ref.schema, not_null["name"]
