"""The clients of the HTTP benchmark know a whole reply when they have one."""

from __future__ import annotations

import pytest

from benchmarks.visitors import status_of


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (b"", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200),
        (b"HTTP/1.1 429 Too Many Requests\r\nX: 1\r\ncontent-length: 0\r\n\r\n", 429),
    ],
)
def test_a_reply_is_whole_when_its_length_is_there(reply: bytes, status: int | None) -> None:
    assert status_of(bytearray(reply)) == status
