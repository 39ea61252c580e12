"""PURE: make the SyncPlan: pair columns, tie tables by foreign keys, choose how each group is replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dbsync.data.beside import unchecked_problems
from dbsync.data.columns import Pairing, pair_columns
from dbsync.data.grouping import plan_groups
from dbsync.data.options import SyncOptions, option_for
from dbsync.data.plan import GroupTask, SyncPlan
from dbsync.data.preconditions import (
    large_object_problems,
    right_problems,
    sequence_problems,
    temporary_problems,
)
from dbsync.data.problem import RULES, Problem
from dbsync.data.refresh import plan_refresh
from dbsync.data.sequences import plan_sequences
from dbsync.data.units import Route, Selection, Skipped
from dbsync.errors import SchemaMismatch
from dbsync.model import Catalog, TableName

_HINT = (
    "make the target's schema fit first (dbsync migrate plan SOURCE TARGET -o plan.json, then dbsync migrate apply "
    "plan.json TARGET), or leave tables out with --exclude and columns with --columns; --create makes it in a database "
    "that has nothing"
)
_MIGRATED = frozenset(("table", "column", "type"))
_NOT_MIGRATED = frozenset(("cursor_column", "partitions_excluded", "table_clash"))

_NOT_COVERED = (
    "--mode cursor does not see rows that were deleted, nor changes that do not move the cursor column, and where a "
    "key changed it leaves the row of the old key as well: run --mode delta --delete from time to time"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan and what it was made from, what makes it impossible, and what is worth knowing before it is run."""

    source: Catalog
    target: Catalog
    selection: Selection
    plan: SyncPlan
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]

    def sound(self) -> SyncPlan:
        """Return the plan; raise SchemaMismatch, naming everything at once, when it is impossible."""
        if self.problems:
            problems = list(map(str, self.problems))
            raise SchemaMismatch(_one_sentence(problems), hint=_hint(self.problems[0]), details={"problems": problems})
        return self.plan


def plan_sync(
    source: Catalog, target: Catalog, selection: Selection, options: SyncOptions, *, filled: Mapping[TableName, bool]
) -> SyncPlan:
    """Return the plan. ``filled`` says which target relations hold rows.

    Raises SchemaMismatch, naming everything at once, when the sides cannot be synchronised as they are.
    """
    return draft_plan(source, target, selection, options, filled=filled).sound()


def draft_plan(
    source: Catalog,
    target: Catalog,
    selection: Selection,
    options: SyncOptions,
    *,
    filled: Mapping[TableName, bool],
    spread: bool = False,
) -> Draft:
    """Return the plan with everything that stands in its way; ``spread``: other workers can help to carry it out."""
    problems = list(selection.problems)
    notes: list[Problem] = []
    mapped = options.schema_map()
    pairings: dict[Route, Pairing] = {}
    for unit in selection.units:
        for route in unit.routes:
            schemas = mapped | {unit.source.schema: unit.target.schema}
            only = option_for(options.columns, route.source, unit.source)
            pairing = pair_columns(source.tables[route.source], target.tables[route.target], only=only, schemas=schemas)
            pairings[route] = pairing
            problems += [_placed(problem, route) for problem in pairing.problems]
            notes += [_placed(note, route) for note in pairing.notes]
            problems += right_problems(source.tables[route.source], target.tables[route.target])
            problems += large_object_problems(source, route.source, pairing)
    grouping = plan_groups(source, target, selection, options, pairings, filled, spread=spread)
    problems += grouping.problems
    loose = unchecked_problems(target, selection.units, options, grouping.groups)
    notes += [*grouping.notes, *loose]
    problems += temporary_problems(target, grouping.groups, options.mode)
    sequences = plan_sequences(source, target, selection.units, options)
    problems += sequence_problems(source, target, [task for _, task in sequences.owned] + list(sequences.shared))
    refresh, matview_notes = plan_refresh(source, target, selection.units, options)
    plan = SyncPlan(
        options=options,
        groups=tuple(sequences.into(grouping.groups)),
        sequences=sequences.shared,
        refresh=refresh,
        skipped=(*selection.skipped, *matview_notes, *sequences.skipped, *_large_objects(source)),
        refusals=tuple(grouping.refusals),
        warnings=(
            *_warnings(grouping.groups),
            *map(str, (*grouping.notes, *loose)),
            *([_NOT_COVERED] if options.mode == "cursor" else []),
        ),
    )
    return Draft(
        source=source, target=target, selection=selection, plan=plan, problems=tuple(problems), notes=tuple(notes)
    )


def _placed(problem: Problem, route: Route) -> Problem:
    return replace(problem, message=f"{route.target}: {problem.message}")


def _large_objects(source: Catalog) -> list[Skipped]:
    if not source.large_objects:
        return []
    return [Skipped("(large objects)", f"{source.large_objects} large objects are not copied")]


def _warnings(groups: Sequence[GroupTask]) -> tuple[str, ...]:
    warnings = [f"{task.target}: {note}" for group in groups for task in group.tables for note in task.notes]
    warnings += [
        f"{task.target} is unlogged: a crash of the target server empties it"
        for group in groups
        for task in group.tables
        if task.unlogged
    ]
    return tuple(warnings)


def _hint(problem: Problem) -> str:
    """What to do about the problem that the sentence names: a right that is missing is nothing to migrate."""
    facts = RULES[problem.rule]
    migrated = facts.category in _MIGRATED and problem.rule not in _NOT_MIGRATED
    return _HINT if migrated else facts.recommendation


def _one_sentence(problems: Sequence[str]) -> str:
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"source and target cannot be synchronised as they are: {problems[0]}{more}"
