"""A job's progress as parts of its page: what the page shows at first, and what is sent when something changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dbsync.errors import DbsyncError, JobNotFound
from dbsync.jobs.model import HELD, RESTING, Job, JobState, JobTable, StoredEvent
from dbsync.jobs.store import JobStore
from dbsync.server.events import ServerSentEvent
from dbsync.server.page import words
from dbsync.server.page.rendering import rendered
from dbsync.server.page.visit import Visit
from dbsync.server.shapes.jobs import log_line, progress_of

_BATCH = 200
_LOOKED_BACK = 100  # events, for the newest figures


def facts_of(jobs: JobStore, job: Job, newest: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the moving parts of a job's page show."""
    tables = jobs.tables(job.id)
    progress = dict(progress_of(job, tables))
    found = newest if newest is not None else _newest(jobs, job)
    if job.state in HELD and "share" in found:
        progress["percentage"] = min(round(100 * found["share"]), 99)
    return {
        "tables": tables,
        "progress": progress,
        "speed": _speed(found) if job.state in HELD else {},
        "sentence": sentence(job, tables, progress),
    }


def sentence(job: Job, tables: Sequence[JobTable], progress: Mapping[str, Any]) -> str:
    """Where a job stands, in words that change seldom: they are read aloud."""
    if job.state is JobState.SUCCEEDED:
        checked = "" if job.read_spec().options.verify == "none" else " and checked"
        return f"Done: {words.count(progress['completedTables'], 'table')} copied{checked}."
    if job.state is JobState.FAILED:
        return f"Failed: {(job.error or {}).get('message', 'the log says why')}"
    if job.state is JobState.QUEUED:
        return "Waiting for a worker."
    if job.state is JobState.CREATED:
        return "Not started yet."
    if job.state in (JobState.PAUSED, JobState.STOPPED):
        kept = words.count(progress["completedTables"], "table")
        return f"{words.state(job.state).capitalize()}. What was committed stays: {kept}."
    if not tables:
        return "Reading both databases."
    tenth = progress["percentage"] // 10 * 10
    doing = {JobState.PAUSING: "Pausing", JobState.STOPPING: "Stopping"}.get(job.state, "Running")
    return f"{doing}: {progress['completedTables']} of {words.count(progress['totalTables'], 'table')}, {tenth} %."


class Telling:
    """What one browser has been told of a job."""

    def __init__(self, visit: Visit, job_id: str, after: int) -> None:
        self.over = False
        self.job_id = job_id
        self._visit, self._jobs = visit, visit.core.jobs
        self._after = after
        self._newest: Mapping[str, Any] | None = None
        self._sent: dict[str, str] = {}

    def first(self) -> list[bytes]:
        """Nothing: the page has it all."""
        return []

    def repeated(self, events: int | None) -> list[bytes] | None:
        """Nothing, where nothing has changed."""
        return [] if self._sent and events == self._after else None

    def look(self) -> list[bytes]:
        """What is new; sets ``over`` with the last of it."""
        try:
            events = self._jobs.events(self.job_id, self._after, limit=_BATCH)
            job = self._jobs.get(self.job_id, self._visit.caller.owner)
        except JobNotFound:
            self.over = True
            return [ServerSentEvent(event="over", data="gone").encode()]
        except DbsyncError:
            return []  # the store answers again in a moment, or the browser comes back
        self._after = events[-1].number if events else self._after
        self._newest = next((one.data for one in reversed(events) if one.kind == "progress"), self._newest)
        facts = facts_of(self._jobs, job, self._newest)
        found = [self._line(job, event) for event in events if event.level is not None]
        found += self._changed("progress", "progress.html", job=job, **facts)
        found += self._changed("sentence", "sentence.html", job=job, **facts)
        found += self._changed("orders", "orders.html", job=job, visit=self._visit)
        if self._after >= job.events and job.state in RESTING:
            self.over = True
            found.append(ServerSentEvent(event="over", data=job.state.value, id=str(self._after)).encode())
        return found

    def _line(self, job: Job, event: StoredEvent) -> bytes:
        line = log_line(job.id, event) | {"number": event.number, "at": event.at}
        return ServerSentEvent(event="log", id=str(event.number), data=rendered("log_line.html", line=line)).encode()

    def _changed(self, name: str, template: str, **facts: Any) -> list[bytes]:
        """A part, where it is not what was sent last."""
        text = rendered(template, **facts)
        if self._sent.get(name) == text:
            return []
        self._sent[name] = text
        return [ServerSentEvent(event=name, data=text).encode()]


def _newest(jobs: JobStore, job: Job) -> Mapping[str, Any]:
    """The newest figures of a job."""
    events = jobs.events(job.id, max(0, job.events - _LOOKED_BACK), limit=_LOOKED_BACK)
    return next((event.data for event in reversed(events) if event.kind == "progress"), {})


def _speed(found: Mapping[str, Any]) -> dict[str, Any]:
    """Rows and bytes a second, and the time left, where they are known."""
    rate, rows, size = found.get("bytes_per_second", 0), found.get("rows", 0), found.get("bytes", 0)
    if not rate:
        return {}
    return {"bytes": rate, "rows": rate * rows / size if size else None, "left": found.get("seconds_left")}
