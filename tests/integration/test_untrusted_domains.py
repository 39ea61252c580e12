"""A read by a superuser runs no check of a domain that belongs to somebody else, neither while the server parses the
statement nor later; what merely has such a domain in it can be read. Nor does it run somebody else's functions in
indexes, statistics, partition keys and constraints, of which the server computes what is constant while it plans.

What the check leaves behind is a replication slot, which neither READ ONLY nor a rollback keeps it from making.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from dbsync.data.explore_request import PageRequest
from dbsync.data.totals import Total, count_tables, listed_tables
from dbsync.errors import ConfigError, DbsyncError, Refused, StatementFailed
from dbsync.local import EphemeralServer
from tests.fixtures.command import Command
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.pair import with_user
from tests.integration.test_execute_read import read
from tests.integration.test_explore import exploring, page

_SETUP = r"""
CREATE SCHEMA m AUTHORIZATION case_writer;
SET ROLE case_writer;
CREATE FUNCTION m.f(text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM pg_catalog.pg_create_physical_replication_slot('ran');
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    RETURN true;
END $$;
CREATE DOMAIN m.dom AS text CHECK (m.f(VALUE));
CREATE DOMAIN m.over AS m.dom;
CREATE DOMAIN m.reader AS text CHECK (pg_catalog.to_jsonb(VALUE::m.dom) IS NOT NULL);
CREATE TYPE m.ct AS (d m.dom);
CREATE TYPE m.deep AS (c m.ct[]);
CREATE TYPE m.interval AS (d m.dom);
CREATE TYPE m.span AS RANGE (SUBTYPE = m.dom);
CREATE TABLE m.docs (id int PRIMARY KEY, j json, x text, xs text[], words text);
INSERT INTO m.docs VALUES (1, '{"d":"x"}', 'x', '{x}', 'it''s');
CREATE TABLE m.t (id int PRIMARY KEY, d m.dom, a m.dom[], c m.ct, s m.span);
INSERT INTO m.t VALUES (1, 'x', '{x}', '(x)', '[x,y]');
CREATE VIEW m.plain AS WITH w AS (SELECT * FROM m.t) SELECT id, d, d::text AS text, a, a[1] AS first, (c).d AS inner FROM w;
CREATE VIEW m.both AS SELECT d FROM m.t UNION ALL SELECT d FROM m.plain;
CREATE VIEW m.v1 AS SELECT json_populate_record(NULL::m.ct, j)::text AS d FROM m.docs;
CREATE VIEW m.v2 AS SELECT j.d::text FROM m.docs, json_populate_recordset(NULL::m.ct, '[{"d":"x"}]') AS j;
CREATE VIEW m.v3 AS SELECT x.d::text FROM m.docs, json_to_recordset('[{"d":"x"}]') AS x(d m.dom);
CREATE VIEW m.v4 AS SELECT docs.id, x.d::text FROM m.docs, json_to_record(docs.j) AS x(d m.dom);
CREATE VIEW m.v5 AS SELECT ('(' || x || ')')::m.ct::text AS d FROM m.docs;
CREATE VIEW m.v6 AS SELECT pg_catalog.array_in('{x}', 'm.dom'::regtype, -1)::text AS d;
CREATE VIEW m.v7 AS SELECT a FROM m.t UNION ALL SELECT xs FROM m.docs;
CREATE VIEW m.v8 AS SELECT x::m.reader::text FROM m.docs;
RESET ROLE;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE TABLE m.parted (d m.dom, n int) PARTITION BY LIST (n);
CREATE FOREIGN TABLE m.part PARTITION OF m.parted DEFAULT SERVER files OPTIONS (filename '/etc/hostname', format 'csv');
CREATE FOREIGN TABLE m.foreign_one (d m.dom) SERVER files OPTIONS (filename '/etc/hostname');
"""
_PLANNED = r"""
CREATE SCHEMA p AUTHORIZATION case_writer;
SET ROLE case_writer;
CREATE FUNCTION p.k(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM m.f(''); RETURN 'k'; END $$;
CREATE FUNCTION p.body(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1 || p.k('k') $$;
CREATE FUNCTION p.vague(text) RETURNS text LANGUAGE sql AS $$ SELECT $1 || p.k('k') $$;
CREATE FUNCTION p.default(text, text = p.k('k')) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$;
CREATE FUNCTION p.same(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN p.k('') > ''; END $$;
CREATE OPERATOR p.!!! (RIGHTARG = text, FUNCTION = p.k);
CREATE OPERATOR p.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.texteq, NEGATOR = OPERATOR(p.!==));
CREATE OPERATOR p.!== (LEFTARG = text, RIGHTARG = text, FUNCTION = p.same, NEGATOR = OPERATOR(p.===));
CREATE TABLE p.index (id int, x text);
CREATE INDEX ON p.index ((x || p.k('k')));
CREATE TABLE p.operator (id int, x text);
CREATE INDEX ON p.operator ((x || (OPERATOR(p.!!!) 'k'::text)));
CREATE TABLE p.case (id int, x text);
CREATE INDEX ON p.case ((p.k(CASE WHEN true THEN 'k' ELSE x END)));
CREATE TABLE p.inlined (id int, x text);
CREATE INDEX ON p.inlined ((p.body(x)));
CREATE TABLE p.defaulted (id int, x text);
CREATE INDEX ON p.defaulted ((p.default(x)));
CREATE TABLE p.predicate (id int, x text);
CREATE INDEX ON p.predicate (id) WHERE x > p.k('k');
CREATE TABLE p.rows (id int, x text);
CREATE INDEX ON p.rows USING brin (id) WHERE p.k(x) = 'k' OR x > '';
INSERT INTO p.rows SELECT i, 'x' FROM pg_catalog.generate_series(1, 100000) AS i;
CREATE TABLE p.negated (id int, x text);
CREATE INDEX ON p.negated USING brin (id) WHERE (NOT x OPERATOR(p.===) 'y') OR x > '';
INSERT INTO p.negated TABLE p.rows;
CREATE TABLE p.domains (id int, x text);
CREATE INDEX ON p.domains USING brin (id) WHERE x::m.dom IS NULL OR x > '';
INSERT INTO p.domains TABLE p.rows;
CREATE TABLE p.statistics (id int, x text);
CREATE STATISTICS p.s ON (x || p.k('k')), id FROM p.statistics;
CREATE TABLE p.key (id int, x text) PARTITION BY LIST ((x || p.k('k')));
CREATE TABLE p.key_xk PARTITION OF p.key FOR VALUES IN ('xk');
CREATE TABLE p.key_default PARTITION OF p.key DEFAULT PARTITION BY LIST (id);
CREATE TABLE p.key_none PARTITION OF p.key_default DEFAULT;
CREATE TABLE p.mother (id int, x text);
CREATE TABLE p.child (CHECK (x > p.k('k'))) INHERITS (p.mother);
CREATE TABLE p.mother_2 (id int, x text);
CREATE TABLE p.child_2 (CHECK (p.vague(x) > '')) INHERITS (p.mother_2);
CREATE TABLE p.alone (id int, x text, CHECK (x > p.k('k')));
CREATE TABLE p.parted (id int, x text) PARTITION BY LIST (id);
CREATE TABLE p.parted_1 PARTITION OF p.parted FOR VALUES IN (1);
CREATE INDEX ON p.parted_1 ((x || p.k('k')));
CREATE MATERIALIZED VIEW p.stored AS SELECT 1 AS id, 'x' AS x;
CREATE INDEX ON p.stored ((x || p.k('k')));
CREATE VIEW p.view AS SELECT id FROM p.index;
CREATE VIEW p.negation AS SELECT id FROM m.docs WHERE NOT x OPERATOR(p.===) 'y';
CREATE DOMAIN p.negating AS text CHECK (NOT VALUE OPERATOR(p.===) 'y');
CREATE TABLE p.generated (id int, x text, g text GENERATED ALWAYS AS (x || p.k('k')) STORED);
INSERT INTO p.generated VALUES (1, 'x');
CREATE TABLE p.fine (id int, x text, y varchar, CHECK (p.k(x) > ''), CHECK (m.f(x)));
CREATE INDEX ON p.fine ((p.k(x)), (p.k(y) || 'k'), upper('a' || x));
CREATE INDEX ON p.fine (id) WHERE id > 0;
INSERT INTO p.fine VALUES (1, 'x', 'y');
RESET ROLE;
CREATE FUNCTION p.trusted(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;
CREATE FUNCTION p.sure(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1 || 'a' $$;
CREATE TABLE p.ours (id int, x text, CHECK (p.trusted(lower(x))));
CREATE INDEX ON p.ours ((x || p.sure('k'))) WHERE p.sure(x) <> '';
INSERT INTO p.ours VALUES (1, 'x');
ANALYZE p.rows, p.negated, p.domains;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET constraint_exclusion = on', current_database()); END $$;
"""
_SINCE_18 = """
SET ROLE case_writer;
CREATE TABLE p.virtual (id int, x text, v text GENERATED ALWAYS AS ('k'::text) VIRTUAL, CHECK (p.k(v) > ''));
"""
_SINCE_16 = "SET ROLE case_writer; CREATE VIEW m.w1 AS SELECT pg_catalog.pg_input_is_valid('x', 'm.dom') AS d;"
_SINCE_17 = """
SET ROLE case_writer;
CREATE VIEW m.w2 AS SELECT x.d::text FROM m.docs, json_table(docs.j, '$' COLUMNS (d m.dom PATH '$.d')) AS x;
CREATE VIEW m.w3 AS SELECT json_value(j, '$.d' RETURNING m.dom)::text AS d FROM m.docs;
"""
ATTACKS = r"""
SELECT '("x")'::m.ct
SELECT CAST('{x}' AS m.dom[])
SELECT $$("x")$$::m.ct
SELECT E'("x")'::m.ct
SELECT U&'("x")'::m.ct
SELECT U&'(!0022x")' UESCAPE '!' ::m.ct
SELECT '("x'
'")'::m.ct
SELECT N'("x")'::m.ct
SELECT m.ct '("x")'
SELECT m._dom('{x}')
SELECT m.interval '(x)'
SELECT '(1,x,,,)'::m.t
SELECT '{"(\"{(x)}\")"}'::m.deep[]
SELECT '[x,y]'::m.span
SELECT '{x}'::m.dom[]::text[], 'y'
SELECT json_build_object('a', '{x}'::m.dom[])
SELECT 'x'::m.dom
SELECT 'x'::m.over
SELECT 1::m.dom
SELECT x::m.dom FROM m.docs
SELECT x::m.reader FROM m.docs
SELECT x::varchar::m.over::text FROM m.docs
SELECT xs::m.dom[] FROM m.docs
SELECT row(x)::m.ct FROM m.docs
SELECT ('(' || x || ')')::m.ct FROM m.docs
SELECT id FROM m.t WHERE a = '{x}'
SELECT id FROM m.t WHERE '{x}' = a
SELECT id FROM m.t WHERE a IN ('{x}', '{y}')
SELECT id FROM m.t WHERE c = '(x)'::m.ct
SELECT id FROM m.t WHERE a <> ALL (ARRAY['{x}', a])
SELECT id FROM m.t WHERE s @> 'x'::text::m.dom
SELECT id FROM m.t WHERE s = '[x,y]'
SELECT a FROM m.t UNION SELECT '{x}'
SELECT a FROM m.t UNION ALL SELECT xs FROM m.docs
SELECT CASE WHEN id = 1 THEN '{x}' ELSE a END FROM m.t
SELECT COALESCE(a, '{x}') FROM m.t
SELECT COALESCE(NULLIF(a, a), xs) FROM m.t JOIN m.docs USING (id)
SELECT GREATEST(a, '{x}') FROM m.t
SELECT NULLIF(a, '{x}') FROM m.t
SELECT array_append(a, 'x') FROM m.t
SELECT array_cat(a, '{x}') FROM m.t
SELECT a || '{x}' FROM m.t
SELECT lag(a, 1, '{x}') OVER () FROM m.t
SELECT json_populate_record(NULL::m.ct, j) FROM m.docs
SELECT jsonb_populate_record(NULL::m.ct, j::jsonb) FROM m.docs
SELECT (jsonb_populate_record(NULL::m.ct, j::jsonb)).d::text FROM m.docs
SELECT jsonb_populate_record(c, '{"d": "y"}') FROM m.t
SELECT x.d::text FROM json_to_recordset('[{"d":"x"}]') AS x(d m.dom)
SELECT x.d FROM m.docs, jsonb_to_record(j::jsonb) AS x(d m.dom)
SELECT pg_catalog.record_in('(x)', 'm.ct'::regtype, -1)
SELECT pg_catalog.array_in('{x}', 'm.dom'::regtype, -1)
SELECT pg_catalog.domain_in('x', 'm.dom'::regtype, -1)
SELECT d::text FROM xmltable('/a' PASSING '<a><x>1</x></a>' COLUMNS d m.dom PATH 'x')
EXPLAIN SELECT '(x)'::m.ct
EXPLAIN (COSTS OFF) SELECT id FROM m.t WHERE a = '{x}'
EXPLAIN ANALYZE SELECT ('(' || x || ')')::m.ct FROM m.docs
EXPLAIN UPDATE m.t SET a = '{x}'
EXPLAIN INSERT INTO m.t (a) VALUES ('{x}')
WITH w AS (SELECT '{x}'::m.dom[]) SELECT 1
VALUES ('{x}'::m.dom[])
TABLE m.v1
TABLE m.v2
TABLE m.v3
TABLE m.v4
TABLE m.v5
TABLE m.v6
TABLE m.v7
TABLE m.v8
TABLE m.foreign_one
TABLE m.parted
"""
LATER = r"""
SELECT pg_input_is_valid('x', 'm.dom')
SELECT pg_input_error_info('x', 'm.dom')
SELECT pg_input_is_valid(x, 'm.' || 'dom') FROM m.docs
TABLE m.w1
SELECT * FROM json_table('{"d":"x"}', '$' COLUMNS (d m.dom PATH '$.d'))
SELECT json_value('{"d":"x"}', '$.d' RETURNING m.dom)
SELECT json_query('{"d":["x"]}', '$.d' RETURNING m.dom[])
SELECT json_value(j, '$.e' RETURNING text DEFAULT ('x'::m.dom)::text ON EMPTY) FROM m.docs
SELECT jsonb_populate_record_valid(NULL::m.ct, '{"d":"x"}')
SELECT json_serialize('"x"' RETURNING m.dom)
TABLE m.w2
TABLE m.w3
"""
PLANNED = r"""
TABLE p.index
TABLE p.operator
TABLE p.case
TABLE p.inlined
TABLE p.defaulted
TABLE p.predicate
SELECT x FROM p.rows WHERE id > 500 AND id < 600 AND x = 'x'
SELECT x FROM p.negated WHERE id > 500 AND id < 600 AND x = 'x'
SELECT x FROM p.domains WHERE id > 500 AND id < 600 AND x = 'x'
TABLE p.statistics
TABLE p.key
TABLE p.key_default
SELECT id FROM p.key_xk WHERE id = 1
SELECT id FROM p.key_none WHERE id = 1
SELECT id FROM p.mother WHERE id = 1
SELECT id FROM p.mother_2 WHERE id = 1
SELECT id FROM p.alone WHERE id = 1
TABLE p.parted
TABLE p.stored
TABLE p.view
TABLE p.negation
SELECT id FROM m.docs WHERE NOT x OPERATOR(p.===) 'y'
SELECT 'x'::p.negating
SELECT (SELECT count(*) FROM p.index), 'a'
EXPLAIN TABLE p.index
"""
PLANNED_15 = """
EXPLAIN INSERT INTO p.generated (id) VALUES (1)
"""
HONEST = r"""
TABLE p.fine
SELECT * FROM p.fine WHERE p.fine.id = 1 AND x = 'x'
SELECT * FROM p.ours WHERE id = 1
TABLE p.generated
TABLE m.t
TABLE m.plain
TABLE m.both
SELECT t FROM m.t
SELECT * FROM m.t WHERE d = 'x'
SELECT * FROM m.t WHERE d LIKE '%x%' ESCAPE '!' AND a[1] = 'x' AND (c).d IN ('x', 'y')
SELECT d FROM m.t WHERE d IN (SELECT d FROM m.plain) OR a = (SELECT a FROM m.t LIMIT 1)
SELECT d || '!', upper(d), to_jsonb(t), t.a::text FROM m.t
SELECT d, count(*) FROM m.t GROUP BY d ORDER BY d
SELECT max(d), string_agg(d, ', ') FROM m.t
SELECT words FROM m.docs WHERE words = 'it''s' AND xs = '{x}' AND j->>'d' = $$x$$
SELECT json_build_object('a', id, 'b', 'c'), format('%s', 'x'), pg_typeof('x') FROM m.docs
SELECT now() - interval '1 day', '2020-01-01'::date, timestamp '2020-01-01', B'1', 'a'
'b'
SELECT 'a' AS one UNION SELECT 'b' -- '("x")'::m.ct
EXPLAIN SELECT * FROM m.t WHERE d = 'x'
EXPLAIN DELETE FROM m.docs WHERE x = 'y'
SELECT d FROM m.t UNION ALL SELECT 'y'
"""


def attacks(server: EphemeralServer) -> list[str]:
    """What runs the check on such a server."""
    later, only = lines(LATER) * (server.major >= 17), lines(PLANNED_15) * (server.major == 15)
    return lines(ATTACKS) + lines(PLANNED) + later + only


def lines(corpus: str) -> list[str]:
    """One case for each line; a line that begins with a quote goes on."""
    return [line.replace("\0", "\n") for line in corpus.strip().replace("\n'", "\0'").splitlines()]


def ran(database: Database) -> bool:
    """Whether the check was run by somebody who may do more than its owner; that is forgotten then."""
    return bool(
        database.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'ran'")
    )


@pytest.fixture(scope="module", params=["pg_a", "pg15", "pg17"])
def ground(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A superuser's database in which somebody else has a domain."""
    server: EphemeralServer = request.getfixturevalue(request.param)
    with fresh_database(server) as database:
        database.execute(_SETUP, _PLANNED)
        database.execute(*([_SINCE_16] * (server.major >= 16)), *([_SINCE_17] * (server.major >= 17)))
        assert not ran(database)
        yield database


def test_no_statement_runs_the_check(ground: Database) -> None:
    for text in attacks(ground.server):
        with pytest.raises(DbsyncError) as caught:
            read(ground.url, text)
        assert not ran(ground), text
        # Some are no valid statement, which is found without the check too.
        assert isinstance(caught.value, Refused) or caught.value.sqlstate == "42883", (text, caught.value)


def test_every_one_of_them_would_run_it(ground: Database) -> None:
    """Held by READ ONLY and a rollback alone, that is."""
    for text in attacks(ground.server):
        with psycopg.connect(ground.url) as connection:
            connection.execute("SET TRANSACTION READ ONLY")
            try:
                connection.execute(text.encode())
            except psycopg.errors.FeatureNotSupported:
                continue  # a server without XML
            except psycopg.Error:
                pass
            connection.rollback()
        assert ran(ground), text


def test_what_has_such_a_domain_can_be_read(ground: Database) -> None:
    for text in lines(HONEST):
        assert read(ground.url, text).outcomes[0][1].row_count, text
    assert not ran(ground)


def test_the_refusal_says_why_and_what_to_do(ground: Database) -> None:
    with pytest.raises(Refused) as caught:
        read(ground.url, "SELECT id FROM m.t WHERE a = '{x}'")
    assert str(caught.value.message) == (
        "a read by a role with special powers may not make a value of type m.dom[]: the check of domain m.dom calls m.f(), "
        "which may change something outside the transaction"
    )
    assert caught.value.hint == "use a role that has only SELECT, or add --write"
    with pytest.raises(Refused, match=r"as they cannot be judged beforehand \(syntax error .*: the check of domain"):
        read(ground.url, "SELECT date '2020-01-01'")


def test_the_refusal_of_a_table_names_the_place_and_the_function(ground: Database) -> None:
    belongs = "calls p.k(), which belongs to a role that is not a superuser"
    for text, why in {
        "TABLE p.index": f"read p.index, whose index p.index_expr_idx {belongs}",
        "TABLE p.statistics": f"read p.statistics, whose extended statistics {belongs}",
        "TABLE p.key_xk": f"read p.key, whose partition key {belongs}",
        "TABLE p.mother": f"read p.child, whose constraint child_x_check {belongs}",
        "TABLE p.domains": "read p.domains, whose index p.domains_id_idx makes a value of type m.dom: the check of domain "
        "m.dom calls m.f(), which may change something outside the transaction",
        "EXPLAIN UPDATE p.generated SET id = 2": f"read p.generated, whose column g {belongs}",
    }.items():
        with pytest.raises(Refused) as caught:
            read(ground.url, text)
        assert str(caught.value.message) == f"a read by a role with special powers may not {why}"
        assert (caught.value.code, caught.value.hint) == ("FUNCTION", "use a role that has only SELECT, or add --write")


def test_a_virtual_column_may_turn_out_to_be_constant(pg_a: EphemeralServer) -> None:
    if pg_a.major < 18:
        pytest.skip("NOT TESTED: virtual columns came with 18")
    with fresh_database(pg_a) as database:
        database.execute(_SETUP, _PLANNED, _SINCE_18)
        with pytest.raises(Refused, match="constraint virtual_v_check"):
            read(database.url, "TABLE p.virtual")


def test_a_role_that_owns_the_functions_reads_its_tables(pg_a: EphemeralServer) -> None:
    with fresh_database(pg_a) as database:
        database.execute(
            "CREATE ROLE case_maker LOGIN CREATEROLE PASSWORD 'maker'; CREATE SCHEMA s AUTHORIZATION case_maker;"
        )
        try:
            database.execute(
                "SET ROLE case_maker; CREATE FUNCTION s.k(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN 'k';"
                "CREATE TABLE s.t (x text CHECK (x <> s.k('k'))); CREATE INDEX ON s.t (s.k('k'));"
            )
            mine = with_user(database.url, "case_maker", "maker")
            assert read(mine, "SELECT * FROM s.t WHERE x = 'y'").outcomes[0][1].row_count == 0
            with pytest.raises(Refused, match=r"s\.k\(\)"):
                read(database.url, "SELECT * FROM s.t WHERE x = 'y'")
        finally:
            database.execute("DROP OWNED BY case_maker; DROP ROLE case_maker")


def test_numbers_of_rows_run_nothing_of_others(ground: Database) -> None:
    for seconds in (0.0, 30.0):
        with exploring(ground.url) as explorer:
            found = count_tables(explorer, listed_tables(explorer), seconds=seconds)
        assert not ran(ground)
        totals = {str(name): total for name, total in found.items()}
        assert totals["p.index"] == Total(None, exact=False)
        assert totals["p.rows"] == Total(100_000, exact=False)  # as ANALYZE noted
        assert totals["p.fine"].exact is (seconds > 0)


def test_mistakes_are_still_the_statements_own(ground: Database) -> None:
    for text in ("SELECT nope FROM m.docs WHERE x = 'a'", "SELECT * FROM nowhere WHERE x = 'a'", "SELECT nope('a')"):
        with pytest.raises(StatementFailed, match="does not exist"):
            read(ground.url, text)


def test_explore_runs_no_check_and_shows_the_tables(ground: Database) -> None:
    attacks: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in ("m.v4", "m.v5", "m.foreign_one", "m.parted")]
    attacks += [("m.t", {"filters": (text,)}) for text in ("a={x}", "c=(x)", "a!={x}", "s<[x,y]")]
    attacks += [
        ("m.t", {"where": text}) for text in ("a = '{x}'", "c = '(x)'::m.ct", "d = any('{x}'::m.dom[]::text[])")
    ]
    attacks += [
        ("m.docs", {"where": "x = any('{x}'::m.dom[]::text[])"}),
        ("m.t", {"sort": ("a",), "after": '["{a}","0"]'}),
    ]
    attacks += [(f"p.{name}", {}) for name in ("index", "predicate", "statistics", "key", "mother", "parted", "view")]
    for name, request in attacks:
        with pytest.raises(Refused, match=r"m\.dom|p\.k") as caught:
            page(ground.url, name, **request)
        assert caught.value.hint == "use a role that has only SELECT"
        if "after" not in request:  # which says nothing of the figures
            with exploring(ground.url) as explorer, pytest.raises(Refused):
                explorer.figures(name, PageRequest(**request))
        assert not ran(ground), (name, request)
    with pytest.raises(ConfigError, match="never ends"):
        page(ground.url, "m.t", where="'")
    honest: list[dict[str, Any]] = [{}, {"filters": ("d=x",)}, {"where": "d = 'x' AND id < 2"}, {"sort": ("a:desc",)}]
    honest += [{"search": "x"}, {"sort": ("d",), "after": '["a","0"]'}]
    for request in honest:
        assert len(page(ground.url, "m.t", **request).rows) == 1, request
    with exploring(ground.url) as explorer:
        assert explorer.row("m.t", "1").rows[0][1] == "x"
        assert explorer.figures("m.t", PageRequest()).rows == 1
        assert len(explorer.page("m.plain", PageRequest()).rows) == 1
        assert len(explorer.page("m.both", PageRequest()).rows) == 2
    assert not ran(ground)


def test_the_commands_say_so(ground: Database, dbsync: Command) -> None:
    for args, named in (
        (["explore", ground.url, "m.v4"], "m.dom"),
        (["execute", ground.url, "SELECT '(\"x\")'::m.ct"], "m.dom"),
        (["explore", ground.url, "p.index"], "p.k()"),
        (["execute", ground.url, "TABLE p.index"], "p.k()"),
        (["execute", ground.url, "/*EXPLAIN         SELECT 1 --*/EXPLAIN ANALYZE SELECT p.k('')"], "p.k()"),
    ):
        refused = dbsync.run(*args, "--json").ended(4)
        assert refused.error["code"] == "FUNCTION", args
        assert named in refused.error["message"], args
    assert not ran(ground)
    dbsync.run("explore", ground.url, "m.t", "--where", "d = 'x'", "--json").ended(0)


def test_domains_whose_checks_are_harmless_are_in_nobodys_way(pg_a: EphemeralServer) -> None:
    with fresh_database(pg_a) as database:
        database.execute("CREATE DOMAIN d AS text CHECK (length(VALUE) < 9); CREATE TYPE c AS (d d)")
        for text in ("SELECT '(x)'::c, '{x}'::d[]", "SELECT date '2020-01-01'", "SELECT 'x'::d"):
            assert read(database.url, text).outcomes
        assert read(database.url, 'SELECT * FROM json_to_record(\'{"d": "x"}\') AS x(d d)').outcomes[0][1].rows == (
            ("x",),
        )
