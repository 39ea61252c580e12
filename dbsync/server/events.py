"""Server-sent events: their form, and a reply that tells them until its reader is gone or the server ends.

A stream that is held costs one task beside the request's own, so that many of them cost little.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_LINE_END = re.compile(r"\r\n|\r|\n")
_HEADERS = {"Cache-Control": "no-cache", "Connection": "keep-alive", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSentEvent:
    """One event; an unnamed one is what a browser calls a message."""

    data: str
    event: str | None = None
    id: str | None = None

    def encode(self) -> bytes:
        """The event as it is sent. Names and ids hold no line ends."""
        lines = [f"id: {_LINE_END.sub('', self.id)}"] if self.id is not None else []
        lines += [f"event: {_LINE_END.sub('', self.event)}"] if self.event is not None else []
        lines += [f"data: {line}" for line in _LINE_END.split(self.data)]
        return "".join(f"{line}\n" for line in [*lines, ""]).encode()


PING = b": ping\n\n"


class EventStream(Response):
    """Sends what ``parts`` gives, each part within ``slowest_s``; ``parts`` is closed however this ends.

    Called by the framework it only begins, and leaves in ``state["goes_on"]`` what ``arrival.py`` is to run when all of
    the framework's layers have been left: kept for as long as a stream lasts, they would be most of its memory.
    """

    media_type = "text/event-stream"

    def __init__(self, parts: AsyncGenerator[bytes, None], *, slowest_s: float) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._parts = parts
        self._slowest_s = slowest_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        scope["state"]["goes_on"] = self._go_on

    async def _go_on(self, receive: Receive, send: Send) -> None:
        """Send until there is no more to send, or the reader is gone or stands still: then the server cuts it."""
        with anyio.CancelScope() as reading:

            def left(_: asyncio.Future[None]) -> None:
                reading.cancel()

            gone = asyncio.ensure_future(_gone(receive))
            gone.add_done_callback(left)
            try:
                async with aclosing(self._parts):
                    await self._send_all(send)
            finally:
                gone.remove_done_callback(left)
                gone.cancel()

    async def _send_all(self, send: Send) -> None:
        async for part in self._parts:
            with anyio.move_on_after(self._slowest_s) as patience:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            if patience.cancelled_caught:
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
