-- The questions behind dbsync.pg.execute and dbsync.pg.functions: what the role may do outside a
-- transaction, and what the functions are that a statement would call.

-- name: role
-- Powers that a read-only transaction does not hold in check.
SELECT r.rolsuper,
       r.rolreplication,
       r.rolcreaterole,
       COALESCE((SELECT pg_catalog.array_agg(p.rolname::text ORDER BY p.rolname)
                   FROM pg_catalog.pg_roles p
                  WHERE p.rolname OPERATOR(pg_catalog.=) ANY (ARRAY['pg_read_server_files', 'pg_write_server_files',
                            'pg_execute_server_program', 'pg_signal_backend', 'pg_checkpoint', 'pg_maintain',
                            'pg_create_subscription', 'pg_signal_autovacuum_worker']::name[])
                    AND pg_catalog.pg_has_role(p.oid, 'MEMBER')), ARRAY[]::text[])
  FROM pg_catalog.pg_roles r
 WHERE r.rolname OPERATOR(pg_catalog.=) current_user;

-- name: function_facts
-- What is known of a function p in the schema n whose owner is r: it stands in the place of FACTS below.
n.nspname,
       p.proname,
       p.provolatile OPERATOR(pg_catalog.=) 'v',
       p.oid OPERATOR(pg_catalog.<) 16384,
       COALESCE(r.rolsuper, false),
       EXISTS (SELECT FROM pg_catalog.pg_depend d
                WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                  AND d.objid OPERATOR(pg_catalog.=) p.oid
                  AND d.deptype OPERATOR(pg_catalog.=) 'e')

-- name: functions
-- Functions by their own oids, and those behind operators and aggregates are found by
-- the next query. Built-in ones have oids below 16384.
SELECT p.oid::int8,
       FACTS
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
  LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) p.proowner
 WHERE p.oid OPERATOR(pg_catalog.=) ANY (%s::pg_catalog.oid[]);

-- name: functions_behind
-- What operators, those that the server may put in their place, aggregates and window aggregates call in turn.
SELECT w.oprcode::pg_catalog.oid::int8
  FROM pg_catalog.pg_operator o
  JOIN pg_catalog.pg_operator w ON w.oid OPERATOR(pg_catalog.=) ANY (ARRAY[o.oid, o.oprcom, o.oprnegate])
 WHERE o.oid OPERATOR(pg_catalog.=) ANY (%(operators)s::pg_catalog.oid[])
UNION
SELECT f.oid::int8
  FROM pg_catalog.pg_aggregate a,
       LATERAL pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
                                       a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::pg_catalog.oid[]) AS f(oid)
 WHERE a.aggfnoid::pg_catalog.oid OPERATOR(pg_catalog.=) ANY (%(functions)s::pg_catalog.oid[])
   AND f.oid OPERATOR(pg_catalog.<>) 0;

-- name: domain_functions
-- The functions in the checks of all domains but the server's own, those behind operators included, as in "functions".
SELECT c.contypid::int8,
       pg_catalog.format_type(c.contypid, NULL),
       p.oid::int8,
       FACTS
  FROM pg_catalog.pg_constraint c
 CROSS JOIN LATERAL pg_catalog.regexp_matches(c.conbin::text, ':(\w*funcid|opno) ([0-9]+)', 'g') AS m(found)
  LEFT JOIN pg_catalog.pg_operator o
    ON m.found[1] OPERATOR(pg_catalog.=) 'opno' AND o.oid OPERATOR(pg_catalog.=) m.found[2]::pg_catalog.oid
  LEFT JOIN pg_catalog.pg_operator w ON w.oid OPERATOR(pg_catalog.=) ANY (ARRAY[o.oid, o.oprcom, o.oprnegate])
  JOIN pg_catalog.pg_proc p
    ON p.oid OPERATOR(pg_catalog.=) COALESCE(w.oprcode::pg_catalog.oid, m.found[2]::pg_catalog.oid)
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
  LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) p.proowner
 WHERE c.contypid OPERATOR(pg_catalog.>=) 16384
   AND c.conbin IS NOT NULL;

-- name: types_made_of
-- These domains, and the types that hold one of them at any depth or check by one: arrays, domains, ranges and multiranges,
-- composite types and the rows of tables. The server notes all of that as dependencies.
WITH RECURSIVE made (oid, root) AS (
    SELECT u.oid, u.oid
      FROM pg_catalog.unnest(%s::pg_catalog.oid[]) AS u(oid)
     UNION
    SELECT w.oid, m.root
      FROM made m
     CROSS JOIN LATERAL (
           SELECT COALESCE(t.oid, r.reltype, c.contypid)
             FROM pg_catalog.pg_depend d
             LEFT JOIN pg_catalog.pg_type t
               ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
              AND t.oid OPERATOR(pg_catalog.=) d.objid
             LEFT JOIN pg_catalog.pg_class r
               ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
              AND r.oid OPERATOR(pg_catalog.=) d.objid
             LEFT JOIN pg_catalog.pg_constraint c
               ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass
              AND c.oid OPERATOR(pg_catalog.=) d.objid
            WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
              AND d.refobjid OPERATOR(pg_catalog.=) m.oid) AS w(oid)
     WHERE w.oid OPERATOR(pg_catalog.<>) 0
)
SELECT t.oid::int8,
       pg_catalog.min(m.root)::int8,
       pg_catalog.format_type(t.oid, NULL),
       t.typtype OPERATOR(pg_catalog.=) 'd'
  FROM made m
  JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) m.oid
 GROUP BY t.oid, t.typtype
 ORDER BY t.oid;

-- name: foreign_columns
-- Foreign tables among these relations and their partitions with columns of these types: their rows are read from text.
WITH RECURSIVE scanned (oid) AS (
    SELECT pg_catalog.unnest(%(relations)s::pg_catalog.oid[])
     UNION
    SELECT i.inhrelid
      FROM scanned s
      JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) s.oid
)
SELECT f.ftrelid::pg_catalog.regclass::text, a.atttypid::int8
  FROM pg_catalog.pg_foreign_table f
  JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) f.ftrelid
 WHERE f.ftrelid OPERATOR(pg_catalog.=) ANY (SELECT s.oid FROM scanned s)
   AND a.atttypid OPERATOR(pg_catalog.=) ANY (%(types)s::pg_catalog.oid[]);

-- name: planned_functions
-- Functions of roles that are neither superusers nor the reader in what the server computes of these relations, at least in part,
-- while it plans a read of them (NULL: of any relation): the expressions of their indexes, extended statistics, partition keys and
-- CHECK constraints, those of all children too, the keys of what they are partitions of and, where they are written,
-- generated columns. Predicates of indexes are computed for rows as well: with feared types all of those are told.
WITH RECURSIVE asked (oid) AS (
    SELECT pg_catalog.unnest(COALESCE(%(relations)s::pg_catalog.oid[],
                                      ARRAY(SELECT c.oid FROM pg_catalog.pg_class c
                                             WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m,f}'))))
), below (oid) AS (
    SELECT q.oid FROM asked q
     UNION
    SELECT i.inhrelid
      FROM below b
      JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) b.oid
), above (oid) AS (
    SELECT q.oid FROM asked q
     UNION
    SELECT i.inhparent
      FROM above a
      JOIN pg_catalog.pg_inherits i ON i.inhrelid OPERATOR(pg_catalog.=) a.oid
), planned (relation, place, by_row, tree) AS (
    SELECT i.indrelid, 'index ' OPERATOR(pg_catalog.||) i.indexrelid::pg_catalog.regclass::text, e.by_row, e.tree::text
      FROM below b
      JOIN pg_catalog.pg_index i ON i.indrelid OPERATOR(pg_catalog.=) b.oid
     CROSS JOIN LATERAL (VALUES (false, i.indexprs), (true, i.indpred)) AS e (by_row, tree)
     UNION ALL
    SELECT s.stxrelid, 'extended statistics', false, pg_catalog.to_jsonb(s) OPERATOR(pg_catalog.->>) 'stxexprs'  -- since 14
      FROM below b
      JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid OPERATOR(pg_catalog.=) b.oid
     UNION ALL
    SELECT k.partrelid, 'partition key', false, k.partexprs::text
      FROM (SELECT b.oid FROM below b UNION SELECT a.oid FROM above a) AS r
      JOIN pg_catalog.pg_partitioned_table k ON k.partrelid OPERATOR(pg_catalog.=) r.oid
     UNION ALL
    SELECT c.conrelid, 'constraint ' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(c.conname), false, c.conbin::text
      FROM below b
      JOIN pg_catalog.pg_constraint c ON c.conrelid OPERATOR(pg_catalog.=) b.oid
     UNION ALL
    SELECT d.adrelid, 'column ' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(a.attname), false, d.adbin::text
      FROM below b
      JOIN pg_catalog.pg_attrdef d ON d.adrelid OPERATOR(pg_catalog.=) b.oid
      JOIN pg_catalog.pg_attribute a
        ON a.attrelid OPERATOR(pg_catalog.=) d.adrelid AND a.attnum OPERATOR(pg_catalog.=) d.adnum
     WHERE a.attgenerated OPERATOR(pg_catalog.<>) '' AND %(writes)s
)
SELECT e.relation::pg_catalog.regclass::text,
       e.place,
       e.by_row,
       -- In a constraint a virtual column gives way to its expression, which may be constant.
       e.by_row OR EXISTS (SELECT FROM pg_catalog.pg_attribute v
                            WHERE v.attrelid OPERATOR(pg_catalog.=) e.relation
                              AND v.attgenerated OPERATOR(pg_catalog.=) 'v'),
       e.tree,
       f.*
  FROM planned e
  LEFT JOIN LATERAL (
       SELECT m.found[1], m.found[2]::int8, n.nspname, p.proname,
              p.provolatile OPERATOR(pg_catalog.=) 'i',
              -- What is put in its place, an SQL function's body or the defaults of arguments, may call others.
              p.prolang OPERATOR(pg_catalog.=) 14 OR p.pronargdefaults OPERATOR(pg_catalog.>) 0
         FROM pg_catalog.regexp_matches(e.tree, ':(\w*funcid|opno) ([0-9]+)', 'g') AS m(found)
         LEFT JOIN pg_catalog.pg_operator o
           ON m.found[1] OPERATOR(pg_catalog.=) 'opno' AND o.oid OPERATOR(pg_catalog.=) m.found[2]::pg_catalog.oid
         LEFT JOIN pg_catalog.pg_operator w
           ON w.oid OPERATOR(pg_catalog.=) ANY (ARRAY[o.oid, o.oprcom, o.oprnegate])
         JOIN pg_catalog.pg_proc p
           ON p.oid OPERATOR(pg_catalog.=) COALESCE(w.oprcode::pg_catalog.oid, m.found[2]::pg_catalog.oid)
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
         LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) p.proowner
        WHERE NOT COALESCE(r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) current_user, false)) AS f ON true
 WHERE e.tree IS NOT NULL
   AND (f.proname IS NOT NULL OR e.by_row AND %(feared)s);

-- name: program_tables
-- Foreign tables among these relations and their partitions that run a program on the server when read.
WITH RECURSIVE scanned (oid) AS (
    SELECT pg_catalog.unnest(%s::pg_catalog.oid[])
     UNION
    SELECT i.inhrelid
      FROM scanned s
      JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) s.oid
)
SELECT c.oid::pg_catalog.regclass::text
  FROM pg_catalog.pg_foreign_table f
  JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) f.ftrelid
 WHERE f.ftrelid OPERATOR(pg_catalog.=) ANY (SELECT s.oid FROM scanned s)
   AND EXISTS (SELECT FROM pg_catalog.unnest(f.ftoptions) AS o(text)
                WHERE pg_catalog.starts_with(o.text, 'program='));

-- name: settings_of_role
-- Give settings the values back that this role has in this database; those that the server does not know are left out.
SELECT pg_catalog.set_config(s.name, s.reset_val, false)
  FROM pg_catalog.pg_settings s
 WHERE s.name OPERATOR(pg_catalog.=) ANY (%s::pg_catalog.text[]);

-- name: show_parse
-- Make the server tell how it understands the next statement, and keep that out of its log.
SELECT pg_catalog.set_config('client_min_messages', 'log', true),
       pg_catalog.set_config('debug_pretty_print', 'off', true),
       CASE WHEN %s THEN pg_catalog.set_config('log_min_messages', 'panic', true) END,
       pg_catalog.set_config('debug_print_rewritten', 'on', true);

-- name: type_names
SELECT pg_catalog.format_type(t.oid, t.modifier)
  FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.oid[]), pg_catalog.unnest(%s::int[])) WITH ORDINALITY
       AS t (oid, modifier, place)
 ORDER BY t.place;
