"""Who copies what: each case makes its databases, lets the engines take turns and says what it found."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType

from benchmarks.report import Race, Section, Target
from benchmarks.roundtrips import counted
from benchmarks.servers import PGCOPYDB_MAJOR, Bench, Failed, Sample, Step, execute
from benchmarks.tables import DEFINITIONS, filled, many_tables
from dbsync.data.columns import pair_columns
from dbsync.local import EphemeralServer
from dbsync.model import TableName
from dbsync.pg.database import Database
from dbsync.pg.reflect import reflect
from dbsync.pg.statements import digest_rows
from dbsync.urls import parse_url

TEXT, BINARY = "psql text", "psql binary"
DUMP, PIPE, PGCOPYDB = "pg_dump -j2, pg_restore -j2", "pg_dump to psql", "pgcopydb, 2 jobs"
# The peers with what any program must do in dbsync's place: leave statistics, and be written in Python with psycopg and
# typer. What these rows take more than the peers alone no copy engine wins back, but one that is faster than theirs.
SAME, DUMP_SAME = "psql binary, ANALYZE, Python's start", "pg_dump -j2, pg_restore -j2, ANALYZE, Python's start"
PROVED = f"{SAME}, both digests"
_START: Step = [[sys.executable, "-c", "import psycopg, typer"]]


@dataclass(frozen=True, slots=True)
class Setup:
    """What every case needs to know."""

    bench: Bench
    rounds: int
    scale: float
    say: Callable[[str], None]

    def rows(self, full: int) -> int:
        """The rows of a table at this run's scale."""
        return max(int(full * self.scale), 1000)


Engines = Mapping[str, Sequence[Step]]


def race(
    setup: Setup,
    engines: Engines,
    *,
    before: Callable[[], None],
    after: Callable[[], None],
    prepare: Mapping[str, Callable[[], object]] = MappingProxyType({}),
) -> Race:
    """Let the engines take turns, in reversed order every other round. ``prepare``: what one of them needs done first.

    A peer whose very first run fails is left out, loudly; any other failure ends the benchmark.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in engines}
    for number in range(setup.rounds):
        names = list(samples)
        for name in names if number % 2 == 0 else reversed(names):
            before()
            prepare.get(name, _nothing)()
            try:
                sample = setup.bench.run(*engines[name])
            except Failed as failure:
                if number > 0 or name.startswith("dbsync"):
                    raise
                setup.say(f"SKIPPED, NOT MEASURED: {name}: {failure}")
                del samples[name]
                continue
            after()
            samples[name].append(sample)
            setup.say(f"  round {number + 1}: {name}: {sample.wall:.2f} s")
    return Race(samples)


def _nothing() -> None:
    """Most engines need nothing done first."""


def sync(bench: Bench, database: str, *options: str, into: str | None = None) -> Step:
    """The command under test; ``into``: the target's database, where it is called otherwise."""
    ends = (bench.source_url(database), bench.target_url(into or database))
    return [[bench.dbsync, "sync", *ends, "--yes", "--json", "--progress", "none", *options]]


def one_table(setup: Setup, table: str, rows: int, *, title: str | None = None) -> Section:
    """One table without indexes against a pipe of two psql, and what verification costs."""
    bench, name, title = setup.bench, table, title or table
    bench.new_database(bench.source, name, filled(table, rows))
    execute(bench.source, name, "VACUUM ANALYZE", "CHECKPOINT")
    bench.new_database(bench.target, name, DEFINITIONS[table])
    none = sync(bench, name, "--verify", "none")
    analyze = [psql(bench, bench.target_url(table), f"ANALYZE public.{table}")]
    after_load: list[Step] = [analyze, [_digest(bench, bench.target, table)]]
    engines: dict[str, Sequence[Step]] = {
        TEXT: [psql_pipe(bench, table, TEXT)],
        BINARY: [psql_pipe(bench, table, BINARY)],
        SAME: [_START, psql_pipe(bench, table, BINARY), after_load[0]],
        PROVED: [_START, _beside(_digest(bench, bench.source, table), psql_pipe(bench, table, BINARY)), *after_load],
        "dbsync": [none],
        "dbsync -j 1": [sync(bench, name, "--verify", "none", "-j", "1")],
        "dbsync, verified": [sync(bench, name)],
    }
    result = race(setup, engines, before=lambda: _empty(bench, table), after=lambda: _expect_rows(bench, table, rows))
    ((size,),) = execute(bench.source, name, f"SELECT pg_catalog.pg_table_size('public.{table}') / 1000000")
    targets = [Target(f"{title}: one table vs `psql` binary pipe", result.ratio("dbsync", BINARY), 1.05, 0.90)]
    cost = 100 * (result.ratio("dbsync, verified", "dbsync") - 1)
    targets.append(Target(f"{title}: verification added to a full copy", cost, 35, 20, " %"))
    drop(bench, name)
    about = f"{rows:,} rows, {size} MB, no index; medians of {setup.rounds} rounds."
    about += (
        " *Both digests* are what `dbsync` asks of both servers to verify, the source's beside the copy, as it does."
    )
    return Section(f"One {title} table", about, result.table(TEXT, BINARY, SAME), targets if table != "pairs" else ())


def schema(setup: Setup) -> Section:
    """A whole schema: tables, rows, indexes, foreign keys, into an empty database."""
    bench, name = setup.bench, "many"
    bench.new_database(bench.source, name, many_tables(setup.scale))
    execute(bench.source, name, "VACUUM ANALYZE", "CHECKPOINT")
    dump = bench.directory / "dump"
    source, target = bench.source_url(name), bench.target_url(name)
    load = [bench.program("psql"), "-qXd", target, "-v", "ON_ERROR_STOP=1"]
    pg_dump, pg_restore = bench.program("pg_dump"), bench.program("pg_restore")
    script = [bench.dbsync, "schema", source, "--format", "sql", "--foreign-keys"]
    apart = bench.directory / "keys.sql"
    at_once = [*load, "--single-transaction"]
    without, only = shlex.join([*script, "without"]), shlex.join([*script, "only", "-o", str(apart)])
    tables: Step = [["sh", "-c", f"{only} & {without} | {shlex.join(at_once)}; wait"]]  # ``after`` sees failures
    keys: Step = [[*at_once, "-f", str(apart)]]
    engines: dict[str, Sequence[Step]] = {
        "dbsync": [sync(bench, name, "--create", "--verify", "none")],
        "dbsync, verified": [sync(bench, name, "--create")],
        "dbsync, three programs": [tables, sync(bench, name, "--verify", "none", "--drop-indexes"), keys],
        "dbsync, foreign keys first": [
            [[bench.dbsync, "schema", source, "--format", "sql"], load],
            sync(bench, name, "--verify", "none", "--drop-indexes"),
        ],
        DUMP: [
            [[pg_dump, "-Fd", "-Z0", "-j2", "-f", str(dump), source]],
            [[pg_restore, "-j2", "-d", target, str(dump)]],
        ],
        PIPE: [[[pg_dump, source], load]],
    }
    analyze: Step = [[bench.program("vacuumdb"), "--analyze-only", "-qj2", "-d", target]]
    engines[DUMP_SAME] = [_START, *engines[DUMP], analyze]
    clone = shutil.which("pgcopydb", path=bench.environment["PATH"])
    if clone is None:
        setup.say("SKIPPED, NOT MEASURED: pgcopydb is not installed (Debian: apt-get install pgcopydb)")
    elif bench.source.major > PGCOPYDB_MAJOR:
        setup.say(f"SKIPPED, NOT MEASURED: pgcopydb against Postgres {bench.source.major}: run with --major 15")
    else:
        jobs = ["--table-jobs", "2", "--index-jobs", "2"]
        ends = ["--source", source, "--target", target, "--dir", str(dump)]
        engines[PGCOPYDB] = [[[clone, "clone", *ends, *jobs]]]
    expected = _shape(bench.source, name)

    def before() -> None:
        shutil.rmtree(dump, ignore_errors=True)
        bench.new_database(bench.target, name)

    def after() -> None:
        if _shape(bench.target, name) != expected:
            raise Failed(f"the copy has other tables, rows, indexes or keys than {expected}")

    result = race(setup, engines, before=before, after=after)
    targets = [
        Target(
            "60 tables, schema and data, vs `pg_dump -j2` + `pg_restore -j2`", result.ratio("dbsync", DUMP), 1.10, 0.85
        )
    ]
    cost = 100 * (result.ratio("dbsync, verified", "dbsync") - 1)
    targets.append(Target("60 tables: verification added to a full copy", cost, 35, 20, " %"))
    if PGCOPYDB in result.samples:
        targets.append(Target("60 tables, vs `pgcopydb clone`", result.ratio("dbsync", PGCOPYDB), 0.80, 0.60))
    drop(bench, name)
    about = (
        f"60 tables, {expected[1]:,} rows, {expected[2]} indexes, {expected[3]} foreign keys, into an empty database. "
        "Every time holds making the schema and the indexes, loading, and checking the foreign keys. `dbsync` is "
        "`dbsync sync --create --verify none` with its default of 4 jobs, ANALYZE included; *three programs* do it as "
        "was done before there was `--create`: `dbsync schema --foreign-keys without | psql -1`, `dbsync sync`, and "
        "`psql -1` of the `only` foreign keys. Like the others they commit each table for itself, "
        "and with `--create` small ones a few at a time. With *foreign keys "
        "first* all 60 tables are one transaction. `pgcopydb` runs VACUUM ANALYZE too; `pg_dump` and `pg_restore` run "
        "neither."
    )
    return Section("60 tables", about, result.table(DUMP, DUMP_SAME, PIPE, PGCOPYDB), targets)


def memory(setup: Setup) -> Section:
    """Peak memory and round trips at growing numbers of rows."""
    bench, name = setup.bench, "narrow"
    table = [["rows", "peak RSS MB, -j 1", "-j 4", "-j 4, verified", "connections", "round trips"]]
    peaks = []
    for full in (200_000, 1_000_000, 5_000_000):
        rows = setup.rows(full)
        bench.new_database(bench.source, name, filled(name, rows))
        execute(bench.source, name, "VACUUM ANALYZE")
        bench.new_database(bench.target, name, DEFINITIONS[name])
        row = []
        for options in (["--verify", "none", "-j", "1"], ["--verify", "none"], []):
            _empty(bench, name)
            row.append(bench.run(sync(bench, name, *options)).rss_mb)
            _expect_rows(bench, name, rows)
        connections, trips = _round_trips(bench, name)
        peaks.append(row)
        table.append([f"{rows:,}", *(f"{peak:.1f}" for peak in row), str(connections), str(trips)])
    drop(bench, name)
    growth = max(last - first for first, last in zip(peaks[0], peaks[-1], strict=True))
    targets = [
        Target("client peak RSS, 200 k to 5 M rows", max(map(max, peaks)), 100, 64, " MB"),
        Target("its growth from 200 k to 5 M rows", growth, 5, 5, " MB"),
    ]
    about = (
        "The narrow table. Round trips are counted by a proxy before each server during a verified copy with 4 jobs, "
        "connecting included: above 64 MB a table is read in ranges of 64 MB, one COPY each, and while a run lasts "
        "two sessions are asked every two seconds whether they live."
    )
    return Section("Memory and round trips", about, table, targets)


def field(setup: Setup) -> Section:
    """One field of 300 MB."""
    bench, name, size = setup.bench, "field", setup.rows(300_000_000)
    bench.new_database(bench.source, name, filled(name, size))
    bench.new_database(bench.target, name, DEFINITIONS[name])
    engines = {
        BINARY: [psql_pipe(bench, name, BINARY)],
        "dbsync": [sync(bench, name, "--verify", "none")],
        "dbsync, verified": [sync(bench, name)],
    }
    few = Setup(bench, min(setup.rounds, 3), setup.scale, setup.say)
    result = race(few, engines, before=lambda: _empty(bench, name), after=lambda: _expect_rows(bench, name, 1))
    table = [["engine", "wall s", "peak RSS MB", "x the field"]]
    for engine, samples in result.samples.items():
        wall, peak = median(sample.wall for sample in samples), result.peak(engine)
        table.append([engine, f"{wall:.2f}", f"{peak:.0f}", f"{peak * 2**20 / size:.1f}"])
    drop(bench, name)
    return Section("One large field", f"One row with a `bytea` of {size / 1e6:.0f} MB.", table)


def startup(setup: Setup) -> Section:
    """How long the command takes to say something."""
    table = [["command", "wall s", "fastest", "CPU s", "peak RSS MB"]]
    targets = []
    for option in ("--version", "--help"):
        samples = [setup.bench.run([[setup.bench.dbsync, option]]) for _ in range(4 * setup.rounds + 1)]
        walls = [sample.wall for sample in samples]
        cpu, peak = (median(sample.cpu for sample in samples), max(sample.rss_mb for sample in samples))
        table.append([f"dbsync {option}", f"{median(walls):.3f}", f"{min(walls):.3f}", f"{cpu:.3f}", f"{peak:.0f}"])
        targets.append(Target(f"`dbsync {option}`, from the shell", median(walls), 0.35, 0.2, " s"))
    return Section("Start-up", f"Medians of {4 * setup.rounds + 1} runs.", table, targets)


CASES: Mapping[str, Callable[[Setup], Section]] = {
    "startup": startup,
    "narrow": lambda setup: one_table(setup, "narrow", setup.rows(5_000_000)),
    "wide": lambda setup: one_table(setup, "wide", setup.rows(1_000_000)),
    "pairs": lambda setup: one_table(setup, "pairs", setup.rows(5_000_000)),
    "long-narrow": lambda setup: _long(setup, "narrow", 5_000_000),
    "long-wide": lambda setup: _long(setup, "wide", 1_000_000),
    "schema": schema,
    "memory": memory,
    "field": field,
}


def _long(setup: Setup, table: str, rows: int) -> Section:
    """The same with four times the rows: what does not grow with them (start, plan, ledger) weighs a quarter."""
    few = Setup(setup.bench, min(setup.rounds, 3), setup.scale, setup.say)
    return one_table(few, table, setup.rows(4 * rows), title=f"long {table}")


def psql_pipe(bench: Bench, table: str, form: str, *, into: str | None = None) -> Step:
    """COPY piped from one psql into another, as text or binary; into another database of the target if need be."""
    suffix = " (FORMAT binary)" if form == BINARY else ""

    return [
        psql(bench, bench.source_url(table), f"COPY public.{table} TO STDOUT{suffix}"),
        psql(bench, bench.target_url(into or table), f"COPY public.{table} FROM STDIN{suffix}"),
    ]


def _digest(bench: Bench, server: EphemeralServer, table: str) -> list[str]:
    """One psql that hashes a table's rows with the statement by which ``dbsync`` verifies."""
    url = bench.source_url(table) if server is bench.source else bench.target_url(table)
    with closing(Database(parse_url(server.url(table))).connect()) as session:
        shape = reflect(session, inspector=False).tables[TableName("public", table)]
        pairs = pair_columns(shape, shape, only=None, schemas={}).pairs
        columns = [(pair.name, pair.digest, pair.nullable) for pair in pairs]
        query = digest_rows(shape.name, columns, only=False, where=None, recode=False).as_string(session.raw)
    settings = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET jit = off; "
    return psql(bench, url, settings + query)


def _beside(program: Sequence[str], pipe: Step) -> Step:
    """A program and a pipe at a time, which end together."""
    piped = " | ".join(map(shlex.join, pipe))
    return [["sh", "-c", f"{shlex.join(program)} >/dev/null & {piped} && wait $!"]]


def psql(bench: Bench, url: str, command: str) -> list[str]:
    """One psql with one command."""
    return [bench.program("psql"), "-qXd", url, "-v", "ON_ERROR_STOP=1", "-c", command]


def _empty(bench: Bench, table: str) -> None:
    execute(bench.target, table, f"TRUNCATE public.{table}", "CHECKPOINT")


def _expect_rows(bench: Bench, table: str, rows: int) -> None:
    found = execute(bench.target, table, f"SELECT pg_catalog.count(*) FROM public.{table}")
    if found != [(rows,)]:
        raise Failed(f"{found[0][0]} rows of {rows} are in public.{table}")


def drop(bench: Bench, database: str) -> None:
    """Drop a database on both servers."""
    for server in (bench.source, bench.target):
        execute(server, "postgres", f"DROP DATABASE {database} WITH (FORCE)")


def _shape(server: EphemeralServer, database: str) -> tuple[int, int, int, int]:
    """Tables, rows, indexes, foreign keys of a database."""
    tables = [
        name for (name,) in execute(server, database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]
    rows = sum(execute(server, database, f"SELECT pg_catalog.count(*) FROM public.{name}")[0][0] for name in tables)
    ((indexes,),) = execute(server, database, "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'")
    query = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"
    query += " AND connamespace = 'public'::regnamespace"
    ((keys,),) = execute(server, database, query)
    return len(tables), rows, indexes, keys


def _round_trips(bench: Bench, table: str) -> tuple[int, int]:
    """Count connections and round trips of a verified copy, both servers together."""
    _empty(bench, table)
    with counted(bench.source.port) as (source, first), counted(bench.target.port) as (target, second):
        passwords = bench.directory / "passwords"
        kept = passwords.read_text()
        passwords.write_text(
            f"127.0.0.1:{source}:*:*:{bench.source.password}\n127.0.0.1:{target}:*:*:{bench.target.password}\n"
        )
        try:
            ends = [f"postgresql://postgres@127.0.0.1:{port}/{table}" for port in (source, target)]
            bench.run([[bench.dbsync, "sync", *ends, "--yes", "--json", "--progress", "none"]])
        finally:
            passwords.write_text(kept)
        return first.connections + second.connections, first.trips + second.trips
