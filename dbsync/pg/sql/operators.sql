-- name: of_order
-- For each of these types the operators of its order, <, <=, =, >= and >, as OPERATOR(...): those of the default operator
-- class for B-trees, which ORDER BY uses, of the type or else of one that it is binary coercible to. Types without: no row.
SELECT t.oid::int8,
       ARRAY(SELECT pg_catalog.format('OPERATOR(%%I.%%s)', s.nspname, o.oprname)
               FROM pg_catalog.pg_amop a
               JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr
               JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace
              WHERE a.amopfamily = class.opcfamily AND a.amoplefttype = class.opcintype
                AND a.amoprighttype = class.opcintype AND a.amoppurpose = 's'
              ORDER BY a.amopstrategy)
  FROM pg_catalog.unnest(%s::pg_catalog.oid[]) t (oid)
  CROSS JOIN LATERAL (
       SELECT c.opcfamily, c.opcintype
         FROM pg_catalog.pg_opclass c
         JOIN pg_catalog.pg_am m ON m.oid = c.opcmethod AND m.amname = 'btree'
         JOIN pg_catalog.pg_type i ON i.oid = c.opcintype
        WHERE c.opcdefault
          AND (c.opcintype = t.oid
               OR EXISTS (SELECT FROM pg_catalog.pg_cast k
                           WHERE k.castsource = t.oid AND k.casttarget = c.opcintype
                             AND k.castmethod = 'b' AND k.castcontext = 'i'))
        ORDER BY c.opcintype = t.oid DESC, i.typispreferred DESC
        LIMIT 1) class;
