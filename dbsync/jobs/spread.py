"""One job over several workers: its coordinator offers parts, and every worker with time to spare takes some.

All read under the coordinator's snapshot and write under its fence: a worker that stalls and comes back is refused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing, suppress

from dbsync.control import Control
from dbsync.data.locking import LOCK_FAILURES
from dbsync.data.parts import Helpers, Part, Taken, copy_part
from dbsync.errors import DbsyncError, Fenced
from dbsync.failpoints import failpoint
from dbsync.jobs.model import Job
from dbsync.jobs.parts import Key, PartStore, TakenPart
from dbsync.jobs.presence import Presence
from dbsync.jobs.runner import Urls
from dbsync.jobs.store import JobStore
from dbsync.pg.database import Database
from dbsync.pg.ledger_parts import end_part_sessions, part_application
from dbsync.pg.snapshot import import_snapshot, patience

_LATE_S = 1.0  # between looks for parts whose takers are gone
SendParts = Callable[[str, Sequence[int]], None]


class Spreading:
    """Decides for a worker whether a job of its can be spread, and over whom."""

    def __init__(self, jobs: JobStore, worker: str, send: SendParts) -> None:
        self._parts, self._presence = PartStore(jobs.store), Presence(jobs.store)
        self._worker, self._send = worker, send

    def helpers(self, job: Job) -> Helpers | str:
        """Return the other workers as helpers, or why there are none."""
        self._parts.forget(job.id)  # what an attempt that died has left
        if all(each.id == self._worker for each in self._presence.alive()):
            return "no other worker is there"
        return StoredHelpers(self._parts, job, self._worker, self._send)


class StoredHelpers:
    """The helpers of one attempt, through the store; while that cannot be asked, parts wait."""

    def __init__(self, parts: PartStore, job: Job, worker: str, send: SendParts) -> None:
        assert job.run_id is not None
        self._parts, self._job_id, self._run_id = parts, job.id, job.run_id
        self._worker, self._send = worker, send
        self._lock = threading.Lock()
        self._looked = time.monotonic()

    def offer(self, parts: Sequence[Part]) -> None:
        """Let others take these parts, and tell them."""
        self._parts.offer(self._job_id, {Key(self._run_id, part.number): part.to_dict() for part in parts})
        self._send(self._job_id, [part.number for part in parts])

    def take(self, numbers: Collection[int]) -> Taken | None:
        """Take one of these parts that nobody has; parts of those that are gone are offered again first."""
        try:
            self._look_for_lost()
            taken = self._parts.take_own(self._run_id, numbers, self._worker)
        except DbsyncError:
            return None  # asked again in a moment
        return Taken(taken.key.number, taken.tries) if taken is not None else None

    def done(self, number: int) -> None:
        """The run has staged it: the ledger says so, and the store will."""
        with suppress(DbsyncError):
            self._parts.done(Key(self._run_id, number), self._worker)

    def end(self) -> None:
        """Take back what is still offered; who has a part learns it when the lease is to be renewed."""
        with suppress(DbsyncError):  # what stays there belongs to no run that is at work
            self._parts.forget(self._job_id)

    def _look_for_lost(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._looked < _LATE_S:
                return
            self._looked = now
        if lost := self._parts.offer_again(self._run_id):
            self._send(self._job_id, lost)


class Helper:
    """Stages parts of other workers' jobs, several at a time in threads of the worker's."""

    def __init__(self, jobs: JobStore, urls: Urls, worker: str) -> None:
        self._jobs, self._urls, self._worker = jobs, urls, worker
        self._parts = PartStore(jobs.store)
        self._held: dict[Key, Control] = {}
        self._avoided: set[str] = set()  # runs whose databases cannot be reached or read from here
        self._lock = threading.Lock()

    def take(self, first: tuple[str, int] | None = None) -> TakenPart | None:
        """Take a part that waits: this one (job, number) rather than another."""
        return self._parts.take(self._worker, avoiding=tuple(self._avoided), first=first)

    def carry_out(self, taken: TakenPart, control: Control) -> DbsyncError | None:
        """Stage a part and settle it; return what went wrong: then somebody else takes it."""
        with self._lock:
            self._held[taken.key] = control
        try:
            self._stage(taken, control)
        except DbsyncError as error:
            if control.reason is None and error.sqlstate not in LOCK_FAILURES:  # those may do better in a moment
                self._avoided.add(taken.key.run_id)
            self._parts.give_back(taken.key, self._worker, error.to_dict())
            return control.reason or error
        else:
            self._parts.done(taken.key, self._worker)
            return None
        finally:
            with self._lock:
                del self._held[taken.key]

    def renew(self) -> None:
        """Keep the leases; who has lost one stops: the run is over, or another worker has the part."""
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        kept = self._parts.renew(self._worker, held.keys())
        for key in held.keys() - kept:
            held[key].stop(Fenced("the run is over, or another worker has taken over this part of it"))

    def _stage(self, taken: TakenPart, control: Control) -> None:
        part = Part.from_dict(taken.work)
        source, target = self._urls(self._jobs.get(taken.job_id))
        left, right = Database(source, read_only=True, end="source"), Database(target, end="target")
        name = part_application(part.run_id, part.number, taken.tries)
        patient = patience(part.lock_timeout_s)  # who waits for the coordinator's lock must not wait for ever behind us
        with (
            closing(left.connect(application_name=name, settings=patient, check=control.check)) as reader,
            closing(right.connect(application_name=name, check=control.check)) as writer,
            control.on_stop(reader.cancel),
            control.on_stop(writer.cancel),
        ):
            for session in (reader, writer) if taken.tries else ():
                end_part_sessions(session, part.run_id, part.number, before=taken.tries)
            import_snapshot(reader, part.snapshot)
            failpoint("before_part")
            copy_part(part, reader, writer, by=self._worker, pace=_Unhurried(control), progress=_untold)
            failpoint("after_part")


class _Unhurried:
    """No rate: a run that is held to one is not spread."""

    def __init__(self, control: Control) -> None:
        self.check = control.check

    def rest(self, count: int) -> float:
        return 0.0


def _untold(rows: int, count: int) -> None:
    """The run itself tells what became of the part, once it is committed."""
