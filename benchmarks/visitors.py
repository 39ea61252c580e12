"""Many clients of an HTTP server in one small process: requests at a steady rate, and streams that are held open.

Run as a program of its own (``python -I -S visitors.py``, a job as the first line of stdin): it shares no lock with
what measures. A request's time begins when it was due, whether a connection was free for it then or not.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections import Counter, deque

Address = tuple[str, int]


class Visitor:
    """One connection, kept alive, that asks one request after another."""

    def __init__(self, address: Address, requests: list[str]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = deque(request.encode() for request in requests)
        self._reply = bytearray()
        self.due = 0.0

    def ask(self, due: float) -> None:
        """Send the next request."""
        self.due = due
        self._reply.clear()
        self.socket.sendall(self._requests[0])
        self._requests.rotate(-1)

    def read(self) -> int | None:
        """Read what has come; return the status when it is the whole reply, 0 where the connection ended."""
        part = self.socket.recv(262144)
        if not part:
            return 0
        self._reply += part
        return status_of(self._reply)


def status_of(reply: bytearray) -> int | None:
    """The status of a reply, None as long as it is not whole."""
    head, end, body = reply.partition(b"\r\n\r\n")
    if not end:
        return None
    lines = head.lower().split(b"\r\n")
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    return int(lines[0].split()[1]) if len(body) >= length else None


def load(address: Address, clients: list[list[str]], rate: float, seconds: float) -> dict[str, object]:
    """Ask ``rate`` requests a second, without one as fast as the replies come; each client has its own requests."""
    waiting = selectors.DefaultSelector()
    idle: deque[Visitor] = deque()
    for requests in clients:
        visitor = Visitor(address, requests)
        waiting.register(visitor.socket, selectors.EVENT_READ, visitor)
        idle.append(visitor)
    took: list[float] = []
    statuses: Counter[int] = Counter()
    asked, started = 0, time.perf_counter()
    while True:
        now = time.perf_counter() - started
        while idle and now < seconds and (not rate or asked / rate <= now):
            idle.popleft().ask(asked / rate if rate else now)
            asked += 1
        if now >= seconds and len(idle) == len(clients):
            break
        left = asked / rate - now if rate and idle and now < seconds else seconds - now if now < seconds else 10.0
        found = waiting.select(max(0.0, left))
        if not found and now > seconds + 10:
            break
        for key, _ in found:
            visitor = key.data
            if (status := visitor.read()) is None:
                continue
            statuses[status] += 1
            took.append(time.perf_counter() - started - visitor.due)
            if status:
                idle.append(visitor)
            else:
                waiting.unregister(visitor.socket)
    took.sort()
    answered = {str(status): number for status, number in statuses.items()}
    wall = time.perf_counter() - started
    marks = {name: took[min(len(took) - 1, int(len(took) * part))] for name, part in _MARKS.items()} if took else {}
    return {"asked": asked, "answered": answered, "wall": wall, **marks}


_MARKS = {"p50": 0.5, "p99": 0.99, "most": 1.0}


def hold(address: Address, requests: list[str]) -> dict[str, object]:
    """Ask for streams, all at once, and keep open what is one, until stdin ends; tell how each was answered."""
    waiting = selectors.DefaultSelector()
    heads: dict[socket.socket, bytearray] = {}
    for request in requests:
        opened = socket.create_connection(address)
        opened.sendall(request.encode())
        heads[opened] = bytearray()
        waiting.register(opened, selectors.EVENT_READ)
    waiting.register(sys.stdin, selectors.EVENT_READ)
    statuses: Counter[int] = Counter()
    lost = 0
    while True:
        for key, _ in waiting.select():
            if key.fileobj is sys.stdin:
                return {"answered": {str(status): number for status, number in statuses.items()}, "lost": lost}
            one = key.fileobj
            assert isinstance(one, socket.socket)
            part = one.recv(262144)
            if one in heads:
                heads[one] += part
                if part and b"\r\n" not in heads[one]:
                    continue
                status = int(heads.pop(one).split(maxsplit=2)[1]) if part else 0
                statuses[status] += 1
                if status != 200:
                    part = b""
                if not heads:
                    print(json.dumps({str(status): number for status, number in statuses.items()}), flush=True)
            elif not part:
                lost += 1
            if not part:
                waiting.unregister(one)
                one.close()


if __name__ == "__main__":
    job = json.loads(sys.stdin.readline())
    where = (job.pop("host"), job.pop("port"))
    print(json.dumps(load(where, **job) if job.pop("work") == "load" else hold(where, **job)))
