"""Directories that a user may not search: where nobody named them they hold nothing, and guards are not dropped in silence."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.fixtures.command import Command

_CAPABILITIES = "-dac_override,-dac_read_search"  # with which root may search any directory


@pytest.fixture
def bound(tmp_path: Path) -> Command:
    """The command under a user whom permissions bind."""
    if os.geteuid() != 0:
        return Command(tmp_path)
    if shutil.which("setpriv") is None:
        pytest.skip("NOT TESTED as root without setpriv")
    return Command(tmp_path, ("setpriv", f"--bounding-set={_CAPABILITIES}", f"--inh-caps={_CAPABILITIES}"))


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    directory = tmp_path / "closed"
    directory.mkdir(mode=0)
    return directory


def test_a_config_directory_that_cannot_be_searched_holds_no_file(bound, closed, source_db):
    asked = ("execute", source_db.url, "SELECT 1", "--json")
    assert bound.run(*asked, env={"XDG_CONFIG_HOME": str(closed)}).ended(0).document["ok"]
    named = bound.run(*asked, "-c", str(closed / "dbsync.yaml")).ended(2)
    assert "cannot be read: permission denied" in named.error["message"]


def test_a_write_says_that_the_guards_of_saved_connections_are_not_known(bound, closed, source_db):
    source_db.execute("CREATE TABLE t (a int)")
    insert = ("execute", source_db.url, "INSERT INTO t VALUES (1)", "--write", "--yes", "-q")
    done = bound.run(*insert, env={"XDG_STATE_HOME": str(closed)}).ended(0)
    assert "saved connections and their guards are not known" in done.stderr
    assert source_db.value("SELECT count(*) FROM t") == 1
    bound.run(*insert, env={"DBSYNC_STORE": f"sqlite:///{closed}/store.db"}).ended(6)
    assert source_db.value("SELECT count(*) FROM t") == 1


def test_other_commands_do_without_a_state_directory(bound, closed, source_db, target_db):
    for database in (source_db, target_db):
        database.execute("CREATE TABLE t (a int PRIMARY KEY)")
    env = {"XDG_STATE_HOME": str(closed), "XDG_CONFIG_HOME": str(closed)}
    bound.run("diff", source_db.url, target_db.url, "--what", "data", "--json", env=env).ended(0)
    done = bound.run("sync", source_db.url, target_db.url, "--yes", "--json", env=env).ended(0)
    assert any("guards are not known" in warning for warning in done.document["warnings"])
    assert "no database named" in bound.run("explore", "shop", "--json", env=env).ended(2).error["message"]
