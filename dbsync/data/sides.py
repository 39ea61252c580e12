"""Both ends of a run, and readers of one snapshot on each for comparing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from dbsync.control import Control
from dbsync.data.compare import Ends
from dbsync.errors import Drift
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import runs
from dbsync.pg.database import Database, Session
from dbsync.pg.snapshot import ReaderPool, Snapshot, exported_snapshot, held_locks, open_holder


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
    tables: Sequence[tuple[TableName, bool]],
    label: str,
    lock_timeout_s: float,
    control: Control,
    opening: Opening | None = None,
) -> Iterator[tuple[Ends, Snapshot, Callable[[], None]]]:
    """Readers for a comparison: the given ones of the source, and as many of one snapshot of the target.

    The target's ``tables``, each with whether it is read alone, are held as they are until the function that comes
    third is called. It raises Drift when others may have been compared, and closes the target's readers.
    ``opening``: the sessions that are to hold both, where they are opened already.
    """
    database = replace(target.database, read_only=True)

    def open_for_locks() -> Session:
        return opening.locks() if opening else open_holder(database, f"{label} target", lock_timeout_s, holds="locks")

    with (
        _held_still(target, tables, open_for_locks, control) as let_go,
        exported_snapshot(
            database,
            [],
            label=f"{label} target",
            lock_timeout_s=lock_timeout_s,
            cancelled_by=control.on_stop,
            opened=opening.snapshot if opening else None,
        ) as snapshot,
    ):
        pool = ReaderPool(database, snapshot, limit=readers.limit, label=label, check=control.check)
        recode = source.encoding != target.encoding

        def done() -> None:
            let_go()
            pool.close()  # their locks would be in the way

        try:
            with control.on_stop(pool.cancel), control.on_stop(readers.cancel):
                yield Ends(source=readers, target=pool, recode=recode, check=control.check), snapshot, done
        finally:
            pool.close()


@contextmanager
def _held_still(
    side: Side, tables: Sequence[tuple[TableName, bool]], opened: Callable[[], Session], control: Control
) -> Iterator[Callable[[], None]]:
    """Hold tables for the block, from before there is a snapshot: what is read by their names are these tables.

    Else another table could stand in one's place while rows are compared, under its name or as its partition, and be
    gone again when the table is locked; or it could be emptied in between, which older snapshots see at once. Schemas
    and enum values are renamed without a lock on a table; that it happened is told by the rows of the catalog.
    """
    if not tables:
        yield lambda: None
        return
    names = [name for name, _ in tables]
    session = opened()
    with closing(session), control.on_stop(session.cancel), held_locks(session, tables):
        failpoint("after_held_still")
        for table in runs.replaced(session, {name: side.oids[name] for name in names}, side.stamps):
            raise Drift(f"{table} was changed in the target since the plan was made", hint="run the command again")
        then = runs.names(session, names)

        def let_go() -> None:
            if not then <= runs.names(session, names):  # one that was lost, and its locks with it, is an error
                raise Drift(
                    "a schema or an enum's value got another name in the target while its tables were compared",
                    hint="run the command again",
                )
            session.close()

        yield let_go


class Opening(NamedTuple):
    """The sessions that hold the target's tables and its snapshot while it is compared; each waits for its own."""

    locks: Callable[[], Session]
    snapshot: Callable[[], Session]


@contextmanager
def opening_target(target: Side, *, label: str, lock_timeout_s: float) -> Iterator[Opening]:
    """Open those sessions beside what the block does."""
    database = replace(target.database, read_only=True)
    with ThreadPoolExecutor(2, thread_name_prefix="holder") as beside:
        both = [
            beside.submit(open_holder, database, f"{label} target", lock_timeout_s, holds=held)
            for held in ("locks", "snapshot")
        ]
        try:
            yield Opening(*(opening.result for opening in both))
        finally:
            for opening in both:
                if opening.exception() is None:
                    opening.result().close()
