"""Put every saved URL under a new key. May be killed at any step and run again: everything stays readable.

The new key is kept first. Then the store says that it seals, so that nobody uses the old one any more. Then the
records follow, one transaction each. An old key goes only when no record needs it.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from dbsync.errors import ConfigError
from dbsync.failpoints import failpoint
from dbsync.registry.connections import Registry
from dbsync.registry.keys import VARIABLE, Key, new_key
from dbsync.store.tables import sealing as _sealing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a rotation did. ``retired`` are old keys that nothing needs any more."""

    key_id: str
    resealed: int
    retired: tuple[str, ...]
    where: str
    taken_up: bool  # an earlier rotation had been cut off
    left_to_do: str | None  # what only whoever set DBSYNC_KEY can do


def rotate(registry: Registry) -> Rotation:
    """Rotate to a new key, or finish a rotation that was cut off."""
    ring = registry.ring
    registry.ensure_key()
    for key_id in registry.key_ids():
        ring.key(key_id)  # what cannot be opened here would be left behind: raises ConfigError
    taken_up = ring.source.writable and len(ring.all()) > 1
    failpoint("before_key_added")
    keys = ring.all() if len(ring.all()) > 1 else ring.source.add(new_key())
    failpoint("after_key_added")
    if keys[0] not in ring.source.load():  # what is sealed under a key that was lost could never be opened
        raise ConfigError(
            f"{ring.source.name} does not hold any more the key that was to seal; no connection was changed",
            code="NO_KEY",
            hint="run it again, when nobody else changes the keys",
        )
    _switch(registry, keys[0])
    failpoint("after_key_switched")
    resealed = registry.reseal(keys[0])
    needed = registry.key_ids()
    unneeded = tuple(key for key in keys[1:] if key.id not in needed)
    failpoint("before_key_retired")
    if unneeded:
        ring.source.retire(unneeded)
    failpoint("after_key_retired")
    return Rotation(
        key_id=keys[0].id,
        resealed=resealed,
        retired=tuple(key.id for key in unneeded),
        where=ring.source.name,
        taken_up=taken_up,
        left_to_do=None if ring.source.writable else f"take all keys but the first out of {VARIABLE}",
    )


def _switch(registry: Registry, key: Key) -> None:
    """From now on this key seals; transactions that use the one before are over."""
    with registry.store.write() as work:
        values = {"key_id": key.id, "since": registry.store.now(work)}
        work.execute(sa.update(_sealing).where(_sealing.c.key_id != key.id).values(values))
