"""PURE: an outcome as a short Markdown text, which also reads well as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dbsync.outcome.facts import Outcome, timestamp
from dbsync.quantities import duration_text

_MOST_TABLES = 50
_MARKED = {"succeeded": "done", "failed": "FAILED", "stopped": "STOPPED", "skipped": "skipped"}
_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|#"} | {"\n": " ", "\r": " "})


def summary_text(outcome: Outcome) -> str:
    """Return the summary: a verdict, the sums, the tables that wrote or failed first."""
    return "".join(_lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    planned = outcome.result.get("state") == "planned"
    verdict = "planned" if planned and not outcome.exit_code else _MARKED[outcome.state]
    yield f"### dbsync {_plain(outcome.title)}: {verdict}\n\n"
    if outcome.error is not None:
        yield f"**{outcome.error['code']}** (exit {outcome.exit_code}): {_plain(outcome.error['message'])}\n\n"
        if outcome.error.get("hint"):
            yield f"Hint: {_plain(outcome.error['hint'])}\n\n"
    run_id = outcome.result.get("run_id")
    took = duration_text(round(outcome.elapsed_s, 1)) if outcome.elapsed_s >= 1 else f"{outcome.elapsed_s:.1f}s"
    yield f"{timestamp(outcome.started_at)}, {took}" + (f", run {run_id}" if run_id else "") + "\n"
    if outcome.tables and not planned:
        yield from _tables(outcome)


def _tables(outcome: Outcome) -> Iterator[str]:
    sums = (outcome.total(f"rows_{name}") for name in ("inserted", "updated", "deleted"))
    yield "\n{:,} inserted, {:,} updated, {:,} deleted".format(*sums)
    yield ", verified\n" if outcome.result.get("verified") else "\n"
    yield "\n| table | state | inserted | updated | deleted |\n|---|---|---:|---:|---:|\n"
    tables = sorted(outcome.tables, key=lambda table: (table["state"] == "done", -_written(table)))
    for table in tables[:_MOST_TABLES]:
        cells = (f"{table[f'rows_{name}']:,}" for name in ("inserted", "updated", "deleted"))
        yield f"| {_plain(table['table'])} | {table['state']} | {' | '.join(cells)} |\n"
    if tables[_MOST_TABLES:]:
        yield f"\nand {len(tables) - _MOST_TABLES:,} more tables\n"


def _written(table: Mapping[str, Any]) -> int:
    return sum(int(table[f"rows_{name}"]) for name in ("inserted", "updated", "deleted"))


def _plain(text: object) -> str:
    """Text that Markdown shows as it is; names of tables come from a database."""
    return str(text).translate(_SPECIAL)
