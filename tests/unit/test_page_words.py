"""What the page prints: numbers and times for people, nothing hidden in the text of a database, and a chart's points."""

from __future__ import annotations

import pytest

from dbsync.server.faults import Fault
from dbsync.server.page import words
from dbsync.server.page.chart import HEIGHT, WIDTH, chart_of
from dbsync.server.page.rendering import rendered

HIDING = {
    "a\u202eb": "a\\u202eb",
    "\x1b[31mred": "\\x1b[31mred",
    "zero\u200bwidth": "zero\\u200bwidth",
    "\u2066x\u2069": "\\u2066x\\u2069",
    "bell\x07": "bell\\x07",
    "two\nlines\tand a tab": "two\nlines\tand a tab",
    "cr\r": "cr\\x0d",
    "\U000e0041": "\\U000e0041",
    "Grüße, 東京, 🐘": "Grüße, 東京, 🐘",
}


@pytest.mark.parametrize(("text", "seen"), HIDING.items())
def test_nothing_hides_in_a_text(text: str, seen: str) -> None:
    assert words.visible(text) == seen


@pytest.mark.parametrize("text", ["plain", 'with "quotes"', "a\u202eb\r\n\0", "\ud800 <b>"])
def test_a_form_brings_back_the_very_text(text: str) -> None:
    assert words.as_json(text).isascii()
    assert words.from_json(words.as_json(text)) == text


@pytest.mark.parametrize("text", ["", "x", "1", "[1]", '{"a": 1}', "null"])
def test_what_no_form_wrote_is_refused(text: str) -> None:
    with pytest.raises(Fault):
        words.from_json(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert words.seconds(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "–"),
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 kB"),
        (4.2 * 1024**2, "4.2 MB"),
        (3 * 1024**4, "3.0 TB"),
    ],
)
def test_sizes(size: float | None, text: str) -> None:
    assert words.size(size) == text


def test_counts_have_their_plural() -> None:
    assert words.count(1, "table") == "1 table"
    assert words.count(1200, "row") == "1,200 rows"
    assert words.number(None) == "–"


def test_a_template_escapes_what_it_prints_and_shows_what_hides() -> None:
    line = {"number": 1, "at": 0.0, "level": "error", "message": "<script>\u202e&\"'"}
    assert "&lt;script&gt;\\u202e&amp;&#34;&#39;" in rendered("log_line.html", line=line)


class TestChart:
    def test_two_attempts_stand_beside_each_other_without_the_wait_between(self) -> None:
        progress = [(0.0, 1, 0), (10.0, 1, 50), (1000.0, 2, 0), (1010.0, 2, 100)]
        chart = chart_of(progress)
        assert chart is not None
        assert chart.lines == (
            f"0.0,{HEIGHT:.1f} {WIDTH / 2:.1f},{HEIGHT / 2:.1f}",
            f"{WIDTH / 2:.1f},{HEIGHT:.1f} {WIDTH:.1f},0.0",
        )
        assert (chart.seconds, chart.rows, chart.attempts) == (20.0, 100, 2)

    @pytest.mark.parametrize("progress", [[], [(0.0, 1, 5)], [(0.0, 1, 0), (5.0, 1, 0)], [(3.0, 1, 1), (3.0, 1, 2)]])
    def test_where_nothing_moved_nothing_is_drawn(self, progress: list[tuple[float, int, int]]) -> None:
        assert chart_of(progress) is None

    def test_a_long_job_is_thinned_and_keeps_its_end(self) -> None:
        chart = chart_of([(float(number), 1, number) for number in range(5000)])
        assert chart is not None
        points = chart.lines[0].split()
        assert len(points) <= 301
        assert points[0] == f"0.0,{HEIGHT:.1f}"
        assert points[-1] == f"{WIDTH:.1f},0.0"
