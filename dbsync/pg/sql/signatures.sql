-- What signatures of row versions rely on: equal as long as (ctid, xmin) can stand for the content of a row.

-- name: server
-- The timeline of a primary is that of the WAL it writes; a standby tells the one it has come to. A crash may undo
-- commits that were seen but not flushed, and their numbers are given again: after each recovery from one the
-- server starts its statistics anew, also where the postmaster lived on.
SELECT (SELECT s.system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system() s),
       CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN (SELECT 'standby ' || GREATEST(c.timeline_id, m.min_recovery_end_timeline)
                    FROM pg_catalog.pg_control_checkpoint() c, pg_catalog.pg_control_recovery() m)
            ELSE pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8) END,
       (SELECT d.oid::pg_catalog.int8 FROM pg_catalog.pg_database d
         WHERE d.datname = pg_catalog.current_database()),
       pg_catalog.current_setting('server_version_num'),
       pg_catalog.pg_postmaster_start_time()::pg_catalog.text,
       COALESCE((SELECT a.stats_reset::pg_catalog.text FROM pg_catalog.pg_stat_archiver a), ''),
       pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8,
       pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8;

-- name: tables
-- Per table: why versions cannot stand for its rows (NULL: they can), its files, its columns, and the definitions of
-- their types at any depth. OFFSET 0: by index, since the planner takes a table's types for millions. The xmin of a type's catalog rows tells of a change that was taken back.
WITH RECURSIVE root AS (
    SELECT o AS oid FROM pg_catalog.unnest(%s::pg_catalog.oid[]) o
), relation AS (
    SELECT r.oid AS root, r.oid FROM root r
     UNION
    SELECT r.oid, p.relid FROM root r CROSS JOIN LATERAL pg_catalog.pg_partition_tree(r.oid) p
), attribute AS (
    SELECT r.root, a.*
      FROM relation r
     CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 OFFSET 0) a
), range AS MATERIALIZED (
    SELECT g.rngtypid, g.rngsubtype,  -- a column that Postgres 13 has not
           (pg_catalog.to_jsonb(g) ->> 'rngmultitypid')::pg_catalog.oid AS multi
      FROM pg_catalog.pg_range g
), used AS (
    SELECT a.root, a.atttypid AS type FROM attribute a WHERE NOT a.attisdropped
     UNION
    SELECT u.root, x.type
      FROM used u
     CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_type t WHERE t.oid = u.type OFFSET 0) t
     CROSS JOIN LATERAL (
           SELECT t.typelem WHERE t.typelem <> 0
            UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
            UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL SELECT g.rngsubtype FROM range g WHERE g.rngtypid = t.oid
            UNION ALL SELECT g.rngtypid FROM range g WHERE g.multi = t.oid) AS x (type)
), definition AS (
    SELECT u.root, t.oid, t.typname, n.nspname,
           pg_catalog.jsonb_build_array(t.oid, t.xmin::pg_catalog.text, t.typname, p.oid, p.xmin::pg_catalog.text,
               p.prosrc, p.probin,
               (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(e.oid, e.xmin::pg_catalog.text, e.enumlabel)
                           ORDER BY e.enumsortorder)
                  FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
               (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attnum, a.xmin::pg_catalog.text, a.attname,
                           a.atttypid, a.atttypmod, a.attisdropped) ORDER BY a.attnum)
                  FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0),
               (SELECT pg_catalog.jsonb_agg(x.extname || ' ' || x.extversion ORDER BY x.extname)
                  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
                 WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e'
                   AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass)) AS facts
      FROM used u
      JOIN pg_catalog.pg_type t ON t.oid = u.type
      JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
      JOIN pg_catalog.pg_proc p ON p.oid = t.typoutput
)
SELECT r.oid::pg_catalog.int8,
       COALESCE(
           (SELECT CASE WHEN c.relkind NOT IN ('r', 'p') THEN 'not all of it is a table of its own'
                        WHEN c.relpersistence <> 'p' THEN 'it is not logged'
                        ELSE 'its access method is not heap' END
              FROM relation l JOIN pg_catalog.pg_class c ON c.oid = l.oid
              LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
             WHERE l.root = r.oid AND (c.relkind NOT IN ('r', 'p') OR c.relpersistence <> 'p'
                                       OR c.relkind = 'r' AND m.amname <> 'heap')
             LIMIT 1),
           (SELECT 'column ' || a.attname || ' is computed when it is read' FROM attribute a
             WHERE a.root = r.oid AND a.attgenerated = 'v' LIMIT 1),
           (SELECT 'values of type ' || d.typname || ' are printed by the names of other things' FROM definition d
             WHERE d.root = r.oid AND d.nspname = 'pg_catalog' AND (d.typname ~ '^reg' OR d.typname = 'aclitem')
             LIMIT 1)),
       (SELECT pg_catalog.md5(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(c.oid, c.relfilenode) ORDER BY c.oid)
                   ::pg_catalog.text)
          FROM relation l JOIN pg_catalog.pg_class c ON c.oid = l.oid WHERE l.root = r.oid),
       (SELECT pg_catalog.md5(COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attrelid, a.attnum,
                   a.attname, a.atttypid, a.atttypmod, a.attisdropped, a.attgenerated,
                   a.attcollation, a.attmissingval::pg_catalog.text) ORDER BY a.attrelid, a.attnum)::pg_catalog.text, ''))
          FROM attribute a WHERE a.root = r.oid),
       (SELECT pg_catalog.md5(COALESCE(pg_catalog.jsonb_agg(d.facts ORDER BY d.oid)::pg_catalog.text, ''))
          FROM definition d WHERE d.root = r.oid)
  FROM root r;

-- name: all_heap
-- Whether all that is read through a table's name is stored by the access method whose rows are known to stay as
-- they are.
WITH RECURSIVE tree AS (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %s AND c.relname = %s
     UNION
    SELECT i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
)
SELECT pg_catalog.bool_and(c.relkind = 'p' OR COALESCE(m.amname = 'heap', false))
  FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam;
