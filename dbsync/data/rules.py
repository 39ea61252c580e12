"""PURE: the registry of all rules by which ``sync`` refuses and ``validate`` finds, each with its weight and its cure.

A rule's word never changes its meaning: findings are named by it. ``docs/reference/findings.md`` is written from here.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    "identity_missing", "identity_extra", "cursor_column",
    # type
    "column_type", "column_narrower", "column_wider", "column_oid", "enum_labels", "enum_order", "enum_extra",
    "domain_stricter", "type_definition", "type_missing", "type_extra", "extension_missing", "extension_version",
    # collation
    "collation_key", "collation_differs", "collation_default", "collation_version", "collation_stale",
    # key, constraint, foreign key, index
    "no_key", "primary_key_differs", "cursor_key", "unique_extra", "unique_nulls", "exclusion_extra", "check_extra",
    "constraint_missing", "indexes_differ", "foreign_key_extra", "foreign_key_differs", "foreign_key_child",
    "foreign_key_parent", "foreign_key_outside", "foreign_key_cycle", "foreign_key_triggers",
    # sequence
    "sequence_missing", "sequence_smaller", "sequence_differs", "sequence_owner", "sequence_source_rights",
    "sequence_target_rights",
    # rights, row-level security
    "source_rights", "target_rights", "temporary_tables", "column_unreadable", "column_identity", "source_row_security",
    "target_row_security", "row_security_forced", "row_security_idle", "row_security_missing", "policies_differ",
    # trigger
    "trigger_rights", "rules", "rules_idle", "triggers_off", "triggers_fire", "event_trigger",
    # large objects, rows, data
    "large_object_column", "delete_limit", "source_emptied", "rows_differ", "not_compared",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """What holds for every problem of a rule; ``meaning`` says when it is told."""

    category: str
    severity: Severity
    meaning: str
    recommendation: str


def _facts(category: str, severity: Severity, meaning: str, recommendation: str) -> RuleFacts:
    return RuleFacts(category=category, severity=severity, meaning=meaning, recommendation=recommendation)


_LEAVE_OUT = "or leave the table out with --exclude"
_COLUMN = "change the column in the target, or leave it out with --columns"
_BYPASS = "use the table's owner, or a role with BYPASSRLS"
_SATISFY = "check that the source's rows satisfy it, or drop it"
_NOT_NEEDED = "nothing, if the target is meant to be so"

_DATABASE: Mapping[Rule, RuleFacts] = {
    "same_database": _facts(
        "database", "critical", "Source and target are one database, whatever they are called",
        "name another source or target",
    ),
    "read_only_target": _facts(
        "database", "critical", "The config file marks the target `read_only`",
        "name another target, or take read_only out of the config file",
    ),
    "standby_target": _facts(
        "database", "critical", "The target is a standby, which takes no writes", "connect to the primary"
    ),
    "protected_target": _facts(
        "database", "info", "The target is a protected or production database", "sync needs --confirm with its name"
    ),
    "server_older": _facts(
        "database", "medium", "The target's major version is older than the source's",
        "upgrade the target first: it may lack what the source uses",
    ),
    "infinity_unsupported": _facts(
        "database", "medium",
        "The source's server can hold Infinity in a `numeric` (14 and later) or `interval` (17 and later) column, the "
        "target's cannot",
        "check that no row holds it, or upgrade the target",
    ),
    "encoding_unknown": _facts(
        "database", "high", "The encodings differ, and one is SQL_ASCII, which says nothing about the bytes",
        "find out how the texts are encoded, and convert the database",
    ),
    "encoding_narrower": _facts(
        "database", "medium", "The encodings differ, and the target's is not UTF8: it may lack characters",
        "make the target with ENCODING 'UTF8'",
    ),
    "encoding_differs": _facts(
        "database", "low", "The encodings differ, and the target's is UTF8", "nothing: texts are converted"
    ),
    "ledger_newer": _facts(
        "database", "critical", "A newer dbsync keeps its ledger in the target", "use that dbsync, or --no-ledger"
    ),
    "no_ledger": _facts(
        "database", "low", "No ledger can be kept in the target", "GRANT what is missing, if runs are to be resumed"
    ),
}  # fmt: skip
_TABLE: Mapping[Rule, RuleFacts] = {
    "table_missing": _facts(
        "table", "critical", "A selected table is not in the target",
        f"create it (dbsync schema SOURCE --format sql), {_LEAVE_OUT}",
    ),
    "table_kind": _facts(
        "table", "critical", "What has the table's name in the target is a view or another relation without rows",
        f"make it a table, name another one with --map, {_LEAVE_OUT}",
    ),
    "table_clash": _facts(
        "table", "critical", "Two tables of the source go to one table of the target, or to a partition of it",
        "partition both sides alike, or leave one out with --exclude",
    ),
    "table_extra": _facts("table", "info", "A table is in the target only: it is left alone", _NOT_NEEDED),
    "partitions_excluded": _facts(
        "table", "critical", "Partitions are excluded while the target is partitioned otherwise",
        "exclude the whole table, or partition both sides alike",
    ),
    "partition_layout": _facts(
        "table", "info", "The two sides are partitioned differently: rows are routed through the root",
        "nothing; partition both sides alike to copy by partition, which is faster",
    ),
    "partition_uncovered": _facts(
        "table", "medium",
        "The two sides are partitioned differently, and the target has no DEFAULT partition for rows that fit none",
        "create the partitions that are missing, or a DEFAULT one",
    ),
    "unlogged_target": _facts(
        "table", "medium", "The target's table is unlogged: a crash of its server empties it",
        "ALTER TABLE ... SET LOGGED",
    ),
    "unlogged_source": _facts(
        "table", "low", "The source's table is unlogged: after a crash of its server it is empty",
        "nothing: a table that the source has emptied is refused without --max-delete 100%",
    ),
    "inheritance_differs": _facts(
        "table", "medium", "The table inherits from other tables than in the source: a SELECT on them shows other rows",
        "ALTER TABLE ... INHERIT or NO INHERIT",
    ),
    "subscribed_target": _facts(
        "table", "high", "A subscription in the target writes to the same table",
        "disable the subscription or take the table out of the publication, so that one of the two writes",
    ),
    "replica_identity": _facts(
        "table", "high", "The target publishes updates or deletes of a table that has no replica identity: they fail",
        "ALTER TABLE ... REPLICA IDENTITY, or add a primary key",
    ),
}  # fmt: skip
_COLUMNS: Mapping[Rule, RuleFacts] = {
    "column_unknown": _facts(
        "column", "critical", "`--columns` names a column that the source has not", "correct the name in --columns"
    ),
    "column_missing": _facts(
        "column", "critical", "A column of the source is not in the target",
        "add the column to the target, or leave it out with --columns",
    ),
    "column_required": _facts(
        "column", "critical", "A column that only the target has, or that is not copied, is NOT NULL without a default",
        "give the target's column a default, or let it be NULL",
    ),
    "columns_computed": _facts(
        "column", "critical", "The target computes every column that both sides have", _COLUMN
    ),
    "column_not_null": _facts(
        "column", "medium", "The column may be NULL in the source, not in the target",
        "rows with NULL will fail: fill them, or drop NOT NULL in the target",
    ),
    "column_default": _facts(
        "column", "low", "A column that only the target has, or that is not copied, gets its default",
        "nothing, if the default is right for these rows",
    ),
    "default_differs": _facts(
        "column", "info", "The defaults of a column differ: rows written later by applications will", _NOT_NEEDED
    ),
    "column_generated": _facts(
        "column", "medium",
        "The column is generated in the target only: a row for which it computes another value fails the run's check",
        "make sure that both sides compute the same, or ALTER COLUMN ... DROP EXPRESSION",
    ),
    "generation_differs": _facts(
        "column", "critical", "The column is generated by another expression", _COLUMN
    ),
    "generated_plain": _facts(
        "column", "low",
        "The column is generated in the source, plain in the target: there it keeps what was copied when a row changes",
        "generate it in the target too, if applications write there",
    ),
    "identity_kind": _facts(
        "column", "info", "An identity column is ALWAYS on one side and BY DEFAULT on the other",
        "ALTER COLUMN ... SET GENERATED, if applications write there",
    ),
    "identity_missing": _facts(
        "column", "medium", "The source numbers the column (identity or sequence), the target does not",
        "ALTER COLUMN ... ADD GENERATED ... AS IDENTITY, or give it a sequence as default",
    ),
    "identity_extra": _facts(
        "column", "low", "The target numbers the column (identity or sequence), the source does not",
        "nothing: its sequence is set behind the rows",
    ),
    "cursor_column": _facts(
        "column", "critical", "What `--cursor` names is not a copied column with an order in time",
        "name a column of whole numbers, dates or timestamps that only grows",
    ),
}  # fmt: skip
_TYPE: Mapping[Rule, RuleFacts] = {
    "column_type": _facts(
        "type", "critical", "The types differ such that values may change or be refused (the lossless matrix)", _COLUMN
    ),
    "column_narrower": _facts(
        "type", "critical",
        "The type is of the same family but shorter, smaller, or of another precision, scale or padding",
        _COLUMN,
    ),
    "column_wider": _facts(
        "type", "info", "The target's type is another one that holds every value of the source unchanged", _NOT_NEEDED
    ),
    "column_oid": _facts(
        "type", "medium", "The column holds `oid` or `reg*` values, which mean something else in another database",
        "check what these values mean in the target",
    ),
    "enum_labels": _facts(
        "type", "critical", "The target's enum lacks labels of the source", "ALTER TYPE ... ADD VALUE in the target"
    ),
    "enum_order": _facts(
        "type", "critical", "The target's enum has the labels in another order: it sorts and compares otherwise",
        "make the type anew in the target",
    ),
    "enum_extra": _facts("type", "info", "The target's enum has labels that the source has not", _NOT_NEEDED),
    "domain_stricter": _facts(
        "type", "critical", "The target's domain has checks or a NOT NULL that the source has not", _COLUMN
    ),
    "type_definition": _facts(
        "type", "critical", "A domain, composite or range type is defined otherwise in the target",
        "make the type in the target as it is in the source",
    ),
    "type_missing": _facts(
        "type", "high", "A type that selected tables of the source use is not in the target",
        "create it (dbsync schema SOURCE --format sql)",
    ),
    "type_extra": _facts(
        "type", "info", "A type that selected tables of the target use is not in the source", _NOT_NEEDED
    ),
    "extension_missing": _facts(
        "type", "high", "An extension that supplies types of selected tables is not in the target",
        "CREATE EXTENSION in the target",
    ),
    "extension_version": _facts(
        "type", "info", "An extension that supplies types of selected tables has another version in the target",
        "ALTER EXTENSION ... UPDATE, if its types have changed between the two",
    ),
}  # fmt: skip
_COLLATION: Mapping[Rule, RuleFacts] = {
    "collation_key": _facts(
        "collation", "high",
        "A unique column's collation in the target calls different texts equal, the source's not: rows may collide",
        "give the column the source's collation",
    ),
    "collation_differs": _facts(
        "collation", "low", "A column's collations differ: the target sorts and compares its texts otherwise",
        "give the column the source's collation",
    ),
    "collation_default": _facts(
        "collation", "info", "The databases' default collations differ: ORDER BY and ranges of texts may",
        "nothing: dbsync compares texts byte by byte",
    ),
    "collation_version": _facts(
        "collation", "info", "A collation is provided by another version on the other side: its order may differ",
        "nothing: dbsync compares texts byte by byte",
    ),
    "collation_stale": _facts(
        "collation", "medium",
        "A collation's version on the server is not the one that indexes were built with: they may hide rows",
        "REINDEX what uses it, then ALTER COLLATION or DATABASE ... REFRESH (COLLATION) VERSION",
    ),
}  # fmt: skip
_CONSTRAINT: Mapping[Rule, RuleFacts] = {
    "no_key": _facts(
        "key", "info", "No key serves to match rows: the table is compared as a whole",
        "add a primary key, so that only rows that differ need to be written",
    ),
    "primary_key_differs": _facts(
        "key", "low", "The primary keys differ, or the target has none", "make the target's primary key as the source's"
    ),
    "cursor_key": _facts(
        "key", "critical", "`--mode cursor` finds no key by which rows are matched",
        "add a primary key on both sides, or use --mode delta",
    ),
    "unique_extra": _facts(
        "constraint", "medium", "A unique key or unique index is in the target only: it may refuse rows", _SATISFY
    ),
    "unique_nulls": _facts(
        "constraint", "medium", "A unique key is NULLS NOT DISTINCT in the target only: rows with NULL may collide",
        _SATISFY,
    ),
    "exclusion_extra": _facts(
        "constraint", "medium", "An exclusion constraint is in the target only: it may refuse rows", _SATISFY
    ),
    "check_extra": _facts(
        "constraint", "info", "A check constraint is in the target only, or reads otherwise there: it may refuse rows",
        "check that the source's rows satisfy it",
    ),
    "constraint_missing": _facts(
        "constraint", "info", "A unique key, check, exclusion or foreign key is in the source only",
        "add it, if the target is to refuse what the source refuses",
    ),
    "indexes_differ": _facts("index", "info", "The sets of indexes differ", _NOT_NEEDED),
    "foreign_key_extra": _facts(
        "foreign_key", "high", "A foreign key is in the target only: it may refuse rows", _SATISFY
    ),
    "foreign_key_differs": _facts(
        "foreign_key", "low", "A foreign key has other actions, another deferrability or validity than in the source",
        "make it as in the source, if applications write to the target",
    ),
    "foreign_key_child": _facts(
        "foreign_key", "medium", "A table that is not selected refers to a selected one",
        "select the referring table too, if rows are to be deleted",
    ),
    "foreign_key_parent": _facts(
        "foreign_key", "medium", "A selected table refers to one that is not selected",
        "select the table referred to, or make sure it has the rows",
    ),
    "foreign_key_outside": _facts(
        "foreign_key", "critical", "A table that is not selected refers to one whose content is replaced",
        "select the referencing table too",
    ),
    "foreign_key_cycle": _facts(
        "foreign_key", "critical", "A foreign key on a cycle is not deferrable, and the role does not own the tables",
        "make it DEFERRABLE, or use the tables' owner",
    ),
    "foreign_key_triggers": _facts(
        "foreign_key", "critical", "The internal triggers of a foreign key are switched off",
        "ALTER TABLE ... ENABLE TRIGGER ALL",
    ),
}  # fmt: skip
_SEQUENCE: Mapping[Rule, RuleFacts] = {
    "sequence_missing": _facts(
        "sequence", "medium", "A sequence of the source that no column owns is not in the target: it is not set",
        "create it in the target",
    ),
    "sequence_smaller": _facts(
        "sequence", "medium", "The target's sequence ends earlier than the source's: it may not reach its value",
        "ALTER SEQUENCE ... AS, MAXVALUE or MINVALUE",
    ),
    "sequence_differs": _facts(
        "sequence", "low", "A sequence has another increment or cycles on one side only", "ALTER SEQUENCE in the target"
    ),
    "sequence_owner": _facts(
        "sequence", "info", "A sequence is owned by a column on one side only: dropping that drops the sequence",
        "ALTER SEQUENCE ... OWNED BY",
    ),
    "sequence_source_rights": _facts(
        "sequence", "critical", "The source's role may not read a sequence", "GRANT SELECT on it to the source role"
    ),
    "sequence_target_rights": _facts(
        "sequence", "critical", "The target's role may not read and set a sequence",
        "GRANT SELECT, UPDATE on it to the target role",
    ),
}  # fmt: skip
_RIGHTS: Mapping[Rule, RuleFacts] = {
    "source_rights": _facts(
        "rights", "critical", "The source's role may not SELECT from the table",
        f"GRANT SELECT on it to the source role, {_LEAVE_OUT}",
    ),
    "target_rights": _facts(
        "rights", "critical", "The target's role lacks rights on the table",
        "GRANT what is missing to the target role, or use the owner",
    ),
    "temporary_tables": _facts(
        "rights", "critical", "The target's role may not create temporary tables, where changed rows come first",
        "GRANT TEMPORARY ON DATABASE ... to the target role, or use --mode append or replace",
    ),
    "column_unreadable": _facts(
        "rights", "critical", "The source's role may not SELECT a column",
        "GRANT SELECT on the whole table to the source role",
    ),
    "column_identity": _facts(
        "rights", "critical", "A GENERATED ALWAYS identity has to be updated, which only the owner can make possible",
        "use the table's owner, or --mode append",
    ),
    "source_row_security": _facts(
        "row_security", "critical", "Row-level security would hide rows from the source's role", _BYPASS
    ),
    "target_row_security": _facts(
        "row_security", "critical", "Row-level security applies to the target's role", _BYPASS
    ),
    "row_security_forced": _facts(
        "row_security", "low", "The target forces row-level security: its owner is held to it too, this role is not",
        "keep the role's BYPASSRLS",
    ),
    "row_security_idle": _facts(
        "row_security", "info", "The table has row-level security on a side where the role is above it",
        "nothing: all rows are seen",
    ),
    "row_security_missing": _facts(
        "row_security", "medium",
        "Row-level security is on in the source and off in the target: whoever may SELECT there sees all rows",
        "ALTER TABLE ... ENABLE ROW LEVEL SECURITY, with the source's policies",
    ),
    "policies_differ": _facts(
        "row_security", "low", "The policies of a table with row-level security on both sides differ",
        "make the policies as in the source",
    ),
}  # fmt: skip
_TRIGGER: Mapping[Rule, RuleFacts] = {
    "trigger_rights": _facts(
        "trigger", "critical", "User triggers cannot be switched off by a role that does not own the table",
        "use --triggers keep, or the table's owner",
    ),
    "rules": _facts(
        "trigger", "critical", "Rules of the target's table would rewrite what is written",
        "drop the rules, or use the table's owner",
    ),
    "rules_idle": _facts(
        "trigger", "medium", "The target's table has rules, but is loaded past them: a later run will be refused",
        "drop the rules, or write them as triggers",
    ),
    "triggers_off": _facts(
        "trigger", "low", "User triggers of the target are off while it is written",
        "nothing, if rows need not pass them; else --triggers keep",
    ),
    "triggers_fire": _facts(
        "trigger", "medium", "User triggers of the target fire for every row written (`--triggers keep`)",
        "check that they change no row",
    ),
    "event_trigger": _facts(
        "trigger", "medium", "An event trigger of the target fires on what a run alters",
        "look at what it does, or ALTER EVENT TRIGGER ... DISABLE",
    ),
}  # fmt: skip
_ROWS: Mapping[Rule, RuleFacts] = {
    "large_object_column": _facts(
        "large_objects", "critical", "A column may point to large objects, which are not copied",
        f"leave the column out with --columns, {_LEAVE_OUT}",
    ),
    "delete_limit": _facts(
        "rows", "critical", "More rows would be deleted than `--max-delete` allows",
        "look at what would go with --dry-run, then raise --max-delete",
    ),
    "source_emptied": _facts(
        "rows", "critical", "The source's table is empty, the target's is not",
        "allow it with --max-delete 100%, or leave the table out with --exclude",
    ),
    "rows_differ": _facts(
        "data", "critical", "Rows differ (`--level count` and above)",
        "dbsync diff SOURCE TARGET --what data shows the rows; dbsync sync repairs",
    ),
    "not_compared": _facts(
        "data", "high", "A table could not be compared (`--level count` and above)",
        "remove the reason, or leave the table out with --exclude",
    ),
}  # fmt: skip

RULES: Mapping[Rule, RuleFacts] = {
    **_DATABASE, **_TABLE, **_COLUMNS, **_TYPE, **_COLLATION, **_CONSTRAINT, **_SEQUENCE, **_RIGHTS, **_TRIGGER, **_ROWS
}  # fmt: skip
