"""PURE: rights and facts without which a table or sequence cannot be synchronised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dbsync.data.columns import Pairing, names_within
from dbsync.data.plan import GroupTask, SequenceTask, TableTask, TriggerTask
from dbsync.data.problem import Problem
from dbsync.data.sequences import SequenceState, fits
from dbsync.model import Catalog, Table, TableName

_CLONES_ARE_USERS = 15  # since when owners may switch off what partitions have of their root's triggers


def right_problems(source: Table, target: Table) -> list[Problem]:
    problems = []
    if "SELECT" not in source.privileges:
        some = " (rights on single columns do not do: the table is locked against changes of its structure)"
        partly = any(column.readable for column in source.columns)
        said = f"{source.name}: the source role may not SELECT from it{some if partly else ''}"
        problems.append(Problem("source_rights", said, source.name))
    if source.rls_active:
        said = f"{source.name}: row-level security would hide rows from the source role; use the owner or BYPASSRLS"
        problems.append(Problem("source_row_security", said, source.name))
    if target.rls_active:
        said = f"{target.name}: row-level security applies to the target role; use its owner or a role with BYPASSRLS"
        problems.append(Problem("target_row_security", said, target.name))
    return problems


def sequence_problems(source: Catalog, target: Catalog, tasks: Sequence[SequenceTask]) -> list[Problem]:
    problems = []
    for task in tasks:
        table, column = next(((each.table, each.column) for each in task.columns), (None, None))
        held = target.sequences[task.target].privileges
        if "OWNER" not in held and not held >= {"SELECT", "UPDATE"}:
            said = f"{task.target}: the target role may not read and set this sequence (SELECT, UPDATE)"
            problems.append(Problem("sequence_target_rights", said, table, column, str(task.target)))
        if task.source is not None and not source.sequences[task.source].privileges & {"SELECT", "OWNER"}:
            said = f"{task.source}: the source role may not read this sequence (SELECT)"
            problems.append(Problem("sequence_source_rights", said, table, column, str(task.source)))
    return problems


def may_burst(source: Catalog, task: SequenceTask) -> TableName | None:
    """The source's sequence, where it can be read and come to a value that the target's cannot hold."""
    other = source.sequences.get(task.source) if task.source is not None else None
    if other is None or not other.privileges & {"SELECT", "OWNER"}:
        return None
    return other.name if other.minimum < task.minimum or other.maximum > task.maximum else None


def bounds_problems(tasks: Sequence[SequenceTask], reached: Mapping[TableName, SequenceState]) -> list[Problem]:
    """Sequences that would be set to a value out of their bounds; ``reached``: where those of the source are."""
    problems = []
    for task in tasks:
        state = reached.get(task.source) if task.source is not None else None
        if state is None or fits(task, state):
            continue
        table, column = next(((each.table, each.column) for each in task.columns), (None, None))
        said = (
            f"{task.target}: the sequence goes from {task.minimum} to {task.maximum}, and cannot hold the source's "
            f"value, {state.last_value}"
        )
        problems.append(Problem("sequence_bounds", said, table, column, str(task.target)))
    return problems


def trigger_problems(target: Catalog, tasks: Sequence[TriggerTask], *, owned: bool) -> list[Problem]:
    """Triggers that this role cannot switch off.

    Before 15 the server calls what a partition has of its root's triggers its own, which no owner may touch.
    """
    if not owned:
        said = "has triggers, and only its owner can switch them off"
        return [Problem("trigger_rights", f"{each.table} {said}: use --triggers keep", each.table) for each in tasks]
    if target.major >= _CLONES_ARE_USERS or target.is_superuser:
        return []
    said = (
        "has triggers of the table that it is a partition of; before Postgres 15 only a superuser can switch them off"
    )
    return [
        Problem("trigger_rights", f"{each.table} {said}: use --triggers keep", each.table)
        for each in tasks
        if any(trigger.clone for trigger in each.triggers)
    ]


def cursor_problems(task: TableTask) -> list[Problem]:
    """What --mode cursor needs of a table."""
    problems = []
    if task.cursor is None:
        said = f"{task.source}: its --cursor is not a copied column of whole numbers, dates or timestamps"
        problems.append(Problem("cursor_column", said, task.target))
    if task.key is None:
        said = f"{task.target}: --mode cursor needs a key by which rows are matched"
        problems.append(Problem("cursor_key", said, task.target))
    return problems


def temporary_problems(target: Catalog, groups: Sequence[GroupTask], mode: str) -> list[Problem]:
    """Changed rows come into a temporary table first: without the right to make one no UPDATE is possible."""
    updates = mode in ("delta", "cursor") and any(
        task.key is not None for group in groups if group.method == "repair" for task in group.tables
    )
    if target.may_create_temporary or not updates:
        return []
    return [Problem("temporary_tables", f"the target role may not create temporary tables in {target.database}")]


def large_object_problems(source: Catalog, table: TableName, pairing: Pairing) -> list[Problem]:
    """A column of oids beside large objects most likely points at them, and they are not copied."""
    if not source.large_objects:
        return []
    names = {pair.name for pair in pairing.pairs if pair.copied}
    return [
        Problem(
            "large_object_column",
            f"{table}: column {column.name} may point to one of the source's {source.large_objects} large objects, "
            "which are not copied; leave the table out with --exclude or the column with --columns",
            table,
            column.name,
        )
        for column in source.tables[table].columns
        if column.name in names and "oid" in names_within(column.type)
    ]
