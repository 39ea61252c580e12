"""Two databases over HTTP: validated, planned, foretold, synchronised as a job that is watched, paused, resumed, measured."""

from __future__ import annotations

import json
import secrets
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from dbsync.local import EphemeralServer
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.oracle import Rows, content, session
from tests.fixtures.serving import Served, blob, environment, serving

TABLES = """
CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL, note text);
CREATE TABLE purchase (customer_id int REFERENCES customer, number int, at timestamptz, PRIMARY KEY (customer_id, number));
"""
ROWS = """
INSERT INTO customer SELECT n, 'c' || n, repeat('x', n % 50) FROM generate_series(1, 200) n;
INSERT INTO purchase SELECT n, n, '2026-01-01' FROM generate_series(1, 200) n;
"""
OLDER = """
INSERT INTO customer SELECT n, 'old', repeat('x', n % 50) FROM generate_series(1, 20) n;
INSERT INTO customer VALUES (999, 'only here', NULL);
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("serve")
    with serving(home, env=environment(home, DBSYNC_SHADOWS="on")) as served:
        yield served


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def pair(pg_a: EphemeralServer, pg_b: EphemeralServer) -> Iterator[tuple[Database, Database]]:
    with fresh_database(pg_a) as source, fresh_database(pg_b) as target:
        source.execute(TABLES, ROWS)
        target.execute(TABLES, OLDER)
        yield source, target


@pytest.fixture
def ids(client: httpx.Client, pair: tuple[Database, Database]) -> dict[str, str]:
    """Both ends, saved."""
    return save(client, *pair)


def save(client: httpx.Client, source: Database, target: Database, **labels: Any) -> dict[str, str]:
    found = {}
    for side, database in (("source", source), ("target", target)):
        body = {"name": f"{side} {database.name} {time.time_ns()}", "url": database.url} | (
            labels if side == "target" else {}
        )
        found[f"{side}ConnectionId"] = data(client.post("/api/connections", json=body), 201)["id"]
    return found


def data(reply: httpx.Response, status: int = 200) -> Any:
    assert reply.status_code == status, reply.text
    assert reply.json()["success"] is True, reply.text
    return reply.json()["data"]


def held(database: Database) -> dict[str, Rows]:
    """What the database holds, as somebody sees it who shares no code with dbsync."""
    with session(database.url) as connection:
        return content(connection)


def table(name: str, **more: Any) -> dict[str, Any]:
    return {"tableName": name, "enabled": True} | more


BOTH = [table("customer"), table("purchase")]


def wait_for(client: httpx.Client, job: str, status: str, timeout: float = 40) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    while True:
        found: dict[str, Any] = data(client.get(f"/api/sync/{job}?logs=true&logLimit=1000?logs=true&logLimit=1000"))
        if found["status"] == status:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def frames(reply: httpx.Response) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """Events as the frontend's parser reads them: lines that begin with ``data: ``."""
    number = None
    for line in reply.iter_lines():
        assert not line.startswith("event:")
        if line.startswith("id: "):
            number = int(line[4:])
        if line.startswith("data: "):
            yield number, json.loads(line[6:])
            number = None


class TestValidate:
    def test_what_fits_and_what_is_missing(
        self, client: httpx.Client, ids: dict[str, str], pair: tuple[Database, Database]
    ) -> None:
        found = data(client.post("/api/sync/validate", json=ids | {"tables": BOTH, "direction": "one_way"}))
        assert found["canProceed"] is True
        assert isinstance(found["summary"], str)
        assert set(found["validation"]["summary"]) == {"critical", "high", "medium", "low", "info"}
        assert found["targetEnvironment"] == "development"
        assert found["isCompatible"] is True
        pair[1].execute("ALTER TABLE customer DROP COLUMN email; DROP TABLE purchase")
        found = data(client.post("/api/sync/validate", json=ids | {"tableNames": ["customer", "purchase", "nothing"]}))
        assert (found["canProceed"], found["validation"]["isValid"]) == (False, False)
        issues = found["validation"]["issues"]
        assert [issue["id"] for issue in issues] == [f"issue-{number}" for number in range(1, len(issues) + 1)]
        critical = {issue["tableName"] for issue in issues if issue["severity"] == "CRITICAL"}
        assert critical >= {"purchase", "nothing"}
        assert all(issue["message"] and issue["recommendation"] and issue["category"] for issue in issues)
        assert "CRITICAL" in found["summary"]

    def test_all_tables_of_both_sides_by_blobs(self, client: httpx.Client, pair: tuple[Database, Database]) -> None:
        body = {
            "sourceConnectionId": "a",
            "targetConnectionId": "b",
            "sourceEncryptedUrl": blob(pair[0].url),
            "targetEncryptedUrl": blob(pair[1].url),
        }
        found = data(client.post("/api/sync/validate", json=body | {"tableNames": []}))
        assert found["canProceed"] is True
        assert found["targetEnvironment"] == "production"
        assert found["requiresConfirmation"] is True

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ({}, 400, "Source and target connection IDs are required"),
            ({"sourceConnectionId": "a"}, 400, "Source and target connection IDs are required"),
            (
                {"sourceConnectionId": "a", "targetConnectionId": "a"},
                400,
                "Source and target connections must be different",
            ),
            ({"sourceConnectionId": "a", "targetConnectionId": "b"}, 400, "Encrypted URL is required"),
        ],
    )
    def test_what_is_missing_is_said(self, client: httpx.Client, body: dict[str, str], status: int, error: str) -> None:
        reply = client.post("/api/sync/validate", json=body)
        assert (reply.status_code, reply.json()["error"]) == (status, error)


class TestMigration:
    def test_both_plan_shapes_and_the_plan_works(
        self, client: httpx.Client, ids: dict[str, str], pair: tuple[Database, Database]
    ) -> None:
        source, target = pair
        source.execute("ALTER TABLE customer ADD COLUMN age int; CREATE TABLE fresh (id int PRIMARY KEY)")
        target.execute("ALTER TABLE customer ADD COLUMN stale text")
        found = data(client.post("/api/sync/generate-migration", json=ids | {"tables": []}))
        assert found["type"] == "full_migration"
        plan = found["migrationPlan"]
        assert plan["summary"]["totalScripts"] == len(plan["scripts"]) == 4
        assert [script["sql"] for script in plan["scripts"] if script["isDestructive"]] == [
            "ALTER TABLE public.customer DROP COLUMN stale;"
        ]
        dangerous = next(script for script in plan["scripts"] if script["severity"] == "dangerous")
        assert "DROP" in dangerous["description"]
        assert (dangerous["operation"], dangerous["isBreaking"]) == ("DROP_COLUMN", True)
        assert found["riskLevel"] == "high"
        assert found["proof"]["state"] == "proved"
        assert len(found["safeScripts"]) + len(found["breakingScripts"]) + len(found["manualReviewRequired"]) == 4
        assert found["combinedSQL"] == plan["fullScript"]
        assert found["rollbackSQL"] == plan["rollbackScript"]
        assert isinstance(found["validation"]["canProceed"], bool)
        target.execute(*(script["sql"] for script in plan["scripts"]))
        again = data(client.post("/api/sync/generate-migration", json=ids))
        assert again["migrationPlan"]["scripts"] == []

    def test_nothing_of_a_callers_schema_is_run_here_unless_the_operator_says_so(
        self, pair: tuple[Database, Database], tmp_path: Path
    ) -> None:
        """A plan's proof runs what a schema holds with a superuser's rights, programs included."""
        source, target = pair
        source.execute("CREATE TABLE fresh (id int PRIMARY KEY)")
        ran = Path(tempfile.gettempdir()) / f"dbsync-{secrets.token_hex(8)}"  # whoever the server runs as may write
        target.execute(
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF current_database() LIKE 'dbsync_shadow_%' "
            f"THEN COPY (SELECT 1) TO PROGRAM 'touch {ran}'; END IF; RETURN 1; END $$",
            "CREATE MATERIALIZED VIEW m AS SELECT public.f() AS x",
        )
        with serving(tmp_path, env=environment(tmp_path)) as served, served.client() as caller:
            saved = save(caller, *pair)
            found = data(caller.post("/api/sync/generate-migration", json=saved))
        try:
            assert (found["proof"]["state"], "DBSYNC_SHADOWS" in found["proof"]["reason"]) == ("not run", True)
            assert "CREATE TABLE public.fresh" in found["combinedSQL"]
            assert not ran.exists()
        finally:
            ran.unlink(missing_ok=True)

    def test_the_other_direction_and_the_fix_of_one_finding(
        self, client: httpx.Client, ids: dict[str, str], pair: tuple[Database, Database]
    ) -> None:
        source, target = pair
        source.execute(
            "ALTER TABLE customer ADD COLUMN age int NOT NULL DEFAULT 1; CREATE TABLE fresh (id int PRIMARY KEY)"
        )
        found = data(client.post("/api/sync/generate-migration", json=ids | {"direction": "target_to_source"}))
        assert {script["severity"] for script in found["migrationPlan"]["scripts"]} == {"dangerous"}
        issues = data(client.post("/api/sync/validate", json=ids))["validation"]["issues"]
        issue = next(issue for issue in issues if issue.get("columnName") == "age")
        fix = data(client.post("/api/sync/generate-migration", json=ids | {"issueId": issue["id"]}))
        assert fix["type"] == "quick_fix"
        assert fix["issue"]["message"] == issue["message"]
        assert "ADD COLUMN age" in fix["sql"]
        assert "fresh" not in fix["sql"]
        reply = client.post("/api/sync/generate-migration", json=ids | {"issueId": "issue-99"})
        assert (reply.status_code, reply.json()["error"]) == (404, "Issue not found")


class TestDryRun:
    def test_numbers_and_samples_and_no_job(
        self, client: httpx.Client, ids: dict[str, str], pair: tuple[Database, Database]
    ) -> None:
        before = held(pair[1])
        found = data(client.post("/api/sync", json=ids | {"direction": "one_way", "tables": BOTH, "dryRun": True}))
        assert found["dryRun"] is True
        tables = {each["tableName"]: each for each in found["tables"]}
        customer = tables["customer"]
        assert (customer["inserts"], customer["updates"], customer["deletes"]) == (180, 20, 0)
        assert (customer["sourceRowCount"], customer["targetRowCount"]) == (200, 21)
        assert len(customer["sampleInserts"]) == 5
        assert customer["sampleUpdates"][0]["email"] == "c1"
        assert (found["totalInserts"], found["totalUpdates"]) == (380, 20)
        assert found["estimatedDuration"] > 0
        assert found["estimatedSpeed"] > 0
        assert found["schemaIssues"] == []
        assert held(pair[1]) == before

    def test_differences_of_the_structure_are_told(
        self, client: httpx.Client, ids: dict[str, str], pair: tuple[Database, Database]
    ) -> None:
        pair[1].execute(
            "ALTER TABLE customer ALTER COLUMN note TYPE varchar(100); ALTER TABLE customer DROP COLUMN email"
        )
        found = data(client.post("/api/sync", json=ids | {"tables": [table("customer")], "dryRun": True}))
        (issue,) = found["schemaIssues"]
        assert issue["tableName"] == "customer"
        assert {each["columnName"]: each["issue"] for each in issue["columnDifferences"]}[
            "email"
        ] == "missing_in_target"

    @pytest.mark.parametrize(
        ("more", "error"),
        [
            ({"direction": "two_way", "tables": BOTH}, "two directions"),
            ({"tables": []}, "At least one table must be specified"),
            ({"tables": [table("customer", enabled=False)]}, "At least one table must be specified"),
            ({"tables": [table("customer", conflictStrategy="manual")]}, "by hand"),
            (
                {"tables": [table("customer", conflictStrategy="target_wins"), table("purchase")]},
                "one conflict strategy",
            ),
            ({"tables": [table("x" * 300)]}, "tables"),
            ({"tables": [table("nothing")]}, "nothing"),
        ],
    )
    def test_what_cannot_be_is_400(
        self, client: httpx.Client, ids: dict[str, str], more: dict[str, Any], error: str
    ) -> None:
        reply = client.post("/api/sync", json=ids | {"dryRun": True} | more)
        assert reply.status_code == 400, reply.text
        assert error in reply.json()["error"]


class TestJobs:
    def test_created_started_streamed_and_measured(
        self, client: httpx.Client, ids: dict[str, str], pair: tuple[Database, Database]
    ) -> None:
        made = data(client.post("/api/sync", json=ids | {"direction": "one_way", "tables": BOTH}), 201)
        job = made["id"]
        assert job[14] == "4"
        assert (made["status"], made["dryRun"]) == ("pending", False)
        assert made["tables"][0] == {"tableName": "customer", "enabled": True, "conflictStrategy": "source_wins"}
        time.sleep(1.5)
        assert data(client.get(f"/api/sync/{job}"))["status"] == "pending"  # created is not started
        started = data(
            client.post(f"/api/sync/{job}/start", json={"sourceEncryptedUrl": "x", "targetEncryptedUrl": "y"})
        )
        assert (started["jobId"], started["status"]) == (job, "running")
        assert started["message"]
        with client.stream("GET", f"/api/sync/{job}/stream", headers={"Accept": "text/event-stream"}) as reply:
            assert reply.headers["content-type"].startswith("text/event-stream")
            assert reply.headers["cache-control"] == "no-cache"
            assert reply.headers["x-accel-buffering"] == "no"
            told = list(frames(reply))
        assert told[0] == (None, {"type": "connected", "jobId": job})
        kinds = [event["type"] for _, event in told]
        assert set(kinds) == {"connected", "log", "progress", "complete"}
        end = told[-1][1]
        assert (end["type"], end["success"], end["status"]) == ("complete", True, "completed")
        assert end["progress"]["percentage"] == 100
        assert (end["progress"]["completedTables"], end["progress"]["totalTables"]) == (2, 2)
        numbers = [number for number, _ in told if number is not None]
        assert numbers == sorted(numbers)
        found = wait_for(client, job, "completed")
        assert found["progress"]["insertedRows"] == 380
        assert found["progress"]["updatedRows"] == 20
        assert found["sourceConnection"]["id"] == ids["sourceConnectionId"]
        assert found["logs"][0]["createdAt"] >= found["logs"][-1]["createdAt"]
        assert {"id", "level", "message", "metadata", "createdAt"} == set(found["logs"][0])
        assert found["queueStatus"]["state"] == "succeeded"
        assert found["completedAt"]
        metrics = data(client.get(f"/api/sync/{job}/metrics"))
        assert metrics["insertedRows"] == 380
        assert metrics["durationMs"] > 0
        assert {each["tableName"] for each in metrics["tableMetrics"]} == {"customer", "purchase"}
        mine, theirs = held(pair[0]), held(pair[1])
        assert theirs["public.purchase"] == mine["public.purchase"]
        assert pair[1].value("SELECT count(*) FROM customer WHERE email = 'old'") == 0
        assert pair[1].value("SELECT email FROM customer WHERE id = 999") == "only here"

        # A reader that comes back is told only what it has missed.
        with client.stream("GET", f"/api/sync/{job}/stream", headers={"Last-Event-ID": str(numbers[-1])}) as reply:
            assert [event["type"] for _, event in frames(reply)] == ["connected", "progress", "complete"]
        reply = client.post(f"/api/sync/{job}/start")
        assert (reply.status_code, reply.json()["error"]) == (400, 'Cannot start job with status "completed"')
        reply = client.post(f"/api/sync/{job}/pause")
        assert (reply.status_code, reply.json()["error"]) == (400, 'Cannot pause job with status "completed"')
        listed = client.get("/api/sync?limit=100&offset=0&status=completed?limit=100").json()
        assert job in [each["id"] for each in listed["data"]]
        assert listed["pagination"]["limit"] == 100
        data(client.delete(f"/api/sync/{job}"))
        assert client.get(f"/api/sync/{job}").json()["error"] == "Sync job not found"

    def test_blobs_become_kept_connections_and_never_show(
        self, client: httpx.Client, pair: tuple[Database, Database], server: Served
    ) -> None:
        body = {
            "sourceConnectionId": "11111111-1111-4111-8111-111111111111",
            "targetConnectionId": "22222222-2222-4222-8222-222222222222",
            "sourceEncryptedUrl": blob(pair[0].url),
            "targetEncryptedUrl": blob(pair[1].url),
        }
        made = data(client.post("/api/sync", json=body | {"tables": [table("customer")]}), 201)
        data(client.post(f"/api/sync/{made['id']}/start", json=body))
        assert wait_for(client, made["id"], "completed")["targetConnection"]["environment"] == "production"
        assert body["sourceEncryptedUrl"] not in server.log()

    def test_another_owner_finds_no_job(self, client: httpx.Client, ids: dict[str, str], server: Served) -> None:
        job = data(client.post("/api/sync", json=ids | {"tables": BOTH}), 201)["id"]
        with server.client("mallory") as other:
            for method, path in (
                ("GET", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/pause"), ("POST", "/resume"),
                ("POST", "/stop"), ("GET", "/metrics"), ("GET", "/stream"),
            ):  # fmt: skip
                assert other.request(method, f"/api/sync/{job}{path}").status_code == 404
            assert other.get("/api/sync").json()["data"] == []
            reply = other.post("/api/sync", json=ids | {"tables": BOTH})
            assert reply.status_code in (400, 404)

    def test_a_production_target_needs_its_name(self, client: httpx.Client, pair: tuple[Database, Database]) -> None:
        ids = save(client, *pair, environment="production")
        name = data(client.get(f"/api/connections/{ids['targetConnectionId']}"))["name"]
        reply = client.post("/api/sync", json=ids | {"tables": BOTH})
        assert reply.status_code == 400
        assert reply.json()["requiresConfirmation"] is True
        job = data(client.post("/api/sync", json=ids | {"tables": BOTH, "confirmationPhrase": name}), 201)["id"]
        data(client.post(f"/api/sync/{job}/start"))
        wait_for(client, job, "completed")

    def test_a_job_that_cannot_be_done_fails_with_its_reason(
        self, client: httpx.Client, ids: dict[str, str], pair: tuple[Database, Database]
    ) -> None:
        job = data(client.post("/api/sync", json=ids | {"tables": BOTH}), 201)["id"]
        pair[1].execute("ALTER TABLE customer DROP COLUMN email")
        data(client.post(f"/api/sync/{job}/start"))
        with client.stream("GET", f"/api/sync/{job}/stream") as reply:
            end = list(frames(reply))[-1][1]
        assert (end["type"], end["success"], end["status"]) == ("complete", False, "failed")
        assert "email" in end["error"]

    def test_pause_closes_the_stream_and_resume_goes_on(
        self, client: httpx.Client, ids: dict[str, str], pair: tuple[Database, Database]
    ) -> None:
        source, target = pair
        job = data(client.post("/api/sync", json=ids | {"tables": [table("customer")]}), 201)["id"]
        blocker = psycopg.connect(target.url)
        blocker.execute("LOCK TABLE customer")  # the run waits, and a pause comes in time
        data(client.post(f"/api/sync/{job}/start"))
        seen: list[dict[str, Any]] = []

        def watch() -> None:
            with client.stream("GET", f"/api/sync/{job}/stream") as reply:
                seen.extend(event for _, event in frames(reply))

        watcher = threading.Thread(target=watch)
        watcher.start()
        time.sleep(1)
        paused = data(client.post(f"/api/sync/{job}/pause"))
        assert paused["status"] == "paused"
        wait_for(client, job, "paused")
        watcher.join(20)
        assert not watcher.is_alive()
        assert seen[-1]["type"] == "progress"
        assert seen[-1]["status"] == "paused"
        assert not any(event["type"] == "complete" for event in seen)
        blocker.close()
        data(client.post(f"/api/sync/{job}/resume"))
        wait_for(client, job, "completed")
        assert target.value("SELECT count(*) FROM customer") == source.value("SELECT count(*) FROM customer") + 1


class TestRepeats:
    def test_a_repeated_request_is_carried_out_once_also_across_a_restart(
        self, tmp_path: Path, pair: tuple[Database, Database]
    ) -> None:
        env = environment(tmp_path, DBSYNC_EXECUTE="write")
        named = {"X-Request-ID": "3f0d7a52-5a0f-4c9e-8a53-0c8a8f8f0001"}
        with serving(tmp_path, env=env) as served, served.client() as client:
            ids = save(client, *pair)
            body = ids | {"tables": [table("customer")]}
            first = client.post("/api/sync", json=body, headers=named)
            job = data(first, 201)["id"]
            again = client.post("/api/sync", json=body, headers=named)
            assert (again.status_code, again.content) == (201, first.content)
            assert len(client.get("/api/sync").json()["data"]) == 1
            other = client.post("/api/sync", json=body | {"delete": True}, headers=named)
            assert other.status_code == 409
            started = client.post(f"/api/sync/{job}/start", headers={"X-Request-ID": "start-1"})
            assert client.post(f"/api/sync/{job}/start", headers={"X-Request-ID": "start-1"}).content == started.content
            counter = {"sql": "INSERT INTO customer VALUES (5000, 'once', NULL)"}
            path = f"/api/connections/{ids['targetConnectionId']}/execute"
            answers: list[httpx.Response] = []
            threads = [
                threading.Thread(
                    target=lambda: answers.append(client.post(path, json=counter, headers={"X-Request-ID": "insert-1"}))
                )
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert {(reply.status_code, reply.content) for reply in answers} == {(200, answers[0].content)}
            assert answers[0].json()["data"]["committed"] is True
            with served.client("mallory") as mallory:
                assert mallory.post("/api/sync", json=body, headers=named).status_code in (400, 404)
            served.stop()
        with serving(tmp_path, env=env) as served, served.client() as client:
            later = client.post("/api/sync", json=body, headers=named)
            assert (later.status_code, later.content) == (201, first.content)
            assert client.post(path, json=counter, headers={"X-Request-ID": "insert-1"}).content == answers[0].content
            wait_for(client, job, "completed")
        assert pair[1].value("SELECT count(*) FROM customer WHERE id = 5000") == 1


def test_an_id_whose_reply_is_long_forgotten_makes_no_other_job(
    tmp_path: Path, pair: tuple[Database, Database]
) -> None:
    named = {"X-Request-ID": "of-yesterday"}
    with serving(tmp_path) as served, served.client() as client:
        body = save(client, *pair) | {"tables": BOTH}
        job = data(client.post("/api/sync", json=body, headers=named), 201)["id"]
        with closing(sqlite3.connect(tmp_path / "store.db")) as store, store:
            store.execute("DELETE FROM reply")
        other = client.post("/api/sync", json=body | {"delete": True}, headers=named)
        assert other.status_code == 409
        assert data(client.post("/api/sync", json=body, headers={"X-Request-ID": "of-today"}), 201)["id"] != job
        with closing(sqlite3.connect(tmp_path / "store.db")) as store, store:
            store.execute("DELETE FROM reply")
        assert data(client.post("/api/sync", json=body, headers=named), 201)["id"] == job


def test_any_process_over_one_store_answers_for_any_job(tmp_path: Path, pair: tuple[Database, Database]) -> None:
    with (
        serving(tmp_path, "--workers", "0") as one,
        serving(tmp_path) as two,
        one.client() as here,
        two.client() as there,
    ):
        job = data(here.post("/api/sync", json=save(here, *pair) | {"tables": BOTH}), 201)["id"]
        again = {"X-Request-ID": "both-ask-for-this"}
        started = here.post(f"/api/sync/{job}/start", headers=again)
        assert there.post(f"/api/sync/{job}/start", headers=again).content == started.content
        with there.stream("GET", f"/api/sync/{job}/stream") as reply:
            assert [event for _, event in frames(reply)][-1]["success"] is True
        assert data(here.get(f"/api/sync/{job}"))["status"] == "completed"


def test_a_quota_of_one_job_lets_one_of_many_start(tmp_path: Path, pair: tuple[Database, Database]) -> None:
    env = environment(tmp_path, DBSYNC_QUOTA_JOBS="1")
    with serving(tmp_path, "--workers", "0", env=env) as served, served.client() as client:
        body = save(client, *pair) | {"tables": BOTH}
        jobs = [data(client.post("/api/sync", json=body), 201)["id"] for _ in range(6)]
        replies: list[httpx.Response] = []
        threads = [
            threading.Thread(target=lambda job=job: replies.append(client.post(f"/api/sync/{job}/start")))
            for job in jobs
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(reply.status_code for reply in replies) == [200, *[403] * 5]
        refused = next(reply.json() for reply in replies if reply.status_code == 403)
        assert (refused["code"], refused["limits"], refused["usage"]["jobs"]) == ("QUOTA", {"jobs": 1}, 1)
        assert client.post("/api/sync", json=body).status_code == 403


class TestStreams:
    def test_caps_and_heartbeats(self, tmp_path: Path, pair: tuple[Database, Database]) -> None:
        with serving(tmp_path) as served, served.client() as client:
            job = data(client.post("/api/sync", json=save(client, *pair) | {"tables": [table("customer")]}), 201)["id"]
            held = [client.stream("GET", f"/api/sync/{job}/stream") for _ in range(5)]
            replies = [stream.__enter__() for stream in held]
            try:
                assert [reply.status_code for reply in replies] == [200] * 5
                refused = client.get(f"/api/sync/{job}/stream")
                assert (refused.status_code, refused.json()["error"]) == (429, "Too many streams are open")
                lines = replies[0].iter_lines()
                deadline = time.monotonic() + 30
                while not next(lines).startswith(": ping"):
                    assert time.monotonic() < deadline
            finally:
                for stream in held:
                    stream.__exit__(None, None, None)
            wait_until(lambda: client.get(f"/api/sync/{job}/metrics").status_code == 200)

            def freed() -> bool:
                with client.stream("GET", f"/api/sync/{job}/stream") as reply:
                    return reply.status_code == 200

            wait_until(freed)
            with client.stream("GET", f"/api/sync/{job}/stream"):
                assert served.stop() == 0  # a stream does not keep the server from ending


class TestQuota:
    def test_of_jobs_that_are_started_at_once_no_more_run_than_may(
        self, pair: tuple[Database, Database], tmp_path: Path
    ) -> None:
        env = environment(tmp_path, DBSYNC_QUOTA_JOBS="1")
        with serving(tmp_path, "--workers", "0", env=env) as served, served.client() as client:
            order = save(client, *pair) | {"tables": [table("customer")]}
            jobs = [data(client.post("/api/sync", json=order), 201)["id"] for _ in range(8)]
            together = threading.Barrier(len(jobs))
            codes: list[int] = []

            def start(job: str) -> None:
                with served.client() as mine:
                    mine.get("/health")
                    together.wait(30)
                    codes.append(mine.post(f"/api/sync/{job}/start").status_code)

            threads = [threading.Thread(target=start, args=(job,)) for job in jobs]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(codes) == [200] + [403] * 7
            begun = next(job for job in jobs if client.get(f"/api/sync/{job}").json()["data"]["status"] == "running")
            again = client.post(f"/api/sync/{begun}/start")
            assert (again.status_code, again.json()["error"]) == (400, 'Cannot start job with status "running"')


def wait_until(holds: Callable[[], bool], timeout: float = 15) -> None:
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)
