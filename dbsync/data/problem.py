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
    "column_default", "column_generated", "column_oid", "column_identity", "cursor_column", "cursor_key",
    "source_rights", "target_rights", "source_row_security", "target_row_security",
    "large_object_column", "sequence_source_rights", "sequence_target_rights",
    "trigger_rights", "foreign_key_triggers", "foreign_key_cycle", "foreign_key_outside", "rules", "delete_limit",
    "source_emptied", "event_trigger",
    # told by validate alone
    "same_database", "read_only_target", "standby_target", "protected_target", "server_older", "encoding_unknown",
    "encoding_narrower", "encoding_differs", "no_key", "triggers_off", "triggers_fire", "unlogged_target",
    "column_not_null", "foreign_key_child", "foreign_key_parent", "foreign_key_extra",
    "unique_extra", "check_extra", "rows_differ", "not_compared", "ledger_newer", "no_ledger",
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
    "column_oid": _facts("type", "medium", "check what these values mean in the target"),
    "column_identity": _facts("rights", "critical", "use the table's owner, or --mode append"),
    "cursor_column": _facts(
        "column", "critical", "name a column of whole numbers, dates or timestamps that only grows"
    ),
    "cursor_key": _facts("key", "critical", "add a primary key on both sides, or use --mode delta"),
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
    "delete_limit": _facts("rows", "critical", "look at what would go with --dry-run, then raise --max-delete"),
    "source_emptied": _facts(
        "rows", "critical", "allow it with --max-delete 100%, or leave the table out with --exclude"
    ),
    "event_trigger": _facts("trigger", "medium", "look at what it does, or ALTER EVENT TRIGGER ... DISABLE"),
    "same_database": _facts("database", "critical", "name another source or target"),
    "read_only_target": _facts("database", "critical", "name another target, or take read_only out of the config file"),
    "standby_target": _facts("database", "critical", "connect to the primary"),
    "protected_target": _facts("database", "info", "sync needs --confirm with its name"),
    "ledger_newer": _facts("database", "critical", "use that dbsync, or --no-ledger"),
    "no_ledger": _facts("database", "low", "GRANT what is missing, if runs are to be resumed"),
    "server_older": _facts("database", "medium", "upgrade the target first: it may lack what the source uses"),
    "encoding_unknown": _facts("database", "high", "find out how the texts are encoded, and convert the database"),
    "encoding_narrower": _facts("database", "medium", "make the target with ENCODING 'UTF8'"),
    "encoding_differs": _facts("database", "low", "nothing: texts are converted"),
    "no_key": _facts("key", "info", "add a primary key, so that only rows that differ need to be written"),
    "triggers_off": _facts("trigger", "low", "nothing, if rows need not pass them; else --triggers keep"),
    "triggers_fire": _facts("trigger", "medium", "check that they change no row"),
    "unlogged_target": _facts("table", "medium", "ALTER TABLE ... SET LOGGED"),
    "column_not_null": _facts(
        "column", "medium", "rows with NULL will fail: fill them, or drop NOT NULL in the target"
    ),
    "foreign_key_child": _facts("foreign_key", "medium", "select the referring table too, if rows are to be deleted"),
    "foreign_key_parent": _facts("foreign_key", "medium", "select the table referred to, or make sure it has the rows"),
    "foreign_key_extra": _facts("foreign_key", "high", "check that the source's rows satisfy it, or drop it"),
    "unique_extra": _facts("constraint", "medium", "check that the source's rows satisfy it, or drop it"),
    "check_extra": _facts("constraint", "info", "check that the source's rows satisfy it"),
    "rows_differ": _facts(
        "data", "critical", "dbsync diff SOURCE TARGET --what data shows the rows; dbsync sync repairs"
    ),
    "not_compared": _facts("data", "high", "remove the reason, or leave the table out with --exclude"),
}
