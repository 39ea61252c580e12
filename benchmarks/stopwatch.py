"""Time programs: wall clock, processor time and peak memory from ``wait4``, children included.

Run as a program of its own (``python -I -S stopwatch.py``, a job as JSON on stdin): what a process used before it
became another program counts as that program's peak memory, so the one that starts them has to be small.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import IO


def run(steps: list[list[list[str]]], environment: dict[str, str], directory: str, errors: str) -> dict[str, object]:
    """Run steps one after another, the programs of a step joined by pipes; return what they used."""
    cpu, peak_kb, failed = 0.0, 0, ""
    with open(errors, "wb") as log:
        started = time.perf_counter()
        for step in steps:
            step_kb = 0
            for command, process in zip(step, start(step, environment, directory, log), strict=True):
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                cpu += usage.ru_utime + usage.ru_stime
                step_kb += usage.ru_maxrss  # the programs of a pipe may all be at their peaks at the same time
                if process.returncode != 0 and not failed:
                    failed = f"{os.path.basename(command[0])} ended with {process.returncode}"
            peak_kb = max(peak_kb, step_kb)
            if failed:
                break
        wall = time.perf_counter() - started
    return {"wall": wall, "cpu": cpu, "rss_mb": peak_kb / 1024, "failed": failed}


def start(
    step: list[list[str]], environment: dict[str, str], directory: str, log: IO[bytes]
) -> list[subprocess.Popen[bytes]]:
    """Start the programs of a pipe; the last one's output is thrown away."""
    processes: list[subprocess.Popen[bytes]] = []
    source: IO[bytes] | None = None
    for number, command in enumerate(step):
        sink = subprocess.DEVNULL if number == len(step) - 1 else subprocess.PIPE
        stdin = source or subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=stdin, stdout=sink, stderr=log, env=environment, cwd=directory)
        if source is not None:
            source.close()  # only the reader keeps it: the writer must notice when the reader ends
        processes.append(process)
        source = process.stdout
    return processes


if __name__ == "__main__":
    print(json.dumps(run(**json.load(sys.stdin))))
