"""A TCP proxy that knows the Postgres wire protocol's message edges and breaks things there, on purpose.

A hook sees every message before it goes on and decides its fate. Message numbers repeat from run to
run where moments of time do not. TLS is declined, so connect with sslmode=disable.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Sender = Literal["client", "server"]
_SSL_REQUEST, _GSS_REQUEST, _CANCEL_REQUEST = 80877103, 80877104, 80877102
_HEADER = 5
_PEEK = 64
_PEEK_ORDER = 4096
_READ = 1 << 16


class Fate(Enum):
    """What happens to a message."""

    PASS = auto()
    CUT = auto()  # both sides see a reset; the message is lost
    CUT_INSIDE = auto()  # half of the message goes on, then the reset
    FINISH = auto()  # the receiver sees an orderly end of stream, the sender nothing
    LOSE = auto()  # this and everything after it from this sender vanishes; then a reset
    HOLD = auto()  # nothing goes on in this direction of this link until ``release``
    FLIP = auto()  # one bit of its payload goes on the other way round


@dataclass(frozen=True, slots=True)
class Message:
    """One protocol message: who sent it, its number over all links of the proxy, its type and first bytes."""

    link: int
    sender: Sender
    number: int  # over all links and both directions
    kind: bytes
    length: int
    start: bytes  # of the payload
    order: bytes = b""  # much more of it, where the client sends a statement

    @property
    def commits(self) -> bool:
        """Whether the server says here that a transaction is committed."""
        return self.kind == b"C" and self.start.startswith(b"COMMIT\0")


Hook = Callable[[Message], Fate]


def pass_all(message: Message) -> Fate:
    """Let every message go on."""
    return Fate.PASS


@dataclass(slots=True)
class Traffic:
    """What went through, over all links: messages and bytes by sender."""

    messages: int = 0
    sent: dict[Sender, int] = field(default_factory=lambda: {"client": 0, "server": 0})


class Proxy:
    """Listens on a free port and forwards to one server; use it as a context manager."""

    def __init__(self, url: str, *, listen: str = "127.0.0.1") -> None:
        self._url = urlsplit(url)
        self.upstream = (self._url.hostname or "127.0.0.1", self._url.port or 5432)
        self.hook: Hook = pass_all
        self.traffic = Traffic()
        self.rate: int | None = None  # bytes a second and direction
        self.refusing = False
        self._releasing = threading.Condition()
        self._released: set[int] = set()
        self._all_released = False
        self._applications: dict[int, str] = {}
        self._lock = threading.Lock()
        self._pumps: list[_Pump] = []
        self._links = 0
        self._listener = socket.create_server((listen, 0))
        self._listen = listen

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True, name="proxy").start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        _close(self._listener)
        self.cut()

    @property
    def url(self) -> str:
        """The server's URL, by way of this proxy."""
        user = f"{self._url.netloc.rpartition('@')[0]}@" if "@" in self._url.netloc else ""
        query = f"{self._url.query}&sslmode=disable" if self._url.query else "sslmode=disable"
        return urlunsplit(
            self._url._replace(netloc=f"{user}{self._listen}:{self._listener.getsockname()[1]}", query=query)
        )

    def application(self, link: int) -> str:
        """What the client of a link calls itself."""
        return self._applications[link]

    def release(self, link: int | None = None) -> None:
        """Let what is held go on, and what would be held later: on this link, or on all of them."""
        with self._releasing:
            self._all_released = self._all_released or link is None
            self._released |= {link} if link is not None else set()
            self._releasing.notify_all()

    def wait_for_release(self, link: int) -> None:
        """Block until ``release``."""
        with self._releasing:
            self._releasing.wait_for(lambda: self._all_released or link in self._released)

    def cut(self) -> None:
        """Reset every link."""
        with self._lock:
            pumps, self._pumps = self._pumps, []
        for pump in pumps:
            pump.abandoned = False
            pump.reset()

    def abandon(self, link: int) -> None:
        """Reset a link towards the client alone: to the server he seems to be there, until ``cut``."""
        with self._lock:
            (pump,) = (each for each in self._pumps if each.number == link)
        pump.abandoned = True
        pump.reset()

    def number(self) -> int:
        """Give the next message its number."""
        with self._lock:
            self.traffic.messages += 1
            return self.traffic.messages

    def count(self, sender: Sender, size: int) -> None:
        """Add what went on to the traffic."""
        with self._lock:
            self.traffic.sent[sender] += size

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing:
                _reset(client)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            startup = _startup(client)
            server = socket.create_connection(self.upstream)
        except (OSError, EOFError):
            _close(client)
            return
        with self._lock:
            self._links += 1
            self._applications[self._links] = _application(startup)
            pump = _Pump(self, self._links, client, server)
            self._pumps.append(pump)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            server.sendall(startup)
        threading.Thread(target=pump.run, args=("client",), daemon=True).start()
        pump.run("server")


class _Pump:
    """Carries one link's bytes in both directions, message by message."""

    def __init__(self, proxy: Proxy, number: int, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self.number = proxy, number
        self._ends: dict[Sender, socket.socket] = {"client": client, "server": server}
        self._dead = self.abandoned = False

    def run(self, sender: Sender) -> None:
        source, sink = self._ends[sender], self._ends["server" if sender == "client" else "client"]
        try:
            for block, fate in self._blocks(sender, source):
                if block:
                    self._throttle(len(block))
                    sink.sendall(block)
                    self._proxy.count(sender, len(block))
                if fate in (Fate.CUT, Fate.LOSE):
                    if fate is Fate.LOSE:
                        _drain(source)
                    self.reset()
                    return
                if fate is Fate.FINISH:
                    sink.shutdown(socket.SHUT_WR)
                    _drain(source)
                    return
            if not self._dead:
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.reset()

    def _blocks(self, sender: Sender, source: socket.socket) -> Iterator[tuple[bytes, Fate]]:
        """Yield what may go on, as large as possible, with the fate that follows it."""
        waiting = bytearray()
        while data := source.recv(_READ):
            waiting += data
            ready = 0
            while (message := self._next(sender, waiting, ready)) is not None:
                fate = self._proxy.hook(message)
                if fate is Fate.FLIP and message.length > 4:
                    at = ready + _HEADER + message.number % (message.length - 4)
                    waiting[at] ^= 1 << message.number % 8
                if fate in (Fate.PASS, Fate.FLIP):
                    ready += 1 + message.length
                    continue
                half = ready + (1 + message.length) // 2 if fate is Fate.CUT_INSIDE else ready
                yield bytes(waiting[:half]), Fate.CUT if fate is Fate.CUT_INSIDE else fate
                if fate is not Fate.HOLD:
                    return
                self._proxy.wait_for_release(self.number)
                del waiting[:ready]
                ready = 1 + message.length
            if ready:
                yield bytes(waiting[:ready]), Fate.PASS
                del waiting[:ready]

    def _next(self, sender: Sender, waiting: bytearray, at: int) -> Message | None:
        """The next whole message, or None when more bytes are needed."""
        if len(waiting) - at < _HEADER:
            return None
        (length,) = struct.unpack_from(">I", waiting, at + 1)
        if len(waiting) - at < 1 + length:
            return None
        kind = bytes(waiting[at : at + 1])
        start = bytes(waiting[at + _HEADER : at + min(1 + length, _HEADER + _PEEK)])
        order = b""
        if sender == "client" and kind in (b"Q", b"P"):
            order = bytes(waiting[at + _HEADER : at + min(1 + length, _HEADER + _PEEK_ORDER)])
        return Message(self.number, sender, self._proxy.number(), kind, length, start, order)

    def _throttle(self, size: int) -> None:
        if self._proxy.rate is not None:
            time.sleep(size / self._proxy.rate)

    def reset(self) -> None:
        self._dead = True
        for sender, one in self._ends.items():
            if sender == "client" or not self.abandoned:
                _reset(one)


def _startup(client: socket.socket) -> bytes:
    """Read the untyped first message, declining TLS and GSS as often as asked."""
    while True:
        header = _exactly(client, 8)
        length, code = struct.unpack(">II", header)
        if code in (_SSL_REQUEST, _GSS_REQUEST):
            client.sendall(b"N")
            continue
        return header + _exactly(client, length - 8)


def _application(startup: bytes) -> str:
    """The application_name in a startup packet; empty without one."""
    words = startup[8:].split(b"\0")
    return dict(zip(words[::2], words[1::2], strict=False)).get(b"application_name", b"").decode()


def _exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        block = source.recv(size - len(data))
        if not block:
            raise EOFError
        data += block
    return data


def _drain(source: socket.socket) -> None:
    """Read and forget until the sender has nothing more to say for a moment."""
    source.settimeout(0.3)
    with contextlib.suppress(OSError):
        while source.recv(_READ):
            pass


def _reset(one: socket.socket) -> None:
    """Close with a reset rather than an orderly end."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RD)  # wakes the thread that reads here; sends nothing
    _close(one)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.close()
