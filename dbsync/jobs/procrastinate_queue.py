"""The queue on Procrastinate: prompt messages over Postgres. They carry ids of jobs and numbers of parts, no more.

The only importer of Procrastinate. Its retries and its rescue of stalled jobs are not used: what was begun and what
became of it stands in the store, and our leases decide. So a message needs no lock, and is deleted whatever happened.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from dbsync.errors import DbsyncError
from dbsync.jobs.model import Job
from dbsync.pg.pooled import pooled_connections
from dbsync.store import Store
from dbsync.store.queue_tables import make_tables
from dbsync.store.tables import SCHEMA

LOGGER = logging.getLogger("dbsync")
_QUEUE, _CLOCK = "dbsync", "dbsync.clock"  # the second one is heard by workers that look after schedules
_JOB, _PART, _MINUTE = "dbsync.job", "dbsync.part", "dbsync.minute"  # names that hosts of all versions agree on
_POLL_S = 2.0  # where LISTEN does not come through
_TIDY_S = 30.0
_AGAIN_S = 2.0
_ENDING_S = 2.0  # what is under way was told to end before
_PARTS_AT_ONCE = 64  # whoever takes one goes on to the next


class ProcrastinateQueue:
    """Sends messages; opened when the first one is sent."""

    def __init__(self, store: Store) -> None:
        assert store.place.url is not None
        _have_tables(store)
        connection, _ = pooled_connections(store.place.url, application_name="dbsync queue", schema=SCHEMA)
        connector = procrastinate.SyncPsycopgConnector(
            connection_class=connection, min_size=0, max_size=2, timeout=10.0, max_idle=30.0
        )
        self._app = procrastinate.App(connector=connector)
        self._lock = threading.Lock()
        self._open = False

    def send_job(self, job: Job) -> None:
        """Tell that a job is queued; where a message waits already, that one does."""
        self._send(_JOB, priority=job.priority, queueing_lock=f"job {job.id}", arguments=[{"job_id": job.id}])

    def send_parts(self, job_id: str, numbers: Sequence[int]) -> None:
        """Tell that parts of a job wait."""
        arguments = [{"job_id": job_id, "number": number} for number in numbers[:_PARTS_AT_ONCE]]
        self._send(_PART, priority=0, queueing_lock=None, arguments=arguments)

    def close(self) -> None:
        """Close the pool."""
        with self._lock:
            if self._open:
                self._app.close()
            self._open = False

    def _send(
        self, task: str, *, priority: int, queueing_lock: str | None, arguments: Sequence[dict[str, Any]]
    ) -> None:
        """A message that cannot be sent is not missed: workers find in the store what it would have said."""
        try:
            with self._lock:
                if not self._open:
                    self._app.open()
                self._open = True
            deferrer = self._app.configure_task(
                task, allow_unknown=True, queue=_QUEUE, priority=priority, queueing_lock=queueing_lock
            )
            deferrer.batch_defer(*arguments)
        except AlreadyEnqueued:
            pass
        except (ConnectorException, DbsyncError, TimeoutError) as error:
            LOGGER.info("no message could be sent to the workers, who look for themselves: %s", type(error).__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """What is done about each message; called in threads."""

    job: Callable[[str], object]
    part: Callable[[str, int], object]
    minute: Callable[[], object] | None = None  # once in each minute, on one of the project's workers that have it
    project: str = ""  # whose schedules ``minute`` looks at


class Listener:
    """Hears messages for as long as its block runs, in a thread with a loop of its own; it outlives the server."""

    def __init__(self, store: Store, ears: Ears, *, concurrency: int) -> None:
        assert store.place.url is not None
        _have_tables(store)
        self._url, self._ears, self._concurrency = store.place.url, ears, concurrency
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    def __enter__(self) -> Listener:
        for name in ("procrastinate", "psycopg.pool"):
            logging.getLogger(name).parent = LOGGER  # what they say goes where ours goes, secrets masked
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(_ENDING_S)

    def _stop(self) -> None:
        self._ended = True
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        executor = ThreadPoolExecutor(self._concurrency + 2, thread_name_prefix="message")
        self._loop.set_default_executor(executor)
        try:
            self._loop.run_until_complete(self._listen())
        finally:
            self._loop.close()

    async def _listen(self) -> None:
        while not self._ended:
            self._task = asyncio.create_task(self._hear())
            try:
                await self._task
            except asyncio.CancelledError:
                continue
            except Exception as error:  # the server is away, or was: listen again
                LOGGER.info("the queue cannot be heard now: %s", type(error).__name__)
            if not self._ended:
                await asyncio.sleep(_AGAIN_S)

    async def _hear(self) -> None:
        _, connection = pooled_connections(self._url, application_name="dbsync queue", schema=SCHEMA)
        connector = procrastinate.PsycopgConnector(
            connection_class=connection, min_size=1, max_size=4, timeout=10.0, reconnect_timeout=10.0
        )
        app = procrastinate.App(connector=connector)
        self._answer(app)
        async with app.open_async():
            tidying = asyncio.create_task(_tidy(app))
            try:
                await app.run_worker_async(
                    queues=[_QUEUE] if self._ears.minute is None else [_QUEUE, _clock(self._ears.project)],
                    concurrency=self._concurrency + 1,  # who hears of a job runs it: one is left for the minute
                    install_signal_handlers=False,
                    fetch_job_polling_interval=_POLL_S,
                    delete_jobs="always",
                )
            finally:
                tidying.cancel()

    def _answer(self, app: procrastinate.App) -> None:
        ears = self._ears

        @app.task(name=_JOB, queue=_QUEUE)
        def job(job_id: str) -> None:
            ears.job(job_id)

        @app.task(name=_PART, queue=_QUEUE)
        def part(job_id: str, number: int) -> None:
            ears.part(job_id, number)

        if (minute := ears.minute) is not None:

            @app.periodic(cron="* * * * *", periodic_id=ears.project)
            @app.task(name=_MINUTE, queue=_clock(ears.project))
            def each_minute(timestamp: int) -> None:
                minute()


def _have_tables(store: Store) -> None:
    """Make or upgrade the queue's tables where the store's first host could not, or has an older Procrastinate."""
    with store.write() as connection:
        make_tables(connection, store.place.name)


def _clock(project: str) -> str:
    """The queue of a project's minutes: another project's workers know nothing of its schedules."""
    return f"{_CLOCK}.{project}" if project else _CLOCK


async def _tidy(app: procrastinate.App) -> None:
    """Delete the messages that workers which are gone had taken: what they were about stands in the store."""
    while True:
        await asyncio.sleep(_TIDY_S)
        with suppress(ConnectorException):
            await app.job_manager.prune_stalled_workers(seconds_since_heartbeat=_TIDY_S)
            for message in await app.job_manager.get_stalled_jobs():
                await app.job_manager.finish_job(message, procrastinate.jobs.Status.FAILED, delete_job=True)
