"""The older format of encrypted URLs, as the web frontend's tables hold it: read, never written.

base64 of a nonce of 16 bytes, ciphertext and tag, under AES-256-GCM with the key of ``ENCRYPTION_KEY`` alone. Nothing
ties such a text to a record, so it is trusted to say where a database is and no more.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dbsync.errors import ConfigError
from dbsync.urls import Secret

VARIABLE = "ENCRYPTION_KEY"
_NONCE, _TAG = 16, 16
_HEX = re.compile(r"[0-9A-Fa-f]{64}\Z")
_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class OlderKey:
    """The key, and what its owner should be told about it."""

    secret: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()


def older_key(environ: Mapping[str, str] = os.environ) -> OlderKey:
    """Return the key of ``ENCRYPTION_KEY``: 64 hex digits, or 32 characters as they are. Raises ConfigError."""
    text = environ.get(VARIABLE, "")
    if not text:
        raise ConfigError(
            f"{VARIABLE} is not set, and without it the older encrypted URLs cannot be read",
            code="NO_OLDER_KEY",
            hint=f"set {VARIABLE} to the key of the frontend and its backend: 64 hex digits",
        )
    if _HEX.match(text):
        return OlderKey(bytes.fromhex(text))
    raw = text.encode()
    if len(text) == len(raw) == 32:
        warning = f"{VARIABLE} holds 32 characters, a weak key: only 64 hex digits work with the frontend as well"
        return OlderKey(raw, (warning,))
    raise ConfigError(
        f"{VARIABLE} is not a key of the older format", code="NO_OLDER_KEY", hint="it must be 64 hex digits"
    )


def read_older(text: str, key: OlderKey) -> Secret:
    """Return the URL inside. Raises ConfigError, which repeats nothing of the text.

    What follows a ``?`` is cut off: the frontend appends its query twice.
    """
    blob = text.partition("?")[0].strip().translate(str.maketrans("-_", "+/"))
    try:
        data = base64.b64decode(blob + "=" * (-len(blob) % 4), validate=True) if len(blob) <= _LARGEST else b""
    except (binascii.Error, ValueError):
        raise _unreadable("it is not base64") from None
    if len(data) < _NONCE + _TAG:
        raise _unreadable("it is too short, or too long")
    try:
        return Secret(AESGCM(key.secret).decrypt(data[:_NONCE], data[_NONCE:], None).decode())
    except (InvalidTag, UnicodeDecodeError):
        raise _unreadable(f"it was changed, or {VARIABLE} is another key") from None


def _unreadable(reason: str) -> ConfigError:
    return ConfigError(f"the older encrypted URL cannot be read: {reason}", code="OLDER_URL")
