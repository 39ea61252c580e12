-- statistics over expressions and retyped columns change their kinds, targets and schemas
CREATE SCHEMA s;
CREATE TABLE t (a int, b int, c text);
ALTER TABLE t ALTER a TYPE bigint;
CREATE STATISTICS s1 (mcv, dependencies) ON a, b FROM t;
CREATE STATISTICS s.s2 ON (a * b), (lower(c)) FROM t;
ALTER STATISTICS s.s2 SET STATISTICS 7;
ALTER STATISTICS s.s2 OWNER TO postgres;
COMMENT ON STATISTICS s.s2 IS 'x';
