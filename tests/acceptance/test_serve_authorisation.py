"""Every route of the OpenAPI file, by everybody: nobody, a wrong token, another user, the user, an administrator, tokens
with too few scopes. A route that is not in the table fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from dbsync.local import EphemeralServer
from tests.fixtures.command import Command
from tests.fixtures.databases import fresh_database
from tests.fixtures.routes import ROUTES, Route
from tests.fixtures.serving import SECRET, Served, environment, serving, token

every_route = pytest.mark.parametrize("name", ROUTES)


@dataclass(frozen=True, slots=True)
class Ground:
    """A server, and what alice has on it."""

    served: Served
    client: httpx.Client
    home: Path
    facts: dict[str, str]
    tokens: dict[str, str]

    def ask(self, name: str, headers: dict[str, str]) -> httpx.Response:
        """Call a route with alice's ids; of a stream only the head is read."""
        method, path = name.split(" ")
        route = ROUTES[name]
        facts = self.facts
        own = facts["job" if route.names == "job" else "connection"]
        path = path.replace("{connection_id}", own).replace("{id}", own).replace("{table}", "item")
        query = "?id=1" if "{table}/row" in name and method in ("GET", "DELETE") and not name.endswith("rows") else ""
        body = _filled(route.body, facts) if method in ("POST", "PUT") else None
        with self.client.stream(method, path + query, headers=headers, json=body) as reply:
            if not reply.headers["content-type"].startswith("text/event-stream"):
                reply.read()
            return reply


def _filled(value: Any, facts: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, facts) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, facts) for each in value]
    if isinstance(value, str) and (match := re.fullmatch(r"\{(\w+)\}", value)):
        return facts[match[1]]
    return value


def known(owner: str = "alice", **more: Any) -> dict[str, str]:
    return {"X-Backend-Secret": SECRET, "Authorization": f"Bearer {token(owner, **more)}"}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, pg_a: EphemeralServer) -> Iterator[Ground]:
    home = tmp_path_factory.mktemp("serve")
    (home / "cli").mkdir()
    command = Command(home / "cli")
    tokens = {}
    for scope in ("read", "run", "write", "admin"):
        made = command.run("serve", "--tokens", str(home / "tokens"), "--new-token", "alice", "--scopes", scope).ended(
            0
        )
        tokens[scope] = made.stdout.strip()
    with (
        fresh_database(pg_a) as database,
        fresh_database(pg_a) as other,
        serving(home, "--workers", "0", "--tokens", str(home / "tokens"), env=environment(home)) as served,
    ):
        for each in (database, other):
            each.execute("CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item VALUES (1, 'one')")
        with served.client() as client:
            ids = [
                client.post("/api/connections", json={"name": name, "url": url}).json()["data"]["id"]
                for name, url in (("one", database.url), ("two", other.url))
            ]
            body = {"sourceConnectionId": ids[0], "targetConnectionId": ids[1], "tables": [{"tableName": "item"}]}
            job = client.post("/api/sync", json=body).json()["data"]["id"]
        with httpx.Client(base_url=served.url, timeout=60) as plain:
            yield Ground(
                served, plain, home, {"connection": ids[0], "other": ids[1], "job": job, "url": database.url}, tokens
            )


def test_every_route_is_in_the_table_and_nothing_else(ground: Ground) -> None:
    paths = httpx.get(f"{ground.served.url}/openapi.json").json()["paths"]
    found = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert found == set(ROUTES)


@every_route
def test_nobody_and_wrong_tokens_get_nothing(ground: Ground, name: str) -> None:
    wrong = [
        {},
        {"X-Backend-Secret": SECRET},
        known() | {"X-Backend-Secret": "x" * 40},
        known(key="somebody-else-signs-0123456789-0123456789"),
        {"X-Backend-Secret": SECRET, "Authorization": "Bearer dbsync_" + "x" * 43},
    ]
    for headers in wrong:
        reply = ground.ask(name, headers)
        assert reply.status_code == (200 if ROUTES[name].who == "anybody" else 401), (headers, reply.status_code)


@every_route
def test_another_user_does_not_reach_what_is_alices(ground: Ground, name: str) -> None:
    route = ROUTES[name]
    reply = ground.ask(name, known("mallory"))
    if route.who == "admin":
        assert reply.status_code == 403
    elif route.names is not None:
        # Where blobs are accepted, what is not known by its id lacks one: 400 says no more than 404.
        assert reply.status_code in (400, 404), reply.text
        assert reply.json()["error"] in (
            "Connection not found",
            "there is no such connection",
            "Sync job not found",
            "Encrypted URL is required",
        )


@every_route
def test_a_token_with_another_scope_is_refused(ground: Ground, name: str) -> None:
    route = ROUTES[name]
    if route.who == "anybody":
        return
    for scope, text in ground.tokens.items():
        if scope == route.scope:
            continue
        reply = ground.ask(name, {"X-Backend-Secret": SECRET, "Authorization": f"Bearer {text}"})
        assert reply.status_code == 403, (scope, reply.text)
        assert reply.json()["success"] is False


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.who == "admin"])
def test_only_administrators_administrate(ground: Ground, name: str) -> None:
    assert ground.ask(name, known()).status_code == 403
    assert ground.ask(name, known(email="admin@example.test.evil")).status_code == 403
    assert ground.ask(name, known("root", email="Admin@Example.test")).status_code == 200


def test_what_changes_something_leaves_one_entry_each_and_what_only_reads_leaves_none(ground: Ground) -> None:
    order = sorted(ROUTES, key=lambda name: name.startswith("DELETE"))  # the others need what is deleted
    root = known("root", email="admin@example.test")
    seen = len(entries(ground))
    for name in order:
        route: Route = ROUTES[name]
        reply = ground.ask(name, root if route.who == "admin" else known())
        assert reply.status_code < 500, reply.text
        assert not (route.names and reply.status_code == 404), (name, reply.text)
        log = entries(ground)
        new, seen = log[: len(log) - seen], len(log)
        assert [entry["event_type"] for entry in new] == ([route.changes] if route.changes else []), name
        if name == "POST /api/connections/{id}/execute":
            assert new[0]["outcome"] == "refused"  # writing is not allowed on this server


def test_who_was_refused_is_noted_with_the_reason_and_cannot_fill_the_log(ground: Ground) -> None:
    for _ in range(30):
        assert ground.ask("GET /api/connections", {"X-Backend-Secret": SECRET}).status_code == 401
        assert ground.ask("POST /api/sync", {"X-Backend-Secret": "wrong"}).status_code == 401
        assert ground.client.post("/ui/sign-in", data={"token": "x", "secret": "y"}).status_code in (401, 403)
    noted = [entry for entry in entries(ground) if entry["event_type"] == "auth"]
    reasons = [entry["metadata"]["code"] for entry in noted]
    assert {"MISSING_AUTHORIZATION_HEADER", "INVALID_BACKEND_SECRET"} <= set(reasons)
    assert len(reasons) < 12  # each reason once a minute
    assert {(entry["user_id"], entry["outcome"]) for entry in noted} == {("nobody", "refused")}


def entries(ground: Ground) -> list[dict[str, Any]]:
    """The audit log, the newest entry first."""
    root = known("root", email="admin@example.test")
    reply = ground.client.get("/api/admin/security-events", params={"limit": 100}, headers=root)
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


def test_the_audit_log_is_whole_and_holds_no_secret(ground: Ground) -> None:
    command = Command(ground.home / "cli")
    verified = command.run("audit", "verify", "--json", env={"DBSYNC_STORE": f"sqlite:///{ground.home / 'store.db'}"})
    assert verified.ended(0).result["entries"] > 10
    text = str(entries(ground))
    assert SECRET not in text
    assert "postgresql://" not in text
