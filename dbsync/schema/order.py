"""PURE: put nodes into an order that keeps every "must come before", choosing the most readable one.

Hard edges are Postgres' own rules; soft edges are wishes, given up one by one where they close a circle.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

Node = TypeVar("Node", bound=Hashable)


class Circle(Exception, Generic[Node]):
    """Hard edges form a circle through these nodes."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        super().__init__(nodes)
        self.nodes = nodes


class Edges(Generic[Node]):
    """Which node must (hard) or should (soft) come before which other one."""

    def __init__(self) -> None:
        self.hard: dict[Node, set[Node]] = {}
        self.soft: dict[Node, set[Node]] = {}

    def before(self, first: Node, second: Node) -> None:
        """``first`` must come before ``second``."""
        if first != second:
            self.hard.setdefault(second, set()).add(first)

    def rather_before(self, first: Node, second: Node) -> None:
        """``first`` should come before ``second``."""
        if first != second:
            self.soft.setdefault(second, set()).add(first)


def arranged(nodes: Iterable[Node], edges: Edges[Node], key: Callable[[Node], Any]) -> list[Node]:
    """Return the nodes in order; among those that may come next, the one with the least ``key``.

    Raises Circle when the hard edges allow no order.
    """
    left = set(nodes)
    hard = {node: edges.hard.get(node, set()) & left for node in left}
    soft = {node: (edges.soft.get(node, set()) & left) - hard[node] for node in left}
    followers: dict[Node, set[Node]] = {node: set() for node in left}
    for needed in (hard, soft):
        for node, firsts in needed.items():
            for first in firsts:
                followers[first].add(node)
    waiting = {node: len(hard[node]) + len(soft[node]) for node in left}
    ready = [(key(node), node) for node in left if not waiting[node]]
    heapq.heapify(ready)
    found: list[Node] = []
    while left:
        if not ready:
            _give_up_one(left, hard, soft, waiting, ready, key)
        _, node = heapq.heappop(ready)
        if node not in left:
            continue
        left.discard(node)
        found.append(node)
        for follower in followers[node]:
            if node in hard[follower] or node in soft[follower]:
                hard[follower].discard(node)
                soft[follower].discard(node)
                waiting[follower] -= 1
                if not waiting[follower]:
                    heapq.heappush(ready, (key(follower), follower))
    return found


def _give_up_one(
    left: set[Node],
    hard: Mapping[Node, set[Node]],
    soft: Mapping[Node, set[Node]],
    waiting: dict[Node, int],
    ready: list[tuple[Any, Node]],
    key: Callable[[Node], Any],
) -> None:
    """Let go the soft edges of the first node that waits for nothing hard."""
    for node in sorted(left, key=key):
        if not hard[node] & left and soft[node]:
            soft[node].clear()
            waiting[node] = 0
            heapq.heappush(ready, (key(node), node))
            return
    inner = next((node for node in sorted(left, key=key) if soft[node]), None)
    if inner is None:
        raise Circle(tuple(_circle(left, hard, key)))
    waiting[inner] -= len(soft[inner])
    soft[inner].clear()
    _give_up_one(left, hard, soft, waiting, ready, key)


def _circle(left: set[Node], hard: Mapping[Node, set[Node]], key: Callable[[Node], Any]) -> list[Node]:
    """Walk against the edges until a node comes again."""
    node = min(left, key=key)
    seen: list[Node] = []
    while node not in seen:
        seen.append(node)
        node = min(hard[node] & left, key=key)
    return seen[seen.index(node) :]
