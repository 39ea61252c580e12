"""PURE: tie tables that must change together, and decide how each group is cleared, locked and filled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from dbsync.data.beside import emptying_problems, keys_beside
from dbsync.data.columns import Pairing
from dbsync.data.options import SyncOptions
from dbsync.data.order import parents_first, tied_groups
from dbsync.data.plan import Clear, GroupTask, LockMode, TableTask, TriggerTask
from dbsync.data.preconditions import cursor_problems, trigger_problems
from dbsync.data.problem import Problem
from dbsync.data.tasks import TaskMaker, bytes_of, rows_of
from dbsync.data.units import Route, Selection, Unit, ancestors_of, family_of, root_of
from dbsync.model import Catalog, ForeignKey, Table, TableName

# A target with less than a fifth of the rows is cheaper to replace: a comparison reads both sides (about 0.4 of a
# copy) and then copies nearly everything through a second statement. Below so many rows it does not matter.
_FEW, _WORTH_COUNTING = 5, 10_000
_LOCKING = frozenset({"OWNER", "UPDATE", "DELETE", "TRUNCATE"})  # with these more than ROW EXCLUSIVE may be taken
_REPAIR = "the target holds rows: compare, then write what differs in one transaction"
# What a trigger that is kept does elsewhere is seen, and undone, only by the transaction in which it fires.
_REACH = "; triggers that are kept may write to any table, so that all are one transaction"


@dataclass(slots=True)
class Grouping:
    """The groups, what cannot be planned at all, the guards that forbid running the plan, and what may yet fail."""

    groups: list[GroupTask] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    refusals: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


def plan_groups(
    source: Catalog,
    target: Catalog,
    selection: Selection,
    options: SyncOptions,
    pairings: Mapping[Route, Pairing],
    filled: Mapping[TableName, bool],
    *,
    spread: bool = False,
) -> Grouping:
    """Tie the selected units to groups and decide about each; the largest group comes first.

    ``spread``: other workers can help to stage groups that are larger than a chunk.
    """
    units = {unit.target: unit for unit in selection.units}
    families = {name: [family.name for family in family_of(target, name)] for name in units}
    owner = {member: name for name, members in families.items() for member in members}
    all_keys = [key for table in target.tables.values() for key in table.foreign_keys]
    holders = _holders(target, units)
    bound = [(key, ends) for key in all_keys if (ends := _bound(holders, key))]
    inner = [key for key, _ in bound if key.table in owner]
    outer = [key for key in all_keys if key.table not in owner]
    ties = [*_same_root(target, units), *(tie for _, ends in bound for tie in ends)]
    fires = options.triggers == "keep" and any(_fires(target.tables[member]) for member in owner)
    ties += zip(units, [*units][1:], strict=False) if fires else ()
    maker = _GroupMaker(source, target, options, pairings, filled, fires, spread)
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


def _holders(target: Catalog, units: Iterable[TableName]) -> Mapping[TableName, list[TableName]]:
    """The units that hold rows of each table: the one that it is or is a part of, or those that are parts of it."""
    found: dict[TableName, list[TableName]] = defaultdict(list)
    for name in units:
        for each in (*family_of(target, name), *ancestors_of(target, target.tables[name])):
            found[each.name].append(name)
    return found


def _bound(holders: Mapping[TableName, list[TableName]], key: ForeignKey) -> list[tuple[TableName, TableName]]:
    """The selected units at both ends of a foreign key, child and parent."""
    return [(child, parent) for child in holders.get(key.table, ()) for parent in holders.get(key.ref_table, ())]


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
        fires: bool,
        spread: bool,
    ) -> None:
        self.source, self.target, self.options = source, target, options
        self.filled, self.fires, self.spread = filled, fires, spread
        self._tasks = TaskMaker(source, target, options, pairings, filled)

    def make(self, found: Grouping, units: list[Unit], keys: list[ForeignKey], outside: list[ForeignKey]) -> None:
        """Add the group, its problems and its refusals; ``outside`` keys refer to it from tables left out."""
        problems = found.problems
        relations = [table for unit in units for table in family_of(self.target, unit.target)]
        owned = all("OWNER" in table.privileges for table in relations)
        # A key to a root of which only parts are selected is dropped and added with rights on the root.
        free = owned and all("OWNER" in self.target.tables[key.ref_table].privileges for key in keys)
        held = [route.target for unit in units for route in unit.routes if self.filled.get(route.target)]
        beside = keys_beside(self.target, units, keys)
        few = self._few_rows(units) if held and not (outside or beside) and free else None
        repair = bool(held) and self.options.mode != "replace" and few is None
        triggers = tuple(
            TriggerTask(table=table.name, triggers=table.triggers)
            for table in relations
            if any(trigger.state != "disabled" for trigger in table.triggers)
        )
        problems += trigger_problems(self.target, triggers, owned=owned) if self.options.triggers == "off" else []
        clear, reason = self._clear(free, held, outside)
        found.refusals += emptying_problems(outside, beside, clear) if held and not repair else []
        problems += self._missing_rights(relations, self._rights("keep" if repair else clear, repair))
        problems += [
            Problem(
                "foreign_key_triggers",
                f"{key.table}: the internal triggers of foreign key {key.name} are switched off; switch them on first",
                key.table,
                name=key.name,
            )
            for key in keys
            if free and not repair and not key.triggers_enabled
        ]
        problems += [
            Problem("rules", f"{table.name} has rules, which would rewrite what is written", table.name)
            for table in relations
            if (repair or clear == "delete") and table.rules
        ]
        tasks = [self._tasks.make(unit, route, outside, repair, few) for unit in units for route in unit.routes]
        if self.options.mode == "cursor":
            problems += [problem for task in tasks for problem in cursor_problems(task)]
        if repair:
            problems += self._unwritable(tasks, owned)
            group = self._repair_group(units, tasks, keys, outside, triggers, relations, free)
            found.groups.append(replace(group, beside=tuple(beside)))
            found.notes += [] if free else self._held_keys(units, tasks, keys)
            return
        deferred = False
        if not free:
            tasks, cyclic = self._parents_first(tasks, units, keys)
            deferred = bool(cyclic)
            holders = _holders(self.target, [unit.target for unit in units])
            problems += [
                Problem(
                    "foreign_key_cycle",
                    f"{key.table}: foreign key {key.name} is on a cycle and not deferrable: only the owner can "
                    "replace it",
                    key.table,
                    name=key.name,
                )
                for key in keys
                if not key.deferrable
                and any(
                    child != parent and cyclic.issuperset((child, parent)) for child, parent in _bound(holders, key)
                )
            ]
        spread = self.spread and sum(max(task.bytes, 0) for task in tasks) > self.options.chunk_bytes
        staged = bool(
            clear == "truncate"
            and self.options.on_row_error == "fail"
            and (spread or (held and len(tasks) > 1))
            and self.target.may_create_schema
            and not any(table.rules for table in relations)
            and all(any(pair.copied for pair in task.columns) for task in tasks)
        )
        if staged:
            reason += "; loaded beside the tables in parallel first, so that they are locked only while rows are moved"
            reason += ", in parts that any worker takes" if spread else ""
        reason += _REACH if self.fires else ""
        group = GroupTask(
            tables=tuple(tasks),
            clear=clear,
            foreign_keys=tuple(keys) if free else (),
            deferred=deferred,
            staged=staged,
            spread=staged and spread,
            triggers=triggers if self.options.triggers == "off" else (),
            sequences=(),
            analyze=tuple(unit.target for unit in units),
            lock=self._locked(relations, keys if free else []),
            lock_mode=_lock_mode(relations, free),
            reason=reason,
            fires=self.fires,
            firing=self._firing(relations),
        )
        found.groups.append(group)

    def _locked(self, relations: list[Table], dropped: Iterable[ForeignKey] = ()) -> tuple[TableName, ...]:
        """What is locked, in this order: the group, and what dropping foreign keys locks beside it.

        That is all partitions of a root of which only some were chosen. Who owns the root need not have the right to
        lock each of them.
        """
        referred = [table for key in dropped for table in family_of(self.target, key.ref_table)]
        beside = [table for table in referred if table.kind != "foreign" and table.privileges & _LOCKING]
        return tuple(sorted({table.name for table in (*relations, *beside)}))

    def _firing(self, relations: list[Table]) -> tuple[TableName, ...]:
        return tuple(table.name for table in relations if self.fires and _fires(table))

    def _few_rows(self, units: list[Unit]) -> str | None:
        """Why replacing is cheaper than comparing, where it may be done and the target holds next to nothing."""
        options = self.options
        if options.mode != "delta" or not options.delete or options.max_delete is not None or options.where:
            return None
        if any(self._tasks.keeps_columns(route) for unit in units for route in unit.routes):
            return None  # their values are nowhere but in the target's rows
        if options.on_row_error == "quarantine":
            return None  # a row that is refused keeps its old version only where rows are compared
        mine = sum(max(rows_of(self.source, self.source.tables[unit.source]), 0) for unit in units)
        theirs = sum(max(rows_of(self.target, self.target.tables[unit.target]), 0) for unit in units)
        size = sum(bytes_of(self.target, self.target.tables[unit.target]) for unit in units)
        most = sum(bytes_of(self.source, self.source.tables[unit.source]) for unit in units)
        if mine < _WORTH_COUNTING or theirs * _FEW > mine or size * _FEW > most:
            return None
        return f"the target holds about {theirs:,} of {mine:,} rows: replacing costs less than comparing"

    def _repair_group(
        self,
        units: list[Unit],
        tasks: list[TableTask],
        keys: list[ForeignKey],
        outside: list[ForeignKey],
        triggers: tuple[TriggerTask, ...],
        relations: list[Table],
        free: bool,
    ) -> GroupTask:
        ordered, _ = self._parents_first(tasks, units, [*keys, *outside])
        droppable = free and all(key.triggers_enabled for key in keys)
        bulk = {task.target for task in tasks if task.strategy == "bulk"}
        return GroupTask(
            tables=tuple(ordered),
            method="repair",
            clear="keep",
            foreign_keys=tuple(keys),
            droppable=droppable,
            deferred=any(key.deferrable for key in keys) or any(_has_deferrable(table) for table in relations),
            staged=False,
            triggers=triggers if self.options.triggers == "off" else (),
            sequences=(),
            analyze=tuple(unit.target for unit in units if bulk.intersection(r.target for r in unit.routes)),
            lock=self._locked(relations),
            key_lock=self._locked(relations, keys) if droppable else (),
            lock_mode=_lock_mode(relations, owned=False),
            reason=_REPAIR + (_REACH if self.fires else ""),
            fires=self.fires,
            referring=tuple(outside),
            firing=self._firing(relations),
        )

    def _held_keys(self, units: list[Unit], tasks: list[TableTask], keys: list[ForeignKey]) -> list[Problem]:
        """Foreign keys for which no order of writing may do, and which only the tables' owner could put aside.

        Most changes need no such thing. Rows that are only inserted come in one statement for each table, which a
        table's references to itself allow.
        """
        _, cyclic = self._parents_first(tasks, units, keys)
        routes = {unit.target: len(unit.routes) for unit in units}
        holders = _holders(self.target, routes)
        itself, others = "refers to its own table", "is on a cycle"
        told: list[tuple[ForeignKey, str]] = []
        for key in keys:
            if key.deferrable or not key.triggers_enabled:
                continue
            ends = _bound(holders, key)
            if any(child == parent and (self.options.mode != "append" or routes[child] > 1) for child, parent in ends):
                told.append((key, itself))
            elif any(child != parent and cyclic.issuperset((child, parent)) for child, parent in ends):
                told.append((key, others))
        return [
            Problem(
                "foreign_key_held",
                f"{key.table}: foreign key {key.name} {how}, and this role does not own the tables: changes that need "
                "it to be put aside end with exit 6",
                key.table,
                name=key.name,
            )
            for key, how in told
        ]

    def _unwritable(self, tasks: list[TableTask], owned: bool) -> list[Problem]:
        """Columns that only the owner can make take a value in an UPDATE."""
        if owned or self.options.mode not in ("delta", "cursor"):
            return []
        return [
            Problem(
                "column_identity",
                f"{task.target}: column {name} is GENERATED ALWAYS AS IDENTITY: only the owner can update it",
                task.target,
                column=name,
            )
            for task in tasks
            for name in task.identities
        ]

    def _rights(self, clear: Clear, repair: bool) -> set[str]:
        needed = {"INSERT", "SELECT"}
        if clear == "delete" or (repair and self.options.delete):
            needed.add("DELETE")
        if repair and self.options.mode in ("delta", "cursor"):
            needed.add("UPDATE")
        return needed

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

    def _missing_rights(self, relations: list[Table], needed: set[str]) -> list[Problem]:
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
        unit_of = self._unit_of(units)
        holders = _holders(self.target, [unit.target for unit in units])
        references = [ends for key in keys for ends in _bound(holders, key)]
        order, cyclic = parents_first([unit.target for unit in units], references)
        place = {name: number for number, name in enumerate(order)}
        return sorted(tasks, key=lambda task: place[unit_of[task.target]]), set(cyclic)

    def _unit_of(self, units: list[Unit]) -> dict[TableName, TableName]:
        return {family.name: unit.target for unit in units for family in family_of(self.target, unit.target)}


def _lock_mode(relations: list[Table], owned: bool) -> LockMode:
    """The strongest lock that is needed and that the role may take.

    With INSERT alone only ROW EXCLUSIVE may be taken; others may then write meanwhile, which the check
    before COMMIT finds.
    """
    if owned:
        return "ACCESS EXCLUSIVE"
    if all(table.privileges & _LOCKING for table in relations):
        return "SHARE ROW EXCLUSIVE"
    return "ROW EXCLUSIVE"


def _fires(table: Table) -> bool:
    return any(trigger.state in ("enabled", "always") for trigger in table.triggers)


def _has_deferrable(table: Table) -> bool:
    return any(key.deferrable for key in table.keys) or any(check.kind == "exclusion" for check in table.checks)
