"""Fires due schedules, each firing once, however many workers look at the clock.

A firing is a row of its own, written in the transaction that queues its job: who is second finds it there. A worker
that dies before has fired nothing, and the next look finds the firing due again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from dbsync.errors import DbsyncError, TargetBusy
from dbsync.jobs.store import JobStore
from dbsync.jobs.ticks import Tick, add_tick, is_at_work, last_ticks
from dbsync.schedule import Firing, Schedule, due

_FIRED_ALREADY = "STORE_CONFLICT"


def _unheard(name: str, error: DbsyncError) -> None:
    """Nobody is to be told of a refusal."""


class Clock:
    """The schedules of one project's config file; ``begin`` queues the job of a firing, together with its tick.

    ``tell`` takes lines for the log. ``refused`` hears of a schedule whose job could not be made, once for each firing.
    """

    def __init__(
        self,
        jobs: JobStore,
        schedules: Mapping[str, Schedule],
        begin: Callable[[str, Tick], None],
        tell: Callable[[str], None],
        refused: Callable[[str, DbsyncError], None] = _unheard,
        *,
        project: str = "",
    ) -> None:
        self._store, self._schedules, self.project = jobs.store, schedules, project
        self._begin, self._tell, self._refused = begin, tell, refused
        self._lock = threading.Lock()

    def look(self) -> None:
        """Fire what is due; what is put off by its jitter is looked at once more then. Called once a minute."""
        with self._lock:
            for firing in due(self._schedules, *self._last_and_now()):
                try:
                    self._fire(firing)
                except DbsyncError as error:
                    self._tell(f"schedule {firing.name}: not fired: {error.message}")

    def _look_again(self) -> None:
        """Look in a thread of its own; a store that is away then is asked at the next minute."""
        try:
            self.look()
        except DbsyncError as error:
            self._tell(f"schedules cannot be looked at now: {error.message}")

    def _fire(self, firing: Firing) -> None:
        tick, (_, now) = Tick.of(firing, self.project), self._last_and_now()
        if firing.decision == "missed":
            self._settle(tick, "missed")
        elif firing.start_at > now:
            later = threading.Timer((firing.start_at - now).total_seconds() + 0.1, self._look_again)
            later.daemon = True
            later.start()
        elif self._schedules[firing.name].overlap != "queue" and self._is_at_work(firing.name):
            self._refuse(tick, TargetBusy("an earlier one is not over"))
        else:
            self._start(tick)

    def _start(self, tick: Tick) -> None:
        try:
            self._begin(tick.schedule, tick)
        except DbsyncError as error:
            if error.code == _FIRED_ALREADY:
                return  # another worker was quicker
            if error.code.startswith("STORE_"):
                raise
            self._refuse(tick, error)
        else:
            self._tell(f"schedule {tick.schedule}: fired")

    def _refuse(self, tick: Tick, error: DbsyncError) -> None:
        """This firing starts nothing; where it was only to be skipped, that is no failure."""
        if isinstance(error, TargetBusy) and self._schedules[tick.schedule].overlap == "skip":
            self._settle(tick, f"skipped: {error.message}")
        elif self._settle(tick, f"refused: {error.code}: {error.message}"):
            self._refused(tick.schedule, error)

    def _settle(self, tick: Tick, outcome: str) -> bool:
        """Write down that this firing started nothing; False where another worker has settled it."""
        try:
            with self._store.write() as connection:
                add_tick(connection, tick, now=self._store.now(connection), outcome=outcome)
        except DbsyncError as error:
            if error.code != _FIRED_ALREADY:
                raise
            return False
        self._tell(f"schedule {tick.schedule}: {outcome}")
        return True

    def _is_at_work(self, name: str) -> bool:
        with self._store.read() as connection:
            return is_at_work(connection, self.project, name)

    def _last_and_now(self) -> tuple[dict[str, datetime], datetime]:
        with self._store.read() as connection:
            last = last_ticks(connection, self.project)
            fired = {name: datetime.fromtimestamp(at, UTC) for name, at in last.items()}
            return fired, datetime.fromtimestamp(self._store.now(connection), UTC)
