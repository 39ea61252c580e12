"""The table in docs/privileges.md: with just those rights a command succeeds, with one fewer it says which."""

from __future__ import annotations

import json

import pytest

from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.pair import run_sql, with_user

SCHEMA = """
CREATE SCHEMA app;
CREATE TABLE app.parent (id int PRIMARY KEY, v text);
CREATE TABLE app.child (id serial PRIMARY KEY, parent int REFERENCES app.parent);
"""
ROWS = """
INSERT INTO app.parent SELECT i, 'p' FROM generate_series(1, 10) AS i;
INSERT INTO app.child (parent) SELECT i FROM generate_series(1, 10) AS i;
"""
USE = "GRANT USAGE ON SCHEMA app TO {role};"
READ = "GRANT SELECT ON ALL TABLES IN SCHEMA app TO {role};"
READ_SEQUENCES = "GRANT SELECT ON ALL SEQUENCES IN SCHEMA app TO {role};"
FILL = "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA app TO {role};"
UPDATE = "GRANT UPDATE ON ALL TABLES IN SCHEMA app TO {role};"
TEMPORARY = "DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO {role}', current_database()); END $$"
DELETE = "GRANT DELETE ON ALL TABLES IN SCHEMA app TO {role};"
SET_SEQUENCES = "GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA app TO {role};"
CREATE = "GRANT CREATE ON SCHEMA app TO {role};"
OWN = "ALTER TABLE app.parent OWNER TO {role}; ALTER TABLE app.child OWNER TO {role};"

CREATE_SCHEMAS = "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {role}', current_database()); END $$"

SOURCE_ROLE, TARGET_ROLE = "case_reader", "case_writer"


def grants(url: str, role: str, *statements: str) -> None:
    run_sql(url, *(statement.format(role=role) for statement in statements))


@pytest.mark.parametrize(
    ("source", "exit_code", "word"),
    [
        ([USE, READ, READ_SEQUENCES], 0, ""),
        ([USE, READ], 4, "app.child_id_seq"),
        ([USE, READ_SEQUENCES], 4, "app.parent"),
        ([READ, READ_SEQUENCES], 4, "app"),
    ],
)
def test_a_source_needs_usage_and_select(source, exit_code, word, pairs, dbsync: Command):
    pair = pairs(SCHEMA, ROWS, "")
    grants(pair.source, SOURCE_ROLE, *source)
    result = dbsync.sync(with_user(pair.source, SOURCE_ROLE), pair.target).ended(exit_code)
    assert word in result.stdout, result
    if exit_code == 0:
        assert oracle.differences(pair.source, pair.target) == []


@pytest.mark.parametrize(
    ("target", "rows", "args", "exit_code", "word"),
    [
        ([USE, FILL, SET_SEQUENCES], "", [], 0, ""),
        ([USE, FILL, SET_SEQUENCES, DELETE], ROWS, ["--mode", "replace"], 0, ""),
        ([USE, FILL, SET_SEQUENCES], ROWS, ["--mode", "replace"], 4, "DELETE"),
        ([USE, READ, SET_SEQUENCES], "", [], 4, "INSERT"),
        ([USE, FILL], "", [], 4, "app.child_id_seq"),
        ([USE, FILL, "GRANT UPDATE ON ALL SEQUENCES IN SCHEMA app TO {role};"], "", [], 4, "app.child_id_seq"),
        ([FILL, SET_SEQUENCES], "", [], 4, "app"),
        ([USE, OWN], "", [], 0, ""),
        ([USE, OWN], ROWS, ["--mode", "replace", "-j", "2", "--drop-indexes"], 0, ""),
        ([USE, OWN, CREATE], ROWS, ["--mode", "replace", "--drop-indexes"], 0, ""),
    ],
)
def test_a_target_needs_ownership_or_rights_by_mode(target, rows, args, exit_code, word, pairs, dbsync: Command):
    pair = pairs(SCHEMA, ROWS, rows)
    grants(pair.target, TARGET_ROLE, *target)
    result = dbsync.sync(pair.source, with_user(pair.target, TARGET_ROLE), *args).ended(exit_code)
    assert word in result.stdout, result
    if exit_code == 0:
        assert oracle.differences(pair.source, pair.target) == []
        assert oracle.leftovers(pair.target) == []


def test_the_text_lists_everything_that_is_missing_a_line_each(pairs, dbsync: Command):
    pair = pairs(SCHEMA, ROWS, ROWS)
    grants(pair.target, TARGET_ROLE, USE, READ)
    ends = (pair.source, with_user(pair.target, TARGET_ROLE))
    problems = dbsync.sync(*ends).ended(4).error["details"]["problems"]
    assert len(problems) == 3
    lines = dbsync.run("sync", *ends, "--yes").ended(4).stderr.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("error: "))
    assert lines[start + 1 : start + 4] == [f"  {problem}" for problem in problems]
    assert lines[start + 4].startswith("hint: ")
    assert len(dbsync.run("sync", *ends, "--yes", "--quiet").ended(4).stderr.splitlines()) == 1
    logged = dbsync.run("sync", *ends, "--yes", "--log-format", "json").ended(4).stderr.splitlines()
    assert [json.loads(line)["message"] for line in logged[-3:]] == problems


@pytest.mark.parametrize(
    ("granted", "args", "exit_code", "word"),
    [
        ([UPDATE, TEMPORARY], [], 0, ""),
        ([UPDATE, DELETE, TEMPORARY], ["--delete"], 0, ""),
        ([UPDATE, TEMPORARY], ["--delete"], 4, "DELETE"),
        ([TEMPORARY], [], 4, "UPDATE"),
        ([UPDATE], [], 4, "temporary tables"),
        ([], ["--mode", "append"], 0, ""),
    ],
)
def test_writing_what_differs_needs_to_update_and_to_make_temporary_tables(
    granted, args, exit_code, word, pairs, dbsync: Command
):
    pair = pairs(SCHEMA, ROWS, ROWS)
    run_sql(
        pair.target,
        "UPDATE app.parent SET v = 'other' WHERE id < 4;"
        "DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$",
    )
    grants(pair.target, TARGET_ROLE, USE, FILL, SET_SEQUENCES, *granted)
    before = oracle.take(pair.target)
    result = dbsync.sync(pair.source, with_user(pair.target, TARGET_ROLE), *args).ended(exit_code)
    assert word in result.stdout, result
    if exit_code:
        assert oracle.all_changes(before, oracle.take(pair.target)) == []
    elif "append" not in args:
        assert oracle.differences(pair.source, pair.target) == []


TREE = "CREATE TABLE app.tree (id int PRIMARY KEY, parent int CONSTRAINT up REFERENCES app.tree);"
RING = """
    CREATE TABLE app.a (id int PRIMARY KEY, b int); CREATE TABLE app.b (id int PRIMARY KEY, a int REFERENCES app.a);
    ALTER TABLE app.a ADD CONSTRAINT round FOREIGN KEY (b) REFERENCES app.b;
"""
SWAP = """
    CREATE TABLE app.a (id int PRIMARY KEY, name text UNIQUE); CREATE TABLE app.b (id int PRIMARY KEY REFERENCES app.a);
"""


@pytest.mark.parametrize(
    ("tables", "mine", "theirs", "foretold"),
    [
        (TREE, "INSERT INTO app.tree VALUES (3, NULL), (1, 3)", "INSERT INTO app.tree VALUES (1, NULL)", {"tree:up"}),
        (
            RING,
            "INSERT INTO app.a VALUES (1, NULL), (2, NULL); INSERT INTO app.b VALUES (1, 2); UPDATE app.a SET b = 1",
            "INSERT INTO app.a VALUES (1, NULL)",
            {"a:round", "b:b_a_fkey"},
        ),
        (
            SWAP,
            "INSERT INTO app.a VALUES (1, 'x'), (2, 'y'); INSERT INTO app.b VALUES (1), (2)",
            "INSERT INTO app.a VALUES (1, 'y'), (2, 'x'); INSERT INTO app.b VALUES (1), (2)",
            set(),
        ),
    ],
    ids=["tree", "ring", "swap"],
)
def test_a_change_that_needs_a_constraint_put_aside_needs_the_owner(
    tables, mine, theirs, foretold, pairs, dbsync: Command
):
    pair = pairs(f"CREATE SCHEMA app; {tables}", mine, theirs)
    grants(pair.target, TARGET_ROLE, USE, FILL, UPDATE, "GRANT CREATE ON SCHEMA app TO {role};")
    grants(pair.target, TARGET_ROLE, "CREATE SCHEMA dbsync AUTHORIZATION {role};")  # so that a ledger is kept
    role = with_user(pair.target, TARGET_ROLE)
    told = dbsync.run("validate", pair.source, role, "--json").ended(0).result["findings"]
    found = {one["id"] for one in told if one["severity"] != "low"}
    assert found == {f"foreign_key_held:app.{one}" for one in foretold}
    assert all("GRANT" in one["recommendation"] for one in told if one["id"] in found)
    dry = dbsync.sync(pair.source, role, "--dry-run").ended(0)
    assert sum("end with exit 6" in warning for warning in dry.document["warnings"]) == len(foretold)
    text = dbsync.run("sync", pair.source, role, "--dry-run").ended(0)
    assert text.stderr.count("end with exit 6") == len(foretold)
    before = oracle.take(pair.target)
    failed = dbsync.sync(pair.source, role).ended(6)
    for error in (failed.error, *(one["error"] for one in failed.result["tables"])):
        assert "this role does not own" in error["hint"]
        assert "--resume" not in error["hint"]
    assert oracle.all_changes(before, oracle.take(pair.target)) == []
    dbsync.sync(pair.source, pair.target, "--no-ledger").ended(0)
    assert oracle.differences(pair.source, pair.target) == []


def test_who_may_read_the_ledger_of_another_role_sees_its_migrations(pairs, dbsync: Command):
    pair = pairs(SCHEMA, "CREATE TABLE app.n (a int)", "")
    grants(pair.target, TARGET_ROLE, USE, CREATE, CREATE_SCHEMAS)
    args = ("--yes", "--unproved", "--no-proof", "--ignore", "owner,privileges")
    owner, reader = with_user(pair.target, TARGET_ROLE), with_user(pair.target, SOURCE_ROLE)
    dbsync.run("migrate", "apply", pair.source, owner, *args).ended(1)
    known = dbsync.run("migrate", "status", owner, "--json").ended(0).result["migration"]
    assert known["role"] == TARGET_ROLE
    for command in ("status", "history"):
        refused = dbsync.run("migrate", command, reader, "--json").ended(4).error
        assert refused["code"] == "NO_LEDGER"
        assert "it may not use the schema dbsync or select from dbsync.migration" in refused["message"]
    missing = refused["hint"].partition(": ")[2]
    run_sql(owner, *missing.split("; "))
    for role in (reader, pair.target):
        assert dbsync.run("migrate", "status", role, "--json").ended(0).result["migration"] == known
        assert dbsync.run("migrate", "history", role, "--json").ended(0).result["migrations"] == [known]
    run_sql(
        owner,
        "CREATE FUNCTION dbsync.f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it ran'; END $$",
        "ALTER TABLE dbsync.migration RENAME TO m",
        "CREATE VIEW dbsync.migration AS SELECT m.* FROM dbsync.m WHERE dbsync.f() IS NULL",
    )
    refused = dbsync.run("migrate", "status", pair.target, "--json").ended(4).error
    assert "dbsync.f()" in refused["message"]
    assert refused["hint"] == f"ask as the role {TARGET_ROLE}"


def test_a_migration_without_the_right_to_keep_a_ledger_says_so(pairs, dbsync: Command):
    pair = pairs(SCHEMA, "CREATE TABLE app.n (a int)", "")
    grants(pair.target, TARGET_ROLE, USE, CREATE)
    role = with_user(pair.target, TARGET_ROLE)
    args = ("migrate", "apply", pair.source, role, "--yes", "--unproved", "--no-proof", "--ignore", "owner,privileges")
    told = (
        "no ledger is kept in the target, so migrate status and history will not tell of this: the role may not create"
    )
    for more, exit_code in (("--dry-run", 0), ("-v", 1)):
        ended = dbsync.run(*args, "--json", more).ended(exit_code)
        assert sum(told in warning for warning in ended.document["warnings"]) == 1
        assert ended.stderr.count(f"warning: {told}") == 1
    assert "no record of a migration" in dbsync.run("migrate", "status", role).ended(0).stdout
    run_sql(pair.source, "DROP TABLE app.n")
    run_sql(pair.target, "GRANT CREATE ON SCHEMA app TO case_writer", "CREATE SCHEMA dbsync AUTHORIZATION case_writer")
    run_sql(pair.target, "COMMENT ON SCHEMA dbsync IS 'made by dbsync sync for the time of a run'")
    late = dbsync.run(*args, "--allow-hazard", "deletes-data", "--json").ended(1)
    assert any("the role may not make it" in warning for warning in late.document["warnings"]), late


@pytest.mark.parametrize("may_create", [True, False])
def test_the_right_to_create_a_schema_decides_about_staging(may_create, pairs, dbsync: Command):
    pair = pairs(SCHEMA, ROWS, ROWS)
    grants(pair.target, TARGET_ROLE, USE, OWN)
    if may_create:
        grants(pair.target, TARGET_ROLE, CREATE_SCHEMAS)
    result = dbsync.sync(pair.source, with_user(pair.target, TARGET_ROLE), "--mode", "replace", "--dry-run").ended(0)
    assert [group["staged"] for group in result.result["groups"]] == [may_create]


@pytest.mark.parametrize(("needed", "exit_code"), [([USE, READ], 0), ([USE], 1), ([READ], 1)])
def test_a_comparison_needs_to_read_on_both_sides_and_no_more(needed, exit_code, pairs, dbsync: Command):
    pair = pairs(SCHEMA, ROWS, ROWS)
    for mine, theirs in ((needed, [USE, READ]), ([USE, READ], needed)):
        grants(pair.source, SOURCE_ROLE, "REVOKE ALL ON SCHEMA app FROM {role};", *mine)
        grants(pair.target, TARGET_ROLE, "REVOKE ALL ON SCHEMA app FROM {role};", *theirs)
        for table in ("parent", "child"):
            for url, role, granted in ((pair.source, SOURCE_ROLE, mine), (pair.target, TARGET_ROLE, theirs)):
                if READ not in granted:
                    grants(url, role, f"REVOKE ALL ON app.{table} FROM {{role}};")
        ends = with_user(pair.source, SOURCE_ROLE), with_user(pair.target, TARGET_ROLE)
        result = dbsync.run("diff", *ends, "--what", "data", "--json").ended(exit_code)
        assert {table["same"] for table in result.result["tables"]} == {True if exit_code == 0 else None}


@pytest.mark.parametrize(
    ("command", "needed", "exit_code"),
    [
        (["schema", "DB"], [], 0),
        (["explore", "DB"], [], 0),
        (["explore", "DB", "app.parent"], [USE, READ], 0),
        (["explore", "DB", "app.parent"], [USE], 6),
        (["explore", "DB", "app.parent", "--columns", "id"], [USE, "GRANT SELECT (id) ON app.parent TO {role};"], 0),
        (["execute", "DB", "SELECT * FROM app.parent"], [USE, READ], 0),
        (["execute", "DB", "SELECT * FROM app.parent"], [USE], 6),
        (["execute", "DB", "--write", "--yes", "INSERT INTO app.parent VALUES (99)"], [USE, FILL], 0),
        (["execute", "DB", "--write", "--yes", "INSERT INTO app.parent VALUES (99)"], [USE, READ], 6),
        (["diff", "DB", "DB"], [], 0),
        (["migrate", "status", "DB"], [], 0),
        (["migrate", "history", "DB"], [], 0),
        (["doctor", "DB"], [], 0),
        (["test", "DB"], [USE, READ, READ_SEQUENCES], 0),
        (["test", "DB"], [USE], 1),
        (["test", "DB"], [], 1),
    ],
)
def test_the_other_commands_need_no_more_than_the_page_says(command, needed, exit_code, pairs, dbsync: Command):
    pair = pairs(SCHEMA, ROWS, "")
    grants(pair.source, SOURCE_ROLE, *needed)
    url = with_user(pair.source, SOURCE_ROLE)
    dbsync.run(*(url if word == "DB" else word for word in command), "--json").ended(exit_code)
