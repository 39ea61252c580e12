"""Open the store and give out its transactions; the border where the engines' errors become ours."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from dbsync.errors import ConfigError, ConnectionFailed, DbsyncError, Refused
from dbsync.failpoints import failpoint
from dbsync.pg.cursors import OneStatement
from dbsync.pg.database import Database
from dbsync.store import tables
from dbsync.store.place import StorePlace

HEAD = "0002"  # the revision that this dbsync works with; a test holds it to the migrations
UPGRADE_LOCK = (1684173689, 3)  # "dbsy", 3: who writes shares it, who makes or upgrades the store has it alone
_BUSY_S = 15.0
_WRITES = "dbsync_writes"
_SETTINGS = {"statement_timeout": "30s", "lock_timeout": "15s", "idle_in_transaction_session_timeout": "8s"}
_version = sa.Table("alembic_version", sa.MetaData(schema=tables.SCHEMA), sa.Column("version_num", sa.Text))


class Store:
    """An open store. Safe to use from several threads; each call is a transaction of its own."""

    def __init__(self, place: StorePlace, engine: sa.Engine) -> None:
        self.place = place
        self._engine = engine
        self._watching: sqlite3.Connection | None = None
        self._watch = threading.Lock()

    @property
    def is_postgres(self) -> bool:
        """Whether several machines can share it."""
        return self.place.url is not None

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction that may write: committed at the end of the block, undone on any exception.

        In SQLite it waits for its turn at once, so that what it reads stays true. Raises Refused when another
        dbsync has upgraded the store since it was opened; none does so before the end of the block.
        """
        with _translated(self.place), self._engine.execution_options(**{_WRITES: True}).begin() as connection:
            if self.is_postgres:  # a statement of its own: the next one sees what was committed while this one waited
                connection.execute(sa.select(sa.func.pg_catalog.pg_advisory_xact_lock_shared(*UPGRADE_LOCK)))
            if connection.scalar(sa.select(_version.c.version_num)) != HEAD:
                raise of_another_version(self.place)
            yield connection
            failpoint("before_store_commit")

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One transaction that only reads."""
        with self._explained(), _translated(self.place), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """One transaction that only reads, and sees one state of the store however often it asks."""
        level = {"isolation_level": "REPEATABLE READ"} if self.is_postgres else {}
        with self._explained(), _translated(self.place), self._engine.execution_options(**level).begin() as connection:
            yield connection

    def now(self, connection: sa.Connection) -> float:
        """Seconds since 1970 by the clock that all users of the store share."""
        if not self.is_postgres:
            return time.time()
        return float(connection.scalar(sa.text("SELECT extract(epoch FROM pg_catalog.clock_timestamp())")) or 0.0)

    def version(self) -> int | None:
        """A number that changes when anybody has committed anything; None where nobody knows without asking more.

        It takes a hundredth of the time of any other question.
        """
        if self.place.file is None:
            return None
        with self._watch:
            try:
                if self._watching is None:
                    self._watching = sqlite3.connect(self.place.file, timeout=_BUSY_S, check_same_thread=False)
                return int(self._watching.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error:
                return None  # whoever asks something else hears why

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()
        with self._watch:
            if self._watching is not None:
                self._watching.close()
                self._watching = None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What a newer dbsync has made of the tables may be what a query does not find: then that is said."""
        try:
            yield
        except DbsyncError as error:
            missing = exc.ProgrammingError if self.is_postgres else exc.OperationalError
            if isinstance(error.__cause__, missing) and self._is_of_another_version():
                raise of_another_version(self.place) from error
            raise

    def _is_of_another_version(self) -> bool:
        try:
            return _revision(self._engine) not in (None, HEAD)
        except (exc.SQLAlchemyError, DbsyncError):  # what went wrong first is the better answer
            return False


def open_store(place: StorePlace, *, create: bool = True) -> Store:
    """Open the store, made or upgraded where that is needed. Raises Refused for one that a newer dbsync made.

    With ``create=False`` a store that is not there is a ConfigError.
    """
    if place.file is not None:
        _prepare_file(place.file, create=create)
    engine = _engine(place)
    try:
        with _translated(place):
            revision = _revision(engine)
            if revision is None and not create:
                raise _missing(place.name)
            if revision != HEAD:
                from dbsync.store.upgrade import upgrade

                upgrade(place, engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(place, engine)


def _missing(name: str) -> ConfigError:
    return ConfigError(f"there is no store at {name}", code="NO_STORE", hint="nothing was kept yet")


def of_another_version(place: StorePlace) -> Refused:
    """The refusal of a store that this dbsync does not know."""
    return Refused(
        f"the store {place.name} belongs to another version of dbsync",
        code="STORE_NEWER",
        hint="use the newest dbsync that has opened it",
    )


def _prepare_file(file: Path, *, create: bool) -> None:
    """Make sure that nobody else can read what is kept: the file is this user's, and was made so."""
    try:
        if create:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileExistsError):
                os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        status = file.stat()
    except FileNotFoundError:
        raise _missing(str(file)) from None
    except OSError as error:
        raise DbsyncError(
            f"the store {file} cannot be opened: {(error.strerror or '').lower()}", code="STORE_FAILED"
        ) from None
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise Refused(
            f"the store {file} may be read or written by other users",
            code="STORE_NOT_PRIVATE",
            hint=f"chmod 600 {file}, or name another one by DBSYNC_STORE",
        )


def _engine(place: StorePlace) -> sa.Engine:
    if place.url is None:
        engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(place.file)), connect_args={"timeout": _BUSY_S}
        ).execution_options(schema_translate_map={tables.SCHEMA: None})
        event.listen(engine, "connect", _pin_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    database = Database(place.url)

    def connect() -> Any:
        try:
            raw = database.connect(application_name="dbsync store", settings=_SETTINGS).raw
        except ConnectionFailed as error:
            error.code = "STORE_FAILED"  # not one of the databases that a command or a request names
            raise
        raw.autocommit = False  # SQLAlchemy begins and ends transactions
        raw.cursor_factory = OneStatement
        return raw

    return sa.create_engine("postgresql+psycopg://", creator=connect, pool_pre_ping=True, pool_recycle=300)


def _pin_sqlite(connection: Any, _record: Any) -> None:
    """Transactions are ours; what is committed is on the disk; references between rows hold.

    While another process closes the file it is locked in a way that SQLite's own patience does not cover.
    """
    connection.isolation_level = None
    deadline = time.monotonic() + _BUSY_S
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        while True:
            try:
                connection.execute(f"PRAGMA {pragma}")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _revision(engine: sa.Engine) -> str | None:
    with engine.begin() as connection:
        if not sa.inspect(connection).has_table(
            _version.name, schema=tables.SCHEMA if engine.dialect.name == "postgresql" else None
        ):
            return None
        return connection.scalar(sa.select(_version.c.version_num))


@contextmanager
def _translated(place: StorePlace) -> Iterator[None]:
    """Turn the engines' errors into ours; their texts hold statements and values, which are not repeated."""
    try:
        yield
    except exc.IntegrityError as error:
        raise DbsyncError(
            f"the store {place.name} refused a row that contradicts others", code="STORE_CONFLICT"
        ) from error
    except exc.DBAPIError as error:
        reason = _reason(error)
        raise DbsyncError(
            f"the store {place.name} failed: {reason}", code="STORE_FAILED", hint="check its disk and its server"
        ) from error
    except UnicodeEncodeError:  # an argument that was no text
        raise ConfigError("the store takes UTF-8 text only", hint="write names and conditions in UTF-8") from None
    except exc.TimeoutError:
        raise DbsyncError(f"the store {place.name} has no connection left", code="STORE_FAILED") from None


def _reason(error: exc.DBAPIError) -> str:
    diagnostic = getattr(error.orig, "diag", None)
    if diagnostic is not None:
        return str(diagnostic.message_primary or "the connection was lost")
    return str(error.orig)  # SQLite's sentences hold no values
