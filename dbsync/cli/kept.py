"""What is kept between runs, opened for one command: the store, the saved connections, the jobs of the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from dbsync.cli.context import Context
from dbsync.jobs.afterwards import by_ledger
from dbsync.jobs.ends import KeptEnds
from dbsync.jobs.model import LOCAL_OWNER, Job
from dbsync.jobs.presence import Presence
from dbsync.jobs.queue import tell_workers
from dbsync.jobs.runner import sweep
from dbsync.jobs.service import Jobs
from dbsync.jobs.store import JobStore
from dbsync.references import guarded_by_file
from dbsync.registry import Registry, key_ring
from dbsync.store import open_store
from dbsync.urls import DatabaseUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The open store, and what stands in it."""

    store: JobStore
    registry: Registry
    jobs: Jobs
    guarded: Callable[[DatabaseUrl, str | None], DatabaseUrl]  # by the config file

    def sweep(self) -> list[Job]:
        """Take back the jobs whose processes are gone, and return them."""
        return sweep(self.store, by_ledger(self.urls))

    @property
    def has_workers(self) -> bool:
        """Whether somebody waits for jobs."""
        return bool(Presence(self.store.store).alive())

    @property
    def ends(self) -> KeptEnds:
        """What opens the databases of jobs that are run here."""
        return KeptEnds(registry=self.registry, guarded=self.guarded)

    def urls(self, job: Job) -> tuple[DatabaseUrl, DatabaseUrl]:
        """The two databases of a job, to look at."""
        source, target = (self.registry.get(job.owner, each) for each in (job.source_id, job.target_id))
        return self.registry.url(source), self.registry.url(target)


@contextmanager
def open_kept(context: Context, *, create: bool = True) -> Iterator[Kept]:
    """Open the store for the block; with ``create=False`` one that is not there is a ConfigError."""
    place = context.store_place
    store = open_store(place, create=create)
    try:
        jobs = JobStore(store, context.quotas)
        yield Kept(
            store=jobs,
            registry=Registry(store, key_ring(place)),
            jobs=Jobs(jobs, LOCAL_OWNER, tell_workers(store)),
            guarded=partial(guarded_by_file, settings=context.settings),
        )
    finally:
        store.close()
