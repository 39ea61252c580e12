"""``sync --name``: a job of the config file, overridden by the command line."""

from __future__ import annotations

import pytest

CONFIG = """
version: 1
databases:
  prod: {{url: "{source}"}}
  staging: {{url: "{target}"}}
syncs:
  nightly:
    source: prod
    target: staging
    mode: replace
    tables: ["public.*"]
    exclude: ["public.audit"]
    where: {{public.orders: "total > 10"}}
    jobs: 2
"""
SCHEMA = "CREATE TABLE orders (id int PRIMARY KEY, total int); CREATE TABLE audit (id int)"


@pytest.fixture
def config(source_db, target_db, tmp_path):
    for database in (source_db, target_db):
        database.execute(SCHEMA)
    source_db.execute("INSERT INTO orders VALUES (1, 5), (2, 50)")
    source_db.execute("INSERT INTO audit VALUES (1)")
    target_db.execute("INSERT INTO orders VALUES (9, 9)")
    path = tmp_path / "dbsync.yaml"
    path.write_text(CONFIG.format(source=source_db.url, target=target_db.url))
    return str(path)


def test_a_named_sync_takes_ends_and_options_from_the_file(config, target_db, dbsync):
    result = dbsync.run("-c", config, "sync", "--name", "nightly", "--yes", "--json").ended(0)
    assert target_db.query("SELECT id FROM public.orders") == [(2,)]
    assert target_db.query("SELECT id FROM public.audit") == []
    assert "public.audit" in [one["table"] for one in result.result["skipped"]]


def test_the_command_line_beats_the_file(config, target_db, dbsync):
    dbsync.run("-c", config, "sync", "--name", "nightly", "--where", "orders:true", "--yes", "--json").ended(0)
    assert target_db.query("SELECT count(*) FROM public.orders") == [(2,)]


def test_consent_never_comes_from_the_file(config, dbsync):
    dbsync.run("-c", config, "sync", "--name", "nightly", "--json").ended(4)


@pytest.mark.parametrize("args", [("--name", "nightyl"), ("--name", "nightly", "prod", "staging"), ("prod",), ()])
def test_unclear_ends_are_usage_errors(args, config, dbsync):
    dbsync.run("-c", config, "sync", *args, "--yes", "--json").ended(2)


def test_a_fault_in_a_worker_is_told_as_what_it_is(pairs, called, monkeypatch):
    pair = pairs("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")

    def explode(self):
        raise LookupError("nobody foresaw this")

    monkeypatch.setattr("dbsync.data.group.GroupRun.replace", explode)
    ended = called.sync(pair.source, pair.target, "--yes", "--json")
    assert ended.exit_code == 70, ended
    error = ended.document["error"]
    assert (error["code"], error["message"].partition(" at ")[0]) == ("INTERNAL", "internal fault: LookupError")
    assert ended.result["state"] == "failed"
    assert "nobody foresaw" not in ended.stdout
