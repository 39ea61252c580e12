"""Findings, plans, dry runs and jobs as the frontend reads them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from dbsync.server.wire.databases import NamedEnd
from dbsync.server.wire.envelope import Shape

Status = Literal["pending", "running", "paused", "completed", "failed"]


class Issue(Shape):
    """One finding; ``rule_id`` names it from run to run."""

    id: str
    rule_id: str
    severity: str
    category: str
    table_name: str
    column_name: str | None = None
    message: str
    details: dict[str, Any] | None = None
    recommendation: str


class ValidationDetails(Shape):
    """Everything that was found."""

    is_valid: bool
    can_proceed: bool
    requires_confirmation: bool
    issues: list[Issue]
    summary: dict[str, int]
    source_schema: dict[str, Any]
    target_schema: dict[str, Any]
    comparison_details: dict[str, Any]


class ValidationReport(Shape):
    """What the wizard and the schema page read; ``summary`` is a text, whatever the older backend sends."""

    validation: ValidationDetails
    summary: str
    warnings: list[str]
    issues: list[Issue]
    is_valid: bool
    is_compatible: bool
    can_proceed: bool
    requires_confirmation: bool
    target_environment: str
    target_name: str


class PlannedScript(Shape):
    """A statement of a plan, in the words of both plan formats."""

    table_name: str
    description: str
    sql: str
    is_destructive: bool
    severity: Literal["safe", "caution", "dangerous"]
    operation: str
    is_breaking: bool
    requires_manual_review: bool
    estimated_impact: Literal["low", "medium", "high"]
    hazards: list[str]


class PlanSummary(Shape):
    """How many statements of which kind."""

    total_scripts: int
    safe_scripts: int
    caution_scripts: int
    dangerous_scripts: int


class FullPlan(Shape):
    """The plan as the schema page reads it."""

    scripts: list[PlannedScript]
    summary: PlanSummary
    full_script: str
    rollback_script: str


class PlanValidation(Shape):
    """What the two schemas were found to be like."""

    summary: str
    can_proceed: bool


class PlanProof(Shape):
    """What became of the plan on a shadow of the target."""

    state: str
    reason: str | None
    judges: list[str]
    differences: list[str]


class MigrationReport(Shape):
    """A whole plan in both formats, or a quick fix of one finding."""

    type: Literal["full_migration", "quick_fix"]
    migration_plan: FullPlan | None = None
    validation: PlanValidation | None = None
    scripts: list[PlannedScript] | None = None
    safe_scripts: list[PlannedScript] | None = None
    breaking_scripts: list[PlannedScript] | None = None
    manual_review_required: list[PlannedScript] | None = None
    unplanned: list[str] | None = None
    combined_sql: str | None = Field(default=None, serialization_alias="combinedSQL")
    rollback_sql: str | None = Field(default=None, serialization_alias="rollbackSQL")
    estimated_duration: str | None = None
    risk_level: Literal["low", "medium", "high"] | None = None
    proof: PlanProof | None = None
    issue: Issue | None = None
    sql: str | None = None


class ForetoldTable(Shape):
    """What a run would do to one table."""

    table_name: str
    inserts: int
    updates: int
    deletes: int
    source_row_count: int
    target_row_count: int
    sample_inserts: list[dict[str, Any]]
    sample_updates: list[dict[str, Any]]


class ColumnDifference(Shape):
    """A column that the two sides have differently."""

    column_name: str
    source_type: str | None
    target_type: str | None
    issue: Literal["missing_in_source", "missing_in_target", "type_mismatch", "compatible"]


class TableDifference(Shape):
    """A table that the two sides have differently."""

    table_name: str
    missing_in_source: bool
    missing_in_target: bool
    column_differences: list[ColumnDifference]


class DryRun(Shape):
    """What a run would do; no job was made."""

    dry_run: Literal[True]
    tables: list[ForetoldTable]
    schema_issues: list[TableDifference]
    total_inserts: int
    total_updates: int
    total_deletes: int
    estimated_duration: int
    estimated_speed: int
    warnings: list[str]


class Job(Shape):
    """A job in a list, and right after it was made."""

    id: str
    status: Status
    state: str
    source_connection_id: str
    target_connection_id: str
    source_connection: NamedEnd
    target_connection: NamedEnd
    direction: Literal["one_way"]
    tables: list[dict[str, Any]]
    tables_config: list[dict[str, Any]]
    dry_run: Literal[False]
    progress: dict[str, Any]
    checkpoint: dict[str, Any] | None
    started_at: str | None
    completed_at: str | None
    created_at: str
    error: dict[str, Any] | None = None


class JobDetails(Job):
    """A job with its log, the newest line first."""

    queue_status: dict[str, Any] | None
    logs: list[dict[str, Any]]


class JobChange(Shape):
    """What became of an order to a job."""

    job_id: str
    status: Status
    state: str
    message: str
