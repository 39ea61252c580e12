"""``validate``: what keeps a sync from running, from being safe, or from being needless, each as a finding of its own."""

from __future__ import annotations

import json
from collections import Counter
from xml.etree import ElementTree

import psycopg
import pytest

from tests.fixtures import oracle
from tests.fixtures.annotations import read_annotations
from tests.fixtures.command import Command
from tests.fixtures.databases import fresh_database
from tests.fixtures.inprocess import InProcess
from tests.fixtures.jsonschema import faults
from tests.fixtures.pair import run_sql, with_user

PLAIN = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b');"


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


def found(document) -> dict[str, str]:
    """The findings: id -> severity."""
    assert faults(document) == []
    findings = document["result"]["findings"]
    assert len({one["id"] for one in findings}) == len(findings)
    counted = Counter(one["severity"] for one in findings)
    assert document["result"]["summary"] == {
        word: counted[word] for word in ("critical", "high", "medium", "low", "info")
    }
    assert document["result"]["can_proceed"] is not bool(counted["critical"])
    assert document["result"]["is_valid"] is not bool(counted["critical"] + counted["high"])
    assert all(one["message"] and one["recommendation"] for one in findings)
    return {one["id"]: one["severity"] for one in findings}


SCHEMA = """
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE fine (id int PRIMARY KEY, v text);
    CREATE TABLE broken (id int PRIMARY KEY, gone text, typed text, mood mood, may_be_null int, what regclass);
    CREATE TABLE no_key (v text);
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int PRIMARY KEY, parent int);
    CREATE TABLE missing (id int PRIMARY KEY);
    CREATE TABLE shown (id int PRIMARY KEY);
    CREATE TABLE left_out (id int PRIMARY KEY, fine int REFERENCES fine);
    CREATE VIEW looks AS SELECT 1 AS a;
"""
THEIRS = """
    ALTER TABLE broken DROP gone, ALTER typed TYPE int USING 1, ADD required int NOT NULL DEFAULT 1, ADD spare int,
        ALTER may_be_null SET NOT NULL;
    ALTER TABLE broken ALTER required DROP DEFAULT;
    ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
    ALTER TABLE no_key SET UNLOGGED;
    ALTER TABLE child ADD FOREIGN KEY (parent) REFERENCES parent, ADD UNIQUE (parent), ADD CHECK (parent > 0);
    DROP TABLE missing; DROP TABLE shown; CREATE VIEW shown AS SELECT 1 AS id;
    CREATE TABLE of_their_own (id int);
    CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN new; END$$;
    CREATE TRIGGER audit BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION fire();
    CREATE TRIGGER silent BEFORE INSERT ON fine FOR EACH ROW EXECUTE FUNCTION fire();
    ALTER TABLE fine DISABLE TRIGGER silent;
    CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$;
    CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION watch();
"""
EXPECTED = {
    "column_missing:public.broken:gone": "critical",
    "column_type:public.broken:typed": "critical",
    "enum_labels:public.broken:mood": "critical",
    "column_required:public.broken:required": "critical",
    "table_missing:public.missing": "critical",
    "table_kind:public.shown": "critical",
    "foreign_key_extra:public.child:child_parent_fkey": "high",
    "foreign_key_child:public.left_out:left_out_fine_fkey": "medium",
    "unique_extra:public.child:child_parent_key": "medium",
    "unlogged_target:public.no_key": "medium",
    "column_oid:public.broken:what": "medium",
    "event_trigger:watcher": "medium",
    "column_not_null:public.broken:may_be_null": "medium",
    "column_default:public.broken:spare": "low",
    "triggers_off:public.parent": "low",
    "check_extra:public.child:child_parent_check": "info",
    "no_key:public.no_key": "info",
    "table_extra:public.of_their_own": "info",
}


def test_each_obstacle_and_each_risk_is_a_finding_and_sync_agrees(pairs, call):
    pair = pairs(SCHEMA, "", THEIRS)
    before = oracle.take(pair.target)
    args = (pair.source, pair.target, "--exclude", "left_out", "--json")
    ended = call("validate", *args)
    assert ended.exit_code == 1
    assert found(ended.document) == EXPECTED
    assert found(call("validate", *args).document) == EXPECTED
    problems = call("sync", *args, "--dry-run").document["error"]["details"]["problems"]
    critical = [one["message"] for one in ended.document["result"]["findings"] if one["severity"] == "critical"]
    assert sorted(critical) == sorted(problems)
    broken = next(one for one in ended.document["result"]["findings"] if one["id"].endswith(":typed"))
    assert (broken["table"], broken["column"], broken["category"]) == ("public.broken", "typed", "type")
    assert oracle.all_changes(before, oracle.take(pair.target)) == []


def test_a_border_through_a_foreign_key_counts_both_ways(pairs, call):
    pair = pairs("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);")
    ends = ("validate", pair.source, pair.target, "--json", "--tables")
    assert found(call(*ends, "b").document) == {"foreign_key_parent:public.b:b_a_fkey": "medium"}
    assert found(call(*ends, "a").document) == {"foreign_key_child:public.b:b_a_fkey": "medium"}
    assert found(call(*ends, "*").document) == {}


def test_rights_and_row_security_are_findings(pairs, dbsync: Command):
    schema = """
        CREATE TABLE fine (id serial PRIMARY KEY); CREATE TABLE hidden (id int PRIMARY KEY);
        CREATE TABLE locked (id int PRIMARY KEY); CREATE TABLE masked (id int PRIMARY KEY);
    """
    mine = "GRANT SELECT ON fine, locked, masked TO case_reader;"
    theirs = """
        GRANT SELECT, INSERT, UPDATE, DELETE ON fine, hidden, masked TO case_writer; GRANT SELECT ON locked TO case_writer;
        ALTER TABLE masked ENABLE ROW LEVEL SECURITY;
    """
    pair = pairs(schema, mine, theirs)
    ends = with_user(pair.source, "case_reader"), with_user(pair.target, "case_writer")
    result = dbsync.run("validate", *ends, "--json").ended(1)
    assert found(result.document) == {
        "source_rights:public.hidden": "critical",
        "target_rights:public.locked": "critical",
        "target_row_security:public.masked": "critical",
        "sequence_source_rights:public.fine:id:public.fine_id_seq": "critical",
        "sequence_target_rights:public.fine:id:public.fine_id_seq": "critical",
        "no_ledger": "low",
    }
    full = dbsync.run("validate", *ends, "--level", "full", "--json").ended(1)
    compared = {table["table"]: table["state"] for table in full.result["compared"]}
    assert compared == {
        "public.fine": "same", "public.locked": "same", "public.hidden": "not_compared", "public.masked": "not_compared",
    }  # fmt: skip
    assert {one.get("table") or one["sequence"] for one in full.document["not_compared"]} == {
        "public.hidden", "public.masked", "public.fine_id_seq",
    }  # fmt: skip
    assert found(full.document)["not_compared:public.hidden"] == "high"


def test_what_the_databases_are_is_a_finding(pairs, dbsync: Command, pg_a, pg_b):
    pair = pairs(PLAIN)
    config = "version: 1\ndatabases: {{a: {{url: '{0}'}}, b: {{url: '{1}', {2}: {3}}}}}\n"
    for key, value, expected, status in (
        ("read_only", "true", {"read_only_target": "critical"}, 1),
        ("environment", "production", {"protected_target": "info"}, 0),
    ):
        (dbsync.home / "dbsync.yaml").write_text(config.format(pair.source, pair.target, key, value))
        assert found(dbsync.run("validate", "a", "b", "--json").ended(status).document) == expected
    same = dbsync.run("validate", pair.source, pair.source, "--level", "full", "--json").ended(1)
    assert found(same.document) == {"same_database": "critical"}
    with psycopg.connect(pg_b.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS latin; ")
        connection.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    try:
        run_sql(pg_b.url("latin"), PLAIN)
        there, back = (pair.source, pg_b.url("latin")), (pg_b.url("latin"), pair.source)
        assert found(dbsync.run("validate", *there, "--json").ended(0).document) == {"encoding_narrower": "medium"}
        assert found(dbsync.run("validate", *back, "--json").ended(0).document) == {"encoding_differs": "low"}
    finally:
        with psycopg.connect(pg_b.url("postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE latin WITH (FORCE)")


def test_an_older_target_is_a_finding(pg_a, pg17, call):
    if pg_a.major <= 17:
        pytest.skip("NOT TESTED: the source cluster is not newer than 17")
    with fresh_database(pg_a) as newer, fresh_database(pg17) as older:
        for database in (newer, older):
            database.execute(PLAIN)
        full = ("--level", "full", "--json")
        assert found(call("validate", newer.url, older.url, *full).document) == {"server_older": "medium"}
        assert found(call("validate", older.url, newer.url, *full).document) == {}


@pytest.mark.parametrize("level", ["count", "checksum", "full"])
def test_each_level_sees_what_it_promises(level, pairs, call):
    pair = pairs(PLAIN + "CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1);")
    run_sql(pair.target, "UPDATE t SET v = 'x' WHERE id = 2")
    args = ("validate", pair.source, pair.target, "--level", level, "--json")
    blind = level == "count"
    ended = call(*args)
    assert ended.exit_code == (0 if blind else 1)
    assert found(ended.document) == ({} if blind else {"rows_differ:public.t": "critical"})
    run_sql(pair.target, "DELETE FROM u; INSERT INTO t VALUES (3, 'c');")
    ended = call(*args)
    assert found(ended.document) == {"rows_differ:public.t": "critical", "rows_differ:public.u": "critical"}
    details = {one["table"]: one["details"] for one in ended.document["result"]["findings"]}
    assert (details["public.t"]["source_rows"], details["public.t"]["target_rows"]) == (2, 3)
    counts = [details["public.t"][name] for name in ("only_in_source", "only_in_target", "different")]
    assert counts == ([0, 1, 1] if level == "full" else [None] * 3)
    assert len(details["public.t"]["samples"]) == (2 if level == "full" else 0)


def test_every_format_shows_some_of_the_rows_that_differ(pairs, call, tmp_path):
    pair = pairs(PLAIN)
    run_sql(pair.target, "UPDATE t SET v = 'x' WHERE id = 2; INSERT INTO t VALUES (3, 'c'), (4, 'd')")
    files = {name: tmp_path / name for name in ("md", "github", "junit")}
    outputs = [word for name, path in files.items() for word in ("-o", f"{name}={path}")]
    for limit in (3, 1, 0):
        args = ("validate", pair.source, pair.target, "--level", "full", "--limit-samples", str(limit), *outputs)
        text = call(*args).stdout
        for told in (text, *(path.read_text() for path in files.values())):
            assert told.count("id='") == limit, told
    lines = call(*args[:5], "--limit-samples", "3").stdout.splitlines()
    assert lines[4:6] == ["            different  id='2'", "                v: 'x' -> 'b'"], lines


def test_the_exit_code_follows_fail_on_and_every_format_agrees(pairs, dbsync: Command, call, tmp_path):
    pair = pairs(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int);" + PLAIN,
        "",
        "ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p; ALTER TABLE t SET UNLOGGED;",
    )
    ends = ("validate", pair.source, pair.target)
    severities = ("critical", "high", "medium", "low", "info")
    codes = {severity: call(*ends, "--fail-on", severity).exit_code for severity in severities}
    assert codes == {"critical": 0, "high": 1, "medium": 1, "low": 1, "info": 1}
    assert call(*ends, "--exit-zero").exit_code == 0
    quiet = dbsync.run(*ends, "-q").ended(1)
    assert (quiet.stdout, quiet.stderr) == ("", "")
    files = {name: tmp_path / f"found.{name}" for name in ("json", "md", "github", "junit")}
    outputs = [word for name in files for word in ("-o", f"{name}={files[name]}")]
    text = call(*ends, *outputs, "--junit", "also.xml")
    assert text.exit_code == 1
    _check_formats(text.stdout, {name: path.read_text() for name, path in files.items()})
    assert (tmp_path / "also.xml").read_text() == files["junit"].read_text()


def test_every_format_lists_what_was_skipped(pairs, call):
    pair = pairs("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)")
    ends = ("validate", pair.source, pair.target, "--exclude", "u")
    told = {name: call(*ends, "-f", name).stdout.splitlines() for name in ("text", "md", "github")}
    assert "skipped public.u: excluded by --exclude" in told["text"]
    assert "| public.u | excluded by --exclude |" in told["md"]
    assert "::warning file=public.u,title=skipped::excluded by --exclude" in told["github"]


def _check_formats(text: str, files: dict[str, str]) -> None:
    assert text.splitlines()[0] == "high    public.c: foreign key c_p_fkey is in the target only"
    assert text.splitlines()[-1].startswith(
        "can be synchronised, but look at the findings first: 1 high, 1 medium in 3 "
    )
    assert found(json.loads(files["json"])) == {
        "foreign_key_extra:public.c:c_p_fkey": "high", "unlogged_target:public.t": "medium",
    }  # fmt: skip
    assert [(one.level, one.properties.get("file")) for one in read_annotations(files["github"])] == [
        ("error", "public.c"), ("warning", "public.t"), ("notice", None),
    ]  # fmt: skip
    assert [line.split("|")[1].strip() for line in files["md"].splitlines() if line.startswith("|")][2:] == [
        "high",
        "medium",
    ]
    cases = ElementTree.fromstring(files["junit"]).iter("testcase")
    assert {case.get("name"): next((child.tag for child in case), "passed") for case in cases} == {
        "(databases)": "passed", "public.c": "failure", "public.p": "passed", "public.t": "system-out",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--tables", "nothing"), "NO_SUCH_TABLE"), (("--columns", "t:no_such"), "NO_SUCH_COLUMN"),
        (("--level", "all"), "USAGE"), (("--fail-on", "never"), "USAGE"), (("--where", "t:("), "BAD_WHERE"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_meant_is_exit_2(args, code, pairs, call):
    pair = pairs(PLAIN)
    ended = call("validate", pair.source, pair.target, *args, "--json")
    assert (ended.exit_code, ended.document["error"]["code"]) == (2, code)
    assert faults(ended.document) == []
