"""What ``validate`` found, for people, for GitHub and for CI systems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbsync.cli.annotations import AnnotationLevel, annotation
from dbsync.cli.junit import Case, junit
from dbsync.cli.render_diff import sample_line, sample_lines, samples_markdown
from dbsync.cli.tables import markdown_table
from dbsync.cli.terminal import escape
from dbsync.data.differences import RowDifference
from dbsync.data.findings import Finding, Validation, is_as_grave
from dbsync.data.problem import Severity
from dbsync.data.units import Skipped

_ANNOTATIONS: dict[Severity, AnnotationLevel] = {
    "critical": "error", "high": "error", "medium": "warning", "low": "notice", "info": "notice",
}  # fmt: skip
_DATABASES = "(databases)"


def findings_text(found: Validation) -> Iterator[str]:
    """Yield a line for each finding, the gravest first, with what to do about it below."""
    width = max((len(finding.severity) for finding in found.findings), default=0)
    for finding in found.findings:
        yield f"{finding.severity:<{width}}  {escape(finding.message)}\n"
        yield f"{'':<{width}}    {escape(finding.recommendation)}\n"
        for sample in _samples(found, finding):
            yield from (f"{'':<{width}}    {line}\n" for line in sample_lines(sample))
    for entry in _skipped(found):
        yield f"skipped {escape(entry.table)}: {escape(entry.reason)}\n"
    yield summary(found) + "\n"


def findings_markdown(found: Validation) -> Iterator[str]:
    """Yield a table of the findings."""
    rows = [
        (finding.severity, finding.category, finding.table, finding.message, finding.recommendation)
        for finding in found.findings
    ]
    if rows:
        yield from markdown_table(("severity", "category", "table", "finding", "what to do"), rows)
        for table in found.comparison.tables if found.comparison else ():
            yield from samples_markdown(table)
        yield "\n"
    if skipped := [(entry.table, entry.reason) for entry in _skipped(found)]:
        yield from markdown_table(("skipped", "reason"), skipped)
        yield "\n"
    yield f"{summary(found)}\n"


def findings_github(found: Validation) -> Iterator[str]:
    """Yield an annotation for each finding, and one with the result."""
    for finding in found.findings:
        message = "\n".join([finding.message, finding.recommendation, *map(sample_line, _samples(found, finding))])
        title = f"{finding.severity}: {finding.category}"
        yield annotation(_ANNOTATIONS[finding.severity], message, title=title, file=finding.table)
    for entry in _skipped(found):
        yield annotation("warning", entry.reason, title="skipped", file=entry.table)
    yield annotation("notice", summary(found), title="dbsync validate")


def findings_junit(found: Validation, fail_on: Severity) -> str:
    """Return one test case for each table, and one for what belongs to none; ``fail_on`` and graver fail it."""
    by_table: dict[str, list[Finding]] = {name: [] for name in (_DATABASES, *found.tables)}
    for finding in found.findings:
        by_table.setdefault(finding.table or _DATABASES, []).append(finding)
    cases = [_case(found, name, findings, fail_on) for name, findings in by_table.items()]
    cases += [Case(name=entry.table, outcome="skipped", message=entry.reason) for entry in found.skipped]
    return junit("dbsync.validate", cases)


def summary(found: Validation) -> str:
    """The whole validation in one sentence."""
    counts = [f"{count} {severity}" for severity, count in found.summary().items() if count]
    told = ", ".join(counts) if counts else "nothing found"
    if found.can_proceed:
        answer = "valid" if found.is_valid else "can be synchronised, but look at the findings first"
    else:
        only_data = all(one.category == "data" for one in found.findings if one.severity == "critical")
        answer = "not in sync" if only_data else "cannot be synchronised as it is"
    return f"{answer}: {told} in {len(found.tables)} tables (level {found.level})"


def _skipped(found: Validation) -> list[Skipped]:
    """What was left out, but for tables that a finding tells of."""
    told = {finding.table for finding in found.findings if finding.details["rule"] == "table_extra"}
    return [entry for entry in found.skipped if entry.table not in told]


def _samples(found: Validation, finding: Finding) -> Sequence[RowDifference]:
    """Some of the rows that a finding about rows speaks of."""
    if finding.details["rule"] != "rows_differ" or found.comparison is None:
        return ()
    return next((table.samples for table in found.comparison.tables if str(table.target) == finding.table), ())


def _case(found: Validation, name: str, findings: list[Finding], fail_on: Severity) -> Case:
    lines: list[str] = []
    for one in findings:
        lines += [f"{one.severity}: {one.message} ({one.recommendation})", *map(sample_line, _samples(found, one))]
    text = "\n".join(lines)
    failing = [one for one in findings if is_as_grave(one, fail_on)]
    if not failing:
        return Case(name=name, text=text)
    more = f" (and {len(failing) - 1} more)" if failing[1:] else ""
    return Case(name=name, outcome="failure", message=failing[0].message + more, text=text)
