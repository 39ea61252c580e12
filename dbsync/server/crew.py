"""The worker inside the server: runs queued jobs beside the requests, in a thread that ends with the server."""

from __future__ import annotations

import logging
import threading

from dbsync.control import Control
from dbsync.errors import Interrupted
from dbsync.jobs.ends import KeptEnds
from dbsync.jobs.queue import Queue, choose_engine, open_queue
from dbsync.jobs.store import JobStore
from dbsync.jobs.worker import make_worker

_LOG = logging.getLogger("dbsync.server")
_PATIENCE_S = 8.0


class Crew:
    """So many jobs at a time; none where other processes run them. ``queue`` tells whoever listens what waits."""

    def __init__(self, jobs: JobStore, ends: KeptEnds, *, concurrency: int) -> None:
        self.queue: Queue = open_queue("auto", jobs.store)
        self._control = Control()
        self._thread: threading.Thread | None = None
        if concurrency:
            engine = choose_engine("auto", jobs.store)
            worker = make_worker(jobs, ends, self.queue, engine=engine, concurrency=concurrency, tell=_LOG.info)
            self._thread = threading.Thread(target=worker.serve, args=(self._control,), name="crew", daemon=True)

    def start(self) -> None:
        """Begin to look for work."""
        if self._thread is not None:
            self._thread.start()

    def close(self) -> None:
        """Give the jobs at work back to the queue."""
        self._control.stop(Interrupted("the server was told to end"))
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join(_PATIENCE_S)
        self.queue.close()
