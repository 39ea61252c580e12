"""What the threads of one run share: the plan's facts, reader pools, digests, pace, warnings."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbsync.control import Control
from dbsync.data.bookkeeping import Bookkeeping
from dbsync.data.cursor import Cursors
from dbsync.data.options import Verify
from dbsync.data.plan import SyncPlan, TableTask
from dbsync.data.sequences import SequenceState
from dbsync.errors import ConnectionFailed, DbsyncError, Mismatch
from dbsync.events import Emit, Notice
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import runs, statements
from dbsync.pg.database import Database, Session
from dbsync.pg.snapshot import ReaderPool

if TYPE_CHECKING:
    from dbsync.data.parts import Helpers

_TOO_MANY_CONNECTIONS = "53300"
_WAIT_FOR_CONNECTION_S = 30.0
_CANCEL_S = 2.0
_REST_S = 10.0  # so long a session may rest: whatever forgets idle connections takes longer
# One target session writes a table, and takes longer to write a row than the source to read it; a second reader
# helps where the source waits for its disk, more have never helped and cost memory. Two readers, the writer and
# this process keep four cores busy: on a machine with fewer that has them all, the second only takes turns.
_READERS_PER_TABLE = 2
_CORES_FOR_TWO = 4


@dataclass(frozen=True, slots=True)
class Digest:
    """A table's rows and the two 64-bit sums over them (as decimal text); empty sums when only counted."""

    rows: int
    first: str = ""
    second: str = ""


def mismatch(task: TableTask, ours: Digest, theirs: Digest) -> Mismatch:
    """The error that says how a table of the target would differ from the source's snapshot."""
    if ours.rows != theirs.rows:
        said = f"{task.target} would hold {theirs.rows} rows but the source's snapshot holds {ours.rows}; rolled back"
    else:
        said = f"{task.target} would differ from the source's snapshot in content ({ours.rows} rows each); rolled back"
    return Mismatch(
        said,
        hint="triggers, rules, domains or generated columns of the target may change rows; "
        "compare both with `dbsync schema`",
    )


class RunContext:
    """Shared by the group threads of one run."""

    def __init__(
        self,
        *,
        run_id: str,
        plan: SyncPlan,
        lock_pid: int,
        target: Database,
        source_oids: Mapping[TableName, int],
        target_oids: Mapping[TableName, int],
        target_stamps: Mapping[int, str],
        recode: bool,
        copiers: ReaderPool,
        hashers: ReaderPool,
        emit: Emit,
        control: Control,
    ) -> None:
        self.run_id = run_id
        self.plan = plan
        self.books = Bookkeeping(run_id=run_id, lock_pid=lock_pid, fence=None)  # until the run begins to write
        self.cursors: Cursors | None = None  # of a run in --mode cursor
        self.helpers: Helpers | None = None  # who else may stage parts of large tables
        self.verify: Verify = plan.options.verify
        self.target_stamps = target_stamps
        self.emit = emit
        self.control = control
        self.pace = Throttle(control, plan.options.max_rate)
        self.warnings: list[str] = []
        self.sequences: list[str] = []
        self.retries = 0
        self._target = target
        self._oids, self._source_oids = target_oids, source_oids
        self.recode = recode
        self._copiers, self._hashers = copiers, hashers
        self._executor = ThreadPoolExecutor(plan.options.jobs, thread_name_prefix="digest")
        self._numbers, self._part_numbers = itertools.count(), itertools.count()
        self._lock = threading.Lock()
        self._streaming = 0
        self._hashing: list[Future[Digest]] = []
        self._open: set[Session] = set()
        self._idle: list[tuple[str, float, Session]] = []  # for what, since when

    @contextmanager
    def target_session(self, purpose: str) -> Iterator[Session]:
        """A session on the target, cancelled when the run is stopped; one that rested since the last such purpose."""
        session = self._take_idle(purpose) or self._connect(purpose)
        with self._lock:
            self._open.add(session)
        done = False
        try:
            self.control.check()
            yield session
            done = True
        finally:
            with self._lock:
                self._open.discard(session)
                if done and session.at_rest:
                    self._idle.append((purpose, time.monotonic(), session))
                else:
                    session.close()

    def _take_idle(self, purpose: str) -> Session | None:
        """A session that a moment ago did the same; others that have rested for long are closed."""
        with self._lock:
            now = time.monotonic()
            for late in [each for each in self._idle if now - each[1] > _REST_S]:
                self._idle.remove(late)
                late[2].close()
            found = next((each for each in self._idle if each[0] == purpose), None)
            if found is None:
                return None
            self._idle.remove(found)
            session = found[2]
            self._open.add(session)  # to be cancelled, should the server not answer
        try:
            session.execute("SELECT 1")
        except DbsyncError:
            with self._lock:
                self._open.discard(session)
            session.close()  # it died while it rested: nothing is lost with it
            return None
        session.notices.clear()
        return session

    def _close_idle(self) -> None:
        with self._lock:
            for _, _, session in self._idle:
                session.close()
            self._idle.clear()

    @contextmanager
    def copy_readers(self, task: TableTask) -> Iterator[list[Session]]:
        """One reader for a table; for a large one also those that no other table needs now."""
        with self._lock:
            self._streaming += 1
            spare = self.plan.options.jobs - self._streaming
        readers = []
        try:
            readers.append(self._copiers.acquire())
            ranges = -(-task.pages // task.pages_per_range) if task.pages_per_range else 1
            crowded = readers[0].is_local and (os.cpu_count() or 1) < _CORES_FOR_TWO
            wanted = min(ranges, 1 + spare, 1 if crowded else _READERS_PER_TABLE)
            while len(readers) < wanted and (reader := self._copiers.try_acquire()) is not None:
                readers.append(reader)
            yield readers
        finally:
            for reader in readers:
                self._copiers.release(reader)
            with self._lock:
                self._streaming -= 1

    @contextmanager
    def copy_reader(self) -> Iterator[Session]:
        """One reader, for a part."""
        with self._copiers.reader() as reader:
            yield reader

    def part_number(self) -> int:
        """A number that no other part of the run has."""
        return next(self._part_numbers)

    @property
    def snapshot_id(self) -> str:
        """The name under which others can see the run's snapshot."""
        return self._copiers.snapshot_id

    @property
    def lock_timeout_s(self) -> float:
        """How long a reader of the source may wait for a lock."""
        return self._copiers.snapshot.lock_timeout_s

    def source_digest(self, task: TableTask, *, whole: bool = False) -> Future[Digest]:
        """Begin to hash (or count, unless ``whole``) the source's rows under the snapshot, in the background."""
        digest = self._executor.submit(self._hash_source, task, whole)
        with self._lock:
            self._hashing.append(digest)
        return digest

    def target_digest(
        self, session: Session, task: TableTask, *, whole: bool = False, where: str | None = None
    ) -> Digest:
        """Hash (or count, unless ``whole``) the target's rows as this session's transaction sees them."""
        return self._digest(session, task, task.target, task.target_only, where, whole)

    def wait_for(self, future: Future[Digest]) -> Digest:
        """Wait for a digest; gives up when the run is stopped."""
        while not wait([future], timeout=0.05).done:
            self.control.check()
        return future.result()

    def source_sequences(self, names: list[TableName]) -> Mapping[TableName, SequenceState]:
        """Read sequences of the source as they are now (no snapshot holds them still)."""
        if not names:
            return {}
        with self._hashers.reader() as reader:
            rows = reader.execute(statements.sequence_states(names))
        return {names[number]: SequenceState(last, called) for number, last, called in rows}

    def misnamed_in_source(self, tables: Sequence[TableName]) -> list[TableName]:
        """Which tables of the source have another table in their place now."""
        with self._hashers.reader() as reader:
            return runs.misnamed(reader, {table: self._source_oids[table] for table in tables})

    def target_oids(self, tables: Iterable[TableName]) -> Mapping[TableName, int]:
        """The oids of target relations, as they were when the plan was made."""
        return {table: self._oids[table] for table in tables}

    def staging_name(self) -> TableName:
        """A new staging table's name: short, unique, recognisable as ours."""
        return TableName(runs.OWN_SCHEMA, f"stage_{self.run_id}_{next(self._numbers)}")

    def warn(self, message: str) -> None:
        """Keep a warning for the report and tell it, once: what was rolled back is tried again."""
        with self._lock:
            if message in self.warnings:
                return
            self.warnings.append(message)
        self.emit(Notice(message=message))

    def note_sequences(self, names: Iterable[TableName]) -> None:
        """Remember which sequences were set or found ahead."""
        with self._lock:
            self.sequences += [str(name) for name in names]

    def count_retry(self) -> None:
        """Count a repeated transaction."""
        with self._lock:
            self.retries += 1

    def jitter(self, attempt: int) -> float:
        """Seconds to wait before an attempt is repeated: doubling, with chance, so that two runs do not meet again."""
        return float(2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311  # not for secrets

    def cancel(self) -> None:
        """Cancel everything that runs on either side; cut what does not end within two seconds."""
        with self._lock:
            sessions = [*self._open, *self._copiers.sessions, *self._hashers.sessions]
        threads = [threading.Thread(target=_cancel, args=(session,), daemon=True) for session in sessions]
        for thread in threads:
            thread.start()
        time.sleep(_CANCEL_S)
        with self._lock:
            late = [session for session in sessions if session in self._open]
        for session in [*late, *self._copiers.sessions, *self._hashers.sessions]:
            session.abort()

    def close(self) -> None:
        """Close every session; what is done already is not done again."""
        self.close_readers()
        self._close_idle()

    def close_readers(self) -> None:
        """End the digest threads and close every reader. Nobody waits any more for a digest that is not done."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        while pending := [digest for digest in self._hashing if not digest.done()]:
            self._hashers.cancel()
            wait(pending, timeout=0.5)
        self._copiers.close()
        self._hashers.close()

    def _hash_source(self, task: TableTask, whole: bool) -> Digest:
        with self._hashers.reader() as reader:
            failpoint("before_source_digest")
            return self._digest(reader, task, task.source, task.source_only, task.where, whole)

    def _digest(
        self, session: Session, task: TableTask, table: TableName, only: bool, where: str | None, whole: bool
    ) -> Digest:
        if self.verify != "checksum" and not whole:
            (rows,) = session.one(statements.count_rows(table, only=only, where=where))
            return Digest(rows)
        columns = [(pair.name, pair.digest, pair.nullable) for pair in task.columns]
        query = statements.digest_rows(table, columns, only=only, where=where, recode=self.recode)
        return Digest(*session.one(query))

    def _connect(self, purpose: str) -> Session:
        """Open a target session; where the server has no connection left, wait for one of ours to end."""
        deadline = time.monotonic() + _WAIT_FOR_CONNECTION_S
        while True:
            try:
                return self._target.connect(
                    application_name=f"dbsync {self.run_id} {purpose}",
                    settings={"lock_timeout": f"{int(self.plan.options.lock_timeout_s * 1000)}ms"},
                    check=self.control.check,
                )
            except ConnectionFailed as error:
                if (
                    error.sqlstate != _TOO_MANY_CONNECTIONS
                    or not (self._open or self._idle)
                    or time.monotonic() > deadline
                ):
                    raise
            self._close_idle()
            self.control.wait(0.5)


def _cancel(session: Session) -> None:
    with suppress(DbsyncError):  # a session that is gone has nothing to cancel
        session.cancel()


class Throttle:
    """Stops the pump when the run must end, and holds it to ``--max-rate`` over all tables together."""

    def __init__(self, control: Control, rate: int | None) -> None:
        self._control = control
        self._rate = rate
        self._lock = threading.Lock()
        self._free_at = time.monotonic()

    def check(self) -> None:
        """Raise when the run must end."""
        self._control.check()

    def rest(self, count: int) -> float:
        """Return the seconds to wait after ``count`` bytes."""
        if self._rate is None:
            return 0.0
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - 0.1) + count / self._rate
            return max(0.0, self._free_at - now)
