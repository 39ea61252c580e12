"""PURE: the rules about keys, constraints, foreign keys, indexes and sequences."""

from __future__ import annotations

from collections.abc import Mapping

from dbsync.data.rules.rule import NOT_NEEDED, Rule, RuleFacts, told

_SATISFY = "check that the source's rows satisfy it, or drop it"

CONSTRAINT: Mapping[Rule, RuleFacts] = {
    "no_key": told(
        "key", "info", "No key serves to match rows: the table is compared as a whole",
        "add a primary key, so that only rows that differ need to be written",
    ),
    "primary_key_differs": told(
        "key", "low", "The primary keys differ, or the target has none", "make the target's primary key as the source's"
    ),
    "cursor_key": told(
        "key", "critical", "`--mode cursor` finds no key by which rows are matched",
        "add a primary key on both sides, or use --mode delta",
    ),
    "unique_extra": told(
        "constraint", "medium", "A unique key or unique index is in the target only: it may refuse rows", _SATISFY
    ),
    "unique_nulls": told(
        "constraint", "medium", "A unique key is NULLS NOT DISTINCT in the target only: rows with NULL may collide",
        _SATISFY,
    ),
    "exclusion_extra": told(
        "constraint", "medium", "An exclusion constraint is in the target only: it may refuse rows", _SATISFY
    ),
    "check_extra": told(
        "constraint", "info", "A check constraint is in the target only, or reads otherwise there: it may refuse rows",
        "check that the source's rows satisfy it",
    ),
    "constraint_missing": told(
        "constraint", "info", "A unique key, check, exclusion or foreign key is in the source only",
        "add it, if the target is to refuse what the source refuses",
    ),
    "indexes_differ": told("index", "info", "The sets of indexes differ", NOT_NEEDED),
    "foreign_key_extra": told(
        "foreign_key", "high", "A foreign key is in the target only: it may refuse rows", _SATISFY
    ),
    "foreign_key_differs": told(
        "foreign_key", "low", "A foreign key has other actions, another deferrability or validity than in the source",
        "make it as in the source, if applications write to the target",
    ),
    "foreign_key_child": told(
        "foreign_key", "medium", "A table that is not selected refers to a selected one",
        "select the referring table too, if rows are to be deleted",
    ),
    "foreign_key_parent": told(
        "foreign_key", "medium", "A selected table refers to one that is not selected",
        "select the table referred to, or make sure it has the rows",
    ),
    "foreign_key_outside": told(
        "foreign_key", "critical", "A table or partition that is not selected refers to one whose content is replaced",
        "select the referencing table too, with all its partitions",
    ),
    "foreign_key_cycle": told(
        "foreign_key", "critical", "A foreign key on a cycle is not deferrable, and the role does not own the tables",
        "make it DEFERRABLE, or use the tables' owner",
    ),
    "foreign_key_held": told(
        "foreign_key", "medium", "A foreign key to its own table, or on a cycle, is not deferrable, and the role does "
        "not own the tables: changes to rows that need it to be put aside end with exit 6",
        "GRANT the owner's role to the target role, connect as the owner, or make the foreign key DEFERRABLE",
    ),
    "foreign_key_unchecked": told(
        "foreign_key", "medium", "A foreign key is NOT VALID, and rows of the table that it refers to are left out: "
        "rows that refer to these may come in as orphans",
        "give the referring table a condition that fits, or validate the foreign key",
    ),
    "foreign_key_triggers": told(
        "foreign_key", "critical", "The internal triggers of a foreign key are switched off",
        "ALTER TABLE ... ENABLE TRIGGER ALL",
    ),
}  # fmt: skip

SEQUENCE: Mapping[Rule, RuleFacts] = {
    "sequence_missing": told(
        "sequence", "medium", "A sequence of the source that no column owns is not in the target: it is not set",
        "create it in the target",
    ),
    "sequence_smaller": told(
        "sequence", "medium", "The target's sequence ends earlier than the source's: it may not reach its value",
        "ALTER SEQUENCE ... AS, MAXVALUE or MINVALUE",
    ),
    "sequence_bounds": told(
        "sequence", "critical", "A sequence of the target cannot hold the value that the source's has come to",
        "ALTER SEQUENCE ... AS bigint, MAXVALUE or MINVALUE in the target, as in the source",
    ),
    "sequence_differs": told(
        "sequence", "low", "A sequence has another increment or cycles on one side only", "ALTER SEQUENCE in the target"
    ),
    "sequence_owner": told(
        "sequence", "info", "A sequence is owned by a column on one side only: dropping that drops the sequence",
        "ALTER SEQUENCE ... OWNED BY",
    ),
    "sequence_source_rights": told(
        "sequence", "critical", "The source's role may not read a sequence", "GRANT SELECT on it to the source role"
    ),
    "sequence_target_rights": told(
        "sequence", "critical", "The target's role may not read and set a sequence",
        "GRANT SELECT, UPDATE on it to the target role",
    ),
}  # fmt: skip
