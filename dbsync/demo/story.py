"""What the demo does, step by step, and what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dbsync.demo.places import Place
from dbsync.errors import DbsyncError

Tell = Callable[[str], None]

# Settings of the user's own must not steer the demo; where servers are kept is no such setting.
_STEERING = ("DBSYNC_", "PG")
_PLACES = ("DBSYNC_LOCAL_DIR", "DBSYNC_PG_BINDIR")

# Behind the back of every trigger and key, as a disk or a careless hand would do it.
_CORRUPT = (
    "SET session_replication_role = replica; "
    "UPDATE shop.order_items SET price = price + 0.01 WHERE order_id = 7 AND line = 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTable:
    """One table or view at the end: its rows, and whether psql found it alike on both sides."""

    name: str
    kind: str
    rows: int
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """The end of the story."""

    tables: tuple[DemoTable, ...]
    sequences: int
    sequences_behind: tuple[str, ...]
    rows_copied: int
    bytes_copied: int
    elapsed_s: float

    @property
    def differing(self) -> list[str]:
        """What is not alike."""
        return [table.name for table in self.tables if not table.same] + list(self.sequences_behind)

    def to_dict(self) -> dict[str, Any]:
        """Return the ``result`` of the JSON document."""
        return {
            "same": not self.differing,
            "differing": self.differing,
            "rows_copied": self.rows_copied,
            "bytes_copied": self.bytes_copied,
            "sequences": self.sequences,
            "tables": [
                {"table": table.name, "kind": table.kind, "rows": table.rows, "same": table.same}
                for table in self.tables
            ],
        }


def tell(source: Place, target: Place, *, rows: int, corrupt: bool, say: Tell) -> DemoReport:
    """Seed, test, look, sync, and check it all again without dbsync."""
    started = time.monotonic()
    commands = _Commands(source, target, say)
    source.run("shop_schema.sql")
    source.run("shop_rows.sql", rows=rows)
    target.run("shop_schema.sql")
    say(f"the source holds a shop, the target the same tables, empty ({time.monotonic() - started:.1f} s)")
    commands.test()
    commands.schema()
    totals = commands.sync()
    if corrupt:
        target.execute(_CORRUPT)
        say("one price on the target is now wrong by a cent, behind every trigger's back")
    say("$ psql, on both sides: count and hash all rows in C order")
    tables, sequences, behind = compare(source.run("shop_digest.sql"), target.run("shop_digest.sql"))
    return DemoReport(
        tables=tables,
        sequences=sequences,
        sequences_behind=behind,
        rows_copied=totals["rows_inserted"],
        bytes_copied=totals["bytes_copied"],
        elapsed_s=time.monotonic() - started,
    )


def compare(mine: list[list[str]], theirs: list[list[str]]) -> tuple[tuple[DemoTable, ...], int, tuple[str, ...]]:
    """Judge the two digests: tables by name, the number of sequences, and those that are behind."""
    found = {(kind, name): (first, second) for kind, name, first, second in theirs}
    tables = []
    behind = []
    sequences = 0
    for kind, name, first, second in mine:
        same = found.get((kind, name)) == (first, second)
        if kind != "sequence":
            tables.append(DemoTable(name=name, kind=kind, rows=int(first), same=same))
            continue
        sequences += 1
        if not same and _next(found.get((kind, name))) < _next((first, second)):
            behind.append(name)
    return tuple(tables), sequences, tuple(behind)


def _next(state: tuple[str, str] | None) -> int:
    """What a rising sequence would give next, near enough to compare two states of one sequence."""
    return -1 if state is None else int(state[0]) + (state[1] == "t")


class _Commands:
    """Runs dbsync as a user would, and says what it did in a line or two."""

    def __init__(self, source: Place, target: Place, say: Tell) -> None:
        self._source, self._target, self._say = source, target, say
        kept = {name: value for name, value in os.environ.items() if name in _PLACES or not name.startswith(_STEERING)}
        self._environment = kept | dict(source.variables) | dict(target.variables)

    def test(self) -> None:
        """``dbsync test``: can both be reached, is everything allowed."""
        result = self._run("test", self._source.name, self._target.name)
        for database in result["databases"]:
            checks = len(database["checks"])
            self._say(f"  {database['name']}: Postgres {database['server_version']}, {checks} checks passed")

    def schema(self) -> None:
        """``dbsync schema``: the same structure on both sides."""
        prints = [self._run("schema", place.name, "--fingerprint") for place in (self._source, self._target)]
        mine, theirs = (result["fingerprint"] for result in prints)
        if mine != theirs:
            raise DbsyncError("the two sides of the demo were made alike but do not look alike", code="DEMO_SCHEMA")
        self._say(f"  the structures are alike: fingerprint {mine[:24]}")

    def sync(self) -> Mapping[str, int]:
        """``dbsync sync``: the work itself; return its totals."""
        started = time.monotonic()
        result = self._run("sync", self._source.name, self._target.name, "--yes")
        totals: dict[str, int] = result["totals"]
        rate = totals["bytes_copied"] / max(time.monotonic() - started, 0.001) / 1e6
        verified = sum(table["verified"] for table in result["tables"])
        self._say(
            f"  {totals['rows_inserted']:,} rows, {totals['bytes_copied'] / 1e6:.1f} MB at {rate:.0f} MB/s, "
            f"{verified} of {len(result['tables'])} tables verified against one snapshot"
        )
        return totals

    def _run(self, *words: str) -> dict[str, Any]:
        self._say(f"$ dbsync {' '.join(words)}")
        command = [sys.executable, "-m", "dbsync", *words, "--json", "--no-input"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        try:
            document = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise DbsyncError(f"dbsync {words[0]} gave no JSON: {done.stderr.strip()}", code="DEMO_COMMAND") from None
        if not document["ok"]:
            error = document["error"] or {"message": "it says that not all is well", "hint": None}
            raise DbsyncError(f"dbsync {words[0]}: {error['message']}", hint=error["hint"], code="DEMO_COMMAND")
        result: dict[str, Any] = document["result"]
        return result
