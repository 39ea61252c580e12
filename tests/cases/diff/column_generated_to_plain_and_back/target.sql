CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED, c int, d int DEFAULT 3, e text GENERATED ALWAYS AS ('x' || a::text) STORED);
CREATE INDEX tb ON t (b);
CREATE VIEW v AS SELECT b, d, e FROM t;
COMMENT ON COLUMN t.b IS 'b';
GRANT SELECT (b, e) ON t TO dbsync_case_reader;
INSERT INTO t (a, c) VALUES (1, 2);
