-- stored columns become plain ones and plain ones stored, under an index and a view
CREATE TABLE t (a int, b int, c int, d int GENERATED ALWAYS AS (c + 1) STORED, e text GENERATED ALWAYS AS ('y' || c::text) STORED);
CREATE INDEX tb ON t (b);
CREATE VIEW v AS SELECT b, d, e FROM t;
COMMENT ON COLUMN t.b IS 'b';
GRANT SELECT (b, e) ON t TO dbsync_case_reader;
