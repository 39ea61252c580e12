"""Looks up what a host's name means, in a thread: a look-up has no time limit, and no signal breaks into it."""

from __future__ import annotations

import socket
import threading


class Lookup:
    """A look-up that has begun. Nobody waits for its thread at the end of the process."""

    def __init__(self, host: str, port: int | None = None) -> None:
        self._host, self._port = host, port
        self._addresses: tuple[str, ...] = ()
        self._error: OSError | UnicodeError | None = None
        self._thread = threading.Thread(target=self._look, name="name look-up", daemon=True)
        self._thread.start()

    def over(self, within_s: float) -> bool:
        """Wait so long for the answer, where signals do break in; return whether it is there."""
        self._thread.join(max(within_s, 0))
        return not self._thread.is_alive()

    def addresses(self) -> tuple[str, ...]:
        """The addresses in the system's order, when it is over; raises OSError or UnicodeError where there are none."""
        if self._error is not None:
            raise self._error
        return self._addresses

    def _look(self) -> None:
        try:  # the system reads what the drivers would read: 127.1, 0x7f.1, names of /etc/hosts
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            self._addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        except (OSError, UnicodeError) as error:
            self._error = error
