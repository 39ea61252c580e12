"""Runs trials, keeps one JSON line of each, writes the report.

A run may be made in pieces: what stands in the results file already, of the same code, is not run again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.faults.campaign import draw, job, planted, report
from tests.faults.campaign.draw import Trial
from tests.faults.campaign.run import Record, Runner, disk_reason, parse_name, small_disk
from tests.faults.campaign.world import World
from tests.fixtures.memory import in_memory

_SHARE = {"kills": 660, "network": 560, "servers": 230, "disk": 90}  # of a full campaign, all modes
_QUICK = {"kills": 9, "network": 12, "servers": 6, "disk": 3, "failpoints": 21}


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked; return 1 when an invariant was broken."""
    options = _parser().parse_args(arguments)
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background job ignores it, and so would clients
    commit = options.commit or _commit()
    results: Path = options.results
    if options.planted is not None:
        return int(run_planted(options.planted, results, commit))
    if options.report_only:
        report.write(options.out, results)
        return 0
    if options.replay:
        trials = [parse_name(text) for text in options.replay]
    else:
        trials = list(plan(options.suite, options.mode, options.seed, options.trials, quick=options.quick))
        known = {record.name for record in report.read(results) if record.commit == commit}
        trials = [trial for trial in trials if trial.name not in known]
    trials = trials[options.part :: options.workers] if options.part is not None else trials
    if options.part is None and options.workers > 1:
        failed = _spread(options.workers, arguments if arguments is not None else sys.argv[1:])
    else:
        failed = _run(trials, results, commit, keep=not options.replay)
    if options.out and options.part is None:
        report.write(options.out, results)
    return int(failed)


def plan(suite: str, mode: str, seed: int, trials: int | None, *, quick: bool = False) -> Iterator[Trial]:
    """The trials of a campaign: a number of each suite, a quick one, or else a full one."""
    modes = list(job.ALL_MODES) if mode == "all" else mode.split(",")
    for one in draw.SUITES if suite == "all" else suite.split(","):
        if one == "failpoints":
            yield from _failpoint_trials(
                list(job.MODES) if mode == "all" else modes, seed, _QUICK[one] if quick else trials
            )
            continue
        for number in range(trials if trials is not None else (_QUICK if quick else _SHARE)[one]):
            yield draw.trial(one, modes[number % len(modes)], seed * 100_000 + number // len(modes))


def _failpoint_trials(modes: list[str], seed: int, trials: int | None) -> Iterator[Trial]:
    """Every failpoint with every action in every mode that passes it; with a number, only so many, mode after mode."""
    first = seed * (trials or len(draw.failpoints()))
    if trials is None:
        for number in range(len(draw.failpoints()) * len(draw.ACTIONS)):
            yield from (
                draw.trial("failpoints", mode, first + number) for mode in modes if draw.reachable(mode, number + first)
            )
        return
    for number in range(trials):
        possible = [mode for mode in modes if draw.reachable(mode, first + number)]
        if possible:
            yield draw.trial("failpoints", possible[number % len(possible)], first + number)


def _run(trials: list[Trial], results: Path, commit: str, *, keep: bool) -> bool:
    failed = False
    with fresh_world() as world, ExitStack() as stack:
        if any(trial.suite == "disk" for trial in trials):
            if reason := disk_reason():
                print(f"NOT TESTED: a full disk; {reason}", file=sys.stderr)
                trials = [trial for trial in trials if trial.fault.kind != "disk full"]
            else:
                stack.enter_context(small_disk(world))
        runner = Runner(world)
        for trial in trials:
            record = runner.run(trial)
            record.commit = commit
            failed |= bool(record.wrong)
            tell(record)
            if keep:
                append(results, record)
    return failed


def run_planted(only: str, results: Path, commit: str) -> bool:
    """Plant every bug whose name holds ``only``, one after the other; True when one was not caught."""
    missed = False
    with fresh_world() as world:
        done = {(one.bug, one.digest) for one in report.read_planted(results) if one.caught and one.commit == commit}
        for bug in planted.BUGS:
            digest = planted.digest(bug)
            if only not in bug.name or (bug.name, digest) in done:
                continue
            began = time.monotonic()
            if wrong := planted.unharmed(bug.caught_by, world):
                print(f"WRONG without any bug: {bug.caught_by}\n      {wrong}", flush=True)
            said = planted.said(bug, world)
            by = "" if wrong else planted.catch(bug, said)
            missed |= not by
            print(f"{'caught' if by else 'MISSED'} {bug.name}: {by[:160] or said}", flush=True)
            seconds = round(time.monotonic() - began, 1)
            caught_by = by.partition(":")[0]
            report.keep_planted(results, report.Planted(bug.name, bool(by), caught_by, commit, digest, seconds))
    return missed


def tell(record: Record) -> None:
    """One line of what happened; more where something is wrong."""
    state = "WRONG" if record.wrong else "ok   " if record.struck else "miss "
    print(
        f"{state} {record.replay:34} {record.what:70} exit {record.exit_code:3} {record.outcome:6} {record.seconds:5.1f} s",
        flush=True,
    )
    for line in record.wrong:
        print(f"      {line}", flush=True)
    if record.wrong:
        print(
            f"      {' '.join(record.options)}\n      python -m tests.faults.campaign --replay {record.replay}",
            flush=True,
        )


def append(results: Path, record: Record) -> None:
    """Keep a record; a line at a time, so that several workers may."""
    results.parent.mkdir(parents=True, exist_ok=True)
    with open(results, "a", encoding="utf-8") as file:
        file.write(json.dumps(record.to_dict()) + "\n")


@contextmanager
def fresh_world() -> Iterator[World]:
    """Two servers in a directory of their own, and an environment that steers nothing."""
    place = Path(tempfile.mkdtemp(prefix="dbsync-faults-", dir=None if "TMPDIR" in os.environ else in_memory()))
    place.chmod(0o711)
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("PG", "DBSYNC_", "XDG_")) and name != "DBSYNC_PG_BINDIR":
            del os.environ[name]
    os.environ |= {"HOME": str(place), "DBSYNC_LOCAL_DIR": str(place / "local")}
    try:
        with World(place) as world:
            yield world
    finally:
        os.environ.clear()
        os.environ |= before
        shutil.rmtree(place)


def _spread(workers: int, arguments: list[str]) -> bool:
    """The same command once per worker, each with its part of the trials."""
    command = [sys.executable, "-m", "tests.faults.campaign", *arguments]
    children = [subprocess.Popen([*command, "--part", str(part)]) for part in range(workers)]
    return any([child.wait() for child in children])


# What makes a trial and judges it, beside dbsync. A planted bug is kept with its own text (``planted.digest``).
_TRIALS = (
    *(f"faults/campaign/{name}.py" for name in ("copies", "draw", "faults", "job", "judge", "run", "world")),
    *("faults/proxy.py", "fixtures/command.py", "fixtures/oracle.py", "fixtures/pair.py", "fixtures/photograph.py"),
)


def _commit() -> str:
    """Names what is tried and what tries it: the digest of the whole package, and of the trials' own code."""
    digest = hashlib.sha256()
    package = sorted(path for path in draw.PACKAGE.rglob("*") if path.suffix in (".py", ".sql"))
    for path in (*package, *(Path(__file__).parents[2] / name for name in _TRIALS)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:10]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__)
    parser.add_argument("--suite", default="all", help=f"{', '.join(draw.SUITES)}, several with commas, or all")
    parser.add_argument("--mode", default="all", help=f"{', '.join(job.MODES)}, or all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trials", type=int, help="of each suite, over all modes; without it: a full campaign")
    parser.add_argument("--quick", action="store_true", help="few trials of each suite, other ones for every seed")
    parser.add_argument("--workers", type=int, default=1, help="processes, each with two servers of its own")
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--results", type=Path, default=Path("build/faults.jsonl"), help="where the trials are kept")
    parser.add_argument("--out", type=Path, help="write the report here")
    parser.add_argument("--report-only", action="store_true", help="write the report of what is kept, run nothing")
    parser.add_argument("--planted", nargs="?", const="", metavar="TEXT", help="plant the bugs whose names hold TEXT")
    parser.add_argument("--replay", action="append", metavar="ID", help="repeat this one trial; repeatable")
    parser.add_argument("--commit", help="call what is tested so, in place of the digest of its code")
    return parser


if __name__ == "__main__":
    sys.exit(main())
