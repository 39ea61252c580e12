"""Which workers there are: each process is a row of its own, with the time when it was last heard of."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from dbsync import __version__
from dbsync.store import Store
from dbsync.store.tables import worker as _worker

BEAT_S = 3.0
ALIVE_S = 10.0  # a worker that was silent for longer is not counted on
_REMEMBERED_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """One worker process. Times are seconds since 1970 by the store's clock."""

    id: str
    host: str
    pid: int
    engine: str
    concurrency: int
    version: str
    started_at: float
    seen_at: float


def new_worker_id() -> str:
    """A name that no other process ever has: a host that restarts may give the same process number again."""
    return f"{socket.gethostname()}-{os.getpid()}-{_numbering()}{uuid.uuid4().hex[:6]}"


@cache
def _numbering() -> str:
    """Four letters for whose process numbers are meant: containers with one host name have numbers of their own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        text = f"{boot}{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # another system than Linux
        text = socket.gethostname()
    return hashlib.sha256(text.encode()).hexdigest()[:4]


class Presence:
    """The workers that share a store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def beat(self, worker_id: str, *, engine: str, concurrency: int) -> None:
        """Say that this worker is alive; the first time, it becomes known, and those long gone are forgotten."""
        with self.store.write() as connection:
            now = self.store.now(connection)
            mine = sa.update(_worker).where(_worker.c.id == worker_id).values(seen_at=now)
            if connection.execute(mine).rowcount:
                return
            connection.execute(sa.delete(_worker).where(_worker.c.seen_at < now - _REMEMBERED_S))
            connection.execute(
                sa.insert(_worker).values(
                    id=worker_id,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    engine=engine,
                    concurrency=concurrency,
                    version=__version__,
                    started_at=now,
                    seen_at=now,
                )
            )

    def leave(self, worker_id: str) -> None:
        """Say that this worker has ended."""
        with self.store.write() as connection:
            connection.execute(sa.delete(_worker).where(_worker.c.id == worker_id))

    def alive(self) -> Sequence[WorkerRecord]:
        """The workers that were heard of a moment ago, the oldest first; of this host only those that still run."""
        with self.store.read() as connection:
            recent = _worker.c.seen_at > self.store.now(connection) - ALIVE_S
            rows = connection.execute(
                sa.select(_worker).where(recent).order_by(_worker.c.started_at, _worker.c.id)
            ).mappings()
            return [record for row in rows if not _is_gone(record := WorkerRecord(**row))]


def _is_gone(worker: WorkerRecord) -> bool:
    """Whether it ran on this host, and does no more: a process that was killed says nothing before it ends."""
    if worker.host != socket.gethostname() or not worker.id.rpartition("-")[2].startswith(_numbering()):
        return False
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's process
        return False
    return False
