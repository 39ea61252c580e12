ALTER TABLE t ADD note text;
INSERT INTO t SELECT i, i, 'mine' FROM generate_series(1, 50) i; ANALYZE t;
