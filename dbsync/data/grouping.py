"""PURE: tie tables that must change together, and decide how each group is cleared, locked and filled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dbsync.data.columns import Pairing
from dbsync.data.options import SyncOptions, option_for
from dbsync.data.order import parents_first, tied_groups
from dbsync.data.plan import Clear, GroupTask, LockMode, TableTask, TriggerTask
from dbsync.data.problem import Problem
from dbsync.data.units import Route, Selection, Unit, ancestors_of, family_of, root_of
from dbsync.model import Catalog, ForeignKey, Index, Table, TableName

# Reading by ctid range is a plan node since 14; before, a range would scan the whole table.
_TID_RANGE_SCAN = 14
_BLOCK_SIZE = 8192


@dataclass(slots=True)
class Grouping:
    """The groups, what cannot be planned at all, and the guards that forbid running the plan."""

    groups: list[GroupTask] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    refusals: list[Problem] = field(default_factory=list)


def plan_groups(
    source: Catalog,
    target: Catalog,
    selection: Selection,
    options: SyncOptions,
    pairings: Mapping[Route, Pairing],
    filled: Mapping[TableName, bool],
) -> Grouping:
    """Tie the selected units to groups and decide about each; the largest group comes first."""
    units = {unit.target: unit for unit in selection.units}
    families = {name: [family.name for family in family_of(target, name)] for name in units}
    owner = {member: name for name, members in families.items() for member in members}
    all_keys = [key for table in target.tables.values() for key in table.foreign_keys]
    inner = [key for key in all_keys if key.table in owner and key.ref_table in owner]
    outer = [key for key in all_keys if key.table not in owner]
    ties = [*_same_root(target, units), *((owner[key.table], owner[key.ref_table]) for key in inner)]
    maker = _GroupMaker(source, target, options, pairings, filled)
    found = Grouping()
    for names in tied_groups(list(units), ties):
        members = {member for name in names for member in families[name]}
        referred = members.union(above.name for name in names for above in ancestors_of(target, target.tables[name]))
        maker.make(
            found,
            [units[name] for name in names],
            [key for key in inner if key.table in members],
            [key for key in outer if key.ref_table in referred],
        )
    found.groups.sort(key=lambda group: -sum(max(task.bytes, 0) for task in group.tables))
    return found


def _same_root(target: Catalog, units: Iterable[TableName]) -> Iterator[tuple[TableName, TableName]]:
    """Leaves that were chosen without their root still belong together: readers see them as one table."""
    first: dict[TableName, TableName] = {}
    for name in units:
        yield first.setdefault(root_of(target, target.tables[name]).name, name), name


class _GroupMaker:
    """Decides how one group of units is replaced."""

    def __init__(
        self,
        source: Catalog,
        target: Catalog,
        options: SyncOptions,
        pairings: Mapping[Route, Pairing],
        filled: Mapping[TableName, bool],
    ) -> None:
        self.source, self.target, self.options = source, target, options
        self.pairings, self.filled = pairings, filled

    def make(self, found: Grouping, units: list[Unit], keys: list[ForeignKey], outside: list[ForeignKey]) -> None:
        """Add the group, its problems and its refusals; ``outside`` keys refer to it from tables left out."""
        problems = found.problems
        relations = [table for unit in units for table in family_of(self.target, unit.target)]
        owned = all("OWNER" in table.privileges for table in relations)
        held = [route.target for unit in units for route in unit.routes if self.filled.get(route.target)]
        found.refusals += self._refusals(held, outside)
        triggers = tuple(
            TriggerTask(table=table.name, triggers=table.triggers)
            for table in relations
            if any(trigger.state != "disabled" for trigger in table.triggers)
        )
        if triggers and self.options.triggers == "off" and not owned:
            problems += [
                Problem(
                    "trigger_rights",
                    f"{task.table} has triggers, and only its owner can switch them off: use --triggers keep",
                    task.table,
                )
                for task in triggers
            ]
        clear, reason = self._clear(owned, held, outside)
        problems += self._missing_rights(relations, clear)
        problems += [
            Problem(
                "foreign_key_triggers",
                f"{key.table}: the internal triggers of foreign key {key.name} are switched off; switch them on first",
                key.table,
                name=key.name,
            )
            for key in keys
            if owned and not key.triggers_enabled
        ]
        problems += [
            Problem("rules", f"{table.name} has rules, which would rewrite the DELETE", table.name)
            for table in relations
            if clear == "delete" and table.rules
        ]
        tasks = [self._task(unit, route, outside) for unit in units for route in unit.routes]
        deferred = False
        if not owned:
            tasks, cyclic = self._parents_first(tasks, units, keys)
            deferred = bool(cyclic)
            problems += [
                Problem(
                    "foreign_key_cycle",
                    f"{key.table}: foreign key {key.name} is on a cycle and not deferrable: only the owner can "
                    "replace it",
                    key.table,
                    name=key.name,
                )
                for key in keys
                if not key.deferrable and key.table in cyclic and key.ref_table in cyclic and key.table != key.ref_table
            ]
        staged = bool(
            clear == "truncate"
            and held
            and len(tasks) > 1
            and self.target.may_create_schema
            and not any(table.rules for table in relations)
            and all(any(pair.copied for pair in task.columns) for task in tasks)
        )
        if staged:
            reason += "; loaded beside the tables in parallel first, so that they are locked only while rows are moved"
        group = GroupTask(
            tables=tuple(tasks),
            clear=clear,
            foreign_keys=tuple(keys) if owned else (),
            deferred=deferred,
            staged=staged,
            triggers=triggers if self.options.triggers == "off" else (),
            sequences=(),
            analyze=tuple(unit.target for unit in units),
            lock=tuple(sorted({table.name for table in relations})),
            lock_mode=_lock_mode(relations, owned),
            reason=reason,
        )
        found.groups.append(group)

    def _refusals(self, held: list[TableName], outside: list[ForeignKey]) -> list[Problem]:
        if not held:
            return []
        if self.options.mode == "fill":
            return [Problem("target_filled", f"{name} holds rows already", name) for name in held]
        return [
            Problem(
                "foreign_key_outside",
                f"{key.table} refers to {key.ref_table} by foreign key {key.name} but is not selected",
                key.table,
                name=key.name,
            )
            for key in outside
        ]

    def _clear(self, owned: bool, held: list[TableName], outside: list[ForeignKey]) -> tuple[Clear, str]:
        if not held and (outside or not owned):
            why = "a table outside the selection refers to it" if outside else "the role does not own it"
            return "keep", f"empty in the target; not truncated, since {why}"
        if not owned:
            return "delete", "the role does not own every table: DELETE, then COPY in foreign-key order"
        return (
            "truncate",
            "one transaction: truncate, load, verify" if held else "empty in the target: bulk load in one transaction",
        )

    def _missing_rights(self, relations: list[Table], clear: Clear) -> list[Problem]:
        needed = {"INSERT", "SELECT"} | ({"DELETE"} if clear == "delete" else set())
        return [
            Problem(
                "target_rights",
                f"{table.name}: the target role lacks {', '.join(sorted(needed - table.privileges))}",
                table.name,
            )
            for table in relations
            if "OWNER" not in table.privileges and not needed <= table.privileges
        ]

    def _parents_first(
        self, tasks: list[TableTask], units: list[Unit], keys: list[ForeignKey]
    ) -> tuple[list[TableTask], set[TableName]]:
        unit_of = {family.name: unit.target for unit in units for family in family_of(self.target, unit.target)}
        references = [(unit_of[key.table], unit_of[key.ref_table]) for key in keys]
        order, cyclic = parents_first([unit.target for unit in units], references)
        place = {name: number for number, name in enumerate(order)}
        return sorted(tasks, key=lambda task: place[unit_of[task.target]]), set(cyclic)

    def _task(self, unit: Unit, route: Route, outside: list[ForeignKey]) -> TableTask:
        source, target = self.source.tables[route.source], self.target.tables[route.target]
        pairing = self.pairings[route]
        held = bool(self.filled.get(route.target))
        copied = [pair for pair in pairing.pairs if pair.copied]
        where = option_for(self.options.where, route.source, unit.source)
        reasons = ["the target table is empty" if not held else "--mode replace", *([unit.note] if unit.note else [])]
        pages_per_range = self._pages_per_range(source, route)
        return TableTask(
            source=route.source,
            target=route.target,
            source_only=route.source_only,
            target_only=route.target_only,
            strategy="replace" if held else "bulk",
            reason="; ".join(reasons),
            columns=pairing.pairs,
            binary=bool(copied) and all(pair.binary for pair in copied),
            where=where,
            rows=_rows_of(self.source, source),
            bytes=_bytes_of(self.source, source),
            pages=source.pages,
            pages_per_range=pages_per_range,
            target_rows=max(target.row_estimate, 0) if held else 0,
            unlogged=target.persistence == "unlogged",
            indexes=self._indexes(target, referred={key.ref_table for key in outside}),
            notes=tuple(map(str, pairing.notes)),
        )

    def _pages_per_range(self, source: Table, route: Route) -> int:
        pages = self.options.chunk_bytes // _BLOCK_SIZE
        splits = self.options.jobs > 1 and self.source.major >= _TID_RANGE_SCAN and source.kind == "table"
        return pages if splits and route.source_only and source.pages > pages * 3 // 2 else 0

    def _indexes(self, target: Table, referred: set[TableName]) -> tuple[Index, ...]:
        """The indexes to drop and rebuild.

        None that a partitioned index, CLUSTER, a replica identity or a foreign key from outside hangs on,
        and none over expressions, whose columns may have statistics targets of their own.
        """
        if not self.options.drop_indexes or "OWNER" not in target.privileges or target.kind != "table":
            return ()
        return tuple(
            index
            for index in target.indexes
            if index.valid
            and index.partition_of is None
            and not index.is_clustered
            and not index.is_replica_identity
            and (index.constraint is None or index.unique)
            and not (index.unique and target.name in referred)
            and "WITHOUT OVERLAPS" not in (index.constraint_definition or "")
            and index.name.schema in self.target.may_create_in
            and all(target.column(name) is not None for name in index.columns)
        )


def _lock_mode(relations: list[Table], owned: bool) -> LockMode:
    """The strongest lock that is needed and that the role may take.

    With INSERT alone only ROW EXCLUSIVE may be taken; others may then write meanwhile, which the check
    before COMMIT finds.
    """
    if owned:
        return "ACCESS EXCLUSIVE"
    if all(table.privileges & {"OWNER", "UPDATE", "DELETE", "TRUNCATE"} for table in relations):
        return "SHARE ROW EXCLUSIVE"
    return "ROW EXCLUSIVE"


def _rows_of(catalog: Catalog, table: Table) -> int:
    if table.kind != "partitioned":
        return table.row_estimate
    return sum(max(leaf.row_estimate, 0) for leaf in family_of(catalog, table.name) if leaf.kind == "table")


def _bytes_of(catalog: Catalog, table: Table) -> int:
    return sum(relation.size for relation in family_of(catalog, table.name))
