"""Start child processes from one thread that lives as long as this process.

The kernel takes the *thread* that forked for the parent when it sends a parent-death signal: a server
started from a worker thread would die with that thread.
"""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import Future

_Order = tuple[Sequence[str], "Future[subprocess.Popen[bytes]]"]


class _Keeper:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="dbsync-keeper", daemon=True).start()

    def spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        future: Future[subprocess.Popen[bytes]] = Future()
        self._orders.put((command, future))
        return future.result()

    def _work(self) -> None:
        while True:
            command, future = self._orders.get()
            try:
                future.set_result(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
            except BaseException as error:  # the caller's to handle, in its own thread
                future.set_exception(error)


_keeper: _Keeper | None = None
_making = threading.Lock()


def spawn(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program whose parent, for the kernel, lives until this process ends."""
    global _keeper
    with _making:
        if _keeper is None or _keeper.pid != os.getpid():  # a fork does not take threads along
            _keeper = _Keeper()
        keeper = _keeper
    return keeper.spawn(command)
