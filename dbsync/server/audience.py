"""Who follows which job in this process: the store is asked once a second for all of them together.

Whatever changes a job is an event, so the number of its events says whether there is something to tell.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import anyio
from anyio import CapacityLimiter, to_thread

from dbsync.errors import DbsyncError
from dbsync.jobs.store import JobStore
from dbsync.server.faults import Fault
from dbsync.store import streams

_KEPT_S = 15.0
_TURNED_AWAY_S = 1.0


class Audience:
    """The streams that this process holds open, and who was turned away lately."""

    def __init__(self, jobs: JobStore, aside: CapacityLimiter, clock: Callable[[], float] = time.monotonic) -> None:
        self.over = False
        self._jobs = jobs
        self._aside = aside
        self._clock = clock
        self._followed: dict[str, str] = {}  # the place in the store, and the job
        self._events: Mapping[str, int] = {}
        self._looked: anyio.Event | None = None
        self._kept = clock()
        self._full: dict[str, float] = {}  # who was turned away, and until when that is remembered
        self._owners: dict[str, str] = {}  # of the places
        self._opening: Counter[str] = Counter()

    def take_place(self, owner: str, job_id: str, *, each: int, all_owners: int) -> str:
        """Take a place in the store for one more stream. Raises Fault 429 where there is none."""
        self._require_hope(owner)
        place = streams.take_place(self._jobs.store, owner=owner, job_id=job_id, each=each, all_owners=all_owners)
        if place is None:
            self._full[owner] = self._clock() + _TURNED_AWAY_S
            raise _full()
        self._owners[place] = owner
        return place

    @contextmanager
    def opening(self, owner: str, *, each: int) -> Iterator[None]:
        """Let a stream be opened in the block. Raises Fault 429 where that is vain, without a look at the store.

        So of a crowd at the door few wait. It is vain where the owner was turned away a moment ago, and where as many
        as may be are open or being opened here.
        """
        self._require_hope(owner)
        if self._opening[owner] + sum(one == owner for one in list(self._owners.values())) >= each:
            raise _full()
        self._opening[owner] += 1
        try:
            yield
        finally:
            self._opening[owner] -= 1
            if not self._opening[owner]:
                del self._opening[owner]

    def _require_hope(self, owner: str) -> None:
        if self._clock() < self._full.get(owner, 0.0):
            raise _full()

    @contextmanager
    def following(self, place: str, job_id: str) -> Iterator[None]:
        """Keep the place, and look for news of the job, for the block."""
        self._followed[place] = job_id
        try:
            yield
        finally:
            del self._followed[place]

    async def leave(self, place: str) -> None:
        """Give a place back."""
        try:
            await to_thread.run_sync(streams.leave_place, self._jobs.store, place, limiter=self._aside)
        except DbsyncError:
            return  # it is free again in a while
        finally:
            self._owners.pop(place, None)
            self._full.clear()

    async def next_look(self, job_id: str, *, within_s: float) -> int | None:
        """Wait for the next look; return how many events the job has by then, None where nobody knows.

        Where the store does not answer within so many seconds it is what the last look found.
        """
        if self._looked is None:
            self._looked = anyio.Event()
        with anyio.move_on_after(within_s):
            await self._looked.wait()
        return self._events.get(job_id)

    def end(self) -> None:
        """Let all who follow go: the server ends."""
        self.over = True
        self._wake()

    async def look(self) -> None:
        """Ask for all of them, and let them go on."""
        if self._followed:
            look = partial(self._look, set(self._followed.values()), list(self._followed))
            self._events = await to_thread.run_sync(look, limiter=self._aside)
        self._wake()

    def _wake(self) -> None:
        looked, self._looked = self._looked, None
        if looked is not None:
            looked.set()

    def _look(self, job_ids: set[str], places: list[str]) -> Mapping[str, int]:
        try:
            if self._clock() - self._kept > _KEPT_S:
                self._kept = self._clock()
                streams.keep_places(self._jobs.store, places)
            return self._jobs.event_counts(job_ids)
        except DbsyncError:
            return {}  # each of them finds out by itself


def _full() -> Fault:
    return Fault(
        429, "Too many streams are open", headers={"Retry-After": "30", "Connection": "close"}, retryAfter=30,
        message="Close another stream of yours, or wait until others are closed.",
    )  # fmt: skip
