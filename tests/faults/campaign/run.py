"""Carries trials out: a fresh target, the fault, the judge, the run that repairs, the judge again."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.campaign import draw, job
from tests.faults.campaign.copies import Copies
from tests.faults.campaign.draw import Trial
from tests.faults.campaign.faults import SIDES, Clock, Count, Fault, Side, Strike
from tests.faults.campaign.judge import Case, judge, late
from tests.faults.campaign.world import Scene, World
from tests.faults.proxy import Fate, Hook, Message, Proxy
from tests.fixtures import oracle
from tests.fixtures.command import Command, Result, Running
from tests.fixtures.pair import run_sql

_PATIENCE_S = 45.0
_DISK_MB = 96
_ROOM_KB = (64, 4_000)  # what is left on the full disk
_DESCRIPTORS = (5, 24)
UNCOUNTED = ("none", "disk full", "few descriptors", "deadlock")  # what needs no proxy and no moment
_COUNTS: tuple[Count, ...] = ("all", "edges", "rows", "commits", "group commits", "group orders")


@dataclass(slots=True)
class Record:
    """One trial as it is kept: a line of JSON."""

    name: str
    at: float | None
    suite: str
    mode: str
    kind: str
    what: str
    struck: bool
    exit_code: int
    outcome: str  # before, after, partly, of the groups
    repaired: bool
    wrong: list[str]
    seconds: float
    tried: list[str]  # the invariants that it was able to break
    commit: str = ""
    options: list[str] = field(default_factory=list)

    @property
    def replay(self) -> str:
        return self.name if self.at is None else f"{self.name}@{self.at}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class _Found:
    """What a trial showed."""

    wrong: list[str]
    struck: bool
    exit_code: int = -1
    new: list[bool] = field(default_factory=lambda: [False])
    repaired: bool = False
    tried: set[str] = field(default_factory=set)


class Runner:
    """Runs trials in one world; ``package`` is a directory with another copy of dbsync."""

    def __init__(self, world: World, *, package: Path | None = None) -> None:
        self.world = world
        self.command = Command(_made(world.place / "client"))
        self.package = package
        self._lengths: dict[job.Setting, dict[tuple[Side, Count], float]] = {}

    def run(self, trial: Trial) -> Record:
        """Carry one trial out, repair included."""
        began = time.monotonic()
        setting = trial.setting
        number = trial.at if trial.at is not None else self.moment(trial)
        scene = self.world.scene(setting)
        outside, written = self._outside(), self.world.written()
        with self.world.target_database(scene, _tablespace(trial)) as url:
            try:
                found = self._carried_out(trial, number, scene, url)
            except AssertionError as error:  # it had to be killed, or left processes
                found = _Found([f"{late(trial)}: {error}"], struck=True)
        if self.world.written() != written:
            found.wrong.append("I2: a transaction wrote on the source's server")
        if self._outside() != outside:
            found.wrong.append("I3: roles, slots or settings of a server changed")
        return Record(
            name=trial.name,
            at=number,
            suite=trial.suite,
            mode=setting.mode,
            kind=trial.fault.kind if trial.fault.kind != "none" else trial.failpoint,
            what=trial.what,
            struck=found.struck,
            exit_code=found.exit_code,
            outcome="after" if all(found.new) else "partly" if any(found.new) else "before",
            repaired=found.repaired,
            wrong=found.wrong,
            tried=sorted(found.tried | {"I2", "I3"} | {line.partition(":")[0] for line in found.wrong}),
            seconds=round(time.monotonic() - began, 2),
            options=[f"size {setting.size}", "guest" if setting.guest else "owner", *setting.options],
        )

    def _carried_out(self, trial: Trial, number: float | None, scene: Scene, url: str) -> _Found:
        """The run with the fault and the run that repairs, both judged."""
        if trial.before:
            run_sql(url, trial.before)
            scene = replace(scene, old=oracle.take(url))
        case = self._disturbed(trial, number, scene, url)
        verdict = judge(case)
        found = _Found(list(verdict.wrong), case.struck, case.result.exit_code, verdict.new, tried=verdict.tried)
        found.repaired = case.result.exit_code == 0 and all(verdict.new)
        if not trial.expects and (case.struck or not found.repaired):
            dead = _dead_run(url) if trial.setting.has_ledger else None
            repair, copies = self._repair(trial, scene, url)
            again = judge(repair)
            found.wrong += [f"{line}\n(after the repair)" for line in again.wrong]
            found.tried |= again.tried & {"I5"}  # of all else a run without a fault shows less than the one with it
            if repair.result.exit_code == 0 and repair.resumed != dead:
                found.wrong.append(f"I6: the run {dead} did not get through, and {repair.resumed} was taken up")
            if dead or job.MODES[trial.setting.mode].compares:
                found.wrong += _done_twice(trial, verdict.new, copies)
                found.tried |= {"I6"} if any(verdict.new) else set()
            found.repaired = not again.wrong and all(again.new)
        return found

    def reached(self, setting: job.Setting, fault: Fault) -> set[str]:
        """The failpoints that a run passes."""
        seen = self.world.place / "reached"
        seen.unlink(missing_ok=True)
        trial = Trial("reach", 0, setting, fault)
        scene = self.world.scene(setting)
        number = self.moment(trial)
        with self.world.target_database(scene, _tablespace(trial)) as url:
            self._disturbed(trial, number, scene, url, {"DBSYNC_FAILPOINTS_REACHED": str(seen)})
            self._repair(trial, scene, url, {"DBSYNC_FAILPOINTS_REACHED": str(seen)})
        return set(seen.read_text(encoding="utf-8").split()) if seen.exists() else set()

    def _disturbed(
        self, trial: Trial, number: float | None, scene: Scene, url: str, env: dict[str, str] | None = None
    ) -> Case:
        """The run with the fault."""
        env = dict(env or {})
        if trial.failpoint:
            env |= {"DBSYNC_FAILPOINT": trial.failpoint, "DBSYNC_FAILPOINTS_REACHED": str(self._hit_file())}
        ends = {"source": scene.source, "target": url}
        with ExitStack() as stack:
            proxies: dict[Side, Proxy] = {side: stack.enter_context(Proxy(ends[side])) for side in SIDES}
            strike = Strike(trial.fault, number or 0, self.world, proxies, ends[trial.fault.side])
            strike.arm()
            through = trial.fault.kind not in UNCOUNTED and trial.fault.count != "time"
            running = self._start(
                trial.setting,
                self._options(trial.setting, scene, url),
                proxies["source"].url if through else ends["source"],
                proxies["target"].url if through else ends["target"],
                env,
                self._prefix(trial.fault),
            )
            strike.start(running)
            try:
                with _full_disk(self.world, trial.fault):
                    result = _wait(running)
                ended = time.monotonic()
            finally:
                strike.settle()
        self._wait_for_servers(ends)
        struck = strike.struck_at is not None
        if trial.fault.kind in ("disk full", "few descriptors"):
            struck = result.exit_code != 0
        if trial.failpoint:
            struck = self._was_hit(trial.failpoint)
        return self._case(trial, scene, url, result, ended - (strike.struck_at or ended), struck=struck)

    def _repair(self, trial: Trial, scene: Scene, url: str, env: dict[str, str] | None = None) -> tuple[Case, Copies]:
        """The run that comes after, without any fault; also what it copied rows into."""
        copies = Copies()
        with Proxy(url) as proxy:
            proxy.hook = copies.see
            running = self._start(trial.setting, trial.setting.recovery, scene.source, proxy.url, env or {}, ())
            result = _wait(running)
        return self._case(trial, scene, url, result, 0.0, struck=False, recovering=True), copies

    def _case(
        self,
        trial: Trial,
        scene: Scene,
        url: str,
        result: Result,
        took: float,
        *,
        struck: bool,
        recovering: bool = False,
    ) -> Case:
        log = self.command.home / "log"
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        return Case(
            self.world, trial, scene, url, result, text, took, struck, recovering, may_leave=result.exit_code != 0
        )

    def _start(
        self,
        setting: job.Setting,
        options: tuple[str, ...],
        source: str,
        target: str,
        env: dict[str, str],
        prefix: tuple[str, ...],
    ) -> Running:
        log = self.command.home / "log"
        log.unlink(missing_ok=True)
        source, target = self.world.urls(setting, source, target)
        env = env | {"TRIAL_SOURCE": source, "TRIAL_TARGET": target}
        if self.package is not None:
            env["PYTHONPATH"] = str(self.package)
        args = ("sync", "env:TRIAL_SOURCE", "env:TRIAL_TARGET", "--yes", "--json", "--progress", "jsonl")
        return Command(self.command.home, prefix).start(*args, "--log-file", str(log), *options, env=env)

    def moment(self, trial: Trial) -> float | None:
        """The number of the message (or the second) that a share of an undisturbed run is."""
        fault = trial.fault
        if fault.kind in UNCOUNTED:
            return None
        if trial.setting not in self._lengths:
            self._lengths[trial.setting] = self._measure(trial.setting)
        length = self._lengths[trial.setting][(fault.side, fault.count)]
        return round(fault.share * length, 3) if fault.count == "time" else 1 + int(fault.share * length)

    def _measure(self, setting: job.Setting) -> dict[tuple[Side, Count], float]:
        """Run once undisturbed, counting."""
        lengths: dict[tuple[Side, Count], float] = {(side, count): 0 for side in SIDES for count in _COUNTS}
        scene = self.world.scene(setting)
        with self.world.target_database(scene) as url, Proxy(scene.source) as source, Proxy(url) as target:
            for side, proxy in zip(SIDES, (source, target), strict=True):
                proxy.hook = _counting(lengths, side)
            result = _wait(self._start(setting, setting.options, source.url, target.url, {}, ()))
            if result.exit_code:
                raise AssertionError(f"an undisturbed run failed\n{result}")
        return lengths | {(side, "time"): result.elapsed_s for side in SIDES}

    def _options(self, setting: job.Setting, scene: Scene, url: str) -> tuple[str, ...]:
        """The options of the run; for one that follows a plan, that plan is made first."""
        if not job.MODES[setting.mode].planned:
            return setting.options
        plan = self.command.home / "plan.json"
        made = _wait(
            self._start(setting, (*setting.options, "--dry-run", "--plan-out", str(plan)), scene.source, url, {}, ())
        )
        assert made.exit_code == 0, made
        return ("--plan", str(plan))

    def _prefix(self, fault: Fault) -> tuple[str, ...]:
        if fault.kind != "few descriptors":
            return ()
        few = _DESCRIPTORS[0] + int(fault.share * (_DESCRIPTORS[1] - _DESCRIPTORS[0]))
        return ("sh", "-c", f'ulimit -n {few}; exec "$@"', "sh")

    def _hit_file(self) -> Path:
        file = self.world.place / "hit"
        file.unlink(missing_ok=True)
        return file

    def _was_hit(self, failpoint: str) -> bool:
        file = self.world.place / "hit"
        name, _, nth = failpoint.partition("=")[0].partition("@")
        reached = file.read_text(encoding="utf-8").split() if file.exists() else []
        return reached.count(name) >= int(nth or 1)

    def _outside(self) -> list[list[list[object]]]:
        return [self.world.server_state(side) for side in SIDES]

    def _wait_for_servers(self, ends: dict[str, str]) -> None:
        deadline = time.monotonic() + 30
        for url in ends.values():
            while True:
                try:
                    psycopg.connect(url).close()
                    break
                except psycopg.OperationalError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)


def _dead_run(url: str) -> str | None:
    """The last run that the target's ledger knows, unless it succeeded: the one that has to be taken up."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('dbsync.run')").fetchone() == (None,):
            return None
        found = connection.execute("SELECT run_id, state FROM dbsync.run ORDER BY fence DESC LIMIT 1").fetchone()
    return str(found[0]) if found is not None and found[1] != "succeeded" else None


def _done_twice(trial: Trial, new: list[bool], copies: Copies) -> Iterator[str]:
    """I6, by what went over the wire: nothing is copied for a table that was done and still equal."""
    done = {name for group, is_new in zip(trial.setting.groups, new, strict=True) if is_new for name in group}
    for table, size in copies.bytes.items():
        if any(new) and table.startswith("?"):
            yield f"I6: nobody knows for which table {size} bytes were copied into {table[1:]}"
        elif all(new) or job.REPORTED_AS.get(table, table) in done:
            yield f"I6: done already, and yet {size} bytes were copied for {table}"


def _counting(lengths: dict[tuple[Side, Count], float], side: Side) -> Hook:
    clock = Clock()

    def hook(message: Message) -> Fate:
        for count in _COUNTS:
            if clock.ticks(message, count):
                lengths[(side, count)] += 1  # a race may lose one: it is a measure
        return Fate.PASS

    return hook


def _wait(running: Running) -> Result:
    """Wait for the end; raise AssertionError when it does not come, or when a process of its group is left."""
    result = running.wait(timeout=_PATIENCE_S)
    try:
        os.killpg(running.pid, 0)
    except ProcessLookupError:
        return result
    raise AssertionError(f"a process of the group {running.pid} is left")


def _tablespace(trial: Trial) -> str | None:
    return "small_disk" if trial.fault.kind == "disk full" else None


# A disk that is full


def disk_reason() -> str | None:
    """Why no disk can be filled here, or None."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return "only root may mount a small tmpfs"
    return None


@contextmanager
def small_disk(world: World) -> Iterator[None]:
    """Give the target's server a tablespace on a small tmpfs."""
    place = world.place / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m,mode=0777", "tmpfs", str(place)], check=True)
    try:
        folder = _made(place / "space")
        owner = world.target.data_dir.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        run_sql(world.target.url(), f"CREATE TABLESPACE small_disk LOCATION '{folder}'")
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def _full_disk(world: World, fault: Fault) -> Iterator[None]:
    """Leave only so much room on the small disk, for the length of a run."""
    if fault.kind != "disk full":
        yield
        return
    place = world.place / "disk"
    room = (_ROOM_KB[0] + int(fault.share**2 * (_ROOM_KB[1] - _ROOM_KB[0]))) * 1024
    ballast = place / "ballast"
    try:
        _fill(place, ballast, room)
        yield
    finally:
        ballast.unlink()


def _fill(place: Path, ballast: Path, room: int) -> None:
    """Let a file take the place that is free, but for ``room`` bytes.

    What counts as free is given back late after files were removed, and the server writes beside us: where
    less can be had than is said to be free, less is asked for.
    """
    with open(ballast, "wb") as file:
        while (size := shutil.disk_usage(place).free - room) > 0:
            try:
                os.posix_fallocate(file.fileno(), 0, size)
                return
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                room += 64 * 1024


def _made(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


def parse_name(text: str) -> Trial:
    """Read what ``Record.replay`` gives."""
    name, _, at = text.partition("@")
    suite, mode, seed = name.split(":")
    trial = draw.trial(suite, mode, int(seed))
    if not at:
        return trial
    return replace(trial, at=float(at))
