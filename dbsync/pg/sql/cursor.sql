-- What --mode cursor asks of the source.

-- name: open_transactions
-- The transactions of this database that are open now, by names that are never used again while the server runs;
-- pg_locks shows everybody's to everybody. Prepared ones have no session. Ours only read.
SELECT l.virtualxid
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted
   AND a.datid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
   AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
   AND NOT pg_catalog.starts_with(a.application_name, %s)
UNION ALL
SELECT 'prepared ' || p.transaction::pg_catalog.text
  FROM pg_catalog.pg_prepared_xacts p WHERE p.database = pg_catalog.current_database();

-- name: in_recovery
SELECT pg_catalog.pg_is_in_recovery();
