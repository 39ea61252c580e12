"""A run's figures in lines of text. Pure."""

from __future__ import annotations

from dbsync.cli.tables import humane_count, humane_size, humane_time
from dbsync.tally import TableTally, Tally


def run_line(tally: Tally, *, succeeded: bool = False) -> str:
    """The run in one line: ``42 %  12/60 tables  8.2/11.5 M rows  96.0 MB/s  0:00:14 left``.

    Only one that has ``succeeded`` says 100 %: sequences and views come after the last table.
    """
    left, rate = tally.seconds_left(), tally.bytes_per_second()
    parts = [
        f"{min(int(tally.share * 100), 100 if succeeded else 99):3d} %",
        f"{tally.finished}/{tally.expected_tables} tables",
        rows_of(tally.rows, tally.expected),
        humane_size(tally.bytes) + (f" at {humane_size(rate)}/s" if rate > 0 else ""),
        f"{humane_time(left)} left" if left is not None else "",
        ", ".join(f"{table.name} {table.phase}" for table in tally.active[:3]),
    ]
    return "  ".join(part for part in parts if part)


def finished_line(table: TableTally) -> str:
    """A finished table in one line: ``customers  done  1,204,551 rows  verified``."""
    proof = "verified" if table.verified else ""
    facts = (str(table.name), table.state, f"{humane_count(table.rows)} rows", humane_size(table.bytes), proof)
    return "  ".join(fact for fact in facts if fact)


def rows_of(rows: int, expected: int) -> str:
    """``8.2/11.5 M rows``: both numbers in the unit that suits the greater one; an estimate that was passed is none."""
    expected = expected if expected >= rows else 0
    greater = max(rows, expected)
    for size, unit in ((10**9, " G"), (10**6, " M"), (10**4, " k")):
        if greater >= size:
            divisor = 1000 if unit == " k" else size
            known = f"/{expected / divisor:.1f}" if expected else ""
            return f"{rows / divisor:.1f}{known}{unit} rows"
    return f"{rows}/{expected} rows" if expected else f"{rows} rows"
