"""What ``dbsync config check`` looks at: every name resolved as a run would, but nothing connected, started or run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

from dbsync.cli.profiles import profile_defaults
from dbsync.config import ConfiguredDatabase, ConfiguredSync, Settings
from dbsync.errors import ConfigError, DbsyncError, ProtectedTarget
from dbsync.guards import refuse_read_only
from dbsync.named_sync import options_of, time_limit_of
from dbsync.outcome.failure_command import FailureCommand
from dbsync.outcome.heartbeat import Heartbeat
from dbsync.references import expand, may_be_saved, resolve, resolve_configured, shown
from dbsync.store.place import VARIABLE, store_place
from dbsync.urls import DatabaseUrl

_ACTIVE = ("cmd:", "local:")  # resolving them runs a program or starts a server


@dataclass(frozen=True, slots=True)
class Saved:
    """What is asked of the saved connections: what a name or an id means, and who guards a place."""

    look: Callable[[str], DatabaseUrl | None]
    guarded: Callable[[DatabaseUrl], DatabaseUrl]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    kind: str
    name: str
    ok: bool
    detail: str
    hint: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-safe data."""
        return asdict(self)


def checks(settings: Settings, saved: Saved) -> list[Check]:
    """Look at everything that the file names."""
    return list(_checks(settings, saved))


def _checks(settings: Settings, saved: Saved) -> Iterator[Check]:
    for entry in settings.databases.values():
        yield _check("database", entry.name, partial(_database, entry, settings))
    for job in settings.syncs.values():
        yield _check("sync", job.name, partial(_sync, job, settings, saved))
    for name in settings.profiles:
        yield _check("profile", name, partial(_profile, name, settings))
    if settings.store is not None:
        yield _check("store", "store", partial(_store, settings))


def _check(kind: str, name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(kind=kind, name=name, ok=True, detail=look())
    except DbsyncError as error:
        return Check(kind=kind, name=name, ok=False, detail=error.message, hint=error.hint)


def _database(entry: ConfiguredDatabase, settings: Settings) -> str:
    reference = _reference(entry)
    if reference.startswith(_ACTIVE):
        return f"{shown(reference)}, left alone: using it would run a program or start a server"
    return resolve_configured(entry, settings).redacted()


def _reference(entry: ConfiguredDatabase) -> str:
    """What the entry leads to, as a run would read it; nothing where its variables are not set, as resolving tells."""
    with suppress(ConfigError):
        return expand(entry.reference.reveal()) if entry.reference is not None else ""
    return ""


def _sync(job: ConfiguredSync, settings: Settings, saved: Saved) -> str:
    unseen: list[str] = []
    for end, text in (("source", job.source), ("target", job.target)):
        try:
            unseen += _end(text, settings, saved, written=end == "target")
        except DbsyncError as error:
            raise ConfigError(f"{end}: {error.message}", hint=error.hint) from None
    options_of(job)
    time_limit_of(job)
    if job.heartbeat_url is not None:
        Heartbeat.parse(expand(job.heartbeat_url.reveal()))
    if job.on_failure is not None:
        FailureCommand.parse(job.on_failure)
    schedule = f", {job.schedule.cron} {job.schedule.timezone}" if job.schedule is not None else ""
    return "; ".join([f"{shown(job.source)} to {shown(job.target)}{schedule}", *unseen])


def _end(text: str, settings: Settings, saved: Saved, *, written: bool) -> Iterator[str]:
    """Look at one end as a run would; say what could not be looked at.

    A name must be known; whether its database can be resolved is told of the database.
    """
    entry = settings.databases.get(text)
    if entry is not None and written and entry.read_only:
        raise ConfigError(f"{text} is read_only: it can never be a target")
    reference = text if entry is None else _reference(entry)
    if reference.startswith(_ACTIVE):
        if written:
            yield from _unresolved([entry] if entry is not None else _same_text(text, settings))
        return
    kind = _store_kind(settings)
    if entry is None and kind == "database" and may_be_saved(text):
        yield f"{text}: not looked up, the store is a database"  # to look it up would connect
        return
    try:
        url = resolve(text, settings, saved.look if kind == "file" else lambda _: None)
    except ConfigError:
        if entry is None:
            raise
        if written:
            yield from _unresolved([entry])
        return
    if not written:
        return
    if kind == "file":
        url = saved.guarded(url)
    elif kind == "database":
        yield f"{shown(text)}: guards of saved connections not looked up, the store is a database"
    refuse_read_only(url)
    if url.needs_confirmation:
        yield _needs(url.confirmation)


def _needs(name: str) -> str:
    return f"each run needs --confirm {name}"


def _unresolved(entries: list[ConfiguredDatabase]) -> list[str]:
    """The guards that entries give a target are known without what they lead to."""
    names = [entry.name for entry in entries if entry.protected or entry.environment == "production"]
    return [_needs(name) for name in names[:1]]


def _same_text(text: str, settings: Settings) -> list[ConfiguredDatabase]:
    """What is left alone is compared with the entries by its text, as a run does, too. Raises for a read-only one."""
    same = [entry for entry in settings.databases.values() if _reference(entry) == text]
    for entry in same:
        if entry.read_only:
            raise ProtectedTarget(f"{shown(text)} (configured as {entry.name}) is marked read_only")
    return same


def _store_kind(settings: Settings) -> Literal["file", "database"] | None:
    """What the saved connections are kept in; None where the store's own check has something to say."""
    configured = settings.store.reveal() if settings.store is not None else None
    if _of_variable(os.environ.get(VARIABLE) or configured or "").startswith(_ACTIVE):
        return "database"
    try:
        return "file" if store_place(configured).file is not None else "database"
    except ConfigError:
        return None


def _of_variable(text: str) -> str:
    """What the store's place reads in place of ``env:VAR``, which may be ``cmd:`` in turn."""
    return os.environ.get(text.removeprefix("env:"), "").strip() if text.startswith("env:") else text


def _profile(name: str, settings: Settings) -> str:
    options = profile_defaults(settings.path, name)
    return ", ".join(options) or "empty"


def _store(settings: Settings) -> str:
    assert settings.store is not None
    text = settings.store.reveal()
    if _of_variable(text).startswith(_ACTIVE):
        return f"{shown(text)}, left alone: using it would run a program or start a server"
    return store_place(text, {name: value for name, value in os.environ.items() if name != VARIABLE}).name
