"""Both ends of a run, and readers of one snapshot on each for comparing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from dbsync.control import Control
from dbsync.data.compare import Ends
from dbsync.model import TableName
from dbsync.pg.database import Database, Session
from dbsync.pg.snapshot import ReaderPool, Snapshot, exported_snapshot, open_holder

_LOCK_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One end of a run: how to reach it, and what the plan relied on there."""

    database: Database
    encoding: str
    oids: Mapping[TableName, int]
    stamps: Mapping[int, str]

    def stamps_by_name(self) -> Mapping[TableName, str]:
        """The stamp of each table's structure."""
        return {name: self.stamps[oid] for name, oid in self.oids.items() if oid in self.stamps}


@contextmanager
def survey_ends(
    source: Side,
    target: Side,
    readers: ReaderPool,
    *,
    label: str,
    control: Control,
    opened: Callable[[], Session] | None = None,
) -> Iterator[tuple[Ends, Snapshot]]:
    """Readers for a comparison: the given ones of the source, and as many of one snapshot of the target.

    ``opened``: gives the session that is to hold this snapshot, see ``opening_holder``.
    """
    database = replace(target.database, read_only=True)
    with exported_snapshot(
        database,
        [],
        label=f"{label} target",
        lock_timeout_s=_LOCK_TIMEOUT_S,
        cancelled_by=control.on_stop,
        opened=opened,
    ) as snapshot:
        pool = ReaderPool(database, snapshot, limit=readers.limit, label=label, check=control.check)
        recode = source.encoding != target.encoding
        try:
            with control.on_stop(pool.cancel), control.on_stop(readers.cancel):
                yield Ends(source=readers, target=pool, recode=recode, check=control.check), snapshot
        finally:
            pool.close()


@contextmanager
def opening_holder(target: Side, *, label: str) -> Iterator[Callable[[], Session]]:
    """Open, beside what the block does, the session that will hold the target's snapshot."""
    with ThreadPoolExecutor(1, thread_name_prefix="holder") as beside:
        database = replace(target.database, read_only=True)
        opening = beside.submit(open_holder, database, f"{label} target", _LOCK_TIMEOUT_S)
        try:
            yield opening.result
        finally:
            if opening.exception() is None:
                opening.result().close()
