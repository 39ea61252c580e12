"""A worker: finds queued jobs in the store, runs them in threads, and takes back what dead workers held.

Whatever a queue's message says, a job is had by claiming it in the store; so a message may be lost, late or doubled.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Literal

from dbsync.control import Control
from dbsync.errors import DbsyncError, Interrupted
from dbsync.jobs.afterwards import Settle, by_ledger
from dbsync.jobs.auditing import waited_for
from dbsync.jobs.clock import Clock
from dbsync.jobs.ends import KeptEnds
from dbsync.jobs.model import Job, JobState
from dbsync.jobs.parts import TakenPart
from dbsync.jobs.presence import BEAT_S, Presence, new_worker_id
from dbsync.jobs.queue import Queue
from dbsync.jobs.runner import Runner, sweep
from dbsync.jobs.spread import Helper, Spreading
from dbsync.jobs.store import JobStore

_SWEEP_S = 3.0
_GIVEN_BACK_S = 4.0  # a stop reaches every statement within two seconds
_LOOKS_S = {"inline": 0.5, "procrastinate": 2.0}  # between looks into the store; messages come sooner
_ONCE_S = 0.2

Engine = Literal["inline", "procrastinate"]


def make_worker(
    jobs: JobStore, ends: KeptEnds, queue: Queue, *, engine: Engine, concurrency: int, tell: Callable[[str], None]
) -> Worker:
    """A worker of this process's: it runs jobs, lets others help with them, and helps others with theirs."""
    name = new_worker_id()
    runner = Runner(jobs, ends.to_write, name, helpers=Spreading(jobs, name, queue.send_parts).helpers)
    helper, settle = Helper(jobs, ends.to_write, name), by_ledger(ends.to_read)
    return Worker(jobs, runner, helper, settle=settle, engine=engine, concurrency=concurrency, tell=tell)


class Worker:
    """Runs up to ``concurrency`` jobs at a time for as long as ``serve`` does.

    ``tell`` takes lines for the log. ``clock`` fires schedules, where this worker is to.
    """

    def __init__(
        self,
        jobs: JobStore,
        runner: Runner,
        helper: Helper,
        *,
        settle: Settle,
        engine: Engine,
        concurrency: int,
        tell: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        self.id = runner.worker
        self.concurrency = concurrency
        self._jobs, self._runner, self._helper, self._tell = jobs, runner, helper, tell
        self._settle, self._engine, self.clock = settle, engine, clock
        self._settling: threading.Thread | None = None
        self._presence = Presence(jobs.store)
        self.ended: Counter[str] = Counter()  # attempts by the states they left their jobs in
        self._numbers = itertools.count()
        self._running: dict[int, Control] = {}
        self._changed = threading.Condition()
        self._ending = False
        self._beaten = self._swept = float("-inf")
        self._minute = -1
        self._deaf = False

    def serve(self, control: Control, *, once: bool = False) -> None:
        """Work until ``control`` is stopped; with ``once`` until nothing is queued. Then everything is given back.

        A job that rests, or whose target is held, is queued too; a worker that is here for longer takes care of it.

        Raises Refused when a newer dbsync has upgraded the store: others take over what is at work here; with ``once``
        also what keeps the store from being asked, once nothing is at work.
        """
        self._tell(f"worker {self.id} is ready: {self.concurrency} at a time, {self._engine}")
        with self._hearing():
            try:
                while control.reason is None and (self._look(once=once) or self._stays()):
                    with self._changed, control.on_stop(self._wake):
                        self._changed.wait(_ONCE_S if once else _LOOKS_S[self._engine])
            finally:
                self._end(control.reason)

    def take(self, job_id: str) -> bool:
        """Run this job in the calling thread if it can be had and there is a slot; False otherwise."""
        slot = self._enter()
        if slot is None:
            return False
        try:
            job = self._jobs.claim(job_id, self.id)
            if job is not None:
                self._run(job, self._running[slot])
            return job is not None
        finally:
            self._leave(slot)

    def help(self, job_id: str, number: int) -> None:
        """Stage parts of another worker's job in the calling thread, this one first, for as long as there are any."""
        slot = self._enter()
        if slot is None:
            return
        try:
            self._stage_parts(self._helper.take((job_id, number)), self._running[slot])
        finally:
            self._leave(slot)

    def _hearing(self) -> AbstractContextManager[object]:
        """Messages come in beside the looks into the store."""
        if self._engine == "inline":
            return nullcontext()
        from dbsync.jobs.procrastinate_queue import Ears, Listener

        ears = Ears(job=self.take, part=self.help)
        if self.clock is not None:
            ears = replace(ears, minute=self.clock.look, project=self.clock.project)
        return Listener(self._jobs.store, ears, concurrency=self.concurrency)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _look(self, *, once: bool) -> bool:
        """One round: be seen, take back, begin what waits; whether to go on. The store may be away."""
        idle, ended = not self._running, self.ended.total()
        try:
            self._keep_up()
            emptied = self._begin_jobs()
            self._begin_helping()
            self._deaf = False
        except DbsyncError as error:
            if error.code == "STORE_NEWER" or (once and not self._running):  # the first will not be ours again
                raise
            if not self._deaf:
                self._tell(f"the store cannot be asked now: {error.message}")
            self._deaf = True
            return True
        # A job that was at work meanwhile may have been all that others waited for.
        if not once or not (emptied and idle and not self._running and self.ended.total() == ended):
            return True
        return self._is_needed()

    def _is_needed(self) -> bool:
        """Whether a job is queued that may begin only later, and no worker is here for longer, which waits for it."""
        try:
            longest = [worker.id for worker in self._presence.alive()][:1]
            return longest in ([], [self.id]) and self._jobs.count(states=[JobState.QUEUED]) > 0
        except DbsyncError:
            return True  # the next look says what is wrong

    def _stays(self) -> bool:
        """Leave, then look once more: who queued a job and saw this worker here a moment ago starts no other one."""
        with self._changed:
            if self._running:  # a message came
                return True
            self._ending = True
        self._beaten = float("-inf")
        try:
            self._presence.leave(self.id)
            stays = not self._presence.alive() and self._jobs.count(states=[JobState.QUEUED]) > 0
        except DbsyncError:
            stays = True  # the next look says what is wrong
        with self._changed:
            self._ending = not stays
        return stays

    def _keep_up(self) -> None:
        now = time.monotonic()
        self._helper.renew()
        if now - self._beaten >= BEAT_S:
            self._presence.beat(self.id, engine=self._engine, concurrency=self.concurrency)
            self._beaten = now
        if now - self._swept >= _SWEEP_S:
            self._tell_lost(sweep(self._jobs, which=lambda job: not waited_for(job)))
            if self._settling is None or not self._settling.is_alive():
                self._settling = threading.Thread(target=self._settle_lost, name="settling", daemon=True)
                self._settling.start()
            self._swept = now
        # The queue tells of each minute, but perhaps not before a worker that works off the queue has ended.
        looks = self._engine == "inline" or self._minute < 0
        if self.clock is not None and looks and self._minute != (minute := int(time.time() // 60)):
            self.clock.look()
            self._minute = minute

    def _settle_lost(self) -> None:
        """Take back what terminals have lost. Beside all else: their targets are asked, which may take a while."""
        try:
            self._tell_lost(sweep(self._jobs, self._settle, waited_for))
        except DbsyncError as error:
            self._tell(f"jobs of terminals that are gone cannot be taken back now: {error.message}")

    def _tell_lost(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self._tell(f"job {job.id[:8]}: who ran it is gone; it is {job.state} now")

    def _begin_jobs(self) -> bool:
        """Fill the slots; whether the queue was seen empty. That nothing was begun may mean that all were taken."""
        while (slot := self._enter()) is not None:
            try:
                job = self._next_job()
            except BaseException:
                self._leave(slot)
                raise
            if job is None:
                self._leave(slot)
                return True
            threading.Thread(target=self._run_in, args=(slot, job), name=f"job {job.id[:8]}").start()
        return False

    def _begin_helping(self) -> None:
        """Give the slots that are left to parts of other workers' jobs, one each."""
        while (slot := self._enter()) is not None:
            try:
                part = self._helper.take()
            except BaseException:
                self._leave(slot)
                raise
            if part is None:
                self._leave(slot)
                return
            threading.Thread(target=self._help_in, args=(slot, part), name=f"part of {part.job_id[:8]}").start()

    def _help_in(self, slot: int, part: TakenPart) -> None:
        try:
            self._stage_parts(part, self._running[slot])
        finally:
            self._leave(slot)

    def _stage_parts(self, part: TakenPart | None, control: Control) -> None:
        try:
            while part is not None:
                error = self._helper.carry_out(part, control)
                what = f"job {part.job_id[:8]}, part {part.key.number}"
                self._tell(f"{what}: given back: {error.message}" if error else f"{what}: staged")
                part = None if control.reason else self._helper.take()
        except DbsyncError as error:  # the store: the part is found by its lease
            self._tell(f"the store cannot be told of a part: {error.message}")

    def _next_job(self) -> Job | None:
        while (job_id := self._jobs.next_queued()) is not None:
            job = self._jobs.claim(job_id, self.id)
            if job is not None:
                return job
        return None

    def _run_in(self, slot: int, job: Job) -> None:
        try:
            self._run(job, self._running[slot])
        finally:
            self._leave(slot)

    def _run(self, job: Job, control: Control) -> None:
        self._tell(f"job {job.id[:8]}: attempt {job.attempts}, from {job.source_name} to {job.target_name}")
        try:
            ended = self._runner.run(job, control)
        except DbsyncError as error:  # the store: others find the job by its lease
            self._tell(f"job {job.id[:8]}: its end cannot be written down: {error.message}")
            return
        if ended.attempts != job.attempts:
            self.ended[JobState.QUEUED.value] += 1  # when it was taken back; the state is another attempt's
            self._tell(f"job {job.id[:8]}: attempt {ended.attempts} is another worker's")
            return
        self.ended[ended.state.value] += 1
        why = f": {ended.error['message']}" if ended.error and ended.state is not JobState.SUCCEEDED else ""
        self._tell(f"job {job.id[:8]}: {ended.state}{why}")

    def _enter(self) -> int | None:
        """Take a slot; None when all are taken, or the worker ends."""
        with self._changed:
            if self._ending or len(self._running) >= self.concurrency:
                return None
            slot = next(self._numbers)
            self._running[slot] = Control()
            return slot

    def _leave(self, slot: int) -> None:
        with self._changed:
            del self._running[slot]
            self._changed.notify_all()

    def _end(self, reason: DbsyncError | None) -> None:
        """Give back what runs: each attempt ends as one that was interrupted, and its job is queued again."""
        with self._changed:
            self._ending = True
            number = reason.signal_number if isinstance(reason, Interrupted) else 15
            for control in self._running.values():
                control.stop(Interrupted("the worker was told to end", signal_number=number))
            in_time = self._changed.wait_for(lambda: not self._running, _GIVEN_BACK_S)
        if not in_time:
            self._tell(f"{len(self._running)} jobs did not stop in time: others find them by their leases")
        try:
            self._presence.leave(self.id)
        except DbsyncError as error:
            self._tell(f"the store cannot be told that this worker has ended: {error.message}")
        self._tell(f"worker {self.id} has ended")
