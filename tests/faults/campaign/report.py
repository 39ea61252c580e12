"""Reads kept trials and writes docs/explanation/reliability.md: every zero with its N beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.campaign import draw
from tests.faults.campaign.judge import INVARIANTS
from tests.faults.campaign.run import Record

_FAULTS = {
    "kills": "the client is killed or told to stop",
    "network": "the network between the client and a server",
    "servers": "a backend or a server ends",
    "failpoints": "a named point in the code: kill -9, an error, a pause",
    "disk": "too little disk on the target, too few descriptors",
}
_HEAD = """# Reliability

What happens to a `dbsync sync` when something breaks in the middle of it, by trial. Every number here was counted by
`python -m tests.faults.campaign`; none is an estimate but the bounds, which are marked as such.

**One trial**: a source and a target of eight tables (foreign keys, a cycle of them, partitions, identity and serial,
triggers of three states, a table without a key, a materialised view) that differ in every table; one run; one fault at
a moment that a seed draws; then every invariant below; then the run that takes up the broken one (`--resume`, or the
same command again where there is no ledger), and every invariant again. The judge shares no code with dbsync. In the mode
`create` the target has nothing at all: the run makes the schema, fills each table for itself or a few small ones together,
and adds the foreign keys last; then its schema is held against one made by the script that made the source's.

```sh
make faults                                                  # all of it, some hours; may be stopped and gone on with
python -m tests.faults.campaign --suite network --trials 50  # a part of it
python -m tests.faults.campaign --replay kills:delta:100007  # one trial again, by the name that it prints
```

A short form runs in `make test`, with other seeds where `DBSYNC_TEST_SEED` is set.
"""
_TAIL = """
## What this does not show

- Faults come one at a time, but for the failpoints that are only reached after another fault.
- A flipped bit is flipped in rows, without TLS, and with `--verify checksum`. Elsewhere a flipped bit can make another
  valid order of an order; TCP's checksum and TLS are what stands against that.
- Source and target stand still but for the run. Writers, DDL and second runs at the same time have tests of their own:
  `tests/faults/test_concurrency.py`, `tests/faults/test_ledger_runs.py`. Peers that vanish without a word:
  `tests/faults/test_resources.py`.
- Servers are Postgres 18 on the same machine, with `fsync` off: the kernel does not crash here, servers do.
"""


@dataclass(frozen=True, slots=True)
class Planted:
    """What became of a planted bug."""

    bug: str
    caught: bool
    caught_by: str  # the invariant, or that an assertion of a test failed
    commit: str
    digest: str  # of the bug itself
    seconds: float


def read(results: Path) -> list[Record]:
    """The trials that were kept."""
    return [Record(**line) for line in _lines(results) if "bug" not in line]


def read_planted(results: Path) -> list[Planted]:
    """The planted bugs that were kept, each as it was last."""
    return list({line["bug"]: Planted(**line) for line in _lines(results) if "bug" in line}.values())


def keep_planted(results: Path, planted: Planted) -> None:
    """Keep what became of a planted bug."""
    results.parent.mkdir(parents=True, exist_ok=True)
    with open(results, "a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(planted)) + "\n")


def write(out: Path, results: Path) -> None:
    """Write the page."""
    records = read(results)
    parts = [_HEAD, *_faults(records), *_invariants(records), *_found(records), *_bugs(read_planted(results)), _TAIL]
    out.write_text("\n".join(parts), encoding="utf-8")


def _lines(results: Path) -> list[dict[str, Any]]:
    if not results.exists():
        return []
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    if any(("digest" if "bug" in line else "tried") not in line for line in lines):
        raise SystemExit(
            f"{results} is of an earlier form of the campaign, which did not note what each trial was able to show: "
            "nothing of it can be counted. Move it away, or name another file with --results."
        )
    return lines


def _faults(records: Sequence[Record]) -> Iterator[str]:
    struck = [record for record in records if record.struck]
    yield "## Faults\n"
    yield _progress(struck)
    yield (
        f"{len(struck)} trials in which the fault struck ({len(records) - len(struck)} more runs ended before it could, "
        "and are not counted). *Before*, *partly*, *after*: how many groups of tables held the source's rows when the "
        "run had ended; each group as a whole. *Repaired*: the next run ended with the source's rows and exit code 0.\n"
    )
    yield "| fault | N | exit 0 | failed, said so | killed | before | partly | after | repaired | wrong |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for suite, words in _FAULTS.items():
        of_suite = [record for record in struck if record.suite == suite]
        if of_suite:
            yield _row(f"**{words}**", of_suite)
        kinds = Counter(_kind(record) for record in of_suite)
        for kind in sorted(kinds) if len(kinds) > 1 else []:
            yield _row(kind, [record for record in of_suite if _kind(record) == kind])
    yield _row("**all**", struck)
    yield ""
    for title, key in (
        ("mode", lambda r: r.mode),
        ("code (a digest of all of dbsync, and of what tries and judges it)", lambda r: r.commit),
    ):
        counted = Counter(key(record) for record in struck)
        yield f"By {title}: " + ", ".join(f"{name} {number}" for name, number in sorted(counted.items())) + ".\n"


def _progress(struck: Sequence[Record]) -> str:
    """How much of a full campaign this is: a page must not look like more than was run."""
    kills = sum(record.kind == "kill -9" or record.what.endswith("=kill") for record in struck)
    suites = Counter(record.suite for record in struck)
    wanted = draw.failpoint_actions()
    points = wanted & {_point(record) for record in struck if record.suite == "failpoints"}
    parts = [
        (kills, 500, "kills of the client"),
        (suites["network"], 500, "network faults"),
        (suites["servers"], 200, "ends of servers"),
        (suites["disk"], 40, "runs without room on the disk or without descriptors"),
        (len(points), len(wanted), "actions at named points"),
    ]
    codes = {record.commit for record in struck}
    done = len(codes) == 1 and all(found >= enough for found, enough, _ in parts)
    words = "A full campaign" if done else "**A part of a full campaign**"
    together = f", of {len(codes)} codes together" if len(codes) > 1 else ""
    missing = sorted("=".join(one) for one in wanted - points)
    never = f" Not tried: {', '.join(missing)}." if 0 < len(missing) <= 20 else ""
    return f"{words}{together}: {', '.join(f'{found} of {enough} {what}' for found, enough, what in parts)}.{never}\n"


def _point(record: Record) -> tuple[str, str]:
    name, _, action = record.what.rpartition(" and ")[2].partition("=")
    return name.partition("@")[0], action


def _kind(record: Record) -> str:
    if record.suite == "failpoints":
        action = record.what.rpartition("=")[2]
        return f"a failpoint: {action.partition(':')[0]}"
    return record.kind


def _row(name: str, records: Sequence[Record]) -> str:
    outcomes = Counter(record.outcome for record in records)
    codes = Counter(
        "killed" if record.exit_code < 0 else "ok" if record.exit_code == 0 else "failed" for record in records
    )
    cells: list[object] = [name, len(records), codes["ok"], codes["failed"], codes["killed"]]
    cells += [outcomes[one] for one in ("before", "partly", "after")]
    cells += [sum(record.repaired for record in records), sum(bool(record.wrong) for record in records)]
    return f"| {' | '.join(map(str, cells))} |"


def _invariants(records: Sequence[Record]) -> Iterator[str]:
    struck = [record for record in records if record.struck]
    yield "## Invariants\n"
    yield (
        "After each run and again after the run that repairs. *N*: the trials in which the run with the fault was able to "
        "break it (for I5 and I6: the run after it, I6 where something was done before). Killed with -9, a run says "
        "nothing and cannot be late, so it counts for neither I7 nor I8; for I4 only if its answer was out. *At most*: "
        "with no break in N trials, the true rate of trials that break it is below 3/N with 95 % confidence (the rule of "
        "three).\n"
    )
    yield "| | what must hold | N | broken | at most |"
    yield "|---|---|---|---|---|"
    for name, words in INVARIANTS.items():
        broken = sum(any(line.startswith(f"{name}:") for line in record.wrong) for record in struck)
        tried = sum(name in record.tried for record in struck)
        bound = f"{300 / tried:.2f} %" if tried > 3 and not broken else ""
        yield f"| {name} | {words} | {tried} | {broken} | {bound} |"
    yield ""


def _found(records: Sequence[Record]) -> Iterator[str]:
    wrong = [record for record in records if record.wrong]
    if not wrong:
        return
    yield "## Trials that broke something\n"
    yield "| trial | code | fault | broken |"
    yield "|---|---|---|---|"
    for record in wrong:
        names = sorted({line.partition(":")[0] for line in record.wrong})
        yield f"| `{record.replay}` | {record.commit} | {record.what} | {', '.join(names)} |"
    yield ""


def _bugs(planted: Sequence[Planted]) -> Iterator[str]:
    caught = sum(one.caught for one in planted)
    yield "## Planted bugs\n"
    yield (
        "Zeros mean something only if a break would be seen. So bugs are planted in a copy of dbsync, one at a time, and "
        f"the campaign has to notice: **{caught} of {len(planted)} were caught**. Each by the invariant that it breaks, or "
        "by an assertion of a test that passes without it; one that only makes dbsync crash would not count.\n"
    )
    yield "| bug | caught by |"
    yield "|---|---|"
    for one in planted:
        yield f"| {one.bug} | {one.caught_by if one.caught else '**nothing**'} |"
    commits = sorted({one.commit for one in planted})
    yield f"\nOf the code {', '.join(commits)}." if commits else ""
