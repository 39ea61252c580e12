"""Several processes that serve one port: the kernel deals connections out to them, and they end together.

They share the store and nothing else. The first one makes the others, watches them, and runs the jobs.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import suppress

from dbsync.errors import ConfigError, DbsyncError

_PATIENCE_S = 15.0  # a little more than a server takes for what is being answered


class SiblingLost(DbsyncError):
    """One of the server's processes has ended unexpectedly, so all of them were ended."""

    code = "SERVER_PROCESS_LOST"
    advice = "start it again; what it logged last says why, and the system's log whether it was out of memory"


class Siblings:
    """The processes of one server, as one of them sees it. ``number`` 0 is the first."""

    def __init__(self) -> None:
        self.number = 0
        self._pids: list[int] = []
        self._lost: list[int] = []
        # Open in the first process alone: when it is closed, or that process dies, the others see the end.
        self._alive, self._end = os.pipe()

    def fork(self, processes: int) -> None:
        """Make the others; each goes on from here. Call it before there is any thread or connection."""
        for number in range(1, processes):
            pid = os.fork()
            if pid == 0:
                os.close(self._end)
                self.number, self._pids, self._end = number, [], -1
                return
            self._pids.append(pid)

    def is_over(self) -> bool:
        """Whether this process is to end, because another one has."""
        if self.number:
            return bool(select.select([self._alive], [], [], 0)[0])
        for pid in self._pids:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                self._lost.append(pid)
        self._pids = [pid for pid in self._pids if pid not in self._lost]
        return bool(self._lost)

    def end(self) -> None:
        """Tell the others, which is safe in a handler of signals."""
        if self._end >= 0:
            os.close(self._end)
            self._end = -1

    def close(self) -> None:
        """Wait for the others to end. Raises SiblingLost where one of them has not waited to be told."""
        self.end()
        os.close(self._alive)
        deadline = time.monotonic() + _PATIENCE_S
        for pid in self._pids:
            while os.waitpid(pid, os.WNOHANG)[0] != pid:
                if time.monotonic() > deadline:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.05)
        if self._lost:
            raise SiblingLost


def shared_port(host: str, port: int) -> socket.socket:
    """Bind a port that several processes of this user may listen on. Raises ConfigError where it is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.bind(address)
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise ConfigError(f"cannot listen on {host}, port {port}: {said}", hint="choose another --port") from None
    found.set_inheritable(False)
    return found
