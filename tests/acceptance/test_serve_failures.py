"""What breaks around the server: its store, its databases, its own process, the name service; and what becomes of it."""

from __future__ import annotations

import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from dbsync.local import EphemeralServer
from tests.acceptance.test_serve_hostile import Trap
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.serving import blob, environment, serving
from tests.fixtures.servinghere import serving_here

ITEM = "CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item VALUES (1, 'one')"


def save(client: httpx.Client, name: str, url: str) -> str:
    reply = client.post("/api/connections", json={"name": name, "url": url})
    assert reply.status_code == 201, reply.text
    return str(reply.json()["data"]["id"])


def rows(client: httpx.Client, connection: str) -> Any:
    reply = client.get(f"/api/explorer/{connection}/item/rows")
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]["rows"]


def backends(database: Database) -> set[int]:
    """The sessions that the server has there."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'dbsync serve' AND datname = current_database()"
    return {pid for (pid,) in database.query(query)}


def wait_until(holds: Callable[[], bool], timeout: float = 15) -> None:
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class TestSessions:
    def test_they_wait_a_moment_for_the_next_request_and_end_with_the_connection_or_the_server(
        self, tmp_path: Path, pg_a: EphemeralServer
    ) -> None:
        with (
            fresh_database(pg_a) as one,
            fresh_database(pg_a) as two,
            serving(tmp_path) as served,
            served.client() as client,
            served.client("bob") as bob,
        ):
            one.execute(ITEM)
            two.execute(ITEM.replace("'one'", "'two'"))
            id = save(client, "shop", one.url)
            for _ in range(5):
                assert rows(client, id) == [{"id": 1, "name": "one"}]
            (first,) = backends(one)
            bobs = save(bob, "shop", one.url)
            assert rows(bob, bobs) == [{"id": 1, "name": "one"}]
            assert first in backends(one)
            assert len(backends(one)) == 2  # bob has not got alice's
            assert client.get(f"/api/explorer/{id}/nothing/rows").status_code == 404
            assert client.put(f"/api/connections/{id}", json={"url": two.url}).status_code == 200
            assert rows(client, id) == [{"id": 1, "name": "two"}]
            wait_until(lambda: len(backends(one)) <= 1)
            assert client.delete(f"/api/connections/{id}").status_code == 200
            wait_until(lambda: backends(two) == set())
            wait_until(lambda: backends(one) == set())  # nobody has asked for a while
            assert rows(bob, bobs) == [{"id": 1, "name": "one"}]
            assert len(backends(one)) == 1
            assert served.stop() == 0
            wait_until(lambda: backends(one) == set())

    def test_a_database_that_is_restarted_between_two_requests_is_not_noticed(self, tmp_path: Path) -> None:
        with EphemeralServer() as server, serving(tmp_path) as served, served.client() as client:
            with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
                connection.execute(ITEM)
            id = save(client, "shop", server.url("postgres"))
            assert rows(client, id) == [{"id": 1, "name": "one"}]
            server.restart()
            assert rows(client, id) == [{"id": 1, "name": "one"}]
            server.kill()
            reply = client.get(f"/api/explorer/{id}/item/rows")
            assert (reply.status_code, reply.json()["code"]) == (400, "CONNECT_TCP")
            server.restart()
            assert rows(client, id) == [{"id": 1, "name": "one"}]


class TestTheStore:
    def test_health_says_that_it_is_down_and_requests_are_503_until_it_is_back(self, tmp_path: Path) -> None:
        with EphemeralServer() as server:
            env = environment(tmp_path, DBSYNC_STORE=server.url("postgres"))
            with serving(tmp_path, "--workers", "0", env=env) as served, served.client() as client:
                assert client.get("/health").json()["checks"]["database"]["status"] == "up"
                server.kill()
                for _ in range(2):
                    health = client.get("/health")
                    assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
                    assert {name: check["status"] for name, check in health.json()["checks"].items()} == {
                        "redis": "up", "database": "down", "queue": "down",
                    }  # fmt: skip
                    assert server.password not in health.text
                    ready = client.get("/health/ready")
                    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
                    assert client.get("/health/live").status_code == 200
                    reply = client.get("/api/connections")
                    assert (reply.status_code, reply.json()["success"]) == (503, False)
                    assert str(server.port) not in reply.text
                    assert client.get("/metrics").status_code == 200
                server.restart()
                wait_until(lambda: client.get("/health/ready").status_code == 200)
                assert client.get("/api/connections").json()["data"] == []


class TestRepeatsAfterADeath:
    """A request whose process is killed half-way, and repeated under its id by the frontend."""

    def test_a_job_is_made_once(self, tmp_path: Path, source_db: Database, target_db: Database) -> None:
        with serving(tmp_path) as served, served.client() as client:
            ids = {
                "sourceConnectionId": save(client, "a", source_db.url),
                "targetConnectionId": save(client, "b", target_db.url),
            }
        body = ids | {"tables": [{"tableName": "item"}]}
        # The process dies before its second write, after the claim, and before its fifth, when the job is there.
        for number in (2, 5):
            request = {"X-Request-ID": f"killed-{number}"}
            with serving(tmp_path, "--workers", "0", env=dying(tmp_path, number)) as served, served.client() as client:
                with pytest.raises(httpx.TransportError):
                    client.post("/api/sync", json=body, headers=request)
                assert served.process.wait(10) == -signal.SIGKILL
            _a_minute_passes(tmp_path / "store.db")
            with serving(tmp_path, "--workers", "0") as served, served.client() as client:
                first = client.post("/api/sync", json=body, headers=request)
                assert first.status_code == 201, (number, first.text)
                assert client.post("/api/sync", json=body, headers=request).content == first.content
                jobs = client.get("/api/sync").json()["data"]
                assert len(jobs) == (1 if number == 2 else 2)
                assert len({job["id"] for job in jobs}) == len(jobs)

    def test_sql_that_may_have_run_is_not_run_again(self, tmp_path: Path, source_db: Database) -> None:
        source_db.execute("CREATE TABLE item (id serial PRIMARY KEY)")
        env = environment(tmp_path, DBSYNC_EXECUTE="write")
        sql, named = {"sql": "INSERT INTO item DEFAULT VALUES"}, {"X-Request-ID": "insert-once"}
        with serving(tmp_path, env=env) as served, served.client() as client:
            path = f"/api/connections/{save(client, 'a', source_db.url)}/execute"
        # The claim is written, the statement runs and is committed, and the reply cannot be kept any more.
        with serving(tmp_path, "--workers", "0", env=dying(tmp_path, 2, DBSYNC_EXECUTE="write")) as served:
            with served.client() as client, pytest.raises(httpx.TransportError):
                client.post(path, json=sql, headers=named)
            assert served.process.wait(10) == -signal.SIGKILL
        assert source_db.value("SELECT count(*) FROM item") == 1
        _a_minute_passes(tmp_path / "store.db")
        with serving(tmp_path, "--workers", "0", env=env) as served, served.client() as client:
            for _ in range(2):
                reply = client.post(path, json=sql, headers=named)
                assert (reply.status_code, reply.headers["retry-after"]) == (409, "5")
                assert "look what became of it" in reply.json()["error"]
        assert source_db.value("SELECT count(*) FROM item") == 1


def dying(home: Path, number: int, **more: str) -> dict[str, str]:
    return environment(home, DBSYNC_FAILPOINT=f"before_store_commit@{number}=kill", **more)


def _a_minute_passes(store: Path) -> None:
    """So long a request is left to the process that began it."""
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE reply SET created_at = created_at - 61")


def test_the_address_that_was_checked_is_dialled_whatever_the_name_says_next(
    tmp_path: Path, source_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name leads to an allowed address once, and then to one that must not be reached."""
    source_db.execute(ITEM)
    port = source_db.server.port
    trap = Trap(socket.AF_INET, "127.0.0.9", port)
    asked: list[str] = []
    lock = threading.Lock()
    real = socket.getaddrinfo

    def rebinding(host: Any, service: Any, *args: Any, **options: Any) -> Any:
        if host != "rebind.example.test":
            return real(host, service, *args, **options)
        with lock:
            asked.append(host)
            address = "127.0.0.1" if len(asked) % 2 == 1 else "127.0.0.9"
        return real(address, service, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    url = source_db.url.replace("127.0.0.1", "rebind.example.test")
    assert url != source_db.url
    env = environment(tmp_path, DBSYNC_ALLOW_HOSTS=f"rebind.example.test,127.0.0.1/32:{port}")
    with closing(trap), serving_here(tmp_path, env) as here, here.client() as client:
        for number in range(3):
            before = len(asked)
            good = client.get("/api/explorer/x/item/rows", params={"encryptedUrl": blob(url)})
            assert good.status_code == 200, good.text
            assert len(asked) == before + 1  # looked up once
            bad = client.get("/api/explorer/x/item/rows", params={"encryptedUrl": blob(url)})
            assert (bad.status_code, bad.json()["code"]) == (400, "HOST_NOT_ALLOWED"), number
        reply = client.post("/api/connections/x/test", json={"encryptedUrl": blob(url)})
        assert reply.status_code == 200, reply.text
        assert len(asked) == 7
        assert trap.caught == []
