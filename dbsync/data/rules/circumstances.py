"""PURE: the rules about databases, rights, row-level security, triggers and rows."""

from __future__ import annotations

from collections.abc import Mapping

from dbsync.data.rules.rule import LEAVE_OUT, Rule, RuleFacts, told

_BYPASS = "use the table's owner, or a role with BYPASSRLS"

DATABASE: Mapping[Rule, RuleFacts] = {
    "same_database": told(
        "database", "critical", "Source and target are one database, whatever they are called",
        "name another source or target",
    ),
    "read_only_target": told(
        "database", "critical", "The config file marks the target `read_only`",
        "name another target, or take read_only out of the config file",
    ),
    "standby_target": told(
        "database", "critical", "The target is a standby, which takes no writes", "connect to the primary"
    ),
    "protected_target": told(
        "database", "info", "The target is a protected or production database", "sync needs --confirm with its name"
    ),
    "server_older": told(
        "database", "medium", "The target's major version is older than the source's",
        "upgrade the target first: it may lack what the source uses",
    ),
    "infinity_unsupported": told(
        "database", "medium",
        "The source's server can hold Infinity in a `numeric` (14 and later) or `interval` (17 and later) column, the "
        "target's cannot",
        "check that no row holds it, or upgrade the target",
    ),
    "encoding_unknown": told(
        "database", "high", "The encodings differ, and one is SQL_ASCII, which says nothing about the bytes",
        "find out how the texts are encoded, and convert the database",
    ),
    "encoding_narrower": told(
        "database", "medium", "The encodings differ, and the target's is not UTF8: it may lack characters",
        "make the target with ENCODING 'UTF8'",
    ),
    "encoding_differs": told(
        "database", "low", "The encodings differ, and the target's is UTF8", "nothing: texts are converted"
    ),
    "ledger_newer": told(
        "database", "critical", "A newer dbsync keeps its ledger in the target", "use that dbsync, or --no-ledger"
    ),
    "no_ledger": told(
        "database", "low", "No ledger can be kept in the target", "GRANT what is missing, if runs are to be resumed"
    ),
}  # fmt: skip

RIGHTS: Mapping[Rule, RuleFacts] = {
    "source_rights": told(
        "rights", "critical", "The source's role may not SELECT from the table",
        f"GRANT SELECT on it to the source role, {LEAVE_OUT}",
    ),
    "target_rights": told(
        "rights", "critical", "The target's role lacks rights on the table",
        "GRANT what is missing to the target role, or use the owner",
    ),
    "temporary_tables": told(
        "rights", "critical", "The target's role may not create temporary tables, where changed rows come first",
        "GRANT TEMPORARY ON DATABASE ... to the target role, or use --mode append or replace",
    ),
    "column_unreadable": told(
        "rights", "critical", "The source's role may not SELECT a column",
        "GRANT SELECT on the whole table to the source role",
    ),
    "column_identity": told(
        "rights", "critical", "A GENERATED ALWAYS identity has to be updated, which only the owner can make possible",
        "use the table's owner, or --mode append",
    ),
    "source_row_security": told(
        "row_security", "critical", "Row-level security would hide rows from the source's role", _BYPASS
    ),
    "target_row_security": told(
        "row_security", "critical", "Row-level security applies to the target's role", _BYPASS
    ),
    "row_security_forced": told(
        "row_security", "low", "The target forces row-level security: its owner is held to it too, this role is not",
        "keep the role's BYPASSRLS",
    ),
    "row_security_idle": told(
        "row_security", "info", "The table has row-level security on a side where the role is above it",
        "nothing: all rows are seen",
    ),
    "row_security_missing": told(
        "row_security", "medium",
        "Row-level security is on in the source and off in the target: whoever may SELECT there sees all rows",
        "ALTER TABLE ... ENABLE ROW LEVEL SECURITY, with the source's policies",
    ),
    "policies_differ": told(
        "row_security", "low", "The policies of a table with row-level security on both sides differ",
        "make the policies as in the source",
    ),
}  # fmt: skip

TRIGGER: Mapping[Rule, RuleFacts] = {
    "trigger_rights": told(
        "trigger", "critical",
        "User triggers cannot be switched off by the role: no owner, or no superuser for partitions before 15",
        "use --triggers keep, or the table's owner (of a partition before 15 a superuser)",
    ),
    "rules": told(
        "trigger", "critical", "Rules of the target's table would rewrite what is written",
        "drop the rules, or use the table's owner",
    ),
    "rules_idle": told(
        "trigger", "medium", "The target's table has rules, but is loaded past them: a later run will be refused",
        "drop the rules, or write them as triggers",
    ),
    "triggers_off": told(
        "trigger", "low", "User triggers of the target are off while it is written",
        "nothing, if rows need not pass them; else --triggers keep",
    ),
    "triggers_fire": told(
        "trigger", "medium", "User triggers of the target fire for every row written (`--triggers keep`)",
        "check that they change no row",
    ),
    "event_trigger": told(
        "trigger", "medium", "An event trigger of the target fires on what a run alters",
        "look at what it does, or ALTER EVENT TRIGGER ... DISABLE",
    ),
}  # fmt: skip

ROWS: Mapping[Rule, RuleFacts] = {
    "large_object_column": told(
        "large_objects", "critical", "A column may point to large objects, which are not copied",
        f"leave the column out with --columns, {LEAVE_OUT}",
    ),
    "delete_limit": told(
        "rows", "critical", "More rows would be deleted than `--max-delete` allows",
        "look at what would go with --dry-run, then raise --max-delete",
    ),
    "source_emptied": told(
        "rows", "critical", "The source's table is empty, the target's is not",
        "allow it with --max-delete 100%, or leave the table out with --exclude",
    ),
    "unique_taken": told(
        "rows", "critical",
        "Rows that the source lacks, or that `--where` leaves out, have unique values of rows to be written (dry runs; "
        "a run meets the index, exit 6)",
        "add --delete, or change or remove those rows of the target",
    ),
    "rows_differ": told(
        "data", "critical", "Rows differ (`--level count` and above)",
        "dbsync diff SOURCE TARGET --what data shows the rows; dbsync sync repairs",
    ),
    "sequence_behind": told(
        "data", "high",
        "A sync would set a sequence: its next value may be one that a row has (`--level checksum` and above)",
        "dbsync sync sets it, also where no row differs",
    ),
    "sequence_unproved": told(
        "data", "low",
        "It is not known whether a sync would set a sequence: a standby may have it further on than its primary, or no "
        "index tells how far the rows are (`--level checksum` and above)",
        "compare with the primary; dbsync sync asks all rows and sets it",
    ),
    "not_compared": told(
        "data", "high",
        "A table (`--level count` and above) or a sequence (`checksum` and above) could not be compared",
        "remove the reason, or leave the table out with --exclude",
    ),
}  # fmt: skip
