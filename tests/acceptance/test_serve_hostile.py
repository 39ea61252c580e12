"""What attackers send: SQL that would change something, hosts that must not be dialled, names that are statements.

Judged from outside: the state of a whole cluster, a trap that listens, the statements that a database has run.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.fixtures.serving import blob, environment, serving
from tests.integration.test_execute_read import CORPUS, HARMLESS, Ground, lines
from tests.integration.test_execute_read import ground as ground

ROOT = Path(__file__).parents[2]


def save(client: httpx.Client, name: str, url: str) -> str:
    reply = client.post("/api/connections", json={"name": name, "url": url})
    assert reply.status_code == 201, reply.text
    return str(reply.json()["data"]["id"])


def test_a_hundred_escapes_from_reading_change_nothing(tmp_path: Path, ground: Ground) -> None:
    corpus = lines(CORPUS)
    assert len(corpus) > 130
    with serving(tmp_path) as served, served.client() as client:
        connection = save(client, "ground", ground.url)
        before = ground.state()
        through = []
        for text in corpus:
            attempt = text.replace("{place}", str(ground.place)).replace(
                "{victim}", str(ground.victim.info.backend_pid)
            )
            reply = client.post(
                f"/api/connections/{connection}/execute", json={"sql": attempt, "confirmationPhrase": "ground"}
            )
            assert reply.status_code in (200, 400), reply.text
            if reply.json()["success"]:
                through.append(attempt)
        assert through == []
        assert ground.state() == before
        harmless = lines(HARMLESS)[:6]
        answered = [
            client.post(f"/api/connections/{connection}/execute", json={"sql": text}).json() for text in harmless
        ]
        assert all(body["success"] for body in answered), answered


class Trap:
    """A listener that nobody may connect to."""

    def __init__(self, family: socket.AddressFamily, host: str, port: int = 0) -> None:
        self.caught: list[object] = []
        self._socket = socket.create_server((host, port), family=family)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        while True:
            try:
                connection, peer = self._socket.accept()
            except OSError:
                return
            self.caught.append(peer)
            connection.close()

    def close(self) -> None:
        self._socket.close()


@contextmanager
def traps() -> Iterator[tuple[Trap, ...]]:
    """One trap on each loopback address, at one port."""
    first = Trap(socket.AF_INET, "127.0.0.1")
    found = [first]
    with suppress(OSError):  # no IPv6 here
        found.append(Trap(socket.AF_INET6, "::1", first.port))
    try:
        yield tuple(found)
    finally:
        for trap in found:
            trap.close()


HOSTS = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "0",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "LocalHost",
    "ip6-localhost",
    "localhost.localdomain",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[2002:7f00:1::]",
    "[64:ff9b::7f00:1]",
    "169.254.169.254",
    "[fe80::1]",
    "[fd00::1]",
    "10.0.0.1",
    "192.168.0.1",
    "172.16.0.1",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "metadata.google.internal",
    "127.0.0.1,db.example.test",
    "db.example.test,127.0.0.1",
    "127.0.0.1%00.example.test",
    "db.example.test@127.0.0.1",
    "db.example.test%40127.0.0.1",
    "evil.example.test",
]
QUERIES = (
    "?host=127.0.0.1", "?hostaddr=127.0.0.1", "?host=/tmp", "?host=/var/run/postgresql", "?service=x", "?passfile=/etc/passwd",
    "?sslrootcert=/etc/passwd", "?sslkey=/etc/passwd", "?options=-c%20role=x", "?host=db.example.test,127.0.0.1",
)  # fmt: skip


def test_forty_ways_to_name_a_host_that_must_not_be_dialled_reach_nothing(tmp_path: Path) -> None:
    assert len(HOSTS) >= 40
    env = environment(tmp_path, DBSYNC_ALLOW_HOSTS="localhost,db.example.test,10.0.0.0/8:5432")
    with traps() as listening, serving(tmp_path, env=env) as served, served.client() as client:
        port = listening[0].port
        urls = [f"postgresql://u:p@{host}:{port}/d" for host in HOSTS]
        urls += [f"postgresql://u:p@db.example.test:{port}/d{query}" for query in QUERIES]
        urls += [f"postgresql:///d?host=127.0.0.1&port={port}", f"postgresql://u@/d?port={port}"]
        told = set()
        for number, url in enumerate(urls):
            replies = [
                client.post("/api/connections", json={"name": f"n{number}", "url": url}),
                client.post("/api/connections/x/test", json={"encryptedUrl": blob(url)}),
                client.get("/api/explorer/x/tables", params={"encryptedUrl": blob(url)}),
                client.post(
                    "/api/sync/validate",
                    json={
                        "sourceConnectionId": "a",
                        "targetConnectionId": "b",
                        "sourceEncryptedUrl": blob(url),
                        "targetEncryptedUrl": blob(url),
                    },
                ),
            ]
            for reply in replies:
                assert reply.status_code == 400, (url, reply.text)
                if reply.json()["code"] == "HOST_NOT_ALLOWED":
                    told.add(reply.text)
        assert [trap.caught for trap in listening] == [[] for _ in listening]
        assert len(told) == 1  # all refusals read alike
        assert client.get("/api/connections").json()["data"] == []


def test_a_name_that_leads_elsewhere_later_is_not_followed() -> None:
    """What was checked is what is dialled: the name is not looked up again, whatever it says then."""
    from dataclasses import replace

    from dbsync.pg.dial import route
    from dbsync.urls import parse_url

    checked = replace(parse_url("postgresql://u:p@no-such-name.invalid:5432/d"), addresses=("192.0.2.7",))
    way = route(checked)  # raises where it asks a name server
    assert (way.addresses, way.host, way.sslmode) == (("192.0.2.7",), "no-such-name.invalid", "verify-full")
