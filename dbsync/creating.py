"""What ``sync --create`` does to the schema: prints the source's, makes it in the target, compares both at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

from dbsync.control import Control
from dbsync.data.creation import is_bare, late_keys
from dbsync.data.options import OnDrift, SyncOptions
from dbsync.data.plan import SyncPlan
from dbsync.data.report import SyncReport
from dbsync.data.units import Skipped
from dbsync.errors import ConnectionLost, DbsyncError, Drift, Refused, StatementCancelled, StatementFailed
from dbsync.failpoints import failpoint
from dbsync.model import Catalog, TableName
from dbsync.pg import runs
from dbsync.pg.database import Database, Session
from dbsync.pg.reflect_ddl import read_ddl_facts
from dbsync.schema.choice import Choice
from dbsync.schema.ddl import Script, create_script
from dbsync.schema.diff import compare_schemas
from dbsync.schema.snapshot import take_snapshot

_SHOWN = 5
_FRESH_S = 1.0
_MADE = "the schema is made"
# Nobody expects these of a copy: what is made is the role's own, as with a dump that is restored without owners.
_NOT_MADE = Choice(ignore=frozenset({"owner", "privileges"}))
_HINTS = {
    "42501": "let the role have CREATE on the database and its schemas, and the right to make the source's extensions",
    "53200": "so many tables need a higher max_locks_per_transaction in the target, or a schema that pg_restore made",
}
_HINT = "dbsync schema SOURCE --format sql --foreign-keys without prints what was run"


class Creation:
    """What a run with ``--create`` is to make, and what it has made.

    ``script``: what makes the schema of a target that has nothing; None where it has something, or has it by now.
    """

    def __init__(self) -> None:
        self.script: Script | None = None
        self._made: Script | None = None
        self._tables: Sequence[TableName] = ()
        self._drafted_at = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing is or was to be made."""
        return self.script is None and self._made is None

    @property
    def just_made(self) -> bool:
        """Whether this run has made the schema."""
        return self._made is not None

    @property
    def text(self) -> str:
        """The script that is to be run; nothing where none is."""
        return self.script.text if self.script is not None else ""

    @property
    def is_old(self) -> bool:
        """Whether somebody may have thought about the plan since it was drafted."""
        return time.monotonic() - self._drafted_at > _FRESH_S

    def draft(self, session: Session, source: Catalog, target: Catalog) -> None:
        """Print the source's schema, where the target has nothing. Call it in the snapshot that was reflected.

        Foreign keys are left out, and schemas that the target has.
        """
        self.script, self._drafted_at = None, time.monotonic()
        if is_bare(target):
            facts = read_ddl_facts(session)
            self.script = create_script(source, facts, foreign_keys="without", there=target.schemas)

    def told(self, plan: SyncPlan, source: Catalog, target: Catalog) -> SyncPlan:
        """The plan with what is made, now or before, and with what of the source's schema is not."""
        late, left = late_keys(source, target)
        plan = replace(plan, late_keys=late, skipped=(*plan.skipped, *left), just_made=self.just_made)
        if script := self.script or self._made:
            kinds = [
                Skipped(f"({kind})", f"{count} of the source are not made") for kind, count in script.not_held.items()
            ]
            plan = replace(plan, skipped=(*plan.skipped, *kinds), warnings=(*plan.warnings, *script.warnings))
        if self.script is not None:
            tables = [table.name for table in source.of_kind("table", "partitioned") if table.extension is None]
            plan = replace(plan, makes_schema=True, creates=tuple(tables))
        return plan

    def check_still(self, seen: str, on_drift: OnDrift) -> None:
        """Raise Drift where another script than the one that was seen would be run, unless that is to be ignored."""
        if on_drift == "fail" and self.text != seen:
            raise Drift(
                "a schema was changed since the plan was made, and nothing was made", hint="run the command again"
            )

    def rehearse(self, target: Session, control: Control) -> None:
        """Make the schema and take it back: only the target knows whether it can be made there."""
        if self.script is not None:
            _make(target, self.script, control.check, keep=False)

    def make(self, target: Session, tables: Sequence[TableName], control: Control) -> None:
        """Make the schema, with these tables. Raises StatementFailed where the target refuses it: nothing is made."""
        if self.script is not None:
            _make(target, self.script, control.check, keep=True)
            self.script, self._made, self._tables = None, self.script, tables
            control.aftermath = _tell_made
            if control.reason is not None:  # it came before
                _tell_made(control.reason)

    def once_made(self, error: DbsyncError) -> DbsyncError:
        """What a run says that failed: where it had made the schema, it did change something."""
        if not self.just_made:
            return error
        _tell_made(error)
        if not isinstance(error, Refused):
            return error
        hint = f"{error.hint}; where the source's has changed meanwhile, dbsync migrate makes the difference"
        return DbsyncError(error.message, hint=hint, code=error.code, sqlstate=error.sqlstate, details=error.details)

    def report(
        self, report: SyncReport, source: Database, target: Session, *, control: Control, options: SyncOptions
    ) -> None:
        """Tell what was made, and how the two schemas compare now, unless nothing is to be verified.

        The target's run lock is still held, so nobody's lock on a table below a view is waited for without limit.
        """
        patience = {"lock_timeout": f"{int(options.lock_timeout_s * 1000)}ms"}
        report.made_schema, report.created = self.just_made, [str(name) for name in self._tables]
        report.error = self.once_made(report.error) if report.error is not None else None
        if report.state != "succeeded" or report.verify == "none":
            return
        try:
            connecting = source.connect(application_name="dbsync schema", settings=patience, check=control.check)
            with closing(connecting) as session, control.on_stop(session.cancel):
                differing = _unlike(session, target)
        except DbsyncError as error:  # the run is done: that the schemas could not be looked at does not undo it
            report.warnings.append(f"the two schemas could not be compared: {error.message}")
            return
        report.schema_equal = not differing
        if differing:
            report.warnings.append(_told_unlike(differing))


def _tell_made(error: DbsyncError) -> None:
    """Say it once: the same error may come as what stopped the run and as what the run raised."""
    if _MADE not in error.what_to_do:
        error.hint = f"{error.what_to_do}; {_MADE}"


def _make(target: Session, script: Script, check: Callable[[], None], *, keep: bool) -> None:
    """Run the script in one transaction: all of it is made, or nothing; without ``keep`` nothing, to see if it can."""
    failpoint("before_schema_made")
    try:
        with target.transaction():
            if there := runs.own_relation(target):
                raise Drift(f"the target holds {there} by now, and nothing was made", hint="run the command again")
            target.execute_text(script.text)
            target.execute("RESET check_function_bodies")  # the script's own setting is the session's
            if hidden := runs.hidden_from_owner(target):
                raise Refused(
                    f"{hidden[0]} is to force row security on its owner too, who could not fill it: nothing was made",
                    hint="let the target's role have BYPASSRLS",
                )
            failpoint("before_schema_committed")
            check()
            if not keep:
                raise _Rehearsed
    except _Rehearsed:
        return
    except (ConnectionLost, StatementCancelled):
        raise
    except StatementFailed as error:
        raise StatementFailed(
            f"the schema cannot be made in the target, and nothing was: {error.message}",
            hint=_HINTS.get(error.sqlstate or "") or error.hint or _HINT,
            sqlstate=error.sqlstate,
            details=error.details,
        ) from error
    failpoint("after_schema_made")


class _Rehearsed(Exception):
    """Takes a rehearsal back."""


def _unlike(source: Session, target: Session) -> list[str]:
    """Name what differs between the two schemas now, as ``diff`` does, but for owners and rights."""
    with ThreadPoolExecutor(1) as beside:
        reading = beside.submit(take_snapshot, target)
        wanted, present = take_snapshot(source), reading.result()
    diff = compare_schemas(wanted, present, ignore=_NOT_MADE.ignored_parts)
    refs = [*diff.created, *diff.dropped, *(change.ref for change in diff.changed)]
    return [str(ref) for ref in refs if ref.kind not in _NOT_MADE.ignored_kinds]


def _told_unlike(names: list[str]) -> str:
    """The warning that says so."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        f"the target's schema is not quite the source's: {', '.join(names[:_SHOWN])}{more}; "
        "dbsync diff SOURCE TARGET shows it all"
    )
