"""Where the values of options come from: what is typed comes first, wherever it stands, and some things are only typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.command import Command


def _file(directory: Path, name: str, url: str, profile: str) -> str:
    path = directory / name
    path.write_text(f"version: 1\ndatabases: {{here: {{url: '{url}'}}}}\nprofiles:\n  {profile}\n")
    return str(path)


def test_a_file_and_a_profile_before_the_name_beat_the_environment(dbsync: Command, source_db, target_db):
    """One call has one file: the ends and the options of the profile come from the same."""
    typed = _file(dbsync.home, "typed.yaml", source_db.url, "{one: {max-rows: 1}, two: {max-rows: 2}}")
    other = _file(dbsync.home, "other.yaml", target_db.url, "{one: {max-rows: 3}, two: {max-rows: 4}}")
    asked = ("execute", "here", "SELECT current_database() FROM generate_series(1, 9)", "-f", "csv")

    def answer(*args: str, **env: str) -> list[str]:
        return dbsync.run(*args, env=env).ended(0).stdout.split()[1:]

    assert answer("-c", typed, "-p", "one", *asked, DBSYNC_CONFIG=other, DBSYNC_PROFILE="two") == [source_db.name]
    assert answer(*asked, "-c", typed, "-p", "one", DBSYNC_CONFIG=other, DBSYNC_PROFILE="two") == [source_db.name]
    assert answer("-p", "one", *asked, DBSYNC_CONFIG=other, DBSYNC_PROFILE="two") == [target_db.name] * 3
    assert answer("-c", typed, "-p", "one", *asked, "-p", "two", DBSYNC_CONFIG=other) == [source_db.name] * 2
    assert answer(*asked, DBSYNC_CONFIG=other, DBSYNC_PROFILE="two") == [target_db.name] * 4


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (("--json", "local"), {}),
        (("local", "--json"), {}),
        (("jobs",), {"DBSYNC_JSON": "1"}),
        (("--json",), {}),
        ((), {"DBSYNC_FORMAT": "json"}),
    ],
)
def test_a_group_without_a_command_is_one_document_under_json(dbsync: Command, args, env):
    ended = dbsync.run(*args, env=env)
    document = json.loads(ended.stdout)
    assert (ended.exit_code, document["exit_code"], document["error"]["code"]) == (2, 2, "USAGE")
    assert "--help" in document["error"]["hint"]


def test_a_group_without_a_command_shows_its_help(dbsync: Command):
    ended = dbsync.run("local").ended(2)
    assert "Usage: dbsync local" in ended.stderr
    assert ended.stdout == ""
