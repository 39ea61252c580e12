"""How far workers go: one spread load with 1 to 8 of them here, and a model of what more would do.

``python -m benchmarks.workers --measure 1,2,4,8`` starts servers and real workers; ``--simulate`` only computes.
The model: parts are staged by all workers at once, within what source and target can do. What the coordinator does
for each group (move the rows, check them) is one session's work, and groups take turns over ``-j`` of those.
"""

from __future__ import annotations

import argparse
import heapq
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fixtures.yard import Yard


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a place can do, in bytes a second; ``store_s`` is what a part costs in the store, one after another."""

    worker: float = 60e6  # one COPY between two sessions
    source: float = 600e6  # all readers together
    target: float = 250e6  # all writers of staging tables together
    move: float = 90e6  # INSERT ... SELECT and the digest, one session
    store_s: float = 0.004
    begin_s: float = 1.0


def simulate(workers: int, size: float, groups: int, site: Site) -> float:
    """Seconds for one job of so many equal groups: parts are handed out one by one to whoever is free, then moved."""
    part = 64e6
    at_once = min(workers, max(1, round(size / part)))
    rate = min(site.worker, site.source / at_once, site.target / at_once)
    free = [site.begin_s] * at_once
    heapq.heapify(free)
    handed_out = site.begin_s
    for _ in range(max(1, round(size / part))):
        handed_out = max(handed_out + site.store_s, heapq.heappop(free))
        heapq.heappush(free, handed_out + part / rate)
    return max(free) + size / min(site.move * min(groups, 4), site.target)


def store_load(workers: int) -> float:
    """Transactions a second of idle workers on the store, with Procrastinate: looks, beats, sweeps, its own polling."""
    look = 2 / 2.0  # one read for jobs, one for parts, each two seconds
    return workers * (look + 2 / 3.0 + 1 / 2.0 + 1 / 10.0)


def table(size: float, counts: Sequence[int], site: Site) -> str:
    """The figures as a Markdown table."""
    lines = ["| workers | one table | sixteen groups | on the store, idle |", "|---|---|---|---|"]
    for count in counts:
        told = []
        for groups in (1, 16):
            seconds, alone = simulate(count, size, groups, site), simulate(1, size, groups, site)
            told.append(f"{seconds:,.0f} s ({alone / seconds:.1f} times as fast)")
        lines.append(f"| {count:,} | {' | '.join(told)} | {store_load(count):,.0f} transactions/s |")
    return "\n".join(lines)


def measure(counts: Sequence[int], rows: int) -> None:
    """Run the same job with so many workers and print how long each took."""
    from dbsync.data.options import SyncOptions
    from dbsync.jobs.model import JobState
    from dbsync.local import EphemeralServer
    from tests.fixtures.databases import Database, fresh_database
    from tests.fixtures.yard import wait_for, yard

    schema = "CREATE TABLE big (id bigint PRIMARY KEY, a int, b text)"
    fill = f"INSERT INTO big SELECT n, n, repeat(md5(n::text), 2) FROM generate_series(1, {rows}) n; ANALYZE"
    with (
        EphemeralServer(settings={"autovacuum": "off"}) as left,
        EphemeralServer(settings={"autovacuum": "off"}) as right,
        tempfile.TemporaryDirectory() as home,
        fresh_database(left) as source,
        fresh_database(right) as store,
        yard(Path(home) / "yard", store.url) as place,
    ):
        source.execute(schema, fill)
        for count in counts:
            with fresh_database(right) as target:
                assert isinstance(target, Database)
                target.execute(schema)
                while len(place.running) < count:
                    place.worker("--concurrency", "1")
                wait_for(partial(_all_there, place, count), 90, place.told)
                started = time.monotonic()
                options = SyncOptions(chunk_bytes=16 * 1024 * 1024)
                job = place.until(
                    place.job(source.url, target.url, options), JobState.SUCCEEDED, JobState.FAILED, seconds=900
                )
                elapsed = time.monotonic() - started
                by = target.query("SELECT worker, count(*) FROM dbsync.run_part GROUP BY 1")
                print(f"{count} workers: {elapsed:.1f} s, {job.state}, parts {sorted(n for _, n in by)}", flush=True)


def _all_there(place: Yard, count: int) -> bool:
    from dbsync.jobs.presence import Presence

    return len(Presence(place.registry.store).alive()) >= count


def main() -> None:
    """Parse, then measure or compute."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--measure", metavar="N,N", help="counts of workers")
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    if given.measure:
        measure([int(count) for count in given.measure.split(",")], given.rows)
    if given.simulate or not given.measure:
        sys.stdout.write(table(100e9, [1, 2, 4, 8, 10, 100, 1000], Site()) + "\n")


if __name__ == "__main__":
    main()
