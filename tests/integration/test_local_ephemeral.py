"""Servers that are bound to the process that started them."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dbsync.errors import DbsyncError
from dbsync.local import EphemeralServer, find_binaries
from tests.fixtures.local import ask, is_alive, run_script, wait_until

PARENT = """
import sys, threading, time
from dbsync.local import EphemeralServer
servers = []
def begin():
    server = EphemeralServer(); server.start(); servers.append(server)
thread = threading.Thread(target=begin); thread.start(); thread.join()
time.sleep(0.5)  # the thread that started it is long gone
print(servers[0].pid, servers[0].data_dir.parent, flush=True)
if sys.argv[1] == "wait": time.sleep(600)
if sys.argv[1] == "fail": raise SystemExit(3)
"""


@pytest.fixture(scope="module")
def server(run_directory: Path) -> Iterator[EphemeralServer]:
    with EphemeralServer(settings={"work_mem": "7MB"}) as server:
        yield server


def test_it_takes_connections_with_the_password_over_tcp_and_the_socket(server: EphemeralServer) -> None:
    assert ask(server.url()) == "postgres"
    assert ask(server.url(), "SHOW work_mem") == "7MB"
    assert ask(server.url(), "SELECT upper('é')") == "É"
    assert server.socket_dir is not None
    assert len(os.fsencode(server.socket_dir / f".s.PGSQL.{server.port}")) < 100
    socket = psycopg.conninfo.make_conninfo(
        host=str(server.socket_dir), port=server.port, user=server.user, password=server.password, dbname="template1"
    )
    assert ask(socket) == "template1"


@pytest.mark.parametrize("password", [None, "", "wrong"])
@pytest.mark.parametrize("way", ["tcp", "socket"])
def test_nobody_gets_in_without_the_password(server: EphemeralServer, way: str, password: str | None) -> None:
    host = "127.0.0.1" if way == "tcp" else str(server.socket_dir)
    with pytest.raises(psycopg.OperationalError, match=r"no password supplied|password authentication failed"):
        psycopg.connect(host=host, port=server.port, user=server.user, password=password, dbname="postgres")


def test_only_the_loopback_address_listens(server: EphemeralServer) -> None:
    assert ask(server.url(), "SHOW listen_addresses") == "127.0.0.1"


def test_what_it_keeps_is_closed_to_others(server: EphemeralServer) -> None:
    directory = server.data_dir.parent
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
    for name in ("password", "run.lock", "log", "owner.lock"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600, name
        assert (directory / name).stat().st_uid == os.geteuid(), name


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_server_sees_no_secret_of_our_environment_and_no_signal_of_our_terminal(
    run_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROD_URL", "postgresql://u:canary@h/d")
    monkeypatch.setenv("PGOPTIONS", "-c canary.x=1")
    with EphemeralServer() as server:
        assert b"canary" not in Path(f"/proc/{server.pid}/environ").read_bytes()
        assert b"canary" not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
        assert os.getsid(server.pid) == server.pid


def test_data_survives_a_crash_and_a_restart_on_the_same_port(server: EphemeralServer) -> None:
    port = server.port
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.execute("CHECKPOINT")
    server.kill()
    with pytest.raises(psycopg.OperationalError):
        ask(server.url())
    server.restart()
    assert ask(server.url(), "SELECT answer FROM kept") == 42
    server.restart()
    assert ask(server.url(), "SELECT answer FROM kept") == 42
    assert server.port == port


def test_stop_leaves_no_process_and_no_file(run_directory: Path) -> None:
    server = EphemeralServer()
    server.start()
    pid, directory = server.pid, server.data_dir.parent
    server.stop()
    server.stop()
    assert not is_alive(pid)
    assert not directory.exists()


def test_a_setting_that_the_server_refuses_is_one_error_and_leaves_nothing(run_directory: Path) -> None:
    place = run_directory / "local" / "ephemeral"
    before = set(place.iterdir()) if place.exists() else set()
    with pytest.raises(DbsyncError, match='did not start: .*invalid value for parameter "work_mem"') as caught:
        EphemeralServer(settings={"work_mem": "nonsense"}).start()
    assert caught.value.exit_code == 6
    assert {path for path in place.iterdir() if path.name != ".lock"} <= before


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_server_outlives_a_killed_parent_and_the_next_start_removes_its_files(
    number: signal.Signals, run_directory: Path
) -> None:
    parent = run_script(PARENT, "wait")
    assert parent.stdout is not None
    pid_text, directory_text = parent.stdout.readline().split()
    pid, directory = int(pid_text), Path(directory_text)
    assert is_alive(pid), "a server must not die with the thread that started it"
    parent.send_signal(number)
    parent.communicate(timeout=10)
    assert wait_until(lambda: not is_alive(pid))
    assert directory.exists()
    with EphemeralServer():
        assert not directory.exists()


@pytest.mark.parametrize(("way", "status"), [("end", 0), ("fail", 3)])
def test_a_parent_that_ends_without_stopping_its_server_stops_it(way: str, status: int, run_directory: Path) -> None:
    parent = run_script(PARENT, way)
    stdout, stderr = parent.communicate(timeout=30)
    assert (parent.returncode, stderr) == (status, "")
    pid_text, directory_text = stdout.split()
    assert not is_alive(int(pid_text))
    assert not Path(directory_text).exists()


def test_a_long_path_leaves_tcp_only(run_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = run_directory / ("long" * 12)
    monkeypatch.setenv("DBSYNC_LOCAL_DIR", str(place))
    with EphemeralServer() as server:
        assert server.socket_dir is None
        assert ask(server.url()) == "postgres"


@pytest.mark.parametrize("major", [15, 17])
def test_other_majors_run_as_well(major: int, run_directory: Path) -> None:
    try:
        find_binaries(major)
    except DbsyncError as error:
        pytest.skip(f"NOT TESTED on Postgres {major}: {error.message}")
    with EphemeralServer(major) as server:
        assert str(ask(server.url(), "SHOW server_version")).startswith(str(major))
        assert ask(server.url(), "SELECT upper('é') || current_setting('server_encoding')") == "ÉUTF8"


def test_tls_is_proved_by_the_servers_own_authority(pg_tls: EphemeralServer, tmp_path: Path) -> None:
    url = f"{pg_tls.url()}?sslmode=verify-full&sslrootcert="
    assert ask(f"{url}{pg_tls.ca_file}", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
    with pytest.raises(psycopg.OperationalError, match=r"certificate"):
        ask(f"{url}system")
