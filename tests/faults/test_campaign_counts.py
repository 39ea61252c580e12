"""What the fault campaign counts and tells: no zero of what was not tried, no bug caught by a crash. No server needed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.campaign import draw, planted, report
from tests.faults.campaign.__main__ import append
from tests.faults.campaign.copies import Copies
from tests.faults.campaign.planted import Bug
from tests.faults.campaign.run import Record
from tests.faults.proxy import Message

KILL = Record(
    name="kills:fill:1",
    at=3,
    suite="kills",
    mode="fill",
    kind="kill -9",
    what="kill -9 on the target side at 0.5000 of all",
    struck=True,
    exit_code=-9,
    outcome="before",
    repaired=True,
    wrong=[],
    seconds=1.0,
    tried=["I1", "I2", "I3", "I5", "I9"],
    commit="one",
)
SIGTERM = replace(KILL, kind="SIGTERM", exit_code=143, tried=["I1", "I2", "I3", "I4", "I7", "I8a"])


def page(tmp_path: Path, *records: Record) -> str:
    results, out = tmp_path / "results.jsonl", tmp_path / "page.md"
    results.unlink(missing_ok=True)
    for record in records:
        append(results, record)
    report.write(out, results)
    return out.read_text(encoding="utf-8")


def test_a_trial_counts_for_what_it_tried_only(tmp_path: Path) -> None:
    text = page(tmp_path, *[KILL] * 30, *[SIGTERM] * 10)
    cells = {line.split(" | ")[0].strip("| "): line.split(" | ")[2:] for line in text.splitlines() if "| I" in line}
    assert cells["I1"] == ["40", "0", "7.50 % |"]
    assert cells["I7"] == cells["I8a"] == ["10", "0", "30.00 % |"]
    assert cells["I6"] == cells["I8b"] == ["0", "0", " |"]


def test_a_campaign_is_full_with_every_suite_and_of_one_code(tmp_path: Path) -> None:
    records = [replace(KILL, suite=suite) for suite in ("kills", "network", "servers", "disk") for _ in range(500)]
    points = [
        replace(KILL, suite="failpoints", kind=name, what=f"{name}@2={action}")
        for name, action in draw.failpoint_actions()
    ]
    assert "\nA full campaign: " in page(tmp_path, *records, *points)
    assert "**A part of a full campaign**" in page(tmp_path, *records, *points[1:])
    assert "**A part of a full campaign**" in page(tmp_path, *[one for one in records if one.suite != "disk"], *points)
    assert "campaign**, of 2 codes together" in page(tmp_path, *records, *points, replace(KILL, commit="two"))


@pytest.mark.parametrize("left_out", ["tried", "digest"])
def test_results_of_an_earlier_form_are_refused(tmp_path: Path, left_out: str) -> None:
    results = tmp_path / "results.jsonl"
    report.keep_planted(results, report.Planted("a bug", True, "I1", "one", "1234", 1.0))
    append(results, KILL)
    assert (len(report.read(results)), len(report.read_planted(results))) == (1, 1)
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line.pop(left_out, None)
    results.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with pytest.raises(SystemExit, match="an earlier form of the campaign"):
        report.read(results)


def test_a_planted_bug_is_caught_by_what_it_breaks_and_not_by_a_crash() -> None:
    bug = Bug("a bug", (), planted.PLAIN, "I3:")
    assert planted.catch(bug, ["I1: neither old nor new", "I3: a session"]) == "I3: a session"
    assert not planted.catch(bug, ["I1: neither old nor new"])
    assert not planted.catch(bug, ["I7: exit code 70\nexit 70 after 1.0 s", "I3: a session"])
    assert not planted.catch(bug, ["I7: a traceback", "I3: a session"])
    assert not planted.catch(bug, ["not run: it failed"])
    tested = Bug("another", (), "tests/test_it.py::test_it")
    assert planted.catch(tested, ["a failing assertion: assert 1 == 2"])
    assert not planted.catch(tested, ["failure: psycopg.OperationalError"])
    assert not planted.catch(tested, ["error: a fixture failed"])
    assert not planted.catch(tested, ["a failing assertion: exit 70 after 1.0 s"])
    assert planted.digest(bug) != planted.digest(replace(bug, breaks="I1:"))


_TESTS = """
import time, pytest
def test_well(): assert 1 == 1
def test_asserts(): assert 1 == 2
def test_raises_nothing():
    with pytest.raises(OSError): pass
def test_breaks(): raise ValueError("x")
def test_needs(nothing): pass
@pytest.mark.timeout(0.2)
def test_hangs(): time.sleep(5)
"""


def test_a_failing_assertion_is_told_from_an_error(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(_TESTS)
    said = [one.partition("\n")[0] for one in planted.told_by_test(str(file), tmp_path)]
    expected = [
        "a failing assertion: assert 1 == 2",
        "a failing assertion: Failed: DID NOT RAISE",
        "failure: ValueError",
    ]
    assert [one[: len(start)] for one, start in zip(said, expected, strict=False)] == expected
    assert [one.partition(" ")[0] for one in said[3:]] == ["error:", "failure:"]
    file.write_text("import nothing_of_the_kind")
    assert not any(one.startswith("a failing") for one in planted.told_by_test(str(file), tmp_path))


def test_rows_are_counted_for_the_table_that_they_are_for() -> None:
    copies = Copies()
    orders = [
        (1, b"Q", b'CREATE UNLOGGED TABLE "dbsync"."stage_a_0" WITH (x = off) AS SELECT "a" FROM ONLY "public"."t" WITH NO DATA'),
        (2, b"P", b'\0CREATE TEMPORARY TABLE "pg_temp"."c_0" ON COMMIT DROP AS SELECT "a" FROM "public"."u" WITH NO DATA\0'),
        (3, b"Q", b'COPY "dbsync"."stage_a_0" ("a") FROM STDIN (FORMAT text)\0'),
        (2, b"Q", b'COPY "pg_temp"."c_0" ("a") FROM STDIN (FORMAT text)\0'),
        (4, b"Q", b'COPY "pg_temp"."c_0" ("a") FROM STDIN (FORMAT text)\0'),  # a table of another session
        (5, b"Q", b'COPY "public"."v" FROM STDIN (FORMAT binary)\0'),
        (6, b"Q", b'COPY "public"."w" ("a") TO STDOUT (FORMAT text)\0'),
    ]  # fmt: skip
    for link, kind, order in orders:
        copies.see(Message(link, "client", 0, kind, 0, order[:64], order))
        copies.see(Message(link, "client", 0, b"d", 4 + link, b""))
    assert copies.bytes == {"public.t": 3, "public.u": 2, "?pg_temp.c_0": 4, "public.v": 5}
