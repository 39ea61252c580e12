"""The whole flow of the existing frontend, by a client that behaves as it does; and the older encrypted URLs."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.fixtures.contract_client import ContractClient
from tests.fixtures.databases import Database
from tests.fixtures.oracle import content, session
from tests.fixtures.serving import SECRET, blob, environment, serving, token

_SOURCE = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine');
CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL, mood mood DEFAULT 'ok', since timestamptz(6));
CREATE TABLE purchase (customer_id int REFERENCES customer, number int, price numeric(12,4), PRIMARY KEY (customer_id, number));
INSERT INTO customer SELECT n, 'c' || n, 'fine', '2026-01-01 00:00:00.123456+00' FROM generate_series(1, 500) n;
INSERT INTO purchase SELECT n, n, n / 7.0 FROM generate_series(1, 500) n;
"""
_TARGET = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL, mood mood DEFAULT 'ok');
INSERT INTO customer VALUES (1, 'old', 'sad');
"""


def test_the_whole_flow_of_the_frontend(tmp_path: Path, source_db: Database, target_db: Database) -> None:
    source_db.execute(_SOURCE)
    target_db.execute(_TARGET)
    headers = {
        "X-Backend-Secret": SECRET,
        "Authorization": f"Bearer {token('alice')}",
        "Content-Type": "application/json",
    }
    with (
        serving(tmp_path, env=environment(tmp_path, DBSYNC_EXECUTE="write")) as served,
        httpx.Client(base_url=served.url, headers=headers, timeout=300) as plain,
    ):
        frontend = ContractClient(plain)

        def done(reply: dict[str, Any]) -> Any:
            assert reply["success"] is True, reply
            return reply["data"]

        ids = {
            name: done(
                frontend.post("/api/connections", {"name": name, "url": database.url, "environment": "development"})
            )["id"]
            for name, database in (("source", source_db), ("target", target_db))
        }
        ends = {
            "sourceConnectionId": ids["source"], "targetConnectionId": ids["target"],
            "sourceEncryptedUrl": blob(source_db.url), "targetEncryptedUrl": blob(target_db.url),
        }  # fmt: skip
        for name in ids.values():
            assert done(frontend.post(f"/api/connections/{name}/test", {"encryptedUrl": blob(source_db.url)}))[
                "version"
            ].split(" ")[1]
        schema = done(frontend.get(f"/api/connections/{ids['source']}/schema"))
        assert schema["tables"][0]["name"] == "customer"
        rows = done(
            frontend.get(
                f"/api/explorer/{ids['source']}/customer/rows",
                page=2,
                limit=100,
                sortBy="id",
                sortOrder="asc",
                search="",
            )
        )
        assert rows["rows"][0]["id"] == 101
        assert rows["pagination"]["totalPages"] == 5

        tables = [
            {"tableName": name, "enabled": True, "conflictStrategy": "source_wins"} for name in ("customer", "purchase")
        ]
        assert (
            done(frontend.post("/api/sync/validate", ends | {"tables": tables, "direction": "one_way"}))["canProceed"]
            is False
        )
        plan = done(frontend.post("/api/sync/generate-migration", ends | {"direction": "source_to_target"}))
        script = plan["migrationPlan"]["fullScript"]
        ran = frontend.post(
            f"/api/connections/{ids['target']}/execute", {"sql": script, "confirmationPhrase": "target"}
        )
        assert ran["success"] is True, ran
        assert ran["data"]["failedStatements"] == 0
        assert done(frontend.post("/api/sync/validate", ends | {"tables": tables}))["canProceed"] is True

        dry = done(frontend.post("/api/sync", ends | {"direction": "one_way", "tables": tables, "dryRun": True}))
        assert (dry["totalInserts"], dry["totalUpdates"]) == (999, 1)
        job = done(frontend.post("/api/sync", ends | {"direction": "one_way", "tables": tables, "dryRun": False}))["id"]
        with psycopg.connect(target_db.url) as blocker:
            blocker.execute("LOCK TABLE customer")  # so that it can be paused in the middle
            assert done(frontend.post(f"/api/sync/{job}/start", ends))["status"] == "running"
            told: list[dict[str, Any]] = []

            def watch() -> None:
                with plain.stream("GET", f"/api/sync/{job}/stream", headers={"Accept": "text/event-stream"}) as reply:
                    told.extend(json.loads(line[6:]) for line in reply.iter_lines() if line.startswith("data: "))

            watcher = threading.Thread(target=watch)
            watcher.start()
            time.sleep(1)
            assert done(frontend.post(f"/api/sync/{job}/pause"))["status"] == "paused"
            watcher.join(30)
        assert told[-1]["status"] == "paused"
        assert done(frontend.post(f"/api/sync/{job}/start", ends))["status"] == "running"
        deadline = time.monotonic() + 60
        while (found := done(frontend.get(f"/api/sync/{job}", logs="true", logLimit=1000)))["status"] != "completed":
            assert time.monotonic() < deadline, found
            time.sleep(0.3)
        assert found["progress"]["insertedRows"] == 999
        assert done(plain.get(f"/api/sync/{job}/metrics").json())["attempts"] == 2
        assert frontend.breaker == 0
        with session(source_db.url) as mine, session(target_db.url) as theirs:
            assert {name: rows for name, rows in content(theirs).items() if name.startswith("public.")} == content(mine)


def test_the_breaker_of_the_frontend_never_opens_for_what_people_do_wrong(tmp_path: Path) -> None:
    with serving(tmp_path) as served, served.client() as plain:
        frontend = ContractClient(plain)
        for _ in range(3):
            for method, path, body in (
                ("post", "/api/connections/x/test", {"encryptedUrl": blob("postgresql://u:p@127.0.0.1:1/d")}),
                ("post", "/api/connections/x/test", {"encryptedUrl": "garbage"}),
                ("post", "/api/connections/x/execute", {"sql": "SELECT"}),
                ("post", "/api/sync", {"tables": []}),
                ("post", "/api/sync/00000000-0000-4000-8000-000000000000/start", None),
            ):
                reply = getattr(frontend, method)(path, body)
                assert reply["success"] is False
                assert 400 <= reply["status"] < 500
        assert frontend.breaker == 0
        assert len(frontend.sent) == 15  # nothing was repeated


# Made by the frontend's own function, or decrypted by it; the key is made up.
_VECTORS = {
    "without padding": "oKGio6SlpqeoqaqrrK2ur1rMUMh/v6gFsvIlnsJw6P3tfzBKHUY02L12CJh8TUfqfP2DTeG2zMnUPASRKm3WgGo/7BwzY40SdzLJqTdW3V5a",
    "umlauts": "AAAAAAAAAAAAAAAAAAAAAVK0L0LLAt3CTZjwZIv+nr1ZgPijyruCsuJh8ZaA3qO1/6ja4wfHcbjC3230gCLhGMlhHXw2dhzlAIyj2FJlCALlM+3gZeH+Pt8=",
    "random nonce": "T+F60N8y9Dpdi1bwrm4Lbl7hiwXq2FZgeeiOQdZ1Ke8WiHMIO4fR/nUa5+1p3h+OgaB6ktq1PpKFyeQlv8OYyKi98updmLQ=",
}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("serve")
    with serving(home, env=environment(home, DBSYNC_ALLOW_HOSTS="")) as served, served.client() as client:
        yield client


@pytest.mark.parametrize("text", [*_VECTORS.values(), _VECTORS["without padding"] + "?page=1"])
def test_older_urls_are_read_and_their_hosts_are_not_dialled_without_leave(closed: httpx.Client, text: str) -> None:
    reply = closed.post("/api/connections/x/test", json={"encryptedUrl": text})
    assert (reply.status_code, reply.json()["code"]) == (400, "HOST_NOT_ALLOWED")
    reply = closed.get("/api/explorer/x/t/rows", params={"encryptedUrl": text})
    assert (reply.status_code, reply.json()["code"]) == (400, "HOST_NOT_ALLOWED")


@pytest.mark.parametrize(
    "text",
    ["AAAA", _VECTORS["without padding"][:-1] + "b", "", "!", "x" * 90_000, "/+7dzLuqmYh3ZlVEMyIRABz1A3ngB55+s8DCebuIyto="],
    ids=["short", "changed", "empty", "no base64", "long", "other key"],
)  # fmt: skip
def test_older_urls_that_are_not_whole_are_400(closed: httpx.Client, text: str) -> None:
    reply = closed.post("/api/connections/x/test", json={"encryptedUrl": text})
    assert reply.status_code == 400
    assert reply.json().get("code") != "HOST_NOT_ALLOWED"


def test_older_urls_need_the_key_and_the_shared_secret(tmp_path: Path) -> None:
    env = environment(tmp_path)
    del env["ENCRYPTION_KEY"]
    with serving(tmp_path, env=env) as served, served.client() as client:
        reply = client.post("/api/connections/x/test", json={"encryptedUrl": _VECTORS["umlauts"]})
        assert (reply.status_code, reply.json()["error"]) == (400, "Encrypted URLs are not accepted here")
        assert client.post("/api/connections/x/test").status_code == 404
