-- The catalog queries behind dbsync.pg.reflect: each reads one kind of object of the whole database,
-- from pg_catalog only, so that a role sees everything that exists and not just what it may use.
-- System schemas, temporary schemas (both start with pg_) and dbsync's own schema are left out.
-- Some printers fail for an object that was dropped after the snapshot was taken: has_*_privilege, which
-- answers NULL for it, keeps them from being called.

-- name: database
-- The server, the database and the current role. Last: how texts sort by default, as provider, locale and rules.
SELECT pg_catalog.current_database(),
       pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1),
       pg_catalog.current_setting('server_version_num')::int,
       pg_catalog.pg_encoding_to_char(d.encoding),
       current_user::text,
       r.rolsuper,
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.has_database_privilege(d.oid, 'CREATE'),
       pg_catalog.has_database_privilege(d.oid, 'TEMPORARY'),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata),
       ARRAY[COALESCE(j.d ->> 'datlocprovider', 'c'),
             COALESCE(j.d ->> 'datlocale', j.d ->> 'daticulocale', d.datcollate::text),
             j.d ->> 'daticurules']
  FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.to_jsonb(d) j (d), pg_catalog.pg_roles r
 WHERE d.datname = pg_catalog.current_database() AND r.rolname = current_user;

-- name: schemas
SELECT n.nspname, pg_catalog.has_schema_privilege(n.oid, 'CREATE')
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY n.nspname COLLATE "C";

-- name: extensions
SELECT e.extname, e.extversion FROM pg_catalog.pg_extension e ORDER BY e.extname COLLATE "C";

-- name: extension_config
-- Tables whose rows an extension wants dumped.
SELECT n.nspname, c.relname
  FROM (SELECT pg_catalog.unnest(extconfig) AS oid FROM pg_catalog.pg_extension) e
  JOIN pg_catalog.pg_class c ON c.oid = e.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C";

-- name: relations
-- Tables, partitioned tables, foreign tables, views and materialised views. Sizes need a lock on the
-- relation: where another session holds or awaits an exclusive one the stored figures must do. Last: the
-- collations of a RANGE key, each as provider (d: the database's default), locale and rules.
WITH locked AS (
    SELECT DISTINCT l.relation
      FROM pg_catalog.pg_locks l
     WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
       AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
)
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relpersistence::text,
       pg_catalog.pg_get_userbyid(c.relowner), c.reltuples::float8,
       CASE WHEN k.relation IS NULL AND c.relkind IN ('r', 'm')
            THEN COALESCE(pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint, 0)
            ELSE c.relpages END,
       CASE WHEN k.relation IS NULL AND c.relkind IN ('r', 'm')
            THEN COALESCE(pg_catalog.pg_table_size(c.oid), 0)
            ELSE c.relpages * pg_catalog.current_setting('block_size')::bigint END,
       CASE WHEN k.relation IS NULL AND c.relkind IN ('r', 'm')
            THEN COALESCE(pg_catalog.pg_indexes_size(c.oid), 0) ELSE 0 END,
       c.relrowsecurity, c.relforcerowsecurity,
       c.relrowsecurity AND COALESCE(pg_catalog.row_security_active(c.oid), true),
       c.relispartition,
       pg_catalog.pg_get_expr(c.relpartbound, c.oid),
       CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END,
       ARRAY(SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno),
       CASE WHEN c.relkind IN ('v', 'm') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') IS NOT NULL
            THEN pg_catalog.pg_get_viewdef(c.oid) END,
       c.relispopulated,
       (SELECT e.extname
          FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'),
       CASE WHEN pg_catalog.has_schema_privilege(n.oid, 'USAGE')
            THEN ARRAY(SELECT p FROM pg_catalog.unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) p
                        WHERE pg_catalog.has_table_privilege(c.oid, p))
                 || CASE WHEN pg_catalog.pg_has_role(c.relowner, 'USAGE') THEN '{OWNER}'::text[] ELSE '{}' END
            ELSE '{}' END,
       CASE WHEN c.relkind = 'p'
            THEN ARRAY(SELECT ARRAY[o.collprovider::text,
                                    COALESCE(j.o ->> 'colllocale', j.o ->> 'colliculocale', o.collcollate::text),
                                    j.o ->> 'collicurules']
                         FROM pg_catalog.pg_partitioned_table p
                        CROSS JOIN LATERAL pg_catalog.unnest(p.partcollation) WITH ORDINALITY y (oid, place)
                         JOIN pg_catalog.pg_collation o ON o.oid = y.oid
                        CROSS JOIN LATERAL pg_catalog.to_jsonb(o) j (o)
                        WHERE p.partrelid = c.oid AND p.partstrat = 'r'
                        ORDER BY y.place)
            ELSE '{}' END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN locked k ON k.relation = c.oid
 WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C";

-- name: columns
-- A NOT NULL that was added NOT VALID (18 and later) may have NULLs below it: it counts as nullable.
SELECT a.attrelid, a.attname, a.attnum, a.atttypid, a.atttypmod,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       a.attnotnull AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_constraint v
            WHERE v.conrelid = a.attrelid AND v.contype = 'n' AND NOT v.convalidated AND v.conkey[1] = a.attnum),
       pg_catalog.pg_get_expr(x.adbin, x.adrelid),
       a.attgenerated::text, a.attidentity::text,
       CASE WHEN a.attcollation <> t.typcollation
            THEN (SELECT pg_catalog.format('%I.%I', cn.nspname, o.collname)
                    FROM pg_catalog.pg_collation o JOIN pg_catalog.pg_namespace cn ON cn.oid = o.collnamespace
                   WHERE o.oid = a.attcollation) END,
       pg_catalog.col_description(a.attrelid, a.attnum),
       pg_catalog.has_schema_privilege(n.oid, 'USAGE')
       AND (pg_catalog.has_table_privilege(c.oid, 'SELECT')
            OR pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')),
       COALESCE((SELECT o.collisdeterministic FROM pg_catalog.pg_collation o WHERE o.oid = a.attcollation), true)
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef x ON x.adrelid = a.attrelid AND x.adnum = a.attnum
 WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY a.attrelid, a.attnum;

-- name: types
-- All types, since columns and definitions may refer to any of them. The flag marks those that a user
-- made by hand: no array, multirange, row type of a table or type that was only announced.
SELECT t.oid, n.nspname, t.typname, pg_catalog.format_type(t.oid, NULL), t.typtype::text,
       COALESCE(e.oid, 0), t.typbasetype, t.typtypmod, pg_catalog.format_type(NULLIF(t.typbasetype, 0), t.typtypmod),
       x.extname,
       n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
       AND t.typisdefined AND e.oid IS NULL AND t.typtype <> 'm' AND (t.typrelid = 0 OR c.relkind = 'c')
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid
                                  AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                  AND d.deptype = 'e'
  LEFT JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
 ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C";

-- name: type_definitions
-- What makes each enum, domain, composite and range what it is, one line a row, in a fixed order.
SELECT line.oid, line.text
  FROM (
    SELECT e.enumtypid AS oid, 1 AS part, e.enumsortorder::float8 AS place, e.enumlabel::text AS text
      FROM pg_catalog.pg_enum e
     UNION ALL
    SELECT t.oid, 1, 0, pg_catalog.format_type(t.typbasetype, t.typtypmod)
      FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
     UNION ALL
    SELECT t.oid, 2, 0, pg_catalog.format('COLLATE %I.%I', cn.nspname, o.collname)
      FROM pg_catalog.pg_type t
      JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
      JOIN pg_catalog.pg_collation o ON o.oid = t.typcollation
      JOIN pg_catalog.pg_namespace cn ON cn.oid = o.collnamespace
     WHERE t.typtype = 'd' AND t.typcollation <> b.typcollation
     UNION ALL
    SELECT t.oid, 3, 0, 'DEFAULT ' || COALESCE(pg_catalog.pg_get_expr(t.typdefaultbin, 0), t.typdefault)
      FROM pg_catalog.pg_type t WHERE t.typtype = 'd' AND t.typdefault IS NOT NULL
     UNION ALL
    SELECT t.oid, 4, 0, 'NOT NULL' FROM pg_catalog.pg_type t WHERE t.typtype = 'd' AND t.typnotnull
     UNION ALL
    SELECT v.contypid, 5, pg_catalog.row_number() OVER (PARTITION BY v.contypid ORDER BY v.conname COLLATE "C"),
           CASE WHEN pg_catalog.has_type_privilege(v.contypid, 'USAGE') IS NOT NULL
                THEN pg_catalog.format('CONSTRAINT %I %s', v.conname, pg_catalog.pg_get_constraintdef(v.oid)) END
      FROM pg_catalog.pg_constraint v WHERE v.contypid <> 0 AND v.contype = 'c'
     UNION ALL
    SELECT t.oid, 1, a.attnum,
           pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
           || COALESCE((SELECT pg_catalog.format(' COLLATE %I.%I', cn.nspname, o.collname)
                          FROM pg_catalog.pg_collation o
                          JOIN pg_catalog.pg_namespace cn ON cn.oid = o.collnamespace
                          JOIN pg_catalog.pg_type b ON b.oid = a.atttypid
                         WHERE o.oid = a.attcollation AND a.attcollation <> b.typcollation), '')
      FROM pg_catalog.pg_type t
      JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
      JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relkind = 'c'
        OR t.oid IN (SELECT atttypid FROM pg_catalog.pg_attribute)
        OR t.typarray IN (SELECT atttypid FROM pg_catalog.pg_attribute)
     UNION ALL
    SELECT r.rngtypid, 1, fact.place, fact.text
      FROM pg_catalog.pg_range r
      JOIN pg_catalog.pg_type t ON t.oid = r.rngtypid
      LEFT JOIN pg_catalog.pg_type m ON m.oid = (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::oid  -- since 14
      LEFT JOIN pg_catalog.pg_namespace mn ON mn.oid = m.typnamespace
      LEFT JOIN pg_catalog.pg_opclass oc ON oc.oid = r.rngsubopc
      LEFT JOIN pg_catalog.pg_namespace ocn ON ocn.oid = oc.opcnamespace
      LEFT JOIN pg_catalog.pg_collation o ON o.oid = r.rngcollation
      LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = o.collnamespace
      CROSS JOIN LATERAL (VALUES
          (1, 'SUBTYPE = ' || pg_catalog.format_type(r.rngsubtype, NULL)),
          (2, CASE WHEN NOT oc.opcdefault THEN pg_catalog.format('SUBTYPE_OPCLASS = %I.%I', ocn.nspname, oc.opcname) END),
          (3, CASE WHEN o.collname <> 'default' THEN pg_catalog.format('COLLATION = %I.%I', cn.nspname, o.collname) END),
          (4, CASE WHEN r.rngcanonical <> 0 THEN 'CANONICAL = ' || r.rngcanonical::text END),
          (5, CASE WHEN r.rngsubdiff <> 0 THEN 'SUBTYPE_DIFF = ' || r.rngsubdiff::text END),
          (6, CASE WHEN m.typname <> CASE pg_catalog.strpos(t.typname::text, 'range')
                                       WHEN 0 THEN t.typname::text || '_multirange'
                                       ELSE pg_catalog.overlay(t.typname::text, 'multirange',
                                                               pg_catalog.strpos(t.typname::text, 'range'), 5) END
                   THEN pg_catalog.format('MULTIRANGE_TYPE_NAME = %I.%I', mn.nspname, m.typname) END)
      ) AS fact (place, text)
  ) line
  JOIN pg_catalog.pg_type t ON t.oid = line.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE line.text IS NOT NULL
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY line.oid, line.part, line.place;

-- name: foreign_keys
-- As written by the user: the clones on partitions are left out, but their triggers count for the state.
WITH RECURSIVE family (root, oid) AS (
    SELECT v.oid, v.oid FROM pg_catalog.pg_constraint v WHERE v.contype = 'f' AND v.conparentid = 0
     UNION ALL
    SELECT family.root, v.oid FROM family JOIN pg_catalog.pg_constraint v ON v.conparentid = family.oid
), state AS (
    SELECT family.root, pg_catalog.bool_and(g.tgenabled = 'O') AS usual
      FROM family JOIN pg_catalog.pg_trigger g ON g.tgconstraint = family.oid
     GROUP BY family.root
)
SELECT v.conrelid, v.conname, rn.nspname, rc.relname,
       ARRAY(SELECT a.attname::text
               FROM pg_catalog.unnest(v.conkey) WITH ORDINALITY k (attnum, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = v.conrelid AND a.attnum = k.attnum
              ORDER BY k.place),
       ARRAY(SELECT a.attname::text
               FROM pg_catalog.unnest(v.confkey) WITH ORDINALITY k (attnum, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = v.confrelid AND a.attnum = k.attnum
              ORDER BY k.place),
       CASE WHEN pg_catalog.has_table_privilege(v.conrelid, 'SELECT') IS NOT NULL
             AND pg_catalog.has_table_privilege(v.confrelid, 'SELECT') IS NOT NULL
            THEN pg_catalog.pg_get_constraintdef(v.oid) END,
       v.confdeltype::text, v.confupdtype::text, v.condeferrable,
       v.convalidated, pg_catalog.obj_description(v.oid, 'pg_constraint'), COALESCE(state.usual, true),
       ARRAY(SELECT pg_catalog.format('OPERATOR(%I.%s)', s.nspname, o.oprname)
               FROM pg_catalog.unnest(v.conpfeqop) WITH ORDINALITY k (operator, place)
               JOIN pg_catalog.pg_operator o ON o.oid = k.operator
               JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace
              ORDER BY k.place)
  FROM pg_catalog.pg_constraint v
  JOIN pg_catalog.pg_class c ON c.oid = v.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class rc ON rc.oid = v.confrelid
  JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
  LEFT JOIN state ON state.root = v.oid
 WHERE v.contype = 'f' AND v.conparentid = 0
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY v.conrelid, v.conname COLLATE "C";

-- name: checks
-- Check and exclusion constraints of tables.
SELECT v.conrelid, v.conname,
       CASE WHEN pg_catalog.has_table_privilege(COALESCE(NULLIF(v.conindid, 0), v.conrelid), 'SELECT') IS NOT NULL
            THEN pg_catalog.pg_get_constraintdef(v.oid) END,
       v.contype::text, v.convalidated
  FROM pg_catalog.pg_constraint v
  JOIN pg_catalog.pg_class c ON c.oid = v.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE v.contype IN ('c', 'x')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY v.conrelid, v.conname COLLATE "C";

-- name: indexes
-- All that SQLAlchemy does not tell about an index. conperiod (18 and later) marks WITHOUT OVERLAPS. Last: whether a new
-- one would be as it is: no extension takes it along (DEPENDS ON), the check of deferred values is not switched off, and the
-- role may put one into its tablespace.
SELECT i.indrelid, n.nspname, c.relname, pg_catalog.pg_get_indexdef(i.indexrelid),
       i.indisunique, i.indisprimary, i.indisvalid AND i.indisready AND i.indislive, i.indimmediate,
       v.conname,
       CASE WHEN pg_catalog.has_table_privilege(i.indexrelid, 'SELECT') IS NOT NULL
            THEN pg_catalog.pg_get_constraintdef(v.oid) END,
       pn.nspname, pc.relname, s.spcname,
       pg_catalog.obj_description(i.indexrelid, 'pg_class'), pg_catalog.obj_description(v.oid, 'pg_constraint'),
       i.indisclustered, i.indisreplident,
       COALESCE((pg_catalog.to_jsonb(v) ->> 'conperiod')::bool, false),
       CASE WHEN c.relkind = 'i' AND k.relation IS NULL
            THEN COALESCE(pg_catalog.pg_relation_size(i.indexrelid), 0)
            ELSE c.relpages * pg_catalog.current_setting('block_size')::bigint END,
       NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
                      AND d.deptype = 'x')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgconstraint = v.oid AND g.tgenabled <> 'O')
       AND (c.reltablespace = 0
            OR COALESCE(pg_catalog.has_tablespace_privilege(c.reltablespace, 'CREATE'), false))
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_constraint v ON v.conindid = i.indexrelid AND v.conrelid = i.indrelid
                                      AND v.contype IN ('p', 'u', 'x')
  LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid
  LEFT JOIN pg_catalog.pg_class pc ON pc.oid = h.inhparent
  LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
  LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
  LEFT JOIN (SELECT DISTINCT l.relation
               FROM pg_catalog.pg_locks l
              WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
                AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
                AND l.database = (SELECT oid FROM pg_catalog.pg_database
                                   WHERE datname = pg_catalog.current_database())) k ON k.relation = i.indexrelid
 WHERE t.relkind IN ('r', 'p', 'm')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY i.indrelid, c.relname COLLATE "C";

-- name: triggers
-- User triggers, with the clones that partitions got (before 15 these are marked internal).
SELECT g.tgrelid, g.tgname, pg_catalog.pg_get_triggerdef(g.oid), g.tgenabled::text, g.tgparentid <> 0
  FROM pg_catalog.pg_trigger g
  JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_constraint v ON v.oid = g.tgconstraint
 WHERE (v.oid IS NULL OR v.contype = 't') AND (NOT g.tgisinternal OR g.tgparentid <> 0)
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY g.tgrelid, g.tgname COLLATE "C";

-- name: policies
SELECT p.polrelid, p.polname, p.polcmd::text, p.polpermissive,
       CASE WHEN p.polroles = '{0}' THEN '{public}'
            ELSE ARRAY(SELECT pg_catalog.pg_get_userbyid(r)::text FROM pg_catalog.unnest(p.polroles) r ORDER BY 1) END,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
  FROM pg_catalog.pg_policy p
  JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY p.polrelid, p.polname COLLATE "C";

-- name: rules
-- Rules other than the one that makes a view; a state that is not the usual one follows as a statement.
SELECT r.ev_class,
       CASE WHEN pg_catalog.has_table_privilege(r.ev_class, 'SELECT') IS NOT NULL
            THEN pg_catalog.pg_get_ruledef(r.oid) END
       || CASE r.ev_enabled
            WHEN 'O' THEN ''
            ELSE pg_catalog.format(' ALTER TABLE %I.%I %s RULE %I;', n.nspname, c.relname,
                 CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END,
                 r.rulename) END
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE r.rulename <> '_RETURN'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY r.ev_class, r.rulename COLLATE "C";

-- name: sequences
SELECT c.oid, n.nspname, c.relname, pg_catalog.format_type(q.seqtypid, NULL),
       q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle,
       o.refobjid, a.attname, COALESCE(o.deptype = 'i', false), c.relpersistence::text,
       (SELECT e.extname
          FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'),
       CASE WHEN pg_catalog.has_schema_privilege(n.oid, 'USAGE')
            THEN ARRAY(SELECT p FROM pg_catalog.unnest('{SELECT,UPDATE,USAGE}'::text[]) p
                        WHERE pg_catalog.has_sequence_privilege(c.oid, p))
            ELSE '{}' END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_sequence q ON q.seqrelid = c.oid
  LEFT JOIN pg_catalog.pg_depend o ON o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.objid = c.oid
                                  AND o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                  AND o.refobjsubid > 0 AND o.deptype IN ('a', 'i')
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
 WHERE c.relkind = 'S'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C";

-- name: sequence_users
-- Columns whose default draws from a sequence.
SELECT DISTINCT d.refobjid, x.adrelid, a.attnum, a.attname
  FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_attrdef x ON x.oid = d.objid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = x.adrelid AND a.attnum = x.adnum
  JOIN pg_catalog.pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
 WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
   AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
 ORDER BY d.refobjid, x.adrelid, a.attnum;

-- name: routines
-- The constructors that came with a range type are left out. What an extension owns comes with the
-- extension: its definition is not read.
SELECT p.oid, n.nspname, p.proname, p.prokind::text, pg_catalog.pg_get_function_identity_arguments(p.oid),
       pg_catalog.pg_get_function_result(p.oid), l.lanname,
       CASE WHEN d.objid IS NOT NULL THEN NULL
            WHEN p.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(p.oid)
            ELSE (SELECT pg_catalog.format(E'CREATE AGGREGATE %I.%I(%s) (\n    ', n.nspname, p.proname,
                             COALESCE(NULLIF(pg_catalog.pg_get_function_arguments(p.oid), ''), '*'))
                         || pg_catalog.concat_ws(E',\n    ',
                             'SFUNC = ' || a.aggtransfn::text,
                             'STYPE = ' || pg_catalog.format_type(a.aggtranstype, NULL),
                             'SSPACE = ' || NULLIF(a.aggtransspace, 0),
                             'FINALFUNC = ' || NULLIF(a.aggfinalfn, 0)::pg_catalog.regproc,
                             CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
                             CASE WHEN a.aggfinalfn <> 0 THEN 'FINALFUNC_MODIFY = ' || w.word END,
                             'COMBINEFUNC = ' || NULLIF(a.aggcombinefn, 0)::pg_catalog.regproc,
                             'SERIALFUNC = ' || NULLIF(a.aggserialfn, 0)::pg_catalog.regproc,
                             'DESERIALFUNC = ' || NULLIF(a.aggdeserialfn, 0)::pg_catalog.regproc,
                             'INITCOND = ' || pg_catalog.quote_literal(a.agginitval),
                             'MSFUNC = ' || NULLIF(a.aggmtransfn, 0)::pg_catalog.regproc,
                             'MINVFUNC = ' || NULLIF(a.aggminvtransfn, 0)::pg_catalog.regproc,
                             'MSTYPE = ' || pg_catalog.format_type(NULLIF(a.aggmtranstype, 0), NULL),
                             'MSSPACE = ' || NULLIF(a.aggmtransspace, 0),
                             'MFINALFUNC = ' || NULLIF(a.aggmfinalfn, 0)::pg_catalog.regproc,
                             CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
                             CASE WHEN a.aggmfinalfn <> 0 THEN 'MFINALFUNC_MODIFY = ' || w.moving_word END,
                             'MINITCOND = ' || pg_catalog.quote_literal(a.aggminitval),
                             'SORTOP = OPERATOR('
                             || (SELECT pg_catalog.format('%I.%s', son.nspname, so.oprname)
                                   FROM pg_catalog.pg_operator so
                                   JOIN pg_catalog.pg_namespace son ON son.oid = so.oprnamespace
                                  WHERE so.oid = a.aggsortop) || ')',
                             'PARALLEL = ' || CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' END,
                             CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END)
                         || E'\n)'
                    FROM pg_catalog.pg_aggregate a
                    CROSS JOIN LATERAL (SELECT CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE'
                                                                     ELSE 'READ_WRITE' END,
                                               CASE a.aggmfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE'
                                                                      ELSE 'READ_WRITE' END) w (word, moving_word)
                   WHERE a.aggfnoid = p.oid) END,
       e.extname
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
                                  AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                  AND d.deptype = 'e'
  LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i
                    WHERE i.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND i.objid = p.oid
                      AND i.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND i.deptype = 'i')
 ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C",
          pg_catalog.pg_get_function_identity_arguments(p.oid) COLLATE "C";

-- name: view_references
-- Which relations each view and materialised view reads, one step.
SELECT DISTINCT r.ev_class, d.refobjid
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind IN ('v', 'm')
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                             AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                             AND d.refobjid <> r.ev_class
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY r.ev_class, d.refobjid;

-- name: view_calls
-- Views and materialised views that call, by name or as an operator, a function that may read tables which nobody lists.
-- What an extension brings in C reads none, but for those that run what they are given as text.
SELECT DISTINCT r.ev_class
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind IN ('v', 'm')
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
  LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobjid
  LEFT JOIN pg_catalog.pg_aggregate a ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                                     AND a.aggfnoid = d.refobjid
  JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode OR p.oid IN (a.aggtransfn, a.aggfinalfn)
                            OR d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.refobjid
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND p.provolatile <> 'i' AND p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                     JOIN pg_catalog.pg_extension x ON x.oid = e.refobjid
                     JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname IN ('c', 'internal')
                    WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid
                      AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.deptype = 'e'
                      AND x.extname NOT IN ('tablefunc', 'dblink', 'xml2'))
 ORDER BY r.ev_class;
