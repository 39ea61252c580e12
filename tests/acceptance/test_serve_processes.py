"""``--processes``: several processes on one port and one store, which begin and end together."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from os import kill
from pathlib import Path

import httpx
import pytest

from tests.fixtures.databases import Database
from tests.fixtures.serving import Served, environment, serving

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")


def others(served: Served) -> list[int]:
    pid = served.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(holds: Callable[[], bool], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def both_listen(served: Served) -> bool:
    """Whether every process has the port: one socket of each, at the same inode table of the kernel."""
    port = f":{int(served.url.rpartition(':')[2]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()
    return sum(port in line.split()[1] and line.split()[3] == "0A" for line in lines[1:]) == 2


def test_they_share_the_work_the_store_and_the_figures_and_end_together(
    tmp_path: Path, source_db: Database, target_db: Database
) -> None:
    for database in (source_db, target_db):
        database.execute("CREATE TABLE item (id int PRIMARY KEY)")
    source_db.execute("INSERT INTO item SELECT generate_series(1, 100)")
    with serving(tmp_path, "--processes", "2") as served:
        (other,) = others(served)
        wait_until(lambda: both_listen(served))
        for _ in range(30):  # each by a connection of its own, which the kernel deals out
            assert httpx.get(f"{served.url}/health/live").status_code == 200
        with served.client() as client:
            text = client.get("/metrics").text
            (number,) = re.findall(r'dbsync_http_requests_total\{.*route="/health/live".*\} (\d+)', text)
            assert int(float(number)) == 30
            ids = {
                name: client.post("/api/connections", json={"name": name, "url": database.url}).json()["data"]["id"]
                for name, database in (("sourceConnectionId", source_db), ("targetConnectionId", target_db))
            }
            body = ids | {"tables": [{"tableName": "item"}]}
            job = client.post("/api/sync", json=body).json()["data"]["id"]
        for order in ("start",):
            with served.client() as client:
                assert client.post(f"/api/sync/{job}/{order}").status_code == 200

        def status() -> str:
            with served.client() as client:
                return str(client.get(f"/api/sync/{job}").json()["data"]["status"])

        wait_until(lambda: status() == "completed", 40)
        assert target_db.value("SELECT count(*) FROM item") == 100
        assert served.stop() == 0
        assert not is_alive(other)


def test_where_one_dies_all_end_and_it_is_said(tmp_path: Path) -> None:
    with serving(tmp_path, "--processes", "2", "--workers", "0") as served:
        (other,) = others(served)
        kill(other, signal.SIGKILL)
        assert served.process.wait(20) == 6
        wait_until(lambda: "one of the server's processes has ended unexpectedly" in served.log().lower())


def test_where_the_first_one_is_killed_the_others_end(tmp_path: Path) -> None:
    with serving(tmp_path, "--processes", "2", "--workers", "0") as served:
        (other,) = others(served)
        wait_until(lambda: both_listen(served))
        served.stop(signal.SIGKILL)
        wait_until(lambda: not is_alive(other))


def test_what_a_killed_server_left_is_removed_by_the_next_one_and_what_others_use_stays(tmp_path: Path) -> None:
    env = environment(tmp_path) | {"TMPDIR": str(tmp_path)}
    unknown = tmp_path / "dbsync-serve-unknown"
    unknown.mkdir()

    def left() -> set[Path]:
        return set(tmp_path.glob("dbsync-serve-*")) - {unknown}

    with serving(tmp_path, "--processes", "2", "--workers", "0", env=env) as killed:
        (dead,) = left()
        (other,) = others(killed)
        kill(other, signal.SIGSTOP)  # as long as one of them is there, it is in use
        killed.stop(signal.SIGKILL)
        with serving(tmp_path, "--processes", "2", "--workers", "0", env=env) as alive:
            (used,) = left() - {dead}
            kill(other, signal.SIGKILL)
            wait_until(lambda: not is_alive(other))
            with serving(tmp_path, "--workers", "0", env=env):
                assert left() == {used}
            assert httpx.get(f"{alive.url}/health/live").status_code == 200
            assert alive.stop() == 0
    assert left() == set()
    assert unknown.is_dir()


def test_one_process_needs_no_directory_for_temporary_files(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import tempfile\ntempfile._candidate_tempdir_list = list\n")
    env = environment(tmp_path) | {"PYTHONPATH": str(tmp_path)}
    with serving(tmp_path, "--workers", "0", env=env) as served:
        assert httpx.get(f"{served.url}/health/live").status_code == 200


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    with serving(tmp_path, "--workers", "0") as served:
        port = served.url.rpartition(":")[2]
        with (
            pytest.raises(AssertionError, match="cannot listen on"),
            serving(tmp_path / "two", "--processes", "2", "--port", port),
        ):
            pass
