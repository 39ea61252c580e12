"""A job's databases, opened from what the registry keeps of them."""

from __future__ import annotations

from dbsync.guards import refuse_read_only
from dbsync.jobs.model import Job
from dbsync.jobs.runner import Urls
from dbsync.registry import Registry
from dbsync.urls import DatabaseUrl


def kept_urls(registry: Registry) -> Urls:
    """Return what opens both ends of a job. It raises ConfigError where one was removed, or its key is missing."""

    def open_ends(job: Job) -> tuple[DatabaseUrl, DatabaseUrl]:
        source, target = (registry.resolve(job.owner, end) for end in (job.source_id, job.target_id))
        refuse_read_only(target)
        return source, target

    return open_ends
