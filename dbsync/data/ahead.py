"""Sessions that a run will need, opened while its target makes the schema: both servers have a core to spare then."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from dbsync.control import Control
from dbsync.pg.database import Database, Session
from dbsync.pg.snapshot import open_holder

_Openings = list[Future[Session]]


class Ahead:
    """Sessions that are being opened. Whoever takes some closes them; what cannot be opened is opened when needed."""

    def __init__(self, holder: _Openings, readers: _Openings, writers: _Openings) -> None:
        self._holder, self._readers, self._writers = holder, readers, writers

    def holder(self) -> Session | None:
        """Take the one that is to hold the source's snapshot, if it is open by now."""
        return next(iter(_taken(self._holder)), None)

    def readers(self) -> list[Session]:
        """Take those on the source that are open by now."""
        return _taken(self._readers)

    def writers(self) -> list[Session]:
        """Take those on the target that are open by now."""
        return _taken(self._writers)

    def close(self) -> None:
        """Close what nobody took, now or once it is open."""
        for each in (*self._holder, *self._readers, *self._writers):
            each.add_done_callback(_close)


@contextmanager
def opened_ahead(
    source: Database, target: Database, *, run_id: str, count: int, lock_timeout_s: float, control: Control
) -> Iterator[Ahead]:
    """Open the holder, ``count`` readers and as many writers beside what the block does."""
    label, settings = f"dbsync {run_id}", {"lock_timeout": f"{int(lock_timeout_s * 1000)}ms"}

    def connect(database: Database, purpose: str) -> Session:
        return database.connect(application_name=f"{label} {purpose}", settings=settings, check=control.check)

    executor = ThreadPoolExecutor(1 + 2 * count, thread_name_prefix="ahead")
    ahead = Ahead(
        [executor.submit(open_holder, source, label, lock_timeout_s)],
        [executor.submit(connect, source, "reader") for _ in range(count)],
        [executor.submit(connect, target, "load") for _ in range(count)],
    )
    executor.shutdown(wait=False)
    try:
        yield ahead
    finally:
        ahead.close()


def _taken(openings: _Openings) -> list[Session]:
    ready = [each for each in openings if each.done()]
    for each in ready:
        openings.remove(each)
    return [each.result() for each in ready if each.exception() is None]


def _close(opening: Future[Session]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
