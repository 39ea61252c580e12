-- an aggregate gets another state type under a view and a matview
CREATE FUNCTION acc(bigint, int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT coalesce($1,0)+coalesce($2,0)';
CREATE AGGREGATE mysum(int) (SFUNC = acc, STYPE = bigint, INITCOND = '1', PARALLEL = SAFE);
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT mysum(a) AS s FROM t;
CREATE MATERIALIZED VIEW m AS SELECT s FROM v;
