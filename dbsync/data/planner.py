"""PURE: make the SyncPlan: pair columns, tie tables by foreign keys, choose how each group is replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from dbsync.data.columns import Pairing, pair_columns
from dbsync.data.options import SyncOptions
from dbsync.data.order import parents_first, tied_groups
from dbsync.data.plan import Clear, GroupTask, LockMode, SequenceTask, SyncPlan, TableTask, TriggerTask
from dbsync.data.sequences import plan_sequences
from dbsync.data.units import Route, Selection, Skipped, Unit, family_of, root_of
from dbsync.errors import SchemaMismatch
from dbsync.model import Catalog, ForeignKey, Index, Table, TableName
from dbsync.selection import TablePattern

Value = TypeVar("Value")

# Reading by ctid range is a plan node since 14; before, a range would scan the whole table.
_TID_RANGE_SCAN = 14
_BLOCK_SIZE = 8192
_HINT = (
    "make the target's schema fit first (`dbsync schema SOURCE --format sql` prints what the source has; `dbsync "
    "migrate`, which will do it for you, is not in this version), or leave tables out with --exclude and columns with "
    "--columns"
)


def plan_sync(
    source: Catalog, target: Catalog, selection: Selection, options: SyncOptions, *, filled: Mapping[TableName, bool]
) -> SyncPlan:
    """Return the plan. ``filled`` says which target relations hold rows.

    Raises SchemaMismatch, naming everything at once, when the sides cannot be synchronised as they are.
    """
    problems = list(selection.problems)
    schemas = {unit.source.schema: unit.target.schema for unit in selection.units}
    pairings: dict[Route, Pairing] = {}
    for unit in selection.units:
        for route in unit.routes:
            only = _for_table(options.columns, route.source, unit.source)
            pairing = pair_columns(source.tables[route.source], target.tables[route.target], only=only, schemas=schemas)
            pairings[route] = pairing
            problems += [f"{route.target}: {problem}" for problem in pairing.problems]
            problems += _right_problems(source.tables[route.source], target.tables[route.target])
            problems += _large_object_problems(source, route.source, pairing)
    groups, refusals = _groups(source, target, selection, options, pairings, filled, problems)
    sequences = plan_sequences(source, target, selection.units, options)
    problems += _sequence_problems(source, target, [task for _, task in sequences.owned] + list(sequences.shared))
    if problems:
        raise SchemaMismatch(
            _one_sentence(problems),
            hint=_HINT,
            details={"problems": problems},
        )
    refresh, matview_notes = plan_refresh(source, target, selection.units, options)
    return SyncPlan(
        options=options,
        groups=tuple(sequences.into(groups)),
        sequences=sequences.shared,
        refresh=refresh,
        skipped=(*selection.skipped, *matview_notes, *sequences.skipped, *_large_objects(source)),
        refusals=tuple(refusals),
        warnings=_warnings(target, groups),
    )


def plan_refresh(
    source: Catalog, target: Catalog, units: Sequence[Unit], options: SyncOptions
) -> tuple[tuple[TableName, ...], list[Skipped]]:
    """Choose the materialised views to refresh, in dependency order; the others are listed with the reason."""
    written = {family.name for unit in units for family in family_of(target, unit.target)}
    notes: list[Skipped] = []
    wanted: list[TableName] = []
    patterns = [TablePattern.parse(text) for text in options.exclude]
    for view in source.of_kind("matview"):
        name = options.target_name(view.name)
        if view.extension is not None or any(pattern.matches(view.name) for pattern in patterns):
            continue
        other = target.tables.get(name)
        if not _reads_from(target, name, written):
            continue
        if other is None or other.kind != "matview":
            notes.append(Skipped(str(name), "materialised view missing in the target: not refreshed"))
        elif not view.populated:
            notes.append(Skipped(str(name), "materialised view not populated in the source: left alone"))
        else:
            wanted.append(name)
    references = [(view, parent) for view in wanted for parent in target.matview_depends.get(view, ())]
    order, _ = parents_first(wanted, references)
    return tuple(order), notes


def _reads_from(target: Catalog, view: TableName, written: set[TableName]) -> bool:
    """Whether a materialised view depends on a written table, directly or through others (unknown counts as yes)."""
    if view not in target.matview_depends:
        return True
    seen, waiting = set(), [view]
    while waiting:
        for parent in target.matview_depends.get(waiting.pop(), ()):
            if parent in written:
                return True
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return False


def _groups(
    source: Catalog,
    target: Catalog,
    selection: Selection,
    options: SyncOptions,
    pairings: Mapping[Route, Pairing],
    filled: Mapping[TableName, bool],
    problems: list[str],
) -> tuple[list[GroupTask], list[str]]:
    unit_of = {family.name: unit for unit in selection.units for family in family_of(target, unit.target)}
    tables = {unit.target: unit for unit in selection.units}
    all_keys = [key for table in target.tables.values() for key in table.foreign_keys]
    inner = [key for key in all_keys if key.table in unit_of and key.ref_table in unit_of]
    # Leaves chosen without their root still belong together: readers see them as one table.
    roots = [(unit.target, root_of(target, target.tables[unit.target]).name) for unit in selection.units]
    by_root: dict[TableName, TableName] = {}
    ties = [(by_root.setdefault(root, name), name) for name, root in roots]
    ties += [(unit_of[key.table].target, unit_of[key.ref_table].target) for key in inner]
    groups: list[GroupTask] = []
    refusals: list[str] = []
    for names in tied_groups(list(tables), ties):
        units = [tables[name] for name in names]
        keys = [key for key in inner if unit_of[key.table].target in names]
        referred = {table for unit in units for table in _with_ancestors(target, unit.target)} | {
            table for table, unit in unit_of.items() if unit in units
        }
        outside = [key for key in all_keys if key.table not in unit_of and key.ref_table in referred]
        maker = _GroupMaker(source, target, options, pairings, filled)
        group, group_problems, group_refusals = maker.make(units, keys, outside)
        groups.append(group)
        problems += group_problems
        refusals += group_refusals
    return sorted(groups, key=lambda group: -sum(max(task.bytes, 0) for task in group.tables)), refusals


def _with_ancestors(catalog: Catalog, name: TableName) -> list[TableName]:
    """A table and the partitioned tables above it: a reference to those is a reference to its rows."""
    found = [name]
    while (parent := catalog.tables[found[-1]].partition_of) is not None and parent in catalog.tables:
        found.append(parent)
    return found


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

    def make(
        self, units: list[Unit], keys: list[ForeignKey], outside: list[ForeignKey]
    ) -> tuple[GroupTask, list[str], list[str]]:
        """Return the group, its problems (cannot be planned) and its refusals (guards)."""
        problems: list[str] = []
        relations = [table for unit in units for table in family_of(self.target, unit.target)]
        if self._leaves_only(units):
            relations = [self.target.tables[route.target] for unit in units for route in unit.routes]
        owned = all("OWNER" in table.privileges for table in relations)
        held = [route.target for unit in units for route in unit.routes if self.filled.get(route.target)]
        refusals = self._refusals(held, outside)
        triggers = tuple(
            TriggerTask(table=table.name, triggers=table.triggers)
            for table in relations
            if any(trigger.state != "disabled" for trigger in table.triggers)
        )
        if triggers and self.options.triggers == "off" and not owned:
            problems += [
                f"{task.table} has triggers, and only its owner can switch them off: use --triggers keep"
                for task in triggers
            ]
        clear, reason = self._clear(owned, held, outside)
        problems += self._missing_rights(relations, clear)
        problems += [
            f"{key.table}: the internal triggers of foreign key {key.name} are switched off; switch them on first"
            for key in keys
            if owned and not key.triggers_enabled
        ]
        problems += [
            f"{table.name} has rules, which would rewrite the DELETE"
            for table in relations
            if clear == "delete" and table.rules
        ]
        tasks = [self._task(unit, route, outside) for unit in units for route in unit.routes]
        deferred = False
        if not owned:
            tasks, cyclic = self._parents_first(tasks, units, keys)
            deferred = bool(cyclic)
            problems += [
                f"{key.table}: foreign key {key.name} is on a cycle and not deferrable: only the owner can replace it"
                for key in keys
                if not key.deferrable and key.table in cyclic and key.ref_table in cyclic and key.table != key.ref_table
            ]
        staged = bool(
            clear == "truncate"
            and held
            and len(tasks) > 1
            and self.target.may_create_schema
            and not any(table.rules for table in relations)
            and all(task.columns for task in tasks)
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
        return group, problems, refusals

    def _leaves_only(self, units: list[Unit]) -> bool:
        return all(len(unit.routes) == 1 and unit.routes[0].target == unit.target for unit in units)

    def _refusals(self, held: list[TableName], outside: list[ForeignKey]) -> list[str]:
        if not held:
            return []
        if self.options.mode == "fill":
            return [f"{name} holds rows already" for name in held]
        return [
            f"{key.table} refers to {key.ref_table} by foreign key {key.name} but is not selected" for key in outside
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

    def _missing_rights(self, relations: list[Table], clear: Clear) -> list[str]:
        needed = {"INSERT", "SELECT"} | ({"DELETE"} if clear == "delete" else set())
        return [
            f"{table.name}: the target role lacks {', '.join(sorted(needed - table.privileges))}"
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
        where = _for_table(self.options.where, route.source, unit.source)
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
            notes=pairing.notes,
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


def _for_table(values: Mapping[str, Value], table: TableName, root: TableName) -> Value | None:
    """The value of an option that is keyed by table pattern, for a table or its partitioned root."""
    for text, value in values.items():
        pattern = TablePattern.parse(text)
        if pattern.matches(table) or pattern.matches(root):
            return value
    return None


def _right_problems(source: Table, target: Table) -> list[str]:
    problems = []
    if "SELECT" not in source.privileges:
        some = " (rights on single columns do not do: the table is locked against changes of its structure)"
        partly = any(column.readable for column in source.columns)
        problems.append(f"{source.name}: the source role may not SELECT from it{some if partly else ''}")
    if source.rls_active:
        problems.append(
            f"{source.name}: row-level security would hide rows from the source role; use the owner or BYPASSRLS"
        )
    if target.rls_active:
        problems.append(
            f"{target.name}: row-level security applies to the target role; use its owner or a role with BYPASSRLS"
        )
    return problems


def _sequence_problems(source: Catalog, target: Catalog, tasks: Sequence[SequenceTask]) -> list[str]:
    problems = []
    for task in tasks:
        if not target.sequences[task.target].privileges & {"UPDATE", "OWNER"}:
            problems.append(f"{task.target}: the target role may not set this sequence (UPDATE)")
        if task.source is not None and not source.sequences[task.source].privileges & {"SELECT", "OWNER"}:
            problems.append(f"{task.source}: the source role may not read this sequence (SELECT)")
    return problems


def _rows_of(catalog: Catalog, table: Table) -> int:
    if table.kind != "partitioned":
        return table.row_estimate
    return sum(max(leaf.row_estimate, 0) for leaf in family_of(catalog, table.name) if leaf.kind == "table")


def _bytes_of(catalog: Catalog, table: Table) -> int:
    return sum(relation.size for relation in family_of(catalog, table.name))


def _large_object_problems(source: Catalog, table: TableName, pairing: Pairing) -> list[str]:
    """A column of oids beside large objects most likely points at them, and they are not copied."""
    if not source.large_objects:
        return []
    names = {pair.name for pair in pairing.pairs if pair.copied}
    return [
        f"{table}: column {column.name} may point to one of the source's {source.large_objects} large objects, which "
        "are not copied; leave the table out with --exclude or the column with --columns"
        for column in source.tables[table].columns
        if column.name in names and "oid" in (column.type.name, column.type.base.name if column.type.base else "")
    ]


def _large_objects(source: Catalog) -> list[Skipped]:
    if not source.large_objects:
        return []
    return [Skipped("(large objects)", f"{source.large_objects} large objects are not copied")]


def _warnings(target: Catalog, groups: Sequence[GroupTask]) -> tuple[str, ...]:
    warnings = [f"{task.target}: {note}" for group in groups for task in group.tables for note in task.notes]
    warnings += [
        f"{task.target} is unlogged: a crash of the target server empties it"
        for group in groups
        for task in group.tables
        if task.unlogged
    ]
    return tuple(warnings)


def _one_sentence(problems: Sequence[str]) -> str:
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"source and target cannot be synchronised as they are: {problems[0]}{more}"
