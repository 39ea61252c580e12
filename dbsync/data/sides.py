"""Both ends of a run, and readers of one snapshot on each for comparing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from dbsync.control import Control
from dbsync.data.compare import Ends
from dbsync.errors import Drift
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import runs
from dbsync.pg.database import Database, Session
from dbsync.pg.snapshot import ReaderPool, Snapshot, exported_snapshot, held_locks, open_holder

_LOCK_TIMEOUT_S = 30.0  # for a session that is opened before anything is known of the snapshot


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
    opened: Callable[[], Session] | None = None,
) -> Iterator[tuple[Ends, Snapshot, Callable[[], None]]]:
    """Readers for a comparison: the given ones of the source, and as many of one snapshot of the target.

    The target's ``tables``, each with whether it is read alone, are held as they are until the function that comes
    third is called. It raises Drift when others may have been compared, and closes the target's readers.
    ``opened``: gives the session that is to hold the snapshot, see ``opening_holder``.
    """
    database = replace(target.database, read_only=True)
    with (
        _held_still(database, target, tables, label=label, lock_timeout_s=lock_timeout_s, control=control) as let_go,
        exported_snapshot(
            database,
            [],
            label=f"{label} target",
            lock_timeout_s=lock_timeout_s,
            cancelled_by=control.on_stop,
            opened=opened,
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
    database: Database,
    side: Side,
    tables: Sequence[tuple[TableName, bool]],
    *,
    label: str,
    lock_timeout_s: float,
    control: Control,
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
    session = open_holder(database, f"{label} target", lock_timeout_s, holds="locks")
    with closing(session), control.on_stop(session.cancel), held_locks(session, tables):
        failpoint("after_held_still")
        for table in runs.replaced(session, {name: side.oids[name] for name in names}, side.stamps):
            raise Drift(f"{table} was changed in the target since the plan was made", hint="run the command again")
        then = runs.names(session, names)

        def let_go() -> None:
            if session.connected and not then <= runs.names(session, names):
                raise Drift(
                    "a schema or an enum's value got another name in the target while its tables were compared",
                    hint="run the command again",
                )
            session.close()

        yield let_go


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
