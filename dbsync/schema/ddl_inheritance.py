"""PURE: what children of classical inheritance have from their parents alone, so that CREATE TABLE must not say it.

What stands in a child's own list is its own, too: it would stay when the parents lose theirs. Partitions have
nothing of their own that their parent has, and ATTACH PARTITION takes it up from their own list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dbsync.model import Catalog, Column, Table, TableName


class Inheritance:
    """Tables and their parents; ``inherited`` holds the oid of a child and "column NAME" and the like."""

    def __init__(self, catalog: Catalog, inherited: Collection[tuple[int, str]]) -> None:
        self._tables = catalog.tables
        self.has_not_null_constraints = catalog.server_version_num >= 180000
        self._inherited = frozenset(inherited)
        children = {oid for oid, _ in self._inherited}
        # What a parent that the script does not make brings, nobody knows: then all stands in the child's own list.
        self._children = {
            table.oid
            for table in catalog.tables.values()
            if table.oid in children and all(parent in catalog.tables for parent in table.inherits)
        }

    def parents(self, table: Table) -> tuple[TableName, ...]:
        """The parents that CREATE TABLE names; none where all is the child's own: INHERIT keeps its columns' order."""
        return table.inherits if table.oid in self._children else ()

    def has(self, table: Table, part: str) -> bool:
        """Whether the child has this part from its parents alone."""
        return bool(self.parents(table)) and (table.oid, part) in self._inherited

    def brings(self, table: Table, column: Column) -> bool:
        """Whether INHERITS makes the column: not where parents or child differ in what only the list can say."""
        given = self._given(table, column)
        agreed = len({parent.default for parent in given}) <= 1
        alike = agreed and all(parent.generation == column.generation for parent in given)
        return alike and self.has(table, f"column {column.name}")

    def is_own_not_null(self, table: Table, column: Column) -> bool:
        """Whether a column is not null by a constraint of its own (always, before 18)."""
        return not column.nullable and not self.has(table, f"not_null {column.name}")

    def gives_default(self, table: Table, column: Column) -> bool:
        """Whether a column that stands in the child's list would have a parent's default unless it says otherwise."""
        given = self._given(table, column) if self.parents(table) else []
        return any(parent.default is not None and not parent.generated for parent in given)

    def gives_not_null(self, table: Table) -> bool:
        """Whether a column is not null by its parents' constraint alone."""
        return any(self.has(table, f"not_null {column.name}") for column in table.columns)

    def depth(self, table: Table) -> int:
        """How many tables are above one."""
        above = (*table.inherits, *([table.partition_of] if table.partition_of else []))
        return max((1 + self.depth(self._tables[parent]) for parent in above if parent in self._tables), default=0)

    def beside(self, table: Table, column: Column, apart: Collection[str]) -> Iterator[str]:
        """What a column that INHERITS makes is beyond its parents', or less than that, in the words of ALTER COLUMN."""
        given = self._given(table, column)
        if column.default not in {parent.default for parent in given}:
            if column.default is not None and f"default {column.name}" not in apart:
                yield f"SET DEFAULT {column.default}"
            elif column.default is None and given:
                yield "DROP DEFAULT"
        if not self.has_not_null_constraints:
            nullable = all(parent.nullable for parent in given)
            if column.nullable != nullable:
                yield "DROP NOT NULL" if column.nullable else "SET NOT NULL"

    def _given(self, table: Table, column: Column) -> list[Column]:
        found = (self._tables[parent].column(column.name) for parent in table.inherits if parent in self._tables)
        return [parent for parent in found if parent is not None]
