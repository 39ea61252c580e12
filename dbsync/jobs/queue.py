"""How workers hear of work. What is to be done stands in the store; a queue only carries ids, to be quick.

A message that is lost costs seconds, never a job: workers look into the store as well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Literal, Protocol

from dbsync.errors import ConfigError, DbsyncError
from dbsync.jobs.model import Job
from dbsync.jobs.presence import Presence
from dbsync.store import Store
from dbsync.store.queue_tables import is_installed

LOGGER = logging.getLogger("dbsync")
Engine = Literal["auto", "inline", "procrastinate"]


class Queue(Protocol):
    """Tells workers what waits for them. Methods may be called from any thread."""

    def send_job(self, job: Job) -> None:
        """A job is queued."""

    def send_parts(self, job_id: str, numbers: Sequence[int]) -> None:
        """Parts of a job wait for whoever has time."""

    def close(self) -> None:
        """Give back what the queue holds."""


class InlineQueue:
    """No messages: workers find what is new when they next look into the store, twice a second."""

    def send_job(self, job: Job) -> None:
        """Nothing is to be sent: the store has it."""

    def send_parts(self, job_id: str, numbers: Sequence[int]) -> None:
        """Nothing is to be sent: the store has them."""

    def close(self) -> None:
        """It holds nothing."""


def choose_engine(engine: Engine, store: Store) -> Literal["inline", "procrastinate"]:
    """Return the engine for this store. Raises ConfigError for one that cannot work with it.

    ``auto``: Procrastinate where the store is in Postgres and the package is installed.
    """
    if engine == "auto":
        return "procrastinate" if store.is_postgres and is_installed() else "inline"
    if engine == "procrastinate":
        if not store.is_postgres:
            raise ConfigError(
                "the queue Procrastinate needs a store in Postgres, and this one is a file",
                hint="name a Postgres database by DBSYNC_STORE, or use --engine inline",
            )
        if not is_installed():
            raise ConfigError(
                "the queue Procrastinate is not installed", hint="pip install 'dbsync[worker]', or use --engine inline"
            )
    return engine


def tell_workers(store: Store) -> Callable[[Job], None]:
    """Return what tells the workers of a job; a queue that cannot be used costs a moment, since they look as well."""

    def tell(job: Job) -> None:
        if choose_engine("auto", store) == "inline" or not Presence(store).alive():
            return
        try:
            with closing(open_queue("auto", store)) as queue:
                queue.send_job(job)
        except DbsyncError as error:
            LOGGER.info("no message could be sent to the workers, who look for themselves: %s", error.message)

    return tell


def open_queue(engine: Engine, store: Store) -> Queue:
    """Open the queue that ``choose_engine`` chooses; its tables are made on first use."""
    if choose_engine(engine, store) == "inline":
        return InlineQueue()
    from dbsync.jobs.procrastinate_queue import ProcrastinateQueue

    return ProcrastinateQueue(store)
