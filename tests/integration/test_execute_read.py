"""A read of ``execute`` changes nothing, whoever runs it: 100 ways to try, as a superuser, and none works.

Judged from outside: the contents, catalogs and settings of the cluster, its slots and files, what a
logical decoder saw, and whether bystander sessions live on undisturbed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbsync.control import Control
from dbsync.errors import DbsyncError, Refused
from dbsync.execute import ExecuteOptions, ExecuteReport, plan_script, run_script
from dbsync.local import EphemeralServer
from dbsync.pg.database import Database
from dbsync.urls import parse_url
from tests.fixtures.databases import fresh_database
from tests.fixtures.pair import with_user

_SETUP = """
CREATE EXTENSION dblink; CREATE EXTENSION tablefunc; CREATE EXTENSION file_fdw; CREATE EXTENSION citext;
CREATE TABLE t (id serial PRIMARY KEY, note text, mail citext DEFAULT 'A@b');
INSERT INTO t (note) VALUES ('one'), ('two');
CREATE MATERIALIZED VIEW m AS SELECT 1 AS one;
CREATE VIEW plain AS SELECT id, upper(note) AS note FROM t;
CREATE VIEW trap AS SELECT pg_reload_conf() AS done;
CREATE VIEW trap_under AS SELECT * FROM trap;
CREATE FUNCTION volatile_report() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT count(*) FROM t';
CREATE FUNCTION stable_report() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM t';
CREATE FUNCTION writes() RETURNS void LANGUAGE sql AS 'DELETE FROM t';
CREATE FUNCTION liar() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN pg_reload_conf(); END';
ALTER FUNCTION liar() OWNER TO case_writer;
CREATE FUNCTION liar_of(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN pg_reload_conf(); END';
ALTER FUNCTION liar_of(int) OWNER TO case_writer;
CREATE OPERATOR !!! (RIGHTARG = int, FUNCTION = liar_of);
CREATE CAST (int AS regtype) WITH FUNCTION liar_cast(int);
CREATE DOMAIN trap_domain AS int CHECK (liar_of(VALUE));
CREATE FUNCTION state(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_reload_conf(); RETURN 1; END';
ALTER FUNCTION state(int, int) OWNER TO case_writer;
CREATE AGGREGATE trap_sum (int) (SFUNC = state, STYPE = int, INITCOND = 0);
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE program (line text) SERVER files OPTIONS (program 'touch {place}/by-fdw');
CREATE TABLE parted (line text) PARTITION BY LIST (line);
CREATE FOREIGN TABLE parted_program PARTITION OF parted DEFAULT SERVER files OPTIONS (program 'touch {place}/by-part');
CREATE PROCEDURE deletes() LANGUAGE sql AS 'DELETE FROM t';
GRANT SELECT ON t, plain TO case_reader; GRANT USAGE ON SCHEMA public TO case_reader;
""".replace("CREATE CAST (int AS regtype) WITH FUNCTION liar_cast(int);\n", "")

# {place}: a directory the server may write to; {victim}: the backend of a bystander.
CORPUS = r"""
INSERT INTO t (note) VALUES ('x')
UPDATE t SET note = 'x'
DELETE FROM t
MERGE INTO t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE
TRUNCATE t
DROP TABLE t
CREATE TABLE made (a int)
CREATE TEMP TABLE made (a int)
SELECT 1 AS a INTO made
SELECT 1 AS a INTO TEMP made
CREATE TABLE made AS SELECT 1
ALTER TABLE t ADD COLUMN x int
WITH gone AS (DELETE FROM t RETURNING id) SELECT * FROM gone
WITH gone AS MATERIALIZED (UPDATE t SET note = 'x' RETURNING id) TABLE gone
EXPLAIN ANALYZE DELETE FROM t
EXPLAIN (ANALYZE, BUFFERS) INSERT INTO t (note) VALUES ('x')
EXPLAIN ANALYZE CREATE TABLE made AS SELECT 1
EXPLAIN ANALYZE SELECT pg_reload_conf()
COPY t TO '{place}/copied'
COPY (SELECT 1) TO PROGRAM 'touch {place}/by-copy'
COPY t (note) FROM PROGRAM 'echo x'
copy/**/t to/**/program 'touch {place}/by-copy'
DO $$ BEGIN DELETE FROM t; END $$
DO LANGUAGE plpgsql 'BEGIN PERFORM pg_reload_conf(); END'
CALL deletes()
LOAD 'auto_explain'
SET ROLE case_writer
SET SESSION AUTHORIZATION case_writer
RESET ROLE
SET default_transaction_read_only = off
SET TRANSACTION READ WRITE
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
BEGIN READ WRITE
COMMIT
ROLLBACK
COMMIT; DELETE FROM t
ROLLBACK; DELETE FROM t
SELECT 1; COMMIT; DELETE FROM t
SELECT 1; DELETE FROM t
SELECT ';'; DELETE FROM t -- ;
/* ; */ DELETE FROM t
-- harmless
DELETE FROM t
SELECT $$ ; $$; DELETE FROM t
SELECT E'\';'; DELETE FROM t
CHECKPOINT
VACUUM t
ANALYZE t
CLUSTER
REINDEX TABLE t
REFRESH MATERIALIZED VIEW m
NOTIFY heard, 'x'
LISTEN heard
LOCK TABLE t IN ACCESS EXCLUSIVE MODE
PREPARE p AS DELETE FROM t
PREPARE p AS DELETE FROM t; EXECUTE p
DECLARE c CURSOR WITH HOLD FOR SELECT 1
PREPARE TRANSACTION 'left'
SAVEPOINT s
DISCARD ALL
GRANT ALL ON t TO PUBLIC
COMMENT ON TABLE t IS 'x'
CREATE ROLE made_role SUPERUSER
ALTER ROLE case_reader SUPERUSER
ALTER SYSTEM SET work_mem = '1MB'
CREATE DATABASE made_database
CREATE EXTENSION hstore
SECURITY LABEL ON TABLE t IS 'x'
SELECT * FROM t FOR UPDATE
SELECT nextval('t_id_seq')
SELECT setval('t_id_seq', 99)
SELECT lo_creat(-1)
SELECT lo_from_bytea(0, 'x')
SELECT lo_import('/etc/hostname')
SELECT pg_read_file('postgresql.conf')
SELECT pg_read_binary_file('postgresql.conf')
SELECT pg_ls_dir('.')
SELECT * FROM pg_stat_file('postgresql.conf')
SELECT * FROM pg_ls_waldir()
SELECT pg_reload_conf()
SELECT pg_catalog.pg_reload_conf()
SELECT "pg_reload_conf"()
SELECT "pg_catalog"."pg_reload_conf" ( )
SELECT U&"pg_reload\005fconf"()
SELECT U&"pg_reload!005fconf" UESCAPE '!' ()
SELECT/**/pg_reload_conf/**/()
SELECT CASE WHEN true THEN pg_reload_conf() END
SELECT * FROM pg_reload_conf() AS r
SELECT 1 WHERE pg_reload_conf()
SELECT 1 ORDER BY pg_reload_conf()
SELECT 1 LIMIT pg_reload_conf()::int
SELECT (SELECT pg_reload_conf())
SELECT count(*) FILTER (WHERE pg_reload_conf()) FROM t
SELECT array_agg(pg_reload_conf()) OVER () FROM t
SELECT * FROM t JOIN LATERAL pg_reload_conf() ON true
SELECT * FROM ROWS FROM (generate_series(1, 2), pg_reload_conf())
VALUES (pg_reload_conf())
WITH a AS (SELECT pg_reload_conf()) TABLE a
TABLE trap
SELECT * FROM trap_under
SELECT pg_rotate_logfile()
SELECT pg_switch_wal()
SELECT pg_create_restore_point('x')
SELECT pg_logical_emit_message(false, 'probe', 'from execute')
SELECT pg_logical_emit_message(true, 'probe', 'from execute')
SELECT pg_create_physical_replication_slot('made_slot', true)
SELECT pg_create_logical_replication_slot('made_slot', 'test_decoding')
SELECT pg_drop_replication_slot('probe_slot')
SELECT pg_replication_slot_advance('probe_slot', pg_current_wal_lsn())
SELECT count(*) FROM pg_logical_slot_get_changes('probe_slot', NULL, NULL)
SELECT pg_replication_origin_create('made_origin')
SELECT pg_terminate_backend({victim})
SELECT pg_cancel_backend({victim})
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = {victim}
SELECT pg_advisory_lock(42)
SELECT pg_try_advisory_lock_shared(42)
SELECT pg_advisory_xact_lock(42)
SELECT pg_notify('heard', 'x')
SELECT pg_export_snapshot()
SELECT pg_stat_reset()
SELECT pg_stat_reset_shared('bgwriter')
SELECT pg_log_backend_memory_contexts({victim})
SELECT pg_import_system_collations('public')
SELECT set_config('default_transaction_read_only', 'off', false)
SELECT set_config('transaction_read_only', 'off', true)
SELECT set_config('statement_timeout', '0', false)
SELECT set_config('role', 'case_writer', false)
SELECT query_to_xml('SELECT pg_reload_conf()', true, true, '')
SELECT cursor_to_xml('c', 1, true, true, '')
SELECT table_to_xml('trap', true, true, '')
SELECT schema_to_xml('public', true, true, '')
SELECT ts_stat('SELECT pg_reload_conf()::text::tsvector')
SELECT ts_rewrite('a'::tsquery, 'SELECT pg_reload_conf()::text::tsquery, NULL')
SELECT * FROM crosstab('SELECT 1, 2, pg_reload_conf()') AS c (a int, b int)
SELECT * FROM dblink('dbname=postgres', 'SELECT pg_reload_conf()') AS d (done boolean)
SELECT dblink_exec('dbname=postgres', 'CREATE ROLE made_role')
SELECT dblink_connect('dbname=postgres')
SELECT brin_summarize_new_values('t_pkey')
SELECT gin_clean_pending_list('t_pkey')
SELECT writes()
SELECT volatile_report()
SELECT liar()
SELECT !!! 1
SELECT 1::trap_domain
SELECT trap_sum(id) FROM t
SELECT trap_sum(id) OVER () FROM t
TABLE program
SELECT count(*) FROM program
SELECT * FROM parted
SELECT * FROM t WHERE liar()
"""

HARMLESS = r"""
SELECT 1
TABLE t
VALUES (1, 'a;b'), (2, NULL)
SELECT * FROM plain
SELECT stable_report()
SELECT count(*), max(id), string_agg(note, ', ' ORDER BY id) FROM t
SELECT * FROM t WHERE mail = 'a@B'
SELECT id, row_number() OVER (ORDER BY note DESC) FROM t
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n
SELECT now(), clock_timestamp(), current_user, version(), txid_current_if_assigned()
SELECT random() < 2, gen_random_uuid() IS NOT NULL, md5('x'), '10%' LIKE '%\%', 7 % 4
SELECT * FROM pg_stat_activity
SELECT * FROM pg_locks
SELECT * FROM pg_settings
SELECT * FROM pg_replication_slots
SELECT * FROM pg_prepared_xacts
SELECT * FROM pg_stat_user_tables
SELECT * FROM information_schema.columns
SELECT * FROM pg_sequences
SELECT pg_size_pretty(pg_total_relation_size('t'))
SELECT pg_get_viewdef('plain'::regclass), pg_get_functiondef('liar'::regproc)
SELECT '{"a": [1, 2]}'::jsonb #>> '{a,0}', jsonb_path_query('[1,2]', '$[*]')
SELECT to_tsvector('english', 'the quick fox') @@ to_tsquery('fox')
SELECT generate_series(1, 3), unnest(ARRAY['a', 'b', 'c'])
SELECT * FROM t TABLESAMPLE BERNOULLI (100)
SELECT pg_sleep(0)
SHOW ALL
SHOW server_version
EXPLAIN SELECT * FROM t
EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM plain
EXPLAIN DELETE FROM t
SELECT E'\';', $$ ; DROP TABLE t; $$, U&'d\0061t', 'call pg_reload_conf()'
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """A database with traps in it, a place for files, and bystanders that would notice."""

    url: str
    place: Path
    victim: psycopg.Connection[Any]
    seen: list[str]

    def state(self) -> dict[str, Any]:
        """Everything that a side effect could have changed."""
        with psycopg.connect(self.url, autocommit=True) as connection:

            def rows(query: str) -> list[Any]:
                return connection.execute(query.encode()).fetchall()

            connection.execute("CHECKPOINT")  # decoding sees what is flushed
            return {
                "rows": rows("SELECT * FROM t ORDER BY id"),
                "sequences": rows("SELECT last_value, is_called FROM t_id_seq"),
                "catalog": [rows(f"SELECT md5(string_agg(c::text, ';' ORDER BY c::text)) FROM {name} c") for name in (
                    "pg_class", "pg_attribute", "pg_proc", "pg_type", "pg_description", "pg_seclabel", "pg_extension",
                    "pg_authid", "pg_database", "pg_db_role_setting", "pg_largeobject_metadata", "pg_collation",
                    "pg_replication_origin", "pg_prepared_xacts", "pg_file_settings", "pg_tablespace", "pg_statistic")],
                "settings": rows("SELECT name, setting FROM pg_settings WHERE name NOT LIKE 'transaction%' ORDER BY 1"),
                "loaded": rows("SELECT pg_conf_load_time()"),
                "slots": rows("SELECT slot_name, active, confirmed_flush_lsn FROM pg_replication_slots ORDER BY 1"),
                "decoded": rows("SELECT data FROM pg_logical_slot_peek_changes('probe_slot', NULL, NULL)"),
                "locks": rows("SELECT objid FROM pg_locks WHERE locktype = 'advisory'"),
                "others": rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'bystander'"),
                "statistics": rows("SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()"),
                "wal": rows("SELECT pg_walfile_name(pg_current_wal_lsn())"),
                "files": sorted(path.name for path in self.place.iterdir()),
                "heard": list(self.seen),
            }  # fmt: skip


@pytest.fixture(scope="module")
def ground(pg_a: EphemeralServer) -> Iterator[Ground]:
    place = Path(tempfile.mkdtemp(prefix="dbsync-place-"))
    place.chmod(0o777)
    with (
        fresh_database(pg_a, *()) as database,
        psycopg.connect(database.url, autocommit=True, application_name="bystander") as victim,
    ):
        try:
            database.execute(_SETUP.replace("{place}", str(place)))
            victim.execute("LISTEN heard")
            seen: list[str] = []
            victim.add_notify_handler(lambda notification: seen.append(notification.payload))
            victim.execute("SELECT pg_create_logical_replication_slot('probe_slot', 'test_decoding')")
            yield Ground(database.url, place, victim, seen)
            victim.execute("SELECT pg_drop_replication_slot('probe_slot')")
        finally:
            shutil.rmtree(place)


def read(url: str, text: str) -> ExecuteReport:
    """What ``dbsync execute`` does for a read; raise the error that it would report."""
    options = ExecuteOptions()
    script = plan_script(text, options)
    session = Database(parse_url(url), read_only=True).connect()
    try:
        report = run_script(session, script, options, control=Control(), warn=lambda message: None)
    finally:
        session.close()
    if report.error is not None:
        raise report.error
    return report


def lines(corpus: str) -> list[str]:
    """One case for each line; a comment line goes with the next one."""
    found = corpus.strip().replace("-- harmless\n", "-- harmless\0").splitlines()
    return [line.replace("\0", "\n") for line in found]


def test_a_hundred_attempts_to_change_something_as_a_superuser_change_nothing(ground):
    corpus = lines(CORPUS)
    assert len(corpus) > 130
    before = ground.state()
    for text in corpus:
        attempt = text.replace("{place}", str(ground.place)).replace("{victim}", str(ground.victim.info.backend_pid))
        with pytest.raises(DbsyncError) as caught:
            read(ground.url, attempt)
        assert isinstance(caught.value, Refused), (text, caught.value)
    ground.victim.execute("SELECT 1")
    assert ground.state() == before


def test_the_harness_would_notice_a_side_effect(ground):
    """The same reading session, held by READ ONLY alone, does reload the configuration."""
    before = ground.state()
    with psycopg.connect(ground.url, autocommit=True) as connection:
        connection.execute("BEGIN READ ONLY")
        connection.execute("SELECT pg_logical_emit_message(false, 'probe', 'seen')")
        connection.execute("TABLE trap")
        connection.execute("ROLLBACK")
    after = ground.state()
    assert after["decoded"] != before["decoded"]
    with psycopg.connect(ground.url, autocommit=True) as connection:
        connection.execute("SELECT pg_logical_slot_get_changes('probe_slot', NULL, NULL)")


@pytest.mark.parametrize("text", lines(HARMLESS))
def test_ordinary_reads_work_as_a_superuser(ground, text):
    assert read(ground.url, text).outcomes


def test_an_ordinary_role_may_call_what_its_grants_allow_and_nothing_that_acts_outside(ground):
    url = with_user(ground.url, "case_reader")
    assert read(url, "SELECT volatile_report(), count(*) FROM plain").outcomes[0][1].rows == (("2", "2"),)
    for text in (
        "SELECT pg_terminate_backend(1)", "SELECT pg_logical_emit_message(false, 'a', 'b')", "SELECT pg_advisory_lock(1)",
        "SELECT set_config('default_transaction_read_only', 'off', false)", "SELECT dblink_connect('x')",
    ):  # fmt: skip
        with pytest.raises(Refused):
            read(url, text)
    with pytest.raises(Refused, match="read-only transaction") as caught:
        read(url, "SELECT writes()")
    assert caught.value.sqlstate == "25006"
