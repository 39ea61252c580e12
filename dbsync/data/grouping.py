"""PURE: tie tables that must change together, and decide how each group is cleared, locked and filled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

from dbsync.data.columns import Pairing
from dbsync.data.keys import choose_key
from dbsync.data.options import SyncOptions, option_for
from dbsync.data.order import parents_first, tied_groups
from dbsync.data.plan import Clear, CursorColumn, GroupTask, LockMode, Strategy, TableTask, TriggerTask
from dbsync.data.problem import Problem
from dbsync.data.units import Route, Selection, Unit, ancestors_of, family_of, root_of
from dbsync.model import Catalog, CursorKind, ForeignKey, Index, Table, TableName, quote_identifier
from dbsync.segments import RowKey

# Reading by ctid range is a plan node since 14; before, a range would scan the whole table.
_TID_RANGE_SCAN = 14
_BLOCK_SIZE = 8192
# A target with less than a fifth of the rows is cheaper to replace: a comparison reads both sides (about 0.4 of a
# copy) and then copies nearly everything through a second statement. Below so many rows it does not matter.
_FEW, _WORTH_COUNTING = 5, 10_000
_Referred = tuple[TableName, frozenset[str]]  # a table, and the columns of it that a foreign key refers to
_REPAIR = "the target holds rows: compare, then write what differs in one transaction"


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
        few = self._few_rows(units) if held and not outside and owned else None
        repair = bool(held) and self.options.mode != "replace" and few is None
        found.refusals += [] if repair else self._refusals(held, outside)
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
        problems += self._missing_rights(relations, self._rights("keep" if repair else clear, repair))
        problems += [
            Problem(
                "foreign_key_triggers",
                f"{key.table}: the internal triggers of foreign key {key.name} are switched off; switch them on first",
                key.table,
                name=key.name,
            )
            for key in keys
            if owned and not repair and not key.triggers_enabled
        ]
        problems += [
            Problem("rules", f"{table.name} has rules, which would rewrite what is written", table.name)
            for table in relations
            if (repair or clear == "delete") and table.rules
        ]
        tasks = [self._task(unit, route, outside, repair, few) for unit in units for route in unit.routes]
        if self.options.mode == "cursor":
            problems += [problem for task in tasks for problem in self._cursor_problems(task)]
        if repair:
            problems += self._unwritable(tasks, owned)
            found.groups.append(self._repair_group(units, tasks, keys, outside, triggers, relations, owned))
            return
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
            and self.options.on_row_error == "fail"
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

    def _few_rows(self, units: list[Unit]) -> str | None:
        """Why replacing is cheaper than comparing, where it may be done and the target holds next to nothing."""
        options = self.options
        if options.mode != "delta" or not options.delete or options.max_delete is not None or options.where:
            return None
        mine = sum(max(_rows_of(self.source, self.source.tables[unit.source]), 0) for unit in units)
        theirs = sum(max(_rows_of(self.target, self.target.tables[unit.target]), 0) for unit in units)
        size = sum(_bytes_of(self.target, self.target.tables[unit.target]) for unit in units)
        most = sum(_bytes_of(self.source, self.source.tables[unit.source]) for unit in units)
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
        owned: bool,
    ) -> GroupTask:
        ordered, _ = self._parents_first(tasks, units, keys)
        droppable = owned and all(key.triggers_enabled for key in keys)
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
            lock=tuple(sorted({table.name for table in relations})),
            lock_mode=_lock_mode(relations, owned=False),
            reason=_REPAIR,
            referring=tuple(outside),
        )

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

    def _cursor_problems(self, task: TableTask) -> list[Problem]:
        problems = []
        if task.cursor is None:
            said = f"{task.source}: its --cursor is not a copied column of whole numbers, dates or timestamps"
            problems.append(Problem("cursor_column", said, task.target))
        if task.key is None:
            said = f"{task.target}: --mode cursor needs a key by which rows are matched"
            problems.append(Problem("cursor_key", said, task.target))
        return problems

    def _rights(self, clear: Clear, repair: bool) -> set[str]:
        needed = {"INSERT", "SELECT"}
        if clear == "delete" or (repair and self.options.delete):
            needed.add("DELETE")
        if repair and self.options.mode in ("delta", "cursor"):
            needed.add("UPDATE")
        return needed

    def _refusals(self, held: list[TableName], outside: list[ForeignKey]) -> list[Problem]:
        if not held:
            return []
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
        unit_of = {family.name: unit.target for unit in units for family in family_of(self.target, unit.target)}
        references = [(unit_of[key.table], unit_of[key.ref_table]) for key in keys]
        order, cyclic = parents_first([unit.target for unit in units], references)
        place = {name: number for number, name in enumerate(order)}
        return sorted(tasks, key=lambda task: place[unit_of[task.target]]), set(cyclic)

    def _task(self, unit: Unit, route: Route, outside: list[ForeignKey], repair: bool, few: str | None) -> TableTask:
        source, target = self.source.tables[route.source], self.target.tables[route.target]
        pairing = self.pairings[route]
        held = bool(self.filled.get(route.target))
        copied = [pair for pair in pairing.pairs if pair.copied]
        where = option_for(self.options.where, route.source, unit.source)
        key = choose_key(source, target, pairing)
        strategy, reason = self._strategy(held, key, where, few)
        pages_per_range = self._pages_per_range(source, route)
        referred = {(key.ref_table, frozenset(key.ref_columns)) for key in outside}
        found = key if isinstance(key, RowKey) else None
        return TableTask(
            source=route.source,
            target=route.target,
            source_only=route.source_only,
            target_only=route.target_only,
            strategy=strategy,
            reason="; ".join([reason, *([unit.note] if unit.note else [])]),
            columns=pairing.pairs,
            binary=bool(copied) and all(pair.binary for pair in copied),
            where=where,
            rows=_rows_of(self.source, source),
            bytes=_bytes_of(self.source, source),
            pages=source.pages,
            pages_per_range=pages_per_range,
            target_rows=max(_rows_of(self.target, target), 0) if held else 0,
            unlogged=target.persistence == "unlogged",
            indexes=() if repair or not self.options.drop_indexes else self._droppable(target, referred=referred),
            key=found,
            uniques=self._uniques(target, found, referred) if repair and held else (),
            identities=_identities(target, pairing, found) if repair and held else (),
            cursor=cursor_of(self.options, source, unit.source, pairing),
            notes=tuple(str(note) for note in pairing.notes),
        )

    def _strategy(self, held: bool, key: RowKey | str, where: str | None, few: str | None) -> tuple[Strategy, str]:
        if not held:
            return "bulk", "the target table is empty"
        if few is not None:
            return "replace", few
        if self.options.mode == "replace":
            return "replace", "--mode replace"
        if self.options.mode == "cursor":
            return "cursor", "rows past the stored cursor are written by key; deletes are not covered"
        how = f"whole rows: {key}"
        if isinstance(key, RowKey):
            how = f"key ({', '.join(map(quote_identifier, key.names))})"
        what = {"delta": "what differs is written", "append": "what is missing is inserted"}[self.options.mode]
        within = "; rows outside --where are left alone on both sides" if where else ""
        return "compare", f"compared by {how}; {what}{within}"

    def _uniques(self, target: Table, key: RowKey | None, referred: set[_Referred]) -> tuple[Index, ...]:
        """Unique indexes besides the key's that may be dropped and built again within the transaction."""
        return tuple(
            index
            for index in self._droppable(target, referred=referred)
            if index.unique and (key is None or frozenset(index.columns) != frozenset(key.names))
        )

    def _pages_per_range(self, source: Table, route: Route) -> int:
        pages = self.options.chunk_bytes // _BLOCK_SIZE
        splits = self.options.jobs > 1 and self.source.major >= _TID_RANGE_SCAN and source.kind == "table"
        return pages if splits and route.source_only and source.pages > pages * 3 // 2 else 0

    def _droppable(self, target: Table, *, referred: set[_Referred]) -> tuple[Index, ...]:
        """The indexes that can be dropped and built again as they were.

        None that a partitioned index, CLUSTER, a replica identity or a foreign key from outside hangs on,
        and none over expressions, whose columns may have statistics targets of their own.
        """
        if "OWNER" not in target.privileges or target.kind != "table":
            return ()
        return tuple(
            index
            for index in target.indexes
            if index.valid
            and index.partition_of is None
            and not index.is_clustered
            and not index.is_replica_identity
            and (index.constraint is None or index.unique)
            and not (index.unique and (target.name, frozenset(index.columns)) in referred)
            and "WITHOUT OVERLAPS" not in (index.constraint_definition or "")
            and index.name.schema in self.target.may_create_in
            and all(target.column(name) is not None for name in index.columns)
        )


def cursor_of(options: SyncOptions, source: Table, root: TableName, pairing: Pairing) -> CursorColumn | None:
    """The column of ``--cursor``; None where it cannot serve, or none was asked for."""
    name = option_for(options.cursors, source.name, root)
    column = source.column(name) if name is not None else None
    if column is None or all(pair.name != name for pair in pairing.pairs if pair.copied):
        return None
    base = column.type
    while base.base is not None:
        base = base.base
    if base.schema != "pg_catalog" or base.name not in get_args(CursorKind):
        return None
    chosen = option_for(options.columns, source.name, root) or ()
    return CursorColumn(column.name, cast("CursorKind", base.name), tuple(chosen))


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


def _has_deferrable(table: Table) -> bool:
    return any(key.deferrable for key in table.keys) or any(check.kind == "exclusion" for check in table.checks)


def _identities(target: Table, pairing: Pairing, key: RowKey | None) -> tuple[str, ...]:
    """The columns GENERATED ALWAYS AS IDENTITY that an UPDATE would have to set."""
    exact = {column.name for column in key.columns if column.exact} if key else set()
    copied = {pair.name for pair in pairing.pairs if pair.copied} - exact
    return tuple(column.name for column in target.columns if column.identity == "always" and column.name in copied)


def _rows_of(catalog: Catalog, table: Table) -> int:
    if table.kind != "partitioned":
        return table.row_estimate
    return sum(max(leaf.row_estimate, 0) for leaf in family_of(catalog, table.name) if leaf.kind == "table")


def _bytes_of(catalog: Catalog, table: Table) -> int:
    return sum(relation.size for relation in family_of(catalog, table.name))
