-- What validate asks beyond the catalog. Columns that only some versions have are read through to_jsonb.

-- name: collations
-- Those of columns of user tables, other than the database's default.
SELECT pg_catalog.format('%I.%I', n.nspname, o.collname), o.collprovider::text,
       COALESCE(j.row ->> 'colllocale', j.row ->> 'colliculocale', o.collcollate::text),
       o.collversion, pg_catalog.pg_collation_actual_version(o.oid), o.collisdeterministic
  FROM pg_catalog.pg_collation o
  JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace
  CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(o)) j (row)
 WHERE o.collprovider <> 'd'
   AND o.oid IN (SELECT a.attcollation
                   FROM pg_catalog.pg_attribute a
                   JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
                   JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
                  WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
                    AND s.nspname !~ '^pg_' AND s.nspname NOT IN ('information_schema', 'dbsync'))
 ORDER BY 1;

-- name: default_collation
SELECT COALESCE(j.row ->> 'datlocprovider', 'c'),
       COALESCE(j.row ->> 'datlocale', j.row ->> 'daticulocale', d.datcollate::text),
       j.row ->> 'datcollversion'
  FROM pg_catalog.pg_database d
  CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(d)) j (row)
 WHERE d.datname = pg_catalog.current_database();

-- name: default_collation_actual
-- Since 15.
SELECT pg_catalog.pg_database_collation_actual_version(d.oid)
  FROM pg_catalog.pg_database d
 WHERE d.datname = pg_catalog.current_database();

-- name: unidentified
-- Tables whose updates or deletes are published and that have no replica identity: these commands fail.
SELECT DISTINCT n.nspname, c.relname
  FROM pg_catalog.pg_publication p
  JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname
  JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
 WHERE (p.pubupdate OR p.pubdelete)
   AND CASE c.relreplident
         WHEN 'n' THEN true
         WHEN 'd' THEN NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
         WHEN 'i' THEN NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)
         ELSE false END;

-- name: subscribed
SELECT n.nspname, c.relname
  FROM pg_catalog.pg_subscription_rel r
  JOIN pg_catalog.pg_class c ON c.oid = r.srrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace;
