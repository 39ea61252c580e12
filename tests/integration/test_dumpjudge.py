"""The judge of schema changes can fail: it finds every planted difference, and nothing where there is none."""

from __future__ import annotations

import pytest

from tests.fixtures.databases import fresh_database
from tests.fixtures.diffcases import make_case_roles
from tests.fixtures.dumpjudge import NoJudgeError, compare, judge, take

_BASE = """
CREATE TYPE public.e AS ENUM ('a', 'b');
CREATE FUNCTION public.f(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x';
CREATE FUNCTION public.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE public.t (id int PRIMARY KEY, v varchar(10) DEFAULT 'x', n int, e public.e, w varchar(10),
    CONSTRAINT c CHECK (n > 0)) WITH (fillfactor = 70);
CREATE INDEX i ON public.t (n);
CREATE VIEW public.v AS SELECT id, v FROM public.t;
CREATE TRIGGER tr BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.tf();
CREATE POLICY p ON public.t USING (n > 0);
CREATE SEQUENCE public.s;
CREATE TABLE public.m (id int) PARTITION BY RANGE (id);
CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES FROM (0) TO (10);
COMMENT ON COLUMN public.t.v IS 'text';
GRANT SELECT ON public.t TO dbsync_case_reader;
"""

# One attribute each: what changes it, what takes it back, and the object that the judge has to name.
_PLANTED = [
    ("ALTER TABLE public.t ALTER w TYPE varchar(11)", "ALTER TABLE public.t ALTER w TYPE varchar(10)", "TABLE public.t"),
    ("ALTER TABLE public.t ALTER v SET DEFAULT 'y'", "ALTER TABLE public.t ALTER v SET DEFAULT 'x'", "TABLE public.t"),
    ("ALTER TABLE public.t ALTER n SET NOT NULL", "ALTER TABLE public.t ALTER n DROP NOT NULL", "TABLE public.t"),
    ("ALTER TABLE public.t ALTER v SET STORAGE MAIN", "ALTER TABLE public.t ALTER v SET STORAGE EXTENDED", "TABLE public.t"),
    ("ALTER TABLE public.t ALTER n SET STATISTICS 7", "ALTER TABLE public.t ALTER n SET STATISTICS -1", "TABLE public.t"),
    ("ALTER TABLE public.t SET (fillfactor = 71)", "ALTER TABLE public.t SET (fillfactor = 70)", "TABLE public.t"),
    ("ALTER TABLE public.t SET UNLOGGED", "ALTER TABLE public.t SET LOGGED", "TABLE public.t"),
    ("ALTER TABLE public.t REPLICA IDENTITY FULL", "ALTER TABLE public.t REPLICA IDENTITY DEFAULT", "TABLE public.t"),
    ("ALTER TABLE public.t OWNER TO dbsync_case_owner", "ALTER TABLE public.t OWNER TO postgres", "TABLE public.t"),
    ("ALTER TABLE public.t FORCE ROW LEVEL SECURITY", "ALTER TABLE public.t NO FORCE ROW LEVEL SECURITY", "TABLE public.t"),
    ("ALTER TABLE public.t DISABLE TRIGGER tr", "ALTER TABLE public.t ENABLE TRIGGER tr", "TRIGGER public.t tr"),
    ("ALTER TABLE public.t CLUSTER ON t_pkey", "ALTER TABLE public.t SET WITHOUT CLUSTER", "CONSTRAINT public.t t_pkey"),
    ("ALTER INDEX public.i SET (fillfactor = 50)", "ALTER INDEX public.i RESET (fillfactor)", "INDEX public.i"),
    ("ALTER POLICY p ON public.t TO dbsync_case_reader", "ALTER POLICY p ON public.t TO public", "POLICY public.t p"),
    ("ALTER VIEW public.v SET (security_barrier = true)", "ALTER VIEW public.v RESET (security_barrier)", "VIEW public.v"),
    ("ALTER FUNCTION public.f(int) STABLE", "ALTER FUNCTION public.f(int) IMMUTABLE", "FUNCTION public.f(integer)"),
    ("ALTER SEQUENCE public.s CACHE 2", "ALTER SEQUENCE public.s CACHE 1", "SEQUENCE public.s"),
    ("ALTER TYPE public.e RENAME VALUE 'a' TO 'A'", "ALTER TYPE public.e RENAME VALUE 'A' TO 'a'", "TYPE public.e"),
    ("ALTER TABLE public.t RENAME CONSTRAINT c TO d", "ALTER TABLE public.t RENAME CONSTRAINT d TO c", "TABLE public.t"),
    ("ALTER TABLE public.m DETACH PARTITION public.m1", "ALTER TABLE public.m ATTACH PARTITION public.m1 FOR VALUES FROM (0) TO (10)", "TABLE ATTACH public.m1"),
    ("COMMENT ON COLUMN public.t.v IS 'Text'", "COMMENT ON COLUMN public.t.v IS 'text'", "COMMENT public.COLUMN t.v"),
    ("GRANT SELECT ON public.t TO dbsync_case_reader WITH GRANT OPTION", "REVOKE GRANT OPTION FOR SELECT ON public.t FROM dbsync_case_reader", "ACL public.TABLE t"),
    ("GRANT SELECT (v) ON public.t TO dbsync_case_writer", "REVOKE SELECT (v) ON public.t FROM dbsync_case_writer", "ACL public.COLUMN t.v"),
    ("REVOKE EXECUTE ON FUNCTION public.f(int) FROM PUBLIC", "GRANT EXECUTE ON FUNCTION public.f(int) TO PUBLIC", "ACL public.FUNCTION f(x integer)"),
    ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO dbsync_case_reader", "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM dbsync_case_reader", "DEFAULT ACL DEFAULT PRIVILEGES FOR TABLES"),
    ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.i'::regclass", "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'public.i'::regclass", "INVALID INDEX public.i"),
]  # fmt: skip


def test_every_planted_difference_is_found_and_named(pg_a) -> None:
    make_case_roles(pg_a)
    with fresh_database(pg_a) as database:
        database.execute(_BASE)
        before = take(pg_a.bindir, database.url)
        for change, back, name in _PLANTED:
            database.execute(change)
            verdict = compare(before, take(pg_a.bindir, database.url))
            assert any(line.startswith(name) for line in verdict.differences), (change, verdict)
            database.execute(back)
        assert compare(before, take(pg_a.bindir, database.url)).differences == ()


def test_order_of_columns_grants_and_options_is_no_difference(pg_a) -> None:
    make_case_roles(pg_a)
    with fresh_database(pg_a) as one, fresh_database(pg_a) as other:
        one.execute(
            "CREATE TABLE public.t (a int DEFAULT 1, b text NOT NULL) WITH (fillfactor = 70, autovacuum_enabled = off);"
            "GRANT SELECT ON public.t TO dbsync_case_reader; GRANT INSERT ON public.t TO dbsync_case_writer"
        )
        other.execute(
            "CREATE SCHEMA dbsync; CREATE TABLE dbsync.runs (id int);"
            "CREATE TABLE public.t (b text NOT NULL, a int DEFAULT 1) WITH (autovacuum_enabled = off, fillfactor = 70);"
            "GRANT INSERT ON public.t TO dbsync_case_writer; GRANT SELECT ON public.t TO dbsync_case_reader"
        )
        verdict = judge(pg_a.bindir, one.url, other.url)
        assert (verdict.differences, verdict.reordered) == ((), ("TABLE public.t",))


def test_without_a_fitting_pg_dump_there_is_no_verdict(pg_a, tmp_path) -> None:
    with fresh_database(pg_a) as database:
        with pytest.raises(NoJudgeError, match="no pg_dump"):
            take(tmp_path, database.url)
        other = tmp_path / "pg_dump"
        other.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
        other.chmod(0o755)
        with pytest.raises(NoJudgeError, match="not of the server's major version"):
            take(tmp_path, database.url)
