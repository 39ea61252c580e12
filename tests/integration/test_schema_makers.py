"""Every kind of object that is no table: changed there and back, and afterwards nothing differs.

A case is what both databases have, what the target has and what the source has. The plan is run on the
target, then the plan back; after each the snapshots are compared. ``kept``: words that no statement may hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg
import pytest

from dbsync.pg.database import Database as Handle
from dbsync.schema.diff import compare_schemas
from dbsync.schema.makers import MAKERS
from dbsync.schema.objects import Snapshot
from dbsync.schema.plan import Statement
from dbsync.schema.planner import PlannedStatements, plan_statements
from dbsync.schema.snapshot import take_snapshot
from dbsync.schema.steps import Scene
from dbsync.urls import parse_url
from tests.fixtures.databases import Database, Servers, fresh_database


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    both: str = ""
    present: str = ""
    wanted: str = ""
    never: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    since: int = 13
    one_way: bool = False
    rows: Mapping[str, int] = field(default_factory=dict)


ODD = '"Odd ""type""; select 1 --"'
CASES = [
    Case(
        name="enum labels added anywhere",
        both="CREATE TABLE t (id int); ",
        present="CREATE TYPE e AS ENUM ('b', 'd'); CREATE TABLE u (v e DEFAULT 'b'); INSERT INTO u VALUES ('d');",
        wanted=(
            "CREATE TYPE e AS ENUM ('x', 'a', 'b', 'c', 'it''s; --', 'd', 'e', 'f\\'); CREATE TABLE u (v e DEFAULT 'b')"
        ),
        says=("ADD VALUE 'it''s; --' AFTER 'c'", "ADD VALUE 'x' BEFORE 'b'"),
    ),
    Case(
        name="enum labels removed and reordered under everything",
        present=f"""
            CREATE TYPE {ODD} AS ENUM ('a', 'b', 'gone', 'x''); drop table t; --');
            COMMENT ON TYPE {ODD} IS 'a type'; REVOKE ALL ON TYPE {ODD} FROM PUBLIC;
            CREATE DOMAIN d AS {ODD} DEFAULT 'a' CHECK (VALUE <> 'b');
            CREATE TYPE held AS (n int, v {ODD}, w d);
            CREATE TYPE free AS (n int, v {ODD});
            CREATE TABLE t (id int PRIMARY KEY, v {ODD} DEFAULT 'x''); drop table t; --', w {ODD}[] DEFAULT '{{a}}', d d,
                            h held, CHECK (v <> 'b'), g int GENERATED ALWAYS AS (CASE v WHEN 'a' THEN 1 END) STORED);
            CREATE TABLE part (v {ODD}, k int) PARTITION BY LIST (k);
            CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
            CREATE INDEX ON t (v) WHERE v = 'a';
            CREATE INDEX ON t (v, w);
            CREATE VIEW seen AS SELECT v, w FROM t WHERE v > 'a';
            CREATE FUNCTION f(x {ODD}) RETURNS {ODD} LANGUAGE sql AS 'SELECT x';
            GRANT EXECUTE ON FUNCTION f({ODD}) TO case_reader;
            CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.v = 'a') EXECUTE FUNCTION tf();
            CREATE POLICY p ON t USING (v = 'a');
            INSERT INTO t (id, w, d, h) VALUES (1, ARRAY['a','b']::{ODD}[], 'a', ROW(1, 'a', NULL));
            INSERT INTO part VALUES ('b', 1);
        """,
        wanted=f"""
            CREATE TYPE {ODD} AS ENUM ('b', 'a', 'x''); drop table t; --', 'new');
            COMMENT ON TYPE {ODD} IS 'a type'; REVOKE ALL ON TYPE {ODD} FROM PUBLIC;
            CREATE DOMAIN d AS {ODD} DEFAULT 'b' CHECK (VALUE <> 'b');
            CREATE TYPE held AS (n int, v {ODD}, w d);
            CREATE TYPE free AS (n int, v {ODD});
            CREATE TABLE t (id int PRIMARY KEY, v {ODD} DEFAULT 'x''); drop table t; --', w {ODD}[] DEFAULT '{{a}}', d d,
                            h held, CHECK (v <> 'b'), g int GENERATED ALWAYS AS (CASE v WHEN 'a' THEN 1 END) STORED);
            CREATE TABLE part (v {ODD}, k int) PARTITION BY LIST (k);
            CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
            CREATE INDEX ON t (v) WHERE v = 'a';
            CREATE INDEX ON t (v, w);
            CREATE VIEW seen AS SELECT v, w FROM t WHERE v > 'a';
            CREATE FUNCTION f(x {ODD}) RETURNS {ODD} LANGUAGE sql AS 'SELECT x';
            GRANT EXECUTE ON FUNCTION f({ODD}) TO case_reader;
            CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.v = 'a') EXECUTE FUNCTION tf();
            CREATE POLICY p ON t USING (v = 'a');
        """,
        never=("DROP TABLE", "DROP COLUMN v", "DROP COLUMN w", "DROP COLUMN h"),
        rows={"t": 1, "part": 1},
    ),
    Case(
        name="enum changed whose columns let go of it",
        present="CREATE TYPE e AS ENUM ('a', 'b', 'c'); CREATE TABLE t (v e, w e, x e[]); INSERT INTO t VALUES ('c', 'a');"
        "CREATE TABLE s (v e);",
        wanted="CREATE TYPE e AS ENUM ('b', 'a'); CREATE TABLE t (v text, w e, y int)",
    ),
    Case(
        name="domain facts in place",
        present="""
            CREATE DOMAIN d AS int DEFAULT 1 CONSTRAINT a CHECK (VALUE > 0) CONSTRAINT b CHECK (VALUE < 9);
            COMMENT ON DOMAIN d IS 'x'; COMMENT ON CONSTRAINT b ON DOMAIN d IS 'b';
            CREATE TABLE t (v d); INSERT INTO t VALUES (3);
            CREATE DOMAIN n AS text NOT NULL; CREATE TABLE nn (v n);
            CREATE DOMAIN v AS int; ALTER DOMAIN v ADD CONSTRAINT v CHECK (VALUE > 0) NOT VALID;
            CREATE TABLE nv (v v); INSERT INTO nv VALUES (7);
        """,
        wanted="""
            CREATE DOMAIN d AS int DEFAULT 2 NOT NULL CONSTRAINT a CHECK (VALUE > 0) CONSTRAINT c CHECK (VALUE <> 8);
            COMMENT ON DOMAIN d IS $$y 'o' $$; COMMENT ON CONSTRAINT a ON DOMAIN d IS 'a';
            CREATE TABLE t (v d);
            CREATE DOMAIN n AS text DEFAULT ''; CREATE TABLE nn (v n);
            CREATE DOMAIN v AS int; ALTER DOMAIN v ADD CONSTRAINT v CHECK (VALUE > 0);
            CREATE TABLE nv (v v);
        """,
        never=("DROP DOMAIN",),
        says=("VALIDATE CONSTRAINT v",),
    ),
    Case(
        name="domain over another base type",
        present="""
            CREATE DOMAIN d AS int DEFAULT 1 CONSTRAINT a CHECK (VALUE > 0);
            CREATE DOMAIN dd AS d CONSTRAINT b CHECK (VALUE < 9);
            CREATE TYPE held AS (x dd);
            CREATE TABLE t (v d, w d[], x dd DEFAULT 3, y held, PRIMARY KEY (v));
            INSERT INTO t VALUES (3, ARRAY[1]::d[], 4, ROW(5));
            CREATE TABLE r (v d REFERENCES t); CREATE VIEW s AS SELECT v + 1 AS w FROM t;
            CREATE DOMAIN c AS text; CREATE TABLE u (c c); INSERT INTO u VALUES ('a');
        """,
        wanted="""
            CREATE DOMAIN d AS bigint DEFAULT 1 CONSTRAINT a CHECK (VALUE > 0);
            CREATE DOMAIN dd AS d CONSTRAINT b CHECK (VALUE < 9);
            CREATE TYPE held AS (x dd);
            CREATE TABLE t (v d, w d[], x dd DEFAULT 3, y held, PRIMARY KEY (v));
            CREATE TABLE r (v d REFERENCES t); CREATE VIEW s AS SELECT v + 1 AS w FROM t;
            CREATE DOMAIN c AS varchar(10) COLLATE "C"; CREATE TABLE u (c c);
        """,
        never=("DROP TABLE", "DROP COLUMN"),
    ),
    Case(
        name="a domain in arrays asks more, an enum of a partition key loses a label",
        present="""
            CREATE DOMAIN d AS text DEFAULT 'x' CONSTRAINT a CHECK (VALUE <> ''); CREATE TABLE t (v d[], w d);
            INSERT INTO t VALUES ('{a,b}', 'c');
            CREATE TYPE e AS ENUM ('a', 'b', 'gone'); CREATE TABLE p (k e, n int, PRIMARY KEY (k, n)) PARTITION BY LIST (k);
            CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a'); CREATE TABLE p_b PARTITION OF p DEFAULT;
            CREATE INDEX ON p (n); INSERT INTO p VALUES ('a', 1), ('b', 2);
        """,
        wanted="""
            CREATE DOMAIN d AS text NOT NULL CONSTRAINT a CHECK (VALUE <> '') CONSTRAINT b CHECK (VALUE <> 'z');
            COMMENT ON CONSTRAINT b ON DOMAIN d IS 'b'; CREATE TABLE t (v d[], w d);
            CREATE TYPE e AS ENUM ('b', 'a'); CREATE TABLE p (k e, n int, PRIMARY KEY (k, n)) PARTITION BY LIST (k);
            CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a'); CREATE TABLE p_b PARTITION OF p DEFAULT;
            CREATE INDEX ON p (n);
        """,
        never=("DROP TABLE public.t", "DROP TABLE public.p_a", "DROP TABLE public.p_b", "DROP COLUMN"),
        rows={"t": 1, "p_a": 1, "p_b": 1},
    ),
    Case(
        name="composite types",
        present="""
            CREATE TYPE free AS (a int, b text, c date); COMMENT ON COLUMN free.b IS 'b';
            CREATE FUNCTION f(x free) RETURNS free LANGUAGE sql AS 'SELECT x';
            CREATE TYPE held AS (a int, b text); CREATE TABLE t (h held, hs held[]);
            INSERT INTO t VALUES (ROW(1, 'x'), ARRAY[ROW(2, 'y')]::held[]);
            CREATE VIEW s AS SELECT (h).a FROM t;
            CREATE TYPE turned AS (a int, b text); CREATE TABLE u (h turned DEFAULT ROW(1, 'x'));
            INSERT INTO u VALUES (ROW(1, '2')), (NULL), (ROW(NULL, NULL));
            CREATE TYPE empty AS ();
            CREATE TYPE inner_ AS (a int); CREATE TYPE outer_ AS (i inner_, n int);
        """,
        wanted="""
            CREATE TYPE free AS (b text COLLATE "C", a bigint, d date); COMMENT ON COLUMN free.a IS 'a';
            CREATE FUNCTION f(x free) RETURNS free LANGUAGE sql AS 'SELECT x';
            CREATE TYPE held AS (a int, "C" int); CREATE TABLE t (h held, hs held[]);
            CREATE VIEW s AS SELECT (h).a + 1 AS a FROM t;
            CREATE TYPE turned AS (b bigint, a int, c text); CREATE TABLE u (h turned DEFAULT ROW(1, 2, 'x'));
            CREATE TYPE empty AS (n int);
            CREATE TYPE inner_ AS (a text, b int); CREATE TYPE outer_ AS (i inner_, n int, m int);
        """,
        never=("DROP TABLE", "DROP COLUMN"),
    ),
    Case(
        name="ranges",
        present="""
            CREATE TYPE r AS RANGE (subtype = float8, subtype_diff = float8mi);
            CREATE TABLE t (v r, EXCLUDE USING gist (v WITH &&)); INSERT INTO t VALUES ('[1,2)');
            CREATE TYPE s AS RANGE (subtype = text, collation = "C");
            CREATE FUNCTION f(s) RETURNS int LANGUAGE sql AS 'SELECT 1';
        """,
        wanted="""
            CREATE TYPE r AS RANGE (subtype = numeric);
            CREATE TABLE t (v r, EXCLUDE USING gist (v WITH &&));
            CREATE TYPE s AS RANGE (subtype = text, subtype_opclass = text_pattern_ops); COMMENT ON TYPE s IS 's';
            CREATE FUNCTION f(s) RETURNS int LANGUAGE sql AS 'SELECT 1';
        """,
        never=("DROP TABLE", "DROP COLUMN"),
    ),
    Case(
        name="functions and procedures",
        present="""
            CREATE FUNCTION body(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1';
            GRANT EXECUTE ON FUNCTION body TO case_reader; COMMENT ON FUNCTION body IS 'kept';
            CREATE FUNCTION result(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION renamed(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION named(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION undefaulted(a int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION tab(a int) RETURNS TABLE (x int) LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION outs(a int, OUT x int, OUT y int) LANGUAGE sql AS 'SELECT 1, 2';
            CREATE FUNCTION facts(a int) RETURNS SETOF int LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION many(VARIADIC a text[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE PROCEDURE p(INOUT a int) LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION imm(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
            CREATE TABLE t (a int); CREATE INDEX ON t (imm(a));
            CREATE VIEW v AS SELECT result(a) AS r FROM t;
            CREATE FUNCTION gone() RETURNS int LANGUAGE sql AS 'SELECT 1';
        """,
        wanted="""
            CREATE FUNCTION body(a int, b int DEFAULT 2) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN '$x$'; END $$;
            GRANT EXECUTE ON FUNCTION body TO case_reader; COMMENT ON FUNCTION body IS 'kept';
            CREATE FUNCTION result(a int) RETURNS bigint LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION renamed(b int) RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION named(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION undefaulted(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION tab(a int) RETURNS TABLE (x int, y int) LANGUAGE sql AS 'SELECT 1, 2';
            CREATE FUNCTION outs(a int, OUT x int, OUT z int) LANGUAGE sql AS 'SELECT 1, 2';
            CREATE FUNCTION facts(a int) RETURNS SETOF int LANGUAGE sql STRICT STABLE SECURITY DEFINER PARALLEL SAFE
                COST 7 ROWS 9 SET search_path = public, "odd ""one" SET work_mem = '9MB' AS 'SELECT 1';
            CREATE FUNCTION many(VARIADIC a text[]) RETURNS int LANGUAGE sql AS 'SELECT 2';
            CREATE PROCEDURE p(INOUT a int) LANGUAGE sql AS 'SELECT 2'; GRANT EXECUTE ON PROCEDURE p TO case_writer;
            CREATE FUNCTION imm(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
            CREATE TABLE t (a int); CREATE INDEX ON t (imm(a));
            CREATE VIEW v AS SELECT result(a) AS r FROM t;
            CREATE FUNCTION "Made"(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
            COMMENT ON FUNCTION "Made" IS 'new'; REVOKE ALL ON FUNCTION "Made" FROM PUBLIC;
        """,
        never=("DROP FUNCTION public.body", "DROP FUNCTION public.facts", "DROP INDEX", "DROP PROCEDURE"),
    ),
    Case(
        name="SQL-standard bodies",
        since=14,
        both="CREATE TABLE t (a int);",
        present="CREATE FUNCTION f(x int) RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM t WHERE a = x)",
        wanted="CREATE FUNCTION g() RETURNS int LANGUAGE sql RETURN 1;"
        "CREATE FUNCTION f(x int) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT g(); SELECT 1::bigint; END",
    ),
    Case(
        name="aggregates",
        both="""
            CREATE FUNCTION step(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
            CREATE FUNCTION final(float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1';
        """,
        present="""
            CREATE AGGREGATE a (float8) (sfunc = step, stype = float8);
            CREATE AGGREGATE b (float8) (sfunc = step, stype = float8); GRANT EXECUTE ON FUNCTION b TO case_reader;
            CREATE AGGREGATE lowest (float8) (sfunc = float8smaller, stype = float8, sortop = <);
            CREATE AGGREGATE total (*) (sfunc = int8inc, stype = int8, initcond = '0');
            CREATE AGGREGATE gone (float8 ORDER BY float8) (sfunc = step, stype = float8);
        """,
        wanted="""
            CREATE AGGREGATE a (float8) (sfunc = step, stype = float8, finalfunc = final, initcond = '1', sspace = 9,
                parallel = safe, combinefunc = step, finalfunc_modify = shareable, msfunc = step, minvfunc = step,
                mstype = float8, minitcond = '0');
            COMMENT ON AGGREGATE a (float8) IS 'a'; REVOKE ALL ON FUNCTION a FROM PUBLIC;
            CREATE AGGREGATE b (float8) (sfunc = float8pl, stype = float8); GRANT EXECUTE ON FUNCTION b TO case_reader;
            CREATE AGGREGATE lowest (float8) (sfunc = float8larger, stype = float8, sortop = >);
            CREATE AGGREGATE total (*) (sfunc = int8inc, stype = int8, initcond = '1'); COMMENT ON AGGREGATE total (*) IS 't';
            CREATE AGGREGATE made (float8 ORDER BY float8) (sfunc = step, stype = float8); COMMENT ON AGGREGATE
                made (float8 ORDER BY float8) IS 'm';
        """,
        never=("DROP AGGREGATE public.b",),
    ),
    Case(
        name="triggers and rules",
        both="""
            CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a FROM t; CREATE TABLE logged (a int);
            CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
        """,
        present="""
            CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
            CREATE TRIGGER b AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();
            CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
            CREATE TRIGGER gone AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
            CREATE TRIGGER pp AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
            CREATE RULE r AS ON INSERT TO t DO ALSO NOTHING; CREATE RULE s AS ON UPDATE TO t DO ALSO NOTHING;
            COMMENT ON TRIGGER a ON t IS 'a'; COMMENT ON RULE r ON t IS 'r';
        """,
        wanted="""
            CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
            ALTER TABLE t ENABLE ALWAYS TRIGGER a;
            CREATE TRIGGER b AFTER UPDATE ON t REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION f('x''y');
            CREATE CONSTRAINT TRIGGER c AFTER INSERT OR UPDATE OF b ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
                WHEN (NEW.a > 1) EXECUTE FUNCTION f();
            ALTER TABLE t DISABLE TRIGGER c;
            CREATE TRIGGER pp AFTER INSERT OR DELETE ON p FOR EACH ROW EXECUTE FUNCTION f();
            CREATE TRIGGER "Made" INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();
            CREATE RULE r AS ON INSERT TO t WHERE NEW.a > 1 DO ALSO INSERT INTO logged VALUES (NEW.a);
            ALTER TABLE t ENABLE REPLICA RULE r;
            CREATE RULE s AS ON UPDATE TO t DO ALSO NOTHING; ALTER TABLE t DISABLE RULE s;
            COMMENT ON TRIGGER c ON t IS 'c'; COMMENT ON RULE r ON t IS 'r';
        """,
        never=("DROP TRIGGER a", "DROP RULE s"),
    ),
    Case(
        name="policies",
        both="CREATE TABLE t (a int, b int); ALTER TABLE t ENABLE ROW LEVEL SECURITY;",
        present="""
            CREATE POLICY a ON t TO case_reader USING (a > 0);
            CREATE POLICY b ON t FOR UPDATE USING (a > 0) WITH CHECK (a > 1);
            CREATE POLICY c ON t FOR SELECT USING (true); CREATE POLICY gone ON t USING (true);
        """,
        wanted="""
            CREATE POLICY a ON t TO case_reader, case_writer USING (a > 1 AND EXISTS (SELECT FROM t AS x));
            CREATE POLICY b ON t FOR UPDATE USING (a > 0); COMMENT ON POLICY b ON t IS 'b';
            CREATE POLICY c ON t AS RESTRICTIVE FOR INSERT TO PUBLIC WITH CHECK (b > 1);
            CREATE POLICY "Made" ON t FOR DELETE TO case_reader USING (false);
        """,
        never=("DROP POLICY a",),
    ),
    Case(
        name="event triggers",
        both="CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE FUNCTION eg() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';",
        present="CREATE EVENT TRIGGER a ON ddl_command_end EXECUTE FUNCTION ef(); ALTER EVENT TRIGGER a DISABLE;"
        "CREATE EVENT TRIGGER b ON sql_drop EXECUTE FUNCTION ef();",
        wanted="CREATE EVENT TRIGGER a ON ddl_command_end EXECUTE FUNCTION ef(); ALTER EVENT TRIGGER a ENABLE ALWAYS;"
        "CREATE EVENT TRIGGER b ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION eg();"
        "COMMENT ON EVENT TRIGGER b IS 'b'; ALTER EVENT TRIGGER b OWNER TO CURRENT_USER;",
        never=("DROP EVENT TRIGGER a",),
    ),
    Case(
        name="schemas, statistics, sequences' rights",
        both="CREATE TABLE t (a int, b int, c text);",
        present="CREATE SCHEMA gone; CREATE TABLE gone.t (); CREATE SCHEMA s; COMMENT ON SCHEMA s IS 's';"
        "CREATE STATISTICS st ON a, b FROM t; CREATE STATISTICS same ON a, c FROM t;",
        wanted='CREATE SCHEMA "Made; --"; CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO case_reader WITH GRANT OPTION;'
        "CREATE STATISTICS st (mcv) ON a, c FROM t; CREATE STATISTICS same ON a, c FROM t;"
        "ALTER STATISTICS same SET STATISTICS 50; COMMENT ON STATISTICS same IS 'same'; ALTER SCHEMA s OWNER TO case_writer;"
        'COMMENT ON SCHEMA "Made; --" IS NULL;',
        never=("DROP STATISTICS public.same", "DROP SCHEMA s"),
    ),
    Case(
        name="publications",
        both="CREATE TABLE a (id int PRIMARY KEY, x int); CREATE TABLE b (id int PRIMARY KEY);",
        present="CREATE PUBLICATION p FOR TABLE a; CREATE PUBLICATION q FOR ALL TABLES; CREATE PUBLICATION r FOR TABLE a, b;",
        wanted="CREATE PUBLICATION p FOR TABLE b, a WITH (publish = 'insert', publish_via_partition_root);"
        "CREATE PUBLICATION q; CREATE PUBLICATION r; COMMENT ON PUBLICATION r IS 'r'; CREATE TABLE c (id int);"
        'CREATE PUBLICATION "Made" FOR TABLE c;',
        never=("DROP PUBLICATION p", "DROP PUBLICATION r"),
    ),
    Case(
        name="publications with filters and schemas",
        since=15,
        both="CREATE TABLE a (id int PRIMARY KEY, x int); CREATE TABLE b (id int PRIMARY KEY); CREATE SCHEMA s;",
        present="CREATE PUBLICATION p FOR TABLE a WHERE (id > 1); CREATE PUBLICATION q FOR TABLES IN SCHEMA s;",
        wanted="CREATE PUBLICATION p FOR TABLE a (id, x) WHERE (id > 2 AND id < 9), b;"
        "CREATE PUBLICATION q FOR TABLE b, TABLES IN SCHEMA s, public;",
        never=("DROP PUBLICATION",),
    ),
    Case(
        name="a server goes with its user mappings",
        present="CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR case_reader"
        " SERVER s OPTIONS (x 'y'); CREATE USER MAPPING FOR PUBLIC SERVER s",
        one_way=True,
    ),
    Case(
        name="foreign data wrappers and servers",
        present="""
            CREATE FOREIGN DATA WRAPPER w OPTIONS (a '1', b '2'); CREATE FOREIGN DATA WRAPPER gone; CREATE SERVER gone
            FOREIGN DATA WRAPPER gone;
            CREATE SERVER s VERSION '1' FOREIGN DATA WRAPPER w OPTIONS (host 'a', port '1');
        """,
        wanted="""
            CREATE FOREIGN DATA WRAPPER w OPTIONS (a '9', "C" 'it''s'); COMMENT ON FOREIGN DATA WRAPPER w IS 'w';
            CREATE SERVER s VERSION '2' FOREIGN DATA WRAPPER w OPTIONS (host 'b', x 'y'); COMMENT ON SERVER s IS 's';
            GRANT USAGE ON FOREIGN SERVER s TO case_reader; GRANT USAGE ON FOREIGN DATA WRAPPER w TO PUBLIC;
            CREATE SERVER "Made" TYPE 't' VERSION 'v' FOREIGN DATA WRAPPER w;
        """,
    ),
    Case(
        name="casts and operators",
        both="""
            CREATE TYPE c AS (x int); CREATE FUNCTION to_int(c) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.x';
            CREATE FUNCTION less(c, c) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.x < $2.x';
            CREATE FUNCTION same(c, c) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.x = $2.x';
            CREATE FUNCTION other(c, c) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.x <> $2.x';
            CREATE FUNCTION minus(c) RETURNS c LANGUAGE sql IMMUTABLE AS 'SELECT $1';
            CREATE FUNCTION cmp(c, c) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
        """,
        present="""
            CREATE CAST (c AS int) WITH FUNCTION to_int(c); CREATE CAST (c AS date) WITH INOUT AS ASSIGNMENT;
            CREATE OPERATOR === (FUNCTION = same, LEFTARG = c, RIGHTARG = c);
            CREATE OPERATOR <<# (FUNCTION = less, LEFTARG = c, RIGHTARG = c, RESTRICT = scalarltsel);
            CREATE OPERATOR CLASS ops FOR TYPE c USING btree AS OPERATOR 1 <<#, OPERATOR 3 ===, FUNCTION 1 cmp(c, c);
            CREATE VIEW v AS SELECT ROW(1)::c === ROW(2)::c AS eq, (ROW(1)::c)::int AS n;
        """,
        wanted="""
            CREATE CAST (c AS int) WITH FUNCTION to_int(c) AS ASSIGNMENT; COMMENT ON CAST (c AS int) IS 'cast';
            CREATE OPERATOR === (FUNCTION = same, LEFTARG = c, RIGHTARG = c, COMMUTATOR = ===, NEGATOR = !==, HASHES, MERGES);
            CREATE OPERATOR !== (FUNCTION = other, LEFTARG = c, RIGHTARG = c, COMMUTATOR = !==, NEGATOR = ===);
            CREATE OPERATOR <<# (FUNCTION = less, LEFTARG = c, RIGHTARG = c, JOIN = scalarltjoinsel);
            CREATE OPERATOR @- (FUNCTION = minus, RIGHTARG = c); COMMENT ON OPERATOR @- (NONE, c) IS 'prefix';
            CREATE OPERATOR FAMILY fam USING btree; COMMENT ON OPERATOR FAMILY fam USING btree IS 'fam';
            CREATE OPERATOR CLASS ops DEFAULT FOR TYPE c USING btree FAMILY fam AS OPERATOR 1 <<#, OPERATOR 3 ===,
                FUNCTION 1 cmp(c, c);
            COMMENT ON OPERATOR CLASS ops USING btree IS 'ops';
            CREATE VIEW v AS SELECT ROW(1)::c === ROW(2)::c AS eq, (ROW(1)::c)::int AS n;
        """,
    ),
    Case(
        name="collations under columns",
        present="""
            CREATE COLLATION c (LOCALE = 'C'); CREATE DOMAIN d AS text COLLATE c;
            CREATE TABLE t (v text COLLATE c DEFAULT 'x', w d, UNIQUE (v)); INSERT INTO t VALUES ('a', 'b');
            CREATE INDEX ON t (lower(v)); CREATE VIEW s AS SELECT v FROM t ORDER BY v;
            CREATE COLLATION gone (LOCALE = 'C');
        """,
        wanted="""
            CREATE COLLATION c (LOCALE = 'POSIX'); COMMENT ON COLLATION c IS 'c';
            CREATE DOMAIN d AS text COLLATE c;
            CREATE TABLE t (v text COLLATE c DEFAULT 'x', w d, UNIQUE (v));
            CREATE INDEX ON t (lower(v)); CREATE VIEW s AS SELECT v FROM t ORDER BY v;
            CREATE COLLATION "Made" (LC_COLLATE = 'C', LC_CTYPE = 'POSIX');
        """,
        never=("DROP TABLE", "DROP COLUMN"),
    ),
    Case(
        name="text search",
        present="""
            CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false);
            CREATE TEXT SEARCH CONFIGURATION c (PARSER = "default");
            ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR asciiword, word WITH d;
            CREATE TEXT SEARCH DICTIONARY gone (TEMPLATE = simple);
            CREATE TEXT SEARCH PARSER p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
                LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
            CREATE CONVERSION cv FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
        """,
        wanted="""
            CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, ACCEPT = true);
            CREATE TEXT SEARCH CONFIGURATION c (PARSER = "default"); COMMENT ON TEXT SEARCH CONFIGURATION c IS 'c';
            ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR asciiword WITH d, simple;
            ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR hword WITH simple;
            CREATE TEXT SEARCH DICTIONARY "Made" (TEMPLATE = snowball, LANGUAGE = german);
            CREATE TEXT SEARCH TEMPLATE "Tmpl" (LEXIZE = dsimple_lexize, INIT = dsimple_init);
            CREATE TEXT SEARCH PARSER p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
                LEXTYPES = prsd_lextype);
            CREATE DEFAULT CONVERSION cv FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1; COMMENT ON CONVERSION cv IS 'cv';
            CREATE ACCESS METHOD "Am" TYPE INDEX HANDLER bthandler; COMMENT ON ACCESS METHOD "Am" IS 'am';
        """,
        never=("DROP TEXT SEARCH DICTIONARY public.d",),
    ),
    Case(
        name="rights and owners",
        both="CREATE SCHEMA s; GRANT ALL ON SCHEMA s, public TO case_writer;",
        present="""
            CREATE TABLE t (a int, b int); GRANT SELECT, INSERT ON t TO case_reader; GRANT ALL ON t TO PUBLIC;
            GRANT UPDATE (a) ON t TO case_reader; CREATE SEQUENCE q; GRANT USAGE ON q TO case_reader WITH GRANT OPTION;
            CREATE TYPE e AS ENUM ('a'); REVOKE ALL ON TYPE e FROM PUBLIC; CREATE DOMAIN d AS int;
            CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT 1 AS a;
            REVOKE INSERT ON v FROM CURRENT_USER; ALTER VIEW v OWNER TO case_writer;
            CREATE TABLE numbered (id serial); GRANT USAGE ON SEQUENCE numbered_id_seq TO case_writer;
        """,
        wanted="""
            CREATE TABLE t (a int, b int); GRANT SELECT ON t TO case_reader WITH GRANT OPTION;
            GRANT SELECT (a, b), INSERT (b) ON t TO PUBLIC; ALTER TABLE t OWNER TO case_writer;
            GRANT REFERENCES (a) ON t TO case_writer; REVOKE DELETE ON t FROM case_writer;
            CREATE SEQUENCE q; GRANT USAGE ON q TO case_reader; CREATE TYPE e AS ENUM ('a');
            CREATE DOMAIN d AS int; REVOKE ALL ON DOMAIN d FROM PUBLIC; ALTER DOMAIN d OWNER TO case_reader;
            CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f OWNER TO case_reader;
            REVOKE ALL ON FUNCTION f FROM PUBLIC; CREATE VIEW v AS SELECT 1 AS a; GRANT SELECT (a) ON v TO case_reader;
            CREATE TABLE numbered (id serial); ALTER TABLE numbered OWNER TO case_writer;
            GRANT SELECT ON SEQUENCE numbered_id_seq TO case_reader;
        """,
    ),
    Case(
        name="default privileges and new objects",
        both="CREATE SCHEMA s;",
        present="""
            ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO case_reader;
            ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
            ALTER DEFAULT PRIVILEGES FOR ROLE case_writer IN SCHEMA s GRANT ALL ON SEQUENCES TO case_reader WITH GRANT OPTION;
            CREATE TABLE s.gone (a int);
        """,
        wanted="""
            CREATE TABLE s.t (a int); CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW s.v AS
            SELECT 1 AS a; GRANT SELECT ON s.v TO case_reader; CREATE TYPE s.e AS ENUM (); CREATE SEQUENCE s.q;
            ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT, UPDATE ON TABLES TO case_reader, PUBLIC;
            ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC;
        """,
    ),
]


@pytest.fixture
def run(servers: Servers) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def snapshot(database: Database) -> Snapshot:
    session = Handle(parse_url(database.url), read_only=True).connect()
    try:
        return take_snapshot(session)
    finally:
        session.close()


def apply(database: Database, statements: tuple[Statement, ...]) -> None:
    """Run the statements, each group in one transaction, as ``migrate apply`` would."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("SET search_path = ''")
        connection.execute("SET check_function_bodies = off")
        opened = None
        for statement in statements:
            if statement.group != opened:
                if opened is not None:
                    connection.execute("COMMIT")
                if statement.transactional:
                    connection.execute("BEGIN")
                opened = statement.group if statement.transactional else None
            try:
                connection.execute(statement.sql.encode())
            except psycopg.Error as error:
                listed = "\n".join(f"{'>>' if s is statement else '  '} {s.sql}" for s in statements)
                raise AssertionError(f"{error}\n{listed}") from error
        if opened is not None:
            connection.execute("COMMIT")


def migrate(wanted: Snapshot, target: Database) -> PlannedStatements:
    plan = plan_statements(wanted, snapshot(target))
    apply(target, plan.statements)
    left = compare_schemas(wanted, snapshot(target))
    listed = "\n".join(statement.sql for statement in plan.statements)
    assert left.empty, f"{left}\n{plan.unplanned}\n{listed}"
    return plan


def runs_checks(database: Database, plan: PlannedStatements) -> None:
    """Every question to the data can be asked before anything is changed."""
    for statement in plan.statements:
        for check in statement.checks:
            assert isinstance(database.value(check.sql), int)


def test_secret_options_of_servers_are_not_read_and_not_written(source_db: Database, target_db: Database) -> None:
    source_db.execute(
        "CREATE FOREIGN DATA WRAPPER w OPTIONS (a_token 'hidden-1'); CREATE SERVER s FOREIGN DATA WRAPPER w"
        " OPTIONS (host 'h', \"Password\" 'hidden-2'); CREATE SERVER t FOREIGN DATA WRAPPER w OPTIONS (x 'y')"
    )
    target_db.execute(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER t FOREIGN DATA WRAPPER w OPTIONS (secret 'hidden-3')"
    )
    wanted = snapshot(source_db)
    plan = plan_statements(wanted, snapshot(target_db))
    apply(target_db, plan.statements)
    left = {change.ref.name for change in compare_schemas(wanted, snapshot(target_db)).changed}
    assert left == {"w", "s", "t"}, "what is missing is seen"
    assert {unplanned.ref.name for unplanned in plan.unplanned} == {"w", "t"}
    assert "hidden" not in str(wanted) + str(plan) + str(snapshot(target_db))


def test_results_that_a_replaced_function_leaves_behind_are_told(target_db: Database) -> None:
    target_db.execute(
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; CREATE TABLE t (a int);"
        "CREATE INDEX kept ON t (f(a)); CREATE VIEW v AS SELECT f(a) FROM t"
    )
    target = snapshot(target_db)
    target_db.execute("CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2'")
    source = snapshot(target_db)
    ref = next(ref for ref in source.objects if ref.kind == "function")
    scene = Scene(source=source, target=target)
    alteration = MAKERS["function"].alter(target.objects[ref], source.objects[ref], {"definition"}, scene)
    assert [warning.split(" holds ")[0] for warning in alteration.warnings] == ["index public.kept"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_changed_there_and_back(case: Case, servers: Servers, run: ExitStack) -> None:
    if servers.major < case.since:
        pytest.skip(f"NOT TESTED: Postgres {servers.major} does not have this")
    source = run.enter_context(fresh_database(servers.source))
    target = run.enter_context(fresh_database(servers.target))
    source.execute(case.both + case.wanted)
    target.execute(case.both + case.present)
    wanted, before = snapshot(source), snapshot(target)
    first = plan_statements(wanted, before)
    runs_checks(target, first)
    plan = migrate(wanted, target)
    text = "\n".join(statement.sql for statement in plan.statements)
    assert {table: target.value(f"SELECT count(*) FROM {table}") for table in case.rows} == case.rows
    assert not [words for words in case.never if words in text], text
    assert not [words for words in case.says if words not in text], text
    if not case.one_way:
        migrate(before, target)
