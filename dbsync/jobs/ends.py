"""A job's databases, opened from what the registry keeps of them."""

from __future__ import annotations

from dbsync.guards import refuse_read_only
from dbsync.jobs.model import Job
from dbsync.jobs.runner import Urls
from dbsync.registry import Registry
from dbsync.registry.allowed import AllowList
from dbsync.urls import DatabaseUrl


def kept_urls(registry: Registry, allowed: AllowList | None = None) -> Urls:
    """Return what opens both ends of a job. It raises ConfigError where one was removed, or its key is missing.

    Hosts of other owners than the command line's are checked once more: their names may lead elsewhere by now.
    """
    hosts = allowed if allowed is not None else AllowList.of()

    def open_ends(job: Job) -> tuple[DatabaseUrl, DatabaseUrl]:
        ends = (registry.resolve(job.owner, end) for end in (job.source_id, job.target_id))
        source, target = (hosts.for_owner(job.owner, url) for url in ends)
        refuse_read_only(target)
        return source, target

    return open_ends
