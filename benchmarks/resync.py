"""Making a copy equal again: nothing changed, little changed, much changed; with and without signatures."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.cases import BINARY, Engines, Setup, drop, psql_pipe, race, sync
from benchmarks.report import Section, Target
from benchmarks.roundtrips import counted
from benchmarks.servers import Bench, Failed, Step, execute
from benchmarks.tables import filled

FULL, SIGNED = "dbsync --no-ledger: every row hashed", "dbsync with signatures"
RESTING, OWN = "dbsync with signatures, nobody wrote anything", "full copy (dbsync --verify none)"
VERIFIED = "full copy (dbsync, verified)"
COPY, COUNT, RELADIFF = "full copy (psql binary pipe)", "count(*) on both sides", "reladiff -j2, only finding"
_DELAY_S = 0.02

# What is changed in the target before each run, as a condition on the key: {n} is the number of rows.
CHANGES = {
    "0.01 % scattered": ("id % 10000 = 7", 1e-4),
    "1 % scattered": ("id % 100 = 7", 1e-2),
    "1 % in one region": ("id > {n} * 0.99", 1e-2),
    "10 % scattered": ("id % 10 = 7", 1e-1),
}


def unchanged(setup: Setup) -> Section:
    """Nothing changed: what does it cost to know that?"""
    bench, name, rows = setup.bench, "narrow", setup.rows(5_000_000)
    _make_pair(bench, name, rows)
    bench.new_database(bench.target, "copied", filled(name, 1000))
    execute(bench.target, "copied", f"ALTER TABLE public.{name} ADD PRIMARY KEY (id)")
    engines: dict[str, Sequence[Step]] = {
        COUNT: [_count_both(bench, name)],
        COPY: [_pipe_into(bench, name, "copied")],
        OWN: [sync(bench, name, "--verify", "none", into="copied")],
        VERIFIED: [sync(bench, name, into="copied")],
        FULL: [_resync(bench, name, "--no-ledger")],
        SIGNED: [_resync(bench, name)],
        RESTING: [_resync(bench, name)],
        **_reladiff(setup, name),
    }
    bench.run(_resync(bench, name))  # leaves the signatures

    def elsewhere() -> None:
        for server in (bench.source, bench.target):
            execute(server, "postgres", "SELECT pg_catalog.pg_current_xact_id()")

    def before() -> None:
        execute(bench.target, "copied", f"TRUNCATE public.{name}", "CHECKPOINT")

    prepare = {SIGNED: elsewhere, RESTING: lambda: bench.run(_resync(bench, name))}
    result = race(setup, engines, before=before, after=lambda: None, prepare=prepare)
    signed = "the same with signatures, {} since, vs `count(*)` on both sides"
    cost = 100 * (result.ratio(VERIFIED, OWN) - 1)
    targets = [
        Target("re-sync, nothing changed, no signatures, vs full copy by dbsync", result.ratio(FULL, OWN), 0.50, 0.35),
        Target(signed.format("nobody wrote on either server"), result.ratio(RESTING, COUNT), 3.0, 2.0),
        Target(signed.format("others wrote on both servers"), result.ratio(SIGNED, COUNT), 3.0, 2.0),
        Target("verification added to a full copy into a table with a primary key", cost, 35, 20, " %"),
    ]
    if RELADIFF in result.samples:
        targets.insert(1, Target("the same vs reladiff", result.ratio(FULL, RELADIFF), 0.40, 0.25))
    execute(bench.target, "postgres", "DROP DATABASE copied")
    drop(bench, name)
    about = f"{rows:,} narrow rows with a primary key, equal on both sides; medians of {setup.rounds} rounds."
    return Section("Re-sync: nothing changed", about, result.table(COUNT, COPY, OWN, RELADIFF), targets)


def changed(setup: Setup) -> Section:
    """Some rows changed in the target: found, repaired and verified."""
    bench, name, rows = setup.bench, "narrow", setup.rows(5_000_000)
    _make_pair(bench, name, rows)
    bench.new_database(bench.target, "copied", filled(name, 1000))
    execute(bench.target, "copied", f"ALTER TABLE public.{name} ADD PRIMARY KEY (id)")
    bench.run(_resync(bench, name))
    table = [["changed", "engine", "wall s", "client CPU s", "peak RSS MB", f"x {COPY}", "x reladiff"]]
    targets: list[Target] = []
    few = Setup(bench, min(setup.rounds, 3), setup.scale, setup.say)
    for label, (condition, part) in CHANGES.items():
        setup.say(f"  {label}")
        engines: dict[str, Sequence[Step]] = {
            COPY: [_pipe_into(bench, name, "copied")],
            FULL: [_resync(bench, name, "--no-ledger")],
            SIGNED: [_resync(bench, name)],
            **(_reladiff(setup, name) if part < 1e-3 else {}),
        }

        def before(condition: str = condition) -> None:
            execute(bench.target, "copied", f"TRUNCATE public.{name}", "CHECKPOINT")
            where = condition.format(n=rows)
            execute(bench.target, name, f"UPDATE public.{name} SET note = 'wrong' WHERE {where}", "CHECKPOINT")

        result = race(few, engines, before=before, after=lambda: None)
        for engine, samples in result.samples.items():
            cells = [label, engine, f"{median(s.wall for s in samples):.2f}", f"{median(s.cpu for s in samples):.2f}"]
            cells += [f"{result.peak(engine):.0f}", f"{result.ratio(engine, COPY):.2f}"]
            table.append([*cells, f"{result.ratio(engine, RELADIFF):.2f}" if RELADIFF in result.samples else "-"])
        if RELADIFF in result.samples:
            measure = f"{label} changed, found and repaired and verified, vs reladiff only finding them"
            targets.append(Target(measure, result.ratio(FULL, RELADIFF), 0.25, 0.10))
        if "region" in label:
            targets.append(Target(f"{label} changed, vs full copy", result.ratio(SIGNED, COPY), 0.55, 0.40))
        bench.run(_resync(bench, name))
    execute(bench.target, "postgres", "DROP DATABASE copied")
    drop(bench, name)
    about = (
        f"{rows:,} narrow rows with a primary key; before each run that part of the target's rows is updated. `dbsync` "
        f"runs with --delete and its default verification; {few.rounds} rounds."
    )
    return Section("Re-sync: rows changed in the target", about, table, targets)


def wide(setup: Setup) -> Section:
    """Wide rows with jsonb: what signatures save."""
    bench, name, rows = setup.bench, "wide", setup.rows(1_000_000)
    _make_pair(bench, name, rows)
    engines: Engines = {
        COUNT: [_count_both(bench, name)],
        FULL: [_resync(bench, name, "--no-ledger")],
        SIGNED: [_resync(bench, name)],
    }
    bench.run(_resync(bench, name))
    result = race(setup, engines, before=lambda: None, after=lambda: None)
    measure = "re-sync of wide rows with jsonb, signatures vs hashing every row"
    targets = [Target(measure, result.ratio(SIGNED, FULL), 0.35, 0.20)]
    drop(bench, name)
    about = f"{rows:,} wide rows, equal on both sides; medians of {setup.rounds} rounds."
    return Section("Re-sync: wide rows", about, result.table(COUNT, FULL), targets)


def distance(setup: Setup) -> Section:
    """Memory, and round trips over a network with delay, at growing numbers of rows."""
    bench, name = setup.bench, "narrow"
    table = [["rows", "changed", "peak RSS MB", "connections", "round trips", f"wall s with {_DELAY_S * 1000:.0f} ms"]]
    peaks = []
    for full in (200_000, 1_000_000, 5_000_000):
        rows = setup.rows(full)
        _make_pair(bench, name, rows)
        damage = f"UPDATE public.{name} SET note = 'wrong' WHERE id % 100 = 7"
        execute(bench.target, name, damage)
        peaks.append(bench.run(_resync(bench, name, "--no-ledger")).rss_mb)
        execute(bench.target, name, damage)
        connections, trips, wall = _far_away(bench, name)
        table.append([f"{rows:,}", "1 %", f"{peaks[-1]:.1f}", str(connections), str(trips), f"{wall:.1f}"])
    drop(bench, name)
    targets = [
        Target("re-sync: client peak RSS, 200 k to 5 M rows", max(peaks), 100, 64, " MB"),
        Target("re-sync: its growth from 200 k to 5 M rows", peaks[-1] - peaks[0], 5, 5, " MB"),
    ]
    about = (
        "The narrow table with a primary key, 1 % of the rows changed, scattered; a proxy before each server counts "
        f"and delays by {_DELAY_S * 1000:.0f} ms each way."
    )
    return Section("Re-sync: memory and round trips", about, table, targets)


CASES: dict[str, Callable[[Setup], Section]] = {
    "resync": unchanged,
    "resync-changed": changed,
    "resync-wide": wide,
    "resync-distance": distance,
}


def _make_pair(bench: Bench, name: str, rows: int) -> None:
    """The same rows on both sides, with a primary key."""
    for server in (bench.source, bench.target):
        bench.new_database(server, name, filled(name, rows))
        execute(server, name, f"ALTER TABLE public.{name} ADD PRIMARY KEY (id)")
        execute(server, name, "VACUUM ANALYZE", "CHECKPOINT")


def _resync(bench: Bench, name: str, *options: str) -> Step:
    return sync(bench, name, "--delete", *options)


def _count_both(bench: Bench, name: str) -> Step:
    """Both counts at a time: two programs of one pipe."""
    ends = (bench.source_url(name), bench.target_url(name))
    query = f"SET max_parallel_workers_per_gather = 0; SELECT pg_catalog.count(*) FROM public.{name}"
    return [[bench.program("psql"), "-qXAtd", url, "-o", "/dev/null", "-c", query] for url in ends]


def _pipe_into(bench: Bench, name: str, database: str) -> Step:
    return psql_pipe(bench, name, BINARY, into=database)


def _reladiff(setup: Setup, name: str) -> dict[str, Sequence[Step]]:
    program = shutil.which("reladiff", path=setup.bench.environment["PATH"])
    if program is None:
        setup.say("SKIPPED, NOT MEASURED: reladiff is not on the PATH (pip install 'reladiff[postgresql]')")
        return {}
    bench = setup.bench
    ends = [bench.source_url(name), f"public.{name}", bench.target_url(name), f"public.{name}"]
    return {RELADIFF: [[[program, *ends, "-k", "id", "-c", "%", "-j", "2", "--limit", "10000000"]]]}


def _far_away(bench: Bench, name: str) -> tuple[int, int, float]:
    """Connections, round trips and seconds of a re-sync over delayed connections."""
    with (
        counted(bench.source.port, delay_s=_DELAY_S) as (source, first),
        counted(bench.target.port, delay_s=_DELAY_S) as (target, second),
    ):
        passwords = bench.directory / "passwords"
        kept = passwords.read_text()
        passwords.write_text(
            f"127.0.0.1:{source}:*:*:{bench.source.password}\n127.0.0.1:{target}:*:*:{bench.target.password}\n"
        )
        try:
            ends = [f"postgresql://postgres@127.0.0.1:{port}/{name}" for port in (source, target)]
            options = ["--delete", "--no-ledger", "--yes", "--json", "--progress", "none"]
            sample = bench.run([[bench.dbsync, "sync", *ends, *options]])
        finally:
            passwords.write_text(kept)
        if first.trips == 0:
            raise Failed("the proxy saw nothing")
        return first.connections + second.connections, first.trips + second.trips, sample.wall
