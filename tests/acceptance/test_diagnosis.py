"""``dbsync test``: what it shows, and the three ways it ends."""

from __future__ import annotations

import time
from urllib.parse import quote, urlsplit, urlunsplit

import pytest

from tests.fixtures.inprocess import InProcess
from tests.fixtures.jsonschema import faults
from tests.fixtures.pair import with_user


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


def checks(ended, number=0):
    assert faults(ended.document) == []
    return {check["name"]: check for check in ended.document["result"]["databases"][number]["checks"]}


def test_a_database_that_is_well(call, source_db):
    source_db.execute("CREATE TABLE t (a int)")
    ended = call("test", source_db.url, "--json", "--for", "sync", "--speed")
    assert ended.exit_code == 0
    (found,) = ended.document["result"]["databases"]
    assert (found["ok"], found["table_count"], found["in_recovery"], found["pooler"]) == (True, 1, False, None)
    assert found["latency_ms"] > 0
    assert found["speed_mb_s"] > 0
    assert ended.document["source"]["database"] == source_db.name
    assert {"resolve", "tcp", "tls", "auth", "database", "pooler", "version", "latency", "clock"} <= set(checks(ended))
    text = call("test", source_db.url)
    assert text.stdout.splitlines()[0].endswith(": all is well")
    assert all(line.startswith("  ok    ") for line in text.stdout.splitlines()[1:] if "note:" not in line)
    assert call("test", source_db.url, "-q").stdout == ""


def test_a_database_that_cannot_be_reached_is_exit_3_in_the_phase_that_fails(call, source_db):
    place = urlsplit(source_db.url)
    for url, phase in (
        ("postgresql://u@no-such-host.invalid/d", "resolve"),
        ("postgresql://u@127.0.0.1:1/d", "tcp"),
        (with_user(source_db.url, "postgres", "wrong"), "auth"),
        (urlunsplit(place._replace(path="/no-such-database")), "database"),
        (urlunsplit(place._replace(query="sslmode=require")), "tls"),
    ):
        ended = call("test", url, "--json")
        assert ended.exit_code == 3, ended
        failed = [check for check in checks(ended).values() if not check["ok"]]
        assert [check["name"] for check in failed] == [phase]
        assert failed[0]["hint"]
        assert ended.document["error"]["code"] == f"CONNECT_{phase.upper()}"
    text = call("test", "postgresql://u@127.0.0.1:1/d")
    assert "  FAIL  tcp" in text.stdout
    assert "        fix: " in text.stdout
    quiet = call("test", "postgresql://u@127.0.0.1:1/d", "-q")
    assert (quiet.stdout, quiet.stderr.count("\n")) == ("", 1)


def test_a_missing_right_is_exit_1_and_the_fix_is_named(call, source_db):
    source_db.execute("CREATE TABLE t (a int)")
    reader = with_user(source_db.url, "case_reader")
    ended = call("test", reader, "--json")
    assert ended.exit_code == 1
    failed = [check for check in checks(ended).values() if not check["ok"]]
    assert any("GRANT" in check["hint"] for check in failed)
    assert ended.document["error"] is None
    assert "FAIL" in call("test", reader, "-q").stdout  # it has no error line that could speak for it
    source_db.execute("GRANT SELECT ON t TO case_reader")
    assert call("test", reader).exit_code == 0
    assert call("test", reader, "--for", "write").exit_code == 1


def test_the_facts_of_tls(call, pg_tls):
    url = pg_tls.url("postgres")
    parts = urlsplit(url)
    query = f"sslmode=verify-full&sslrootcert={quote(str(pg_tls.ca_file))}"
    ended = call("test", urlunsplit(parts._replace(query=query)), "--json")
    assert ended.exit_code == 0, ended
    tls = ended.document["result"]["databases"][0]["tls"]
    assert tls["version"].startswith("TLSv1.")
    assert tls["names"]


def test_several_and_all_databases(call, source_db, tmp_path):
    (tmp_path / "dbsync.yaml").write_text(
        f"version: 1\ndatabases:\n  good: {{url: '{source_db.url}'}}\n  unset: {{url: 'env:NOT_SET'}}\n"
        "  down: {url: 'postgresql://u@127.0.0.1:1/d'}\n"
    )
    ended = call("test", "--all", "--json")
    assert ended.exit_code == 3
    assert [(each["name"], each["ok"]) for each in ended.document["result"]["databases"]] == [
        ("good", True), ("unset", False), ("down", False),
    ]  # fmt: skip
    assert faults(ended.document) == []
    assert call("test", "good", source_db.url, "--json").exit_code == 0
    for args in (["unset"], ["godo"], [], ["good", "--all"]):
        assert call("test", *args, "--json").document["exit_code"] == 2


def test_a_database_of_all_that_is_named_wrongly_is_exit_2_and_hides_no_other(call, source_db, tmp_path):
    file = tmp_path / "dbsync.yaml"
    good = f"version: 1\ndatabases:\n  good: {{url: '{source_db.url}'}}\n"
    odd = "  odd: {url: 'postgresql://u@192.0.2.1/d?sslrootcert=system&sslmode=require'}\n"
    for wrong in ("  unset: {url: 'env:NOT_SET'}\n", odd):
        file.write_text(good + wrong)
        ended = call("test", "--all", "--json")
        assert ended.exit_code == 2
        assert [each["ok"] for each in ended.document["result"]["databases"]] == [True, False]
        assert ended.document["error"]["code"] == "CONFIG"
        assert faults(ended.document) == []
    file.write_text(good + odd + "  down: {url: 'postgresql://u@127.0.0.1:1/d'}\n")
    ended = call("test", "--all", "--json")
    assert ended.exit_code == 3
    assert ended.document["error"]["message"].startswith("down: ")


def test_waiting_for_a_server_that_comes_up(call, source_db):
    started = time.monotonic()
    assert call("test", "postgresql://u@127.0.0.1:1/d", "--wait", "1s").exit_code == 3
    assert 1 <= time.monotonic() - started < 10
    started = time.monotonic()
    assert call("test", with_user(source_db.url, "postgres", "wrong"), "--wait", "30s").exit_code == 3
    assert time.monotonic() - started < 10  # a wrong password does not pass by itself
