"""A job's progress as server-sent events, read from the store: whoever connects again goes on where it was cut off.

Small unnamed events with ids; a comment every 15 s; the end of the job, or a pause, is the end of the stream.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio
from anyio import to_thread

from dbsync.errors import DbsyncError, JobNotFound
from dbsync.jobs.model import RESTING, Job, JobState, StoredEvent
from dbsync.jobs.service import Jobs
from dbsync.server.core import Core
from dbsync.server.events import PING, EventStream, ServerSentEvent
from dbsync.server.shapes.jobs import STATUS, checkpoint_of, log_line, progress_of

_LONGEST_S = 600.0
_PING_S = 15.0
_SLOWEST_S = 15.0  # a reader that takes nothing for so long is dropped
_BATCH = 200


class Follower(Protocol):
    """What one reader is told of a job."""

    @property
    def over(self) -> bool:
        """Whether nothing more will be told."""

    def first(self) -> list[bytes]:
        """What is told at once."""

    def repeated(self, events: int | None) -> list[bytes] | None:
        """What is told where the job has so many events and none of them is new; None: it takes a look."""

    def look(self) -> list[bytes]:
        """What is new."""


def stream_of(core: Core, job: Job, follower: Follower) -> EventStream:
    """Open a stream of a job. Raises Fault 429 where too many are open."""
    settings = core.settings
    place = core.audience.take_place(job.owner, job.id, each=settings.streams_per_owner, all_owners=settings.streams)
    return EventStream(_held(core, place, job.id, follower), slowest_s=_SLOWEST_S)


async def _held(core: Core, place: str, job_id: str, follower: Follower) -> AsyncGenerator[bytes, None]:
    """Follow the job as long as the place in the store is held, and give it back however this ends."""
    core.meters.streams.inc()
    started = pinged = time.monotonic()
    events: int | None = None
    try:
        with core.audience.following(place, job_id):
            for frame in follower.first():
                yield frame
            while not core.audience.over:
                frames = follower.repeated(events)
                if frames is None:
                    frames = await to_thread.run_sync(follower.look, limiter=core.aside)
                for frame in frames:
                    yield frame
                if follower.over:
                    return
                now = time.monotonic()
                if now - started > _LONGEST_S:
                    yield _frame({"type": "timeout"})
                    return
                if now - pinged >= _PING_S:
                    pinged = now
                    yield PING
                events = await core.audience.next_look(job_id, within_s=_PING_S)
    finally:
        core.meters.streams.dec()
        with anyio.CancelScope(shield=True):
            await core.audience.leave(place)


@dataclass(slots=True)
class Frames:
    """The frontend's frames: what one reader has been told so far."""

    jobs: Jobs
    job_id: str
    after: int
    over: bool = False
    _failing: bool = field(default=False, init=False)
    _progress: bytes | None = field(default=None, init=False)  # what was sent last

    def first(self) -> list[bytes]:
        """That the stream is open."""
        return [_frame({"type": "connected", "jobId": self.job_id})]

    def repeated(self, events: int | None) -> list[bytes] | None:
        """The progress again, where nothing has changed."""
        return [self._progress] if self._progress and events == self.after and not self._failing else None

    def look(self) -> list[bytes]:
        """What is new, in small events; sets ``over`` with the last of them."""
        try:
            events = self.jobs.store.events(self.job_id, self.after, limit=_BATCH)
            job = self.jobs.get(self.job_id)
            tables = self.jobs.store.tables(job.id)
        except JobNotFound:
            self.over = True
            return [_frame({"type": "error", "error": "Job not found"})]
        except DbsyncError:
            told, self._failing = self._failing, True
            return [] if told else [_frame({"type": "error", "error": "Failed to get progress"})]
        self._failing = False
        frames = [_frame(_log(job, event), event.number) for event in events if event.level is not None]
        self.after = events[-1].number if events else self.after
        progress = progress_of(job, tables)
        status = STATUS[job.state]
        told_all = self.after >= job.events
        news = {"type": "progress", "status": status, "state": job.state.value, "progress": progress}
        self._progress = _frame(news | {"checkpoint": checkpoint_of(job, tables)}, self.after or None)
        frames.append(self._progress)
        if told_all and job.state in RESTING:
            self.over = True
            if job.state is not JobState.PAUSED:
                frames.append(self._end(job, progress))
        return frames

    def _end(self, job: Job, progress: dict[str, Any]) -> bytes:
        reason = {"error": job.error["message"]} if job.error else {}
        end = {"type": "complete", "success": job.state is JobState.SUCCEEDED, "status": STATUS[job.state]}
        return _frame(end | {"state": job.state.value, "progress": progress} | reason, self.after)


def _log(job: Job, event: StoredEvent) -> dict[str, Any]:
    line = log_line(job.id, event)
    return {"type": "log", "level": line["level"], "message": line["message"][:1000], "createdAt": line["createdAt"]}


def _frame(data: dict[str, Any], number: int | None = None) -> bytes:
    text = json.dumps(data, separators=(",", ":"))
    return ServerSentEvent(data=text, id=str(number) if number is not None else None).encode()


def last_event(text: str | None) -> int:
    """The number in Last-Event-ID; what is no number begins at the beginning."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else 0
