-- virtual columns change their expressions, a stored one becomes virtual
CREATE TABLE t (a bigint, b bigint GENERATED ALWAYS AS (a + 2) VIRTUAL, c bigint GENERATED ALWAYS AS (a * 2) VIRTUAL, d int, e int, f int GENERATED ALWAYS AS (d + e));
CREATE VIEW v AS SELECT b, c, f FROM t;
COMMENT ON COLUMN t.f IS 'virtual by default';
