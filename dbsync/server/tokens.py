"""Static tokens: a file of their hashes with owner, scopes and end; the token itself is shown once and kept nowhere.

A line is ``SHA256 OWNER SCOPES ENDS``: scopes as ``read,run``, the end as a date or ``never``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from dbsync.errors import ConfigError, Refused

Scope = Literal["read", "run", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_PREFIX = "dbsync_"
_LINE = re.compile(r"([0-9a-f]{64}) ([\x21-\x7e]{1,200}) ([a-z,]+) (never|\d{4}-\d{2}-\d{2})\Z")
_OWNER = re.compile(r"[\x21-\x7e]{1,200}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token allows, and whom it stands for."""

    hash: str
    owner: str
    scopes: frozenset[Scope]
    ends: dt.date | None

    def line(self) -> str:
        """The token as its line in the file."""
        scopes = ",".join(scope for scope in SCOPES if scope in self.scopes)
        return f"{self.hash} {self.owner} {scopes} {self.ends.isoformat() if self.ends else 'never'}\n"


class TokenFile:
    """The tokens of a file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._tokens: tuple[Token, ...] = ()
        self._read()

    def find(self, text: str) -> Token | None:
        """Return the token, unless its end has come; every line is compared, so time tells nothing."""
        self._read()
        hashed = _hash(text)
        found = [token for token in self._tokens if hmac.compare_digest(token.hash, hashed)]
        today = dt.datetime.now(dt.UTC).date()
        return next((token for token in found if token.ends is None or today <= token.ends), None)

    def _read(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._seen:
                return
            _require_private(self._path, status)
            lines = self._path.read_text(encoding="ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"the file of tokens {self._path} cannot be read") from None
        self._tokens = tuple(
            _token(self._path, number, line)
            for number, line in enumerate(lines, 1)
            if line.strip() and not line.startswith("#")
        )
        self._seen = stamp


def new_token(path: Path, *, owner: str, scopes: frozenset[Scope], ends: dt.date | None) -> str:
    """Add a token to the file, which is made where it is missing, and return it: it cannot be read back."""
    if not _OWNER.match(owner):
        raise ConfigError("the owner of a token has no blanks and at most 200 characters")
    text = _PREFIX + secrets.token_urlsafe(32)
    token = Token(hash=_hash(text), owner=owner, scopes=scopes, ends=ends)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "a", encoding="ascii") as file:
            _require_private(path, os.fstat(descriptor))
            file.write(token.line())
    except OSError as error:
        raise ConfigError(f"the file of tokens {path} cannot be written: {(error.strerror or '').lower()}") from None
    return text


def read_scopes(text: str) -> frozenset[Scope]:
    """Read ``read,run,write,admin``; raise ConfigError else."""
    found: set[Scope] = {scope for scope in SCOPES if scope in text.split(",")}
    if not found or len(found) != len(set(text.split(","))):
        raise ConfigError(f"cannot read the scopes {text!r}", hint=f"write some of {','.join(SCOPES)}")
    return frozenset(found)


def _token(path: Path, number: int, line: str) -> Token:
    match = _LINE.match(line.strip())
    if match is None:
        raise ConfigError(f"{path}, line {number}: no token", hint="a line is: SHA256 OWNER SCOPES never")
    hashed, owner, scopes, ends = match.groups()
    try:
        end = None if ends == "never" else dt.date.fromisoformat(ends)
    except ValueError:
        raise ConfigError(f"{path}, line {number}: the end is no date") from None
    return Token(hash=hashed, owner=owner, scopes=read_scopes(scopes), ends=end)


def _require_private(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise Refused(f"the file of tokens {path} may be read by other users", hint=f"chmod 600 {path}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
