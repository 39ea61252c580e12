"""PURE: the registry of all rules by which ``sync`` refuses and ``validate`` finds, each with its weight and its cure.

A rule's word never changes its meaning: findings are named by it. ``docs/reference/findings.md`` is written from here.
"""

from __future__ import annotations

from collections.abc import Mapping

from dbsync.data.rules.circumstances import DATABASE, RIGHTS, ROWS, TRIGGER
from dbsync.data.rules.constraints import CONSTRAINT, SEQUENCE
from dbsync.data.rules.rule import Rule, RuleFacts, Severity
from dbsync.data.rules.structure import COLLATION, COLUMNS, TABLE, TYPE

__all__ = ["RULES", "Rule", "RuleFacts", "Severity"]

RULES: Mapping[Rule, RuleFacts] = {
    **DATABASE, **TABLE, **COLUMNS, **TYPE, **COLLATION, **CONSTRAINT, **SEQUENCE, **RIGHTS, **TRIGGER, **ROWS
}  # fmt: skip
