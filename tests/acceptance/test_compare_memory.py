"""A comparison's memory stays flat, whatever the rows are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.fixtures.command import Command
from tests.fixtures.pair import Pair, run_sql

_RSS = """
import resource, subprocess, sys
code = subprocess.run([sys.executable, "-m", "dbsync", *sys.argv[1:]], stdout=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_memory_stays_flat_however_many_rows_differ(pairs, dbsync: Command):
    schema = "CREATE TABLE few (id int PRIMARY KEY, v text); CREATE TABLE many (id int PRIMARY KEY, v text);"
    mine = "INSERT INTO few SELECT i, 'a' FROM generate_series(1, 1000) AS i; INSERT INTO many SELECT i, 'a' FROM generate_series(1, 150000) AS i;"
    pair = pairs(schema, mine, mine.replace("'a'", "'b'"))
    few, many = (
        _memory("diff", pair.source, pair.target, "--what", "data", "--tables", table) for table in ("few", "many")
    )
    assert (few[0], many[0]) == (1, 1)
    assert many[1] - few[1] < 25_000


def test_memory_stays_flat_however_many_rows_without_a_key_are_equal(pairs, dbsync: Command):
    """They hash alike, so no segment and no group tells one from another."""
    schema = "CREATE TABLE few (v text); CREATE TABLE many (v text); INSERT INTO few VALUES ('a'), ('a');"
    fill = "INSERT INTO many SELECT 'a' FROM generate_series(1, 400000); INSERT INTO many SELECT 'a' || i FROM generate_series(1, 50) AS i;"
    pair = pairs(schema + fill, "INSERT INTO few VALUES ('a'), ('b')", "INSERT INTO few VALUES ('c')")
    run_sql(pair.source, "INSERT INTO many VALUES ('a'), ('a'), ('a7'), ('b')")
    run_sql(pair.target, "INSERT INTO many VALUES ('a8'), ('c')")
    ends = (pair.source, pair.target)
    commands: tuple[tuple[str, ...], ...] = (
        ("diff", *ends, "--what", "data"),
        ("validate", *ends, "--level", "full"),
        ("sync", *ends, "--delete", "--yes"),
    )
    for command in commands:
        few, many = (_memory(*command, "--tables", table) for table in ("few", "many"))
        assert few[0] == many[0] == (0 if command[0] == "sync" else 1)
        assert many[1] - few[1] < 12_000, command
        if command[0] == "diff":
            found = _counts(pair, dbsync)
            assert found == {"public.few": (4, 3, 2, 1, None), "public.many": (400054, 400052, 4, 2, None)}
    assert _counts(pair, dbsync) == {
        "public.few": (4, 4, 0, 0, None), "public.many": (400054, 400054, 0, 0, None),
    }  # fmt: skip


def _memory(*args: str) -> tuple[int, int]:
    """A command's exit code, and the kilobytes that it held at most."""
    done = subprocess.run(
        [sys.executable, "-c", _RSS, *args, "--progress", "none"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    code, kilobytes = done.stdout.split()
    return int(code), int(kilobytes)


def _counts(pair: Pair, dbsync: Command) -> dict[str, tuple[object, ...]]:
    found = dbsync.run("diff", pair.source, pair.target, "--what", "data", "--json").tables()
    names = ("source_rows", "target_rows", "only_in_source", "only_in_target", "different")
    return {table: tuple(told[name] for name in names) for table, told in found.items()}
