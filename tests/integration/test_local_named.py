"""Named servers: they outlive the command, and there is one per name whatever happens."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbsync import local
from dbsync.errors import ConfigError, DbsyncError, Refused
from dbsync.local import server as servers
from dbsync.local import store
from tests.fixtures.command import Command
from tests.fixtures.local import ask, is_alive, postmaster_pid, run_script, tell, wait_until

UP = "import sys; from dbsync import local; print(local.up(sys.argv[1]).port)"


@pytest.fixture
def place(run_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for the servers of one test, which are stopped after it."""
    found = Path(tempfile.mkdtemp(dir=run_directory))
    found.chmod(0o711)
    monkeypatch.setenv("DBSYNC_LOCAL_DIR", str(found))
    yield found
    for server in local.list_servers():
        local.down(server.name, delete=True)


def test_a_server_lives_from_up_to_down_and_keeps_its_data_port_and_password(place: Path, cli: Command) -> None:
    up = cli.run("local", "up", "shop", "--json").ended(0).result
    assert (up["name"], up["running"], up["directory"]) == ("shop", True, str(place / "servers" / "shop"))
    url = cli.run("local", "url", "shop").ended(0).stdout.strip()
    assert ask(url) == "shop"
    assert ask(url, "SELECT pg_catalog.set_config('x.y', 'z', false)") == "z"
    pid = postmaster_pid(place / "servers" / "shop")
    assert local.up("shop").port == up["port"]
    assert postmaster_pid(place / "servers" / "shop") == pid
    listed = cli.run("local", "list", "--json").ended(0).result["servers"]
    assert listed == [up]
    version = cli.run("local", "psql", "shop", "--", "-XAtc", "SHOW server_version_num").ended(0).stdout
    assert int(version) // 10000 == up["major"]
    cli.run("local", "down", "shop").ended(0)
    assert not is_alive(pid)
    assert cli.run("local", "down", "shop", "--json").ended(0).result["running"] is False
    cli.run("local", "url", "shop").ended(2)
    assert local.resolve("shop") == url


def test_reset_gives_an_empty_server_and_delete_leaves_nothing(place: Path, cli: Command) -> None:
    url = local.resolve("shop")
    tell(url, "CREATE TABLE gone AS SELECT 1")
    cli.run("local", "reset", "shop").ended(0)
    assert ask(local.url("shop"), "SELECT to_regclass('gone') IS NULL") is True
    pid = postmaster_pid(place / "servers" / "shop")
    cli.run("local", "down", "shop", "--delete").ended(0)
    assert not is_alive(pid)
    assert list((place / "servers").iterdir()) == []
    assert cli.run("local", "list").ended(0).stdout == ""


def test_data_is_removed_only_where_that_is_typed(place: Path, tmp_path: Path) -> None:
    """``delete: true`` is what a profile says for sync."""
    cli = Command(tmp_path)
    profiles = tmp_path / "dbsync.yaml"
    profiles.write_text("version: 1\nprofiles: {all: {delete: true}}\n")
    cli.run("local", "up", "shop").ended(0)
    kept = cli.run("local", "down", "shop", "--json", "-c", str(profiles), "-p", "all", env={"DBSYNC_DELETE": "1"})
    assert kept.ended(0).result["deleted"] is False
    assert [server.name for server in local.list_servers()] == ["shop"]


def test_psql_outlives_the_time_limit_of_the_command(place: Path, tmp_path: Path) -> None:
    local.up("shop")
    older = tmp_path / "psql"  # which dies of SIGALRM; psql does not from 16 on
    older.write_text("#!/bin/sh\ni=0; while [ $i -lt 30 ]; do sleep 0.1; i=$((i + 1)); done; echo 7\n")
    older.chmod(0o755)
    env = {"DBSYNC_TIMEOUT": "2s", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert Command(tmp_path).run("local", "psql", "shop", env=env).ended(0).stdout == "7\n"


def test_processes_that_want_the_same_server_at_once_get_the_same_one(place: Path) -> None:
    children = [run_script(UP, "shop") for _ in range(4)]
    answers = {child.communicate(timeout=60) for child in children}
    assert len(answers) == 1, answers
    assert answers == {(f"{local.up('shop').port}\n", "")}


def test_a_server_does_not_die_with_the_process_that_started_it(place: Path) -> None:
    child = run_script(UP + "; import time; sys.stdout.flush(); time.sleep(600)", "shop")
    assert child.stdout is not None
    port = int(child.stdout.readline())
    child.kill()
    child.communicate()
    time.sleep(0.3)
    assert local.list_servers()[0].port == port
    assert ask(local.url("shop")) == "shop"


def test_a_crashed_server_starts_again(place: Path) -> None:
    url = local.resolve("shop")
    tell(url, "CREATE TABLE kept AS SELECT 1")
    pid = postmaster_pid(place / "servers" / "shop")
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not local.list_servers()[0].running)
    assert ask(local.resolve("shop"), "SELECT count(*) FROM kept") == 1


def test_a_pid_file_that_names_another_process_does_not_stop_the_start(place: Path) -> None:
    local.up("shop")
    pid_file = place / "servers" / "shop" / "data" / "postmaster.pid"
    content = pid_file.read_text()
    local.down("shop")
    other = run_script("import time; time.sleep(600)")
    pid_file.write_text(content.replace(content.splitlines()[0], str(other.pid), 1))
    os.chown(pid_file, pid_file.parent.stat().st_uid, pid_file.parent.stat().st_gid)
    assert not local.list_servers()[0].running
    local.down("shop")
    assert is_alive(other.pid), "a process that is not the server was stopped"
    assert ask(local.resolve("shop")) == "shop"
    other.kill()
    other.communicate()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_root_stops_no_process_but_its_servers_accounts(place: Path) -> None:
    """The lock file is open in the server: who runs programs in it could write another number."""
    local.up("shop")
    lock = place / "servers" / "shop" / "run.lock"
    number = lock.read_text()
    other = run_script("import time; time.sleep(600)")
    lock.write_text(f"{other.pid}\n")
    server = servers.Server.at(lock.parent)
    for sent in (signal.SIGINT, signal.SIGKILL):
        servers._signal(server, sent)
    time.sleep(0.2)
    assert other.poll() is None, "a process that is not the server was stopped"
    other.kill()
    other.communicate()
    lock.write_text(number)
    assert not local.down("shop").running


@pytest.mark.parametrize("written", ["", "?", "99999999"])
def test_a_damaged_port_file_does_not_stop_the_start(written: str, place: Path) -> None:
    local.up("shop")
    local.down("shop")
    (place / "servers" / "shop" / "port").write_text(written)
    assert ask(local.resolve("shop")) == "shop"
    assert local.list_servers()[0].port == int((place / "servers" / "shop" / "port").read_text())


def test_psql_gets_no_key_of_what_dbsync_keeps(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DBSYNC_KEY", "ENCRYPTION_KEY"):
        monkeypatch.setenv(name, "a key")
    assert "a key" not in store.psql_command("shop")[1].values()


@pytest.mark.parametrize("moment", [0.15, 0.3, 0.5, 0.8])
def test_a_start_that_was_killed_half_way_is_made_good_by_the_next(moment: float, place: Path) -> None:
    child = run_script(UP, "shop")
    time.sleep(moment)
    child.kill()
    child.communicate()
    assert ask(local.resolve("shop")) == "shop"


def test_a_taken_port_is_replaced(place: Path) -> None:
    port = local.up("shop").port
    local.down("shop")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert local.up("shop").port != port
    assert ask(local.url("shop")) == "shop"


def test_another_major_than_the_data_has_is_refused_and_changes_nothing(place: Path, cli: Command) -> None:
    there = local.up("shop").major
    assert there is not None
    other = 17 if there == 18 else 18
    refusal = cli.run("local", "up", "shop", "--major", str(other), "--json").ended(4).error
    assert refusal["code"] == "LOCAL_MAJOR"
    assert "local reset shop" in refusal["hint"]
    with pytest.raises(Refused):
        local.up("shop", major=other)
    local.down("shop")
    (place / "servers" / "shop" / "data" / "PG_VERSION").write_text("14\n")
    with pytest.raises(ConfigError, match=r"local:shop holds data of Postgres 14"):
        local.up("shop")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "ü", "a" * 41, "-x", ".", "template1", "a\0b"])
def test_a_name_that_could_be_a_path_is_refused(name: str, place: Path) -> None:
    with pytest.raises(ConfigError, match="is not a name for an embedded server"):
        local.resolve(name)
    assert list(place.iterdir()) == []


def test_a_server_that_could_not_be_made_is_not_listed(
    place: Path, cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.run("local", "up", "shop", "--major", "12", "--json").ended(2)
    assert cli.run("local", "list").ended(0).stdout == ""

    def fails(*_: object, **__: object) -> None:
        raise DbsyncError("initdb failed")

    monkeypatch.setattr(store, "initialise", fails)
    with pytest.raises(DbsyncError, match="initdb failed"):
        local.up("shop")
    assert local.list_servers() == []
    kept = place / "servers" / "away"
    kept.mkdir()
    (kept / "data").symlink_to(place / "unmounted")  # data on a disk that is not there just now
    with pytest.raises(DbsyncError):
        local.up("away")
    assert (kept / "data").is_symlink()


def test_an_unknown_server_is_a_usage_error_with_the_command_that_makes_it(place: Path, cli: Command) -> None:
    for verb in ("down", "url"):
        error = cli.run("local", verb, "nowhere", "--json").ended(2).error
        assert error["message"] == "there is no local:nowhere"
        assert error["hint"] == "make it: dbsync local up nowhere"


def test_a_directory_that_cannot_be_made_is_a_usage_error(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    env = {"DBSYNC_LOCAL_DIR": str(tmp_path / "file" / "x")}
    error = cli.run("local", "up", "shop", "--json", env=env).ended(2).error
    assert error["code"] == "LOCAL_DIRECTORY"
    assert "DBSYNC_LOCAL_DIR" in error["hint"]


def test_no_directory_that_was_there_changes_its_mode(place: Path, cli: Command) -> None:
    given = place / "given"
    given.mkdir()
    given.chmod(0o755)
    watched = [given, place, place.parent, Path.home(), Path(tempfile.gettempdir()), cli.home]
    watched += [parent for parent in Path(local.find_binaries().bindir).parents if parent != parent.parent]
    before = {path: (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) for path in watched}
    cli.run("local", "up", "shop", env={"DBSYNC_LOCAL_DIR": str(given)}).ended(0)
    cli.run("local", "down", "shop", "--delete", env={"DBSYNC_LOCAL_DIR": str(given)}).ended(0)
    assert {path: (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) for path in watched} == before


def test_the_password_stands_in_no_output_but_that_of_url(place: Path, cli: Command) -> None:
    outputs = [
        cli.run("-vv", "local", *words)
        for words in (("up", "shop"), ("list",), ("up", "shop", "--json"), ("list", "--json"), ("down", "shop"))
    ]
    secret = (place / "servers" / "shop" / "password").read_text()
    assert len(secret) >= 24
    for output in outputs:
        assert secret not in output.ended(0).stdout + output.stderr
    json.loads(outputs[2].stdout)
