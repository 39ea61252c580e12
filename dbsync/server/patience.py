"""How long a client may take: to say what it wants, and to take what it is given.

A connection costs an attacker nothing. One whose request does not come, or whose reader stands still, is cut.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_S = 10.0  # from the first byte of a request, or from connecting, to the end of its head
READER_S = 30.0  # without a byte taken; a stream has less, see streams.py
_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, with a limit for each time that it waits for the client.

    While a body arrives ``arrival.py`` limits that; between two requests ``timeout_keep_alive`` does.
    """

    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        _limit_reader(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on waiting, unless this is the end of a head."""
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        """Wait for the rest of a request that was answered before its end."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        self._stop_waiting()

    def _wait(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        if cycle is not None and not cycle.response_complete:
            self._stop_waiting()
        elif self._clock is None:
            self._clock = self.loop.call_later(HEAD_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


def _limit_reader(transport: asyncio.Transport) -> None:
    """Let the kernel cut a reader that takes nothing, whatever of a reply is still with us."""
    connection = transport.get_extra_info("socket")
    if connection is not None and _USER_TIMEOUT is not None:
        with suppress(OSError):  # no TCP socket
            connection.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, int(READER_S * 1000))
