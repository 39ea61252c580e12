"""What a run's events add up to, and when a pipe gets a line."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dbsync.cli.journal import Journal
from dbsync.cli.options import GlobalOptions
from dbsync.cli.progress import Lines, Progress
from dbsync.cli.progress_statements import StatementLines
from dbsync.cli.redaction import Redactor
from dbsync.cli.tally import finished_line, rows_of
from dbsync.cli.terminal import Terminal
from dbsync.events import (
    Event,
    Notice,
    PlanReady,
    RunFinished,
    StatementState,
    TableFinished,
    TablePhase,
    TableProgress,
    TableStarted,
)
from dbsync.model import TableName
from dbsync.tally import Tally

A, B = TableName("public", "a"), TableName("public", "Odd\x1b")


def plan(rows: int = 1000, tables: int = 2) -> PlanReady:
    return PlanReady(run_id="r", tables=tables, rows=rows, bytes=100_000)


def finished(table: TableName, state: str = "done", rows: int = 500) -> TableFinished:
    return TableFinished(table=table, state=state, rows=rows, bytes=rows * 10, elapsed_s=1.0, verified=state == "done")


def fold(*events: tuple[float, Event]) -> Tally:
    tally = Tally()
    for now, event in events:
        tally.add(event, now)
    return tally


def test_rows_bytes_rate_and_time_left():
    tally = fold(
        (0, plan()), (0, TableStarted(table=A, rows=500, bytes=5000)), (1, TableProgress(table=A, rows=100, bytes=1000)),
        (2, TableProgress(table=A, rows=100, bytes=1000)),
    )  # fmt: skip
    assert (tally.rows, tally.bytes, tally.share, tally.tables[A].share) == (200, 2000, 0.2, 0.4)
    assert tally.bytes_per_second() == 1000
    assert tally.seconds_left() == 8


def test_a_table_that_begins_anew_is_counted_anew():
    tally = fold(
        (0, plan()), (0, TableStarted(table=A, rows=500, bytes=1)), (1, TableProgress(table=A, rows=400, bytes=1)),
        (2, TableStarted(table=A, rows=500, bytes=1)), (3, TableProgress(table=A, rows=10, bytes=1)),
    )  # fmt: skip
    assert tally.rows == 10


def test_an_estimate_never_says_done_and_nothing_known_is_no_division():
    tally = fold(
        (0, plan(rows=10)), (0, TableStarted(table=A, rows=-1, bytes=-1)), (1, TableProgress(table=A, rows=99, bytes=9))
    )
    assert tally.share == 0.99
    assert tally.tables[A].share == 0.0
    assert tally.seconds_left() is None
    done = fold((0, plan(tables=1)), (1, finished(A)))
    assert done.share == 1.0


def test_lines_come_with_each_tenth_and_with_each_failure():
    written: list[str] = []
    lines = Lines(written.append, clock=lambda: 0.0)
    lines(plan())
    lines(TableStarted(table=A, rows=1000, bytes=1))
    for _ in range(100):
        lines(TableProgress(table=A, rows=10, bytes=10))
    assert 9 <= len(written) <= 11
    lines(finished(B, "failed"))
    assert written[-1].startswith('public."Odd')
    assert "failed" in written[-1]
    lines(RunFinished(run_id="r", state="failed"))
    assert not any("\n" in line or "\r" in line for line in written)


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_a_run_that_did_not_succeed_never_says_all_nor_a_time_left(state):
    written: list[str] = []
    clock = iter(range(1000))
    lines = Lines(written.append, clock=lambda: float(next(clock)))
    lines(plan(tables=2))
    for table in (A, B):
        lines(TableStarted(table=table, rows=500, bytes=5000))
        for _ in range(4):
            lines(TableProgress(table=table, rows=100, bytes=1000))
    before = len(written)
    lines(finished(A, rows=100))
    lines(finished(B, state))
    lines(RunFinished(run_id="r", state="failed"))
    assert not any("100 %" in line for line in written)
    assert not any("left" in line for line in written[before:])
    tally = fold((0, plan()), (1, finished(A)), (2, TableProgress(table=B, rows=100, bytes=1)), (3, finished(B, state)))
    assert (tally.share, tally.tables[B].share, tally.seconds_left()) == (0.6, 0.0, None)


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_all_is_said_when_the_run_has_succeeded(state):
    """What comes after the last table may fail yet."""
    written: list[str] = []
    lines = Lines(written.append, clock=lambda: 0.0)
    for event in (plan(rows=50_000), finished(A), finished(B)):
        lines(event)
    lines._tell()  # an index of a view takes long
    lines(RunFinished(run_id="r", state=state))
    assert [line.split("  ")[0] for line in written] == [" 99 %", "100 %"][: 1 + (state == "succeeded")], written
    assert not any("left" in line for line in written)


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_a_bar_of_a_run_that_failed_ends_without_a_share(state):
    stream = io.StringIO()
    with _progress(GlobalOptions(progress="tqdm"), stream) as progress:
        for event in (plan(rows=500, tables=1), TableProgress(table=A, rows=500, bytes=1)):
            progress.emit(event)
        progress.emit(finished(A, "done" if state == "succeeded" else "failed"))
        progress.emit(RunFinished(run_id="r", state=state))
        progress.close()
    last = stream.getvalue().splitlines()[-1]
    assert ("%" in last, "<" in last) == ((True, True) if state == "succeeded" else (False, False)), last


def test_lines_come_also_while_nothing_happens():
    written: list[str] = []
    lines = Lines(written.append, every=0.2)
    lines(plan())
    lines(TablePhase(table=A, phase="index"))
    deadline = time.monotonic() + 10
    while len(written) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    lines.close()
    assert len(written) >= 2
    assert "public.a index" in written[0]


def test_rows_are_shown_in_one_unit():
    assert rows_of(8_200_000, 11_500_000) == "8.2/11.5 M rows"
    assert rows_of(5, 0) == "5 rows"
    assert rows_of(380, 350) == "380 rows"
    assert rows_of(12_000, 0) == "12.0 k rows"


@contextmanager
def _progress(options: GlobalOptions, stream: io.StringIO) -> Iterator[Progress]:
    journal = Journal(options, Terminal(stream), Redactor())
    try:
        yield Progress(options, journal)
    finally:
        journal.close()


def test_json_lines_are_raw_events_of_any_thread():
    stream = io.StringIO()
    with _progress(GlobalOptions(progress="jsonl"), stream) as progress:

        def tell() -> None:
            for _ in range(50):
                progress.emit(finished(B))

        threads = [threading.Thread(target=tell) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(events) == 200
    assert events[0]["event"] == "table_finished"
    assert events[0]["table"] == 'public."Odd\x1b"'


def test_notices_are_told_and_the_log_file_gets_every_table(tmp_path):
    log, stream = tmp_path / "log", io.StringIO()
    with _progress(GlobalOptions(quiet=True, log_file=log), stream) as progress:
        progress.emit(plan())
        progress.emit(Notice(message="look", table=A))
        progress.emit(finished(A))
        progress.close()
    assert stream.getvalue() == ""
    assert "public.a: look" in log.read_text()
    assert "public.a  done  500 rows  4.9 kB  verified" in log.read_text()


@pytest.mark.parametrize("choice", ["rich", "tqdm", "line", "jsonl"])
def test_a_display_that_nobody_sees_stops_nothing(choice):
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("gone")

        def isatty(self) -> bool:
            return True

    with _progress(GlobalOptions(progress=choice), Broken()) as progress:
        for event in (
            plan(),
            TableStarted(table=B, rows=5, bytes=5),
            TableProgress(table=B, rows=5, bytes=5),
            finished(B),
        ):
            progress.emit(event)
        progress.emit(RunFinished(run_id="r", state="done"))
        progress.close()


def test_a_finished_table_in_one_line():
    table = fold((0, finished(A))).tables[A]
    assert finished_line(table) == "public.a  done  500 rows  4.9 kB  verified"


def statement(number: int, state: str, total: int = 40) -> StatementState:
    return StatementState(number=number, total=total, sql="ALTER\n  TABLE t " + "x" * 200, state=state)


def test_statements_are_told_by_tenths_and_when_they_wait_or_take_long():
    written: list[str] = []
    lines = StatementLines(written.append, every=0.2)
    for number in range(1, 41):
        lines(statement(number, "running"))
        lines(statement(number, "done"))
    assert written == [f"statement {number} of 40 done" for number in range(4, 40, 4)]
    written.clear()
    lines(statement(7, "retry"))
    assert written[0].startswith("statement 7 of 40 could not have its locks and is tried again: ALTER TABLE t xxx")
    assert len(written[0]) < 180
    lines(statement(7, "running"))
    deadline = time.monotonic() + 10
    while len(written) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    lines.close()
    assert [line.startswith("statement 7 of 40 runs for 0 s: ALTER TABLE") for line in written[1:]] == [True, True]
