"""What a run copies, counted on the wire: bytes of rows by the table that they are for.

Rows may go there by way of another table, staged or with changes: it is made from the columns of the one it is for.
"""

from __future__ import annotations

import re

from tests.faults.proxy import Fate, Message

_COPY = re.compile(r"COPY ([\w.]+) ?\(.*FROM STDIN|COPY ([\w.]+) FROM STDIN", re.DOTALL)
_MADE = re.compile(
    r"CREATE (?:UNLOGGED|TEMPORARY) TABLE ([\w.]+) .*AS SELECT .* FROM (?:ONLY )?([\w.]+) WITH NO DATA", re.DOTALL
)
_BY_THE_WAY = ("dbsync.", "pg_temp.")


class Copies:
    """Sees every message of a run; ``bytes`` are by table, with a question mark where nobody knows for which."""

    def __init__(self) -> None:
        self.bytes: dict[str, int] = {}
        self._meant: dict[tuple[int, str], str] = {}  # by link and name: each session has temporary tables of its own
        self._now: dict[int, str] = {}

    def see(self, message: Message) -> Fate:
        """Count a message, and let it go on."""
        if message.sender == "client":
            if message.kind in (b"Q", b"P"):
                self._order(message)
            elif message.kind == b"d" and message.link in self._now:
                self.bytes[self._now[message.link]] += message.length - 4
        return Fate.PASS

    def _order(self, message: Message) -> None:
        self._now.pop(message.link, None)
        order = message.order.partition(b"\0")[2] if message.kind == b"P" else message.order
        text = order.decode("utf-8", "replace").replace('"', "")
        if made := _MADE.match(text):
            self._meant[self._key(message.link, made[1])] = made[2]
        elif copy := _COPY.match(text):
            into = copy[1] or copy[2]
            table = self._meant.get(self._key(message.link, into), f"?{into}") if into.startswith(_BY_THE_WAY) else into
            self._now[message.link] = table
            self.bytes.setdefault(table, 0)

    @staticmethod
    def _key(link: int, name: str) -> tuple[int, str]:
        return (link if name.startswith("pg_temp.") else 0, name)
