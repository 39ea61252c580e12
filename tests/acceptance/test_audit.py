"""``dbsync audit``: who did what, refused tries too; changed or cut entries are found; no secret is in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import jsonschema
from tests.fixtures.command import Command, Result
from tests.fixtures.locks import held_by_another_run
from tests.fixtures.pair import Pair

CANARY = "s3cr3tCanary"


def document(result: Result, code: int = 0) -> Result:
    result.ended(code)
    assert jsonschema.faults(result.document) == [], result
    return result


def entries(dbsync: Command) -> list[dict[str, Any]]:
    found = document(dbsync.run("audit", "list", "--json")).result["entries"]
    assert isinstance(found, list)
    return found


def store_file(dbsync: Command) -> Path:
    return dbsync.home / ".local" / "state" / "dbsync" / "store.db"


@pytest.fixture
def pair(pairs) -> Any:
    return pairs("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")


def test_what_changes_something_and_what_was_refused_is_one_entry_each(pair: Pair, dbsync: Command):
    document(dbsync.run("audit", "list", "--json"), 2)  # nothing was kept yet
    dbsync.run("sync", pair.source, pair.target, "--dry-run").ended(0)
    dbsync.run("execute", pair.target, "SELECT 1").ended(0)
    dbsync.run("sync", pair.source, pair.target).ended(4)
    ran = dbsync.sync(pair.source, pair.target).ended(0)
    with held_by_another_run(pair.target):
        dbsync.run("sync", pair.source, pair.target, "--yes").ended(5)
        dbsync.run("sync", pair.source, pair.target, "--yes", "--on-locked", "skip").ended(0)
    dbsync.run("execute", pair.target, "DELETE FROM t WHERE id = 5", "--write", "--yes").ended(0)
    dbsync.run("execute", pair.target, "SELECT 1/0", "--write", "--yes").ended(6)
    dbsync.run("sync", f"postgresql://u:{CANARY}@127.0.0.1:1/d", pair.target, "--yes").ended(3)
    dbsync.run("doctor", pair.target, "--fix", "--yes").ended(0)
    dbsync.run("connections", "remove", "nobody").ended(2)
    dbsync.run("connections", "add", "kept", f"postgresql://u:{CANARY}@h/d").ended(0)
    found = entries(dbsync)
    assert [(each["action"], each["outcome"], each["facts"].get("code")) for each in found] == [
        ("sync", "refused", "CONSENT_MISSING"), ("sync", "done", None), ("sync", "refused", "TARGET_BUSY"),
        ("sync", "refused", None), ("execute", "done", None), ("execute", "failed", "STATEMENT_FAILED"),
        ("sync", "failed", "CONNECT_TCP"), ("doctor.fix", "done", None), ("connections.remove", "failed", "NO_SUCH_CONNECTION"),
        ("connections.add", "done", None),
    ]  # fmt: skip
    done = found[1]
    assert (done["facts"]["rows_inserted"], done["facts"]["run_id"]) == (2, ran.result["run_id"])
    assert len(done["facts"]["plan"]) == 64
    assert done["facts"]["source_fingerprint"] != done["facts"]["target_fingerprint"]
    assert "@" in done["actor"]
    assert found[-1]["subject"] == "kept"
    passwords = {url.partition("://")[2].partition("@")[0].partition(":")[2] for url in (pair.source, pair.target)}
    whole = store_file(dbsync).read_bytes() + dbsync.run("audit", "list").ended(0).stdout.encode()
    for secret in (*passwords, CANARY):
        assert secret.encode() not in whole
    verified = document(dbsync.run("audit", "verify", "--json")).result
    assert (verified["sound"], verified["entries"], verified["fault"]) == (True, 10, None)


@pytest.mark.parametrize(
    ("tampering", "number"),
    [
        ("DROP TRIGGER audit_refuses_update; UPDATE audit SET actor = 'eve' WHERE number = 2", 2),
        ("DROP TRIGGER audit_refuses_delete; DELETE FROM audit WHERE number = 3", 3),
        ("DROP TRIGGER audit_refuses_delete; DELETE FROM audit WHERE number = 2", 2),
    ],
)
def test_a_line_that_is_edited_or_cut_is_found(tampering: str, number: int, dbsync: Command):
    for name in "abc":
        dbsync.run("connections", "add", name, "postgresql://u@h/d").ended(0)
    head = document(dbsync.run("audit", "verify", "--json")).result["head"]
    document(dbsync.run("audit", "verify", "--head", head, "--json"))
    with sqlite3.connect(store_file(dbsync)) as store:
        store.executescript(tampering)
    store.close()
    found = document(dbsync.run("audit", "verify", "--json"), 1).result
    assert (found["sound"], found["fault"]["number"]) == (False, number)
    assert dbsync.run("audit", "verify").ended(1).stdout.startswith("NOT as it was written: ")


def test_a_head_that_is_none_is_a_usage_error_and_a_strange_one_is_found(dbsync: Command):
    dbsync.run("connections", "add", "a", "postgresql://u@h/d").ended(0)
    document(dbsync.run("audit", "verify", "--head", "5", "--json"), 2)
    document(dbsync.run("audit", "verify", "--head", f"1:{'a' * 64}", "--json"), 1)
    document(dbsync.run("audit", "verify", "--head", f"7:{'a' * 64}", "--json"), 1)


def test_a_log_that_cannot_be_written_is_a_warning(pair: Pair, dbsync: Command):
    env = {"DBSYNC_STORE": "sqlite:////proc/nowhere/store.db"}
    ended = dbsync.run("execute", pair.target, "DELETE FROM t", "--write", "--yes", env=env).ended(0)
    assert "warning: this call is not in the audit log: " in ended.stderr


def test_a_sync_over_the_quota_is_not_handed_to_workers_and_the_try_is_noted(pair: Pair, dbsync: Command):
    env = {"DBSYNC_QUOTA_JOBS": "0"}
    refused = dbsync.run("sync", pair.source, pair.target, "--yes", "--json", "--queue", env=env).ended(4)
    assert refused.error["code"] == "QUOTA"
    assert refused.error["details"]["limits"] == {"jobs": 0}
    (entry,) = entries(dbsync)
    assert (entry["action"], entry["outcome"], entry["facts"]["code"]) == ("sync.queue", "refused", "QUOTA")
    assert entry["subject"] == entry["facts"]["target"]
    assert [entry["facts"][end].rsplit("/", 1)[1] for end in ("source", "target")] == [
        url.rsplit("/", 1)[1] for url in (pair.source, pair.target)
    ]
