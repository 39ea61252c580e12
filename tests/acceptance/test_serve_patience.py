"""Clients that are slow on purpose, or gone: none of them holds the server up, and what they hold is given back."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from dbsync.server import arrival, patience, streams
from tests.fixtures.databases import Database
from tests.fixtures.serving import SECRET, token
from tests.fixtures.servinghere import Here, serving_here

HEAD = f"Host: localhost\r\nX-Backend-Secret: {SECRET}\r\nAuthorization: Bearer {token('alice')}\r\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    monkeypatch.setattr(patience, "HEAD_S", 0.6)
    monkeypatch.setattr(patience, "READER_S", 1.0)
    monkeypatch.setattr(arrival, "_BODY_S", 0.6)
    monkeypatch.setattr(streams, "_SLOWEST_S", 1.0)
    with serving_here(tmp_path) as found:
        yield found


@contextmanager
def connected(here: Here, *, takes: int | None = None) -> Iterator[socket.socket]:
    """A bare connection; ``takes``: so many bytes wait at most at the client's end."""
    with closing(socket.socket()) as one:
        if takes is not None:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, takes)
        one.settimeout(10)
        one.connect(("127.0.0.1", here.port))
        yield one


def cut_after(one: socket.socket, trickle: bytes = b"") -> float:
    """How long the server keeps the connection; meanwhile a byte of ``trickle`` goes out every tenth of a second."""
    started = time.monotonic()
    one.settimeout(0.1)
    while time.monotonic() - started < 10:
        try:
            if not one.recv(65536):
                break
        except TimeoutError:
            with_more, trickle = trickle[:1], trickle[1:]
            try:
                one.sendall(with_more)
            except OSError:
                break
        except OSError:
            break
    return time.monotonic() - started


def wait_until(holds: Callable[[], bool], timeout: float = 15) -> None:
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def reply_on(connection: socket.socket) -> bytes:
    """One whole reply: its head and its body may come one after the other."""
    data = connection.recv(65536)
    while True:
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if body and length is not None and len(body) >= int(length[1]):
            return data
        more = connection.recv(65536)
        assert more, data
        data += more


def test_a_client_that_says_nothing_or_never_ends_its_head_is_cut(here: Here) -> None:
    with connected(here) as silent:
        assert 0.3 < cut_after(silent) < 4
    with connected(here) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert 0.3 < cut_after(slow, b"x" * 200) < 4
    with connected(here) as second:  # also in its second request
        second.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert reply_on(second).startswith(b"HTTP/1.1 200")
        second.sendall(b"GET /health/live HTTP/1.1\r\nHost: loc")
        assert 0.3 < cut_after(second) < 4
    assert here.connections == 0


def test_a_connection_that_rests_between_two_requests_is_left_alone(here: Here) -> None:
    with connected(here) as one:
        for _ in range(2):
            one.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert reply_on(one).startswith(b"HTTP/1.1 200")
            time.sleep(1.0)


def test_a_body_that_does_not_arrive_is_a_408_and_the_end(here: Here) -> None:
    with connected(here) as one:
        one.sendall(f"POST /api/connections HTTP/1.1\r\n{HEAD}Content-Length: 1000\r\n\r\n{{".encode())
        reply = b"".join(iter(lambda: one.recv(65536), b""))
        assert reply.startswith(b"HTTP/1.1 408")
        assert json.loads(reply.partition(b"\r\n\r\n")[2])["success"] is False
    with connected(here) as one:  # a body that nobody reads
        one.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        assert reply_on(one).startswith(b"HTTP/1.1 200")
        assert cut_after(one, b"x" * 200) < 4
    assert here.connections == 0


def test_two_hundred_half_open_requests_hold_nobody_up(here: Here) -> None:
    held = []
    for number in range(200):
        one = socket.create_connection(("127.0.0.1", here.port))
        one.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow:"[: 10 + number % 40])
        held.append(one)
    started = time.monotonic()
    assert httpx.get(f"http://127.0.0.1:{here.port}/health").status_code == 200
    assert time.monotonic() - started < 2
    wait_until(lambda: here.connections == 0)
    for one in held:
        one.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the kernel drops no reader by itself")
def test_a_reader_that_takes_nothing_of_its_page_is_cut(here: Here, source_db: Database) -> None:
    source_db.execute("CREATE TABLE wide AS SELECT n AS id, repeat('x', 20000) AS text FROM generate_series(1, 400) n")
    with here.client() as client:
        id = client.post("/api/connections", json={"name": "wide", "url": source_db.url}).json()["data"]["id"]
    wait_until(lambda: here.connections == 0)
    with connected(here, takes=4096) as one:
        one.sendall(f"GET /api/explorer/{id}/wide/rows?limit=400 HTTP/1.1\r\n{HEAD}\r\n".encode())
        wait_until(lambda: here.connections == 1)
        wait_until(lambda: here.connections == 0)


def test_a_stream_whose_reader_stands_still_is_dropped_and_its_place_is_free(here: Here, source_db: Database) -> None:
    with here.client() as client:
        ids = [
            client.post("/api/connections", json={"name": name, "url": source_db.url}).json()["data"]["id"]
            for name in ("here", "there")
        ]
        body = {"sourceConnectionId": ids[0], "targetConnectionId": ids[1], "tables": [{"tableName": "item"}]}
        job = client.post("/api/sync", json=body).json()["data"]["id"]
        streams_open = here.core.meters.streams
        lines = [("log", "info", {"message": "x" * 900})] * 200
        with connected(here, takes=4096) as one:
            one.sendall(f"GET /api/sync/{job}/stream HTTP/1.1\r\n{HEAD}\r\n".encode())
            wait_until(lambda: streams_open._value.get() == 1)
            with here.core.store.write() as work:
                for _ in range(40):
                    here.core.jobs._tell(work, job, 0.0, lines)
            wait_until(lambda: streams_open._value.get() == 0, 30)
        for _ in range(5):  # all five places of this owner
            with client.stream("GET", f"/api/sync/{job}/stream") as reply:
                assert reply.status_code == 200


def test_databases_that_do_not_answer_hold_up_neither_health_nor_others(here: Here) -> None:
    """Each of these requests waits in a thread of its own, and there are more of them than threads."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=100)) as silent, here.client() as client:
        url = f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/d?connect_timeout=6"
        id = client.post("/api/connections", json={"name": "silent", "url": url}).json()["data"]["id"]
        asking = [
            threading.Thread(target=lambda: client.get(f"/api/explorer/{id}/item/rows"), daemon=True) for _ in range(60)
        ]
        for thread in asking:
            thread.start()
        wait_until(lambda: here.connections >= 60)
        for path in ("/health", "/health/ready", "/health/live"):
            started = time.monotonic()
            assert httpx.get(f"http://127.0.0.1:{here.port}{path}").status_code == 200
            assert time.monotonic() - started < 3
        for thread in asking:
            thread.join(30)
