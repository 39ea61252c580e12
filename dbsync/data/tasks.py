"""PURE: decide how one table of a group is filled: strategy, key, ranges, and the indexes that may be dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args

from dbsync.data.columns import Pairing
from dbsync.data.keys import choose_key, unique_values
from dbsync.data.options import SyncOptions, option_for
from dbsync.data.plan import CursorColumn, Strategy, TableTask
from dbsync.data.units import Route, Unit, ancestors_of, family_of
from dbsync.model import Catalog, CursorKind, ForeignKey, Index, Table, TableName, quote_identifier
from dbsync.segments import RowKey

# Reading by ctid range is a plan node since 14; before, a range would scan the whole table.
_TID_RANGE_SCAN = 14
_BLOCK_SIZE = 8192
_WORTH_DROPPING = 1024 * 1024  # bytes; dropping and building three indexes takes as long as a thousand rows more
_Referred = tuple[TableName, frozenset[str]]  # a table, and the columns of it that a foreign key refers to


class TaskMaker:
    """Decides about one table after another."""

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

    def make(self, unit: Unit, route: Route, outside: list[ForeignKey], repair: bool, few: str | None) -> TableTask:
        """The task of one relation; ``few`` says why replacing it is cheaper, where it is."""
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
            rows=rows_of(self.source, source),
            bytes=bytes_of(self.source, source),
            pages=source.pages,
            pages_per_range=pages_per_range,
            target_rows=max(rows_of(self.target, target), 0) if held else 0,
            unlogged=target.persistence == "unlogged",
            indexes=()
            if repair or not self._drops_indexes(source, held)
            else self._droppable(target, referred=referred),
            key=found,
            uniques=self._uniques(target, found, referred) if repair and held else (),
            unique_values=unique_values(source, target, pairing, found) if repair and held else (),
            identities=_identities(target, pairing, found) if repair and held else (),
            above=tuple(table.name for table in ancestors_of(self.target, target)),
            below=tuple(table.name for table in family_of(self.target, target.name) if table.name != target.name),
            kept=(kept := kept_columns(target, pairing)),
            only_here=tuple(name for name in kept if name not in _primary(target)),
            cursor=_cursor_of(self.options, source, unit.source, pairing),
            notes=tuple(str(note) for note in pairing.notes),
        )

    def keeps_columns(self, route: Route) -> bool:
        """Whether the target has columns that the copy leaves alone."""
        return bool(kept_columns(self.target.tables[route.target], self.pairings[route]))

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
        within = "; rows outside --where are left alone, but for those whose key the source has inside" if where else ""
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

    def _drops_indexes(self, source: Table, held: bool) -> bool:
        """Whether indexes are built after the rows: asked for, or with --create where there are rows enough.

        Not where rows may be refused one by one: an index that is built says that of none.
        """
        fresh = self.options.create and not held and self.options.on_row_error == "fail"
        fresh = fresh and bytes_of(self.source, source) >= _WORTH_DROPPING
        return self.options.drop_indexes or fresh

    def _droppable(self, target: Table, *, referred: set[_Referred]) -> tuple[Index, ...]:
        """The indexes that can be dropped and built again as they were.

        None that a partitioned index, CLUSTER, a replica identity, an extension or a foreign key from outside hangs
        on, none that this role may not make where it is, and none over expressions, whose columns may have statistics
        targets of their own.
        """
        if "OWNER" not in target.privileges or target.kind != "table":
            return ()
        return tuple(
            index
            for index in target.indexes
            if index.valid
            and index.rebuildable
            and index.partition_of is None
            and not index.is_clustered
            and not index.is_replica_identity
            and (index.constraint is None or index.unique)
            and not (index.unique and (target.name, frozenset(index.columns)) in referred)
            and "WITHOUT OVERLAPS" not in (index.constraint_definition or "")
            and index.name.schema in self.target.may_create_in
            and all(target.column(name) is not None for name in index.columns)
        )


def _cursor_of(options: SyncOptions, source: Table, root: TableName, pairing: Pairing) -> CursorColumn | None:
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


def _identities(target: Table, pairing: Pairing, key: RowKey | None) -> tuple[str, ...]:
    """The columns GENERATED ALWAYS AS IDENTITY that an UPDATE would have to set."""
    exact = {column.name for column in key.columns if column.exact} if key else set()
    copied = {pair.name for pair in pairing.pairs if pair.copied} - exact
    return tuple(column.name for column in target.columns if column.identity == "always" and column.name in copied)


def kept_columns(target: Table, pairing: Pairing) -> tuple[str, ...]:
    """The target's columns whose values neither the copy nor the target itself makes."""
    copied = {pair.name for pair in pairing.pairs if pair.copied}
    return tuple(column.name for column in target.columns if column.name not in copied and not column.generated)


def _primary(table: Table) -> set[str]:
    return {name for key in table.keys if key.primary for name in key.columns}


def rows_of(catalog: Catalog, table: Table) -> int:
    """The rows that a table is estimated to hold, its partitions' included; negative when nobody knows."""
    if table.kind != "partitioned":
        return table.row_estimate
    return sum(max(leaf.row_estimate, 0) for leaf in family_of(catalog, table.name) if leaf.kind == "table")


def bytes_of(catalog: Catalog, table: Table) -> int:
    """The bytes that a table takes, its partitions' included."""
    return sum(relation.size for relation in family_of(catalog, table.name))
