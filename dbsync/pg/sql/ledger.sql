-- The ledger: what runs note in the target, in the transactions that write its rows.
-- The steps build it up, one version each; a step that was released never changes.

-- name: place
-- Whether there is a schema of that name, what its comment says, and whether this role may rely on it: it acts
-- for the owner, and nobody less trusted than itself made the tables (their triggers would run as this role).
SELECT COALESCE(pg_catalog.obj_description(n.oid, 'pg_namespace'), ''), o.rolname,
       pg_catalog.pg_has_role(n.nspowner, 'USAGE')
       AND (o.rolname = CURRENT_USER OR o.rolsuper OR o.oid = d.datdba)
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner
  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
 WHERE n.nspname = 'dbsync';

-- name: may_create
SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
       AND NOT pg_catalog.pg_is_in_recovery();

-- name: lock_upgrade
-- One process at a time makes or upgrades the ledger; the key spells "dbsy", 2.
SELECT pg_catalog.pg_advisory_xact_lock(1684173689, 2);

-- name: step_1
CREATE SCHEMA IF NOT EXISTS dbsync;
REVOKE ALL ON SCHEMA dbsync FROM PUBLIC;
CREATE TABLE dbsync.fence (
    one   pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (one),
    value pg_catalog.int8 NOT NULL);
COMMENT ON TABLE dbsync.fence IS 'dbsync: the number of the run that may write';
INSERT INTO dbsync.fence (value) VALUES (0);
CREATE TABLE dbsync.run (
    run_id          pg_catalog.text PRIMARY KEY,
    fence           pg_catalog.int8 NOT NULL UNIQUE,
    state           pg_catalog.text NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'stopped', 'dead')),
    started_at      pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at        pg_catalog.timestamptz,
    source_system   pg_catalog.text,
    source_oid      pg_catalog.int8 NOT NULL,
    source_database pg_catalog.text NOT NULL,
    source_snapshot pg_catalog.text,
    options         pg_catalog.jsonb NOT NULL,
    plan_hash       pg_catalog.text,
    client_pid      pg_catalog.int4 NOT NULL,
    client_host     pg_catalog.text NOT NULL,
    client_user     pg_catalog.text NOT NULL,
    role            pg_catalog.text NOT NULL DEFAULT CURRENT_USER,
    application     pg_catalog.text NOT NULL,
    tool_version    pg_catalog.text NOT NULL);
COMMENT ON TABLE dbsync.run IS 'dbsync: the runs that wrote to this database';
CREATE TABLE dbsync.run_table (
    run_id        pg_catalog.text NOT NULL REFERENCES dbsync.run ON DELETE CASCADE,
    table_schema  pg_catalog.text NOT NULL,
    table_name    pg_catalog.text NOT NULL,
    state         pg_catalog.text NOT NULL CHECK (state IN ('partial', 'done')),
    strategy      pg_catalog.text NOT NULL,
    rows_inserted pg_catalog.int8 NOT NULL,
    rows_updated  pg_catalog.int8 NOT NULL,
    rows_deleted  pg_catalog.int8 NOT NULL,
    digest_rows   pg_catalog.int8,
    digest_first  pg_catalog.numeric,
    digest_second pg_catalog.numeric,
    transactions  pg_catalog.int8 NOT NULL DEFAULT 1,
    committed_at  pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    fence         pg_catalog.int8 NOT NULL,
    PRIMARY KEY (run_id, table_schema, table_name));
COMMENT ON TABLE dbsync.run_table IS 'dbsync: what was committed, noted in the transaction that wrote it';
CREATE TABLE dbsync.cursor (
    source_system pg_catalog.text NOT NULL,
    source_oid    pg_catalog.int8 NOT NULL,
    table_schema  pg_catalog.text NOT NULL,
    table_name    pg_catalog.text NOT NULL,
    column_name   pg_catalog.text NOT NULL,
    value         pg_catalog.text NOT NULL,
    stored_at     pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (source_system, source_oid, table_schema, table_name, column_name));
COMMENT ON TABLE dbsync.cursor IS 'dbsync: how far --mode cursor has come';
CREATE TABLE dbsync.signature (
    source_system     pg_catalog.text NOT NULL,
    source_oid        pg_catalog.int8 NOT NULL,
    table_schema      pg_catalog.text NOT NULL,
    table_name        pg_catalog.text NOT NULL,
    source_facts      pg_catalog.jsonb NOT NULL,
    target_facts      pg_catalog.jsonb NOT NULL,
    segmentation      pg_catalog.jsonb NOT NULL,
    source_signatures pg_catalog.int8[] NOT NULL,
    source_counts     pg_catalog.int8[] NOT NULL,
    target_signatures pg_catalog.int8[] NOT NULL,
    target_counts     pg_catalog.int8[] NOT NULL,
    stored_at         pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (source_system, source_oid, table_schema, table_name));
COMMENT ON TABLE dbsync.signature IS 'dbsync: which row versions a verified run has seen on both sides';
CREATE TABLE dbsync.quarantine (
    number       pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id       pg_catalog.text NOT NULL,
    table_schema pg_catalog.text NOT NULL,
    table_name   pg_catalog.text NOT NULL,
    row_key      pg_catalog.text,
    row_text     pg_catalog.text NOT NULL,
    sqlstate     pg_catalog.text NOT NULL,
    message      pg_catalog.text NOT NULL,
    at           pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp());
CREATE INDEX quarantine_run ON dbsync.quarantine (run_id);
COMMENT ON TABLE dbsync.quarantine IS 'dbsync: rows that the target refused';
REVOKE ALL ON ALL TABLES IN SCHEMA dbsync FROM PUBLIC;

-- name: step_2
CREATE TABLE dbsync.migration (
    migration_id pg_catalog.text PRIMARY KEY,
    number       pg_catalog.int8 GENERATED ALWAYS AS IDENTITY UNIQUE,
    plan_hash    pg_catalog.text NOT NULL,
    direction    pg_catalog.text NOT NULL CHECK (direction IN ('up', 'down')),
    state        pg_catalog.text NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'stopped')),
    started_at   pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at     pg_catalog.timestamptz,
    source_name  pg_catalog.text NOT NULL,
    fingerprint  pg_catalog.text NOT NULL,
    statements   pg_catalog.jsonb NOT NULL,
    error        pg_catalog.text,
    client_pid   pg_catalog.int4 NOT NULL,
    client_host  pg_catalog.text NOT NULL,
    client_user  pg_catalog.text NOT NULL,
    role         pg_catalog.text NOT NULL DEFAULT CURRENT_USER,
    tool_version pg_catalog.text NOT NULL);
COMMENT ON TABLE dbsync.migration IS 'dbsync: plans that were applied to this database, or taken back';
CREATE TABLE dbsync.migration_statement (
    migration_id pg_catalog.text NOT NULL REFERENCES dbsync.migration ON DELETE CASCADE,
    number       pg_catalog.int4 NOT NULL,
    state        pg_catalog.text NOT NULL CHECK (state IN ('started', 'done')),
    at           pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (migration_id, number));
COMMENT ON TABLE dbsync.migration_statement IS 'dbsync: how far a plan has come, noted in the transaction of the statement';
REVOKE ALL ON TABLE dbsync.migration, dbsync.migration_statement FROM PUBLIC;

-- name: step_3
CREATE TABLE dbsync.run_part (
    run_id       pg_catalog.text NOT NULL REFERENCES dbsync.run ON DELETE CASCADE,
    number       pg_catalog.int4 NOT NULL,
    fence        pg_catalog.int8 NOT NULL,
    rows         pg_catalog.int8 NOT NULL,
    bytes        pg_catalog.int8 NOT NULL,
    worker       pg_catalog.text NOT NULL,
    committed_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (run_id, number));
COMMENT ON TABLE dbsync.run_part IS 'dbsync: ranges of tables that were staged, noted in the transaction that did it';
REVOKE ALL ON TABLE dbsync.run_part FROM PUBLIC;

-- name: step_4
CREATE TABLE dbsync.quiet (
    one   pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (one),
    since pg_catalog.int8 NOT NULL,
    until pg_catalog.int8 NOT NULL);
COMMENT ON TABLE dbsync.quiet IS
    'dbsync: between these numbers every transaction of this server was one that kept these books and nothing else';
REVOKE ALL ON TABLE dbsync.quiet FROM PUBLIC;

-- name: raise_fence
UPDATE dbsync.fence SET value = value + 1 RETURNING value, pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8;

-- name: mark_dead
-- The holder of the run lock calls this: whoever is still said to run does not.
UPDATE dbsync.run SET state = 'dead', ended_at = pg_catalog.clock_timestamp()
 WHERE state = 'running' RETURNING run_id;

-- name: dead_sessions
-- Sessions of runs that are dead, which may still hold locks: those that this role may end.
SELECT a.pid
  FROM pg_catalog.pg_stat_activity a
  JOIN dbsync.run r ON pg_catalog.starts_with(a.application_name, 'dbsync ' || r.run_id || ' ')
 WHERE r.state = 'running' AND a.datname = pg_catalog.current_database() AND a.usename = CURRENT_USER
   AND a.pid <> pg_catalog.pg_backend_pid();

-- name: forget_old_runs
-- The last hundred runs stay, and those whose quarantined rows somebody may still want.
DELETE FROM dbsync.run r
 WHERE r.fence <= %s - 100 AND NOT EXISTS (SELECT FROM dbsync.quarantine q WHERE q.run_id = r.run_id);

-- name: begin_run
INSERT INTO dbsync.run (run_id, fence, state, source_system, source_oid, source_database, source_snapshot, options,
                        plan_hash, client_pid, client_host, client_user, application, tool_version)
VALUES (%s, %s, 'running', %s, %s, %s, %s, %s, %s, %s, %s, %s, pg_catalog.current_setting('application_name'), %s);

-- name: hold_fence
SELECT f.value, (SELECT r.run_id FROM dbsync.run r WHERE r.fence = f.value),
       pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8
  FROM dbsync.fence f FOR SHARE OF f;

-- name: outlast_fence
SELECT f.value FROM dbsync.fence f FOR UPDATE;

-- name: record_tables
INSERT INTO dbsync.run_table AS t (run_id, fence, table_schema, table_name, state, strategy, rows_inserted,
                                   rows_updated, rows_deleted, digest_rows, digest_first, digest_second)
SELECT %s, %s, r.*
  FROM pg_catalog.jsonb_to_recordset(%s) AS r(
           table_schema pg_catalog.text, table_name pg_catalog.text, state pg_catalog.text, strategy pg_catalog.text,
           rows_inserted pg_catalog.int8, rows_updated pg_catalog.int8, rows_deleted pg_catalog.int8,
           digest_rows pg_catalog.int8, digest_first pg_catalog.numeric, digest_second pg_catalog.numeric)
ON CONFLICT (run_id, table_schema, table_name) DO UPDATE SET
       state = excluded.state, strategy = excluded.strategy,
       rows_inserted = t.rows_inserted + excluded.rows_inserted,
       rows_updated = t.rows_updated + excluded.rows_updated,
       rows_deleted = t.rows_deleted + excluded.rows_deleted,
       digest_rows = excluded.digest_rows, digest_first = excluded.digest_first,
       digest_second = excluded.digest_second, fence = excluded.fence,
       transactions = t.transactions + 1, committed_at = pg_catalog.clock_timestamp();

-- name: record_part
INSERT INTO dbsync.run_part (run_id, number, fence, rows, bytes, worker) VALUES (%s, %s, %s, %s, %s, %s);

-- name: parts_done
SELECT p.number, p.rows, p.bytes FROM dbsync.run_part p WHERE p.run_id = %s;

-- name: end_sessions
-- Sessions by their names and by when they began: a number of a process that has ended may be another's now.
SELECT pg_catalog.pg_terminate_backend(a.pid)
  FROM pg_catalog.pg_stat_activity a
 WHERE pg_catalog.starts_with(a.application_name, %(prefix)s)
   AND (%(names)s::pg_catalog.text[] IS NULL OR a.application_name = ANY (%(names)s::pg_catalog.text[]))
   AND a.datname = pg_catalog.current_database() AND a.usename = CURRENT_USER
   AND a.backend_start < pg_catalog.clock_timestamp() AND a.pid <> pg_catalog.pg_backend_pid();

-- name: transactions
-- How many transactions of a run committed rows of a table.
SELECT COALESCE(MAX(t.transactions), 0)
  FROM dbsync.run_table t WHERE t.run_id = %s AND t.table_schema = %s AND t.table_name = %s;

-- name: finish_run
UPDATE dbsync.run SET state = %s, ended_at = pg_catalog.clock_timestamp()
 WHERE run_id = %s AND state = 'running';

-- name: finish_quiet_run
-- The same, for a run whose transactions did nothing but keep the books; if this one comes right after them, nobody
-- else has had a number since. Whatever somebody hung on the books' tables (triggers, rules, references from tables of
-- his own, children) may have written elsewhere in these very transactions: then nothing is known.
WITH books AS (
    SELECT c.oid, c.relhasrules OR c.relhassubclass AS extended
      FROM pg_catalog.pg_class c
     WHERE c.oid IN ('dbsync.fence'::pg_catalog.regclass, 'dbsync.run'::pg_catalog.regclass,
                     'dbsync.run_table'::pg_catalog.regclass, 'dbsync.run_part'::pg_catalog.regclass,
                     'dbsync.cursor'::pg_catalog.regclass, 'dbsync.signature'::pg_catalog.regclass,
                     'dbsync.quarantine'::pg_catalog.regclass, 'dbsync.quiet'::pg_catalog.regclass)
), quiet AS (
    INSERT INTO dbsync.quiet (since, until)
    SELECT %(since)s, %(until)s
     WHERE pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8 = %(until)s
       AND NOT EXISTS (SELECT FROM books b WHERE b.extended)
       AND NOT EXISTS (SELECT FROM books b JOIN pg_catalog.pg_trigger t ON t.tgrelid = b.oid
                        WHERE NOT (t.tgisinternal AND t.tgconstrrelid IN (SELECT o.oid FROM books o)))
    ON CONFLICT (one) DO UPDATE SET since = excluded.since, until = excluded.until
)
UPDATE dbsync.run SET state = %(state)s, ended_at = pg_catalog.clock_timestamp()
 WHERE run_id = %(run_id)s AND state = 'running';

-- name: quiet
-- Only if the last of these transactions has written this very row: a row that a dump brought here speaks of another
-- server's numbers.
SELECT q.since, q.until FROM dbsync.quiet q
 WHERE q.xmin = (q.until & 4294967295)::pg_catalog.text::pg_catalog.xid;

-- name: runs
SELECT r.run_id, r.fence, r.state, r.started_at::pg_catalog.text, r.ended_at::pg_catalog.text, r.source_system,
       r.source_oid, r.source_database, r.source_snapshot, r.options, r.plan_hash, r.client_pid, r.client_host,
       r.client_user, r.application, r.tool_version
  FROM dbsync.run r
 WHERE pg_catalog.starts_with(r.run_id, %s)
 ORDER BY r.fence DESC
 LIMIT 2;

-- name: last_run_from
SELECT r.run_id, r.state
  FROM dbsync.run r
 WHERE r.source_system IS NOT DISTINCT FROM %s AND r.source_oid = %s AND r.source_database = %s
 ORDER BY r.fence DESC
 LIMIT 1;

-- name: run_tables
SELECT t.table_schema, t.table_name, t.state, t.strategy, t.rows_inserted, t.rows_updated, t.rows_deleted,
       t.digest_rows, t.digest_first::pg_catalog.text, t.digest_second::pg_catalog.text, t.committed_at::pg_catalog.text
  FROM dbsync.run_table t
 WHERE t.run_id = %s
 ORDER BY t.committed_at, t.table_schema COLLATE "C", t.table_name COLLATE "C";

-- name: read_cursor
SELECT c.value FROM dbsync.cursor c
 WHERE c.source_system = %s AND c.source_oid = %s AND c.table_schema = %s AND c.table_name = %s AND c.column_name = %s;

-- name: write_cursor
INSERT INTO dbsync.cursor AS c (source_system, source_oid, table_schema, table_name, column_name, value)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (source_system, source_oid, table_schema, table_name, column_name)
DO UPDATE SET value = excluded.value, stored_at = pg_catalog.clock_timestamp();

-- name: forget_cursor
DELETE FROM dbsync.cursor c
 WHERE c.source_system = %s AND c.source_oid = %s AND c.table_schema = %s AND c.table_name = %s AND c.column_name = %s;

-- name: forget_cursors
DELETE FROM dbsync.cursor c
 USING ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::pg_catalog.text[]))
       AS t (table_schema, table_name)
 WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name;

-- name: read_signatures
SELECT s.table_schema, s.table_name, s.source_facts, s.target_facts, s.segmentation, s.source_signatures,
       s.source_counts, s.target_signatures, s.target_counts, s.stored_at::pg_catalog.text
  FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::pg_catalog.text[]))
           AS t (table_schema, table_name)
  JOIN dbsync.signature s ON s.table_schema = t.table_schema AND s.table_name = t.table_name
 WHERE s.source_system = %s AND s.source_oid = %s;

-- name: renew_signature
UPDATE dbsync.signature
   SET source_facts = %s, target_facts = %s, stored_at = pg_catalog.clock_timestamp()
 WHERE source_system = %s AND source_oid = %s AND table_schema = %s AND table_name = %s;

-- name: write_signature
INSERT INTO dbsync.signature (source_system, source_oid, table_schema, table_name, source_facts, target_facts,
                              segmentation, source_signatures, source_counts, target_signatures, target_counts)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::pg_catalog.int8[], %s::pg_catalog.int8[], %s::pg_catalog.int8[],
        %s::pg_catalog.int8[])
ON CONFLICT (source_system, source_oid, table_schema, table_name) DO UPDATE SET
       source_facts = excluded.source_facts, target_facts = excluded.target_facts,
       segmentation = excluded.segmentation, source_signatures = excluded.source_signatures,
       source_counts = excluded.source_counts, target_signatures = excluded.target_signatures,
       target_counts = excluded.target_counts, stored_at = pg_catalog.clock_timestamp();

-- name: forget_signature
DELETE FROM dbsync.signature
 WHERE source_system = %s AND source_oid = %s AND table_schema = %s AND table_name = %s;

-- name: quarantine
INSERT INTO dbsync.quarantine (run_id, table_schema, table_name, row_key, row_text, sqlstate, message)
VALUES (%s, %s, %s, %s, %s, %s, %s);

-- name: quarantined
SELECT q.table_schema, q.table_name, q.row_key, q.row_text, q.sqlstate, q.message
  FROM dbsync.quarantine q WHERE q.run_id = %s ORDER BY q.number;
