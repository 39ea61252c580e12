"""What ``diff --what data`` says of the rows that differ and of what it left out, in every format."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from xml.etree import ElementTree

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


@pytest.mark.parametrize("length", [150, 900, 1000, 5000])
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


@pytest.mark.parametrize("what", ["data", "both"])
def test_tables_that_only_the_target_has_can_be_chosen_where_nothing_is_written(what, pairs, call):
    pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY);", "", "CREATE TABLE extra (id int); CREATE SCHEMA s; CREATE TABLE s.u ()"
    )
    ends, skipped = (pair.source, pair.target), [{"table": "public.extra", "reason": "not in the source: left alone"}]
    compared, code = ("diff", *ends, "--what", what, "--json"), int(what == "both")
    for chosen in (("extra",), ("extra", "--tables", "t")):
        ended = call(*compared, "--tables", *chosen)
        assert (ended.exit_code, ended.document["result"]["skipped"]) == (code, skipped)
    assert call(*compared, "--tables", "extra", "--strict").exit_code == 1
    texts = told(call, pair, "--what", what, "--tables", "extra", code=code)
    assert all("public.extra" in text.replace("\\", "") for text in texts.values())
    if what == "data":  # a structure is compared under its own names
        mapped = call(*compared, "--tables", "u", "--map", "public.*=s.*").document["result"]
        assert [entry["table"] for entry in mapped["skipped"]] == ["s.u"]
    for level in ("schema", "full"):
        found = call("validate", *ends, "--level", level, "--tables", "extra", "--json").document["result"]
        assert [one["id"] for one in found["findings"]] == ["table_extra:public.extra"]
    error = call("diff", *ends, "--what", "data", "--tables", "extra", "--exclude", "extra", "--json").document["error"]
    assert "public.extra: excluded by --exclude" in error["message"]
    assert call("sync", *ends, "--dry-run", "--tables", "extra", "--json").document["error"]["code"] == "NO_SUCH_TABLE"


def outcomes(junit: str) -> dict[str | None, str]:
    """Each test case, and how it ended."""
    cases = ElementTree.fromstring(junit.encode()).iter("testcase")
    return {case.get("name"): next((child.tag for child in case), "passed") for case in cases}


@pytest.mark.parametrize("what", ["data", "both"])
def test_tables_of_either_side_can_be_excluded_and_strict_does_not_mind(what, pairs, call):
    pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY);"
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS one;",
        "INSERT INTO u VALUES (1)",
        "CREATE TABLE extra (id int); CREATE TABLE more (id int) PARTITION BY RANGE (id);"
        "CREATE TABLE more_1 PARTITION OF more FOR VALUES FROM (1) TO (2); CREATE VIEW v AS SELECT 1 AS one;",
    )
    excluded = [word for name in ("extra", "more*", "u", "m", "v") for word in ("--exclude", name)]
    ends = ("diff", pair.source, pair.target, "--what", what)
    found = call(*ends, *excluded, "--strict", "--json").document
    assert (found["exit_code"], found["result"]["same"], found["not_compared"]) == (0, True, [])
    assert {entry["table"]: entry["reason"] for entry in found["result"]["skipped"]} == dict.fromkeys(
        ("public.extra", "public.m", "public.more", "public.u"), "excluded by --exclude"
    )
    texts = told(call, pair, "--what", what, *excluded, "--strict", code=0)
    assert "::error" not in texts["github"]
    assert outcomes(texts["junit"])["public.extra"] == "skipped"
    assert call(*ends, "--exclude", "u", "--exclude", "extra", "--strict").exit_code == 1, "others are left out, too"
    error = call(*ends, "--exclude", "nothing", "--json").document["error"]
    assert (error["code"], error["message"]) == ("NO_SUCH_TABLE", "no table matches 'nothing' in either database")


def test_a_table_that_is_only_in_the_target_can_be_excluded_from_a_sync(pairs, call):
    """But no partition of a table that is written."""
    parted = (
        "CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE {} PARTITION OF p FOR VALUES FROM (1) TO (9);"
    )
    pair = pairs("", parted.format("p_1"), parted.format("p_x") + "CREATE TABLE extra (id int);")
    ends = ("sync", pair.source, pair.target, "--dry-run", "--json", "--exclude")
    assert call(*ends, "extra").document["result"]["skipped"] == [
        {"table": "public.extra", "reason": "excluded by --exclude"}
    ]
    assert call(*ends, "p_x").exit_code == 2


def test_what_strict_does_not_take_is_red_in_ci_as_well(pairs, call):
    pair = pairs(
        "CREATE TABLE u (id int PRIMARY KEY)", "CREATE TABLE t (a int, b int);", "CREATE TABLE t (b int, a int);"
    )
    run_sql(pair.target, "ALTER TABLE u ADD more int; CREATE TABLE extra (id int)")
    for strict in (False, True):
        words, code = (("--strict",), 1) if strict else ((), 0)
        left_out = "failure" if strict else "skipped"
        texts = told(call, pair, "--what", "schema", "--tables", "t", *words, code=code)
        assert outcomes(texts["junit"]) == {"table public.t": "passed", "not compared: column_order": left_out}
        assert ("::error" in texts["github"], "::warning" in texts["github"]) == (strict, not strict)
        assert ("but for what was not compared (1)" in texts["text"]) is strict
        texts = told(call, pair, *words, code=code)
        assert outcomes(texts["junit"]) == {
            "public.t": "passed", "public.u": "passed", "public.u.more": left_out, "public.extra": left_out,
        }  # fmt: skip


def test_validate_lists_materialised_views_as_not_compared(pairs, call):
    pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE MATERIALIZED VIEW m AS SELECT * FROM t;"
        "CREATE MATERIALIZED VIEW n AS SELECT * FROM t"
    )
    args = ("--exclude", "n")
    for text in told(call, pair, *args, code=0, command="validate").values():
        assert "a materialised view: not compared" in text
    found = call("validate", pair.source, pair.target, "--level", "checksum", *args, "--json").document["result"]
    assert [entry["table"] for entry in found["skipped"]] == ["public.n", "public.m"]
    assert call("validate", pair.source, pair.target, "--json").document["result"]["skipped"] == []
    run_sql(pair.target, "DROP MATERIALIZED VIEW n")
    found = call("validate", pair.source, pair.target, "--level", "checksum", "--json").document["result"]
    assert [entry["table"] for entry in found["skipped"]] == ["public.n", "public.m"], "each is told once"
