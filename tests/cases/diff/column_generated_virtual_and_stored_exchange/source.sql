-- a virtual column becomes stored and a stored one virtual, with index, view and grant
CREATE TABLE t (a int, v int GENERATED ALWAYS AS (a + 1) STORED, s int GENERATED ALWAYS AS (a + 2) VIRTUAL);
CREATE INDEX tv ON t (v);
CREATE VIEW w AS SELECT v, s FROM t;
GRANT SELECT (v) ON t TO dbsync_case_reader;
