"""Reads kept trials and writes docs/explanation/reliability.md: every zero with its N beside it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.faults.campaign.run import Record


def read(results: Path) -> list[Record]:
    """The trials that were kept."""
    if not results.exists():
        return []
    return [Record(**json.loads(line)) for line in results.read_text(encoding="utf-8").splitlines()]


def write(out: Path, records: list[Record]) -> None:
    """Write the page."""
    raise NotImplementedError
