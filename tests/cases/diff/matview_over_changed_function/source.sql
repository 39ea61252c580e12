-- a matview with a clustered index, statistics and another matview over a function whose result changes
CREATE FUNCTION f(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text';
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m (x, y) WITH (fillfactor = 80) AS SELECT f(a), a FROM t;
CREATE UNIQUE INDEX mx ON m (x);
ALTER MATERIALIZED VIEW m CLUSTER ON mx;
ALTER MATERIALIZED VIEW m ALTER x SET STATISTICS 7;
CREATE STATISTICS ms ON x, y FROM m;
CREATE MATERIALIZED VIEW m2 AS SELECT count(*) AS n FROM m;
GRANT SELECT ON m TO dbsync_case_reader;
