"""PURE: checks of tables as wholes: partitions, persistence, row security, triggers, rules, replication."""

from __future__ import annotations

from collections.abc import Iterator

from dbsync.data.checks.pairs import Checked, TablePair
from dbsync.data.columns import Pairing
from dbsync.data.keys import choose_key
from dbsync.data.problem import Problem, Rule
from dbsync.data.units import EXCLUDED, NOT_THERE, left_alone
from dbsync.model import Catalog, Table, TableName, quote_identifier


def table_problems(found: Checked) -> Iterator[Problem]:
    """Yield what holds for a table and not for one of its columns or constraints."""
    yield from _extra_tables(found)
    yield from _triggers(found)
    yield from _keys(found)
    told = {problem.table for problem in found.draft.problems if problem.rule == "rules"}
    for pair in found.pairs:
        target = pair.target
        if pair.source.persistence == "unlogged":
            yield pair.found("unlogged_source", "the source's table is unlogged: a crash of its server empties it")
        yield from _row_security(pair)
        if target.rules and target.name not in told:
            yield pair.found("rules_idle", "it has rules: this run loads past them, one that compares would be refused")
        if target.name in found.target.unidentified:
            said = "it is published but has no replica identity: UPDATE and DELETE fail"
            yield pair.found("replica_identity", said)
        if target.name in found.target.subscribed:
            yield pair.found("subscribed_target", "a subscription of the target writes to it")
    routed = {unit.source for unit in found.draft.selection.units if unit.note is not None}
    for pair in found.roots:
        if pair.source.name in routed:
            yield from _partitions(pair, found.draft.source, found.draft.target)
        yield from _inheritance(pair, found)


def _extra_tables(found: Checked) -> Iterator[Problem]:
    draft = found.draft
    for name, why in left_alone(draft.source, draft.target, draft.selection.units, draft.plan.options):
        if why != EXCLUDED:
            said = "in the target only" if why == NOT_THERE else why
            yield Problem("table_extra", f"{name} is {said}: it is left alone", name)


def _triggers(found: Checked) -> Iterator[Problem]:
    rule: Rule = "triggers_off" if found.draft.plan.options.triggers == "off" else "triggers_fire"
    will = "are off while it is written" if rule == "triggers_off" else "fire for every row that is written"
    for unit in found.draft.selection.units:
        for route in unit.routes:
            firing = [one.name for one in found.draft.target.tables[route.target].triggers if one.state != "disabled"]
            if firing:
                names = ", ".join(map(quote_identifier, firing))
                yield Problem(rule, f"{route.target}: its triggers ({names}) {will}", route.target)


def _keys(found: Checked) -> Iterator[Problem]:
    draft = found.draft
    broken = {problem.table for problem in draft.problems}
    for task in draft.plan.tables:
        if task.unlogged:
            said = f"{task.target} is unlogged: a crash of the target server empties it"
            yield Problem("unlogged_target", said, task.target)
        if task.target in broken:
            continue  # its columns do not pair: what follows would follow from that
        source, target = draft.source.tables[task.source], draft.target.tables[task.target]
        reason = choose_key(source, target, Pairing(task.columns, (), ()))
        if isinstance(reason, str):
            said = f"{task.target} has no usable key: {reason}; it is compared as a whole"
            yield Problem("no_key", said, task.target)


def _row_security(pair: TablePair) -> Iterator[Problem]:
    source, target = pair.source, pair.target
    if target.rls_enabled and target.rls_forced and not target.rls_active:
        yield pair.found("row_security_forced", "row-level security is forced on the target's owner, not on this role")
    above = [
        side
        for side, table in (("source", source), ("target", target))
        if table.rls_enabled and not table.rls_active and not (side == "target" and table.rls_forced)
    ]
    if above:
        said = f"row-level security is on in the {' and the '.join(above)}, but the role is above it"
        yield pair.found("row_security_idle", said)
    if source.rls_enabled and not target.rls_enabled:
        yield pair.found("row_security_missing", "row-level security is on in the source, off in the target")
    elif source.rls_enabled and _policies(pair, source) != _policies(pair, target):
        yield pair.found("policies_differ", "its row-level security policies differ from the source's")


def _policies(pair: TablePair, table: Table) -> set[tuple[object, ...]]:
    expressions = [(one.using, one.check) for one in table.policies]
    if table is pair.source:
        expressions = [(pair.as_target(using), pair.as_target(check)) for using, check in expressions]
    return {
        (one.name, one.command, one.permissive, *both) for one, both in zip(table.policies, expressions, strict=True)
    }


def _partitions(pair: TablePair, source: Catalog, target: Catalog) -> Iterator[Problem]:
    said = "the two sides are partitioned differently: rows are routed through the root"
    yield pair.found("partition_layout", said, sides=(pair.source.partition_key, pair.target.partition_key))
    if pair.target.kind != "partitioned" or _is_hash(pair.target):
        return
    bounds = {table.partition_bound for table in target.tables.values() if table.partition_of == pair.target.name}
    if "DEFAULT" in bounds:
        return
    if pair.source.partition_key == pair.target.partition_key:
        own = [table for table in source.tables.values() if table.partition_of == pair.source.name]
        lacking = sorted(str(table.name) for table in own if table.partition_bound not in bounds)
        if lacking:
            said = f"the target has no partition with the bounds of {', '.join(lacking)}, and no DEFAULT partition"
            yield pair.found("partition_uncovered", said)
    else:
        yield pair.found("partition_uncovered", "the target has no DEFAULT partition for rows that fit no other one")


def _is_hash(table: Table) -> bool:
    return (table.partition_key or "").upper().startswith("HASH")


def _inheritance(pair: TablePair, found: Checked) -> Iterator[Problem]:
    options = found.draft.plan.options
    ours = {options.target_name(name) for name in pair.source.inherits}
    theirs = set(pair.target.inherits)
    if ours != theirs:
        sides = (_listed(ours), _listed(theirs))
        said = f"it inherits from {sides[0] or 'nothing'} in the source, from {sides[1] or 'nothing'} in the target"
        yield pair.found("inheritance_differs", said, sides=sides)


def _listed(names: set[TableName]) -> str:
    return ", ".join(map(str, sorted(names)))
