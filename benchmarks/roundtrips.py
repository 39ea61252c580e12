"""Count round trips: a proxy before a server that notes each time the client speaks after the server has."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Counter:
    """Round trips and connections that went through the proxy."""

    def __init__(self) -> None:
        self.trips = self.connections = 0
        self._lock = threading.Lock()

    def add(self, *, connections: int = 0, trips: int = 0) -> None:
        """Count more; called by the threads of all connections."""
        with self._lock:
            self.connections += connections
            self.trips += trips


@contextmanager
def counted(port: int, *, delay_s: float = 0.0) -> Iterator[tuple[int, Counter]]:
    """Forward a new port to the given one for the body; yield the port and what is counted.

    Every block is held back for ``delay_s`` each way; blocks that follow at once travel with it, as on a wire.
    """
    counter = Counter()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=_accept, args=(listener, port, counter, delay_s), daemon=True).start()
        yield listener.getsockname()[1], counter
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, port: int, counter: Counter, delay_s: float) -> None:
    with suppress(OSError):  # the listener was shut down
        while True:
            client, _ = listener.accept()
            counter.add(connections=1)
            link = _Link(client, socket.create_connection(("127.0.0.1", port)), counter, delay_s)
            threading.Thread(target=link.to_server, daemon=True).start()
            threading.Thread(target=link.to_client, daemon=True).start()


class _Link:
    """One connection, forwarded both ways."""

    def __init__(self, client: socket.socket, server: socket.socket, counter: Counter, delay_s: float) -> None:
        self._client, self._server, self._counter = client, server, counter
        self._up, self._down = (_Wire(end, delay_s) for end in (server, client))
        self._server_spoke = True  # the first word of a client begins a round trip
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def to_server(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(1 << 18):
                if self._server_spoke:
                    self._server_spoke = False
                    self._counter.add(trips=1)
                self._up.send(data)
            self._up.end()

    def to_client(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(1 << 18):
                self._server_spoke = True
                self._down.send(data)
            self._down.end()


class _Wire:
    """Sends blocks on after a delay, in order, without making the next block wait for the last one's arrival."""

    def __init__(self, end: socket.socket, delay_s: float) -> None:
        self._end, self._delay_s = end, delay_s
        self._blocks: queue.Queue[tuple[float, bytes]] = queue.Queue(maxsize=256)
        threading.Thread(target=self._run, daemon=True).start()

    def send(self, data: bytes) -> None:
        self._blocks.put((time.monotonic() + self._delay_s, data))

    def end(self) -> None:
        self._blocks.put((time.monotonic() + self._delay_s, b""))

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                due, data = self._blocks.get()
                time.sleep(max(0.0, due - time.monotonic()))
                if not data:
                    self._end.shutdown(socket.SHUT_WR)
                    return
                self._end.sendall(data)
