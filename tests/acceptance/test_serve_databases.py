"""What the frontend asks of databases: connections, test, schema, SQL, keep-alive, tables, rows; on real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from dbsync.local import EphemeralServer
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.serving import KEY, Served, blob, environment, serving

SHOP = """
CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL UNIQUE, name varchar(40), active bool DEFAULT true,
                       balance numeric(10,2), score float8, big bigint, born date);
CREATE TABLE purchase (customer_id int REFERENCES customer, number int, at timestamptz DEFAULT now(), note text,
                       PRIMARY KEY (customer_id, number));
CREATE TABLE empty_one (id serial PRIMARY KEY);
CREATE TABLE measured (at date, value int) PARTITION BY RANGE (at);
CREATE TABLE measured_2026 PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE SCHEMA other; CREATE TABLE other.thing (id int PRIMARY KEY, "odd ""name" text);
CREATE TABLE "we.ird ""table/x" (id int PRIMARY KEY, "sort;me" text);
CREATE VIEW seen AS SELECT 1 AS one;
INSERT INTO customer SELECT n, 'c' || n || '@example.test', CASE WHEN n % 3 = 0 THEN 'Ann' ELSE 'Bob' END, n % 2 = 0,
                            n / 3.0, n / 7.0, 9007199254740993 + n, '2000-01-01' FROM generate_series(1, 120) n;
INSERT INTO purchase SELECT 1 + n % 120, n, '2026-01-01', repeat('x', 10) FROM generate_series(1, 300) n;
INSERT INTO measured VALUES ('2026-02-03', 1), ('2026-02-04', 2);
INSERT INTO "we.ird ""table/x" VALUES (1, 'b'), (2, 'a');
"""


@pytest.fixture(scope="module")
def shop(pg_a: EphemeralServer) -> Iterator[Database]:
    with fresh_database(pg_a) as database:
        database.execute(SHOP)
        yield database


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("serve")
    with serving(home, env=environment(home)) as served:
        yield served


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def saved(client: httpx.Client, shop: Database) -> str:
    """The id of a saved connection to the shop."""
    reply = client.post("/api/connections", json={"name": "shop", "url": shop.url, "environment": "development"})
    assert reply.status_code == 201, reply.text
    return str(reply.json()["data"]["id"])


def data(reply: httpx.Response, status: int = 200) -> Any:
    assert reply.status_code == status, reply.text
    body = reply.json()
    assert body["success"] is True, body
    return body["data"]


class TestConnections:
    def test_they_are_saved_listed_changed_and_removed(self, client: httpx.Client, shop: Database) -> None:
        made = data(client.post("/api/connections", json={"name": "one", "url": shop.url, "unknown": [1]}), 201)
        assert made["id"][14] == "4"  # the frontend knows UUIDs of version 4
        assert "***" in made["url"]
        password = psycopg.conninfo.conninfo_to_dict(shop.url).get("password")
        assert isinstance(password, str)
        assert password not in json.dumps(made)
        path = f"/api/connections/{made['id']}"
        assert data(client.get(path))["name"] == "one"
        changed = data(client.put(path, json={"name": "two", "environment": "production", "readOnly": True}))
        assert (changed["name"], changed["environment"], changed["readOnly"]) == ("two", "production", True)
        assert "two" in [each["name"] for each in data(client.get("/api/connections"))]
        assert client.post("/api/connections", json={"name": "two", "url": shop.url}).status_code == 409
        data(client.delete(path))
        assert client.get(path).status_code == 404

    def test_another_owner_does_not_find_them(self, server: Served, saved: str) -> None:
        with server.client("mallory") as other:
            for method, path in (("GET", ""), ("PUT", ""), ("DELETE", "")):
                assert other.request(method, f"/api/connections/{saved}{path}", json={}).status_code == 404
            assert data(other.get("/api/connections")) == []
            unknown = "3f0d7a52-5a0f-4c9e-8a53-0c8a8f8f0001"
            for path in ("/api/connections/{}/schema", "/api/explorer/{}/tables", "/api/explorer/{}/customer/rows"):
                replies = [other.get(path.format(id)) for id in (saved, unknown)]
                assert [reply.status_code for reply in replies] == [404, 404]
                assert replies[0].json() == replies[1].json() == {"success": False, "error": "Connection not found"}
            for path in ("test", "keep-alive", "execute"):
                reply = other.post(f"/api/connections/{saved}/{path}", json={"sql": "SELECT 1"})
                assert (reply.status_code, reply.json()["error"]) == (404, "Connection not found")
            assert other.get("/api/connections/shop/schema").status_code == 400

    @pytest.mark.parametrize(
        "url", ["mysql://x", "postgresql://u:canary@h:x/d", "postgresql://u@10.9.9.9/d", "x" * 5000]
    )
    def test_what_is_no_allowed_url_is_refused_without_repeating_it(self, client: httpx.Client, url: str) -> None:
        reply = client.post("/api/connections", json={"name": "bad", "url": url})
        assert reply.status_code == 400
        assert "canary" not in reply.text


class TestTest:
    def test_both_shapes(self, client: httpx.Client, saved: str) -> None:
        found = data(client.post(f"/api/connections/{saved}/test"))
        assert (found["connected"], found["status"]) == (True, "connected")
        assert found["version"].startswith("PostgreSQL 1")
        assert found["version"].split(" ")[1][0] == "1"
        assert found["tableCount"] > 5
        assert found["responseTime"].endswith("ms")
        assert found["testedAt"].endswith("Z")

    def test_a_blob_of_the_frontend_is_enough(self, client: httpx.Client, shop: Database) -> None:
        found = data(client.post("/api/connections/unknown/test", json={"encryptedUrl": blob(shop.url), "name": "x"}))
        assert found["connected"] is True

    def test_failures_are_400_with_a_sentence(self, client: httpx.Client, shop: Database) -> None:
        wrong = psycopg.conninfo.make_conninfo(shop.url, dbname="nowhere")
        parts = psycopg.conninfo.conninfo_to_dict(wrong)
        url = f"postgresql://{parts['user']}:{parts['password']}@127.0.0.1:{parts['port']}/nowhere"
        for bad in (
            blob(url),
            blob("postgresql://u:canary@127.0.0.1:1/d"),
            "AAAA",
            blob(shop.url, key=KEY[::-1]),
            blob(""),
        ):
            reply = client.post("/api/connections/x/test", json={"encryptedUrl": bad})
            assert reply.status_code == 400, reply.text
            assert reply.json()["success"] is False
            assert "canary" not in reply.text


class TestSchema:
    def test_both_shapes(self, client: httpx.Client, saved: str) -> None:
        found = data(client.get(f"/api/connections/{saved}/schema"))
        assert (found["connectionId"], found["connectionName"], found["environment"]) == (saved, "shop", "development")
        tables = {table["name"]: table for table in found["tables"]}
        assert set(tables) == {
            "customer", "purchase", "empty_one", "measured", "other.thing", 'public."we.ird ""table/x"',
        } or set(tables) == {"customer", "purchase", "empty_one", "measured", "other.thing", '"we.ird ""table/x"'}  # fmt: skip
        assert found["totalTables"] == 6
        assert found["totalRows"] == 120 + 300 + 2 + 2
        purchase = tables["purchase"]
        assert purchase["primaryKeys"] == ["customer_id", "number"]
        assert purchase["foreignKeys"] == [{"column": "customer_id", "references": "customer(id)"}]
        assert purchase["rowCount"] == 300
        assert "purchase_pkey (customer_id, number) UNIQUE" in purchase["indexes"]
        column = purchase["columns"][0]
        assert column | {"type": "", "dataType": ""} == {
            "name": "customer_id", "type": "", "nullable": False, "defaultValue": None, "isPrimaryKey": True,
            "isForeignKey": True, "foreignKeyRef": "customer.id", "columnName": "customer_id", "dataType": "",
            "isNullable": False, "columnDefault": None,
        }  # fmt: skip
        assert "customer" in found["syncableTables"]
        assert found["version"].startswith("PostgreSQL ")

    def test_without_a_saved_connection_it_needs_a_blob(self, client: httpx.Client, shop: Database) -> None:
        assert client.get("/api/connections/x/schema").status_code == 400
        found = data(client.get("/api/connections/x/schema", params={"encryptedUrl": blob(shop.url)}))
        assert found["environment"] == "production"
        assert found["connectionName"] == shop.name


class TestExecute:
    def test_rows_and_results(self, client: httpx.Client, saved: str) -> None:
        reply = client.post(
            f"/api/connections/{saved}/execute",
            json={
                "sql": "SELECT id, active, big, balance FROM customer ORDER BY id LIMIT 2; -- a comment;\nSELECT 'a;b' AS t"
            },
        )
        found = data(reply)
        assert found["rows"] == [{"t": "a;b"}]
        assert found["rowCount"] == 1
        assert (found["totalStatements"], found["successfulStatements"], found["failedStatements"]) == (2, 2, 0)
        assert [result["success"] for result in found["results"]] == [True, True]
        assert found["results"][0]["rowsAffected"] == 2

    def test_a_failed_statement_is_200_without_success(self, client: httpx.Client, saved: str) -> None:
        reply = client.post(f"/api/connections/{saved}/execute", json={"sql": "SELECT 1; SELECT nothing; SELECT 3"})
        assert reply.status_code == 200
        body = reply.json()
        assert body["success"] is False
        assert "nothing" in body["error"]
        assert [result["success"] for result in body["data"]["results"]] == [True, False, False]

    def test_writes_are_refused_by_default(self, client: httpx.Client, saved: str, shop: Database) -> None:
        reply = client.post(
            f"/api/connections/{saved}/execute", json={"sql": "DELETE FROM purchase", "confirmationPhrase": "shop"}
        )
        assert reply.status_code == 200
        assert reply.json()["success"] is False
        assert shop.value("SELECT count(*) FROM purchase") == 300

    def test_missing_sql_and_unknown_connections(self, client: httpx.Client, saved: str) -> None:
        assert client.post(f"/api/connections/{saved}/execute").json()["error"] == "SQL query is required"
        assert (
            client.post(f"/api/connections/{saved}/execute", json={"sql": " -- nothing"}).json()["error"]
            == "SQL query is required"
        )
        assert client.post("/api/connections/x/execute", json={"sql": "SELECT 1"}).status_code == 400


class TestKeepAlive:
    def test_it_is_always_200(self, client: httpx.Client, saved: str) -> None:
        body = client.post(f"/api/connections/{saved}/keep-alive").json()
        assert body["success"] is True
        assert body["data"]["alive"] is True
        assert body["data"]["duration"].endswith("ms")
        assert body["message"]
        reply = client.post(
            "/api/connections/x/keep-alive", json={"encryptedUrl": blob("postgresql://u:p@127.0.0.1:1/d")}
        )
        assert reply.status_code == 200
        assert reply.json()["success"] is False
        assert reply.json()["data"]["alive"] is False


class TestExplorer:
    def test_tables(self, client: httpx.Client, saved: str) -> None:
        found = data(client.get(f"/api/explorer/{saved}/tables"))
        assert found["connection"] == {"id": saved, "name": "shop", "environment": "development"}
        tables = {table["name"]: table for table in found["tables"]}
        assert found["total"] == len(tables) == 6
        customer = tables["customer"]
        assert (customer["rowCount"], customer["columnCount"], customer["hasPrimaryKey"]) == (120, 8, True)
        assert len(customer["columns"]) == 5
        assert customer["columns"][0] == {"name": "id", "type": "int4", "nullable": False, "isPrimaryKey": True}
        assert tables["measured"]["rowCount"] == 2
        assert tables["measured"]["hasPrimaryKey"] is False
        assert tables["purchase"]["foreignKeyCount"] == 1
        assert customer["sizeBytes"] > 0

    def test_the_query_is_cut_where_the_frontend_appends_it_twice(self, client: httpx.Client, shop: Database) -> None:
        for padding in range(3):  # the length decides whether the text ends in padding
            encrypted = blob(shop.url + "?application_name=" + "x" * (padding + 1))
            query = str(httpx.QueryParams({"page": 2, "limit": 50, "sortBy": "id", "encryptedUrl": encrypted}))
            reply = client.get(f"/api/explorer/unknown/customer/rows?{query}?page=2&limit=50&sortBy=name")
            found = data(reply)
            assert [row["id"] for row in found["rows"]] == list(range(51, 101))
            assert found["pagination"]["page"] == 2

    def test_pages(self, client: httpx.Client, saved: str) -> None:
        found = data(client.get(f"/api/explorer/{saved}/customer/rows", params={"page": 3, "limit": 50}))
        assert [row["id"] for row in found["rows"]] == list(range(101, 121))
        assert found["pagination"] == {
            "page": 3, "limit": 50, "totalRows": 120, "totalRowsExact": True, "totalPages": 3, "hasNext": False, "hasPrev": True,
        }  # fmt: skip
        assert (found["total"], found["page"], found["limit"], found["hasMore"]) == (120, 3, 50, False)
        assert found["table"] == {"name": "customer", "primaryKey": "id", "key": ["id"]}
        row = found["rows"][0]
        assert row["big"] == str(9007199254740993 + 101)
        assert row["balance"] == "33.67"
        assert row["active"] is False
        assert isinstance(row["score"], float)
        assert found["columns"][0] == {
            "name": "id",
            "type": "int4",
            "nullable": False,
            "isPrimaryKey": True,
            "defaultValue": None,
        }

    def test_a_change_of_the_table_shows_at_once(self, client: httpx.Client, saved: str, shop: Database) -> None:
        path = f"/api/explorer/{saved}/empty_one/rows"
        assert [column["name"] for column in data(client.get(path))["columns"]] == ["id"]
        shop.execute("ALTER TABLE empty_one ADD COLUMN more text DEFAULT 'new'; INSERT INTO empty_one VALUES (1)")
        assert data(client.get(path))["rows"] == [{"id": 1, "more": "new"}]
        shop.execute("CREATE TABLE just_made (a int); INSERT INTO just_made VALUES (5)")
        assert data(client.get(f"/api/explorer/{saved}/just_made/rows"))["rows"] == [{"a": 5}]
        shop.execute("DROP TABLE just_made; ALTER TABLE empty_one DROP COLUMN more; TRUNCATE empty_one")
        assert client.get(f"/api/explorer/{saved}/just_made/rows").status_code == 404
        assert data(client.get(path))["rows"] == []

    def test_sorting_and_searching(self, client: httpx.Client, saved: str, shop: Database) -> None:
        path = f"/api/explorer/{saved}/customer/rows"
        found = data(client.get(path, params={"sortBy": "id", "sortOrder": "desc", "limit": 1}))
        assert found["rows"][0]["id"] == 120
        found = data(client.get(path, params={"orderBy": "email", "orderDir": "asc", "limit": 1, "page": 2}))
        assert found["rows"][0]["email"] == shop.value("SELECT email FROM customer ORDER BY email OFFSET 1")
        found = data(client.get(path, params={"search": "C12@", "limit": 5}))
        assert [row["id"] for row in found["rows"]] == [12]
        assert found["pagination"]["totalRows"] == 1
        assert data(client.get(path, params={"sortBy": "no; drop", "limit": 1}))["rows"][0]["id"] == 1
        assert data(client.get(f"/api/explorer/{saved}/measured/rows", params={"search": "x"}))["rows"] == []
        purchase = data(client.get(f"/api/explorer/{saved}/purchase/rows", params={"limit": 1}))
        assert purchase["table"] == {"name": "purchase", "primaryKey": None, "key": ["customer_id", "number"]}

    def test_odd_names_are_found_by_the_name_that_the_list_gives(self, client: httpx.Client, saved: str) -> None:
        names = [table["name"] for table in data(client.get(f"/api/explorer/{saved}/tables"))["tables"]]
        for name in names:
            quoted = str(httpx.QueryParams({"n": name})).removeprefix("n=").replace("+", "%20")
            found = data(client.get(f"/api/explorer/{saved}/{quoted}/rows", params={"limit": 1}))
            assert found["table"]["name"] == name

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("customer%22;--/rows", 400), ("nothing/rows", 404), ("customer/rows?page=0", 400), ("customer/rows?limit=1001", 400),
            ("customer/rows?page=x", 400), ("customer/rows?sortOrder=up", 400), ("pg_catalog.pg_class/rows", 404),
        ],
    )  # fmt: skip
    def test_what_is_not_there_is_a_4xx(self, client: httpx.Client, saved: str, path: str, status: int) -> None:
        reply = client.get(f"/api/explorer/{saved}/{path}")
        assert reply.status_code == status, reply.text
        assert reply.json()["success"] is False
