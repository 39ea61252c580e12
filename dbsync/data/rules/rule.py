"""PURE: the words by which rules are named, and what holds for every problem of a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "high", "medium", "low", "info"]
Rule = Literal[
    # database
    "same_database", "read_only_target", "standby_target", "protected_target", "server_older", "infinity_unsupported",
    "encoding_unknown", "encoding_narrower", "encoding_differs", "ledger_newer", "no_ledger",
    # table
    "table_missing", "table_kind", "table_clash", "table_extra", "partitions_excluded", "partition_layout",
    "partition_uncovered", "unlogged_target", "unlogged_source", "inheritance_differs", "subscribed_target",
    "replica_identity",
    # column
    "column_unknown", "column_missing", "column_required", "columns_computed", "column_not_null", "column_default",
    "default_differs", "column_generated", "generation_differs", "generated_plain", "identity_kind",
    "identity_missing", "identity_extra", "cursor_column", "columns_lost",
    # type
    "column_type", "column_narrower", "column_wider", "column_oid", "enum_labels", "enum_order", "enum_extra",
    "domain_stricter", "type_definition", "type_missing", "type_extra", "extension_missing", "extension_version",
    # collation
    "collation_key", "collation_differs", "collation_default", "collation_version", "collation_stale",
    # key, constraint, foreign key, index
    "no_key", "primary_key_differs", "cursor_key", "unique_extra", "unique_nulls", "exclusion_extra", "check_extra",
    "constraint_missing", "indexes_differ", "foreign_key_extra", "foreign_key_differs", "foreign_key_child",
    "foreign_key_parent", "foreign_key_outside", "foreign_key_cycle", "foreign_key_held",
    "foreign_key_unchecked", "foreign_key_triggers",
    # sequence
    "sequence_missing", "sequence_smaller", "sequence_bounds", "sequence_differs", "sequence_owner",
    "sequence_source_rights", "sequence_target_rights",
    # rights, row-level security
    "source_rights", "target_rights", "temporary_tables", "column_unreadable", "column_identity", "source_row_security",
    "target_row_security", "row_security_forced", "row_security_idle", "row_security_missing", "policies_differ",
    # trigger
    "trigger_rights", "rules", "rules_idle", "triggers_off", "triggers_fire", "event_trigger",
    # large objects, rows, data
    "large_object_column", "delete_limit", "source_emptied", "unique_taken", "rows_differ",
    "sequence_behind", "sequence_unproved", "not_compared",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """What holds for every problem of a rule; ``meaning`` says when it is told."""

    category: str
    severity: Severity
    meaning: str
    recommendation: str


def told(category: str, severity: Severity, meaning: str, recommendation: str) -> RuleFacts:
    """The facts of a rule, in the order in which the tables of this package list them."""
    return RuleFacts(category=category, severity=severity, meaning=meaning, recommendation=recommendation)


# What more than one family of rules recommends.
LEAVE_OUT = "or leave the table out with --exclude"
NOT_NEEDED = "nothing, if the target is meant to be so"
