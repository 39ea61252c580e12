"""What ``diff --what data`` says of the rows that differ and of what it left out, in every format."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest

from tests.fixtures.inprocess import InProcess
from tests.fixtures.pair import Pair, run_sql

FORMATS = ("text", "md", "github", "junit")


@pytest.fixture
def call(capsys, monkeypatch, tmp_path) -> InProcess:
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


def told(call: InProcess, pair: Pair, *args: str, code: int, command: str = "diff") -> dict[str, str]:
    """What a comparison of rows says in each format; the exit code is that of all of them."""
    what = ("--what", "data") if command == "diff" else ("--level", "full")
    outputs = [word for name in FORMATS for word in ("-o", f"{name}=told.{name}")]
    ended = call(command, pair.source, pair.target, *(() if "--what" in args else what), *args, *outputs)
    assert ended.exit_code == code, ended
    return {name: Path(f"told.{name}").read_text() for name in FORMATS}


@pytest.mark.parametrize("length", [150, 900, 5000])
def test_each_column_that_differs_is_named_and_each_value_shown_from_where_it_differs(length, pairs, call):
    columns = [f"a_rather_long_name_of_a_column_{number}" for number in range(12)]
    listed = ", ".join(f"{name} text" for name in columns)
    pair = pairs(f"CREATE TABLE t (id text PRIMARY KEY, {listed});")
    for url, end in ((pair.source, "mine"), (pair.target, "theirs")):
        values = ", ".join(f"repeat('x', {length}) || '{end}{number}' || repeat('y', 300)" for number in range(12))
        run_sql(url, f"INSERT INTO t VALUES (repeat('k', 500), {values})")
    for command in ("diff", "validate"):
        for name, text in told(call, pair, code=1, command=command).items():
            plain = unescape(text).replace("\\", "")
            for number, column in enumerate(columns):
                (line,) = [line for line in plain.replace("; a_r", "\na_r").splitlines() if f"{column}: '" in line]
                before, after = line.split(" -> ")
                assert f"xtheirs{number}y" in before, (name, line)
                assert f"xmine{number}y" in after, (name, line)
                assert len(line) < 1000, (name, len(line))


def test_values_that_differ_very_far_on_are_said_to_do_so(pairs, call):
    pair = pairs("CREATE TABLE t (id int PRIMARY KEY, v text);")
    for url, end in ((pair.source, "mine"), (pair.target, "theirs")):
        run_sql(url, f"INSERT INTO t VALUES (1, repeat('x', 1100000) || '{end}')")
    for text in told(call, pair, code=1).values():
        assert "(they differ further on)" in text


def test_the_text_names_columns_that_only_the_target_has(pairs, call):
    pair = pairs("CREATE TABLE t (id int PRIMARY KEY)", "", "ALTER TABLE t ADD more int")
    for text in told(call, pair, code=0).values():
        assert "column more is in the target only" in text


def test_an_exclusion_of_what_only_the_target_has_is_known_to_both_comparisons(pairs, call):
    pair = pairs("CREATE TABLE t (id int PRIMARY KEY);", "", "CREATE TABLE extra (id int PRIMARY KEY)")
    ends = ("diff", pair.source, pair.target, "--what", "both", "--json")
    assert call(*ends, "--exclude", "extra").document["result"]["same"] is True
    assert call(*ends, "--exclude", "extra", "--schema", "public").document["result"]["same"] is True
    assert call(*ends, "--exclude", "extar").document["error"]["code"] == "NO_SUCH_TABLE"
