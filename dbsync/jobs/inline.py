"""Workers inside a process that does something else as well: threads that take what is queued in the store.

When they are told to end, a job at work goes back to the queue, and the next process takes it up.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid

from dbsync.control import Control
from dbsync.errors import DbsyncError, Interrupted
from dbsync.jobs.model import Job
from dbsync.jobs.runner import Runner, Urls, sweep
from dbsync.jobs.store import JobStore

LOGGER = logging.getLogger(__name__)
_LOOK_S = 1.0  # what another process has queued is seen after this
_SWEEP_S = 5.0
_PATIENCE_S = 8.0  # for jobs to give up their runs


class InlineWorkers:
    """So many threads; ``send`` wakes one for a job that was queued here."""

    def __init__(self, jobs: JobStore, urls: Urls, *, count: int) -> None:
        self._jobs = jobs
        self._urls = urls
        self._wake = threading.Condition()
        self._ended = False
        self._controls: set[Control] = set()
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"worker-{number}", daemon=True)
            for number in range(count)
        ]

    def start(self) -> None:
        """Begin to look for work."""
        for thread in self._threads:
            thread.start()

    def send(self, job: Job) -> None:
        """A job waits."""
        with self._wake:
            self._wake.notify()

    def close(self) -> None:
        """Give the jobs at work back and wait for the threads."""
        with self._wake:
            self._ended = True
            controls = list(self._controls)
            self._wake.notify_all()
        for control in controls:
            control.stop(Interrupted("the server was told to end"))
        deadline = time.monotonic() + _PATIENCE_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, number: int) -> None:
        worker = f"{socket.gethostname()}:{os.getpid()}:{number}:{uuid.uuid4().hex[:6]}"
        runner = Runner(self._jobs, self._urls, worker)
        swept = 0.0
        while not self._ended:
            try:
                if number == 0 and time.monotonic() - swept > _SWEEP_S:
                    swept = time.monotonic()
                    sweep(self._jobs)
                if not self._one(runner, worker):
                    with self._wake:
                        if not self._ended:
                            self._wake.wait(_LOOK_S)
            except DbsyncError as error:
                LOGGER.error("%s", error.message)
                time.sleep(_LOOK_S)

    def _one(self, runner: Runner, worker: str) -> bool:
        """Run a job that is queued, if there is one."""
        waiting = self._jobs.next_queued()
        job = self._jobs.claim(waiting, worker) if waiting is not None else None
        if job is None:
            return False
        control = Control()
        with self._wake:
            self._controls.add(control)
            if self._ended:
                control.stop(Interrupted("the server was told to end"))
        try:
            runner.run(job, control)
        finally:
            with self._wake:
                self._controls.discard(control)
        return True
