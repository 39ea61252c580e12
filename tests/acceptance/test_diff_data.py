"""``diff --what data``: every difference is seen and counted, in every format, and nothing is written."""

from __future__ import annotations

import signal
import time
from collections import Counter
from xml.etree import ElementTree

import psycopg
import pytest
from psycopg import sql

from dbsync.model import TableName
from tests.fixtures import oracle, schemagen
from tests.fixtures.annotations import read_annotations
from tests.fixtures.command import Command, Result
from tests.fixtures.inprocess import InProcess
from tests.fixtures.jsonschema import faults
from tests.fixtures.pair import create_database, drop_database, run_sql, with_user

ODD = '"odd, table: 100%\n<&>"'
SCHEMA = f"""
    CREATE TABLE same (id int PRIMARY KEY, v text);
    CREATE TABLE orders (id int PRIMARY KEY, total numeric, note text);
    CREATE TABLE loose (v text);
    CREATE TABLE {ODD} (id int PRIMARY KEY, v text);
    INSERT INTO same SELECT i, 'v' || i FROM generate_series(1, 50) AS i;
    INSERT INTO orders SELECT i, i, 'n' FROM generate_series(1, 100) AS i;
    INSERT INTO loose VALUES ('twice'), ('twice'), ('once');
    INSERT INTO {ODD} VALUES (1, 'a');
"""
SOURCE = f"UPDATE {ODD} SET v = E'x\\n::error::%0A]]>\\x1b[2J|`\\x01'; CREATE TABLE only_source (id int);"
TARGET = """
    UPDATE orders SET total = 7.0 WHERE id = 7; UPDATE orders SET note = NULL WHERE id IN (8, 9);
    DELETE FROM orders WHERE id IN (1, 2, 3, 4); INSERT INTO orders VALUES (101, 1, ''), (102, 1, '');
    DELETE FROM loose; INSERT INTO loose VALUES ('twice'), ('once'), ('once');
    CREATE TABLE only_target (id int);
"""
COUNTS = ("source_rows", "target_rows", "only_in_source", "only_in_target", "different")
ODD_NAME = f"public.{ODD}"


@pytest.fixture
def call(capsys, monkeypatch, tmp_path) -> InProcess:
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


def diff(call: InProcess, pair, *args: str) -> Result:
    """``dbsync diff SOURCE TARGET --what data --json ARGS`` in this process."""
    ended = call("diff", pair.source, pair.target, "--what", "data", "--json", *args)
    return Result(ended.args, ended.exit_code, ended.stdout, ended.stderr, 0.0)


def counts(result: Result) -> dict[str, tuple[object, ...]]:
    return {name: tuple(table[count] for count in COUNTS) for name, table in result.tables().items()}


def missing(result: Result) -> dict[str, str]:
    return {entry["table"]: entry["reason"] for entry in result.document["not_compared"]}


def test_every_format_says_the_same_and_nothing_is_written(pairs, call, tmp_path):
    pair = pairs(SCHEMA, SOURCE, TARGET)
    before = [oracle.take(url) for url in (pair.source, pair.target)]
    files = {name: tmp_path / f"diff.{name}" for name in ("text", "md", "github", "junit")}
    outputs = [word for name in files for word in ("-o", f"{name}={files[name]}")]
    result = diff(call, pair, *outputs, "--junit", "also.xml").ended(1)
    assert faults(result.document) == []
    assert counts(result) == {
        "public.same": (50, 50, 0, 0, 0),
        "public.orders": (100, 98, 4, 2, 3),
        "public.loose": (3, 3, 1, 1, None),
        ODD_NAME: (1, 1, 0, 0, 1),
        "public.only_source": (None,) * 5,
    }
    tables = result.tables()
    assert {name: table["same"] for name, table in tables.items()} == {
        "public.same": True, "public.orders": False, "public.loose": False, ODD_NAME: False, "public.only_source": None,
    }  # fmt: skip
    (changed,) = tables[ODD_NAME]["samples"]
    assert changed == {
        "kind": "different", "key": {"id": "1"}, "before": {"v": "a"},
        "after": {"v": "x\n::error::%0A]]>\x1b[2J|`\x01"},
    }  # fmt: skip
    assert missing(result) == {
        "public.only_source": "public.only_source does not exist in the target",
        "public.only_target": "not in the source: left alone",
    }
    _check_texts({name: path.read_text() for name, path in files.items()})
    assert (tmp_path / "also.xml").read_text() == files["junit"].read_text()
    assert [
        oracle.all_changes(*two) for two in zip(before, map(oracle.take, (pair.source, pair.target)), strict=True)
    ] == [[], []]


def _check_texts(texts: dict[str, str]) -> None:
    for text in texts.values():
        assert "\x1b" not in text
        assert "\x01" not in text
        assert "public.orders" in text
    lines = texts["text"].splitlines()
    (row,) = [line for line in lines if line.startswith("public.orders ")]
    assert row.split() == ["public.orders", "differs", "100", "98", "4", "2", "3"]
    assert "not compared public.only_source: public.only_source does not exist in the target" in lines
    assert (
        lines[-1]
        == "3 of 4 tables differ (rows: 5 only in the source, 3 only in the target, 4 different); 1 not compared"
    )
    assert "| public.orders | differs | 100 | 98 | 4 | 2 | 3 |" in texts["md"].splitlines()
    assert {(one.level, one.properties.get("file")) for one in read_annotations(texts["github"])} == {
        ("error", "public.orders"), ("error", "public.loose"), ("error", ODD_NAME), ("error", "public.only_source"),
        ("warning", "public.only_target"), ("notice", None),
    }  # fmt: skip
    cases = {case.get("name"): case for case in ElementTree.fromstring(texts["junit"].encode()).iter("testcase")}
    outcomes = {name: next((child.tag for child in case), "passed") for name, case in cases.items()}
    assert outcomes == {
        "public.same": "passed", "public.orders": "failure", "public.loose": "failure", ODD_NAME: "failure",
        "public.only_source": "error", "public.only_target": "skipped",
    }  # fmt: skip


def test_exit_codes_and_quiet(pairs, dbsync: Command, call):
    pair = pairs("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')")
    ends = ("diff", pair.source, pair.target, "--what", "data")
    ended = call(*ends)
    assert (ended.exit_code, ended.stdout.splitlines()[-1]) == (0, "1 table is the same")
    run_sql(pair.target, "UPDATE t SET v = 'b'")
    shown, counted = call(*ends), call(*ends, "--stat")
    assert (shown.exit_code, counted.exit_code) == (1, 1)
    assert ("id='1'" in shown.stdout, "id='1'" in counted.stdout) == (True, False)
    quiet = dbsync.run(*ends, "-q").ended(1)
    assert (quiet.stdout, quiet.stderr) == ("", "")
    document = diff(call, pair, "--exit-zero", "--stat").ended(0)
    assert document.result["same"] is False
    assert document.tables()["public.t"]["samples"] == []


def test_a_selection_narrows_both_sides(pairs, call):
    pair = pairs(SCHEMA, "", TARGET + "CREATE SCHEMA other; ALTER TABLE same SET SCHEMA other;")
    narrowed = diff(
        call, pair, "--tables", "orders", "--tables", "same", "--map", "public.same=other.same", "--where",
        "orders:id > 5", "--columns", "orders:id,note", "-j", "1", "--limit-samples", "1",
    ).ended(1)  # fmt: skip
    assert counts(narrowed) == {"other.same": (50, 50, 0, 0, 0), "public.orders": (95, 97, 0, 2, 2)}
    assert len(narrowed.tables()["public.orders"]["samples"]) == 1
    assert missing(narrowed) == {}
    assert not any("only" in warning for warning in narrowed.document["warnings"])
    assert counts(
        diff(call, pair, "--tables", "*", "--exclude", "orders", "--exclude", "same", "--exclude", "loose").ended(0)
    ).keys() == {ODD_NAME}


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--what", "data", "--tables", "ordres"), "NO_SUCH_TABLE"),
        (("--what", "data", "--exclude", "nothing.*"), "NO_SUCH_TABLE"),
        (("--what", "data", "--where", "nothing:true"), "NO_SUCH_TABLE"),
        (("--what", "data", "--where", "orders:no_such > 1"), "BAD_WHERE"),
        (("--what", "data", "--where", "orders:true; DROP TABLE orders"), "BAD_WHERE"),
        (("--what", "data", "--columns", "orders:id,no_such"), "NO_SUCH_COLUMN"),
        (("--what", "data", "--map", "public.no=public.b"), "CONFIG"),
        (("--what", "data", "--junit", "no/such/place"), "CONFIG"),
        (("--what", "nothing"), "USAGE"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_exit_2(args, code, pairs, call):
    pair = pairs("CREATE TABLE orders (id int PRIMARY KEY)")
    ended = call("diff", pair.source, pair.target, *args, "--json")
    assert (ended.exit_code, ended.document["error"]["code"]) == (2, code), ended
    assert faults(ended.document) == []


def test_a_table_that_cannot_be_compared_does_not_hide_the_others(pairs, dbsync: Command):
    schema = "".join(
        f"CREATE TABLE {name} (id int PRIMARY KEY, v text); INSERT INTO {name} VALUES (1, 'a');"
        for name in ("fine", "lacks", "typed", "surplus", "hidden", "secret", "masked")
    )
    grants = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {0}; REVOKE ALL ON {1} FROM {0};"
    mine = grants.format("case_reader", "hidden") + "CREATE VIEW looks AS SELECT 1 AS a;"
    theirs = f"""
        ALTER TABLE lacks DROP v; ALTER TABLE typed ALTER v TYPE int USING 1; ALTER TABLE surplus ADD more int NOT NULL DEFAULT 1;
        ALTER TABLE masked ENABLE ROW LEVEL SECURITY; {grants.format("case_writer", "secret")}
    """
    pair = pairs(schema, mine, theirs)
    result = dbsync.run(
        "diff", with_user(pair.source, "case_reader"), with_user(pair.target, "case_writer"), "--what", "data", "--json"
    ).ended(1)
    assert {name: table["state"] for name, table in result.tables().items()} == {
        "public.fine": "same", "public.surplus": "same", "public.lacks": "not_compared", "public.typed": "not_compared",
        "public.hidden": "not_compared", "public.secret": "not_compared", "public.masked": "not_compared",
    }  # fmt: skip
    told = missing(result)
    for table, words in (
        ("lacks", "column v is missing"), ("typed", "text does not fit integer"), ("hidden", "source role may not SELECT"),
        ("secret", "target role may not SELECT"), ("masked", "row-level security"),
    ):  # fmt: skip
        assert words in told[f"public.{table}"]
    assert any(
        "public.surplus: column more is in the target only" in warning for warning in result.document["warnings"]
    )
    assert result.result["same"] is False


def test_a_column_that_only_the_target_has_is_not_compared_which_strict_does_not_take(pairs, call, tmp_path):
    pair = pairs("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)", "", "ALTER TABLE t ADD more int")
    why = "column more is in the target only"
    entry = {"kind": "column", "count": 1, "table": "public.t", "column": "more", "reason": why}
    for strict in ((), ("--strict",)):
        told = diff(call, pair, *strict)
        assert (told.exit_code, told.result["same"]) == ((1, False) if strict else (0, True))
        assert told.document["not_compared"] == [entry]
    assert diff(call, pair, "--strict", "--exit-zero").exit_code == 0
    assert call("validate", pair.source, pair.target, "--level", "full", "--json").document["not_compared"] == [entry]
    outputs = [word for name in ("md", "github", "junit") for word in ("-o", f"{name}={tmp_path / name}")]
    text = call("diff", pair.source, pair.target, "--what", "data", *outputs)
    for told_so in (text.stderr, *((tmp_path / name).read_text() for name in ("md", "github", "junit"))):
        assert why in told_so
    run_sql(pair.target, "ALTER TABLE t DROP more")
    assert diff(call, pair, "--strict").exit_code == 0


def test_a_table_that_fails_while_it_is_read_is_exit_6_and_the_others_are_compared(pairs, call):
    pair = pairs(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY); INSERT INTO t VALUES (0), (1);"
    )
    for level in (("diff", "--what", "data"), ("validate", "--level", "checksum")):
        ended = call(level[0], pair.source, pair.target, *level[1:], "--where", "t:1 / id > 0", "--json")
        document = ended.document
        assert (ended.exit_code, document["error"]["code"], document["error"]["sqlstate"]) == (
            6,
            "STATEMENT_FAILED",
            "22012",
        )
        tables = {table["table"]: table for table in document["result"].get("compared", document["result"]["tables"])}
        assert {name: table["state"] for name, table in tables.items()} == {
            "public.t": "not_compared",
            "public.u": "same",
        }
        assert tables["public.t"]["error"]["message"] == "division by zero"
        assert faults(document) == []


CHANGES = """
    CREATE TABLE composite (a text COLLATE "POSIX", b uuid, v text, PRIMARY KEY (a, b));
    CREATE TABLE amounts (k numeric PRIMARY KEY, v text);
    CREATE TABLE alternative (id int UNIQUE NOT NULL, v jsonb, w float8);
    CREATE TABLE parted (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE parted_old PARTITION OF parted FOR VALUES FROM ('2000-01-01') TO ('2020-01-01');
    CREATE TABLE parted_new PARTITION OF parted DEFAULT;
    CREATE TABLE computed (id int PRIMARY KEY, g int GENERATED ALWAYS AS (id * 2) STORED);
    CREATE TABLE nothing ();
    INSERT INTO composite SELECT 'k' || i, ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, 'v' FROM generate_series(1, 30) AS i;
    INSERT INTO amounts SELECT i::numeric(10, 2), 'v' FROM generate_series(1, 30) AS i;
    INSERT INTO alternative SELECT i, '{"a": 1}', 0 FROM generate_series(1, 30) AS i;
    INSERT INTO parted SELECT i, '2019-12-20'::date + i, 'v' FROM generate_series(1, 30) AS i;
    INSERT INTO computed SELECT i FROM generate_series(1, 30) AS i;
    INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
"""
CHANGED = """
    DELETE FROM composite WHERE a = 'k7'; UPDATE composite SET v = 'V' WHERE a IN ('k8', 'k9');
    UPDATE amounts SET k = k::numeric(10, 1) WHERE k = 5; INSERT INTO amounts VALUES (0.5, 'x');
    UPDATE alternative SET w = '-0' WHERE id = 3; UPDATE alternative SET v = '{"a": 1.0}' WHERE id = 4;
    UPDATE parted SET v = 'x' WHERE id = 2; DELETE FROM parted WHERE id = 30;
    INSERT INTO computed VALUES (99); DELETE FROM nothing;
"""


def test_keys_and_values_of_every_kind_are_told_apart(pairs, call):
    result = diff(call, pairs(CHANGES, "", CHANGED), "-j", "2").ended(1)
    assert counts(result) == {
        "public.composite": (30, 29, 1, 0, 2), "public.amounts": (30, 31, 0, 1, 1), "public.alternative": (30, 30, 0, 0, 2),
        "public.parted_old": (11, 11, 0, 0, 1), "public.parted_new": (19, 18, 1, 0, 0), "public.computed": (30, 31, 0, 1, 0),
        "public.nothing": (2, 0, 2, 0, None),
    }  # fmt: skip
    (swapped, minus) = result.tables()["public.alternative"]["samples"]
    assert (swapped["key"], swapped["before"], swapped["after"]) == ({"id": "3"}, {"w": "-0"}, {"w": "0"})
    assert (minus["before"], minus["after"]) == ({"v": '{"a": 1.0}'}, {"v": '{"a": 1}'})
    (spelled,) = [one for one in result.tables()["public.amounts"]["samples"] if one["kind"] == "different"]
    assert (spelled["before"], spelled["after"]) == ({"k": "5.0"}, {"k": "5.00"})


def test_encodings_may_differ_and_one_database_is_compared_with_itself_under_a_warning(pg_a, pg_b, dbsync: Command):
    script = "CREATE TABLE t (id text PRIMARY KEY, v text); INSERT INTO t VALUES ('ä', 'ö'), ('b', 'é'), ('c', repeat('ü', 2000));"
    source, target = create_database(pg_a, "template0"), create_database(pg_b)
    with psycopg.connect(pg_b.url("postgres"), autocommit=True) as connection:
        latin = target.rpartition("/")[2].partition("?")[0]
        connection.execute(f"DROP DATABASE {latin}")
        connection.execute(f"CREATE DATABASE {latin} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    try:
        for url in (source, target):
            run_sql(f"{url}?client_encoding=UTF8", script)
        ends = ("--what", "data", "--json")
        assert dbsync.run("diff", source, target, *ends).ended(0).result["same"] is True
        run_sql(target, "UPDATE t SET v = v || 'x'")
        result = dbsync.run("diff", source, target, *ends).ended(1)
        assert result.tables()["public.t"]["different"] == 3
        (longest,) = [one for one in result.tables()["public.t"]["samples"] if one["key"] == {"id": "c"}]
        assert (longest["before"]["v"], longest["after"]["v"]) == ("…" + "ü" * 20 + "x", "…" + "ü" * 20)
        itself = dbsync.run("diff", source, source, *ends).ended(0)
        assert any("are the same database" in warning for warning in itself.document["warnings"])
    finally:
        drop_database(pg_a, source)
        drop_database(pg_b, target)


def _backends(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'dbsync%'"
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(("stop", "status"), [("INT", 130), ("TERM", 143), ("timeout", 7)])
def test_it_ends_within_five_seconds_and_leaves_no_backend(stop, status, pairs, dbsync: Command):
    pair = pairs("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 10000);")
    slow = ["--where", "t:pg_catalog.pg_sleep(0.05) IS NOT NULL"]
    slow += ["--timeout", "2s"] if stop == "timeout" else []
    running = dbsync.start("diff", pair.source, pair.target, "--what", "data", "--json", *slow)
    deadline = time.monotonic() + 20
    while _backends(pair.source) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    began = time.monotonic()
    if stop != "timeout":
        running.send(signal.Signals[f"SIG{stop}"])
    result = running.wait(20).ended(status)
    assert time.monotonic() - began < 5
    assert faults(result.document) == []
    while (left := _backends(pair.source) + _backends(pair.target)) and time.monotonic() - began < 8:
        time.sleep(0.1)
    assert left == 0


def _thin_out(url: str, seed: int) -> None:
    """Delete a few rows of every table, foreign keys or not."""
    with oracle.session(url) as connection:
        connection.execute("SET session_replication_role = replica")
        for relation in oracle.relations(connection).values():
            if relation.kind == "r":
                table = sql.Identifier(*relation.key)
                connection.execute(
                    sql.SQL(
                        "DELETE FROM ONLY {0} WHERE ctid IN (SELECT ctid FROM ONLY {0} "
                        "ORDER BY pg_catalog.md5(ctid::text || {1}) LIMIT 3)"
                    ).format(table, sql.Literal(str(seed)))
                )


@pytest.mark.parametrize("seed", range(4))
def test_a_random_pair_is_counted_as_an_independent_look_counts_it(seed, pairs, call):
    schema = schemagen.make(seed)
    pair = pairs("", schema.source, schema.source if seed % 2 else schema.target(filled=True))
    if seed % 2:
        _thin_out(pair.target, seed)
    ended = call("diff", pair.source, pair.target, "--what", "data", "--json", "-j", "2")
    assert faults(ended.document) == []
    assert ended.exit_code == 1, ended
    seen = 0
    with oracle.session(pair.source) as source, oracle.session(pair.target) as target:
        here, there = (
            {str(TableName(*key)): one for key, one in oracle.relations(end).items()} for end in (source, target)
        )
        for table in ended.document["result"]["tables"]:
            mine, theirs = here[table["source_table"]], there[table["table"]]
            ours = Counter(oracle.copy_rows(source, mine, mine.columns))
            others = Counter(oracle.copy_rows(target, theirs, mine.columns))
            gone, extra = (ours - others).total(), (others - ours).total()
            changed = table["different"] or 0
            told = (
                table["source_rows"],
                table["target_rows"],
                table["only_in_source"] + changed,
                table["only_in_target"] + changed,
            )
            assert told == (ours.total(), others.total(), gone, extra), table
            assert table["same"] is (gone == extra == 0)
            seen += gone + extra
    assert seen > 0
