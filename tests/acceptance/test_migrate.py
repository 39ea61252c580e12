"""``dbsync migrate``: what is planned is proved, what is applied is what was read, and it can be taken back."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from alembic import command
from alembic.config import Config

from tests.fixtures.command import Command
from tests.fixtures.inprocess import Ended, InProcess
from tests.fixtures.jsonschema import faults
from tests.fixtures.pair import Pair, rows, run_sql

LABEL = "x''); drop table orders; --"
ODD = '"""; select 1 -- %s :name"'
BOTH = """
    CREATE TYPE mood AS ENUM ('a');
    CREATE TABLE orders (id int PRIMARY KEY, total numeric, note text);
    CREATE VIEW v AS SELECT id, total FROM orders;
"""
SOURCE = f"""
    ALTER TYPE mood ADD VALUE '{LABEL}';
    DROP VIEW v;
    ALTER TABLE orders ALTER id TYPE bigint, ALTER total SET NOT NULL, DROP COLUMN note, ADD {ODD} text DEFAULT E'a:b\\\\';
    CREATE VIEW v AS SELECT id, total FROM orders;
    CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $f$ SELECT '$$ :x %s $check$'::text || later.g() $f$;
    COMMENT ON TABLE orders IS '$$ it''s :name %s {{}} $check$';
"""
TARGET = "INSERT INTO orders VALUES (1, 1.5, 'x'), (2, 2.5, NULL)"
ALLOWED = ("--yes", "--allow-hazard", "deletes-data")


@pytest.fixture
def call(capsys, monkeypatch, tmp_path) -> InProcess:
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


@pytest.fixture
def pair(pairs: Callable[..., Pair]) -> Pair:
    return pairs(BOTH, "SET check_function_bodies = off;" + SOURCE, TARGET)


def result(ended: Ended) -> dict[str, Any]:
    """The result of a call with --json, checked against the schema that ships."""
    assert faults(ended.document) == []
    found = ended.document["result"]
    assert isinstance(found, dict), ended
    return found


def refused(ended: Ended, code: str, words: str = "") -> None:
    assert (ended.exit_code, ended.document["error"]["code"]) == (4, code), ended
    assert words in ended.document["error"]["message"]
    assert faults(ended.document) == []


def planned(call: InProcess, pair: Pair, *more: str) -> None:
    ended = call("migrate", "plan", pair.source, pair.target, "--shadow", "target", "-o", "plan.json", *more)
    assert ended.exit_code == 0, ended


def same(call: InProcess, pair: Pair) -> bool:
    return call("diff", pair.source, pair.target, "-q").exit_code == 0


def test_a_plan_goes_there_and_back(call, pair):
    """On the embedded shadow that is the default."""
    files = [f"{name}=plan.{name}" for name in ("sql", "md", "github")]
    ended = call(
        "migrate", "plan", pair.source, pair.target, "-o", "plan.json", *(arg for file in files for arg in ("-o", file))
    )
    assert ended.exit_code == 0, ended
    first, *lines = ended.stdout.splitlines()
    assert first == "+2 ~5 -1 · 1 needs a look · proved"
    assert any(line.strip().startswith("!") and "--allow-hazard DELETES_DATA" in line for line in lines)
    assert lines[-1].endswith("structure only: the values of public.orders.note are gone")
    assert first in Path("plan.md").read_text()
    assert "::warning title=statement" in Path("plan.github").read_text()
    text = Path("plan.json").read_text()
    for url in (pair.source, pair.target):
        assert str(urlsplit(url).password) not in text + "".join(map(Path.read_text, Path().glob("plan.*")))
    made = json.loads(text)
    assert made["proof"]["state"] == made["undo_proof"]["state"] == "proved"
    under_result = result(call("migrate", "plan", pair.source, pair.target, "--shadow", "target", "--json"))
    assert under_result["hash"] == made["hash"]

    refused(call("migrate", "apply", "plan.json", pair.target, "--json"), "HAZARD", "public.orders.note")
    refused(call("migrate", "apply", "plan.json", pair.target, *ALLOWED[1:], "--json"), "CONSENT_MISSING")
    rehearsed = call("migrate", "apply", "plan.json", pair.target, "--dry-run", "--json")
    assert result(rehearsed)["would_refuse"][0]["code"] == "HAZARD"
    assert rehearsed.exit_code == 0
    assert result(call("migrate", "status", pair.target, "--json")) == {"migration": None}
    assert not same(call, pair)

    ended = call("migrate", "apply", "plan.json", pair.target, *ALLOWED, "--json")
    found = result(ended)
    assert (ended.exit_code, found["state"], found["verified"]) == (0, "succeeded", True), ended
    assert {one["state"] for one in found["statements"]} == {"done"}
    assert same(call, pair)
    assert rows(pair.target, "SELECT id, total FROM orders ORDER BY 1") == [[1, 1.5], [2, 2.5]]
    again = call("migrate", "apply", "plan.json", pair.target, "--json")
    assert (again.exit_code, result(again)["state"]) == (0, "nothing to do")
    nothing = call("migrate", "plan", pair.source, pair.target, "--shadow", "target")
    assert (nothing.exit_code, nothing.stdout) == (0, "nothing to do: the schemas are the same\n")

    back = call("migrate", "rollback", "plan.json", pair.target, *ALLOWED, "--json")
    assert (back.exit_code, result(back)["verified"]) == (0, True), back
    listed = result(call("migrate", "history", pair.target, "--json"))["migrations"]
    assert [(one["direction"], one["state"], one["half_done"]) for one in listed] == [
        ("down", "succeeded", False), ("up", "succeeded", False),
    ]  # fmt: skip
    assert listed[1]["plan_hash"] == made["hash"]
    assert "rows" not in call("migrate", "history", pair.target).stderr
    assert "down       succeeded" in call("migrate", "history", pair.target).stdout
    assert ": succeeded, " in call("migrate", "status", pair.target).stdout


def test_the_script_does_the_same_under_psql(call, pair, pg_b):
    planned(call, pair, "-o", "sql=plan.sql")
    psql = [str(pg_b.bindir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "plan.sql", pair.target]
    run_sql(pair.target, "UPDATE orders SET total = NULL WHERE id = 2")
    done = subprocess.run(psql, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "1 row" in done.stderr
    assert "no value in total" in done.stderr
    assert rows(pair.target, "SELECT count(*) FROM pg_enum") == [[1]], "the rows are asked before anything is changed"
    run_sql(pair.target, "UPDATE orders SET total = 2 WHERE id = 2")
    done = subprocess.run(psql, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done
    assert same(call, pair)


def test_what_is_not_as_it_should_be_is_refused_and_nothing_changes(call, pair, tmp_path):
    planned(call, pair)
    apply = ("migrate", "apply", "plan.json", pair.target, *ALLOWED, "--json")
    run_sql(pair.target, "UPDATE orders SET total = NULL")
    refused(call(*apply), "DATA_IN_THE_WAY", "2 rows")
    run_sql(pair.target, "UPDATE orders SET total = 1")

    text = Path("plan.json").read_text()
    Path("edited.json").write_text(text.replace("DROP COLUMN note", "DROP COLUMN total", 1))
    refused(call("migrate", "apply", "edited.json", *apply[3:]), "STALE_PLAN", "was edited")
    Path("other.json").write_text(text.replace('"format_version": 1', '"format_version": 2', 1))
    for file, words in (("other.json", "format version"), ("nothing.json", "no such file")):
        ended = call("migrate", "apply", file, *apply[3:])
        assert (ended.exit_code, ended.document["error"]["code"]) == (2, "BAD_PLAN")
        assert words in ended.document["error"]["message"]

    for mark in ("protected", "read_only"):
        (tmp_path / "dbsync.yaml").write_text(
            f"version: 1\ndatabases: {{prod: {{url: {json.dumps(pair.target)}, {mark}: true}}}}\n"
        )
        refused(call("migrate", "apply", "plan.json", "prod", *ALLOWED, "--json"), "PROTECTED_TARGET")
    (tmp_path / "dbsync.yaml").unlink()
    run_sql(pair.target, "CREATE TABLE more (id int)")
    refused(call(*apply), "STALE_PLAN")
    refused(call("migrate", "rollback", *apply[2:]), "STALE_PLAN")
    refused(call("migrate", "verify", "plan.json", pair.target, "--json"), "STALE_PLAN")
    assert rows(pair.target, "SELECT count(*) FROM pg_enum") == [[1]]
    assert result(call("migrate", "status", pair.target, "--json")) == {"migration": None}


def test_an_unproved_plan_is_only_applied_when_that_is_said(call, pair, monkeypatch):
    ended = call("migrate", "plan", pair.source, pair.target, "--no-proof", "-o", "plan.json", "--json")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert json.loads(Path("plan.json").read_text())["schema"] == "dbsync/migrate-plan@1", "--json -o: the envelope"
    Path("plan.json").write_text(json.dumps(json.loads(Path("plan.json").read_text())["result"]))
    monkeypatch.setenv("DBSYNC_UNPROVED", "true")
    monkeypatch.setenv("DBSYNC_ALLOW_HAZARD", "DELETES_DATA")
    refused(call("migrate", "apply", "plan.json", pair.target, "--yes", "--json"), "UNPROVED", "--no-proof")
    refused(call("migrate", "apply", "plan.json", pair.target, "--yes", "--unproved", "--json"), "HAZARD")
    ended = call("migrate", "apply", "plan.json", pair.target, *ALLOWED, "--unproved", "--json")
    assert (ended.exit_code, result(ended)["state"], result(ended)["verified"]) == (1, "succeeded", False)
    assert same(call, pair)


def test_a_usage_error_is_one_sentence(call, pair):
    for args, words in (
        (("apply", "{s}"), "needs a plan's file, or SOURCE and TARGET"),
        (("apply", "plan.json", "{t}", "--online"), "--online is settled by the plan"),
        (("apply", "{s}", "{t}", "--allow-hazard", "DELETE_DATA"), "did you mean DELETES_DATA?"),
        (("plan", "{s}", "{t}", "--rename", "public.a"), "cannot read --rename 'public.a'"),
        (("plan", "{s}", "{t}", "--no-proof", "--shadow", "target"), "contradict each other"),
        (("plan", "{s}", "{t}", "--shadow", "target", "--rename", "public.nothing=public.v"), "nothing"),
        (("plan", "{s}", "{t}", "--ignore", "owners"), "did you mean owner?"),
        (("revision", "{s}", "{t}", "-m", "x", "--directory", "nowhere"), "there is no directory 'nowhere'"),
    ):
        ended = call("migrate", *(arg.format(s=pair.source, t=pair.target) for arg in args))
        assert ended.exit_code == 2, ended
        assert words in ended.stderr


def test_source_and_target_are_planned_and_applied_at_once(call, pair):
    Path("main.sql").write_text("SET check_function_bodies = off;" + BOTH + SOURCE)
    ended = call("migrate", "apply", "main.sql", pair.target, *ALLOWED, "--ignore", "comments")
    assert ended.exit_code == 0, ended
    assert " statements done in " in ended.stdout
    assert call("diff", "main.sql", pair.target, "--ignore", "comments").exit_code == 0
    assert call("migrate", "apply", "main.sql", pair.target, *ALLOWED, "-q").stdout == ""
    assert same(call, pair)


def test_an_online_plan_is_patient_and_is_verified_on_a_new_copy(call, pair):
    run_sql(pair.source, "CREATE INDEX i ON orders (total)")
    planned(call, pair, "--online")
    limits = {
        one["sql"].split(" i ")[0]: (one["transactional"], one["lock_timeout_ms"])
        for one in json.loads(Path("plan.json").read_text())["statements"]
    }
    # It waits for older transactions, and nobody waits behind it.
    assert limits["CREATE INDEX CONCURRENTLY"] == (False, 1_200_000)
    assert set(limits.values()) == {(False, 1_200_000), (True, 3_000), (False, 3_000)}
    run_sql(pair.target, "INSERT INTO orders VALUES (3, 3)")
    ended = call("migrate", "verify", "plan.json", pair.target, "--shadow", "target", "--json")
    assert (ended.exit_code, result(ended)["proof"]["state"]) == (0, "proved"), ended


@pytest.mark.parametrize("more", [(), ("--online",)])
def test_a_composite_with_nulls_in_it_is_a_value_to_not_null_and_to_a_key(more, call, pairs):
    pair = pairs("CREATE TYPE spot AS (x int, y int); CREATE DOMAIN place AS spot; CREATE TABLE t (id int, a spot, p place)",
                 "ALTER TABLE t ALTER a SET NOT NULL; ALTER DOMAIN place SET NOT NULL",
                 "INSERT INTO t VALUES (1, '(1,)', '(1,)'), (2, '(,)', '(,)'), (3, '(,)', '(,)')")  # fmt: skip
    planned(call, pair, *more)
    ended = call("migrate", "apply", "plan.json", pair.target, "--yes")
    assert ended.exit_code == 0, ended
    assert same(call, pair)
    run_sql(pair.source, "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)")
    planned(call, pair, *more)
    ended = call("migrate", "apply", "plan.json", pair.target, "--yes")
    assert (ended.exit_code, "1 values of the key u" in ended.stderr) == (4, True), ended


def test_what_was_renamed_keeps_its_rows_and_its_hazards(call, pairs):
    pair = pairs("", "CREATE SCHEMA app; CREATE TABLE app.bills (id int, gross bigint)",
                 "CREATE TABLE orders (id int, total int); INSERT INTO orders VALUES (1, 2)")  # fmt: skip
    hints = ("--rename", "public.orders=app.bills", "--rename", "public.orders.total=app.bills.gross")
    suggested = call("migrate", "plan", pair.source, pair.target, "--shadow", "target", "--json")
    assert any(one["destroys"] for one in result(suggested)["statements"])
    planned(call, pair, *hints)
    last = json.loads(Path("plan.json").read_text())["statements"][-1]
    rewrite = next(one for one in last["hazards"] if one["type"] == "TABLE_REWRITE")
    assert rewrite["message"].startswith("rewrites app.bills, ")
    assert rewrite["lock"] == "AccessExclusiveLock"
    assert call("migrate", "apply", "plan.json", pair.target, "--yes").exit_code == 0
    assert rows(pair.target, "SELECT id, gross FROM app.bills") == [[1, 2]]
    assert same(call, pair)
    assert call("migrate", "rollback", "plan.json", pair.target, "--yes").exit_code == 0
    assert rows(pair.target, "SELECT id, total FROM orders") == [[1, 2]]


def test_a_statement_that_fails_is_in_the_result_and_the_same_command_goes_on(call, pairs):
    many = "INSERT INTO orders SELECT g FROM generate_series(1, 200000) g"
    pair = pairs("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE orders (id int)",
                 "ALTER TYPE mood ADD VALUE 'b'; ALTER TABLE orders ALTER id TYPE bigint", many)  # fmt: skip
    planned(call, pair)
    apply = ("migrate", "apply", "plan.json", pair.target, "--yes")
    ended = call(*apply, "--lock-timeout", "1ms", "--statement-timeout", "1ms", "--json")
    found = result(ended)
    assert (ended.exit_code, found["state"], ended.document["error"]["sqlstate"]) == (6, "failed", "57014"), ended
    assert [one["state"] for one in found["statements"]] == ["done", "failed"]
    assert found["totals"] == {"statements": 2, "done": 1, "pending": 1}
    status = call("migrate", "status", pair.target, "--json")
    about = result(status)["migration"]
    assert (status.exit_code, about["state"], about["half_done"], about["done"]) == (1, "failed", True, 1)
    assert about["next_statement"]["number"] == 2
    assert "stands half done" in call("migrate", "status", pair.target).stdout
    again = call(*apply, "--json")
    assert (again.exit_code, result(again)["resumed"], result(again)["verified"]) == (0, True, True), again
    assert call("migrate", "status", pair.target).exit_code == 0
    assert same(call, pair)


def test_rows_are_asked_before_a_unique_index_is_built(call, pairs):
    table = "CREATE TABLE person (id int PRIMARY KEY, mail text, gone boolean)"
    pair = pairs(table, "CREATE UNIQUE INDEX person_mail ON person (lower(mail)) WHERE NOT gone",
                 "INSERT INTO person VALUES (1, 'x@y', false), (2, 'X@y', false), (3, 'X@Y', true), (4, NULL, false)")  # fmt: skip
    planned(call, pair)
    apply = ("migrate", "apply", "plan.json", pair.target, "--yes", "--json")
    refused(
        call(*apply), "DATA_IN_THE_WAY", "1 values of the key person_mail of public.person stand in more than one row"
    )
    run_sql(pair.target, "UPDATE person SET gone = true WHERE id = 2")
    assert call(*apply).exit_code == 0


def test_what_a_type_forgets_is_lost_data_and_needs_leave(call, pairs):
    pair = pairs("", "CREATE TABLE sale (at date, price int, note text)",
                 "CREATE TABLE sale (at timestamptz, price numeric, note varchar(9))")  # fmt: skip
    planned(call, pair)
    apply = ("migrate", "apply", "plan.json", pair.target, "--yes", "--json")
    refused(call(*apply), "HAZARD", "the times of day in public.sale.at are lost for good")
    lost = [one["destroys"] for one in json.loads(Path("plan.json").read_text())["statements"] if one["destroys"]]
    assert sorted(lost) == [
        "the digits after the decimal point in public.sale.price", "the times of day in public.sale.at",
    ]  # fmt: skip
    assert call(*apply, *ALLOWED[1:]).exit_code == 0


def test_what_is_lost_over_the_text_of_values_needs_leave_too(call, pairs):
    """Texts, arrays, ranges, composite types and ranges of one's own: none of them fails, all of them forget."""
    pair = pairs(
        "CREATE TABLE held (id int PRIMARY KEY)",
        """
        CREATE TYPE sale AS (price numeric(10, 2), day date, n bigint);
        CREATE TYPE stay AS RANGE (SUBTYPE = date);
        ALTER TABLE held ADD a date, ADD b numeric(10, 2), ADD c timestamp, ADD d date[], ADD e real[], ADD f daterange,
            ADD g sale, ADD h stay, ADD i int[];
        """,
        """
        CREATE TYPE sale AS (price numeric(10, 4), day timestamp, n int);
        CREATE TYPE stay AS RANGE (SUBTYPE = timestamp);
        ALTER TABLE held ADD a text, ADD b text, ADD c text, ADD d timestamp[], ADD e float8[], ADD f tsrange,
            ADD g sale, ADD h stay, ADD i numeric[];
        INSERT INTO held VALUES (1, '2024-05-01 23:59', '1.555', '2024-05-01 10:00+05', '{2024-05-01 23:59}',
            '{0.123456789}', '[2024-05-01 23:59, 2024-05-03 23:59)', ROW(1.5555, '2024-05-01 23:59', 1),
            '[2024-05-01 23:59, 2024-05-03 23:59)', '{1}');
        """,
    )  # fmt: skip
    planned(call, pair)
    apply = ("migrate", "apply", "plan.json", pair.target, "--yes", "--json")
    refused(call(*apply), "HAZARD")
    lost = [one["destroys"] for one in json.loads(Path("plan.json").read_text())["statements"] if one["destroys"]]
    assert sorted(lost) == [
        "the digits after decimal place 2 in public.held.b",
        "the digits after decimal place 2 of price and the times of day of day in tables that hold public.sale",
        "the digits beyond the 6th in public.held.e",
        "the time zones in public.held.c",
        "the times of day in columns of public.stay",
        "the times of day in public.held.a",
        "the times of day in public.held.d",
        "the times of day in public.held.f",
    ]
    assert call(*apply, *ALLOWED[1:]).exit_code == 0
    assert rows(pair.target, "SELECT a::text, b::text, c::text, d::text, e::text, f::text, g::text, h::text FROM held") == [
        ["2024-05-01", "1.56", "2024-05-01 10:00:00", "{2024-05-01}", "{0.12345679}", "[2024-05-01,2024-05-03)",
         "(1.56,2024-05-01,1)", "[2024-05-01,2024-05-03)"],
    ]  # fmt: skip


def test_the_rows_in_tables_of_an_extension_need_leave(call, pairs):
    """Tables of extensions are not compared, and a table that somebody added to one is in no dump."""
    pair = pairs("CREATE EXTENSION citext", "", """
        CREATE EXTENSION hstore;
        CREATE TABLE keep (x int); INSERT INTO keep VALUES (1);
        ALTER EXTENSION hstore ADD TABLE keep;
        CREATE EXTENSION ltree;
    """)  # fmt: skip
    planned(call, pair)
    statements = json.loads(Path("plan.json").read_text())["statements"]
    assert {one["sql"]: one["destroys"] for one in statements} == {
        "DROP EXTENSION hstore": "the rows of public.keep (extension hstore)", "DROP EXTENSION ltree": None,
    }  # fmt: skip
    apply = ("migrate", "apply", "plan.json", pair.target, "--yes", "--json")
    refused(call(*apply), "HAZARD", "the rows of public.keep (extension hstore) are lost for good")
    assert rows(pair.target, "SELECT x FROM keep") == [[1]]
    assert call(*apply, *ALLOWED[1:]).exit_code == 0


def test_what_an_extension_holds_is_no_difference(call, pairs):
    pair = pairs("CREATE EXTENSION hstore", "", "CREATE TABLE keep (x int); ALTER EXTENSION hstore ADD TABLE keep")
    assert same(call, pair)
    prints = [call("schema", url, "--fingerprint", "--json").document["result"] for url in (pair.source, pair.target)]
    assert prints[0] == prints[1]


SHADOWS = "SELECT count(*) FROM pg_database WHERE datname LIKE 'dbsync\\_shadow%'"


def test_a_plan_that_is_stopped_is_no_answer_and_leaves_nothing(pair, dbsync: Command):
    running = dbsync.start("migrate", "plan", pair.source, pair.target, "--shadow", "target", "--json")
    deadline = time.monotonic() + 30
    while rows(pair.target, SHADOWS) == [[0]] and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send(signal.SIGTERM)
    ended = running.wait().ended(143)
    assert ended.document["result"] is None
    assert rows(pair.target, SHADOWS) == [[0]]


ENV = """
from alembic import context
from sqlalchemy import NullPool, create_engine
with create_engine(context.config.get_main_option("url"), poolclass=NullPool).connect() as connection:
    context.configure(connection=connection, version_table_schema="alembic")
    with context.begin_transaction():
        context.run_migrations()
"""


COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
    WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1
"""


def test_a_revision_runs_up_and_down_under_alembic(call, pair, tmp_path):
    Path("alembic/versions").mkdir(parents=True)
    Path("alembic/env.py").write_text(ENV)
    Path("alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n")
    config = Config(str(tmp_path / "alembic.ini"))
    config.set_main_option("url", pair.target.replace("postgresql://", "postgresql+psycopg://").replace("%", "%%"))
    run_sql(pair.target, "ALTER TABLE orders DROP COLUMN note")
    arguments = (
        "migrate",
        "revision",
        pair.source,
        pair.target,
        "-m",
        "Odd: %s",
        "--directory",
        ".",
        "--shadow",
        "target",
    )
    before = rows(pair.target, COLUMNS)
    ended = call(*arguments, "--json")
    assert ended.exit_code == 0, ended
    written = Path(result(ended)["file"])
    assert written.name == f"{result(ended)['revision']}_odd_s.py"

    run_sql(pair.target, "CREATE SCHEMA alembic")
    command.upgrade(config, "head")
    assert call("diff", pair.source, pair.target, "--schema", "public").exit_code == 0
    command.downgrade(config, "base")
    assert rows(pair.target, COLUMNS) == before
    assert rows(pair.target, "SELECT count(*) FROM pg_proc WHERE proname = 'f'") == [[0]]
    unproved = call(*arguments[:-2], "--no-proof", "--json")
    refused(unproved, "UNPROVED")
    assert [path.name for path in Path("alembic/versions").glob("*.py")] == [written.name]
