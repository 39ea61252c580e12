"""PURE: the small values that a migration is built from: a step, a check, and what it takes to change an object."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dbsync.schema.objects import Ref, SchemaObject, Snapshot

Action = Literal["create", "alter", "drop"]


@dataclass(frozen=True, slots=True)
class Check:
    """A question to the data before a statement runs that may fail on it: ``sql`` gives one number.

    The statement can run when the number is 0; else ``message`` says what is in the way: "{} rows of ...",
    with the number in place of the first "{}" (no ``format``: names may hold braces).
    """

    sql: str
    message: str


@dataclass(frozen=True, slots=True)
class Step:
    """One statement, what it does to which object, and what it costs that no measurement can find.

    ``destroys``: the data that is gone afterwards, in words. ``transactional`` is False for what no
    transaction takes (CONCURRENTLY) or what must be committed before it is used (a new enum label).
    ``own_transaction``: what would hold the locks of others for too long.
    """

    sql: str
    ref: Ref
    action: Action
    transactional: bool = True
    destroys: str | None = None
    checks: tuple[Check, ...] = ()
    own_transaction: bool = False


@dataclass(frozen=True, slots=True)
class Alteration:
    """How an object that is on both sides becomes what is wanted.

    ``rebuild``: Postgres cannot change it in place: drop and create. ``disturbs``: objects of the target
    that stand in the way of the steps: dropped before, made again (as wanted) after. ``unplanned``: names
    of parts that differ and that nothing here can change, and ``reason`` says why. ``warnings``: what a reader
    should know of, such as indexes over a function that now gives other results.
    """

    steps: tuple[Step, ...] = ()
    rebuild: bool = False
    disturbs: frozenset[Ref] = frozenset()
    unplanned: tuple[str, ...] = ()
    reason: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a maker may look at: both schemas, what is made or dropped whole, and what was renamed.

    ``source`` is what is wanted, ``target`` what is there (renames of the user's hints already applied to it).
    ``created`` and ``dropped`` are made or dropped whole; ``inlined`` are constraints and defaults that the
    CREATE TABLE of their table says. ``taken``: schema and name of constraints, where Postgres would not give the
    usual name to a new one.
    """

    source: Snapshot
    target: Snapshot
    created: Set[Ref] = field(default_factory=set)
    dropped: Set[Ref] = field(default_factory=set)
    inlined: Set[Ref] = field(default_factory=set)
    taken: Set[tuple[str, str]] = field(default_factory=set)


class Maker(Protocol):
    """How objects of one kind are made, dropped and changed. Owners, grants and comments are not its business."""

    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        """Return the steps that make the object."""
        ...

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        """Return the steps that drop it, never with CASCADE."""
        ...

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        """Return how the object is changed in the ``parts`` (names of attributes) that differ."""
        ...


Makers = Mapping[str, Maker]
