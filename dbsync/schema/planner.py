"""From two snapshots to the ordered statements that make the target's schema like the source's.

Changes say what is dropped, made and altered; edges say what must come before what; makers write the SQL.
Where the edges close a circle, the planner splits what it had put together (a table's defaults and
constraints, a view's columns and its query), or makes anew what it had wanted to change in place, and tries again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from dbsync.schema import makers
from dbsync.schema.change_search import find_changes
from dbsync.schema.changes import Changes
from dbsync.schema.diff import SchemaDiff, compare_schemas
from dbsync.schema.edges import Graph
from dbsync.schema.homes import drop_homes, inlined, topmost_key
from dbsync.schema.left_alone import keeping
from dbsync.schema.makers import access, views
from dbsync.schema.makers.relations import freed, of_type, tied
from dbsync.schema.nodes import Node
from dbsync.schema.numbers import GoingOn
from dbsync.schema.objects import RELATIONS, ROUTINES, Ref, Snapshot, attached_to
from dbsync.schema.online import online_steps
from dbsync.schema.order import Circle, arranged
from dbsync.schema.parents import with_wanted_order
from dbsync.schema.plan import Statement, Unplanned
from dbsync.schema.steps import Scene, Step

_MOST_TRIES = 50
# The order of creation among things that do not need each other; drops go the other way.
_RANKS = {
    kind: rank
    for rank, kind in enumerate(
        (
            "schema", "extension", "collation", "enum", "domain", "domain_constraint", "composite", "range",
            "sequence", "function", "procedure", "aggregate", "operator_family", "operator", "operator_class", "cast",
            "ts_dictionary", "ts_configuration", "foreign_data_wrapper", "server", "table", "inheritance", "column",
            "partition", "default", "constraint", "index", "statistics", "view", "matview", "rule", "trigger", "policy",
            "publication", "event_trigger", "default_privileges",
        )
    )
}  # fmt: skip
_REMAKEABLE = RELATIONS - {"table"} | ROUTINES | {"default", "constraint", "index", "trigger", "policy", "rule"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStatements:
    """What to run, what stays different and why, and what a reader should know."""

    diff: SchemaDiff
    statements: tuple[Statement, ...]
    unplanned: tuple[Unplanned, ...] = ()
    warnings: tuple[str, ...] = ()


def plan_statements(
    source: Snapshot, target: Snapshot, *, ignore: Collection[str] = (), online: bool = False
) -> PlannedStatements:
    """Plan the statements that make ``target`` like ``source``, in groups that each run in one transaction.

    ``online``: by techniques that let others go on reading and writing.
    """
    target = with_wanted_order(source, target)
    diff = compare_schemas(source, target, ignore=ignore)
    planning = _Planning(diff, keeping(source, target, ignore), target, ignore)
    steps, unplanned = planning.steps()
    if online:
        steps = online_steps(steps, planning.scene)
    return PlannedStatements(
        diff=diff,
        statements=grouped(steps),
        unplanned=tuple(sorted(set(unplanned), key=lambda left: (left.ref, left.parts))),
        warnings=tuple(dict.fromkeys(planning.changes.warnings)),
    )


def grouped(steps: Collection[Step]) -> tuple[Statement, ...]:
    """Number the transactions: a step that takes none stands alone."""
    found: list[Statement] = []
    group, joins = 0, True
    for step in steps:
        alone = step.own_transaction or not step.transactional
        if found and (alone or not joins):
            group += 1
        joins = not alone
        found.append(
            Statement(
                sql=step.sql,
                ref=step.ref,
                action=step.action,
                transactional=step.transactional,
                group=group,
                destroys=step.destroys,
                checks=step.checks,
            )
        )
    return tuple(found)


class _Planning:
    def __init__(self, diff: SchemaDiff, source: Snapshot, target: Snapshot, ignore: Collection[str]) -> None:
        self.diff, self.source, self.target, self.ignore = diff, source, target, ignore
        self.apart: set[Ref] = set()
        self.along: set[Ref] = set()
        self.forced: set[Ref] = set()
        self.circled: set[Ref] = set()
        self.changes = Changes()
        self.scene = Scene(source=source, target=target)

    def steps(self) -> tuple[list[Step], list[Unplanned]]:
        for _ in range(_MOST_TRIES):
            try:
                nodes = self._arranged()
            except Circle as circle:
                if not self._split(circle.nodes):
                    return [], [*self.changes.unplanned, *_circular(circle.nodes)]
            else:
                later = GoingOn(nodes, self.scene)
                steps = [s for n, node in enumerate(nodes) for s in (*self._steps_of(node), *later.steps(n))]
                return steps, self.changes.unplanned
        raise AssertionError("every try splits something, so that the tries end")

    def _arranged(self) -> list[Node]:
        self.changes = find_changes(self.diff, self.source, self.target, makers.MAKERS, forced=self.forced)
        inside = inlined(self.changes, self.source, apart=self.apart)
        self.scene = self.changes.scene(self.source, self.target, inside)
        homes = self._drop_homes()
        graph = Graph(self.changes, self.source, self.target, homes, self.scene, self.circled)
        return arranged(graph.nodes(), graph.edges, self._key)

    def _key(self, node: Node) -> tuple[int, int, Ref, int, Node]:
        ref, rank, number = node.ref, _RANKS.get(node.ref.kind, len(_RANKS)), 0
        if node.action == "create" and ref.kind == "column":  # new columns in the order in which they are wanted
            ref, number = ref._replace(sub=""), self.source.objects[ref].parts["number"]
        if node.action == "alter" and not all(step.transactional for step in self.changes.altered[node.ref].steps):
            return (0, rank, ref, number, node)
        phase = {"free": 0, "hollow": 1, "drop": 1, "shell": 2, "create": 2, "alter": 2, "own": 3, "access": 4}[
            node.action
        ]
        return (phase, -rank if phase == 1 else rank, ref, number, node)

    # Circles

    def _split(self, nodes: tuple[Node, ...]) -> bool:
        """Take apart what closes a circle; say whether there was anything."""
        before = len(self.apart) + len(self.forced)
        circled = {node.ref for node in nodes}
        if any(node.ref.kind == "view" and node.action in ("create", "drop") for node in nodes) and not (
            circled <= self.circled
        ):
            self.circled |= circled
            return True
        parts = {part for node in nodes for part in self._parts_of(node)} - self.apart
        # A partition leaves its parent by itself only where nothing else can be taken apart.
        self.apart |= {part for part in parts if part.kind != "partition"} or parts
        if len(self.apart) + len(self.forced) == before:
            self.forced |= {n.ref for n in nodes if n.action == "alter" and n.ref.kind in _REMAKEABLE}
        return len(self.apart) + len(self.forced) > before or self._take_along(nodes)

    def _take_along(self, nodes: tuple[Node, ...]) -> bool:
        """Let the copies of foreign keys go with their parent's, before the partitions leave that.

        Else each of two tables that refer to each other would have to let go of the other's partitions first.
        """
        dropped = {node.ref for node in nodes if node.action == "drop"}
        keys = {ref: topmost_key(ref, self.changes, self.target) for ref in self.changes.gone - self.along}
        closing = {key for ref, key in keys.items() if key is not None and not dropped.isdisjoint((ref, key))}
        self.along |= {ref for ref, key in keys.items() if key in closing}
        return bool(closing)

    def _drop_homes(self) -> Mapping[Ref, Ref]:
        return drop_homes(self.changes, self.target, apart=self.apart, along=self.along)

    def _parts_of(self, node: Node) -> Iterator[Ref]:
        if node.action == "create":
            for ref in self.scene.inlined:
                if node.ref in (Ref("table", *ref[1:3]), ref._replace(kind="column")):
                    yield ref
        elif node.action == "drop":
            homes = self._drop_homes()
            for ref, home in homes.items():
                if (
                    home == node.ref
                    and ref != home
                    and ref not in self.along
                    and attached_to(self.target.objects[ref]) is None  # it goes with its parent's, or its table
                    and ref.kind in ("default", "constraint", "policy", "trigger", "rule", "partition")
                ):
                    yield ref

    # Statements

    def _steps_of(self, node: Node) -> list[Step]:
        ref = node.ref
        if node.action == "drop":
            return makers.MAKERS[ref.kind].drop(self.target.objects[ref], self.scene)
        if node.action == "alter":
            return list(self.changes.altered[ref].steps)
        if node.action == "shell":
            return [views.shell(self.source.objects[ref], self.source, "create")]
        if node.action == "hollow":
            return [views.shell(self.target.objects[ref], self.target, "drop")]
        if node.action == "free":
            return [freed(ref) if ref.kind == "sequence" else of_type(self.source.objects[ref], tied=False)]
        if node.action == "own":
            made = self.source.objects[ref]
            return tied(made, self.scene) if ref.kind == "sequence" else [of_type(made, tied=True)]
        if node.action == "access":
            return self._access(ref, self.changes.access[ref])
        steps = makers.MAKERS[ref.kind].create(self.source.objects[ref], self.scene)
        if ref.kind == "view" and ref in self.circled:
            steps = [views.filled(self.source.objects[ref])]
        return [*steps, *(step for part in self._made_with(ref) for step in self._new_access(part))]

    def _made_with(self, ref: Ref) -> Iterator[Ref]:
        """The object and those of its parts that its own statement makes."""
        yield ref
        if ref.kind in RELATIONS:
            for made in self.source.members(ref):
                if made.ref.kind == "column" or made.ref in self.scene.inlined:
                    yield made.ref

    def _new_access(self, ref: Ref) -> list[Step]:
        return access.created(self.source.objects[ref], self.scene, () if ref in self.target.objects else self.ignore)

    def _access(self, ref: Ref, parts: frozenset[str]) -> list[Step]:
        return access.changed(self.target.objects.get(ref), self.source.objects[ref], parts, self.scene)


def _circular(nodes: tuple[Node, ...]) -> list[Unplanned]:
    listed = ", ".join(f"{node.action} {node.ref}" for node in nodes)
    reason = f"these need each other, so that none can come first: {listed}"
    return [Unplanned(ref=nodes[0].ref, parts=("order",), reason=reason)]
