"""Count round trips: a proxy before a server that notes each time the client speaks after the server has."""

from __future__ import annotations

import socket
import threading
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
def counted(port: int) -> Iterator[tuple[int, Counter]]:
    """Forward a new port to the given one for the body; yield the port and what is counted."""
    counter = Counter()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=_accept, args=(listener, port, counter), daemon=True).start()
        yield listener.getsockname()[1], counter
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, port: int, counter: Counter) -> None:
    with suppress(OSError):  # the listener was shut down
        while True:
            client, _ = listener.accept()
            counter.add(connections=1)
            link = _Link(client, socket.create_connection(("127.0.0.1", port)), counter)
            threading.Thread(target=link.to_server, daemon=True).start()
            threading.Thread(target=link.to_client, daemon=True).start()


class _Link:
    """One connection, forwarded both ways."""

    def __init__(self, client: socket.socket, server: socket.socket, counter: Counter) -> None:
        self._client, self._server, self._counter = client, server, counter
        self._server_spoke = True  # the first word of a client begins a round trip
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def to_server(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(1 << 18):
                if self._server_spoke:
                    self._server_spoke = False
                    self._counter.add(trips=1)
                self._server.sendall(data)
            self._server.shutdown(socket.SHUT_WR)

    def to_client(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(1 << 18):
                self._server_spoke = True
                self._client.sendall(data)
            self._client.shutdown(socket.SHUT_WR)
