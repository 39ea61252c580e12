"""PURE: what ``validate`` finds: everything that keeps a sync from running, from being safe, or from being needless.

The reasons are the planner's own (``Draft.problems``, ``Draft.notes``); here they get their weight and an id,
and facts are added that do not stop a sync but may surprise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from dbsync.data.columns import Pairing
from dbsync.data.differences import CompareReport, TableComparison
from dbsync.data.keys import choose_key
from dbsync.data.planner import Draft
from dbsync.data.problem import RULES, Problem, Rule, Severity
from dbsync.data.units import Skipped, family_of
from dbsync.model import Catalog, Table, quote_identifier

ValidateLevel = Literal["schema", "count", "checksum", "full"]
_COUNTED = ("source_rows", "target_rows", "only_in_source", "only_in_target", "different", "samples")
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know. ``id`` stays the same from run to run as long as rule and place do."""

    id: str
    severity: Severity
    category: str
    table: str | None
    column: str | None
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
    recommendation: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-safe data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """All findings, the gravest first; ``tables`` are those that were looked at."""

    level: ValidateLevel
    findings: tuple[Finding, ...]
    tables: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    comparison: CompareReport | None = None

    @property
    def can_proceed(self) -> bool:
        """No critical finding."""
        return not self.reaches("critical")

    @property
    def is_valid(self) -> bool:
        """No critical and no high finding."""
        return not self.reaches("high")

    def reaches(self, severity: Severity) -> bool:
        """Whether a finding is as grave as ``severity``, or graver."""
        return any(is_as_grave(finding, severity) for finding in self.findings)

    def summary(self) -> dict[str, int]:
        """The number of findings of each severity."""
        counted = Counter(finding.severity for finding in self.findings)
        return {severity: counted[severity] for severity in SEVERITIES}

    def to_dict(self) -> dict[str, Any]:
        """Return ``result`` of the JSON envelope."""
        return {
            "level": self.level,
            "is_valid": self.is_valid,
            "can_proceed": self.can_proceed,
            "summary": self.summary(),
            "findings": [finding.to_dict() for finding in self.findings],
            "tables": list(self.tables),
            "compared": [table.to_dict() for table in self.comparison.tables] if self.comparison else [],
            "skipped": [asdict(entry) for entry in self.skipped],
        }


def is_as_grave(finding: Finding, severity: Severity) -> bool:
    """Whether a finding is as grave as ``severity``, or graver."""
    return SEVERITIES.index(finding.severity) <= SEVERITIES.index(severity)


def validation(
    level: ValidateLevel,
    draft: Draft | None,
    more: Iterable[Problem] = (),
    comparison: CompareReport | None = None,
) -> Validation:
    """Make findings of a draft, of ``more`` facts about the databases, and of a comparison of rows."""
    found: list[tuple[Problem, dict[str, Any]]] = [(problem, {}) for problem in (*more, *_schema_problems(draft))]
    found += [_data_problem(table) for table in (comparison.tables if comparison else ()) if table.state != "same"]
    findings = _numbered([_finding(problem, details) for problem, details in found])
    return Validation(
        level=level,
        findings=tuple(sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.table or "", one.id))),
        tables=_tables(draft) if draft else (),
        skipped=draft.plan.skipped if draft else (),
        comparison=comparison,
    )


def _tables(draft: Draft) -> tuple[str, ...]:
    """The tables that were asked for, those without a counterpart included."""
    missing = {problem.table for problem in draft.selection.problems}
    return tuple(sorted({str(name) for name in missing.union(task.target for task in draft.plan.tables)}))


def _finding(problem: Problem, details: Mapping[str, Any]) -> Finding:
    facts = RULES[problem.rule]
    place = [str(problem.table) if problem.table else None, problem.column, problem.name]
    return Finding(
        id=":".join([problem.rule, *(part for part in place if part)]),
        severity=facts.severity,
        category=facts.category,
        table=str(problem.table) if problem.table else None,
        column=problem.column,
        message=problem.message,
        details={"rule": problem.rule, **({"name": problem.name} if problem.name else {}), **details},
        recommendation=facts.recommendation,
    )


def _numbered(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Drop what is told twice; an id that two facts share gets a number, in the order of their sentences."""
    texts: dict[str, list[str]] = {}
    for finding in findings:
        told = texts.setdefault(finding.id, [])
        if finding.message in told:
            continue
        told.append(finding.message)
        number = f":{len(told)}" if len(told) > 1 else ""
        yield Finding(**(_fields(finding) | {"id": finding.id + number}))


def _fields(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in Finding.__slots__}


def _data_problem(table: TableComparison) -> tuple[Problem, dict[str, Any]]:
    if table.state == "not_compared":
        place = "" if str(table.target) in table.reason else f"{table.target} "
        return Problem("not_compared", f"{place}not compared: {table.reason}", table.target), {}
    told = table.to_dict()
    return Problem("rows_differ", f"{table.target}: {difference(table)}", table.target), {
        name: told[name] for name in _COUNTED
    }


def difference(table: TableComparison) -> str:
    """What differs in one sentence."""
    counts = (
        (table.only_in_source, "only in the source"),
        (table.only_in_target, "only in the target"),
        (table.different, "different"),
    )
    told = [f"{count:,} {word}" for count, word in counts if count]
    if told:
        return f"rows differ: {', '.join(told)}"
    if table.source_rows != table.target_rows:
        return f"{table.source_rows:,} rows in the source, {table.target_rows:,} in the target"
    return f"{table.source_rows:,} rows on both sides, but not the same"


def _schema_problems(draft: Draft | None) -> Iterator[Problem]:
    if draft is None:
        return
    denied = {problem.table for problem in draft.problems if problem.rule == "source_rights"}
    closed = {task.target for task in draft.plan.tables if task.source in denied}  # so are all columns: told once
    yield from (one for one in draft.problems if one.rule != "column_unreadable" or one.table not in closed)
    yield from draft.plan.refusals
    yield from draft.notes
    yield from _database_problems(draft.source, draft.target)
    yield from _trigger_problems(draft)
    yield from _foreign_key_problems(draft)
    broken = {problem.table for problem in draft.problems}
    for task in draft.plan.tables:
        source, target = draft.source.tables[task.source], draft.target.tables[task.target]
        if task.unlogged:
            said = f"{task.target} is unlogged: a crash of the target server empties it"
            yield Problem("unlogged_target", said, task.target)
        if task.target in broken:
            continue  # its columns do not pair: what follows would follow from that
        reason = choose_key(source, target, Pairing(task.columns, (), ()))
        if isinstance(reason, str):
            said = f"{task.target} has no usable key: {reason}; it is compared as a whole"
            yield Problem("no_key", said, task.target)
        names = {pair.name for pair in task.columns if pair.copied}
        yield from _null_problems(source, target, names)
    units = {(unit.source, unit.target) for unit in draft.selection.units}
    for mine, theirs in sorted(units | {(task.source, task.target) for task in draft.plan.tables}):
        yield from _constraint_problems(draft, draft.source.tables[mine], draft.target.tables[theirs])


def _database_problems(source: Catalog, target: Catalog) -> Iterator[Problem]:
    if target.in_recovery:
        yield Problem("standby_target", "the target is a standby, which takes no writes")
    if target.major < source.major:
        said = f"the target runs Postgres {target.server_version}, older than the source's {source.server_version}"
        yield Problem("server_older", said)
    if source.encoding == target.encoding:
        return
    both = f"the source is encoded in {source.encoding}, the target in {target.encoding}"
    if "SQL_ASCII" in (source.encoding, target.encoding):
        yield Problem("encoding_unknown", f"{both}: SQL_ASCII says nothing about what the bytes mean")
    elif target.encoding != "UTF8":
        yield Problem("encoding_narrower", f"{both}: a row with a character that the target lacks will fail")
    else:
        yield Problem("encoding_differs", both)


def _trigger_problems(draft: Draft) -> Iterator[Problem]:
    rule: Rule = "triggers_off" if draft.plan.options.triggers == "off" else "triggers_fire"
    will = "are off while it is written" if rule == "triggers_off" else "fire for every row that is written"
    for unit in draft.selection.units:
        for route in unit.routes:
            firing = [one.name for one in draft.target.tables[route.target].triggers if one.state != "disabled"]
            if firing:
                names = ", ".join(map(quote_identifier, firing))
                yield Problem(rule, f"{route.target}: its triggers ({names}) {will}", route.target)


def _foreign_key_problems(draft: Draft) -> Iterator[Problem]:
    """Foreign keys of the target that cross the border of the selection."""
    selected = {table.name for unit in draft.selection.units for table in family_of(draft.target, unit.target)}
    told = {(problem.table, problem.name) for problem in draft.plan.refusals}
    for table in draft.target.tables.values():
        for key in table.foreign_keys:
            inside = (key.table in selected, key.ref_table in selected)
            if inside == (True, False):
                said = f"{key.table} refers by foreign key {key.name} to {key.ref_table}, which is not selected"
                yield Problem("foreign_key_parent", said, key.table, name=key.name)
            elif inside == (False, True) and (key.table, key.name) not in told:
                said = f"{key.table}, which is not selected, refers to {key.ref_table} by foreign key {key.name}"
                yield Problem("foreign_key_child", said, key.table, name=key.name)


def _null_problems(source: Table, target: Table, names: set[str]) -> Iterator[Problem]:
    for column in source.columns:
        other = target.column(column.name)
        if column.name in names and other is not None and column.nullable and not other.nullable:
            said = f"{target.name}: column {quote_identifier(column.name)} may be NULL in the source, not in the target"
            yield Problem("column_not_null", said, target.name, column.name)


def _constraint_problems(draft: Draft, source: Table, target: Table) -> Iterator[Problem]:
    """Constraints that only the target has: the source's rows may break them."""
    options = draft.plan.options
    known = {(key.columns, options.target_name(key.ref_table), key.ref_columns) for key in source.foreign_keys}
    for key in target.foreign_keys:
        if (key.columns, key.ref_table, key.ref_columns) not in known:
            said = f"{target.name}: foreign key {quote_identifier(key.name)} is in the target only"
            yield Problem("foreign_key_extra", said, target.name, name=key.name)
    unique = {frozenset(key.columns) for key in source.keys}
    for own in target.keys:
        if not any(columns <= frozenset(own.columns) for columns in unique):
            said = f"{target.name}: unique key {quote_identifier(own.name)} is in the target only"
            yield Problem("unique_extra", said, target.name, name=own.name)
    checks = {check.definition for check in source.checks}
    for check in target.checks:
        if check.definition not in checks:
            said = f"{target.name}: constraint {quote_identifier(check.name)} is in the target only"
            yield Problem("check_extra", said, target.name, name=check.name)
