"""What a migration leaves as it is: what --ignore names, and where the numbers of a column have come to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.inprocess import Ended, InProcess
from tests.fixtures.pair import Pair, rows, run_sql

Pairs = Callable[..., Pair]


@pytest.fixture
def call(capsys, monkeypatch, tmp_path) -> InProcess:
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


def apply(call: InProcess, pair: Pair, *more: str) -> Ended:
    planned = call("migrate", "plan", pair.source, pair.target, "--shadow", "target", "-o", "plan.json", *more)
    assert planned.exit_code == 0, planned
    return call("migrate", "apply", "plan.json", pair.target, "--yes", "--allow-hazard", "deletes-data")


def test_what_is_made_anew_keeps_the_owner_and_the_rights_that_are_ignored(call: InProcess, pairs: Pairs) -> None:
    pair = pairs(
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t;",
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint';"
        "DROP VIEW v; ALTER TABLE t ALTER a TYPE bigint; CREATE VIEW v AS SELECT a FROM t;",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';"
        "REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC; GRANT EXECUTE ON FUNCTION f() TO pg_monitor;"
        "GRANT SELECT ON v TO pg_monitor; ALTER VIEW v OWNER TO pg_database_owner; COMMENT ON VIEW v IS 'ours';",
    )
    ended = apply(call, pair, "--ignore", "owner,privileges,comments")
    assert ended.exit_code == 0, ended
    kept = (
        "SELECT pg_get_userbyid(relowner)::text, has_table_privilege('pg_monitor', oid, 'SELECT'), obj_description(oid)"
        " FROM pg_class WHERE relname = 'v'"
    )
    assert rows(pair.target, kept) == [["pg_database_owner", True, "ours"]]
    may = "SELECT has_function_privilege('pg_monitor', 'f()', 'EXECUTE'), proacl::text LIKE '%{=X/%' FROM pg_proc"
    assert rows(pair.target, may + " WHERE proname = 'f'") == [[True, False]]


@pytest.mark.parametrize("more", [("--ignore", "privileges"), ("--tables", "public.*")])
def test_what_is_made_anew_gets_nothing_from_default_privileges_that_are_left_out(
    more: tuple[str, str], call: InProcess, pairs: Pairs
) -> None:
    pair = pairs(
        "CREATE TABLE t (a int)",
        "ALTER TABLE t ALTER a TYPE bigint; CREATE VIEW v AS SELECT a FROM t;",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor;"
        "CREATE VIEW v AS SELECT a FROM t; REVOKE SELECT ON v FROM pg_monitor",
    )
    ended = apply(call, pair, *more)
    assert ended.exit_code == 0, ended
    assert rows(pair.target, "SELECT has_table_privilege('pg_monitor', 'v', 'SELECT')") == [[False]]


@pytest.mark.parametrize(
    ("both", "source", "target", "ignored", "lost"),
    [
        ("", "CREATE MATERIALIZED VIEW m AS SELECT 2 AS a", "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;"
         "CREATE UNIQUE INDEX one ON m (a)", "index", "index public.one"),
        ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';",
         "CREATE VIEW v AS SELECT 1::bigint AS a", "CREATE VIEW v AS SELECT 1 AS a;"
         "CREATE TRIGGER g INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f()", "trigger", "trigger public.v.g"),
    ],
)  # fmt: skip
def test_a_plan_that_drops_what_is_left_out_is_not_proved(
    both: str, source: str, target: str, ignored: str, lost: str, call: InProcess, pairs: Pairs
) -> None:
    pair = pairs(both, source, target)
    arguments = (pair.source, pair.target, "--shadow", "target", "-o", "plan.json", "--ignore", ignored)
    planned = call("migrate", "plan", *arguments)
    assert planned.exit_code == 1, planned
    proof = json.loads(Path("plan.json").read_text())["proof"]
    assert proof["state"] == "differs"
    assert proof["differences"] == [f"{lost} is left out by the options, but the plan drops it"]
    ended = call("migrate", "apply", "plan.json", pair.target, "--yes")
    assert (ended.exit_code, f"{lost} is left out" in ended.stderr) == (4, True), ended


def test_what_goes_with_a_column_that_goes_is_not_among_it(call: InProcess, pairs: Pairs) -> None:
    pair = pairs(
        "CREATE TABLE t (a int, b int)",
        "ALTER TABLE t DROP b",
        "CREATE INDEX i ON t (b); CREATE SEQUENCE s OWNED BY t.b; CREATE STATISTICS x ON a, b FROM t;",
    )
    arguments = (pair.source, pair.target, "--shadow", "target", "-o", "plan.json")
    assert call("migrate", "plan", *arguments, "--ignore", "index,sequence,statistics").exit_code == 0


def test_the_identity_of_a_partitioned_table_made_anew_goes_on_after_its_rows(call: InProcess, pairs: Pairs) -> None:
    table = "CREATE TABLE m (id bigint GENERATED ALWAYS AS IDENTITY, k {}) PARTITION BY RANGE (k);"
    leaves = (
        "CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE m2 PARTITION OF m FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (k);"
        "CREATE TABLE m3 PARTITION OF m2 FOR VALUES FROM (10) TO (20);"
    )
    pair = pairs(
        "",
        table.format("bigint") + leaves,
        table.format("int") + leaves + "INSERT INTO m (k) SELECT i % 20 FROM generate_series(1, 59) i",
    )
    ended = apply(call, pair)
    assert ended.exit_code == 0, ended
    run_sql(pair.target, "INSERT INTO m (k) VALUES (1)")
    assert rows(pair.target, "SELECT max(id), count(*), count(DISTINCT id) FROM m") == [[60, 60, 60]]


def test_a_new_sequence_of_a_filled_column_goes_on_after_its_values_and_so_after_a_rollback(
    call: InProcess, pairs: Pairs
) -> None:
    serial = "CREATE TABLE t (id serial PRIMARY KEY, a int); CREATE TABLE u (id int PRIMARY KEY DEFAULT 1, a int);"
    identity = "CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a int);"
    pair = pairs(
        "",
        serial.replace("DEFAULT 1", "DEFAULT 2"),
        identity + "CREATE TABLE u (id int PRIMARY KEY DEFAULT 1, a int);"
        "INSERT INTO t (a) SELECT i FROM generate_series(1, 40) i;",
    )
    assert (ended := apply(call, pair)).exit_code == 0, ended
    run_sql(pair.target, "INSERT INTO t (a) VALUES (41)")
    assert rows(pair.target, "SELECT max(id) FROM t") == [[41]]

    back = pairs("", identity, "CREATE TABLE t (id serial PRIMARY KEY, a int); INSERT INTO t (a) VALUES (1), (2), (3)")
    assert (ended := apply(call, back)).exit_code == 0, ended
    run_sql(back.target, "INSERT INTO t (a) VALUES (4)")
    ended = call("migrate", "rollback", "plan.json", back.target, "--yes", "--allow-hazard", "deletes-data")
    assert ended.exit_code == 0, ended
    run_sql(back.target, "INSERT INTO t (a) VALUES (5)")
    assert rows(back.target, "SELECT array_agg(id ORDER BY id) FROM t") == [[[1, 2, 3, 4, 5]]]


def test_a_new_sequence_goes_on_after_values_that_become_whole_numbers(call: InProcess, pairs: Pairs) -> None:
    pair = pairs(
        "",
        "CREATE TABLE t (id bigserial PRIMARY KEY, a int)",
        "CREATE TABLE t (id numeric PRIMARY KEY, a int); INSERT INTO t SELECT i, i FROM generate_series(1, 59) i",
    )
    assert (ended := apply(call, pair)).exit_code == 0, ended
    run_sql(pair.target, "INSERT INTO t (a) VALUES (60)")
    assert rows(pair.target, "SELECT id::text FROM t WHERE a = 60") == [["60"]]


LEAF = "CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (0) TO (100)"
SUB = f"{LEAF} PARTITION BY RANGE (k); CREATE TABLE m2 PARTITION OF m1 FOR VALUES FROM (0) TO (50);"


@pytest.mark.parametrize(
    ("source", "target", "next_id"),
    [
        pytest.param("id bigint GENERATED ALWAYS AS IDENTITY|" + SUB, "id bigint GENERATED ALWAYS AS IDENTITY|" + LEAF,
                     1, id="its leaf is made anew, without its rows"),
        pytest.param("id bigint GENERATED ALWAYS AS IDENTITY|" + LEAF, "|" + LEAF, 1, id="the column is new"),
        pytest.param("id bigint GENERATED ALWAYS AS IDENTITY|" + LEAF, "id numeric NOT NULL DEFAULT 7|" + LEAF, 8,
                     id="the column gets another type"),
    ],
)  # fmt: skip
def test_what_else_happens_to_the_column_of_a_partitioned_table_made_anew(
    source: str, target: str, next_id: int, call: InProcess, pairs: Pairs
) -> None:
    def made(text: str, kind: str) -> str:
        column, leaf = text.split("|")
        return f"CREATE TABLE m ({column}{', ' if column else ''}k {kind}) PARTITION BY RANGE (k); {leaf};"

    filled = "INSERT INTO m (k) SELECT i % 20 FROM generate_series(1, 59) i"
    pair = pairs("", made(source, "bigint"), made(target, "int") + (filled if target[0] != "|" else ""))
    ended = apply(call, pair)
    assert ended.exit_code == 0, ended
    run_sql(pair.target, "INSERT INTO m (k) VALUES (1)")
    assert rows(pair.target, "SELECT id FROM m ORDER BY ctid DESC LIMIT 1") == [[next_id]]


def test_no_other_server_is_asked_where_numbers_go_on(call: InProcess, pairs: Pairs) -> None:
    server = "CREATE FOREIGN DATA WRAPPER none; CREATE SERVER far FOREIGN DATA WRAPPER none;"
    pair = pairs(
        server,
        "CREATE FOREIGN TABLE f (id int NOT NULL) SERVER far; CREATE SEQUENCE s AS int OWNED BY f.id;"
        "ALTER TABLE f ALTER id SET DEFAULT nextval('s');"
        "CREATE TABLE p (id int NOT NULL); CREATE FOREIGN TABLE c () INHERITS (p) SERVER far;"
        "CREATE SEQUENCE q AS int OWNED BY p.id; ALTER TABLE p ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "CREATE FOREIGN TABLE f (id int NOT NULL) SERVER far;"
        "CREATE TABLE p (id int NOT NULL); CREATE FOREIGN TABLE c () INHERITS (p) SERVER far;",
    )
    assert (ended := apply(call, pair)).exit_code == 0, ended


def test_the_way_back_has_what_the_options_left_out_of_what_was_dropped(call: InProcess, pairs: Pairs) -> None:
    pair = pairs(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';",
        "CREATE TABLE other ()",
        "CREATE TABLE t (a int, b int); COMMENT ON TABLE t IS 'ours'; GRANT SELECT ON t TO pg_monitor;"
        "CREATE INDEX i ON t (b); CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    )
    ended = apply(call, pair, "--ignore", "owner,privileges,comments,index,trigger")
    assert ended.exit_code == 0, ended
    assert rows(pair.target, "SELECT to_regclass('t')::text") == [[None]]
    ended = call("migrate", "rollback", "plan.json", pair.target, "--yes", "--allow-hazard", "deletes-data")
    assert ended.exit_code == 0, ended
    kept = "obj_description('t'::regclass), has_table_privilege('pg_monitor', 't', 'SELECT'), to_regclass('i')::text"
    assert rows(pair.target, f"SELECT {kept}, (SELECT count(*) FROM pg_trigger WHERE tgname = 'g')") == [
        ["ours", True, "i", 1]
    ]
