"""``diff --what schema|both``: differences between databases and scripts, in every format; what is left out is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import psycopg
import pytest

from dbsync import demo as shop
from tests.fixtures.annotations import read_annotations
from tests.fixtures.command import Command
from tests.fixtures.databases import fresh_database
from tests.fixtures.inprocess import InProcess
from tests.fixtures.jsonschema import faults
from tests.fixtures.pair import rows, run_sql

ODD = '"odd, table: 100%\n<&>```"'
BOTH = f"""
    CREATE TYPE mood AS ENUM ('a', 'b');
    CREATE TABLE same (id int PRIMARY KEY);
    CREATE TABLE orders (id int PRIMARY KEY, total numeric, note text);
    CREATE TABLE {ODD} (id int);
    CREATE VIEW v AS SELECT id FROM orders;
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT
    1';
"""
SOURCE = f"""
    ALTER TABLE orders ALTER total TYPE numeric(10, 2), ADD more text NOT NULL DEFAULT 'x';
    CREATE TABLE fresh (id serial PRIMARY KEY, v text CHECK (v <> ''));
    ALTER TYPE mood ADD VALUE 'c';
    GRANT SELECT ON orders TO case_reader;
    CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT
    2';
    COMMENT ON TABLE {ODD} IS E'x\\n::error::%0A]]>\\x1b[2J|`\\x01';
"""
TARGET = "CREATE TABLE gone (id int); CREATE INDEX gone_index ON gone (id); CREATE INDEX extra ON orders (note);"


@pytest.fixture
def call(capsys, monkeypatch, tmp_path) -> InProcess:
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


def changes(document) -> dict[str, str]:
    """What differs and does not merely come with something else: object -> action."""
    assert faults(document) == []
    result = document["result"]
    found = {one["object"]: one["action"] for one in result["changes"] if one["part_of"] is None}
    assert result["summary"] == {word: list(found.values()).count(word) for word in ("create", "change", "drop")}
    assert result["same"] is (not found)
    return found


def test_each_difference_is_told_once_and_in_every_format(pairs, call):
    pair = pairs(BOTH, SOURCE, TARGET)
    files = [f"{name}=out.{name}" for name in ("json", "md", "github", "junit", "sql")]
    ended = call(
        "diff", pair.source, pair.target, "--junit", "two.xml", *(arg for file in files for arg in ("-o", file))
    )
    assert ended.exit_code == 1
    out = {name: Path(f"out.{name}").read_text(encoding="utf-8") for name in ("json", "md", "github", "junit", "sql")}
    document = json.loads(out["json"])
    odd = "table public.odd, table: 100%\n<&>```"
    assert changes(document) == {
        "table public.fresh": "create", "column public.orders.more": "create", "table public.gone": "drop",
        "index public.extra": "drop", "column public.orders.total": "change", "table public.orders": "change",
        "enum public.mood": "change", "function public.f()": "change", odd: "change",
    }  # fmt: skip
    parts = {
        one["object"]: {p["name"]: (p["before"], p["after"]) for p in one["parts"]}
        for one in document["result"]["changes"]
    }
    assert parts["column public.orders.total"] == {"type": ("numeric", "numeric(10,2)")}
    assert parts["enum public.mood"] == {"labels": (["a", "b"], ["a", "b", "c"])}
    gained = set(parts["table public.orders"]["privileges"][1]) - set(parts["table public.orders"]["privileges"][0])
    assert gained == {"SELECT to case_reader"}
    text = call("diff", pair.source, pair.target).stdout
    assert text.splitlines()[0].startswith("+2 ~5 -2  ")
    assert "    ~ column total: type: numeric -> numeric(10,2)\n" in text
    assert "    privileges: +SELECT to case_reader\n" in text
    assert "      -    1$function$\n      +    2$function$\n" in text
    for name, shown in (*out.items(), ("text", text)):
        assert ("\x1b" in shown, "\x01" in shown) == (name == "sql",) * 2, name  # a script says exactly what is meant
    assert {(one.level, one.properties.get("file")) for one in read_annotations(out["github"])} >= {
        ("error", "table public.orders"),
        ("notice", None),
    }
    cases = {
        case.get("name"): [child.tag for child in case]
        for case in ElementTree.fromstring(out["junit"].encode()).iter("testcase")
    }
    assert (cases["table public.same"], cases["table public.orders"], cases["view public.v"]) == ([], ["failure"], [])
    assert Path("two.xml").read_text() == out["junit"]
    assert "\n````diff\n" in out["md"]
    assert "ALTER TYPE public.mood ADD VALUE 'c'" in out["sql"]


def test_grants_on_an_identity_are_told_in_words(pairs, call):
    granted = "GRANT SELECT ON SEQUENCE t_id_seq TO case_reader"
    pair = pairs("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY);", granted, "")
    assert "identity privileges: +SELECT to case_reader\n" in call("diff", pair.source, pair.target).stdout


def test_the_statements_of_format_sql_make_the_target_like_the_source(pairs, call):
    pair = pairs(BOTH, SOURCE, TARGET)
    script = call("diff", pair.source, pair.target, "--format", "sql").stdout
    with psycopg.connect(pair.target, autocommit=True) as connection:
        for statement in script.split(";\n"):
            connection.execute(statement.encode())
    ended = call("diff", pair.source, pair.target, "--strict")
    assert (ended.exit_code, ended.stdout.split(" (")[0]) == (0, "the schemas are the same")


def test_a_choice_takes_what_belongs_to_a_table_with_it_and_counts_the_rest(pairs, call):
    script = """
        CREATE SCHEMA app; CREATE SCHEMA other;
        CREATE FUNCTION public.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TABLE app.a (id serial PRIMARY KEY, v int); CREATE TABLE app.b (id int); CREATE TABLE other.a (id int);
    """
    more = """
        ALTER TABLE app.a ADD w int; ALTER SEQUENCE app.a_id_seq INCREMENT 2; CREATE INDEX ai ON app.a (v);
        CREATE TRIGGER tr BEFORE INSERT ON app.a FOR EACH ROW EXECUTE FUNCTION public.t();
        CREATE POLICY p ON app.a; CREATE STATISTICS app.st ON id, v FROM app.a; COMMENT ON COLUMN app.a.v IS 'v';
        ALTER TABLE app.b ADD w int; ALTER TABLE other.a ADD w int; CREATE TYPE public.e AS ENUM ();
    """
    pair = pairs(script, more)

    def found(*args: str) -> set[str]:
        document = call("diff", pair.source, pair.target, "--json", *args).document
        assert document["result"]["left_out"] or not args
        return set(changes(document))

    of_a = {
        "column app.a.w", "sequence app.a_id_seq", "index app.ai", "trigger app.a.tr", "policy app.a.p", "statistics app.st",
        "column app.a.v",
    }  # fmt: skip
    everything = of_a | {"column app.b.w", "column other.a.w", "enum public.e"}
    assert found() == everything
    assert found("--tables", "app.a") == of_a
    assert found("--tables", "app.*", "--exclude", "app.b") == of_a
    assert found("--exclude", "app.a") == everything - of_a
    assert found("--schema", "app", "--exclude", "app.b") == of_a
    assert found("--schema", "o*") == {"column other.a.w"}
    assert found("--ignore", "index,trigger,policy", "--ignore", "statistics,comments,sequence,enum") == {
        "column app.a.w", "column app.b.w", "column other.a.w",
    }  # fmt: skip
    text = call("diff", pair.source, pair.target, "--tables", "app.b").stdout
    assert "left out, as the options say: " in text
    assert "1 function" in text


def test_a_partitioned_table_is_chosen_or_left_out_with_all_its_partitions(pairs, call):
    tree = """
        CREATE SCHEMA logs; CREATE TABLE t (a int);
        CREATE TABLE tmp (a int) PARTITION BY RANGE (a);
        CREATE TABLE logs.one PARTITION OF tmp FOR VALUES FROM (0) TO (9) PARTITION BY RANGE (a);
        CREATE TABLE logs.leaf PARTITION OF logs.one FOR VALUES FROM (0) TO (5);
    """
    pair = pairs("", "CREATE TABLE t (a int)", tree)

    def found(*args: str) -> set[str]:
        changed = changes(call("diff", pair.source, pair.target, "--json", *args).document)
        return {ref for ref in changed if ref.startswith(("table", "partition"))}

    assert found("--exclude", "tmp") == set()
    assert found("--tables", "tmp") == found() == {"table public.tmp", "table logs.one", "table logs.leaf"}
    assert found("--tables", "tmp", "--exclude", "logs.leaf") == {"table public.tmp", "table logs.one"}
    assert found("--tables", "logs.leaf") == {"table logs.leaf"}


def test_owner_rights_and_comments_can_be_ignored(pairs, call):
    pair = pairs(
        "CREATE TABLE t (a int); CREATE TYPE c AS (a int);",
        "COMMENT ON TABLE t IS 'x'; COMMENT ON COLUMN c.a IS 'x'; GRANT INSERT ON t TO PUBLIC; ALTER TABLE t OWNER TO case_reader;"
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO case_reader;",
    )
    assert len(call("diff", pair.source, pair.target, "--json").document["result"]["changes"]) == 3
    assert call("diff", pair.source, pair.target, "--ignore", "owner,privileges,comments").exit_code == 0


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (("--ignore", "ownr"), "CONFIG", "owner"),
        (("--ignore", ""), "CONFIG", ""),
        (("--tables", "ordres"), "NO_SUCH_TABLE", "orders"),
        (("--exclude", "nothing.*"), "NO_SUCH_TABLE", ""),
        (("--schema", "pubic"), "NO_SUCH_SCHEMA", "public"),
        (("--where", "orders:true"), "CONFIG", "--what data"),
        (("--what", "data", "--ignore", "owner"), "CONFIG", "--what schema"),
        (("--what", "data", "--format", "sql"), "CONFIG", ""),
    ],
)
def test_what_cannot_be_meant_is_exit_2(args, code, word, pairs, call):
    pair = pairs("CREATE TABLE orders (id int PRIMARY KEY)")
    ended = call("diff", pair.source, pair.target, *args, *(() if "sql" in args else ("--json",)))
    assert ended.exit_code == 2, ended
    if "sql" not in args:
        error = ended.document["error"]
        assert error["code"] == code
        assert word in f"{error['message']} {error['hint']}"
        assert faults(ended.document) == []


def test_strict_is_exit_1_for_what_is_not_compared(pairs, call):
    pair = pairs("", "CREATE TABLE t (a int, b int);", "CREATE TABLE t (b int, a int);")
    assert [call("diff", pair.source, pair.target, *args).exit_code for args in ((), ("--strict",))] == [0, 1]
    document = call("diff", pair.source, pair.target, "--strict", "--json").document
    assert [(one["kind"], one["objects"]) for one in document["not_compared"]] == [("column_order", ["table public.t"])]
    assert call("diff", pair.source, pair.target, "--strict", "--ignore", "column_order").exit_code == 0
    database = pair.source.rpartition("/")[2].partition("?")[0]
    run_sql(pair.source, f"ALTER DATABASE {database} SET work_mem = '8MB'; COMMENT ON DATABASE {database} IS 'x';"
                         "SELECT lo_create(0)")  # fmt: skip
    seen = call("diff", pair.source, pair.source, "--json").document
    assert {one["kind"]: one["count"] for one in seen["not_compared"]} == {
        "database comment": 1, "database setting": 1, "large object": 1,
    }  # fmt: skip


def test_both_compares_structure_and_rows_under_one_answer(pairs, call):
    pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a');"
        "CREATE TABLE lacks (id int PRIMARY KEY, v text); INSERT INTO lacks VALUES (1, 'a');"
    )
    same = call("diff", pair.source, pair.target, "--what", "both", "--json")
    assert (same.exit_code, same.document["result"]["same"], faults(same.document)) == (0, True, [])
    run_sql(pair.target, "ALTER TABLE lacks DROP v")
    ended = call("diff", pair.source, pair.target, "--what", "both", "--json")
    result = ended.document["result"]
    assert (ended.exit_code, faults(ended.document)) == (1, [])
    assert [one["object"] for one in result["changes"]] == ["column public.lacks.v"]
    assert {table["table"]: table["state"] for table in result["tables"]} == {
        "public.lacks": "not_compared", "public.t": "same",
    }  # fmt: skip
    assert [one["table"] for one in ended.document["not_compared"]] == ["public.lacks"]
    run_sql(
        pair.target,
        "ALTER TABLE lacks ADD v text DEFAULT 'a'; ALTER TABLE lacks ALTER v DROP DEFAULT; UPDATE t SET v = 'b'",
    )
    ended = call("diff", pair.source, pair.target, "--what", "both", "--schema", "public", "--json")
    assert (
        ended.exit_code,
        ended.document["result"]["summary"]["change"],
        ended.document["result"]["totals"]["different"],
    ) == (1, 0, 1)
    text = call("diff", pair.source, pair.target, "--what", "both").stdout
    assert text.startswith("the schemas are the same")
    assert "1 of 2 tables differ" in text


def test_rows_are_compared_of_the_chosen_schemas_tables_that_the_source_has(pairs, call):
    parted = (
        "CREATE SCHEMA app; CREATE TABLE app.ev (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE TABLE app.part_0 PARTITION OF app.ev FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE app.part_1 PARTITION OF app.ev FOR VALUES FROM (10) TO (20); INSERT INTO app.ev VALUES (1, 'a');"
    )
    pair = pairs(parted, "", "CREATE TABLE app.extra (id int PRIMARY KEY); INSERT INTO app.ev VALUES (11, 'b')")
    ends = ("diff", pair.source, pair.target, "--what", "both", "--schema", "app")
    whole = call(*ends, "--json")
    assert (whole.exit_code, whole.document["result"]["totals"]["only_in_target"]) == (1, 1)
    assert "table app.extra" in [one["object"] for one in whole.document["result"]["changes"]]
    assert [one["table"] for one in whole.document["result"]["skipped"]] == ["app.extra"]
    less = call(*ends, "--exclude", "app.part_1", "--exclude", "app.extra", "--json")
    assert (less.exit_code, less.document["result"]["totals"]["only_in_target"]) == (0, 0)
    run_sql(pair.source, "DROP TABLE app.ev")
    none = call(*ends, "--json")
    assert (none.exit_code, none.document["result"]["tables"]) == (1, [])
    assert [one["table"] for one in none.document["result"]["skipped"]] == ["app.ev", "app.extra"]


def test_annotations_tell_what_alone_makes_strict_fail(pairs, call):
    pair = pairs("CREATE TABLE t (id int PRIMARY KEY)", "", "CREATE TABLE extra (id int PRIMARY KEY)")
    ends = (pair.source, pair.target, "-f", "github")
    for options, level, code in (((), "warning", 0), (("--strict",), "error", 1)):
        ended = call("diff", *ends, "--what", "data", *options)
        assert ended.exit_code == code
        assert f"::{level} file=public.extra,title=skipped::not in the source: left alone" in ended.stdout


SCRIPT = """
-- a dump's way of writing
\\restrict abc123
SET search_path = '';
CREATE TABLE public.t (id integer NOT NULL, v text);
ALTER TABLE public.t OWNER TO "App Owner";
COPY public.t (id, v) FROM stdin;
1	it's; \\\\. here
2	\\N
\\.
ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);
CREATE ROLE made;
GRANT SELECT ON public.t TO made, "Some Body" WITH GRANT OPTION;
CREATE FUNCTION public.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
\\unrestrict abc123
"""


def test_a_script_is_a_side(call, tmp_path, source_db):
    Path("wanted.sql").write_text(SCRIPT)
    Path("present.sql").write_text(SCRIPT.replace("v text", "v varchar(50)"))
    same = call("diff", "wanted.sql", "wanted.sql", "--json", "--strict")
    assert (same.exit_code, changes(same.document)) == (0, {})
    assert same.document["source"]["name"] == "wanted.sql"
    differ = call("diff", "wanted.sql", "present.sql", "--json")
    assert changes(differ.document) == {"column public.t.v": "change"}
    source_db.execute("CREATE TABLE t (id int)")
    Path("plain.sql").write_text("\ufeffCREATE TABLE t (id int);")  # as editors of Windows write it
    assert call("diff", "plain.sql", source_db.url, "--strict").exit_code == 0
    assert call("diff", source_db.url, str(tmp_path / "plain.sql"), "--strict").exit_code == 0
    assert call("diff", "plain.sql", source_db.url, "--what", "both").exit_code == 2


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "CREATE TABLE t (a int);\n\nCREATE TABLE u (\n  a nothing\n);",
            'bad.sql, line 4: type "nothing" does not exist',
        ),
        ("SELECT 'open", "bad.sql: the string that begins on line 1 never ends"),
        ("CREATE TABLE t (a int);\n\\! touch hacked", "bad.sql: line 2: \\! is a command of psql"),
        ("CREATE TABLE t (a int);\n\\i other.sql", "bad.sql: line 2: \\i is a command of psql"),
        ("COPY t FROM PROGRAM 'x'", "bad.sql, line 1"),
        (b"\xff\xfe", "bad.sql is not UTF-8"),
        (None, "bad.sql: no such file"),
    ],
)
def test_a_script_that_does_not_run_is_exit_2_with_its_line(script, message, call):
    if script is not None:
        Path("bad.sql").write_bytes(script if isinstance(script, bytes) else script.encode())
    Path("good.sql").write_text("CREATE TABLE t (a int);")
    ended = call("diff", "good.sql", "bad.sql", "--json")
    error = ended.document["error"]
    assert (ended.exit_code, error["code"]) == (2, "BAD_SCRIPT")
    assert message in error["message"]
    assert faults(ended.document) == []
    assert not Path("hacked").exists()


def test_nothing_is_written_and_no_session_stays(pairs, dbsync: Command):
    pair = pairs(BOTH, SOURCE, TARGET)
    dbsync.run("diff", pair.source, pair.target).ended(1)
    sessions = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'dbsync%' AND datname = current_database()"
    )
    assert rows(pair.source, sessions) == rows(pair.target, sessions) == [[0]]
    quiet = dbsync.run("diff", pair.source, pair.target, "-q").ended(1)
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert dbsync.run("diff", pair.source, pair.target, "--exit-zero", "--stat").ended(0).stdout.startswith("+2 ~5 -2")


def test_sqlalchemy_is_not_loaded(source_db, capsys):
    """Its import alone takes a quarter of the time that a comparison of 500 tables may take."""
    code = f"import sys; sys.argv = ['dbsync', 'diff', {source_db.url!r}, {source_db.url!r}]\n" + (
        "from dbsync.cli.main import run\nrun(sys.argv[1:])\nprint(sorted(n for n in ('sqlalchemy', 'alembic', 'rich') if n in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_other_versions_describe_one_schema_alike(pg15, pg17, pg_a, call):
    script = (
        BOTH + "CREATE VIEW w AS SELECT o.id, o.note FROM orders o WHERE EXISTS (SELECT FROM same s WHERE s.id = o.id);"
    )
    with fresh_database(pg15) as old, fresh_database(pg17) as middle, fresh_database(pg_a) as new:
        for database in (old, middle, new):
            database.execute(script)
        for one, other in ((old, middle), (middle, new), (new, old)):
            ended = call("diff", one.url, other.url, "--strict")
            assert ended.exit_code == 0, ended


SHOP = (Path(shop.__file__).parent / "shop_schema.sql").read_text()
_BESIDE = Path(__file__).parents[2].parent / "shared" / "data" / "pagila"
PAGILA = os.environ.get("DBSYNC_TEST_PAGILA") or (str(_BESIDE) if _BESIDE.is_dir() else None)


@pytest.mark.parametrize("what", ["shop", "pagila"])
def test_a_real_schema_is_the_same_on_every_version_and_as_a_script(what, pg15, pg17, pg_a, call, tmp_path):
    if what == "pagila" and PAGILA is None:
        pytest.skip("NOT TESTED on Pagila: set DBSYNC_TEST_PAGILA to the folder of its scripts")
    script = SHOP if what == "shop" else (Path(str(PAGILA)) / "schema.sql").read_text()
    Path("wanted.sql").write_text(script)
    with fresh_database(pg15) as old, fresh_database(pg17) as middle, fresh_database(pg_a) as new:
        for server, database in ((pg15, old), (pg17, middle), (pg_a, new)):
            command = [str(server.bindir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.url]
            subprocess.run([*command, "-f", "wanted.sql"], check=True, stdout=subprocess.DEVNULL)
        for one, other in ((old, new), (new, middle), (middle, old)):
            ended = call("diff", one.url, other.url, "--json")
            assert (ended.exit_code, changes(ended.document)) == (0, {})
            assert all("version" in entry["reason"] for entry in ended.document["not_compared"]), ended
        for database in (old, new):
            ended = call("diff", "wanted.sql", database.url, "--json")
            assert (ended.exit_code, changes(ended.document)) == (0, {})
