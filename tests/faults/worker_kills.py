"""Three workers copy a database while one of them, chosen by chance, is killed every other second.

``python -m tests.faults.worker_kills --seconds 180 --rows 3000000``: the whole of it; the test suite runs a short form. Each
killed worker is replaced at once. Afterwards the job must end succeeded, both sides equal, and nothing be left.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from dbsync.data.options import SyncOptions
from dbsync.jobs.model import JobState
from dbsync.jobs.queue import Engine, open_queue
from dbsync.local import EphemeralServer
from tests.fixtures import oracle
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.pagila import PLACE, load
from tests.fixtures.yard import Yard, yard

WORKERS = 3
BIG = "CREATE SCHEMA big; CREATE TABLE big.thing (id bigint PRIMARY KEY, a int, name text, at timestamptz)"
FILL = (
    "INSERT INTO big.thing SELECT n, n % 977, md5(n::text), '2026-01-01'::timestamptz + n * interval '1 s' "
    "FROM generate_series(1, {rows}) n; ANALYZE"
)


@dataclass(kw_only=True)
class Told:
    """What happened, and whether it was right."""

    state: str = ""
    verified: bool = False
    kills: int = 0
    attempts: int = 0
    seconds: float = 0.0
    parts: Counter[str] = field(default_factory=Counter)
    differences: Sequence[str] = ()
    leftovers: Sequence[str] = ()

    @property
    def right(self) -> bool:
        """Whether the job ended as if nobody had been killed."""
        return self.state == "succeeded" and self.verified and not self.differences and not self.leftovers


def trial(
    ends: tuple[Database, Database], store: Database, home: Path, *, seconds: float, seed: int, engine: Engine
) -> Told:
    """Kill for so long, then let the job come to its end; judge it."""
    chance, told, started = random.Random(seed), Told(), time.monotonic()  # noqa: S311
    with yard(home, store.url) as place:
        place.queue = open_queue(engine, place.registry.store)
        team = [place.worker("--engine", engine) for _ in range(WORKERS)]
        job = place.job(ends[0].url, ends[1].url, SyncOptions(chunk_bytes=4 * 1024 * 1024))
        while time.monotonic() - started < seconds and place.state(job) not in (JobState.SUCCEEDED, JobState.FAILED):
            time.sleep(2)
            number = chance.randrange(WORKERS)
            team[number].kill()
            told.kills += 1
            team[number] = place.worker("--engine", engine)
        ended = place.until(job, JobState.SUCCEEDED, JobState.FAILED, seconds=600)
        told.state, told.attempts, told.seconds = ended.state.value, ended.attempts, time.monotonic() - started
        told.verified = bool((ended.result or {}).get("verified"))
        told.parts = _parts(place, ends[1])
    told.differences = oracle.differences(ends[0].url, ends[1].url)
    told.leftovers = oracle.leftovers(ends[1].url)
    return told


def _parts(place: Yard, target: Database) -> Counter[str]:
    """Parts of the last run, by who staged them."""
    query = "SELECT p.worker FROM dbsync.run_part p JOIN dbsync.run r USING (run_id) WHERE r.fence = (SELECT value FROM dbsync.fence)"
    return Counter(worker for (worker,) in target.query(query))


def main() -> None:
    """Make everything, run one trial, print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--engine", choices=["inline", "procrastinate"], default="procrastinate")
    given = parser.parse_args()
    settings = {"autovacuum": "off", "shared_buffers": "48MB"}
    with ExitStack() as stack:
        left, right = (stack.enter_context(EphemeralServer(settings=settings)) for _ in range(2))
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kills-")))
        source, target = stack.enter_context(fresh_database(left)), stack.enter_context(fresh_database(right))
        store = stack.enter_context(fresh_database(right))
        if PLACE is not None:
            load(left.bindir, source.url, "schema.sql", "data.sql")
            load(right.bindir, target.url, "schema.sql")
        source.execute(BIG, FILL.format(rows=given.rows))
        target.execute(BIG)
        print(
            f"seed {given.seed}, {'with' if PLACE is not None else 'WITHOUT'} Pagila, {given.rows:,} rows", flush=True
        )
        told = trial(
            (source, target), store, home / "yard", seconds=given.seconds, seed=given.seed, engine=given.engine
        )
    print(told)
    raise SystemExit(0 if told.right else 1)


if __name__ == "__main__":
    main()
