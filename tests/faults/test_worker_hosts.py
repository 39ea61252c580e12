"""Worker hosts with networks of their own: one is cut off without a word, and comes back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from dbsync.data.options import SyncOptions
from dbsync.jobs.model import JobState
from dbsync.jobs.presence import Presence
from tests.faults.proxy import Proxy
from tests.fixtures import oracle
from tests.fixtures.command import Command, Running
from tests.fixtures.databases import Database
from tests.fixtures.yard import Yard, wait_for, yard

# A network of this process's own: a run that was killed leaves its links, and their addresses would be in the way.
_NET = f"10.{20 + os.getpid() % 200}"
CENTRE = f"{_NET}.9.1"  # where all hosts find the databases
SCHEMA = "CREATE TABLE thing (id int PRIMARY KEY, name text)"
ROWS = "INSERT INTO thing SELECT n, repeat(md5(n::text), 4) FROM generate_series(1, 40000) n; ANALYZE"
S = JobState


@dataclass(frozen=True, slots=True)
class Host:
    """A namespace with an address of its own and one wire."""

    name: str
    wire: str

    def cut(self) -> None:
        """Packets are lost from now on; nobody is told."""
        _ip("link", "set", self.wire, "down")

    def mend(self) -> None:
        """Packets arrive again."""
        _ip("link", "set", self.wire, "up")

    def command(self, home: Path) -> Command:
        """The command on this host."""
        return Command(home, prefix=("ip", "netns", "exec", self.name))


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    """Two of them. Root and Linux only."""
    made = [Host(f"dbsync-{letter}-{os.getpid()}", f"dw{letter}{os.getpid()}") for letter in "ab"]
    if (
        os.geteuid() != 0
        or shutil.which("ip") is None
        or subprocess.run(["ip", "netns", "add", made[0].name]).returncode
    ):
        pytest.skip("NOT TESTED: worker hosts of their own; that needs root and network namespaces")
    try:
        _ip("netns", "add", made[1].name)
        _ip("address", "add", f"{CENTRE}/32", "dev", "lo")
        for number, host in enumerate(made, start=1):
            inner = f"{host.wire}i"
            _ip("link", "add", host.wire, "type", "veth", "peer", "name", inner)
            _ip("link", "set", inner, "netns", host.name)
            _ip("address", "add", f"{_NET}.{number}.1/24", "dev", host.wire)
            _ip("link", "set", host.wire, "up")
            _ip("-n", host.name, "address", "add", f"{_NET}.{number}.2/24", "dev", inner)
            _ip("-n", host.name, "link", "set", inner, "up")
            _ip("-n", host.name, "link", "set", "lo", "up")
            _ip("-n", host.name, "route", "add", "default", "via", f"{_NET}.{number}.1")
        yield made[0], made[1]
    finally:
        subprocess.run(["ip", "address", "delete", f"{CENTRE}/32", "dev", "lo"], check=False)
        for host in made:
            subprocess.run(["ip", "link", "delete", host.wire], check=False)
            subprocess.run(["ip", "netns", "delete", host.name], check=False)


@dataclass(frozen=True, slots=True)
class World:
    """The databases as the hosts see them."""

    place: Yard
    ends: tuple[Database, Database]
    source: str
    target: str
    store: str

    def worker(self, host: Host, failpoint: str) -> Running:
        env = {"DBSYNC_STORE": self.store, "DBSYNC_FAILPOINT": failpoint}
        running = self.place.worker("--engine", "inline", command=host.command(self.place.command.home), env=env)
        wait_for(lambda: running.pid in self.alive() or running.over, why=self.place.told)
        return running

    def alive(self) -> set[int]:
        return {each.pid for each in Presence(self.place.registry.store).alive()}


@pytest.fixture
def world(
    hosts: tuple[Host, Host], tmp_path: Path, store_db: Database, source_db: Database, target_db: Database
) -> Iterator[World]:
    source_db.execute(SCHEMA, ROWS)
    target_db.execute(SCHEMA)
    with ExitStack() as stack:
        source, target, store = (
            stack.enter_context(Proxy(each.url, listen=CENTRE)) for each in (source_db, target_db, store_db)
        )
        place = stack.enter_context(yard(tmp_path / "yard", store_db.url))
        yield World(place, (source_db, target_db), source.url, target.url, store.url)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("who", ["coordinator", "helper"])
def test_a_host_that_is_cut_off_in_mid_range_is_refused_when_it_is_back(
    who: str, world: World, hosts: tuple[Host, Host]
) -> None:
    """No reset, no end of stream: it is replaced while it still believes that it works, and changes nothing later."""
    place, (_, target) = world.place, world.ends
    first = world.worker(hosts[0], "before_copy_end=sleep:3")
    second = world.worker(hosts[1], "before_copy_end=sleep:1" if who == "coordinator" else "before_copy_end=sleep:3")
    second.send(signal.SIGSTOP)  # so that the first one takes the job
    job = place.job(world.source, world.target, SyncOptions(chunk_bytes=1024 * 1024))
    wait_for(lambda: place.state(job) is S.RUNNING, why=place.told)
    second.send(signal.SIGCONT)
    run_id = place.jobs.get(job.id).run_id
    purpose = "stage" if who == "coordinator" else "part"
    lost = hosts[0] if who == "coordinator" else hosts[1]

    def copying() -> bool:
        query = (
            "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE %s AND query LIKE 'COPY%%' AND state = 'active'"
        )
        mine = f"-{(first if who == 'coordinator' else second).pid}-"
        if who == "helper" and not _has_a_part(place, mine):
            return False
        return bool(target.query(query, [f"dbsync {run_id} {purpose}%"]))

    wait_for(copying, why=place.told)
    lost.cut()
    cut_at = time.monotonic()
    attempts = 2 if who == "coordinator" else 1
    wait_for(lambda: place.jobs.get(job.id).attempts == attempts, 40, place.told)
    assert time.monotonic() - cut_at < 25
    ended = place.until(job, S.SUCCEEDED, S.FAILED, seconds=120)
    assert ended.state is S.SUCCEEDED, ended.error
    lost.mend()
    wait_for(lambda: {first.pid, second.pid} <= world.alive(), 60, place.told)
    assert place.jobs.get(job.id).state is S.SUCCEEDED
    assert place.jobs.get(job.id).attempts == attempts
    assert oracle.differences(world.ends[0].url, target.url) == []
    assert oracle.leftovers(target.url) == []
    states = dict(target.query("SELECT run_id, state FROM dbsync.run"))
    assert states[run_id] == ("dead" if who == "coordinator" else "succeeded")
    assert sorted(states.values()) == (["dead", "succeeded"] if who == "coordinator" else ["succeeded"])


def _has_a_part(place: Yard, holder: str) -> bool:
    import sqlalchemy as sa

    from dbsync.store.tables import part

    with place.registry.store.read() as connection:
        owners = connection.execute(sa.select(part.c.lease_owner).where(part.c.state == "running")).scalars()
        return any(holder in (owner or "") for owner in owners)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
