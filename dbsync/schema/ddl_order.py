"""The order in which objects can be made: each after what it needs, else by kind and name."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbsync.pg.reflect_ddl import Part

SortKey = tuple[Any, ...]
Needs = Mapping[Part, frozenset[Part]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Objects in order, with the defaults and constraints that need a statement of their own."""

    parts: tuple[Part, ...]
    blocked: frozenset[Part]  # they need something that cannot be made
    circular: tuple[Part, ...]  # the last of ``parts``, when nothing can break the circle


def arrange(
    keys: Mapping[Part, SortKey], needs: Needs, *, unmakeable: frozenset[Part], later: Needs | None = None
) -> Order:
    """Order the objects of ``keys``. What is needed but not in it is taken to be there already.

    ``later`` are the needs of parts that are made after all objects: these may be blocked as well.

    A relation is made with its defaults and checks where that leads to no circle, which keeps the
    script short; where it does, these follow on their own.
    """
    blocked = _blocked({**needs, **(later or {})}, unmakeable)
    makeable = {part: key for part, key in keys.items() if part not in blocked}
    open_needs = {part: needed for part, needed in needs.items() if part not in blocked}
    ordered, left = _sorted(makeable, _joined(open_needs, apart=frozenset()))
    if left:
        apart = frozenset(part for part in open_needs if part.name and _whole(part) in left)
        makeable |= {part: (*makeable[_whole(part)], part.name) for part in apart}
        ordered, left = _sorted(makeable, _joined(open_needs, apart=apart))
    circular = tuple(sorted(left, key=makeable.__getitem__))
    return Order(parts=(*ordered, *circular), blocked=blocked, circular=circular)


def _whole(part: Part) -> Part:
    return part._replace(name="")


def _blocked(needs: Needs, unmakeable: frozenset[Part]) -> frozenset[Part]:
    """Everything that needs, directly or not, what cannot be made."""
    users: defaultdict[Part, set[Part]] = defaultdict(set)
    for part, needed in needs.items():
        if part.name:
            users[_whole(part)].add(part)
        for other in needed:
            users[_whole(other)].add(part)
    todo = [*unmakeable, *(part for part in users if part.kind == "other")]
    found: set[Part] = set()
    while todo:
        part = todo.pop()
        if part not in found:
            found.add(part)
            todo += users[part] if not part.name else ()
    return frozenset(found)


def _joined(needs: Needs, *, apart: frozenset[Part]) -> Mapping[Part, set[Part]]:
    """The needs with every part counted as its object, except those that stand apart."""
    joined: defaultdict[Part, set[Part]] = defaultdict(set)
    for part, needed in needs.items():
        user = part if part in apart else _whole(part)
        joined[user] |= {other if other in apart else _whole(other) for other in needed} - {user}
    return joined


def _sorted(keys: Mapping[Part, SortKey], needs: Mapping[Part, set[Part]]) -> tuple[list[Part], set[Part]]:
    """Kahn's algorithm with a heap: the smallest key among what is ready; also what never became so."""
    waiting = {part: {other for other in needs.get(part, ()) if other in keys} for part in keys}
    users: defaultdict[Part, list[Part]] = defaultdict(list)
    for part, needed in waiting.items():
        for other in needed:
            users[other].append(part)
    ready = [(keys[part], part) for part, needed in waiting.items() if not needed]
    heapq.heapify(ready)
    ordered: list[Part] = []
    while ready:
        _, part = heapq.heappop(ready)
        ordered.append(part)
        for user in users[part]:
            waiting[user].discard(part)
            if not waiting[user]:
                heapq.heappush(ready, (keys[user], user))
    return ordered, set(keys) - set(ordered)
