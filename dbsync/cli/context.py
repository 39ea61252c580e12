"""What a command gets: its options, its control, ways to tell and to ask, and its databases."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbsync.cli.call import Call
from dbsync.cli.options import GlobalOptions
from dbsync.cli.progress import progress_of
from dbsync.cli.terminal import is_terminal
from dbsync.config import Settings, load_settings
from dbsync.control import Control
from dbsync.errors import ConfigError
from dbsync.events import Emit, fan_out
from dbsync.guards import refuse_read_only
from dbsync.pg.database import Database, Session
from dbsync.references import resolve
from dbsync.store import StorePlace, holds_guards, is_missing, out_of_reach, store_place
from dbsync.urls import DatabaseUrl, Secret

if TYPE_CHECKING:
    from dbsync.cli.auditing import Audit
    from dbsync.cli.reporter import Reporter
    from dbsync.jobs.ticks import Tick
    from dbsync.quota import Quotas
    from dbsync.registry import Registry
    from dbsync.registry.lookup import SavedConnections


class Context:
    """One command's view of its call."""

    def __init__(self, *, call: Call, options: GlobalOptions, typed: frozenset[str] = frozenset()) -> None:
        """``typed``: the parameters that stood on the command line, whatever their values."""
        self._call = call
        self.typed = typed
        self.options = options
        self.tick: Tick | None = None  # the firing of a schedule that this is about

    def for_firing(self, tick: Tick, options: GlobalOptions) -> Context:
        """The view of this call that a firing has, with options of its own."""
        found = Context(call=self._call, options=options)
        found.tick = tick
        return found

    @property
    def control(self) -> Control:
        """The stop order: pass it to services; a graceful command calls ``check`` itself."""
        return self._call.control

    @cached_property
    def emit(self) -> Emit:
        """Where services report what happens: progress on stderr, lines in the log file."""
        emit, close = progress_of(self.options, self._call.journal)
        self._call.before_end.append(close)
        return fan_out(emit, self._call.note)

    @property
    def can_ask(self) -> bool:
        """Whether a person can be asked: a terminal on both sides, and not --no-input."""
        return not self.options.no_input and is_terminal(sys.stdin) and self._call.journal.terminal.interactive

    def confirm(self, question: str) -> bool:
        """Ask yes or no; only where ``can_ask``."""
        return self._call.journal.terminal.confirm(question)

    def warn(self, message: str, *, always: bool = False) -> None:
        """Warn on stderr and in the JSON document's ``warnings``; ``always``: under --quiet, too."""
        self._call.warn(message, always=always)

    def notice(self, message: str) -> None:
        """Say something on stderr, unless --quiet."""
        self._call.journal.notice(message)

    def keep(self, so_far: Callable[[], Any]) -> None:
        """Let this be the result of a call that fails, or is cut off, before its answer is there."""
        self._call.so_far = so_far

    def started(self) -> None:
        """The work itself begins now: what ``--heartbeat-url`` is told first."""
        self._call.start()

    def reporter(self, values: Mapping[str, Any]) -> Reporter:
        """What tells others of a run with these values of its options. Raises ConfigError where they cannot work."""
        from dbsync.cli.reporter import Reporter

        call = self._call
        return Reporter(values, redact=call.redact, warn=call.journal.warning, verbose=call.verbose)

    def stream(self, pieces: Iterable[str]) -> None:
        """Write lines to stdout as they come; each piece is out when this returns."""
        if self.options.outputs:
            raise ConfigError("--output holds one answer, and this goes on: use > FILE")
        self._call.stream(pieces)

    def audited(self, action: str, subject: str | None = None) -> Audit:
        """Let this call be an entry of the audit log, however it ends; ``subject``: what it is done to, else its end.

        What is said of the action later goes to the ``Audit`` that is returned.
        """
        from dbsync.cli.auditing import Audit

        audit = Audit(self._call, action, subject, lambda: self.store_place)
        if self.tick is None:  # the end of a worker's call tells nothing of a firing: its job's end is noted
            self._call.after_end.append(audit.conclude)
        return audit

    @cached_property
    def settings(self) -> Settings:
        """What the config file says; read when first needed."""
        return load_settings(self.options.config)

    @contextmanager
    def source(self, text: str) -> Iterator[Session]:
        """Open a read-only session on the database the user typed; it ends with the block."""
        database = self.database(text, read_only=True)
        with self.session(database) as session:
            self.describe(source=end_of(session))
            yield session

    @contextmanager
    def session(self, database: Database) -> Iterator[Session]:
        """Open a session that a stop cancels and the end of the block closes."""
        session = database.connect(check=self.control.check)
        for warning in session.warnings:
            self.warn(warning)
        try:
            with self.control.on_stop(session.cancel):
                yield session
        finally:
            session.close()

    def database(self, text: str, *, read_only: bool) -> Database:
        """Return the database that the user typed: a URL, or a name of the config file or of a saved connection."""
        url = resolve(text, self.settings, self._find_saved)
        for warning in url.warnings:
            self.warn(warning)
        self.learn(url.password)
        if not read_only:
            url = self._guarded(url, text)
            refuse_read_only(url)
        return Database(url, read_only=read_only)

    @property
    def store_place(self) -> StorePlace:
        """Where the store is: as the environment says, else the config file."""
        return store_place(self.settings.store.reveal() if self.settings.store is not None else None)

    @property
    def quotas(self) -> Quotas:
        """What each owner may have: as the environment says, else the config file."""
        return self.settings.quotas.overridden(os.environ)

    @contextmanager
    def registry(self, *, create: bool = False) -> Iterator[Registry]:
        """Open the saved connections."""
        from dbsync.registry import open_registry

        with open_registry(self.store_place, create=create) as registry:
            yield registry

    def learn(self, secret: Secret | None) -> None:
        """Mask this secret in whatever is said from now on."""
        if secret is not None:
            self._call.redact.learn(secret.reveal())

    def learn_from(self, text: str) -> None:
        """Mask the password in a text that may be a URL, however malformed."""
        self._call.redact.learn_from(text)

    @cached_property
    def _saved(self) -> SavedConnections | None:
        """The saved connections, open until the command ends; None, and SQLAlchemy not loaded, without a store."""
        place = self.store_place
        if is_missing(place):
            return None
        if out_of_reach(place):
            unknown = "saved connections and their guards are not known"
            self.warn(f"the store {place.name} cannot be looked at: {unknown}", always=True)
            return None
        from dbsync.registry.lookup import open_saved

        opened = ExitStack()
        self._call.before_end.append(opened.close)
        return opened.enter_context(open_saved(place))

    def look_up_saved(self, name: str) -> DatabaseUrl | None:
        """The saved connection of that name, to look at: nothing is started for it."""
        return self._saved.look(name) if self._saved is not None else None

    def guarded_by_saved(self, url: DatabaseUrl) -> DatabaseUrl:
        """Give a database the guards of the saved connections to the same place."""
        return guards.guarded(url) if (guards := self._guards) is not None else url

    def _find_saved(self, name: str) -> DatabaseUrl | None:
        return self._saved.find(name) if self._saved is not None else None

    def _guarded(self, url: DatabaseUrl, text: str) -> DatabaseUrl:
        """A target is held to the guards of the saved connections as well, however it is named."""
        if (guards := self._guards) is None:
            return url
        if text in self.settings.databases and text in guards.names():
            self.notice(f"{text} is both in {self.settings.path} and a saved connection: the file's is used")
        return guards.guarded(url)

    @property
    def _guards(self) -> SavedConnections | None:
        return self._saved if holds_guards(self.store_place) else None

    def describe(self, *, source: Mapping[str, Any] | None = None, target: Mapping[str, Any] | None = None) -> None:
        """Set the envelope's ends: {name, server_version, database}; also right when the command fails later."""
        self._call.report.source = source or self._call.report.source
        self._call.report.target = target or self._call.report.target


def end_of(session: Session) -> dict[str, Any]:
    """Return one end for the envelope."""
    (version, database) = session.one(
        "SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_database()"
    )
    return {"name": session.url.name, "server_version": version.split(" ")[0], "database": database}
