"""PURE: which tables foreign keys tie together, and in which order they can be filled."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def tied_groups(nodes: Sequence[Node], ties: Iterable[tuple[Node, Node]]) -> list[list[Node]]:
    """Return the connected components of ``nodes`` under ``ties``, in order of first appearance."""
    parent = {node: node for node in nodes}

    def root(node: Node) -> Node:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for left, right in ties:
        parent[root(left)] = root(right)
    groups: dict[Node, list[Node]] = {}
    for node in nodes:
        groups.setdefault(root(node), []).append(node)
    return list(groups.values())


def parents_first(nodes: Sequence[Node], references: Iterable[tuple[Node, Node]]) -> tuple[list[Node], list[Node]]:
    """Order ``nodes`` so that a referenced one comes before those that refer to it.

    ``references`` are (child, parent) pairs; a self-reference counts for nothing. Returns the order and
    the nodes on cycles (which follow at the end of the order, as they were given).
    """
    waiting: dict[Node, set[Node]] = {node: set() for node in nodes}
    for child, parent in references:
        if child != parent and child in waiting and parent in waiting:
            waiting[child].add(parent)
    order: list[Node] = []
    placed: set[Node] = set()
    while True:
        ready = [node for node in nodes if node not in placed and waiting[node] <= placed]
        if not ready:
            break
        order += ready
        placed.update(ready)
    cyclic = [node for node in nodes if node not in placed]
    return order + cyclic, cyclic
