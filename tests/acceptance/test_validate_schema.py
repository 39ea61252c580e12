"""``validate --level schema``: every rule is told where it should be, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dbsync.data.rules import RULES, Rule
from tests.fixtures.annotations import read_annotations
from tests.fixtures.databases import fresh_database
from tests.fixtures.inprocess import InProcess
from tests.fixtures.jsonschema import faults
from tests.fixtures.pair import Pair, Server, create_database, drop_database, run_sql, with_user
from tests.fixtures.validate_cases import CASES, ICU_CASES, NEWEST_CASES, Case

ROOT = Path(__file__).parents[2]


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


@contextmanager
def side_by_side(source: Server, target: Server, cases: Iterable[Case]) -> Iterator[Pair]:
    """All cases in one pair of databases."""
    made = Pair(create_database(source), create_database(target))
    try:
        for case in cases:
            for url, own in ((made.source, case.source), (made.target, case.target)):
                run_sql(url, f"CREATE SCHEMA {case.name};" + case.script(case.both + own))
        yield made
    finally:
        drop_database(source, made.source)
        drop_database(target, made.target)


@pytest.fixture(scope="module")
def pair(pg_a, pg_b):
    with side_by_side(pg_a, pg_b, CASES) as made:
        yield made


@pytest.fixture(scope="module")
def icu_pair(pg15):
    with side_by_side(pg15, pg15, ICU_CASES) as made:
        yield made


def findings(ended: Any) -> dict[str, str]:
    """The findings, apart from the one that there has to be between these two versions."""
    found = ended.document["result"]["findings"]
    source, target = (int(ended.document[end]["server_version"].partition(".")[0]) for end in ("source", "target"))
    assert ("server_older" in {one["id"] for one in found}) is (target < source)
    for one in found:
        facts = RULES[one["details"]["rule"]]
        assert (one["severity"], one["category"], one["recommendation"]) == (
            facts.severity, facts.category, facts.recommendation,
        )  # fmt: skip
        assert one["id"].partition(":")[0] == one["details"]["rule"]
    return {one["id"]: one["severity"] for one in found if one["id"] != "server_older"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_pair_of_structures_has_just_these_findings(case: Case, pair, call):
    check(case, pair, call)


@pytest.mark.parametrize("case", ICU_CASES, ids=lambda case: case.name)
def test_so_has_a_pair_with_collations_of_icu(case: Case, icu_pair, call):
    check(case, icu_pair, call)


@pytest.fixture(scope="module")
def newest_pair(pg_a, pg_b):
    if min(pg_a.major, pg_b.major) < 18:
        pytest.skip("NOT TESTED: these structures need Postgres 18")
    with side_by_side(pg_a, pg_b, NEWEST_CASES) as made:
        yield made


@pytest.mark.parametrize("case", NEWEST_CASES, ids=lambda case: case.name)
def test_so_has_a_pair_that_only_18_can_have(case: Case, newest_pair, call):
    check(case, newest_pair, call)


def check(case: Case, pair: Pair, call: InProcess) -> None:
    ended = call("validate", pair.source, pair.target, "--tables", f"{case.name}.*", "--json")
    assert findings(ended) == case.found
    grave = set(case.found.values())
    assert faults(ended.document) == []
    assert ended.document["result"]["can_proceed"] is ("critical" not in grave)
    assert ended.document["result"]["is_valid"] is grave.isdisjoint({"critical", "high"})
    assert ended.exit_code == (0 if ended.document["result"]["is_valid"] else 1)
    critical = [one["message"] for one in ended.document["result"]["findings"] if one["severity"] == "critical"]
    dry = call("sync", pair.source, pair.target, "--tables", f"{case.name}.*", "--dry-run", "--json")
    assert dry.exit_code == (4 if critical else 0)
    assert sorted(critical) == sorted(dry.document["error"]["details"]["problems"] if critical else [])


def test_rights_that_a_run_would_need_are_findings(pairs, call):
    schema = """
        CREATE TABLE masked (id int PRIMARY KEY); CREATE TABLE blobs (id int PRIMARY KEY, o oid);
        CREATE TABLE fires (id int PRIMARY KEY); CREATE TABLE counted (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY);
        CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY REFERENCES a);
        ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b; GRANT SELECT ON counted_n_seq TO case_reader, case_writer;
        GRANT UPDATE ON counted_n_seq TO case_writer; GRANT SELECT ON ALL TABLES IN SCHEMA public TO case_reader;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO case_writer;
    """
    mine = "ALTER TABLE masked ENABLE ROW LEVEL SECURITY; SELECT lo_create(0);"
    theirs = """
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN new; END$$;
        CREATE TRIGGER audit BEFORE INSERT ON fires FOR EACH ROW EXECUTE FUNCTION f();
        INSERT INTO counted VALUES (1);
    """
    pair = pairs(schema, mine, theirs)
    ends = with_user(pair.source, "case_reader"), with_user(pair.target, "case_writer")
    assert findings(call("validate", *ends, "--json")) == {
        "source_row_security:public.masked": "critical",
        "row_security_missing:public.masked": "medium",
        "large_object_column:public.blobs:o": "critical",
        "column_oid:public.blobs:o": "medium",
        "trigger_rights:public.fires": "critical",
        "triggers_off:public.fires": "low",
        "column_identity:public.counted:n": "critical",
        "foreign_key_cycle:public.a:a_b_fkey": "critical",
        "foreign_key_cycle:public.b:b_id_fkey": "critical",
        "no_ledger": "low",
    }


def test_the_selection_limits_what_is_looked_at(pairs, call):
    schema = "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE q (id int PRIMARY KEY, v int);"
    mine = "CREATE TABLE p1 PARTITION OF p DEFAULT; ALTER TABLE q ADD gone int;"
    theirs = "CREATE TABLE p2 PARTITION OF p DEFAULT; CREATE TABLE extra (id int); ALTER TABLE q ALTER v SET NOT NULL;"
    pair = pairs(schema, mine, theirs)

    def told(*options: str) -> set[str]:
        return set(findings(call("validate", pair.source, pair.target, *options, "--json")))

    layout, missing, null = "partition_layout:public.p", "column_missing:public.q:gone", "column_not_null:public.q:v"
    assert told() == {layout, missing, null, "table_extra:public.extra"}
    assert told("--exclude", "p1") == {"partitions_excluded:public.p", missing, null, "table_extra:public.extra"}
    assert told("--tables", "q") == {missing, null}
    assert told("--tables", "q", "--columns", "q:id,v") == {null}
    assert told("--tables", "q", "--columns", "q:id") == {"column_required:public.q:v"}
    assert told("--exclude", "q") == {layout, "table_extra:public.extra"}
    assert told("--tables", "public.*", "--exclude", "q") == {layout, "table_extra:public.extra"}
    assert told("--tables", "q", "--map", "q=extra") >= {"column_missing:public.extra:v"}
    assert told("--tables", "extra") == {"table_extra:public.extra"}
    missing_table = call("validate", pair.source, pair.target, "--tables", "nowhere", "--json")
    assert (missing_table.exit_code, missing_table.document["error"]["code"]) == (2, "NO_SUCH_TABLE")


def test_another_name_for_a_schema_is_no_difference(pairs, call):
    """Types, defaults, constraints, policies and references are spelled with the schema's name."""
    case = next(one for one in CASES if one.name == "same")
    more = """
        CREATE FUNCTION f(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT t$$;
        CREATE TABLE q (id int PRIMARY KEY, m mood DEFAULT 'ok' CHECK (m <> 'sad'), v text);
        CREATE INDEX ON q (f(v)); CREATE UNIQUE INDEX ON q (f(v)) WHERE m = 'ok';
        ALTER TABLE q ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON q USING (f(v) = 'x');
    """
    here, there = (f"CREATE SCHEMA {name}; SET search_path = {name};{case.both}{more}" for name in ("here", '"T h"'))
    pair = pairs("", here, there)
    told = findings(call("validate", pair.source, pair.target, "--map", 'here.*="T h".*', "--json"))
    assert told == {'row_security_idle:"T h".q': "info"}


def test_every_format_tells_every_finding(pair, call, tmp_path):
    case = next(one for one in CASES if one.name == "columns")
    files = {name: tmp_path / f"found.{name}" for name in ("json", "md", "github", "junit")}
    outputs = [word for name, path in files.items() for word in ("-o", f"{name}={path}")]
    text = call("validate", pair.source, pair.target, "--tables", "columns.*", *outputs).stdout
    told = json.loads(files["json"].read_text())["result"]["findings"]
    assert {one["id"] for one in told} >= case.found.keys()
    assert len(case.found) == 6
    junit = ElementTree.fromstring(files["junit"].read_text())
    said = "".join([*junit.itertext(), *(one.get("message") or "" for one in junit.iter("failure"))])
    markdown = files["md"].read_text()
    annotations = "".join(one.message for one in read_annotations(files["github"].read_text()))
    for one in told:
        for output in (text, said, markdown, annotations):
            assert one["message"] in output
            assert one["recommendation"] in output
    for code, options in ((0, ("--exit-zero",)), (1, ("--fail-on", "critical")), (1, ("--fail-on", "low"))):
        assert call("validate", pair.source, pair.target, "--tables", "columns.*", *options).exit_code == code


def test_an_older_server_does_not_know_every_infinity(pg_a, pg15, call):
    if pg_a.major < 17:
        pytest.skip("NOT TESTED: the source cluster has no infinite intervals")
    with fresh_database(pg_a) as newer, fresh_database(pg15) as older:
        for database in (newer, older):
            database.execute("CREATE TABLE t (id int PRIMARY KEY, i interval, n numeric)")
        told = findings(call("validate", newer.url, older.url, "--json"))
        assert told == {"infinity_unsupported:public.t:i": "medium"}
        assert findings(call("validate", older.url, newer.url, "--json")) == {}


def test_the_ledger_of_a_newer_dbsync_is_a_finding(pairs, call):
    pair = pairs("CREATE TABLE t (id int PRIMARY KEY)")
    run_sql(pair.target, "CREATE SCHEMA dbsync; COMMENT ON SCHEMA dbsync IS 'dbsync ledger, version 999'")
    assert findings(call("validate", pair.source, pair.target, "--json")) == {"ledger_newer": "critical"}


# Where rules are proved that no case above tells of.
ELSEWHERE: dict[str, tuple[Rule, ...]] = {
    "tests/acceptance/test_validate.py": (
        "same_database", "read_only_target", "protected_target", "server_older", "encoding_narrower",
        "encoding_differs", "foreign_key_child", "foreign_key_parent", "sequence_source_rights",
        "sequence_target_rights", "source_rights", "target_rights", "target_row_security", "event_trigger", "rows_differ",
        "not_compared",
    ),
    "tests/acceptance/test_validate_schema.py": (
        "source_row_security", "large_object_column", "trigger_rights", "column_identity", "foreign_key_cycle",
        "no_ledger", "partitions_excluded", "infinity_unsupported", "ledger_newer",
    ),
    "tests/acceptance/test_delta_filter.py": ("foreign_key_unchecked", "unique_taken"),
    "tests/acceptance/test_diff_sequences.py": ("sequence_behind", "sequence_unproved"),
    "tests/acceptance/test_privileges.py": ("foreign_key_held",),
    "tests/unit/test_checks.py": (
        "standby_target", "encoding_unknown", "collation_default", "triggers_fire", "cursor_column", "cursor_key", "delete_limit",
        "source_emptied", "column_unknown", "column_unreadable",
    ),
    "tests/unit/test_sequences.py": ("sequence_bounds",),
    "tests/unit/test_planner.py": ("columns_lost", "foreign_key_outside", "temporary_tables"),
}  # fmt: skip


def test_every_rule_is_proved():
    proved = {one.partition(":")[0] for case in (*CASES, *ICU_CASES) for one in case.found}
    for path, rules in ELSEWHERE.items():
        text = (ROOT / path).read_text(encoding="utf-8").partition("# Where rules are proved")[0]
        assert [rule for rule in rules if f'"{rule}' not in text] == [], path
        assert proved.isdisjoint(rules), "told by a case: say it in one place"
        proved.update(rules)
    assert proved == RULES.keys()
