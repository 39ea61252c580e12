"""One attempt at a job while it is at work: keeps the lease, hands over orders, and writes down what happens.

A thread of its own talks to the store, so that a slow store never slows a copy. A store that fails costs the
record, not the run: what may be written to the target is decided by the target's ledger.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from dbsync.control import Control
from dbsync.errors import DbsyncError, Fenced, Paused, Stopped
from dbsync.events import Event, Notice, TableFinished, TableProgress
from dbsync.jobs.model import Job, JobState, JobTable
from dbsync.jobs.store import JobStore
from dbsync.tally import TableTally, Tally

_FLUSH_S = 0.5
_RENEW_S = 1.5  # an order is heard after this at most
_KEPT = 20_000  # facts, while the store cannot be written
_READABLE = {"plan_ready": "info", "table_finished": "info", "notice": "info"}
_ORDERS: Mapping[JobState, Callable[[], DbsyncError]] = {JobState.PAUSING: Paused, JobState.STOPPING: Stopped}

Fact = tuple[str, str | None, Mapping[str, Any]]


class Recorder:
    """Use it as a context manager around the work; ``emit`` takes the work's events."""

    def __init__(
        self, jobs: JobStore, job: Job, worker: str, control: Control, warn: Callable[[str], None] = lambda text: None
    ) -> None:
        self.job = job
        self._jobs, self._worker, self._control, self._warn = jobs, worker, control, warn
        self._facts: deque[Fact] = deque(maxlen=_KEPT)
        self._tally = Tally()
        self._places: dict[str, tuple[int, Mapping[str, Any]]] = {}  # of the plan's tables
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._keep, name="recorder", daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._flush()

    def emit(self, event: Event) -> None:
        """Take an event; returns at once."""
        with self._lock:
            self._tally.add(event, time.monotonic())
            table = getattr(event, "table", None)
            if table is not None and not isinstance(event, Notice):
                self._changed.add(str(table))
            if not isinstance(event, TableProgress):
                self._facts.append((event.kind, _level(event), _data(event)))

    def plan(self, plan: Mapping[str, Any]) -> None:
        """Take the plan: its tables are listed from now on, those that wait too."""
        with self._lock:
            for position, task in enumerate(plan["tables"]):
                self._places[task["table"]] = (position, {key: task[key] for key in ("strategy", "reason")})
            self._changed |= self._places.keys()
        try:
            self._jobs.keep_plan(self.job.id, self._worker, plan)
        except DbsyncError as error:
            self._failed(error)

    def _keep(self) -> None:
        renewed = time.monotonic()
        while not self._ended.wait(_FLUSH_S):
            self._flush()
            if time.monotonic() - renewed >= _RENEW_S:
                self._renew()
                renewed = time.monotonic()

    def _renew(self) -> None:
        try:
            state = self._jobs.renew(self.job.id, self._worker)
        except DbsyncError as error:
            self._failed(error)
            return
        if state in _ORDERS:
            self._control.stop(_ORDERS[state]())

    def _flush(self) -> None:
        with self._lock:
            facts, self._facts = list(self._facts), deque(maxlen=_KEPT)
            changed, self._changed = self._changed, set()
            tables = [self._table(name) for name in sorted(changed)]
            if changed:
                facts.append(("progress", None, self._progress()))
        if not facts and not tables:
            return
        try:
            self._jobs.record(self.job.id, self._worker, facts, tables)
            self._failing = False
        except DbsyncError as error:
            with self._lock:
                self._facts.extendleft(reversed(facts))
                self._changed |= changed
            self._failed(error)

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

    def _progress(self) -> dict[str, Any]:
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
