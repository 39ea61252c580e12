"""The config file ``dbsync.yaml``: named databases, named syncs and profiles, as frozen values.

Found upwards from the working directory, else in the user's config directory. Every key that is not
known is an error with its line. Nothing is resolved here: ``dbsync.references`` does that when asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dbsync.errors import ConfigError
from dbsync.home import own_file
from dbsync.quantities import parse_duration
from dbsync.quota import NO_QUOTAS, Quota, Quotas, parse_limit
from dbsync.urls import ALLOWED_PARAMETERS, Secret

if TYPE_CHECKING:
    from dbsync.schedule import Schedule
    from dbsync.strict_yaml import Section

T = TypeVar("T")

FILE_NAME = "dbsync.yaml"
ENVIRONMENTS = ("production", "staging", "development")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}\Z")
# Given on the command line each time, or not at all.
_CONSENT = ("yes", "confirm", "write", "unproved", "allow_hazard")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredDatabase:
    """An entry under ``databases``: a reference (a URL, ``env:VAR``, ``service=NAME``...) and parameters on top."""

    name: str
    line: int
    reference: Secret | None = None
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: str | None = None
    protected: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredSync:
    """An entry under ``syncs``: the options of ``dbsync sync --name``; None where the file says nothing."""

    name: str
    source: str
    target: str
    tables: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    map: Mapping[str, str] = field(default_factory=dict)
    mode: str | None = None
    delete: bool | None = None
    max_delete: str | None = None
    jobs: int | None = None
    chunk_size: str | None = None
    max_rate: str | None = None
    verify: str | None = None
    triggers: str | None = None
    drop_indexes: bool | None = None
    cursor: Mapping[str, str] = field(default_factory=dict)
    on_locked: str | None = None
    on_drift: str | None = None
    on_row_error: str | None = None
    no_ledger: bool | None = None
    full_compare: bool | None = None
    create: bool | None = None
    priority: int | None = None
    timeout: str | None = None
    summary_file: str | None = None
    metrics_file: str | None = None
    heartbeat_url: Secret | None = None
    on_failure: str | None = None
    schedule: Schedule | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An entry under ``profiles``: defaults by option name (with underscores), and each one's line."""

    name: str
    options: Mapping[str, Any]
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a config file says; empty where there is none."""

    path: Path | None = None
    project: str = ""  # whose schedules these are, where several projects share a store
    databases: Mapping[str, ConfiguredDatabase] = field(default_factory=dict)
    syncs: Mapping[str, ConfiguredSync] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    store: Secret | None = None
    quotas: Quotas = NO_QUOTAS

    def schedules(self) -> dict[str, Schedule]:
        """The schedules of the syncs that have one, by the sync's name."""
        return {name: sync.schedule for name, sync in self.syncs.items() if sync.schedule is not None}

    def sync(self, name: str) -> ConfiguredSync:
        """Return a sync by name; raise ConfigError with the nearest names else."""
        return _named(self.syncs, name, "sync", self.path)

    def profile(self, name: str) -> Profile:
        """Return a profile by name; raise ConfigError with the nearest names else."""
        return _named(self.profiles, name, "profile", self.path)


def load_settings(path: Path | str | None = None, *, start: Path | None = None) -> Settings:
    """Read the given file, else the nearest one; settings without a file are empty."""
    chosen = Path(path) if path is not None else find_config(start or Path.cwd())
    if chosen is None:
        return Settings()
    try:
        data = chosen.read_bytes()
    except OSError as error:
        raise ConfigError(f"the config file {chosen} cannot be read: {(error.strerror or '').lower()}") from None
    return parse_settings(data, chosen)


def find_config(start: Path) -> Path | None:
    """Return the nearest ``dbsync.yaml`` from ``start`` upwards, else the user's, else None.

    A file found so may run commands (``cmd:``) and name targets: one that another user could have
    planted is refused. A folder that cannot be searched has none: nobody named it.
    """
    named = os.environ.get("XDG_CONFIG_HOME")
    home = Path(named) if named else own_file(".config")
    folders = (start, *start.parents, *([home / "dbsync"] if home else []))
    found = next((folder / FILE_NAME for folder in folders if os.path.isfile(folder / FILE_NAME)), None)
    if found is None:
        return None
    status = found.stat()
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o002:
        raise ConfigError(
            f"{found} could have been written by another user", hint=f"check it, then name it: -c {found}"
        )
    return found


def parse_settings(data: bytes, path: Path) -> Settings:
    """Read a config file's bytes; raise ConfigError with the line of the first fault."""
    from dbsync.strict_yaml import read_yaml  # the YAML library is loaded only where there is a file

    top = read_yaml(data, str(path))
    version = top.integer("version")
    if version not in (None, 1):
        raise top.error("must be 1; a newer dbsync may read this file", "version")
    settings = Settings(
        path=path,
        project=_project(top),
        databases=top.each("databases", _database),
        syncs=top.each("syncs", _sync),
        profiles=top.each("profiles", _profile),
        store=_store(top.section("store")),
        quotas=_quotas(top.section("quotas")),
    )
    top.finish()
    return settings


def _project(top: Section) -> str:
    name = top.text("project")
    if name is not None and not _NAME.match(name):
        raise top.error("has letters, digits, _, - and . only", "project")
    return name or ""


def _database(name: str, section: Section) -> ConfiguredDatabase:
    if not _NAME.match(name):
        raise section.error("the name of a database has letters, digits, _, - and . only")
    url, service = section.text("url"), section.text("service")
    if url is not None and service is not None:
        raise section.error("has both url and service", "service")
    parameters = {key: section.text(key) for key in ALLOWED_PARAMETERS}
    reference = url if url is not None else f"service={service}" if service is not None else None
    found = ConfiguredDatabase(
        name=name,
        line=section.line,
        reference=Secret(reference) if reference is not None else None,
        parameters={key: value for key, value in parameters.items() if value is not None},
        environment=section.choice("environment", ENVIRONMENTS),
        protected=section.flag("protected") or False,
        read_only=section.flag("read_only") or False,
    )
    section.finish()
    if reference is None and "host" not in found.parameters:
        raise section.error("needs a url, a service or a host")
    return found


def _sync(name: str, section: Section) -> ConfiguredSync:
    if not _NAME.match(name):
        raise section.error("the name of a sync has letters, digits, _, - and . only")
    found = ConfiguredSync(
        name=name,
        source=_required(section, "source"),
        target=_required(section, "target"),
        tables=section.texts("tables"),
        exclude=section.texts("exclude"),
        where=_texts_by_key(section, "where"),
        columns=_lists_by_key(section, "columns"),
        map=_texts_by_key(section, "map"),
        mode=section.choice("mode", ("delta", "replace", "append", "cursor")),
        delete=section.flag("delete"),
        max_delete=section.text("max_delete"),
        jobs=section.integer("jobs"),
        chunk_size=section.text("chunk_size"),
        max_rate=section.text("max_rate"),
        verify=section.choice("verify", ("checksum", "count", "none")),
        triggers=section.choice("triggers", ("off", "keep")),
        drop_indexes=section.flag("drop_indexes"),
        cursor=_texts_by_key(section, "cursor"),
        on_locked=section.choice("on_locked", ("fail", "wait", "skip")),
        on_drift=section.choice("on_drift", ("fail", "ignore")),
        on_row_error=section.choice("on_row_error", ("fail", "quarantine")),
        no_ledger=section.flag("no_ledger"),
        full_compare=section.flag("full_compare"),
        create=section.flag("create"),
        priority=section.integer("priority"),
        timeout=section.text("timeout"),
        summary_file=section.text("summary_file"),
        metrics_file=section.text("metrics_file"),
        heartbeat_url=Secret(ping) if (ping := section.text("heartbeat_url")) is not None else None,
        on_failure=section.text("on_failure"),
        schedule=_schedule(section.section("schedule")),
        line=section.line,
    )
    section.finish()
    return found


def _schedule(section: Section | None) -> Schedule | None:
    if section is None:
        return None
    from dbsync.schedule.model import GRACE_S, MISFIRES, OVERLAPS, Schedule

    facts: dict[str, Any] = {
        "cron": _required(section, "cron"),
        "timezone": section.text("timezone") or "UTC",
        "overlap": section.choice("overlap", OVERLAPS) or "skip",
        "misfire": section.choice("misfire", MISFIRES) or "skip",
        "grace_s": _duration(section, "grace") or GRACE_S,
        "jitter_s": _duration(section, "jitter") or 0.0,
        "timeout_s": _duration(section, "timeout"),
    }
    section.finish()
    try:
        return Schedule(**facts)
    except ConfigError as error:
        key = next(
            (key for key, word in (("timezone", "time zone"), ("jitter", "jitter")) if word in error.message), "cron"
        )
        raise _placed(section, error, key) from None


def _store(section: Section | None) -> Secret | None:
    if section is None:
        return None
    url = _required(section, "url")
    section.finish()
    return Secret(url)


def _quotas(section: Section | None) -> Quotas:
    if section is None:
        return NO_QUOTAS
    found = Quotas(owners=section.each("owners", lambda _, one: _quota(one)), everybody=_quota(section))
    section.finish()
    return found


def _quota(section: Section) -> Quota:
    limits: dict[str, int] = {}
    for field_ in fields(Quota):
        text = section.text(field_.name)
        try:
            limits |= {field_.name: parse_limit(field_.name, text)} if text is not None else {}
            quota = Quota(**limits)
        except ConfigError as error:
            raise _placed(section, error, field_.name) from None
    if "owners" not in section:
        section.finish()
    return quota


def _duration(section: Section, key: str) -> float | None:
    text = section.text(key)
    try:
        return None if text is None else parse_duration(text)
    except ConfigError as error:
        raise _placed(section, error, key) from None


def _placed(section: Section, error: ConfigError, key: str) -> ConfigError:
    """The same error with the place in the file."""
    placed = section.error(error.message, key)
    placed.hint = error.hint
    return placed


def _profile(name: str, section: Section) -> Profile:
    options: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key in section:
        option = key.replace("-", "_")
        if option in _CONSENT:
            raise section.error("is consent, which is given on the command line only", key)
        options[option], lines[option] = section.value(key), section.line_of(key)
    return Profile(name=name, options=options, lines=lines)


def _required(section: Section, key: str) -> str:
    found = section.text(key)
    if not found:
        raise section.error(f"needs a {key}")
    return found


def _texts_by_key(section: Section, key: str) -> dict[str, str]:
    inner = section.section(key)
    return {name: _required(inner, name) for name in inner} if inner is not None else {}


def _lists_by_key(section: Section, key: str) -> dict[str, tuple[str, ...]]:
    inner = section.section(key)
    return {name: inner.texts(name) or () for name in inner} if inner is not None else {}


def _named(found: Mapping[str, T], name: str, what: str, path: Path | None) -> T:
    if name in found:
        return found[name]
    near = get_close_matches(name, found, n=3)
    if path is None:
        raise ConfigError(f"there is no {what} named {name!r}", hint="no dbsync.yaml was found; use -c FILE")
    raise ConfigError(
        f"{path} has no {what} named {name!r}",
        hint=f"did you mean {' or '.join(near)}?" if near else f"it has: {', '.join(sorted(found)) or 'none'}",
    )
