INSERT INTO t SELECT i, i FROM generate_series(1, 20000) i; ANALYZE t;
