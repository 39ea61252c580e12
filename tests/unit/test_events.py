"""Server-sent events: their form, and streams that end with their reader, or when it stands still."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from dbsync.server.arrival import Arrival
from dbsync.server.events import PING, EventStream, ServerSentEvent

_SCOPE = {"type": "http", "method": "GET", "path": "/stream", "query_string": b"", "headers": [(b"host", b"localhost")]}


def test_events_are_lines_that_no_value_can_break_out_of() -> None:
    assert ServerSentEvent(data="{}").encode() == b"data: {}\n\n"
    assert ServerSentEvent(data="a\r\nb\rc\n", id="7\n8", event="x\r\ny").encode() == (
        b"id: 78\nevent: xy\ndata: a\ndata: b\ndata: c\ndata: \n\n"
    )
    assert PING == b": ping\n\n"


class Client:
    """What is at the other end: takes what is sent, and leaves when it is told to."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.leaves = anyio.Event()
        self.stands_still = False

    async def receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.stands_still:
            await anyio.sleep_forever()
        self.got.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.got)


async def stream(client: Client, parts: AsyncGenerator[bytes, None], inside: list[str]) -> None:
    """Serve it below a layer of the framework, which notes when it is left."""

    async def framework(scope: Scope, receive: Receive, send: Send) -> None:
        await EventStream(parts, slowest_s=0.2)(scope, receive, send)
        inside.append("left")

    arrival = Arrival(framework, hosts=frozenset({"localhost"}), origins=(), observe=lambda *_: inside.append("over"))
    await arrival(dict(_SCOPE), client.receive, client.send)


async def endless(noted: list[str]) -> AsyncGenerator[bytes, None]:
    try:
        while True:
            yield b"."
            await anyio.sleep(0.01)
    finally:
        noted.append("closed")


def test_a_stream_that_has_told_everything_ends() -> None:
    async def three() -> AsyncGenerator[bytes, None]:
        for part in (b"a", b"b", b"c"):
            yield part

    async def main() -> None:
        client = Client()
        with anyio.fail_after(10):
            await stream(client, three(), [])
        assert client.body == b"abc"
        assert client.got[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
        headers = dict(client.got[0]["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream")
        assert b"content-length" not in headers

    anyio.run(main)


def test_a_stream_ends_when_its_reader_leaves_and_the_layers_around_it_have_ended_before() -> None:
    async def main() -> None:
        client, noted, inside = Client(), list[str](), list[str]()
        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                group.start_soon(stream, client, endless(noted), inside)
                while len(client.body) < 5:
                    await anyio.sleep(0.01)
                assert (inside, noted) == (["left"], [])
                client.leaves.set()
        assert (inside, noted) == (["left", "over"], ["closed"])

    anyio.run(main)


def test_a_reader_that_stands_still_is_given_up() -> None:
    async def main() -> None:
        client, noted, inside = Client(), list[str](), list[str]()
        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                group.start_soon(stream, client, endless(noted), inside)
                while len(client.body) < 2:
                    await anyio.sleep(0.01)
                client.stands_still = True
        assert (inside, noted) == (["left", "over"], ["closed"])
        assert client.got[-1]["more_body"] is True  # not a whole reply: the server cuts the connection

    anyio.run(main)


def test_a_failure_of_what_is_told_is_no_silent_end() -> None:
    async def failing() -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        anyio.run(stream, Client(), failing(), [])
