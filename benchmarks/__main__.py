"""``python -m benchmarks``: run the cases, print the result as Markdown, with --write also into the docs."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import cases, report, resync, schemas, serving
from benchmarks.cases import Setup
from benchmarks.servers import Failed, bench_servers

CASES = {**cases.CASES, **resync.CASES, **schemas.CASES, **serving.CASES}
PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "performance.md"


def main() -> int:
    """Run what the arguments ask for."""
    options = _arguments()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:5.0f} s] {text}", file=sys.stderr, flush=True)

    try:
        with bench_servers(options.major) as bench:
            setting = f"{report.machine()}; two PostgreSQL {bench.version} on it, loopback TCP."
            if options.rows_scale != 1:
                setting += f" **Only {options.rows_scale:g} of the rows: not the real benchmark.**"
            setup = Setup(bench, options.rounds, options.rows_scale, say)
            sections = []
            for name in options.only or CASES:
                say(name)
                sections.append(CASES[name](setup))
                text = report.page(sections, setting=setting)
                if options.write:  # after each case, so that an interrupted run is not lost
                    report.write_into(PAGE, text)
    except Failed as failure:
        say(f"FAILED: {failure}")
        return 1
    print(text, end="")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each engine runs (default 5)")
    parser.add_argument("--rows-scale", type=float, default=1.0, help="a part of the rows, such as 0.1")
    parser.add_argument("--only", nargs="+", choices=CASES, help="only these cases")
    parser.add_argument("--major", type=int, help="the servers' major version (default: 15 if there, for pgcopydb)")
    parser.add_argument("--write", action="store_true", help=f"also write into {PAGE.parent.name}/{PAGE.name}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
