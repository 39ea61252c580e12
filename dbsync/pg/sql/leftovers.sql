-- What dead runs can leave in a database.

-- name: sessions
-- The sessions that bear a run's name: `dbsync RUN PURPOSE`. What other roles' sessions do may be hidden.
SELECT a.pid, pg_catalog.split_part(a.application_name, ' ', 2),
       pg_catalog.substr(a.application_name, 21), COALESCE(a.state, ''),
       COALESCE(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.state_change), 0)::pg_catalog.float8,
       COALESCE(a.state = 'active' AND a.wait_event_type IS DISTINCT FROM 'Client', false)
  FROM pg_catalog.pg_stat_activity a
 WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
   AND a.application_name ~ '^dbsync [0-9a-f]{12} '
 ORDER BY a.pid;

-- name: unfinished_runs
SELECT r.run_id, pg_catalog.to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), r.client_host, r.client_pid
  FROM dbsync.run r WHERE r.state = 'running' ORDER BY r.fence;

-- name: unfinished_migrations
SELECT m.migration_id, pg_catalog.to_char(m.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), m.client_host, m.client_pid
  FROM dbsync.migration m WHERE m.state = 'running' ORDER BY m.number;

-- name: is_empty
-- Whether a schema of ours holds nothing at all.
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid)
  FROM pg_catalog.pg_namespace n WHERE n.nspname = 'dbsync';

-- name: dead_shadows
-- Who makes a shadow keeps a session of that name open for as long as the shadow is there. What belongs to other
-- roles is left alone: their sessions' names may be hidden.
SELECT d.datname::pg_catalog.text
  FROM pg_catalog.pg_database d
 WHERE d.datname ~ '^dbsync_shadow_[0-9a-f]{12}$' AND pg_catalog.pg_has_role(d.datdba, 'MEMBER')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.application_name = 'dbsync shadow')
 ORDER BY d.datname;

-- name: idle_slots
SELECT s.slot_name::pg_catalog.text
  FROM pg_catalog.pg_replication_slots s
 WHERE s.slot_name ~ '^dbsync' AND NOT s.active
   AND (s.database IS NULL OR s.database = pg_catalog.current_database())
 ORDER BY s.slot_name;
