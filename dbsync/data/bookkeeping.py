"""The books of one run: what it notes in the target's ledger, and the check that it may still write.

Every transaction that writes is sealed before its COMMIT. Without a ledger the check remains: the run
lock must still be this run's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from dbsync.data.option_records import to_record
from dbsync.data.plan import SyncPlan
from dbsync.data.report import TableOutcome
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import ledger, ledger_memory, runs
from dbsync.pg.database import Session
from dbsync.pg.identity import identify
from dbsync.pg.ledger import Client, EndState, Quiet, TableRecord
from dbsync.pg.ledger_memory import QuarantinedRow
from dbsync.pg.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookkeeping:
    """One run's books, used by all of its threads. ``fence`` is None where there is no ledger.

    ``quiet``: the transactions of the target up to the snapshot in which its rows were looked at that are known to have
    written none. ``numbers``: the run's own transactions that kept the books and did nothing else.
    """

    run_id: str
    lock_pid: int
    fence: int | None
    quiet: Quiet | None = None
    numbers: set[int] = field(default_factory=set)

    def seal(self, session: Session, records: Iterable[TableRecord] = (), *, only_books: bool = False) -> int | None:
        """Note what this transaction wrote, and make sure that no later run has begun or begins before its end.

        Nothing that could wait may follow in the transaction. ``only_books``: it wrote no row of any table but the
        ledger's. Returns the transaction's number where no ledger tells what became of it. Raises Fenced, or
        ConnectionLost when the run lock was lost.
        """
        if self.fence is not None:
            failpoint("before_seal")
            ledger.record_tables(session, records, run_id=self.run_id, fence=self.fence)
            number = ledger.hold_fence(session, self.fence)
            if only_books:
                self.numbers.add(number)
        failpoint("after_fence")
        runs.check_run_lock(session, self.lock_pid)
        return runs.own_number(session) if self.fence is None else None

    def quarantine(self, session: Session, rows: Iterable[QuarantinedRow]) -> None:
        """Keep rows that the target refused, in the transaction that writes the others."""
        for row in rows:
            ledger_memory.quarantine(session, self.run_id, row)

    def forget_cursors(self, session: Session, outcomes: Iterable[TableOutcome]) -> None:
        """What a cursor says of a table that is loaded anew, perhaps in part, is true no more."""
        loaded = [each.task.target for each in outcomes if each.task.strategy in ("bulk", "replace")]
        if loaded and self.fence is not None:
            ledger_memory.forget_cursors(session, loaded)

    def committed(self, session: Session, table: TableName, *, transaction: int = 1) -> bool:
        """Whether the run's transaction that wrote the table took place; only with a ledger."""
        return ledger.committed(session, self.run_id, table, transaction=transaction)

    def finish(self, lock: Session, state: EndState) -> None:
        """Note how the run ended."""
        if self.fence is not None:
            failpoint("before_books_closed")
            ledger.finish_run(lock, self.run_id, state, quiet=self._quiet())

    def _quiet(self) -> Quiet | None:
        """What goes on being quiet if the next transaction is the one that closes the books.

        A number between the snapshot and now that is not one of the run's own may be a writer's.
        """
        if self.quiet is None or not self.numbers:
            return None
        following = self.quiet.until + len(self.numbers) + 1
        if self.numbers != set(range(self.quiet.until + 1, following)):
            return None
        return Quiet(self.quiet.since, following)


def begin_books(
    lock: Session, plan: SyncPlan, *, run_id: str, snapshot: Snapshot, quiet: Quiet | None = None
) -> Bookkeeping:
    """Open the books of a run whose session ``lock`` holds the run lock: earlier runs can commit no more.

    ``quiet``: what was so in the target's snapshot.
    """
    fence, numbers = None, set()
    if plan.ledger and ledger.open_ledger(lock) is not None:
        failpoint("before_books_opened")
        begun = ledger.begin_run(
            lock,
            run_id=run_id,
            source=identify(snapshot.holder),
            snapshot=snapshot.id,
            options=to_record(plan.options),
            plan_hash=plan_hash(plan),
            client=Client.here(),
        )
        fence, numbers = begun.fence, {begun.number}
    return Bookkeeping(run_id=run_id, lock_pid=lock.backend_pid, fence=fence, quiet=quiet, numbers=numbers)


def record_of(outcome: TableOutcome, digest: tuple[int, str, str] | None) -> TableRecord:
    """What the ledger is told of a table; ``digest`` where one proves it."""
    return TableRecord(
        table=outcome.task.target,
        state="partial" if outcome.rows_quarantined else "done",
        strategy=outcome.task.strategy,
        rows_inserted=outcome.rows_inserted,
        rows_updated=outcome.rows_updated,
        rows_deleted=outcome.rows_deleted,
        digest=digest,
    )


def plan_hash(plan: SyncPlan) -> str:
    """A short text that tells one plan from another."""
    text = json.dumps(plan.to_dict(), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
