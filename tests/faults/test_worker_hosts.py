"""Worker hosts with networks of their own: one is cut off without a word, and comes back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbsync.data.options import SyncOptions
from dbsync.jobs.model import LOCAL_OWNER, Job, JobSpec, JobState, first_run_id
from dbsync.jobs.presence import Presence
from dbsync.registry import Changes
from dbsync.store.tables import part
from dbsync.urls import parse_url
from tests.faults.proxy import Fate, Message, Proxy
from tests.fixtures import oracle
from tests.fixtures.command import Running
from tests.fixtures.databases import Database
from tests.fixtures.hosts import DATABASES, STORE, Host, two_hosts
from tests.fixtures.pair import with_user
from tests.fixtures.yard import Yard, wait_for, yard

SCHEMA = "CREATE TABLE first (id int PRIMARY KEY, name text); CREATE TABLE thing (id int PRIMARY KEY, name text)"
ROWS = """
INSERT INTO first SELECT n, 'first ' || n FROM generate_series(1, 200) n;
INSERT INTO thing SELECT n, repeat(md5(n::text), 4) FROM generate_series(1, 40000) n;
ANALYZE;
"""
OLD = "INSERT INTO first VALUES (0, 'old'); INSERT INTO thing VALUES (0, 'old')"
S = JobState


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    with two_hosts() as made:
        yield made


@dataclass(frozen=True, slots=True)
class World:
    """The databases as the hosts see them: by way of proxies, which keep up connections whose client is cut off."""

    place: Yard
    ends: tuple[Database, Database]
    source: Proxy
    target: Proxy
    store: str

    def worker(self, host: Host, failpoint: str = "") -> Running:
        env = {"DBSYNC_STORE": self.store} | ({"DBSYNC_FAILPOINT": failpoint} if failpoint else {})
        running = self.place.worker("--engine", "inline", command=host.command(self.place.command.home), env=env)
        wait_for(lambda: running.pid in self.alive() or running.over, why=self.place.told)
        return running

    def alive(self) -> set[int]:
        return {each.pid for each in Presence(self.place.registry.store).alive()}

    def ended_well(self, job: Job, attempts: int) -> None:
        """Succeeded, after so many attempts, as somebody sees it who shares no code with dbsync."""
        ended = self.place.until(job, S.SUCCEEDED, S.FAILED, seconds=120)
        assert ended.state is S.SUCCEEDED, ended.error
        assert ended.attempts == attempts
        assert ended.result is not None
        assert ended.result["verified"] is True
        assert oracle.differences(self.ends[0].url, self.ends[1].url) == []
        assert oracle.leftovers(self.ends[1].url) == []


@pytest.fixture
def world(
    hosts: tuple[Host, Host], tmp_path: Path, store_db: Database, source_db: Database, target_db: Database
) -> Iterator[World]:
    source_db.execute(SCHEMA, ROWS)
    target_db.execute(SCHEMA)
    with ExitStack() as stack:
        source, target = (stack.enter_context(Proxy(each.url, listen=DATABASES)) for each in (source_db, target_db))
        store = stack.enter_context(Proxy(store_db.url, listen=STORE))
        place = stack.enter_context(yard(tmp_path / "yard", store_db.url))
        yield World(place, (source_db, target_db), source, target, store.url)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("who", ["coordinator", "helper"])
def test_a_host_that_is_cut_off_in_mid_range_finds_its_sessions_ended_when_it_is_back(
    who: str, world: World, hosts: tuple[Host, Host]
) -> None:
    """No reset, no end of stream: it is replaced while it still believes that it works, and changes nothing later."""
    place, (_, target) = world.place, world.ends
    first = world.worker(hosts[0], "before_copy_end=sleep:3")
    second = world.worker(hosts[1], "before_copy_end=sleep:1" if who == "coordinator" else "before_copy_end=sleep:3")
    second.send(signal.SIGSTOP)  # so that the first one takes the job
    job = place.job(world.source.url, world.target.url, SyncOptions(chunk_bytes=1024 * 1024))
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
    wait_for(lambda: place.jobs.get(job.id).attempts == attempts, 100, place.told)
    assert time.monotonic() - cut_at < 25
    world.ended_well(job, attempts)
    lost.mend()
    wait_for(lambda: {first.pid, second.pid} <= world.alive(), 60, place.told)
    world.ended_well(job, attempts)
    states = dict(target.query("SELECT run_id, state FROM dbsync.run"))
    assert states[run_id] == ("dead" if who == "coordinator" else "succeeded")
    assert sorted(states.values()) == (["dead", "succeeded"] if who == "coordinator" else ["succeeded"])


class Delay:
    """Packets of one run to the target that are under way for long: neither end is told, and none is lost.

    At ``moment`` one session becomes ``late``: nothing that it says arrives before ``release``, and ``said`` is what it
    says then. With ``lock`` set nothing arrives of what the run lock's session says or hears.
    """

    def __init__(self, proxy: Proxy, run_id: str, moment: str) -> None:
        self._proxy, self._run_id, self._moment = proxy, run_id, moment
        self._blocks = self._commits = 0
        self.late: int | None = None
        self.lock = False
        self.said: list[bytes] = []
        proxy.hook = self._see

    def release(self) -> None:
        """Let the late session's packets arrive."""
        assert self.late is not None
        self._proxy.release(self.late)

    def _see(self, message: Message) -> Fate:
        run, _, purpose = self._proxy.application(message.link).removeprefix("dbsync ").partition(" ")
        if run != self._run_id:
            return Fate.PASS
        if purpose == "run lock":
            return Fate.HOLD if self.lock else Fate.PASS
        if message.link == self.late:
            self.said += [message.start] if message.sender == "client" and message.kind in b"QP" else []
            return Fate.PASS
        self._commits += message.commits and purpose == "load"
        self._blocks += message.kind == b"d" and purpose == "stage"
        in_range = self._blocks == 5
        before_range = self._commits == 1 and purpose == "load" and b"BEGIN" in message.start
        if self.late is None and (in_range if self._moment == "in mid-range" else before_range):
            self.late = message.link
            return Fate.HOLD
        return Fate.PASS


@pytest.mark.timeout(400)
@pytest.mark.parametrize("moment", ["in mid-range", "before its second range"])
def test_a_host_whose_sessions_live_on_is_refused_by_the_fence_when_it_is_back(
    moment: str, world: World, hosts: tuple[Host, Host]
) -> None:
    """It is cut off from the store and from the others, and what it says to the target is long under way.

    Meanwhile the databases' roles were changed, so that who takes over may not end its sessions, and an operator has
    ended the one with the run lock, as the message about it says. Nothing but the fence is between it and the target.
    """
    place, (source, target) = world.place, world.ends
    in_range = moment == "in mid-range"
    options = SyncOptions(chunk_bytes=1024 * 1024) if in_range else SyncOptions(mode="replace", jobs=1)
    first, second = (world.worker(host) for host in hosts)
    second.send(signal.SIGSTOP)  # so that the first one takes the job
    job = _job_with_roles(world, options)
    delay = Delay(world.target, first_run_id(job.id), moment)
    place.jobs.start(job.id)
    wait_for(lambda: delay.late is not None, why=place.told)
    hosts[0].to_store.cut()
    for name, proxy in (("the source", world.source), ("the target", world.target)):
        place.registry.edit(LOCAL_OWNER, name, Changes(url=parse_url(proxy.url)))
    source.execute("UPDATE first SET name = 'new'; UPDATE thing SET name = 'new'")  # what is late is old
    second.send(signal.SIGCONT)
    wait_for(lambda: place.jobs.get(job.id).attempts == 2, 100, place.told)
    early, later = first_run_id(job.id), str(place.jobs.get(job.id).run_id)
    wait_for(lambda: _sessions(target, f"dbsync {later} run lock"), 100, place.told)
    assert _sessions(target, f"dbsync {early} run lock"), "its sessions were ended"
    delay.lock = True
    for pid in _sessions(target, f"dbsync {early} run lock"):
        target.query("SELECT pg_terminate_backend(%s)", [pid])
    if in_range:  # the later run waits for the locks of the transaction that is under way
        wait_for(
            lambda: _sessions(target, f"dbsync {later} %", "cardinality(pg_blocking_pids(pid)) > 0"), why=place.told
        )
    else:
        place.until(job, S.SUCCEEDED, S.FAILED)
    before = _ledger_of(target, early)
    image = None if in_range else oracle.take(target.url)
    delay.release()
    wait_for(lambda: any(b"ROLLBACK" in each for each in delay.said), 100, place.told)
    assert not any(b"COMMIT" in each for each in delay.said)
    hosts[0].to_store.mend()
    wait_for(lambda: not _sessions(target, f"dbsync {early} %"), 100, place.told)
    world.ended_well(job, attempts=2)
    assert image is None or oracle.all_changes(image, oracle.take(target.url)) == []
    wait_for(lambda: {first.pid, second.pid} <= world.alive(), 60, place.told)
    first.send(signal.SIGTERM)
    log = first.wait().ended(0).stderr
    why = "another run holds the target now" if in_range else f"run {later} has taken over the target"
    assert f"here it ended with FENCED: {why}" in log, log
    assert _ledger_of(target, early) == before
    assert dict(target.query("SELECT run_id, state FROM dbsync.run")) == {early: "dead", later: "succeeded"}
    world.ended_well(job, attempts=2)


def _job_with_roles(world: World, options: SyncOptions) -> Job:
    """A job between saved connections: one role reads the source, another owns the target."""
    registry, (source_db, target_db) = world.place.registry, world.ends
    source_db.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO case_reader")
    target_db.execute(
        f"ALTER DATABASE {target_db.name} OWNER TO case_writer; ALTER TABLE first OWNER TO case_writer;"
        " ALTER TABLE thing OWNER TO case_writer"
    )
    if options.mode == "replace":
        target_db.execute(OLD)
    roles = {"the source": (world.source, "case_reader"), "the target": (world.target, "case_writer")}
    source, target = (
        (registry.add(LOCAL_OWNER, name, parse_url(with_user(proxy.url, role))).id, name)
        for name, (proxy, role) in roles.items()
    )
    spec = JobSpec(options=options, agreed=True)
    return world.place.jobs.create(spec, source=source, target=target, origin="queue")


def _sessions(target: Database, application: str, which: str = "true") -> list[int]:
    """The backends of the sessions that are called so."""
    query = f"SELECT pid FROM pg_stat_activity WHERE application_name LIKE %s AND {which}"
    return [pid for (pid,) in target.query(query, [application])]


def _ledger_of(target: Database, run_id: str) -> list[list[tuple[object, ...]]]:
    """All that the ledger has of what a run committed."""
    return [
        target.query(f"SELECT t::text FROM dbsync.{table} t WHERE run_id = %s ORDER BY 1", [run_id])
        for table in ("run_table", "run_part")
    ]


def _has_a_part(place: Yard, holder: str) -> bool:
    with place.registry.store.read() as connection:
        owners = connection.execute(sa.select(part.c.lease_owner).where(part.c.state == "running")).scalars()
        return any(holder in (owner or "") for owner in owners)
