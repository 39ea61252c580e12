INSERT INTO t SELECT i, i::text FROM generate_series(1, 50) i;
