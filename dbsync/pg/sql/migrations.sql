-- Migrations in the target's ledger: what was applied, and how far a plan has come that did not end.

-- name: begin
INSERT INTO dbsync.migration (migration_id, plan_hash, direction, state, source_name, fingerprint, statements,
                              client_pid, client_host, client_user, tool_version)
VALUES (%s, %s, %s, 'running', %s, %s, %s, %s, %s, %s, %s);

-- name: again
UPDATE dbsync.migration
   SET state = 'running', ended_at = NULL, error = NULL, client_pid = %s, client_host = %s, client_user = %s
 WHERE migration_id = %s;

-- name: note
INSERT INTO dbsync.migration_statement (migration_id, number, state) VALUES (%s, %s, %s)
ON CONFLICT (migration_id, number) DO UPDATE SET state = excluded.state, at = pg_catalog.clock_timestamp();

-- name: finish
UPDATE dbsync.migration SET state = %s, error = %s, ended_at = pg_catalog.clock_timestamp() WHERE migration_id = %s;

-- name: mark_dead
UPDATE dbsync.migration
   SET state = 'failed', error = 'its process ended without a word', ended_at = pg_catalog.clock_timestamp()
 WHERE state = 'running';

-- name: may_read
-- Whose ledger it is, who asks, and what he may not do that it takes to read what the ledger holds of migrations.
SELECT o.rolname, CURRENT_USER::pg_catalog.text,
       ARRAY(SELECT 'use the schema dbsync' WHERE NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
             UNION ALL
             SELECT 'select from dbsync.' || c.relname
               FROM pg_catalog.pg_class c
              WHERE c.relnamespace = n.oid AND c.relname IN ('migration', 'migration_statement')
                AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT'))
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner
 WHERE n.nspname = 'dbsync';

-- name: list
SELECT m.migration_id, m.plan_hash, m.direction, m.state, m.started_at::pg_catalog.text,
       m.ended_at::pg_catalog.text, m.source_name, m.fingerprint, m.statements, m.error,
       m.client_pid, m.client_host, m.client_user, m.role, m.tool_version,
       COALESCE((SELECT pg_catalog.jsonb_object_agg(s.number, s.state)
                   FROM dbsync.migration_statement s WHERE s.migration_id = m.migration_id), '{}')
  FROM dbsync.migration m
 ORDER BY m.number DESC
 LIMIT %s;

-- name: enum_labels
SELECT e.enumlabel
  FROM pg_catalog.pg_enum e
  JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE n.nspname = %s AND t.typname = %s;

-- name: index_state
SELECT x.indisvalid
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relname = %s;
