"""A pair of databases that is synchronised again and again, each side behind a proxy that can break it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults import ledger
from tests.faults.proxy import Fate, Message, Proxy, pass_all
from tests.fixtures import oracle
from tests.fixtures.command import Command, Running
from tests.fixtures.pair import Pair


@dataclass(slots=True)
class Arena:
    """A pair that is synchronised again and again, each side behind a proxy."""

    pair: Pair
    source: Proxy
    target: Proxy
    command: Command

    def start(self, *args: str) -> Running:
        """Start a replace through the proxies."""
        return self.fill("--mode", "replace", *args)

    def fill(self, *args: str) -> Running:
        """Start a sync that writes empty tables only, through the proxies."""
        return self.command.start("sync", self.source.url, self.target.url, "--yes", "--json", *args)

    def measure(self) -> dict[str, int]:
        """Run once undisturbed; return how many messages pass each side."""
        ledger.advance(self.pair)
        before = {"source": self.source.traffic.messages, "target": self.target.traffic.messages}
        self.start().wait().ended(0)
        assert oracle.differences(self.pair.source, self.pair.target) == []
        return {
            "source": self.source.traffic.messages - before["source"],
            "target": self.target.traffic.messages - before["target"],
        }

    def start_and(
        self,
        act: Callable[[Running], None],
        *,
        side: str,
        number: int,
        args: tuple[str, ...] = (),
        start: Callable[..., Running] | None = None,
    ) -> Running:
        """Start a replace; ``act`` on it once, when ``number`` messages have passed that side."""
        proxy = self.source if side == "source" else self.target
        due = proxy.traffic.messages + number
        started: list[Running] = []

        def hook(message: Message) -> Fate:
            if message.number >= due:
                proxy.hook = pass_all
                act(started[0])
            return Fate.PASS

        proxy.hook = hook
        started.append((start or self.start)(*args))
        return started[0]

    def settle(self) -> None:
        """Let both sides pass everything again."""
        self.source.hook = self.target.hook = pass_all
