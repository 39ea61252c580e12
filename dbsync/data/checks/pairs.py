"""PURE: the pairs of tables that the checks look at, and how names of the source read in the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dbsync.data.columns import UNPAIRED
from dbsync.data.options import option_for
from dbsync.data.planner import Draft
from dbsync.data.problem import Problem, Rule
from dbsync.model import Circumstances, Column, ColumnType, Table, TableName, quote_identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePair:
    """A selected table and its counterpart. ``columns`` are those of both that are wanted and fit each other."""

    source: Table
    target: Table
    columns: tuple[tuple[Column, Column], ...]
    above: tuple[Table, Table] | None  # the pair of roots, for a partition that is copied by itself
    schemas: Mapping[str, str] = field(repr=False)  # where else a source schema's types may be

    def as_target(self, text: str | None) -> str | None:
        """An expression of the source as the target would print it, where --map calls a schema otherwise."""
        for ours, theirs in self.schemas.items():
            if text is not None and ours != theirs:
                text = text.replace(f"{quote_identifier(ours)}.", f"{quote_identifier(theirs)}.")
        return text

    def found(
        self,
        rule: Rule,
        said: str,
        *,
        column: str | None = None,
        name: str | None = None,
        sides: tuple[str | None, str | None] | None = None,
    ) -> Problem:
        """A problem at this place; ``said`` goes on after the target's name."""
        return Problem(rule, f"{self.target.name}: {said}", self.target.name, column, name, sides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """All that a check may look at."""

    draft: Draft
    source: Circumstances
    target: Circumstances
    pairs: tuple[TablePair, ...]

    @property
    def roots(self) -> Iterator[TablePair]:
        """The pairs without the partitions that are copied one by one."""
        return (pair for pair in self.pairs if pair.above is None)


def checked(draft: Draft, source: Circumstances, target: Circumstances) -> Checked:
    """Collect the pairs of a draft."""
    return Checked(draft=draft, source=source, target=target, pairs=tuple(_pairs(draft)))


def _pairs(draft: Draft) -> Iterator[TablePair]:
    mapped = draft.plan.options.schema_map()
    misfits = {(problem.table, problem.column) for problem in draft.problems if problem.rule in UNPAIRED}
    for unit in draft.selection.units:
        schemas = mapped | {unit.source.schema: unit.target.schema}
        root = (draft.source.tables[unit.source], draft.target.tables[unit.target])
        yield _pair(draft, *root, None, misfits, schemas)
        for route in unit.routes:
            leaf = (draft.source.tables[route.source], draft.target.tables[route.target])
            if leaf != root:
                yield _pair(draft, *leaf, root, misfits, schemas)


def _pair(
    draft: Draft,
    source: Table,
    target: Table,
    above: tuple[Table, Table] | None,
    misfits: set[tuple[TableName | None, str | None]],
    schemas: Mapping[str, str],
) -> TablePair:
    only = option_for(draft.plan.options.columns, source.name, above[0].name if above else source.name)
    theirs = {column.name: column for column in target.columns}
    both = tuple(
        (column, theirs[column.name])
        for column in source.columns
        if column.name in theirs and (only is None or column.name in only)
        if (target.name, column.name) not in misfits
    )
    return TablePair(source=source, target=target, columns=both, above=above, schemas=schemas)


def bottom(kind: ColumnType) -> ColumnType:
    """The type below arrays and domains."""
    while kind.base is not None or kind.element is not None:
        kind = kind.base or kind.element or kind
    return kind


def quoted(column: Column) -> str:
    """The column's name as a message shows it."""
    return f"column {quote_identifier(column.name)}"
