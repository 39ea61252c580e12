-- What `dbsync test` asks. Every block runs inside one read-only transaction, so that a pooler in
-- transaction mode can be diagnosed as well.

-- name: begin
-- Nothing set here outlives the transaction.
SELECT pg_catalog.set_config('search_path', '', true), pg_catalog.set_config('statement_timeout', '15s', true),
       pg_catalog.set_config('lock_timeout', '2s', true);

-- name: server
SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_database()::text, current_user::text,
       pg_catalog.pg_is_in_recovery(), r.rolsuper, r.rolsuper OR r.rolbypassrls,
       pg_catalog.has_database_privilege(current_user, pg_catalog.current_database(), 'CREATE'),
       pg_catalog.has_database_privilege(current_user, pg_catalog.current_database(), 'TEMPORARY'),
       EXTRACT(EPOCH FROM pg_catalog.clock_timestamp())::float8
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = current_user;

-- name: clock
SELECT EXTRACT(EPOCH FROM pg_catalog.clock_timestamp())::float8;

-- name: tables
-- Every table of users, and what the role may do with it. Extensions' tables are theirs.
SELECT n.nspname, c.relname, c.relkind::text,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
       ARRAY(SELECT p FROM pg_catalog.unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) p
              WHERE pg_catalog.has_table_privilege(c.oid, p)),
       pg_catalog.pg_has_role(c.relowner, 'USAGE'),
       pg_catalog.has_schema_privilege(n.oid, 'CREATE'),
       c.relrowsecurity AND COALESCE(pg_catalog.row_security_active(c.oid), true)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                      AND d.objsubid = 0 AND d.deptype = 'e')
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C";

-- name: sequences
SELECT n.nspname, c.relname,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
       ARRAY(SELECT p FROM pg_catalog.unnest('{SELECT,UPDATE}'::text[]) p
              WHERE pg_catalog.has_sequence_privilege(c.oid, p))
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                      AND d.objsubid = 0 AND d.deptype = 'e')
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C";

-- name: speed
-- So many pieces of 8 KiB, made in memory.
COPY (SELECT pg_catalog.repeat('x', 8191) FROM pg_catalog.generate_series(1, {})) TO STDOUT;
