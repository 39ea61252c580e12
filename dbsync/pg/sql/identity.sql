-- Which database is this? Readable by any role.

-- name: database_oid
SELECT oid::pg_catalog.int8 FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database();

-- name: system_identifier
SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system();

-- name: in_recovery
SELECT pg_catalog.pg_is_in_recovery();

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
