-- What dbsync.pg.reflect asks SQLAlchemy's Inspector otherwise: the columns of indexes, which of them hold
-- columns unique, and comments. A run asks here: importing SQLAlchemy takes longer than all else before its
-- first row. A test holds both to the same answers.

-- name: indexes
-- pg_index has indnullsnotdistinct since 15. An index that is being dropped has no definition any more.
SELECT n.nspname, t.relname, c.relname, i.indisprimary,
       i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL,
       COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false),
       ARRAY(SELECT COALESCE(a.attname::text, pg_catalog.pg_get_indexdef(i.indexrelid, k.place::int, true), '')
               FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
               LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
              WHERE k.place <= i.indnkeyatts
              ORDER BY k.place)
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
 WHERE t.relkind IN ('r', 'p', 'm')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync');

-- name: comments
SELECT n.nspname, c.relname, d.description
  FROM pg_catalog.pg_description d
  JOIN pg_catalog.pg_class c ON c.oid = d.objoid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
   AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync');
