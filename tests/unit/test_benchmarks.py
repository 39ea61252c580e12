"""The benchmark's arithmetic and page; that the whole of it runs is tests/acceptance/test_benchmarks.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import stopwatch
from benchmarks.report import BEGIN, END, Race, Section, Target, markdown_table, page, write_into
from benchmarks.servers import Sample

RACE = Race(
    {
        "psql": [Sample(1.0, 0.5, 10, 1.0), Sample(4.0, 0.5, 30, 1.5), Sample(2.0, 0.5, 20, 2.5)],
        "dbsync": [Sample(2.0, 0.9, 40), Sample(2.0, 0.7, 41), Sample(3.0, 0.8, 39)],
    }
)


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    # 2, 0.5 and 1.5; the medians' ratio would be 1
    assert RACE.ratio("dbsync", "psql") == 1.5


def test_a_race_is_tabled_with_medians_the_fastest_the_peak_and_only_present_baselines(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert RACE.table("psql", "pgcopydb") == [
        ["engine", "wall s", "fastest", "client CPU s", "servers CPU s", "of all cores", "peak RSS MB", "x psql"],
        ["psql", "2.00", "1.00", "0.50", "1.50", "75 %", "30", "1.00"],
        ["dbsync", "2.00", "2.00", "0.80", "0.00", "18 %", "41", "1.50"],
    ]


def test_numbers_stand_to_the_right_in_a_table():
    assert markdown_table([["measure", "s", "peak"], ["60 tables", "-1.50", "1,000 MB"]]).splitlines() == [
        "| measure | s | peak |",
        "| --- | ---: | ---: |",
        "| 60 tables | -1.50 | 1,000 MB |",
    ]


@pytest.mark.parametrize(("value", "verdict"), [(0.9, "goal"), (1.0, "must"), (1.06, "**missed**")])
def test_a_miss_is_called_a_miss(value: float, verdict: str):
    assert Target("one table", value, 1.05, 0.90).verdict == verdict


def test_the_page_has_every_target_of_every_section_first():
    sections = [
        Section("One", "About one.", [["a"], ["1"]], [Target("m1", 1.234, 2, 1, " s")]),
        Section("Two", "About two.", [["a"], ["1"]], [Target("m2", 9, 2, 1)]),
    ]
    text = page(sections, setting="here")
    assert "| m1 | 1.23 s | <= 2 | <= 1 | must |\n| m2 | 9.00 | <= 2 | <= 1 | **missed** |\n" in text
    assert text.index("m2") < text.index("### One") < text.index("About one.") < text.index("### Two")


def test_the_result_replaces_what_stands_between_the_marks(tmp_path: Path):
    file = tmp_path / "performance.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(file, "new\n")
    assert file.read_text() == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    file.write_text("no marks\n")
    with pytest.raises(SystemExit):
        write_into(file, "new\n")


def _timed(tmp_path: Path, *steps: list[list[str]]) -> dict[str, Any]:
    job = {"steps": steps, "environment": {}, "directory": str(tmp_path), "errors": str(tmp_path / "errors")}
    command = [sys.executable, "-I", "-S", stopwatch.__file__]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_the_stopwatch_adds_up_a_pipe_and_stops_at_a_failing_step(tmp_path: Path):
    burn = [sys.executable, "-I", "-S", "-c", "x = bytes(1) * (40 << 20); print(sum(range(3_000_000)))"]
    read = [sys.executable, "-I", "-S", "-c", "import sys; sys.exit(0 if sys.stdin.read().strip() else 9)"]
    one = _timed(tmp_path, [burn, read])
    assert one["failed"] == ""
    assert 48 < one["rss_mb"] < 100  # both programs
    assert 0 < one["cpu"] <= 2 * one["wall"] + 0.1
    two = _timed(tmp_path, [["/bin/sh", "-c", "exit 3"]], [["/bin/sh", "-c", "touch went-on"]])
    assert two["failed"] == "sh ended with 3"
    assert not (tmp_path / "went-on").exists()
