"""Text made harmless, tables, CSV, secrets masked: what stands between a database and a terminal."""

from __future__ import annotations

import base64
import csv
import io
import json
import sys
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbsync.cli.output import json_text
from dbsync.cli.redaction import Redactor
from dbsync.cli.tables import csv_lines, humane_size, humane_time, markdown_table, text_table
from dbsync.cli.terminal import Terminal, escape, wants_color

CANARY = "p@ss/w:rd%"


@given(st.text())
def test_escaped_text_holds_nothing_that_steers_a_terminal(text):
    shown = escape(text)
    assert shown.isprintable() or not any(ord(character) < 32 or ord(character) == 127 for character in shown)
    for dangerous in "\x1b\x07\r\n\x9b\u202e\u2066\u200f\u2028\ufeff":
        assert dangerous not in shown


@given(st.text(st.characters()))
def test_json_text_is_the_same_value_and_steers_no_terminal_either(text):
    shown = json_text({"value": text})
    assert json.loads(shown) == {"value": text}
    assert escape(shown, keep="\n") == shown


def test_ordinary_text_of_any_language_is_left_alone():
    for text in ("plain", "Grüße", "表", "naïve café", "🙂", 'a "b" \\c'):
        assert escape(text) == text
    assert escape("a\tb\x1b[2J\u202ec") == "a\\tb\\x1b[2J\\u202ec"


def test_tables_align_wide_and_combining_characters():
    lines = list(text_table(["name", "n"], [["表", "1"], ["e\u0301", "22"], ["abc", None]], right=[1]))
    assert lines[2:] == ["表     1\n", "e\u0301     22\n", "abc\n"]


def test_tables_cut_long_cells_and_escape_before_they_measure():
    assert list(text_table(["a"], [["x" * 200]], widest=10))[2] == "x" * 9 + "…\n"
    assert list(text_table(["a\x1b"], [["\r"]]))[0] == "a\\x1b\n"


def test_markdown_cells_cannot_break_out():
    assert list(markdown_table(["a|b"], [["x|y\n<script>\\"]]))[2] == "| x\\|y<br>&lt;script>\\\\ |\n"


def test_markdown_tells_null_from_an_empty_text():
    assert list(markdown_table(["a", "b"], [[None, ""]], null="∅"))[2] == "| ∅ |  |\n"


_CELL = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0")))


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), max_size=5))
def test_csv_reads_back_and_tells_null_from_empty(rows):
    text = "".join(csv_lines(["a", "b"], rows))
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert read == [["a", "b"], *([cell or "" for cell in row] for row in rows)]
    for row in rows:
        line = next(iter(csv_lines(row, [])))
        assert ('""' in line) >= ("" in row)


def test_csv_of_one_empty_value_is_not_a_blank_line():
    assert list(csv_lines(["a"], [[""], ["\\."]])) == ["a\n", '""\n', '"\\."\n']


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 kB"), (96 << 20, "96.0 MB"), (1 << 50, "1024.0 TB")]
)
def test_sizes_for_people(number, text):
    assert humane_size(number) == text


def test_times_for_people():
    assert [humane_time(seconds) for seconds in (0, 14.9, 3723)] == ["0:00:00", "0:00:14", "1:02:03"]


@pytest.mark.parametrize(
    "argument",
    [
        "postgresql://u:{}@h/d", "postgres://u:{}@h:5432/d?sslmode=require", "postgresql:/u:{}@h", "u:{}@h/d", ":{}@h",
        "postgresql+psycopg://u:{}@h/d", "--url=postgresql://u:{}@h/d", "postgresql://h/d?password={}", "host=h password='{}'",
        "x password = '{}' y",
    ],
)  # fmt: skip
def test_passwords_of_arguments_are_masked_in_every_spelling(argument):
    for spelled in (CANARY, quote(CANARY, safe="")):
        redact = Redactor([argument.format(spelled)])
        for shown in (CANARY, quote(CANARY, safe=""), repr(CANARY), base64.b64encode(CANARY.encode()).decode()):
            assert CANARY not in redact(f"error: cannot use {shown} here")
            assert shown.strip("'") not in redact(f"error: cannot use {shown} here")


@pytest.mark.parametrize("place", ["alice@h/d", "alice@h:5432/d?sslmode=require", "alice@/d?host=/run"])
@pytest.mark.parametrize("before", ["postgresql://", "postgres://", "postgresql+psycopg://", "--url=postgresql://"])
def test_a_user_without_a_password_is_shown(before, place):
    redact = Redactor([before + place], {"PROD_URL": "postgresql://" + place})
    assert redact(f"{before}{place}: no //alice") == f"{before}{place}: no //alice"


@pytest.mark.parametrize("url", ["postgresql://u@v:{}@h/d", "redis://{}@h"])
def test_where_nobody_can_tell_it_is_masked(url):
    redact = Redactor([], {"ODD": url.format("open-sesame")})
    assert "open-sesame" not in redact(url.format("open-sesame"))


def test_passwords_of_the_environment_are_masked():
    environ = {"DBSYNC_STORE": f"postgresql://u:{CANARY}@h/d", "PGPASSWORD": "another-one", "HOME": "/home/u"}
    redact = Redactor([], environ)
    assert redact(f"a {CANARY} b another-one c /home/u") == "a *** b *** c /home/u"


def test_what_is_shaped_like_a_secret_is_masked_though_unknown():
    redact = Redactor()
    assert redact("at postgresql://u:never-seen@h/d") == "at postgresql://u:***@h/d"
    assert redact("conninfo password=never-seen host=h") == "conninfo password=*** host=h"
    assert redact("plain text: nothing to hide @ all") == "plain text: nothing to hide @ all"


def test_colour_follows_the_flag_then_the_environment_then_the_terminal():
    pipe = io.StringIO()
    assert wants_color("always", pipe, {"NO_COLOR": "1"})
    assert not wants_color("never", pipe, {"FORCE_COLOR": "1"})
    assert not wants_color("auto", pipe, {"NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert wants_color("auto", pipe, {"FORCE_COLOR": "1"})
    assert not wants_color("auto", pipe, {"FORCE_COLOR": "0", "NO_COLOR": ""})
    assert not wants_color("auto", pipe, {})


def test_a_broken_stream_is_given_up_quietly():
    class Broken(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            raise BrokenPipeError

    stream = Broken()
    terminal = Terminal(stream)
    terminal.line("a")
    terminal.line("b")
    assert stream.writes == 1
    closed = io.StringIO()
    closed.close()
    Terminal(closed).line("a")


def test_asking_where_nobody_answers_is_a_no(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert Terminal(shown).confirm("Delete \x1b[2J everything?") is False
    assert shown.getvalue() == "Delete \\x1b[2J everything? [y/N] "
    for typed, agreed in (("y\n", True), ("YES\n", True), ("yep\n", False), ("n\n", False)):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        assert Terminal(shown).confirm("Sure?") is agreed
