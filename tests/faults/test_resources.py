"""Limits of the servers: a disk that fills up, settings of roles that cut sessions, connections that run out, a dead peer."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.faults import ledger
from tests.faults.arena import Arena
from tests.faults.proxy import Proxy
from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.pair import Pair, rows, run_sql, with_user

_BIG = """
CREATE TABLE big (id int PRIMARY KEY, body text) {tablespace};
CREATE TABLE modest (id int PRIMARY KEY, body text) {tablespace};
"""


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A tmpfs of so many megabytes; only root can mount one."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs", str(place)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("NOT TESTED: a full disk; only root may mount a small tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_target_that_runs_out_of_disk_keeps_its_rows(pairs, servers, dbsync: Command, run_directory: Path) -> None:
    with small_disk(run_directory / "disk", 24) as disk:
        folder = disk / "space"
        folder.mkdir()
        _give_to_server(folder, servers.target.data_dir)
        pair = pairs()
        run_sql(pair.source, _BIG.format(tablespace=""))
        run_sql(pair.source, "INSERT INTO big SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 50000) i")
        run_sql(pair.source, "INSERT INTO modest SELECT i, 'new' FROM generate_series(1, 100) i")
        run_sql(servers.target.url(), f"CREATE TABLESPACE small_disk LOCATION '{folder}'")
        try:
            run_sql(pair.target, _BIG.format(tablespace="TABLESPACE small_disk"))
            run_sql(pair.target, "INSERT INTO big SELECT i, 'old' FROM generate_series(1, 5000) i")
            before = oracle.take(pair.target)
            result = dbsync.sync(pair.source, pair.target, "--mode", "replace", "-j", "1", "--max-rate", "20MB").ended(
                6
            )
            after = oracle.take(pair.target)
            assert after.content["public.big"] == before.content["public.big"], result
            assert oracle.structure_changes(before, after) == []
            assert result.error["sqlstate"] == "53100", result
            assert "public.big" in result.stdout
            assert oracle.leftovers(pair.target) == []
        finally:
            run_sql(pair.target, "DROP TABLE IF EXISTS big, modest")
            run_sql(servers.target.url(), "DROP TABLESPACE small_disk")


def _give_to_server(folder: Path, data_dir: Path) -> None:
    owner = data_dir.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)


_TIMEOUTS = """
ALTER ROLE case_reader SET statement_timeout = '300ms';
ALTER ROLE case_reader SET idle_in_transaction_session_timeout = '200ms';
ALTER ROLE case_reader SET lock_timeout = '50ms';
ALTER ROLE case_writer SET statement_timeout = '300ms';
ALTER ROLE case_writer SET idle_in_transaction_session_timeout = '200ms';
ALTER ROLE case_writer SET idle_session_timeout = '200ms';
"""


def test_timeouts_of_roles_do_not_cut_a_long_run(pairs, servers, dbsync: Command) -> None:
    """Trap 2 and 79: the snapshot's holder idles, a copy takes seconds; the role's limits are below both."""
    schema = "CREATE TABLE t (id int PRIMARY KEY, body text);"
    grant = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO case_reader; ALTER TABLE t OWNER TO case_writer;"
    fill = "INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 2000) i;"
    pair = pairs(schema + grant, fill)
    for server in (servers.source, servers.target):
        run_sql(server.url(), _TIMEOUTS)
    try:
        source, target = with_user(pair.source, "case_reader"), with_user(pair.target, "case_writer")
        result = dbsync.sync(source, target, "--max-rate", "400KB").ended(0)
        assert result.elapsed_s > 1.5, "the copy was too quick to show anything"
        assert oracle.differences(pair.source, pair.target) == []
    finally:
        for server in (servers.source, servers.target):
            run_sql(server.url(), "ALTER ROLE case_reader RESET ALL; ALTER ROLE case_writer RESET ALL;")


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_server_with_few_connections_left_is_enough_or_says_so(end: str, arena: Arena, servers) -> None:
    """Trap 80: less parallelism, or a clear failure; never a hang, never half."""
    trial = ledger.Trial.begin(arena.pair)
    with _connections(getattr(servers, end).url(), leave=9):
        result = arena.start("-j", "8").wait()
    assert result.exit_code in (0, 3, 6), result
    assert trial.check(result.ended(result.exit_code)) == [], result


@contextmanager
def _connections(url: str, *, leave: int) -> Iterator[None]:
    """Use up a server's connections but for a few."""
    free = int(str(rows(url, "SELECT current_setting('max_connections')::int - count(*) FROM pg_stat_activity")[0][0]))
    held = []
    try:
        for _ in range(free - leave):
            with suppress(psycopg.OperationalError):
                held.append(psycopg.connect(url))
        yield
    finally:
        for connection in held:
            connection.close()


@dataclass(frozen=True, slots=True)
class Wires:
    """A network namespace with a wire of its own to each of two proxies; ``cut`` takes one down without a word."""

    name: str
    source: str  # addresses on our side
    target: str

    def cut(self, end: str) -> None:
        _ip("link", "set", _wire(end), "down")


@pytest.fixture
def wires() -> Iterator[Wires]:
    """Real packet loss: routing that ends without a reset. Root and Linux only."""
    name = f"dbsync-{os.getpid()}"
    if os.geteuid() != 0 or shutil.which("ip") is None or subprocess.run(["ip", "netns", "add", name]).returncode:
        pytest.skip("NOT TESTED: a peer that vanishes; that needs root and network namespaces")
    try:
        for number, end in enumerate(("source", "target"), start=1):
            inner = f"{_wire(end)}i"
            _ip("link", "add", _wire(end), "type", "veth", "peer", "name", inner)
            _ip("link", "set", inner, "netns", name)
            _ip("address", "add", f"{_NET}.{number}.1/24", "dev", _wire(end))
            _ip("link", "set", _wire(end), "up")
            _ip("-n", name, "address", "add", f"{_NET}.{number}.2/24", "dev", inner)
            _ip("-n", name, "link", "set", inner, "up")
        yield Wires(name, f"{_NET}.1.1", f"{_NET}.2.1")
    finally:
        for end in ("source", "target"):  # a namespace is taken down later, at the kernel's leisure
            subprocess.run(["ip", "link", "delete", _wire(end)], check=False)
        _ip("netns", "delete", name)


# A network of this process's own: a run that was killed leaves its links, and their addresses would be in the way.
_NET = f"10.{20 + os.getpid() % 200}"


def _wire(end: str) -> str:
    return f"db{end[0]}{os.getpid()}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_peer_that_vanishes_is_noticed_within_ten_seconds(end: str, wires: Wires, pairs, dbsync: Command) -> None:
    """Trap 72 and I8: no reset, no end of stream, just silence."""
    pair: Pair = pairs(ledger.SCHEMA, ledger.ROWS, ledger.ROWS)
    trial = ledger.Trial.begin(pair)
    command = Command(dbsync.home, prefix=("ip", "netns", "exec", wires.name))
    with Proxy(pair.source, listen=wires.source) as source, Proxy(pair.target, listen=wires.target) as target:
        args = ("sync", source.url, target.url, "--yes", "--json", "--mode", "replace", "--max-rate", "500KB")
        running = command.start(*args)
        proxy = source if end == "source" else target
        while proxy.traffic.sent["server" if end == "source" else "client"] < 500_000 and not running.over:
            time.sleep(0.01)
        assert not running.over, running.wait()
        wires.cut(end)
        started = time.monotonic()
        result = running.wait()
        elapsed = time.monotonic() - started
        proxy.cut()
    assert result.exit_code == 6, result
    assert elapsed < 12, result  # ten seconds, and a moment to close the other side
    assert trial.check(result.ended(6)) == [], result
