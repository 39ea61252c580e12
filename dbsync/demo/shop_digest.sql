-- One line per table, materialised view and sequence: its kind, its name, its rows, a digest of all rows
-- in C order. Shares nothing with dbsync. Run with psql -At.

SET search_path = '';
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET extra_float_digits = 1;
SET bytea_output = 'hex';

SELECT format(
           'SELECT %L, %L, count(*), md5(coalesce(string_agg(line, chr(10) ORDER BY line COLLATE pg_catalog."C"), ''''))'
           ' FROM (SELECT held::text FROM ONLY %I.%I AS held) AS lines (line)',
           CASE c.relkind WHEN 'r' THEN 'table' ELSE 'view' END, format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm') AND n.nspname IN ('shop', 'Back Office')
 ORDER BY c.relkind DESC, n.nspname, c.relname
\gexec

SELECT format('SELECT ''sequence'', %L, last_value, is_called FROM %I.%I', format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND n.nspname IN ('shop', 'Back Office')
 ORDER BY n.nspname, c.relname
\gexec
