"""Single rows where writing is allowed, and what only administrators see."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dbsync.local import EphemeralServer
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.serving import Served, blob, environment, serving

_TABLES = """
CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL, tags text[], facts jsonb, price numeric, ok bool DEFAULT true);
CREATE TABLE "two keys" (a text, b int, note text, PRIMARY KEY (a, b));
CREATE TABLE keyless (note text);
INSERT INTO item VALUES (1, 'one', '{a,b}', '{"x": 1}', 1.50);
INSERT INTO "two keys" VALUES ('x,y', 1, 'first');
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("serve")
    with serving(home, env=environment(home, DBSYNC_EXECUTE="write")) as served:
        yield served


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def database(pg_a: EphemeralServer) -> Iterator[Database]:
    with fresh_database(pg_a) as database:
        database.execute(_TABLES)
        yield database


def save(client: httpx.Client, database: Database, name: str, **labels: Any) -> str:
    reply = client.post("/api/connections", json={"name": name, "url": database.url} | labels)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["data"]["id"])


@pytest.fixture(scope="module")
def saved(client: httpx.Client, database: Database) -> str:
    return save(client, database, "rows")


class TestRows:
    def test_a_row_is_made_read_changed_and_deleted(self, client: httpx.Client, saved: str, database: Database) -> None:
        path = f"/api/explorer/{saved}/item/row"
        row = {
            "id": 7,
            "name": 'it\'s "odd"; --',
            "tags": ["a,b", None, 'q"'],
            "facts": {"x": [1.5]},
            "price": 12345678901234567890,
        }
        made = client.post(path, json={"data": row}).json()
        assert made["success"] is True
        assert made["data"]["ok"] is True
        assert made["data"]["price"] == "12345678901234567890"
        assert database.query("SELECT name, tags, facts->'x' FROM item WHERE id = 7") == [
            (row["name"], row["tags"], [1.5])
        ]
        assert client.get(path, params={"id": "7"}).json()["data"] == made["data"]
        changed = client.put(path, json={"id": 7, "field": "name", "value": None})
        assert changed.status_code == 400  # NOT NULL
        changed = client.put(path, json={"id": "7", "data": {"name": "new", "ok": False}})
        assert (changed.json()["data"]["name"], changed.json()["data"]["ok"]) == ("new", False)
        assert client.delete(path, params={"id": "7"}).json()["data"]["name"] == "new"
        for method in ("GET", "DELETE"):
            reply = client.request(method, path, params={"id": "7"})
            assert (reply.status_code, reply.json()["error"]) == (404, "Row not found")
        assert database.value("SELECT count(*) FROM item") == 1

    def test_two_rows_are_not_one_request_because_they_have_one_id(
        self, client: httpx.Client, saved: str, database: Database
    ) -> None:
        path = f"/api/explorer/{saved}/item/row"
        database.execute("INSERT INTO item VALUES (70, 'a'), (71, 'b')")
        once = {"X-Request-ID": "same-for-two-rows"}
        assert client.delete(path, params={"id": "70"}, headers=once).json()["data"]["id"] == 70
        assert client.delete(path, params={"id": "70"}, headers=once).json()["data"]["id"] == 70  # repeated
        other = client.delete(path, params={"id": "71"}, headers=once)
        assert (other.status_code, other.json()["error"]) == (409, "This X-Request-ID was used for another request")
        assert database.value("SELECT count(*) FROM item WHERE id IN (70, 71)") == 1
        database.execute("DELETE FROM item WHERE id = 71")

    def test_a_key_of_several_columns_is_given_whole(self, client: httpx.Client, saved: str) -> None:
        path = f"/api/explorer/{saved}/two%20keys/row"
        assert client.get(path, params={"id": json.dumps(["x,y", "1"])}).json()["data"]["note"] == "first"
        right: list[Any] = [["x,y", 1], {"b": 1, "a": "x,y"}, json.dumps(["x,y", "1"])]
        for key in right:
            reply = client.put(path, json={"id": key, "field": "note", "value": str(key)})
            assert reply.json()["data"]["note"] == str(key)
        wrong: list[Any] = ["x", None, ["x"], {"a": "x"}]
        for key in wrong:
            assert client.put(path, json={"id": key, "field": "note", "value": "no"}).status_code in (400, 404)

    @pytest.mark.parametrize(
        ("table", "body"),
        [
            ("keyless", {"id": 1, "data": {"note": "x"}}), ("item", {"data": {"name": "x"}}), ("item", {"id": 1}),
            ("item", {"id": 1, "data": {"no such": 1}}), ("item", {"id": "x", "data": {"name": "x"}}),
            ("item", {"id": 1, "data": {'name" = \'x\'; DROP TABLE item; --': 1}}),
        ],
    )  # fmt: skip
    def test_what_cannot_be_changed_is_400(
        self, client: httpx.Client, saved: str, table: str, body: dict[str, Any]
    ) -> None:
        reply = client.put(f"/api/explorer/{saved}/{table}/row", json=body)
        assert reply.status_code == 400, reply.text
        assert reply.json()["success"] is False

    def test_half_a_character_is_the_callers_fault(self, client: httpx.Client, saved: str) -> None:
        whole = [{"data": {"id": 80, "name": "\ud800"}}, {"data": {"id": 80, "facts": {"\udfff": [1]}}}]
        for body in whole:
            reply = client.post(f"/api/explorer/{saved}/item/row", content=json.dumps(body))
            assert (reply.status_code, reply.json()["success"]) == (400, False), reply.text

    def test_more_rows_than_a_page_has_are_as_many_as_that(self, client: httpx.Client, saved: str) -> None:
        body = {"sql": "SELECT n FROM generate_series(1, 1500) n", "maxRows": 10_000}
        found = client.post(f"/api/connections/{saved}/execute", json=body).json()
        assert (found["success"], len(found["data"]["rows"]), found["data"]["truncated"]) == (True, 1000, True)

    def test_writing_needs_the_connection_the_token_and_for_production_its_name(
        self, client: httpx.Client, pg_a: EphemeralServer, server: Served
    ) -> None:
        with fresh_database(pg_a) as first, fresh_database(pg_a) as second:
            for each in (first, second):
                each.execute(_TABLES)
            self._needs_all_three(client, first, second)
        with server.admin() as admin:
            noted = admin.get("/api/admin/security-events", params={"limit": 100}).json()["data"]
        assert [each["outcome"] for each in noted if each["event_type"] == "execute.dry-run"] == ["done", "refused"]

    def _needs_all_three(self, client: httpx.Client, other: Database, database: Database) -> None:
        closed = save(client, other, "closed", readOnly=True)
        production = save(client, database, "production", environment="production")
        body: dict[str, Any] = {"id": 1, "field": "name", "value": "changed"}
        assert client.put(f"/api/explorer/{closed}/item/row", json=body).status_code == 403
        reply = client.put(f"/api/explorer/{production}/item/row", json=body)
        assert (reply.status_code, reply.json()["requiresConfirmation"]) == (400, True)
        sql = {"sql": "UPDATE item SET name = 'changed'"}
        for connection, status in ((closed, 200), (production, 400)):
            reply = client.post(f"/api/connections/{connection}/execute", json=sql)
            assert (reply.status_code, reply.json()["success"]) == (status, False)
        assert database.value("SELECT name FROM item WHERE id = 1") == "one"
        named = body | {"confirmationPhrase": "production"}
        assert client.put(f"/api/explorer/{production}/item/row", json=named).json()["data"]["name"] == "changed"
        reply = client.post(
            f"/api/connections/{production}/execute", json=sql | {"confirmationPhrase": "production", "dryRun": False}
        )
        assert reply.json()["data"]["committed"] is True
        self._holds_for_a_dry_run(client, production, database)

    def _holds_for_a_dry_run(self, client: httpx.Client, production: str, database: Database) -> None:
        """What a function does may outlive the rollback, such as the next value of a sequence."""
        counting = "CREATE FUNCTION counting() RETURNS bigint LANGUAGE sql AS $$SELECT nextval('counted')$$"
        database.execute("CREATE SEQUENCE counted", counting)
        asked = {"sql": "DELETE FROM item WHERE counting() > 0", "dryRun": True}
        path = f"/api/connections/{production}/execute"
        reply = client.post(path, json=asked)
        assert (reply.status_code, reply.json()["requiresConfirmation"]) == (400, True)
        assert database.value("SELECT is_called FROM counted") is False
        reply = client.post(path, json=asked | {"confirmationPhrase": "production"})
        assert "rolled back" in reply.json()["data"]["message"]
        assert database.value("SELECT is_called FROM counted") is True

    def test_an_encrypted_url_has_the_guards_of_the_connections_to_the_same_place(
        self, client: httpx.Client, pg_a: EphemeralServer
    ) -> None:
        with fresh_database(pg_a) as guarded:
            guarded.execute(_TABLES)
            other = {"encryptedUrl": blob(guarded.url)}
            path, sql = "/api/connections/of-the-frontend", {"sql": "UPDATE item SET name = 'changed'"}
            row = {"id": 1, "field": "name", "value": "changed"}
            production = save(client, guarded, "guarded", environment="production")
            refused = [
                client.post(f"{path}/execute", json=sql | other),
                client.put("/api/explorer/of-the-frontend/item/row", json=row | other),
            ]
            assert [(reply.status_code, reply.json()["requiresConfirmation"]) for reply in refused] == [(400, True)] * 2
            client.put(f"/api/connections/{production}", json={"environment": "development", "readOnly": True})
            assert client.put("/api/explorer/of-the-frontend/item/row", json=row | other).status_code == 403
            also = save(client, guarded, "another name")
            assert client.put(f"/api/explorer/{also}/item/row", json=row).status_code == 403
            assert guarded.value("SELECT name FROM item WHERE id = 1") == "one"
            client.put(f"/api/connections/{production}", json={"readOnly": False})
            assert client.put("/api/explorer/of-the-frontend/item/row", json=row | other).status_code == 200

    def test_a_script_that_fails_half_way_changes_nothing(
        self, client: httpx.Client, saved: str, database: Database
    ) -> None:
        script = "UPDATE item SET name = 'half'; UPDATE item SET nothing = 1; SELECT 1"
        body = client.post(f"/api/connections/{saved}/execute", json={"sql": script}).json()
        assert body["success"] is False
        assert [result["success"] for result in body["data"]["results"]] == [False, False, False]
        assert (body["data"]["successfulStatements"], body["data"]["failedStatements"]) == (0, 3)
        assert database.value("SELECT count(*) FROM item WHERE name = 'half'") == 0
        dry = client.post(f"/api/connections/{saved}/execute", json={"sql": "DELETE FROM item", "dryRun": True}).json()
        assert dry["success"] is True
        assert "rolled back" in dry["data"]["message"]
        assert database.value("SELECT count(*) FROM item") == 1


@pytest.fixture(scope="module")
def admin(server: Served, client: httpx.Client, database: Database) -> Iterator[httpx.Client]:
    """An administrator, after somebody has worked."""
    source, target = (
        save(client, database, "from", keepAlive=True),
        save(client, database, "to " + str(time.time_ns())),
    )
    body = {"sourceConnectionId": source, "targetConnectionId": target, "tables": [{"tableName": "item"}]}
    job = client.post("/api/sync", json=body).json()["data"]["id"]
    client.post(f"/api/sync/{job}/start")
    deadline = time.monotonic() + 30
    while client.get(f"/api/sync/{job}").json()["data"]["status"] != "failed":  # one and the same database
        assert time.monotonic() < deadline
        time.sleep(0.2)
    with server.admin() as admin:
        yield admin


class TestAdministrators:
    def test_others_are_refused(self, client: httpx.Client) -> None:
        for path in ("analytics", "users", "sync-jobs", "security-events"):
            reply = client.get(f"/api/admin/{path}")
            assert (reply.status_code, reply.json()["error"]) == (403, "Admin access required")

    def test_users(self, admin: httpx.Client) -> None:
        body = admin.get("/api/admin/users?limit=50&offset=0?limit=50&offset=0").json()
        assert body["success"] is True
        row: dict[str, Any] = next(row for row in body["data"] if row["userId"] == "alice")
        assert row["connectionCount"] >= 3
        assert row["syncJobCount"] >= 1
        assert row["firstSeen"] <= row["lastActivity"]
        assert body["pagination"]["limit"] == 50
        assert admin.get("/api/admin/users", params={"search": "nobody%"}).json()["data"] == []

    def test_jobs_of_everybody(self, admin: httpx.Client) -> None:
        body = admin.get("/api/admin/sync-jobs", params={"status": "failed", "limit": 1, "offset": 0}).json()
        assert body["data"][0]["user_id"] == "alice"
        assert body["data"][0]["status"] == "failed"
        assert body["pagination"]["total"] >= 1
        assert admin.get("/api/admin/sync-jobs", params={"status": "completed"}).json()["data"] == []
        assert (
            admin.get("/api/admin/sync-jobs", params={"page": 2, "userId": "alice"}).json()["pagination"]["page"] == 2
        )

    def test_events_are_listed(self, admin: httpx.Client) -> None:
        body = admin.get("/api/admin/security-events", params={"limit": 5}).json()
        assert body["success"] is True
        assert isinstance(body["data"], list)

    def test_analytics(self, admin: httpx.Client) -> None:
        found = admin.get("/api/admin/analytics?days=30?days=30").json()["data"]
        assert found["overview"]["totalUsers"] >= 1
        assert found["overview"]["totalSyncJobs"] == sum(
            found["syncStats"][name] for name in ("pending", "running", "paused", "completed", "failed")
        )
        assert found["userGrowth"]["data"][-1]["value"] >= 1
        assert found["topUsers"]["data"][0]["label"] == "alice"
        for kind in ("user-growth", "sync-performance", "api-usage", "error-trends", "top-users", "top-connections"):
            points = admin.get("/api/admin/analytics", params={"type": kind, "days": 7}).json()["data"]["data"]
            assert all(set(point) == {"date", "value", "label"} for point in points)
            assert kind.startswith("top") or len(points) == 8
        assert admin.get("/api/admin/analytics", params={"type": "x"}).status_code == 400

    def test_exports(self, admin: httpx.Client) -> None:
        for kind in ("users", "sync-jobs", "security-events", "analytics"):
            found = admin.post("/api/admin/export", json={"type": kind, "format": "json"}).json()["data"]
            assert found["count"] == len(found["data"])
            told = admin.post("/api/admin/export", json={"type": kind, "format": "csv"}).json()["data"]
            assert len(list(csv.reader(io.StringIO(told["content"])))) >= 1
        file = admin.post("/api/admin/export", json={"type": "users", "format": "csv"}, headers={"Accept": "text/csv"})
        assert file.headers["content-type"].startswith("text/csv")
        assert file.text.splitlines()[0].startswith("userId,")
        assert admin.post("/api/admin/export", json={"type": "x"}).status_code == 400
        for filters, rows in (({"status": "failed"}, 1), ({"status": "completed"}, 0), ({"userId": "nobody"}, 0)):
            asked = {"type": "sync-jobs", "filters": filters}
            assert admin.post("/api/admin/export", json=asked).json()["data"]["count"] == rows

    def test_keep_alive(self, admin: httpx.Client, client: httpx.Client) -> None:
        body = admin.post("/api/admin/keep-alive/trigger").json()
        assert body["success"] is True
        assert body["stats"]["totalPinged"] == body["stats"]["successful"] == 1
        assert body["stats"]["skipped"] >= 1
        kept = next(each for each in client.get("/api/connections").json()["data"] if each["keepAlive"])
        assert kept["lastPingedAt"]


def test_metrics_count_requests_by_route_and_need_a_caller(server: Served, client: httpx.Client) -> None:
    client.get("/api/connections/some-id-nobody-has")
    text = client.get("/metrics").text
    assert 'dbsync_http_requests_total{method="GET",route="/api/connections/{id}",status="404"}' in text
    assert "some-id-nobody-has" not in text
    assert httpx.get(f"{server.url}/metrics").status_code == 401


def test_a_database_that_does_not_answer_rests_for_a_while(client: httpx.Client) -> None:
    dead = {"encryptedUrl": blob("postgresql://u:p@127.0.0.1:1/d")}
    errors = [client.post("/api/connections/dead/test", json=dead).json() for _ in range(7)]
    assert [error["code"] for error in errors[:5]] == ["CONNECT_TCP"] * 5
    assert {error["code"] for error in errors[5:]} == {"RESTING"}


@pytest.mark.parametrize("filters", [{"status": ""}, {"severity": ""}, {"search": "", "userId": ""}, {}, None])
def test_an_export_takes_lists_of_choices_in_which_nothing_was_chosen(server: Served, filters: Any) -> None:
    with server.admin() as admin:
        for kind in ("users", "sync-jobs", "security-events"):
            reply = admin.post("/api/admin/export", json={"type": kind, "format": "csv", "filters": filters})
            assert reply.status_code == 200, reply.text
