"""From a trial's name to the trial: what is synced, with which options, and what goes wrong."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random

import dbsync
from tests.faults.campaign import faults, job
from tests.faults.campaign.faults import Fault

PACKAGE = Path(dbsync.__file__).parent
ACTIONS = ("kill", "raise", "sleep:0.3")
_DRAW: dict[str, Callable[[Random], Fault]] = {
    "kills": faults.draw_kill,
    "network": faults.draw_network,
    "servers": faults.draw_server,
    "disk": faults.draw_disk,
}
SUITES = (*_DRAW, "failpoints")


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial; ``at`` is the moment's number once it is known, so that a replay is exact."""

    suite: str
    seed: int
    setting: job.Setting
    fault: Fault = field(default_factory=Fault)
    failpoint: str = ""  # NAME=ACTION or NAME@NUMBER=ACTION
    at: float | None = None
    before: str = ""  # SQL for the target, for trials that were made by hand
    expects: tuple[int, ...] = ()  # exit codes, likewise

    @property
    def name(self) -> str:
        """What ``--replay`` takes."""
        return f"{self.suite}:{self.setting.mode}:{self.seed}"

    @property
    def what(self) -> str:
        """What goes wrong, in words."""
        return " and ".join(
            [*([str(self.fault)] if self.fault.kind != "none" else []), *([self.failpoint] if self.failpoint else [])]
        )


def trial(suite: str, mode: str, seed: int) -> Trial:
    """Draw the trial of that name."""
    random = Random(f"{suite}:{mode}:{seed}")
    if suite == "failpoints":
        return _failpoint_trial(mode, seed, random)
    fault = _DRAW[suite](random)
    if fault.kind == "deadlock" and job.MODES[mode].creates:  # nobody else knows of its tables
        fault = replace(fault, kind="terminate a backend", count="all")
    return Trial(suite, seed, _setting(mode, random), fault)


def _setting(mode: str, random: Random) -> job.Setting:
    args: tuple[str, ...] = ("-j", random.choice("124"))
    if random.random() < 0.3:
        args += ("--drop-indexes",)
    if random.random() < 0.15:
        args += (job.NO_LEDGER,)
    size, guest = random.choice(job.SIZES), random.random() < 0.2
    return job.Setting(mode, size, guest and not job.MODES[mode].creates, args)


# Failpoints: every one of the source, each with every action, one after the other


def reachable(mode: str, seed: int) -> bool:
    """Whether a run in that mode can pass the failpoint that the seed is about."""
    point, _ = _point(seed)
    if point in TESTED_ELSEWHERE:
        return False
    return mode in _ONLY_IN.get(point, job.ALL_MODES)


def _point(seed: int) -> tuple[str, str]:
    points = sorted(failpoints())
    point, action = points[seed % len(points)], ACTIONS[seed // len(points) % len(ACTIONS)]
    return point, "kill" if action == "raise" and point in _NEVER_RAISES else action


def failpoint_actions() -> set[tuple[str, str]]:
    """What a full campaign does at failpoints: each action at each point that some run passes."""
    numbers = range(len(failpoints()) * len(ACTIONS))
    return {_point(number) for number in numbers if any(reachable(mode, number) for mode in job.MODES)}


def _failpoint_trial(mode: str, seed: int, random: Random) -> Trial:
    point, action = _point(seed)
    args: tuple[str, ...] = ("-j", random.choice("12" if mode == "create" else "124"))  # fewer jobs, more together
    if point in _WITH_INDEXES_DROPPED:
        args += ("--drop-indexes",)
    if point in _WITHOUT_LEDGER:
        args += (job.NO_LEDGER,)
    nth = "@2" if point in _OFTEN and random.random() < 0.5 else ""
    return Trial(
        "failpoints", seed, job.Setting(mode, 1, args=args), REACHED_BY.get(point, Fault()), f"{point}{nth}={action}"
    )


# Where a point is passed: only in some modes, by some options, or when something has gone wrong before.
_DELTA = (
    *("after_survey", "after_segments_compared", "after_rows_compared"),
    *("after_changes_staged", "after_update", "after_insert", "after_delete"),
)
_LOADS = ("fill", "create", "replace")
_ONLY_IN: dict[str, tuple[str, ...]] = {point: ("delta",) for point in _DELTA} | {
    **{point: ("replace",) for point in ("after_stage", "before_move")},
    **{point: _LOADS for point in ("before_clear", "after_clear", "after_load", "after_index_dropped", "before_index")},
}
_ONLY_IN["after_plan_checked"] = ("planned",)
_ONLY_IN["before_retry"] = ("fill", "replace", "delta")  # of tables that somebody else can know of
_ONLY_IN |= {
    point: ("create",)
    for point in (
        "before_schema_made",
        "before_schema_committed",
        "after_schema_made",
        "before_late_keys",
        "after_late_keys",
        "after_late_key_validated",
    )
}
# Modes that end with other rows than the source's have trials of their own.
TESTED_ELSEWHERE = {
    point: "tests/acceptance/test_cursor.py"
    for point in (
        "after_cursors_found",
        "after_cursor_read",
        "after_past_staged",
        "before_cursor_stored",
        "after_cursor_stored",
    )
} | {point: "tests/acceptance/test_quarantine.py" for point in ("before_row_by_row", "after_row_refused")}
TESTED_ELSEWHERE |= {
    point: "tests/faults/test_migrate_kill.py"
    for point in (
        "before_migration_statement",
        "before_migration_commit",
        "after_migration_commit",
        "after_migration_started",
        "before_migration_noted",
        "before_migration_finished",
    )
}
TESTED_ELSEWHERE["after_job_queued"] = "tests/acceptance/test_sync_queued.py"
TESTED_ELSEWHERE["before_each_alone"] = "tests/acceptance/test_create_bundles.py"
_LOST_REPLY = Fault("lose the reply to COMMIT", "target", "group commits", 0.5)
_CUT = Fault("cut", "source", "rows", 0.5)
REACHED_BY = {"before_settle": _LOST_REPLY, "before_copy_given_up": _CUT, "before_retry": Fault("deadlock")}
_WITH_INDEXES_DROPPED = {"after_index_dropped", "before_index"}
_WITHOUT_LEDGER = {"before_schema_dropped", "after_own_schema"}
_OFTEN = {"before_block", "before_connect", "after_connect", "before_verify", "after_copy_end", "before_commit"}
_NEVER_RAISES = {"before_copy_given_up", "before_schema_dropped", "before_cleanup"}  # they tidy up after an error


# What is beside the engine: their failpoints are passed by tests of their own (tests/unit/test_failpoints.py).
BESIDE_THE_ENGINE = ("jobs", "registry", "store", "server")


@cache
def failpoints(package: Path = PACKAGE, folders: tuple[str, ...] | None = None) -> dict[str, list[str]]:
    """Every failpoint that the engine's source names, with the places that name it; or that those folders name."""
    found: dict[str, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        beside = path.relative_to(package).parts[0] in BESIDE_THE_ENGINE
        if beside if folders is None else path.relative_to(package).parts[0] not in folders:
            continue
        for name, line in _named(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(name, []).append(f"{path.relative_to(package.parent)}:{line}")
    return found


def _named(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failpoint":
            (argument,) = node.args
            if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                raise ValueError(f"line {node.lineno}: a failpoint's name must be a plain string")
            yield argument.value, node.lineno
