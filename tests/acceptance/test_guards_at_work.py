"""The guards of a target are those of the time when a job writes, not those of the time when it was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dbsync.config import load_settings
from dbsync.data.options import SyncOptions
from dbsync.jobs.model import LOCAL_OWNER, Job, JobSpec, JobState
from dbsync.jobs.service import Jobs
from dbsync.references import resolve
from dbsync.registry.model import Labels
from dbsync.urls import parse_url
from tests.fixtures import oracle
from tests.fixtures.databases import Database
from tests.fixtures.serving import blob, environment, serving
from tests.fixtures.yard import Yard, wait_for, yard

SCHEMA = "CREATE TABLE item (id int PRIMARY KEY, name text);"
ROWS = "INSERT INTO item SELECT n, 'item ' || n FROM generate_series(1, 50) n;"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Yard]:
    with yard(tmp_path / "yard") as made:
        yield made


@pytest.fixture
def items(source_db: Database, target_db: Database) -> tuple[Database, Database]:
    source_db.execute(SCHEMA, ROWS)
    target_db.execute(SCHEMA)
    return source_db, target_db


def configure(place: Yard, *entries: str) -> Path:
    file = place.command.home / "dbsync.yaml"
    file.write_text("version: 1\ndatabases:\n" + "".join(f"  {entry}\n" for entry in entries))
    return file


def queued(place: Yard, items: tuple[Database, Database], target: str, file: Path, confirm: str | None = None) -> Job:
    """A job as ``sync --queue`` makes it."""
    ends = (parse_url(items[0].url), resolve(target, load_settings(file)))
    source, kept = ((place.registry.keep_unnamed(LOCAL_OWNER, url), url.name) for url in ends)
    spec = JobSpec(options=SyncOptions(), agreed=True, confirmed=confirm)
    return place.jobs.create(spec, source=source, target=kept, origin="queue", queued=True)


def count(items: tuple[Database, Database]) -> object:
    return items[1].value("SELECT count(*) FROM item")


@pytest.mark.parametrize("guard", ["read_only: true", "environment: production", "protected: true"])
@pytest.mark.parametrize("kind", ["entry", "command", "other entry"])
def test_a_guard_that_the_file_got_meanwhile_holds_for_a_job_that_waits(
    kind: str, guard: str, place: Yard, items: tuple[Database, Database]
) -> None:
    (place.command.home / "url").write_text(items[1].url)
    (place.command.home / "print").write_text(f"#!/bin/sh\necho '{items[1].url}'\n")
    (place.command.home / "print").chmod(0o755)
    reference = f"cmd:{place.command.home / 'print'}" if kind == "command" else items[1].url
    entry = f"url: '{reference}'"
    file = configure(place, f"staging: {{{entry}}}")
    job = queued(place, items, items[1].url if kind == "other entry" else "staging", file)
    configure(place, f"staging: {{{entry}, {guard}}}")
    place.worker("--once", "--json").wait(60).ended(0)
    failed = place.jobs.get(job.id)
    assert (failed.state, (failed.error or {})["code"]) == (JobState.FAILED, "PROTECTED_TARGET")
    again = place.command.run("jobs", "retry", job.id[:8], "--json", env=place.env).ended(4)
    assert again.error["code"] == "PROTECTED_TARGET"
    assert count(items) == 0
    configure(place, f"staging: {{{entry}}}")
    place.command.run("jobs", "retry", job.id[:8], "--json", env=place.env).ended(0)
    assert oracle.differences(items[0].url, items[1].url) == []


def test_a_connection_that_was_saved_meanwhile_guards_its_place(place: Yard, items: tuple[Database, Database]) -> None:
    job = place.jobs.pause(place.job(items[0].url, items[1].url).id)
    place.registry.add(LOCAL_OWNER, "live", parse_url(items[1].url), labels=Labels(read_only=True))
    again = place.command.run("jobs", "resume", job.id[:8], "--json", env=place.env)
    assert (again.ended(4).error["code"], count(items)) == ("PROTECTED_TARGET", 0)


def test_what_was_confirmed_stays_so_under_further_guards(place: Yard, items: tuple[Database, Database]) -> None:
    entry = f"staging: {{url: '{items[1].url}', environment: production}}"
    file = configure(place, entry)
    job = queued(place, items, "staging", file, confirm="staging")
    by_url = queued(place, items, items[1].url, file, confirm="staging")
    place.registry.add(LOCAL_OWNER, "live", parse_url(items[1].url), labels=Labels(protected=True))
    place.worker("--once", "--concurrency", "1", "--json").wait(60).ended(0)
    assert [(each.state, each.error) for each in map(place.jobs.get, (job.id, by_url.id))] == [
        (JobState.SUCCEEDED, None)
    ] * 2
    assert oracle.differences(items[0].url, items[1].url) == []


def test_an_entry_without_guards_may_be_written_to_by_its_name(place: Yard, items: tuple[Database, Database]) -> None:
    """Also where another entry guards the same place, as for a sync that is not queued."""
    file = configure(
        place, f"staging: {{url: '{items[1].url}'}}", f"live: {{url: '{items[1].url}', environment: production}}"
    )
    job = queued(place, items, "staging", file)
    place.worker("--once", "--json").wait(60).ended(0)
    assert place.state(job) is JobState.SUCCEEDED


@pytest.mark.parametrize("called", ["saved by alice", "saved", "sent by HTTP"])
def test_the_names_of_the_file_are_not_those_of_saved_connections_nor_of_clients(
    called: str, place: Yard, items: tuple[Database, Database]
) -> None:
    owner = "alice" if called == "saved by alice" else LOCAL_OWNER
    source, target = (replace(parse_url(each.url), name="dev") for each in items)
    if called == "sent by HTTP":
        kept = place.registry.keep_unnamed(owner, target)
    else:
        kept = place.registry.add(owner, "dev", target).id
    spec = JobSpec(options=SyncOptions(), agreed=True)
    read = place.registry.keep_unnamed(owner, source)
    origin = "queue" if called == "saved" else "http"
    elsewhere = items[1].url.rpartition("/")[0] + "/postgres"

    def worked_off() -> Job:
        jobs = Jobs(place.jobs.store, owner)
        job = jobs.create(spec, source=(read, "one"), target=(kept, "dev"), origin=origin, queued=True)
        place.worker("--once", "--json", env={"DBSYNC_ALLOW_HOSTS": "127.0.0.1"}).wait(60).ended(0)
        return place.jobs.store.get(job.id)

    configure(place, f"dev: {{url: '{elsewhere}'}}", f"live: {{url: '{items[1].url}', read_only: true}}")
    assert ((worked_off().error or {})["code"], count(items)) == ("PROTECTED_TARGET", 0)
    configure(place, f"dev: {{url: '{elsewhere}', read_only: true}}")
    assert (worked_off().error, count(items)) == (None, 50)


@pytest.mark.parametrize("labels", [Labels(read_only=True), Labels(environment="production")], ids=["read", "name"])
def test_a_connection_that_was_moved_to_a_guarded_place_is_not_written_to_over_http(
    labels: Labels, tmp_path: Path, place: Yard, items: tuple[Database, Database]
) -> None:
    place.registry.add(LOCAL_OWNER, "live", parse_url(items[1].url), labels=labels)
    home = tmp_path / "serve"
    home.mkdir()
    with serving(home, env=environment(home, **place.env)) as server, server.client() as client:

        def saved(name: str, url: str) -> str:
            reply = client.post("/api/connections", json={"name": name, "url": url}).raise_for_status()
            return str(reply.json()["data"]["id"])

        elsewhere = items[1].url.rpartition("/")[0] + "/postgres"
        ends = {
            "sourceConnectionId": saved("source", items[0].url),
            "targetConnectionId": (target := saved("A", elsewhere)),
        }
        asked = ends | {"tables": [{"tableName": "item", "enabled": True}]}
        job = client.post("/api/sync", json=asked).raise_for_status().json()["data"]["id"]
        client.put(f"/api/connections/{target}", json={"url": items[1].url}).raise_for_status()
        client.post(f"/api/sync/{job}/start").raise_for_status()
        wait_for(lambda: client.get(f"/api/sync/{job}").json()["data"]["status"] == "failed")
        kept = place.jobs.store.get(job)
        assert ((kept.error or {})["code"], count(items)) == ("PROTECTED_TARGET", 0)


def test_a_name_that_confirms_an_encrypted_url_counts_when_its_job_is_run(
    tmp_path: Path, place: Yard, items: tuple[Database, Database]
) -> None:
    place.registry.add(LOCAL_OWNER, "live", parse_url(items[1].url), labels=Labels(environment="production"))
    home = tmp_path / "serve"
    home.mkdir()
    with serving(home, env=environment(home, **place.env)) as server, server.client() as client:
        asked = {
            "sourceConnectionId": "one",
            "targetConnectionId": "two",
            "sourceEncryptedUrl": blob(items[0].url),
            "targetEncryptedUrl": blob(items[1].url),
            "tables": [{"tableName": "item", "enabled": True}],
            "confirmationPhrase": items[1].name,
        }
        reply = client.post("/api/sync", json=asked)
        job = reply.raise_for_status().json()["data"]["id"]
        client.post(f"/api/sync/{job}/start").raise_for_status()
        wait_for(lambda: client.get(f"/api/sync/{job}").json()["data"]["status"] in ("completed", "failed"))
        assert place.jobs.store.get(job).error is None
    assert count(items) == 50
