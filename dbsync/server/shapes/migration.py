"""A migration plan in both formats that the frontend and its older backend know, and the fix of a single finding."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Literal

from dbsync.control import Control
from dbsync.migration import MigrationOptions, make_plan
from dbsync.model import TableName
from dbsync.schema.choice import Choice
from dbsync.schema.hazards import needs_leave
from dbsync.schema.objects import Ref
from dbsync.schema.plan import MigrationPlan, Proof, Statement
from dbsync.schema.plan_sql import check_sql, hazard_lines, plan_sql, undo_sql
from dbsync.server.names import pattern_named, wire_name
from dbsync.server.places import Place, Places
from dbsync.server.wire.syncs import (
    FullPlan,
    Issue,
    MigrationReport,
    PlannedScript,
    PlanProof,
    PlanSummary,
    PlanValidation,
    ValidationReport,
)

Severity = Literal["safe", "caution", "dangerous"]
_IMPACT: dict[Severity, Literal["low", "medium", "high"]] = {"safe": "low", "caution": "medium", "dangerous": "high"}
_BYTES_PER_S = 50_000_000  # of a table that is rewritten or scanned: a modest disk
_STATEMENT_S = 0.1
_UNPROVED = "this server makes no shadows of databases that callers name (DBSYNC_SHADOWS)"
# Definitions are written with every name qualified, as they are planned.
_SESSION = "SET LOCAL search_path = '';\nSET LOCAL check_function_bodies = off;\n"
_NAMES = {"column": "COLUMN", "constraint": "CONSTRAINT", "index": "INDEX", "table": "TABLE"}
_ACTIONS = {"create": "CREATE", "alter": "ALTER", "drop": "DROP"}


def planned(places: Places, source: Place, target: Place, patterns: Sequence[str]) -> MigrationPlan:
    """Plan what makes the target's schema like the source's, proved on a shadow where that may be made.

    A shadow runs what the schemas hold (views, defaults, triggers) with a superuser's rights in a server of this
    machine: so what callers name gets one only where the operator trusts them with that.
    """
    places.require_awake(source, target)
    proof = places.shadows or all(place.is_operators for place in (source, target))
    options = MigrationOptions(choice=Choice(tables=tuple(patterns)), proof=proof)
    plan = make_plan(source.database(), target.database(), options, control=Control())
    if proof:
        return plan
    not_run = Proof(state="not run", reason=_UNPROVED)
    return replace(plan, proof=not_run, undo_proof=not_run)


def full_report(plan: MigrationPlan, found: ValidationReport) -> MigrationReport:
    """The whole plan."""
    scripts = [_script(statement) for statement in plan.statements]
    by_severity = {name: [script for script in scripts if script.severity == name] for name in _IMPACT}
    full, rollback = _runnable(plan.statements, plan_sql(plan)), _runnable(plan.undo, undo_sql(plan))
    worst: Severity = next((name for name in ("dangerous", "caution") if by_severity[name]), "safe")
    return MigrationReport(
        type="full_migration",
        migration_plan=FullPlan(
            scripts=scripts,
            summary=PlanSummary(
                total_scripts=len(scripts),
                safe_scripts=len(by_severity["safe"]),
                caution_scripts=len(by_severity["caution"]),
                dangerous_scripts=len(by_severity["dangerous"]),
            ),
            full_script=full,
            rollback_script=rollback,
        ),
        validation=PlanValidation(summary=found.summary, can_proceed=found.can_proceed),
        scripts=scripts,
        safe_scripts=by_severity["safe"],
        breaking_scripts=by_severity["dangerous"],
        manual_review_required=by_severity["caution"],
        unplanned=[f"{one.ref}: {one.reason}" for one in plan.unplanned],
        combined_sql=full,
        rollback_sql=rollback,
        estimated_duration=_duration(plan.statements),
        risk_level=_IMPACT[worst],
        proof=PlanProof(
            state=plan.proof.state,
            reason=plan.proof.reason,
            judges=list(plan.proof.judges),
            differences=list(plan.proof.differences),
        ),
    )


def fix_pattern(issue: Issue) -> tuple[str, ...]:
    """The table that a finding is about, as a pattern; () for one about the whole database."""
    return (pattern_named(issue.table_name),) if issue.table_name else ()


def quick_fix(plan: MigrationPlan, issue: Issue) -> MigrationReport:
    """The statements of the plan that settle one finding: those about its column, else about its table."""
    mine = [one for one in plan.statements if issue.column_name and one.ref.sub == issue.column_name]
    chosen = mine or list(plan.statements)
    if chosen:
        sql = _runnable(chosen, ())
    else:
        sql = f"-- No change of the schema settles this: {' '.join(issue.recommendation.split())}\n"
    return MigrationReport(type="quick_fix", issue=issue, sql=sql)


def _runnable(statements: Sequence[Statement], whole: Iterable[str]) -> str:
    """The statements as one text that ``execute`` runs in one transaction, headed by what the whole script says first.

    A script for psql begins and ends transactions itself, which ``execute`` refuses.
    """
    lines = list(takewhile(lambda line: line.startswith("--"), whole))
    lines = [line for line in lines if "psql" not in line]
    if not statements:
        return "".join(lines)
    checks = dict.fromkeys(check for one in statements for check in one.checks)
    lines += [_SESSION, *map(check_sql, checks)]
    for one in statements:
        told = [f"{one.action} {one.ref}", *hazard_lines(one)]
        lines += [f"-- {' '.join(line.split())}\n" for line in told]
        lines.append(f"{one.sql.rstrip().removesuffix(';')};\n")
    return "".join(lines)


def _script(statement: Statement) -> PlannedScript:
    severity = severity_of(statement)
    return PlannedScript(
        table_name=_table(statement.ref),
        description=_description(statement),
        sql=statement.sql.rstrip().removesuffix(";") + ";",
        is_destructive=statement.destroys is not None,
        severity=severity,
        operation=_operation(statement),
        is_breaking=severity == "dangerous",
        requires_manual_review=severity == "caution",
        estimated_impact=_IMPACT[severity],
        hazards=hazard_lines(statement),
    )


def severity_of(statement: Statement) -> Severity:
    """How careful one must be with a statement."""
    if statement.destroys is not None or any(map(needs_leave, statement.hazards)):
        return "dangerous"
    if statement.checks or any(hazard.rewrites or hazard.scans for hazard in statement.hazards):
        return "caution"
    return "safe"


def _description(statement: Statement) -> str:
    """One sentence; the frontend looks for DROP in it."""
    verb = {"create": "Create", "alter": "Alter", "drop": "DROP"}[statement.action]
    lost = f" ({statement.destroys} are gone)" if statement.destroys else ""
    return f"{verb} {statement.ref}{lost}"


def _operation(statement: Statement) -> str:
    kind, action = statement.ref.kind, _ACTIONS[statement.action]
    if action == "CREATE" and kind in ("column", "constraint", "index"):
        action = "ADD"
    return f"{action}_{_NAMES.get(kind, kind.upper())}"


def _table(ref: Ref) -> str:
    return wire_name(TableName(ref.schema, ref.name)) if ref.schema else ref.name


def _duration(statements: Sequence[Statement]) -> str:
    """How long it may take: what is rewritten or scanned at the speed of a modest disk."""
    size = sum(hazard.bytes or 0 for one in statements for hazard in one.hazards if hazard.rewrites or hazard.scans)
    seconds = size / _BYTES_PER_S + _STATEMENT_S * len(statements)
    return "< 1 minute" if seconds < 60 else f"about {math.ceil(seconds / 60)} minutes"
