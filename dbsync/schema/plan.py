"""PURE: a migration as data: ordered statements with their undo, hazards and checks, and what stands proved.

``MigrationPlan`` is what `migrate plan` prints, what a plan file holds and what `migrate apply` runs; nothing
after the planner decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dbsync.schema.objects import Ref
from dbsync.schema.steps import Action, Check
from dbsync.schema.uncompared import Uncompared

ProofState = Literal["proved", "differs", "failed", "not run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """What a statement does to those who use the database, measured on a shadow; sizes are the real table's.

    ``type``: a label such as TABLE_REWRITE. ``lock``: the lock mode as Postgres names it. ``rows`` and
    ``bytes`` are estimates, None where unknown.
    """

    type: str
    message: str
    object: str | None = None
    lock: str | None = None
    rewrites: bool = False
    scans: bool = False
    rows: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a plan. Statements of one ``group`` run in one transaction."""

    sql: str
    ref: Ref
    action: Action
    transactional: bool = True
    group: int = 0
    timeout_ms: int = 3000
    lock_timeout_ms: int = 3000
    destroys: str | None = None
    hazards: tuple[Hazard, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned:
    """A difference that the plan leaves as it is, with the reason."""

    ref: Ref
    parts: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What became of the plan on a shadow. ``judges``: which comparisons were made ("snapshot", "pg_dump 18.4")."""

    state: ProofState
    server_version: str | None = None
    differences: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    failed_at: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One database as the plan found it: ``fingerprint`` of its schema snapshot."""

    name: str
    database: str
    server_version: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPlan:
    """What makes the target's schema like the source's, and what undoes it.

    ``expected``: the fingerprint of the target's schema after it, as the shadow had it; None where that was not
    tried, or on a server that prints definitions otherwise. ``not_compared``: what nobody looked at.
    """

    source: End
    target: End
    expected: str | None = None
    options: Mapping[str, Any]
    statements: tuple[Statement, ...]
    undo: tuple[Statement, ...] = ()
    unplanned: tuple[Unplanned, ...] = ()
    not_compared: tuple[Uncompared, ...] = ()
    warnings: tuple[str, ...] = ()
    proof: Proof = field(default_factory=lambda: Proof(state="not run"))
    undo_proof: Proof = field(default_factory=lambda: Proof(state="not run"))
    engine: str = "own"
