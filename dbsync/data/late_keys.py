"""Foreign keys that come after the rows: added without a look at them, then validated in parallel sessions.

Nobody but this run may have written in between; that the rows fit is found out by the server all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

from dbsync.data.bundles import SMALL, batches
from dbsync.data.context import RunContext
from dbsync.data.creation import LateKey
from dbsync.data.plan import SyncPlan
from dbsync.data.report import SyncReport
from dbsync.errors import ConnectionLost, DbsyncError, InternalFault, StatementCancelled, StatementFailed
from dbsync.events import Notice
from dbsync.failpoints import failpoint
from dbsync.pg import statements
from dbsync.pg.database import Session

_LOCKED = ("55P03", "40P01")  # somebody's lock, a deadlock: each key by itself would wait anew
_Act = Callable[[Session, Sequence[LateKey]], None]


def add_late_keys(context: RunContext, report: SyncReport) -> list[DbsyncError]:
    """Add and validate the foreign keys that the plan leaves for the end; return what went wrong.

    A key that cannot be had keeps no other from being there; the rows stay as they are.
    """
    late = context.plan.late_keys
    if not late:
        return []
    work = _Work(context, report)
    context.emit(Notice(message=f"{len(late)} foreign key{' is' if len(late) == 1 else 's are'} added or validated"))
    failpoint("before_late_keys")
    try:
        added = work.do([each for each in late if each.add], _add, "is not there")
        failpoint("after_late_keys")
        there = {each.label for each in added}
        checked = [each for each in late if each.validate and (not each.add or each.label in there)]
        turns = _turns(checked, context.plan)
        with ThreadPoolExecutor(context.plan.options.jobs, thread_name_prefix="key") as executor:
            list(executor.map(lambda keys: work.do(keys, _validate, "is there, NOT VALID"), turns))
    except DbsyncError as error:
        return [*work.told(), error]
    return work.told() or work.forgotten()


@dataclass(slots=True)
class _Work:
    """What has been done of all keys, by several threads."""

    context: RunContext
    report: SyncReport
    failed: dict[str, StatementFailed] = field(default_factory=dict)
    blocked: StatementFailed | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def do(self, keys: Sequence[LateKey], act: _Act, standing: str) -> list[LateKey]:
        """Act on all keys in one transaction, or where one fails on each in its own; return those that it was done to.

        ``standing`` says how a key stands with which it failed.
        """
        if not keys:
            return []
        with self.context.target_session("load") as session:
            return self._do(session, keys, act, standing)

    def _do(self, session: Session, keys: Sequence[LateKey], act: _Act, standing: str) -> list[LateKey]:
        self.context.control.check()
        if self.blocked is not None:  # the next table would wait for the same lock as long again
            self._fail(self.blocked, keys, standing)
            return []
        try:
            with session.transaction():
                act(session, keys)
                self.context.books.seal(session)
        except (ConnectionLost, StatementCancelled):
            raise
        except StatementFailed as error:
            parts = [[key] for key in keys]
            if error.sqlstate in _LOCKED:
                parts = _by_table(keys) if act is _validate else [list(keys)]
                if len(parts) == 1:
                    self.blocked = error
            if len(parts) > 1:
                return [each for part in parts for each in self._do(session, part, act, standing)]
            self._fail(error, keys, standing)
            return []
        with self._lock:
            done = [each.label for each in keys if act is _validate or not each.validate]
            self.report.foreign_keys += done
            self.report.keys_missing = [label for label in self.report.keys_missing if label not in done]
        return list(keys)

    def _fail(self, error: StatementFailed, keys: Sequence[LateKey], standing: str) -> None:
        with self._lock:
            self.failed |= {each.label: _failure(error, each, standing) for each in keys}

    def forgotten(self) -> list[DbsyncError]:
        """One error where something of the plan was neither done nor told: a fault of dbsync's own."""
        missing = self.report.keys_missing
        return [InternalFault(f"foreign keys were not seen to: {', '.join(missing)}")] if missing else []

    def told(self) -> list[DbsyncError]:
        """One error that names every key that cannot be had."""
        if not self.failed:
            return []
        first, *others = self.failed.values()
        more = f" (and {len(others)} more foreign keys)" if others else ""
        return [
            StatementFailed(
                f"the rows are in, but {first.message}{more}",
                hint=first.hint,
                sqlstate=first.sqlstate,
                details=first.details | {"foreign_keys": {label: one.message for label, one in self.failed.items()}},
            )
        ]


def _turns(keys: Sequence[LateKey], plan: SyncPlan) -> list[list[LateKey]]:
    """The keys to validate in one transaction each: of one table, the largest first; of new small tables several."""
    sizes = {task.target: task.bytes for task in plan.tables}  # tables that are filled through another one have none
    tables = sorted(_by_table(keys), key=lambda of_one: -sizes.get(of_one[0].key.table, SMALL))
    if not plan.just_made:  # others may wait for these tables
        return tables
    large = [of_one for of_one in tables if sizes.get(of_one[0].key.table, SMALL) >= SMALL]
    small = batches(tables[len(large) :], jobs=plan.options.jobs)
    return large + [[key for of_one in batch for key in of_one] for batch in small]


def _by_table(keys: Sequence[LateKey]) -> list[list[LateKey]]:
    return [list(of_one) for _, of_one in groupby(keys, key=lambda each: each.key.table)]


def _add(session: Session, keys: Sequence[LateKey]) -> None:
    added = [statement for each in keys for statement in statements.add_foreign_key(each.key, valid=not each.validate)]
    session.execute(statements.in_one_message(added))


def _validate(session: Session, keys: Sequence[LateKey]) -> None:
    for each in keys:
        session.execute(statements.validate_foreign_key(each.key))
        failpoint("after_late_key_validated")


def _failure(error: StatementFailed, late: LateKey, standing: str) -> StatementFailed:
    about_rows = (error.sqlstate or "").startswith("23")
    blocked = "see who holds locks on these tables" if error.sqlstate in _LOCKED else error.hint
    mend = "mend the rows or the key" if about_rows or blocked is None else blocked
    return StatementFailed(
        f"{late.key.table} cannot have its foreign key {late.key.name}, which {standing}: {error.message}",
        hint=f"{mend}, and run again with --create",
        sqlstate=error.sqlstate,
        details=error.details,
    )
