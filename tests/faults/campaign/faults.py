"""The faults: what may go wrong in a trial, on which side, and at which moment it strikes.

A moment is the number of a protocol message, which a seed repeats on a busy machine too: counted over
all messages, over those that carry no rows (where transactions begin and end), over rows, over replies
to COMMIT, or over replies and orders to COMMIT of transactions that change a group. A fault strikes once.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Literal

import psycopg

from tests.faults.campaign.world import World
from tests.faults.proxy import Fate, Message, Proxy
from tests.fixtures.command import Running

Side = Literal["source", "target"]
Count = Literal["time", "all", "edges", "rows", "commits", "group commits", "group orders"]
SIDES: tuple[Side, Side] = ("source", "target")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; ``share`` says how far on it strikes, of what an undisturbed run counts."""

    kind: str = "none"
    side: Side = "target"
    count: Count = "all"
    share: float = 0.5
    pause: float = 0.0  # of what lasts: a delay, a server's absence
    dice: float = 0.5  # which of several

    def __str__(self) -> str:
        return f"{self.kind} on the {self.side} side at {self.share:.4f} of {self.count}"


FATES = {
    "cut": Fate.CUT,
    "cut inside a message": Fate.CUT_INSIDE,
    "half-close": Fate.FINISH,
    "swallow, then cut": Fate.LOSE,
    "flip a bit": Fate.FLIP,
    "lose the reply to COMMIT": Fate.LOSE,
    "cut before COMMIT": Fate.CUT,
    "stall, then SIGTERM": Fate.HOLD,
}
SIGNALS = {"kill -9": signal.SIGKILL, "SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}


def draw_kill(random: Random) -> Fault:
    """kill -9 of the client at a message or at a time; a sixth are signals that may be caught."""
    kind = random.choice(("kill -9",) * 10 + ("SIGINT", "SIGTERM"))
    # A signal that comes before the interpreter has loaded dbsync is the interpreter's own to handle.
    return _anywhere(random, kind, ("all", "edges", "edges", "time") if kind == "kill -9" else ("all", "edges"))


def draw_network(random: Random) -> Fault:
    """Something between the client and one server."""
    kind = random.choice(
        ("cut", "cut inside a message", "half-close", "swallow, then cut", "flip a bit") * 3
        + (
            "lose the reply to COMMIT",
            "lose the reply to COMMIT",
            "cut before COMMIT",
            "delay",
            "delay",
            "refuse",
            "stall, then SIGTERM",
        )
    )
    if kind == "flip a bit":
        return _anywhere(random, kind, ("rows",))
    if kind == "lose the reply to COMMIT":
        return Fault(kind, "target", random.choice(("commits", "group commits")), random.random())
    if kind == "cut before COMMIT":
        return Fault(kind, "target", "group orders", random.random())
    return _anywhere(random, kind, ("all", "edges"))


def draw_server(random: Random) -> Fault:
    """The end of a backend, of a whole server, or of a statement in a deadlock."""
    kind = random.choice(("terminate a backend",) * 5 + ("kill -9 a backend", "stop the server") * 3 + ("deadlock",))
    if kind == "deadlock":
        return Fault(kind, "target", "time")
    return _anywhere(random, kind, ("all", "edges"))


def draw_disk(random: Random) -> Fault:
    """Too little of something: disk on the target, descriptors for the client."""
    kind = random.choice(("disk full", "disk full", "few descriptors"))
    return Fault(kind, "target", "all", random.random())


def _anywhere(random: Random, kind: str, counts: tuple[Count, ...]) -> Fault:
    return Fault(
        kind,
        random.choice(("target", "target", "source")),
        random.choice(counts),
        random.random() ** 0.5,  # most messages without rows are spent on connecting and planning
        random.uniform(0.05, 0.6),
        random.random(),
    )


class Clock:
    """Tells what counts on at a message; remembers on which links tables were locked, to be changed."""

    def __init__(self) -> None:
        self._locking: set[int] = set()

    def ticks(self, message: Message, count: Count) -> bool:
        """Whether the count goes on at this message."""
        if message.sender == "client" and b"LOCK TABLE" in message.start:
            self._locking.add(message.link)
        match count:
            case "rows":  # what of a copy can be checked
                return message.kind == b"d" and message.length > 4
            case "edges":
                return message.kind != b"d"
            case "commits":
                return message.commits
            case "group commits":
                return message.commits and message.link in self._locking
            case "group orders":
                is_order = message.sender == "client" and message.start.upper().startswith(b"COMMIT")
                return is_order and message.link in self._locking
            case _:
                return count == "all"


class Strike:
    """A fault that waits for its moment; after the run, ``struck_at`` says when it came."""

    def __init__(self, fault: Fault, number: int | float, world: World, proxies: dict[Side, Proxy], url: str) -> None:
        self.fault, self.number, self.world, self.proxies, self.url = fault, number, world, proxies, url
        self.struck_at: float | None = None
        self.running: Running | None = None
        self._started = threading.Event()
        self._passed = 0
        self._clock = Clock()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def arm(self) -> None:
        """Wait for the message; call it before the client starts."""
        if self.fault.kind == "deadlock":
            self._stand_in_the_way()
        elif self.fault.kind != "none" and self.fault.count != "time":
            self.proxies[self.fault.side].hook = self._see

    def start(self, running: Running) -> None:
        """The client has started."""
        self.running = running
        self._started.set()
        if self.fault.count == "time" and self.fault.kind != "deadlock":
            self._after(float(self.number), self._act)

    def settle(self) -> None:
        """The client has ended: let nothing be broken any more."""
        for proxy in self.proxies.values():
            proxy.release()
        for thread in self._threads:
            thread.join()

    def _see(self, message: Message) -> Fate:
        if not self._clock.ticks(message, self.fault.count):
            return Fate.PASS
        with self._lock:
            if self.struck_at is not None:
                return Fate.PASS
            self._passed += 1
            if self._passed < self.number:
                return Fate.PASS
            self.struck_at = time.monotonic()
        return self._act()

    def _act(self) -> Fate:
        self._started.wait()
        kind = self.fault.kind
        assert self.running is not None
        if self.running.over:
            self.struck_at = None
            return Fate.PASS
        self.struck_at = self.struck_at or time.monotonic()
        if kind in SIGNALS:
            self.running.send(SIGNALS[kind])
        elif kind == "stall, then SIGTERM":
            self._after(self.fault.pause, lambda: self._running.send(signal.SIGTERM))
        elif kind == "delay":
            time.sleep(self.fault.pause)
        elif kind == "refuse":
            self.proxies[self.fault.side].refusing = True
        elif kind in ("terminate a backend", "kill -9 a backend"):
            self._end_backend(crash=kind != "terminate a backend")
        elif kind == "stop the server":
            server = self.world.server(self.fault.side)
            server.kill()
            self._after(self.fault.pause, server.restart)
        return FATES.get(kind, Fate.PASS)

    @property
    def _running(self) -> Running:
        assert self.running is not None
        return self.running

    def _end_backend(self, *, crash: bool) -> None:
        """End one of the client's sessions by a signal, or kill its process, which restarts the whole server."""
        with psycopg.connect(self.url, autocommit=True, application_name="executioner") as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ 'dbsync' ORDER BY pid"
            ).fetchall()
            if not found:
                self.struck_at = None
                return
            (pid,) = found[int(self.fault.dice * len(found))]
            if crash:
                os.kill(pid, signal.SIGKILL)
            else:
                connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

    def _stand_in_the_way(self) -> None:
        """Hold a table of a group, and ask for another as soon as the client holds that and waits for ours."""
        connection = psycopg.connect(self.url, application_name="bystander")
        connection.execute("LOCK TABLE public.card IN ROW EXCLUSIVE MODE")
        waiting = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'public.card'::regclass"

        def cross() -> None:
            self._started.wait()
            with connection:
                while not self._running.over:
                    if connection.execute(waiting).fetchall():
                        self.struck_at = time.monotonic()
                        with suppress(psycopg.errors.DeadlockDetected):  # whom of the two it hits, the server chooses
                            connection.execute("LOCK TABLE public.account IN ROW EXCLUSIVE MODE")
                        return
                    time.sleep(0.005)

        self._after(0.0, cross)

    def _after(self, seconds: float, act: Callable[[], object]) -> None:
        def wait() -> None:
            time.sleep(seconds)
            act()

        thread = threading.Thread(target=wait, daemon=True)
        self._threads.append(thread)
        thread.start()
