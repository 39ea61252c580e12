"""Where keys are kept: ``DBSYNC_KEY``, a file that only this user can read, or the machine's keyring.

A key that was returned is on the disk, whatever happens next. No key is ever thrown away: a retired one is put
aside, for copies of the store.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbsync.errors import ConfigError, DbsyncError, Refused
from dbsync.failpoints import failpoint
from dbsync.home import expanded
from dbsync.registry.keys import MAKE_ONE, VARIABLE, Key, KeySource, new_key, parse_key
from dbsync.store.place import state_directory

FILE_VARIABLE = "DBSYNC_KEY_FILE"
_KEYRING = "keyring:"
_SERVICE = "dbsync"
_LARGEST = 1024 * 1024
_HEADER = (
    "# What opens the database connections that dbsync has saved. Without it they cannot be read: keep a copy.\n"
    "# The first key is the newest; others are read until `dbsync connections rotate-key` is done.\n"
)
_RETIRED_HEADER = "# Keys that were rotated away from. Only copies of the store from before then need them.\n"


def key_source(file: Path, environ: Mapping[str, str] = os.environ) -> KeySource:
    """Choose where the keys are: ``file`` unless a variable says otherwise. Raises ConfigError."""
    text = environ.get(VARIABLE, "").strip()
    if text.startswith(_KEYRING):
        return KeyringKeys(entry=text.removeprefix(_KEYRING) or "store")
    if text:
        return EnvironmentKeys(tuple(parse_key(part, where=VARIABLE) for part in text.split(",")))
    named = environ.get(FILE_VARIABLE)
    return FileKeys(expanded(named).absolute() if named else file)


@dataclass(frozen=True, slots=True)
class EnvironmentKeys:
    """The keys of ``DBSYNC_KEY``, several separated by commas. Whoever sets the variable changes them."""

    found: tuple[Key, ...]
    name: str = VARIABLE
    writable: bool = False

    def load(self) -> tuple[Key, ...]:
        """Return the keys of the variable: at least one."""
        return self.found

    create = load

    def retired(self) -> tuple[Key, ...]:
        """Nothing is put aside."""
        return ()

    def add(self, key: Key) -> tuple[Key, ...]:
        """Raise ConfigError: there is nowhere to keep a key."""
        raise ConfigError(
            f"{VARIABLE} holds one key, so there is none to rotate to",
            code="BAD_KEY",
            hint=f"put a new one in front: {VARIABLE}=NEW,OLD, with NEW of `{MAKE_ONE}`",
        )

    def retire(self, keys: tuple[Key, ...]) -> None:
        """Leave the variable to whoever sets it."""


@dataclass(frozen=True, slots=True)
class FileKeys:
    """A file with one key in each line, this user's and closed to all others; beside it the retired ones."""

    path: Path
    writable: bool = True

    @property
    def name(self) -> str:
        """The file's path."""
        return f"the key file {self.path}"

    @property
    def _aside(self) -> Path:
        return self.path.with_name(self.path.name + ".retired")

    def load(self) -> tuple[Key, ...]:
        """Read the keys; none where there is no file. Raises Refused for a file that others may open."""
        return self._read(self.path)

    def retired(self) -> tuple[Key, ...]:
        """Read the keys that were put aside."""
        return self._read(self._aside)

    def create(self) -> tuple[Key, ...]:
        """Make the file with a new key, unless another process has just done so."""
        with self._alone():
            if not self.load():
                failpoint("before_key_created")
                self._write(self.path, _HEADER, (new_key(),))
                failpoint("after_key_created")
            return self.load()

    def add(self, key: Key) -> tuple[Key, ...]:
        """Put a key in front, unless another process has just done so."""
        with self._alone():
            found = self.load()
            if len(found) < 2:
                self._write(self.path, _HEADER, (key, *found))
            return self.load()

    def retire(self, keys: tuple[Key, ...]) -> None:
        """Move keys to the file of retired ones: they are in both for a moment, never in none."""
        with self._alone():
            aside = self.retired()
            self._write(self._aside, _RETIRED_HEADER, (*aside, *(key for key in keys if key not in aside)))
            failpoint("before_key_taken_out")
            self._write(self.path, _HEADER, tuple(key for key in self.load() if key not in keys))

    def _read(self, path: Path) -> tuple[Key, ...]:
        try:
            with path.open("rb") as file:
                self._check(path, os.fstat(file.fileno()))
                data = file.read(_LARGEST)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._failed(error) from None
        lines = (line for line in data.decode("utf-8", "replace").splitlines() if line.strip())
        found = tuple(parse_key(line, where=f"the key file {path}") for line in lines if not line.startswith("#"))
        return found or (parse_key("", where=f"the key file {path}"),)

    def _write(self, path: Path, header: str, keys: tuple[Key, ...]) -> None:
        """Write a file anew beside the old one and put it in its place."""
        unfinished = path.with_name(f".{path.name}.new")
        try:
            unfinished.unlink(missing_ok=True)  # of a process that was killed here
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(header + "".join(f"{key.text}\n" for key in keys))
                file.flush()
                os.fsync(descriptor)
            failpoint("before_key_file_renamed")
            unfinished.rename(path)
            _sync(path.parent)
        except OSError as error:
            raise self._failed(error) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold a lock on the directory: the file itself is replaced by another one."""
        try:
            descriptor = _locked(self.path.parent)
        except OSError as error:
            raise self._failed(error) from None
        try:
            yield
        finally:
            os.close(descriptor)

    def _check(self, path: Path, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise Refused(
                f"the key file {path} is not a file of this user",
                code="KEY_NOT_PRIVATE",
                hint=f"name yours by {FILE_VARIABLE}",
            )
        if status.st_mode & 0o077:
            raise Refused(
                f"the key file {path} may be read or written by other users",
                code="KEY_NOT_PRIVATE",
                hint=f"chmod 600 {path}; if others may have read it: dbsync connections rotate-key",
            )

    def _failed(self, error: OSError) -> DbsyncError:
        return DbsyncError(
            f"{self.name} cannot be used: {(error.strerror or type(error).__name__).lower()}",
            code="KEY_FILE",
            hint=f"name another by {FILE_VARIABLE}, or set {VARIABLE}",
        )


def _locked(directory: Path) -> int:
    """Wait for the lock on a directory, which is made if need be; return the descriptor that holds it."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class KeyringKeys:
    """An entry of the machine's keyring, by the package ``keyring``; several keys are separated by commas.

    A keyring knows no lock: whoever changes an entry holds the one on this user's directory of dbsync.
    """

    entry: str
    writable: bool = True

    @property
    def name(self) -> str:
        """The keyring's entry."""
        return f"the keyring's entry {self.entry!r} of the service {_SERVICE}"

    def load(self) -> tuple[Key, ...]:
        """Read the entry; none where there is no such entry."""
        return self._read(self.entry)

    def retired(self) -> tuple[Key, ...]:
        """Read the entry beside it."""
        return self._read(f"{self.entry}.retired")

    def create(self) -> tuple[Key, ...]:
        """Make the entry with a new key, unless another process has just done so."""
        with self._alone():
            return self.load() or self._written(self.entry, (new_key(),))

    def add(self, key: Key) -> tuple[Key, ...]:
        """Put a key in front, unless another process has just done so."""
        with self._alone():
            found = self.load()
            return found if len(found) > 1 else self._written(self.entry, (key, *found))

    def retire(self, keys: tuple[Key, ...]) -> None:
        """Move keys to the entry of retired ones: they are in both for a moment, never in none."""
        with self._alone():
            aside = self.retired()
            self._written(f"{self.entry}.retired", (*aside, *(key for key in keys if key not in aside)))
            self._written(self.entry, tuple(key for key in self.load() if key not in keys))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        directory = state_directory()
        try:
            descriptor = _locked(directory)
        except OSError as error:
            raise DbsyncError(
                f"{self.name} cannot be changed: the directory {directory}, whose lock that needs, cannot be used: "
                f"{(error.strerror or type(error).__name__).lower()}",
                code="KEY_FILE",
                hint="name another by XDG_STATE_HOME",
            ) from None
        try:
            yield
        finally:
            os.close(descriptor)

    def _read(self, entry: str) -> tuple[Key, ...]:
        keyring = _keyring()
        try:
            text = keyring.get_password(_SERVICE, entry) or ""
        except keyring.errors.KeyringError as error:
            raise _no_keyring(error) from None
        return tuple(parse_key(part, where=self.name) for part in text.split(",") if part)

    def _written(self, entry: str, keys: tuple[Key, ...]) -> tuple[Key, ...]:
        keyring = _keyring()
        try:
            keyring.set_password(_SERVICE, entry, ",".join(key.text for key in keys))
        except keyring.errors.KeyringError as error:
            raise _no_keyring(error) from None
        return self._read(entry)


def _keyring() -> Any:
    try:
        import keyring.errors
    except ImportError:
        raise ConfigError(
            f"{VARIABLE} asks for the keyring, and the package keyring is not installed",
            code="NO_KEYRING",
            hint="pip install keyring",
        ) from None
    return keyring


def _no_keyring(error: Exception) -> ConfigError:
    return ConfigError(
        f"the machine's keyring cannot be used: {type(error).__name__}",
        code="NO_KEYRING",
        hint=f"unlock it, or use a key file: unset {VARIABLE}",
    )
