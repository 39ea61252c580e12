"""``--plan-out`` and ``--plan``: a run does what its plan says, or refuses and says what moved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.inprocess import InProcess
from tests.fixtures.pair import PASSWORD, Pair, run_sql, with_user

_SCHEMA = """
CREATE TABLE keyed (id int PRIMARY KEY, v text);
CREATE TABLE empty (id int PRIMARY KEY, v text);
CREATE TABLE keyless (v text);
"""
_MINE = """
INSERT INTO keyed SELECT i, 'row ' || i FROM generate_series(1, 3000) i;
INSERT INTO empty SELECT i, 'row ' || i FROM generate_series(1, 20) i;
INSERT INTO keyless SELECT 'copy ' || i % 7 FROM generate_series(1, 100) i;
"""
_THEIRS = """
INSERT INTO keyed SELECT i, 'row ' || i FROM generate_series(11, 3005) i;
UPDATE keyed SET v = 'other' WHERE id % 500 = 0;
INSERT INTO keyless SELECT 'copy ' || i % 8 FROM generate_series(1, 100) i;
"""
_NUMBERS = ("rows_inserted", "rows_updated", "rows_deleted")


def _plan(call: InProcess, pair: Pair, file: Path, *args: str) -> dict[str, object]:
    ended = call("sync", pair.source, pair.target, "--json", "--dry-run", "--plan-out", str(file), *args)
    assert ended.exit_code == 0, ended
    result = ended.document["result"]
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize("args", [("--delete",), ("--mode", "append"), ("--mode", "replace"), ()])
def test_a_run_writes_the_numbers_of_its_plan(
    args: tuple[str, ...], pairs, called: CalledSync, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    planned = _plan(InProcess(capsys), pair, tmp_path / "plan.json", *args)
    done = called.sync(pair.source, pair.target, "--plan", str(tmp_path / "plan.json")).ended(0).result
    assert {t["table"]: [t[n] for n in _NUMBERS] for t in done["tables"]} == {
        t["table"]: [t[n] for n in _NUMBERS]
        for t in planned["tables"]  # type: ignore[attr-defined]
    }
    assert all(done["totals"][number] == planned["totals"][number] for number in _NUMBERS)  # type: ignore[index]
    assert done["totals"]["rows_inserted"] > 0
    if args in (("--delete",), ("--mode", "replace")):
        assert oracle.differences(pair.source, pair.target) == []


@pytest.mark.parametrize(
    ("side", "change", "said", "mode"),
    [
        (
            "target",
            "UPDATE keyed SET v = 'moved' WHERE id = 12",
            "rows of public.keyed were changed in the target",
            "delta",
        ),
        ("target", "DELETE FROM keyed WHERE id = 12", "2,995 rows then, 2,994 now", "delta"),
        ("target", "INSERT INTO keyless VALUES ('new')", "rows of public.keyless were changed in the target", "delta"),
        ("target", "INSERT INTO empty VALUES (1)", "public.empty was empty in the target", "delta"),
        (
            "target",
            "ALTER TABLE keyed ADD CHECK (id > 0)",
            "structure of public.keyed was changed in the target",
            "delta",
        ),
        ("source", "CREATE INDEX ON keyed (v)", "structure of public.keyed was changed in the source", "delta"),
        ("source", "DROP TABLE keyless", "public.keyless is not selected any more", "delta"),
        ("both", "CREATE TABLE more (id int)", "public.more was not selected then", "delta"),
        ("target", "UPDATE keyed SET v = 'moved' WHERE id = 12", "rows of public.keyed were changed in", "replace"),
    ],
)
def test_whatever_moved_since_the_plan_is_named_and_nothing_is_written(
    side: str,
    change: str,
    said: str,
    mode: str,
    pairs,
    called: CalledSync,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    _plan(InProcess(capsys), pair, tmp_path / "plan.json", "--mode", mode)
    for end, url in (("source", pair.source), ("target", pair.target)):
        if side in (end, "both"):
            run_sql(url, change)
    before = oracle.take(pair.target)
    held = ("--plan", str(tmp_path / "plan.json"))
    refused = called.sync(pair.source, pair.target, *held).ended(4)
    assert refused.error["code"] == "DRIFT", refused
    assert said in refused.error["message"], refused
    assert oracle.all_changes(before, oracle.take(pair.target)) == []
    for args in (("--dry-run",), ()):
        ignored = called.sync(pair.source, pair.target, *held, "--on-drift", "ignore", *args).ended(0)
        assert any(said in warning for warning in ignored.document["warnings"]), ignored
    if mode == "replace":
        assert oracle.differences(pair.source, pair.target) == []


def test_a_plan_is_for_its_databases_and_its_options(
    pairs, called: CalledSync, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pair, other = pairs(_SCHEMA, _MINE, _THEIRS), pairs(_SCHEMA, _MINE, _THEIRS)
    file = str(tmp_path / "plan.json")
    _plan(InProcess(capsys), pair, tmp_path / "plan.json", "--delete", "--max-delete", "50%")
    for args, said in (
        ((pair.source, other.target), "another target: the database"),
        ((other.source, pair.target), "another source: the database"),
        ((pair.source, pair.target, "--mode", "replace"), "another --mode"),
        ((pair.source, pair.target, "--delete", "--max-delete", "60%"), "another --max-delete"),
        ((pair.source, pair.target, "--tables", "public.keyed"), "another --tables"),
    ):
        refused = called.sync(*args, "--plan", file).ended(4)
        assert refused.error["code"] == "STALE_PLAN", refused
        assert said in refused.error["message"], refused
    assert called.sync(pair.source, pair.target, "--plan", file, "--resume").ended(2).error["code"] == "CONFIG"
    again = called.sync(pair.source, pair.target, "--plan", file, "--delete", "-j", "2").ended(0).result
    assert again["totals"]["rows_deleted"] == 5 + 12  # the options are the plan's


def test_an_option_that_is_typed_counts_at_its_default_as_well(
    pairs, called: CalledSync, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    file = str(tmp_path / "plan.json")
    _plan(InProcess(capsys), pair, tmp_path / "plan.json", "--mode", "replace", "--verify", "none")
    before = oracle.take(pair.target)
    for typed in ("--mode", "delta"), ("--verify", "checksum"):
        refused = called.sync(pair.source, pair.target, "--plan", file, *typed).ended(4)
        assert refused.error["message"] == f"the plan was made with another {typed[0]}", refused
    assert oracle.all_changes(before, oracle.take(pair.target)) == []
    called.sync(pair.source, pair.target, "--plan", file, "--mode", "replace").ended(0)


def test_a_run_is_taken_up_with_its_own_options_or_not_at_all(pairs, called: CalledSync) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, "ALTER TABLE keyless ADD CHECK (v <> 'copy 6')")
    called.sync(pair.source, pair.target, "--verify", "none").ended(6)
    refused = called.sync(pair.source, pair.target, "--resume", "--verify", "checksum").ended(2)
    assert "was started with another --verify" in refused.error["message"], refused
    run_sql(pair.target, "ALTER TABLE keyless DROP CONSTRAINT keyless_v_check")
    assert called.sync(pair.source, pair.target, "--resume").ended(0).result["verify"] == "none"


def test_what_the_copy_does_not_fill_is_held_to_where_a_table_is_replaced(
    pairs, called: CalledSync, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS + "ALTER TABLE keyed ADD COLUMN note text;")
    file = tmp_path / "plan.json"
    _plan(InProcess(capsys), pair, file, "--mode", "replace")
    run_sql(pair.target, "UPDATE keyed SET note = 'by hand' WHERE id = 12")
    refused = called.sync(pair.source, pair.target, "--plan", str(file)).ended(4)
    assert refused.error["code"] == "DRIFT", refused
    _plan(InProcess(capsys), pair, file, "--mode", "replace")
    called.sync(pair.source, pair.target, "--plan", str(file)).ended(0)


def test_a_plan_without_a_dry_run_holds_to_structure_alone(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    file = str(dbsync.home / "plan.json")
    dbsync.run("sync", pair.source, pair.target, "--plan-out", file, "--json").ended(4)  # no consent, but a plan
    run_sql(pair.target, "UPDATE keyed SET v = 'moved' WHERE id = 12")
    result = dbsync.run("sync", pair.source, pair.target, "--plan", file, "--yes").ended(0)
    assert "whether the target's rows changed is not known" in result.stderr, result
    run_sql(pair.target, "ALTER TABLE keyed ADD CHECK (id > 0)")
    dbsync.sync(pair.source, pair.target, "--plan", file).ended(4)


def test_what_is_no_plan_is_one_sentence(pairs, called: CalledSync, capsys, tmp_path: Path) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    _plan(InProcess(capsys), pair, tmp_path / "plan.json")
    good = json.loads((tmp_path / "plan.json").read_text())
    broken = tmp_path / "broken.json"
    for text in (
        "",
        "[1, 2]",
        "null",
        '{"tables": []}',
        json.dumps(good)[:500],
        json.dumps(good | {"format_version": 99}),
        json.dumps({key: value for key, value in good.items() if key != "target"}),
        json.dumps(good | {"options": {"mode": "delta", "new_option": 1}}),
        json.dumps(good | {"options": 3}),
        json.dumps(good | {"tables": [{"table": 1}]}),
        json.dumps(good | {"contents": {"public.keyed": {"rows": 1}}}),
    ):
        broken.write_text(text)
        refused = called.sync(pair.source, pair.target, "--plan", str(broken)).ended(2)
        assert refused.error["code"] == "BAD_PLAN", refused
        assert "broken.json" in refused.error["message"], refused
    called.sync(pair.source, pair.target, "--plan", str(tmp_path / "nowhere.json")).ended(2)


def test_no_secret_is_in_a_plan(pairs, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    grants = "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO case_reader, case_writer;"
    pair: Pair = pairs(_SCHEMA + grants, _MINE, _THEIRS)
    roles = Pair(with_user(pair.source, "case_reader"), with_user(pair.target, "case_writer"))
    _plan(InProcess(capsys), roles, tmp_path / "plan.json", "--triggers", "keep")
    text = (tmp_path / "plan.json").read_text()
    assert PASSWORD not in text
    assert "postgresql://" not in text


def test_foreign_keys_that_a_run_drops_and_adds_again_are_not_drift(
    pairs, called: CalledSync, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pair: Pair = pairs(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE a (p int REFERENCES p); CREATE TABLE b (p int REFERENCES p);",
        "INSERT INTO p VALUES (1); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1);",
    )
    _plan(InProcess(capsys), pair, tmp_path / "plan.json", "--tables", "p")
    run_sql(
        pair.target,
        "ALTER TABLE a DROP CONSTRAINT a_p_fkey; ALTER TABLE a ADD CONSTRAINT a_p_fkey FOREIGN KEY (p) REFERENCES p;",
    )
    called.sync(pair.source, pair.target, "--plan", str(tmp_path / "plan.json")).ended(0)
