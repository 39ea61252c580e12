"""What a user types to name a database, made a DatabaseUrl: a URL, ``service=``, ``env:``, ``file:``, ``cmd:``,
``local:`` or a name, from the config file or of a saved connection.

Text is repeated in a message only where it cannot hold a password.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from dbsync.child_environment import child_environment
from dbsync.config import ConfiguredDatabase, Settings
from dbsync.errors import ConfigError, DbsyncError
from dbsync.home import expanded
from dbsync.service_file import read_service
from dbsync.urls import DatabaseUrl, database_url, parse_url
from dbsync.whereabouts import those_at

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}\Z")
_SAVED = re.compile(r"[^@:/\\=]{1,255}\Z")  # what a saved connection may be called
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_EXPANSION = re.compile(r"\$\{([^}]*)\}")
PREFIXES = ("env:", "file:", "cmd:", "local:", "service=")
_PLACE = frozenset({"host", "port"})  # on top of local: they would lead elsewhere, and no consent is asked for there
_COMMAND_TIMEOUT_S = 30
_MAX_SECRET_BYTES = 64 * 1024
_FORMS = "write a URL, service=NAME, env:VAR, file:PATH, cmd:COMMAND, local:NAME or the name of an entry"


def resolve(
    text: str, settings: Settings, registered: Callable[[str], DatabaseUrl | None] = lambda name: None
) -> DatabaseUrl:
    """Return the database that ``text`` names; its ``warnings`` are for the user. Raises ConfigError.

    ``registered`` looks a name up in the connection registry; it is asked only for names that the config file
    does not have. What is not named by the file is held to the guards of the file's entry for the same place.
    """
    if text in settings.databases:
        return resolve_configured(settings.databases[text], settings)
    if may_be_saved(text) and (found := registered(text)) is not None:
        return _guarded_by_place(found, text, settings)
    url = _resolve_reference(text, settings)
    if "://" in text and url.password is not None:
        warning = "a password on the command line is seen by every user of this machine; use env:VAR or dbsync.yaml"
        url = replace(url, warnings=(*url.warnings, warning))
    return _guarded_by_place(url, text, settings)


def may_be_saved(text: str) -> bool:
    """Whether the connection registry is asked for this text, where the config file does not have it."""
    return _SAVED.match(text) is not None


def resolve_configured(entry: ConfiguredDatabase, settings: Settings) -> DatabaseUrl:
    """Return the database of a config entry: its reference with the entry's own parameters on top."""
    base = None
    try:
        if entry.reference is not None:
            base = _resolve_reference(expand(entry.reference.reveal()), settings, in_config=True)
        return _of_entry(entry, base)
    except ConfigError as error:
        error.message = f"{settings.path}, line {entry.line}: databases.{entry.name}: {error.message}"
        error.args = (error.message,)
        raise


def _of_entry(entry: ConfiguredDatabase, base: DatabaseUrl | None) -> DatabaseUrl:
    if base is not None and base.local and not _PLACE.isdisjoint(entry.parameters):
        raise ConfigError(
            "host and port cannot be put on top of local:NAME", hint="leave them out, or write the server's URL"
        )
    inherited = base.parameters() if base is not None else {}
    return replace(
        database_url(inherited | dict(entry.parameters), name=entry.name),
        local=base is not None and base.local,
        environment=entry.environment,
        protected=entry.protected,
        read_only=entry.read_only,
        configured_as=entry.name,
    )


def _resolve_reference(text: str, settings: Settings, *, in_config: bool = False) -> DatabaseUrl:
    prefix = next((prefix for prefix in PREFIXES if text.startswith(prefix)), None)
    if prefix is None:
        if _NAME.match(text) and not in_config:
            raise _unknown_name(text, settings)
        if "://" not in text and not text.startswith(("postgres:", "postgresql:", "postgresql+", "postgres+")):
            raise ConfigError("this names no database", hint=_FORMS)
        return parse_url(text)
    rest = text[len(prefix) :]
    if prefix == "local:":
        return _local(rest)
    if prefix == "service=":
        return database_url(read_service(_checked(rest, _NAME, prefix)), name=text)
    if prefix == "env:":
        found = _from_environment(_checked(rest, _VARIABLE, prefix))
        name = text
    elif prefix == "file:":
        found, name = _from_file(rest), text
    else:
        found, name = _from_command(rest)
    if found.startswith(PREFIXES) or "://" not in found:
        raise ConfigError(f"what {name} gives is not a URL", hint="it must be postgresql://user@host/database")
    try:
        return replace(parse_url(found), name=name)
    except ConfigError as error:
        raise ConfigError(f"what {name} gives is no usable URL: {error.message}", hint=error.hint) from None


def _checked(text: str, pattern: re.Pattern[str], prefix: str) -> str:
    if not pattern.match(text):
        raise ConfigError(f"what follows {prefix} is not a name", hint=f"write {prefix}NAME")
    return text


def _local(name: str) -> DatabaseUrl:
    import dbsync.local  # slow to load, and only needed here

    url = parse_url(dbsync.local.resolve(_checked(name, _NAME, "local:")))
    return replace(url, name=f"local:{name}", local=True)


def _from_environment(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError(f"the environment variable {variable} is not set", hint=f"export {variable}=postgresql://...")
    return value


def _from_file(path: str) -> str:
    if "@" in path or "://" in path or "\0" in path or not path:
        raise ConfigError("what follows file: is not a path", hint="write file:PATH")
    try:
        with expanded(path).open("rb") as file:
            return _text(file.read(_MAX_SECRET_BYTES + 1), f"file:{path}")
    except OSError as error:
        raise ConfigError(f"the file {path} cannot be read: {(error.strerror or '').lower()}") from None


def _from_command(command: str) -> tuple[str, str]:
    """Run a command without a shell; return what it printed, and a name that shows no argument."""
    try:
        words = shlex.split(command)
    except ValueError:
        raise ConfigError("the command after cmd: has an open quote") from None
    if not words or not re.match(r"[\w./+-]+\Z", words[0]):
        raise ConfigError("what follows cmd: does not begin with the name of a program", hint="write cmd:COMMAND")
    name = f"cmd:{Path(words[0]).name}"
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
            env=child_environment(),
        )
    except FileNotFoundError:
        raise ConfigError(f"{name}: there is no such program") from None
    except (OSError, ValueError):
        raise ConfigError(f"{name}: the program cannot be run") from None
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{name}: the program did not end within {_COMMAND_TIMEOUT_S} s") from None
    if done.returncode != 0:
        raise ConfigError(
            f"{name}: the program ended with exit code {done.returncode}",
            hint="run it by hand to see why; its output is not shown, it may hold a secret",
        )
    return _text(done.stdout, name), name


def _text(data: bytes, name: str) -> str:
    if len(data) > _MAX_SECRET_BYTES:
        raise ConfigError(f"what {name} gives is too long for a URL")
    try:
        return data.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ConfigError(f"what {name} gives is not UTF-8") from None


def expand(text: str) -> str:
    """Replace ``${VAR}`` by the variable's value."""

    def value(match: re.Match[str]) -> str:
        if not _VARIABLE.match(match[1]):
            raise ConfigError("${...} does not hold the name of a variable", hint="write ${VAR}")
        if match[1] not in os.environ:
            raise ConfigError(f"the environment variable {match[1]} is not set")
        return os.environ[match[1]]

    return _EXPANSION.sub(value, text)


def shown(text: str) -> str:
    """A way to name a database as it may be shown: without a password, a command without its arguments."""
    if text.startswith("cmd:"):
        program, *arguments = text.removeprefix("cmd:").split() or [""]
        return f"cmd:{program}{' ***' if arguments else ''}"
    if text.startswith(PREFIXES) or _NAME.match(text) or text.startswith("sqlite:///"):
        return text
    try:
        return parse_url(text).redacted()
    except ConfigError:
        return "***"


def variables_of(settings: Settings, sync: str) -> tuple[str, ...]:
    """The environment variables that a sync of the config file needs: their names only."""
    heartbeat = settings.sync(sync).heartbeat_url
    texts = [*_references_of(settings, sync), *([heartbeat.reveal()] if heartbeat is not None else [])]
    return tuple(dict.fromkeys(name for text in texts for name in _variables_in(text)))


def uses_embedded(settings: Settings, sync: str) -> bool:
    """Whether a sync of the config file needs a server of dbsync's own, as far as that can be told from here."""
    return any(_as_read(text).startswith("local:") for text in _references_of(settings, sync))


def _as_read(text: str) -> str:
    with suppress(ConfigError):  # set where the sync will run
        return expand(text)
    return text


def _references_of(settings: Settings, sync: str) -> Iterator[str]:
    """What the ends of a sync and the store are given as."""
    job = settings.sync(sync)
    for text in (job.source, job.target):
        entry = settings.databases.get(text)
        yield entry.reference.reveal() if entry is not None and entry.reference is not None else text
    if settings.store is not None:
        yield settings.store.reveal()


def _variables_in(text: str) -> list[str]:
    if text.startswith("env:"):
        return [text.removeprefix("env:")] if _VARIABLE.match(text.removeprefix("env:")) else []
    return [name for name in _EXPANSION.findall(text) if _VARIABLE.match(name)]


def running_local(reference: str) -> DatabaseUrl:
    """The database that ``local:NAME`` means, if its server runs, else ConfigError: none is started."""
    import dbsync.local  # slow to load, and only needed here

    return parse_url(dbsync.local.url(reference.removeprefix("local:")))


def _guarded_by_place(url: DatabaseUrl, text: str | None, settings: Settings) -> DatabaseUrl:
    """Give a database reached otherwise than by its name the guards of the configured one at the same place."""
    for one in guards_at(url, text, settings):
        url = url.guarded_as(one)
    return url


def guarded_by_file(url: DatabaseUrl, typed: str | None, settings: Settings) -> DatabaseUrl:
    """Give a database that was kept the guards which the config file has for it now.

    They are those of the entry whose name was typed for it, else those of its place.
    """
    entry = settings.databases.get(typed) if typed is not None else None
    return url.guarded_as(_labels_of(entry)) if entry is not None else _guarded_by_place(url, typed, settings)


def _labels_of(entry: ConfiguredDatabase) -> DatabaseUrl:
    """An entry's guards, wherever it leads: it may be known only by running a command."""
    return DatabaseUrl(
        name=entry.name,
        environment=entry.environment,
        protected=entry.protected,
        read_only=entry.read_only,
        configured_as=entry.name,
    )


def guards_at(url: DatabaseUrl, text: str | None, settings: Settings) -> list[DatabaseUrl]:
    """Return the guarded entries of the config file at the place where ``url`` leads, which was given as ``text``.

    Entries that cannot be resolved now, or only by running a command, cannot be compared.
    """
    known: list[DatabaseUrl] = []
    for entry in filter(_is_guarded, settings.databases.values()):
        with suppress(DbsyncError):
            known += _at_rest(entry, url, text, settings)
    return those_at(url, known)


def _at_rest(entry: ConfiguredDatabase, url: DatabaseUrl, text: str | None, settings: Settings) -> list[DatabaseUrl]:
    """The database of an entry, without running a command or starting a server for it.

    ``url`` is what ``text`` was found to mean; it means the same in the entry.
    """
    reference = expand(entry.reference.reveal()) if entry.reference is not None else ""
    if reference == text:
        return [_of_entry(entry, url)]
    if reference.startswith("local:"):
        return [_of_entry(entry, running_local(reference))]
    return [] if reference.startswith("cmd:") else [resolve_configured(entry, settings)]


def _is_guarded(entry: ConfiguredDatabase) -> bool:
    return entry.protected or entry.read_only or entry.environment == "production"


def _unknown_name(name: str, settings: Settings) -> ConfigError:
    near = get_close_matches(name, settings.databases, n=3)
    if settings.path is None:
        hint = "no dbsync.yaml was found; " + _FORMS
    elif near:
        hint = f"did you mean {' or '.join(near)}?"
    else:
        hint = f"{settings.path} has: {', '.join(sorted(settings.databases)) or 'no databases'}"
    return ConfigError(f"there is no database named {name!r}", hint=hint)
