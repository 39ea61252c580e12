"""Reads kept trials and writes docs/explanation/reliability.md: every zero with its N beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.faults.campaign.run import Record


def read(results: Path) -> list[Record]:
    """The trials that were kept."""
    if not results.exists():
        return []
    return [Record(**line) for line in _lines(results) if "bug" not in line]


def keep_planted(results: Path, bug: str, caught: bool, commit: str, seconds: float) -> None:
    """Keep what became of a planted bug."""
    line = {"bug": bug, "caught": caught, "commit": commit, "seconds": round(seconds, 1)}
    results.parent.mkdir(parents=True, exist_ok=True)
    with open(results, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _lines(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


def write(out: Path, records: list[Record]) -> None:
    """Write the page."""
    raise NotImplementedError
