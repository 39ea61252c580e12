"""A job's progress as server-sent events, read from the store: whoever connects again goes on where it was cut off.

Small unnamed events with ids; a comment every 15 s; the end of the job, or a pause, is the end of the stream.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio
from anyio import to_thread
from sse_starlette import EventSourceResponse, ServerSentEvent

from dbsync.errors import DbsyncError, JobNotFound
from dbsync.jobs.model import RESTING, Job, JobState, StoredEvent
from dbsync.jobs.service import Jobs
from dbsync.server.core import Core
from dbsync.server.faults import Fault
from dbsync.server.shapes.jobs import STATUS, checkpoint_of, log_line, progress_of
from dbsync.store import streams

_LOOK_S = 1.0
_LONGEST_S = 600.0
_PING_S = 15
_SLOWEST_S = 15.0  # a reader that takes nothing for so long is dropped
_BATCH = 200
_LOOKS = 10  # a job without news is read anew so often
_HEADERS = {"Cache-Control": "no-cache"}


class Follower(Protocol):
    """What one reader is told of a job."""

    @property
    def over(self) -> bool:
        """Whether nothing more will be told."""

    def first(self) -> list[ServerSentEvent]:
        """What is told at once."""

    def look(self) -> list[ServerSentEvent]:
        """What is new."""


def stream_of(core: Core, job: Job, follower: Follower) -> EventSourceResponse:
    """Open a stream of a job. Raises Fault 429 where too many are open."""
    settings = core.settings
    place = streams.take_place(
        core.store, owner=job.owner, job_id=job.id, each=settings.streams_per_owner, all_owners=settings.streams
    )
    if place is None:
        raise Fault(
            429, "Too many streams are open", headers={"Retry-After": "30"}, retryAfter=30,
            message="Close another stream of yours, or wait until others are closed.",
        )  # fmt: skip
    return EventSourceResponse(
        _held(core, place, follower),
        headers=_HEADERS,
        ping=_PING_S,
        ping_message_factory=lambda: ServerSentEvent(comment="ping"),
        sep="\n",
        send_timeout=_SLOWEST_S,
    )


async def _held(core: Core, place: str, follower: Follower) -> AsyncIterator[ServerSentEvent]:
    """Follow the job as long as the place in the store is held, and give it back however this ends."""
    core.meters.streams.inc()
    kept = started = time.monotonic()
    try:
        for frame in follower.first():
            yield frame
        while True:
            for frame in await to_thread.run_sync(follower.look, limiter=core.aside):
                yield frame
            if follower.over:
                return
            now = time.monotonic()
            if now - started > _LONGEST_S:
                yield _frame({"type": "timeout"})
                return
            if now - kept > _PING_S:
                kept = now
                with suppress(DbsyncError):
                    await to_thread.run_sync(streams.keep_place, core.store, place, limiter=core.aside)
            await anyio.sleep(_LOOK_S)
    finally:
        core.meters.streams.dec()
        with anyio.CancelScope(shield=True), suppress(DbsyncError):
            await to_thread.run_sync(streams.leave_place, core.store, place, limiter=core.aside)


@dataclass(slots=True)
class Frames:
    """The frontend's frames: what one reader has been told so far."""

    jobs: Jobs
    job_id: str
    after: int
    over: bool = False
    _failing: bool = field(default=False, init=False)
    _progress: ServerSentEvent | None = field(default=None, init=False)  # what was sent last
    _looks: int = field(default=0, init=False)

    def first(self) -> list[ServerSentEvent]:
        """That the stream is open."""
        return [_frame({"type": "connected", "jobId": self.job_id})]

    def look(self) -> list[ServerSentEvent]:
        """What is new, in small events; sets ``over`` with the last of them."""
        try:
            events = self.jobs.store.events(self.job_id, self.after, limit=_BATCH)
            if not self._must_read(events):
                return [self._progress] if self._progress else []
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

    def _must_read(self, events: Sequence[StoredEvent]) -> bool:
        """Whether the job itself is to be read: whatever changes it is an event, but for its removal."""
        self._looks += 1
        return bool(events) or self._progress is None or self._failing or self._looks % _LOOKS == 0

    def _end(self, job: Job, progress: dict[str, Any]) -> ServerSentEvent:
        reason = {"error": job.error["message"]} if job.error else {}
        end = {"type": "complete", "success": job.state is JobState.SUCCEEDED, "status": STATUS[job.state]}
        return _frame(end | {"state": job.state.value, "progress": progress} | reason, self.after)


def _log(job: Job, event: StoredEvent) -> dict[str, Any]:
    line = log_line(job.id, event)
    return {"type": "log", "level": line["level"], "message": line["message"][:1000], "createdAt": line["createdAt"]}


def _frame(data: dict[str, Any], number: int | None = None) -> ServerSentEvent:
    return ServerSentEvent(data=json.dumps(data, separators=(",", ":")), id=str(number) if number is not None else None)


def last_event(text: str | None) -> int:
    """The number in Last-Event-ID; what is no number begins at the beginning."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else 0
