"""``python -m benchmarks`` runs from end to end: two small cases, one round."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_the_benchmark_runs_and_compares_with_psql():
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "--rows-scale",
        "0.001",
        "--rounds",
        "1",
        "--only",
        "startup",
        "pairs",
        "resync",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[2], env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any("Only 0.001 of the rows" in line for line in lines)
    head = next(line for line in lines if line.startswith("| engine") and "psql text" in line)
    assert "| x psql text | x psql binary | x psql binary, ANALYZE, Python's start |" in head
    engines = [line.split(" | ")[0] for line in lines[lines.index(head) :]]
    assert {"| psql text", "| psql binary", "| dbsync", "| dbsync, verified"} <= set(engines)
    assert any(line.startswith("| `dbsync --version`") for line in lines)
