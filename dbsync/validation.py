"""The service behind ``validate``: can this be synchronised, and is it in sync? Nothing is changed on either side.

The answer to the first question is the plan that ``sync`` itself would make, with everything in its way, and what
``data.checks`` finds in the two structures beyond it.
"""

from __future__ import annotations

from dbsync.compare import Opened, Warn, compare
from dbsync.control import Control
from dbsync.data.checks.structure import structure_problems
from dbsync.data.findings import ValidateLevel, Validation, validation
from dbsync.data.options import SyncOptions
from dbsync.data.problem import Problem
from dbsync.errors import Refused, SameDatabase
from dbsync.events import Emit, silent
from dbsync.pg import ledger
from dbsync.pg.circumstances import read_circumstances
from dbsync.pg.database import Database, Session
from dbsync.services import open_sync
from dbsync.urls import DatabaseUrl


def validate(
    source: Database,
    target: Database,
    options: SyncOptions,
    *,
    level: ValidateLevel,
    samples: int = 0,
    emit: Emit = silent,
    control: Control | None = None,
    warn: Warn = lambda warning: None,
    opened: Opened = lambda source, target: None,
) -> Validation:
    """Draft the sync that the options ask for, and above level ``schema`` compare the rows as well."""
    facts = _configured(target.url)
    try:
        with open_sync(source, target, options, writes=False, control=control, warn=warn) as sync:
            opened(sync.source, sync.target)
            draft = sync.draft(compared=True)
            around = (
                read_circumstances(sync.source, draft.source.major),
                read_circumstances(sync.target, draft.target.major),
            )
            facts += _ledger(sync.target)
    except SameDatabase as same:
        return validation(level, None, [*facts, Problem("same_database", same.message)])
    facts += structure_problems(draft, *around)
    comparison = None
    if level != "schema":
        comparison = compare(
            source, target, options, level=level, samples=samples, emit=emit, control=control, warn=warn
        )
    return validation(level, draft, facts, comparison)


def _ledger(target: Session) -> list[Problem]:
    """Whether a run could keep its books in the target."""
    try:
        ledger.find_ledger(target)
    except Refused as newer:
        return [Problem("ledger_newer", newer.message)]
    obstacle = ledger.obstacle(target)
    said = f"no ledger can be kept in the target, so a run could not be resumed: {obstacle}"
    return [Problem("no_ledger", said)] if obstacle is not None else []


def _configured(target: DatabaseUrl) -> list[Problem]:
    """What the config file says about the target."""
    if target.read_only:
        return [Problem("read_only_target", f"{target.name} is marked read_only")]
    if target.needs_confirmation:
        return [Problem("protected_target", f"{target.name} is a protected or production database")]
    return []
