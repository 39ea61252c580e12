"""PURE: what ``validate`` finds: everything that keeps a sync from running, from being safe, or from being needless.

The reasons are the planner's own (``Draft.problems``, ``Draft.notes``) and those of ``data.checks``, facts that do
not stop a sync but may surprise; here they get their weight and an id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from dbsync.data.differences import CompareReport, SequenceComparison, TableComparison
from dbsync.data.planner import Draft
from dbsync.data.problem import RULES, Problem, Rule, Severity
from dbsync.data.units import Skipped

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
    sequences = comparison.sequences if comparison else ()
    found += [(problem, {}) for problem in map(_sequence_problem, sequences) if problem is not None]
    planned = draft.plan.skipped if draft else ()
    findings = _numbered([_finding(problem, details) for problem, details in found])
    return Validation(
        level=level,
        findings=tuple(sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.table or "", one.id))),
        tables=_tables(draft) if draft else (),
        skipped=(*planned, *_left_out(planned, comparison)),
        comparison=comparison,
    )


def _left_out(planned: Sequence[Skipped], comparison: CompareReport | None) -> list[Skipped]:
    """What the comparison alone leaves out, as views that a sync refreshes."""
    told = {entry.table for entry in planned}
    return [entry for entry in (comparison.skipped if comparison else ()) if entry.table not in told]


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
        details={"rule": problem.rule, **_shown(problem), **details},
        recommendation=facts.recommendation,
    )


def _shown(problem: Problem) -> dict[str, Any]:
    name = {"name": problem.name} if problem.name else {}
    return name | (dict(zip(("source", "target"), problem.sides, strict=True)) if problem.sides else {})


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


def _sequence_problem(one: SequenceComparison) -> Problem | None:
    """One that a role may not read, or that cannot hold the value it is to have, is a finding of the plan."""
    name = str(one.target)
    if one.state == "differs" and one.wanted is not None:
        return Problem("sequence_behind", f"sequence {name} {one.reason}", name=name)
    rules: dict[str | None, Rule] = {
        "error": "not_compared", "standby": "sequence_unproved", "unasked": "sequence_unproved",
    }  # fmt: skip
    if one.cause in rules:
        how = "not compared" if one.state == "not_compared" else "compared"
        return Problem(rules[one.cause], f"sequence {name} {how}: {one.reason}", name=name)
    return None


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
