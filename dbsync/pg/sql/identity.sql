-- Which database is this? Readable by any role unless the administrator took it away.

-- name: database_oid
SELECT oid::pg_catalog.int8 FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database();

-- name: system
-- What a physical copy shares with its original, and the timeline that a promotion changes.
SELECT s.system_identifier::pg_catalog.text, GREATEST(c.timeline_id, r.min_recovery_end_timeline)
  FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c, pg_catalog.pg_control_recovery() r;

-- name: in_recovery
SELECT pg_catalog.pg_is_in_recovery();

-- name: replayed
-- How far a standby has come.
SELECT pg_catalog.pg_last_wal_replay_lsn()::pg_catalog.text;

-- name: has_written
-- Has this primary come that far as well? If not, the standby does not follow it.
SELECT pg_catalog.pg_current_wal_insert_lsn() >= %s::pg_catalog.pg_lsn;

-- name: lock_key
-- Take a session advisory lock that another session of the very same database can see.
SELECT pg_catalog.pg_advisory_lock(%s, %s);

-- name: unlock_key
SELECT pg_catalog.pg_advisory_unlock(%s, %s);

-- name: sees_key
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_locks
     WHERE locktype = 'advisory' AND classid::pg_catalog.int8 = %s AND objid::pg_catalog.int8 = %s AND objsubid = 2
       AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()));
