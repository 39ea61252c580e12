"""What ``validate`` found, in the frontend's words: numbered issues, a text for people, and who is the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dbsync.control import Control
from dbsync.data.findings import Finding, Validation
from dbsync.data.options import SyncOptions
from dbsync.data.rules import RULES, Rule
from dbsync.model import TableName
from dbsync.pg.database import Session
from dbsync.pg.reflect import one_snapshot, reflect
from dbsync.server.faults import Fault
from dbsync.server.names import wire_name
from dbsync.server.places import Place, Places
from dbsync.server.wire.syncs import Issue, ValidationDetails, ValidationReport
from dbsync.validation import validate

_MISSING: Rule = "table_missing"


def validated(
    places: Places, source: Place, target: Place, patterns: Sequence[str]
) -> tuple[list[Issue], ValidationReport]:
    """Validate the structure of a pair for these tables, all of them for (). Nothing is written."""
    places.require_awake(source, target)
    chosen, missing = _present(places, source, patterns)
    warnings: list[str] = []
    ends: list[dict[str, Any]] = []

    def opened(left: Session, right: Session) -> None:
        ends.extend(_end(place, session) for place, session in ((source, left), (target, right)))

    found = None
    if chosen or not patterns:
        found = validate(
            source.database(),
            target.database(),
            SyncOptions(tables=tuple(chosen)),
            level="schema",
            control=Control(),
            warn=warnings.append,
            opened=opened,
        )
    issues = _numbered([*map(_missing, missing), *(found.findings if found is not None else ())])
    return issues, _report(issues, found, target, warnings, ends)


def _present(places: Places, source: Place, patterns: Sequence[str]) -> tuple[list[str], list[TableName]]:
    """Which of the wanted tables the source has; the others are findings, not mistakes of the caller."""
    if not patterns:
        return [], []
    with places.session(source) as session, one_snapshot(session):
        known = reflect(session).tables
    names = {pattern: TableName.parse(pattern) for pattern in patterns}
    return [pattern for pattern in patterns if names[pattern] in known], [
        name for name in names.values() if name not in known
    ]


def _missing(name: TableName) -> Finding:
    facts = RULES[_MISSING]
    return Finding(
        id=f"{_MISSING}:{name}",
        severity="critical",
        category=facts.category,
        table=str(name),
        column=None,
        message=f"the source has no table {name}",
        recommendation="choose tables that the source has",
    )


def _numbered(findings: Sequence[Finding]) -> list[Issue]:
    return [_issue(number, finding) for number, finding in enumerate(findings, 1)]


def _issue(number: int, finding: Finding) -> Issue:
    facts: dict[str, Any] = {"column_name": finding.column} if finding.column else {}
    facts |= {"details": dict(finding.details)} if finding.details else {}
    return Issue(
        id=f"issue-{number}",
        rule_id=finding.id,
        severity=finding.severity.upper(),
        category=finding.category,
        table_name=wire_name(TableName.parse(finding.table)) if finding.table else "",
        message=finding.message,
        recommendation=finding.recommendation,
        **facts,
    )


def _report(
    issues: list[Issue], found: Validation | None, target: Place, warnings: list[str], ends: Sequence[Mapping[str, Any]]
) -> ValidationReport:
    summary = {name: sum(issue.severity == name.upper() for issue in issues) for name in _SEVERITIES}
    can_proceed = not summary["critical"]
    confirm = bool(summary["high"]) or target.environment == "production"
    details = ValidationDetails(
        is_valid=can_proceed and not summary["high"],
        can_proceed=can_proceed,
        requires_confirmation=confirm,
        issues=issues,
        summary=summary,
        source_schema=dict(ends[0]) if ends else {},
        target_schema=dict(ends[1]) if ends else {},
        comparison_details={
            "tables": [wire_name(TableName.parse(name)) for name in found.tables] if found else [],
            "skipped": [asdict(entry) for entry in found.skipped] if found else [],
        },
    )
    return ValidationReport(
        validation=details,
        summary="\n".join(_text(issues, summary)),
        warnings=[*warnings, *(issue.message for issue in issues if issue.severity == "HIGH")],
        issues=issues,
        is_valid=details.is_valid,
        is_compatible=can_proceed,
        can_proceed=can_proceed,
        requires_confirmation=confirm,
        target_environment=target.environment,
        target_name=target.name,
    )


_SEVERITIES = ("critical", "high", "medium", "low", "info")


def _text(issues: Sequence[Issue], summary: Mapping[str, int]) -> Iterator[str]:
    counted = [f"{number} {name}" for name, number in summary.items() if number]
    yield f"{len(issues)} findings: {', '.join(counted)}" if issues else "No findings: the two schemas fit."
    for issue in issues:
        place = ".".join(filter(None, (issue.table_name, issue.column_name)))
        yield f"- [{issue.severity}] {place + ': ' if place else ''}{issue.message}"


def _end(place: Place, session: Session) -> dict[str, Any]:
    (version, database) = session.one(
        "SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_database()"
    )
    return {
        "connectionId": place.id,
        "name": place.name,
        "environment": place.environment,
        "database": database,
        "version": f"PostgreSQL {version.split(' ')[0]}",
    }


def issue_named(issues: Sequence[Issue], text: str) -> Issue:
    """The finding of that number or that rule. Raises Fault 404."""
    for issue in issues:
        if text in (issue.id, issue.rule_id):
            return issue
    raise Fault(404, "Issue not found")
