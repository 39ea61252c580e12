-- two materialised views that read each other the other way round, with unique indexes and options
CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE MATERIALIZED VIEW b AS SELECT id, v FROM t;
CREATE UNIQUE INDEX bi ON b (id);
CREATE MATERIALIZED VIEW a WITH (fillfactor = 60) AS SELECT id, v + 1 AS v FROM b;
CREATE UNIQUE INDEX ai ON a (id);
ALTER MATERIALIZED VIEW a CLUSTER ON ai;
COMMENT ON COLUMN a.v IS 'v';
