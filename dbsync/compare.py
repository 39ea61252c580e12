"""The service behind ``diff --what data`` and ``validate``: compare the rows of two databases, changing nothing.

Both sides are read under one exported snapshot each; sequences, which none holds still, before that. A table that
cannot be compared is listed with its reason and does not keep the others from being compared.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from dbsync.control import Control
from dbsync.data.comparable import Comparables, comparables, not_compared
from dbsync.data.compare import Ends, compare_table
from dbsync.data.context import Digest
from dbsync.data.differences import CompareReport, Level, SequenceComparison, TableComparison
from dbsync.data.options import SyncOptions
from dbsync.data.plan import TableTask
from dbsync.data.planner import draft_plan
from dbsync.data.refresh import without_refresh
from dbsync.data.samples import shown
from dbsync.data.sequences_compared import compare_sequences
from dbsync.data.units import RESERVED, Skipped, select_units
from dbsync.errors import ConfigError, ConnectionLost, DbsyncError, Drift, InternalFault, SameDatabase, StatementFailed
from dbsync.events import Emit, PlanReady, RunFinished, TableFinished, TablePhase, TableStarted, silent
from dbsync.model import Catalog, TableName
from dbsync.pg import runs, statements
from dbsync.pg.database import Database, Session
from dbsync.pg.identity import ensure_distinct
from dbsync.pg.snapshot import ReaderPool, Snapshot, exported_snapshot

_CANCEL_S = 2.0  # what does not end by a cancel within this time is cut
Warn = Callable[[str], None]
Opened = Callable[[Session, Session], None]


def compare(
    source: Database,
    target: Database,
    options: SyncOptions,
    *,
    level: Level,
    samples: int = 0,
    emit: Emit = silent,
    control: Control | None = None,
    warn: Warn = lambda warning: None,
    opened: Opened = lambda source, target: None,
) -> CompareReport:
    """Compare the selected tables' rows; ``opened`` is told the first session on each side.

    Raises ConfigError for a selection that matches nothing, Drift when a table changes while it is looked at.
    """
    source, target = source.at("source"), target.at("target")
    control = control or Control()
    run_id = uuid.uuid4().hex[:12]
    label = f"dbsync {run_id} compare"
    look = _look((source, target), options, level, label, control, warn, opened)
    ready = look.ready
    if not ready.tasks:
        return CompareReport(
            level=level,
            tables=ready.refused,
            skipped=look.skipped,
            columns=ready.columns,
            sequences=look.sequences,
        )
    held = partial(exported_snapshot, label=label, lock_timeout_s=options.lock_timeout_s, cancelled_by=control.on_stop)
    with (
        held(source, [(task.source, task.source_only) for task in ready.tasks]) as mine,
        held(target, [(task.target, task.target_only) for task in ready.tasks]) as theirs,
    ):
        look.source.check_drift(mine, [task.source for task in ready.tasks])
        look.target.check_drift(theirs, [task.target for task in ready.tasks])
        pools = [
            ReaderPool(database, snapshot, limit=options.jobs, label=label, check=control.check)
            for database, snapshot in ((source, mine), (target, theirs))
        ]
        ends = Ends(source=pools[0], target=pools[1], recode=look.recode, check=control.check)
        comparison = _Comparison(ready.tasks, ends, level, samples, options.jobs, emit, control)
        with _stopped_by(control, pools):
            tables = [*ready.refused, *comparison.run(run_id)]
        for snapshot in (mine, theirs):
            snapshot.holder.execute("SELECT 1")  # else its locks were lost, and tables may have been altered meanwhile
        return CompareReport(
            level=level,
            tables=tuple(sorted(tables, key=lambda table: table.target)),
            skipped=look.skipped,
            columns=ready.columns,
            sequences=look.sequences,
            source_snapshot=mine.id,
            target_snapshot=theirs.id,
        )


@dataclass(frozen=True, slots=True)
class _End:
    """What was read of one side's structure, and the stamps by which a later change shows."""

    name: str
    catalog: Catalog
    stamps: Mapping[int, str]

    def check_drift(self, snapshot: Snapshot, tables: Sequence[TableName]) -> None:
        """Raise Drift when a table is no longer as it was read."""
        oids = {table: self.catalog.tables[table].oid for table in tables}
        for table in runs.changed(snapshot.holder, oids, self.stamps):
            raise Drift(f"{table} was changed in {self.name} while it was looked at", hint="run the command again")


@dataclass(frozen=True, slots=True)
class _Look:
    """Both structures, and what follows from them."""

    source: _End
    target: _End
    skipped: tuple[Skipped, ...]
    ready: Comparables
    sequences: tuple[SequenceComparison, ...]

    @property
    def recode(self) -> bool:
        """Whether texts must be hashed in one encoding."""
        return self.source.catalog.encoding != self.target.catalog.encoding


def _look(
    ends: tuple[Database, Database],
    options: SyncOptions,
    level: Level,
    label: str,
    control: Control,
    warn: Warn,
    opened: Opened,
) -> _Look:
    """Read both structures and decide what to compare."""
    with ExitStack() as stack:
        sessions = []
        bounded = {"lock_timeout": f"{int(options.lock_timeout_s * 1000)}ms"}
        for database in ends:
            session = database.connect(application_name=f"{label} plan", settings=bounded, check=control.check)
            sessions.append(stack.enter_context(closing(session)))
            stack.enter_context(control.on_stop(session.cancel))
        left, right = sessions
        for warning in (*left.warnings, *right.warnings, *_same_database(left, right)):
            warn(warning)
        opened(left, right)
        with ThreadPoolExecutor(1) as beside:
            reading = beside.submit(runs.reflect_stamped, right)
            mine = _End(left.url.name, *runs.reflect_stamped(left))
            theirs = _End(right.url.name, *reading.result())
        selection = select_units(mine.catalog, theirs.catalog, options, compared=True)
        filled = {route.target: True for unit in selection.units for route in unit.routes}  # nobody has looked
        draft = draft_plan(mine.catalog, theirs.catalog, selection, options, filled=filled)
        ready = _with_conditions(left, right, comparables(draft, level), level)
        left_out = [Skipped(str(name), RESERVED) for name in runs.reserved_tables(left)]
        skipped = without_refresh(draft.plan.skipped, mine.catalog, theirs.catalog, options)
        sequences = compare_sequences(left, right, draft, control.check) if level != "count" else ()
        return _Look(mine, theirs, (*skipped, *left_out), ready, sequences)


def _same_database(source: Session, target: Session) -> list[str]:
    """Comparing a database with itself harms nothing, but is hardly what was meant."""
    try:
        return ensure_distinct(source, target)
    except SameDatabase as same:
        return [same.message]


def _with_conditions(source: Session, target: Session, ready: Comparables, level: Level) -> Comparables:
    """Try every --where on both sides: a wrong one is an error, one that only the target cannot follow is told."""
    refused = list(ready.refused)
    tasks = []
    for task in ready.tasks:
        if task.where is not None:
            runs.check_expression(source, task.source, task.where, only=task.source_only)
            try:
                runs.check_expression(target, task.target, task.where, only=task.target_only)
            except ConfigError as error:
                refused.append(not_compared(task.source, task.target, level, f"in the target, {error.message}"))
                continue
        tasks.append(task)
    return replace(ready, tasks=tuple(tasks), refused=tuple(refused))


@contextmanager
def _stopped_by(control: Control, pools: Sequence[ReaderPool]) -> Iterator[None]:
    """Cancel what the readers run when the run is stopped, cut what does not end, and close them at the end."""

    def cancel() -> None:
        for session in [session for pool in pools for session in pool.sessions]:
            threading.Thread(target=_cancel, args=(session,), daemon=True).start()
        time.sleep(_CANCEL_S)
        for session in [session for pool in pools for session in pool.sessions]:
            session.abort()

    with control.on_stop(cancel):
        try:
            yield
        finally:
            for pool in pools:
                pool.close()


def _cancel(session: Session) -> None:
    with suppress(DbsyncError):  # a session that is gone has nothing to cancel
        session.cancel()


class _Comparison:
    """All tables, several at a time, largest first."""

    def __init__(
        self,
        tasks: Sequence[TableTask],
        ends: Ends,
        level: Level,
        samples: int,
        jobs: int,
        emit: Emit,
        control: Control,
    ) -> None:
        self.tasks = sorted(tasks, key=lambda task: -task.bytes)
        self.ends, self.level, self.samples, self.jobs = ends, level, samples, jobs
        self.emit, self.control = emit, control

    def run(self, run_id: str) -> list[TableComparison]:
        """Compare; raises the reason to stop, and what ends the whole comparison (a lost server)."""
        rows, size = (sum(max(getattr(task, name), 0) for task in self.tasks) for name in ("rows", "bytes"))
        self.emit(PlanReady(run_id=run_id, tables=len(self.tasks), rows=rows, bytes=size))
        state = "failed"
        with ThreadPoolExecutor(self.jobs) as tables, ThreadPoolExecutor(2 * self.jobs) as self._beside:
            waiting = {tables.submit(self._table, task) for task in self.tasks}
            try:
                found = list(self._collected(waiting))
                state = "succeeded"
            except DbsyncError as error:
                self.control.stop(error)  # the others must not go on for nothing
                raise
            except BaseException as error:
                self.control.stop(InternalFault.of(error))
                raise
            finally:
                tables.shutdown(wait=False, cancel_futures=True)
                self.emit(RunFinished(run_id=run_id, state=state))
        return found

    def _collected(self, waiting: set[Future[TableComparison]]) -> Iterator[TableComparison]:
        while waiting:
            ended, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            self.control.check()
            yield from (future.result() for future in ended)

    def _table(self, task: TableTask) -> TableComparison:
        self.control.check()
        self.emit(TableStarted(table=task.target, rows=task.rows, bytes=task.bytes))
        self.emit(TablePhase(table=task.target, phase="compare"))
        started = time.monotonic()
        try:
            found = self._compared(task)
        except ConnectionLost:
            raise
        except StatementFailed as error:
            self.control.check()  # cancelled by a stop
            found = replace(not_compared(task.source, task.target, self.level, error.message), error=error)
        found = replace(found, elapsed_s=time.monotonic() - started)
        self.emit(
            TableFinished(
                table=task.target,
                state="failed" if found.error else "done",
                rows=found.source_rows or 0,
                bytes=0,
                elapsed_s=found.elapsed_s,
                verified=found.state == "same",
            )
        )
        return found

    def _compared(self, task: TableTask) -> TableComparison:
        if self.level == "full":
            return self._by_rows(task)
        mine, theirs = self._on_both(task)
        return TableComparison(
            source=task.source,
            target=task.target,
            state="same" if mine == theirs else "differs",
            level=self.level,
            reason="rows counted, values not looked at" if self.level == "count" else "by a checksum of all rows",
            source_rows=mine.rows,
            target_rows=theirs.rows,
        )

    def _by_rows(self, task: TableTask) -> TableComparison:
        """Find every row that differs; only their places are kept, and the values of a few."""
        with closing(compare_table(task, self.ends, samples=self.samples)) as delta:
            return TableComparison(
                source=task.source,
                target=task.target,
                state="same" if delta.same else "differs",
                level="full",
                reason="row by row, by its key" if task.key else "as whole rows: it has no usable key",
                key=task.key.names if task.key else (),
                source_rows=delta.source.total_rows(),
                target_rows=delta.target.total_rows(),
                only_in_source=delta.missing.count,
                only_in_target=delta.surplus.count,
                different=delta.changed.count if task.key else None,
                samples=shown(delta.samples(self.samples), task, self.ends),
            )

    def _on_both(self, task: TableTask) -> list[Digest]:
        """Ask both servers at a time; when one fails, the other need not go on."""
        with self.ends.source.reader() as mine, self.ends.target.reader() as theirs:
            asked = [
                self._beside.submit(self._facts, mine, task.source, task.source_only, task),
                self._beside.submit(self._facts, theirs, task.target, task.target_only, task),
            ]
            ended, going = wait(asked, return_when=FIRST_EXCEPTION)
            for session, future in zip((mine, theirs), asked, strict=True):
                if future in going:
                    _cancel(session)
            wait(asked)
            return [future.result() for future in sorted(asked, key=lambda future: future not in ended)]

    def _facts(self, reader: Session, table: TableName, only: bool, task: TableTask) -> Digest:
        """Count one side's rows, and where values are compared add two sums of their hashes."""
        columns = [(pair.name, pair.digest, pair.nullable) for pair in task.columns]
        query = (
            statements.count_rows(table, only=only, where=task.where)
            if self.level == "count"
            else statements.digest_rows(table, columns, only=only, where=task.where, recode=self.ends.recode)
        )
        return Digest(*reader.one(query))
