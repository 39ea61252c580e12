"""What sync says: the plan, the dry run, progress, the report, in JSON and for people; and that limits hold."""

from __future__ import annotations

import json

import pytest

from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.pair import Pair, rows

_SCHEMA = """
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
CREATE TABLE big (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text);
CREATE INDEX ON big (body);
CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER nothing FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE elsewhere (id int) SERVER nothing;
"""
_MINE = """
INSERT INTO parent SELECT i, md5(i::text) FROM generate_series(1, 100) i;
INSERT INTO child SELECT i, 1 + i % 100 FROM generate_series(1, 300) i;
INSERT INTO big (body) SELECT repeat(md5(i::text), 12) FROM generate_series(1, 20000) i;
"""
_THEIRS = "INSERT INTO parent SELECT i, 'old' FROM generate_series(1, 7) i;"


def test_a_dry_run_predicts_exactly_and_writes_nothing(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    before, source = oracle.take(pair.target), oracle.take(pair.source)
    plan_file = dbsync.home / "plan.json"
    args = ("--mode", "replace", "--dry-run", "--plan-out", str(plan_file))
    planned = dbsync.run("sync", pair.source, pair.target, "--json", *args).ended(0).result
    assert oracle.all_changes(before, oracle.take(pair.target)) == []
    done = dbsync.sync(pair.source, pair.target, "--mode", "replace").ended(0).result
    for member in ("rows_inserted", "rows_updated", "rows_deleted"):
        expected = {table["table"]: table[member] for table in planned["tables"]}
        assert expected == {table["table"]: table[member] for table in done["tables"]}
        assert planned["totals"][member] == done["totals"][member]
    assert done["totals"]["rows_inserted"] == 20400
    assert done["totals"]["rows_deleted"] == 7
    assert [entry["table"] for entry in done["skipped"]] == ["public.elsewhere"]
    assert json.loads(plan_file.read_text())["tables"]
    assert oracle.all_changes(source, oracle.take(pair.source)) == []


def test_a_dry_run_lists_what_would_be_refused_and_exits_0(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    alone = ("--mode", "replace", "--tables", "public.parent")  # the table that refers to it is not selected
    result = dbsync.run("sync", pair.source, pair.target, "--json", "--dry-run", *alone).ended(0)
    assert any("public.parent" in refusal for refusal in result.result["would_refuse"]), result


def test_the_plan_warns_of_tables_that_a_replace_empties(pairs, dbsync: Command) -> None:
    many = "INSERT INTO big (body) SELECT i FROM generate_series(1, 10001) i; ANALYZE big;"
    pair: Pair = pairs(_SCHEMA, "INSERT INTO child VALUES (1)", _THEIRS + many + "INSERT INTO child VALUES (1)")
    args = ("sync", pair.source, pair.target, "--mode", "replace")
    told = [
        "public.big is empty in the source: replacing it deletes about 10,001 rows of the target",
        "public.parent is empty in the source: replacing it deletes 7 rows of the target",
    ]
    planned = dbsync.run(*args, "--json", "--dry-run").ended(0)
    assert sorted(text for text in planned.document["warnings"] if "is empty" in text) == told
    shown = dbsync.run(*args, "--dry-run").ended(0)
    assert all(warning in shown.stdout + shown.stderr for warning in told), shown
    done = dbsync.run(*args, "--json", "--yes").ended(0)
    assert sorted(text for text in done.document["warnings"] if "is empty" in text) == told
    again = dbsync.run(*args, "--json", "--dry-run").ended(0)
    assert not any("is empty" in text for text in again.document["warnings"])


def test_tables_in_ranges_by_many_readers_arrive_whole(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    result = dbsync.sync(pair.source, pair.target, "--mode", "replace", "--chunk-size", "1MB", "-j", "4").ended(0)
    assert oracle.differences(pair.source, pair.target) == [], result
    statistics = rows(pair.target, "SELECT reltuples::int FROM pg_class WHERE relname IN ('big', 'child') ORDER BY 1")
    assert statistics == [[300], [20000]], "the statistics are not fresh"


def test_a_rate_limit_holds(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE)
    result = dbsync.sync(pair.source, pair.target, "--max-rate", "3MB/s").ended(0)
    copied = result.result["totals"]["bytes_copied"]
    assert copied > 7_000_000
    assert result.elapsed_s > copied / (3 << 20) * 0.8, result


def test_a_time_limit_is_exit_7_with_a_true_report(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    before = oracle.take(pair.target)
    args = ("--mode", "replace", "--max-rate", "500KB", "--timeout", "3s")
    result = dbsync.sync(pair.source, pair.target, *args).ended(7)
    assert result.elapsed_s < 6, result
    after = oracle.take(pair.target)
    for name, table in result.tables().items():
        if table["state"] == "done":
            assert table["verified"], result
        else:
            assert after.content[name] == before.content[name], result
    assert result.tables()["public.big"]["state"] == "stopped", result
    assert oracle.structure_changes(before, after) == []
    assert oracle.leftovers(pair.target) == []


def test_people_get_lines_and_pipes_get_no_control_characters(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    result = dbsync.run("sync", pair.source, pair.target, "--yes", "--mode", "replace").ended(0)
    assert "\r" not in result.stdout + result.stderr
    assert "\x1b" not in result.stdout + result.stderr
    assert result.stderr == "" or result.stderr.endswith("\n")
    for word in ("public.big", "20,000", "verified", "skipped public.elsewhere"):
        assert word in result.stdout, result
    quiet = dbsync.run("sync", pair.source, pair.target, "--yes", "--mode", "replace", "-q").ended(0)
    assert quiet.stdout == "", quiet


def test_the_last_line_of_a_failure_is_an_error_and_a_hint(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    alone = ("--mode", "replace", "--tables", "public.parent")
    result = dbsync.run("sync", pair.source, pair.target, "--yes", *alone).ended(4)
    lines = [line for line in result.stderr.splitlines() if line.startswith(("error:", "hint:"))]
    assert len(lines) == 2, result
    assert "public.parent" in lines[0]
    assert "select the referencing table too" in lines[1]
    assert result.stdout == ""


def test_the_number_of_connections_does_not_grow_with_the_tables(pairs, dbsync: Command) -> None:
    tables = "".join(f"CREATE TABLE t{number} (id int PRIMARY KEY, v text);" for number in range(30))
    some = "".join(
        f"INSERT INTO t{number} SELECT i, md5(i::text) FROM generate_series(1, 50) i;" for number in range(30)
    )
    pair: Pair = pairs(tables, some, "")
    for run, inserted in (("fill", 1500), ("again", 0)):
        reached = dbsync.home / run
        env = {"DBSYNC_FAILPOINTS_REACHED": str(reached)}
        result = dbsync.run("sync", pair.source, pair.target, "--yes", "--json", "-j", "2", env=env).ended(0).result
        assert result["totals"]["rows_inserted"] == inserted
        assert result["verified"]
        points = reached.read_text().splitlines()
        assert points.count("before_commit") == 30
        assert points.count("before_connect") <= 14, "a session of the target is used for one table only"


def test_the_text_of_a_plan_names_the_indexes_that_are_dropped_and_every_refusal(pairs, dbsync: Command):
    tables = "".join(f"CREATE TABLE t{n} (id int PRIMARY KEY, v text); CREATE INDEX i{n} ON t{n} (v);" for n in (1, 2))
    pair = pairs(tables)
    text = dbsync.run("sync", pair.source, pair.target, "--drop-indexes", "--dry-run").ended(0).stdout.splitlines()
    for number in (1, 2):
        (line,) = (line for line in text if f"indexes of public.t{number} dropped" in line)
        assert f"public.i{number}" in line
    assert "dropped" not in dbsync.run("sync", pair.source, pair.target, "--dry-run").ended(0).stdout
    children = "".join(f"CREATE TABLE c{n} (id int REFERENCES parent);" for n in range(8))
    pair = pairs(f"CREATE TABLE parent (id int PRIMARY KEY); {children} INSERT INTO parent VALUES (1)")
    args = ("--tables", "parent", "--mode", "replace", "--dry-run")
    text = dbsync.run("sync", pair.source, pair.target, *args).ended(0).stdout.splitlines()
    assert sum(line.startswith("would refuse: public.c") for line in text) == 8, text


@pytest.mark.parametrize(
    "words",
    [["sync"], ["diff"], ["diff", "--what", "data"], ["validate"], ["migrate", "plan"]],
    ids=["sync", "diff", "diff_data", "validate", "migrate"],
)
def test_a_failed_connection_says_at_which_end_it_was(words, pairs, dbsync: Command) -> None:
    pair = pairs()
    nobody = "postgresql://u@127.0.0.1:1/d"
    for end, ends in (
        ("source", (nobody, pair.target)),
        ("target", (pair.source, nobody)),
        ("source", (nobody, nobody)),
    ):
        error = dbsync.run(*words, *ends, "--json").ended(3).error
        assert (error["code"], error["details"]["end"]) == ("CONNECT_TCP", end)
        assert error["message"] == f"{end}: nothing listens at 127.0.0.1 port 1"
    if words == ["sync"]:
        assert "error: source: nothing listens" in dbsync.run(*words, nobody, pair.target).ended(3).stderr
    assert "end" not in dbsync.run("schema", nobody, "--json").ended(3).error["details"]
