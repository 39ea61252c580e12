"""What commands print under --json, against the JSON Schemas that ship in the package."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from tests.fixtures.inprocess import InProcess, all_commands
from tests.fixtures.jsonschema import faults, schema

_WITH_JSON = [
    "-".join(words)
    for words, command in all_commands()
    if "json" in next(p for p in command.params if p.name == "format_").metavar.split("|")
]


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


@pytest.mark.parametrize("name", _WITH_JSON)
def test_every_command_that_speaks_json_has_a_schema(name):
    found = schema(name)
    assert found["$id"] == f"dbsync/{name}@1"
    assert found["properties"]["schema"] == {"const": f"dbsync/{name}@1"}


def test_every_schema_belongs_to_a_command():
    names = {
        file.name.removesuffix(".json") for file in files("dbsync.schemas").iterdir() if file.name.endswith(".json")
    }
    assert names == {*_WITH_JSON, "envelope"}


def test_the_validator_sees_faults(call, source_db):
    document = call("execute", source_db.url, "SELECT 1", "--json").document
    assert faults(document) == []
    for path, value in (("ok", 1), ("elapsed_s", "x"), ("more", 1), ("error", {}), ("schema", "dbsync/schema@1")):
        assert faults(json.loads(json.dumps(document)) | {path: value}), path
    del document["warnings"]
    assert faults(document)


@pytest.mark.parametrize(
    "args",
    [
        ("execute", "{a}", "SELECT 1 AS a, NULL; SHOW timezone"), ("execute", "{a}", "SELECT 1/0"),
        ("execute", "{a}", "DELETE FROM t"), ("execute", "{a}", "INSERT INTO t VALUES (9)", "--write", "--yes"),
        ("execute", "{a}", "INSERT INTO t VALUES (9)", "--write", "--dry-run"), ("execute", "nowhere", "SELECT 1"),
        ("schema", "{a}"), ("schema", "{a}", "--fingerprint"), ("schema", "{a}", "nothing.*"),
        ("explore", "{a}"), ("explore", "{a}", "t"), ("explore", "{a}", "t", "--key", "1"), ("explore", "{a}", "t", "--stats"),
        ("explore", "{a}", "nothing"),
        ("sync", "{a}", "{b}", "--dry-run"), ("sync", "{a}", "{b}"), ("sync", "{a}", "{b}", "--yes"), ("sync", "{a}", "{a}"),
        ("sync", "{a}", "{b}", "--yes", "--mode", "replace", "--tables", "t"),
        ("local", "list"), ("local", "down", "nothing-of-that-name"), ("no-such",), ("execute", "--no-such"),
        ("sync", "--no-such"), ("diff", "{a}", "{b}"), ("diff", "{a}", "{b}", "--what", "data"),
        ("diff", "{a}", "{b}", "--what", "both"), ("diff", "{a}", "no-such-file.sql"), ("validate", "{a}", "{b}"),
        ("validate", "{a}", "{b}", "--level", "full"), ("validate", "{a}", "{a}"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_documents_obey_their_schema(call, source_db, target_db, args):
    script = "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE VIEW v AS SELECT * FROM t"
    source_db.execute(script, "INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    target_db.execute(script)
    filled = [arg.replace("{a}", source_db.url).replace("{b}", target_db.url) for arg in args]
    assert faults(call(*filled, "--json").document) == []
