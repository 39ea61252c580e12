-- What a schema is made of, for diff and migrate: every block gives rows of one shape,
--   classid, objid, objsubid, kind, schema, name, sub, arguments, owner, parts
-- `parts` holds every attribute that makes the object what it is. Catalog rows go in whole (to_jsonb), less
-- what is an oid, a counter or said elsewhere: an attribute that a later server adds is seen without new code.
-- An attribute whose key is missing is one that the server does not have. Definitions are the server's own
-- prints, qualified, because the session's search_path is empty.

-- name: schemas
SELECT n.tableoid, n.oid, 0, 'schema', '', n.nspname, '', '', pg_catalog.pg_get_userbyid(n.nspowner), '{}'::pg_catalog.jsonb
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync');

-- name: extensions
-- "holds": the tables and sequences among what it made or took, which go with it.
SELECT e.tableoid, e.oid, 0, 'extension', '', e.extname, '', '', NULL,
       pg_catalog.jsonb_build_object('schema', n.nspname, 'version', e.extversion, 'relocatable', e.extrelocatable,
           'holds', (SELECT pg_catalog.jsonb_agg(c.oid::pg_catalog.regclass::text ORDER BY cn.nspname, c.relname)
                       FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid
                       JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
                      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e'
                        AND d.refclassid = e.tableoid AND d.refobjid = e.oid AND c.relkind IN ('r', 'p', 'S')))
  FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace;

-- name: types
-- Enums, domains, composites, ranges; base and shell types, which nothing but C code can make.
SELECT t.tableoid, t.oid, 0,
       CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite' WHEN 'r' THEN 'range'
                      ELSE 'base_type' END,
       n.nspname, t.typname, '', '', pg_catalog.pg_get_userbyid(t.typowner),
       CASE t.typtype
       WHEN 'e' THEN pg_catalog.jsonb_build_object('labels',
            (SELECT pg_catalog.jsonb_agg(e.enumlabel ORDER BY e.enumsortorder)
               FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid))
       WHEN 'd' THEN pg_catalog.jsonb_build_object(
            'type', pg_catalog.format_type(t.typbasetype, t.typtypmod), 'not_null', t.typnotnull,
            'default', pg_catalog.pg_get_expr(t.typdefaultbin, 0),
            'collation', CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::pg_catalog.regcollation::text END)
            || CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 170000
                    THEN pg_catalog.jsonb_build_object('not_null_constraint',
                         (SELECT pg_catalog.jsonb_build_object('name', k.conname,
                                    'comment', pg_catalog.obj_description(k.oid, 'pg_constraint'))
                            FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'n'))
                    ELSE '{}'::pg_catalog.jsonb END
       WHEN 'c' THEN pg_catalog.jsonb_build_object('attributes',
            (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                        'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                        'comment', pg_catalog.col_description(t.typrelid, a.attnum),
                        'collation', CASE WHEN a.attcollation <> y.typcollation
                                          THEN a.attcollation::pg_catalog.regcollation::text END)
                    ORDER BY a.attnum)
               FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
              WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
       WHEN 'r' THEN (SELECT pg_catalog.jsonb_build_object(
                'subtype', pg_catalog.format_type(r.rngsubtype, NULL),
                'subtype_opclass', pg_catalog.quote_ident(ocn.nspname) || '.' || pg_catalog.quote_ident(oc.opcname),
                'default_opclass', oc.opcdefault,
                'collation', CASE WHEN r.rngcollation <> 0 AND r.rngcollation <> s.typcollation
                                  THEN r.rngcollation::pg_catalog.regcollation::text END,
                'canonical', NULLIF(r.rngcanonical, 0)::pg_catalog.regproc::text,
                'subtype_diff', NULLIF(r.rngsubdiff, 0)::pg_catalog.regproc::text)
                || CASE WHEN pg_catalog.to_jsonb(r) ? 'rngmultitypid' THEN pg_catalog.jsonb_build_object(
                   'multirange', (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid::pg_catalog.regtype::text)
                   ELSE '{}'::pg_catalog.jsonb END
              FROM pg_catalog.pg_range r
              JOIN pg_catalog.pg_opclass oc ON oc.oid = r.rngsubopc
              JOIN pg_catalog.pg_namespace ocn ON ocn.oid = oc.opcnamespace
              JOIN pg_catalog.pg_type s ON s.oid = r.rngsubtype
             WHERE r.rngtypid = t.oid)
       ELSE pg_catalog.jsonb_build_object('defined', t.typisdefined, 'input', t.typinput::pg_catalog.regproc::text,
                'output', t.typoutput::pg_catalog.regproc::text, 'receive', t.typreceive::pg_catalog.regproc::text,
                'send', t.typsend::pg_catalog.regproc::text, 'typmod_in', t.typmodin::pg_catalog.regproc::text,
                'typmod_out', t.typmodout::pg_catalog.regproc::text, 'analyze', t.typanalyze::pg_catalog.regproc::text,
                'by_value', t.typbyval, 'alignment', t.typalign, 'preferred', t.typispreferred, 'default', t.typdefault,
                'element', pg_catalog.format_type(NULLIF(t.typelem, 0), NULL), 'collatable', t.typcollation <> 0,
                'length', t.typlen, 'storage', t.typstorage, 'category', t.typcategory, 'delimiter', t.typdelim)
       END
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND t.typtype IN ('e', 'd', 'c', 'r', 'b', 'p')
   AND (t.typtype <> 'c' OR c.relkind = 'c')
   AND NOT (t.typtype = 'b' AND t.typelem <> 0 AND t.typlen = -1
            AND EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid));

-- name: relations
-- Tables of all kinds, views, materialised views. A partition's place is an object of its own ("partitions").
SELECT c.tableoid, c.oid, 0,
       CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'matview' ELSE 'table' END,
       n.nspname, c.relname, '', '', pg_catalog.pg_get_userbyid(c.relowner),
       (pg_catalog.to_jsonb(c) - ARRAY['oid', 'relname', 'relnamespace', 'reltype', 'reloftype', 'relowner', 'relam',
            'relfilenode', 'reltablespace', 'relpages', 'reltuples', 'relallvisible', 'relallfrozen', 'reltoastrelid',
            'relhasindex', 'relisshared', 'relnatts', 'relchecks', 'relhasrules', 'relhastriggers', 'relhassubclass',
            'relispopulated', 'relispartition', 'relrewrite', 'relfrozenxid', 'relminmxid', 'relacl', 'relpartbound',
            'relkind', 'reloptions', 'relpersistence', 'relrowsecurity', 'relforcerowsecurity', 'relreplident'])
       || pg_catalog.jsonb_build_object(
            'options', (SELECT pg_catalog.jsonb_agg(o ORDER BY o) FROM pg_catalog.unnest(c.reloptions) o),
            'tablespace', (SELECT s.spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = c.reltablespace),
            'access_method', (SELECT m.amname FROM pg_catalog.pg_am m WHERE m.oid = c.relam))
       || CASE WHEN c.relkind IN ('v', 'm')
               THEN pg_catalog.jsonb_build_object('definition', pg_catalog.pg_get_viewdef(c.oid),
                    'populated', c.relispopulated)
               ELSE pg_catalog.jsonb_build_object(
                'variant', CASE c.relkind WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign' ELSE 'plain' END,
                'persistence', c.relpersistence,
                'row_security', c.relrowsecurity,
                'force_row_security', c.relforcerowsecurity,
                'replica_identity', c.relreplident,
                'of_type', CASE WHEN c.reloftype <> 0 THEN c.reloftype::pg_catalog.regtype::text END,
                'partition_key', CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END,
                'partition_columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY a.attnum)
                                        FROM pg_catalog.pg_partitioned_table k
                                        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.partrelid
                                         AND a.attnum = ANY (k.partattrs::pg_catalog.int2[])
                                       WHERE k.partrelid = c.oid),
                'toast_options', (SELECT pg_catalog.jsonb_agg(o ORDER BY o)
                                    FROM pg_catalog.pg_class t, pg_catalog.unnest(t.reloptions) o
                                   WHERE t.oid = c.reltoastrelid),
                'server', (SELECT s.srvname FROM pg_catalog.pg_foreign_table f
                             JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid),
                'foreign_options', (SELECT pg_catalog.jsonb_agg(o ORDER BY o)
                                      FROM pg_catalog.pg_foreign_table f, pg_catalog.unnest(f.ftoptions) o
                                     WHERE f.ftrelid = c.oid)) END
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync');

-- name: partitions
-- Where a partition hangs, with its bound.
SELECT c.tableoid, c.oid, 0, 'partition', n.nspname, c.relname, '', '', NULL,
       pg_catalog.jsonb_build_object('parent_schema', pn.nspname, 'parent', p.relname,
                                     'bound', pg_catalog.pg_get_expr(c.relpartbound, c.oid))
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
  JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
  JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
 WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f') AND n.nspname NOT IN ('dbsync');

-- name: inheritance
SELECT c.tableoid, c.oid, 0, 'inheritance', n.nspname, c.relname,
       pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.relname), '', NULL,
       pg_catalog.jsonb_build_object('parent_schema', pn.nspname, 'parent', p.relname, 'number',
           -- Its place among the parents: numbers have gaps where one has left.
           (SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits o WHERE o.inhrelid = c.oid AND o.inhseqno <= i.inhseqno))
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
  JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
  JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
 WHERE NOT c.relispartition AND c.relkind IN ('r', 'f') AND c.relpersistence <> 't' AND n.nspname NOT IN ('dbsync');

-- name: columns
-- Of tables whole; of views only their names and types: their comments and rights hang on them.
SELECT c.tableoid, a.attrelid, a.attnum, 'column', n.nspname, c.relname, a.attname, '', NULL,
       CASE WHEN c.relkind IN ('v', 'm')
       THEN pg_catalog.jsonb_build_object('number', a.attnum, 'of', c.relkind,
            'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'collation', CASE WHEN a.attcollation <> t.typcollation
                              THEN a.attcollation::pg_catalog.regcollation::text END)
            || CASE WHEN c.relkind = 'm' THEN pg_catalog.jsonb_build_object(
               'statistics', NULLIF((w.attribute ->> 'attstattarget')::int, -1),
               'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END,
               'compression', NULLIF(w.attribute ->> 'attcompression', ''),
               'options', pg_catalog.to_jsonb(a.attoptions)) ELSE '{}'::pg_catalog.jsonb END
       ELSE (w.attribute - ARRAY['attrelid', 'attname', 'atttypid', 'attlen', 'attnum', 'attcacheoff',
            'atttypmod', 'attndims', 'attbyval', 'attalign', 'attstorage', 'attcompression', 'attnotnull', 'atthasdef',
            'atthasmissing', 'attmissingval', 'attidentity', 'attgenerated', 'attisdropped', 'attislocal',
            'attinhcount', 'attcollation', 'attacl', 'attstattarget', 'attoptions', 'attfdwoptions'])
       || pg_catalog.jsonb_build_object(
            'number', a.attnum, 'of', c.relkind,
            'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'collation', CASE WHEN a.attcollation <> t.typcollation
                              THEN a.attcollation::pg_catalog.regcollation::text END,
            'not_null', a.attnotnull,
            'local', a.attislocal,
            'inherited', a.attinhcount > 0,
            'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END, 'type_storage', t.typstorage,
            'statistics', NULLIF((w.attribute ->> 'attstattarget')::int, -1),
            'options', CASE WHEN a.attoptions IS NOT NULL THEN
                (SELECT pg_catalog.jsonb_agg(o ORDER BY o) FROM pg_catalog.unnest(a.attoptions) o) END,
            'foreign_options', CASE WHEN a.attfdwoptions IS NOT NULL THEN
                (SELECT pg_catalog.jsonb_agg(o ORDER BY o) FROM pg_catalog.unnest(a.attfdwoptions) o) END,
            'generated', NULLIF(a.attgenerated, ''),
            'expression', CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
            'identity', CASE WHEN a.attidentity <> '' THEN s.options
                || pg_catalog.jsonb_build_object('always', a.attidentity = 'a') END)
       || CASE WHEN w.attribute ? 'attcompression' THEN pg_catalog.jsonb_build_object(
            'compression', NULLIF(w.attribute ->> 'attcompression', '')) ELSE '{}'::pg_catalog.jsonb END
       || CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 180000
               THEN pg_catalog.jsonb_build_object('not_null_constraint', k.facts) ELSE '{}'::pg_catalog.jsonb END
       END
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
 CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(a) AS attribute OFFSET 0) w
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated <> ''
  LEFT JOIN (SELECT p.refobjid, p.refobjsubid, pg_catalog.jsonb_build_object(
                    'sequence_schema', sn.nspname, 'sequence', sc.relname, 'start', q.seqstart,
                    'increment', q.seqincrement, 'max', q.seqmax, 'min', q.seqmin, 'cache', q.seqcache,
                    'cycle', q.seqcycle, 'persistence', sc.relpersistence, 'oid', sc.oid::pg_catalog.int8) AS options
               FROM pg_catalog.pg_depend p
               JOIN pg_catalog.pg_sequence q ON q.seqrelid = p.objid
               JOIN pg_catalog.pg_class sc ON sc.oid = p.objid
               JOIN pg_catalog.pg_namespace sn ON sn.oid = sc.relnamespace
              WHERE p.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND p.deptype = 'i') s
         ON a.attidentity <> '' AND s.refobjid = a.attrelid AND s.refobjsubid = a.attnum
  LEFT JOIN (SELECT k.conrelid, k.conkey[1] AS attnum, pg_catalog.jsonb_build_object(
                    'name', k.conname, 'valid', k.convalidated, 'no_inherit', k.connoinherit,
                    -- A partition's that its parent has too: ATTACH, and so every restored dump, forgets whose it was.
                    'local', k.conislocal AND (k.coninhcount = 0 OR NOT p.relispartition),
                    'comment', pg_catalog.obj_description(k.oid, 'pg_constraint')) AS facts
               FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class p ON p.oid = k.conrelid
              WHERE k.contype = 'n') k
         ON k.conrelid = a.attrelid AND k.attnum = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped
   AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync');

-- name: defaults
SELECT d.tableoid, d.oid, 0, 'default', n.nspname, c.relname, a.attname, '', NULL,
       pg_catalog.jsonb_build_object('expression', pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'of', c.relkind)
  FROM pg_catalog.pg_attrdef d
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated = ''
  JOIN pg_catalog.pg_class c ON c.oid = d.adrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync');

-- name: sequences
-- Not those behind identity columns: they are attributes of the column.
SELECT c.tableoid, c.oid, 0, 'sequence', n.nspname, c.relname, '', '', pg_catalog.pg_get_userbyid(c.relowner),
       pg_catalog.jsonb_build_object(
            'type', pg_catalog.format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment', s.seqincrement,
            'max', s.seqmax, 'min', s.seqmin, 'cache', s.seqcache, 'cycle', s.seqcycle,
            'persistence', c.relpersistence,
            'owned_by', (SELECT pg_catalog.jsonb_build_array(tn.nspname, t.relname, a.attname)
                           FROM pg_catalog.pg_depend d
                           JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
                           JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
                           JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
                          WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.deptype = 'a'
                            AND d.refclassid = c.tableoid AND d.refobjsubid > 0))
  FROM pg_catalog.pg_sequence s
  JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.deptype = 'i');

-- name: constraints
-- Not NOT NULL (an attribute of the column), not constraint triggers (triggers).
SELECT k.tableoid, k.oid, 0, CASE WHEN k.contypid <> 0 THEN 'domain_constraint' ELSE 'constraint' END,
       COALESCE(cn.nspname, tn.nspname), COALESCE(c.relname, t.typname), k.conname, '', NULL,
       (pg_catalog.to_jsonb(k) - ARRAY['oid', 'conname', 'connamespace', 'contype', 'convalidated', 'conrelid',
            'contypid', 'conindid', 'conparentid', 'confrelid', 'conislocal', 'coninhcount', 'connoinherit', 'conkey',
            'confkey', 'conpfeqop', 'conppeqop', 'conffeqop', 'confdelsetcols', 'conexclop', 'conbin', 'confupdtype',
            'confdeltype', 'confmatchtype', 'condeferrable', 'condeferred', 'conperiod', 'conenforced'])
       || pg_catalog.jsonb_build_object(
            'type', k.contype, 'of', c.relkind,
            'definition', pg_catalog.pg_get_constraintdef(k.oid),
            'valid', k.convalidated,
            'columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY u.n)
                          FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u (attnum, n)
                          JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
            'references', CASE WHEN k.contype = 'f' THEN pg_catalog.jsonb_build_array(fn.nspname, f.relname) END,
            'referenced_columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY u.n)
                          FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u (attnum, n)
                          JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum),
            'inherited', NOT k.conislocal OR k.conparentid <> 0 AND k.contype = 'f',
            'attached_to', CASE WHEN k.contype <> 'f' AND k.conparentid <> 0 THEN
                (SELECT pg_catalog.jsonb_build_array(pn.nspname, p.relname, pk.conname)
                   FROM pg_catalog.pg_constraint pk JOIN pg_catalog.pg_class p ON p.oid = pk.conrelid
                   JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace WHERE pk.oid = k.conparentid)
                -- or on an index that is no constraint's
                WHEN k.contype IN ('p', 'u') THEN
                (SELECT pg_catalog.jsonb_build_array(pn.nspname, p.relname)
                   FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
                   JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace WHERE h.inhrelid = k.conindid) END)
       || COALESCE((SELECT pg_catalog.jsonb_build_object(
                'clustered', x.indisclustered, 'replica_identity', x.indisreplident, 'index_valid', x.indisvalid,
                'index_tablespace', (SELECT s.spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = i.reltablespace),
                'index_comment', pg_catalog.obj_description(i.oid, 'pg_class'),
                -- Said within the definition of an exclusion, and of nothing else.
                'index_options', CASE WHEN k.contype <> 'x' THEN
                    (SELECT pg_catalog.jsonb_agg(o ORDER BY o) FROM pg_catalog.unnest(i.reloptions) o) END)
              FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
             WHERE x.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')), '{}'::pg_catalog.jsonb)
  FROM pg_catalog.pg_constraint k
  LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
  LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
  LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid
  LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
 WHERE (k.contype IN ('c', 'f', 'p', 'u', 'x') OR k.contypid <> 0 AND k.contype <> 'n')
   AND c.relpersistence IS DISTINCT FROM 't'
   AND COALESCE(cn.nspname, tn.nspname) !~ '^pg_' AND COALESCE(cn.nspname, tn.nspname) NOT IN ('information_schema', 'dbsync');

-- name: indexes
-- Not those behind constraints. The index of a partitioned table has the partitions' indexes attached to it.
SELECT i.tableoid, i.oid, 0, 'index', n.nspname, i.relname, '', '', NULL,
       pg_catalog.jsonb_build_object(
            'table', c.relname, 'of', c.relkind,
            'definition', pg_catalog.pg_get_indexdef(i.oid),
            'unique', x.indisunique, 'valid', x.indisvalid, 'clustered', x.indisclustered,
            'uniqueness', CASE WHEN x.indisunique THEN pg_catalog.jsonb_build_object(
                'key', (SELECT pg_catalog.jsonb_agg(pg_catalog.pg_get_indexdef(i.oid, k, false) ORDER BY k)
                          FROM pg_catalog.generate_series(1, x.indnkeyatts::int) k),
                'where', pg_catalog.pg_get_expr(x.indpred, x.indrelid),
                'nulls_distinct', pg_catalog.to_jsonb(x) -> 'indnullsnotdistinct' IS DISTINCT FROM 'true') END,
            'replica_identity', x.indisreplident,
            'tablespace', (SELECT s.spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = i.reltablespace),
            'options', (SELECT pg_catalog.jsonb_agg(o ORDER BY o) FROM pg_catalog.unnest(i.reloptions) o),
            'statistics', (SELECT pg_catalog.jsonb_object_agg(a.attnum, pg_catalog.to_jsonb(a) ->> 'attstattarget')
                             FROM pg_catalog.pg_attribute a
                            WHERE a.attrelid = i.oid AND (pg_catalog.to_jsonb(a) ->> 'attstattarget')::int >= 0),
            'attached_to', (SELECT pg_catalog.jsonb_build_array(pn.nspname, p.relname)
                              FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
                              JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace WHERE h.inhrelid = i.oid))
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
  JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace
 WHERE i.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                    WHERE k.conindid = i.oid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x'));

-- name: routines
SELECT p.tableoid, p.oid, 0,
       CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END,
       n.nspname, p.proname, '',
       COALESCE((SELECT pg_catalog.string_agg(pg_catalog.format_type(u.type, NULL), ', ' ORDER BY u.n)
          FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY u (type, n)), ''),
       pg_catalog.pg_get_userbyid(p.proowner),
       (pg_catalog.to_jsonb(p) - ARRAY['oid', 'proname', 'pronamespace', 'proowner', 'prolang', 'provariadic',
            'prosupport', 'prorettype', 'proargtypes', 'proallargtypes', 'proargdefaults', 'protrftypes', 'prosrc',
            'probin', 'prosqlbody', 'proconfig', 'proacl', 'prokind', 'proargnames', 'proargmodes', 'pronargs',
            'pronargdefaults'])
       || pg_catalog.jsonb_build_object(
            'definition', CASE WHEN p.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(p.oid) END,
            'language', l.lanname,
            'tracked', pg_catalog.to_jsonb(p) -> 'prosqlbody' IS NOT NULL
                       AND pg_catalog.jsonb_typeof(pg_catalog.to_jsonb(p) -> 'prosqlbody') <> 'null',
            'result', pg_catalog.pg_get_function_result(p.oid),
            'signature', pg_catalog.pg_get_function_arguments(p.oid),
            'identity', pg_catalog.pg_get_function_identity_arguments(p.oid),
            'argument_names', pg_catalog.to_jsonb(p.proargnames),
            'argument_modes', pg_catalog.to_jsonb(p.proargmodes),
            'argument_types', (SELECT pg_catalog.jsonb_agg(pg_catalog.format_type(u.type, NULL) ORDER BY u.n)
                                 FROM pg_catalog.unnest(p.proallargtypes) WITH ORDINALITY u (type, n)),
            'defaults', p.pronargdefaults,
            'is_trigger', p.prorettype IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype),
            'support', NULLIF(p.prosupport::pg_catalog.oid, 0)::pg_catalog.regproc::text,
            'window', p.prokind = 'w')
       || COALESCE((SELECT pg_catalog.to_jsonb(g) - ARRAY['aggfnoid', 'aggtransfn', 'aggfinalfn', 'aggcombinefn',
                'aggserialfn', 'aggdeserialfn', 'aggmtransfn', 'aggminvtransfn', 'aggmfinalfn', 'aggsortop',
                'aggtranstype', 'aggmtranstype']
            || pg_catalog.jsonb_build_object(
                'sfunc', g.aggtransfn::text, 'stype', pg_catalog.format_type(g.aggtranstype, NULL),
                'finalfunc', NULLIF(g.aggfinalfn::pg_catalog.oid, 0)::pg_catalog.regproc::text,
                'combinefunc', NULLIF(g.aggcombinefn::pg_catalog.oid, 0)::pg_catalog.regproc::text,
                'serialfunc', NULLIF(g.aggserialfn::pg_catalog.oid, 0)::pg_catalog.regproc::text,
                'deserialfunc', NULLIF(g.aggdeserialfn::pg_catalog.oid, 0)::pg_catalog.regproc::text,
                'msfunc', NULLIF(g.aggmtransfn::pg_catalog.oid, 0)::pg_catalog.regproc::text,
                'minvfunc', NULLIF(g.aggminvtransfn::pg_catalog.oid, 0)::pg_catalog.regproc::text,
                'mfinalfunc', NULLIF(g.aggmfinalfn::pg_catalog.oid, 0)::pg_catalog.regproc::text,
                'mstype', CASE WHEN g.aggmtranstype <> 0 THEN pg_catalog.format_type(g.aggmtranstype, NULL) END,
                'sortop', (SELECT pg_catalog.jsonb_build_array(sn.nspname, o.oprname) FROM pg_catalog.pg_operator o
                             JOIN pg_catalog.pg_namespace sn ON sn.oid = o.oprnamespace WHERE o.oid = g.aggsortop))
            FROM pg_catalog.pg_aggregate g WHERE g.aggfnoid = p.oid), '{}'::pg_catalog.jsonb)
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = p.tableoid AND d.objid = p.oid AND d.deptype = 'i');

-- name: triggers
SELECT t.tableoid, t.oid, 0, 'trigger', n.nspname, c.relname, t.tgname, '', NULL,
       pg_catalog.jsonb_build_object(
            'of', c.relkind, 'definition', pg_catalog.pg_get_triggerdef(t.oid), 'enabled', t.tgenabled,
            'constraint', t.tgconstraint <> 0,
            'inherited', COALESCE((pg_catalog.to_jsonb(t) ->> 'tgparentid')::bigint, 0) <> 0,
            'own_state', (SELECT p.tgenabled <> t.tgenabled FROM pg_catalog.pg_trigger p
                           WHERE p.oid = (pg_catalog.to_jsonb(t) ->> 'tgparentid')::bigint))
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE (NOT t.tgisinternal OR COALESCE((pg_catalog.to_jsonb(t) ->> 'tgparentid')::bigint, 0) <> 0
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = t.tgconstraint AND k.contype <> 't'))
   AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync');

-- name: rules
SELECT r.tableoid, r.oid, 0, 'rule', n.nspname, c.relname, r.rulename, '', NULL,
       pg_catalog.jsonb_build_object('of', c.relkind, 'definition', pg_catalog.pg_get_ruledef(r.oid),
                                     'enabled', r.ev_enabled)
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE r.rulename <> '_RETURN' AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync');

-- name: policies
SELECT p.tableoid, p.oid, 0, 'policy', n.nspname, c.relname, p.polname, '', NULL,
       pg_catalog.jsonb_build_object(
            'command', p.polcmd, 'permissive', p.polpermissive,
            'roles', (SELECT pg_catalog.jsonb_agg(COALESCE(r.rolname, '') ORDER BY r.rolname)
                        FROM pg_catalog.unnest(p.polroles) o (role) LEFT JOIN pg_catalog.pg_roles r ON r.oid = o.role),
            'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
            'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
  FROM pg_catalog.pg_policy p
  JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync');

-- name: event_triggers
SELECT e.tableoid, e.oid, 0, 'event_trigger', '', e.evtname, '', '', pg_catalog.pg_get_userbyid(e.evtowner),
       pg_catalog.jsonb_build_object('event', e.evtevent, 'tags', pg_catalog.to_jsonb(e.evttags),
                                     'enabled', e.evtenabled, 'function', e.evtfoid::pg_catalog.regproc::text)
  FROM pg_catalog.pg_event_trigger e;

-- name: statistics
SELECT s.tableoid, s.oid, 0, 'statistics', n.nspname, s.stxname, '', '', pg_catalog.pg_get_userbyid(s.stxowner),
       pg_catalog.jsonb_build_object('definition', pg_catalog.pg_get_statisticsobjdef(s.oid),
            'target', NULLIF((pg_catalog.to_jsonb(s) ->> 'stxstattarget')::int, -1))
  FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync');

-- name: publications
-- Tables with their columns and conditions by the server's own rows, so that 13 and 18 both answer.
SELECT p.tableoid, p.oid, 0, 'publication', '', p.pubname, '', '', pg_catalog.pg_get_userbyid(p.pubowner),
       (pg_catalog.to_jsonb(p) - ARRAY['oid', 'pubname', 'pubowner', 'puballtables'])
       || pg_catalog.jsonb_build_object(
            'all_tables', p.puballtables,
            'tables', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                           'schema', n.nspname, 'name', c.relname,
                           'columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY a.attname)
                                         FROM pg_catalog.pg_attribute a
                                        WHERE a.attrelid = c.oid AND pg_catalog.to_jsonb(r) ->> 'prattrs' IS NOT NULL
                                          AND pg_catalog.to_jsonb(r) -> 'prattrs' @> pg_catalog.to_jsonb(a.attnum)))
                           ORDER BY n.nspname, c.relname)
                         FROM pg_catalog.pg_publication_rel r
                         JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
                         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                        WHERE r.prpubid = p.oid))
  FROM pg_catalog.pg_publication p;

-- name: publication_filters
-- From version 15 on: which rows of a table a publication has.
SELECT r.prpubid, n.nspname, c.relname, pg_catalog.pg_get_expr(r.prqual, r.prrelid)
  FROM pg_catalog.pg_publication_rel r
  JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE r.prqual IS NOT NULL;

-- name: publication_schemas
-- From version 15 on.
SELECT s.pnpubid, pg_catalog.jsonb_agg(n.nspname ORDER BY n.nspname)
  FROM pg_catalog.pg_publication_namespace s JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid
 GROUP BY s.pnpubid;

-- name: foreign_data
-- Wrappers and servers. What a user mapping holds is secret: it is counted, not read; nor are options that are
-- named like a secret: that they are there is all that is compared.
SELECT w.tableoid, w.oid, 0, 'foreign_data_wrapper', '', w.fdwname, '', '', pg_catalog.pg_get_userbyid(w.fdwowner),
       pg_catalog.jsonb_build_object(
            'handler', NULLIF(w.fdwhandler, 0)::pg_catalog.regproc::text,
            'validator', NULLIF(w.fdwvalidator, 0)::pg_catalog.regproc::text,
            'options', (SELECT pg_catalog.jsonb_agg(pg_catalog.regexp_replace(o,
                '^([^=]*(passw|secret|token|credential|api_?key|private_?key)[^=]*)=.*', '\1=********', 'i') ORDER BY o)
                FROM pg_catalog.unnest(w.fdwoptions) o))
  FROM pg_catalog.pg_foreign_data_wrapper w WHERE w.oid >= 16384
UNION ALL
SELECT s.tableoid, s.oid, 0, 'server', '', s.srvname, '', '', pg_catalog.pg_get_userbyid(s.srvowner),
       pg_catalog.jsonb_build_object(
            'wrapper', w.fdwname, 'type', s.srvtype, 'version', s.srvversion,
            'options', (SELECT pg_catalog.jsonb_agg(pg_catalog.regexp_replace(o,
                '^([^=]*(passw|secret|token|credential|api_?key|private_?key)[^=]*)=.*', '\1=********', 'i') ORDER BY o)
                FROM pg_catalog.unnest(s.srvoptions) o))
  FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw;

-- name: casts
SELECT k.tableoid, k.oid, 0, 'cast', '', pg_catalog.format_type(k.castsource, NULL),
       pg_catalog.format_type(k.casttarget, NULL), '', NULL,
       pg_catalog.jsonb_build_object('context', k.castcontext, 'method', k.castmethod,
            'function', CASE WHEN k.castfunc <> 0 THEN k.castfunc::pg_catalog.regprocedure::text END)
  FROM pg_catalog.pg_cast k
 WHERE k.oid >= 16384  -- those of ranges to their multiranges come with the type
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = k.tableoid AND d.objid = k.oid AND d.deptype = 'i');

-- name: operators
SELECT o.tableoid, o.oid, 0, 'operator', n.nspname, o.oprname, '',
       COALESCE(pg_catalog.format_type(NULLIF(o.oprleft, 0), NULL), 'NONE') || ', '
       || COALESCE(pg_catalog.format_type(NULLIF(o.oprright, 0), NULL), 'NONE'),
       pg_catalog.pg_get_userbyid(o.oprowner),
       pg_catalog.jsonb_build_object(
            'function', NULLIF(o.oprcode::pg_catalog.oid, 0)::pg_catalog.regproc::text,
            'left', pg_catalog.format_type(NULLIF(o.oprleft, 0), NULL),
            'right', pg_catalog.format_type(NULLIF(o.oprright, 0), NULL),
            'hashes', o.oprcanhash, 'merges', o.oprcanmerge,
            'commutator', (SELECT pg_catalog.jsonb_build_array(cn.nspname, c.oprname) FROM pg_catalog.pg_operator c
                             JOIN pg_catalog.pg_namespace cn ON cn.oid = c.oprnamespace WHERE c.oid = o.oprcom),
            'negator', (SELECT pg_catalog.jsonb_build_array(cn.nspname, c.oprname) FROM pg_catalog.pg_operator c
                          JOIN pg_catalog.pg_namespace cn ON cn.oid = c.oprnamespace WHERE c.oid = o.oprnegate),
            'restrict', NULLIF(o.oprrest::pg_catalog.oid, 0)::pg_catalog.regproc::text,
            'join', NULLIF(o.oprjoin::pg_catalog.oid, 0)::pg_catalog.regproc::text)
  FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
 WHERE o.oid >= 16384 AND o.oprcode::pg_catalog.oid <> 0 AND n.nspname NOT IN ('dbsync');

-- name: operator_classes
-- The members of a class hang on its family; "members" tells them in one order. Those of a family are the ones whose
-- left type no class of it is for.
SELECT f.tableoid, f.oid, 0, 'operator_family', n.nspname, f.opfname, m.amname, '', pg_catalog.pg_get_userbyid(f.opfowner),
       pg_catalog.jsonb_build_object('members',
            COALESCE((SELECT pg_catalog.jsonb_agg('OPERATOR ' || o.amopstrategy || ' '
                        || pg_catalog.quote_ident(xn.nspname) || '.' || x.oprname || ' (' || pg_catalog.format_type(o.amoplefttype, NULL) || ', '
                        || pg_catalog.format_type(o.amoprighttype, NULL) || ')'
                        || CASE WHEN o.amopsortfamily <> 0 THEN ' FOR ORDER BY ' || pg_catalog.quote_ident(sn.nspname)
                                || '.' || pg_catalog.quote_ident(sf.opfname) ELSE '' END
                        ORDER BY o.amopstrategy, o.amoplefttype::pg_catalog.regtype::text, o.amoprighttype::pg_catalog.regtype::text)
               FROM pg_catalog.pg_amop o
               JOIN pg_catalog.pg_operator x ON x.oid = o.amopopr
               JOIN pg_catalog.pg_namespace xn ON xn.oid = x.oprnamespace
               LEFT JOIN pg_catalog.pg_opfamily sf ON sf.oid = o.amopsortfamily
               LEFT JOIN pg_catalog.pg_namespace sn ON sn.oid = sf.opfnamespace
              WHERE o.amopfamily = f.oid AND NOT EXISTS (SELECT FROM pg_catalog.pg_opclass c
                    WHERE c.opcfamily = f.oid AND c.opcintype = o.amoplefttype)), '[]')
            || COALESCE((SELECT pg_catalog.jsonb_agg('FUNCTION ' || o.amprocnum || ' ('
                        || pg_catalog.format_type(o.amproclefttype, NULL) || ', '
                        || pg_catalog.format_type(o.amprocrighttype, NULL) || ') '
                        || o.amproc::pg_catalog.oid::pg_catalog.regprocedure::text
                        ORDER BY o.amprocnum, o.amproclefttype::pg_catalog.regtype::text, o.amprocrighttype::pg_catalog.regtype::text)
               FROM pg_catalog.pg_amproc o
              WHERE o.amprocfamily = f.oid AND NOT EXISTS (SELECT FROM pg_catalog.pg_opclass c
                    WHERE c.opcfamily = f.oid AND c.opcintype = o.amproclefttype)), '[]'))
  FROM pg_catalog.pg_opfamily f
  JOIN pg_catalog.pg_am m ON m.oid = f.opfmethod
  JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace
 WHERE f.oid >= 16384 AND n.nspname NOT IN ('dbsync')
UNION ALL
SELECT c.tableoid, c.oid, 0, 'operator_class', n.nspname, c.opcname, m.amname, '', pg_catalog.pg_get_userbyid(c.opcowner),
       pg_catalog.jsonb_build_object(
            'type', pg_catalog.format_type(c.opcintype, NULL), 'default', c.opcdefault,
            'family', pg_catalog.jsonb_build_array(fn.nspname, f.opfname),
            'storage', CASE WHEN c.opckeytype <> 0 THEN pg_catalog.format_type(c.opckeytype, NULL) END,
            'members',
            COALESCE((SELECT pg_catalog.jsonb_agg('OPERATOR ' || o.amopstrategy || ' '
                        || pg_catalog.quote_ident(xn.nspname) || '.' || x.oprname || ' (' || pg_catalog.format_type(o.amoplefttype, NULL) || ', '
                        || pg_catalog.format_type(o.amoprighttype, NULL) || ')'
                        || CASE WHEN o.amopsortfamily <> 0 THEN ' FOR ORDER BY ' || pg_catalog.quote_ident(sn.nspname)
                                || '.' || pg_catalog.quote_ident(sf.opfname) ELSE '' END
                        ORDER BY o.amopstrategy, o.amoplefttype::pg_catalog.regtype::text, o.amoprighttype::pg_catalog.regtype::text)
               FROM pg_catalog.pg_amop o
               JOIN pg_catalog.pg_operator x ON x.oid = o.amopopr
               JOIN pg_catalog.pg_namespace xn ON xn.oid = x.oprnamespace
               LEFT JOIN pg_catalog.pg_opfamily sf ON sf.oid = o.amopsortfamily
               LEFT JOIN pg_catalog.pg_namespace sn ON sn.oid = sf.opfnamespace
              WHERE o.amopfamily = c.opcfamily AND o.amoplefttype = c.opcintype), '[]')
            || COALESCE((SELECT pg_catalog.jsonb_agg('FUNCTION ' || o.amprocnum || ' ('
                        || pg_catalog.format_type(o.amproclefttype, NULL) || ', '
                        || pg_catalog.format_type(o.amprocrighttype, NULL) || ') '
                        || o.amproc::pg_catalog.oid::pg_catalog.regprocedure::text
                        ORDER BY o.amprocnum, o.amproclefttype::pg_catalog.regtype::text, o.amprocrighttype::pg_catalog.regtype::text)
               FROM pg_catalog.pg_amproc o
              WHERE o.amprocfamily = c.opcfamily AND o.amproclefttype = c.opcintype), '[]'))
  FROM pg_catalog.pg_opclass c
  JOIN pg_catalog.pg_am m ON m.oid = c.opcmethod
  JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace
  JOIN pg_catalog.pg_opfamily f ON f.oid = c.opcfamily
  JOIN pg_catalog.pg_namespace fn ON fn.oid = f.opfnamespace
 WHERE c.oid >= 16384 AND n.nspname NOT IN ('dbsync');

-- name: collations
SELECT c.tableoid, c.oid, 0, 'collation', n.nspname, c.collname, '', '', pg_catalog.pg_get_userbyid(c.collowner),
       pg_catalog.to_jsonb(c) - ARRAY['oid', 'collname', 'collnamespace', 'collowner', 'collversion', 'collencoding', 'colliculocale', 'colllocale']
       || pg_catalog.jsonb_build_object('locale', COALESCE(pg_catalog.to_jsonb(c) ->> 'colllocale', pg_catalog.to_jsonb(c) ->> 'colliculocale'))
  FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
 WHERE c.oid >= 16384 AND n.nspname NOT IN ('dbsync');

-- name: text_search
SELECT c.tableoid, c.oid, 0, 'ts_configuration', n.nspname, c.cfgname, '', '', pg_catalog.pg_get_userbyid(c.cfgowner),
       pg_catalog.jsonb_build_object(
            'parser', pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.prsname),
            'mappings', (SELECT pg_catalog.jsonb_object_agg(m.alias, m.dictionaries)
                           FROM (SELECT t.alias, pg_catalog.jsonb_agg(m.mapdict::pg_catalog.regdictionary::text
                                                                      ORDER BY m.mapseqno) AS dictionaries
                                   FROM pg_catalog.pg_ts_config_map m
                                   JOIN pg_catalog.ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype
                                  WHERE m.mapcfg = c.oid GROUP BY t.alias) m))
  FROM pg_catalog.pg_ts_config c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
  JOIN pg_catalog.pg_ts_parser p ON p.oid = c.cfgparser
  JOIN pg_catalog.pg_namespace pn ON pn.oid = p.prsnamespace
 WHERE c.oid >= 16384 AND n.nspname NOT IN ('dbsync')
UNION ALL
SELECT d.tableoid, d.oid, 0, 'ts_dictionary', n.nspname, d.dictname, '', '', pg_catalog.pg_get_userbyid(d.dictowner),
       pg_catalog.jsonb_build_object(
            'template', pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.tmplname),
            'options', d.dictinitoption)
  FROM pg_catalog.pg_ts_dict d
  JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
  JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.tmplnamespace
 WHERE d.oid >= 16384 AND n.nspname NOT IN ('dbsync');

-- name: default_privileges
SELECT d.tableoid, d.oid, 0, 'default_privileges', COALESCE(n.nspname, ''), pg_catalog.pg_get_userbyid(d.defaclrole),
       d.defaclobjtype::text, '', NULL,
       pg_catalog.jsonb_build_object('grants',
            (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
                        COALESCE(r.rolname, ''), x.privilege_type, x.is_grantable)
                    ORDER BY COALESCE(r.rolname, ''), x.privilege_type)
               FROM pg_catalog.aclexplode(d.defaclacl) x LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee),
            'usual', CASE WHEN d.defaclnamespace = 0 THEN
            (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
                        COALESCE(r.rolname, ''), x.privilege_type, x.is_grantable)
                    ORDER BY COALESCE(r.rolname, ''), x.privilege_type)
               FROM pg_catalog.aclexplode(pg_catalog.acldefault(
                        CASE d.defaclobjtype WHEN 'S' THEN 's'::"char" ELSE d.defaclobjtype END, d.defaclrole)) x
               LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee) END)
  FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
 WHERE n.nspname IS DISTINCT FROM 'dbsync';

-- name: others
-- Classes that only a person can move: counted by name, so that none is forgotten in silence.
SELECT l.tableoid, l.oid, 0, 'language', '', l.lanname, '', '', pg_catalog.pg_get_userbyid(l.lanowner),
       pg_catalog.jsonb_build_object('trusted', l.lanpltrusted,
            'handler', NULLIF(l.lanplcallfoid, 0)::pg_catalog.regproc::text,
            'inline', NULLIF(l.laninline, 0)::pg_catalog.regproc::text,
            'validator', NULLIF(l.lanvalidator, 0)::pg_catalog.regproc::text)
  FROM pg_catalog.pg_language l WHERE l.oid >= 16384
UNION ALL
SELECT a.tableoid, a.oid, 0, 'access_method', '', a.amname, '', '', NULL,
       pg_catalog.jsonb_build_object('handler', a.amhandler::text, 'type', a.amtype)
  FROM pg_catalog.pg_am a WHERE a.oid >= 16384
UNION ALL
SELECT c.tableoid, c.oid, 0, 'conversion', n.nspname, c.conname, '', '', pg_catalog.pg_get_userbyid(c.conowner),
       pg_catalog.jsonb_build_object('for', pg_catalog.pg_encoding_to_char(c.conforencoding),
            'to', pg_catalog.pg_encoding_to_char(c.contoencoding), 'function', c.conproc::text, 'default', c.condefault)
  FROM pg_catalog.pg_conversion c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace WHERE c.oid >= 16384
UNION ALL
SELECT t.tableoid, t.oid, 0, 'transform', '', pg_catalog.format_type(t.trftype, NULL), l.lanname, '', NULL,
       pg_catalog.jsonb_build_object('from', t.trffromsql::text, 'to', t.trftosql::text)
  FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang WHERE t.oid >= 16384
UNION ALL
SELECT p.tableoid, p.oid, 0, 'ts_parser', n.nspname, p.prsname, '', '', NULL,
       pg_catalog.jsonb_build_object('start', p.prsstart::text, 'gettoken', p.prstoken::text, 'end', p.prsend::text,
            'lextypes', p.prslextype::text, 'headline', NULLIF(p.prsheadline::pg_catalog.oid, 0)::pg_catalog.regproc::text)
  FROM pg_catalog.pg_ts_parser p JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace WHERE p.oid >= 16384
UNION ALL
SELECT p.tableoid, p.oid, 0, 'ts_template', n.nspname, p.tmplname, '', '', NULL,
       pg_catalog.jsonb_build_object('lexize', p.tmpllexize::text, 'init', NULLIF(p.tmplinit::pg_catalog.oid, 0)::pg_catalog.regproc::text)
  FROM pg_catalog.pg_ts_template p JOIN pg_catalog.pg_namespace n ON n.oid = p.tmplnamespace WHERE p.oid >= 16384
UNION ALL
-- Not what the options say, but that there are any: NULL where this role may not know.
SELECT 'pg_catalog.pg_user_mapping'::pg_catalog.regclass, m.umid, 0, 'user_mapping', '', m.srvname, m.usename, '', NULL,
       pg_catalog.jsonb_build_object('everybody', m.umuser = 0, 'empty', CASE
            WHEN pg_catalog.pg_has_role(CURRENT_USER, s.srvowner, 'USAGE') OR m.usename = CURRENT_USER
            THEN m.umoptions IS NULL END)
  FROM pg_catalog.pg_user_mappings m JOIN pg_catalog.pg_foreign_server s ON s.oid = m.srvid;

-- name: privileges
-- What each object grants, with what Postgres gives by itself when nothing was said: class, object, part,
-- then [who, role, privilege, grantable, grantor] with who = owner, public or role.
WITH held (classid, objid, objsubid, acl, owner) AS (
    SELECT c.tableoid, c.oid, 0, COALESCE(c.relacl, pg_catalog.acldefault(
               CASE WHEN c.relkind = 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner)), c.relowner
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND n.nspname !~ '^pg_'
       AND n.nspname NOT IN ('information_schema', 'dbsync')
    UNION ALL
    SELECT c.tableoid, a.attrelid, a.attnum, a.attacl, c.relowner
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
     WHERE a.attacl IS NOT NULL AND a.attrelid >= 16384 AND NOT a.attisdropped
    UNION ALL
    SELECT p.tableoid, p.oid, 0, COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner)), p.proowner
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
    UNION ALL
    SELECT t.tableoid, t.oid, 0, COALESCE(t.typacl, pg_catalog.acldefault('T', t.typowner)), t.typowner
      FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
       AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
    UNION ALL
    SELECT n.tableoid, n.oid, 0, COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner)), n.nspowner
      FROM pg_catalog.pg_namespace n
     WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
    UNION ALL
    SELECT w.tableoid, w.oid, 0, COALESCE(w.fdwacl, pg_catalog.acldefault('F', w.fdwowner)), w.fdwowner
      FROM pg_catalog.pg_foreign_data_wrapper w
    UNION ALL
    SELECT s.tableoid, s.oid, 0, COALESCE(s.srvacl, pg_catalog.acldefault('S', s.srvowner)), s.srvowner
      FROM pg_catalog.pg_foreign_server s
    UNION ALL
    SELECT l.tableoid, l.oid, 0, COALESCE(l.lanacl, pg_catalog.acldefault('l', l.lanowner)), l.lanowner
      FROM pg_catalog.pg_language l WHERE l.oid >= 16384
)
SELECT h.classid, h.objid, h.objsubid, pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
           CASE WHEN x.grantee = 0 THEN 'public' WHEN x.grantee = h.owner THEN 'owner' ELSE 'role' END,
           CASE WHEN x.grantee NOT IN (0, h.owner) THEN pg_catalog.pg_get_userbyid(x.grantee) ELSE '' END,
           x.privilege_type, x.is_grantable,
           CASE WHEN x.grantor <> h.owner THEN pg_catalog.pg_get_userbyid(x.grantor) ELSE '' END))
  FROM held h, pg_catalog.aclexplode(h.acl) x
 GROUP BY h.classid, h.objid, h.objsubid;

-- name: comments
-- Those on the attributes of composite types, on NOT NULL and on the indexes of keys are said there.
SELECT d.classoid, d.objoid, d.objsubid, d.description
  FROM pg_catalog.pg_description d
 WHERE d.objoid >= 16384
       AND NOT (d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid > 0 AND EXISTS (
                SELECT FROM pg_catalog.pg_class c WHERE c.oid = d.objoid AND c.relkind = 'c'))
       AND NOT (d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND EXISTS (
                SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = d.objoid AND k.contype IN ('p', 'u', 'x')))
       AND NOT (d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND EXISTS (
                SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = d.objoid AND k.contype = 'n'))
    OR d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
UNION ALL
SELECT e.tableoid, e.oid, 0, d.description
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_description d ON d.classoid = e.tableoid AND d.objoid = e.oid
 WHERE e.oid < 16384;

-- name: extension_dependants
-- What says by DEPENDS ON EXTENSION that it goes when an extension goes.
SELECT d.classid, d.objid, pg_catalog.jsonb_agg(e.extname ORDER BY e.extname)
  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
 WHERE d.deptype = 'x' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
 GROUP BY d.classid, d.objid;

-- name: security_labels
SELECT l.provider, pg_catalog.count(*) FROM pg_catalog.pg_seclabel l GROUP BY l.provider;

-- name: uncounted
-- What belongs to the database and is not part of its schema, or may not be read: only how many there are.
SELECT 'subscription', pg_catalog.count(*) FROM pg_catalog.pg_subscription s, pg_catalog.pg_database d
 WHERE s.subdbid = d.oid AND d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'database setting', pg_catalog.count(*) FROM pg_catalog.pg_db_role_setting s, pg_catalog.pg_database d
 WHERE s.setdatabase = d.oid AND d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'database privilege', pg_catalog.count(*) FROM pg_catalog.pg_database d
 WHERE d.datacl IS NOT NULL AND d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'database comment', pg_catalog.count(*) FROM pg_catalog.pg_shdescription s, pg_catalog.pg_database d
 WHERE s.classoid = d.tableoid AND s.objoid = d.oid AND d.datname = pg_catalog.current_database()
   AND s.description <> 'default administrative connection database'
UNION ALL
SELECT 'large object', pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata
UNION ALL
SELECT 'privilege on what an extension made', pg_catalog.count(*)
  FROM (SELECT p.tableoid AS classid, p.oid AS objid, p.proacl AS acl FROM pg_catalog.pg_proc p
        UNION ALL SELECT c.tableoid, c.oid, c.relacl FROM pg_catalog.pg_class c
        UNION ALL SELECT t.tableoid, t.oid, t.typacl FROM pg_catalog.pg_type t
        UNION ALL SELECT w.tableoid, w.oid, w.fdwacl FROM pg_catalog.pg_foreign_data_wrapper w
        UNION ALL SELECT l.tableoid, l.oid, l.lanacl FROM pg_catalog.pg_language l) x
  JOIN pg_catalog.pg_depend d ON d.classid = x.classid AND d.objid = x.objid AND d.deptype = 'e'
  LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = x.classid AND i.objoid = x.objid AND i.objsubid = 0
 WHERE x.acl IS DISTINCT FROM i.initprivs
UNION ALL
SELECT 'privilege on what Postgres brings', pg_catalog.count(*)
  FROM (SELECT p.tableoid AS classid, p.oid AS objid, 0 AS objsubid, p.proacl AS acl FROM pg_catalog.pg_proc p
        UNION ALL SELECT c.tableoid, c.oid, 0, c.relacl FROM pg_catalog.pg_class c
                   WHERE c.relnamespace <> 'information_schema'::pg_catalog.regnamespace  -- its views have no first state
        UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, a.attnum, a.attacl FROM pg_catalog.pg_attribute a
        UNION ALL SELECT t.tableoid, t.oid, 0, t.typacl FROM pg_catalog.pg_type t
        UNION ALL SELECT l.tableoid, l.oid, 0, l.lanacl FROM pg_catalog.pg_language l
        UNION ALL SELECT n.tableoid, n.oid, 0, n.nspacl FROM pg_catalog.pg_namespace n
                   WHERE n.nspname NOT IN ('public', 'information_schema')) x
  LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = x.classid AND i.objoid = x.objid AND i.objsubid = x.objsubid
 WHERE x.objid < 16384 AND x.acl IS DISTINCT FROM i.initprivs
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = x.classid AND d.objid = x.objid AND d.deptype = 'e')
UNION ALL
SELECT 'privilege on a system column', pg_catalog.count(*)
  FROM pg_catalog.pg_attribute a WHERE a.attnum < 0 AND a.attacl IS NOT NULL AND a.attrelid >= 16384
UNION ALL
SELECT 'privilege on the row type of a table', pg_catalog.count(*)
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c'
 WHERE t.typacl IS NOT NULL AND t.oid >= 16384
UNION ALL
SELECT 'foreign key with a disabled trigger', pg_catalog.count(DISTINCT t.tgconstraint)
  FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint AND k.contype = 'f'
 WHERE t.tgisinternal AND t.tgenabled <> 'O'
UNION ALL
-- Other than that of the column, which ALTER SEQUENCE can make it.
SELECT 'type of the sequence of an identity column', pg_catalog.count(*)
  FROM pg_catalog.pg_sequence s
  JOIN pg_catalog.pg_depend d ON d.objid = s.seqrelid AND d.deptype = 'i'
       AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE a.atttypid <> s.seqtypid
UNION ALL
SELECT 'constraint that is valid otherwise than its parent''s', pg_catalog.count(*)
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_constraint k ON k.conrelid = i.inhrelid AND NOT k.conislocal AND k.contype IN ('c', 'f')
  JOIN pg_catalog.pg_constraint p ON p.conrelid = i.inhparent AND p.contype = k.contype
       AND (p.oid = k.conparentid OR k.contype = 'c' AND p.conname = k.conname)
 WHERE p.convalidated <> k.convalidated
UNION ALL
SELECT 'statistics target of an exclusion''s index', pg_catalog.count(*)
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conindid
 WHERE k.contype = 'x' AND (pg_catalog.to_jsonb(a) ->> 'attstattarget')::int >= 0;

-- name: members
-- What extensions made.
SELECT d.classid, d.objid, d.refobjid
  FROM pg_catalog.pg_depend d
 WHERE d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass;

-- name: stand_ins
-- What Postgres makes along with an object, and the object that it stands for.
SELECT r.tableoid, r.oid, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, r.ev_class, 0
  FROM pg_catalog.pg_rewrite r WHERE r.rulename = '_RETURN' AND r.oid >= 16384
UNION ALL
SELECT t.tableoid, t.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, t.typrelid, 0
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c'
 WHERE t.oid >= 16384
UNION ALL
SELECT c.tableoid, c.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, c.reltype, 0
  FROM pg_catalog.pg_class c WHERE c.relkind = 'c' AND c.oid >= 16384
UNION ALL
SELECT t.tableoid, t.typarray, t.tableoid, t.oid, 0
  FROM pg_catalog.pg_type t WHERE t.typarray <> 0 AND t.oid >= 16384
UNION ALL
SELECT d.tableoid, d.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, d.adrelid, d.adnum
  FROM pg_catalog.pg_attrdef d
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated <> ''
UNION ALL
SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, k.conindid, k.tableoid, k.oid, 0
  FROM pg_catalog.pg_constraint k WHERE k.contype IN ('p', 'u', 'x') AND k.conindid >= 16384
UNION ALL
SELECT k.tableoid, k.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, k.conrelid, k.conkey[1]
  FROM pg_catalog.pg_constraint k WHERE k.contype = 'n' AND k.conrelid <> 0 AND k.oid >= 16384
UNION ALL
SELECT k.tableoid, k.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, k.contypid, 0
  FROM pg_catalog.pg_constraint k WHERE k.contype = 'n' AND k.contypid <> 0 AND k.oid >= 16384
UNION ALL
SELECT k.tableoid, k.oid, t.tableoid, t.oid, 0
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_trigger t ON t.tgconstraint = k.oid WHERE k.contype = 't'
UNION ALL
SELECT d.classid, d.objid, d.refclassid, d.refobjid, d.refobjsubid
  FROM pg_catalog.pg_depend d
 WHERE d.deptype = 'i' AND d.objid >= 16384
   AND (d.classid IN ('pg_catalog.pg_trigger'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass)
        OR d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
        OR d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0
           AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = d.objid AND c.relkind = 'S'))
UNION ALL
SELECT d.classid, d.objid, d.refclassid, d.refobjid, 0
  FROM pg_catalog.pg_depend d
 WHERE d.deptype IN ('a', 'i') AND d.objid >= 16384
   AND d.classid IN ('pg_catalog.pg_publication_rel'::pg_catalog.regclass, 'pg_catalog.pg_amop'::pg_catalog.regclass,
                     'pg_catalog.pg_amproc'::pg_catalog.regclass, 'pg_catalog.pg_user_mapping'::pg_catalog.regclass)
   AND d.refclassid IN ('pg_catalog.pg_publication'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass,
                        'pg_catalog.pg_opfamily'::pg_catalog.regclass, 'pg_catalog.pg_foreign_server'::pg_catalog.regclass);

-- name: dependencies
SELECT DISTINCT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid
  FROM pg_catalog.pg_depend d
 WHERE d.deptype IN ('n', 'a', 'i', 'P', 'S') AND d.objid >= 16384
   AND (d.refobjid >= 16384 OR d.refclassid IN ('pg_catalog.pg_namespace'::pg_catalog.regclass,
                                                'pg_catalog.pg_extension'::pg_catalog.regclass));
