"""One exported snapshot of the source, held by one session and imported by every reader."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass

from psycopg import sql

from dbsync.errors import DbsyncError
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg.database import Database, Session
from dbsync.pg.statements import lock_to_read

_BEHIND_OTHERS_S = 10.0
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An exported snapshot: its id, as long as the holder's transaction lives.

    ``oldest``: before it every transaction had ended; ``next``: from it on none had. Both with their epoch.
    ``lock_timeout_s``: how long a reader may wait for a table that somebody else wants to alter. He waits for our own
    lock on it, and the reader behind him, which no server sees as a deadlock; if he does not give up, we do.
    """

    id: str
    holder: Session
    oldest: int
    next: int
    lock_timeout_s: float


@contextmanager
def exported_snapshot(
    database: Database,
    tables: Sequence[tuple[TableName, bool]],
    *,
    label: str,
    lock_timeout_s: float,
    cancelled_by: Callable[[Callable[[], None]], AbstractContextManager[None]],
    opened: Callable[[], Session] | None = None,
) -> Iterator[Snapshot]:
    """Hold ACCESS SHARE locks on the tables and a snapshot taken after them, for as long as the block runs.

    Each table comes with whether it is read alone (ONLY) or with its partitions, which a TRUNCATE would empty for all.
    Locks come first: LOCK TABLE takes no snapshot, so no DDL can slip in between. ``cancelled_by``
    registers the holder's cancel for the time it may have to wait for a lock. ``opened``: gives a session of
    ``open_holder`` that was opened before.
    """
    holder = opened() if opened is not None else open_holder(database, label, lock_timeout_s)
    try:
        failpoint("before_source_lock")
        with cancelled_by(holder.cancel):
            _lock_and_begin(holder, tables)
        failpoint("before_export")
        snapshot_id, oldest, following = holder.one(
            "SELECT pg_catalog.pg_export_snapshot(), pg_catalog.pg_snapshot_xmin(s)::pg_catalog.text::pg_catalog.int8, "
            "pg_catalog.pg_snapshot_xmax(s)::pg_catalog.text::pg_catalog.int8 FROM pg_catalog.pg_current_snapshot() s"
        )
        yield Snapshot(snapshot_id, holder, oldest, following, min(lock_timeout_s, _BEHIND_OTHERS_S))
    finally:
        holder.close()


def open_holder(database: Database, label: str, lock_timeout_s: float, *, holds: str = "snapshot") -> Session:
    """Open a session that will hold a snapshot, or locks."""
    return database.connect(application_name=f"{label} {holds}", settings=patience(lock_timeout_s))


@contextmanager
def held_locks(session: Session, tables: Sequence[tuple[TableName, bool]]) -> Iterator[None]:
    """Hold ACCESS SHARE locks on the tables, and on the partitions of those that are not read alone, for the block."""
    session.execute("BEGIN READ ONLY")
    session.execute(lock_to_read(tables))
    try:
        yield
    finally:
        session.close()


def patience(lock_timeout_s: float) -> dict[str, str]:
    """The setting of a session that waits no longer than that for a lock."""
    return {"lock_timeout": f"{int(lock_timeout_s * 1000)}ms"}


def import_snapshot(session: Session, snapshot_id: str) -> None:
    """Begin a transaction that sees an exported snapshot. Raises StatementFailed when its holder is gone."""
    session.execute(_BEGIN)
    failpoint("before_import")
    session.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot_id)))


def _lock_and_begin(holder: Session, tables: Sequence[tuple[TableName, bool]]) -> None:
    holder.execute(_BEGIN)
    if tables:
        holder.execute(lock_to_read(tables))


class ReaderPool:
    """Sessions that all see one snapshot; opened when first needed, at most ``limit`` of them."""

    def __init__(
        self, database: Database, snapshot: Snapshot, *, limit: int, label: str, check: Callable[[], None]
    ) -> None:
        self._database = database
        self.snapshot = snapshot
        self.limit = limit
        self._label = label
        self._check = check
        self._idle: list[Session] = []
        self._opened = 0
        self._changed = threading.Condition()
        self.sessions: set[Session] = set()

    @property
    def snapshot_id(self) -> str:
        """The snapshot that all of them see."""
        return self.snapshot.id

    def acquire(self) -> Session:
        """Return a reader, waiting for one if the limit is reached; the pool's ``check`` may raise to give up."""
        while True:
            reader = self.try_acquire()
            if reader is not None:
                return reader
            with self._changed:
                self._changed.wait(0.2)
            self._check()

    def try_acquire(self) -> Session | None:
        """Return a reader now, or None."""
        with self._changed:
            if self._idle:
                return self._idle.pop()
            if self._opened >= self.limit:
                return None
            self._opened += 1
        try:
            return self._open()
        except BaseException:
            with self._changed:
                self._opened -= 1
            raise

    def release(self, reader: Session) -> None:
        """Give a reader back; one whose transaction broke is closed instead."""
        with self._changed:
            if reader.usable:
                self._idle.append(reader)
            else:
                reader.close()
                self.sessions.discard(reader)
                self._opened -= 1
            self._changed.notify_all()

    def adopt(self, session: Session) -> None:
        """Let a session that has nothing else to do any more be a reader: it knows the catalogs already."""
        set_config = "SELECT pg_catalog.set_config(%s, %s, false)"
        try:
            session.execute(set_config, ["application_name", f"{self._label} reader"])
            session.execute(set_config, ["lock_timeout", patience(self.snapshot.lock_timeout_s)["lock_timeout"]])
            import_snapshot(session, self.snapshot.id)
        except DbsyncError:  # it may have been lost while somebody thought about the plan
            session.close()
            return
        with self._changed:
            self.sessions.add(session)
            self._idle.append(session)
            self._opened += 1

    @contextmanager
    def lent(self, session: Session) -> Iterator[Session]:
        """Let a session of somebody else's see the snapshot for the block."""
        import_snapshot(session, self.snapshot.id)
        try:
            yield session
        finally:
            if session.connected:
                session.execute("ROLLBACK")

    @contextmanager
    def reader(self) -> Iterator[Session]:
        """Borrow a reader for the block."""
        session = self.acquire()
        try:
            yield session
        finally:
            self.release(session)

    def cancel(self) -> None:
        """Cancel whatever the readers run; callable from another thread."""
        for session in list(self.sessions):
            with suppress(DbsyncError):  # a session that is gone has nothing to cancel
                session.cancel()

    def close(self) -> None:
        """Close every reader."""
        for session in list(self.sessions):
            session.close()

    def _open(self) -> Session:
        settings = patience(self.snapshot.lock_timeout_s)
        session = self._database.connect(application_name=f"{self._label} reader", settings=settings, check=self._check)
        try:
            import_snapshot(session, self.snapshot.id)
        except BaseException:
            session.close()
            raise
        with self._changed:
            self.sessions.add(session)
        return session
