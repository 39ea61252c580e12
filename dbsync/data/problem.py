"""PURE: what stands in the way of a sync, or is worth knowing before it, as values instead of sentences.

A rule's word never changes its meaning: findings of ``validate`` are named by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dbsync.model import TableName

Severity = Literal["critical", "high", "medium", "low", "info"]
Rule = Literal[
    "table_missing", "table_kind", "partitions_excluded",
    "column_unknown", "column_missing", "column_unreadable", "column_type", "column_required", "columns_computed",
    "column_default", "column_generated", "column_identity",
    "source_rights", "target_rights", "source_row_security", "target_row_security",
    "large_object_column", "sequence_source_rights", "sequence_target_rights",
    "trigger_rights", "foreign_key_triggers", "foreign_key_cycle", "foreign_key_outside", "rules", "target_filled",
    "event_trigger",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """What holds for every problem of a rule."""

    category: str
    severity: Severity
    recommendation: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One fact about one place. ``message`` is a sentence that can stand alone; ``name``: another object's name."""

    rule: Rule
    message: str
    table: TableName | None = None
    column: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        return self.message


def _facts(category: str, severity: Severity, recommendation: str) -> RuleFacts:
    return RuleFacts(category=category, severity=severity, recommendation=recommendation)


_LEAVE_OUT = "or leave the table out with --exclude"
_COLUMN = "change the column in the target, or leave it out with --columns"

RULES: Mapping[Rule, RuleFacts] = {
    "table_missing": _facts("table", "critical", f"create it (dbsync schema SOURCE --format sql), {_LEAVE_OUT}"),
    "table_kind": _facts("table", "critical", f"make it a table, name another one with --map, {_LEAVE_OUT}"),
    "partitions_excluded": _facts("table", "critical", "exclude the whole table, or partition both sides alike"),
    "column_unknown": _facts("column", "critical", "correct the name in --columns"),
    "column_missing": _facts("column", "critical", "add the column to the target, or leave it out with --columns"),
    "column_unreadable": _facts("rights", "critical", "GRANT SELECT on the whole table to the source role"),
    "column_type": _facts("type", "critical", _COLUMN),
    "column_required": _facts("column", "critical", "give the target's column a default, or let it be NULL"),
    "columns_computed": _facts("column", "critical", _COLUMN),
    "column_default": _facts("column", "low", "nothing, if the default is right for these rows"),
    "column_generated": _facts("column", "info", "nothing, if both sides compute the same"),
    "column_identity": _facts("type", "medium", "check what these values mean in the target"),
    "source_rights": _facts("rights", "critical", f"GRANT SELECT on it to the source role, {_LEAVE_OUT}"),
    "target_rights": _facts("rights", "critical", "GRANT what is missing to the target role, or use the owner"),
    "source_row_security": _facts("row_security", "critical", "use the table's owner, or a role with BYPASSRLS"),
    "target_row_security": _facts("row_security", "critical", "use the table's owner, or a role with BYPASSRLS"),
    "large_object_column": _facts("large_objects", "critical", f"leave the column out with --columns, {_LEAVE_OUT}"),
    "sequence_source_rights": _facts("sequence", "critical", "GRANT SELECT on it to the source role"),
    "sequence_target_rights": _facts("sequence", "critical", "GRANT SELECT, UPDATE on it to the target role"),
    "trigger_rights": _facts("trigger", "critical", "use --triggers keep, or the table's owner"),
    "foreign_key_triggers": _facts("foreign_key", "critical", "ALTER TABLE ... ENABLE TRIGGER ALL"),
    "foreign_key_cycle": _facts("foreign_key", "critical", "make it DEFERRABLE, or use the tables' owner"),
    "foreign_key_outside": _facts("foreign_key", "critical", "select the referencing table too"),
    "rules": _facts("trigger", "critical", "drop the rules, or use the table's owner"),
    "target_filled": _facts("table", "critical", "--mode replace replaces what the target holds"),
    "event_trigger": _facts("trigger", "medium", "look at what it does, or ALTER EVENT TRIGGER ... DISABLE"),
}
