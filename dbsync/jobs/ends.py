"""A job's databases, opened from what the registry keeps of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dbsync.guards import refuse_read_only
from dbsync.jobs.model import LOCAL_OWNER, Job
from dbsync.registry import Registry
from dbsync.registry.allowed import AllowList
from dbsync.urls import DatabaseUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEnds:
    """Opens both ends of a job. It raises ConfigError where one was removed, or its key is missing.

    Hosts of other owners than the command line's are checked once more: their names may lead elsewhere by now.
    ``guarded`` gives a target what else holds for it: the guards of a config file. It is handed what was typed for the
    target, which may be one of the file's names; None where the target is called otherwise, as by other owners.
    """

    registry: Registry
    allowed: AllowList = field(default_factory=AllowList.of)
    guarded: Callable[[DatabaseUrl, str | None], DatabaseUrl] = lambda url, typed: url

    def to_read(self, job: Job) -> tuple[DatabaseUrl, DatabaseUrl]:
        """Return the two as they are kept."""
        source, target = (self.registry.resolve(job.owner, end) for end in (job.source_id, job.target_id))
        return self.allowed.for_owner(job.owner, source), self.allowed.for_owner(job.owner, target)

    def to_write(self, job: Job) -> tuple[DatabaseUrl, DatabaseUrl]:
        """Return the two, the target under the guards that hold for its place now; refused where it is read-only.

        What is kept of it has the guards of the time when the job was made.
        """
        source, target = self.to_read(job)
        for owner in dict.fromkeys((job.owner, LOCAL_OWNER)):
            target = self.registry.guarded(owner, target)
        target = self.guarded(target, target.name if self._typed(job, job.target_id) else None)
        refuse_read_only(target)
        return source, target

    def _typed(self, job: Job, end: str) -> bool:
        """Whether an end is called what was typed on the command line, and was no saved connection there."""
        on_command_line = job.owner == LOCAL_OWNER and job.origin != "http"
        return on_command_line and self.registry.get(job.owner, end).name is None
