-- The fixed queries of a sync: drift, locks, leftovers.

-- name: relations
-- What "stamps" and "shapes" ask about relations. The family of a partition is all of its root: a table is copied
-- partition by partition.
WITH RECURSIVE asked AS (
    SELECT o AS oid, pg_catalog.pg_partition_root(o) AS root FROM pg_catalog.unnest(%s::pg_catalog.oid[]) o
), tree AS (
    SELECT DISTINCT a.root, a.root::pg_catalog.oid AS oid FROM asked a WHERE a.root IS NOT NULL
     UNION ALL
    SELECT t.root, i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
), family AS (
    SELECT t.root, pg_catalog.md5(pg_catalog.string_agg(t.oid::pg_catalog.text, ',' ORDER BY t.oid)) AS members
      FROM tree t GROUP BY t.root
), shaped AS (
    SELECT c.oid, c.relrowsecurity,
           pg_catalog.md5(pg_catalog.concat_ws(E'\x01',
               n.nspname, c.relname, c.relkind, c.relpersistence, c.relispartition, f.members,
               (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(',', a.attnum, a.attname, a.atttypid, a.atttypmod,
                           a.attnotnull, a.attgenerated, a.attidentity, a.attisdropped, a.attcollation,
                           CASE WHEN a.atttypid >= 16384 THEN (  -- the names of an enum's values, at any depth
                               WITH RECURSIVE used AS (
                                   SELECT a.atttypid AS oid
                                    UNION
                                   SELECT x.oid FROM used u JOIN pg_catalog.pg_type y ON y.oid = u.oid
                                    CROSS JOIN LATERAL (
                                          SELECT y.typelem UNION ALL SELECT y.typbasetype
                                           UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r
                                                      WHERE u.oid IN (r.rngtypid, r.rngmultitypid)
                                           UNION ALL SELECT m.atttypid FROM pg_catalog.pg_attribute m
                                                      WHERE m.attrelid = y.typrelid AND m.attnum > 0) AS x (oid)
                                    WHERE x.oid <> 0
                               )
                               SELECT pg_catalog.string_agg(e.enumlabel, ',' ORDER BY e.enumtypid, e.enumsortorder)
                                 FROM used u JOIN pg_catalog.pg_enum e ON e.enumtypid = u.oid) END,
                           CASE WHEN a.attgenerated <> '' THEN (  -- as it is stored: no lock is needed to read that
                               SELECT pg_catalog.md5(d.adbin::pg_catalog.text) FROM pg_catalog.pg_attrdef d
                                WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END),
                       E'\x02' ORDER BY a.attnum)
                  FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0))) AS shape
      FROM asked a
      JOIN pg_catalog.pg_class c ON c.oid = a.oid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN family f ON f.root = a.root
)

-- name: names
-- What the names of tables and of enum values rest on and no lock of a table holds still: the rows of schemas and of values,
-- each with the transaction that wrote it.
SELECT pg_catalog.concat_ws(' ', 'schema', n.oid, n.xmin, n.nspname)
  FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY (%s)
 UNION ALL
SELECT pg_catalog.concat_ws(' ', 'value', e.oid, e.xmin, e.enumlabel) FROM pg_catalog.pg_enum e WHERE %s;

-- name: named
-- What names lead to now: to_regclass asks no snapshot. A server hears of what others have renamed when it locks a
-- relation, as a query does that reads one.
SELECT pg_catalog.to_regclass(t.name)::pg_catalog.oid::pg_catalog.int8
  FROM pg_catalog.unnest(%s::pg_catalog.text[]) WITH ORDINALITY AS t (name, place)
 WHERE EXISTS (SELECT FROM pg_catalog.pg_namespace) ORDER BY t.place;

-- name: shapes
-- What rows a relation's name leads to, and what is read of them. Nothing here waits for a lock, not even behind
-- somebody who waits for ours.
SELECT s.oid, s.shape FROM shaped s;

-- name: stamps
-- What a copy relies on, by relation: one text each, equal as long as nothing of it changed, that begins with the shape.
-- Of indexes and constraints all that has to be there again when they were dropped and built anew.
-- It tells of the foreign keys that refer to a table, too: their actions reach rows of tables that were not even there.
, referring AS (
    SELECT k.confrelid AS oid,
           pg_catalog.string_agg(pg_catalog.concat_ws(',', k.conrelid, k.conkey, k.confkey, k.confdeltype, k.confupdtype),
                   E'\x02' ORDER BY k.conrelid, k.conkey, k.confkey, k.confdeltype, k.confupdtype) AS keys
      FROM pg_catalog.pg_constraint k
      LEFT JOIN pg_catalog.pg_constraint u ON u.oid = k.conparentid AND u.confrelid = k.confrelid
     WHERE k.contype = 'f' AND k.conrelid <> k.confrelid AND k.confrelid IN (SELECT a.oid FROM asked a)
       AND u.oid IS NULL  -- partitions of the table that refers come and go
     GROUP BY k.confrelid
)
SELECT s.oid,
       s.shape OPERATOR(pg_catalog.||) pg_catalog.md5(pg_catalog.concat_ws(E'\x01',
           s.relrowsecurity,
           (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(',', k.conname, pg_catalog.pg_get_constraintdef(k.oid),
                                                              pg_catalog.obj_description(k.oid, 'pg_constraint')),
                   E'\x02' ORDER BY k.conname COLLATE "C")
              FROM pg_catalog.pg_constraint k WHERE k.conrelid = s.oid AND k.conparentid = 0),
           (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(',', t.tgname, t.tgenabled),
                   E'\x02' ORDER BY t.tgname COLLATE "C")
              FROM pg_catalog.pg_trigger t WHERE t.tgrelid = s.oid AND NOT t.tgisinternal),
           (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(',', pg_catalog.pg_get_indexdef(i.indexrelid), i.indisclustered,
                                                              i.indisreplident, x.reltablespace,
                                                              pg_catalog.obj_description(i.indexrelid, 'pg_class'),
                           (SELECT 'x' FROM pg_catalog.pg_depend d  -- marks that a new one would not have
                             WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
                               AND d.deptype = 'x' LIMIT 1),
                           (SELECT 'off' FROM pg_catalog.pg_trigger g
                             WHERE g.tgrelid = s.oid AND g.tgisinternal AND g.tgconstrindid = i.indexrelid
                               AND g.tgenabled <> 'O'
                               AND EXISTS (SELECT FROM pg_catalog.pg_constraint u
                                            WHERE u.oid = g.tgconstraint AND u.contype = 'u') LIMIT 1)),
                   E'\x02' ORDER BY pg_catalog.pg_get_indexdef(i.indexrelid) COLLATE "C")
              FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = s.oid),
           r.keys))
  FROM shaped s
  LEFT JOIN referring r ON r.oid = s.oid
 ORDER BY s.oid;

-- name: files
-- The file of each relation: a row's place means nothing in another one.
SELECT o, pg_catalog.pg_relation_filenode(o) FROM pg_catalog.unnest(%s::pg_catalog.oid[]) o;

-- name: try_run_lock
-- One run per target database: the key spells "dbsy", 1.
SELECT pg_catalog.pg_try_advisory_lock(1684173689, 1);

-- name: release_run_lock
SELECT pg_catalog.pg_advisory_unlock(1684173689, 1);

-- name: end_session
SELECT pg_catalog.pg_terminate_backend(%s);

-- name: run_lock_pid
SELECT l.pid FROM pg_catalog.pg_locks l
 WHERE l.locktype = 'advisory' AND l.classid = 1684173689 AND l.objid = 1 AND l.objsubid = 2 AND l.granted
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database());

-- name: own_number
SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8;

-- name: fate
SELECT pg_catalog.pg_xact_status(%s::pg_catalog.text::pg_catalog.xid8);

-- name: run_lock_holder
SELECT a.pid, COALESCE(a.application_name, ''), COALESCE(a.usename, ''),
       COALESCE(pg_catalog.host(a.client_addr), 'local'), a.backend_start::pg_catalog.text
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.classid = 1684173689 AND l.objid = 1 AND l.objsubid = 2 AND l.granted
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database());

-- name: staging_tables
-- What dead runs left: tables that bear our name, our comment and our persistence. Only the holder of the
-- run lock may drop them.
SELECT c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'dbsync' AND c.relkind = 'r' AND c.relpersistence = 'u'
   AND c.relname ~ '^stage_[0-9a-f]{12}_[0-9]+$'
   AND pg_catalog.obj_description(c.oid, 'pg_class') = 'staging table of dbsync sync'
 ORDER BY c.relname COLLATE "C";

-- name: create_own_schema
CREATE SCHEMA dbsync;
COMMENT ON SCHEMA dbsync IS 'made by dbsync sync for the time of a run';

-- name: own_schema
-- Whether there is a schema of that name, and whether a run made it.
SELECT COALESCE(pg_catalog.obj_description(n.oid, 'pg_namespace') = 'made by dbsync sync for the time of a run', false)
  FROM pg_catalog.pg_namespace n WHERE n.nspname = 'dbsync';

-- name: may_stage
-- Whether this role may put staging tables into dbsync's schema, or make it.
SELECT COALESCE(
    (SELECT pg_catalog.has_schema_privilege(n.oid, 'CREATE') FROM pg_catalog.pg_namespace n WHERE n.nspname = 'dbsync'),
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'));

-- name: event_triggers
-- Event triggers that fire when a run alters tables: all of them act outside the plan.
SELECT t.evtname FROM pg_catalog.pg_event_trigger t
 WHERE t.evtenabled IN ('O', 'A') AND t.evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite')
 ORDER BY t.evtname COLLATE "C";

-- name: reserved_tables
-- Tables and sequences that somebody keeps in the schema that is dbsync's own; staging tables and the ledger are ours.
SELECT c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'dbsync'
   AND (c.relkind IN ('r', 'p', 'f', 'm')
        OR c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                                            WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                              AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
   AND COALESCE(pg_catalog.obj_description(c.oid, 'pg_class'), '') !~ '^(staging table of dbsync sync$|dbsync: )'
 ORDER BY c.relname COLLATE "C";

-- name: forms
-- How columns of a relation store their values, of those that have it otherwise than new ones of their types. Before 14
-- there is no compression to choose. Where a partition has it otherwise, nothing is compressed on the way: each of them
-- does it then as its own column says.
SELECT a.attname, NULLIF(CASE WHEN parts.differ THEN 'e' ELSE a.attstorage END, t.typstorage)::pg_catalog.text,
       CASE WHEN NOT parts.differ THEN NULLIF(pg_catalog.to_jsonb(a) ->> 'attcompression', '') END
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid,
       LATERAL (SELECT t.typstorage <> 'p' AND EXISTS (
                    SELECT FROM pg_catalog.pg_partition_tree(a.attrelid) p
                                JOIN pg_catalog.pg_attribute o ON o.attrelid = p.relid AND o.attname = a.attname
                     WHERE p.isleaf AND (o.attstorage, pg_catalog.to_jsonb(o) -> 'attcompression')
                           IS DISTINCT FROM (a.attstorage, pg_catalog.to_jsonb(a) -> 'attcompression'))) parts (differ)
 WHERE a.attrelid = %s AND a.attname = ANY (%s) AND NOT a.attisdropped
   AND CASE WHEN parts.differ THEN t.typstorage <> 'e'
            ELSE a.attstorage <> t.typstorage OR pg_catalog.to_jsonb(a) ->> 'attcompression' <> '' END
 ORDER BY a.attnum;

-- name: partition_keys
-- Foreign keys of partitioned tables, each by its number, as those partitions have it that were given it by
-- hand, call it otherwise than what is above them (RENAME CONSTRAINT does not reach below) or have a comment on it;
-- deepest first. The server makes the others itself. Rows that only serve a partitioned referenced table have another
-- confrelid.
WITH RECURSIVE below AS (
    SELECT w.number, k.conname AS above, k.oid, k.conname, k.conrelid, k.confrelid, 0 AS depth
      FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.oid[]), pg_catalog.unnest(%s::pg_catalog.text[]))
           WITH ORDINALITY AS w (oid, name, number)
      JOIN pg_catalog.pg_constraint k ON k.conrelid = w.oid AND k.conname = w.name AND k.contype = 'f'
     UNION ALL
    SELECT b.number, b.conname, k.oid, k.conname, k.conrelid, k.confrelid, b.depth + 1
      FROM pg_catalog.pg_constraint k JOIN below b ON k.conparentid = b.oid
     WHERE k.conrelid <> b.conrelid AND k.confrelid = b.confrelid)
SELECT b.number, n.nspname, c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid),
       pg_catalog.obj_description(k.oid, 'pg_constraint')
  FROM below b
  JOIN pg_catalog.pg_constraint k ON k.oid = b.oid
  JOIN pg_catalog.pg_class c ON c.oid = b.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE b.depth > 0
   AND (k.connoinherit OR k.conname <> b.above
        OR pg_catalog.obj_description(k.oid, 'pg_constraint') IS NOT NULL)
 ORDER BY b.number, b.depth DESC, n.nspname COLLATE "C", c.relname COLLATE "C";

-- name: hold_no_bytes
-- Whether none of some relations has a page, so that TRUNCATE would do nothing but make and drop files. Under
-- wal_level minimal it does more: rows that are loaded into a new file need not be logged.
SELECT pg_catalog.current_setting('wal_level') <> 'minimal'
       AND NOT EXISTS (SELECT FROM pg_catalog.unnest(%s::pg_catalog.oid[]) o WHERE pg_catalog.pg_relation_size(o) <> 0);

-- name: trigger_states
-- The user triggers of some relations with their states; before 15 the clones on partitions are marked internal.
SELECT n.nspname, c.relname, t.tgname, t.tgenabled::pg_catalog.text
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE (NOT t.tgisinternal OR t.tgparentid <> 0) AND t.tgrelid = ANY (%s);

-- name: blockers
-- Who holds locks on some relations.
SELECT DISTINCT a.pid, COALESCE(a.application_name, ''), COALESCE(a.usename, ''), COALESCE(a.state, '')
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.relation = ANY (%s) AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
 ORDER BY 1
 LIMIT 3;

-- name: own_relation
-- One relation that is neither the server's nor an extension's nor dbsync's own, if there is one.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
 LIMIT 1;

-- name: hidden_from_owner
-- Tables whose policies hold for the role though it owns them: FORCE ROW LEVEL SECURITY, and no BYPASSRLS.
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relforcerowsecurity AND pg_catalog.row_security_active(c.oid)
 ORDER BY 1, 2
