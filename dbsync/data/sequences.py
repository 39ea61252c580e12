"""PURE: which sequences follow the tables, and to what value each is set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dbsync.data.options import SyncOptions
from dbsync.data.plan import CountedColumn, GroupTask, SequenceTask
from dbsync.data.units import EXCLUDED, Skipped, Unit, ancestors_of, family_of
from dbsync.model import Catalog, TableName
from dbsync.model import Sequence as CatalogSequence
from dbsync.selection import TablePattern

_INTEGERS = ("int2", "int4", "int8")


class SkippedSequence(Skipped):
    """A sequence that is left out, and why."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SequenceState:
    """A sequence's ``last_value`` and ``is_called``."""

    last_value: int
    is_called: bool


@dataclass(frozen=True, slots=True)
class SequencePlan:
    """Sequences by the unit that owns them, those shared by several, and those left out."""

    owned: tuple[tuple[TableName, SequenceTask], ...]
    shared: tuple[SequenceTask, ...]
    skipped: tuple[Skipped, ...]

    def into(self, groups: Sequence[GroupTask]) -> Iterator[GroupTask]:
        """Give each group the sequences of its tables."""
        for group in groups:
            mine = tuple(task for owner, task in self.owned if owner in group.lock)
            yield replace(group, sequences=mine)


def plan_sequences(source: Catalog, target: Catalog, units: Sequence[Unit], options: SyncOptions) -> SequencePlan:
    """Choose the sequences of the selected tables; without ``--tables`` also those that no table owns."""
    selected = {family.name for unit in units for family in family_of(target, unit.target)}
    # A leaf chosen alone gets ids from the sequence of the table it is a partition of.
    above = {one.name for unit in units for one in ancestors_of(target, target.tables[unit.target])} - selected
    selected_source = {family.name for unit in units for family in family_of(source, unit.source)}
    taken: set[TableName] = set()
    owned: list[tuple[TableName, SequenceTask]] = []
    shared: list[SequenceTask] = []
    skipped: list[Skipped] = []
    by_owner: defaultdict[tuple[TableName, str], list[CatalogSequence]] = defaultdict(list)
    for one in source.sequences.values():
        if one.owned_by is not None:
            by_owner[one.owned_by].append(one)
    back = {options.target_name(name): name for name in source.tables}
    for sequence in sorted(target.sequences.values(), key=lambda one: one.name):
        if sequence.owned_by is None or sequence.owned_by[0] not in selected | above:
            continue
        table, column = sequence.owned_by
        twin = _twin(source, sequence, by_owner[(back.get(table, table), column)], options)
        task = _task(sequence, twin, _counted(target, sequence))
        if table in selected:
            owned.append((table, task))
        else:
            shared.append(task)
        if twin is not None:
            taken.add(twin.name)
    used = {use: one for one in source.sequences.values() for use in one.used_by}
    drawn = _Drawn(source, target, selected | above, back, by_owner, used, options)
    for sequence in sorted(target.sequences.values(), key=lambda one: one.name):
        followed = sequence.owned_by is not None and sequence.owned_by[0] in selected | above
        if followed or sequence.extension is not None or not drawn.places(sequence):
            continue
        found = drawn.task(sequence)
        if isinstance(found, Skipped):
            skipped.append(found)
        else:
            shared.append(found)
            taken |= {found.source} if found.source is not None else set()
    for sequence in sorted(source.sequences.values(), key=lambda one: one.name):
        if sequence.name in taken or sequence.extension is not None:
            continue
        if is_wanted(sequence, source, selected_source, options):
            other = target.sequences.get(options.target_name(sequence.name))
            if other is None:
                skipped.append(SkippedSequence(str(sequence.name), "sequence missing in the target: not set"))
            else:
                shared.append(_task(other, sequence, ()))
    return SequencePlan(tuple(owned), tuple(shared), tuple(skipped))


def next_state(
    task: SequenceTask, source: SequenceState | None, target: SequenceState, furthest: Iterable[int]
) -> SequenceState | None:
    """The state to set, or None when the target's may stay.

    Never behind the source, the rows (``furthest``: the largest value of each column, the smallest for
    a descending sequence), or what the target has handed out already. A sequence that cycles has no such
    order: it gets the source's state.
    """
    if task.cycle and source is not None:
        return None if source == target else source
    sign = 1 if task.increment > 0 else -1
    candidates = [target, *([source] if source is not None and not _is_before(task, source) else [])]
    # A row beyond the sequence's range was not made by it, and it could never catch up.
    candidates += [SequenceState(value, True) for value in furthest if task.minimum <= value <= task.maximum]
    best = max(candidates, key=lambda state: sign * (state.last_value + (task.increment if state.is_called else 0)))
    return None if best == target else best


def fits(task: SequenceTask, source: SequenceState) -> bool:
    """Whether the target's sequence can be put where the source's is, or need not be, as it begins later."""
    return task.minimum <= source.last_value <= task.maximum or (not task.cycle and _is_before(task, source))


def _is_before(task: SequenceTask, state: SequenceState) -> bool:
    """Whether a state comes before all that a sequence can have."""
    return state.last_value < task.minimum if task.increment > 0 else state.last_value > task.maximum


def _task(sequence: CatalogSequence, twin: CatalogSequence | None, columns: tuple[CountedColumn, ...]) -> SequenceTask:
    return SequenceTask(
        target=sequence.name,
        source=twin.name if twin else None,
        columns=columns,
        increment=sequence.increment,
        cycle=sequence.cycle,
        minimum=sequence.minimum,
        maximum=sequence.maximum,
    )


def _twin(
    source: Catalog, sequence: CatalogSequence, same: Sequence[CatalogSequence], options: SyncOptions
) -> CatalogSequence | None:
    """The source's sequence that one of the target follows: of the same column, of several the one of its name."""
    named = source.sequences.get(_back_name(source, sequence, options))
    if named in same or not same:
        return named
    drawn = [one for one in same if one.owned_by in one.used_by or one.identity]
    return (drawn or same)[0]


def _counted(target: Catalog, sequence: CatalogSequence) -> tuple[CountedColumn, ...]:
    """The column that owns a sequence and whose values it gave: of several that it owns, the one that it draws from."""
    assert sequence.owned_by is not None
    owned = [one for one in target.sequences.values() if one.owned_by == sequence.owned_by]
    gave = len(owned) == 1 or sequence.identity or sequence.owned_by in sequence.used_by
    return _numbers(target, [sequence.owned_by] if gave else [])


def _numbers(target: Catalog, places: Iterable[tuple[TableName, str]]) -> tuple[CountedColumn, ...]:
    kinds = {place: _type_of(target, *place) for place in places}
    return tuple(
        CountedColumn(*place, numeric=kind == "numeric")
        for place, kind in kinds.items()
        if kind in _INTEGERS or kind == "numeric"
    )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Sequences of the target that defaults of the selected tables draw from, and that none of their columns owns."""

    source: Catalog
    target: Catalog
    tables: Collection[TableName]
    back: Mapping[TableName, TableName]  # the target's names to the source's
    by_owner: Mapping[tuple[TableName, str], list[CatalogSequence]]
    used: Mapping[tuple[TableName, str], CatalogSequence]  # by columns whose defaults draw from them
    options: SyncOptions

    def places(self, sequence: CatalogSequence) -> list[tuple[TableName, str]]:
        """The columns that draw from a sequence; not those of partitions, which have them from their root."""
        places = [use for use in sequence.used_by if use[0] in self.tables]
        roots = {table for table, _ in places}
        return [
            (table, column)
            for table, column in places
            if not any(above.name in roots for above in ancestors_of(self.target, self.target.tables[table]))
        ]

    def task(self, sequence: CatalogSequence) -> SequenceTask | Skipped:
        """Set it past the source's of its name or columns, and past the rows where an index tells the furthest."""
        places = self.places(sequence)
        named = self.source.sequences.get(_back_name(self.source, sequence, self.options))
        other = next(filter(None, map(self._other, places)), None) if named is None else None
        if other is not None and not other.privileges & {"SELECT", "OWNER"}:
            other = None  # the rows have to do
        if any(TablePattern.parse(text).matches(sequence.name) for text in self.options.exclude):
            return SkippedSequence(str(sequence.name), f"{EXCLUDED}: the sequence is not set")
        if named is None and not ("OWNER" in sequence.privileges or sequence.privileges >= {"SELECT", "UPDATE"}):
            why = "the target role may not set this sequence (SELECT, UPDATE): left alone"
            return SkippedSequence(str(sequence.name), why)
        return _task(
            sequence,
            named or other,
            _numbers(self.target, [place for place in places if is_cheap(self.target, *place)]),
        )

    def _other(self, place: tuple[TableName, str]) -> CatalogSequence | None:
        """What gives the column of this name its values in the source."""
        table, column = place
        same = self.by_owner.get((self.back.get(table, table), column))
        if same:
            return next((one for one in same if one.owned_by in one.used_by or one.identity), same[0])
        return self.used.get((self.back.get(table, table), column))


def is_cheap(target: Catalog, name: TableName, column: str) -> bool:
    """Whether the role may read the column's furthest value, and an index holds it."""
    table = target.tables[name]
    indexes = [index.definition for index in table.indexes if index.valid and index.columns[:1] == (column,)]
    leads = any(" USING btree (" in text and " WHERE " not in text for text in indexes)
    return leads and bool(table.privileges & {"SELECT", "OWNER"}) and not table.rls_active


def _type_of(target: Catalog, table: TableName, column: str) -> str | None:
    """The name of a column's type below any domain."""
    found = target.tables[table].column(column)
    kind = found.type if found is not None else None
    while kind is not None and kind.base is not None:
        kind = kind.base
    return kind.name if kind is not None and kind.element is None else None


def is_wanted(
    sequence: CatalogSequence, source: Catalog, selected: Collection[TableName], options: SyncOptions
) -> bool:
    """Whether a sequence of the source follows the tables that were selected: theirs, or without --tables nobody's.

    One that only views draw from is nobody's, unless --exclude names it or all of them.
    """
    users = {name for name, _ in sequence.used_by} | ({sequence.owned_by[0]} if sequence.owned_by else set())
    if users & set(selected) or options.tables:
        return bool(users & set(selected))
    if not users:
        return True
    patterns = [TablePattern.parse(text) for text in options.exclude]
    out = [any(pattern.matches(name) for pattern in patterns) for name in (sequence.name, *sorted(users))]
    views = all(name in source.tables and source.tables[name].kind == "view" for name in users)
    return views and not out[0] and not all(out[1:])


def _back_name(source: Catalog, sequence: CatalogSequence, options: SyncOptions) -> TableName:
    for name in source.sequences:
        if options.target_name(name) == sequence.name:
            return name
    return sequence.name
