"""The keys that saved URLs are sealed with: 32 random bytes each, never a passphrase.

A ring holds one key, or several while they are being rotated. The store says which of them seals
(``dbsync.registry.connections``); every other one only reads.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Protocol

from dbsync.errors import ConfigError

VARIABLE = "DBSYNC_KEY"
MAKE_ONE = "openssl rand -hex 32"
_BYTES = 32
_FEWEST_DIFFERENT = 8  # of 32 random bytes, never so few: this is a repeated character
_HEX = re.compile(r"[0-9A-Fa-f]{64}\Z")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=?\Z")


@dataclass(frozen=True, slots=True)
class Key:
    """One key; ``id`` says which one it is and gives nothing away."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Sixteen characters that are kept with everything the key seals."""
        return hashlib.sha256(b"dbsync key id\0" + self.secret).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The key as it is written into a file or a keyring."""
        return self.secret.hex()


def new_key() -> Key:
    """Make a key of the operating system's randomness."""
    return Key(secrets.token_bytes(_BYTES))


def parse_key(text: str, *, where: str) -> Key:
    """Read 64 hex digits, or base64 of 32 bytes. Raises ConfigError, which repeats nothing of the text."""
    cleaned = text.strip()
    secret = b""
    if _HEX.match(cleaned):
        secret = bytes.fromhex(cleaned)
    elif _BASE64.match(cleaned):
        try:
            secret = base64.b64decode(cleaned.rstrip("=").translate(str.maketrans("-_", "+/")) + "=", validate=True)
        except binascii.Error:
            secret = b""
    if len(secret) != _BYTES or len(set(secret)) < _FEWEST_DIFFERENT:
        raise ConfigError(
            f"{where} holds no key: 32 random bytes, as 64 hex digits or as base64",
            code="BAD_KEY",
            hint=f"make one: {MAKE_ONE}",
        )
    return Key(secret)


class KeySource(Protocol):
    """Where keys are kept. The first of them is the newest."""

    @property
    def name(self) -> str:
        """What a message calls it; safe to show."""

    @property
    def writable(self) -> bool:
        """Whether dbsync itself may add keys to it and retire them."""

    def load(self) -> tuple[Key, ...]:
        """Return the keys; none where there are none yet."""

    def retired(self) -> tuple[Key, ...]:
        """Return the keys that nothing was found to need: copies and other stores still may."""

    def create(self) -> tuple[Key, ...]:
        """Make the first key and return what is there then: another process may have been faster."""

    def add(self, key: Key) -> tuple[Key, ...]:
        """Put a key in front of a single one and return what is there then: another process may have been faster."""

    def retire(self, keys: tuple[Key, ...]) -> None:
        """Put keys aside."""


class KeyRing:
    """The keys of one source, read when they are first needed and again when one is missing."""

    def __init__(self, source: KeySource) -> None:
        self.source = source
        self._seen: dict[str, Key] = {}  # also those retired since: a record that was read may need them

    def all(self) -> tuple[Key, ...]:
        """Return every key as it is now, the newest first."""
        return self._saw(self.source.load())

    def first(self) -> Key:
        """Return the newest key; it is made where there is none."""
        return (self.all() or self._saw(self.source.create()))[0]

    def key(self, key_id: str) -> Key:
        """Return the key of that id. Raises ConfigError where this machine does not have it."""
        for look in (lambda: (), self.source.load, self.source.retired):
            self._saw(look())
            if key_id in self._seen:
                return self._seen[key_id]
        raise ConfigError(
            f"{self.source.name} does not hold the key {key_id}, which saved connections are sealed with",
            code="NO_KEY",
            hint="take the key from where they were saved: copy its key file, or set DBSYNC_KEY",
        )

    def _saw(self, keys: tuple[Key, ...]) -> tuple[Key, ...]:
        self._seen |= {key.id: key for key in keys}
        return keys
