-- What a script needs beyond the Catalog: which object needs which, and statements that the Catalog
-- has no place for. Objects that an extension owns come with the extension.

-- name: keywords
-- Words that must be quoted when they are names.
SELECT word FROM pg_catalog.pg_get_keywords() WHERE catcode <> 'U' ORDER BY word;

-- name: extensions
-- Extensions with their schemas, each after those it requires: a longer chain comes later.
WITH RECURSIVE chain (oid, length) AS (
    SELECT oid, 0 FROM pg_catalog.pg_extension
     UNION ALL
    SELECT d.objid, chain.length + 1
      FROM chain
      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                 AND d.refobjid = chain.oid AND d.deptype = 'n'
                                 AND d.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass
)
SELECT e.extname, n.nspname
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  JOIN (SELECT oid, pg_catalog.max(length) AS length FROM chain GROUP BY oid) c ON c.oid = e.oid
 ORDER BY c.length, e.extname COLLATE "C";

-- name: owned_schemas
-- Schemas that an extension makes by itself.
SELECT n.nspname
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objid = n.oid
                             AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e';

-- name: needs
-- Which object needs which other one to be there first. An object is a kind, an oid and a part of it:
-- defaults, constraints, indexes, triggers and policies are parts of their relation; the row type, the
-- rule and the generated columns of a relation, the array and the multirange of a type count as the
-- thing itself. "other" is whatever a script cannot make (operators, foreign servers, ...).
WITH owned AS (
    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
     WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
), node (classid, objid, kind, oid, part) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid,
           CASE WHEN c.relkind = 'c' THEN 'type' ELSE 'relation' END,
           CASE WHEN c.relkind = 'c' THEN c.reltype ELSE c.oid END, ''
      FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid,
           CASE WHEN c.relkind IS DISTINCT FROM 'c' AND c.oid IS NOT NULL THEN 'relation' ELSE 'type' END,
           CASE WHEN c.relkind IS DISTINCT FROM 'c' AND c.oid IS NOT NULL THEN c.oid
                ELSE COALESCE(made.refobjid, e.oid, t.oid) END, ''
      FROM pg_catalog.pg_type t
      LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
      LEFT JOIN pg_catalog.pg_class c ON c.oid = COALESCE(NULLIF(t.typrelid, 0), NULLIF(e.typrelid, 0))
      LEFT JOIN pg_catalog.pg_depend made ON made.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                                         AND made.objid = t.oid AND made.deptype = 'i' AND t.typtype = 'm'
                                         AND made.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid,
           CASE WHEN made.objid IS NULL THEN 'routine' ELSE 'type' END, COALESCE(made.refobjid, p.oid), ''
      FROM pg_catalog.pg_proc p
      LEFT JOIN pg_catalog.pg_depend made ON made.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                                         AND made.objid = p.oid AND made.deptype = 'i'
                                         AND made.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, x.oid, 'relation', x.adrelid,
           CASE WHEN a.attgenerated = '' THEN 'default ' || a.attname ELSE '' END
      FROM pg_catalog.pg_attrdef x
      JOIN pg_catalog.pg_attribute a ON a.attrelid = x.adrelid AND a.attnum = x.adnum
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, v.oid,
           CASE WHEN v.contypid <> 0 THEN 'type' ELSE 'relation' END,
           CASE WHEN v.contypid <> 0 THEN v.contypid ELSE v.conrelid END,
           CASE WHEN v.contypid <> 0 OR v.contype IN ('p', 'u') THEN '' ELSE 'constraint ' || v.conname END
      FROM pg_catalog.pg_constraint v WHERE v.contype IN ('c', 'x', 'p', 'u')
    UNION ALL
    SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, r.oid, 'relation', r.ev_class, ''
      FROM pg_catalog.pg_rewrite r WHERE r.rulename = '_RETURN'
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, 'relation', i.indrelid,
           CASE WHEN v.oid IS NULL THEN 'index ' || c.relname WHEN v.contype = 'x' THEN 'constraint ' || v.conname
                ELSE '' END
      FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
      LEFT JOIN pg_catalog.pg_constraint v ON v.conindid = i.indexrelid AND v.conrelid = i.indrelid
                                          AND v.contype IN ('p', 'u', 'x')
    UNION ALL
    SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid, 'relation', g.tgrelid, 'trigger ' || g.tgname
      FROM pg_catalog.pg_trigger g WHERE NOT g.tgisinternal
    UNION ALL
    SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, 'relation', p.polrelid, 'policy ' || p.polname
      FROM pg_catalog.pg_policy p
)
SELECT DISTINCT a.kind, a.oid, a.part, COALESCE(b.kind, 'other'), COALESCE(b.oid, d.refobjid), COALESCE(b.part, '')
  FROM pg_catalog.pg_depend d
  JOIN node a ON a.classid = d.classid AND a.objid = d.objid
  LEFT JOIN node b ON b.classid = d.refclassid AND b.objid = d.refobjid
  LEFT JOIN owned o ON o.classid = d.refclassid AND o.objid = d.refobjid
  LEFT JOIN pg_catalog.pg_class s ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND s.oid = d.objid
 WHERE d.refobjid >= 16384 AND o.objid IS NULL
   AND d.refclassid NOT IN ('pg_catalog.pg_extension'::pg_catalog.regclass,
                            'pg_catalog.pg_namespace'::pg_catalog.regclass,
                            'pg_catalog.pg_collation'::pg_catalog.regclass)
   -- a sequence is made before the column that owns it
   AND NOT (s.relkind = 'S' AND d.deptype IN ('a', 'i'))
   -- a foreign key is made after all of these
   AND NOT (b.kind IS NULL AND d.refclassid IN ('pg_catalog.pg_class'::pg_catalog.regclass,
                                                'pg_catalog.pg_constraint'::pg_catalog.regclass))
   AND (a.kind, a.oid, a.part) IS DISTINCT FROM (COALESCE(b.kind, 'other'), COALESCE(b.oid, d.refobjid), COALESCE(b.part, ''))
 ORDER BY 1, 2, 3, 4, 5, 6;

-- name: collations
-- Columns of pg_collation were renamed over time, hence the detour by JSON.
SELECT pg_catalog.format('CREATE COLLATION %I.%I (PROVIDER = %s, %s%s%s);', n.nspname, o.collname,
           CASE o.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
           CASE WHEN o.collprovider IN ('i', 'b')
                THEN pg_catalog.format('LOCALE = %L', COALESCE(j.row ->> 'colllocale', j.row ->> 'colliculocale',
                                                               j.row ->> 'collcollate'))
                ELSE pg_catalog.format('LC_COLLATE = %L, LC_CTYPE = %L', o.collcollate, o.collctype) END,
           CASE WHEN NOT o.collisdeterministic THEN ', DETERMINISTIC = false' END,
           ', RULES = ' || pg_catalog.quote_literal(j.row ->> 'collicurules'))
  FROM pg_catalog.pg_collation o
  JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace
  CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(o)) j (row)
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND d.objid = o.oid
                      AND d.deptype = 'e')
 ORDER BY n.nspname COLLATE "C", o.collname COLLATE "C";

-- name: settings
-- Storage parameters, replica identity, column storage and statistics, by the relation they belong to, and the part of
-- it where that is an index.
WITH relation AS (
    SELECT c.*, n.nspname,
           CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'i' THEN 'INDEX'
                          WHEN 'I' THEN 'INDEX' ELSE 'TABLE' END AS word,
           COALESCE(i.indrelid, c.oid) AS owner_oid, v.oid AS constraint_oid,
           CASE WHEN v.oid IS NOT NULL THEN 'constraint ' || v.conname WHEN i.indexrelid IS NOT NULL THEN 'index ' || c.relname
                ELSE '' END AS part
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
      LEFT JOIN pg_catalog.pg_constraint v ON v.conindid = c.oid AND v.conrelid = i.indrelid
                                          AND v.contype IN ('p', 'u', 'x')
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'i', 'I')
       AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
)
SELECT made.owner_oid, made.part, made.text
  FROM (
    SELECT r.owner_oid, r.part, r.nspname, r.relname, 1 AS place,
           pg_catalog.format('ALTER %s %I.%I SET (%s);', r.word, r.nspname, r.relname,
               (SELECT pg_catalog.string_agg(pg_catalog.format('%s=%L', pg_catalog.split_part(o, '=', 1),
                                             pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)), ', ' ORDER BY o)
                  FROM pg_catalog.unnest(r.reloptions) o)) AS text
      FROM relation r
     WHERE r.reloptions <> '{}'
       -- the definition of an index holds them, that of a constraint does not
       AND (r.relkind NOT IN ('i', 'I') OR r.constraint_oid IS NOT NULL)
     UNION ALL
    SELECT r.owner_oid, r.part, r.nspname, r.relname, 2,
           pg_catalog.format('ALTER TABLE %I.%I SET (%s);', r.nspname, r.relname,
               (SELECT pg_catalog.string_agg(pg_catalog.format('toast.%s=%L', pg_catalog.split_part(o, '=', 1),
                                             pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)), ', ' ORDER BY o)
                  FROM pg_catalog.unnest(t.reloptions) o))
      FROM relation r JOIN pg_catalog.pg_class t ON t.oid = r.reltoastrelid WHERE t.reloptions <> '{}'
     UNION ALL
    SELECT r.owner_oid, r.part, r.nspname, r.relname, 3,
           pg_catalog.format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY %s;', r.nspname, r.relname,
               CASE r.relreplident WHEN 'n' THEN 'NOTHING' ELSE 'FULL' END)
      FROM relation r WHERE r.relkind IN ('r', 'p') AND r.relreplident IN ('n', 'f')
     UNION ALL
    SELECT r.owner_oid, r.part, r.nspname, r.relname, 4 + a.attnum,
           pg_catalog.format('ALTER TABLE ONLY %I.%I ALTER COLUMN %I %s;', r.nspname, r.relname, a.attname, what.text)
      FROM relation r
      JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(a)) j (row)
      CROSS JOIN LATERAL (VALUES
          (CASE WHEN a.attstorage <> t.typstorage AND r.relkind <> 'v'
                THEN 'SET STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                                                         WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END),
          (CASE j.row ->> 'attcompression' WHEN 'p' THEN 'SET COMPRESSION pglz' WHEN 'l' THEN 'SET COMPRESSION lz4' END),
          (CASE WHEN a.attstattarget >= 0 THEN 'SET STATISTICS ' || a.attstattarget::text END),
          (CASE WHEN a.attoptions <> '{}' THEN 'SET (' || pg_catalog.array_to_string(a.attoptions, ', ') || ')' END)
      ) what (text)
     WHERE r.relkind IN ('r', 'p', 'v', 'm') AND what.text IS NOT NULL
     UNION ALL
    SELECT r.owner_oid, r.part, r.nspname, r.relname, 4 + a.attnum,
           pg_catalog.format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s;', r.nspname, r.relname, a.attnum,
                             a.attstattarget)
      FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attstattarget >= 0
     WHERE r.relkind IN ('i', 'I')
  ) made
 ORDER BY made.nspname COLLATE "C", made.relname COLLATE "C", made.place, made.text COLLATE "C";

-- name: not_nulls
-- NOT NULL constraints (18 and later) that a plain NOT NULL would not make: what stands before and after it.
SELECT v.conrelid, a.attname, pg_catalog.format('CONSTRAINT %I ', v.conname),
       CASE WHEN v.connoinherit THEN ' NO INHERIT' ELSE '' END
  FROM pg_catalog.pg_constraint v
  JOIN pg_catalog.pg_class c ON c.oid = v.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = v.conrelid AND a.attnum = v.conkey[1]
 WHERE v.contype = 'n' AND v.convalidated
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
   AND (v.connoinherit OR v.conname <> pg_catalog.left(c.relname || '_' || a.attname || '_not_null', 63))
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum;

-- name: late_not_nulls
-- Those that are not validated, which can only be added afterwards; a child has its parent's by itself.
SELECT v.conrelid,
       pg_catalog.format('ALTER TABLE %I.%I ADD CONSTRAINT %I NOT NULL %I%s NOT VALID;', n.nspname, c.relname, v.conname,
                         a.attname, CASE WHEN v.connoinherit THEN ' NO INHERIT' ELSE '' END)
  FROM pg_catalog.pg_constraint v
  JOIN pg_catalog.pg_class c ON c.oid = v.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = v.conrelid AND a.attnum = v.conkey[1]
 WHERE v.contype = 'n' AND NOT v.convalidated AND (v.conislocal OR c.relispartition)
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum;

-- name: inherited
-- What a child, other than a partition, has from its parents alone.
SELECT a.attrelid, 'column ' || a.attname
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
 WHERE NOT a.attislocal AND a.attnum > 0 AND NOT a.attisdropped AND NOT c.relispartition
 UNION ALL
SELECT v.conrelid, CASE v.contype WHEN 'n' THEN 'not_null ' || a.attname ELSE 'constraint ' || v.conname END
  FROM pg_catalog.pg_constraint v
  JOIN pg_catalog.pg_class c ON c.oid = v.conrelid
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = v.conrelid AND a.attnum = v.conkey[1] AND v.contype = 'n'
 WHERE NOT v.conislocal AND v.contype IN ('c', 'n') AND NOT c.relispartition;

-- name: validations
-- Of a child's constraints that it has from a parent whose own is not validated.
SELECT v.conrelid,
       pg_catalog.format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I;', n.nspname, c.relname, v.conname)
  FROM pg_catalog.pg_constraint v
  JOIN pg_catalog.pg_class c ON c.oid = v.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT v.conislocal AND v.contype IN ('c', 'n') AND v.convalidated AND NOT c.relispartition
   AND EXISTS (SELECT FROM pg_catalog.pg_inherits h
                 JOIN pg_catalog.pg_constraint p ON p.conrelid = h.inhparent
                WHERE h.inhrelid = v.conrelid AND p.contype = v.contype AND p.conname = v.conname
                  AND NOT p.convalidated)
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", v.conname COLLATE "C";

-- name: statistics
SELECT s.stxrelid, made.text
  FROM pg_catalog.pg_statistic_ext s
  JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
  CROSS JOIN LATERAL (VALUES
      (1, pg_catalog.pg_get_statisticsobjdef(s.oid) || ';'),
      (2, CASE WHEN s.stxstattarget >= 0
               THEN pg_catalog.format('ALTER STATISTICS %I.%I SET STATISTICS %s;', n.nspname, s.stxname, s.stxstattarget) END)
  ) made (place, text)
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync')
 ORDER BY n.nspname COLLATE "C", s.stxname COLLATE "C", made.place;

-- name: comments
-- The object, or the relation and the part of it, and the statement.
SELECT made.kind, made.oid, COALESCE(made.part, ''),
       pg_catalog.format('COMMENT ON %s %s IS %L;', made.word, made.identity, made.description)
  FROM (
    SELECT CASE WHEN o.type IN ('schema', 'collation', 'statistics object') THEN 'other'
                WHEN d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 'routine'
                WHEN d.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass OR v.contypid <> 0 OR c.relkind = 'c'
                THEN 'type' ELSE 'relation' END AS kind,
           COALESCE(NULLIF(v.contypid, 0), v.conrelid, g.tgrelid, p.polrelid, r.ev_class, i.indrelid,
                    CASE WHEN c.relkind = 'c' THEN c.reltype END, d.objoid) AS oid,
           CASE WHEN v.conrelid <> 0 THEN 'constraint ' || v.conname
                WHEN g.oid IS NOT NULL THEN 'trigger ' || g.tgname
                WHEN p.oid IS NOT NULL THEN 'policy ' || p.polname
                WHEN i.indexrelid IS NOT NULL THEN 'index ' || c.relname END AS part,
           CASE WHEN v.contypid <> 0 THEN 'CONSTRAINT'
                WHEN o.type LIKE '% column' THEN 'COLUMN'
                WHEN o.type LIKE '% constraint' THEN 'CONSTRAINT'
                WHEN o.type = 'statistics object' THEN 'STATISTICS'
                ELSE pg_catalog.upper(o.type) END AS word,
           CASE WHEN v.contypid <> 0
                THEN pg_catalog.format('%I ON DOMAIN %s', v.conname, pg_catalog.format_type(v.contypid, NULL))
                ELSE o.identity END AS identity,
           d.description
      FROM pg_catalog.pg_description d
      CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) o
      LEFT JOIN pg_catalog.pg_constraint v ON d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND v.oid = d.objoid
      LEFT JOIN pg_catalog.pg_trigger g ON d.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND g.oid = d.objoid
      LEFT JOIN pg_catalog.pg_policy p ON d.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND p.oid = d.objoid
      LEFT JOIN pg_catalog.pg_rewrite r ON d.classoid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objoid
      LEFT JOIN pg_catalog.pg_class c ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objoid
      LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
     WHERE d.objoid >= 16384
       AND d.classoid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass,
                          'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_constraint'::pg_catalog.regclass,
                          'pg_catalog.pg_trigger'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass,
                          'pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_namespace'::pg_catalog.regclass,
                          'pg_catalog.pg_collation'::pg_catalog.regclass,
                          'pg_catalog.pg_statistic_ext'::pg_catalog.regclass)
       AND o.schema IS DISTINCT FROM 'information_schema' AND o.schema IS DISTINCT FROM 'dbsync'
       AND o.identity <> 'dbsync'
  ) made
 ORDER BY 4;

-- name: not_held
-- What a script made by dbsync does not hold, counted by kind. Objects below 16384 are the server's own.
WITH owned AS (
    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
     WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
        OR d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND d.deptype = 'i'  -- a range type made it
), object (kind, classid, oid) AS (
    SELECT 'foreign data wrapper', 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_foreign_data_wrapper
    UNION ALL SELECT 'foreign server', 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_foreign_server
    UNION ALL SELECT 'user mapping', 'pg_catalog.pg_user_mapping'::pg_catalog.regclass, umid
      FROM pg_catalog.pg_user_mappings
    UNION ALL SELECT 'event trigger', 'pg_catalog.pg_event_trigger'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_event_trigger
    UNION ALL SELECT 'publication', 'pg_catalog.pg_publication'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_publication
    UNION ALL SELECT 'subscription', 'pg_catalog.pg_subscription'::pg_catalog.regclass, 16384
      FROM pg_catalog.pg_subscription
     WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    UNION ALL SELECT 'language', 'pg_catalog.pg_language'::pg_catalog.regclass, oid FROM pg_catalog.pg_language
    UNION ALL SELECT 'cast', 'pg_catalog.pg_cast'::pg_catalog.regclass, oid FROM pg_catalog.pg_cast
    UNION ALL SELECT 'operator', 'pg_catalog.pg_operator'::pg_catalog.regclass, oid FROM pg_catalog.pg_operator
    UNION ALL SELECT 'operator class', 'pg_catalog.pg_opclass'::pg_catalog.regclass, oid FROM pg_catalog.pg_opclass
    UNION ALL SELECT 'operator family', 'pg_catalog.pg_opfamily'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_opfamily
    UNION ALL SELECT 'conversion', 'pg_catalog.pg_conversion'::pg_catalog.regclass, oid FROM pg_catalog.pg_conversion
    UNION ALL SELECT 'text search configuration', 'pg_catalog.pg_ts_config'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_ts_config
    UNION ALL SELECT 'text search dictionary', 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_ts_dict
    UNION ALL SELECT 'text search parser', 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_ts_parser
    UNION ALL SELECT 'text search template', 'pg_catalog.pg_ts_template'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_ts_template
    UNION ALL SELECT 'access method', 'pg_catalog.pg_am'::pg_catalog.regclass, oid FROM pg_catalog.pg_am
    UNION ALL SELECT 'transform', 'pg_catalog.pg_transform'::pg_catalog.regclass, oid FROM pg_catalog.pg_transform
    UNION ALL SELECT 'default privileges', 'pg_catalog.pg_default_acl'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_default_acl
    UNION ALL SELECT 'announced type', 'pg_catalog.pg_type'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_type WHERE NOT typisdefined
    UNION ALL SELECT 'typed table''s tie to its type', 'pg_catalog.pg_class'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_class WHERE reloftype <> 0
    UNION ALL SELECT 'tablespace of a relation', 'pg_catalog.pg_class'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_class WHERE reltablespace <> 0 AND relkind IN ('r', 'p', 'm', 'i', 'I')
    UNION ALL SELECT 'table access method', 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am a ON a.oid = c.relam
     WHERE c.relkind IN ('r', 'p', 'm') AND a.amname <> 'heap'
    UNION ALL SELECT 'grants on a relation', 'pg_catalog.pg_class'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_class WHERE relacl IS NOT NULL
    UNION ALL SELECT 'grants on a column', 'pg_catalog.pg_class'::pg_catalog.regclass, attrelid
      FROM pg_catalog.pg_attribute WHERE attacl IS NOT NULL AND attrelid >= 16384
    UNION ALL SELECT 'grants on a routine', 'pg_catalog.pg_proc'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_proc WHERE proacl IS NOT NULL
    UNION ALL SELECT 'grants on a schema', 'pg_catalog.pg_namespace'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_namespace WHERE nspacl IS NOT NULL
    UNION ALL SELECT 'grants on a type', 'pg_catalog.pg_type'::pg_catalog.regclass, oid
      FROM pg_catalog.pg_type WHERE typacl IS NOT NULL
    UNION ALL SELECT 'security label', classoid, objoid FROM pg_catalog.pg_seclabel
)
SELECT object.kind, pg_catalog.count(*)
  FROM object
  LEFT JOIN owned ON owned.classid = object.classid AND owned.objid = object.oid
 WHERE object.oid >= 16384 AND owned.objid IS NULL
 GROUP BY object.kind
 ORDER BY object.kind;
