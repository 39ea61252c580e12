"""Who is signed in to the page: what a browser showed once, sealed under a key that only that browser holds.

The browser's cookie is 32 random bytes. The store has a hash of them and the sealed text, so that neither the store
nor a cookie of the past gives anything away; to sign out removes the record.
"""

from __future__ import annotations

import hashlib
import os
import secrets

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dbsync.store.engine import Store
from dbsync.store.tables import page_session as _session

_NONCE = 12


def begin_session(store: Store, *, owner: str, text: str, seconds: float) -> str:
    """Keep the text for a while, and return what the browser must show to have it back."""
    held = secrets.token_urlsafe(32)
    nonce = os.urandom(_NONCE)
    sealed = nonce + AESGCM(_key(held)).encrypt(nonce, text.encode(), _id(held).encode())
    with store.write() as work:
        now = store.now(work)
        work.execute(sa.delete(_session).where(_session.c.until < now))
        work.execute(sa.insert(_session).values(id=_id(held), owner=owner, sealed=sealed, until=now + seconds))
    return held


def find_session(store: Store, held: str) -> str | None:
    """The text that was kept, None where there is no such session or its time is over."""
    with store.read() as work:
        alive = (_session.c.id == _id(held), _session.c.until >= store.now(work))
        sealed = work.execute(sa.select(_session.c.sealed).where(*alive)).scalar_one_or_none()
    if sealed is None:
        return None
    try:
        return AESGCM(_key(held)).decrypt(sealed[:_NONCE], sealed[_NONCE:], _id(held).encode()).decode()
    except InvalidTag:
        return None


def end_session(store: Store, held: str) -> None:
    """Forget a session."""
    with store.write() as work:
        work.execute(sa.delete(_session).where(_session.c.id == _id(held)))


def _id(held: str) -> str:
    return hashlib.sha256(b"dbsync page session id\0" + held.encode()).hexdigest()


def _key(held: str) -> bytes:
    return hashlib.sha256(b"dbsync page session key\0" + held.encode()).digest()
