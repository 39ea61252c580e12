"""``schema`` and ``explore`` as commands: exit codes, formats, files, and a terminal that nothing can steer."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.fixtures.command import Command, Result
from tests.fixtures.databases import Database

_SHOP = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL, mood mood);
COMMENT ON TABLE customer IS 'who | buys';
CREATE TABLE "order" (id bigint PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, note text);
CREATE VIEW latest AS SELECT * FROM "order";
INSERT INTO customer (name, mood) SELECT 'name ' || i, CASE WHEN i > 2 THEN 'ok'::mood END FROM generate_series(1, 5) i;
INSERT INTO "order" VALUES (1, 1, E'a,"b"\\n'), (9007199254740993, 2, NULL), (3, 2, ''), (4, 2, '=1+1');
ANALYZE;
"""


@pytest.fixture
def shop(source_db: Database) -> Database:
    source_db.execute(*_SHOP.split(";\n")[:-1])
    return source_db


def test_schema_is_a_tree_by_default(shop: Database, dbsync: Command) -> None:
    text = dbsync.run("schema", shop.url).ended(0).stdout
    assert "table customer  about 5 rows" in text
    assert "-- who | buys" in text
    assert "├── id    integer  not null  default nextval('public.customer_id_seq'::regclass)" in text
    assert "constraint order_customer_id_fkey  FOREIGN KEY (customer_id) REFERENCES public.customer(id)" in text
    assert "type mood  enum: sad, ok" in text
    assert "view latest" in text
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_schema_has_every_format_and_writes_several_at_once(shop: Database, dbsync: Command, tmp_path: Path) -> None:
    sql, diagram, listed = tmp_path / "s.sql", tmp_path / "s.mmd", tmp_path / "s.md"
    files = ("-o", f"sql={sql}", "-o", f"mermaid={diagram}", "-o", f"md={listed}")
    made = dbsync.run("schema", shop.url, "--json", *files).ended(0)
    tables = {table["name"]: table for table in made.result["tables"]}
    assert tables["order"]["columns"][0] == {
        "name": "id", "type": "bigint", "nullable": False, "default": None, "generated": None, "generation": None,
        "identity": None, "collation": None, "comment": None, "readable": True,
    }  # fmt: skip
    assert tables["customer"]["row_estimate"] == 5
    assert 'CREATE TABLE public."order" (' in sql.read_text()
    assert '"customer" ||--o{ "order" : "order_customer_id_fkey"' in diagram.read_text()
    line = next(line for line in listed.read_text().splitlines() if "public.customer" in line)
    assert re.fullmatch(r"\| public.customer \| table \| 5 \| [\d.]+ kB \| id \| who \\\| buys \|", line)


def test_foreign_keys_are_left_out_or_printed_alone_and_only_in_sql(shop: Database, dbsync: Command) -> None:
    script = dbsync.run("schema", shop.url, "--format", "sql").ended(0).stdout
    without, only = (
        dbsync.run("schema", shop.url, "--format", "sql", "--foreign-keys", which).ended(0).stdout
        for which in ("without", "only")
    )
    assert script.count("FOREIGN KEY") == only.count("FOREIGN KEY") > 0
    assert "FOREIGN KEY" not in without
    assert "CREATE TABLE" not in only
    dbsync.run("schema", shop.url, "--foreign-keys", "only").ended(2)


def test_the_fingerprint_stays_when_rows_change_and_differs_when_structure_does(
    shop: Database, dbsync: Command
) -> None:
    first = dbsync.run("schema", shop.url, "--fingerprint").ended(0).stdout
    assert len(first.strip()) == 64
    shop.execute("INSERT INTO customer (name) VALUES ('new')", "ANALYZE")
    assert dbsync.run("schema", shop.url, "--fingerprint").stdout == first
    assert dbsync.run("schema", shop.url, "--fingerprint", "--json").result == {"fingerprint": first.strip()}
    shop.execute("ALTER TABLE customer ADD COLUMN x int")
    assert dbsync.run("schema", shop.url, "--fingerprint").stdout != first


def test_patterns_choose_and_one_that_matches_nothing_is_a_usage_error(shop: Database, dbsync: Command) -> None:
    chosen = dbsync.run("schema", shop.url, "cust*", "public.mood", "--json").ended(0).result
    assert ([each["name"] for each in chosen["tables"]], [each["name"] for each in chosen["types"]]) == (
        ["customer"], ["mood"],
    )  # fmt: skip
    missed = dbsync.run("schema", shop.url, "cust*", "custmer", "--json").ended(2)
    assert missed.error["message"] == f"no table matches 'custmer' in database {shop.name}"
    assert missed.error["hint"] == "did you mean customer?"


def test_explore_lists_tables(shop: Database, dbsync: Command) -> None:
    tables = dbsync.run("explore", shop.url, "--json").ended(0).tables()
    assert list(tables) == ["public.customer", "public.latest", "public.order"]
    assert tables["public.customer"]["key"] == ["id"]
    assert tables["public.latest"]["row_estimate"] is None
    assert "public.customer" in dbsync.run("explore", shop.url).ended(0).stdout


def test_explore_shows_pages_in_every_format(shop: Database, dbsync: Command, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("csv", "jsonl", "md", "text")}
    written = [word for name, path in files.items() for word in ("-o", f"{name}={path}")]
    page = dbsync.run("explore", shop.url, "order", "--limit", "3", "--json", *written).ended(0).result
    assert page["rows"][0] == {"id": "1", "customer_id": "1", "note": 'a,"b"\n'}
    assert (page["next"], page["more"], page["order"]) == ("4", True, ["id"])
    assert files["csv"].read_text() == 'id,customer_id,note\n1,1,"a,""b""\n"\n3,2,""\n4,2,=1+1\n'
    lines = [json.loads(line) for line in files["jsonl"].read_text().splitlines()]
    assert lines == page["rows"]
    assert files["md"].read_text().startswith("| id | customer_id | note |\n")
    assert "(3 rows; next page: --after 4)" in files["text"].read_text()
    last = dbsync.run("explore", shop.url, "order", "--after", "4", "-f", "csv").ended(0)
    assert last.stdout == "id,customer_id,note\n9007199254740993,2,\n"  # NULL; an empty text is ""
    sorted_ = dbsync.run("explore", shop.url, "customer", "--limit", "2", "--sort", "name:desc", "--filter", "mood=ok")
    assert 'next page: --after \'["name 4","4"]\'' in sorted_.ended(0).stdout


def test_an_exported_page_can_be_loaded_again(shop: Database, dbsync: Command) -> None:
    text = dbsync.run("explore", shop.url, "order", "-f", "csv").ended(0).stdout
    with psycopg.connect(shop.url, autocommit=True) as connection:
        connection.execute('CREATE TABLE again (LIKE "order")')
        with connection.cursor().copy("COPY again FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(text)
    assert shop.value('SELECT count(*) FROM (TABLE again EXCEPT TABLE "order") d') == 0
    assert shop.value('SELECT count(*) FROM (TABLE "order" EXCEPT TABLE again) d') == 0


def test_a_missing_row_is_a_negative_answer(shop: Database, dbsync: Command) -> None:
    found = dbsync.run("explore", shop.url, "customer", "--key", "3", "--json").ended(0).result
    assert found["row"] == {"id": "3", "name": "name 3", "mood": "ok"}
    missing = dbsync.run("explore", shop.url, "customer", "--key", "77", "--json").ended(1)
    assert missing.result["row"] is None
    assert "no row of public.customer has this key" in missing.stderr


def test_figures_are_shown(shop: Database, dbsync: Command) -> None:
    result = dbsync.run("explore", shop.url, "customer", "--stats", "--json").ended(0).result
    assert (result["rows"], result["sample"]) == (5, None)
    assert result["columns"][2] == {
        "column": "mood", "type": "public.mood", "nulls": 2, "distinct": 1, "min": "ok", "max": "ok",
        "top": [{"value": "ok", "count": 3}],
    }  # fmt: skip
    assert "ok (3)" in dbsync.run("explore", shop.url, "customer", "--stats").ended(0).stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nope"], "no table matches 'nope'"),
        (["customer", "--filter", "nope=1"], "has no column 'nope'"),
        (["customer", "--filter", "id=x"], 'invalid input syntax for type integer: "x"'),
        (["customer", "--where", "1=1); DROP TABLE customer; --"], "syntax error"),
        (["customer", "--limit", "1001"], "between 1 and 1000"),
        (["customer", "--key", "1", "--sort", "id"], "--sort does not go with --key"),
        (["customer", "--stats", "--after", "1"], "--after does not go with --stats"),
        (["--filter", "id=1"], "--filter needs a TABLE"),
        (["latest", "--after", "1"], "has no key"),
    ],
)
def test_bad_questions_are_usage_errors_in_one_sentence(
    shop: Database, dbsync: Command, args: list[str], message: str
) -> None:
    found = dbsync.run("explore", shop.url, *args, "--json").ended(2)
    assert message in found.error["message"]
    assert shop.value("SELECT count(*) FROM customer") == 5


_STEERING = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\r\b"


@pytest.mark.parametrize(
    "args",
    [
        ["schema"], *(["schema", "-f", name] for name in ("json", "sql", "md", "mermaid")),
        ["explore"], ["explore", "*"], *(["explore", "*", "-f", name] for name in ("json", "jsonl", "csv", "md")),
        ["explore", "*", "--stats"], ["explore", "*", "--key", "1"], ["explore", "nope"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_nothing_from_a_database_steers_a_terminal(source_db: Database, dbsync: Command, args: list[str]) -> None:
    quoted = '"' + _STEERING + '"'
    source_db.execute(
        f"CREATE TYPE {quoted} AS ENUM ('{_STEERING}'); CREATE TABLE {quoted[:-1]}t\" "
        f"(id int PRIMARY KEY, {quoted} text DEFAULT '{_STEERING}'); COMMENT ON TABLE {quoted[:-1]}t\" IS '{_STEERING}';"
        f"INSERT INTO {quoted[:-1]}t\" VALUES (1, '{_STEERING}')"
    )
    name, *rest = args
    shown = on_a_terminal(dbsync, name, source_db.url, *rest)
    for character in "\x1b\x07\x9b\u202e\b":
        assert character not in shown, shown
    if rest[:1] != ["nope"]:
        assert "evil" in shown


def on_a_terminal(dbsync: Command, *args: str) -> str:
    """What a terminal would get on stdout and stderr."""
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dbsync", *args], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower,
        env={"HOME": str(dbsync.home), "PATH": os.environ["PATH"], "NO_COLOR": "1", "TERM": "xterm"}, cwd=dbsync.home,
    )  # fmt: skip
    os.close(follower)
    seen = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the last writer is gone
            break
        if not piece:
            break
        seen += piece
    process.wait(60)
    os.close(leader)
    return seen.decode().replace("\r\n", "\n")


def test_files_stay_exact(source_db: Database, dbsync: Command, tmp_path: Path) -> None:
    source_db.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    with psycopg.connect(source_db.url, autocommit=True) as connection:
        connection.execute("INSERT INTO t VALUES (1, %s)", (_STEERING,))
    path = tmp_path / "t.csv"
    dbsync.run("explore", source_db.url, "t", "-o", f"csv={path}", "--json").ended(0)
    with path.open(newline="", encoding="utf-8") as stream:
        assert list(csv.reader(stream))[1] == ["1", _STEERING]


def test_rows_that_look_like_secrets_are_shown_as_they_are(source_db: Database, dbsync: Command) -> None:
    source_db.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    source_db.execute("INSERT INTO t VALUES (1, 'password=hunter2 postgresql://u:pw@h/d')")
    found: Result = dbsync.run("explore", source_db.url, "t", "--json").ended(0)
    assert found.result["rows"][0]["v"] == "password=hunter2 postgresql://u:pw@h/d"
