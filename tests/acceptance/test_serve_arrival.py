"""What every request meets before its route: names, hosts, origins, bodies, queries, secrets; and how each failure looks."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest

from tests.fixtures.command import Command
from tests.fixtures.serving import ADMIN, SECRET, SIGNING, Served, environment, serving, token

_HOURS = 36_000  # parameters are made when tests are collected, long before they are used


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("serve")
    with serving(
        home, env=environment(home, FRONTEND_URL="https://app.example.test, http://localhost:3000/")
    ) as served:
        yield served


def refused(reply: httpx.Response, status: int, error: str | None = None) -> None:
    """Insist on the body that every failure has."""
    assert reply.status_code == status, reply.text
    body = reply.json()
    assert body["success"] is False
    assert isinstance(body["error"], str)
    assert body["error"]
    assert error is None or body["error"] == error, body


class TestHealth:
    def test_it_is_healthy_and_says_which_version(self, server: Served) -> None:
        reply = httpx.get(f"{server.url}/health")
        assert reply.status_code == 200
        body = reply.json()
        assert body["status"] == "healthy"
        assert body["version"] == "0.1.0"
        assert body["checks"]["redis"]["status"] == "up"
        assert body["checks"]["database"]["status"] == "up"
        assert body["checks"]["queue"]["details"] == {"jobs_waiting": 0, "jobs_active": 0}
        assert isinstance(body["uptime"], int)

    def test_live_ready_and_root_need_no_authentication(self, server: Served) -> None:
        assert httpx.get(f"{server.url}/health/live").json()["status"] == "alive"
        assert set(httpx.get(f"{server.url}/health/live").json()["memory"]) == {"heapUsed", "heapTotal", "usagePercent"}
        assert httpx.get(f"{server.url}/health/ready").json()["status"] == "ready"
        root = httpx.get(f"{server.url}/").json()
        assert (root["name"], root["status"], root["docs"]) == ("dbsync", "running", "/health")
        assert httpx.get(f"{server.url}/openapi.json").json()["openapi"].startswith("3.")

    @pytest.mark.parametrize("path", ["/", "/health", "/health/live", "/health/ready", "/openapi.json"])
    def test_head_is_answered_like_get_without_a_body(self, server: Served, path: str) -> None:
        reply = httpx.head(server.url + path)
        assert reply.status_code == 200
        assert reply.content == b""

    def test_a_head_of_an_api_route_needs_what_get_needs(self, server: Served) -> None:
        assert httpx.head(f"{server.url}/api/connections").status_code == 401
        with server.client() as client:
            assert client.head("/api/connections").status_code == 200


class TestWhoCalls:
    @pytest.mark.parametrize(
        ("headers", "error"),
        [
            ({}, "Invalid backend secret"),
            ({"X-Backend-Secret": "wrong"}, "Invalid backend secret"),
            ({"X-Backend-Secret": SECRET[:-1]}, "Invalid backend secret"),
            ({"X-Backend-Secret": SECRET + "x"}, "Invalid backend secret"),
            ({"X-Backend-Secret": "ü" * 40}, "Invalid backend secret"),
            ({"X-Backend-Secret": SECRET}, "Missing Authorization header"),
            ({"X-Backend-Secret": SECRET, "Authorization": "Basic abc"}, "Invalid Authorization header format"),
            ({"X-Backend-Secret": SECRET, "Authorization": "Bearerabc"}, "Invalid Authorization header format"),
            ({"X-Backend-Secret": SECRET, "Authorization": "Bearer"}, "Empty token"),
            ({"X-Backend-Secret": SECRET, "Authorization": "Bearer abc"}, "Invalid or expired token"),
            ({"Authorization": f"Bearer {token('alice')}"}, "Invalid backend secret"),
        ],
    )
    def test_whoever_is_not_known_gets_a_401_that_says_why(
        self, server: Served, headers: dict[str, str], error: str
    ) -> None:
        encoded = {name.encode(): value.encode() for name, value in headers.items()}
        reply = httpx.get(f"{server.url}/api/connections", headers=encoded)
        refused(reply, 401, error)

    @pytest.mark.parametrize(
        ("made", "error"),
        [
            (token("alice", key="another-key-that-signs-0123456789-0123456789"), "Invalid or expired token"),
            (token("alice", exp=int(time.time()) - 60), "Invalid or expired token"),
            (token("alice", aud="anon"), "Invalid or expired token"),
            (token("alice", nbf=int(time.time()) + _HOURS), "Invalid or expired token"),
            (jwt.encode({"sub": "alice", "aud": "authenticated"}, SIGNING), "Invalid or expired token"),
            (jwt.encode({"aud": "authenticated", "exp": time.time() + _HOURS}, SIGNING), "Invalid or expired token"),
            (
                jwt.encode({"sub": "alice", "aud": "authenticated", "exp": time.time() + _HOURS}, "", algorithm="none"),
                "Invalid or expired token",
            ),
            (
                jwt.encode(
                    {"sub": "alice", "aud": "authenticated", "exp": time.time() + _HOURS},
                    SIGNING * 2,
                    algorithm="HS512",
                ),
                "Invalid or expired token",
            ),
            (token("local"), "User not found"),
            (token("with blank"), "User not found"),
            (token("x" * 300), "User not found"),
            ("a" * 20_000, "Invalid or expired token"),
        ],
        ids=[
            "signer",
            "expired",
            "audience",
            "too early",
            "no end",
            "no owner",
            "unsigned",
            "algorithm",
            "local",
            "blank",
            "long",
            "huge",
        ],
    )
    def test_a_token_that_is_not_right_in_every_respect_is_refused(self, server: Served, made: str, error: str) -> None:
        reply = httpx.get(
            f"{server.url}/api/connections", headers={"X-Backend-Secret": SECRET, "Authorization": f"Bearer {made}"}
        )
        refused(reply, 401, error)

    def test_a_person_is_known_by_the_token(self, server: Served) -> None:
        with server.client("alice") as client:
            data = client.get("/api/status").json()["data"]
        assert (data["owner"], data["admin"]) == ("alice", False)
        with server.client("root", email=ADMIN.title()) as client:
            assert client.get("/api/status").json()["data"]["admin"] is True


class TestFailures:
    def test_unknown_routes_and_methods(self, server: Served) -> None:
        with server.client() as client:
            refused(client.get("/api/nothing?encryptedUrl=x"), 404, "Not Found")
            reply = client.get("/api/nothing?encryptedUrl=x")
            assert reply.json() | {"message": ""} == {
                "success": False,
                "error": "Not Found",
                "statusCode": 404,
                "message": "",
            }
            assert "encryptedUrl" not in reply.text
            refused(client.patch("/api/connections"), 405)
            refused(client.get("/api/connections/"), 404)

    def test_bodies_that_are_no_json_too_deep_too_large_or_none(self, server: Served) -> None:
        with server.client() as client:
            refused(client.post("/api/connections", content=b"{"), 400)
            refused(client.post("/api/connections", content=b"[1]"), 400)
            refused(client.post("/api/connections", content=b'{"name": 1}'), 400)
            refused(
                client.post("/api/connections", content=b"[" * 100 + b"]" * 100),
                400,
                "The request is nested more than 32 deep",
            )
            refused(
                client.post("/api/connections", content=b"x" * (1024 * 1024 + 1)), 413, "The request body is too large"
            )
            chunks = (b"x" * 65536 for _ in range(20))
            refused(client.post("/api/connections", content=chunks), 413)
            refused(
                client.post("/api/connections", content=b'{"name":"x"}', headers={"Content-Type": "text/plain"}), 400
            )
            deep_in_text = json.dumps({"name": "[" * 100, "url": "postgresql://127.0.0.1/x"})
            assert "nested" not in client.post("/api/connections", content=deep_in_text).text

    def test_a_text_that_is_never_closed_holds_nobody_up(self, server: Served) -> None:
        bodies = [b'"' + b'\\"' * 500_000, b'{"a": "' + b"\\" * 900_000, b'[{"a": ' * 100_000]
        started = time.monotonic()
        for body in bodies:  # nobody in particular sends them
            reply = httpx.post(f"{server.url}/api/sync", content=body, headers={"Content-Type": "application/json"})
            assert reply.status_code in (400, 401), reply.text
        assert time.monotonic() - started < 20
        deep = httpx.post(
            f"{server.url}/api/sync",
            content=b'{"\\"]]]": ' + b"[" * 40,
            headers={"Content-Type": "application/json"},
        )
        refused(deep, 400, "The request is nested more than 32 deep")

    def test_a_missing_field_is_named_and_a_value_is_never_repeated(self, server: Served) -> None:
        with server.client() as client:
            reply = client.post("/api/connections/x/execute", json={"sql": ["canary-value"], "encryptedUrl": "canary"})
        refused(reply, 400)
        assert "canary" not in reply.text
        assert reply.json()["details"][0]["field"] == "sql"

    def test_an_empty_body_with_a_json_type_is_an_empty_object(self, server: Served) -> None:
        with server.client() as client:
            refused(client.post("/api/connections/x/test"), 400, "Encrypted URL is required")
            refused(client.post("/api/connections/x/execute"), 400, "SQL query is required")
            assert client.request("GET", "/api/connections", content=b"").status_code == 200


class TestBrowsers:
    @pytest.mark.parametrize(
        "host",
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b", "localhost:x", "[:]", "[1.2]"],
    )
    def test_a_host_that_is_not_ours_is_refused(self, server: Served, host: str) -> None:
        refused(httpx.get(f"{server.url}/health", headers={"Host": host}), 400)

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3001", "127.0.0.1", "[::1]:99"])
    def test_our_own_names_are_known(self, server: Served, host: str) -> None:
        assert httpx.get(f"{server.url}/health", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize("origin", ["https://app.example.test", "http://localhost:3000"])
    def test_a_listed_origin_may_call(self, server: Served, origin: str) -> None:
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        reply = httpx.options(f"{server.url}/api/connections", headers=asked)
        assert reply.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in reply.headers

    @pytest.mark.parametrize(
        "origin",
        [
            "https://app.example.test.evil.example", "https://evilapp.example.test", "http://app.example.test",
            "https://app.example.test:444", "null", "http://localhost:3001", "https://x.vercel.app",
        ],
    )  # fmt: skip
    def test_other_origins_get_no_header_and_change_nothing(self, server: Served, origin: str) -> None:
        reply = httpx.get(f"{server.url}/health", headers={"Origin": origin})
        assert "access-control-allow-origin" not in reply.headers
        with server.client() as client:
            refused(client.post("/api/connections", json={}, headers={"Origin": origin}), 403, "Origin not allowed")

    def test_every_reply_forbids_what_a_page_needs_not(self, server: Served) -> None:
        for path in ("/health", "/nothing", "/api/connections"):
            headers = httpx.get(server.url + path).headers
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
            assert headers["x-content-type-options"] == "nosniff"
            assert "server" not in headers


class TestNamesAndLogs:
    def test_a_request_keeps_its_id_and_gets_one(self, server: Served) -> None:
        assert httpx.get(f"{server.url}/health", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
        assert len(httpx.get(f"{server.url}/health", headers={"X-Request-ID": "a\tb"}).headers["x-request-id"]) == 36

    def test_the_log_names_the_path_and_never_the_query(self, server: Served) -> None:
        with server.client() as client:
            client.get(
                "/api/connections/one-path/schema?encryptedUrl=canary-in-query", headers={"X-Request-ID": "logged-1"}
            )
        deadline = time.monotonic() + 5
        while "logged-1" not in server.log() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert "GET /api/connections/one-path/schema 400" in server.log()
        assert "canary-in-query" not in server.log()
        assert SECRET not in server.log()


class TestStarting:
    def test_it_does_not_start_where_nobody_could_be_told_apart(self, dbsync: Command) -> None:
        assert "BACKEND_SHARED_SECRET" in dbsync.run("serve").ended(2).stderr
        assert "shorter than 32" in dbsync.run("serve", env={"BACKEND_SHARED_SECRET": "short"}).ended(2).stderr
        for auth in ("token", "none"):
            assert "other machines" in dbsync.run("serve", "--auth", auth, "--host", "0.0.0.0").ended(2).stderr
        known = {"BACKEND_SHARED_SECRET": SECRET}
        assert "loopback only" in dbsync.run("serve", "--auth", "none", "--host", "::", env=known).ended(2).stderr

    def test_a_secret_without_signers_is_a_401_for_everybody(self, tmp_path: Path) -> None:
        env = environment(tmp_path)
        del env["SUPABASE_JWT_SECRET"]
        with serving(tmp_path, env=env) as served:
            assert "no bearer token can be accepted" in served.log()
            with served.client() as client:
                refused(client.get("/api/connections"), 401, "Supabase not configured")

    def test_no_authentication_means_the_operator_on_loopback(self, tmp_path: Path) -> None:
        env = environment(tmp_path)
        del env["BACKEND_SHARED_SECRET"]
        with serving(tmp_path, "--auth", "none", env=env) as served:
            data = httpx.get(f"{served.url}/api/status").json()["data"]
            assert (data["owner"], data["admin"]) == ("local", True)
            assert served.stop() == 0

    def test_it_ends_well_when_it_is_told_to(self, tmp_path: Path) -> None:
        with serving(tmp_path) as served:
            host, port = served.url.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))):  # somebody who never asks anything
                assert served.stop(signal.SIGINT) == 0

    def test_tokens_of_a_file(self, dbsync: Command, tmp_path: Path) -> None:
        made = {}
        for owner, scopes, *ends in (
            ("carol", "read"),
            ("dave", "read,write,admin"),
            ("gone", "read", "--ends", "2020-01-01"),
        ):
            made[owner] = (
                dbsync.run("serve", "--tokens", "t", "--new-token", owner, "--scopes", scopes, *ends)
                .ended(0)
                .stdout.strip()
            )
        file = dbsync.home / "t"
        assert file.stat().st_mode & 0o777 == 0o600
        assert not any(text in file.read_text() for text in made.values())
        env = environment(tmp_path)
        del env["BACKEND_SHARED_SECRET"], env["SUPABASE_JWT_SECRET"]
        with serving(tmp_path, "--auth", "token", "--tokens", str(file), env=env) as served:

            def asked(owner: str, method: str, path: str) -> httpx.Response:
                return httpx.request(method, served.url + path, headers={"Authorization": f"Bearer {made[owner]}"})

            assert asked("carol", "GET", "/api/status").json()["data"]["owner"] == "carol"
            refused(asked("carol", "DELETE", "/api/connections/x"), 403, "This token does not allow to write")
            assert asked("dave", "DELETE", "/api/connections/x").status_code == 404
            assert asked("dave", "GET", "/api/status").json()["data"]["admin"] is True
            refused(asked("gone", "GET", "/api/status"), 401, "Invalid or expired token")
            file.write_text("")
            refused(asked("carol", "GET", "/api/status"), 401, "Invalid or expired token")
            file.chmod(0o644)
            file.write_text("# other\n")
            assert asked("carol", "GET", "/api/status").status_code in (400, 409)

    def test_rates_are_limited_for_each_caller_and_kind(self, tmp_path: Path) -> None:
        with serving(tmp_path, env=environment(tmp_path, RATE_LIMIT_READ="3")) as served, served.client() as client:
            left = [client.get("/api/connections").headers["x-ratelimit-remaining"] for _ in range(3)]
            assert left == ["2", "1", "0"]
            reply = client.get("/api/connections")
            refused(reply, 429, "Too many requests")
            wait = int(reply.headers["retry-after"])
            assert 1 <= wait <= 60
            assert reply.json()["retryAfter"] == wait
            assert reply.json()["message"] == f"Rate limit exceeded. Please wait {wait} seconds before trying again."
            assert reply.headers["x-ratelimit-limit"] == "3"
            assert 0 <= int(reply.headers["x-ratelimit-reset"]) - time.time() <= 61
            other_kind = client.get("/api/connections/x/schema")
            assert (other_kind.status_code, other_kind.headers["x-ratelimit-limit"]) == (400, "100000")
            started = client.post("/api/sync/x/start")  # also where a reply is made by hand
            assert (started.status_code, started.headers["x-ratelimit-limit"]) == (404, "100000")
            with served.client("bob") as other:
                assert other.get("/api/connections").status_code == 200
