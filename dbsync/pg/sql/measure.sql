-- What a statement did in this transaction, and what tables weigh.

-- name: relations
-- Tables, materialised views and indexes with their files; partitioned ones have none.
SELECT c.oid, n.nspname, c.relname, c.relfilenode, x.indrelid
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
 WHERE c.relkind IN ('r', 'p', 'm', 'i') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';

-- name: touched
-- What this transaction has locked: relations of users, with their names and files as they are now; dropped ones without.
SELECT l.relation, l.mode, n.nspname, c.relname, c.relfilenode, x.indrelid
  FROM pg_catalog.pg_locks l
  LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
         ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'm', 'i')
        AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
 WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.mode <> 'AccessShareLock';

-- name: scans
-- Counters go on from the session's last transactions until the server has collected them.
SELECT s.relid, s.seq_scan FROM pg_catalog.pg_stat_xact_user_tables s WHERE s.seq_scan > 0;

-- name: sizes
WITH RECURSIVE wanted (schema, name) AS (
    SELECT * FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::pg_catalog.text[]))
), tree (root_schema, root_name, oid) AS (
    SELECT w.schema, w.name, c.oid
      FROM wanted w
      JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'm')
    UNION ALL
    SELECT t.root_schema, t.root_name, i.inhrelid
      FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
)
SELECT t.root_schema, t.root_name,
       pg_catalog.sum(NULLIF(c.reltuples, -1))::pg_catalog.int8,
       COALESCE(pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::pg_catalog.int8
  FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind IN ('r', 'm', 'p')
 GROUP BY t.root_schema, t.root_name;
