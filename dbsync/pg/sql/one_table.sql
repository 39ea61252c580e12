-- What dbsync.pg.reflect_table asks beyond the blocks of catalog.sql and keys.sql, which it narrows to what this finds.

-- name: family
-- One relation by its schema ($1) and name ($2); the relations that it inherits from and those that inherit from it
-- (of partitions neither tells anything about the relation's own rows); the types that its columns are made of, and
-- whether somebody made one of them.
WITH RECURSIVE asked AS (
    SELECT c.oid
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2
), used (oid) AS (
    SELECT a.atttypid
      FROM asked JOIN pg_catalog.pg_attribute a ON a.attrelid = asked.oid
     WHERE a.attnum > 0 AND NOT a.attisdropped
     UNION
    SELECT part.oid
      FROM used
      JOIN pg_catalog.pg_type t ON t.oid = used.oid
      CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem)) part (oid)
     WHERE part.oid <> 0
)
SELECT ARRAY(SELECT asked.oid FROM asked),
       ARRAY(SELECT i.inhparent FROM asked JOIN pg_catalog.pg_inherits i ON i.inhrelid = asked.oid
              UNION
             SELECT i.inhrelid
               FROM asked
               JOIN pg_catalog.pg_inherits i ON i.inhparent = asked.oid
               JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
              WHERE NOT c.relispartition),
       ARRAY(SELECT used.oid FROM used),
       EXISTS (SELECT
                 FROM used
                 JOIN pg_catalog.pg_type t ON t.oid = used.oid
                 JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
                WHERE n.nspname NOT IN ('pg_catalog', 'information_schema'));

-- name: plain_stamp
-- What a look at the rows of one table relies on: equal as long as nothing of it changed. Planning it takes a third of what
-- planning `stamps` of sync.sql takes, as it does not tell what becomes of a column's type, where somebody made that, nor of
-- partitions. That a column has got another type, it tells.
SELECT n.nspname, c.relname, c.relkind, c.relispartition, c.relrowsecurity, c.relforcerowsecurity,
       (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(',', a.attnum, a.attname, a.atttypid, a.atttypmod,
                   a.attnotnull, a.attgenerated, a.attidentity, a.attisdropped, a.attcollation),
               E'\x02' ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),
       (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(',', i.indisvalid, i.indisprimary, i.indimmediate,
                   pg_catalog.pg_get_indexdef(i.indexrelid)),
               E'\x02' ORDER BY i.indexrelid)
          FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid),
       (SELECT pg_catalog.string_agg(h.inhrelid::pg_catalog.text, ',' ORDER BY h.inhrelid)
          FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = $1::pg_catalog.oid;
