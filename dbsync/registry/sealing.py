"""Seal a text so that it can be read only with the key, and only as what it was sealed for.

AES-256-GCM under a random nonce of 12 bytes. Owner, id and version of the record are authenticated with it: a
sealed text that was moved to another record, or changed in any bit, does not open.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dbsync.errors import DbsyncError
from dbsync.registry.keys import Key

_FORMAT = b"\x01"
_NONCE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The record that a sealed text belongs to."""

    owner: str
    id: str
    version: int

    def authenticated(self) -> bytes:
        """The same bytes for the same place, and for no other."""
        return json.dumps(["dbsync/connection", self.owner, self.id, self.version]).encode()


def seal(text: str, *, key: Key, place: Place) -> bytes:
    """Return format, nonce, ciphertext and tag."""
    nonce = os.urandom(_NONCE)
    return _FORMAT + nonce + AESGCM(key.secret).encrypt(nonce, text.encode(), place.authenticated())


def unseal(sealed: bytes, *, key: Key, place: Place) -> str:
    """Return the text. Raises DbsyncError, always with the same words, for anything that was not sealed so."""
    nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        if sealed[:1] != _FORMAT or len(nonce) != _NONCE:
            raise InvalidTag
        return AESGCM(key.secret).decrypt(nonce, rest, place.authenticated()).decode()
    except (InvalidTag, ValueError):
        raise DbsyncError(
            "a saved connection cannot be opened: it was changed, or belongs to another record",
            code="SEAL_BROKEN",
            hint="save it again: dbsync connections edit NAME --from env:VAR; restore the store if more are hit",
        ) from None
