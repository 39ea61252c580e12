"""One attempt at a job while it is at work: keeps the lease, hands over orders, and writes down what happens.

A thread of its own talks to the store, so that a slow store never slows a copy. A store that fails costs the
record, not the run: what may be written to the target is decided by the target's ledger.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dbsync.control import Control
from dbsync.errors import DbsyncError, Fenced, Paused, Stopped
from dbsync.events import Event, Notice, TableFinished, TableProgress
from dbsync.jobs.model import Job, JobState, JobTable, ProgressFacts
from dbsync.tally import TableTally, Tally

if TYPE_CHECKING:  # loads SQLAlchemy, which whoever begins the job does in the recorder's thread
    from dbsync.jobs.store import JobStore

# While modules are loaded here, the run beside would wait a whole turn (5 ms) after each answer of a server.
_TURN_S, _SHORT_TURN_S = sys.getswitchinterval(), 0.0005
_BESIDE_S = 0.15  # the longest that the work may take to come to its first table
_FLUSH_S = 0.5
_RENEW_S = 1.5  # an order is heard after this at most
_IMPATIENT_S = 2.0  # the rest of what a signal leaves is for the target
_PAUSES_S = (0.2, 1.0)  # before the end is written down once more; a lease is 15 s
_KEPT = 20_000  # facts, while the store cannot be written
_READABLE = {"plan_ready": "info", "table_finished": "info", "notice": "info"}
_ORDERS: Mapping[JobState, Callable[[], DbsyncError]] = {JobState.PAUSING: Paused, JobState.STOPPING: Stopped}

Fact = tuple[str, str | None, Mapping[str, Any]]


Begin = Callable[[], tuple["JobStore", Job]]


class Recorder:
    """Use it as a context manager around the work; ``emit`` takes the work's events.

    ``begin`` gives the job, already held by ``worker``. It is called in the recorder's thread: opening a store
    takes a while, and the work does not wait for it. ``beside``: not before the work waits for its servers, since two
    threads that compute take turns.
    """

    def __init__(
        self,
        begin: Begin,
        worker: str,
        control: Control,
        warn: Callable[[str], None] = lambda text: None,
        *,
        beside: bool = False,
    ) -> None:
        self.job: Job | None = None
        self._jobs: JobStore | None = None
        self._begin = begin
        self._worker, self._control, self._warn = worker, control, warn
        self._plan: Mapping[str, Any] | None = None
        self._facts: deque[Fact] = deque(maxlen=_KEPT)
        self._tally = Tally()
        self._places: dict[str, tuple[int, Mapping[str, Any]]] = {}  # of the plan's tables
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._may_begin = threading.Event()
        if not beside:
            self._may_begin.set()
        self._failing = False
        self._thread = threading.Thread(target=self._keep, name="recorder", daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._may_begin.set()
        self._thread.join(_IMPATIENT_S if self._control.reason is not None else None)

    def emit(self, event: Event) -> None:
        """Take an event; returns at once."""
        with self._lock:
            self._tally.add(event, time.monotonic())
            table = getattr(event, "table", None)
            if table is not None and not isinstance(event, Notice):
                self._changed.add(str(table))
                self._may_begin.set()
            if not isinstance(event, TableProgress):
                self._facts.append((event.kind, _level(event), _data(event)))

    def plan(self, plan: Mapping[str, Any]) -> None:
        """Take the plan: its tables are listed from now on, those that wait too."""
        with self._lock:
            for position, task in enumerate(plan["tables"]):
                self._places[task["table"]] = (position, {key: task[key] for key in ("strategy", "reason")})
            self._changed |= self._places.keys()
            self._plan = plan

    def finish(
        self,
        to: JobState,
        *,
        error: Mapping[str, Any] | None,
        result: Mapping[str, Any] | None,
        delay_s: float | None = None,
    ) -> Job | None:
        """Note how the attempt ended, after the block; return the job, None where nothing is kept of it."""
        if self._jobs is None or self.job is None:
            return None
        if self._thread.is_alive():
            self._unwritten("the store did not answer in time", error)
            return None
        for pause in (*_PAUSES_S, None):
            try:
                return self._jobs.finish(
                    self.job.id,
                    self._worker,
                    to,
                    error=error,
                    result=result,
                    delay_s=delay_s,
                    attempt=self.job.attempts,
                )
            except Fenced:  # somebody has taken the job over: what became of it is theirs to say
                self._unwritten("it was taken away from this process", error)
                return self._taken_away(self._jobs, self.job, result or {})
            except DbsyncError as failure:
                if pause is None or self._control.reason is not None:
                    self._unwritten(failure.message, error)
                    return None
                time.sleep(pause)
        return None

    def _taken_away(self, jobs: JobStore, job: Job, result: Mapping[str, Any]) -> Job | None:
        """What has become of the job; what was written here between the loss and the end counts too."""
        try:
            jobs.count_late(job, result)
            return jobs.get(job.id)
        except DbsyncError as failure:
            self._warn(f"nothing is known of this job any more: {failure.message}")
            return None

    def _unwritten(self, why: str, error: Mapping[str, Any] | None) -> None:
        """Tell here what the store is not told."""
        end = f"with {error['code']}: {error['message']}" if error else "well"
        self._warn(f"this job's end is not written down: {why}; here it ended {end}")

    def _keep(self) -> None:
        self._may_begin.wait(_BESIDE_S)
        sys.setswitchinterval(_SHORT_TURN_S)
        try:
            self._jobs, self.job = self._begin()
        except DbsyncError as error:
            self._warn(f"this run is not among the jobs: {error.message}")
            return
        finally:
            sys.setswitchinterval(_TURN_S)
        jobs, job = self._jobs, self.job
        renewed = time.monotonic()
        self._flush(jobs, job)  # the plan, while the work waits for its servers
        while not self._ended.wait(_FLUSH_S):
            self._flush(jobs, job)
            if time.monotonic() - renewed >= _RENEW_S:
                self._renew(jobs, job)
                renewed = time.monotonic()
        self._flush(jobs, job)

    def _renew(self, jobs: JobStore, job: Job) -> None:
        try:
            state = jobs.renew(job.id, self._worker, attempt=job.attempts)
        except DbsyncError as error:
            self._failed(error)
            return
        if state in _ORDERS:
            self._control.stop(_ORDERS[state]())

    def _flush(self, jobs: JobStore, job: Job) -> None:
        with self._lock:
            plan, self._plan = self._plan, None
            facts, self._facts = list(self._facts), deque(maxlen=_KEPT)
            changed, self._changed = self._changed, set()
            tables = [self._table(name) for name in sorted(changed)]
            if changed:
                facts.append(("progress", None, self._progress()))
        try:
            if plan is not None:
                jobs.keep_plan(job.id, self._worker, plan)
            if facts or tables:
                jobs.record(job.id, self._worker, facts, tables, attempt=job.attempts)
                self._failing = False
        except DbsyncError as error:
            self._put_back(plan, facts, changed)
            self._failed(error)

    def _put_back(self, plan: Mapping[str, Any] | None, facts: Sequence[Fact], changed: set[str]) -> None:
        """Keep for later what could not be written."""
        with self._lock:
            self._plan = self._plan or plan
            self._facts.extendleft(reversed(facts))
            self._changed |= changed

    def _failed(self, error: DbsyncError) -> None:
        """The lease is lost: the work ends. The store cannot be reached: it goes on, and that is said once."""
        if isinstance(error, Fenced):
            self._control.stop(error)
        elif not self._failing:
            self._failing = True
            self._warn(f"this job's progress cannot be written down now: {error.message}")

    def _table(self, name: str) -> JobTable:
        position, facts = self._places.get(name, (len(self._places), {}))
        found = next((table for key, table in self._tally.tables.items() if str(key) == name), None)
        state = "waiting" if found is None else found.state or "running"
        return JobTable(
            name=name, position=position, state=state, facts={**facts, **(_figures(found) if found else {})}
        )

    def _progress(self) -> ProgressFacts:
        tally = self._tally
        left = tally.seconds_left()
        return {
            "rows": tally.rows,
            "bytes": tally.bytes,
            "rows_expected": tally.expected,
            "bytes_expected": tally.expected_bytes,
            "tables": tally.expected_tables,
            "tables_finished": tally.finished,
            "share": round(tally.share, 4),
            "bytes_per_second": round(tally.bytes_per_second()),
            "seconds_left": None if left is None else round(left, 1),
            "peak_rss_bytes": peak_rss(),
        }


def worker_name(kind: str) -> str:
    """Who holds a job that this process runs: for people to read, and unlike any other process's name."""
    return f"{kind} {os.getpid()} on {socket.gethostname()} ({os.urandom(4).hex()})"


def peak_rss() -> int:
    """The most memory that this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _figures(table: TableTally) -> dict[str, Any]:
    return {
        "phase": table.phase,
        "rows": table.rows,
        "bytes": table.bytes,
        "rows_expected": table.expected,
        "bytes_expected": table.expected_bytes,
        "share": round(table.share, 4),
        "elapsed_s": round(table.elapsed_s, 3),
        "verified": table.verified,
    }


def _level(event: Event) -> str | None:
    if isinstance(event, TableFinished) and event.state == "failed":
        return "error"
    return _READABLE.get(event.kind)


def _data(event: Event) -> dict[str, Any]:
    facts = event.to_dict()
    del facts["event"]
    return facts
